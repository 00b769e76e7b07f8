//! A comparison as the matrix writes it: `"< 5%"`, `"> 300ms"`, `">= 99.9"`. Owns reading and
//! holding it against a value; knows nothing of what is compared.

use std::fmt;

use towpath_core::units::{Span, Weight};

/// A comparison with a fixed value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `=`
    Equal,
}

/// What a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// A share of 1, written in percent with at most two decimals.
    Share(f64),
    /// A length of time.
    Time(Span),
    /// A plain number, finite and not negative.
    Number(f64),
}

impl Condition {
    /// Whether a share of 1 meets it; none when it speaks of something else, or the share is no
    /// number.
    pub fn holds_for_share(&self, share: f64) -> Option<bool> {
        match self.limit {
            Limit::Share(limit) if share.is_finite() => Some(self.comparison.holds(share, limit)),
            Limit::Share(_) | Limit::Time(_) | Limit::Number(_) => None,
        }
    }

    /// Whether a length of time meets it; none when it speaks of something else.
    pub fn holds_for_time(&self, time: Span) -> Option<bool> {
        match self.limit {
            Limit::Time(limit) => Some(self.comparison.holds(time, limit)),
            Limit::Share(_) | Limit::Number(_) => None,
        }
    }

    /// Whether a number meets it; none when it speaks of something else, or it is no number.
    pub fn holds_for_number(&self, number: f64) -> Option<bool> {
        match self.limit {
            Limit::Number(limit) if number.is_finite() => {
                Some(self.comparison.holds(number, limit))
            }
            Limit::Share(_) | Limit::Time(_) | Limit::Number(_) => None,
        }
    }
}

impl Comparison {
    pub(crate) fn holds<T: PartialOrd + Copy>(self, value: T, limit: T) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::More => value > limit,
            Self::AtLeast => value >= limit,
            Self::Equal => value == limit,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "=",
        }
    }
}

impl std::str::FromStr for Condition {
    type Err = String;

    /// Reads a comparison sign and a share, a duration or a number.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is not a comparison such as \"< 5%\" or \"> 300ms\"");
        // The longer sign first: `<` is the beginning of `<=`.
        let signs = [
            Comparison::AtMost,
            Comparison::AtLeast,
            Comparison::Less,
            Comparison::More,
            Comparison::Equal,
        ];
        let found = signs.iter().find_map(|sign| Some((*sign, text.strip_prefix(sign.as_str())?)));
        let (comparison, value) = found.ok_or_else(wanted)?;
        let value = value.trim();
        let limit = if value.ends_with('%') {
            Limit::Share(value.parse::<Weight>()?.share())
        } else if value.ends_with(|last: char| last.is_ascii_digit()) {
            let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let number = value.parse().ok().filter(|number: &f64| plain && number.is_finite());
            Limit::Number(number.ok_or_else(wanted)?)
        } else {
            Limit::Time(value.parse().map_err(|_| wanted())?)
        };
        Ok(Self { comparison, limit })
    }
}

impl fmt::Display for Condition {
    /// As the matrix writes it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = self.comparison.as_str();
        match self.limit {
            Limit::Share(share) => {
                write!(formatter, "{sign} {}%", (share * 10_000.0).round() / 100.0)
            }
            Limit::Time(span) => write!(formatter, "{sign} {span}"),
            Limit::Number(number) => write!(formatter, "{sign} {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_read_as_they_are_written() {
        for text in ["< 5%", "<= 0.25%", "> 300ms", ">= 99.9", "= 0", "< 1h 30m"] {
            assert_eq!(text.parse::<Condition>().unwrap().to_string(), text);
        }
        for bad in ["", "5%", "< ", "< -5%", "< 5 %%", "> NaN", "> 1e9", "> 3.0.0", "=< 5%"] {
            assert!(bad.parse::<Condition>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_limit_is_exact_and_what_is_no_number_meets_nothing() {
        let below: Condition = "< 5%".parse().unwrap();
        assert_eq!(below.holds_for_share(0.0499), Some(true));
        assert_eq!(below.holds_for_share(0.05), Some(false));
        assert_eq!(below.holds_for_share(f64::NAN), None);
        assert_eq!(below.holds_for_time(Span(1)), None);
        assert_eq!(below.holds_for_number(0.0), None);
        let slow: Condition = "> 300ms".parse().unwrap();
        assert_eq!(
            (slow.holds_for_time(Span(301)), slow.holds_for_time(Span(300))),
            (Some(true), Some(false))
        );
        assert_eq!(">= 2".parse::<Condition>().unwrap().holds_for_number(2.0), Some(true));
    }
}
