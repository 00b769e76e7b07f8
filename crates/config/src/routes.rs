//! Paths whose requests are judged by themselves as well. Owns which paths can be told from others, how
//! many there may be and that none stands twice; which requests they hold is the router's.

use std::collections::BTreeMap;

use towpath_guard::MOST_STRATA;

use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::repair;
use crate::shape::{Shape, described, expected};
use crate::tree::{Node, printable};

/// A path that a request can have once its escapes are read: no query, no empty part, and none that
/// begins with a dot, since what climbs is in no route. All of them together are `/`, which is no route.
pub(crate) const PATTERN: &str =
    "^(/[^/.?#%\\u0000-\\u0020\\u007f][^/?#%\\u0000-\\u0020\\u007f]*)+/?$";

/// Checks one path or a list of them that is not empty.
pub(crate) fn verify(all: &[Node], name: &str, problems: &mut Problems) {
    if let Some(more) = all.get(MOST_STRATA) {
        let message = format!("`{name}` has {} paths", all.len());
        problems.add(
            Problem::new(Code::WrongValue, more.extent, message)
                .label("one too many")
                .expected(format!("at most {MOST_STRATA}"))
                .next("keep those that matter most: what each is judged by is shared among them"),
        );
    }
    let mut seen = BTreeMap::new();
    for item in all.iter().filter(|item| !item.is_broken()) {
        let Some(path) = item.text().filter(|text| is_route(text)) else {
            problems.add(no_route(item));
            continue;
        };
        let bare = path.trim_end_matches('/');
        if let Some(first) = seen.get(bare) {
            let message = format!("`{}` stands here twice", printable(path));
            problems.add(
                Problem::new(Code::WrongValue, item.extent, message)
                    .label("the second")
                    .related(*first, "the first")
                    .expected("each path once")
                    .next("remove one of them"),
            );
        } else {
            seen.insert(bare, item.extent);
        }
    }
}

fn is_route(path: &str) -> bool {
    let is_part = |part: &str| {
        let strange = |it: char| it <= ' ' || "?#%\u{7f}".contains(it);
        !part.is_empty() && !part.starts_with('.') && !part.contains(strange)
    };
    let parts = path.strip_suffix('/').unwrap_or(path).strip_prefix('/');
    parts.is_some_and(|parts| parts.split('/').all(is_part))
}

fn no_route(item: &Node) -> Problem {
    let of_all = item.text() == Some("/");
    let why = if of_all { ": every request, and those are judged together anyway" } else { "" };
    let message = format!("a route is {}{why}", described(item));
    let mut problem =
        Problem::new(Code::WrongValue, item.extent, message).expected(expected(Shape::Routes));
    problem.next = match item.text() {
        Some("/") => Some("leave `/` out".to_owned()),
        Some(text) => {
            let whole = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
            is_route(&whole).then(|| repair::endpoint(text))
        }
        None => None,
    };
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_path_that_requests_can_have() {
        for path in ["/checkout", "/api/search", "/a/", "/caf\u{e9}", "/a.b/c-d_e~f"] {
            assert!(is_route(path), "{path}");
        }
        let wrong = ["", "/", "//", "a", "//a", "/a//b", "/a//", "/.", "/a/..", "/.hidden", "/a?b"];
        for path in wrong.into_iter().chain(["/a b", "/a%20b", "/a#b", "/a\n", "/a\u{7f}"]) {
            assert!(!is_route(path), "{path}");
        }
    }
}
