//! Sample styles and views for the tests of reports.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::report::style::Style;

/// A terminal of 100 columns in UTC, without colours, at `now`.
pub(crate) fn terminal(now: &str) -> Style {
    Style {
        ascii: false,
        colour: false,
        width: Some(100),
        local_time_zone: Some(TimeZone::UTC),
        now: now.parse().expect("RFC 3339"),
    }
}

/// No terminal, at `now`.
pub(crate) fn plain(now: &str) -> Style {
    Style::plain(now.parse::<Timestamp>().expect("RFC 3339"))
}
