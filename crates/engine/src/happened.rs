//! The events of one promotion. Owns how they are found in a journal that is long; an event is what the
//! journal says it is.

use towpath_core::ids::PromotionNumber;
use towpath_core::journal::Event;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::{EventRow, StoreError};

use crate::run_loop::Engine;

/// Rows read at once.
const PAGE: u32 = 1_000;
/// Rows that are looked through at the most: a promotion that takes a day beside many others has more, and is
/// shown as far as that.
const MOST_ROWS: u64 = 50_000;
/// How far a clock may have been set back: what was written before this long ago is not looked at.
const CLOCK: Span = Span::minutes(5);
/// How long after its end there is something to tell of a promotion: its copies stop, people are told.
const AFTERWARDS: Span = Span::minutes(10);

impl Engine {
    /// The events of a promotion that was asked for at `asked` and ended at `ended`, in order; all of them as
    /// long as not more than 50,000 events were written meanwhile.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn happened(
        &self,
        number: PromotionNumber,
        asked: Timestamp,
        ended: Option<Timestamp>,
    ) -> Result<Vec<EventRow>, StoreError> {
        let mut at = self.first_after(asked.minus(CLOCK)).await?.saturating_sub(1);
        let until = ended.map(|ended| ended.plus(AFTERWARDS));
        let (mut found, first) = (Vec::new(), at);
        while at - first < MOST_ROWS {
            let rows = self.events(at, PAGE).await?;
            let Some(last) = rows.last() else { break };
            at = last.seq;
            let is_over = until.is_some_and(|until| last.at > until);
            found.extend(rows.into_iter().filter(|row| row.promotion == Some(number)));
            if is_over {
                break;
            }
        }
        Ok(found)
    }

    /// The number of the first event that was written at this moment or later, found in a few looks: times grow
    /// with numbers.
    async fn first_after(&self, moment: Timestamp) -> Result<u64, StoreError> {
        let is_before = async |seq: u64| -> Result<bool, StoreError> {
            let row = self.events(seq.saturating_sub(1), 1).await?;
            Ok(row.first().is_some_and(|row| row.at < moment))
        };
        let (mut low, mut high) = (1, self.last_event().await? + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(middle).await? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// What an event says; none where this version does not know it.
pub(crate) fn event(row: &EventRow) -> Option<Event> {
    serde::Deserialize::deserialize(&row.body).ok()
}
