//! Orders a weight and waits until it is observed. A weight that is not observed is never counted
//! as taken (I4): the promotion is `reconciling` until it is, or goes back.

use crate::ids::Revision;
use crate::journal::Event;
use crate::promotion::command::{CommandOutcome, Order, Route};
use crate::promotion::state::{Promotion, State};
use crate::promotion::{ROUTE_RETRY, SLOWEST_ROUTE_RETRY, Turn, going_back, held};
use crate::units::{Span, Timestamp, Weight};

/// Orders the weight of a step; `why` says why it is this much, where a budget of harm chose it.
pub(super) fn begin(turn: &mut Turn<'_>, promotion: &Promotion, step: usize, why: Option<String>) {
    let Some(weight) = promotion.plan.steps.get(step).map(|step| step.weight) else { return };
    let revision = turn.next_revision();
    let Some(route) = lent_route(promotion, revision, weight) else { return };
    let command = turn.next_command();
    let number = promotion.number;
    turn.record(Event::WeightOrdered { number, step, command, revision, weight, why });
    let section = Box::new(promotion.plan.section.clone());
    turn.order(command, Order::SetRoute { route, section });
}

/// The route in which green has `weight` for the length of its lease; none before green is there.
pub fn lent_route(promotion: &Promotion, revision: Revision, weight: Weight) -> Option<Route> {
    let green = promotion.green.clone()?;
    let can_return = promotion.blue.is_some();
    Some(Route {
        revision,
        default: promotion.blue.clone(),
        candidate: Some((green, weight)),
        // Without blue there is nothing that the traffic could return to.
        lease: can_return.then_some(promotion.plan.section.rollout.lease),
        freeze_on_silence: promotion.freezes_on_silence(),
        held_back: None,
    })
}

/// The router obeyed, or not.
pub(super) fn ended(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    step: usize,
    outcome: &CommandOutcome,
) {
    let wanted = promotion.plan.steps.get(step).map_or(Weight::ZERO, |step| step.weight);
    match outcome {
        CommandOutcome::Routed { weight, .. } if *weight == wanted => {
            turn.record(Event::WeightObserved { number: promotion.number, step, weight: wanted });
        }
        CommandOutcome::Routed { weight, .. } => {
            let sentence = format!("{wanted} was ordered and {weight} is what green has");
            reconcile_later(turn, promotion, step, sentence, *weight);
        }
        CommandOutcome::RouteFailed { sentence } => {
            reconcile_later(turn, promotion, step, sentence.clone(), promotion.weight);
        }
        _ => turn.note("an outcome that does not belong to a route was ignored"),
    }
}

/// Records that weights differ, and when the step is taken again.
pub(super) fn reconcile_later(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    step: usize,
    sentence: String,
    weight: Weight,
) {
    let failing_for =
        promotion.reconciling_since().map_or(Span::ZERO, |since| turn.now.since(since));
    let wait = failing_for.clamp(ROUTE_RETRY, SLOWEST_ROUTE_RETRY);
    turn.record(Event::ReconciliationBegan {
        number: promotion.number,
        step,
        sentence,
        weight,
        retry_at: turn.now.plus(wait),
    });
}

/// Takes the step again when its time has come; goes back when it took too long.
pub(super) fn reconcile(turn: &mut Turn<'_>, promotion: &Promotion) {
    let State::Reconciling { step, since, retry_at } = promotion.state else { return };
    if promotion.paused.is_some() {
        return;
    }
    if turn.now >= deadline(promotion, since) {
        let limit = promotion.plan.section.rollout.hold_limit;
        let sentence = match &promotion.held {
            Some(held) => {
                format!("its step could not be taken again for {limit}: {}", held.sentence)
            }
            None => format!("the router did not do what was ordered for {limit}"),
        };
        going_back::by_itself(turn, promotion, going_back::failed(sentence));
    } else if turn.now >= retry_at && !keeps_less(turn, promotion, step) {
        begin(turn, promotion, step, None);
    }
}

/// Whether a freeze keeps green at less than the step's weight. Where the traffic cannot return, taking
/// the step again is what keeps visitors served.
fn keeps_less(turn: &mut Turn<'_>, promotion: &Promotion, step: usize) -> bool {
    let wanted = promotion.plan.steps.get(step).map_or(Weight::ZERO, |step| step.weight);
    wanted > promotion.weight && promotion.can_return() && held::keeps_weight(turn, promotion)
}

/// When reconciling is given up.
pub(super) fn deadline(promotion: &Promotion, since: Timestamp) -> Timestamp {
    since.plus(promotion.plan.section.rollout.hold_limit)
}
