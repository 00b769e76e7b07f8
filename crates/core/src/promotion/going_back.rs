//! Returns all traffic to blue, has green stopped, and ends the promotion. Tries until the router
//! obeys: the lease has returned the traffic by then, but nothing is recorded that was not observed.

use crate::ids::{Digest, PromotionNumber};
use crate::journal::Event;
use crate::promotion::command::{CommandOutcome, Order, Route};
use crate::promotion::state::{Ending, Kind, Outcome, Promotion, State, Verified};
use crate::promotion::{Turn, baking, committing, holdback, standby};

/// An ending without quarantine.
pub(super) fn ending(outcome: Outcome, sentence: String) -> Ending {
    Ending { outcome, sentence, said: Vec::new(), quarantine: false }
}

/// The ending of what could not be carried out.
pub(super) fn failed(sentence: String) -> Ending {
    ending(Outcome::Failed, sentence)
}

/// Goes back without a person's word: only to a blue that is there and can take the traffic without
/// losing data. Otherwise everything stays as it is and a person is called.
pub(super) fn by_itself(turn: &mut Turn<'_>, promotion: &Promotion, ending: Ending) {
    if promotion.can_return() || !promotion.may_have_visitors() {
        begin(turn, promotion, ending);
    } else {
        let why = promotion.why_not_back();
        baking::hold_for_a_person(turn, promotion, format!("{}; {why}", ending.sentence));
    }
}

/// Orders the return.
pub(super) fn begin(turn: &mut Turn<'_>, promotion: &Promotion, ending: Ending) {
    let command = turn.next_command();
    let revision = turn.next_revision();
    let number = promotion.number;
    turn.record(Event::ReturnOrdered { number, command, revision, ending });
    let default = promotion.blue.clone().or_else(|| still_serving(turn));
    // A rollback that is given up leaves what stands by as it was.
    let held_back = holdback::in_force(&turn.lane);
    let route = Route { default, held_back, ..Route::to_nobody(revision) };
    let section = Box::new(promotion.plan.section.clone());
    turn.order(command, Order::SetRoute { route, section });
}

/// A blue that was found dead stays the default arm: it may come back, and green is going away.
fn still_serving(turn: &Turn<'_>) -> Option<crate::deployment::Deployment> {
    turn.lane.serving.as_ref().map(|serving| serving.deployment.clone())
}

/// Orders it again when its time has come.
pub(super) fn advance(turn: &mut Turn<'_>, promotion: &Promotion) {
    if let State::GoingBack { command: None, retry_at: Some(at), ending, .. } = &promotion.state
        && turn.now >= *at
    {
        begin(turn, promotion, ending.clone());
    }
}

/// The router obeyed, or not.
pub(super) fn ended(turn: &mut Turn<'_>, promotion: &Promotion, outcome: &CommandOutcome) {
    let State::GoingBack { ending, .. } = promotion.state.clone() else { return };
    match outcome {
        CommandOutcome::Routed { default_ready: Some(0), .. } if blue_should_answer(promotion) => {
            nobody_answers(turn, promotion);
        }
        CommandOutcome::Routed { .. } => returned(turn, promotion, &ending),
        // Green was never ordered a share, so there is nothing that would have to return, and nothing
        // to wait for: its listening address may be what cannot be had.
        CommandOutcome::RouteFailed { .. } if !promotion.may_have_had_visitors() => {
            end(turn, promotion, &ending);
        }
        CommandOutcome::RouteFailed { sentence } => {
            committing::order_again(turn, promotion, sentence, false);
        }
        _ => turn.note("an outcome that does not belong to a route was ignored"),
    }
}

/// Green is kept while visitors were sent back to what does not answer, unless that was known before.
fn blue_should_answer(promotion: &Promotion) -> bool {
    promotion.blue.is_some() && !promotion.blue_lost && promotion.may_have_had_visitors()
}

/// The traffic is where it should be and nobody answers it: that is not over, and a person must know.
fn nobody_answers(turn: &mut Turn<'_>, promotion: &Promotion) {
    let blue = promotion.blue.as_ref();
    let version = blue.map_or("nothing", |blue| blue.release.version.as_str());
    let sentence = format!("{version} has all traffic again and does not answer");
    committing::order_again(turn, promotion, &sentence, true);
    if turn.active().is_some_and(|one| one.called.is_none()) {
        committing::call(turn, promotion, sentence);
    }
}

/// A person ends it all the same: the traffic was seen back, at something that does not answer. What was
/// ordered since is not claimed to be obeyed.
pub(super) fn end_without_blue(turn: &mut Turn<'_>, promotion: &Promotion) {
    if let State::GoingBack { ending, .. } = promotion.state.clone() {
        end(turn, promotion, &ending);
    }
}

fn returned(turn: &mut Turn<'_>, promotion: &Promotion, ending: &Ending) {
    turn.record(Event::TrafficReturned { number: promotion.number });
    end(turn, promotion, ending);
}

fn end(turn: &mut Turn<'_>, promotion: &Promotion, ending: &Ending) {
    let number = promotion.number;
    // A verdict throws a release out however its promotion happens to end (I11).
    if ending.quarantine {
        quarantine(turn, promotion, number, &ending.sentence);
    } else if let Some(verdict) = &promotion.condemned {
        quarantine(turn, promotion, number, verdict);
    }
    withdraw(turn, promotion, ending);
    // A rollback onto what stands by has no instances of its own; those keep standing by.
    if promotion.standby.is_none() {
        standby::stop(turn, number, &promotion.plan.section);
    }
    turn.record(Event::PromotionEnded {
        number,
        outcome: ending.outcome,
        sentence: ending.sentence.clone(),
    });
}

/// A release is verified by its latest promotion (design.md section 2): one that entered before and
/// did not succeed now is not, unless a person stopped it, which says nothing about it.
fn withdraw(turn: &mut Turn<'_>, promotion: &Promotion, ending: &Ending) {
    let release = &promotion.plan.release;
    let speaks =
        matches!(ending.outcome, Outcome::Failed | Outcome::Rejected | Outcome::RolledBack);
    let serves = turn.lane.serving.as_ref().map(|serving| &serving.deployment.release.digest);
    let alone = settings_alone(promotion);
    let is_known = |one: &Verified| {
        one.release.digest == release.digest && (alone.is_none() || one.settings == alone)
    };
    if promotion.plan.kind == Kind::Promote
        && speaks
        && (alone.is_some() || serves != Some(&release.digest))
        && turn.lane.verified.iter().any(is_known)
    {
        turn.record(Event::VerificationWithdrawn {
            digest: release.digest.clone(),
            sentence: format!("promotion {} of it did not succeed", promotion.number),
            settings: alone,
        });
    }
}

fn quarantine(turn: &mut Turn<'_>, promotion: &Promotion, number: PromotionNumber, reason: &str) {
    let release = promotion.plan.release.clone();
    let (reason, settings) = (reason.to_owned(), settings_alone(promotion));
    turn.record(Event::ReleaseQuarantined { release, number, reason, settings });
}

/// What was changed where that was settings alone: the release itself serves on, and is not to blame.
fn settings_alone(promotion: &Promotion) -> Option<Digest> {
    promotion.plan.is_settings_alone().then(|| promotion.plan.settings())
}
