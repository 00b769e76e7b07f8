//! What browsers are told with every answer. Knows no page.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Encrypted;

/// What a page may load and do: our own files, our own address, and nothing around it (trust.md, T7 and T8).
const PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// What anything else may, should a browser show it.
const REST: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// For how long a browser asks only by TLS: half a year (RFC 6797 names no length).
const ONLY_TLS: &str = "max-age=15552000";

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Adds the rules to every answer. What shows secrets to one person is kept by nobody on the way.
pub(super) async fn with_rules_for_browsers(request: Request, next: Next) -> Response {
    let encrypted = request.extensions().get().is_some_and(|Encrypted(encrypted)| *encrypted);
    let mut answer = next.run(request).await;
    add(answer.headers_mut(), encrypted);
    answer
}

fn add(headers: &mut HeaderMap, encrypted: bool) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_page = kind.is_some_and(|kind| kind.starts_with("text/html"));
    let policy = HeaderValue::from_static(if is_page { PAGES } else { REST });
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if encrypted {
        let only = HeaderValue::from_static(ONLY_TLS);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, only);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
