//! Tells people again that a promotion waits for their word. Owns when; whom it waits for is said by
//! `blocking`, and who is told by the notices.

use crate::journal::Event;
use crate::project::Common;
use crate::promotion::Turn;
use crate::promotion::blocking::{blockers, is_for_people};
use crate::promotion::state::{Lane, Promotion, State};
use crate::units::{Span, Timestamp};

/// How often people are told again where the matrix does not say it: as often as whoever is on call
/// changes.
const REMIND_EVERY: Span = Span::hours(24);

/// Tells those whose word is missing again.
pub(super) fn advance(turn: &mut Turn<'_>) {
    let due = |one: &&Promotion| {
        again_at(one) <= turn.now && waits_for_people(turn.common(), &turn.lane, one, turn.now)
    };
    let due: Vec<_> = turn.lane.waiting.iter().filter(due).map(|one| one.number).collect();
    for number in due {
        turn.record(Event::Reminded { number });
    }
}

/// When people are told again, if it waits for their word by then.
fn again_at(promotion: &Promotion) -> Timestamp {
    let rules = promotion.plan.section.approvals.as_ref();
    let every = rules.and_then(|rules| rules.remind_every).unwrap_or(REMIND_EVERY);
    promotion.reminded_at.unwrap_or(promotion.requested_at).plus(every)
}

fn waits_for_people(common: &Common, lane: &Lane, promotion: &Promotion, now: Timestamp) -> bool {
    let waits = matches!(promotion.state, State::Waiting { .. });
    waits && blockers(common, lane, promotion, now).iter().any(is_for_people)
}

/// When people are told again, for those who wake a lane.
pub(super) fn wakes(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
    wakes: &mut Vec<(Timestamp, &'static str)>,
) {
    if waits_for_people(common, lane, promotion, now) {
        wakes.push((again_at(promotion), "people are told again"));
    }
}
