//! Verdicts in words. Owns every sentence of the guard; weighs nothing.

use crate::{Cause, Counts, Evidence, Finding, LatencyLimit, Policy, Probes, Quantile, Tally};

/// Evidence above which the number of rollouts means nothing more to anybody.
const MOST_ROLLOUTS: u64 = 1_000_000;

/// Why green must go back.
pub(crate) fn found(
    finding: Finding,
    policy: &Policy,
    (green, blue): (&Counts, &Counts),
    evidence: &Evidence,
) -> String {
    let what = match finding.cause {
        Cause::Margin | Cause::Catastrophe => beside(evidence),
        Cause::Stratum(position) => match evidence.strata.get(position) {
            Some(stratum) => {
                let what = format!("requests to {}", stratum.name);
                failures(&what, stratum.green, stratum.blue)
            }
            None => beside(evidence),
        },
        Cause::Limit(position) => broken_limit(policy, position, green, evidence),
        Cause::Slower(position) => match policy.latency.get(position) {
            Some(LatencyLimit::Factor(quantile, factor)) => slower(*quantile, *factor, green, blue),
            _ => beside(evidence),
        },
    };
    let rollouts = grouped(once_in(finding.evidence));
    format!("{what}; by chance less than once in {rollouts} rollouts")
}

/// What was seen of a green of which nothing bad was found.
pub(crate) fn unbroken(evidence: &Evidence) -> String {
    let Probes { total, failed } = evidence.probes;
    match (evidence.green_requests, total) {
        (0, 0) => "no request and no probe reached green".to_owned(),
        (0, _) => format!("no visitor yet; green failed {failed} of {total} probes"),
        _ => beside(evidence),
    }
}

/// In how many rollouts a good release shows as much, rounded down to two digits.
pub(crate) fn once_in(evidence: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "evidence is at least 1, and what exceeds the range saturates"
    )]
    let whole = (evidence as u64).clamp(1, MOST_ROLLOUTS);
    let unit = 10_u64.pow(whole.ilog10().saturating_sub(1));
    whole - whole % unit
}

fn broken_limit(policy: &Policy, position: usize, green: &Counts, evidence: &Evidence) -> String {
    let errors = policy.error_rate.filter(|_| position == 0);
    if let Some(limit) = errors {
        let Probes { total, failed } = evidence.probes;
        let seen = if evidence.green_failed == 0 && failed > 0 {
            format!("green failed {failed} of {total} probes")
        } else {
            beside(evidence)
        };
        return format!("{seen}; the limit is {}", percent(limit));
    }
    let before = usize::from(policy.error_rate.is_some());
    let absolute = policy.latency.iter().filter_map(|limit| match limit {
        LatencyLimit::AtMost(quantile, at_most_us) => Some((*quantile, *at_most_us)),
        LatencyLimit::Factor(..) => None,
    });
    let mut absolute = absolute.skip(position.saturating_sub(before));
    let Some((quantile, at_most_us)) = absolute.next() else { return beside(evidence) };
    format!(
        "green's p{} is {} over {} requests; the limit is {}",
        quantile.0,
        quantile_of(green, quantile),
        grouped(green.requests),
        milliseconds(at_most_us)
    )
}

fn slower(quantile: Quantile, factor: f64, green: &Counts, blue: &Counts) -> String {
    format!(
        "green's p{} is {} while blue's is {}; the limit is {} slower",
        quantile.0,
        quantile_of(green, quantile),
        quantile_of(blue, quantile),
        percent(factor - 1.0)
    )
}

fn beside(evidence: &Evidence) -> String {
    let Evidence { green_requests, green_failed, blue_requests, blue_failed, .. } = *evidence;
    let green = Tally { requests: green_requests, failed: green_failed };
    failures("requests", green, Tally { requests: blue_requests, failed: blue_failed })
}

/// `what` are the requests of both.
fn failures(what: &str, green: Tally, blue: Tally) -> String {
    let of = |tally: Tally| (grouped(tally.failed), grouped(tally.requests));
    let (failed, requests) = of(green);
    let green = format!("green failed {failed} of {requests} {what}");
    if blue.requests == 0 {
        return green;
    }
    let (failed, requests) = of(blue);
    format!("{green} while blue failed {failed} of {requests}")
}

/// A share as a percentage with two digits behind the point at the most: `1%`, `2.5%`, `100%`.
pub fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).round() / 100.0;
    format!("{hundredths}%")
}

fn quantile_of(counts: &Counts, quantile: Quantile) -> String {
    counts.latency.quantile_us(quantile).map_or_else(|| "unknown".to_owned(), milliseconds)
}

fn milliseconds(microseconds: u64) -> String {
    format!("{}ms", microseconds.div_ceil(1000))
}

/// A count with a comma after each thousand.
pub fn grouped(number: u64) -> String {
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

    fn counts(requests: u64, failed: u64, latency_us: u32) -> Counts {
        let mut counts = Counts { requests, failed, ..Counts::default() };
        (0..requests).for_each(|_| counts.latency.record(latency_us));
        counts
    }

    fn sentence(cause: Cause, green: &Counts, blue: &Counts) -> String {
        let policy = Policy {
            error_rate: Some(0.05),
            latency: vec![
                LatencyLimit::Factor(Quantile(99), 1.2),
                LatencyLimit::AtMost(Quantile(50), 20_000),
            ],
            ..Policy::default()
        };
        let mut evidence = Evidence::of(green, Some(blue), Probes::default());
        evidence.strata.push(crate::StratumEvidence {
            name: "/checkout".to_owned(),
            green: Tally { requests: 12, failed: 4 },
            blue: Tally { requests: 1_180, failed: 0 },
        });
        let finding = Finding { cause, evidence: 18_934.2 };
        found(finding, &policy, (green, blue), &evidence)
    }

    #[test]
    fn every_cause_says_what_was_seen_beside_what_is_tolerated() {
        let (green, blue) = (counts(61, 7, 300_000), counts(6_039, 12, 90_000));
        let causes =
            [Cause::Margin, Cause::Limit(0), Cause::Limit(1), Cause::Slower(0), Cause::Stratum(0)];
        let said = causes.map(|cause| sentence(cause, &green, &blue));
        assert_eq!(
            said[0],
            "green failed 7 of 61 requests while blue failed 12 of 6,039; by chance less than once \
             in 18,000 rollouts"
        );
        assert!(said[1].contains("12 of 6,039; the limit is 5%; by chance"), "{}", said[1]);
        assert!(said[2].starts_with("green's p50 is "), "{}", said[2]);
        assert!(said[2].contains(" over 61 requests; the limit is 20ms; "), "{}", said[2]);
        assert!(said[3].contains("; the limit is 20% slower; "), "{}", said[3]);
        assert_eq!(
            said[4],
            "green failed 4 of 12 requests to /checkout while blue failed 0 of 1,180; by chance less \
             than once in 18,000 rollouts"
        );
    }

    #[test]
    fn evidence_is_rounded_down_and_never_boasts() {
        let rounded = [1.0, 9.9, 111.9, 18_934.0, 1e15].map(once_in);
        assert_eq!(rounded, [1, 9, 110, 18_000, 1_000_000]);
    }
}
