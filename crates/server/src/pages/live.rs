//! Tells a page that there is more to read: numbers of events and nothing of them. Owns the pace; what a
//! reader may see they are shown by the page itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::Instant;
use towpath_ports::store::EventRow;

use crate::pages::frame::Look;
use crate::signin::{LOOKED_AT_EVERY, Pass};

/// How often a page is told that time passes: what is measured without an event is read again by then.
const TICK: Duration = Duration::from_secs(5);
/// The least time between two of them, so that a busy project is not read more often than people look.
const PACE: Duration = Duration::from_millis(500);
/// How long one stream lasts; the browser opens the next one by itself, as whoever it is then.
const LASTS: Duration = Duration::from_mins(5);

struct Told {
    news: Receiver<Arc<EventRow>>,
    pass: Pass,
    until: Instant,
    is_first: bool,
}

pub(super) async fn follow(look: Look, pass: Pass) -> Response {
    let until = Instant::now() + LASTS;
    let told = Told { news: look.engine.news(), pass, until, is_first: true };
    let body = Body::from_stream(stream::unfold(told, next));
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

async fn next(mut told: Told) -> Option<(Result<Bytes, Infallible>, Told)> {
    if std::mem::take(&mut told.is_first) {
        return Some((Ok(Bytes::from_static(b"retry: 2000\n\n")), told));
    }
    let line = line(&mut told).await?;
    Some((Ok(line), told))
}

/// The next thing to say; none when the session has ended, the stream is old, or the engine has stopped.
async fn line(told: &mut Told) -> Option<Bytes> {
    let tick = Instant::now() + TICK;
    loop {
        let now = Instant::now();
        if now >= told.until || !told.pass.goes_on().await {
            return None;
        }
        if now >= tick {
            return Some(Bytes::from_static(b"event: tick\ndata: 0\n\n"));
        }
        match tokio::time::timeout(LOOKED_AT_EVERY, told.news.recv()).await {
            Err(_) => {}
            Ok(Err(RecvError::Closed)) => return None,
            Ok(Err(RecvError::Lagged(_))) => {
                return Some(Bytes::from_static(b"event: news\ndata: 0\n\n"));
            }
            Ok(Ok(row)) => {
                tokio::time::sleep(PACE).await;
                let mut last = row.seq;
                while let Ok(row) = told.news.try_recv() {
                    last = row.seq;
                }
                return Some(Bytes::from(format!("event: news\ndata: {last}\n\n")));
            }
        }
    }
}
