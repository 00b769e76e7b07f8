//! Who changed the matrix, when, and what: the last of them, as the journal has them. Compares what was in force then.

use maud::{Markup, html};
use serde::Deserialize as _;
use towpath_core::matrix::Matrix;
use towpath_engine::views::time as written;
use towpath_ports::store::EventRow;

use crate::error::Answer;
use crate::pages::changes;
use crate::pages::frame::Look;
use crate::pages::marks::{As, time};

/// How many are shown: each holds a whole matrix.
const SHOWN: usize = 10;

pub(super) async fn list(look: &Look) -> Answer<Markup> {
    let wanted = u32::try_from(SHOWN + 1).unwrap_or(u32::MAX);
    let rows = look.engine.events_named("matrix-applied", None, wanted).await?;
    Ok(html! {
        p.lead { "Each change of what is in force, newest first. A change that waits for people stands on "
            a href=(look.to("/waiting")) { "Waiting" } "." }
        @for (at, row) in rows.iter().take(SHOWN).enumerate() { (change(look, row, rows.get(at + 1))) }
        @if rows.len() > SHOWN { p.pager { a href=(look.to("/audit?kind=matrix-applied")) { "All of them, in the journal" } } }
    })
}

fn change(look: &Look, row: &EventRow, before: Option<&EventRow>) -> Markup {
    let now = matrix(row);
    let was = before.and_then(matrix);
    let agreed: Vec<&str> = row.body["approved"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|asked| asked["by"].as_array())
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    html! {
        article.sec id={ "change-" (row.seq) } {
            h2 { "By " (row.actor) ", " (time(&written(row.at), As::Clock, look.now())) }
            p.sm.q {
                a href=(look.to(&format!("/audit/{}", row.seq))) { "Event " (row.seq) }
                @if agreed.is_empty() { ". Nobody had to agree" } @else { ". Agreed: " (agreed.join(", ")) } "."
            }
            @match (&now, before, &was) {
                (Some(now), Some(_), Some(was)) => (changes::list(&changes::between(Some(was), now))),
                (Some(_), None, _) => p.q { "The first one." },
                _ => p.q { "It was written by another version, and is not compared." },
            }
        }
    }
}

fn matrix(row: &EventRow) -> Option<Matrix> {
    Matrix::deserialize(row.body.get("matrix")?).ok()
}
