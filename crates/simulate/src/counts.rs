//! What a metrics system would have kept of a rollout: counts per quarter of a minute, and the harm
//! done so far. Owns the rounding; judges nothing.

use crate::Request;
use crate::numbers::real;

/// Width of one count, in seconds: what Prometheus scrapes by default in most set-ups.
pub const BUCKET_S: u64 = 15;

/// Counts of one arm, one per [`BUCKET_S`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmSeries {
    requests: Vec<f64>,
    failed: Vec<f64>,
    speeds: Speeds,
}

/// The p99 of each minute, exactly; where answers take no time there is none.
#[derive(Clone, Debug, Default, PartialEq)]
struct Speeds {
    p99_us: Vec<Option<u32>>,
    /// Latencies of the minute that is not over, which is the one after those above.
    latencies_us: Vec<u32>,
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
        let counts = vec![0.0; buckets];
        let speeds = Speeds::default();
        let arm = ArmSeries { requests: counts.clone(), failed: counts, speeds };
        Self { blue: arm.clone(), green: arm, harmed_by_second: vec![0.0; seconds + 1], seconds }
    }

    /// Adds a request, none of which was assigned earlier than the one before.
    pub fn record(&mut self, request: &Request) {
        let second = usize::try_from(request.at_us / 1_000_000).unwrap_or(usize::MAX);
        let arm = if request.is_green { &mut self.green } else { &mut self.blue };
        let bucket = second / usize::try_from(BUCKET_S).unwrap_or(1);
        if let Some(count) = arm.requests.get_mut(bucket) {
            *count += 1.0;
            arm.failed[bucket] += f64::from(u8::from(request.failed));
        }
        if request.latency_us > 0 {
            arm.speeds.record(second / 60, request.latency_us);
        }
        if request.harmed
            && let Some(harmed) = self.harmed_by_second.get_mut(second + 1)
        {
            *harmed += 1.0;
        }
    }

    /// Adds requests of one arm, some of them failed, between two moments of the same
    /// [`BUCKET_S`], in seconds from the start.
    pub fn add(
        &mut self,
        (from_s, to_s): (f64, f64),
        is_green: bool,
        (requests, failed): (u64, u64),
    ) {
        let arm = if is_green { &mut self.green } else { &mut self.blue };
        let bucket = place(f64::midpoint(from_s, to_s) / real(BUCKET_S));
        if let Some(count) = arm.requests.get_mut(bucket) {
            *count += real(requests);
            arm.failed[bucket] += real(failed);
        }
    }

    /// Adds visitors that were harmed until `to_s`, in seconds from the start.
    pub fn add_harm(&mut self, to_s: f64, harmed: u64) {
        if let Some(sum) = self.harmed_by_second.get_mut(place(to_s.ceil())) {
            *sum += real(harmed);
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

impl Speeds {
    fn record(&mut self, minute: usize, latency_us: u64) {
        while self.p99_us.len() < minute {
            let p99_us = p99(&self.latencies_us);
            self.p99_us.push(p99_us);
            self.latencies_us.clear();
        }
        self.latencies_us.push(u32::try_from(latency_us).unwrap_or(u32::MAX));
    }

    fn of(&self, minute: usize) -> Option<u32> {
        match self.p99_us.get(minute) {
            Some(known) => *known,
            None if minute == self.p99_us.len() => p99(&self.latencies_us),
            None => None,
        }
    }
}

fn p99(latencies_us: &[u32]) -> Option<u32> {
    let mut latencies_us = latencies_us.to_vec();
    let rank = (latencies_us.len() * 99 / 100).min(latencies_us.len().checked_sub(1)?);
    Some(*latencies_us.select_nth_unstable(rank).1)
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

    /// The time in microseconds that 99 of 100 answers in minute `minute` took at most; none where
    /// there was no answer.
    pub fn p99_us(&self, minute: usize) -> Option<u32> {
        self.speeds.of(minute)
    }

    fn share(&self, from: usize, to: usize) -> Option<f64> {
        let sum = |counts: &[f64]| counts.iter().skip(from).take(to - from).sum::<f64>();
        let requests = sum(&self.requests);
        (requests > 0.0).then(|| sum(&self.failed) / requests)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a second or a bucket of a rollout, never negative"
)]
fn place(number: f64) -> usize {
    number as usize
}
