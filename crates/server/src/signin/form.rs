//! What a form says, and that it is one of ours: bounded in size, and with the token of the session (T7). Owns
//! that token; handles no form.

use aws_lc_rs::constant_time;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use towpath_core::ids::Digest;

/// Largest form, in bytes: a reason, a note and a link many times over.
pub(super) const LARGEST: usize = 64 * 1024;
/// Largest form of whoever may be a stranger: a name, a password, a code and where to go. What strangers send is
/// read into the room that orders have.
pub(super) const LARGEST_OF_STRANGERS: usize = 8 * 1024;

/// The token that every form of a session carries: made of its cookie, and telling nothing of it.
pub(super) fn token_of(cookie: &str) -> String {
    Digest::of(format!("towpath form\0{cookie}").as_bytes()).hex().to_owned()
}

/// The fields of a form, in order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of `body`; none where it is no form.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded").then(|| {
            let pairs = form_urlencoded::parse(body);
            Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
        })
    }

    /// The field of that name; none where there is none, or several.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        let (first, second) = (found.next(), found.next());
        if second.is_some() { None } else { first.map(|(_, value)| value.as_str()) }
    }

    /// Whether the form carries `token`. How long it takes tells nothing of it.
    pub(super) fn carries(&self, token: &str) -> bool {
        let given = self.one("form").unwrap_or_default();
        constant_time::verify_slices_are_equal(given.as_bytes(), token.as_bytes()).is_ok()
    }
}

/// The request and its form; none where it has none, or one of more than `most` bytes.
pub(super) async fn read(request: Request, most: usize) -> Option<(Request, Fields)> {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, most).await.ok()?;
    let fields = Fields::of(&parts.headers, &bytes)?;
    Some((Request::from_parts(parts, Body::from(bytes)), fields))
}
