//! `/sign-in/link/…`: what a one-time link opens. Looking at it uses nothing up, because mail programs and
//! messengers look at links before people do; the button does.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use towpath_core::ids::Person;
use towpath_ports::accounts::{KeptLink, Purpose};

use super::sign_in::Asked;
use super::{At, Own, Page, frame};
use crate::signin::keeping::Proof;
use crate::signin::{SignIn, returning};

const OVER: &str = "This link was used already, is over, or is none. A new one comes by mail from the page \
     where you sign in, or from towpath login --web on the machine of the server.";

pub(super) async fn show(
    State(sign_in): State<SignIn>,
    at: At,
    Path(secret): Path<String>,
    Query(asked): Query<Asked>,
) -> Page {
    let Some(link) = sign_in.link(&secret).await? else {
        // Only who misses is counted: nobody at the same address keeps others from theirs.
        sign_in.count_address(&at.place).await?;
        return Ok(frame::problem(StatusCode::NOT_FOUND, OVER));
    };
    Ok(form(StatusCode::OK, &link, &secret, asked.page(), None))
}

fn form(
    status: StatusCode,
    link: &KeptLink,
    secret: &str,
    to: &str,
    wrong: Option<&str>,
) -> Response {
    let sets_up = link.purpose == Purpose::SetUp;
    let body = html! {
        (frame::trouble(wrong))
        @if sets_up {
            p { "This makes you the first local user of this server. The link works once." }
        } @else {
            p { "This link works once." }
        }
        form method="post" action={ "/sign-in/link/" (secret) } {
            input type="hidden" name="to" value=(to);
            @match &link.person {
                Some(person) => p { "You will be signed in as " b { (person) } "." },
                None => p { label { "Your name, as the matrix has it" input.in name="name" autocomplete="username" autocapitalize="none" required maxlength="64"; } },
            }
            button.btn.main { @if sets_up { "Set me up" } @else { "Sign in" } }
        }
    };
    frame::page(status, if sets_up { "Set up" } else { "Sign in" }, &body)
}

pub(super) async fn follow(
    State(sign_in): State<SignIn>,
    Path(secret): Path<String>,
    Own(at, fields): Own,
) -> Page {
    let Some(link) = sign_in.link(&secret).await? else {
        // Only who misses is counted: nobody at the same address keeps others from theirs.
        sign_in.count_address(&at.place).await?;
        return Ok(frame::problem(StatusCode::NOT_FOUND, OVER));
    };
    let to = returning::within(fields.one("to"));
    let typed = fields.one("name").and_then(|name| Person::new(name.trim()).ok());
    let person = link.person.clone().or(typed).filter(|person| !person.is_program());
    let known = person.filter(|person| !sign_in.projects_of(person).is_empty());
    // A name that was mistyped uses nothing up.
    let Some(person) = known else {
        let wrong =
            "Nobody of that name is a person of this server's projects: people, in the matrix.";
        return Ok(form(StatusCode::FORBIDDEN, &link, &secret, to, Some(wrong)));
    };
    let Some(link) = sign_in.use_link(&secret).await? else {
        return Ok(frame::problem(StatusCode::NOT_FOUND, OVER));
    };
    let way = if link.purpose == Purpose::Mail { "mail" } else { "link" };
    let proof = Proof { person, way, second: false, claims: None };
    let secret = sign_in.begin(proof, at.visit.as_ref(), &at.place).await?;
    let page = match link.purpose {
        Purpose::SetUp => "/sign-in/password",
        Purpose::SignIn | Purpose::Mail => to,
    };
    Ok(frame::on_with(page, &secret, at.secure))
}
