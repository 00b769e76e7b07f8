//! The visitors of every lane as a model: so many requests a second, of which a deployment fails a
//! share and answers the others after a time. Counts them in closed form between two changes; tosses no
//! coin.

use std::collections::BTreeMap;

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Counts;

/// The visitors of all lanes.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Requests a second in every lane.
    pub per_second: u64,
    /// Share of requests that a deployment fails, where it is not zero.
    failing: BTreeMap<(LaneId, PromotionNumber), Weight>,
    /// How long a deployment takes for an answer, where it is not [`QUICK`].
    taking: BTreeMap<(LaneId, PromotionNumber), Span>,
    seen: BTreeMap<(LaneId, PromotionNumber), Seen>,
    counted_to: BTreeMap<LaneId, Timestamp>,
}

/// Sums in units of 1/10,000 of a millisecond's share, so that nothing is rounded away.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    requests: u128,
    failed: u128,
}

/// How long an answer takes where nobody says anything.
const QUICK: Span = Span(20);

/// One request in the units of [`Seen`]: basis points times milliseconds of a second.
const ONE_REQUEST: u128 = 10_000 * 1000;

impl Traffic {
    /// So many requests a second in every lane, none of which fails.
    pub fn of(per_second: u64) -> Self {
        Self { per_second, ..Self::default() }
    }

    /// What was counted is history: from now on is what a verdict rests on.
    pub fn forget(&mut self, lane: &LaneId) {
        self.seen.retain(|(own, _), _| own != lane);
    }

    /// From now on a deployment fails this share of its requests.
    pub fn fail(&mut self, lane: &LaneId, deployment: PromotionNumber, share: Weight) {
        self.failing.insert((lane.clone(), deployment), share);
    }

    /// From now on a deployment takes so long for each answer.
    pub fn slow(&mut self, lane: &LaneId, deployment: PromotionNumber, answer: Span) {
        self.taking.insert((lane.clone(), deployment), answer);
    }

    /// How long a deployment takes for each answer. All take the same time, so that every quantile is this.
    pub fn taken(&self, lane: &LaneId, deployment: PromotionNumber) -> Span {
        self.taking.get(&(lane.clone(), deployment)).copied().unwrap_or(QUICK)
    }

    /// From now on nothing fails and nothing is slow.
    pub fn heal(&mut self) {
        self.failing.clear();
        self.taking.clear();
    }

    /// Counts what came to a lane until `now` under these arms.
    pub fn count(&mut self, lane: &LaneId, now: Timestamp, arms: &[(PromotionNumber, Weight)]) {
        let before = self.counted_to.insert(lane.clone(), now).unwrap_or(now);
        let span = u128::from(now.since(before).milliseconds());
        for (deployment, weight) in arms {
            let key = (lane.clone(), *deployment);
            let failing = self.failing.get(&key).copied().unwrap_or(Weight::ZERO);
            let seen = self.seen.entry(key).or_default();
            let requests = span * u128::from(self.per_second) * u128::from(weight.basis_points());
            seen.requests += requests;
            seen.failed += requests * u128::from(failing.basis_points()) / 10_000;
        }
    }

    /// What a deployment did since it first had visitors.
    pub fn counts(&self, lane: &LaneId, deployment: PromotionNumber) -> Counts {
        let seen = self.seen.get(&(lane.clone(), deployment)).copied().unwrap_or_default();
        let whole = |sum: u128| u64::try_from(sum / ONE_REQUEST).unwrap_or(u64::MAX);
        Counts { requests: whole(seen.requests), failed: whole(seen.failed), ..Counts::default() }
    }
}
