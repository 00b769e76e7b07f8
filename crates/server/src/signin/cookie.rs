//! The cookie of a session. Owns its name and its bounds; knows no session.

use axum::http::{HeaderMap, HeaderValue, header};

/// Over TLS: the browser takes and sends it only with `Secure`, for this host and for all paths, so that
/// neither a page of a sister host nor one without TLS can set it (RFC 6265bis, section 4.1.3.2).
const BOUND: &str = "__Host-towpath";
/// Over plain HTTP on the machine itself, where no browser takes `Secure` from every name of it.
const PLAIN: &str = "towpath";

/// The same two, of what a browser keeps while somebody is at a provider.
const BOUND_AWAY: &str = "__Host-towpath-away";
const PLAIN_AWAY: &str = "towpath-away";
/// How long a browser keeps that, in seconds: as long as one may take there, and once more.
const AWAY_LASTS: u32 = 1200;

/// The cookie's value; none where there is none, or several that differ, of which nobody knows whose they are.
pub(super) fn read(headers: &HeaderMap, secure: bool) -> Option<&str> {
    one(headers, if secure { BOUND } else { PLAIN })
}

/// What a browser keeps while somebody is at a provider, in the same way.
pub(super) fn read_browser(headers: &HeaderMap, secure: bool) -> Option<&str> {
    one(headers, if secure { BOUND_AWAY } else { PLAIN_AWAY })
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// Has the browser keep it until it is closed; how long it opens something is kept here.
pub(super) fn set(secret: &str, secure: bool) -> HeaderValue {
    let value = if secure {
        format!("{BOUND}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax")
    } else {
        format!("{PLAIN}={secret}; Path=/; HttpOnly; SameSite=Lax")
    };
    HeaderValue::from_str(&value).expect("hexadecimal digits are a value")
}

/// Has the browser keep what belongs to the way to a provider and back. It is sent along when one is led back from
/// there, which `Strict` would forbid.
pub(super) fn set_browser(secret: &str, secure: bool) -> HeaderValue {
    let (name, rest) = if secure { (BOUND_AWAY, "; Secure") } else { (PLAIN_AWAY, "") };
    let value =
        format!("{name}={secret}; Path=/{rest}; HttpOnly; SameSite=Lax; Max-Age={AWAY_LASTS}");
    HeaderValue::from_str(&value).expect("hexadecimal digits are a value")
}

/// Has the browser forget that.
pub(super) fn clear_browser(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure {
        "__Host-towpath-away=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    } else {
        "towpath-away=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    })
}

/// Has the browser forget it.
pub(super) fn clear(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure {
        "__Host-towpath=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
    } else {
        "towpath=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::COOKIE, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_the_one_cookie_of_the_right_name_is_read() {
        assert_eq!(read(&of(&["a=b; __Host-towpath=x; c=d"]), true), Some("x"));
        assert_eq!(read(&of(&["towpath=x"]), true), None, "set by whoever is not on TLS");
        assert_eq!(read(&of(&["towpath=x"]), false), Some("x"));
        assert_eq!(read(&of(&["__Host-towpath=x; __Host-towpath=y"]), true), None);
        assert_eq!(read(&of(&["__Host-towpath=x", "__Host-towpath=x"]), true), Some("x"));
        assert_eq!(read(&of(&["x__Host-towpath=x"]), true), None);
        assert_eq!(read(&of(&[]), true), None);
    }

    #[test]
    fn over_tls_it_is_bound_to_the_host_and_no_script_reads_it() {
        let set = set("00", true);
        let set = set.to_str().unwrap();
        for word in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(set.contains(word), "{set}");
        }
        assert!(!set.contains("Domain"));
    }
}
