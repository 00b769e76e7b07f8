//! Waiting for the end of a promotion with a request. Owns for how long and how many wait at little cost; ends
//! and decides nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::oneshot;
use tokio::time::Instant;
use towpath_core::ids::PromotionNumber;
use towpath_engine::Engine;
use towpath_ports::store::EventRow;

use crate::asked::Query;
use crate::error::ApiError;
use crate::openapi::{Gives, Operation, Shape};
use crate::requests::AcceptedView;
use crate::routes::App;

/// For how long a request waits at the most: as long as the most patient of the usual proxies.
const LONGEST: u64 = 60;
/// How often it is looked at whether the engine still runs; nobody is told of its end.
const LOOK: Duration = Duration::from_secs(5);
/// What the journal calls the end of a promotion.
const ENDED: &str = "promotion-ended";
/// Largest answer to an order that is read to add to it.
const LARGEST: usize = 1 << 20;
/// Says how a client would like to be answered (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Says which of that was done.
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// For how long to wait.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    /// For how long at the most to wait for the end of the promotion: 0s to 60s. The answer comes as soon as it
    /// has ended.
    #[serde(default)]
    #[schemars(with = "Option<String>", regex(pattern = "^([0-9]|[1-5][0-9]|60)s$"))]
    wait: Option<Seconds>,
}

/// The form of [`Waiting`], for what is waited for beside its handler.
pub(crate) fn waiting_shape() -> Shape {
    |generator| generator.subschema_for::<Waiting>()
}

/// Whole seconds, as `30s`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Seconds(u64);

impl TryFrom<String> for Seconds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_suffix('s').filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        let is_plain = |it: &&str| *it == "0" || !it.starts_with('0');
        let seconds = digits.filter(is_plain).and_then(|it| it.parse().ok());
        seconds
            .filter(|seconds| *seconds <= LONGEST)
            .map(Self)
            .ok_or_else(|| format!("a wait is 0s to {LONGEST}s, such as 30s"))
    }
}

/// How long a request waits; by its query, or as it prefers.
pub(crate) struct Patience {
    seconds: u64,
    /// Whether it was only a wish.
    is_preferred: bool,
}

impl<S: Sync> FromRequestParts<S> for Patience {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(Waiting { wait }) = Query::of(&parts.uri)?;
        Ok(Self::of(wait, &parts.headers))
    }
}

impl Patience {
    fn of(wait: Option<Seconds>, headers: &HeaderMap) -> Self {
        if let Some(Seconds(seconds)) = wait {
            return Self { seconds, is_preferred: false };
        }
        let preferred = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let mut wishes = preferred.flat_map(|value| value.split([',', ';']));
        let seconds = wishes.find_map(|wish| {
            let (name, value) = wish.split_once('=')?;
            // A wish for longer is heard as far as it goes.
            name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().parse::<u64>().ok())?
        });
        let seconds_heard = seconds.unwrap_or_default().min(LONGEST);
        Self { seconds: seconds_heard, is_preferred: seconds.is_some() }
    }

    /// An answer that was waited for.
    pub(crate) fn awaited<T>(self, answer: T) -> Awaited<T> {
        Awaited(answer, self)
    }

    fn said(&self, answer: &mut Response) {
        if self.is_preferred {
            let applied = HeaderValue::try_from(format!("wait={}", self.seconds));
            answer.headers_mut().insert(APPLIED, applied.expect("a word and digits"));
        }
    }
}

/// An answer, and what it was waited for by.
pub(crate) struct Awaited<T>(T, Patience);

impl<T: IntoResponse> IntoResponse for Awaited<T> {
    fn into_response(self) -> Response {
        let mut answer = self.0.into_response();
        self.1.said(&mut answer);
        answer
    }
}

impl<T: Gives> Gives for Awaited<T> {
    fn gives(operation: &mut Operation) {
        T::gives(operation);
    }
}

/// Who waits for which promotion.
type Waiters = Arc<Mutex<HashMap<PromotionNumber, Vec<oneshot::Sender<()>>>>>;

/// Where everybody who waits for an end in one project hears of it.
pub(crate) struct Ends {
    engine: Engine,
    waiters: Waiters,
    runs: Mutex<bool>,
}

impl Ends {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, waiters: Waiters::default(), runs: Mutex::new(false) }
    }

    /// Comes back when the promotion has ended, the patience has, or the engine.
    pub(crate) async fn wait(&self, number: PromotionNumber, patience: &Patience) {
        let until = Instant::now() + Duration::from_secs(patience.seconds);
        while Instant::now() < until {
            if self.has_ended(number) {
                return;
            }
            // Whoever is in the list before looking misses no end. Only what goes on is in it: that ends.
            let told = self.enlist(number);
            if self.has_ended(number) {
                self.waiters.lock().expect("no holder of this lock panics").remove(&number);
                return;
            }
            let look = until.min(Instant::now() + LOOK);
            let _ = tokio::time::timeout_at(look, told).await;
        }
    }

    fn has_ended(&self, number: PromotionNumber) -> bool {
        !self.engine.is_running() || self.engine.lane_of(number).is_none()
    }

    fn enlist(&self, number: PromotionNumber) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiters = self.waiters.lock().expect("no holder of this lock panics");
            let own = waiters.entry(number).or_default();
            own.retain(|sender| !sender.is_closed());
            own.push(sender);
        }
        let mut runs = self.runs.lock().expect("no holder of this lock panics");
        if !std::mem::replace(&mut *runs, true) {
            tokio::spawn(tell(self.engine.news(), Arc::clone(&self.waiters)));
        }
        receiver
    }
}

/// Tells those who wait for a promotion of its end: one reader of the news, however many wait.
async fn tell(mut news: broadcast::Receiver<Arc<EventRow>>, waiters: Waiters) {
    loop {
        let ended = match news.recv().await {
            Ok(row) if row.kind == ENDED => row.promotion,
            Ok(_) => continue,
            // Whoever is woken looks, and waits again.
            Err(RecvError::Lagged(_)) => None,
            Err(RecvError::Closed) => return,
        };
        let mut waiters = waiters.lock().expect("no holder of this lock panics");
        match ended {
            Some(number) => drop(waiters.remove(&number)),
            None => waiters.clear(),
        }
    }
}

/// Answers an order that was taken when what it began has ended, if whoever gave it waits for that. Around what
/// carries it out once: the same order is answered the same, and waited for anew.
pub(crate) async fn after_its_end(
    State(app): State<App>,
    Extension(ends): Extension<Arc<Ends>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let patience = match Patience::from_request_parts(&mut parts, &()).await {
        Ok(patience) => patience,
        Err(error) => return error.into_response(),
    };
    // For how long it is waited for makes it no other order.
    parts.uri = without_query(&parts.uri);
    let answer = next.run(Request::from_parts(parts, body)).await;
    if patience.seconds == 0 || answer.status() != StatusCode::ACCEPTED {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return ApiError::broken().into_response();
    };
    let said = serde_json::from_slice::<AcceptedView>(&bytes).ok();
    let mut answer = match said.and_then(|said| said.promotion.map(|number| (said, number))) {
        None => Response::from_parts(head, Body::from(bytes)),
        Some((mut said, number)) => {
            ends.wait(number, &patience).await;
            let found = app.engine.promotion(number).await.ok().flatten();
            let has_ended = found.as_ref().is_some_and(|found| found.outcome.is_some());
            said.state = found.map(|found| found.state);
            head.headers.remove(header::CONTENT_LENGTH);
            head.status = if has_ended { StatusCode::OK } else { StatusCode::ACCEPTED };
            let body = Json(said).into_response().into_body();
            Response::from_parts(head, body)
        }
    };
    patience.said(&mut answer);
    answer
}

fn without_query(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = uri.path().parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
