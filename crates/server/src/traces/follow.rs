//! Tells of promotions when they have ended. Owns which are told of; what is told stands in
//! [`mod@super::promotion`].

use std::sync::{Arc, Mutex};

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_engine::Engine;
use towpath_ports::store::{EventRow, StoreError};

use super::Traces;
use super::promotion::{Place, spans};

/// Promotions that have ended and are not told of yet, at the most.
const QUEUE: usize = 1024;

/// Who follows, until all of them shall end.
#[derive(Debug)]
pub(super) struct Followers {
    ending: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Followers {
    pub(super) fn new() -> Self {
        Self { ending: watch::Sender::new(false), tasks: Mutex::default() }
    }

    /// Has them tell what has ended until now, and no more; comes back when they have.
    pub(super) async fn end(&self) {
        self.ending.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().expect("no holder of this lock panics"));
        for task in tasks {
            // One that broke down tells nothing more.
            let _ = task.await;
        }
    }
}

/// Follows one project until the server ends.
pub(crate) fn spawn(traces: Traces, engine: Engine) {
    let followers = Arc::clone(traces.followers());
    let (ended, mut waiting) = mpsc::channel(QUEUE);
    tokio::spawn(listen(engine.news(), traces.clone(), ended, followers.ending.subscribe()));
    let task = tokio::spawn(async move {
        while let Some((number, lane)) = waiting.recv().await {
            // What cannot be read is not told of.
            if tell(&traces, &engine, number, &lane).await.is_err() {
                traces.is_lost();
            }
        }
    });
    followers.tasks.lock().expect("no holder of this lock panics").push(task);
}

async fn listen(
    mut news: broadcast::Receiver<Arc<EventRow>>,
    traces: Traces,
    ended: mpsc::Sender<(PromotionNumber, LaneId)>,
    mut ending: watch::Receiver<bool>,
) {
    loop {
        let next = tokio::select! {
            biased;
            next = news.recv() => next,
            // What was written before is among the news already.
            _ = ending.wait_for(|ending| *ending) => return,
        };
        match next {
            Ok(row) if row.kind == "promotion-ended" => {
                let (Some(number), Some(lane)) = (row.promotion, row.lane.clone()) else {
                    continue;
                };
                if ended.try_send((number, lane)).is_err() {
                    traces.is_lost();
                }
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => traces.is_lost(),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn tell(
    traces: &Traces,
    engine: &Engine,
    number: PromotionNumber,
    lane: &LaneId,
) -> Result<(), StoreError> {
    let Some(view) = engine.promotion(number).await? else { return Ok(()) };
    let asked = read(&view.requested_at).unwrap_or_default();
    let ended = view.ended_at.as_deref().and_then(read);
    let rows = engine.happened(number, asked, ended).await?;
    let matrix = engine.matrix();
    let environment = matrix.as_ref().and_then(|matrix| matrix.environment(&lane.environment));
    let place = Place {
        project: &engine.setup().project,
        lane,
        tier: environment.map(|environment| environment.tier),
    };
    for told in spans(traces.sampling(), place, &rows) {
        traces.tell(told);
    }
    Ok(())
}

/// A moment as views write it.
fn read(at: &str) -> Option<Timestamp> {
    at.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_microsecond()))
}
