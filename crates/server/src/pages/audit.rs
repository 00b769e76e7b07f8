//! The journal, newest first: looked through, proven, exported. Owns how its pages look; what is looked for is
//! [`search`]'s, and what an event holds is shown without the secrets of a matrix, its hash beside it.

pub(super) mod export;
mod search;

use axum::extract::{Path, Query};
use axum::response::Response;
use maud::{Markup, html};
use towpath_core::matrix::Matrix;
use towpath_engine::views::time as written;
use towpath_ports::store::EventRow;

use crate::api::events::hide;
use crate::error::{Answer, ApiError};
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{As, digest, grouped, icon, time};
pub(super) use search::moment;
use search::{Found, Wanted};

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, wanted: &Wanted) -> Shown {
    let found = search::found(&look.engine, wanted).await?;
    let content = html! {
        div.head { h1 { "Audit" } }
        p.lead { "Every decision and every fact, in one chain: each event holds the hash of the one before, so that nothing can be "
            "changed, left out or put in between without breaking it." }
        (verified(look, wanted).await?)
        (bar(look, wanted, &found))
        @if found.rows.is_empty() { p.q { "Nothing " @if found.oldest.is_some() { "of what was looked through so far" } " is so. " (went_on(look, wanted, &found)) } }
        @else { (table(look, &found.rows)) p.pager { (went_on(look, wanted, &found)) } }
        section.sec { h2 { "Take it along" } (export_links(look, wanted)) }
    };
    Ok(Page { place: Place::Audit, title: "Audit".to_owned(), content })
}

/// The link to what is older.
fn went_on(look: &Look, wanted: &Wanted, found: &Found) -> Markup {
    html! {
        @if let Some(oldest) = found.oldest {
            a href=(look.to(&format!("/audit?{}", wanted.query(Some(oldest))))) rel="next" { "Older than event " (grouped(oldest)) }
        }
    }
}

fn bar(look: &Look, wanted: &Wanted, found: &Found) -> Markup {
    let mut kinds: Vec<&str> = found.rows.iter().map(|row| row.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let environments = look.engine.matrix().map(|matrix| matrix.environments).unwrap_or_default();
    html! {
        form.sought method="get" action=(look.to("/audit")) role="search" {
            label.sm { "Words" input.in id="search" name="q" value=(wanted.q) autocomplete="off" placeholder="anything that an event says"; }
            label.sm { "Kind" input.in name="kind" value=(wanted.kind) list="kinds" autocomplete="off" placeholder="promotion-ended"; }
            datalist id="kinds" { @for kind in kinds { option value=(kind) {} } }
            label.sm { "Who" input.in name="who" value=(wanted.who) autocomplete="off"; }
            label.sm { "Environment" select.in name="environment" {
                option value="" { "every one" }
                @for one in &environments { option value=(one.name) selected[wanted.environment == one.name.as_str()] { (one.name) } }
            } }
            label.sm { "Promotion" input.in name="promotion" value=(wanted.promotion) inputmode="numeric" pattern="[0-9]*" autocomplete="off"; }
            label.sm { "Since" input.in name="since" type="date" value=(wanted.since); }
            label.sm { "Until" input.in name="until" type="date" value=(wanted.until); }
            div { button.btn.main { (icon("find")) "Search" } @if wanted.asks() { a.btn href=(look.to("/audit")) { "Everything" } } }
        }
    }
}

async fn verified(look: &Look, wanted: &Wanted) -> Answer<Markup> {
    if wanted.verify.is_none() {
        return Ok(html! {
            form.bar method="get" action=(look.to("/audit")) {
                input type="hidden" name="verify" value="yes";
                button.btn { (icon("shield")) "Verify the whole chain" }
                span.sm.q { "Recomputes every hash from the first event on. " (signing(look)) }
            }
        });
    }
    let report = look.engine.verify().await?;
    Ok(html! {
        @match &report.broken {
            None => p.said role="status" { (icon("shield")) "The chain holds: all " (grouped(report.events)) " events are as they were written. " (signing(look)) },
            Some(broken) => p.said role="alert" { span.st.harm.wrap { (icon("warn")) "The chain is broken at event " (broken.seq) ": " (broken.sentence) } },
        }
    })
}

/// Whether its end is signed, which is what a chain alone cannot show: that it was not written anew as a whole.
fn signing(look: &Look) -> Markup {
    let unsigned = look.engine.status().engine.unsigned;
    html! {
        @match (&unsigned, look.engine.setup().notary.is_some()) {
            (Some(why), _) => span.st.wait.wrap { (icon("warn")) "Its end is not signed: " (why) },
            (None, true) => "Its end is signed by this server.",
            (None, false) => "Nobody signs its end here.",
        }
    }
}

fn table(look: &Look, rows: &[EventRow]) -> Markup {
    let matrix = look.engine.matrix();
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
                        td { a.plain href=(look.to(&format!("/audit/{}", row.seq))) { (time(&written(row.at), As::Exact, look.now())) } }
                        td { (row.actor) }
                        td { (whereabouts(look, matrix.as_ref(), row)) }
                        td { (digest(row.hash.as_str())) }
                    }
                }
            }
        }
    }
}

fn whereabouts(look: &Look, matrix: Option<&Matrix>, row: &EventRow) -> Markup {
    html! {
        @if let Some(lane) = &row.lane {
            @if matrix.is_some_and(|matrix| matrix.lane(lane).is_some()) { a href=(look.to(&format!("/lanes/{}/{}", lane.service, lane.environment))) { (lane) } } @else { (lane) }
        }
        @if row.lane.is_none() && row.promotion.is_none() { span.qq { "the project" } }
        @if let Some(number) = row.promotion { " " a href=(look.to(&format!("/promotions/{number}"))) { "promotion " (number) } }
    }
}

/// What it holds, as JSON without the secrets of a matrix.
fn body(row: &EventRow) -> String {
    let mut body = row.body.clone();
    hide(&mut body);
    body.to_string()
}

pub(super) async fn one(look: Look, Path(number): Path<u64>) -> Response {
    let shown = event(&look, number).await;
    look.show(shown)
}

/// One event, under an address that stays.
async fn event(look: &Look, number: u64) -> Shown {
    let rows = look.engine.events(number.saturating_sub(2), 3).await?;
    let at = |seq: u64| rows.iter().find(|row| row.seq == seq);
    let none = || ApiError::not_found("the journal has no such event", "towpath audit verify");
    let row = at(number).ok_or_else(none)?;
    let mut content = row.body.clone();
    hide(&mut content);
    let content = serde_json::to_string_pretty(&content).unwrap_or_default();
    let genesis = "the beginning of the chain";
    let title = format!("Event {number}, {}", row.kind);
    let matrix = look.engine.matrix();
    let page = html! {
        p.crumb { a href=(look.to("/audit")) { "Audit" } " / " (number) }
        div.head { h1 { (title) } }
        dl.facts.wide-k {
            dt { "When" } dd { (time(&written(row.at), As::Exact, look.now())) }
            dt { "Who" } dd { (row.actor) }
            dt { "Where" } dd { (whereabouts(look, matrix.as_ref(), row)) }
            dt { "Hash" } dd.mono { (row.hash) }
            dt { "Follows" } dd.mono { @match at(number.wrapping_sub(1)) { Some(before) => { (before.hash) } None => (genesis) } }
        }
        section.sec { h2 { "What it says" } code.cmd.wrap { (content) } }
        p.pager {
            @if at(number.wrapping_sub(1)).is_some() { a href=(look.to(&format!("/audit/{}", number - 1))) rel="prev" { "Event " (number - 1) } }
            @if at(number + 1).is_some() { a href=(look.to(&format!("/audit/{}", number + 1))) rel="next" { "Event " (number + 1) } }
        }
    };
    Ok(Page { place: Place::Audit, title, content: page })
}

/// Both forms of an export, of all and of what was found.
fn export_links(look: &Look, wanted: &Wanted) -> Markup {
    let to = |format: &str, query: &str| look.to(&format!("/audit/export?format={format}&{query}"));
    let query = wanted.query(None);
    html! {
        p.deeds { a.btn href=(to("jsonl", "")) download { "The journal as JSON lines" } a.btn href=(to("csv", "")) download { "The journal as CSV" } }
        @if wanted.asks() {
            p.deeds { a.btn href=(to("jsonl", &query)) download { "What was found as JSON lines" } a.btn href=(to("csv", &query)) download { "What was found as CSV" } }
        }
        p.sm.q.lead.apart { "Each line holds one event exactly as it was hashed, and the hash before it, so that the whole can be proven without this server. Bodies in which "
            "secrets stand are withheld here; their place in the chain is proven still. Whoever may read the folder of the journal exports them too." }
        code.cmd { "towpath audit verify journal.jsonl\ntowpath audit export --with-secrets --output journal.jsonl" }
    }
}
