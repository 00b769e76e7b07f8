//! Copies of safe requests for the candidate: sent beside the default arm's answer, compared with it
//! and dropped. Owns who is copied, how many at once and what is noted; the visitor's own request
//! knows nothing of it, and no copy is a visitor in any count.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_local;
use tokio::time::timeout;
use towpath_guard::{Arm, ErrorKind, Observed, Outcome, StatusClass};

use crate::Refusal;
use crate::body::RequestBody;
use crate::forward::{Offered, Passage, Visitor};
use crate::live::{Deployment, LiveRoute};
use crate::paths::is_excepted;
use crate::rescue::{MAX_EXCEPTED_PATHS, is_safe};
use crate::route::ALL_BP;
use crate::tally::MirrorCounts;

/// What a copy carries, so that an application can tell it from a visitor: `Towpath-Mirror: 1`.
pub const MIRROR_HEADER: &str = "towpath-mirror";
static MIRROR: HeaderName = HeaderName::from_static(MIRROR_HEADER);
/// Copies under way at once for one candidate; more are dropped and never wait. Half of what a
/// rescue may put on the default arm: the candidate has proven nothing yet.
const MAX_UNDER_WAY: u32 = 32;
/// What is read of a copy's answer, in bytes. A longer one is closed and its body not compared.
const MAX_READ_BYTES: usize = 1024 * 1024;
/// How long that may take.
const READ_TIME: Duration = Duration::from_secs(5);
/// How much longer than the default arm the candidate may take to its head before the pair counts as
/// slower, in percent: the degradation that matrices usually declare.
const SLOWER_PERCENT: u64 = 20;
/// With which probability the coin picks the candidate's outcome of a pair.
const FAIR: f32 = 0.5;

/// Which requests of the default arm are copied to the candidate: GET, HEAD and OPTIONS without a
/// body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorSpec {
    /// The share of them that is copied, in basis points, from 1 to 10000.
    pub share_bp: u16,
    /// Paths that are never copied, each with all below it; at most [`MAX_EXCEPTED_PATHS`].
    #[serde(default)]
    pub except: Vec<String>,
    /// Whether bodies are compared as well. Pages that differ from one request to the next always
    /// differ.
    #[serde(default)]
    pub compare_bodies: bool,
}

impl MirrorSpec {
    /// Refuses rules that cannot be followed as they are written.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if !(1..=ALL_BP).contains(&self.share_bp) {
            return Err(Refusal::invalid(format!("a mirror has a share from 1 to {ALL_BP}")));
        }
        let wrong = self.except.iter().find(|path| !path.starts_with('/'));
        if self.except.len() > MAX_EXCEPTED_PATHS || wrong.is_some() {
            let what =
                format!("a mirror excepts at most {MAX_EXCEPTED_PATHS} paths, each with a /");
            return Err(Refusal::invalid(what));
        }
        Ok(())
    }
}

/// How many copies are under way to one candidate.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(AtomicU32);

/// A copy's place among them.
#[derive(Debug)]
struct Place(Arc<Deployment>);

impl Place {
    fn take(candidate: &Arc<Deployment>) -> Option<Self> {
        let before = candidate.mirrored.0.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(candidate));
        (before < MAX_UNDER_WAY).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.mirrored.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Removes the mark that only a copy may carry.
pub(crate) fn unmark(headers: &mut http::HeaderMap) {
    headers.remove(&MIRROR);
}

/// A request and its copy, as far as they are answered.
#[derive(Debug)]
pub(crate) struct Pair {
    visitor: Rc<Visitor>,
    route: Arc<LiveRoute>,
    candidate: Arc<Deployment>,
    /// Which of both outcomes is evidence: tossed before either is known.
    picked: Arm,
    /// Since when both are asked, in microseconds of the worker's clock.
    began_us: u64,
    /// Of which stratum both are.
    stratum: u8,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    blue: Option<Head>,
    green: Option<Head>,
    blue_body: Body,
    green_body: Body,
}

/// How one side answered.
#[derive(Clone, Copy, Debug)]
struct Head {
    status: StatusClass,
    error: ErrorKind,
    latency_us: u32,
}

/// A body as far as it was seen.
#[derive(Debug, Default)]
struct Body {
    hash: DefaultHasher,
    ended: bool,
}

/// Sends a copy of a request to the candidate if the route says so and there is room. The answer of
/// the visitor's own request is to be told to the pair.
pub(crate) fn copy(passage: &Passage) -> Option<Rc<Pair>> {
    let rules = passage.route.mirror.as_ref()?;
    let candidate = passage.route.candidate.as_ref()?;
    let request = passage.request.as_ref()?;
    let is_asked = passage.assignment.arm == Arm::Blue
        && !passage.assignment.chosen
        && !passage.upgrades
        && matches!(request.body(), RequestBody::Empty)
        && is_safe(request.method())
        && !is_excepted(&rules.except, request.uri().path())
        && rand::rng().random_range(0..ALL_BP) < rules.share_bp;
    if !is_asked {
        return None;
    }
    let pair = Rc::new(Pair {
        visitor: Rc::clone(&passage.visitor),
        route: Arc::clone(&passage.route),
        candidate: Arc::clone(&candidate.deployment),
        picked: if rand::rng().random() { Arm::Green } else { Arm::Blue },
        began_us: passage.visitor.worker.clock.now_us(),
        stratum: passage.stratum,
        state: RefCell::default(),
    });
    let Some(place) = Place::take(&candidate.deployment) else {
        pair.note(|counts| counts.dropped += 1);
        return None;
    };
    pair.note(|counts| counts.sent += 1);
    spawn_local(send(Rc::clone(&pair), marked(request), place));
    Some(pair)
}

fn marked(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::Empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.headers_mut().insert(&MIRROR, HeaderValue::from_static("1"));
    copy
}

/// Asks the candidate and lets its answer go.
async fn send(pair: Rc<Pair>, request: Request<RequestBody>, place: Place) {
    let _place = place;
    let Some(arm) = pair.route.candidate.clone() else { return };
    let (visitor, route) = (Rc::clone(&pair.visitor), Arc::clone(&pair.route));
    let mut passage = Passage::of_copy(request, visitor, route, pair.began_us);
    match passage.offer(&arm, pair.began_us).await {
        Offered::Answered(response, connection) => {
            let status = StatusClass::of(response.status().as_u16());
            let keeps = response.status() != http::StatusCode::SWITCHING_PROTOCOLS;
            pair.green(status, ErrorKind::None);
            let read = timeout(READ_TIME, pair.read(response)).await;
            if read == Ok(true) && keeps {
                connection.give_back(pair.visitor.worker.clock.now_us());
            }
        }
        Offered::Unsent(error) | Offered::Failed(error) => pair.green(StatusClass::None, error),
        // The arm left: that says nothing about it.
        Offered::Cut => {}
    }
}

impl Pair {
    /// Notes how the visitor's own request was answered.
    pub(crate) fn blue(&self, status: StatusClass, error: ErrorKind) {
        if error == ErrorKind::ClientAbort {
            return;
        }
        let head = self.head(status, error);
        self.state.borrow_mut().blue = Some(head);
        self.settle();
    }

    /// Notes a piece of the body that the visitor gets.
    pub(crate) fn blue_piece(&self, piece: &[u8]) {
        self.state.borrow_mut().blue_body.hash.write(piece);
    }

    /// Notes that the visitor has the whole body.
    pub(crate) fn blue_ended(&self) {
        self.state.borrow_mut().blue_body.ended = true;
        self.compare_bodies();
    }

    /// Whether bodies are compared.
    pub(crate) fn wants_bodies(&self) -> bool {
        self.route.mirror.as_ref().is_some_and(|rules| rules.compare_bodies)
    }

    fn green(&self, status: StatusClass, error: ErrorKind) {
        let head = self.head(status, error);
        self.state.borrow_mut().green = Some(head);
        self.settle();
    }

    fn head(&self, status: StatusClass, error: ErrorKind) -> Head {
        let latency = self.visitor.worker.clock.now_us() - self.began_us;
        Head { status, error, latency_us: u32::try_from(latency).unwrap_or(u32::MAX) }
    }

    /// Counts the pair once both heads are there.
    fn settle(&self) {
        let state = self.state.borrow();
        let (Some(blue), Some(green)) = (state.blue, state.green) else { return };
        let limit = u64::from(blue.latency_us) * (100 + SLOWER_PERCENT);
        let slower = u64::from(green.latency_us) * 100 > limit;
        let outcome = self.outcome(if self.picked == Arm::Green { green } else { blue });
        let failed = u64::from(outcome.failed());
        self.note(|counts| {
            counts.compared += 1;
            counts.differing_status += u64::from(blue.status != green.status);
            counts.slower += u64::from(slower);
            match self.picked {
                Arm::Green => counts.picked_green_failed += failed,
                Arm::Blue => counts.picked_blue_failed += failed,
            }
        });
        let (assigned_us, stratum) = (self.began_us, self.stratum);
        let observed = Observed { outcome, assigned_us, client: 0, returning: false, stratum };
        let shared = &self.route.shared;
        if shared.log(self.visitor.worker.index).mirror(&self.route.arms, observed) {
            shared.ring();
        }
    }

    fn outcome(&self, head: Head) -> Outcome {
        Outcome {
            order: self.route.shared.mirrored.fetch_add(1, Ordering::Relaxed) + 1,
            arm: self.picked,
            green_probability: FAIR,
            status: head.status,
            error: head.error,
            latency_us: head.latency_us,
            pinned: false,
        }
    }

    /// Reads the candidate's answer to its end; says whether it was reached.
    async fn read(&self, response: Response<Incoming>) -> bool {
        let mut body = response.into_body();
        let mut seen = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let Some(piece) = frame.data_ref() else { continue };
            seen += piece.len();
            if seen > MAX_READ_BYTES {
                return false;
            }
            if self.wants_bodies() {
                self.state.borrow_mut().green_body.hash.write(piece);
            }
        }
        self.state.borrow_mut().green_body.ended = true;
        self.compare_bodies();
        true
    }

    fn compare_bodies(&self) {
        let state = self.state.borrow();
        let (blue, green) = (&state.blue_body, &state.green_body);
        if self.wants_bodies() && blue.ended && green.ended {
            let differ = blue.hash.finish() != green.hash.finish();
            self.note(|counts| counts.differing_body += u64::from(differ));
        }
    }

    fn note(&self, note: impl FnOnce(&mut MirrorCounts)) {
        let worker = &self.visitor.worker;
        let bucket = self.route.bucket_start_ms(worker.clock.now_us());
        let mut log = self.route.shared.log(worker.index);
        note(&mut log.tally(&self.candidate, bucket).mirror);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_that_cannot_be_followed_is_refused() {
        let spec = MirrorSpec { share_bp: 1000, except: Vec::new(), compare_bodies: false };
        assert!(spec.check().is_ok());
        let wrong = [
            MirrorSpec { share_bp: 0, ..spec.clone() },
            MirrorSpec { share_bp: ALL_BP + 1, ..spec.clone() },
            MirrorSpec { except: vec!["checkout".into()], ..spec },
        ];
        assert!(wrong.iter().all(|spec| spec.check().is_err()));
    }

    #[test]
    fn a_body_is_the_same_in_whatever_pieces_it_comes() {
        let hashed = |pieces: &[&str]| {
            let mut body = Body::default();
            for piece in pieces {
                body.hash.write(piece.as_bytes());
            }
            body.hash.finish()
        };
        assert_eq!(hashed(&["hello ", "wor", "ld"]), hashed(&["hel", "lo world"]));
        assert_ne!(hashed(&["hello"]), hashed(&["hellO"]));
    }

    #[test]
    fn only_so_many_copies_are_under_way() {
        let candidate = Arc::new(Deployment::new("green", "2"));
        let mut places: Vec<_> =
            (0..MAX_UNDER_WAY).map(|_| Place::take(&candidate).unwrap()).collect();
        assert!(Place::take(&candidate).is_none());
        places.pop();
        assert!(Place::take(&candidate).is_some());
    }
}
