//! A connection from its first request to its end: it ends when the server does, and, where many requests share
//! one, when nobody asked anything for a while or somebody takes no answer. Owns these times; answers nothing.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a connection that many requests share is kept without any: a person who reads a page and comes back.
/// A client that answers pings could hold it for ever.
const IDLE_MOST: Duration = Duration::from_mins(2);
/// How long one that was told to end may take when nothing is open on it.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// How long any answer may take, and the slowest reader beside it, in bytes a second: a modem's. An answer without a
/// known end, a stream of events, is none of them.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
const SLOWEST: u64 = 4 * 1024;
/// How often it is looked whether one takes longer.
const LOOK: Duration = Duration::from_secs(10);
/// Largest piece that is handed on: what is handed on is held for the reader, however little they take.
const PIECE: usize = 16 * 1024;

/// What is asked on one connection.
#[derive(Clone)]
pub(super) struct Asking(Arc<Mutex<State>>);

struct State {
    /// When each answer that is being sent has to be there; none: it has no known end.
    open: HashMap<u64, Option<Instant>>,
    asked: u64,
    last: Instant,
}

/// An answer that is being sent.
struct Open {
    asking: Asking,
    number: u64,
}

impl Asking {
    pub(super) fn new() -> Self {
        let state = State { open: HashMap::new(), asked: 0, last: Instant::now() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().expect("no holder of this lock panics"))
    }

    /// An answer whose body counts as open until it is sent or given up.
    pub(super) async fn while_open(&self, answering: impl Future<Output = Response>) -> Response {
        let number = self.state(|state| {
            state.asked += 1;
            state.open.insert(state.asked, None);
            state.asked
        });
        let open = Open { asking: self.clone(), number };
        let answer = answering.await;
        if let Some(size) = answer.body().size_hint().exact() {
            let until = Instant::now() + ANSWER_WITHIN + Duration::from_secs(size / SLOWEST);
            self.state(|state| state.open.insert(number, Some(until)));
        }
        answer.map(|body| Body::new(Sent { body, rest: Bytes::new(), _open: open }))
    }

    /// Completes when nothing was asked for as long.
    async fn idle(&self, long: Duration) {
        loop {
            let (is_open, last) = self.state(|state| (!state.open.is_empty(), state.last));
            let until = last + long;
            if is_open {
                tokio::time::sleep(long).await;
            } else if until <= Instant::now() {
                return;
            } else {
                tokio::time::sleep_until(until).await;
            }
        }
    }

    /// Completes when an answer is taken more slowly than anybody reads.
    async fn is_held_up(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let now = Instant::now();
            let is_late = |until: &Option<Instant>| until.is_some_and(|until| until < now);
            if self.state(|state| state.open.values().any(is_late)) {
                return;
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.asking.state(|state| {
            state.open.remove(&self.number);
            state.last = Instant::now();
        });
    }
}

/// A body of an answer, in pieces.
struct Sent {
    body: Body,
    /// What was taken of it and not handed on.
    rest: Bytes,
    _open: Open,
}

impl Sent {
    fn piece(&mut self) -> Option<Frame<Bytes>> {
        let most = self.rest.len().min(PIECE);
        (most > 0).then(|| Frame::data(self.rest.split_to(most)))
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(piece) = self.piece() {
            return Poll::Ready(Some(Ok(piece)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
        Poll::Ready(Some(match frame.into_data() {
            Ok(data) => {
                self.rest = data;
                Ok(self.piece().unwrap_or_else(|| Frame::data(Bytes::new())))
            }
            Err(other) => Ok(other),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, of_body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(of_body.lower() + rest);
        if let Some(upper) = of_body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

/// Serves a connection until it ends, the server stops, or (where `asking` is given) it was idle for long.
pub(super) async fn kept<Connection: GracefulConnection>(
    connection: Connection,
    asking: Option<Asking>,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Connection::Error> {
    let mut connection = pin!(connection);
    let of_none = std::future::pending;
    let idle = async {
        match &asking {
            Some(asking) => asking.idle(IDLE_MOST).await,
            None => of_none().await,
        }
    };
    let held_up = async {
        match &asking {
            Some(asking) => asking.is_held_up().await,
            None => of_none().await,
        }
    };
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = held_up => return Ok(()),
        // A sender that is gone is a stop as well.
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = idle => {}
    }
    connection.as_mut().graceful_shutdown();
    let unheard = async {
        match &asking {
            Some(asking) => {
                // Not measured from the last answer: whoever is told needs time to hear it.
                tokio::time::sleep(ENDS_WITHIN).await;
                asking.idle(ENDS_WITHIN).await;
            }
            None => of_none().await,
        }
    };
    tokio::select! {
        ended = connection => ended,
        () = unheard => Ok(()),
    }
}
