//! The journal, newest first: looked through, proven, exported. Owns the search; what an event holds is shown
//! without the secrets of a matrix, and its hash beside it.

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_engine::views::time as written;
use towpath_ports::store::EventRow;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{As, counted, digest, grouped, icon, time};

/// How many events one page lists.
const LISTED: usize = 50;
/// How many are looked through for a search, in one answer: what is older is one link away.
const LOOKED_THROUGH: u32 = 5_000;

/// What is looked for; all of it is in the address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
    before: Option<u64>,
    verify: Option<String>,
}

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, wanted: &Wanted) -> Shown {
    let words: Vec<String> =
        wanted.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let rows = look.engine.latest_events(wanted.before, LOOKED_THROUGH).await?;
    let oldest = rows.last().map(|row| row.seq);
    let all: Vec<EventRow> = rows.into_iter().filter(|row| says(row, &words)).collect();
    let is_more = all.len() > LISTED;
    let listed: Vec<EventRow> = all.into_iter().take(LISTED).collect();
    let next =
        if is_more { listed.last().map(|row| row.seq) } else { oldest.filter(|seq| *seq > 1) };
    let content = html! {
        div.head { h1 { "Audit" } }
        p.lead { "Every decision and every fact, in one chain: each event holds the hash of the one before, so that nothing can be "
            "changed, left out or put in between without breaking it." }
        (verified(look, wanted).await?)
        form.bar method="get" action=(look.to("/audit")) role="search" {
            label.find { span.vh { "Search by kind, person, lane or words" } (icon("find"))
                input.in id="search" name="q" value=(wanted.q) placeholder="Kind, person, lane, promotion, words" autocomplete="off"; }
            button.btn { "Search" }
        }
        @if listed.is_empty() { p.q { "Nothing of the " (counted(LOOKED_THROUGH as usize, "event")) " looked through has these words." } }
        @else { (table(look, &listed)) }
        p.pager { @if let Some(next) = next { a href=(older(look, &wanted.q, next)) rel="next" { "Older" } } }
        section.sec { h2 { "Take it along" } (export()) }
    };
    Ok(Page { place: Place::Audit, title: "Audit".to_owned(), content })
}

/// Whether all words stand in what is shown of it.
fn says(row: &EventRow, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let lane = row.lane.as_ref().map(ToString::to_string).unwrap_or_default();
    let number = row.promotion.map(|number| number.to_string()).unwrap_or_default();
    let text = format!("{} {} {lane} promotion {number} {}", row.kind, row.actor, body(row))
        .to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// What it holds, as JSON without the secrets of a matrix.
fn body(row: &EventRow) -> String {
    let mut body = row.body.clone();
    towpath_config::hide_secrets(&mut body);
    body.to_string()
}

fn older(look: &Look, query: &str, before: u64) -> String {
    // Only what needs no quoting is carried on; anything else is typed again.
    let is_plain =
        query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte));
    let query = if is_plain { query } else { "" };
    look.to(&format!("/audit?before={before}&q={query}"))
}

async fn verified(look: &Look, wanted: &Wanted) -> Result<Markup, crate::error::ApiError> {
    if wanted.verify.is_none() {
        return Ok(html! {
            form.bar method="get" action=(look.to("/audit")) {
                input type="hidden" name="verify" value="yes";
                button.btn { (icon("shield")) "Verify the whole chain" }
                span.sm.q { "Recomputes every hash from the first event on." }
            }
        });
    }
    let report = look.engine.verify().await?;
    Ok(html! {
        @match &report.broken {
            None => p.said role="status" { (icon("shield")) "The chain holds: all " (grouped(report.events)) " events are as they were written." },
            Some(broken) => p.said role="alert" { span.st.harm.wrap { (icon("warn")) "The chain is broken at event " (broken.seq) ": " (broken.sentence) } },
        }
    })
}

fn table(look: &Look, rows: &[EventRow]) -> Markup {
    html! {
        table.tab.cards {
            thead { tr { th scope="col" { "Event" } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Where" } th scope="col" { "Hash" } } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" {
                            details id={ "event-" (row.seq) } {
                                summary data-line { (grouped(row.seq)) " " b { (row.kind) } }
                                code.cmd.wrap { (body(row)) }
                            }
                        }
                        td { (time(&written(row.at), As::Exact, look.now())) }
                        td { (row.actor) }
                        td {
                            @if let Some(lane) = &row.lane { (lane) }
                            @if let Some(number) = row.promotion { " " a href=(look.to(&format!("/promotions/{number}"))) { "promotion " (number) } }
                        }
                        td { (digest(row.hash.as_str())) }
                    }
                }
            }
        }
    }
}

/// An export is not an address: bodies are exported as they were hashed, secrets that stand in them included.
fn export() -> Markup {
    html! {
        p.q { "An export holds every body exactly as it was hashed, so that anybody can prove it without this server. It is made where the journal lies, "
            "by whoever may read that folder." }
        code.cmd { "towpath audit export --output journal.jsonl\ntowpath audit export --format csv --output journal.csv\ntowpath audit verify journal.jsonl" }
    }
}
