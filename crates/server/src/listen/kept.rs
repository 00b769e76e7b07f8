//! A connection from its first request to its end: it ends when the server does, and, where many requests share
//! one, when nobody asked anything for a while. Owns that time; answers nothing.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
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

/// What is asked on one connection.
#[derive(Clone)]
pub(super) struct Asking(Arc<State>);

struct State {
    open: AtomicUsize,
    last: Mutex<Instant>,
}

/// An answer that is being sent.
struct Open(Asking);

impl Asking {
    pub(super) fn new() -> Self {
        Self(Arc::new(State { open: AtomicUsize::new(0), last: Mutex::new(Instant::now()) }))
    }

    /// An answer whose body counts as open until it is sent or given up.
    pub(super) async fn while_open(&self, answering: impl Future<Output = Response>) -> Response {
        self.0.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(self.clone());
        answering.await.map(|body| Body::new(Sent { body, _open: open }))
    }

    /// Completes when nothing was asked for as long.
    async fn idle(&self, long: Duration) {
        loop {
            let last = *self.0.last.lock().expect("no holder of this lock panics");
            let until = last + long;
            if self.0.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(long).await;
            } else if until <= Instant::now() {
                return;
            } else {
                tokio::time::sleep_until(until).await;
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *self.0.0.last.lock().expect("no holder of this lock panics") = Instant::now();
        self.0.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A body of an answer.
struct Sent {
    body: Body,
    _open: Open,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves a connection until it ends, the server stops, or (where `asking` is given) it was idle for long.
pub(super) async fn kept<Connection: GracefulConnection>(
    connection: Connection,
    asking: Option<Asking>,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Connection::Error> {
    let mut connection = pin!(connection);
    let idle = async {
        match &asking {
            Some(asking) => asking.idle(IDLE_MOST).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = connection.as_mut() => return ended,
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
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = connection => ended,
        () = unheard => Ok(()),
    }
}
