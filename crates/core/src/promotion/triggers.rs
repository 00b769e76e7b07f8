//! What rolls a lane back from outside: a person's order or a signal. Finds out whether it means what
//! is on its way or what serves, and remembers it until its turn comes. Makes no rollback itself.
//!
//! While something is on its way, by the state of that promotion:
//!
//! | it is | a person's `rollback` | a signal |
//! |---|---|---|
//! | waiting only | what serves is rolled back | acts or asks, as the matrix says |
//! | starting, validating | green ends `aborted`; then what serves is rolled back | likewise, then acts or asks |
//! | shifting, baking, reconciling | green goes back, `rolled_back` | likewise; where it cannot return, held for a person |
//! | committing | green goes back, `rolled_back` | likewise; asks where it cannot return |
//! | going back, never had visitors | remembered until it is back | likewise, then acts or asks |
//! | going back from visitors | refused: that return is what was wanted | asks: whose fault it was is not known |
//! | a rollback | refused: it is under way | asks; the rollback's success answers |

use crate::ids::Person;
use crate::journal::{Event, Remembered};
use crate::matrix::Signal;
use crate::promotion::rollback::{self, Cause};
use crate::promotion::state::{Kind, Outcome, Promotion, State};
use crate::promotion::{Taken, Turn, baking, going_back};
use crate::reason::{Refusal, RefusalKind};

/// A person wants the last good release back: takes back what is on its way, or else what serves.
pub(super) fn ordered(turn: &mut Turn<'_>, cause: &Cause) -> Taken {
    let Some(promotion) = turn.lane.active.clone() else {
        return rollback::from_serving(turn, cause);
    };
    if promotion.plan.kind == Kind::Rollback {
        let version = &promotion.plan.release.version;
        let why = format!("promotion {} returns to {version}", promotion.number);
        return Err(Box::new(under_way(turn, &promotion, why)));
    }
    let number = promotion.number;
    let is_back = matches!(promotion.state, State::GoingBack { .. });
    if is_back && promotion.may_have_had_visitors() {
        let why = format!("promotion {number} is going back; what served before it serves again");
        return Err(Box::new(under_way(turn, &promotion, why)));
    }
    if is_back && turn.lane.remembered.as_ref().is_some_and(|one| one.ordered) {
        let why = format!("what serves follows as soon as promotion {number} is gone");
        return Err(Box::new(under_way(turn, &promotion, why)));
    }
    if promotion.may_have_visitors() {
        // A commit on its way as well: the router obeys the later revision, and blue is kept at full
        // capacity until the commit is observed.
        let mut ending = going_back::ending(Outcome::RolledBack, rollback::said(cause));
        ending.quarantine = cause.quarantine;
        going_back::begin(turn, &promotion, ending);
        return Ok(());
    }
    let can = turn.lane.rollback_target().is_some();
    if is_back && !can {
        return Err(Box::new(rollback::nothing_to_return_to(turn)));
    }
    if can {
        remember(turn, &promotion, cause.clone(), true);
    } else {
        turn.note("there is no release to go back to; only what was on its way ends");
    }
    end_without_visitors(turn, &promotion, &rollback::said(cause));
    Ok(())
}

/// A person or a tool says that something is wrong.
pub(super) fn signalled(turn: &mut Turn<'_>, signal: Signal, by: &Person, reason: &str) -> Taken {
    let declared = turn.declared().is_some_and(|(_, one)| one.rollback.signals.contains(&signal));
    let word = signal.as_str();
    let environment = turn.lane.id.environment.clone();
    if !declared {
        let message = format!("{environment} does not react to {word}");
        let cause = "the matrix does not name it under rollback.when.signals";
        return Err(Box::new(
            Refusal::new(RefusalKind::Usage, "signal-not-declared", message, cause)
                .next(format!("towpath rollback {environment}"), "puts the last good release back"),
        ));
    }
    turn.record(Event::SignalReceived { signal, by: by.clone(), reason: reason.to_owned() });
    let sentence = format!("{word}, said {by}: {reason}");
    // Who got in, or what leaked, is as likely in the code as in a setting: the release goes.
    let leaves_release = signal == Signal::SecurityIncident;
    let reason = Some(sentence.clone());
    let cause = Cause { by: by.clone(), reason, quarantine: true, leaves_release };
    match turn.lane.active.clone() {
        Some(promotion) if promotion.can_be_thrown_out() => {
            let mut ending = going_back::ending(Outcome::RolledBack, sentence);
            ending.quarantine = true;
            going_back::begin(turn, &promotion, ending);
        }
        Some(promotion) if never_had_visitors(&promotion) => {
            if turn.lane.remembered.is_some() {
                turn.note("what serves is about to be rolled back already");
            } else if turn.lane.serving.is_some() {
                remember(turn, &promotion, cause, false);
            }
            end_without_visitors(turn, &promotion, &sentence);
        }
        Some(promotion) if promotion.can_be_held() && promotion.paused.is_none() => {
            let why = promotion.why_not_back();
            baking::hold_for_a_person(turn, &promotion, format!("{sentence}; {why}"));
        }
        _ => rollback::triggered_by(turn, &cause),
    }
    Ok(())
}

/// Rolls back what serves because of a trigger that had to wait for its turn, or asks a person.
pub(super) fn act_on_remembered(turn: &mut Turn<'_>) {
    if turn.active().is_some() {
        return;
    }
    let Some(one) = turn.lane.remembered.clone() else { return };
    let Remembered { by, reason, quarantine, leaves_release, .. } = one.clone();
    let cause = Cause { by, reason, quarantine, leaves_release };
    let said = cause.reason.clone().unwrap_or_else(|| rollback::said(&cause));
    if !one.ordered && !rollback::acts_by_itself(turn, cause.leaves_release) {
        turn.record(Event::RollbackAsked { reason: said });
    } else if let Err(refusal) = rollback::from_serving(turn, &cause) {
        turn.record(Event::RollbackAsked { reason: format!("{said}; {}", refusal.message) });
    }
}

fn never_had_visitors(promotion: &Promotion) -> bool {
    promotion.plan.kind == Kind::Promote && !promotion.may_have_had_visitors()
}

fn remember(turn: &mut Turn<'_>, promotion: &Promotion, cause: Cause, ordered: bool) {
    let Cause { by, reason, quarantine, leaves_release } = cause;
    let after = promotion.number;
    let one = Remembered { by, reason, quarantine, leaves_release, ordered, after };
    turn.record(Event::RollbackRemembered(one));
}

/// Nothing is quarantined: no visitor met the release, and whatever is wrong was wrong before it.
fn end_without_visitors(turn: &mut Turn<'_>, promotion: &Promotion, cause: &str) {
    if matches!(promotion.state, State::GoingBack { .. }) {
        return;
    }
    let sentence = format!("{cause}; no visitor had met it");
    going_back::begin(turn, promotion, going_back::ending(Outcome::Aborted, sentence));
}

fn under_way(turn: &Turn<'_>, promotion: &Promotion, why: String) -> Refusal {
    let environment = &turn.lane.id.environment;
    let message = format!("{environment} is already being rolled back");
    Refusal::new(RefusalKind::Conflict, "rollback-under-way", message, why)
        .next(format!("towpath watch {}", promotion.number), "until it ends")
}
