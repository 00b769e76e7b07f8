//! Between core's events and the store's rows. Owns the stored shape of a turn.

use serde_json::Value;
use towpath_core::ids::{LaneId, Person};
use towpath_core::journal::Event;
use towpath_core::project::{Common, Project};
use towpath_core::promotion::command::Command;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::Lane;
use towpath_ports::store::{NewEvent, OutboxRow, StateRow};

/// Key of the state that belongs to no lane.
pub(crate) const COMMON: &str = "project";

/// An event as the store takes it.
pub(crate) fn row(lane: Option<&LaneId>, actor: &str, event: &Event) -> NewEvent {
    NewEvent {
        lane: lane.cloned(),
        promotion: event.promotion(),
        actor: actor.to_owned(),
        kind: event.kind().to_owned(),
        body: json(event),
    }
}

/// A lane's state as the store takes it.
pub(crate) fn lane_row(lane: &Lane, version: u64) -> StateRow {
    StateRow { key: lane.id.to_string(), version, body: json(lane) }
}

/// The common state as the store takes it.
pub(crate) fn common_row(common: &Common, version: u64) -> StateRow {
    StateRow { key: COMMON.to_owned(), version, body: json(common) }
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

/// Who caused what follows from an input.
pub(crate) fn actor_of(input: &Input) -> String {
    let person = |by: &Person| by.to_string();
    match input {
        Input::PromotionOrdered(order) => person(&order.by),
        Input::RollbackOrdered { by, .. }
        | Input::Signalled { by, .. }
        | Input::PauseOrdered { by, .. }
        | Input::ResumeOrdered { by, .. }
        | Input::AbortOrdered { by, .. }
        | Input::ReasonGiven { by, .. }
        | Input::QuarantineLiftOrdered { by, .. } => person(by),
        Input::Judged { .. } | Input::HealthLost { .. } => "guard".to_owned(),
        Input::LeaseLapsed { .. } | Input::RouteObserved { .. } => "router".to_owned(),
        Input::CommandEnded { .. } | Input::Woken { .. } => "engine".to_owned(),
    }
}

/// The project after `events` of `lane`, without the lanes that did not change.
pub(crate) fn common_after(
    project: &Project,
    lane: Option<&LaneId>,
    events: &[Event],
    at: towpath_core::units::Timestamp,
) -> Option<Common> {
    let changes_common = |event: &Event| {
        lane.is_none() || matches!(event, Event::PromotionRequested(_) | Event::Attested(_))
    };
    if !events.iter().any(changes_common) {
        return None;
    }
    let mut after =
        Project { common: project.common.clone(), lanes: std::collections::BTreeMap::new() };
    for event in events {
        after.apply(None, event, at);
    }
    Some(after.common)
}
