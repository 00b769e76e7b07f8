//! What visitors and probes met in a lane at all times, interval by interval, whichever release served. Draws
//! nothing; a time that nobody counted is left out and not taken for quiet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use towpath_core::ids::LaneId;
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{Histogram, Quantile};
use towpath_ports::store::{IntervalRow, StoreError};

use super::time;
use crate::run_loop::Engine;

/// What a lane's visitors and probes met.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrafficView {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Since when.
    pub from: String,
    /// Until when.
    pub until: String,
    /// How long each of [`Self::points`] is, in seconds.
    pub seconds: f64,
    /// By time, oldest first; what nobody counted is not there.
    pub points: Vec<TrafficPointView>,
    /// All of it.
    pub whole: TrafficPointView,
    /// Probes that were answered well, as a share; null where none were made.
    pub uptime: Option<f64>,
    /// Requests that failed, by the pattern of what they asked for, most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_paths: Vec<(String, u64)>,
}

/// What visitors met in a piece of time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrafficPointView {
    /// When it began, in seconds since [`TrafficView::from`].
    pub at: f64,
    /// Requests.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Between which two the mean lies, in milliseconds: latencies are kept in buckets. Null where no answer was timed.
    #[serde(default)]
    pub mean_ms: Option<(f64, f64)>,
    /// In milliseconds; null where no answer was timed.
    pub p50_ms: Option<f64>,
    /// The same.
    #[serde(default)]
    pub p90_ms: Option<f64>,
    /// The same.
    pub p95_ms: Option<f64>,
    /// The same.
    pub p99_ms: Option<f64>,
}

/// A piece of time while it is summed.
#[derive(Default)]
struct Piece {
    requests: u64,
    failed: u64,
    latency: Histogram,
}

impl Piece {
    fn add(&mut self, row: &IntervalRow) {
        self.requests += row.total;
        self.failed += row.failed;
        if let Some(latency) = &row.latency {
            self.latency.merge(latency);
        }
    }

    fn view(&self, at: f64) -> TrafficPointView {
        #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^52")]
        let milliseconds = |us: u64| us as f64 / 1_000.0;
        let of = |percent| self.latency.quantile_us(Quantile(percent)).map(milliseconds);
        let mean = self.latency.mean_between_us();
        TrafficPointView {
            at,
            requests: self.requests,
            failed: self.failed,
            mean_ms: mean.map(|(least, most)| (milliseconds(least), milliseconds(most))),
            p50_ms: of(50),
            p90_ms: of(90),
            p95_ms: of(95),
            p99_ms: of(99),
        }
    }
}

impl Engine {
    /// What a lane met over the last `span` of declared time, in `pieces` pieces (at least 1).
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn traffic(
        &self,
        lane: &LaneId,
        span: Span,
        pieces: u32,
    ) -> Result<TrafficView, StoreError> {
        let (until, span) = (self.shared.now(), span.faster(self.shared.setup.speed));
        let from = until.minus(span);
        let rows = self.shared.setup.store.intervals(lane, from).await?;
        let width = (span.milliseconds().max(1_000) * 1_000 / u64::from(pieces.max(1))).max(1);
        let width = i64::try_from(width).unwrap_or(i64::MAX);
        let (mut by_piece, mut whole) = (BTreeMap::<i64, Piece>::new(), Piece::default());
        let (mut probes, mut failed) = ((0_u64, 0_u64), BTreeMap::<String, u64>::new());
        for row in rows.iter().filter(|row| row.start <= until) {
            match row.source.as_str() {
                IntervalRow::VISITORS => {
                    by_piece.entry((row.start.0 - from.0) / width).or_default().add(row);
                    whole.add(row);
                }
                "probes" => probes = (probes.0 + row.total, probes.1 + row.failed),
                source => {
                    if let Some(pattern) = source.strip_prefix(IntervalRow::FAILED) {
                        *failed.entry(pattern.to_owned()).or_default() += row.failed;
                    }
                }
            }
        }
        let mut failed_paths: Vec<_> = failed.into_iter().collect();
        failed_paths.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let seconds = super::span_seconds(Span(u64::try_from(width / 1_000).unwrap_or_default()));
        #[expect(clippy::cast_precision_loss, reason = "drawn")]
        let points = by_piece.iter().map(|(at, piece)| piece.view(*at as f64 * seconds)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let uptime = (probes.0 > 0).then(|| 1.0 - probes.1 as f64 / probes.0 as f64);
        Ok(TrafficView {
            format: super::FORMAT,
            from: time(Timestamp(from.0)),
            until: time(until),
            seconds,
            points,
            whole: whole.view(0.0),
            uptime,
            failed_paths,
        })
    }
}
