//! The style sheet, the script and the icon, under names that change with their content. Owns of which parts they
//! are put together and how long they are kept; knows no page.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use towpath_core::ids::Digest;

use crate::error::no_such_route;

/// Parts in their order, as one text.
macro_rules! together {
    ($($part:literal)+) => { concat!($(include_str!(concat!("assets/", $part))),+) };
}

/// What all pages share and the matrix needs, and last what holds against all of them.
const FIRST: &str = together!(
    "css/base.css" "css/charts.css" "css/matrix.css" "css/last.css"
);

/// The same with a part for each page that needs one.
const SHEET: &str = together!(
    "css/base.css" "css/charts.css" "css/matrix.css" "css/promotion.css" "css/promotions.css" "css/environment.css"
    "css/waiting.css" "css/lane.css" "css/releases.css" "css/compare.css" "css/pipeline.css" "css/insights.css"
    "css/audit.css" "css/api.css" "css/admin.css" "css/notifications.css" "css/matrix_file.css" "css/simulate.css"
    "css/door.css" "css/last.css"
);

/// The script: what is used by the others comes first.
const SCRIPT: &str = together!(
    "js/begin.js" "js/times.js" "js/filter.js" "js/keys.js" "js/live.js"
);

/// Name, ending, type and content.
static ALL: LazyLock<[(&str, &str, &str, String); 4]> = LazyLock::new(|| {
    let (css, svg) = ("text/css; charset=utf-8", "image/svg+xml");
    [
        ("towpath", "css", css, tight(SHEET)),
        ("towpath", "js", "text/javascript; charset=utf-8", without_notes(SCRIPT)),
        ("icon", "svg", svg, include_str!("assets/icon.svg").to_owned()),
        ("matrix", "css", css, tight(FIRST)),
    ]
});

/// Their names, in the order of [`ALL`].
static NAMES: LazyLock<[String; 4]> = LazyLock::new(|| {
    std::array::from_fn(|at| {
        let (name, ending, _, content) = &ALL[at];
        format!("{name}-{}.{ending}", Digest::of(content.as_bytes()).short())
    })
});

/// A style sheet without its notes and with no more space than it needs; what stands in quotes has no note in it, and
/// never more than one space.
fn tight(sheet: &str) -> String {
    let mut bare = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let mut whole = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    for sign in ["{", "}", ";", ","] {
        for spaced in [format!(" {sign}"), format!("{sign} ")] {
            whole = whole.replace(&spaced, sign);
        }
    }
    whole
}

/// A script without the lines that are notes alone, and without what stands before a line.
fn without_notes(script: &str) -> String {
    let lines = script.lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The address of the style sheet, the script and the icon, below the base of the pages. The matrix, which has the most
/// on it, does without the parts of other pages.
pub(super) fn addresses(is_matrix: bool) -> [String; 3] {
    [if is_matrix { 3 } else { 0 }, 1, 2].map(|at: usize| format!("/assets/{}", NAMES[at]))
}

/// Where the style sheet is under a name that stays.
pub(crate) const STYLE: &str = "/static/towpath.css";

/// The style sheet under a name that stays, for the pages around projects.
pub(crate) async fn style() -> Response {
    let (_, _, kind, content) = &ALL[0];
    // A minute: a new version of the program is seen soon.
    (
        [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=60")],
        content.as_str(),
    )
        .into_response()
}

/// Whoever asks: they tell nothing of the project. One under a name of other content is not there.
pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let found = NAMES.iter().position(|name| *name == file);
    let Some((_, _, kind, content)) = found.map(|at| &ALL[at]) else {
        return no_such_route().await.into_response();
    };
    // A year: the longest that caches take as for ever (RFC 9111, section 5.2.2.1).
    let kept = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, kept)], content.as_str())
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_loses_its_notes_and_its_spaces_and_no_rule() {
        let sheet = "/* a, { note } */\na > b::before { content: attr(x) \" \"; }\n\n@media (min-width: 2px) {\n  c d { e: 1px -2px; }\n}\n";
        let tight = tight(sheet);
        assert_eq!(
            tight,
            "a > b::before{content: attr(x) \" \";}@media (min-width: 2px){c d{e: 1px -2px;}}"
        );
        let count = |text: &str| text.matches('{').count();
        assert_eq!(count(&super::tight("/* { */ a { }")), 1);
        for (name, ending, _, content) in ALL.iter().filter(|one| one.1 == "css") {
            assert_eq!(count(content), content.matches('}').count(), "{name}.{ending}");
        }
    }

    #[test]
    fn a_script_keeps_every_line_that_does_something() {
        assert_eq!(without_notes("// note\n  a(); // why\n\n\tb();\n"), "a(); // why\nb();");
    }
}
