//! Quantities with their units. Owns arithmetic that cannot overflow; knows no calendar.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use towpath_guard::{grouped, percent};

/// `1 check`, `2 checks`, `1,234 checks`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// A moment in UTC, in microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment and `span` later; stops at the end of time instead of overflowing.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        let microseconds = i64::try_from(span.0.saturating_mul(1000)).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(microseconds))
    }

    /// This moment and `span` earlier; stops at the beginning of time instead of overflowing.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0.saturating_mul(1000)))
    }

    /// How long ago `earlier` was; zero when it is not in the past.
    pub fn since(self, earlier: Self) -> Span {
        let microseconds = self.0.saturating_sub(earlier.0);
        Span(u64::try_from(microseconds / 1000).unwrap_or(0))
    }
}

/// A length of time in milliseconds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// From minutes.
    pub const fn minutes(minutes: u64) -> Self {
        Self(minutes * 60_000)
    }

    /// From hours.
    pub const fn hours(hours: u64) -> Self {
        Self(hours * 3_600_000)
    }

    /// Milliseconds.
    pub const fn milliseconds(self) -> u64 {
        self.0
    }

    /// This span when everything runs `speed` times faster; at least one millisecond if it was.
    #[must_use]
    pub fn faster(self, speed: u32) -> Self {
        if self.0 == 0 { self } else { Self((self.0 / u64::from(speed.max(1))).max(1)) }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    /// Reads `250ms`, `41s`, `5m`, `24h`, `30d` and sequences such as `1h 30m`. Refuses negative
    /// and unitless numbers, fractions, and anything longer than 100 years.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is not a duration such as 30s, 5m, 24h or 1h 30m");
        let mut total: u64 = 0;
        let mut parts = 0;
        for part in text.split_whitespace() {
            let digits = part.find(|character: char| !character.is_ascii_digit());
            let (number, unit) = part.split_at(digits.ok_or_else(wanted)?);
            if number.is_empty() {
                return Err(wanted());
            }
            // Digits beyond a u64 are a length of time too, and longer than any that is taken.
            let number: u64 = number.parse().unwrap_or(u64::MAX);
            let size = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(wanted()),
            };
            total = number
                .checked_mul(size)
                .and_then(|part| total.checked_add(part))
                .unwrap_or(u64::MAX);
            parts += 1;
        }
        if parts == 0 {
            return Err(wanted());
        }
        if total > LONGEST_SPAN_MS {
            return Err(format!("`{text}` is longer than 100 years"));
        }
        Ok(Self(total))
    }
}

/// 100 years of 365 days: longer than any matrix means, short enough that sums never overflow.
const LONGEST_SPAN_MS: u64 = 100 * 365 * 86_400_000;

impl From<Span> for std::time::Duration {
    fn from(span: Span) -> Self {
        Self::from_millis(span.0)
    }
}

impl fmt::Display for Span {
    /// As people write it: `250ms`, `41s`, `2m 12s`, `24h`, `3d`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0;
        if milliseconds < 1000 {
            return write!(formatter, "{milliseconds}ms");
        }
        let seconds = milliseconds / 1000;
        let parts = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
        let first = parts.iter().position(|(size, _)| seconds >= *size).unwrap_or(3);
        // Days only when they come out even and there is more than one: people say 24h, 36h, 2d.
        let first = if first == 0 && (!seconds.is_multiple_of(86_400) || seconds == 86_400) {
            1
        } else {
            first
        };
        let (size, unit) = parts[first];
        write!(formatter, "{}{unit}", seconds / size)?;
        let rest = seconds % size;
        match parts.get(first + 1) {
            Some((next, next_unit)) if rest / next > 0 => {
                write!(formatter, " {:0>2}{next_unit}", rest / next)
            }
            _ => Ok(()),
        }
    }
}

/// Green's share of the traffic in basis points, 0 to 10,000.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

impl Weight {
    /// No traffic on green.
    pub const ZERO: Self = Self(0);
    /// All traffic on green.
    pub const FULL: Self = Self(10_000);

    /// From basis points; none above 10,000.
    pub fn from_basis_points(basis_points: u16) -> Option<Self> {
        (basis_points <= 10_000).then_some(Self(basis_points))
    }

    /// In basis points, 0 to 10,000.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// What is left of all traffic.
    #[must_use]
    pub fn rest(self) -> Self {
        Self(10_000 - self.0)
    }

    /// As a share of 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl std::str::FromStr for Weight {
    type Err = String;

    /// Reads `1%`, `12.5%`, `100%`, with at most two decimals.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is not a share such as 1%, 12.5% or 100%");
        let number = text.strip_suffix('%').ok_or_else(wanted)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let all_digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(decimals) || decimals.len() > 2 || whole.len() > 3 {
            return Err(wanted());
        }
        let whole: u16 = whole.parse().map_err(|_| wanted())?;
        let hundredths: u16 = format!("{decimals:0<2}").parse().map_err(|_| wanted())?;
        Self::from_basis_points(whole.saturating_mul(100).saturating_add(hundredths))
            .ok_or_else(|| format!("`{text}` is more than 100%"))
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = String;

    fn try_from(basis_points: u16) -> Result<Self, String> {
        Self::from_basis_points(basis_points)
            .ok_or_else(|| format!("a weight is at most 10000 basis points, not {basis_points}"))
    }
}

impl fmt::Display for Weight {
    /// `1%`, `12.5%`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}%", f64::from(self.0) / 100.0);
        formatter.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        let cases = [
            (Span(250), "250ms"),
            (Span::seconds(41), "41s"),
            (Span::seconds(132), "2m 12s"),
            (Span::seconds(183), "3m 03s"),
            (Span::hours(24), "24h"),
            (Span::hours(48), "2d"),
            (Span::minutes(70), "1h 10m"),
        ];
        for (span, text) in cases {
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn durations_that_are_negative_unitless_or_overflow_are_refused() {
        for bad in ["", "-5m", "5", "5 m", "m", "1.5h", "99999999999999999999s", "36501d", "5min"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?} must be refused");
        }
        assert_eq!("1h 30m".parse(), Ok(Span::minutes(90)));
        assert_eq!("250ms".parse(), Ok(Span(250)));
    }

    #[test]
    fn shares_are_read_exactly_or_refused() {
        assert_eq!("12.5%".parse::<Weight>().map(Weight::basis_points), Ok(1250));
        for bad in ["", "1", "-1%", "101%", "1e1%", "%", "1.234%", "١%"] {
            assert!(bad.parse::<Weight>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn time_stops_instead_of_overflowing() {
        assert_eq!(Timestamp(i64::MAX).plus(Span(u64::MAX)), Timestamp(i64::MAX));
        assert_eq!(Timestamp(5).since(Timestamp(9_000)), Span::ZERO);
    }
}
