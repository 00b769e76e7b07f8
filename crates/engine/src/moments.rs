//! When something happened to each promotion, for whoever counts how long things take. Decides nothing and keeps
//! nothing: it is read from the journal each time.

use std::collections::BTreeMap;

use towpath_core::ids::PromotionNumber;
use towpath_core::units::Timestamp;
use towpath_ports::store::StoreError;

use crate::run_loop::Engine;

/// Events that are read at once.
const PAGE: u32 = 5_000;

/// The first and the last time that something happened to a promotion.
pub type Moments = BTreeMap<PromotionNumber, (Timestamp, Timestamp)>;

impl Engine {
    /// When events of this name happened since `since`, by promotion, as far as they come after the event `after`.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn moments(
        &self,
        kind: &str,
        since: Timestamp,
        after: u64,
    ) -> Result<Moments, StoreError> {
        let (mut found, mut before) = (Moments::new(), None);
        loop {
            let rows = self.shared.setup.store.events_named(kind, &[], before, PAGE).await?;
            for row in rows.iter().filter(|row| row.at >= since && row.seq > after) {
                let Some(number) = row.promotion else { continue };
                let (first, last) = found.entry(number).or_insert((row.at, row.at));
                (*first, *last) = ((*first).min(row.at), (*last).max(row.at));
            }
            let Some(end) = rows.last() else { break };
            before = Some(end.seq);
            if end.at < since || end.seq <= after || rows.len() < PAGE as usize {
                break;
            }
        }
        Ok(found)
    }
}
