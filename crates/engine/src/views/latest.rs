//! The newest events first. Owns the order; shows nothing of them.

use towpath_ports::store::{EventRow, StoreError, WrittenEvent};

use crate::run_loop::Engine;

/// Rows read at once.
const PAGE: u32 = 1_000;

impl Engine {
    /// Events after `after` exactly as they stand in the journal, for whoever exports them: bodies are the very text
    /// that was hashed, secrets included.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn written_events(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<WrittenEvent>, StoreError> {
        self.shared.setup.store.written(after, limit).await
    }

    /// Events before `before`, or up to the last one, newest first, at most `limit`.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn latest_events(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let end = match before {
            Some(before) => before.saturating_sub(1),
            None => self.last_event().await?,
        };
        let mut at = end.saturating_sub(u64::from(limit));
        let mut rows = Vec::new();
        while at < end {
            let wanted = u32::try_from(end - at).unwrap_or(PAGE).min(PAGE);
            let found = self.events(at, wanted).await?;
            let Some(last) = found.last() else { break };
            at = last.seq;
            rows.extend(found);
        }
        rows.retain(|row| row.seq <= end);
        rows.reverse();
        Ok(rows)
    }
}
