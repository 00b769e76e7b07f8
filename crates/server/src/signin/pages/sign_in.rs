//! `/sign-in`: by name and password. Says the same to every wrong attempt.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use serde::Deserialize;
use towpath_core::ids::Person;

use super::{At, Own, Page, frame, provider};
use crate::signin::keeping::Proof;
use crate::signin::provider::Wish;
use crate::signin::{SignIn, SignInError, passwords, returning};

/// Where one goes afterwards.
#[derive(Deserialize)]
pub(super) struct Asked {
    to: Option<String>,
}

impl Asked {
    /// The page, within this server.
    pub(super) fn page(&self) -> &str {
        returning::within(self.to.as_deref())
    }
}

const WRONG: &str = "That name and password are not known together.";

pub(super) async fn show(
    State(sign_in): State<SignIn>,
    _: At,
    Query(asked): Query<Asked>,
) -> Response {
    form(StatusCode::OK, &sign_in, asked.page(), None)
}

fn form(status: StatusCode, sign_in: &SignIn, to: &str, wrong: Option<&str>) -> Response {
    let body = html! {
        (frame::trouble(wrong))
        (provider::way(sign_in, to, Wish::SignIn))
        form method="post" action="/sign-in" {
            input type="hidden" name="to" value=(to);
            p { label { "Name" input.in name="name" autocomplete="username" autocapitalize="none" required maxlength="64"; } }
            p { label { "Password" input.in type="password" name="password" autocomplete="current-password" required; } }
            button.btn.main { "Sign in" }
            @if sign_in.mails_anybody() {
                " " button.btn formaction="/sign-in/mail" formnovalidate { "Mail me a link instead" }
            }
        }
        p.qq { "Without a password: " code { "towpath login --web" } " on the machine of the server prints a link that signs you in." }
    };
    frame::page(status, "Sign in", &body)
}

pub(super) async fn sign_in(State(sign_in): State<SignIn>, Own(at, fields): Own) -> Page {
    let to = returning::within(fields.one("to")).to_owned();
    let (name, password) = (fields.one("name").unwrap_or_default(), fields.one("password"));
    let name = name.trim();
    sign_in.count(name, &at.place).await?;
    let password = password.filter(|password| password.len() <= passwords::LONGEST);
    let person = Person::new(name).ok();
    if is_known(&sign_in, person.as_ref(), password.unwrap_or_default()).await?
        && let Some(person) = person
    {
        sign_in.succeeded(name, &at.place).await?;
        let proof = Proof { person, way: "password", second: false, claims: None };
        let secret = sign_in.begin(proof, at.visit.as_ref(), &at.place).await?;
        return Ok(frame::on_with(&to, &secret, at.secure));
    }
    sign_in.refused(person.as_ref(), &at.place).await;
    Ok(form(StatusCode::FORBIDDEN, &sign_in, &to, Some(WRONG)))
}

/// Whether the password is theirs and some project has them. All of it takes one hash, whatever is wrong.
async fn is_known(
    sign_in: &SignIn,
    person: Option<&Person>,
    password: &str,
) -> Result<bool, SignInError> {
    let user = match person {
        Some(person) => sign_in.accounts().user(person).await?,
        None => None,
    };
    let right = sign_in.is_password_of(user.as_ref(), password).await?;
    Ok(right && person.is_some_and(|person| !sign_in.projects_of(person).is_empty()))
}

impl SignIn {
    /// Puts on record that somebody tried in vain, in each project that knows whom they tried, or in all.
    pub(in crate::signin) async fn refused(&self, person: Option<&Person>, place: &str) {
        let mut projects = person.map(|person| self.projects_of(person)).unwrap_or_default();
        if projects.is_empty() {
            projects = self.projects();
        }
        for engine in projects {
            engine.sign_in_refused(person, place.to_owned()).await;
        }
    }
}
