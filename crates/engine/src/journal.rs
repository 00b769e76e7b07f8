//! Between core's events and commands and the store's rows. Owns their stored shape, not that of
//! states.

use serde_json::Value;
use towpath_core::ids::{LaneId, Person, TokenId};
use towpath_core::journal::Event;
use towpath_core::promotion::command::Command;
use towpath_core::promotion::input::Input;
use towpath_ports::store::{NewEvent, OutboxRow};

/// An event as the store takes it. What an order led to says in `origin` from where it came, beside the
/// fields of the event; whoever reads events passes over it.
pub(crate) fn row(
    lane: Option<&LaneId>,
    actor: &str,
    origin: Option<&str>,
    event: &Event,
) -> NewEvent {
    let mut body = json(event);
    if let (Some(origin), Some(body)) = (origin, body.as_object_mut()) {
        body.insert("origin".to_owned(), Value::from(origin));
    }
    NewEvent {
        lane: lane.cloned(),
        promotion: event.promotion(),
        actor: actor.to_owned(),
        kind: event.kind().to_owned(),
        body,
    }
}

/// A command as the store keeps it until its outcome is known.
pub(crate) fn outbox_row(command: &Command) -> OutboxRow {
    OutboxRow {
        id: outbox_id(&command.lane, command.id.0),
        lane: Some(command.lane.clone()),
        body: json(command),
    }
}

/// The idempotency key of a lane's command.
pub(crate) fn outbox_id(lane: &LaneId, command: u64) -> String {
    format!("{lane}#{command}")
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("core's types have text keys and no failing parts")
}

/// Who caused something, and by which token.
pub(crate) fn through(actor: String, token: Option<&TokenId>) -> String {
    match token {
        Some(token) => format!("{actor} (token {token})"),
        None => actor,
    }
}

/// Who caused what follows from an input.
pub(crate) fn actor_of(input: &Input) -> String {
    let person = |by: &Person| by.to_string();
    match input {
        Input::ApprovalOrdered(order) => person(&order.by),
        Input::PromotionOrdered(order) => person(&order.by),
        Input::DebtSettled(order) => person(&order.by),
        Input::RollbackOrdered { by, .. }
        | Input::Signalled { by, .. }
        | Input::PauseOrdered { by, .. }
        | Input::ResumeOrdered { by, .. }
        | Input::AbortOrdered { by, .. }
        | Input::ReasonGiven { by, .. }
        | Input::QuarantineLiftOrdered { by, .. } => person(by),
        Input::Judged { .. } | Input::HealthLost { .. } => "guard".to_owned(),
        Input::LeaseLapsed { .. } | Input::RouteObserved { .. } => "router".to_owned(),
        Input::CommandEnded { .. }
        | Input::Woken { .. }
        | Input::BudgetLooked { .. }
        | Input::OwnersTold(_) => "engine".to_owned(),
    }
}
