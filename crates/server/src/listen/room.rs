//! Room for bodies that are read whole, for all requests together. Owns how much that is; says nothing about
//! the size of one.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of bodies that are held at the same time: 32 of the largest orders, or 4,000 of the largest forms.
/// Without it, every connection could hold one of the largest.
const MOST_HELD: usize = 256 * 1024 * 1024;

/// Why a body was not read on: those of others take all the room.
#[derive(Debug, thiserror::Error)]
#[error("the server reads as much as it has room for")]
pub(crate) struct NoRoom;

/// What a request has of the room, until it is answered.
#[derive(Clone)]
pub(crate) struct Held(Arc<Holding>);

struct Holding {
    all: Arc<Semaphore>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
    passes: AtomicBool,
}

impl Held {
    /// Of a body that is written away as it comes: only its last piece is held.
    pub(crate) fn passes(&self) {
        self.0.passes.store(true, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) -> Result<(), NoRoom> {
        let mut held = self.0.held.lock().expect("no holder of this lock panics");
        if self.0.passes.load(Ordering::Relaxed) {
            *held = None;
        }
        let bytes = u32::try_from(bytes).map_err(|_| NoRoom)?;
        let more = Arc::clone(&self.0.all).try_acquire_many_owned(bytes).map_err(|_| NoRoom)?;
        match held.as_mut() {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }
}

/// All the room that there is.
pub(super) fn whole() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MOST_HELD))
}

/// Counts what is read of a body against the room that all have.
pub(super) async fn counted(
    State(all): State<Arc<Semaphore>>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let holding = Holding { all, held: Mutex::default(), passes: AtomicBool::new(false) };
    let held = Held(Arc::new(holding));
    request.extensions_mut().insert(held.clone());
    let answer =
        next.run(request.map(|body| Body::new(Counted { body, held: held.clone() }))).await;
    drop(held);
    answer
}

/// A body that is given on while there is room.
struct Counted {
    body: Body,
    held: Held,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(axum::BoxError::from)?;
            self.held.take(frame.data_ref().map_or(0, Bytes::len))?;
            Ok(frame)
        }))
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
    use super::*;

    fn request(all: &Arc<Semaphore>) -> Held {
        let (all, held) = (Arc::clone(all), Mutex::default());
        Held(Arc::new(Holding { all, held, passes: AtomicBool::new(false) }))
    }

    #[test]
    fn many_have_one_room_and_give_it_back() {
        let all = Arc::new(Semaphore::new(100));
        let (one, other) = (request(&all), request(&all));
        one.take(40).unwrap();
        one.take(40).unwrap();
        assert!(other.take(21).is_err());
        other.take(20).unwrap();
        drop(one);
        other.take(80).unwrap();
        drop(other);
        assert_eq!(all.available_permits(), 100);
    }

    #[test]
    fn what_passes_holds_one_piece_however_long_it_is() {
        let all = Arc::new(Semaphore::new(100));
        let long = request(&all);
        long.passes();
        for _ in 0..1000 {
            long.take(60).unwrap();
        }
        assert_eq!(all.available_permits(), 40);
    }

    #[tokio::test]
    async fn f32_bodies_together_have_a_limit_and_who_comes_too_late_is_told_to_come_back() {
        use futures_util::{StreamExt as _, stream};
        use tower::ServiceExt as _;
        let all = Arc::new(Semaphore::new(100));
        let read = async |crate::asked::Body(text): crate::asked::Body<String>| text;
        let routes = axum::Router::new().route("/", axum::routing::post(read));
        let routes = routes.layer(axum::middleware::from_fn_with_state(Arc::clone(&all), counted));
        let sent = |body: Body| {
            let request = Request::post("/").header("content-type", "application/json");
            routes.clone().oneshot(request.body(body).unwrap())
        };
        let half = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 90]))]);
        let unfinished = tokio::spawn(sent(Body::from_stream(half.chain(stream::pending()))));
        while all.available_permits() == 100 {
            tokio::task::yield_now().await;
        }
        let answer = sent(Body::from(r#""twenty characters...""#)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(sent(Body::from(r#""few""#)).await.unwrap().status().as_u16(), 200);
        unfinished.abort();
        let _ = unfinished.await;
        assert_eq!(all.available_permits(), 100);
        let answer = sent(Body::from(r#""twenty characters...""#)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
}
