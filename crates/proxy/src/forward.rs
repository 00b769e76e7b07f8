//! One request: assigned, sent to an endpoint, tried again where that is safe, answered. Owns what
//! may be repeated; keeps no connection and no count of its own.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;
use towpath_guard::{Arm, ErrorKind};

use crate::assign::{self, Assignment};
use crate::body::{AnswerBody, Forwarded, RequestBody, Upload};
use crate::headers::{self, Sender};
use crate::live::{LiveArm, LiveEndpoint, LiveRoute, RouteCell};
use crate::pool::{Connection, REPEATABLE_IDLE_US, UNREPEATABLE_IDLE_US};
use crate::record::{Admitted, Record};
use crate::stream::RouteEvent;
use crate::tunnel;
use crate::worker::Worker;

/// Endpoints of one arm that a request is offered to before the arm counts as unreachable. A
/// refusal is quick, a machine that is gone costs three seconds each.
const MAX_ENDPOINTS_TRIED: usize = 3;

/// One downstream connection's view of the world.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) worker: Rc<Worker>,
    pub(crate) cell: Arc<RouteCell>,
    pub(crate) sender: Sender,
    pub(crate) secure: bool,
    /// The address that the connection came from, hashed.
    pub(crate) client: u64,
    /// Whether the proxy ended the connection before the visitor had all answers.
    pub(crate) hung_up: Cell<bool>,
}

/// A response with its body on the way.
pub(crate) type Answer = Response<AnswerBody>;

/// What came of offering a request to an arm.
enum Offered {
    Answered(Response<Incoming>, Connection),
    /// Not a byte went out: the passage has the request back and may offer it elsewhere.
    Unsent(ErrorKind),
    Failed(ErrorKind),
    /// The proxy itself took the arm away.
    Cut,
}

/// Answers one request. Never fails: what goes wrong becomes an answer.
pub(crate) async fn answer(visitor: Rc<Visitor>, mut request: Request<Incoming>) -> Answer {
    let route = visitor.cell.live.load_full();
    let Some(admitted) = Admitted::enter(&route) else {
        route.shared.log(visitor.worker.index).lost += 1;
        return unavailable(&route, "too many requests are under way\n");
    };
    if request.method() == Method::CONNECT {
        let mut refused = sentence(StatusCode::METHOD_NOT_ALLOWED, "this is no forward proxy\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        return refused;
    }
    let now_us = visitor.worker.clock.now_us();
    let assignment = assign::assign(&route, request.headers(), now_us);
    let client = assign::client(&route, request.headers(), visitor.client);
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let upgrade = headers::wanted_upgrade(&parts);
    headers::forward(&mut parts, &visitor.sender, upgrade.as_ref());
    let upload = Rc::new(Upload::default());
    upload.last_us.set(now_us);
    let body = if body.is_end_stream() {
        RequestBody::Empty
    } else {
        RequestBody::Incoming(body, Rc::clone(&upload), visitor.worker.clock.clone())
    };
    let request = Some(Request::from_parts(parts, body));
    let mut passage =
        Passage { request, visitor, route, assignment, client, upload, began_us: now_us };
    let (record, offered) = match passage.send().await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let upgrade = upgrade.map(|_| on_upgrade);
    passage.finish(record, offered, upgrade, admitted)
}

/// A request with everything that was decided about it.
struct Passage {
    /// Here until it is sent; handing so much from one function to the next would cost more than
    /// what they do.
    request: Option<Request<RequestBody>>,
    visitor: Rc<Visitor>,
    route: Arc<LiveRoute>,
    assignment: Assignment,
    /// Whose request it is.
    client: u64,
    upload: Rc<Upload>,
    /// When it was assigned, on the worker's clock.
    began_us: u64,
}

impl Passage {
    /// Offers the request to its arm and, if not a byte could be sent, to the other one.
    async fn send(&mut self) -> Result<(Record, Offered), Answer> {
        let worker = Rc::clone(&self.visitor.worker);
        let route = Arc::clone(&self.route);
        let green_bp = self.assignment.green_bp;
        let Some(arm) = arm_of(&route, self.assignment.arm) else {
            route.shared.log(worker.index).unserved += 1;
            return Err(unavailable(&route, "no release serves here yet\n"));
        };
        let fate = (self.assignment.arm, green_bp, self.assignment.pinned);
        let mut record = Record::open(&self.visitor, &route, &arm.deployment, fate, self.began_us)
            .by(self.client);
        let offered = self.offer(arm, self.began_us).await;
        let Offered::Unsent(error) = offered else { return Ok((record, offered)) };
        record.finish(error);
        let other = self.other_arm(&route, green_bp);
        let Some((side, arm)) = other else { return Ok((record, Offered::Failed(error))) };
        drop(record);
        let (fate, now_us) = ((side, green_bp, true), worker.clock.now_us());
        let record = Record::open(&self.visitor, &route, &arm.deployment, fate, now_us);
        Ok((record, self.offer(arm, now_us).await))
    }

    /// The arm that may stand in. A candidate that never had weight may not; a tester who asked
    /// for one arm is not shown the other.
    fn other_arm<'a>(
        &self,
        route: &'a LiveRoute,
        green_bp: u16,
    ) -> Option<(Arm, &'a Arc<LiveArm>)> {
        if self.assignment.chosen {
            return None;
        }
        match self.assignment.arm {
            Arm::Green => Some((Arm::Blue, route.default.as_ref()?)),
            Arm::Blue if green_bp > 0 || route.candidate_may_stand_in => {
                Some((Arm::Green, route.candidate.as_ref()?))
            }
            Arm::Blue => None,
        }
    }

    /// Offers the request to endpoints of one arm in turn, the first time at `now_us`.
    async fn offer(&mut self, arm: &LiveArm, mut now_us: u64) -> Offered {
        let mut tried = Vec::new();
        let mut error = ErrorKind::NoEndpoint;
        while tried.len() < MAX_ENDPOINTS_TRIED {
            let Some(endpoint) = arm.pick(now_us, &tried) else { break };
            match self.offer_to(arm, endpoint, now_us).await {
                Offered::Unsent(why) => {
                    error = why;
                    tried.push(endpoint.key);
                    now_us = self.visitor.worker.clock.now_us();
                }
                other => return other,
            }
        }
        Offered::Unsent(error)
    }

    /// Offers the request to one endpoint: on an idle connection if there is one, and on a new one
    /// if the upstream was just closing that.
    async fn offer_to(&mut self, arm: &LiveArm, endpoint: &LiveEndpoint, now_us: u64) -> Offered {
        let repeatable = self.request.as_ref().is_some_and(is_repeatable);
        let max_idle_us = if repeatable { REPEATABLE_IDLE_US } else { UNREPEATABLE_IDLE_US };
        let oldest_us = now_us.saturating_sub(max_idle_us);
        if let Some(connection) = Connection::idle(&self.visitor.worker, endpoint.key, oldest_us) {
            let offered = self.exchange(connection, repeatable).await;
            if !matches!(offered, Offered::Unsent(_)) {
                return offered;
            }
        }
        let worker = &self.visitor.worker;
        let Ok(connection) = Connection::open(worker, endpoint).await else {
            if endpoint.eject(worker.clock.now_us()) {
                self.tell(arm, endpoint, false);
            }
            return Offered::Unsent(ErrorKind::Connect);
        };
        if endpoint.accept() {
            self.tell(arm, endpoint, true);
        }
        self.exchange(connection, false).await
    }

    /// Sends the request over one connection and waits for the response head. A `repeatable` one
    /// is taken back when the upstream was just closing.
    async fn exchange(&mut self, mut connection: Connection, repeatable: bool) -> Offered {
        let copy = self.request.as_ref().filter(|_| repeatable).map(copy_of);
        let request = self.request.take().expect("an unsent request is in its passage");
        let sent = connection.sender.try_send_request(request);
        let Some(answered) = self.within_time(sent).await else {
            // A visitor who stalls its own upload must not speak against the arm.
            let stalled = self.upload.awaits_visitor.get();
            let error = if stalled { ErrorKind::ClientAbort } else { ErrorKind::Timeout };
            return Offered::Failed(error);
        };
        let mut failure = match answered {
            Ok(response) => return Offered::Answered(response, connection),
            Err(failure) => failure,
        };
        if let Some(unsent) = failure.take_message() {
            self.request = Some(unsent);
            return Offered::Unsent(ErrorKind::Connect);
        }
        if connection.was_cut() {
            return Offered::Cut;
        }
        if self.upload.broken.get() {
            return Offered::Failed(ErrorKind::ClientAbort);
        }
        match copy {
            // Nothing came back on a connection that had been idle: the upstream was closing it.
            Some(copy) if !failure.into_error().is_parse() => {
                self.request = Some(copy);
                Offered::Unsent(ErrorKind::Connect)
            }
            _ => Offered::Failed(ErrorKind::Reset),
        }
    }

    /// Waits for the response head, for the response time after the last piece of the request.
    async fn within_time<T>(&self, sent: impl Future<Output = T>) -> Option<T> {
        let mut sent = std::pin::pin!(sent);
        let limit = self.route.response_timeout;
        let mut left = limit;
        loop {
            if let Ok(answered) = timeout(left, &mut sent).await {
                return Some(answered);
            }
            let quiet_us = self.visitor.worker.clock.now_us() - self.upload.last_us.get();
            left = limit.checked_sub(Duration::from_micros(quiet_us)).filter(|d| !d.is_zero())?;
        }
    }

    fn tell(&self, arm: &LiveArm, endpoint: &LiveEndpoint, returned: bool) {
        let deployment = arm.deployment.id.clone();
        let endpoint = endpoint.id.clone();
        let event = if returned {
            RouteEvent::EndpointReturned { deployment, endpoint }
        } else {
            RouteEvent::EndpointEjected { deployment, endpoint }
        };
        self.route.shared.tell(self.visitor.worker.index, event);
    }

    /// Turns what came of it into the answer.
    fn finish(
        self,
        mut record: Record,
        offered: Offered,
        upgrade: Option<OnUpgrade>,
        admitted: Admitted,
    ) -> Answer {
        let (response, connection) = match offered {
            Offered::Answered(response, connection) => (response, connection),
            Offered::Unsent(error) | Offered::Failed(error) => {
                record.finish(error);
                return failed(&self.route, error);
            }
            Offered::Cut => {
                record.cut();
                return unavailable(&self.route, "the release was taken away\n");
            }
        };
        record.head(response.status().as_u16());
        let mut answer = if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(upgrade) = upgrade else {
                record.finish(ErrorKind::Reset);
                return failed(&self.route, ErrorKind::Reset);
            };
            tunnel::open(response, upgrade, record, connection, admitted)
        } else {
            let (mut parts, body) = response.into_parts();
            headers::strip_hop_by_hop(&mut parts.headers);
            let broken = parts.status.is_server_error();
            let body = Forwarded::new(body, record, connection, admitted, broken);
            Response::from_parts(parts, AnswerBody::Forwarded(Box::new(body)))
        };
        if let (Some(place), Some(sticky)) = (self.assignment.new_place, &self.route.sticky) {
            let value = assign::place_text(place, self.assignment.green_bp, &sticky.tag);
            let secure = self.visitor.secure;
            headers::set_cookie(answer.headers_mut(), &sticky.cookie, &value, secure);
        }
        answer
    }
}

fn arm_of(route: &LiveRoute, arm: Arm) -> Option<&Arc<LiveArm>> {
    match arm {
        Arm::Blue => route.default.as_ref(),
        Arm::Green => route.candidate.as_ref(),
    }
}

/// Whether sending it twice is the same as sending it once.
fn is_repeatable(request: &Request<RequestBody>) -> bool {
    matches!(request.body(), RequestBody::Empty) && headers::is_idempotent(request.method())
}

/// A second copy of a request without a body.
fn copy_of(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::Empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

fn failed(route: &LiveRoute, error: ErrorKind) -> Answer {
    match error {
        ErrorKind::Timeout => {
            sentence(StatusCode::GATEWAY_TIMEOUT, "the release did not answer in time\n")
        }
        ErrorKind::NoEndpoint | ErrorKind::Connect => {
            unavailable(route, "the release cannot be reached\n")
        }
        ErrorKind::ClientAbort => {
            sentence(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n")
        }
        ErrorKind::None | ErrorKind::Reset => {
            sentence(StatusCode::BAD_GATEWAY, "the release broke off before it answered\n")
        }
    }
}

fn unavailable(route: &LiveRoute, text: &'static str) -> Answer {
    let mut answer = sentence(StatusCode::SERVICE_UNAVAILABLE, text);
    answer.headers_mut().insert(RETRY_AFTER, route.retry_after.clone());
    answer
}

fn sentence(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(AnswerBody::Text(Some(Bytes::from_static(text.as_bytes()))));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer
}
