//! A stand-in for the guard where visitors are sums and no single request is known. Owns thresholds over
//! counts; the tests that a real rollout is judged by have their own proofs.

use towpath_guard::{Counts, Evidence, Limits, Probes, Standing, Verdict};

/// Unhealthy when enough of green's requests failed, healthy when enough were seen.
pub(super) fn verdict(limits: &Limits, green: &Counts, blue: Option<&Counts>) -> Verdict {
    let evidence = Evidence::of(green, blue, Probes::default());
    let enough = limits.minimum_sample.max(1);
    let mut verdict = evidence.unbroken(green.requests >= enough, enough);
    let limit = limits.error_rate.filter(|limit| {
        #[expect(clippy::cast_precision_loss, reason = "counts of a scenario stay far below 2^52")]
        let tolerated = green.requests as f64 * limit;
        #[expect(clippy::cast_precision_loss, reason = "counts of a scenario stay far below 2^52")]
        let failed = green.failed as f64;
        green.requests >= enough && failed > tolerated
    });
    if let Some(limit) = limit {
        verdict.standing = Standing::Unhealthy;
        verdict.sentence = format!("{}; the limit is {}%", verdict.sentence, limit * 100.0);
    }
    verdict
}
