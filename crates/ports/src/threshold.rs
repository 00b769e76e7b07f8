//! A threshold of a gauge: a comparison as the matrix writes it, held against a number as sources measure
//! it. Owns the units between the two; knows nothing of how long it must hold.

use std::fmt;

use crate::condition::{Comparison, Condition, Limit};

/// A comparison of a gauge with a fixed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    comparison: Comparison,
    /// In the base unit.
    limit: f64,
    unit: Unit,
    /// As the matrix writes it.
    written: String,
}

/// What a gauge measures, with the base unit in which sources hand it out: those of Prometheus
/// (prometheus.io/docs/practices/naming, "Base units").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A share of one.
    Share,
    /// Seconds.
    Time,
    /// So many for each second.
    Rate,
    /// Whatever it is, as it is.
    Plain,
}

impl Threshold {
    /// Whether `value`, in the base unit, meets it; none when it is not finite, which meets nothing
    /// and breaks nothing.
    pub fn holds(&self, value: f64) -> Option<bool> {
        value.is_finite().then(|| self.comparison.holds(value, self.limit))
    }

    /// The fixed value, in the base unit.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// `value` beside the threshold as a person reads it: `1,204 > 1,000`, `6.2% > 5%`.
    pub fn beside(&self, value: f64) -> String {
        let sign = self.comparison.as_str();
        let limit = match self.unit {
            Unit::Plain => number(self.limit),
            Unit::Share | Unit::Time | Unit::Rate => {
                self.written.trim_start_matches(['<', '>', '=']).trim().to_owned()
            }
        };
        format!("{} {sign} {limit}", self.said(value))
    }

    /// `value`, in the base unit, as a person reads it: `1,204`, `6.2%`, `0.3s`.
    pub fn said(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => format!("{}%", number(value * 100.0)),
            Unit::Time => format!("{}s", number(value)),
            Unit::Rate => format!("{}/s", number(value)),
            Unit::Plain => number(value),
        }
    }
}

impl std::str::FromStr for Threshold {
    type Err = String;

    /// Reads what [`Condition`] reads, and rates such as `> 100/s`, `> 5/m`.
    fn from_str(text: &str) -> Result<Self, String> {
        let of =
            |comparison, limit, unit| Self { comparison, limit, unit, written: text.to_owned() };
        if let Some((per_unit, unit)) = text.rsplit_once('/') {
            let seconds = match unit {
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return Err(format!("`{text}` is not a rate such as \"> 100/s\"")),
            };
            let condition: Condition = per_unit.trim_end().parse()?;
            return match condition.limit {
                Limit::Number(limit) => Ok(of(condition.comparison, limit / seconds, Unit::Rate)),
                Limit::Share(_) | Limit::Time(_) => {
                    Err(format!("`{text}` is not a rate such as \"> 100/s\""))
                }
            };
        }
        let condition: Condition = text.parse()?;
        Ok(match condition.limit {
            Limit::Share(share) => of(condition.comparison, share, Unit::Share),
            #[expect(clippy::cast_precision_loss, reason = "at most a hundred years")]
            Limit::Time(span) => {
                of(condition.comparison, span.milliseconds() as f64 / 1000.0, Unit::Time)
            }
            Limit::Number(number) => of(condition.comparison, number, Unit::Plain),
        })
    }
}

impl fmt::Display for Threshold {
    /// As the matrix writes it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

/// A number as people write it: thousands apart, at most two decimals, and three digits that count where
/// that would be nothing.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1e15 || (magnitude > 0.0 && magnitude < 0.005) {
        return format!("{value:.2e}");
    }
    let text = format!("{magnitude:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, part) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
    let mut grouped = String::with_capacity(text.len() + text.len() / 3 + 1);
    if value < 0.0 {
        grouped.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(part) = part {
        grouped.push('.');
        grouped.push_str(part);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(text: &str) -> Threshold {
        text.parse().unwrap()
    }

    #[test]
    fn a_gauge_is_held_against_the_base_unit_of_what_is_written() {
        for (text, met, not_met) in [
            ("> 1000", 1000.5, 1000.0),
            ("> 5%", 0.051, 0.05),
            (">= 1s", 1.0, 0.999),
            ("> 300ms", 0.301, 0.3),
            ("> 6000/m", 100.1, 100.0),
            ("< 2", 1.0, 2.0),
            ("= 0", 0.0, 0.1),
        ] {
            let threshold = threshold(text);
            assert_eq!(threshold.holds(met), Some(true), "{text}");
            assert_eq!(threshold.holds(not_met), Some(false), "{text}");
            assert_eq!(threshold.to_string(), text);
            for blind in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(threshold.holds(blind), None, "{text}");
            }
        }
        for bad in ["", "5", "> 5/w", "> 5%/s", "> /s", "> -1", "> 1s/s", "> NaN"] {
            assert!(bad.parse::<Threshold>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_figure_and_its_threshold_are_said_in_the_same_unit() {
        for (text, value, said) in [
            ("> 1000", 1204.0, "1,204 > 1,000"),
            ("> 1000", 1_234_567.891, "1,234,567.89 > 1,000"),
            ("> 5%", 0.0617, "6.17% > 5%"),
            ("> 300ms", 1.5, "1.5s > 300ms"),
            ("> 100/s", 250.0, "250/s > 100/s"),
            ("< 1", 0.001, "1.00e-3 < 1"),
            ("< 1", -12.0, "-12 < 1"),
            ("= 0", 0.0, "0 = 0"),
        ] {
            assert_eq!(threshold(text).beside(value), said);
        }
    }
}
