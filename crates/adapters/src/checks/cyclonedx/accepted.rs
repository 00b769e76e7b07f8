//! A vulnerability that a team lives with for a while. Owns how that is written and when it ends;
//! finds none.

use jiff::civil::Date;
use towpath_core::units::Timestamp;

/// One entry of `exceptions`.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    /// An id or an alias of it.
    pub(super) id: String,
    /// The last day, in UTC.
    pub(super) until: Date,
}

impl Accepted {
    /// Reads `until DAY: REASON`.
    ///
    /// # Errors
    /// What is wrong with it, as one sentence.
    pub(super) fn read(id: &str, text: &str) -> Result<Self, String> {
        if id.trim().is_empty() {
            return Err("an entry of `exceptions` has no id".to_owned());
        }
        let wanted = || format!("`{text}` does not say until when {id} is accepted, and why");
        let rest = text.trim().strip_prefix("until ").ok_or_else(wanted)?;
        let (day, reason) = rest.split_once(':').ok_or_else(wanted)?;
        let until = day.trim().parse().map_err(|_| format!("`{}` is no day", day.trim()))?;
        if reason.trim().is_empty() {
            return Err(format!("nobody says why {id} is accepted"));
        }
        Ok(Self { id: id.trim().to_owned(), until })
    }

    /// Whether it still holds at that moment; after the end of time it does not.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        let now = jiff::Timestamp::from_microsecond(now.0);
        now.is_ok_and(|now| now.to_zoned(jiff::tz::TimeZone::UTC).date() <= self.until)
    }
}
