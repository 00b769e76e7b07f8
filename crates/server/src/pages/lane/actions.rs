//! What can be done about a lane: going back, reporting an incident, freezing it, asking it how it is. Owns the
//! words and the forms; whether an order is taken is the engine's to decide.

use maud::{Markup, html};
use towpath_core::matrix::{Decider, Signal};
use towpath_core::promotion::state::{Kind, Lane};
use towpath_engine::views::{FreezeView, LaneView, QuarantineView};

use super::Data;
use crate::pages::action::{Action, KEPT, button, reason, word};
use crate::pages::frame::Look;
use crate::pages::marks::{As, icon, sentence, tag, time};
use crate::pages::words;

/// For how long one may freeze here, as spans are written, with the words of the choice.
pub(super) const FREEZES: [(&str, &str); 4] =
    [("1h", "for an hour"), ("4h", "for 4 hours"), ("24h", "for a day"), ("7d", "for a week")];

/// What is seen of a lane when a button is shown: an order that was meant for something else is not carried out.
pub(super) fn stamp(view: &LaneView) -> String {
    let serves = view.serves.as_ref().map_or("-", |serves| serves.release.as_str());
    let moving = moving(view).map_or(0, |it| it.number);
    format!("{serves}/{moving}")
}

/// The promotion that has taken the lane.
pub(super) fn moving(view: &LaneView) -> Option<&towpath_engine::views::PromotionView> {
    view.promotion.as_ref().filter(|it| it.state != "waiting")
}

/// The release that a rollback would put back, and whether it stands by.
pub(super) fn target(view: &LaneView, lane: &Lane) -> Option<(String, bool)> {
    let to = lane.rollback_target()?.release.version.to_string();
    let stands_by = view.standby.as_ref().is_some_and(|one| one.release == to);
    Some((to, stands_by))
}

pub(super) fn acts(look: &Look, data: &Data) -> Markup {
    let all = [roll_back(look, data), report(data), freeze(data), validate(data), probe(data)];
    let hidden = html! { (word(look)) input type="hidden" name="seen" value=(stamp(&data.view)); };
    let place = words::lane_place(&data.view.service, &data.view.environment);
    html! {
        div.acts.n5 id="acts" data-live {
            @for action in &all {
                div { (button(action, &look.to(&format!("{place}/{}", action.word)), &hidden)) }
            }
        }
    }
}

fn roll_back(look: &Look, data: &Data) -> Action {
    let view = &data.view;
    let (short, full, submit) = match (&view.serves, moving(view), target(view, &data.lane)) {
        (None, ..) => ("Nothing serves here yet.".to_owned(), None, String::new()),
        (_, Some(promotion), _) => (
            format!("Promotion {} is on its way: its page has the buttons.", promotion.number),
            None,
            String::new(),
        ),
        (.., None) => (
            "There is nothing to go back to: no other release was verified here, or it is quarantined."
                .to_owned(),
            None,
            String::new(),
        ),
        (Some(serves), None, Some((to, stands_by))) => {
            let bad = &serves.release;
            let how = if stands_by {
                "which stands by at full capacity"
            } else {
                "which is started anew from its kept artefact"
            };
            (
                format!("{to} serves all; {bad} is quarantined."),
                Some(format!(
                    "All traffic goes to {to}, {how}. {bad} may not enter {}, {} until a person lifts its quarantine. Freezes, windows and approvals do not hold it.",
                    view.service, view.environment
                )),
                format!("Roll back to {to}"),
            )
        }
    };
    let plan = super::back::brief(look, data);
    Action::roll_back(short, full, submit, html! { (plan) (reason(KEPT, false)) })
}

/// A person's word that something is wrong, with what follows from it here.
fn report(data: &Data) -> Action {
    let declared = &data.section.rollback.signals;
    let follows = follows(data);
    let (short, full) = match (declared.is_empty(), &follows) {
        (true, _) => {
            ("The matrix names no signal here, under rollback.when.signals.".to_owned(), None)
        }
        (false, None) => ("Nothing serves here that could be taken back.".to_owned(), None),
        (false, Some((short, full))) => (short.clone(), Some(full.clone())),
    };
    let fields = html! {
        fieldset.picks {
            legend.sm { "What happened" }
            @for (at, signal) in declared.iter().enumerate() {
                label.pick { input type="radio" name="signal" value=(signal.as_str()) checked[at == 0]; (said(*signal)) }
            }
        }
        (reason("What was seen, kept in the audit", true))
    };
    Action {
        word: "signal",
        mark: "warn",
        title: "Report an incident",
        short,
        full,
        submit: "Report it".to_owned(),
        is_bad: false,
        fields,
    }
}

fn said(signal: Signal) -> &'static str {
    match signal {
        Signal::SecurityIncident => "A security incident",
        Signal::BusinessImpact => "The business is hurt",
    }
}

/// What a signal would do now: in a few words, and in full.
fn follows(data: &Data) -> Option<(String, String)> {
    let lane = &data.lane;
    let back = lane.target_of_another_release().map(|to| to.release.version.to_string());
    if let Some(active) = &lane.active {
        let (number, release) = (active.number, &active.plan.release.version);
        if active.plan.kind == Kind::Rollback {
            let full = format!(
                "Promotion {number} is putting {release} back already: it goes on, and your word stands in the journal."
            );
            return Some((format!("Promotion {number} goes back already."), full));
        }
        let full = if active.may_have_visitors() {
            format!(
                "Promotion {number} goes back if it can: all traffic leaves {release}, which is quarantined. If it cannot, it is held and a person is asked."
            )
        } else {
            format!(
                "Promotion {number} of {release} ends, as no visitor is on it. What serves is then dealt with as the matrix says."
            )
        };
        return Some((format!("Promotion {number} goes back, or ends."), full));
    }
    let serving = lane.serving.as_ref()?;
    let bad = &serving.deployment.release.version;
    let is_automatic = data.section.rollback.mode == Decider::Automatic;
    Some(match (back, is_automatic) {
        (Some(to), true) => (
            format!("Takes {bad} back to {to} by itself."),
            format!(
                "All traffic goes back to {to} by itself and {bad} is quarantined, unless a rollback was tried already or its data cannot be taken back: then a person is asked."
            ),
        ),
        (Some(to), false) => (
            format!("Asks a person whether {bad} goes back."),
            format!(
                "Whoever may roll back is asked whether {bad} goes back to {to}; nothing moves by itself, because the matrix says `rollback.mode: manual`."
            ),
        ),
        (None, _) => (
            "Asks a person: there is nothing to go back to.".to_owned(),
            format!("Whoever may roll back is told. There is no release to go back to from {bad}."),
        ),
    })
}

fn freeze(data: &Data) -> Action {
    let view = &data.view;
    let (service, environment) = (&view.service, &view.environment);
    let fields = html! {
        label.sm { "What" select.in name="scope" {
            option value="lane" { (service) " in " (environment) }
            option value="environment" { "everything in " (environment) }
        } }
        label.sm { "How long" select.in name="lasts" {
            @for (value, words) in FREEZES { option value=(value) { (words) } }
            option value="" { "until somebody thaws it" }
        } }
        (reason("Why: whoever is held reads it", true))
    };
    Action {
        word: "freeze",
        mark: "frost",
        title: "Freeze",
        short: "No promotion starts, and no weight rises. Rollbacks go on.".to_owned(),
        full: Some(
            "No promotion starts here and none that is on its way gets more traffic, until it is over or somebody thaws it. Rollbacks are exempt."
                .to_owned(),
        ),
        submit: "Freeze it".to_owned(),
        is_bad: false,
        fields,
    }
}

fn validate(data: &Data) -> Action {
    let count = data.section.gate.validation.len();
    let (short, full) = match (&data.view.serves, count) {
        (None, _) => ("Nothing serves here that could be validated.".to_owned(), None),
        (_, 0) => ("No check on what serves is declared: gate.validation.".to_owned(), None),
        (Some(serves), count) => {
            let checks = crate::pages::marks::counted(count, "check");
            (
                format!("Asks {checks} of {} now.", serves.release),
                Some(format!(
                    "Asks the {checks} of the gate of {} now, and shows what they answer. Nothing is changed by it, whatever they say.",
                    serves.release
                )),
            )
        }
    };
    Action {
        word: "validate",
        mark: "shield",
        title: "Validate now",
        short,
        full,
        submit: "Ask them".to_owned(),
        is_bad: false,
        fields: Markup::default(),
    }
}

fn probe(data: &Data) -> Action {
    let count = data.section.health.endpoints.len();
    let (short, full) = match (&data.view.serves, count) {
        (None, _) => ("Nothing serves here that could be asked.".to_owned(), None),
        (_, 0) => ("No endpoint is declared: health.endpoints.".to_owned(), None),
        (Some(serves), count) => {
            let all = crate::pages::marks::counted(count, "endpoint");
            let full = format!(
                "Asks {all} of {} now instead of waiting for the next round. An answer counts like any other: one that fails too often may take the release back.",
                serves.release
            );
            (format!("Asks {all} of {} now.", serves.release), Some(full))
        }
    };
    Action {
        word: "probe",
        mark: "now",
        title: "Check health now",
        short,
        full,
        submit: "Ask now".to_owned(),
        is_bad: false,
        fields: Markup::default(),
    }
}

/// What may not enter, and the button that lets it in again.
pub(in crate::pages) fn quarantined(look: &Look, view: &LaneView, one: &QuarantineView) -> Markup {
    let key = look.engine.you(&look.acting).key;
    let place = words::lane_place(&view.service, &view.environment);
    html! {
        p { (tag("ban", "held", &html! { (one.release) " may not enter" })) }
        p.sm.q {
            (sentence(&one.reason)) " Since " (time(&one.since, As::Clock, look.now())) ", by "
            a href=(look.to(&format!("/promotions/{}", one.promotion))) { "promotion " (one.promotion) } "."
        }
        @if key.is_some() {
            p.sm.q { "You speak by your key: " code { "towpath quarantine lift " (view.environment) " " (one.release) } }
        } @else {
            div.ask { div.do {
                details data-act id={ "lift-" (one.promotion) } {
                    summary.btn { "Lift the quarantine" }
                    form method="post" action=(look.to(&format!("{place}/lift"))) {
                        (word(look))
                        input type="hidden" name="release" value=(one.release);
                        p { (one.release) " may enter " (view.service) ", " (view.environment) " again, as any other release." }
                        (reason(KEPT, true))
                        button.btn.main { "Lift it" }
                    }
                }
            } }
        }
    }
}

/// A freeze that a person set, and the button that ends it.
pub(in crate::pages) fn frozen(
    look: &Look,
    view: &LaneView,
    freeze: &FreezeView,
    at: usize,
) -> Markup {
    let now = look.now();
    let place = words::lane_place(&view.service, &view.environment);
    let what = scope_words(freeze);
    html! {
        p { (tag("frost", "held", &html! { (what) " is frozen" @if let Some(until) = &freeze.until { " until " (time(until, As::Clock, now)) } })) }
        p.sm.q {
            (sentence(&freeze.reason)) " Set by " (freeze.by) ", " (time(&freeze.since, As::Age, now)) " ago. Rollbacks are exempt."
            @if !freeze.except.is_empty() { " It lets " (freeze.except.join(", ")) " through." }
        }
        @if look.engine.you(&look.acting).key.is_some() {
            p.sm.q { "You speak by your key: " code { (thaw_command(freeze)) } }
        } @else {
            div.ask { div.do {
                details data-act id={ "thaw-" (at) } {
                    summary.btn { (icon("play")) "Thaw" }
                    form method="post" action=(look.to(&format!("{place}/thaw"))) {
                        (word(look))
                        input type="hidden" name="environment" value=(freeze.environment.as_deref().unwrap_or_default());
                        input type="hidden" name="service" value=(freeze.service.as_deref().unwrap_or_default());
                        input type="hidden" name="since" value=(freeze.since);
                        p { "Promotions into " b { (what) } " go on at once, those that were held among them." }
                        (reason(KEPT, false))
                        button.btn.main { "Thaw " (what) }
                    }
                }
            } }
        }
    }
}

/// What a freeze holds, in words.
fn scope_words(freeze: &FreezeView) -> String {
    match (&freeze.environment, &freeze.service) {
        (Some(environment), Some(service)) => format!("{service} in {environment}"),
        (Some(environment), None) => format!("all of {environment}"),
        (None, Some(service)) => format!("{service} everywhere"),
        (None, None) => "everything".to_owned(),
    }
}

fn thaw_command(freeze: &FreezeView) -> String {
    let environment = freeze.environment.as_ref().map(|name| format!(" {name}"));
    let service = freeze.service.as_ref().map(|name| format!(" --service {name}"));
    format!("towpath thaw{}{}", environment.unwrap_or_default(), service.unwrap_or_default())
}
