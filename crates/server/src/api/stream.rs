//! One stream of everything that happens, for whoever follows. Owns what one who follows is sent, and when
//! that ends; writes no event.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use towpath_core::ids::{LaneId, TokenId};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::Engine;

use crate::asked::Query;
use crate::caller::Through;
use crate::error::{Answer, ApiError};
use crate::hub::{Frame, Hub};
use crate::openapi::{Gives, Operation};
use crate::requests::Fault;
use crate::routes::App;
use crate::signin::{LOOKED_AT_EVERY, Pass};

/// The last event that a client has, sent by itself when it connects again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What the stream is on the way.
const STREAM: &str = "text/event-stream";
/// How often something is sent where nothing happens, so that nothing between takes the stream for dead
/// (habits.md, section 4).
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a client that lost its stream connects again, in milliseconds: from this on, and within as much again by
/// chance, so that ten thousand do not come back in one moment.
const RETRY: u64 = 2_000;
/// Events that one who comes back is sent one by one; whoever missed more is sent the state.
const MOST_MISSED: u64 = 5_000;
/// Of those, how many are read at once.
const PAGE: u32 = 500;

/// What is followed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// From after this event; none: from now on. `Last-Event-ID` stands for it when a client comes back.
    after: Option<u64>,
    /// Only this lane: SERVICE/ENVIRONMENT.
    lane: Option<LaneId>,
    /// Only this promotion.
    promotion: Option<u64>,
    /// Only these kinds of events, between commas; `telemetry` is one of them.
    kinds: Option<String>,
}

impl Wanted {
    fn wants(&self, frame: &Frame) -> bool {
        let kinds = self.kinds.as_deref();
        self.lane.as_ref().is_none_or(|lane| frame.lane.as_ref() == Some(lane))
            && self.promotion.is_none_or(|number| frame.promotion == Some(number))
            && kinds.is_none_or(|kinds| kinds.split(',').any(|kind| kind.trim() == frame.kind))
    }
}

/// A stream that was opened.
pub(crate) struct Streamed(Box<Following>);

impl IntoResponse for Streamed {
    fn into_response(self) -> Response {
        // Proxies that keep what they pass on would hold every event back.
        let unkept = HeaderName::from_static("x-accel-buffering");
        let headers =
            [(header::CONTENT_TYPE, STREAM), (header::CACHE_CONTROL, "no-store"), (unkept, "no")];
        let sent = stream::unfold(*self.0, |mut following| async move {
            following.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), following))
        });
        (headers, Body::from_stream(sent)).into_response()
    }
}

impl Gives for Streamed {
    fn gives(operation: &mut Operation) {
        operation.messages(STREAM, |_| {
            schemars::json_schema!({
                "type": "object",
                "description": "One message of the stream.",
                "properties": {
                    "event": { "type": "string", "enum": ["journal", "telemetry", "resync"] },
                    "id": { "type": "string", "description": "The position in the journal." },
                    "data": { "type": "string", "description": "JSON on one line." },
                    "retry": { "type": "integer" },
                },
                "required": ["event", "data"],
            })
        });
    }
}

pub(crate) async fn follow(
    State(app): State<App>,
    Extension(hub): Extension<Arc<Hub>>,
    Through(token): Through,
    pass: Pass,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Answer<Streamed> {
    // Before it is looked how far the journal is: nothing falls between the two.
    let frames = hub.subscribe();
    let last = app.engine.last_written().await?;
    let after = match headers.get(&LAST_EVENT_ID) {
        None => wanted.after.unwrap_or(last),
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(no_event)?,
    };
    let engine = app.engine;
    let phase = Phase::Opening;
    let (at, until, looked) = (after, last, Instant::now());
    let next = None;
    let following =
        Following { engine, hub, frames, next, token, pass, looked, wanted, phase, at, until };
    Ok(Streamed(Box::new(following)))
}

fn no_event() -> ApiError {
    let message = "nothing is followed: that is the id of no event";
    let cause = "an id is a number, as the stream had it";
    let refusal = Refusal::new(RefusalKind::Usage, "bad-event", message, cause);
    let parameter = Some("Last-Event-ID".to_owned());
    ApiError::from(refusal.at("header: Last-Event-ID")).because(Fault {
        detail: cause.to_owned(),
        pointer: None,
        parameter,
    })
}

/// How far a stream is.
enum Phase {
    /// Nothing was sent.
    Opening,
    /// What was missed is sent.
    Missed,
    /// What happens is sent.
    Live,
}

/// One who follows.
struct Following {
    engine: Engine,
    hub: Arc<Hub>,
    frames: broadcast::Receiver<Arc<Frame>>,
    /// A frame that was taken and is not sent yet.
    next: Option<Arc<Frame>>,
    token: Option<TokenId>,
    pass: Pass,
    /// When it was last asked whether the session goes on.
    looked: Instant,
    wanted: Wanted,
    phase: Phase,
    /// The last event that was sent or passed over.
    at: u64,
    /// The last event of the journal when the stream was opened.
    until: u64,
}

impl Following {
    /// What is sent next; none when the engine stopped, or what it was opened with is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.goes_on().await {
                return None;
            }
            match self.phase {
                Phase::Opening => {
                    self.phase = Phase::Missed;
                    return Some(retry());
                }
                Phase::Missed if self.at >= self.until => self.phase = Phase::Live,
                Phase::Missed if self.until - self.at > MOST_MISSED => {
                    self.phase = Phase::Live;
                    return self.resync(self.until).await;
                }
                Phase::Missed => {
                    let missed = self.missed().await?;
                    if !missed.is_empty() {
                        return Some(missed);
                    }
                }
                Phase::Live => {
                    // What is there already needs no timers, and goes out in one write with what is there too.
                    let at_hand = self.next.take().map_or_else(|| self.frames.try_recv(), Ok);
                    let sent = match at_hand {
                        Ok(frame) => self.of(&frame),
                        Err(TryRecvError::Empty) => self.live().await?,
                        Err(TryRecvError::Lagged(_)) => self.caught_up().await?,
                        Err(TryRecvError::Closed) => return None,
                    };
                    if !sent.is_empty() {
                        return Some(sent);
                    }
                }
            }
        }
    }

    /// A token is asked about before each event, a session twice a second: that is a question to a database.
    async fn goes_on(&mut self) -> bool {
        if !self.may_look() {
            return false;
        }
        if !self.pass.is_of_session() || self.looked.elapsed() < LOOKED_AT_EVERY {
            return true;
        }
        self.looked = Instant::now();
        self.pass.goes_on().await
    }

    fn may_look(&self) -> bool {
        self.token.as_ref().is_none_or(|token| self.engine.is_token_in_force(token))
    }

    /// Some of the events between what the client has and what there was when it came.
    async fn missed(&mut self) -> Option<Bytes> {
        let rows = self.engine.events(self.at, PAGE).await.ok()?;
        let Some(last) = rows.last().map(|row| row.seq) else {
            self.at = self.until;
            return Some(Bytes::new());
        };
        self.at = last;
        let frames = rows.iter().map(Frame::of).filter(|frame| self.wanted.wants(frame));
        let all: Vec<u8> = frames.flat_map(|frame| frame.bytes.to_vec()).collect();
        Some(Bytes::from(all))
    }

    /// The next event, or a sign of life; empty where there was something that is not wanted or not allowed.
    async fn live(&mut self) -> Option<Bytes> {
        let mut beat = pin!(tokio::time::sleep(HEARTBEAT));
        loop {
            // Whoever has the machine's socket is not looked at again.
            let can_end = self.token.is_some() || self.pass.is_of_session();
            let look = if can_end { LOOKED_AT_EVERY } else { HEARTBEAT };
            tokio::select! {
                heard = self.frames.recv() => return match heard {
                    Ok(frame) if self.may_look() => Some(self.of(&frame)),
                    Ok(_) | Err(RecvError::Closed) => None,
                    Err(RecvError::Lagged(_)) => self.caught_up().await,
                },
                () = &mut beat => return Some(Bytes::from_static(b":\n\n")),
                () = tokio::time::sleep(look) => {
                    if !self.goes_on().await {
                        return None;
                    }
                }
            }
        }
    }

    /// A frame as this client gets it: empty where it does not.
    fn of(&mut self, frame: &Frame) -> Bytes {
        if let Some(seq) = frame.seq {
            if seq <= self.at {
                return Bytes::new();
            }
            self.at = seq;
        }
        if self.wanted.wants(frame) { frame.bytes.clone() } else { Bytes::new() }
    }

    /// The state, and behind it whatever is still kept of what happened since.
    async fn caught_up(&mut self) -> Option<Bytes> {
        let mut at_least = self.hub.sent();
        loop {
            match self.frames.try_recv() {
                Ok(frame) => {
                    let Some(seq) = frame.seq else { continue };
                    at_least = seq.saturating_sub(1);
                    self.next = Some(frame);
                }
                Err(TryRecvError::Lagged(_)) => continue,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => return None,
            }
            return self.resync(at_least).await;
        }
    }

    /// The state instead of everything that led to it, for whoever is too far behind; `event` is in it.
    async fn resync(&mut self, event: u64) -> Option<Bytes> {
        let (seq, bytes) = self.hub.state(event.max(self.at)).await.ok()?;
        self.at = seq;
        Some(bytes)
    }
}

fn retry() -> Bytes {
    let mut chance = [0; 2];
    // Without chance they come back together, and are still answered.
    let _ = aws_lc_rs::rand::fill(&mut chance);
    let jitter = u64::from(u16::from_be_bytes(chance)) * RETRY / u64::from(u16::MAX);
    Bytes::from(format!("retry: {}\n\n", RETRY + jitter))
}
