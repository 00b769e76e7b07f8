//! How much speaks against green while nothing is found yet, for people who watch. Owns the figures; what is
//! found is found without them.

use serde::{Deserialize, Serialize};

/// Most failures in a row that are thought ahead: who needs more of them is far from a verdict.
pub(crate) const MOST_AHEAD: usize = 12;

/// The evidence of harm, and how far it is to a verdict. Rounded to four digits: it is drawn and never
/// weighed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Odds against chance now: about 1 where nothing was seen, never below 0.
    pub now: f64,
    /// Where green goes back: one over the chance of a false alarm. A good release ever reaches it in at most
    /// one rollout of so many.
    pub bound: f64,
    /// What it would be after one more failure of green, after two in a row, and so on, up to the bound; at
    /// most 12 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<f64>,
}

/// `value` to four digits; what is no number is 0.
pub(crate) fn rounded(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 0.0;
    }
    let unit = 10.0_f64.powf(value.log10().floor() - 3.0);
    (value / unit).round() * unit
}
