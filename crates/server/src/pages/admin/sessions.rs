//! Sessions that are open: one's own to everybody, all of them to whoever may apply a matrix, who may end them. Opens none.

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::ids::{Person, SessionId};
use towpath_core::people::Verb;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::views::time as written;
use towpath_ports::accounts::KeptSession;
use towpath_ports::store::StoreError;

use crate::error::{Answer, ApiError};
use crate::pages::frame::Look;
use crate::pages::marks::{As, state, time};
use crate::routes::App;
use crate::signin::SignInError;

pub(super) async fn section(app: &App, look: &Look, leads: bool) -> Answer<Markup> {
    let Some(sign_in) = &app.sign_in else {
        return Ok(html! {
            section.sec id="sessions" {
                h2 { "Sessions" }
                p.q { "Nobody signs in at this engine: it answers the users of its own machine alone." }
                code.cmd { "towpath serve --listen 127.0.0.1:7411" }
            }
        });
    };
    let all = sign_in.open_sessions(&asked_about(look, leads)).await.map_err(unreadable)?;
    Ok(html! {
        section.sec id="sessions" {
            h2 { @if leads { "Sessions" } @else { "Your sessions" } " " span.q { (all.len()) } }
            @if all.is_empty() { p.q { "None is open." } } @else { (table(look, &all, leads)) }
        }
    })
}

/// Whose sessions are shown.
fn asked_about(look: &Look, leads: bool) -> Vec<Person> {
    let own = look.engine.person_behind(&look.acting);
    let matrix = look.engine.matrix().filter(|_| leads);
    let mut people: Vec<Person> =
        matrix.map(|matrix| matrix.people.keys().cloned().collect()).unwrap_or_default();
    people.extend(own);
    people.sort();
    people.dedup();
    people
}

fn table(look: &Look, all: &[KeptSession], leads: bool) -> Markup {
    let now = look.now();
    let here = look.acting.session().map(|(id, _)| id);
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Whose" } th scope="col" { "Signed in by" } th scope="col" { "From" } th scope="col" { "Began" } th scope="col" { "Ends by itself" } th.r scope="col" { span.vh { "What can be done" } } } }
            tbody {
                @for session in all {
                    tr {
                        th scope="row" { (session.person) @if here.as_ref() == Some(&session.id) { " " (state("dot", "", "this one")) } }
                        td data-k="By:" { (session.way) @if session.second.is_some() { ", and a second factor" } }
                        td data-k="From:" { (session.place) }
                        td data-k="Began:" { (time(&written(session.started), As::Age, now)) " ago" }
                        td data-k="Ends:" { (time(&written(session.expires_at), As::Clock, now)) }
                        td.r { (button(look, &session.person, Some(&session.id), "End it")) }
                    }
                }
            }
        }
        @if leads { (all_of(look, all)) }
    }
}

/// A button for each person who has several.
fn all_of(look: &Look, all: &[KeptSession]) -> Markup {
    let mut counts: Vec<(&Person, usize)> = Vec::new();
    for session in all {
        match counts.iter_mut().find(|(person, _)| *person == &session.person) {
            Some((_, count)) => *count += 1,
            None => counts.push((&session.person, 1)),
        }
    }
    html! {
        p.deeds {
            @for (person, count) in counts.iter().filter(|(_, count)| *count > 1) {
                (button(look, person, None, &format!("End all {count} of {person}")))
            }
        }
    }
}

fn button(look: &Look, person: &Person, id: Option<&SessionId>, word: &str) -> Markup {
    html! {
        form.deed method="post" action=(look.to("/admin/end-session")) {
            input type="hidden" name="form" value=(look.visitor.form);
            input type="hidden" name="person" value=(person);
            @if let Some(id) = id { input type="hidden" name="session" value=(id); }
            button.btn aria-label=[id.map(|id| format!("{word}: session {id} of {person}"))] { (word) }
        }
    }
}

/// What such a form brings.
#[derive(Deserialize)]
pub(in crate::pages) struct SentEnd {
    person: String,
    /// None: all of theirs.
    session: Option<String>,
}

/// Ends what was meant; answers how many ended.
pub(super) async fn end(app: &App, look: &Look, sent: &SentEnd) -> Answer<usize> {
    let none = || ApiError::not_found("there is no such session", "look at the list again");
    let sign_in = app.sign_in.as_ref().ok_or_else(none)?;
    let person = Person::new(&sent.person).map_err(|_| none())?;
    let id = match sent.session.as_deref().map(SessionId::new) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return Err(none()),
    };
    let own = look.engine.person_behind(&look.acting);
    if own.as_ref() != Some(&person) {
        look.engine.may(&look.acting, Verb::ApplyMatrix).map_err(|refusal| not_ended(&refusal))?;
        // Sessions open several projects; whom this one does not name is none of its business.
        if !look.engine.may_sign_in(&person) {
            return Err(none());
        }
    }
    let by = own.unwrap_or_else(|| look.visitor.person.clone());
    let ended = sign_in.end_for(&person, id.as_ref(), (&by, "the admin page")).await;
    ended.map_err(unreadable)
}

/// The refusal of the right, in words of what was wanted; one that asks for another factor stays what it is.
fn not_ended(refusal: &Refusal) -> ApiError {
    if refusal.kind != RefusalKind::NotAllowed || refusal.code != "not-allowed" {
        return refusal.clone().into();
    }
    let message = "the session was not ended: it is somebody else's";
    let cause = refusal.cause.clone().unwrap_or_default();
    let told = Refusal::new(RefusalKind::NotAllowed, "not-allowed", message, cause);
    ApiError::of(told.at("who_may.apply_matrix"), StatusCode::FORBIDDEN)
}

fn unreadable(error: SignInError) -> ApiError {
    match error {
        SignInError::Accounts(error) => error.into(),
        SignInError::Record(error) => error.into(),
        error @ (SignInError::Machine | SignInError::TooMany) => {
            StoreError::Unavailable(error.to_string()).into()
        }
    }
}
