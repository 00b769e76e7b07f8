//! What other tools would have done with the same figures: one file per tool, one line here. Each
//! rule is the documented default or the documentation's own example, without any delay for
//! scraping, ingestion or acting, which favours them.

mod argo_rollouts;
mod codedeploy;
pub mod flagger;
mod kayenta;
mod polled;
mod slower;

use crate::Series;

pub use slower::ON_LATENCY;

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

/// One rule of each of these tools: its documented settings, or those closest to the seeds' threshold.
pub const ONE_EACH: &[Peer] =
    &[argo_rollouts::DOCUMENTED, codedeploy::FIVE_PERCENT, kayenta::EVERY_TEN_MINUTES];

/// Longest rollout over which Kayenta's judge is run, in seconds: it compares every minute of one arm
/// with every minute of the other, again every ten minutes.
pub const KAYENTA_LONGEST_S: f64 = 3.0 * 3600.0;

impl Peer {
    /// The tool's name, without the settings.
    pub fn tool(&self) -> &'static str {
        tool(self.name)
    }

    /// Whether it can be run over a rollout of so many seconds in reasonable time.
    pub fn can_judge(&self, seconds: f64) -> bool {
        self.tool() != kayenta::EVERY_TEN_MINUTES.tool() || seconds <= KAYENTA_LONGEST_S
    }
}

/// What stands before the first comma of a rule's name.
pub fn tool(name: &'static str) -> &'static str {
    name.split_once(',').map_or(name, |(tool, _)| tool)
}

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
