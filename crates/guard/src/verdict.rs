//! From counts to a verdict. Owns the thresholds and the sentence a person reads.

use serde::{Deserialize, Serialize};

use crate::{Counts, Quantile};

/// Requests that green must have answered before a threshold may speak, unless the matrix says
/// another number. Peers have none and throw good releases out on one early failure
/// (Argo Rollouts, Flagger: analysis.go, scheduler.go as of 2026); 20 bounds the share of one
/// failure at 5%, the seeds' own trigger.
pub const DEFAULT_MINIMUM_SAMPLE: u64 = 20;

/// What the matrix declares about when a release must go back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Highest tolerated share of failed requests, 0 to 1; none means no such limit.
    pub error_rate: Option<f64>,
    /// Limits on latencies.
    pub latency: Vec<LatencyLimit>,
    /// Requests on green below which nothing is judged.
    pub minimum_sample: u64,
}

/// One limit on a latency quantile of green.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LatencyLimit {
    /// Green's quantile may exceed blue's by this factor, at least 1 (1.2 means 20% slower).
    /// Says nothing where there is no blue.
    Factor(Quantile, f64),
    /// Green's quantile may be at most this many microseconds.
    AtMost(Quantile, u64),
}

/// What the built-in prober saw of green: evidence where there are few visitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// Probes answered or given up on.
    pub total: u64,
    /// Those of them that failed.
    pub failed: u64,
}

/// How green stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Enough evidence, and all of it inside the limits.
    Healthy,
    /// A limit is broken.
    Unhealthy,
    /// Some evidence, none of it of harm, too little to prove anything.
    Undecided,
    /// No request and no probe at all.
    Blind,
}

/// The figures that a verdict rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Green's requests and failures.
    pub green_requests: u64,
    /// Green's failures.
    pub green_failed: u64,
    /// Blue's requests over the same time.
    pub blue_requests: u64,
    /// Blue's failures over the same time.
    pub blue_failed: u64,
    /// Green's p99 in microseconds.
    pub green_p99_us: Option<u64>,
    /// Blue's p99 in microseconds.
    pub blue_p99_us: Option<u64>,
    /// The prober's view of green.
    pub probes: Probes,
}

/// What the judge says, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How green stands.
    pub standing: Standing,
    /// One sentence a person reads.
    pub sentence: String,
    /// The figures behind it.
    pub evidence: Evidence,
}

/// Judges green by its declared limits, beside blue where there is one. Deterministic; safe to
/// call after every outcome.
pub fn judge(limits: &Limits, green: &Counts, blue: Option<&Counts>, probes: Probes) -> Verdict {
    let evidence = evidence_of(green, blue, probes);
    let (standing, sentence) = match broken_limit(limits, green, blue, &evidence) {
        Some(sentence) => (Standing::Unhealthy, sentence),
        None => unbroken(limits, green, blue, &evidence),
    };
    Verdict { standing, sentence, evidence }
}

fn evidence_of(green: &Counts, blue: Option<&Counts>, probes: Probes) -> Evidence {
    let p99 = Quantile(99);
    Evidence {
        green_requests: green.requests,
        green_failed: green.failed,
        blue_requests: blue.map_or(0, |blue| blue.requests),
        blue_failed: blue.map_or(0, |blue| blue.failed),
        green_p99_us: green.latency.quantile_us(p99),
        blue_p99_us: blue.and_then(|blue| blue.latency.quantile_us(p99)),
        probes,
    }
}

fn broken_limit(
    limits: &Limits,
    green: &Counts,
    blue: Option<&Counts>,
    evidence: &Evidence,
) -> Option<String> {
    let enough = limits.minimum_sample.max(1);
    if let Some(limit) = limits.error_rate {
        if green.requests >= enough && share(green.failed, green.requests) > limit {
            return Some(format!("{}; the limit is {}", beside(evidence, blue), percent(limit)));
        }
        let probes = evidence.probes;
        if probes.total >= enough && share(probes.failed, probes.total) > limit {
            return Some(format!(
                "green failed {} of {} probes; the limit is {}",
                probes.failed,
                probes.total,
                percent(limit)
            ));
        }
    }
    if green.requests < enough {
        return None;
    }
    limits.latency.iter().find_map(|limit| broken_latency(*limit, enough, green, blue))
}

fn broken_latency(
    limit: LatencyLimit,
    enough: u64,
    green: &Counts,
    blue: Option<&Counts>,
) -> Option<String> {
    match limit {
        LatencyLimit::AtMost(quantile, at_most_us) => {
            let green_us = green.latency.quantile_us(quantile)?;
            (green_us > at_most_us).then(|| {
                format!(
                    "green's p{} is {} over {} requests; the limit is {}",
                    quantile.0,
                    milliseconds(green_us),
                    grouped(green.requests),
                    milliseconds(at_most_us)
                )
            })
        }
        LatencyLimit::Factor(quantile, factor) => {
            let blue = blue.filter(|blue| blue.requests >= enough)?;
            let green_us = green.latency.quantile_us(quantile)?;
            let blue_us = blue.latency.quantile_us(quantile)?;
            let tolerated_us = tolerated(blue_us, factor);
            let broken = improbable(green, tolerated_us, quantile);
            broken.then(|| {
                format!(
                    "green's p{} is {} while blue's is {}; the limit is {} slower",
                    quantile.0,
                    milliseconds(green_us),
                    milliseconds(blue_us),
                    percent(factor - 1.0)
                )
            })
        }
    }
}

/// Differences below this are what a shared machine's scheduler and a cold cache do to any program;
/// the seeds' own latency goals begin at ten times as much.
const LATENCY_FLOOR_US: u64 = 10_000;
/// How improbable so many slow requests must be if green were no slower than tolerated. Smaller than
/// the usual 1%, because the question is asked after every batch.
const LATENCY_ALPHA: f64 = 1e-4;

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds below 2^27, times a factor of a few"
)]
fn tolerated(blue_us: u64, factor: f64) -> u64 {
    ((blue_us as f64 * factor) as u64).max(blue_us + LATENCY_FLOOR_US)
}

/// Whether so many requests above `tolerated_us` cannot be chance: of a release that is no slower at
/// most `1 - quantile` are. The bound is Chernoff's for a binomial share (Hoeffding 1963, theorem 1):
/// P(share >= k/n) <= exp(-n KL(k/n || p)).
fn improbable(green: &Counts, tolerated_us: u64, quantile: Quantile) -> bool {
    let slow = share(green.latency.above(tolerated_us), green.requests);
    let expected = 1.0 - f64::from(quantile.0.min(99)) / 100.0;
    if slow <= expected {
        return false;
    }
    let rest = if slow < 1.0 { (1.0 - slow) * ((1.0 - slow) / (1.0 - expected)).ln() } else { 0.0 };
    let divergence = slow * (slow / expected).ln() + rest;
    #[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
    let requests = green.requests as f64;
    requests * divergence > (1.0 / LATENCY_ALPHA).ln()
}

fn unbroken(
    limits: &Limits,
    green: &Counts,
    blue: Option<&Counts>,
    evidence: &Evidence,
) -> (Standing, String) {
    if green.requests == 0 && evidence.probes.total == 0 {
        return (Standing::Blind, "no request and no probe reached green".to_owned());
    }
    if green.requests == 0 {
        let Probes { total, failed } = evidence.probes;
        return (
            Standing::Undecided,
            format!("no visitor yet; green failed {failed} of {total} probes"),
        );
    }
    let standing = if green.requests >= limits.minimum_sample.max(1) {
        Standing::Healthy
    } else {
        Standing::Undecided
    };
    (standing, beside(evidence, blue))
}

fn beside(evidence: &Evidence, blue: Option<&Counts>) -> String {
    let green = format!(
        "green failed {} of {} requests",
        grouped(evidence.green_failed),
        grouped(evidence.green_requests)
    );
    match blue.filter(|blue| blue.requests > 0) {
        None => green,
        Some(blue) => {
            format!(
                "{green} while blue failed {} of {}",
                grouped(blue.failed),
                grouped(blue.requests)
            )
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests stay far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).round() / 100.0;
    format!("{hundredths}%")
}

#[expect(clippy::cast_precision_loss, reason = "microseconds below 2^27")]
fn milliseconds(microseconds: u64) -> String {
    format!("{:.0}ms", (microseconds as f64 / 1000.0).ceil())
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            error_rate: Some(0.05),
            latency: vec![LatencyLimit::Factor(Quantile(99), 1.2)],
            minimum_sample: 20,
        }
    }

    fn counts(requests: u64, failed: u64, latency_us: u32) -> Counts {
        let mut counts = Counts { requests, failed, ..Counts::default() };
        for _ in 0..requests {
            counts.latency.record(latency_us);
        }
        counts
    }

    fn standing(green: &Counts, blue: Option<&Counts>) -> Standing {
        judge(&limits(), green, blue, Probes::default()).standing
    }

    #[test]
    fn nothing_seen_is_blind_and_never_healthy() {
        assert_eq!(standing(&Counts::default(), None), Standing::Blind);
    }

    #[test]
    fn a_small_sample_is_undecided_however_bad() {
        assert_eq!(standing(&counts(19, 19, 1000), None), Standing::Undecided);
    }

    #[test]
    fn more_failures_than_the_limit_are_unhealthy_and_said_beside_blue() {
        let blue = counts(1986, 2, 1000);
        let verdict = judge(&limits(), &counts(21, 4, 1000), Some(&blue), Probes::default());
        assert_eq!(verdict.standing, Standing::Unhealthy);
        assert_eq!(
            verdict.sentence,
            "green failed 4 of 21 requests while blue failed 2 of 1,986; the limit is 5%"
        );
    }

    #[test]
    fn the_limit_itself_is_tolerated() {
        assert_eq!(standing(&counts(20, 1, 1000), None), Standing::Healthy);
    }

    #[test]
    fn slower_by_more_than_the_factor_is_unhealthy() {
        let blue = counts(500, 0, 100_000);
        assert_eq!(standing(&counts(100, 0, 300_000), Some(&blue)), Standing::Unhealthy);
        assert_eq!(standing(&counts(100, 0, 110_000), Some(&blue)), Standing::Healthy);
    }

    #[test]
    fn a_few_slow_requests_and_a_few_milliseconds_are_no_degradation() {
        let blue = counts(500, 0, 3_000);
        assert_eq!(standing(&counts(100, 0, 5_000), Some(&blue)), Standing::Healthy);
        let mut green = counts(100, 0, 3_000);
        green.latency.record(900_000);
        green.requests += 1;
        assert_eq!(standing(&green, Some(&blue)), Standing::Healthy);
    }

    #[test]
    fn a_factor_says_nothing_without_blue() {
        assert_eq!(standing(&counts(100, 0, 9_000_000), None), Standing::Healthy);
    }

    #[test]
    fn probes_alone_can_break_the_limit_and_alone_prove_nothing() {
        let bad = judge(&limits(), &Counts::default(), None, Probes { total: 20, failed: 9 });
        assert_eq!(bad.standing, Standing::Unhealthy);
        let good = judge(&limits(), &Counts::default(), None, Probes { total: 20, failed: 0 });
        assert_eq!(good.standing, Standing::Undecided);
    }
}
