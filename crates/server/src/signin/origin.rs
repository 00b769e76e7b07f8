//! Whether a form was sent by one of our own pages. Owns that question; who sent it is another.

use axum::http::{HeaderMap, header};

/// Whether the browser says that the page which sent this was of the same origin. One that says nothing at all
/// is refused: every browser says `Origin` beside a form (trust.md, T7).
///
/// `Sec-Fetch-Site` is believed before `Origin`, because no page can set either, and `Origin` is `null` where a
/// page's own policy hides it.
pub(super) fn is_own(headers: &HeaderMap, secure: bool) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let scheme = if secure { "https" } else { "http" };
    is_of(headers, &format!("{scheme}://{host}"))
}

/// The same where it is known which origin is ours, whatever the request says of its host.
pub(super) fn is_of(headers: &HeaderMap, ours: &str) -> bool {
    let one = |name: &str| -> Result<Option<&str>, ()> {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
            (Some(_), Some(_)) => Err(()),
        }
    };
    let (Ok(site), Ok(origin)) = (one("sec-fetch-site"), one(header::ORIGIN.as_str())) else {
        return false;
    };
    match (site, origin) {
        (Some("same-origin"), None | Some("null")) => true,
        (Some("same-origin") | None, Some(origin)) => origin.eq_ignore_ascii_case(ours),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn own(pairs: &[(&str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("towpath.example:7411"));
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        is_own(&headers, true)
    }

    #[test]
    fn t7_where_the_public_address_is_known_the_host_of_a_request_counts_for_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("evil.example"));
        let ours = "https://towpath.example";
        for (origin, expected) in [
            ("https://towpath.example", true),
            ("https://evil.example", false),
            ("http://towpath.example", false),
            ("https://towpath.example.evil.example", false),
            ("null", false),
        ] {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            assert_eq!(is_of(&headers, ours), expected, "{origin}");
        }
    }

    #[test]
    fn t7_a_form_of_our_own_page_is_told_from_every_other() {
        let (site, origin) = ("sec-fetch-site", "origin");
        assert!(own(&[(site, "same-origin"), (origin, "https://towpath.example:7411")]));
        assert!(own(&[(origin, "https://TOWPATH.example:7411")]));
        assert!(own(&[(site, "same-origin")]));
        assert!(own(&[(site, "same-origin"), (origin, "null")]));
        for bad in [
            vec![],
            vec![(site, "cross-site")],
            vec![(site, "same-site")],
            vec![(site, "none")],
            vec![(site, "same-origin"), (site, "same-origin")],
            vec![(site, "cross-site"), (origin, "https://towpath.example:7411")],
            vec![(site, "same-origin"), (origin, "https://evil.example")],
            vec![(origin, "null")],
            vec![(origin, "")],
            vec![(origin, "https://evil.example")],
            vec![(origin, "http://towpath.example:7411")],
            vec![(origin, "https://towpath.example")],
            vec![(origin, "https://towpath.example:7411.evil.example")],
            vec![(origin, "https://evil.example/towpath.example:7411")],
            vec![(origin, "https://towpath.example:7411"), (origin, "https://evil.example")],
        ] {
            assert!(!own(&bad), "{bad:?}");
        }
    }
}
