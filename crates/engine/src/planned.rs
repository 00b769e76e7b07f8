//! The checks of a plan as they stand before anybody asked them: what people have said counts already.
//! Asks no check.

use std::fmt::Write as _;

use towpath_core::code_owners::OwnersTold;
use towpath_core::debts::REVIEW_WITHIN;
use towpath_core::matrix::{LaneSpec, OnBlind};
use towpath_core::plan::Plan;
use towpath_core::project::Project;
use towpath_core::promotion::state::Kind;
use towpath_core::promotion::{approving, held};
use towpath_core::release::{ChangeType, Release};
use towpath_core::units::{Timestamp, Weight};

use crate::views::{self, ApprovalView, BlockerView, CheckView, HoldbackPlanView};

/// The check that waits for a person's word; see the adapter of that name.
const ATTESTED: &str = "attested";

/// The plan's checks in the order of the file. One that waits for people says whose word there is, or
/// who can give it; all others are open.
pub(crate) fn checks(project: &Project, plan: &Plan) -> Vec<CheckView> {
    let mut views = views::checks(plan, None);
    let gate = &plan.section.gate;
    let declared = gate.prerequisites.iter().chain(&gate.validation);
    for (view, check) in views.iter_mut().zip(declared) {
        if check.check.kind != ATTESTED {
            continue;
        }
        // Who must be there while it runs says so once it is ordered.
        let is_fresh = check.check.settings["fresh"] == true;
        let mut words = project.words(&plan.lane, &plan.release.digest, &check.title);
        let word = words.next_back().filter(|_| !is_fresh);
        let (state, sentence) = match word {
            Some(word) => ("pass", format!("attested by {}", word.by)),
            None => ("pending", format!("waits for {}", people(&check.check.settings))),
        };
        state.clone_into(&mut view.state);
        view.sentence = Some(sentence);
    }
    views
}

/// The roles that must agree to the plan.
pub(crate) fn approvals(
    project: &Project,
    (plan, release): (&Plan, &Release),
    owners: Option<OwnersTold>,
    now: Timestamp,
) -> Vec<ApprovalView> {
    let mut lane = project.lane(&plan.lane);
    if let Some(told) = owners {
        lane.remember_owners(told);
    }
    views::approvals(approving::of_plan(&project.common, &lane, plan, release, now))
}

/// What stays on what is replaced after commit, where something does.
pub(crate) fn holdback(plan: &Plan, irreversible: bool) -> Option<HoldbackPlanView> {
    let rule = plan.section.holdback.as_ref().filter(|rule| rule.share > Weight::ZERO)?;
    let replaces = plan.kind == Kind::Promote && plan.blue.is_some() && !irreversible;
    let seconds = views::span_seconds(rule.lasts);
    replaces.then(|| HoldbackPlanView { share: rule.share.share(), seconds })
}

/// What would hold it now, and when nothing does any more.
pub(crate) fn holds(
    project: &Project,
    plan: &Plan,
    change: ChangeType,
    overrides: bool,
    now: Timestamp,
) -> (Vec<BlockerView>, Option<Timestamp>) {
    if plan.kind == Kind::Rollback {
        return (Vec::new(), None);
    }
    let (found, opens) =
        held::forecast(&project.common, &plan.lane, &plan.section, change, overrides, now);
    (found.into_iter().map(BlockerView::from).collect(), opens)
}

/// Windows and declared freezes that concern this type of change, in words.
pub(crate) fn windows(plan: &Plan, change: ChangeType) -> Vec<String> {
    let calendar = &plan.section.calendar;
    let windows = calendar.windows.iter().filter(|window| window.is_for(change));
    let freezes = calendar.freezes.iter().filter(|freeze| !freeze.except.contains(&change));
    let windows = windows.map(|window| window.times.to_string());
    windows.chain(freezes.map(|freeze| format!("never {}", freeze.times))).collect()
}

/// Who can give their word, from the settings of the check.
fn people(settings: &serde_json::Value) -> String {
    let roles = settings.get("by").and_then(serde_json::Value::as_array).into_iter().flatten();
    let roles: Vec<&str> = roles.filter_map(serde_json::Value::as_str).collect();
    if roles.is_empty() {
        return "a person's word".to_owned();
    }
    format!("the word of a person with the role {}", roles.join(" or "))
}

/// How the weights are chosen, where a budget of harm chooses them.
pub(crate) fn weights_chosen(plan: &Plan) -> Option<String> {
    let allowed = plan.section.rollout.harm_budget?;
    let first = plan.steps.first().filter(|_| plan.steps.len() > 1 && plan.blue.is_some())?.weight;
    Some(format!(
        "{first} first, then the largest of these at which at most {allowed} requests are harmed, at \
         worst and as far as is known, until the guard acts"
    ))
}

/// Files that the release brings for whoever agrees: their names and digests.
pub(crate) fn brought(plan: &Plan) -> Vec<(String, String)> {
    plan.evidence.iter().map(|(name, digest)| (name.to_string(), digest.to_string())).collect()
}

/// What is owed once it serves, or from its start where the glass is broken, in words.
pub(crate) fn owes(plan: &Plan) -> Vec<String> {
    let owes = plan.section.owes.clone().unwrap_or_default();
    let within = match owes.review_within {
        Some(within) if plan.owes_a_look() => Some(within.min(REVIEW_WITHIN)),
        None if plan.owes_a_look() => Some(REVIEW_WITHIN),
        other => other,
    };
    let review = within.map(|within| format!("a review by somebody else within {within}"));
    let backport = owes.backport_to.map(|branch| format!("a backport to {branch}"));
    let blocks = |mut all: Vec<String>| {
        let types: Vec<_> = owes.blocks.iter().map(|one| one.as_str()).collect();
        if let (Some(last), false) = (all.last_mut(), types.is_empty()) {
            let _ = write!(last, "; no {} enters before", types.join(" or "));
        }
        all
    };
    blocks(review.into_iter().chain(backport).collect())
}

/// What a step without evidence does, in words.
pub(crate) fn without_evidence(section: &LaneSpec) -> &'static str {
    match section.rollout.on_blind {
        OnBlind::Rollback => "goes back (no requests and no probes for a whole step)",
        OnBlind::Pause => "waits for a person (no requests and no probes for a whole step)",
    }
}

/// What blue serves again when green fails it, in words; none where there is no blue or no step.
pub(crate) fn served_again(plan: &Plan) -> Option<String> {
    let blue = plan.blue.as_ref().filter(|_| !plan.steps.is_empty())?;
    let (old, new) = (&blue.version, &plan.release.version);
    let Some(rescue) = &plan.section.rollout.rescue else {
        return Some(format!("nothing: visitors meet what {new} fails"));
    };
    let mut text = format!("by {old}: GET, HEAD and OPTIONS that {new} fails");
    if !rescue.methods.is_empty() {
        let _ = write!(text, ", {} with an Idempotency-Key", rescue.methods.join(", "));
    }
    if !rescue.except.is_empty() {
        let _ = write!(text, "; never {}", rescue.except.join(", "));
    }
    Some(text)
}
