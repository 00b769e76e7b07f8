//! `/sign-in/password`: one's own password, for the first time or another one. Whoever came by a link just now
//! needs no old one; everybody else does.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use towpath_core::units::{Span, Timestamp};

use super::{At, OwnInSession, Page, frame};
use crate::signin::visit::Visit;
use crate::signin::{SignIn, passwords};

/// How long a link stands for an old password, and lets somebody have a second factor.
const JUST_NOW: Span = Span::minutes(15);

/// Whether somebody came just now by a link of the machine.
pub(super) fn came_by_link(visit: &Visit, now: Timestamp) -> bool {
    visit.session.way == "link" && is_new(visit, now)
}

/// Whether somebody came just now by a link of the machine or by one that was mailed to them.
pub(super) fn came_by_any_link(visit: &Visit, now: Timestamp) -> bool {
    ["link", "mail"].contains(&visit.session.way.as_str()) && is_new(visit, now)
}

fn is_new(visit: &Visit, now: Timestamp) -> bool {
    now < visit.session.started.plus(JUST_NOW)
}

pub(super) async fn show(State(sign_in): State<SignIn>, at: At) -> Response {
    let Some(visit) = at.visit else { return frame::to_sign_in("/") };
    form(StatusCode::OK, &sign_in, &visit, None)
}

fn form(status: StatusCode, sign_in: &SignIn, visit: &Visit, wrong: Option<&str>) -> Response {
    let body = html! {
        (frame::trouble(wrong))
        form method="post" action="/sign-in/password" {
            input type="hidden" name="form" value=(visit.form);
            input type="hidden" name="name" autocomplete="username" value=(visit.session.person);
            @if !came_by_any_link(visit, sign_in.now()) {
                p { label { "Password until now" input.in type="password" name="old" autocomplete="current-password" required; } }
            }
            p { label { "New password, at least " (passwords::SHORTEST) " characters" input.in type="password" name="new" autocomplete="new-password" required; } }
            p { label { "Once more" input.in type="password" name="again" autocomplete="new-password" required; } }
            button.btn.main { "Set the password" }
        }
        p.qq { "Your other sessions end with it." }
    };
    frame::page(status, "Your password", &body)
}

pub(super) async fn change(State(sign_in): State<SignIn>, own: OwnInSession) -> Page {
    let visit = &own.visit;
    let person = visit.session.person.clone();
    let field = |name: &str| own.fields.one(name).unwrap_or_default();
    let again = |wrong: &str| Ok(form(StatusCode::FORBIDDEN, &sign_in, visit, Some(wrong)));
    if !came_by_any_link(visit, sign_in.now()) {
        sign_in.count(person.as_str(), &own.place).await?;
        let user = sign_in.accounts().user(&person).await?;
        let old = Some(field("old")).filter(|old| old.len() <= passwords::LONGEST);
        if !sign_in.is_password_of(user.as_ref(), old.unwrap_or_default()).await? {
            sign_in.refused(Some(&person), &own.place).await;
            return again("That is not your password until now.");
        }
        sign_in.succeeded(person.as_str(), &own.place).await?;
    }
    let new = field("new");
    if let Some(why) = passwords::refused(new, &person) {
        return again(&why);
    }
    if new != field("again") {
        return again("The two differ.");
    }
    let hash = sign_in.hashed(new).await?;
    sign_in.accounts().set_password(&person, &hash, sign_in.now()).await?;
    sign_in.end_others(visit, "the password changed").await?;
    let second = sign_in.accounts().user(&person).await?.and_then(|user| user.second);
    let has_second = second.is_some_and(|second| second.since.is_some());
    let next =
        if has_second || !came_by_any_link(visit, sign_in.now()) { "/" } else { "/sign-in/second" };
    Ok(axum::response::IntoResponse::into_response(axum::response::Redirect::to(next)))
}
