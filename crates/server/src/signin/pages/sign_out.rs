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
    Ok(frame::on_without("/sign-in", own.secure))
}
