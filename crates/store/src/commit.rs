//! One turn, checked and turned into rows, and a group of turns turned into one script. Owns the
//! limits; sends nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use towpath_audit::chain;
use towpath_core::ids::{Digest, Epoch, LaneId};
use towpath_ports::store::{
    NewEvent, OutboxRow, PromotionRow, StateRow, StoreError, Turn, WrittenEvent,
};

use crate::head::Head;
use crate::script::{Done, Statement, Topic};
use crate::{journal, outbox, promotions, states};

/// Rows of one kind in one turn: far above what a decision about one lane makes.
const ROWS_PER_TURN: usize = 10_000;

/// Bytes of one text: a turn must fit into memory several times over. PostgreSQL takes 1 GiB.
const TEXT_BYTES: usize = 16 << 20;

/// A turn whose values are the columns'.
#[derive(Debug)]
pub(crate) struct PreparedTurn {
    pub(crate) id: String,
    at: i64,
    events: Vec<PreparedEvent>,
    pub(crate) states: Vec<StoredState>,
    commands: Vec<StoredCommand>,
    finished: Vec<String>,
    promotions: BTreeMap<i64, StoredPromotion>,
    /// Whether it may use the reserve.
    pub(crate) urgent: bool,
}

#[derive(Debug)]
struct PreparedEvent {
    lane: Option<String>,
    promotion: Option<i64>,
    actor: String,
    kind: String,
    body: String,
}

#[derive(Debug)]
pub(crate) struct StoredState {
    pub(crate) key: String,
    pub(crate) version: i64,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct StoredCommand {
    pub(crate) id: String,
    pub(crate) lane: Option<String>,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct StoredPromotion {
    pub(crate) number: i64,
    pub(crate) lane: String,
    pub(crate) state: String,
    pub(crate) ended: bool,
    pub(crate) requested_at: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) body: String,
}

impl PreparedTurn {
    /// Checks `turn`. What no database takes, or only one of them, is refused for both.
    pub(crate) fn new(turn: &Turn) -> Result<Self, StoreError> {
        for (what, count) in [
            ("events", turn.events.len()),
            ("states", turn.states.len()),
            ("commands", turn.commands.len()),
            ("finished commands", turn.finished.len()),
            ("promotions", turn.promotions.len()),
        ] {
            if count > ROWS_PER_TURN {
                return Err(StoreError::Refused(format!(
                    "a turn has at most {ROWS_PER_TURN} {what}, not {count}"
                )));
            }
        }
        let promotions = turn.promotions.iter().map(promotion).collect::<Result<Vec<_>, _>>()?;
        let prepared = Self {
            id: checked_name("a turn's id", &turn.id)?,
            at: turn.at.0,
            events: turn.events.iter().map(event).collect::<Result<_, _>>()?,
            states: turn.states.iter().map(state).collect::<Result<_, _>>()?,
            commands: turn.commands.iter().map(command).collect::<Result<_, _>>()?,
            finished: turn
                .finished
                .iter()
                .map(|id| checked_name("a finished command's id", id))
                .collect::<Result<_, _>>()?,
            promotions: promotions.into_iter().map(|row| (row.number, row)).collect(),
            urgent: turn.urgent,
        };
        let keys: BTreeSet<_> = prepared.states.iter().map(|state| &state.key).collect();
        if keys.len() < prepared.states.len() {
            return Err(StoreError::Refused("a turn changes each state at most once".to_owned()));
        }
        Ok(prepared)
    }
}

fn event(event: &NewEvent) -> Result<PreparedEvent, StoreError> {
    Ok(PreparedEvent {
        lane: event.lane.as_ref().map(LaneId::to_string),
        promotion: event.promotion.map(|number| signed(number.0)).transpose()?,
        actor: checked_text("an event's actor", &event.actor)?,
        kind: checked_name("an event's kind", &event.kind)?,
        body: checked_json(&event.body)?,
    })
}

fn state(state: &StateRow) -> Result<StoredState, StoreError> {
    if state.version == 0 {
        return Err(StoreError::Refused("a state's first version is 1, not 0".to_owned()));
    }
    Ok(StoredState {
        key: checked_name("a state's key", &state.key)?,
        version: signed(state.version)?,
        body: checked_json(&state.body)?,
    })
}

fn command(command: &OutboxRow) -> Result<StoredCommand, StoreError> {
    Ok(StoredCommand {
        id: checked_name("a command's id", &command.id)?,
        lane: command.lane.as_ref().map(LaneId::to_string),
        body: checked_json(&command.body)?,
    })
}

fn promotion(promotion: &PromotionRow) -> Result<StoredPromotion, StoreError> {
    Ok(StoredPromotion {
        number: signed(promotion.number.0)?,
        lane: promotion.lane.to_string(),
        state: checked_text("a promotion's state", &promotion.state)?,
        ended: promotion.ended,
        requested_at: promotion.requested_at.0,
        ended_at: promotion.ended_at.map(|at| at.0),
        body: checked_json(&promotion.body)?,
    })
}

/// A number as the databases hold it; none above 2^63 - 1.
pub(crate) fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number)
        .map_err(|_| StoreError::Refused(format!("{number} is more than a database can hold")))
}

/// A text that both databases take: PostgreSQL has no NUL in texts.
pub(crate) fn checked_text(what: &str, text: &str) -> Result<String, StoreError> {
    if text.len() > TEXT_BYTES {
        return Err(too_long(what, text.len()));
    }
    if text.contains('\0') {
        return Err(StoreError::Refused(format!("{what} contains a NUL character")));
    }
    Ok(text.to_owned())
}

fn checked_name(what: &str, text: &str) -> Result<String, StoreError> {
    if text.is_empty() {
        return Err(StoreError::Refused(format!("{what} is empty")));
    }
    checked_text(what, text)
}

fn checked_json(body: &Value) -> Result<String, StoreError> {
    let text = body.to_string();
    if text.len() > TEXT_BYTES { Err(too_long("a body", text.len())) } else { Ok(text) }
}

fn too_long(what: &str, length: usize) -> StoreError {
    StoreError::Refused(format!("{what} has {length} bytes; at most {TEXT_BYTES} are taken"))
}

/// Which rows a group of turns touches, so that a turn that builds on another of them waits for it.
#[derive(Default)]
pub(crate) struct Touched {
    turns: BTreeSet<String>,
    states: BTreeSet<String>,
    commands: BTreeSet<String>,
    promotions: BTreeSet<i64>,
    rows: usize,
}

impl Touched {
    /// Adds `turn` and says true, or leaves it out because it and an earlier one touch the same row
    /// or because the group is full.
    pub(crate) fn add(&mut self, turn: &PreparedTurn) -> bool {
        let commands =
            || turn.commands.iter().map(|command| &command.id).chain(turn.finished.iter());
        let rows = turn.events.len() + turn.states.len() + commands().count();
        let clash = self.turns.contains(&turn.id)
            || turn.states.iter().any(|state| self.states.contains(&state.key))
            || commands().any(|id| self.commands.contains(id))
            || turn.promotions.keys().any(|number| self.promotions.contains(number))
            || (self.rows > 0 && self.rows + rows > ROWS_PER_TURN);
        if clash {
            return false;
        }
        self.turns.insert(turn.id.clone());
        self.states.extend(turn.states.iter().map(|state| state.key.clone()));
        self.commands.extend(commands().cloned());
        self.promotions.extend(turn.promotions.keys());
        self.rows += rows;
        true
    }
}

/// What a group does, ready to be sent between BEGIN and COMMIT.
pub(crate) struct GroupScript {
    /// The claim first: everything else only counts if it took its row.
    pub(crate) statements: Vec<Statement>,
    /// The head row after it.
    pub(crate) next: Head,
    /// The first and the number of the events of each turn.
    pub(crate) placed: Vec<(i64, usize)>,
}

/// Places `turns` behind `head`, in order.
pub(crate) fn group_script(head: &Head, turns: &[&PreparedTurn]) -> GroupScript {
    let mut next = head.clone();
    let (mut turn_rows, mut events, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    let mut placed = Vec::with_capacity(turns.len());
    for turn in turns {
        next.turn += 1;
        placed.push((next.seq + 1, turn.events.len()));
        turn_rows.push((turn.id.as_str(), next.turn, next.seq + 1));
        for event in &turn.events {
            let (event, hash) = next_event(&next, turn.at, event);
            next.seq = event.seq;
            next.hash = hash;
            events.push(event);
        }
        commands.extend(
            turn.commands.iter().zip(0..).map(|(command, place)| (next.turn, place, command)),
        );
    }
    let all_states: Vec<_> = turns.iter().flat_map(|turn| &turn.states).collect();
    let all_finished: Vec<_> = turns.iter().flat_map(|turn| &turn.finished).collect();
    let all_promotions: Vec<_> = turns.iter().flat_map(|turn| turn.promotions.values()).collect();
    let mut statements = vec![head.move_to(&next)];
    statements.extend(journal::write_turns(&turn_rows));
    statements.extend(journal::write(&events));
    statements.extend(states::write(&all_states));
    statements.extend(outbox::remove(&all_finished));
    statements.extend(outbox::write(&commands));
    statements.extend(promotions::write(&all_promotions));
    GroupScript { statements, next, placed }
}

fn next_event(head: &Head, at: i64, event: &PreparedEvent) -> (WrittenEvent, Digest) {
    let mut stored = WrittenEvent {
        seq: head.seq + 1,
        at,
        lane: event.lane.clone(),
        promotion: event.promotion,
        actor: event.actor.clone(),
        kind: event.kind.clone(),
        body: event.body.clone(),
        hash: String::new(),
    };
    let hash = chain::link(&head.hash, &stored);
    stored.hash = hash.to_string();
    (stored, hash)
}

/// Whether every state of `turns` was at the version it was read at.
pub(crate) fn all_states_written(turns: &[&PreparedTurn], done: &[Done]) -> bool {
    let wanted: usize = turns.iter().map(|turn| turn.states.len()).sum();
    let written = done.iter().filter(|done| done.topic == Topic::States);
    written.map(|done| done.rows_affected).sum::<u64>() == wanted as u64
}

/// The sequence numbers of `count` events from `first`.
pub(crate) fn sequence_numbers((first, count): (i64, usize)) -> Vec<u64> {
    let first = u64::try_from(first).expect("sequence numbers begin at 1");
    (first..).take(count).collect()
}

/// For messages: whether `epoch` is one that an owner can have.
pub(crate) fn checked_epoch(epoch: Epoch) -> Result<Epoch, StoreError> {
    if epoch.0 == 0 {
        return Err(StoreError::Refused(
            "epoch 0 owns nothing; take ownership of the journal first".to_owned(),
        ));
    }
    Ok(epoch)
}
