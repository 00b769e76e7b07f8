//! Green has its weight and is judged, until its time is over or a verdict ends it.

use towpath_guard::{Standing as Verdicts, Verdict};

use crate::journal::Event;
use crate::matrix::{OnBlind, OnLapse};
use crate::promotion::budget::{self, Chosen};
use crate::promotion::input::Input;
use crate::promotion::state::{Outcome, Promotion, State};
use crate::promotion::validating::{self, Standing};
use crate::promotion::{PAUSE_LIMIT, Turn, committing, going_back, held, shifting};
use crate::units::{Timestamp, Weight};

/// Ends the step when its time has come and what is known allows it.
pub(super) fn advance(turn: &mut Turn<'_>, promotion: &Promotion, input: &Input) {
    let State::Baking { step, since, held_since } = promotion.state else { return };
    let Some(declared) = promotion.plan.steps.get(step).copied() else { return };
    if promotion.paused.is_some() {
        return;
    }
    let verdict = verdict_of(input, promotion);
    if turn.now < since.plus(declared.bake_min) {
        return;
    }
    let next = || Chosen { step: step + 1, why: None };
    let at = (step, declared.weight);
    if declared.bake_max.milliseconds() == 0 {
        finish(turn, promotion, at, None, next());
        return;
    }
    // Whoever woke us without a verdict will be asked for one: the wake-up stands.
    let Some(verdict) = verdict else { return };
    let healthy = verdict.standing == Verdicts::Healthy;
    let undecided = verdict.standing == Verdicts::Undecided;
    let is_enough = healthy || (undecided && !promotion.plan.section.rollout.proof_required);
    if is_enough && budget::chooses(promotion, step) && !promotion.is_waived() {
        budget::advance(turn, promotion, step, verdict);
        return;
    }
    let may_end_early = declared.bake_min < declared.bake_max;
    if turn.now < since.plus(declared.bake_max) && !(may_end_early && healthy) {
        return;
    }
    match verdict.standing {
        Verdicts::Healthy => finish(turn, promotion, at, Some(verdict), next()),
        Verdicts::Undecided if !promotion.plan.section.rollout.proof_required => {
            finish(turn, promotion, at, Some(verdict), next());
        }
        // A person was called, knows what speaks against it, and said that it shall go on.
        Verdicts::Unhealthy if promotion.is_waived() && !promotion.can_return() => {
            finish(turn, promotion, at, Some(verdict), next());
        }
        Verdicts::Undecided | Verdicts::Blind if promotion.is_waived() => {
            finish(turn, promotion, at, Some(verdict), next());
        }
        // Nobody is on it yet: that nothing is known keeps no visitor from harm.
        Verdicts::Blind if declared.weight == Weight::ZERO => {
            finish(turn, promotion, at, Some(verdict), next());
        }
        Verdicts::Undecided | Verdicts::Blind => hold(turn, promotion, step, held_since, verdict),
        Verdicts::Unhealthy => condemn(turn, promotion, verdict),
    }
}

fn verdict_of<'a>(input: &'a Input, promotion: &Promotion) -> Option<&'a Verdict> {
    let green = promotion.green.as_ref().map(|green| green.number);
    match input {
        Input::Woken { verdict, .. } => verdict.as_ref(),
        Input::Judged { deployment, verdict } => {
            Some(verdict).filter(|_| green == Some(*deployment))
        }
        _ => None,
    }
}

/// When the step is looked at next.
pub(super) fn next_look(promotion: &Promotion) -> Option<Timestamp> {
    let State::Baking { step, since, held_since } = promotion.state else { return None };
    let declared = promotion.plan.steps.get(step)?;
    Some(match held_since {
        Some(held) => held.plus(promotion.plan.section.rollout.hold_limit),
        None => since.plus(declared.bake_min),
    })
}

/// When the step ends at the latest, short of holding for evidence.
pub(super) fn latest_end(promotion: &Promotion) -> Option<Timestamp> {
    let State::Baking { step, since, .. } = promotion.state else { return None };
    Some(since.plus(promotion.plan.steps.get(step)?.bake_max))
}

/// Ends a step, given with its weight, once the checks that belong to it have passed.
pub(super) fn finish(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    (step, weight): (usize, Weight),
    verdict: Option<&Verdict>,
    next: Chosen,
) {
    match validating::ask_at(turn, promotion, weight) {
        Standing::Open => return,
        Standing::Failed(sentence) => {
            let ending = going_back::ending(Outcome::RolledBack, sentence);
            going_back::by_itself(turn, promotion, ending);
            return;
        }
        Standing::Passed => {}
    }
    let rises = next.step < promotion.plan.steps.len();
    if rises && held::keeps_weight(turn, promotion) {
        return;
    }
    turn.record(Event::StepPassed { number: promotion.number, step, verdict: verdict.cloned() });
    if rises {
        shifting::begin(turn, promotion, next.step, next.why);
    } else {
        committing::begin(turn, promotion);
    }
}

fn hold(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    step: usize,
    held_since: Option<Timestamp>,
    verdict: &Verdict,
) {
    let rollout = &promotion.plan.section.rollout;
    let Some(held) = held_since else {
        turn.record(Event::StepHeld {
            number: promotion.number,
            step,
            standing: verdict.standing,
            sentence: verdict.sentence.clone(),
        });
        return;
    };
    if turn.now < held.plus(rollout.hold_limit) {
        return;
    }
    let limit = rollout.hold_limit;
    let sentence = format!("no evidence within {limit} beyond the bake: {}", verdict.sentence);
    if verdict.standing == Verdicts::Blind && rollout.on_blind == OnBlind::Rollback {
        let ending = going_back::ending(Outcome::RolledBack, sentence);
        going_back::by_itself(turn, promotion, ending);
    } else {
        hold_for_a_person(turn, promotion, sentence);
    }
}

/// A verdict came in while green has visitors.
pub(super) fn judged(turn: &mut Turn<'_>, promotion: &Promotion, verdict: &Verdict) {
    if verdict.standing == Verdicts::Unhealthy {
        condemn(turn, promotion, verdict);
    }
}

/// Throws the release out, or calls a person where there is nothing to return to.
fn condemn(turn: &mut Turn<'_>, promotion: &Promotion, verdict: &Verdict) {
    if promotion.condemned.is_none() {
        turn.record(Event::Condemned { number: promotion.number, verdict: verdict.clone() });
    }
    if promotion.can_return() {
        let mut ending = going_back::ending(Outcome::RolledBack, verdict.sentence.clone());
        ending.quarantine = true;
        going_back::begin(turn, promotion, ending);
    } else if promotion.paused.is_none() && !promotion.is_waived() {
        let why = promotion.why_not_back();
        hold_for_a_person(turn, promotion, format!("{}; {why}", verdict.sentence));
    }
}

/// Pauses on behalf of a person.
pub(super) fn hold_for_a_person(turn: &mut Turn<'_>, promotion: &Promotion, reason: String) {
    turn.record(Event::PromotionPaused {
        number: promotion.number,
        by: crate::ids::Person::guard(),
        reason,
        until: turn.now.plus(PAUSE_LIMIT),
    });
}

/// Whether a lapse only means that the step is taken again.
pub(super) fn goes_on_after_a_lapse(promotion: &Promotion) -> bool {
    promotion.plan.section.rollout.on_lapse == OnLapse::Resume
}

/// The lease lapsed: traffic is on blue, or frozen where it could not be. Nothing was decided about
/// the release. What has lapsed is not revived, so that the step is ordered again either way.
pub(super) fn lapsed(turn: &mut Turn<'_>, promotion: &Promotion, step: usize, frozen: bool) {
    if frozen {
        let why = if promotion.can_return() {
            // The router froze for no other reason.
            let (number, sentence) = (promotion.number, "the router did not reach it".to_owned());
            turn.record(Event::BlueLost { number, sentence });
            "what it would go back to did not answer"
        } else {
            promotion.why_not_back()
        };
        let sentence = format!("the router heard nothing from the engine and froze; {why}");
        shifting::reconcile_later(turn, promotion, step, sentence.clone(), promotion.weight);
        if promotion.paused.is_none() {
            hold_for_a_person(turn, promotion, sentence);
        }
        return;
    }
    let sentence = "the router heard nothing from the engine and returned the traffic by itself";
    let on_lapse = promotion.plan.section.rollout.on_lapse;
    if on_lapse == OnLapse::Rollback && promotion.can_return() {
        let ending = going_back::ending(Outcome::RolledBack, sentence.to_owned());
        going_back::begin(turn, promotion, ending);
        return;
    }
    shifting::reconcile_later(turn, promotion, step, sentence.to_owned(), Weight::ZERO);
    if !goes_on_after_a_lapse(promotion) && promotion.paused.is_none() {
        hold_for_a_person(turn, promotion, sentence.to_owned());
    }
}
