//! A store in memory that keeps the port's promises: versions, epochs, one turn for one id, an
//! outbox. Breaks exactly those that a test tells it to. Chains nothing: `verify` counts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::Notify;
use towpath_audit::chain::{self, Walk};
use towpath_core::ids::{Digest, Epoch, LaneId, Name, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_ports::answers::{Answers, AskedOnce, Claim, KeptAnswer};
use towpath_ports::store::{
    ChainReport, EventRow, IntervalRow, OutboxRow, PromotionRow, StateRow, Store, StoreError, Turn,
    WrittenEvent,
};

/// What goes wrong with one commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CommitFault {
    /// Written, and the engine dies before it hears of it.
    CrashAfter,
    /// Not written, and the engine dies.
    CrashBefore,
    /// Somebody else changed a state.
    Conflict,
    /// Nothing written; busy.
    Unavailable,
    /// Nothing written; no space.
    Full,
    /// Written, but the answer is lost.
    AnswerLost,
    /// Not written, and the answer is lost.
    RequestLost,
}

#[derive(Default)]
struct Kept {
    epoch: Epoch,
    turns: Vec<String>,
    events: Vec<EventRow>,
    states: BTreeMap<String, StateRow>,
    outbox: Vec<OutboxRow>,
    promotions: BTreeMap<PromotionNumber, PromotionRow>,
    intervals: Vec<IntervalRow>,
    /// Faults of the next commits, in order; none is a commit that goes well.
    faults: VecDeque<Option<CommitFault>>,
    /// So many questions stay without an answer.
    silent_questions: u32,
    /// Whether there is space for urgent turns only.
    is_short: bool,
    /// Whether what was counted cannot be read.
    forgets_counts: bool,
    /// Probes that came later are not kept.
    probes_until: Option<Timestamp>,
    /// Whether a turn was written is never said again.
    refuses_questions: bool,
    /// Each turn that was ever asked to be written, as often as it was.
    asked: Vec<String>,
}

/// Keeps a journal until the test ends.
#[derive(Default)]
pub(crate) struct MemoryStore {
    kept: Mutex<Kept>,
    /// Told when a fault asks for the engine's end.
    pub(crate) crashed: Notify,
}

impl MemoryStore {
    /// What goes wrong with the next commits, in order.
    pub(crate) fn fail_next(&self, faults: &[CommitFault]) {
        self.kept.lock().unwrap().faults.extend(faults.iter().copied().map(Some));
    }

    /// What goes wrong with the commit after `well` ones that go well.
    pub(crate) fn fail_after(&self, well: usize, fault: CommitFault) {
        let mut kept = self.kept.lock().unwrap();
        kept.faults.extend(std::iter::repeat_n(None, well));
        kept.faults.push_back(Some(fault));
    }

    /// What was to go wrong and did not happen yet will not.
    pub(crate) fn mend(&self) {
        let mut kept = self.kept.lock().unwrap();
        kept.faults.clear();
        kept.silent_questions = 0;
        kept.refuses_questions = false;
    }

    /// From now on there is, or is not, space for urgent turns only.
    pub(crate) fn is_short_of_space(&self, is_short: bool) {
        self.kept.lock().unwrap().is_short = is_short;
    }

    /// What was counted cannot be read from now on.
    pub(crate) fn forget_counts(&self) {
        self.kept.lock().unwrap().forgets_counts = true;
    }

    /// Probes of intervals that begin later than this are lost.
    pub(crate) fn keep_no_probes_after(&self, until: Timestamp) {
        self.kept.lock().unwrap().probes_until = Some(until);
    }

    /// Whether a turn was written is not said any more, as after a failure of the disk.
    pub(crate) fn refuse_questions_about_turns(&self) {
        self.kept.lock().unwrap().refuses_questions = true;
    }

    /// So many of the next questions whether a turn was written stay without an answer.
    pub(crate) fn stay_silent_about_turns(&self, times: u32) {
        self.kept.lock().unwrap().silent_questions = times;
    }

    /// How many turns were asked to be written more than once.
    pub(crate) fn repeated(&self) -> usize {
        let asked = self.kept.lock().unwrap().asked.clone();
        let once: std::collections::BTreeSet<_> = asked.iter().collect();
        asked.len() - once.len()
    }

    /// Kinds of all events, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.kept.lock().unwrap().events.iter().map(|event| event.kind.clone()).collect()
    }

    /// How many events of this kind there are.
    pub(crate) fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|own| *own == kind).count()
    }

    /// Commands without an outcome.
    pub(crate) fn pending(&self) -> usize {
        self.kept.lock().unwrap().outbox.len()
    }

    /// The states as they are kept.
    pub(crate) fn saved(&self) -> BTreeMap<String, StateRow> {
        self.kept.lock().unwrap().states.clone()
    }

    /// Puts states there as another program left them.
    pub(crate) fn replace_states(&self, rows: Vec<StateRow>) {
        self.kept.lock().unwrap().states =
            rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    }

    /// The body of each event, in order.
    pub(crate) fn bodies(&self) -> Vec<EventRow> {
        self.kept.lock().unwrap().events.clone()
    }
}

impl Kept {
    fn write(&mut self, epoch: Epoch, turn: &Turn) -> Result<Vec<u64>, StoreError> {
        if epoch != self.epoch {
            return Err(StoreError::Fenced { current: self.epoch, own: epoch });
        }
        if self.is_short && !turn.urgent {
            return Err(StoreError::Full("the disk is full".to_owned()));
        }
        if self.turns.contains(&turn.id) {
            return Err(StoreError::Refused("a turn with this id was written before".to_owned()));
        }
        for state in &turn.states {
            let known = self.states.get(&state.key).map_or(0, |known| known.version);
            if state.version != known + 1 {
                return Err(StoreError::Conflict { key: state.key.clone() });
            }
        }
        self.outbox.retain(|command| !turn.finished.contains(&command.id));
        if turn.commands.iter().any(|new| self.outbox.iter().any(|old| old.id == new.id)) {
            return Err(StoreError::Refused("the command waits already".to_owned()));
        }
        self.turns.push(turn.id.clone());
        self.outbox.extend(turn.commands.iter().cloned());
        self.states.extend(turn.states.iter().map(|row| (row.key.clone(), row.clone())));
        self.promotions.extend(turn.promotions.iter().map(|row| (row.number, row.clone())));
        let mut placed = Vec::new();
        for event in &turn.events {
            let seq = self.events.len() as u64 + 1;
            placed.push(seq);
            self.events.push(EventRow {
                seq,
                at: turn.at,
                lane: event.lane.clone(),
                promotion: event.promotion,
                actor: event.actor.clone(),
                kind: event.kind.clone(),
                body: event.body.clone(),
                hash: Digest::of(&[]),
            });
        }
        Ok(placed)
    }
}

#[async_trait]
impl Answers for MemoryStore {
    async fn claim(&self, _: &AskedOnce) -> Result<Claim, StoreError> {
        Ok(Claim::Mine)
    }

    async fn keep_answer(&self, _: &Digest, _: &KeptAnswer) -> Result<(), StoreError> {
        Ok(())
    }

    async fn release(&self, _: &Digest) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn take_ownership(&self, _now: Timestamp) -> Result<Epoch, StoreError> {
        let mut kept = self.kept.lock().unwrap();
        kept.epoch.0 += 1;
        Ok(kept.epoch)
    }

    async fn commit(&self, epoch: Epoch, turn: &Turn) -> Result<Vec<u64>, StoreError> {
        let lost = || Err(StoreError::Unknown("no answer".to_owned()));
        let fault = {
            let mut kept = self.kept.lock().unwrap();
            kept.asked.push(turn.id.clone());
            kept.faults.pop_front().flatten()
        };
        match fault {
            None => self.kept.lock().unwrap().write(epoch, turn),
            Some(CommitFault::CrashAfter) => {
                self.kept.lock().unwrap().write(epoch, turn)?;
                self.crashed.notify_one();
                std::future::pending().await
            }
            Some(CommitFault::CrashBefore) => {
                self.crashed.notify_one();
                std::future::pending().await
            }
            Some(CommitFault::Conflict) => Err(StoreError::Conflict { key: "app/prod".to_owned() }),
            Some(CommitFault::Unavailable) => Err(StoreError::Unavailable("busy".to_owned())),
            Some(CommitFault::Full) => Err(StoreError::Full("the disk is full".to_owned())),
            Some(CommitFault::AnswerLost) => {
                self.kept.lock().unwrap().write(epoch, turn)?;
                lost()
            }
            Some(CommitFault::RequestLost) => lost(),
        }
    }

    async fn has_turn(&self, id: &str) -> Result<bool, StoreError> {
        let mut kept = self.kept.lock().unwrap();
        if id != "-" && kept.silent_questions > 0 {
            kept.silent_questions -= 1;
            return Err(StoreError::Unavailable("no connection".to_owned()));
        }
        if id != "-" && kept.refuses_questions {
            return Err(StoreError::Refused("the disk failed".to_owned()));
        }
        Ok(kept.turns.iter().any(|own| own == id))
    }

    async fn states(&self) -> Result<Vec<StateRow>, StoreError> {
        Ok(self.kept.lock().unwrap().states.values().cloned().collect())
    }

    async fn pending_commands(&self) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(self.kept.lock().unwrap().outbox.clone())
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let kept = self.kept.lock().unwrap();
        let later = kept.events.iter().filter(|event| event.seq > after);
        Ok(later.take(limit as usize).cloned().collect())
    }

    async fn written(&self, after: u64, limit: u32) -> Result<Vec<WrittenEvent>, StoreError> {
        let mut chain = Walk::new(chain::genesis(&Name::new("project").unwrap(), 1));
        let kept = self.kept.lock().unwrap();
        let mut written: Vec<_> = kept
            .events
            .iter()
            .map(|event| WrittenEvent {
                seq: i64::try_from(event.seq).unwrap(),
                at: event.at.0,
                lane: event.lane.as_ref().map(ToString::to_string),
                promotion: event.promotion.map(|number| i64::try_from(number.0).unwrap()),
                actor: event.actor.clone(),
                kind: event.kind.clone(),
                body: event.body.to_string(),
                hash: String::new(),
            })
            .collect();
        for event in &mut written {
            event.hash = chain::link(chain.hash(), event).to_string();
            chain.step(event).unwrap();
        }
        let first = usize::try_from(after).unwrap().min(written.len());
        Ok(written.into_iter().skip(first).take(limit as usize).collect())
    }

    async fn events_named(
        &self,
        kind: &str,
        lanes: &[LaneId],
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let kept = self.kept.lock().unwrap();
        let named = kept.events.iter().rev().filter(|event| {
            event.kind == kind
                && before.is_none_or(|before| event.seq < before)
                && (lanes.is_empty()
                    || event.lane.as_ref().is_some_and(|lane| lanes.contains(lane)))
        });
        Ok(named.take(limit as usize).cloned().collect())
    }

    async fn promotions(
        &self,
        lane: Option<&LaneId>,
        before: Option<PromotionNumber>,
        limit: u32,
    ) -> Result<Vec<PromotionRow>, StoreError> {
        let kept = self.kept.lock().unwrap();
        let all = kept.promotions.values().rev();
        let wanted = all.filter(|row| {
            lane.is_none_or(|lane| *lane == row.lane)
                && before.is_none_or(|before| row.number < before)
        });
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    async fn keep_intervals(&self, rows: &[IntervalRow]) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().unwrap();
        let until = kept.probes_until.unwrap_or(Timestamp(i64::MAX));
        for row in rows.iter().filter(|row| row.source != "probes" || row.start <= until) {
            let key = |one: &IntervalRow| {
                (one.lane.clone(), one.start, one.deployment, one.source.clone())
            };
            kept.intervals.retain(|own| key(own) != key(row));
            kept.intervals.push(row.clone());
        }
        kept.intervals.sort_by_key(|row| row.start);
        Ok(())
    }

    async fn intervals(
        &self,
        lane: &LaneId,
        since: Timestamp,
    ) -> Result<Vec<IntervalRow>, StoreError> {
        let kept = self.kept.lock().unwrap();
        if kept.forgets_counts {
            return Err(StoreError::Unavailable("the disk does not answer".to_owned()));
        }
        let own = kept.intervals.iter().filter(|row| row.lane == *lane && row.start >= since);
        Ok(own.cloned().collect())
    }

    async fn drop_intervals(&self, before: Timestamp, _limit: u32) -> Result<u64, StoreError> {
        let mut kept = self.kept.lock().unwrap();
        let all = kept.intervals.len();
        kept.intervals.retain(|row| row.start >= before);
        Ok((all - kept.intervals.len()) as u64)
    }

    fn shortage(&self) -> Option<String> {
        self.kept.lock().unwrap().is_short.then(|| "the disk is full".to_owned())
    }

    async fn verify(&self) -> Result<ChainReport, StoreError> {
        let events = self.kept.lock().unwrap().events.len() as u64;
        Ok(ChainReport { events, span: None, broken: None })
    }
}
