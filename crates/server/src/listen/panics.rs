//! A request that breaks down takes nothing else with it; anything else that does ends the program. Owns
//! that line.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::error::ApiError;

thread_local! {
    /// Whether this thread is in the midst of answering a request.
    static ANSWERING: Cell<bool> = const { Cell::new(false) };
}

/// Ends the program at a panic, unless a request is being answered on that thread: a task of the engine
/// that is gone without a word would be worse than an engine that is started again, and a request is
/// neither. Call once, at the start of a program that serves.
pub fn abort_on_panics_outside_of_requests() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        told(panic);
        if !ANSWERING.get() {
            std::process::abort();
        }
    }));
}

/// Answers 500 where answering panicked (trust.md, T18).
pub(crate) async fn answered(request: Request, next: Next) -> Response {
    let mut running = Box::pin(AssertUnwindSafe(next.run(request)).catch_unwind());
    // Only while it is polled: other tasks take turns on this thread in between.
    let answered = std::future::poll_fn(|context| {
        ANSWERING.set(true);
        let polled = running.as_mut().poll(context);
        ANSWERING.set(false);
        polled
    });
    match answered.await {
        Ok(answer) => answer,
        Err(_) => ApiError::broken().into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use axum::{Router, middleware};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_request_that_breaks_down_is_answered_and_the_next_one_as_well() {
        let breaks = || async {
            assert!(std::env::args().count() > 1000, "it breaks down");
        };
        let routes = Router::new().route("/", get(breaks)).route("/well", get(|| async {}));
        let routes = routes.layer(middleware::from_fn(answered));
        for (path, status) in [
            ("/", StatusCode::INTERNAL_SERVER_ERROR),
            ("/well", StatusCode::OK),
            ("/", StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), status);
        }
        assert!(!ANSWERING.get());
    }
}
