//! What whoever looks after a project sees: the engine, who may what and why, tokens, sessions, and what is not well. A
//! deed is shown to whoever may do it; decides nothing.

mod machine;
mod people;
mod sessions;
pub(super) mod tokens;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_core::people::Verb;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::icon;
use crate::pages::posted::{Posted, led_to};
use crate::routes::App;

pub(super) use sessions::SentEnd;

/// What was just done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

pub(super) async fn show(State(app): State<App>, look: Look, Query(done): Query<Done>) -> Response {
    let shown = page(&app, &look, &done).await;
    look.show(shown)
}

async fn page(app: &App, look: &Look, done: &Done) -> Shown {
    let leads = leads(look);
    let sessions = sessions::section(app, look, leads).await?;
    let content = html! {
        (said(done.done.as_deref()))
        div.head { h1 { "Admin" } }
        p.lead {
            "Who may what is said by the matrix alone, and changed by changing it. Here stands what follows from it, what opens this project now, "
            "and how the engine is."
        }
        (machine::section(look).await?)
        (tokens::section(look, leads))
        (sessions)
        (people::section(look))
    };
    Ok(Page { place: Place::Admin, title: "Admin".to_owned(), content })
}

/// Whether whoever looks may end what opens the project for others: whoever may apply a matrix says anyway who
/// may what.
fn leads(look: &Look) -> bool {
    look.engine.may_in_person(&look.acting, Verb::ApplyMatrix, None)
}

/// A message about what was just done, from a list of our own.
fn said(word: Option<&str>) -> Markup {
    let text = match word {
        Some("revoked") => "Revoked: the token opens nothing any more, and that is in the journal.",
        Some("ended") => {
            "Ended: what was open there opens nothing any more, and that is in the journal."
        }
        Some("ended-already") => "It had ended already.",
        _ => return Markup::default(),
    };
    html! { p.said role="status" { (icon("ok")) (text) } }
}

pub(super) async fn end_session(posted: Posted<(), SentEnd>) -> Response {
    let Posted { app, look, sent, .. } = posted;
    match sessions::end(&app, &look, &sent).await {
        Ok(0) => led_to(&look, "/admin", "ended-already"),
        Ok(_) => led_to(&look, "/admin", "ended"),
        Err(refused) => look.refuse(refused),
    }
}
