//! `/step-up`: showing the second factor, and `/sign-in/second`: getting one. Only whoever came by a link just now
//! gets one: a password alone, which may be stolen, gives nobody a second factor of their own. A link that was mailed
//! gives the first one, and never another: whoever reads somebody's mail has one factor of theirs, not two.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use towpath_ports::secret::Secret;

use super::password::{came_by_any_link, came_by_link};
use super::sign_in::Asked;
use super::{At, OwnInSession, Page, frame, provider};
use crate::signin::provider::Wish;
use crate::signin::visit::Visit;
use crate::signin::{SignIn, SignInError, returning, second};

const WRONG: &str = "That code is not the one of now, or was used already. Wait for the next one.";

/// Whether somebody has a second factor that counts.
async fn has_second(sign_in: &SignIn, visit: &Visit) -> Result<bool, SignInError> {
    let user = sign_in.accounts().user(&visit.session.person).await?;
    Ok(user.and_then(|user| user.second).is_some_and(|second| second.since.is_some()))
}

/// Whether somebody may get a second factor in this session.
async fn may_get_one(sign_in: &SignIn, visit: &Visit) -> Result<bool, SignInError> {
    let now = sign_in.now();
    if came_by_link(visit, now) {
        return Ok(true);
    }
    Ok(came_by_any_link(visit, now) && !has_second(sign_in, visit).await?)
}

pub(super) async fn show(
    State(sign_in): State<SignIn>,
    at: At,
    Query(asked): Query<Asked>,
) -> Page {
    let Some(visit) = at.visit else { return Ok(frame::to_sign_in(asked.page())) };
    let has_second = has_second(&sign_in, &visit).await?;
    if visit.session.way == "oidc" {
        let body = html! {
            p { "What you want to do asks for your second factor." }
            (provider::way(&sign_in, asked.page(), Wish::Second))
            @if has_second { (code_field(&visit, asked.page(), "Go on")) }
        };
        return Ok(frame::page(StatusCode::OK, "Second factor", &body));
    }
    if has_second {
        return Ok(form(StatusCode::OK, &visit, asked.page(), None));
    }
    let body = html! {
        p { "What you want to do asks for a second factor, and you have none yet." }
        @if came_by_any_link(&visit, sign_in.now()) {
            p { a href="/sign-in/second" { "Get a second factor" } }
        } @else {
            p { "To get one, sign in by a link: the page where you sign in mails it, or " code { "towpath login --web" } " on the machine of the server prints it." }
        }
    };
    Ok(frame::page(StatusCode::FORBIDDEN, "Second factor", &body))
}

fn code_field(visit: &Visit, to: &str, button: &str) -> Markup {
    html! {
        form method="post" action="/step-up" {
            input type="hidden" name="form" value=(visit.form);
            input type="hidden" name="to" value=(to);
            p { label { "Code of six digits" input.in name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,7}" required; } }
            button.btn.main { (button) }
        }
    }
}

fn form(status: StatusCode, visit: &Visit, to: &str, wrong: Option<&str>) -> Response {
    let body = html! {
        (frame::trouble(wrong))
        p { "What you want to do asks for your second factor." }
        (code_field(visit, to, "Go on"))
    };
    frame::page(status, "Second factor", &body)
}

pub(super) async fn show_code(State(sign_in): State<SignIn>, own: OwnInSession) -> Page {
    let to = returning::within(own.fields.one("to"));
    let person = &own.visit.session.person;
    // Codes are counted apart from passwords, or a wrong one would lock the other out.
    let account = format!("{person}\0code");
    sign_in.count(&account, &own.place).await?;
    if !sign_in.takes_code(person, own.fields.one("code").unwrap_or_default()).await? {
        sign_in.refused(Some(person), &own.place).await;
        return Ok(form(StatusCode::FORBIDDEN, &own.visit, to, Some(WRONG)));
    }
    sign_in.succeeded(&account, &own.place).await?;
    match sign_in.strengthen(&own.visit, "code", &own.place).await? {
        Some(secret) => Ok(frame::on_with(to, &secret, own.secure)),
        None => Ok(frame::to_sign_in(to)),
    }
}

pub(super) async fn offer_page(State(sign_in): State<SignIn>, at: At) -> Page {
    let Some(visit) = at.visit else { return Ok(frame::to_sign_in("/")) };
    if !may_get_one(&sign_in, &visit).await? {
        return Ok(not_by_link());
    }
    let body = html! {
        p { "An application on your telephone shows a code of six digits that changes every half minute. "
            "Environments that ask for a second factor (" code { "iam.mfa" } ") want it before orders that could do harm; never before a rollback." }
        form method="post" action="/sign-in/second" {
            input type="hidden" name="form" value=(visit.form);
            button.btn.main { "Get a second factor" }
        }
        p { a href="/" { "Not now" } }
        p.qq { "One that you have already stops to count." }
    };
    Ok(frame::page(StatusCode::OK, "Second factor", &body))
}

fn not_by_link() -> Response {
    let sentence = "A second factor is given only to whoever signed in by a link just now, and another one only by a \
                    link of the machine: towpath login --web there prints one.";
    frame::problem(StatusCode::FORBIDDEN, sentence)
}

pub(super) async fn offer(State(sign_in): State<SignIn>, own: OwnInSession) -> Page {
    if !may_get_one(&sign_in, &own.visit).await? {
        return Ok(not_by_link());
    }
    let person = &own.visit.session.person;
    let Some(secret) = sign_in.offer(person).await? else {
        let sentence = "Set a password first: a second factor is beside one.";
        return Ok(frame::problem(StatusCode::FORBIDDEN, sentence));
    };
    Ok(frame::page(StatusCode::OK, "Second factor", &offered(&own.visit, &secret)))
}

fn offered(visit: &Visit, secret: &Secret) -> Markup {
    let address = second::address(&visit.session.person, secret);
    let groups: Vec<String> = secret
        .reveal()
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    html! {
        p { "Open it in the application, or type the key there. It is shown this once." }
        p { a href=(address) { "Open in the application" } }
        p { "Key: " code { (groups.join(" ")) } }
        p { "It counts from the first code on:" }
        (code_field(visit, "/", "Show the first code"))
    }
}
