//! `/sign-out`: ends the session at once, with all that it has open.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::{At, OwnInSession, Page, frame};
use crate::signin::SignIn;

/// Looking ends nothing.
pub(super) async fn show(at: At) -> Response {
    let Some(visit) = at.visit else { return frame::to_sign_in("/") };
    let body = html! {
        p { "You are signed in as " b { (visit.session.person) } "." }
        form method="post" action="/sign-out" {
            input type="hidden" name="form" value=(visit.form);
            button.btn.main { "Sign out" }
        }
    };
    frame::page(StatusCode::OK, "Sign out", &body)
}

pub(super) async fn sign_out(State(sign_in): State<SignIn>, own: OwnInSession) -> Page {
    sign_in.end(&own.visit.session, "signed out", &own.place).await?;
    let is_elsewhere = own.visit.session.way == "oidc";
    Ok(frame::on_without(if is_elsewhere { "/sign-out/done" } else { "/sign-in" }, own.secure))
}

/// After signing out of a session that the provider let begin: there one may still be signed in.
pub(super) async fn done(State(sign_in): State<SignIn>, _: At) -> Response {
    let Some(provider) = sign_in.provider() else { return frame::to_sign_in("/") };
    let name = provider.name();
    let body = html! {
        p { "You are signed out here, in every window." }
        @match provider.way_out().await {
            Some(place) => p { a.btn href=(place) rel="noreferrer" { "Sign out of " (name) " too" } },
            None => p { "At " (name) " you may still be signed in." },
        }
        p { a href="/sign-in" { "Sign in again" } }
    };
    frame::page(StatusCode::OK, "Signed out", &body)
}
