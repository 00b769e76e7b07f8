//! What happens in a project, written once for everybody who follows it. Owns how an event looks on a stream
//! (server-sent events of the HTML standard); knows nobody who follows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use towpath_core::ids::{LaneId, Name};
use towpath_engine::Engine;
use towpath_engine::views::LaneView;
use towpath_ports::store::{EventRow, StoreError};

use crate::api::events::hide;

/// Events that one who follows may be behind: two and a half seconds of a hundred a second. They are kept
/// once, however many follow.
const RING: usize = 256;
/// How old a state may be that is sent to whoever is too far behind: many fall behind together, and it is written once
/// for all of them. What happened since is sent to them one by one.
const STATE_FOR: Duration = Duration::from_millis(500);
/// How often what is not in the journal is looked at, and told where it changed.
const TELEMETRY_EVERY: Duration = Duration::from_secs(1);

/// One event as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Its position in the journal; none of what is not in there.
    pub(crate) seq: Option<u64>,
    pub(crate) lane: Option<LaneId>,
    pub(crate) promotion: Option<u64>,
    pub(crate) kind: String,
    pub(crate) bytes: Bytes,
}

impl Frame {
    /// An event of the journal, without the secrets of a matrix.
    pub(crate) fn of(row: &EventRow) -> Self {
        let mut shown = row.clone();
        hide(&mut shown.body);
        Self {
            seq: Some(row.seq),
            lane: row.lane.clone(),
            promotion: row.promotion.map(|number| number.0),
            kind: row.kind.clone(),
            bytes: written("journal", Some(row.seq), &json!(shown)),
        }
    }
}

/// One message of a stream. JSON has no line breaks of its own, so that one line of data holds all of it.
pub(crate) fn written(event: &str, id: Option<u64>, data: &Value) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("event: {event}\n{id}data: {data}\n\n"))
}

/// Where everybody who follows one project hears of it.
pub(crate) struct Hub {
    engine: Engine,
    running: Mutex<Option<broadcast::WeakSender<Arc<Frame>>>>,
    /// The last event that was sent to those who follow.
    sent: Arc<AtomicU64>,
    state: tokio::sync::Mutex<Option<State>>,
}

/// The state as it was sent last.
struct State {
    /// An event that is in it, and all before.
    seq: u64,
    bytes: Bytes,
    made: Instant,
}

impl Hub {
    pub(crate) fn new(engine: Engine) -> Self {
        let sent = Arc::new(AtomicU64::new(0));
        Self { engine, running: Mutex::new(None), sent, state: tokio::sync::Mutex::new(None) }
    }

    /// The last event that was sent to those who follow.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// A state with this event in it, which may be some moments old, and the last event that is in it for certain.
    ///
    /// # Errors
    /// Whatever the store says.
    pub(crate) async fn state(&self, event: u64) -> Result<(u64, Bytes), StoreError> {
        let mut state = self.state.lock().await;
        if let Some(state) = &*state
            && state.seq >= event
            && state.made.elapsed() < STATE_FOR
        {
            return Ok((state.seq, state.bytes.clone()));
        }
        // In this order: what happens in between is in the state, and is sent once more.
        let (made, seq) = (Instant::now(), self.engine.last_event().await?);
        let bytes = written("resync", Some(seq), &json!(self.engine.status_unasked()));
        *state = Some(State { seq, bytes: bytes.clone(), made });
        Ok((seq, bytes))
    }

    /// All frames from now on, until the engine stops. Begins to write them with the first who asks.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Frame>> {
        let mut running = self.running.lock().expect("no holder of this lock panics");
        if let Some(sender) = running.as_ref().and_then(broadcast::WeakSender::upgrade) {
            return sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(RING);
        *running = Some(sender.downgrade());
        let out = Out { sender, sent: Arc::clone(&self.sent) };
        tokio::spawn(pump(self.engine.clone(), self.engine.news(), out));
        receiver
    }
}

/// The way to those who follow.
struct Out {
    sender: broadcast::Sender<Arc<Frame>>,
    sent: Arc<AtomicU64>,
}

impl Out {
    fn tell(&self, row: &EventRow) {
        // Nobody listening is no failure.
        let _ = self.sender.send(Arc::new(Frame::of(row)));
        self.sent.fetch_max(row.seq, Ordering::SeqCst);
    }
}

/// Writes whatever happens until the engine stops.
async fn pump(engine: Engine, mut news: broadcast::Receiver<Arc<EventRow>>, out: Out) {
    let mut every = tokio::time::interval(TELEMETRY_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut at, mut told) = (None, BTreeMap::new());
    loop {
        tokio::select! {
            heard = news.recv() => match heard {
                Ok(row) => {
                    at = Some(row.seq);
                    out.tell(&row);
                }
                // What was missed stands in the journal.
                Err(RecvError::Lagged(_)) => {
                    let Some(after) = at else { continue };
                    let Ok(rows) = engine.events(after, 1000).await else { continue };
                    for row in rows {
                        at = Some(row.seq);
                        out.tell(&row);
                    }
                }
                Err(RecvError::Closed) => return,
            },
            _ = every.tick() => {
                if out.sender.receiver_count() > 0 {
                    tell_telemetry(&engine, &out.sender, &mut told);
                }
            }
        }
    }
}

/// What changed in lanes that roll since it was last told: weights, evidence, what the guard says. Not in the
/// journal, and not repeated to whoever comes later.
fn tell_telemetry(
    engine: &Engine,
    sender: &broadcast::Sender<Arc<Frame>>,
    told: &mut BTreeMap<LaneId, Value>,
) {
    for lane in engine.status_unasked().lanes {
        let Some((id, number, now)) = rolling(&lane) else { continue };
        if told.get(&id) == Some(&now) {
            continue;
        }
        let frame = Frame {
            seq: None,
            lane: Some(id.clone()),
            promotion: Some(number),
            kind: "telemetry".to_owned(),
            bytes: written("telemetry", None, &now),
        };
        let _ = sender.send(Arc::new(frame));
        told.insert(id, now);
    }
}

/// How a lane rolls; none where nothing does.
fn rolling(lane: &LaneView) -> Option<(LaneId, u64, Value)> {
    let promotion = lane.promotion.as_ref().filter(|one| one.started_at.is_some())?;
    let id = LaneId {
        service: Name::new(&lane.service).ok()?,
        environment: Name::new(&lane.environment).ok()?,
    };
    let now = json!({
        "lane": id, "promotion": promotion.number, "state": promotion.state, "step": promotion.step,
        "weights": lane.weights, "evidence": promotion.evidence, "verdict": promotion.verdict,
        "harmed_requests": promotion.harmed_requests, "rescued_requests": promotion.rescued_requests,
    });
    Some((id, promotion.number, now))
}
