//! What can be done about a promotion: each button says what it will do, and one that cannot be used says why.
//! Owns the words and the forms; whether an order is taken is the engine's to decide.

use maud::{Markup, html};
use towpath_core::promotion::state::Kind;
use towpath_engine::views::{ApprovalView, CheckView, PromotionView};

use crate::pages::action::{Action, KEPT, button, reason, word};
use crate::pages::frame::Look;
use crate::pages::marks::{icon, percent, took};

/// What was seen of a promotion when a button was shown: an order that was meant for something else is not
/// carried out.
pub(in crate::pages) fn stamp(view: &PromotionView) -> String {
    let step = view.step.map_or_else(|| "-".to_owned(), |step| step.to_string());
    let paused = if view.paused.is_some() { "paused" } else { "runs" };
    format!("{}/{step}/{paused}/{}", view.state, percent(view.weight))
}

pub(super) fn acts(look: &Look, view: &PromotionView) -> Markup {
    let all = [pause(view), resume(look, view), abort(view), roll_back(view)];
    html! {
        @if !view.approvals.is_empty() && view.state == "waiting" { (words(look, view)) }
        div.acts id="acts" data-live {
            @for action in &all { div { (button(action, &place(look, view, action.word), &hidden(look, view))) } }
        }
    }
}

fn place(look: &Look, view: &PromotionView, word: &str) -> String {
    look.to(&format!("/promotions/{}/{word}", view.number))
}

fn hidden(look: &Look, view: &PromotionView) -> Markup {
    html! {
        (word(look))
        input type="hidden" name="seen" value=(stamp(view));
    }
}

fn pause(view: &PromotionView) -> Action {
    let at = percent(view.weight);
    let is_late = matches!(view.state.as_str(), "committing" | "going-back");
    let baked = view.baked_seconds.zip(view.step.and_then(|at| view.steps.get(at)));
    let clock = baked.map_or_else(String::new, |(baked, step)| {
        format!(" The bake clock stops at {} of {}.", took(baked), took(step.bake_seconds))
    });
    let (short, full) = if view.paused.is_some() {
        ("It is paused already.".to_owned(), None)
    } else if is_late {
        ("Too late: nothing can be held any more.".to_owned(), None)
    } else if view.state == "waiting" {
        ("It goes on waiting, and does not start.".to_owned(), Some("It does not start, whatever it waits for, until somebody resumes it or its time is over.".to_owned()))
    } else if view.weight > 0.0 {
        let full = format!(
            "Green keeps {at} and its lease.{clock} The guard goes on judging and may still roll back."
        );
        (format!("{at} stays on green; the clock stops."), Some(full))
    } else {
        ("No visitor is moved to it until it is resumed.".to_owned(), Some("What is under way is finished, and no visitor is moved to green until somebody resumes it.".to_owned()))
    };
    let submit = if view.weight > 0.0 { format!("Pause at {at}") } else { "Pause".to_owned() };
    Action {
        word: "pause",
        mark: "pause",
        title: "Pause",
        short,
        full,
        submit,
        is_bad: false,
        fields: reason(KEPT, false),
    }
}

fn resume(look: &Look, view: &PromotionView) -> Action {
    let key = look.engine.you(&look.acting).key;
    let (short, full) = match (&view.paused, key) {
        (None, _) => ("Nothing is paused.".to_owned(), None),
        (Some(_), Some(_)) => {
            (format!("You speak by your key: towpath resume {}", view.number), None)
        }
        (Some(why), None) => (
            "It goes on from where it was held.".to_owned(),
            Some(format!(
                "It goes on from where it was held ({why}). What spoke against it then is on record."
            )),
        ),
    };
    Action {
        word: "resume",
        mark: "play",
        title: "Resume",
        short,
        full,
        submit: "Resume".to_owned(),
        is_bad: false,
        fields: Markup::default(),
    }
}

fn abort(view: &PromotionView) -> Action {
    let release = &view.release;
    let (short, full, submit) = match (&view.replaces, view.state.as_str()) {
        (_, "going-back") => ("It is going back already.".to_owned(), None, "Abort".to_owned()),
        (_, "waiting") => (
            format!("It ends; nothing has begun, and {release} may try again."),
            Some("This promotion ends aborted. Nothing was changed by it, and nothing is quarantined.".to_owned()),
            "Abort".to_owned(),
        ),
        (Some(before), _) => (
            format!("{before} serves all; {release} may try again."),
            Some(format!("All traffic goes to {before}, green drains, and this promotion ends aborted. Nothing is quarantined.")),
            format!("Abort, {before} serves all"),
        ),
        (None, _) => (
            "It ends, and nothing serves here.".to_owned(),
            Some("This promotion ends aborted, and as nothing served before it nothing serves here afterwards.".to_owned()),
            "Abort, nothing serves".to_owned(),
        ),
    };
    Action {
        word: "abort",
        mark: "stop",
        title: "Abort",
        short,
        full,
        submit,
        is_bad: false,
        fields: reason(KEPT, false),
    }
}

fn roll_back(view: &PromotionView) -> Action {
    let PromotionView { release, service, to, .. } = view;
    let has_visitors = view.step.is_some();
    let (short, full, submit) = match &view.replaces {
        _ if view.kind == Kind::Rollback => {
            ("It is a rollback itself.".to_owned(), None, String::new())
        }
        None => ("Nothing served before it: abort ends it.".to_owned(), None, String::new()),
        Some(_) if view.state == "going-back" => {
            ("It is going back already.".to_owned(), None, String::new())
        }
        Some(_) if !has_visitors => {
            ("No visitor has met it: abort ends it.".to_owned(), None, String::new())
        }
        Some(before) => (
            format!("{before} serves all; {release} is quarantined."),
            Some(format!(
                "All traffic goes to {before} and this promotion ends rolled back. {release} may not enter {service}, {to} until a person lifts its quarantine."
            )),
            format!("Roll back to {before}"),
        ),
    };
    Action::roll_back(short, full, submit, reason(KEPT, false))
}

/// Yes and no to the plan of one that waits.
fn words(look: &Look, view: &PromotionView) -> Markup {
    html! {
        div.ask id="words" data-live {
            div.do { (approve(look, view)) }
        }
    }
}

/// The two buttons of an approval, here and in what waits for somebody; both are for one plan.
pub(in crate::pages) fn approve(look: &Look, view: &PromotionView) -> Markup {
    let you = look.engine.you(&look.acting);
    let name = you.you.unwrap_or_else(|| look.visitor.person.to_string());
    let asked = view.approvals.iter().filter(|one| one.by.len() < one.need as usize);
    let mine: Vec<&str> =
        asked.filter(|one| one.who.contains(&name)).map(ApprovalView::whom).collect();
    let said = view.approvals.iter().any(|one| one.by.contains(&name));
    let why = match (&you.key, mine.is_empty()) {
        (Some(_), false) => {
            Some(format!("You speak by your key: towpath approve {} signs it.", view.number))
        }
        (_, false) => None,
        _ if said => Some("You agreed to this plan.".to_owned()),
        _ => Some(
            "It is not yours to decide: your roles are not asked, or it is your own work."
                .to_owned(),
        ),
    };
    let group = format!("do-{}", view.number);
    let Some(why) = why else { return both(look, view, &group, &mine.join(", ")) };
    html! {
        button.btn type="button" aria-disabled="true" aria-describedby={ (group) "-why" } { (icon("ok")) "Approve" }
        button.btn type="button" aria-disabled="true" aria-describedby={ (group) "-why" } { (icon("x")) "Reject" }
        p id={ (group) "-why" } { (why) }
    }
}

fn both(look: &Look, view: &PromotionView, group: &str, role: &str) -> Markup {
    let weights: Vec<String> = view.steps.iter().map(|step| percent(step.weight)).collect();
    let lasts: f64 = view.steps.iter().map(|step| step.bake_seconds).sum();
    let then = if weights.is_empty() {
        "Put in place at once.".to_owned()
    } else {
        format!("Goes {} over {}.", weights.join(", "), took(lasts))
    };
    let fields = html! {
        (hidden(look, view))
        input type="hidden" name="plan" value=(view.plan);
    };
    html! {
        details data-act id={ (group) "-yes" } {
            summary.btn.main { (icon("ok")) "Approve" }
            form method="post" action=(place(look, view, "approve")) {
                (fields)
                p { b { (then) } " Your word counts as " (role) ", for plan " span.mono { (view.plan) } " alone." }
                label { "Note, optional" input.in name="reason" maxlength="2000" autocomplete="off"; }
                label { "Link, optional" input.in name="link" type="url" maxlength="2000" autocomplete="off"; }
                button.btn.main { "Approve " (view.release) }
            }
        }
        details data-act id={ (group) "-no" } {
            summary.btn { (icon("x")) "Reject" }
            form method="post" action=(place(look, view, "reject")) {
                (fields)
                p { b { "Ends this promotion as rejected." } " The release stays where it is." }
                label { "Reason, sent to the author" input.in name="reason" required maxlength="2000" autocomplete="off"; }
                label { "Link, optional" input.in name="link" type="url" maxlength="2000" autocomplete="off"; }
                button.btn.main.bad { "Reject " (view.release) }
            }
        }
    }
}

/// The answer to a question of a gate that only people can give.
pub(in crate::pages) fn attest(look: &Look, view: &PromotionView, check: &CheckView) -> Markup {
    let key = look.engine.you(&look.acting).key;
    let all = view.checks.iter().position(|one| one.title == check.title).unwrap_or_default();
    let group = format!("attest-{}-{all}", view.number);
    let said = check.sentence.as_deref().map(crate::pages::marks::sentence);
    html! {
        @if key.is_some() {
            button.btn type="button" aria-disabled="true" { (icon("ok")) (check.title) }
            p { "You speak by your key: " code { "towpath attest " (view.to) " \"" (check.title) "\"" } }
        } @else {
            details data-act id=(group) {
                summary.btn { (icon("ok")) (check.title) }
                form method="post" action=(place(look, view, "attest")) {
                    (hidden(look, view))
                    input type="hidden" name="title" value=(check.title);
                    p { "Says that it is done for " b { (view.release) } ", in your name. The check is asked again at once." }
                    label { "Note: what was looked at" input.in name="reason" required maxlength="2000" autocomplete="off"; }
                    label { "Link to the evidence, optional" input.in name="link" type="url" maxlength="2000" autocomplete="off"; }
                    button.btn.main { "It is done" }
                }
            }
            @if let Some(said) = said { p { (said) } }
        }
    }
}

/// What ended keeps its buttons, and the link that helps.
pub(super) fn ended(look: &Look, view: &PromotionView) -> Markup {
    let all = [("pause", "Pause"), ("play", "Resume"), ("stop", "Abort"), ("back", "Roll back")];
    let lane = look.to(&crate::pages::words::lane_place(&view.service, &view.to));
    html! {
        div.ended {
            @for (mark, title) in all {
                button.btn type="button" aria-disabled="true" aria-describedby="why-ended" { (icon(mark)) (title) }
            }
            p id="why-ended" {
                "Ended, and ended is ended. What serves now, and how it is taken back: "
                a href=(lane) { (view.service) " in " (view.to) } "."
            }
        }
    }
}
