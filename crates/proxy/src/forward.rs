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
use towpath_guard::{Arm, ErrorKind, StatusClass};

use crate::assign::{self, Assignment};
use crate::body::{AnswerBody, Forwarded, RequestBody, Upload};
use crate::budget::Kept;
use crate::headers::{self, Sender};
use crate::live::{LiveArm, LiveEndpoint, LiveRoute, RouteCell};
use crate::mirror::{self, Pair};
use crate::paths;
use crate::pool::{Connection, REPEATABLE_IDLE_US, UNREPEATABLE_IDLE_US};
use crate::record::{Admitted, Record};
use crate::rescue;
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
pub(crate) enum Offered {
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
    let whose = (assignment.sticks, visitor.client);
    let client = assign::client(&route, request.headers(), whose);
    let stratum = paths::stratum(&route.strata, request.uri().path());
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let upgrade = headers::wanted_upgrade(&parts);
    headers::forward(&mut parts, &visitor.sender, upgrade.as_ref());
    mirror::unmark(&mut parts.headers);
    let upload = Rc::new(Upload::default());
    upload.last_us.set(now_us);
    let body = if body.is_end_stream() {
        RequestBody::Empty
    } else {
        RequestBody::Incoming(body, Rc::clone(&upload), visitor.worker.clock.clone())
    };
    let mut passage = Passage {
        request: Some(Request::from_parts(parts, body)),
        visitor,
        route,
        assignment,
        client,
        stratum,
        upload,
        began_us: now_us,
        upgrades: upgrade.is_some(),
        may_repeat: false,
        spare: None,
        kept: None,
        pair: None,
    };
    passage.pair = mirror::copy(&passage);
    let (record, offered) = match passage.send().await {
        Ok(sent) => sent,
        Err(refused) => return refused,
    };
    let upgrade = upgrade.map(|_| on_upgrade);
    passage.finish(record, offered, upgrade, admitted)
}

/// A request with everything that was decided about it.
pub(crate) struct Passage {
    /// Here until it is sent; handing so much from one function to the next would cost more than
    /// what they do.
    pub(crate) request: Option<Request<RequestBody>>,
    pub(crate) visitor: Rc<Visitor>,
    pub(crate) route: Arc<LiveRoute>,
    pub(crate) assignment: Assignment,
    /// Whose request it is.
    client: u64,
    /// Of which of the guard's strata it is; see [`paths::stratum`].
    pub(crate) stratum: u8,
    pub(crate) upload: Rc<Upload>,
    /// When it was assigned, on the worker's clock.
    pub(crate) began_us: u64,
    /// Whether the visitor asked to switch protocols.
    pub(crate) upgrades: bool,
    /// Whether the rules let the arm behind be asked after this one.
    pub(crate) may_repeat: bool,
    /// A copy of what was sent.
    pub(crate) spare: Option<Request<RequestBody>>,
    /// The room that a body which was read whole takes up.
    pub(crate) kept: Option<Kept>,
    /// Where it is compared with its copy, if it has one.
    pair: Option<Rc<Pair>>,
}

impl Passage {
    /// A copy of somebody else's request, for the candidate.
    pub(crate) fn of_copy(
        request: Request<RequestBody>,
        visitor: Rc<Visitor>,
        route: Arc<LiveRoute>,
        began_us: u64,
    ) -> Self {
        let upload = Rc::new(Upload::default());
        upload.last_us.set(began_us);
        Self {
            request: Some(request),
            visitor,
            route,
            assignment: Assignment::of_copy(),
            client: 0,
            stratum: 0,
            upload,
            began_us,
            upgrades: false,
            may_repeat: false,
            spare: None,
            kept: None,
            pair: None,
        }
    }

    /// Offers the request to its arm and, if not a byte could be sent, to the other one.
    async fn send(&mut self) -> Result<(Record, Offered), Answer> {
        let worker = Rc::clone(&self.visitor.worker);
        let route = Arc::clone(&self.route);
        let green_bp = self.assignment.green_bp;
        let Some(arm) = route.of(self.assignment.arm) else {
            route.shared.log(worker.index).unserved += 1;
            return Err(unavailable(&route, "no release serves here yet\n"));
        };
        let fate = (self.assignment.arm, green_bp, self.assignment.pinned);
        let mut record = Record::open(&self.visitor, &route, &arm.deployment, fate, self.began_us)
            .by(self.client, self.assignment.sticks.is_some_and(|it| it.returning))
            .of(self.stratum)
            .asking(self.request.as_ref().and_then(|request| request.uri().path_and_query()));
        if self.assignment.chosen {
            record.spare();
        }
        if let Err(error) = self.prepare_rescue().await {
            return Ok((record, Offered::Failed(error)));
        }
        if let Some(race) = self.may_hedge() {
            return Ok(self.hedge(record, Arc::clone(arm), race).await);
        }
        let offered = self.offer(arm, self.began_us).await;
        if self.assignment.arm == Arm::Green || route.standby.is_some() {
            return Ok(self.rescue(record, offered).await);
        }
        let Offered::Unsent(error) = offered else { return Ok((record, offered)) };
        let Some(arm) = self.stand_in(&route) else {
            return Ok((record, Offered::Failed(error)));
        };
        record.spare();
        record.finish(error);
        let path = record.path();
        drop(record);
        self.tell_pair(StatusClass::None, error);
        let (fate, now_us) = ((Arm::Green, green_bp, true), worker.clock.now_us());
        let record = Record::open(&self.visitor, &route, &arm.deployment, fate, now_us)
            .asking(path.as_ref());
        Ok((record, self.offer(arm, now_us).await))
    }

    /// The candidate, where it may stand in for a default arm that takes no connection. One that
    /// never had weight may not; a tester who asked for one arm is not shown the other.
    fn stand_in<'a>(&self, route: &'a LiveRoute) -> Option<&'a Arc<LiveArm>> {
        let had_weight = self.assignment.green_bp > 0 || route.candidate_may_stand_in;
        route.candidate.as_ref().filter(|_| had_weight && !self.assignment.chosen)
    }

    /// Offers the request to endpoints of one arm in turn, the first time at `now_us`.
    pub(crate) async fn offer(&mut self, arm: &LiveArm, mut now_us: u64) -> Offered {
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
        if (repeatable || self.may_repeat) && self.spare.is_none() {
            self.spare = self.request.as_ref().and_then(copy_of);
        }
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
        // Nothing came back on a connection that had been idle: the upstream was closing it.
        if repeatable && !failure.into_error().is_parse() {
            self.request = self.spare.take();
            return Offered::Unsent(ErrorKind::Connect);
        }
        Offered::Failed(ErrorKind::Reset)
    }

    /// Waits for the response head, for the response time after the last piece of the request.
    pub(crate) async fn within_time<T>(&self, sent: impl Future<Output = T>) -> Option<T> {
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

    /// Tells the comparison with the copy how the arm answered; nobody else is told after that.
    fn tell_pair(&mut self, status: StatusClass, error: ErrorKind) -> Option<Rc<Pair>> {
        let pair = self.pair.take()?;
        pair.blue(status, error);
        Some(pair).filter(|pair| pair.wants_bodies())
    }

    /// Turns what came of it into the answer.
    fn finish(
        mut self,
        mut record: Record,
        offered: Offered,
        upgrade: Option<OnUpgrade>,
        admitted: Admitted,
    ) -> Answer {
        let (response, connection) = match offered {
            Offered::Answered(response, connection) => (response, connection),
            Offered::Unsent(error) | Offered::Failed(error) => {
                self.tell_pair(StatusClass::None, error);
                record.finish(error);
                return failed(&self.route, error);
            }
            Offered::Cut => {
                record.cut();
                return unavailable(&self.route, "the release was taken away\n");
            }
        };
        record.head(response.status().as_u16());
        let pair = self.tell_pair(StatusClass::of(response.status().as_u16()), ErrorKind::None);
        let rescued = record.is_rescue() && !response.status().is_server_error();
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
            let body = Forwarded::new(body, record, connection, admitted, (broken, pair));
            Response::from_parts(parts, AnswerBody::Forwarded(Box::new(body)))
        };
        if rescued {
            rescue::mark(answer.headers_mut());
        }
        let new = self.assignment.sticks.filter(|sticks| !sticks.returning);
        if let (Some(sticks), Some(sticky)) = (new, &self.route.sticky) {
            let value = assign::place_text(sticks, self.assignment.green_bp, &sticky.tag);
            let secure = self.visitor.secure;
            headers::set_cookie(answer.headers_mut(), &sticky.cookie, &value, secure);
        }
        answer
    }
}

/// Whether sending it twice is the same as sending it once.
fn is_repeatable(request: &Request<RequestBody>) -> bool {
    matches!(request.body(), RequestBody::Empty) && headers::is_idempotent(request.method())
}

/// A second copy of a request; none of one whose body can be read only once.
pub(crate) fn copy_of(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let body = match request.body() {
        RequestBody::Empty => RequestBody::Empty,
        RequestBody::Whole(whole) => RequestBody::Whole(whole.clone()),
        RequestBody::Incoming(..) => return None,
    };
    let mut copy = Request::new(body);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
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
