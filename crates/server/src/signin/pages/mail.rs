//! `/sign-in/mail`: asking for a link by mail, to the address that the matrix has of somebody. Answers the same
//! whomever is named, and as fast (T15).

use axum::extract::State;
use axum::http::StatusCode;
use maud::html;
use towpath_core::ids::Person;

use super::{Own, Page, frame};
use crate::signin::SignIn;

pub(super) async fn send(State(sign_in): State<SignIn>, Own(at, fields): Own) -> Page {
    let name = fields.one("name").unwrap_or_default().trim();
    if name.is_empty() || !sign_in.mails_anybody() {
        let sentence = if name.is_empty() {
            "Nothing was sent: type your name, as the matrix has it."
        } else {
            "Nothing was sent: this server has no project with a person who has an `email` and a channel that mails, or it has several projects, and then it mails no links."
        };
        return Ok(frame::problem(StatusCode::UNPROCESSABLE_ENTITY, sentence));
    }
    sign_in.count_mail(name, &at.place).await?;
    if let Ok(person) = Person::new(name) {
        sign_in.mail_link(person, at.place.clone());
    }
    let body = html! {
        p { "If the matrix has " b { (name) } " among its people, with an address, a link is on its way there. It works once, for a quarter of an hour." }
        p.qq { "Nothing came? The address is " code { "email" } " of the person in the matrix; the log of the server says what the mail server said." }
        p { a href="/sign-in" { "Sign in" } }
    };
    Ok(frame::page(StatusCode::OK, "Look at your mail", &body))
}
