//! Bodies that come too slowly. Owns the slowest rate; says nothing about sizes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// How often the rate is looked at; so much time is given to any body.
const LOOK: Duration = Duration::from_secs(10);
/// The slowest rate, in bytes a second: a modem's. The largest order is through in some hours of patience
/// of the sender, and 10,000 trickling senders are gone after [`LOOK`] (trust.md, F30).
const SLOWEST: u64 = 1024;

/// Gives up on senders that are slower than any network.
pub(super) async fn not_too_slow(request: Request, next: Next) -> Response {
    next.run(request.map(|body| Body::new(Timed::new(body)))).await
}

/// A body whose sender must keep up.
struct Timed {
    body: Body,
    /// Bytes since somebody looked.
    received: u64,
    look: Pin<Box<Sleep>>,
}

/// Why a body was given up.
#[derive(Debug, thiserror::Error)]
#[error("the body came more slowly than {SLOWEST} bytes a second")]
struct TooSlow;

impl Timed {
    fn new(body: Body) -> Self {
        let look = Box::pin(tokio::time::sleep(LOOK));
        Self { body, received: 0, look }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        loop {
            ready!(self.look.as_mut().poll(context));
            // What came before buys no silence.
            if std::mem::take(&mut self.received) < LOOK.as_secs() * SLOWEST {
                return Poll::Ready(Some(Err(Box::new(TooSlow))));
            }
            let next = Instant::now() + LOOK;
            self.look.as_mut().reset(next);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    /// A sender of `size` bytes every `pause`, 100 times.
    async fn received(size: usize, pause: Duration) -> bool {
        let pieces = stream::iter(0..100).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size]))
        });
        let body = Body::new(Timed::new(Body::from_stream(pieces)));
        axum::body::to_bytes(body, usize::MAX).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_and_a_slow_one_is_not() {
        assert!(received(1, Duration::from_millis(50)).await, "it is through before anybody looks");
        assert!(!received(1, Duration::from_secs(1)).await);
        assert!(!received(1000, Duration::from_secs(9)).await, "a piece now and then");
        assert!(received(1100, Duration::from_secs(1)).await);
        assert!(!received(1100, Duration::from_hours(1)).await);
        assert!(!received(1 << 20, Duration::from_secs(30)).await, "a burst, and then nothing");
    }
}
