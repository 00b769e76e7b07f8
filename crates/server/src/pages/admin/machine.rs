//! How the engine is: what runs, what it keeps, what is not well, and what nobody has set up. Looks at this project alone;
//! the machine around it is `towpath doctor`'s.

use maud::{Markup, html};
use towpath_engine::views::{LaneView, Status, time as written};

use crate::error::Answer;
use crate::pages::frame::Look;
use crate::pages::marks::{As, counted, grouped, icon, sentence, state, time};
use crate::pages::words;

/// Something that is not well.
struct Finding {
    what: &'static str,
    sentence: String,
    /// Where there is more about it, below the base.
    place: Option<String>,
    command: String,
}

pub(super) async fn section(look: &Look) -> Answer<Markup> {
    let status = look.engine.status();
    let notices = look.engine.notices().await?;
    let pending = look.engine.outbox_pending().await?;
    let last = look.engine.latest_events(None, 1).await?;
    let found = findings(look, &status);
    let now = look.now();
    let setup = look.engine.setup();
    Ok(html! {
        div.plain2 id="machine" data-live {
            section.sec {
                h2 { "Engine" }
                dl.facts.wide-k {
                    dt { "Stands" } dd { @if look.engine.is_ready() { (state("ok", "", "runs, and its journal answers")) } @else { (state("warn", "harm", "its journal does not answer")) } }
                    dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) ", process " (std::process::id()) }
                    dt { "Runs for" } dd { (time(&written(look.engine.started_at()), As::Age, now)) span.q { ", since " (time(&written(look.engine.started_at()), As::Clock, now)) } }
                    dt { "Journal" } dd {
                        (setup.store.kind()) @if let Some(row) = last.first() { ", " (grouped(row.seq)) " events, the last " (time(&written(row.at), As::Age, now)) " ago" }
                        ". " a href=(look.to("/audit")) { "Look through it" }
                    }
                    dt { "Owner" } dd {
                        "engine " (grouped(look.engine.epoch())) " of this journal"
                        span.q { ": one at a time owns it, and routers refuse every earlier one" }
                    }
                    dt { "Outbox" } dd { @if pending == 0 { "empty: whatever was decided is done" } @else { (counted(pending, "effect")) " decided, and not done yet" } }
                    dt { "Notices" } dd {
                        (notices.pending.len()) " on their way, " (notices.dead.len()) " never arrived. "
                        a href=(look.to("/notifications")) { "Notifications" }
                    }
                }
            }
            section.sec { h2 { "What is not well" } (list(look, &found)) }
            section.sec.whole { h2 { "What is not set up" } (missing(look)) }
        }
    })
}

fn list(look: &Look, found: &[Finding]) -> Markup {
    html! {
        @if found.is_empty() { p { (state("ok", "", "nothing that the engine knows of")) } p.sm.q { code { "towpath doctor" } " looks at the machine around it as well." } }
        ul.checks {
            @for one in found {
                li { (icon("warn")) div {
                    b { @if let Some(place) = &one.place { a href=(look.to(place)) { (one.what) } } @else { (one.what) } }
                    span { (sentence(&one.sentence)) } span { code { (one.command) } }
                } }
            }
        }
    }
}

fn findings(look: &Look, status: &Status) -> Vec<Finding> {
    let mut found: Vec<Finding> = status.lanes.iter().filter_map(of_lane).collect();
    if let Some(sentence) = &status.engine.short_of_space {
        let (what, command) = ("Disk", "towpath doctor".to_owned());
        found.push(Finding { what, sentence: sentence.clone(), place: None, command });
    }
    if let Some(why) = &status.engine.unsigned {
        let sentence = format!("the end of the journal is not signed: {why}; it is tried again");
        let command = "towpath audit checkpoint".to_owned();
        let place = Some("/audit".to_owned());
        found.push(Finding { what: "Checkpoints", sentence, place, command });
    }
    if status.dead_notices > 0 {
        let sentence = format!("{} never arrived", counted(status.dead_notices, "notice"));
        let (place, command) =
            (Some("/notifications".to_owned()), "towpath notify list".to_owned());
        found.push(Finding { what: "Notices", sentence, place, command });
    }
    let fenced = look.engine.fencing_rejections();
    if fenced > 0 {
        let sentence = format!(
            "the journal refused {} of this engine, because another one owns it",
            counted(usize::try_from(fenced).unwrap_or(usize::MAX), "change")
        );
        let command = "towpath engine status".to_owned();
        found.push(Finding { what: "Owner", sentence, place: None, command });
    }
    found
}

fn of_lane(lane: &LaneView) -> Option<Finding> {
    let place = Some(words::lane_place(&lane.service, &lane.environment));
    let name = format!("{} in {}", lane.service, lane.environment);
    if lane.health.state == "unhealthy" {
        let sentence = format!("{name} fails on {}", lane.health.failing.join(", "));
        let command = format!("towpath health {} --service {}", lane.environment, lane.service);
        return Some(Finding { what: "Health", sentence, place, command });
    }
    let is_adrift = lane.promotion.as_ref().is_some_and(|one| one.state == "reconciling");
    is_adrift.then(|| Finding {
        what: "Router",
        sentence: format!("the weights of {name} are not as they were ordered"),
        place,
        command: format!("towpath why {} --service {}", lane.environment, lane.service),
    })
}

/// What a team may expect here and does not have yet, and what would set it up.
fn missing(look: &Look) -> Markup {
    let matrix = look.engine.matrix();
    let is = |test: fn(&towpath_core::matrix::Matrix) -> bool| matrix.as_ref().is_none_or(test);
    html! {
        ul.checks {
            @if matrix.is_none() { (hint("A matrix", "none is in force, and nothing can be promoted before one is", "towpath matrix apply")) }
            @if is(|it| !it.knows_people()) { (hint("People", "the matrix names nobody, so that whoever gets in may do everything, and nobody has a token", "people: { YOU: { account: ACCOUNT, roles: [ROLE] } }")) }
            @if is(|it| it.approvals.is_empty()) { (hint("Agreement to changes", "whoever may apply a matrix changes these rules alone", "matrix_approvals: [ { role: ROLE, people: 1 } ]")) }
            @if is(|it| it.notifiers.is_empty()) { (hint("Channels", "nobody is told of anything: summaries alone are kept in the folder of the journal", "notifiers: { NAME: { kind: KIND } }")) }
            @if look.engine.setup().notary.is_none() { (hint("Signed checkpoints", "this engine signs nothing, so that the journal proves itself against changes of single events alone", "towpath audit checkpoint")) }
            (hint("Backups", "Towpath makes none. The journal and kept bytes lie in one folder or database: whatever keeps your databases keeps it too. A copy that proves itself, whole and in order, is an export", "towpath audit export --output journal.jsonl"))
            (hint("Replicas", "one engine at a time owns a journal; another one takes over where it ends, and is not seen from here before that", "towpath engine status"))
        }
    }
}

fn hint(what: &str, sentence_of_it: &str, command: &str) -> Markup {
    html! { li { (icon("dot")) div { b { (what) } span { (sentence(sentence_of_it)) } span { code { (command) } } } } }
}
