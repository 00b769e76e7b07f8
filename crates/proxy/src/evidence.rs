//! Everything counted for one route: totals per deployment and the kept intervals. Owns the
//! bookkeeping of intervals and gaps; writes no file.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::live::Deployment;
use crate::tally::{Bucket, DeploymentTally, Tally};

/// Intervals that are kept: two days of minutes, twice the longest soak of the seed documents.
pub const KEPT_BUCKETS: usize = 2_880;
/// Deployments whose totals are kept; the oldest are given up first.
const KEPT_DEPLOYMENTS: usize = 64;
/// Longest silence between two looks at the clock that still counts as watching: the tick is a
/// second, so this is a machine that slept or was stopped.
const GAP_MS: u64 = 10_000;

/// What a worker counted for one deployment in one interval since it was last asked.
#[derive(Debug)]
pub(crate) struct Delta {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) bucket_start_ms: u64,
    pub(crate) tally: Tally,
}

/// The counts of one route, as they are saved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) deployments: Vec<DeploymentTally>,
    /// Requests that no arm answered because of the proxy itself.
    pub(crate) lost: u64,
    /// Requests that came while no arm existed.
    pub(crate) unserved: u64,
    /// The interval under way.
    pub(crate) current: Bucket,
}

/// The counts of one route.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) totals: Totals,
    finished: VecDeque<Bucket>,
    counted_until_ms: u64,
    /// Start times of finished intervals that are not yet written.
    unwritten: Vec<u64>,
    /// Whether the totals changed since they were last taken for writing.
    changed: bool,
}

impl Evidence {
    /// Evidence as it was saved; intervals in any order, later ones replacing earlier ones of the
    /// same start. An interval that was saved as ended and as under way was killed between the two
    /// writes: what was counted for longer holds more.
    pub(crate) fn restored(mut totals: Totals, buckets: Vec<Bucket>) -> Self {
        let mut by_start = std::collections::BTreeMap::new();
        for bucket in buckets {
            by_start.insert(bucket.start_ms, bucket);
        }
        let current = &mut totals.current;
        match by_start.get(&current.start_ms) {
            Some(ended) if ended.covered_ms >= current.covered_ms => *current = Bucket::default(),
            _ => drop(by_start.remove(&current.start_ms)),
        }
        let mut finished: VecDeque<Bucket> = by_start.into_values().collect();
        while finished.len() > KEPT_BUCKETS {
            finished.pop_front();
        }
        Self { totals, finished, ..Self::default() }
    }

    /// Moves on to the interval that holds `now_ms`, noting how long was watched.
    pub(crate) fn advance(&mut self, now_ms: u64, width_ms: u64) {
        let watched = self.counted_until_ms > 0
            && now_ms >= self.counted_until_ms
            && now_ms - self.counted_until_ms <= GAP_MS
            && self.totals.current.width_ms == width_ms;
        if !watched {
            self.counted_until_ms = now_ms;
            self.turn_to(now_ms - now_ms % width_ms, width_ms);
        }
        loop {
            let current = &mut self.totals.current;
            let end_ms = current.start_ms + width_ms;
            let until_ms = now_ms.min(end_ms);
            let more = until_ms.saturating_sub(self.counted_until_ms);
            current.covered_ms = (current.covered_ms + more).min(width_ms);
            self.changed |= more > 0;
            self.counted_until_ms = self.counted_until_ms.max(until_ms);
            if now_ms < end_ms {
                return;
            }
            self.turn_to(end_ms, width_ms);
        }
    }

    /// Adds what a worker counted.
    pub(crate) fn absorb(&mut self, delta: &Delta) {
        self.changed = true;
        let name = &delta.deployment;
        self.total_of(&name.id, &name.label).merge(&delta.tally);
        let start_ms = delta.bucket_start_ms;
        if start_ms != self.totals.current.start_ms {
            let late = self.finished.iter_mut().rev().find(|bucket| bucket.start_ms == start_ms);
            if let Some(bucket) = late {
                bucket.of(&name.id, &name.label).merge(&delta.tally);
                if !self.unwritten.contains(&start_ms) {
                    self.unwritten.push(start_ms);
                }
                return;
            }
        }
        self.totals.current.of(&name.id, &name.label).merge(&delta.tally);
    }

    /// Adds requests that no deployment stands for.
    pub(crate) fn absorb_unassigned(&mut self, lost: u64, unserved: u64) {
        self.changed |= lost + unserved > 0;
        self.totals.lost += lost;
        self.totals.unserved += unserved;
    }

    /// What must be written now: the totals, if they changed, and finished intervals.
    pub(crate) fn take_unwritten(&mut self) -> (Option<&Totals>, Vec<&Bucket>) {
        let starts = std::mem::take(&mut self.unwritten);
        let changed = std::mem::take(&mut self.changed);
        let finished = &self.finished;
        let buckets = starts
            .iter()
            .filter_map(|start| finished.iter().rev().find(|bucket| bucket.start_ms == *start));
        (changed.then_some(&self.totals), buckets.collect())
    }

    /// Kept intervals that began at or after `since_ms`, oldest first, the one under way last.
    pub(crate) fn buckets_since(&self, since_ms: u64) -> Vec<Bucket> {
        let all = self.finished.iter().chain(std::iter::once(&self.totals.current));
        all.filter(|bucket| bucket.width_ms > 0 && bucket.start_ms >= since_ms).cloned().collect()
    }

    /// All finished intervals, for writing the file anew.
    pub(crate) fn finished(&self) -> impl Iterator<Item = &Bucket> {
        self.finished.iter()
    }

    fn turn_to(&mut self, start_ms: u64, width_ms: u64) {
        let current = &self.totals.current;
        if current.start_ms == start_ms && current.width_ms == width_ms {
            return;
        }
        let next = Bucket { start_ms, width_ms, ..Bucket::default() };
        let done = std::mem::replace(&mut self.totals.current, next);
        self.changed = true;
        if done.width_ms == 0 {
            return;
        }
        self.unwritten.push(done.start_ms);
        self.finished.push_back(done);
        while self.finished.len() > KEPT_BUCKETS {
            self.finished.pop_front();
        }
    }

    fn total_of(&mut self, deployment: &str, label: &str) -> &mut Tally {
        let entries = &mut self.totals.deployments;
        if let Some(index) = entries.iter().position(|entry| entry.deployment == deployment) {
            return &mut entries[index].tally;
        }
        if entries.len() == KEPT_DEPLOYMENTS {
            entries.remove(0);
        }
        entries.push(DeploymentTally {
            deployment: deployment.to_owned(),
            label: label.to_owned(),
            tally: Tally::default(),
        });
        let last = entries.len() - 1;
        &mut entries[last].tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn delta(start_ms: u64, lost: u64) -> Delta {
        let deployment = Arc::new(Deployment::new("d1", "1.0.0"));
        Delta { deployment, bucket_start_ms: start_ms, tally: Tally { lost, ..Tally::default() } }
    }

    fn watched(evidence: &mut Evidence, from_ms: u64, to_ms: u64) {
        let mut now = from_ms;
        while now <= to_ms {
            evidence.advance(now, MINUTE);
            now += 1000;
        }
    }

    #[test]
    fn a_watched_minute_without_requests_is_covered_and_a_pause_is_a_gap() {
        let mut evidence = Evidence::default();
        watched(&mut evidence, MINUTE, 2 * MINUTE);
        watched(&mut evidence, 5 * MINUTE + 30_000, 6 * MINUTE);
        let covered: Vec<_> =
            evidence.buckets_since(0).iter().map(|b| (b.start_ms / MINUTE, b.covered_ms)).collect();
        assert_eq!(covered, [(1, MINUTE), (2, 0), (5, 30_000), (6, 0)]);
    }

    #[test]
    fn what_a_worker_reports_late_still_lands_in_its_interval() {
        let mut evidence = Evidence::default();
        watched(&mut evidence, MINUTE, 2 * MINUTE + 1000);
        evidence.absorb(&delta(MINUTE, 3));
        evidence.absorb(&delta(2 * MINUTE, 4));
        let (totals, written) = evidence.take_unwritten();
        assert_eq!(totals.unwrap().deployments[0].tally.lost, 7);
        assert_eq!(written.len(), 1);
        assert_eq!(written[0].deployments[0].tally.lost, 3);
    }

    #[test]
    fn only_the_last_intervals_are_kept() {
        let mut evidence = Evidence::default();
        let long = (KEPT_BUCKETS as u64 + 50) * 100;
        let mut now = 100;
        while now <= long {
            evidence.advance(now, 100);
            now += 100;
        }
        assert_eq!(evidence.finished().count(), KEPT_BUCKETS);
    }

    #[test]
    fn an_interval_that_ended_outlives_totals_that_still_had_it_under_way() {
        let mut before = Evidence::default();
        watched(&mut before, MINUTE, MINUTE + 5000);
        before.absorb(&delta(MINUTE, 2));
        let stale = before.totals.clone();
        watched(&mut before, MINUTE + 6000, 2 * MINUTE);
        let ended = before.buckets_since(0).swap_remove(0);
        let after = Evidence::restored(stale, vec![ended.clone()]);
        assert_eq!(after.buckets_since(0), [ended]);
    }

    #[test]
    fn counts_go_on_after_a_restart_in_the_same_interval() {
        let mut before = Evidence::default();
        watched(&mut before, MINUTE, MINUTE + 5000);
        before.absorb(&delta(MINUTE, 2));
        let mut after = Evidence::restored(before.totals.clone(), Vec::new());
        watched(&mut after, MINUTE + 9000, MINUTE + 10_000);
        after.absorb(&delta(MINUTE, 1));
        let buckets = after.buckets_since(MINUTE);
        assert_eq!(buckets.len(), 1);
        assert_eq!(buckets[0].covered_ms, 6000);
        assert_eq!(buckets[0].deployments[0].tally.lost, 3);
    }
}
