//! When something happened to each promotion, for whoever counts how long things take. Decides nothing and keeps
//! nothing: it is read from the journal each time.

use std::collections::BTreeMap;

use towpath_core::ids::PromotionNumber;
use towpath_core::units::Timestamp;
use towpath_ports::store::StoreError;

use crate::run_loop::Engine;

/// Events that are read at once: at first, for there is mostly little new, and at the most.
const PAGES: (u32, u32) = (100, 5_000);

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
        let mut page = if after == 0 { PAGES.1 } else { PAGES.0 };
        loop {
            let rows = self.shared.setup.store.events_named(kind, &[], before, page).await?;
            for row in rows.iter().filter(|row| row.at >= since && row.seq > after) {
                let Some(number) = row.promotion else { continue };
                let (first, last) = found.entry(number).or_insert((row.at, row.at));
                (*first, *last) = ((*first).min(row.at), (*last).max(row.at));
            }
            let Some(end) = rows.last() else { break };
            before = Some(end.seq);
            if end.at < since || end.seq <= after || rows.len() < page as usize {
                break;
            }
            page = (page * 4).min(PAGES.1);
        }
        Ok(found)
    }
}
