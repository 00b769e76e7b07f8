//! Promotions of all lanes, the newest first, and those among them that somebody looks for. Owns the form and the table;
//! what is found is [`search`]'s.

pub(super) mod search;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use towpath_engine::views::PromotionView;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{As, icon, sentence, time, took};
use crate::pages::words;
use search::{Found, Wanted};

/// How many promotions one page lists.
const LISTED: usize = 50;

/// States that are looked for: their word in the address, and on the page.
const STATES: [(&str, &str); 8] = [
    ("waiting", "waiting"),
    ("moving", "under way"),
    ("succeeded", "succeeded"),
    ("rolled_back", "went back"),
    ("rejected", "rejected"),
    ("superseded", "superseded"),
    ("aborted", "aborted"),
    ("failed", "failed"),
];

/// The address of the list of those of one lane, of an environment or of a service.
pub(super) fn place(service: &str, environment: &str) -> String {
    let own = (service.to_owned(), environment.to_owned());
    Wanted { service: own.0, environment: own.1, ..Wanted::default() }.place(None)
}

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, wanted: &Wanted) -> Shown {
    let found = wanted.found(look, LISTED).await?;
    let content = html! {
        div.head { h1 { "Promotions" } }
        (form(look, wanted))
        section id="found" data-live {
            @if found.promotions.is_empty() { (none(look, wanted, &found)) } @else { (table(look, &found.promotions)) }
        }
        p.pager { (further(look, wanted, &found)) }
    };
    Ok(Page { place: Place::Promotions, title: "Promotions".to_owned(), content })
}

/// The link to what is older.
fn further(look: &Look, wanted: &Wanted, found: &Found) -> Markup {
    html! {
        @if let Some(before) = found.before {
            a href=(look.to(&wanted.place(Some(before)))) rel="next" { "Older than promotion " (before) }
        }
    }
}

fn none(look: &Look, wanted: &Wanted, found: &Found) -> Markup {
    if found.before.is_some() {
        return html! { p.q { "None of those that were looked through so far is so." } };
    }
    if wanted.asks() {
        return html! { p.q { "No promotion is so. " a href=(look.to("/promotions")) { "All of them" } } };
    }
    html! {
        div.empty {
            p { "A promotion carries one release into one environment of a service: through its gate, past those who agree, and step by "
                "step in front of visitors. It ends once and for ever, and stays here." }
            code.cmd { "towpath promote ENVIRONMENT --release 1.0.0" }
        }
    }
}

/// Promotions of one place as one line each, and the way to those before and back to the newest.
pub(super) fn history(look: &Look, found: &Found, place: &str, before: Option<u64>) -> Markup {
    html! {
        @if found.promotions.is_empty() && before.is_none() { p.q { "No promotion yet." } }
        @else if found.promotions.is_empty() { p.q { "There is none before promotion " (before.unwrap_or_default()) "." } } @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Promotion" } th scope="col" { "How it ended" } th.r scope="col" { "Took" } th.r scope="col" { "When" } } }
                tbody {
                    @for one in &found.promotions {
                        tr {
                            th scope="row" { a href=(look.to(&format!("/promotions/{}", one.number))) data-line { (words::named(one)) } }
                            td { (words::outcome(one)) }
                            td.r data-k="took" { @if let Some(seconds) = one.seconds { (took(seconds)) } }
                            td.r data-k="at" { (time(one.ended_at.as_ref().unwrap_or(&one.requested_at), As::Clock, look.now())) }
                        }
                    }
                }
            }
        }
        @if before.is_some() || found.before.is_some() {
            p.pager {
                @if before.is_some() { a href=(look.to(&format!("{place}#history"))) rel="prev" { "Newest" } }
                @if let Some(older) = found.before { a href=(look.to(&format!("{place}?before={older}#history"))) rel="next" { "Older" } }
            }
        }
    }
}

fn form(look: &Look, wanted: &Wanted) -> Markup {
    let matrix = look.engine.matrix();
    let environments: Vec<String> = matrix
        .iter()
        .flat_map(|matrix| &matrix.environments)
        .map(|one| one.name.to_string())
        .collect();
    let services: Vec<String> =
        matrix.iter().flat_map(|matrix| matrix.services.keys().map(ToString::to_string)).collect();
    let choice = |name: &str, all: &[String], chosen: &str| {
        html! {
            select.in name=(name) {
                option value="" { "every one" }
                @for one in all { option value=(one) selected[one == chosen] { (one) } }
            }
        }
    };
    html! {
        form.sought.of-six method="get" action=(look.to("/promotions")) role="search" {
            label.sm { "Environment" (choice("environment", &environments, &wanted.environment)) }
            label.sm { "Service" (choice("service", &services, &wanted.service)) }
            label.sm { "State" select.in name="state" {
                option value="" { "every one" }
                @for (value, word) in STATES { option value=(value) selected[wanted.state == value] { (word) } }
            } }
            label.sm { "Asked by" input.in name="by" value=(wanted.by) autocomplete="off"; }
            label.sm { "Release" input.in name="release" value=(wanted.release) autocomplete="off" placeholder="1.2.0"; }
            label.sm { "Since" input.in name="since" type="date" value=(wanted.since); }
            div { button.btn.main { (icon("find")) "Search" } @if wanted.asks() { a.btn href=(look.to("/promotions")) { "Everything" } } }
        }
    }
}

fn table(look: &Look, all: &[PromotionView]) -> Markup {
    html! {
        table.tab.cards.found {
            thead { tr {
                th scope="col" { "Number" } th scope="col" { "Promotion" } th scope="col" { "State" } th.why scope="col" { "Why" }
                th scope="col" { "Asked by" } th.r scope="col" { "Took" } th.r scope="col" { "Asked for" }
            } }
            tbody { @for one in all { (line(look, one)) } }
        }
    }
}

fn line(look: &Look, one: &PromotionView) -> Markup {
    let place = look.to(&format!("/promotions/{}", one.number));
    html! {
        tr {
            td.qq.no { (one.number) }
            th scope="row" { a href=(place) data-line { (words::named(one)) } }
            td { (words::outcome(one)) }
            td.why.q {
                @match (&one.sentence, one.outcome) {
                    (Some(why), _) => (sentence(why)),
                    (None, None) => (words::doing(one, look.now())),
                    (None, Some(_)) => {}
                }
            }
            td data-k="by" { (one.by) }
            td.r data-k="took" { @if let Some(seconds) = one.seconds { (took(seconds)) } }
            td.r data-k="asked" { (time(&one.requested_at, As::Clock, look.now())) }
        }
    }
}
