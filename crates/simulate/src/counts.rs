//! What a metrics system would have kept of a rollout: counts per quarter of a minute, and the harm
//! done so far. Owns the rounding; judges nothing.

use crate::Request;

/// Width of one count, in seconds: what Prometheus scrapes by default in most set-ups.
pub const BUCKET_S: u64 = 15;

/// Counts of one arm, one per [`BUCKET_S`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmSeries {
    requests: Vec<f64>,
    failed: Vec<f64>,
}

/// Counts of both arms and the harm, of one rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The release that serves.
    pub blue: ArmSeries,
    /// The release that is coming.
    pub green: ArmSeries,
    /// Longest run of green's failures so far at the end of each second, and its harm.
    harmed_by_second: Vec<f64>,
    seconds: usize,
}

impl Series {
    /// Empty counts for a rollout of so many seconds.
    pub fn new(seconds: u64) -> Self {
        let buckets = usize::try_from(seconds.div_ceil(BUCKET_S)).unwrap_or_default();
        let seconds = usize::try_from(seconds).unwrap_or_default();
        let arm = ArmSeries { requests: vec![0.0; buckets], failed: vec![0.0; buckets] };
        Self { blue: arm.clone(), green: arm, harmed_by_second: vec![0.0; seconds + 1], seconds }
    }

    /// Adds a request.
    pub fn record(&mut self, request: &Request) {
        let second = usize::try_from(request.at_us / 1_000_000).unwrap_or(usize::MAX);
        let arm = if request.is_green { &mut self.green } else { &mut self.blue };
        let bucket = second / usize::try_from(BUCKET_S).unwrap_or(1);
        if let Some(count) = arm.requests.get_mut(bucket) {
            *count += 1.0;
            arm.failed[bucket] += f64::from(u8::from(request.failed));
        }
        if request.harmed
            && let Some(harmed) = self.harmed_by_second.get_mut(second + 1)
        {
            *harmed += 1.0;
        }
    }

    /// Visitors harmed until the end of second `second`.
    pub fn harmed_until(&self, second: usize) -> f64 {
        self.harmed_by_second.iter().take(second.min(self.seconds) + 1).sum()
    }

    /// Whole minutes.
    pub fn minutes(&self) -> usize {
        self.seconds / 60
    }
}

impl ArmSeries {
    /// The share of failures in minute `minute` (from 0); none where there was no request.
    pub fn minute(&self, minute: usize) -> Option<f64> {
        self.share(minute * 4, minute * 4 + 4)
    }

    /// Failures in minute `minute`.
    pub fn failed_in_minute(&self, minute: usize) -> f64 {
        self.failed.iter().skip(minute * 4).take(4).sum()
    }

    /// The share of failures in the last [`BUCKET_S`] of minute `minute`.
    pub fn end_of_minute(&self, minute: usize) -> Option<f64> {
        self.share(minute * 4 + 3, minute * 4 + 4)
    }

    fn share(&self, from: usize, to: usize) -> Option<f64> {
        let sum = |counts: &[f64]| counts.iter().skip(from).take(to - from).sum::<f64>();
        let requests = sum(&self.requests);
        (requests > 0.0).then(|| sum(&self.failed) / requests)
    }
}
