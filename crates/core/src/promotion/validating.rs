//! Asks green at weight 0, and again at the weights that checks name. Moves no traffic itself.

use crate::check::CheckResult;
use crate::matrix::CheckSpec;
use crate::promotion::state::{CheckKey, GateList, Kind, Outcome, Promotion};
use crate::promotion::{
    Turn, VALIDATION_ATTEMPTS, budget, committing, going_back, held, shifting, waiting,
};
use crate::units::Weight;

/// How the checks at one weight stand.
pub(super) enum Standing {
    /// All passed.
    Passed,
    /// Some are still out.
    Open,
    /// One said no, or could not say anything often enough.
    Failed(String),
}

/// Asks the checks at weight 0; goes on or back when they have answered.
pub(super) fn advance(turn: &mut Turn<'_>, promotion: &Promotion) {
    // What stood by was validated when it entered.
    let standing = match promotion.standby {
        Some(_) => Standing::Passed,
        None => ask_at(turn, promotion, Weight::ZERO),
    };
    match standing {
        Standing::Open => {}
        Standing::Failed(sentence) => {
            let outcome = match promotion.plan.kind {
                Kind::Promote => Outcome::Rejected,
                // One attempt, then a person (design.md section 6).
                Kind::Rollback => Outcome::Failed,
            };
            going_back::begin(turn, promotion, going_back::ending(outcome, sentence));
        }
        Standing::Passed if promotion.paused.is_some() => {}
        Standing::Passed if held::keeps_weight(turn, promotion) => {}
        Standing::Passed if promotion.plan.steps.is_empty() => committing::begin(turn, promotion),
        Standing::Passed => {
            let first = promotion.first_step();
            shifting::begin(turn, promotion, first, budget::first(promotion, first));
        }
    }
}

/// Asks the checks that belong to `weight` and says how they stand.
pub(super) fn ask_at(turn: &mut Turn<'_>, promotion: &Promotion, weight: Weight) -> Standing {
    let checks = checks_at(promotion, weight);
    for (key, check) in &checks {
        if let Some(sentence) = refused(promotion, key, check) {
            return Standing::Failed(sentence);
        }
    }
    let due: Vec<_> =
        checks.iter().filter(|(key, _)| waiting::is_due(turn, promotion, key)).cloned().collect();
    for (key, check) in due {
        waiting::order_check(turn, promotion, key, check);
    }
    if checks.iter().all(|(key, _)| waiting::passed(promotion, key)) {
        Standing::Passed
    } else {
        Standing::Open
    }
}

/// Whether a check belongs to this weight.
pub(super) fn asks_at(promotion: &Promotion, weight: Weight) -> bool {
    !checks_at(promotion, weight).is_empty()
}

fn checks_at(promotion: &Promotion, weight: Weight) -> Vec<(CheckKey, CheckSpec)> {
    let plan = &promotion.plan;
    let steps = plan.steps.get(promotion.first_step()..).unwrap_or_default();
    let last = steps.last().map_or(Weight::ZERO, |step| step.weight);
    let belongs = |check: &&CheckSpec| {
        // A rollback is ordered no weight before it serves, so that there are no visitors to ask about.
        if plan.kind == Kind::Rollback && check.at > Weight::ZERO {
            return false;
        }
        // A weight that no step takes is asked at the next one above it; without steps, before
        // commit.
        let taken = steps.iter().map(|step| step.weight).find(|weight| *weight >= check.at);
        let at = if check.at == Weight::ZERO { Weight::ZERO } else { taken.unwrap_or(last) };
        at == weight
    };
    let accepted = |check: &&CheckSpec| {
        let environment = &plan.lane.environment;
        let path = format!("environments.{environment}.gate.validation.{}", check.slug);
        plan.accepted.contains(&path)
    };
    let checks = plan.section.gate.validation.iter().filter(belongs).filter(|one| !accepted(one));
    let keyed = checks.map(|check| {
        (CheckKey { list: GateList::Validation, slug: check.slug.clone() }, check.clone())
    });
    keyed.collect()
}

fn refused(promotion: &Promotion, key: &CheckKey, check: &CheckSpec) -> Option<String> {
    let progress = promotion.checks.get(key)?;
    let (answer, _) = progress.answer.as_ref()?;
    let failed = answer.result == CheckResult::Fail;
    let given_up = answer.result != CheckResult::Pass
        && progress.asking.is_none()
        && progress.asked >= VALIDATION_ATTEMPTS;
    (failed || given_up).then(|| format!("{} failed: {}", check.title, answer.sentence))
}
