//! What the proxy counted per interval, as the port tells it. Owns which silence means that nothing
//! happened; counts nothing.

use std::collections::BTreeMap;

use towpath_core::ids::PromotionNumber;
use towpath_core::units::Timestamp;
use towpath_guard::Counts;
use towpath_ports::router::Interval;
use towpath_proxy::Bucket;

use super::number;

/// What one deployment did, and what failed of it by what was asked for.
type Seen = (Counts, BTreeMap<String, u64>);

/// Intervals of which the proxy saw so little that their silence proves nothing are left out; what
/// happened in them is not. The proxy leaves out deployments that did nothing; those that have an
/// arm now are put back with zero.
pub(super) fn intervals(buckets: &[Bucket], arms: &[PromotionNumber]) -> Vec<Interval> {
    let mut intervals = Vec::new();
    for (index, bucket) in buckets.iter().enumerate() {
        let start = i64::try_from(bucket.start_ms.saturating_mul(1000)).unwrap_or(i64::MAX);
        let start = Timestamp(start);
        let mut seen: BTreeMap<PromotionNumber, Seen> = BTreeMap::new();
        for one in &bucket.deployments {
            let own = || (one.tally.counts.clone(), one.tally.failed_paths.0.clone());
            seen.extend(number(&one.deployment).map(|number| (number, own())));
        }
        let under_way = index + 1 == buckets.len();
        // Nine tenths: a restart takes a second of a minute.
        if under_way || bucket.covered_ms.saturating_mul(10) >= bucket.width_ms.saturating_mul(9) {
            for arm in arms {
                seen.entry(*arm).or_default();
            }
        }
        let each = seen.into_iter();
        intervals.extend(each.map(|(deployment, (counts, failed_paths))| Interval {
            start,
            deployment,
            counts,
            failed_paths,
        }));
    }
    intervals
}

#[cfg(test)]
mod tests {
    use super::*;
    use towpath_proxy::DeploymentTally;

    #[test]
    fn silence_is_zero_where_the_proxy_ran_and_nothing_where_it_did_not() {
        let bucket = |start_ms, covered_ms, deployments: &[&str]| Bucket {
            start_ms,
            width_ms: 1000,
            covered_ms,
            deployments: deployments
                .iter()
                .map(|name| DeploymentTally {
                    deployment: (*name).to_owned(),
                    ..Default::default()
                })
                .collect(),
        };
        let buckets = [
            bucket(0, 1000, &[]),
            bucket(1000, 100, &[]),
            bucket(2000, 100, &["6"]),
            bucket(3000, 10, &["7"]),
        ];
        let seen = intervals(&buckets, &[PromotionNumber(7)]);
        let seen: Vec<_> = seen.iter().map(|one| (one.start.0, one.deployment.0)).collect();
        assert_eq!(seen, [(0, 7), (2_000_000, 6), (3_000_000, 7)]);
    }
}
