//! Which header fields pass the proxy and which it writes. Owns the rules of RFC 9110 section 7.6
//! for intermediaries; knows no arm.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, request};

static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
static PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who asks, as the upstream is told.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) address: HeaderValue,
    pub(crate) protocol: HeaderValue,
}

/// The protocol that the client wants to switch to, if it asks for a switch at all.
pub(crate) fn wanted_upgrade(parts: &request::Parts) -> Option<HeaderValue> {
    if parts.version != Version::HTTP_11 || !names_token(&parts.headers, "upgrade") {
        return None;
    }
    parts.headers.get(UPGRADE).cloned()
}

/// Makes a visitor's request head into the one for the upstream.
pub(crate) fn forward(parts: &mut request::Parts, sender: &Sender, upgrade: Option<&HeaderValue>) {
    // A target with an authority overrules the Host field (RFC 9112 section 3.2.2).
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(host_of(authority.as_str()))
    {
        parts.headers.insert(HOST, host);
    }
    if parts.uri.authority().is_some() || parts.uri.scheme().is_some() {
        parts.uri = origin_form(&parts.uri);
    }
    parts.version = Version::HTTP_11;
    let headers = &mut parts.headers;
    strip_hop_by_hop(headers);
    headers.remove(EXPECT);
    join_cookies(headers);
    let host = headers.get(HOST).cloned();
    let chain = extended(headers, &sender.address);
    headers.insert(&FORWARDED_FOR, chain);
    headers.insert(&FORWARDED_PROTO, sender.protocol.clone());
    if let Some(host) = host {
        headers.insert(&FORWARDED_HOST, host);
    }
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    }
}

/// Removes what was meant for the connection and not for the next one.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers)
            .filter(|token| !is_about_persistence(token))
            .filter_map(|token| HeaderName::try_from(token).ok())
            // Ours to write; a client must not be able to remove them (RFC 9110 section 7.6.1).
            .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    // Most messages have no other, and looking at the few names costs less than eight searches.
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    if headers.remove(TRANSFER_ENCODING).is_some() {
        headers.remove(CONTENT_LENGTH);
    }
    headers.remove(&KEEP_ALIVE);
    headers.remove(&PROXY_CONNECTION);
    headers.remove(TE);
    headers.remove(TRAILER);
    headers.remove(UPGRADE);
    headers.remove(PROXY_AUTHENTICATE);
    headers.remove(PROXY_AUTHORIZATION);
}

/// The two tokens nearly every `Connection` field consists of; no field beside `Keep-Alive`, which
/// goes anyway, is called so.
fn is_about_persistence(token: &str) -> bool {
    token.eq_ignore_ascii_case("keep-alive") || token.eq_ignore_ascii_case("close")
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        TRANSFER_ENCODING | TE | TRAILER | UPGRADE | PROXY_AUTHENTICATE | PROXY_AUTHORIZATION
    ) || *name == KEEP_ALIVE
        || *name == PROXY_CONNECTION
}

/// Whether doing the request twice is the same as doing it once (RFC 9110 section 9.2.2).
pub(crate) fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    )
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Adds a cookie for the browser session.
pub(crate) fn set_cookie(headers: &mut HeaderMap, name: &str, value: &str, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(line) = HeaderValue::try_from(line) {
        headers.append(SET_COOKIE, line);
    }
}

fn names_token(headers: &HeaderMap, wanted: &str) -> bool {
    tokens(headers).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

/// HTTP/2 clients may send several cookie fields; HTTP/1.1 wants one (RFC 9113 section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    if lines.next().is_none() || lines.next().is_none() {
        return;
    }
    let lines: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Every address that the request came by so far, and the one that sent it to us.
fn extended(headers: &HeaderMap, address: &HeaderValue) -> HeaderValue {
    if !headers.contains_key(&FORWARDED_FOR) {
        return address.clone();
    }
    let before = headers.get_all(&FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
    let chain: Vec<&[u8]> = before.chain(std::iter::once(address.as_bytes())).collect();
    HeaderValue::from_bytes(&chain.join(&b", "[..])).unwrap_or_else(|_| address.clone())
}

/// The authority without user name and password, which a Host field must not carry.
fn host_of(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn origin_form(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn forwarded(request: Request<()>) -> request::Parts {
        let (mut parts, ()) = request.into_parts();
        let sender = Sender {
            address: HeaderValue::from_static("192.0.2.7"),
            protocol: HeaderValue::from_static("https"),
        };
        let upgrade = wanted_upgrade(&parts);
        forward(&mut parts, &sender, upgrade.as_ref());
        parts
    }

    #[test]
    fn fields_for_the_connection_stay_behind() {
        let request = Request::get("/a?b")
            .header("connection", "keep-alive, X-Secret, content-length")
            .header("x-secret", "1")
            .header("te", "trailers")
            .header("content-length", "0")
            .header("proxy-authorization", "Basic eA==")
            .header("host", "shop.example");
        let parts = forwarded(request.body(()).unwrap());
        let mut names: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let ours = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
        assert_eq!(names, [&["content-length", "host"][..], &ours].concat());
    }

    #[test]
    fn the_chain_of_addresses_grows_and_the_protocol_is_ours() {
        let request = Request::get("/")
            .header("x-forwarded-for", "198.51.100.1")
            .header("x-forwarded-for", "198.51.100.2")
            .header("x-forwarded-proto", "gopher");
        let parts = forwarded(request.body(()).unwrap());
        assert_eq!(parts.headers["x-forwarded-for"], "198.51.100.1, 198.51.100.2, 192.0.2.7");
        assert_eq!(parts.headers["x-forwarded-proto"], "https");
    }

    #[test]
    fn an_absolute_target_overrules_the_host_field() {
        let request = Request::get("http://u:p@shop.example:81/a?b").header("host", "evil.example");
        let parts = forwarded(request.body(()).unwrap());
        assert_eq!(parts.headers["host"], "shop.example:81");
        assert_eq!(parts.uri, "/a?b");
    }

    #[test]
    fn a_switch_of_protocols_is_passed_on_only_when_asked_for_properly() {
        let asked =
            Request::get("/").header("connection", "Upgrade").header("upgrade", "websocket");
        let parts = forwarded(asked.body(()).unwrap());
        assert_eq!(parts.headers["upgrade"], "websocket");
        let not_asked = Request::get("/").header("upgrade", "websocket");
        assert!(!forwarded(not_asked.body(()).unwrap()).headers.contains_key("upgrade"));
    }

    #[test]
    fn a_length_beside_chunks_is_dropped() {
        let request =
            Request::post("/").header("transfer-encoding", "chunked").header("content-length", "5");
        let parts = forwarded(request.body(()).unwrap());
        assert!(!parts.headers.contains_key("content-length"));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let request = Request::get("/").header("cookie", "ab=1; a=2").header("cookie", "c=3");
        let parts = request.body(()).unwrap().into_parts().0;
        assert_eq!(cookie(&parts.headers, "a"), Some("2"));
        assert_eq!(cookie(&parts.headers, "c"), Some("3"));
        assert_eq!(cookie(&parts.headers, "b"), None);
    }
}
