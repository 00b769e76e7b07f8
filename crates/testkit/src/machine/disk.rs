//! The store as a model: journal, states and outbox changed by one turn, and an epoch that shuts
//! older owners out. Keeps everything in memory; the real stores have their own contract suite.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

use towpath_core::ids::{CommandId, Epoch, LaneId};
use towpath_core::journal::Event;
use towpath_core::project::Project;
use towpath_core::promotion::command::Command;
use towpath_core::units::Timestamp;

/// One event as it stands in the journal.
#[derive(Clone, Debug)]
pub struct Row {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// Whose; none for the project itself.
    pub lane: Option<LaneId>,
    /// What.
    pub event: Event,
    /// When, by the clock of the engine that wrote it.
    pub at: Timestamp,
    /// Over the hash before it and all of the above.
    pub hash: u64,
}

/// All that a turn changes.
#[derive(Clone, Debug, Default)]
struct Content {
    rows: Vec<Row>,
    project: Project,
    outbox: BTreeMap<(LaneId, CommandId), Command>,
    epoch: Epoch,
}

/// What one turn writes.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Whose turn; none for the project itself.
    pub lane: Option<LaneId>,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub events: Vec<Event>,
    /// What shall be done.
    pub commands: Vec<Command>,
    /// The command whose outcome was consumed.
    pub finished: Option<CommandId>,
}

/// Why a turn was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// Another engine owns the journal.
    Fenced,
    /// It does not answer now.
    Down,
}

/// The store of one project.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    content: Content,
    /// What would be left after a power loss, where that is less.
    durable: Option<Box<Content>>,
    /// Planted: turns are acknowledged before they are durable.
    pub acknowledges_early: bool,
    /// Nobody reaches it before this moment.
    pub down_until: Timestamp,
}

impl Disk {
    /// Every event, in order.
    pub fn rows(&self) -> &[Row] {
        &self.content.rows
    }

    /// The states as they were saved.
    pub fn project(&self) -> &Project {
        &self.content.project
    }

    /// The states, to be changed behind the journal's back by a planted fault.
    pub fn project_mut(&mut self) -> &mut Project {
        &mut self.content.project
    }

    /// Commands without an outcome, by lane and number.
    pub fn outbox(&self) -> &BTreeMap<(LaneId, CommandId), Command> {
        &self.content.outbox
    }

    /// The owner.
    pub fn epoch(&self) -> Epoch {
        self.content.epoch
    }

    /// A new owner. Every older one is shut out from here on.
    pub fn take_ownership(&mut self) -> Epoch {
        self.sync();
        self.content.epoch = Epoch(self.content.epoch.0 + 1);
        self.content.epoch
    }

    /// Writes one turn, all of it or nothing.
    ///
    /// # Errors
    /// See [`DiskError`].
    pub fn commit(
        &mut self,
        epoch: Epoch,
        now: Timestamp,
        turn: &Written,
    ) -> Result<(), DiskError> {
        if now < self.down_until {
            return Err(DiskError::Down);
        }
        if epoch != self.content.epoch {
            return Err(DiskError::Fenced);
        }
        if self.acknowledges_early && self.durable.is_none() {
            self.durable = Some(Box::new(self.content.clone()));
        }
        for event in &turn.events {
            self.append(turn, event);
        }
        if let (Some(lane), Some(command)) = (&turn.lane, turn.finished) {
            self.content.outbox.remove(&(lane.clone(), command));
        }
        for command in &turn.commands {
            self.content.outbox.insert((command.lane.clone(), command.id), command.clone());
        }
        Ok(())
    }

    fn append(&mut self, turn: &Written, event: &Event) {
        let before = self.content.rows.last().map(|row| row.hash);
        let seq = self.content.rows.len() as u64 + 1;
        let mut row =
            Row { seq, lane: turn.lane.clone(), event: event.clone(), at: turn.at, hash: 0 };
        row.hash = hash_of(before, &row);
        self.content.project.apply(turn.lane.as_ref(), event, turn.at);
        self.content.rows.push(row);
    }

    /// What was written becomes durable.
    pub fn sync(&mut self) {
        self.durable = None;
    }

    /// Everything that was not durable is gone.
    pub fn lose_power(&mut self) {
        if let Some(durable) = self.durable.take() {
            self.content = *durable;
        }
    }
}

/// The hash of a row over the one before it. Cheap and not for secrets: the real stores hash with
/// SHA-256, here it only has to show that a row was changed, lost or moved.
pub fn hash_of(before: Option<u64>, row: &Row) -> u64 {
    let text = serde_json::to_vec(&(before, row.seq, &row.lane, &row.event, row.at))
        .expect("core's types are JSON");
    let mut hasher = DefaultHasher::new();
    hasher.write(&text);
    hasher.finish()
}
