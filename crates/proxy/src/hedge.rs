//! A request that the candidate is slow to answer is sent to the default arm as well, and whichever
//! answers well first is the visitor's. Owns that race; when it may be run is the rules' and the budget's.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::timeout;
use towpath_guard::{Arm, ErrorKind};

use crate::body::RequestBody;
use crate::budget::Place;
use crate::forward::{Offered, Passage, copy_of};
use crate::live::LiveArm;
use crate::record::Record;
use crate::second::{discard, failure, settle};

/// What a race needs.
pub(crate) struct Race {
    /// What the default arm is sent.
    copy: Request<RequestBody>,
    /// For how long the candidate is waited for before.
    head_start: Duration,
}

/// The first attempt, which goes on by itself: how slow it is, is evidence, whoever answers first.
struct First {
    record: Option<Record>,
    /// Whether the visitor has the other answer already.
    is_beaten: Rc<Cell<bool>>,
}

impl Passage {
    /// A race, if the rules ask for one and it is known what the default arm usually takes.
    pub(crate) fn may_hedge(&self) -> Option<Race> {
        let wanted = self.route.rescue.as_ref().is_some_and(|rules| rules.hedge);
        let comes = self.assignment.arm == Arm::Green;
        if !wanted || !comes || !self.may_repeat || self.upgrades {
            return None;
        }
        self.route.default.as_ref()?;
        let usual_us = self.route.shared.usual_us.load(Ordering::Relaxed);
        let head_start = Duration::from_micros(usual_us);
        if head_start >= self.route.response_timeout {
            return None;
        }
        Some(Race { copy: copy_of(self.request.as_ref()?)?, head_start })
    }

    /// Sends the request to the candidate, and to the default arm as well if the candidate takes long.
    pub(crate) async fn hedge(
        &mut self,
        first: Record,
        arm: Arc<LiveArm>,
        race: Race,
    ) -> (Record, Offered) {
        let is_beaten = Rc::new(Cell::new(false));
        let mut told = self.begin(first, arm, &is_beaten);
        self.spare = Some(race.copy);
        if let Ok(in_time) = timeout(race.head_start, &mut told).await {
            let (first, offered) = in_time.expect(TELLS);
            return self.rescue(first, offered).await;
        }
        let Some((blue, mut second, now_us)) = self.second() else {
            let (first, offered) = told.await.expect(TELLS);
            return self.rescue(first, offered).await;
        };
        self.may_repeat = false;
        self.request = self.spare.take();
        let visitor = Rc::clone(&self.visitor);
        let mut asked = std::pin::pin!(self.ask_again(&blue, now_us));
        let (mut first, offered) = tokio::select! {
            biased;
            first = &mut told => first.expect(TELLS),
            answered = &mut asked => {
                let answers = matches!(answered, Offered::Answered(..));
                if answers && failure(&answered, false).is_none() {
                    is_beaten.set(true);
                    return (second, answered);
                }
                // The candidate may answer yet, and better.
                second.outrun(true);
                discard(&visitor, answered);
                return told.await.expect(TELLS);
            }
        };
        let Some(error) = failure(&offered, false) else {
            second.outrun(false);
            return (first, offered);
        };
        if let Offered::Answered(response, _) = &offered {
            first.head(response.status().as_u16());
        }
        first.spare();
        first.finish(error);
        let answered = asked.await;
        settle(&visitor, (first, offered), (second, answered))
    }

    /// Sends the request to the candidate, and goes on with that whatever becomes of the visitor.
    fn begin(
        &mut self,
        record: Record,
        arm: Arc<LiveArm>,
        is_beaten: &Rc<Cell<bool>>,
    ) -> oneshot::Receiver<(Record, Offered)> {
        let (mut tell, told) = oneshot::channel();
        let request = self.request.take().expect("an unsent request is in its passage");
        let (visitor, route, began_us) =
            (Rc::clone(&self.visitor), Arc::clone(&self.route), self.began_us);
        let mut passage = Self::of_copy(request, Rc::clone(&visitor), route, began_us);
        let mut first = First { record: Some(record), is_beaten: Rc::clone(is_beaten) };
        spawn_local(async move {
            let mut offered = std::pin::pin!(passage.offer(&arm, began_us));
            let offered = tokio::select! {
                biased;
                offered = &mut offered => offered,
                () = tell.closed() => {
                    if !first.is_beaten.get() {
                        // The visitor has left.
                        return;
                    }
                    offered.await
                }
            };
            let Some(record) = first.record.take() else { return };
            if let Err((record, offered)) = tell.send((record, offered)) {
                first.end(record, &offered);
                discard(&visitor, offered);
            }
        });
        told
    }

    /// The default arm with the account of a second attempt, if there is room for one now.
    fn second(&self) -> Option<(Arc<LiveArm>, Record, u64)> {
        let blue = self.route.default.as_ref().filter(|blue| self.still_answers(blue))?;
        let candidate = &self.route.candidate.as_ref()?.deployment;
        let now_us = self.visitor.worker.clock.now_us();
        let place = Place::take(candidate, now_us, false).ok()?;
        let (visitor, route) = (&self.visitor, &self.route);
        let second = Record::open_rescue(visitor, route, &blue.deployment, place, now_us);
        second.hedges();
        Some((Arc::clone(blue), second, now_us))
    }
}

/// Why the first attempt is always heard of: its task says so before it ends, and ends with its worker.
const TELLS: &str = "the first attempt tells how it ended";

impl First {
    /// Counts an attempt that nobody waits for any more.
    fn end(&self, mut record: Record, offered: &Offered) {
        if !self.is_beaten.get() {
            record.finish(ErrorKind::ClientAbort);
            return;
        }
        record.spare();
        match offered {
            Offered::Answered(response, _) => {
                record.head(response.status().as_u16());
                record.finish(ErrorKind::None);
            }
            Offered::Unsent(error) | Offered::Failed(error) => record.finish(*error),
            Offered::Cut => record.finish(ErrorKind::ClientAbort),
        }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        // Cut off with its worker: nobody lost anything by it who has the other answer.
        if let Some(mut record) = self.record.take().filter(|_| self.is_beaten.get()) {
            record.finish(ErrorKind::ClientAbort);
        }
    }
}
