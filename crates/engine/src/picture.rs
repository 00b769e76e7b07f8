//! Keeps what a rollout looks like while it is under way: counts of both arms in short intervals, each failure
//! as far as they can be told apart, and how much speaks against green. Beside the journal, and bounded
//! however long it takes. Judges nothing: that is [`crate::judging`]'s.

use std::collections::BTreeMap;

use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{Against, Counts, Outcome, Quantile};
use towpath_ports::router::{Met, ObservedRoute};
use towpath_ports::store::IntervalRow;

use crate::shared::Shared;

/// Counts of one arm in one interval.
pub(crate) const COUNTS: &str = "drawn";
/// One failure of one arm.
pub(crate) const FAILURE: &str = "failure";
/// How much speaks against green: thousandths of the odds, and beside them the bound.
pub(crate) const AGAINST: &str = "against";
/// What visitors met at green by then: all that failed there, and those of it that reached a visitor.
pub(crate) const MET: &str = "met";

/// The shortest interval of counts: what a person sees change.
const SHORTEST: Span = Span::seconds(10);
/// Intervals after which they become twice as long, so that a rollout that holds for a day is a few hundred.
const MANY: u32 = 240;
/// Failures of one arm that are kept one by one; more than this are no single marks any more.
const SINGLE: u32 = 200;
/// Samples of the evidence after which only what has grown by a tenth is kept.
const SAMPLES: u32 = 1_000;
/// A figure that stays as it is is kept this often.
const STANDS: Span = Span::minutes(1);

/// What is known of the rollout that is under way in one lane.
#[derive(Default)]
pub(crate) struct Drawn {
    green: Option<PromotionNumber>,
    blue: Option<PromotionNumber>,
    width: Span,
    begun: u32,
    interval: Option<(Timestamp, Counts, Counts)>,
    failures: [u32; 2],
    samples: u32,
    said: Option<(Timestamp, f64, Option<Met>)>,
    /// As it was said last, with what is thought ahead.
    against: Option<Against>,
    rows: Vec<IntervalRow>,
}

impl Drawn {
    fn of(green: PromotionNumber, blue: Option<PromotionNumber>, speed: u32) -> Self {
        Self { green: Some(green), blue, width: SHORTEST.faster(speed), ..Self::default() }
    }

    fn record(&mut self, lane: &LaneId, now: Timestamp, all: &[(PromotionNumber, Outcome)]) {
        for (deployment, outcome) in all {
            let is_green = self.green == Some(*deployment);
            if !is_green && self.blue != Some(*deployment) {
                continue;
            }
            self.begin_interval(lane, now);
            if let Some((_, green, blue)) = &mut self.interval {
                if is_green { green } else { blue }.record(outcome);
            }
            if outcome.is_evidence() && outcome.failed() {
                self.fail(lane, now, *deployment, usize::from(is_green));
            }
        }
    }

    /// The interval that `now` lies in; the one before is written when it is over.
    fn begin_interval(&mut self, lane: &LaneId, now: Timestamp) {
        let is_over = |start: Timestamp| now.since(start) >= self.width;
        if self.interval.as_ref().is_some_and(|(start, ..)| is_over(*start)) {
            self.close(lane);
        }
        if self.interval.is_none() {
            self.begun += 1;
            if self.begun.is_multiple_of(MANY) {
                self.width = Span(self.width.0.saturating_mul(2));
            }
            self.interval = Some((now, Counts::default(), Counts::default()));
        }
    }

    fn close(&mut self, lane: &LaneId) {
        let Some((start, green, blue)) = self.interval.take() else { return };
        for (deployment, counts) in [(self.green, green), (self.blue, blue)] {
            let Some(deployment) = deployment else { continue };
            self.rows.push(IntervalRow {
                width: self.width,
                total: counts.requests,
                failed: counts.failed,
                p99_us: counts.latency.quantile_us(Quantile(99)),
                ..row(lane, deployment, COUNTS, start)
            });
        }
    }

    fn fail(&mut self, lane: &LaneId, now: Timestamp, deployment: PromotionNumber, arm: usize) {
        let count = &mut self.failures[arm];
        *count += 1;
        if *count <= SINGLE {
            // Those that became known together are apart in the order in which they did.
            let at = Timestamp(now.0.saturating_add(i64::from(*count % 1_000)));
            self.rows.push(IntervalRow {
                total: 1,
                failed: 1,
                ..row(lane, deployment, FAILURE, at)
            });
        }
    }

    fn hear(&mut self, lane: &LaneId, now: Timestamp, against: &Against, met: Option<Met>) {
        let Some(green) = self.green else { return };
        self.against = Some(against.clone());
        if let Some((at, before, known)) = &self.said {
            let is_other = (against.now - before).abs() > before.abs() * 0.01;
            let is_far = against.now > before * 1.1;
            let is_due = now.since(*at) >= STANDS && self.samples < SAMPLES;
            let is_wanted = if self.samples < SAMPLES { is_other } else { is_far };
            if !(is_wanted || is_due || *known != met) {
                return;
            }
        }
        self.samples += 1;
        self.said = Some((now, against.now, met));
        self.rows.push(IntervalRow {
            total: whole(against.now * 1_000.0),
            p99_us: Some(whole(against.bound)),
            ..row(lane, green, AGAINST, now)
        });
        if let Some(met) = met {
            let failed = met.harmed;
            let total = failed.saturating_add(met.rescued);
            self.rows.push(IntervalRow { total, failed, ..row(lane, green, MET, now) });
        }
    }
}

fn row(lane: &LaneId, deployment: PromotionNumber, source: &str, start: Timestamp) -> IntervalRow {
    IntervalRow {
        lane: lane.clone(),
        deployment,
        source: source.to_owned(),
        start,
        width: Span::ZERO,
        total: 0,
        failed: 0,
        p99_us: None,
        latency: None,
    }
}

/// Saturates: what exceeds the range is as good as endless in a picture.
fn whole(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, not negative"
    )]
    let whole = value.max(0.0).round().min(1e15) as u64;
    whole
}

/// Whom the rollout of a lane compares, while one is under way.
fn arms(shared: &Shared, lane: &LaneId) -> Option<(PromotionNumber, Option<PromotionNumber>)> {
    shared.read(|project| {
        let active = project.lanes.get(lane)?.active.as_ref()?;
        let green = active.green.as_ref()?.number;
        Some((green, active.blue.as_ref().map(|blue| blue.number)))
    })
}

/// Runs `draw` with what is known of the lane's rollout; does nothing where none is under way.
fn with(shared: &Shared, lane: &LaneId, draw: impl FnOnce(&mut Drawn, Timestamp)) {
    let Some((green, blue)) = arms(shared, lane) else { return };
    let (now, speed) = (shared.now(), shared.setup.speed);
    let mut all = shared.drawn.lock().expect("no holder of this lock panics");
    let drawn = all.entry(lane.clone()).or_default();
    if drawn.green != Some(green) {
        *drawn = Drawn::of(green, blue, speed);
    }
    draw(drawn, now);
}

/// Takes note of single requests.
pub(crate) fn record(shared: &Shared, lane: &LaneId, outcomes: &[(PromotionNumber, Outcome)]) {
    with(shared, lane, |drawn, now| drawn.record(lane, now, outcomes));
}

/// Takes note of what the router's guard says of green now, and of what visitors met there.
pub(crate) fn hear(shared: &Shared, lane: &LaneId, observed: &ObservedRoute) {
    let Some((judged, verdict)) = &observed.judged else { return };
    let Some(against) = &verdict.evidence.against else { return };
    let met = observed.met.as_ref().map(|met| met.get(judged).copied().unwrap_or_default());
    with(shared, lane, |drawn, now| {
        if drawn.green == Some(*judged) {
            drawn.hear(lane, now, against, met);
        }
    });
}

/// Takes note of a verdict that came without being asked for.
pub(crate) fn hear_verdict(
    shared: &Shared,
    lane: &LaneId,
    judged: PromotionNumber,
    against: &Against,
) {
    with(shared, lane, |drawn, now| {
        if drawn.green == Some(judged) {
            let met = drawn.said.as_ref().and_then(|(_, _, met)| *met);
            drawn.hear(lane, now, against, met);
        }
    });
}

/// What speaks against green now, with what is thought ahead; none where nobody said it.
pub(crate) fn against(shared: &Shared, lane: &LaneId, green: PromotionNumber) -> Option<Against> {
    let all = shared.drawn.lock().expect("no holder of this lock panics");
    all.get(lane).filter(|drawn| drawn.green == Some(green))?.against.clone()
}

/// What is not written yet, so that a picture is as recent as its page.
pub(crate) fn unwritten(shared: &Shared, lane: &LaneId) -> Vec<IntervalRow> {
    let all = shared.drawn.lock().expect("no holder of this lock panics");
    let Some(drawn) = all.get(lane) else { return Vec::new() };
    let mut rows = drawn.rows.clone();
    if let Some((start, green, blue)) = &drawn.interval {
        let interval = Some((*start, green.clone(), blue.clone()));
        let mut open = Drawn { interval, green: drawn.green, blue: drawn.blue, ..Drawn::default() };
        open.width = drawn.width;
        open.close(lane);
        rows.append(&mut open.rows);
    }
    rows
}

/// Writes what there is to write. What cannot be written is gone: a picture has a gap then, and nothing else.
pub(crate) async fn keep(shared: &Shared, lane: &LaneId) {
    let rows = {
        let mut all = shared.drawn.lock().expect("no holder of this lock panics");
        all.get_mut(lane).map(|drawn| std::mem::take(&mut drawn.rows)).unwrap_or_default()
    };
    if rows.is_empty() {
        return;
    }
    if let Err(error) = shared.setup.store.keep_intervals(&rows).await {
        tracing::warn!(%lane, %error, "a part of the picture of a rollout was not kept");
    }
}

/// Writes the interval that is under way as well: the rollout is over.
pub(crate) async fn finish(shared: &Shared, lane: &LaneId) {
    {
        let mut all = shared.drawn.lock().expect("no holder of this lock panics");
        if let Some(drawn) = all.get_mut(lane) {
            drawn.close(lane);
        }
    }
    keep(shared, lane).await;
}

/// What is known of rollouts, by lane.
pub(crate) type AllDrawn = BTreeMap<LaneId, Drawn>;

#[cfg(test)]
mod tests {
    use super::*;
    use towpath_guard::{Arm, ErrorKind, StatusClass};

    fn lane() -> LaneId {
        LaneId::try_from("api/production".to_owned()).expect("a lane")
    }

    fn outcome(arm: Arm, fails: bool) -> Outcome {
        let status = if fails { StatusClass::ServerError } else { StatusClass::Success };
        Outcome {
            order: 1,
            arm,
            green_probability: 0.1,
            status,
            error: ErrorKind::None,
            latency_us: 1_000,
            pinned: false,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000)
    }

    #[test]
    fn a_rollout_of_a_day_is_a_few_thousand_rows_and_not_one_for_each_request() {
        let mut drawn = Drawn::of(PromotionNumber(2), Some(PromotionNumber(1)), 1);
        for second in 0..86_400_i32 {
            let now = 1.0 + f64::from(second % 50);
            let second = i64::from(second);
            let both = [
                (PromotionNumber(2), outcome(Arm::Green, second % 7 == 0)),
                (PromotionNumber(1), outcome(Arm::Blue, false)),
                (PromotionNumber(9), outcome(Arm::Blue, true)),
            ];
            drawn.record(&lane(), at(second), &both);
            let against = Against { now, bound: 200.0, next: Vec::new() };
            if second % 5 == 0 {
                drawn.hear(&lane(), at(second), &against, None);
            }
        }
        let count = |source: &str| drawn.rows.iter().filter(|row| row.source == source).count();
        assert_eq!(
            count(FAILURE),
            200,
            "single marks for the first failures alone, and none of strangers"
        );
        assert!(count(COUNTS) < 4_000, "{}", count(COUNTS));
        assert!(count(AGAINST) <= 1_100, "{}", count(AGAINST));
        let all: u64 =
            drawn.rows.iter().filter(|row| row.source == COUNTS).map(|row| row.total).sum();
        assert!(all > 172_000, "all requests are in the intervals: {all}");
    }

    #[test]
    fn what_stands_still_is_kept_once_a_minute_and_what_moves_at_once() {
        let mut drawn = Drawn::of(PromotionNumber(2), None, 1);
        for (second, now) in [(0, 1.0), (5, 1.0), (10, 1.0), (15, 6.1), (20, 6.1), (80, 6.1)] {
            let against = Against { now, bound: 200.0, next: Vec::new() };
            drawn.hear(&lane(), at(second), &against, None);
        }
        let kept: Vec<u64> = drawn.rows.iter().map(|row| row.total).collect();
        assert_eq!(kept, [1_000, 6_100, 6_100]);
    }
}
