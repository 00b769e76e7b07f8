//! Paths of requests beside those that were declared. Owns how a path is read and what is below what;
//! what follows from that is decided elsewhere.

use std::borrow::Cow;

/// Whether the path is one of `except` or below one. Escaped letters and doubled slashes are read
/// as an application would; what climbs up again counts as excepted, since nobody knows where to.
pub(crate) fn is_excepted(except: &[String], path: &str) -> bool {
    if except.is_empty() {
        return false;
    }
    let plain = plain(path.as_bytes());
    climbs(&plain) || except.iter().any(|one| is_below(&plain, one))
}

/// The number, from 1, of the longest of `declared` that the path is or is below, read as by
/// [`is_excepted`]; 0 where it is below none, and where it climbs. Of two that are alike the first.
pub(crate) fn stratum(declared: &[String], path: &str) -> u8 {
    if declared.is_empty() {
        return 0;
    }
    let plain = plain(path.as_bytes());
    let mut longest = (0, 0);
    for (number, one) in (1..=u8::MAX).zip(declared) {
        let length = bare(one).len() + 1;
        if length > longest.1 && is_below(&plain, one) {
            longest = (number, length);
        }
    }
    if climbs(&plain) { 0 } else { longest.0 }
}

/// The first segments of a path, which are as many as tell the parts of an application apart.
const SEGMENTS: usize = 3;
/// Longest segment that is shown: longer ones are names of single things, or meant to be in the way.
const LONGEST: usize = 24;

/// What a path has in common with others: `/api/orders/*` of `/api/orders/4711/lines?all`. Nothing that may be
/// the name of a single thing, or a secret, is part of it.
pub(crate) fn pattern(path: &str) -> String {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let mut pattern = String::new();
    for segment in segments.by_ref().take(SEGMENTS) {
        pattern.push('/');
        pattern.push_str(if is_word(segment) { segment } else { "*" });
    }
    match segments.next() {
        Some(_) => pattern + "/…",
        None if pattern.is_empty() => "/".to_owned(),
        None => pattern,
    }
}

/// Letters, hyphens and underscores, or a version such as `v2`.
fn is_word(segment: &str) -> bool {
    let is_version = segment.strip_prefix('v').is_some_and(|number| {
        number.len() <= 2 && number.bytes().all(|digit| digit.is_ascii_digit())
    });
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.');
    is_version || (segment.len() <= LONGEST && segment.bytes().all(is_letter))
}

/// A declared path without the slash that it may end with: `/a/` is `/a`.
pub(crate) fn bare(declared: &str) -> &str {
    declared.trim_end_matches('/')
}

fn climbs(plain: &[u8]) -> bool {
    plain.windows(2).any(|pair| pair == b"/.")
}

fn is_below(path: &[u8], declared: &str) -> bool {
    let rest = path.strip_prefix(bare(declared).as_bytes());
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// The path with its escapes read and each row of slashes as one; most are that as they come.
fn plain(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'%') && !path.windows(2).any(|pair| pair == b"//") {
        return Cow::Borrowed(path);
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2).and_then(byte_of)).flatten();
        rest = if escaped.is_some() { &after[2..] } else { after };
        let byte = escaped.unwrap_or(*first);
        if byte != b'/' || plain.last() != Some(&b'/') {
            plain.push(byte);
        }
    }
    Cow::Owned(plain)
}

fn byte_of(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(paths: &[&str]) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_excepted_path_is_excepted_however_it_is_written() {
        let except = declared(&["/checkout", "/a/b/"]);
        let is = |path: &str| is_excepted(&except, path);
        for path in ["/checkout", "/checkout/", "/checkout/pay", "//checkout", "/%63heckout"] {
            assert!(is(path), "{path}");
        }
        for path in ["/x/../checkout", "/x/%2e%2e/checkout", "/./checkout", "/a/b", "/a//b/c"] {
            assert!(is(path), "{path}");
        }
        for path in ["/", "/checkouts", "/check", "/a", "/a/bc", "/caf%C3%A9", "/%", "/%zz"] {
            assert!(!is(path), "{path}");
        }
        assert!(!is_excepted(&[], "/x/../y"));
    }

    #[test]
    fn the_longest_declared_path_is_the_stratum_however_it_is_written() {
        let declared = declared(&["/api", "/checkout", "/api/search/", "/api/search"]);
        let cases = [
            ("/api", 1),
            ("/api/users", 1),
            ("/apis", 0),
            ("/checkout/pay", 2),
            ("//checkout", 2),
            ("/%63heckout", 2),
            ("/api/search", 3),
            ("/api//search/deep", 3),
            ("/api/searches", 1),
            ("/", 0),
            ("*", 0),
            ("/checkout/../x", 0),
            ("/x/%2e%2e/checkout", 0),
        ];
        for (path, number) in cases {
            assert_eq!(stratum(&declared, path), number, "{path}");
        }
        assert_eq!(stratum(&[], "/checkout"), 0);
        assert_eq!(stratum(&["/".to_owned()], "/x"), 1);
    }

    #[test]
    fn a_pattern_names_no_single_thing() {
        for (path, of) in [
            ("/", "/"),
            ("//", "/"),
            ("*", "/*"),
            ("/health", "/health"),
            ("/api/v2/orders", "/api/v2/orders"),
            ("/api/orders/4711", "/api/orders/*"),
            ("/api/orders/4711/lines", "/api/orders/*/…"),
            ("/reset/abcdefghijklmnopqrstuvwxyz", "/reset/*"),
            ("/caf%C3%A9", "/*"),
            ("/anna@example.com", "/*"),
        ] {
            assert_eq!(pattern(path), of, "{path}");
        }
    }
}
