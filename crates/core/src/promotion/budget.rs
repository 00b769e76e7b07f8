//! Which weight is next where the matrix declares how many requests a rollout may harm. Owns the choice
//! among the declared weights; the estimate that it rests on is the guard's, and what speaks against the
//! release is judged elsewhere.

use towpath_guard::{Evidence, Forecast, Rung, Seen, Standing, Verdict};

use crate::guarding::{self, ROUTER_SHARE};
use crate::journal::Event;
use crate::matrix::{OnBlind, Step};
use crate::promotion::state::{Outcome, Pace, Promotion, State};
use crate::promotion::{Turn, baking, going_back, validating};
use crate::units::{Span, Weight};

/// How often a step that holds for evidence is looked at, which it does for minutes; and how far ahead it
/// must be safe to stay at its weight.
pub(super) const HELD_LOOK: Span = Span::seconds(5);

/// The step that is next, and why.
pub(super) struct Chosen {
    pub(super) step: usize,
    pub(super) why: Option<String>,
}

/// Whether the weight after this step is chosen by the budget: visitors are on green, beside a blue, and a
/// larger weight is left.
pub(super) fn chooses(promotion: &Promotion, step: usize) -> bool {
    let steps = &promotion.plan.steps;
    let has_visitors = steps.get(step).is_some_and(|step| step.weight > Weight::ZERO);
    let has_budget = promotion.plan.section.rollout.harm_budget.is_some();
    has_budget && promotion.blue.is_some() && has_visitors && step + 1 < steps.len()
}

/// Why the first weight is what it is.
pub(super) fn first(promotion: &Promotion, step: usize) -> Option<String> {
    let allowed = promotion.plan.section.rollout.harm_budget?;
    let is_first = promotion.blue.is_some() && step == 0;
    is_first.then(|| {
        format!("the smallest, because nothing is known of it yet; {allowed} harmed requests are allowed")
    })
}

/// Ends the step for the largest weight that keeps within the budget; holds at this one, or goes back,
/// when its time is over and none does. The verdict speaks neither of harm nor of blindness.
pub(super) fn advance(turn: &mut Turn<'_>, promotion: &Promotion, step: usize, verdict: &Verdict) {
    let State::Baking { since, held_since, .. } = promotion.state else { return };
    let Some(declared) = promotion.plan.steps.get(step).copied() else { return };
    let rollout = &promotion.plan.section.rollout;
    let Some(allowed) = rollout.harm_budget else { return };
    let started = promotion.started_at.unwrap_or_default();
    let attempt = guarding::attempt(&turn.lane, &promotion.plan.release, started);
    let policy = guarding::policy(&promotion.plan.section, attempt, ROUTER_SHARE, 1);
    let forecast = Forecast::new(&policy, seen(turn, promotion, &verdict.evidence));
    let budget = f64::from(allowed);
    let candidates = candidates(promotion, step);
    let rungs: Vec<Rung> = candidates.iter().map(|one| rung(one, one.bake_max)).collect();
    if let Some((further, sum)) = forecast.largest(&rungs, budget) {
        let why = sentence((sum - forecast.harmed(), forecast.harmed()), allowed);
        let chosen = Chosen { step: step + 1 + further, why: Some(why) };
        baking::finish(turn, promotion, (step, declared.weight), Some(verdict), chosen);
        return;
    }
    if turn.now < since.plus(declared.bake_max) {
        return;
    }
    let next = candidates.first().map_or(Weight::FULL, |one| one.weight);
    let sentence = format!(
        "{next} is more than {allowed} harmed requests allow, as far as is known: {}",
        verdict.sentence
    );
    let is_in_time = held_since.is_none_or(|held| turn.now < held.plus(rollout.hold_limit));
    let may_stay = forecast.largest(&[rung(&declared, HELD_LOOK)], budget).is_some();
    if is_in_time && may_stay {
        hold(turn, promotion, (step, held_since.is_some()), verdict.standing, sentence);
    } else if rollout.on_blind == OnBlind::Rollback {
        going_back::by_itself(turn, promotion, going_back::ending(Outcome::RolledBack, sentence));
    } else {
        baking::hold_for_a_person(turn, promotion, sentence);
    }
}

fn hold(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    (step, is_held): (usize, bool),
    standing: Standing,
    sentence: String,
) {
    if !is_held {
        turn.record(Event::StepHeld { number: promotion.number, step, standing, sentence });
    }
}

/// The steps that may be next, in rising order: none beyond the first at which a check is asked.
fn candidates(promotion: &Promotion, step: usize) -> Vec<Step> {
    let rest = promotion.plan.steps.get(step + 1..).unwrap_or_default();
    let asked = rest.iter().position(|one| validating::asks_at(promotion, one.weight));
    rest[..asked.map_or(rest.len(), |position| position + 1)].to_vec()
}

/// What was seen, with the traffic since the last weight was chosen.
fn seen(turn: &Turn<'_>, promotion: &Promotion, evidence: &Evidence) -> Seen {
    let Some(Pace { since, requests }) = promotion.pace else { return Seen::of(evidence, 0.0) };
    let new = (evidence.green_requests + evidence.blue_requests).saturating_sub(requests);
    let seconds = real(turn.now.since(since).milliseconds()) / 1000.0;
    Seen::of(evidence, if seconds > 0.0 { real(new) / seconds } else { 0.0 })
}

fn rung(step: &Step, time: Span) -> Rung {
    Rung { weight: step.weight.share(), seconds: real(time.milliseconds()) / 1000.0 }
}

fn sentence((to_come, so_far): (f64, f64), allowed: u32) -> String {
    let to_come = to_come.ceil();
    let more = if so_far >= 0.5 { " more" } else { "" };
    let requests = |count: f64| if count > 1.0 { "requests" } else { "request" };
    let after = match so_far {
        none if none < 0.5 => String::new(),
        some => format!(", beside about {} so far", some.round()),
    };
    if to_come < 1.0 {
        return format!(
            "nothing that is not tolerated is left to be feared{after}; {allowed} harmed \
             requests are allowed"
        );
    }
    let what = requests(to_come);
    format!(
        "at worst {to_come}{more} {what} could be harmed before the guard acts{after}; \
         {allowed} are allowed"
    )
}

#[expect(clippy::cast_precision_loss, reason = "requests and milliseconds of a rollout")]
fn real(count: u64) -> f64 {
    count as f64
}
