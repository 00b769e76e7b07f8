//! The second attempt: how a request that failed on one arm goes on on the arm behind it. Owns
//! what is kept for it and what becomes of the first answer; the rules and the bounds are elsewhere.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::task::spawn_local;
use tokio::time::timeout;
use towpath_guard::{Arm, ErrorKind, StatusClass};

use crate::body::RequestBody;
use crate::budget::{Kept, Place, Refused};
use crate::forward::{Offered, Passage, Visitor};
use crate::live::LiveArm;
use crate::record::Record;

/// What is read of an answer that nobody gets, in bytes, so that its connection can be used again:
/// an error page. A new connection costs less than reading more.
const MAX_DISCARDED_BYTES: usize = 64 * 1024;
/// How long that may take: the page was on its way when its head arrived.
const DISCARD_TIME: Duration = Duration::from_secs(1);

impl Passage {
    /// Whether the arm behind may be asked if this one fails. Reads what is needed for it: a
    /// body, whole, if it is not too large.
    pub(crate) async fn prepare_rescue(&mut self) -> Result<(), ErrorKind> {
        let (Some(rules), Some(request)) = (&self.route.rescue, &self.request) else {
            return Ok(());
        };
        let has_another = self.route.behind(self.assignment.arm).is_some();
        if !has_another || self.assignment.chosen || !rules.allow(request) {
            return Ok(());
        }
        self.may_repeat = true;
        if matches!(request.body(), RequestBody::Empty) {
            return Ok(());
        }
        let length = request.body().size_hint().exact();
        let length = length.filter(|length| *length <= rules.body_bytes);
        let first = self.route.of(self.assignment.arm).map(|arm| &arm.deployment);
        self.kept = first.zip(length).and_then(|(one, length)| Kept::take(one, length));
        if self.kept.is_some() { self.read_body().await } else { Ok(()) }
    }

    async fn read_body(&mut self) -> Result<(), ErrorKind> {
        let Some(request) = self.request.take() else { return Ok(()) };
        let (parts, body) = request.into_parts();
        // The visitor's time and the visitor's mistakes: no evidence against an arm.
        let read = self.within_time(body.collect()).await.ok_or(ErrorKind::ClientAbort)?;
        let whole = read.map_err(|_| ErrorKind::ClientAbort)?.to_bytes();
        self.upload.last_us.set(self.visitor.worker.clock.now_us());
        self.request = Some(http::Request::from_parts(parts, RequestBody::Whole(Some(whole))));
        Ok(())
    }

    /// Goes on with a request of an arm that has another behind it: serves it again there if it failed
    /// and if rules and bounds let it.
    pub(crate) async fn rescue(
        &mut self,
        mut first: Record,
        offered: Offered,
    ) -> (Record, Offered) {
        let Some(error) = failure(&offered, self.upgrades) else { return (first, offered) };
        let Some((other, place)) = self.place(&first, &offered) else { return (first, offered) };
        if let Offered::Answered(response, _) = &offered {
            first.head(response.status().as_u16());
        }
        // The first attempt is the evidence, whatever becomes of the second.
        first.spare();
        first.finish(error);
        let now_us = self.visitor.worker.clock.now_us();
        let (visitor, route) = (&self.visitor, &self.route);
        let second = Record::open_rescue(visitor, route, &other.deployment, place, now_us);
        self.may_repeat = false;
        if self.request.is_none() {
            self.request = self.spare.take();
        }
        let answered = self.ask_again(&other, now_us).await;
        settle(&self.visitor, (first, offered), (second, answered))
    }

    /// Asks the arm behind, for as long as the rules let it.
    pub(crate) async fn ask_again(&mut self, other: &LiveArm, now_us: u64) -> Offered {
        let within = self.route.rescue.as_ref().map(|rules| rules.within);
        let again = self.offer(other, now_us);
        match within {
            Some(within) => {
                timeout(within, again).await.unwrap_or(Offered::Failed(ErrorKind::Timeout))
            }
            None => again.await,
        }
    }

    /// The arm behind and a place in the budget. What was never sent is passed on by whatever
    /// method and whatever the bounds say: endpoints that refuse connections rest, so it is little.
    fn place(&self, first: &Record, offered: &Offered) -> Option<(Arc<LiveArm>, Place)> {
        let arm = self.assignment.arm;
        let failed = &self.route.of(arm)?.deployment;
        let unsent = matches!(offered, Offered::Unsent(_));
        if self.assignment.chosen || !(unsent || self.may_repeat) {
            return None;
        }
        let other = self.route.behind(arm)?;
        // What no longer stands by may be gone, and another program may have its address.
        let passes_on = unsent && arm == Arm::Green;
        if !passes_on && !self.still_answers(other) {
            return None;
        }
        if !unsent && self.spare.is_none() {
            first.refuse_rescue(Refused::Size);
            return None;
        }
        match Place::take(failed, self.visitor.worker.clock.now_us(), unsent) {
            Ok(place) => Some((Arc::clone(other), place)),
            Err(why) => {
                first.refuse_rescue(why);
                None
            }
        }
    }
}

impl Passage {
    /// Whether the arm serves still, or stands by. After a commit that leaves it neither, the old release
    /// is on its way out and mends nothing any more.
    pub(crate) fn still_answers(&self, other: &LiveArm) -> bool {
        let current = self.visitor.cell.live.load();
        let is_it = |arm: &Arc<LiveArm>| Arc::ptr_eq(&arm.deployment, &other.deployment);
        current.default.iter().chain(&current.standby).any(is_it)
    }
}

/// How an attempt failed of a request that `upgrades` or does not; none if it did not, or if it was not
/// the arm's fault.
pub(crate) fn failure(offered: &Offered, upgrades: bool) -> Option<ErrorKind> {
    match offered {
        Offered::Answered(response, _) => {
            let status = response.status();
            if status == StatusCode::SWITCHING_PROTOCOLS && !upgrades {
                return Some(ErrorKind::Reset);
            }
            let failed = StatusClass::of(status.as_u16()) == StatusClass::ServerError;
            failed.then_some(ErrorKind::None)
        }
        Offered::Unsent(error) | Offered::Failed(error) => {
            (*error != ErrorKind::ClientAbort).then_some(*error)
        }
        Offered::Cut => None,
    }
}

/// What the visitor gets of a first attempt that failed, and was counted, and a second one.
pub(crate) fn settle(
    visitor: &Visitor,
    (first, offered): (Record, Offered),
    (mut second, answered): (Record, Offered),
) -> (Record, Offered) {
    match answered {
        Offered::Answered(..) => {
            discard(visitor, offered);
            (second, answered)
        }
        Offered::Unsent(error) | Offered::Failed(error) => {
            second.finish(error);
            (first, offered)
        }
        Offered::Cut => {
            second.cut();
            (first, offered)
        }
    }
}

/// Lets go of an answer that the visitor does not get.
pub(crate) fn discard(visitor: &Visitor, offered: Offered) {
    let Offered::Answered(response, connection) = offered else { return };
    let worker = Rc::clone(&visitor.worker);
    spawn_local(async move {
        let read = timeout(DISCARD_TIME, read_out(response)).await;
        if read == Ok(true) {
            connection.give_back(worker.clock.now_us());
        }
    });
}

/// Reads the rest of an answer; says whether its end was reached.
async fn read_out(response: Response<Incoming>) -> bool {
    let mut body = response.into_body();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        seen += frame.data_ref().map_or(0, bytes::Bytes::len);
        if seen > MAX_DISCARDED_BYTES {
            return false;
        }
    }
    true
}
