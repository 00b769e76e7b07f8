//! What is around every page of signing in: the frame, the headers, and the pages of trouble. Knows nobody.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use crate::pages::BRAND;
use crate::signin::{SignInError, cookie, returning};

/// Nothing is loaded but our own style sheet, nothing framed, no form sent elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

/// A page of signing in.
pub(crate) fn page(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Towpath" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/static/towpath.css";
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top { a.brand href="/" { (BRAND) "Towpath" } }
                main.door #main { div.panel { h1 { (title) } (body) } }
            }
        }
    };
    (status, Html(page.into_string())).into_response()
}

/// Around every answer: nothing keeps it, frames it, or learns from where one came.
pub(super) async fn bounded(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // An address of a link is never told elsewhere; our own forms still say their origin.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A page with one sentence.
pub(crate) fn problem(status: StatusCode, sentence: &str) -> Response {
    let body = html! {
        p { (sentence) }
        p { a href="/sign-in" { "Sign in" } }
    };
    page(status, "That did not work", &body)
}

/// An address of which there is nothing.
pub(crate) fn nothing_there() -> Response {
    let body = html! {
        p { "There is no such page." }
        p { a href="/" { "To the projects" } }
    };
    page(StatusCode::NOT_FOUND, "Nothing there", &body)
}

/// A form that was not sent by one of our own pages, or by one of another session.
pub(crate) fn foreign() -> Response {
    let sentence = "Nothing was done: this did not come from a page of this server that you have open. \
                    Open the page again and repeat it there.";
    problem(StatusCode::FORBIDDEN, sentence)
}

/// A password or a cookie would pass everybody on the way.
pub(super) fn without_tls() -> Response {
    let sentence = "Nobody signs in from another machine without TLS: everybody on the way could read it. \
                    Start the server with --tls-cert and --tls-key, or behind a proxy that has the \
                    certificate (--trusted-proxy).";
    problem(StatusCode::FORBIDDEN, sentence)
}

/// Nothing can be read or written now.
pub(crate) fn unavailable(error: &SignInError) -> Response {
    tracing::warn!(%error, "nobody can sign in");
    let sentence = "Nothing was done: what is kept of accounts, or the journal, cannot be read or written now. \
                    On the machine of the server: towpath doctor.";
    problem(StatusCode::SERVICE_UNAVAILABLE, sentence)
}

/// Off to the sign-in page, and back to `page` from there.
pub(crate) fn to_sign_in(page: &str) -> Response {
    Redirect::to(&returning::with_to("/sign-in", page)).into_response()
}

/// On to `page`, with a new cookie.
pub(super) fn on_with(page: &str, secret: &str, secure: bool) -> Response {
    let mut answer = Redirect::to(page).into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie::set(secret, secure));
    answer
}

/// On to `page`, and the cookie is forgotten.
pub(super) fn on_without(page: &str, secure: bool) -> Response {
    let mut answer = Redirect::to(page).into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie::clear(secure));
    answer
}

/// A sentence that something is wrong, which screen readers say at once.
pub(super) fn trouble(sentence: Option<&str>) -> Markup {
    html! {
        @if let Some(sentence) = sentence {
            p role="alert" { b { (sentence) } }
        }
    }
}
