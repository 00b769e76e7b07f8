//! Comparisons and counts as the matrix writes them, and the guard's numbers for them. Owns the
//! wording `"> 5%"` and `"+20%"`; judges nothing.

use towpath_core::units::{Span, Weight};
use towpath_guard::{LatencyLimit, Quantile};

/// `"> 5%"` as a share from 0 to 1.
pub(crate) fn error_limit(text: &str) -> Option<f64> {
    let share: Weight = text.strip_prefix('>')?.trim().parse().ok()?;
    Some(share.share())
}

/// What a latency may not pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Latency {
    /// `"+20%"`: this factor on the old release's, above 1.
    Factor(f64),
    /// `"> 300ms"`: this many microseconds, above 0.
    AtMost(u64),
}

impl Latency {
    pub(crate) fn at(self, quantile: u8) -> LatencyLimit {
        match self {
            Self::Factor(factor) => LatencyLimit::Factor(Quantile(quantile), factor),
            Self::AtMost(microseconds) => LatencyLimit::AtMost(Quantile(quantile), microseconds),
        }
    }
}

/// Reads `"+20%"` or `"> 300ms"`.
pub(crate) fn latency_limit(text: &str) -> Option<Latency> {
    if let Some(slower) = text.strip_prefix('+') {
        let share: Weight = slower.trim().parse().ok()?;
        return (share > Weight::ZERO).then(|| Latency::Factor(1.0 + share.share()));
    }
    let most: Span = text.strip_prefix('>')?.trim().parse().ok()?;
    (most > Span::ZERO).then(|| Latency::AtMost(most.milliseconds().saturating_mul(1000)))
}

/// `20 requests` as a number from 1 to a million.
pub(crate) fn requests(text: &str) -> Option<u64> {
    let number = text.strip_suffix("requests").or_else(|| text.strip_suffix("request"))?;
    number.trim_end().parse().ok().filter(|number| (1..=1_000_000).contains(number))
}

/// The share in a promise such as `"< 0.1%"` or `"<= 1%"`.
pub(crate) fn promised_share(text: &str) -> Option<f64> {
    let share: Weight = text.strip_prefix('<')?.trim_start_matches('=').trim().parse().ok()?;
    Some(share.share())
}

/// The duration in a goal such as `"< 30m"`.
pub(crate) fn promised_span(text: &str) -> Option<Span> {
    text.strip_prefix('<')?.trim_start_matches('=').trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_say_what_is_too_much() {
        assert_eq!(error_limit("> 5%"), Some(0.05));
        assert_eq!(latency_limit("+20%"), Some(Latency::Factor(1.2)));
        assert_eq!(latency_limit("> 300ms"), Some(Latency::AtMost(300_000)));
        for bad in ["5%", "< 5%", ">= 5%", "> 5", "> 101%", ">", "", "> -1%"] {
            assert_eq!(error_limit(bad), None, "{bad:?} must be refused");
        }
        for bad in ["20%", "+0%", "> 0ms", "300ms", "> 300", "+", "-20%", "> 5%"] {
            assert_eq!(latency_limit(bad), None, "{bad:?} must be refused");
        }
    }

    #[test]
    fn counts_of_requests_carry_their_unit() {
        assert_eq!(requests("20 requests"), Some(20));
        assert_eq!(requests("1 request"), Some(1));
        for bad in ["20", "0 requests", "-1 requests", "1000001 requests", "twenty requests"] {
            assert_eq!(requests(bad), None, "{bad:?} must be refused");
        }
    }
}
