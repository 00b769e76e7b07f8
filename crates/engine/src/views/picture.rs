//! What a rollout looked like from its first weight on: weights, counts, failures, latencies and the evidence
//! on one axis of time. Live and after the end. Times are seconds since [`PictureView::from`]. Draws nothing.

use serde::{Deserialize, Serialize};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::plan::Plan;
use towpath_core::units::Timestamp;
use towpath_guard::{LatencyLimit, Quantile};
use towpath_ports::store::{EventRow, IntervalRow, StoreError};

use super::{PromotionView, span_seconds, time};
use crate::happened::event;
use crate::picture;
use crate::run_loop::Engine;

/// The picture of one rollout.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PictureView {
    /// [`super::FORMAT`].
    pub format: u32,
    /// When the first weight was ordered, where all times begin.
    pub from: String,
    /// The moment that is shown, in seconds: now, or the end.
    pub at: f64,
    /// Whether it is under way.
    pub live: bool,
    /// When traffic was sent back, if it was.
    pub went_back: Option<f64>,
    /// Green's share as it was observed, from each moment on.
    pub weights: Vec<PointView>,
    /// Green's share as the plan goes on, from each moment on; empty once it is over.
    pub planned: Vec<PointView>,
    /// What is coming.
    pub green: ArmView,
    /// What serves; null for a first release.
    pub blue: Option<ArmView>,
    /// The most that green's p99 may be, in milliseconds, and why; null where there is no such limit.
    pub p99_limit: Option<LimitView>,
    /// The evidence against green: odds against chance.
    pub against: Vec<PointView>,
    /// Where it goes back; null where nobody said it.
    pub bound: Option<f64>,
    /// What the evidence would be after one more failure of green, two in a row, and so on.
    pub ahead: Vec<f64>,
    /// How many failures had reached a visitor by then.
    pub harmed: Vec<PointView>,
}

/// A figure from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointView {
    /// Since when, in seconds.
    pub at: f64,
    /// How much.
    pub value: f64,
}

/// One arm.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ArmView {
    /// Its release.
    pub release: String,
    /// Requests of all intervals.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Its p99 in each interval, in milliseconds, at the middle of the interval.
    pub p99_ms: Vec<PointView>,
    /// When each failure became known, the first 200.
    pub failures: Vec<f64>,
}

/// A limit in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LimitView {
    /// In milliseconds.
    pub ms: f64,
    /// How the matrix says it.
    pub words: String,
}

impl Engine {
    /// What a promotion's rollout looks like; none where it had none, or nothing of it was kept: pictures are
    /// kept for as long as other counts. `events` are those of the promotion.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn picture(
        &self,
        view: &PromotionView,
        events: &[EventRow],
    ) -> Result<Option<PictureView>, StoreError> {
        let Some(frame) = Frame::of(view, events, self.shared.now()) else { return Ok(None) };
        let store = &self.shared.setup.store;
        let mut rows = store.intervals(&frame.lane, frame.from.minus(INTERVAL)).await?;
        rows.extend(picture::unwritten(&self.shared, &frame.lane));
        rows.retain(|row| row.start <= frame.until);
        rows.sort_by_key(|row| row.start);
        let ahead = frame.live.then(|| picture::against(&self.shared, &frame.lane, frame.green));
        Ok(Some(frame.drawn(&rows, ahead.flatten().map(|it| it.next).unwrap_or_default())))
    }
}

/// The longest interval in which the first weight may lie.
const INTERVAL: towpath_core::units::Span = towpath_core::units::Span::minutes(1);

/// What events say of a rollout.
struct Frame {
    lane: LaneId,
    plan: Plan,
    green: PromotionNumber,
    blue: Option<PromotionNumber>,
    from: Timestamp,
    until: Timestamp,
    live: bool,
    weights: Vec<(Timestamp, f64)>,
    went_back: Option<Timestamp>,
    steps_left: Vec<(f64, f64)>,
}

impl Frame {
    /// None where no weight was ever ordered.
    fn of(view: &PromotionView, rows: &[EventRow], now: Timestamp) -> Option<Self> {
        let lane = rows.iter().find_map(|row| row.lane.clone())?;
        let (mut plan, mut green, mut blue, mut first) = (None, None, None, None);
        let (mut weights, mut went_back, mut ended) = (Vec::new(), None, None);
        for row in rows {
            match event(row)? {
                Event::PromotionRequested(requested) => plan = Some(requested.plan.clone()),
                Event::PlanChanged { plan: changed, .. } => plan = Some(*changed),
                Event::PromotionStarted { blue: found, .. } => blue = found.map(|it| it.number),
                Event::InstancesReady { green: found, .. } => green = Some(found.number),
                Event::WeightOrdered { .. } => first = first.or(Some(row.at)),
                Event::WeightObserved { weight, .. }
                | Event::ReconciliationBegan { weight, .. } => {
                    weights.push((row.at, weight.share()));
                }
                Event::TrafficReturned { .. } => {
                    went_back = Some(row.at);
                    weights.push((row.at, 0.0));
                }
                Event::Committed { .. } => weights.push((row.at, 1.0)),
                Event::PromotionEnded { .. } => ended = Some(row.at),
                _ => {}
            }
        }
        let steps_left = steps_left(view);
        Some(Self {
            lane,
            plan: plan?,
            green: green?,
            blue,
            from: first?,
            until: ended.unwrap_or(now),
            live: ended.is_none(),
            weights,
            went_back,
            steps_left,
        })
    }

    fn seconds(&self, at: Timestamp) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a rollout stay below 2^52")]
        let micros = (at.0 - self.from.0) as f64;
        micros / 1_000_000.0
    }

    fn drawn(&self, rows: &[IntervalRow], ahead: Vec<f64>) -> PictureView {
        let point =
            |(at, value): &(Timestamp, f64)| PointView { at: self.seconds(*at), value: *value };
        let of = |source: &'static str, deployment: PromotionNumber| {
            rows.iter().filter(move |row| row.source == source && row.deployment == deployment)
        };
        let against = of(picture::AGAINST, self.green);
        let bound = against.clone().next_back().and_then(|row| row.p99_us).map(real);
        let blue = self.blue.map(|blue| self.arm(rows, blue, self.plan.blue.as_ref()));
        PictureView {
            format: super::FORMAT,
            from: time(self.from),
            at: self.seconds(self.until),
            live: self.live,
            went_back: self.went_back.map(|at| self.seconds(at)),
            weights: self.weights.iter().map(point).collect(),
            planned: self.planned(),
            green: self.arm(rows, self.green, Some(&self.plan.release)),
            p99_limit: self.limit(blue.as_ref()),
            blue,
            against: against.map(|row| point(&(row.start, real(row.total) / 1_000.0))).collect(),
            bound,
            ahead,
            harmed: of(picture::MET, self.green)
                .map(|row| point(&(row.start, real(row.failed))))
                .collect(),
        }
    }

    fn arm(
        &self,
        rows: &[IntervalRow],
        deployment: PromotionNumber,
        release: Option<&towpath_core::release::ReleaseRef>,
    ) -> ArmView {
        let mut arm = ArmView {
            release: release.map(|release| release.version.to_string()).unwrap_or_default(),
            ..ArmView::default()
        };
        let own = rows.iter().filter(|row| row.deployment == deployment && row.start >= self.from);
        for row in own {
            match row.source.as_str() {
                picture::COUNTS => {
                    arm.requests += row.total;
                    arm.failed += row.failed;
                    let middle = self.seconds(row.start) + span_seconds(row.width) / 2.0;
                    let at = middle.min(self.seconds(self.until));
                    arm.p99_ms
                        .extend(row.p99_us.map(|us| PointView { at, value: real(us) / 1_000.0 }));
                }
                picture::FAILURE => arm.failures.push(self.seconds(row.start)),
                _ => {}
            }
        }
        arm
    }

    /// The limit on p99 beside blue's, or as it is declared; the lower one of several.
    fn limit(&self, blue: Option<&ArmView>) -> Option<LimitView> {
        let usual = blue.and_then(|blue| {
            let mut all: Vec<f64> = blue.p99_ms.iter().map(|point| point.value).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        });
        let limits = self.plan.section.rollback.limits.latency.iter();
        let found = limits.filter_map(|limit| match limit {
            LatencyLimit::Factor(Quantile(99), factor) => {
                let ms = usual? * factor;
                let percent = ((factor - 1.0) * 100.0).round();
                Some(LimitView { ms, words: format!("blue +{percent}%: {ms:.0} ms") })
            }
            LatencyLimit::AtMost(Quantile(99), us) => {
                let ms = real(*us) / 1_000.0;
                Some(LimitView { ms, words: format!("at most {ms:.0} ms") })
            }
            _ => None,
        });
        found.min_by(|one, other| one.ms.total_cmp(&other.ms))
    }

    /// The steps that are left, as the plan goes on from now.
    fn planned(&self) -> Vec<PointView> {
        let mut points = Vec::new();
        let mut at = self.seconds(self.until);
        for (weight, lasts) in &self.steps_left {
            points.push(PointView { at, value: *weight });
            at += lasts;
        }
        if let Some((last, _)) = self.steps_left.last() {
            points.push(PointView { at, value: *last });
        }
        points
    }
}

/// The weights that are left and for how many seconds; none once it does not go on by itself.
fn steps_left(view: &PromotionView) -> Vec<(f64, f64)> {
    let Some(now) = view.step.filter(|_| view.ended_at.is_none()) else { return Vec::new() };
    let baked = view.baked_seconds.unwrap_or(0.0);
    let rest = |(at, step): (usize, &super::StepView)| {
        let lasts =
            if at == now { (step.bake_seconds - baked).max(0.0) } else { step.bake_seconds };
        (step.weight, lasts)
    };
    view.steps.iter().enumerate().skip(now).map(rest).collect()
}

fn real(value: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "drawn, and no more exact than a screen")]
    let real = value as f64;
    real
}
