//! The page for what is refused or not there: what, why, the place that says so, the command that helps.
//! Decides nothing.

use axum::extract::FromRequestParts as _;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use towpath_core::reason::Refusal;

use crate::error::{ApiError, no_such_route};
use crate::pages::frame::{Look, Page, Place};
use crate::pages::marks::{icon, sentence};
use crate::routes::App;

pub(super) fn page(look: &Look, refusal: &Refusal, status: StatusCode) -> Page {
    let (mark, class) = match status {
        StatusCode::NOT_FOUND => ("find", "q"),
        StatusCode::CONFLICT => ("warn", "wait"),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ("ban", "held"),
        _ => ("warn", "harm"),
    };
    let content = html! {
        div.problem {
            p.crumb { a href=(look.to("/")) { (look.engine.setup().project) } " / " (status.as_str()) }
            h1 { (sentence(&refusal.message)) }
            p { span class={ "st wrap " (class) } { (icon(mark)) (word_of(status)) } }
            (parts(refusal))
            @for also in &refusal.also { h2 { (sentence(&also.message)) } (parts(also)) }
            p { a href=(look.to("/")) { "Back to the matrix" } }
        }
    };
    Page { place: Place::None, title: refusal.message.clone(), content }
}

fn word_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not there",
        StatusCode::CONFLICT => "it moved on: nothing was changed",
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "not allowed: nothing was changed",
        StatusCode::UNPROCESSABLE_ENTITY => "a gate says no: nothing was changed",
        StatusCode::BAD_REQUEST => "not understood: nothing was changed",
        _ => "not possible now",
    }
}

/// Cause, place and what helps.
pub(super) fn parts(refusal: &Refusal) -> Markup {
    html! {
        dl {
            @if let Some(cause) = &refusal.cause { dt { "Why" } dd { (sentence(cause)) } }
            @if let Some(place) = &refusal.place { dt { "Where" } dd { code { (place) } } }
            @for (at, next) in refusal.next.iter().enumerate() {
                dt { @if at == 0 { "Helps" } }
                dd { code { (next.command) } @if !next.what.is_empty() { " " span.q { (next.what) } } }
            }
        }
    }
}

/// What there is at an address of which there is nothing: a page for people, a problem for programs.
pub(crate) async fn no_such_place(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let accepted = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let reads_pages = accepted.is_some_and(|accept| accept.contains("text/html"));
    if !reads_pages || parts.uri.path().starts_with("/v1") {
        return no_such_route().await.into_response();
    }
    let Ok(look) = Look::from_request_parts(&mut parts, &app).await else {
        return no_such_route().await.into_response();
    };
    look.refuse(ApiError::not_found("there is no such page", "towpath status"))
}
