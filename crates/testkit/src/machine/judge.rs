//! A stand-in for the guard where visitors are sums and no single request is known. Owns thresholds over
//! counts; the tests that a real rollout is judged by have their own proofs.

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::promotion::state::{Lane, State};
use towpath_core::units::Span;
use towpath_guard::{Counts, Evidence, LatencyLimit, Limits, Probes, Standing, Verdict};

use super::World;
use super::fate::Fate;

/// What one arm was seen to do.
struct Seen {
    counts: Counts,
    /// How long each of its answers takes.
    answer: Span,
}

/// Unhealthy when enough of green's requests failed or were too slow, healthy when enough were seen.
fn verdict(limits: &Limits, green: &Seen, blue: Option<&Seen>) -> Verdict {
    let counts = &green.counts;
    let evidence = Evidence::of(counts, blue.map(|blue| &blue.counts), Probes::default());
    let enough = limits.minimum_sample.max(1);
    let is_enough = counts.requests >= enough;
    let mut verdict = evidence.unbroken(is_enough, enough);
    let limit = limits.error_rate.filter(|limit| {
        #[expect(clippy::cast_precision_loss, reason = "counts of a scenario stay far below 2^52")]
        let tolerated = counts.requests as f64 * limit;
        #[expect(clippy::cast_precision_loss, reason = "counts of a scenario stay far below 2^52")]
        let failed = counts.failed as f64;
        is_enough && failed > tolerated
    });
    if let Some(limit) = limit {
        verdict.standing = Standing::Unhealthy;
        verdict.sentence = format!("{}; the limit is {}%", verdict.sentence, limit * 100.0);
    } else if is_enough && limits.latency.iter().any(|limit| is_slower(*limit, green, blue)) {
        verdict.standing = Standing::Unhealthy;
        let beside = blue.map(|blue| format!(", blue's {}", blue.answer)).unwrap_or_default();
        verdict.sentence =
            format!("{}; its answers take {}{beside}", verdict.sentence, green.answer);
    }
    verdict
}

impl<F: Fate> World<F> {
    pub(super) fn verdict_on_green(&self, engine: usize, lane: &LaneId) -> Option<Verdict> {
        let state = self.engines[engine].project().lanes.get(lane)?;
        let promotion = state.active.as_ref()?;
        let green = promotion.green.as_ref()?.number;
        matches!(promotion.state, State::Baking { .. }).then(|| self.verdict(state, green))
    }

    pub(super) fn verdict(&self, lane: &Lane, deployment: PromotionNumber) -> Verdict {
        let declared = lane.active.as_ref().map(|one| &one.plan.section.rollback.limits);
        let matrix = self.disk.project().common.matrix.as_ref();
        let limits = declared
            .or_else(|| Some(&matrix?.lane(&lane.id)?.1.rollback.limits))
            .expect("a lane in which something happened is declared");
        let seen = |number| Seen {
            counts: self.traffic.counts(&lane.id, number),
            answer: self.traffic.taken(&lane.id, number),
        };
        let serves = lane.serving.as_ref().map(|serving| serving.deployment.number);
        let held = lane.standby.as_ref().filter(|standby| standby.holdback.is_some());
        let blue = serves.filter(|blue| *blue != deployment);
        let blue = blue.or(held.map(|standby| standby.deployment.number));
        verdict(limits, &seen(deployment), blue.map(seen).as_ref())
    }
}

fn is_slower(limit: LatencyLimit, green: &Seen, blue: Option<&Seen>) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "an answer takes far less than 2^52 ms")]
    let milliseconds = |seen: &Seen| seen.answer.milliseconds() as f64;
    match limit {
        LatencyLimit::Factor(_, factor) => {
            blue.is_some_and(|blue| milliseconds(green) > milliseconds(blue) * factor)
        }
        LatencyLimit::AtMost(_, most_us) => green.answer.milliseconds() * 1000 > most_us,
    }
}
