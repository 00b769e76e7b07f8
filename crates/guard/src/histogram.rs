//! Latencies in logarithmic buckets. Owns the bucket layout; knows nothing of arms.

use serde::{Deserialize, Serialize};

/// Four buckets for each doubling, from 64 µs to 2^26 µs (67 s): a quantile is at most 19% high.
const BUCKETS: usize = 82;
/// Everything at or below 2^6 µs falls into the first bucket.
const FIRST_POWER: u32 = 6;

/// A share of requests, such as p99, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quantile(pub u8);

/// A count of latencies by size. Merging is exact; quantiles are upper bounds of their bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u8, u64)>", into = "Vec<(u8, u64)>")]
pub struct Histogram {
    buckets: [u64; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS] }
    }
}

impl Histogram {
    /// Adds one latency in microseconds.
    pub fn record(&mut self, latency_us: u32) {
        self.buckets[bucket_of(latency_us)] += 1;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += theirs;
        }
    }

    /// What was recorded since `earlier`, an older reading of the same counter. A counter that
    /// went backwards (it was started anew) counts from zero.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut buckets = self.buckets;
        for (mine, theirs) in buckets.iter_mut().zip(earlier.buckets) {
            *mine = mine.checked_sub(theirs).unwrap_or(*mine);
        }
        Self { buckets }
    }

    /// The same shape with at most about `most` latencies, so that what comes counts as well. What is
    /// rare among them may be lost.
    #[must_use]
    pub(crate) fn faded(&self, most: u64) -> Self {
        let count = self.count();
        if count <= most {
            return self.clone();
        }
        let part = |bucket: u64| u128::from(bucket) * u128::from(most) / u128::from(count);
        Self { buckets: self.buckets.map(|bucket| u64::try_from(part(bucket)).unwrap_or(most)) }
    }

    /// How many latencies were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How many latencies were certainly above `latency_us`: those in buckets that begin there.
    pub fn above(&self, latency_us: u64) -> u64 {
        let buckets = self.buckets.iter().enumerate();
        let above =
            buckets.filter(|(index, _)| *index > 0 && upper_bound_us(index - 1) >= latency_us);
        above.map(|(_, count)| count).sum()
    }

    /// How many latencies were certainly below `latency_us`: those in buckets that end there.
    pub fn below(&self, latency_us: u64) -> u64 {
        let buckets = self.buckets.iter().enumerate();
        // The last bucket has no end.
        let ends = buckets.take(BUCKETS - 1);
        ends.filter(|(index, _)| upper_bound_us(*index) <= latency_us).map(|(_, count)| count).sum()
    }

    /// Between which two values in microseconds the mean lies; none when nothing was recorded.
    pub fn mean_between_us(&self) -> Option<(u64, u64)> {
        let count = u128::from(self.count());
        let sum = |bound: fn(usize) -> u64| {
            let buckets = self.buckets.iter().enumerate();
            buckets
                .map(|(index, count)| u128::from(*count) * u128::from(bound(index)))
                .sum::<u128>()
        };
        let least = sum(|index| index.checked_sub(1).map_or(0, upper_bound_us));
        let mean = |sum: u128| Some(u64::try_from(sum.checked_div(count)?).unwrap_or(u64::MAX));
        // What the last bucket holds may be longer; so long no request is waited for.
        Some((mean(least)?, mean(sum(upper_bound_us) + count - 1)?))
    }

    /// The latency in microseconds that `quantile` of the requests did not exceed, or none when
    /// nothing was recorded.
    pub fn quantile_us(&self, quantile: Quantile) -> Option<u64> {
        self.at_rank_us(u64::from(quantile.0.min(100)), 100)
    }

    /// The same for a share of requests in thousandths, such as 999 for p99.9.
    pub fn thousandth_us(&self, thousandths: u16) -> Option<u64> {
        self.at_rank_us(u64::from(thousandths.min(1000)), 1000)
    }

    fn at_rank_us(&self, part: u64, whole: u64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (count * part).div_ceil(whole).max(1);
        let mut seen = 0;
        for (index, in_bucket) in self.buckets.iter().enumerate() {
            seen += in_bucket;
            if seen >= rank {
                return Some(upper_bound_us(index));
            }
        }
        None
    }
}

fn bucket_of(latency_us: u32) -> usize {
    let power = latency_us.max(1).ilog2();
    if power < FIRST_POWER {
        return 0;
    }
    let quarter = (latency_us >> (power - 2)) & 3;
    let index = 1 + (power - FIRST_POWER) as usize * 4 + quarter as usize;
    index.min(BUCKETS - 1)
}

fn upper_bound_us(index: usize) -> u64 {
    if index == 0 {
        return 1 << FIRST_POWER;
    }
    let power = FIRST_POWER as usize + (index - 1) / 4;
    let quarter = ((index - 1) % 4) as u64;
    (1u64 << power) + (quarter + 1) * (1u64 << (power - 2))
}

impl From<Histogram> for Vec<(u8, u64)> {
    fn from(histogram: Histogram) -> Self {
        let pairs = histogram.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        pairs.map(|(index, count)| (u8::try_from(index).unwrap_or(u8::MAX), *count)).collect()
    }
}

impl TryFrom<Vec<(u8, u64)>> for Histogram {
    type Error = String;

    fn try_from(pairs: Vec<(u8, u64)>) -> Result<Self, String> {
        let mut histogram = Self::default();
        for (index, count) in pairs {
            let bucket = histogram.buckets.get_mut(usize::from(index));
            *bucket.ok_or_else(|| format!("a histogram has {BUCKETS} buckets, not {index}"))? =
                count;
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_quantile_is_never_low_and_at_most_a_quarter_high(latency in 64u32..60_000_000) {
            let mut histogram = Histogram::default();
            histogram.record(latency);
            let answer = histogram.quantile_us(Quantile(99)).expect("one value was recorded");
            prop_assert!(answer >= u64::from(latency));
            prop_assert!(answer * 4 <= u64::from(latency) * 5 + 8);
        }

        #[test]
        fn it_survives_being_written_and_read(latencies in prop::collection::vec(any::<u32>(), 0..50)) {
            let mut histogram = Histogram::default();
            for latency in latencies {
                histogram.record(latency);
            }
            let text = serde_json::to_string(&histogram).expect("a histogram is plain data");
            prop_assert_eq!(serde_json::from_str::<Histogram>(&text).expect("own text"), histogram);
        }
    }

    proptest! {
        #[test]
        fn what_is_above_and_below_and_the_mean_are_never_claimed_wrongly(
            latencies in prop::collection::vec(1u32..60_000_000, 1..50),
            limit in 1u64..60_000_000,
        ) {
            let mut histogram = Histogram::default();
            for latency in &latencies {
                histogram.record(*latency);
            }
            let real = |holds: fn(u64, u64) -> bool| {
                latencies.iter().filter(|one| holds(u64::from(**one), limit)).count() as u64
            };
            prop_assert!(histogram.below(limit) <= real(|one, limit| one <= limit));
            prop_assert!(histogram.above(limit) <= real(|one, limit| one >= limit));
            let sum: u64 = latencies.iter().map(|one| u64::from(*one)).sum();
            let mean = sum / latencies.len() as u64;
            let (least, most) = histogram.mean_between_us().expect("something was recorded");
            prop_assert!((least..=most).contains(&mean), "{mean} in {least} to {most}");
        }
    }

    #[test]
    fn a_bucket_that_does_not_exist_is_refused() {
        assert!(serde_json::from_str::<Histogram>("[[200,1]]").is_err());
    }
}
