//! Counts what happens in one project's journal from now on. Counts nothing that happened before: a
//! counter that begins anew is what Prometheus expects of a program that was started again.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::state::Kind;
use towpath_engine::Engine;
use towpath_engine::views::PromotionView;
use towpath_ports::store::EventRow;

use super::{Measures, OfEnd, OfLane};

/// Events that are read at once.
const PIECE: u32 = 1000;

/// Follows until the engine has stopped.
pub(crate) fn spawn(measures: Arc<Measures>, engine: Engine) {
    let mut news = engine.news();
    tokio::spawn(async move {
        let mut at = None;
        loop {
            match news.recv().await {
                Ok(row) => {
                    // What was missed before stands in the journal.
                    let from = at.unwrap_or(row.seq - 1);
                    at = Some(catch_up(&measures, &engine, from).await);
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// Counts all events after `at`, and answers the last of them.
async fn catch_up(measures: &Measures, engine: &Engine, mut at: u64) -> u64 {
    loop {
        let Ok(rows) = engine.events(at, PIECE).await else { return at };
        let Some(last) = rows.last().map(|row| row.seq) else { return at };
        at = last;
        for row in &rows {
            count(measures, engine, row).await;
        }
    }
}

async fn count(measures: &Measures, engine: &Engine, row: &EventRow) {
    let Some(PromotionNumber(number)) = row.promotion else { return };
    let is_end = row.kind == "promotion-ended";
    if !is_end && row.kind != "promotion-started" {
        return;
    }
    let Ok(Some(view)) = engine.promotion(PromotionNumber(number)).await else { return };
    let project = engine.setup().project.to_string();
    let lane = OfLane {
        project: project.clone(),
        service: view.service.clone(),
        environment: view.to.clone(),
    };
    if is_end {
        ended(measures, &lane, &view);
    } else if !view.approvals.is_empty() {
        let wait = between(&view.requested_at, view.started_at.as_deref());
        if let Some(wait) = wait {
            measures.approval_wait.get_or_create(&lane).observe(wait);
        }
    }
}

fn ended(measures: &Measures, lane: &OfLane, view: &PromotionView) {
    let Some(outcome) = view.outcome else { return };
    let OfLane { project, service, environment } = lane.clone();
    let kind = match view.kind {
        Kind::Promote => "promote",
        Kind::Rollback => "rollback",
    };
    let labels = OfEnd { project, service, environment, kind, result: outcome.as_str() };
    measures.promotions.get_or_create(&labels).inc();
    let Some(seconds) = view.seconds else { return };
    measures.promotion_duration.get_or_create(&labels).observe(seconds);
    if view.kind == Kind::Rollback {
        measures.rollback_duration.get_or_create(lane).observe(seconds);
    }
}

/// Seconds between two moments in RFC 3339.
fn between(from: &str, to: Option<&str>) -> Option<f64> {
    let from: jiff::Timestamp = from.parse().ok()?;
    let to: jiff::Timestamp = to?.parse().ok()?;
    Some(to.duration_since(from).as_secs_f64().max(0.0))
}
