//! Where somebody goes after signing in: back, and never away from here (T15). Owns what an address within is.

use axum::http::{HeaderMap, Uri, header};

/// Longest address that is gone back to, in bytes.
const LONGEST: usize = 2048;

/// `to` if it is an address within this server, else its first page.
pub(super) fn within(to: Option<&str>) -> &str {
    to.filter(|to| is_within(to)).unwrap_or("/")
}

/// A path and a query in printable ASCII, as links of pages have them. Two slashes begin a host and browsers take
/// a backslash for one; nobody goes back to a page of signing in, or round in circles.
fn is_within(to: &str) -> bool {
    let path = to.split(['?', '#']).next().unwrap_or_default();
    to.len() <= LONGEST
        && to.starts_with('/')
        && !path.contains("//")
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !["/sign-in", "/sign-out", "/step-up"].iter().any(|own| path.starts_with(own))
}

/// The page that a request asks for, or from which it was sent.
pub(super) fn page_of(uri: &Uri, looks: bool, headers: &HeaderMap) -> String {
    if looks {
        let whole = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
        return within(Some(whole)).to_owned();
    }
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let referer = referer.and_then(|text| text.parse::<Uri>().ok());
    let path = referer.as_ref().and_then(Uri::path_and_query).map(ToString::to_string);
    within(path.as_deref()).to_owned()
}

/// An address with `to` as its query.
pub(super) fn with_to(page: &str, to: &str) -> String {
    let to = within(Some(to));
    if to == "/" {
        return page.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    format!("{page}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t15_nobody_is_led_away_from_here() {
        for good in ["/", "/promotions/12", "/projects/shop/waiting?mine=1", "/a?b=//c", "/a#b"] {
            assert_eq!(within(Some(good)), good);
        }
        let long = format!("/{}", "a".repeat(LONGEST));
        for bad in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "\\\\evil",
            "https://evil.example",
            "HTTPS:evil.example",
            "javascript:alert(1)",
            "evil.example",
            "./x",
            "/a//evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: x=y",
            "/ä",
            " /a",
            "/a b",
            "/sign-in?to=/x",
            "/sign-out",
            "/step-up",
            "@evil.example",
            "/\u{0}",
            &long,
        ] {
            assert_eq!(within(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(within(None), "/");
    }

    #[test]
    fn one_is_led_back_to_the_page_from_which_a_form_was_sent() {
        let headers = |referer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, referer.parse().unwrap());
            headers
        };
        let uri: Uri = "/promotions/12/abort".parse().unwrap();
        assert_eq!(page_of(&uri, true, &HeaderMap::new()), "/promotions/12/abort");
        assert_eq!(page_of(&uri, false, &HeaderMap::new()), "/");
        let own = headers("https://towpath.example/promotions/12?a=b");
        assert_eq!(page_of(&uri, false, &own), "/promotions/12?a=b");
        assert_eq!(page_of(&uri, false, &headers("https://evil.example//x")), "/");
        assert_eq!(with_to("/sign-in", "/a?b=c&d"), "/sign-in?to=%2Fa%3Fb%3Dc%26d");
        assert_eq!(with_to("/sign-in", "//evil"), "/sign-in");
    }
}
