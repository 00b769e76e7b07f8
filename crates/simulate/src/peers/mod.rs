//! What other tools would have done with the same figures: one file per tool, one line here. Each
//! rule is the documented default or the documentation's own example, without any delay for
//! scraping, ingestion or acting, which favours them.

mod argo_rollouts;
mod codedeploy;
pub mod flagger;
mod kayenta;
mod polled;

use crate::Series;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// What it is called in the tables.
    pub name: &'static str,
    /// Where the rule stands.
    pub source: &'static str,
    /// When it would have gone back, in whole seconds from the start; none if never.
    pub decide: fn(&Series) -> Option<usize>,
}

/// Every rule that judges counts of both arms.
pub const PEERS: &[Peer] = &[
    argo_rollouts::DOCUMENTED,
    argo_rollouts::EACH_MINUTE,
    polled::FIVE_PERCENT,
    codedeploy::FIVE_PERCENT,
    codedeploy::ANY_ERROR,
    kayenta::EVERY_TEN_MINUTES,
];

/// The end of the first minute after which `bad` minutes were seen, counted together.
fn after_minutes(
    series: &Series,
    every: usize,
    bad: usize,
    is_bad: impl Fn(usize) -> bool,
) -> Option<usize> {
    let ends = (1..=series.minutes()).filter(|minute| minute.is_multiple_of(every));
    let mut seen = 0;
    for minute in ends {
        seen += usize::from(is_bad(minute - 1));
        if seen >= bad {
            return Some(minute * 60);
        }
    }
    None
}

/// The end of the second of two bad minutes in a row.
fn after_two_in_a_row(series: &Series, is_bad: impl Fn(usize) -> bool) -> Option<usize> {
    let second = (1..series.minutes()).find(|minute| is_bad(minute - 1) && is_bad(*minute));
    second.map(|minute| (minute + 1) * 60)
}
