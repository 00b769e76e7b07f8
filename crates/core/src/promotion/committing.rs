//! Makes green the default arm. Once observed, the promotion has succeeded and nothing is on a
//! lease any more. A default arm of which nobody answers is no success.

use crate::journal::Event;
use crate::matrix::Decider;
use crate::promotion::command::{CommandOutcome, Order, Route};
use crate::promotion::state::{Kind, Outcome, Promotion, State};
use crate::promotion::{
    PAUSE_LIMIT, RETRY_ONCE_CALLED, ROUTE_RETRY, SLOWEST_ROUTE_RETRY, Turn, going_back, holdback,
    owing, standby,
};
use crate::units::{Span, Weight};

/// Orders the commit.
pub(super) fn begin(turn: &mut Turn<'_>, promotion: &Promotion) {
    let Some(green) = promotion.green.clone() else { return };
    let command = turn.next_command();
    let revision = turn.next_revision();
    let barred = holdback::bars_blue(&turn.lane, promotion);
    turn.record(Event::CommitOrdered { number: promotion.number, command, revision, barred });
    let held_back = holdback::of_commit(promotion, barred);
    let route = Route { default: Some(green), held_back, ..Route::to_nobody(revision) };
    let section = Box::new(promotion.plan.section.clone());
    turn.order(command, Order::SetRoute { route, section });
}

/// Orders it again when its time has come: whether the router obeyed was not known, and ensuring
/// twice is ensuring once.
pub(super) fn advance(turn: &mut Turn<'_>, promotion: &Promotion) {
    if let State::Committing { command: None, retry_at: Some(at), .. } = promotion.state
        && turn.now >= at
    {
        begin(turn, promotion);
    }
}

/// The router obeyed, or not.
pub(super) fn ended(turn: &mut Turn<'_>, promotion: &Promotion, outcome: &CommandOutcome) {
    match outcome {
        CommandOutcome::Routed { default_ready: Some(0), .. } => nobody_answers(turn, promotion),
        CommandOutcome::Routed { weight, .. } => succeeded(turn, promotion, *weight),
        CommandOutcome::RouteFailed { sentence } => retry(turn, promotion, sentence),
        _ => turn.note("an outcome that does not belong to a route was ignored"),
    }
}

/// Blue is kept until the commit is recorded, so a release that went forward is taken back: that
/// none answers is no verdict, and quarantines nothing that was not condemned before. Where there is
/// nothing to return to, or the promotion is the return, it is tried again, as with a router that
/// does not obey.
fn nobody_answers(turn: &mut Turn<'_>, promotion: &Promotion) {
    let version = &promotion.plan.release.version;
    let copies = promotion.green.as_ref().map_or(0, |green| green.endpoints.len());
    let sentence = match copies {
        1 => format!("the one instance of {version} does not answer as what serves"),
        _ => format!("none of {copies} instances of {version} answers as what serves"),
    };
    if promotion.plan.kind == Kind::Promote && promotion.can_return() {
        let ending = going_back::ending(Outcome::RolledBack, sentence);
        going_back::begin(turn, promotion, ending);
    } else {
        retry(turn, promotion, &sentence);
    }
}

/// Orders it again later, for as long as a step may hold. Then a release that went forward is taken
/// back; where that cannot be, or it is the way back itself, a person is called and it is tried on.
fn retry(turn: &mut Turn<'_>, promotion: &Promotion, sentence: &str) {
    let gives_up = promotion.plan.kind == Kind::Promote && promotion.can_return();
    if gives_up && overdue(turn, promotion) {
        let limit = promotion.plan.section.rollout.hold_limit;
        let sentence = format!("the commit was not confirmed for {limit}: {sentence}");
        going_back::begin(turn, promotion, going_back::failed(sentence));
    } else {
        order_again(turn, promotion, sentence, false);
    }
}

fn overdue(turn: &Turn<'_>, promotion: &Promotion) -> bool {
    promotion.route_overdue_at().is_some_and(|at| turn.now >= at)
}

/// Records that the route will be ordered again, and calls a person when it has been in vain for as
/// long as a step may hold, and each [`PAUSE_LIMIT`] after that.
/// `returned` says that the router obeyed a return, and what it returned to does not answer.
pub(super) fn order_again(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    sentence: &str,
    returned: bool,
) {
    let failing_for =
        promotion.route_ordered_since().map_or(Span::ZERO, |since| turn.now.since(since));
    let slowest = match promotion.called {
        Some(_) => RETRY_ONCE_CALLED,
        None => SLOWEST_ROUTE_RETRY,
    };
    let retry_at = turn.now.plus(failing_for.clamp(ROUTE_RETRY, slowest));
    let (number, said) = (promotion.number, sentence.to_owned());
    turn.record(Event::RouteRetried { number, sentence: said, retry_at, returned });
    let is_time = match &promotion.called {
        None => overdue(turn, promotion),
        Some(called) => turn.now >= called.again_at,
    };
    if is_time {
        let what = match promotion.state {
            State::GoingBack { .. } => "the return",
            _ => "the commit",
        };
        call(turn, promotion, format!("{what} was not confirmed for {failing_for}: {sentence}"));
    }
}

/// Calls a person while it is tried on.
pub(super) fn call(turn: &mut Turn<'_>, promotion: &Promotion, reason: String) {
    let again_at = turn.now.plus(PAUSE_LIMIT);
    turn.record(Event::PersonCalled { number: promotion.number, reason, again_at });
}

fn succeeded(turn: &mut Turn<'_>, promotion: &Promotion, weight: Weight) {
    let Some(green) = promotion.green.clone() else { return };
    let before = turn.lane.serving.as_ref().map(|serving| serving.deployment.clone());
    let settings = turn.lane.serving.as_ref().and_then(|serving| serving.settings.clone());
    let section = &promotion.plan.section;
    let forward = promotion.plan.kind == Kind::Promote;
    let keeps = forward && promotion.blue.is_some() && section.standby > Span::ZERO;
    let kept = before.clone().filter(|_| keeps);
    let until = turn.now.plus(section.standby);
    let number = promotion.number;
    let stands_by = turn.lane.standby.as_ref().map(|standby| standby.deployment.number);
    if stands_by.is_some_and(|stands_by| stands_by != green.number) {
        // Its place is taken, and nobody would know its instances any more.
        standby::retire(turn, format!("promotion {number} does not return to it"));
    }
    turn.record(Event::Committed {
        number,
        deployment: green.clone(),
        standby: kept.map(|deployment| (deployment, until)),
    });
    owing::committed(turn, promotion);
    holdback::begin(turn, promotion, weight);
    if !forward && let Some(bad) = &before {
        turn.record(Event::VerificationWithdrawn {
            digest: bad.release.digest.clone(),
            sentence: format!("promotion {number} rolled it back"),
            // Of a release that went back to the settings before only those are not verified.
            settings: settings.filter(|_| bad.release == green.release),
        });
    }
    let gone = before.filter(|before| !keeps && before.number != green.number);
    if let Some(gone) = gone {
        standby::stop(turn, gone.number, section);
    }
    // What serves on under other settings was offered when it came.
    if forward && !promotion.plan.is_settings_alone() {
        offer(turn, promotion);
    }
    // Last: what has ended stays as it ended (I5).
    let sentence = format!("{} serves {}", turn.lane.id.environment, green.release.version);
    turn.record(Event::PromotionEnded { number, outcome: Outcome::Succeeded, sentence });
}

fn offer(turn: &mut Turn<'_>, promotion: &Promotion) {
    let Some(matrix) = turn.matrix() else { return };
    let after = matrix.successors(&turn.lane.id.environment);
    let automatic = after.filter(|environment| environment.promote == Decider::Automatic);
    let to: Vec<_> = automatic
        .filter(|environment| environment.lanes.contains_key(&turn.lane.id.service))
        .map(|environment| environment.name.clone())
        .collect();
    if to.is_empty() {
        return;
    }
    let command = turn.next_command();
    let release = promotion.plan.release.clone();
    let number = promotion.number;
    turn.record(Event::ReleaseOffered {
        release: release.clone(),
        number,
        command,
        to: to.clone(),
    });
    turn.order(command, Order::OfferRelease { release, to, verified_by: number });
}
