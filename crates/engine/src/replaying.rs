//! Sending a notice once more that arrived, for a receiver that lost it: under its own id, with what it said then, and
//! never beside itself. Decides nothing about who is told.

use serde::Deserialize as _;
use towpath_core::ids::Person;
use towpath_core::journal::Event;
use towpath_core::notices::{Delivered, Resent};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_ports::store::{EventRow, StoreError};

use crate::delivery::{Record, allowed};
use crate::notices::Pending;
use crate::orders::EngineError;
use crate::run_loop::Engine;
use crate::views::{DeliveredNoticeView, time};

/// What deliveries are called in the journal.
const DELIVERED: &str = "notice-delivered";
/// Deliveries that are read at once.
const PAGE: u32 = 500;
/// Deliveries among which one is looked for, the newest first: weeks of a team that tells ten channels of everything.
const LOOKED_THROUGH: usize = 20_000;

impl Engine {
    /// Notices that arrived, the newest first, at most `limit`; `before` continues a list.
    ///
    /// # Errors
    /// Whatever the store says; ask again.
    pub async fn delivered_notices(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<DeliveredNoticeView>, StoreError> {
        let rows = self.events_named(DELIVERED, before, limit).await?;
        Ok(rows.iter().filter_map(DeliveredNoticeView::of).collect())
    }

    /// Has a notice sent once more that arrived, or again that never did, under its own id.
    ///
    /// # Errors
    /// A refusal when none of that id is kept, it is on its way, or `by` may not.
    pub async fn replay_notice(&self, id: &str, by: &Person) -> Result<(), EngineError> {
        let is_dead = self
            .shared
            .read(|project| project.common.dead.iter().any(|dead| dead.given_up.notice.id == id));
        if is_dead {
            return self.retry_notice(id, by).await;
        }
        self.asked();
        let by = allowed(&self.shared, by)?;
        if self.shared.deliveries.is_under_way(id) {
            return Err(refused(under_way(id)));
        }
        let delivered = self.delivered(id).await.map_err(EngineError::Store)?;
        let Some(delivered) = delivered else { return Err(refused(unknown(id))) };
        let Some(notice) = delivered.notice else { return Err(refused(unkept(id))) };
        let event = Event::NoticeRetried(Resent {
            id: notice.id.clone(),
            by: by.clone(),
            arrived: true,
            promotion: notice.promotion,
        });
        let lane = notice.lane.clone();
        let pending = Pending { notice: *notice, since: self.shared.now() };
        let commands = vec![pending.row()];
        let record = Record {
            actor: by.to_string(),
            lane,
            events: vec![event],
            commands,
            ..Record::default()
        };
        self.keep_record(record).await
    }

    /// The last delivery of a notice.
    async fn delivered(&self, id: &str) -> Result<Option<Delivered>, StoreError> {
        let (mut before, mut seen) = (None, 0);
        while seen < LOOKED_THROUGH {
            let rows = self.events_named(DELIVERED, before, PAGE).await?;
            let Some(last) = rows.last() else { break };
            before = Some(last.seq);
            seen += rows.len();
            if let Some(row) = rows.iter().find(|row| row.body["id"] == id) {
                return Ok(read(row));
            }
        }
        Ok(None)
    }
}

fn read(row: &EventRow) -> Option<Delivered> {
    match Event::deserialize(&row.body).ok()? {
        Event::NoticeDelivered(delivered) => Some(*delivered),
        _ => None,
    }
}

impl DeliveredNoticeView {
    fn of(row: &EventRow) -> Option<Self> {
        let delivered = read(row)?;
        Some(Self {
            event: row.seq,
            id: delivered.id,
            channel: delivered.channel,
            occasion: delivered.occasion.key().to_owned(),
            promotion: delivered.promotion.map(|number| number.0),
            subject: delivered.notice.map(|notice| notice.subject),
            at: time(row.at),
            attempts: delivered.attempts,
        })
    }
}

fn refused(refusal: Refusal) -> EngineError {
    EngineError::Refused(Box::new(
        refusal.next("towpath notify list --arrived", "those that can be sent once more"),
    ))
}

fn shown(id: &str) -> String {
    id.chars().take(80).flat_map(char::escape_default).collect()
}

/// Whoever orders it a second time meanwhile.
pub(crate) fn already(id: &str) -> EngineError {
    refused(under_way(id))
}

fn under_way(id: &str) -> Refusal {
    let message = format!("the notice {} is on its way already", shown(id));
    let cause = "it is sent until it arrives, and never beside itself";
    Refusal::new(RefusalKind::Conflict, "on-its-way", message, cause)
}

fn unknown(id: &str) -> Refusal {
    let message = format!("no notice {} is kept", shown(id));
    let cause =
        format!("it is none of the last {LOOKED_THROUGH} that arrived, nor one that never did");
    Refusal::new(RefusalKind::NotFound, "no-such-notice", message, cause)
}

fn unkept(id: &str) -> Refusal {
    let message = format!("the notice {} cannot be sent once more", shown(id));
    let cause =
        "it was delivered by an older version, which kept no more of it than that it arrived";
    Refusal::new(RefusalKind::NotFound, "notice-not-kept", message, cause)
}
