//! The invariants of design.md section 5, checked from outside: against the journal, what adapters
//! really did, and what checks really answered. Believes nothing that the core says about itself.

mod agreed;
mod effects;
mod freezes;

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::check::CheckResult;
use towpath_core::ids::{Digest, LaneId, PromotionNumber, Revision};
use towpath_core::journal::{Event, Remembered, Requested};
use towpath_core::plan::Plan;
use towpath_core::project::Project;
use towpath_core::promotion::command::CommandOutcome;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::{CheckKey, GateList, Kind, Lane, Outcome, State};
use towpath_core::settings;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Standing;

use super::{Broken, REST_WITHIN, chaos::Chaos};
use crate::machine::disk::{Row, hash_of};
use crate::machine::told::Told;
use crate::machine::{BEGINNING, World};

/// How long the router and the record may differ while everybody could know: twice the lease.
const TOLERATED_LAG: Span = Span::seconds(60);

/// Watches one simulation.
#[derive(Debug)]
pub struct Watcher {
    seed: u64,
    broken: Vec<Broken>,
    acknowledged: Option<(usize, u64)>,
    ended: BTreeSet<PromotionNumber>,
    open: BTreeMap<LaneId, BTreeSet<PromotionNumber>>,
    asked_for: BTreeMap<PromotionNumber, Plan>,
    started: BTreeMap<PromotionNumber, Plan>,
    real_passes: BTreeSet<(PromotionNumber, CheckKey)>,
    ordered: BTreeMap<PromotionNumber, Revision>,
    observed: BTreeSet<(LaneId, Revision, Weight)>,
    obeyed: BTreeSet<(LaneId, Revision)>,
    last_input: BTreeMap<LaneId, Input>,
    visited: BTreeSet<PromotionNumber>,
    returning: BTreeSet<PromotionNumber>,
    condemned: BTreeSet<PromotionNumber>,
    blamed: BTreeSet<PromotionNumber>,
    /// Releases, and those that are out under these settings alone.
    quarantined: BTreeMap<LaneId, BTreeSet<(Digest, Option<Digest>)>>,
    remembered: BTreeMap<LaneId, Remembered>,
    ensured_for: BTreeMap<PromotionNumber, PromotionNumber>,
    differs_since: BTreeMap<LaneId, Timestamp>,
    words: agreed::Words,
    at: Timestamp,
    frozen: freezes::Frozen,
}

impl Watcher {
    /// Of the simulation with this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            broken: Vec::new(),
            acknowledged: None,
            ended: BTreeSet::new(),
            open: BTreeMap::new(),
            asked_for: BTreeMap::new(),
            started: BTreeMap::new(),
            real_passes: BTreeSet::new(),
            ordered: BTreeMap::new(),
            observed: BTreeSet::new(),
            obeyed: BTreeSet::new(),
            last_input: BTreeMap::new(),
            visited: BTreeSet::new(),
            returning: BTreeSet::new(),
            condemned: BTreeSet::new(),
            blamed: BTreeSet::new(),
            quarantined: BTreeMap::new(),
            remembered: BTreeMap::new(),
            ensured_for: BTreeMap::new(),
            differs_since: BTreeMap::new(),
            words: BTreeMap::new(),
            at: BEGINNING,
            frozen: freezes::Frozen::default(),
        }
    }

    /// What did not hold.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    fn fail(&mut self, invariant: &'static str, sentence: impl Into<String>) {
        self.broken.push(Broken { invariant, seed: self.seed, sentence: sentence.into() });
    }

    /// Checks everything after a step in which `told` happened. Answers whether something is broken.
    pub fn check(&mut self, world: &World<Chaos>, told: &[(Timestamp, Told)]) -> bool {
        self.nothing_acknowledged_is_lost(world);
        for (at, told) in told {
            self.at = *at;
            self.take(world, told);
        }
        self.lanes_are_sound(world, told);
        if let Some(sentence) = &world.differs {
            self.fail("I7", sentence.clone());
        }
        !self.broken.is_empty()
    }

    fn nothing_acknowledged_is_lost(&mut self, world: &World<Chaos>) {
        let rows = world.disk.rows();
        if let Some((count, hash)) = self.acknowledged
            && rows.get(count - 1).map(|row| row.hash) != Some(hash)
        {
            let sentence = format!("{count} events were acknowledged, {} are there", rows.len());
            self.fail("I1", sentence);
        }
        self.acknowledged = rows.last().map(|row| (rows.len(), row.hash));
    }

    fn journal_is_linked(&mut self, world: &World<Chaos>) {
        let mut before: Option<&Row> = None;
        for row in world.disk.rows() {
            let seq = before.map_or(1, |before| before.seq + 1);
            if row.seq != seq || row.hash != hash_of(before.map(|before| before.hash), row) {
                self.fail("I7", format!("event {} does not follow the one before it", row.seq));
                return;
            }
            before = Some(row);
        }
    }

    fn take(&mut self, world: &World<Chaos>, told: &Told) {
        match told {
            Told::Input { lane, input } => {
                self.last_input.insert(lane.clone(), input.clone());
            }
            Told::Recorded { lane: Some(lane), event } => self.recorded(world, lane, event),
            Told::Effect { epoch, newest, command } => {
                if epoch < newest {
                    let lane = &command.lane;
                    self.fail("I2", format!("{lane} obeyed epoch {epoch} after epoch {newest}"));
                }
                self.effect(world, command);
            }
            Told::Observed { lane, revision, weight } => {
                self.observed.insert((lane.clone(), *revision, *weight));
                self.obeyed.insert((lane.clone(), *revision));
            }
            Told::Answered { promotion, key, result: CheckResult::Pass } => {
                self.real_passes.insert((*promotion, key.clone()));
            }
            Told::Recorded { lane: None, event } => self.frozen.changed(event),
            Told::Answered { .. }
            | Told::World(_)
            | Told::Ordered(_)
            | Told::Refused(_)
            | Told::Note(_)
            | Told::Fenced { .. } => {}
        }
    }

    fn recorded(&mut self, world: &World<Chaos>, lane: &LaneId, event: &Event) {
        if let Some(number) = event.promotion()
            && self.ended.contains(&number)
            && !matches!(event, Event::ReasonGiven { .. } | Event::DebtOverdue { .. })
        {
            self.fail("I5", format!("{} after the end of promotion {number}", event.kind()));
        }
        self.freezes_bind(world, lane, event);
        match event {
            Event::PromotionRequested(requested) => self.requested(lane, requested),
            Event::PlanChanged { number, plan } => {
                if self.started.contains_key(number) {
                    self.fail("I12", format!("promotion {number} is planned anew after its start"));
                }
                self.asked_for.insert(*number, (**plan).clone());
            }
            Event::CheckAnswered { number, key, answer, .. } => {
                let real = self.real_passes.contains(&(*number, key.clone()));
                if answer.result == CheckResult::Pass && !real {
                    let key = String::from(key.clone());
                    self.fail("I3", format!("{key} of promotion {number} never said yes"));
                }
            }
            Event::ApprovalGiven { approval, .. } => self.said(lane, approval),
            Event::PromotionStarted { number, standby, .. } => {
                self.is_agreed(world, lane, *number);
                self.started(world, lane, *number, *standby);
            }
            Event::WeightOrdered { number, revision, .. } => {
                self.ordered.insert(*number, *revision);
                self.visited.insert(*number);
                self.gate_is_open(*number, GateList::Validation);
            }
            Event::CommitOrdered { number, revision, .. } => {
                self.ordered.insert(*number, *revision);
            }
            Event::ReturnOrdered { number, revision, .. } => {
                self.ordered.insert(*number, *revision);
                self.returns(world, lane, *number);
            }
            Event::WeightObserved { number, weight, .. } => {
                let revision = self.ordered.get(number).copied().unwrap_or_default();
                if !self.observed.contains(&(lane.clone(), revision, *weight)) {
                    let sentence = format!("{lane}: {weight} of revision {revision} is recorded");
                    self.fail("I4", format!("{sentence} and was never seen at the router"));
                }
            }
            Event::Committed { number, .. } | Event::TrafficReturned { number } => {
                self.route_recorded(lane, *number, event);
            }
            Event::Condemned { number, .. } => {
                self.condemned.insert(*number);
            }
            Event::ReleaseQuarantined { release, number, settings, .. } => {
                self.quarantine(lane, *number, (release.digest.clone(), settings.clone()));
            }
            Event::QuarantineLifted { digest, .. } => {
                let all = self.quarantined.entry(lane.clone()).or_default();
                all.retain(|(own, _)| own != digest);
            }
            Event::PromotionEnded { number, outcome, .. } => self.end(lane, *number, *outcome),
            Event::RollbackRemembered(_) | Event::RollbackAsked { .. } => {
                self.memory_changed(lane, event);
            }
            _ => {}
        }
    }

    fn route_recorded(&mut self, lane: &LaneId, number: PromotionNumber, event: &Event) {
        let revision = self.ordered.get(&number).copied().unwrap_or_default();
        if !self.obeyed.contains(&(lane.clone(), revision)) {
            let kind = event.kind();
            self.fail("I4", format!("{kind} {number}, but nobody obeyed {revision}"));
        }
        let nobody_answers = matches!(
            self.last_input.get(lane),
            Some(Input::CommandEnded {
                outcome: CommandOutcome::Routed { default_ready: Some(0), .. },
                ..
            })
        );
        if nobody_answers && matches!(event, Event::Committed { .. }) {
            self.fail("I4", format!("commit {number} is recorded and none of its copies answers"));
        }
    }

    fn memory_changed(&mut self, lane: &LaneId, event: &Event) {
        match event {
            Event::RollbackRemembered(one) => self.remembered.insert(lane.clone(), one.clone()),
            _ => self.remembered.remove(lane),
        };
    }

    /// Where visitors can only go to nothing, or to a blue that would lose data, a person says so.
    fn returns(&mut self, world: &World<Chaos>, lane: &LaneId, number: PromotionNumber) {
        if self.is_blame(lane) {
            self.blamed.insert(number);
        }
        if !self.returning.insert(number) {
            return;
        }
        let state = world.disk.project().lane(lane);
        let Some(promotion) = state.promotion(number) else { return };
        let by_a_person = matches!(
            self.last_input.get(lane),
            Some(Input::RollbackOrdered { .. } | Input::AbortOrdered { .. })
        );
        if self.visited.contains(&number) && !promotion.can_return() && !by_a_person {
            self.fail("s6", format!("promotion {number} went back by itself and could not"));
        }
    }

    fn requested(&mut self, lane: &LaneId, requested: &Requested) {
        let number = requested.number;
        if self.asked_for.insert(number, requested.plan.clone()).is_some() {
            self.fail("I2", format!("two promotions are called {number}"));
        }
        if requested.plan.kind == Kind::Rollback
            && self.remembered.remove(lane).is_some_and(|one| one.quarantine)
        {
            self.blamed.insert(number);
        }
        if self.is_out(lane, &requested.plan) {
            let version = &requested.plan.release.version;
            self.fail("I11", format!("{version} entered {lane} though it is quarantined"));
        }
    }

    fn started(
        &mut self,
        world: &World<Chaos>,
        lane: &LaneId,
        number: PromotionNumber,
        standby: Option<PromotionNumber>,
    ) {
        self.ensured_for.extend(standby.map(|standby| (standby, number)));
        let open = self.open.entry(lane.clone()).or_default();
        open.insert(number);
        if open.len() > 1 {
            let sentence = format!("{lane} has promotions with effects: {open:?}");
            self.fail("I2", sentence);
        }
        if self.remembered.contains_key(lane) {
            let sentence = format!("promotion {number} took {lane} before a remembered rollback");
            self.fail("s6", sentence);
        }
        self.gate_is_open(number, GateList::Prerequisites);
        let plan = world.disk.project().lane(lane).promotion(number).map(|one| one.plan.clone());
        let plan = plan.or_else(|| self.asked_for.get(&number).cloned());
        self.started.extend(plan.map(|plan| (number, plan)));
    }

    /// Every check that must have passed by now really said yes once.
    fn gate_is_open(&mut self, number: PromotionNumber, list: GateList) {
        let Some(plan) = self.started.get(&number).or_else(|| self.asked_for.get(&number)) else {
            return;
        };
        if plan.kind == Kind::Rollback {
            return;
        }
        let gate = &plan.section.gate;
        let checks = match list {
            GateList::Prerequisites => &gate.prerequisites,
            GateList::Validation => &gate.validation,
        };
        let slugs = checks.iter().filter(|check| check.at == Weight::ZERO).map(|check| &check.slug);
        let closed = slugs
            .map(|slug| CheckKey { list, slug: slug.clone() })
            .find(|key| !self.real_passes.contains(&(number, key.clone())));
        if let Some(key) = closed {
            let key = String::from(key);
            self.fail("I3", format!("promotion {number} goes on though {key} never said yes"));
        }
    }

    /// Whether what a plan brings is quarantined, whatever its settings or with those of the plan.
    fn is_out(&self, lane: &LaneId, plan: &Plan) -> bool {
        let Some(all) = self.quarantined.get(lane) else { return false };
        let settings = settings::digest(&plan.section.settings);
        let of = |settings| all.contains(&(plan.release.digest.clone(), settings));
        of(None) || of(Some(settings))
    }

    fn quarantine(
        &mut self,
        lane: &LaneId,
        number: PromotionNumber,
        what: (Digest, Option<Digest>),
    ) {
        self.quarantined.entry(lane.clone()).or_default().insert(what);
        let condemned = self.condemned.contains(&number);
        if !condemned && !self.blamed.contains(&number) && !self.is_blame(lane) {
            self.fail("I11", format!("promotion {number} quarantined without a verdict"));
        }
    }

    fn end(&mut self, lane: &LaneId, number: PromotionNumber, outcome: Outcome) {
        self.ended.insert(number);
        self.forget_words(lane, number);
        self.open.entry(lane.clone()).or_default().remove(&number);
        let Some(plan) = self.asked_for.get(&number) else { return };
        let is_out = self.is_out(lane, plan);
        if self.condemned.contains(&number) && outcome != Outcome::Succeeded && !is_out {
            self.fail("I11", format!("promotion {number} was condemned and not quarantined"));
        }
    }

    fn lanes_are_sound(&mut self, world: &World<Chaos>, told: &[(Timestamp, Told)]) {
        for (id, lane) in &world.disk.project().lanes {
            if let Some(active) = &lane.active
                && self.started.get(&active.number).is_some_and(|plan| *plan != active.plan)
            {
                self.fail("I12", format!("promotion {} left its plan", active.number));
            }
            self.capacity_is_kept(world, id);
            self.weights_agree(world, lane);
        }
        let turned = told.iter().filter_map(|(_, told)| match told {
            Told::Input { lane, .. } => Some(lane),
            _ => None,
        });
        for lane in turned.collect::<BTreeSet<_>>() {
            self.something_will_happen(world, lane);
        }
    }

    fn capacity_is_kept(&mut self, world: &World<Chaos>, id: &LaneId) {
        let Some(router) = world.routers.get(id) else { return };
        let Some((number, _)) = router.candidate else { return };
        let ready = world.target.ready(id, number);
        let weight = u64::from(router.weight(ready).basis_points());
        if weight * u64::from(router.capacity) > 10_000 * u64::from(ready) {
            self.fail("I13", format!("{number} of {id} has more visitors than ready copies"));
        }
    }

    /// The record may lag behind the router, but not for long while everybody is there.
    fn weights_agree(&mut self, world: &World<Chaos>, lane: &Lane) {
        let agrees = match (&lane.active, world.routers.get(&lane.id)) {
            (Some(active), Some(router)) if matches!(active.state, State::Baking { .. }) => {
                let green = router.candidate.map(|(number, _)| number);
                let ready = green.map_or(0, |number| world.target.ready(&lane.id, number));
                let real = router.weight(ready);
                let everybody_is_there = router.in_contact && world.owner().is_some();
                real == active.weight || !everybody_is_there
            }
            (None, Some(router)) => {
                let holdback = lane.standby.as_ref().and_then(|it| it.holdback.as_ref());
                let old = router.held_back.map(|(number, ..)| number);
                let ready = old.map_or(0, |number| world.target.ready(&lane.id, number));
                let real = router.kept(ready);
                let everybody_is_there = router.in_contact && world.owner().is_some();
                holdback.is_none_or(|it| it.observed == real) || !everybody_is_there
            }
            _ => true,
        };
        if agrees {
            self.differs_since.remove(&lane.id);
            return;
        }
        let since = *self.differs_since.entry(lane.id.clone()).or_insert(world.now);
        if world.now.since(since) > TOLERATED_LAG {
            let id = &lane.id;
            self.fail("I4", format!("{id}: recorded and real weight differ for {TOLERATED_LAG}"));
        }
    }

    /// Whatever is open waits for an order that is out, or for a moment that will come.
    fn something_will_happen(&mut self, world: &World<Chaos>, id: &LaneId) {
        let Some(owner) = world.owner() else { return };
        let lane = world.engines[owner].project().lane(id);
        if lane.active.is_none() && lane.waiting.is_empty() {
            return;
        }
        let outbox = world.disk.outbox();
        let ordered = lane.awaited();
        let lost = ordered.iter().find(|command| !outbox.contains_key(&(id.clone(), **command)));
        if let Some(command) = lost {
            self.fail("I6", format!("{id} waits for command {command}, which is not out"));
        }
        if ordered.is_empty() && world.wakes_at(owner, id).is_none() {
            self.fail("I6", format!("{id} is open and waits for nothing"));
        }
    }

    /// Whether nothing is open any more, or too much time has passed.
    pub fn at_rest(&self, world: &World<Chaos>) -> bool {
        let lanes = world.disk.project().lanes.values();
        let mut open = lanes.filter(|lane| lane.active.is_some() || !lane.waiting.is_empty());
        open.next().is_none() || world.now > BEGINNING.plus(REST_WITHIN)
    }

    /// Everything has ended by now, and the journal alone gives the same states.
    pub fn check_rest(&mut self, world: &World<Chaos>) {
        let lanes = &world.disk.project().lanes;
        for lane in lanes.values() {
            for promotion in lane.active.iter().chain(&lane.waiting) {
                let (number, word) = (promotion.number, promotion.state.word());
                self.fail("I6", format!("promotion {number} never ends: it is {word}"));
            }
            for deployment in lane.stopping.keys() {
                self.fail("I6", format!("deployment {deployment} is never stopped"));
            }
        }
        if let Some(lane) = self.remembered.keys().next().cloned() {
            self.fail("I6", format!("a rollback of {lane} was remembered and never made"));
        }
        self.journal_is_linked(world);
        let mut folded = Project::default();
        for row in world.disk.rows() {
            folded.apply(row.lane.as_ref(), &row.event, row.at);
        }
        if folded.lanes != *lanes {
            self.fail("I7", "the states are not the fold of the journal");
        }
    }

    /// Whether the last input of a lane may throw a release out.
    fn is_blame(&self, lane: &LaneId) -> bool {
        match self.last_input.get(lane) {
            Some(Input::RollbackOrdered { quarantine, .. }) => *quarantine,
            Some(Input::Signalled { .. } | Input::HealthLost { .. }) => true,
            Some(Input::Judged { verdict, .. } | Input::Woken { verdict: Some(verdict), .. }) => {
                verdict.standing == Standing::Unhealthy
            }
            _ => false,
        }
    }
}
