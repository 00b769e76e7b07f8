//! What the policy of a lane would do about a fault that somebody describes: many rollouts in virtual time, as charts
//! and as a table. Everything is in the address; nothing is promoted.

mod asked;
mod drawn;
mod running;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use towpath_core::matrix::Matrix;
use towpath_core::reason::Refusal;

use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{icon, percent, sentence};
use crate::pages::problem;
use asked::{Asked, MOST_RUNS, Wanted};

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, wanted: &Wanted) -> Shown {
    let Some(matrix) = look.engine.matrix() else { return Ok(framed(&empty())) };
    let lanes = asked::lanes(&matrix);
    if lanes.is_empty() {
        return Ok(framed(&empty()));
    }
    let answer =
        if wanted.lane.is_empty() { None } else { Some(answered(look, &matrix, wanted).await) };
    let content = html! {
        p.lead { "Runs the declared rollout of a lane many times in virtual time, with the guard that would judge it, against traffic and a fault that you describe. "
            "The same address gives the same answer." }
        (form(look, &matrix, &lanes, wanted))
        @match &answer {
            None => p.q { "Describe a fault, and see whether, how soon and at which share of the visitors it would be found." },
            Some(Ok(found)) => (found),
            Some(Err(refusal)) => div.problem role="alert" { h2 { (icon("warn")) " " (sentence(&refusal.message)) } (problem::parts(refusal)) },
        }
    };
    Ok(framed(&content))
}

fn framed(content: &Markup) -> Page {
    let content = html! { div.head { h1 { "Simulate" } } (content) };
    Page { place: Place::Simulate, title: "Simulate".to_owned(), content }
}

fn empty() -> Markup {
    html! {
        div.empty {
            p { "A rollout can be simulated where a lane has a router and steps with a bake: before anything is promoted it says how soon a fault would be "
                "found, and how many visitors it would harm until then." }
            code.cmd { "rollout: { strategy: canary, steps: [ { weight: 5%, bake: 10m }, { weight: 100%, bake: 30m } ] }" }
        }
    }
}

async fn answered(look: &Look, matrix: &Matrix, wanted: &Wanted) -> Result<Markup, Box<Refusal>> {
    let asked = Asked::of(matrix, wanted)?;
    let outcome = running::outcome(&look.engine, matrix, &asked).await?;
    Ok(drawn::answer(&asked, &outcome))
}

fn form(look: &Look, matrix: &Matrix, lanes: &[String], wanted: &Wanted) -> Markup {
    let chosen =
        if wanted.lane.is_empty() { lanes.last().cloned() } else { Some(wanted.lane.clone()) };
    let chosen = chosen.unwrap_or_default();
    let steps = asked::steps(matrix, &chosen);
    let value = |text: &str, usual: &str| {
        if text.is_empty() && wanted.lane.is_empty() { usual.to_owned() } else { text.to_owned() }
    };
    html! {
        form.sought.described method="get" action=(look.to("/simulate")) {
            label.sm { "Lane" select.in name="lane" { @for lane in lanes { option value=(lane) selected[*lane == chosen] { (lane) } } } }
            label.sm { "Requests per second" input.in name="rate" inputmode="decimal" value=(value(&wanted.rate, "20")) autocomplete="off"; }
            label.sm { "Fail today, %" input.in name="errors" inputmode="decimal" value=(value(&wanted.errors, "0.5")) autocomplete="off"; }
            label.sm { "Green fails, %" input.in name="fail" inputmode="decimal" value=(value(&wanted.fail, "5")) autocomplete="off"; }
            label.sm { "Green slower, factor" input.in name="slower" inputmode="decimal" value=(wanted.slower) placeholder="1" autocomplete="off"; }
            label.sm { "Slower requests, %" input.in name="share" inputmode="decimal" value=(wanted.share) placeholder="100" autocomplete="off"; }
            label.sm { "From step" select.in name="from" {
                @for (at, step) in steps.iter().enumerate() {
                    @let number = (at + 1).to_string();
                    option value=(number) selected[wanted.from == number] { (number) ", at " (percent(*step)) }
                }
            } }
            label.sm { "Rollouts, up to " (MOST_RUNS) input.in name="runs" inputmode="numeric" value=(wanted.runs) placeholder="as many as fit" autocomplete="off"; }
            label.sm { "Seed" input.in name="seed" inputmode="numeric" value=(value(&wanted.seed, "1")) autocomplete="off"; }
            div { button.btn.main { (icon("play")) "Simulate" } }
        }
    }
}
