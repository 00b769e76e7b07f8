//! When a lane wants to be woken next. Follows from its state alone, so it survives a restart.

use crate::project::Common;
use crate::promotion::baking;
use crate::promotion::budget::HELD_LOOK;
use crate::promotion::state::{Holdback, Lane, Promotion, State};
use crate::promotion::{held, owing, reminding};
use crate::reason::Wake;
use crate::units::{Span, Timestamp};

/// How soon something that is due and could not be done is looked at again: often enough that an
/// adaptive step ends early by seconds, rarely enough to cost nothing.
const LOOK_AGAIN: Span = Span::seconds(1);
/// The earliest moment after `now` at which time alone may change something in the lane.
pub(super) fn next(lane: &Lane, common: &Common, now: Timestamp) -> Option<Wake> {
    let mut wakes = Vec::new();
    if let Some(standby) = &lane.standby
        && lane.active.is_none()
    {
        match &standby.holdback {
            // It ends with its holdback, whose end may have to be ordered again.
            Some(Holdback { ending: Some(ending), .. }) => {
                wakes.extend(ending.retry_at.map(|at| (at, "the holdback's end is ordered again")));
            }
            Some(holdback) => wakes.push((holdback.until, "the holdback's time is over")),
            None => wakes.push((standby.until, "the standby's time is over")),
        }
    }
    owing::wakes(lane, &mut wakes);
    wakes.extend(lane.stop_again.values().map(|at| (*at, "instances are told to stop again")));
    for promotion in lane.active.iter().chain(&lane.waiting) {
        held::wakes(common, promotion, now, &mut wakes);
        reminding::wakes(common, lane, promotion, now, &mut wakes);
        of_promotion(promotion, now, &mut wakes);
    }
    let (at, reason) = wakes.into_iter().min_by_key(|(at, _)| *at)?;
    let at = if at > now { at } else { now.plus(LOOK_AGAIN) };
    Some(Wake { at, reason: reason.to_owned() })
}

fn of_promotion(promotion: &Promotion, now: Timestamp, wakes: &mut Vec<(Timestamp, &'static str)>) {
    if let Some(pause) = &promotion.paused
        && !matches!(promotion.state, State::Waiting { .. })
    {
        wakes.push((pause.until, "a pause is over"));
    }
    let asks = promotion.checks.values().filter_map(|progress| progress.ask_again_at);
    wakes.extend(asks.map(|at| (at, "a check is asked again")));
    match &promotion.state {
        State::Waiting { deadline } => wakes.push((*deadline, "it has waited too long")),
        State::Baking { .. } if promotion.paused.is_none() => {
            // While a freeze holds it, that a step's time is over changes nothing.
            let look = baking::next_look(promotion);
            let look = look.filter(|at| promotion.held.is_none() || *at > now);
            wakes.extend(look.map(|at| (at, "a step's time is over")));
            let held = matches!(promotion.state, State::Baking { held_since: Some(_), .. });
            if held || promotion.held.is_some() {
                wakes.push((now.plus(HELD_LOOK), "evidence may have come"));
            } else {
                wakes.extend(baking::latest_end(promotion).map(|at| (at, "a step's time is over")));
            }
        }
        State::Reconciling { since, retry_at, .. } if promotion.paused.is_none() => {
            wakes.push((*retry_at, "the step is taken again"));
            let deadline = super::shifting::deadline(promotion, *since);
            wakes.push((deadline, "reconciling is given up"));
        }
        State::Committing { retry_at: Some(at), .. }
        | State::GoingBack { retry_at: Some(at), .. } => {
            wakes.push((*at, "the route is ordered again"));
        }
        State::Baking { .. }
        | State::Reconciling { .. }
        | State::Starting { .. }
        | State::Validating
        | State::Shifting { .. }
        | State::Committing { .. }
        | State::GoingBack { .. } => {}
    }
}
