//! Tells people again that a promotion waits for their word. Owns when; whom it waits for is said by
//! `blocking`, and who is told by the notices.

use crate::debts::REMIND_EVERY;
use crate::journal::Event;
use crate::project::Common;
use crate::promotion::blocking::{blockers, is_for_people};
use crate::promotion::state::{Lane, Promotion, State};
use crate::promotion::{LATEST_ASKING, Turn, VALIDATION_ATTEMPTS};
use crate::units::{Span, Timestamp};

/// Tells those whose word is missing again.
pub(super) fn advance(turn: &mut Turn<'_>) {
    let due = |one: &&Promotion| {
        let again = again_at(turn.common(), &turn.lane, one, turn.now);
        again.is_some_and(|at| at <= turn.now)
    };
    let all = turn.lane.active.iter().chain(&turn.lane.waiting);
    let due: Vec<_> = all.filter(due).map(|one| one.number).collect();
    for number in due {
        turn.record(Event::Reminded { number });
    }
}

/// When people are told again; none where nobody's word is missing, and where the wait is over before.
fn again_at(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
) -> Option<Timestamp> {
    let of_pause = promotion.paused.as_ref().and_then(|pause| {
        let length = pause.until.since(pause.since);
        let at = again(promotion, pause.since, Some(length));
        (at.max(now) < pause.until).then_some(at)
    });
    let is_missing = || blockers(common, lane, promotion, now).iter().any(is_for_people);
    let of_word = may_ask(promotion).filter(|_| is_missing());
    let of_word = of_word.map(|(since, length)| again(promotion, since, length));
    of_pause.into_iter().chain(of_word).min()
}

/// Since when a promotion may ask people for a word, and how long at most where that is shorter than any
/// promotion waits for its start; none where it asks nobody.
fn may_ask(promotion: &Promotion) -> Option<(Timestamp, Option<Span>)> {
    // After so many questions an answer that is missing counts as no.
    let longest = Span(LATEST_ASKING.0 * u64::from(VALIDATION_ATTEMPTS));
    let started = promotion.started_at.unwrap_or(promotion.requested_at);
    match promotion.state {
        State::Waiting { .. } => Some((promotion.requested_at, None)),
        State::Validating => Some((started, Some(longest))),
        State::Baking { since, .. } => Some((since, Some(longest))),
        State::Starting { .. }
        | State::Shifting { .. }
        | State::Reconciling { .. }
        | State::Committing { .. }
        | State::GoingBack { .. } => None,
    }
}

/// When people are told again of a wait that began at `since`: as often as the matrix says, and once half of
/// its time is over at the latest, so that a word still comes in time.
fn again(promotion: &Promotion, since: Timestamp, length: Option<Span>) -> Timestamp {
    let rules = promotion.plan.section.approvals.as_ref();
    let every = rules.and_then(|rules| rules.remind_every).unwrap_or(REMIND_EVERY);
    let half = length.map_or(every, |length| Span(length.0 / 2));
    // What was told before it began was about something else.
    promotion.reminded_at.map_or(since, |at| at.max(since)).plus(every.min(half))
}

/// When people are told again, for those who wake a lane.
pub(super) fn wakes(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
    wakes: &mut Vec<(Timestamp, &'static str)>,
) {
    let again = again_at(common, lane, promotion, now);
    wakes.extend(again.map(|at| (at, "people are told again")));
}
