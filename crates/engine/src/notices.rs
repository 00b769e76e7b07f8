//! Notices of a turn: asks core which there are, adds the summary of what has ended, and gives them the
//! shape in which they wait in the outbox. Sends nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use towpath_core::journal::Event;
use towpath_core::notices::{Notice, Occasion, SUMMARIES, Told, notices, of_project as beside};
use towpath_core::promotion::Decision;
use towpath_core::units::Timestamp;
use towpath_ports::store::{OutboxRow, PromotionRow, StoreError};

use crate::shared::Shared;
use crate::views::PromotionView;
use crate::{delivery, summary};

/// What keys of notices in the outbox begin with; no lane's name has a colon.
const PREFIX: &str = "notice:";

/// A notice that waits to be delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// What is told.
    pub(crate) notice: Notice,
    /// Since when it is tried.
    pub(crate) since: Timestamp,
}

impl Pending {
    /// Its key in the outbox.
    pub(crate) fn key(notice: &Notice) -> String {
        format!("{PREFIX}{}", notice.id)
    }

    /// As the store keeps it until its outcome is known.
    pub(crate) fn row(&self) -> OutboxRow {
        let body = serde_json::to_value(self).expect("core's types have text keys");
        OutboxRow { id: Self::key(&self.notice), lane: self.notice.lane.clone(), body }
    }

    /// Whether a row of the outbox is a notice.
    pub(crate) fn is_one(row: &OutboxRow) -> bool {
        row.id.starts_with(PREFIX)
    }

    /// The notice in a row of the outbox; none when the row is a command.
    ///
    /// # Errors
    /// [`StoreError::Refused`]: it was written by another program.
    pub(crate) fn read(row: &OutboxRow) -> Result<Option<Self>, StoreError> {
        if !Self::is_one(row) {
            return Ok(None);
        }
        let read = serde_json::from_value(row.body.clone()).map(Some);
        read.map_err(|error| {
            StoreError::Refused(format!("the notice `{}` cannot be read: {error}", row.id))
        })
    }
}

/// What is told of a decision, to be written in the same turn; notes in the rows of promotions that
/// end whom that is told to. `turn` is the turn's id.
pub(crate) fn of_turn(
    shared: &Shared,
    decision: &Decision,
    turn: &str,
    promotions: &mut [PromotionRow],
    now: Timestamp,
) -> Vec<OutboxRow> {
    let Some(after) = &decision.lane else { return of_project(shared, decision, turn, now) };
    let mut found = shared.read(|project| {
        notices(&Told {
            project,
            before: project.lanes.get(&after.id),
            after,
            events: &decision.events,
            now,
            turn,
            speed: shared.setup.speed,
        })
    });
    for row in promotions.iter_mut().filter(|row| row.ended) {
        let Ok(mut view) = serde_json::from_value::<PromotionView>(row.body.clone()) else {
            continue;
        };
        let of_row = |notice: &&mut Notice| notice.promotion == Some(row.number);
        for notice in found.iter_mut().filter(of_row).filter(|it| it.occasion.is_end()) {
            notice.summary = Some(summary::text(&view));
            if notice.channel != SUMMARIES {
                view.told.push(notice.channel.clone());
            }
        }
        view.not_told = unreachable(shared, decision, row);
        row.body = serde_json::to_value(&view).expect("a view is plain data");
    }
    let pending = found.into_iter().map(|notice| Pending { notice, since: now });
    pending.map(|pending| pending.row()).collect()
}

/// What is told of what belongs to no lane.
fn of_project(shared: &Shared, decision: &Decision, turn: &str, now: Timestamp) -> Vec<OutboxRow> {
    let about = (now, turn, shared.setup.speed);
    let found = shared.read(|project| beside(&project.common, &decision.events, about));
    found.into_iter().map(|notice| Pending { notice, since: now }.row()).collect()
}

/// Channels that a rule names and that nothing can be sent to, with why.
fn unreachable(shared: &Shared, decision: &Decision, row: &PromotionRow) -> Vec<String> {
    let ended = decision.events.iter().find_map(|event| match event {
        Event::PromotionEnded { number, .. } if *number == row.number => Some(row.state.as_str()),
        _ => None,
    });
    let Some(state) = ended else { return Vec::new() };
    let occasion = Occasion::RULED.into_iter().find(|it| it.key() == state);
    shared.read(|project| {
        let Some(matrix) = &project.common.matrix else { return Vec::new() };
        let environment = matrix.environment(&row.lane.environment);
        let rules = environment.map(|environment| &environment.notify);
        let ruled = rules.zip(occasion).and_then(|(rules, occasion)| rules.on.get(&occasion));
        let missing = |name| {
            let why = matrix.notifiers.get(name)?.missing.as_ref()?;
            Some(format!("{name} ({why})"))
        };
        ruled.into_iter().flatten().filter_map(missing).collect()
    })
}

/// Sends what a turn wrote, once it is written.
pub(crate) fn dispatch(shared: &Arc<Shared>, commands: &[OutboxRow]) {
    for row in commands {
        match Pending::read(row) {
            Ok(Some(pending)) => delivery::spawn(shared, pending),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a notice stays in the outbox"),
        }
    }
}
