//! The engine as a model: turns around the real core, recovery, wake-ups, verdicts, and the
//! contact that keeps leases alive. Follows design.md section 4; has no socket, no thread and no
//! store of its own.

use std::collections::BTreeMap;

use towpath_core::ids::{Epoch, LaneId};
use towpath_core::journal::{EngineStart, Event};
use towpath_core::project::Project;
use towpath_core::promotion::command::{Command, CommandOutcome, Order};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::{Lane, State};
use towpath_core::promotion::{Decision, decide};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Standing;

use super::disk::{DiskError, Written};
use super::fate::{Fate, PATIENCE, out_of_patience};
use super::told::Told;
use super::{Happening, World, arms, bent, weight_of};
use crate::simulator::Planted;

/// One engine.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Its fencing token.
    pub epoch: Epoch,
    /// Whether its process is there.
    pub alive: bool,
    /// Stopped (as by SIGSTOP) before this moment.
    pub paused_until: Timestamp,
    /// How far its clock is off, in microseconds.
    pub skew: i64,
    project: Project,
    wakes: BTreeMap<LaneId, Timestamp>,
}

/// How soon the engine tries again when the store does not answer.
const STORE_RETRY: Span = Span::seconds(1);
/// How soon after a change of weight a renewal shows it.
const RENEWAL: Span = Span::seconds(5);
/// How long a look at copies takes that are ready already.
const LOOK: Span = Span(300);
/// How often visitors are looked at while some of them fail.
const JUDGE_AGAIN: Span = Span::seconds(5);

impl Engine {
    /// What it believes.
    pub fn project(&self) -> &Project {
        &self.project
    }

    pub(super) fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.skew))
    }
}

impl<F: Fate> World<F> {
    /// Starts an engine: it takes the journal over, reads everything back, runs the outbox again
    /// and looks at every lane. None while the store does not answer.
    pub fn boot(&mut self, skew: i64) -> Option<usize> {
        if self.now < self.disk.down_until {
            return None;
        }
        let epoch = self.disk.take_ownership();
        let at = Timestamp(self.now.0.saturating_add(skew));
        let event =
            Event::EngineStarted(EngineStart { epoch, program: "model".to_owned(), words: 0 });
        let written = Written { at, events: vec![event], ..Written::default() };
        self.disk.commit(epoch, self.now, &written).ok()?;
        self.disk.sync();
        let engine = Engine {
            epoch,
            alive: true,
            paused_until: self.now,
            skew,
            project: read_back(self.disk.project(), self.planted),
            wakes: BTreeMap::new(),
        };
        self.tell(format!("engine {epoch} starts"));
        self.engines.push(engine);
        let number = self.engines.len() - 1;
        for router in self.routers.values_mut() {
            router.lapse_told &= self.planted == Some(Planted::LapseNotReadBack);
            router.weight_told = None;
            router.in_contact = false;
        }
        self.look_at_leases();
        if self.planted != Some(Planted::OutboxDropped) {
            let pending: Vec<Command> = self.disk.outbox().values().cloned().collect();
            for command in pending {
                self.send(number, command);
            }
        }
        let lanes: Vec<LaneId> = self.engines[number].project.lanes.keys().cloned().collect();
        for lane in lanes {
            self.wake_at(number, &lane, self.now);
        }
        Some(number)
    }

    /// The engine that owns the journal, if its process is there.
    pub fn owner(&self) -> Option<usize> {
        let last = self.engines.len().checked_sub(1)?;
        let owner = &self.engines[last];
        (owner.alive && self.now >= owner.paused_until).then_some(last)
    }

    /// An engine's process ends without a word.
    pub fn kill(&mut self, engine: usize) {
        if self.engines[engine].alive {
            self.engines[engine].alive = false;
            let epoch = self.engines[engine].epoch;
            self.tell(format!("engine {epoch} dies"));
            self.look_at_leases();
        }
    }

    /// Writes something that belongs to no lane. Answers whether it was written.
    pub fn declare(&mut self, event: &Event) -> bool {
        let Some(owner) = self.owner() else { return false };
        let at = self.engines[owner].clock(self.now);
        let written = Written { at, events: vec![event.clone()], ..Written::default() };
        if self.disk.commit(self.engines[owner].epoch, self.now, &written).is_err() {
            return false;
        }
        self.engines[owner].project.apply(None, event, at);
        self.say(Told::Recorded { lane: None, event: event.clone() });
        self.wake_after(owner, event);
        if let Event::MatrixApplied { matrix, .. } = event
            && self.planted == Some(Planted::PlanReplaced)
        {
            replace_plans(&mut self.engines[owner].project, matrix);
            replace_plans(self.disk.project_mut(), matrix);
        }
        true
    }

    /// A button: the order goes to the engine that owns the journal. Answers whether one took it
    /// and decided about it, be it with a refusal; otherwise nothing was acknowledged.
    pub fn press(&mut self, lane: &LaneId, input: Input) -> bool {
        self.owner().is_some_and(|owner| self.turn(owner, lane, input).is_ok())
    }

    /// An outcome or news: kept and given again while the store does not answer.
    pub(super) fn give(&mut self, engine: usize, lane: &LaneId, input: Input) {
        if !self.engines[engine].alive {
            return;
        }
        if self.turn(engine, lane, input.clone()) == Err(DiskError::Down) {
            let at = self.now.plus(STORE_RETRY);
            let news = match input {
                Input::CommandEnded { command, outcome } => Happening::Deliver {
                    engine,
                    lane: lane.clone(),
                    command,
                    outcome: Box::new(outcome),
                },
                other => Happening::News { engine, lane: lane.clone(), input: Box::new(other) },
            };
            self.push(at, news);
        }
    }

    /// One turn of the machine.
    pub(super) fn turn(
        &mut self,
        engine: usize,
        lane: &LaneId,
        input: Input,
    ) -> Result<(), DiskError> {
        let input = self.bend_input(input);
        let now = self.engines[engine].clock(self.now);
        let bent = bent::project(self.planted, &self.engines[engine].project);
        let project = bent.as_ref().unwrap_or(&self.engines[engine].project);
        let mut decision = decide(project, lane, &input, now);
        self.bend_decision(engine, lane, &input, &mut decision);
        let finished = match &input {
            Input::CommandEnded { command, .. } => Some(*command),
            _ => None,
        };
        let written = Written {
            lane: Some(lane.clone()),
            at: now,
            events: decision.events.clone(),
            commands: decision.commands.clone(),
            finished,
        };
        let epoch = self.engines[engine].epoch;
        match self.disk.commit(epoch, self.now, &written) {
            Ok(()) => {}
            Err(DiskError::Fenced) => {
                self.kill(engine);
                return Err(DiskError::Fenced);
            }
            Err(DiskError::Down) => return Err(DiskError::Down),
        }
        self.say(Told::Input { lane: lane.clone(), input });
        self.took(engine, lane, decision, now);
        Ok(())
    }

    fn took(&mut self, engine: usize, lane: &LaneId, decision: Decision, now: Timestamp) {
        for event in &decision.events {
            self.engines[engine].project.apply(Some(lane), event, now);
            self.say(Told::Recorded { lane: Some(lane.clone()), event: event.clone() });
        }
        if let Some(folded) = &decision.lane
            && self.planted.is_none()
            && *folded != self.engines[engine].project.lane(lane)
        {
            self.differs = Some(format!("{lane}: what was decided is not the fold of its events"));
        }
        for note in decision.notes {
            self.say(Told::Note(note));
        }
        for command in &decision.commands {
            self.say(Told::Ordered(command.clone()));
        }
        if let Some(refusal) = decision.refusal {
            self.say(Told::Refused(refusal));
        }
        match decision.wake {
            Some(wake) => {
                let skew = self.engines[engine].skew;
                let at = Timestamp(wake.at.0.saturating_sub(skew)).max(self.now.plus(Span(1)));
                self.wake_at(engine, lane, at);
            }
            None => {
                self.engines[engine].wakes.remove(lane);
            }
        }
        if self.dies_before_effect && !decision.commands.is_empty() {
            self.dies_before_effect = false;
            self.kill(engine);
        }
        for command in decision.commands {
            self.send(engine, command);
        }
    }

    /// When a lane of this engine is looked at next; none when it needs nothing.
    pub fn wakes_at(&self, engine: usize, lane: &LaneId) -> Option<Timestamp> {
        self.engines[engine].wakes.get(lane).copied()
    }

    pub(super) fn wake_at(&mut self, engine: usize, lane: &LaneId, at: Timestamp) {
        self.engines[engine].wakes.insert(lane.clone(), at);
        self.push(at, Happening::Wake { engine, lane: lane.clone(), at });
    }

    pub(super) fn wake(&mut self, engine: usize, lane: &LaneId, at: Timestamp) {
        if !self.engines[engine].alive || self.engines[engine].wakes.get(lane) != Some(&at) {
            return;
        }
        let verdict = self.verdict_on_green(engine, lane);
        let input = Input::Woken { verdict, ask_again: false };
        if self.turn(engine, lane, input) == Err(DiskError::Down) {
            let later = self.now.plus(STORE_RETRY);
            self.wake_at(engine, lane, later);
        }
    }

    /// Hands a command to its adapter.
    fn send(&mut self, engine: usize, command: Command) {
        let mut course = self.fate.course(&command);
        if let Order::StartInstances { deployment, section, .. } = &command.order
            && self.target.ready(&command.lane, *deployment) >= section.instances
        {
            course.before = course.before.min(LOOK);
        }
        let in_time = course.after.iter().any(|after| course.before.0 + after.0 <= PATIENCE.0);
        if !course.arrives || !in_time {
            self.push(
                self.now.plus(PATIENCE),
                Happening::Deliver {
                    engine,
                    lane: command.lane.clone(),
                    command: command.id,
                    outcome: Box::new(out_of_patience(&command.order)),
                },
            );
        }
        if course.arrives {
            let at = self.now.plus(course.before);
            self.push(at, Happening::Run { engine, command: Box::new(command), course });
        }
    }

    /// Visitors or arms of a lane changed: there will be something to judge.
    pub fn judge_soon(&mut self, lane: &LaneId) {
        let Some(router) = self.routers.get(lane) else { return };
        let arms = arms(lane, router, &self.target);
        let Some((_, weight)) = arms.iter().find(|(_, weight)| *weight > Weight::ZERO) else {
            return;
        };
        let enough = towpath_guard::DEFAULT_MINIMUM_SAMPLE * 10_000 * 1000;
        let per_ms = self.traffic.per_second * u64::from(weight.basis_points());
        if let Some(span) = enough.checked_div(per_ms) {
            let at = self.now.plus(Span((span + 1).max(JUDGE_AGAIN.0)));
            self.judge_at.insert(lane.clone(), at);
            self.push(at, Happening::Judge { lane: lane.clone(), at });
        }
    }

    pub(super) fn judge(&mut self, lane: &LaneId, at: Timestamp) {
        if self.judge_at.get(lane) != Some(&at) {
            return;
        }
        let Some(engine) = self.owner() else {
            let later = self.now.plus(JUDGE_AGAIN);
            self.judge_at.insert(lane.clone(), later);
            self.push(later, Happening::Judge { lane: lane.clone(), at: later });
            return;
        };
        let Some(state) = self.engines[engine].project.lanes.get(lane).cloned() else { return };
        let green = state.active.as_ref().and_then(|one| one.green.as_ref()).map(|one| one.number);
        let serves = state.serving.as_ref().map(|serving| serving.deployment.number);
        for deployment in green.into_iter().chain(serves) {
            let verdict = self.verdict(&state, deployment);
            if verdict.standing == Standing::Unhealthy {
                self.look_at_blue(engine, lane, &state);
                self.give(engine, lane, Input::Judged { deployment, verdict });
                return;
            }
        }
    }

    /// What the traffic would return to is looked at before it is judged away from green.
    fn look_at_blue(&mut self, engine: usize, lane: &LaneId, state: &Lane) {
        let blue = state.active.as_ref().and_then(|one| one.blue.as_ref()).map(|blue| blue.number);
        if let Some(deployment) = blue.filter(|blue| self.target.ready(lane, *blue) == 0) {
            let sentence = "no copy of it answers the router".to_owned();
            self.give(engine, lane, Input::HealthLost { deployment, sentence });
        }
    }

    /// Renews what can be renewed, notices what cannot, and passes the news on.
    pub(super) fn look_at_leases(&mut self) {
        let now = self.now;
        let reachable = |engine: &Engine| engine.alive && now >= engine.paused_until;
        let live = self.engines.iter().enumerate().filter(|(_, engine)| reachable(engine));
        let speaker = live.max_by_key(|(_, engine)| engine.epoch);
        let speaker = speaker.map(|(number, engine)| (number, engine.epoch));
        let store_answers = now >= self.disk.down_until;
        let planted = self.planted;
        let lanes: Vec<LaneId> = self.routers.keys().cloned().collect();
        for lane in lanes {
            let router = self.routers.get_mut(&lane).expect("its key was just read");
            let heard = speaker
                .filter(|(_, epoch)| *epoch >= router.epoch)
                .filter(|_| store_answers && now >= router.silent_until);
            if heard.is_none() && router.in_contact {
                router.in_contact = false;
                router.last_contact = now;
                if let Some(at) = router.lapses_at() {
                    self.push(at, Happening::Look);
                }
                continue;
            }
            let blue = router.default;
            let ready = blue.is_some_and(|blue| self.target.ready(&lane, blue) > 0);
            let lapsed = router.look(now, ready);
            if let Some((_, epoch)) = heard {
                router.hear(epoch, now);
            }
            // Nobody hears a lapse when it happens: it happens because nobody is there.
            let missed = lapsed && planted == Some(Planted::LapseNotReadBack);
            router.lapse_told |= missed;
            let untold = router.lapsed && !router.lapse_told;
            router.lapse_told |= untold && heard.is_some();
            let revision = router.revision;
            let frozen = router.frozen;
            if lapsed {
                let what = if frozen { "freezes" } else { "lapses" };
                self.tell(format!("the lease of {lane}, revision {revision}, {what}"));
            }
            if let Some((engine, _)) = heard.filter(|_| untold) {
                let input = Box::new(Input::LeaseLapsed { revision, frozen });
                self.push(now, Happening::News { engine, lane, input });
            } else if let Some((engine, _)) = heard {
                self.observe(engine, &lane);
            }
        }
    }

    /// Whoever renews a lease sees the weight as it is, and says so when it is not as recorded.
    fn observe(&mut self, engine: usize, lane: &LaneId) {
        let router = &self.routers[lane];
        let (revision, weight) = (router.revision, weight_of(lane, router, &self.target));
        let recorded = self.engines[engine].project.lanes.get(lane).and_then(recorded_weight);
        let reads_back = self.planted != Some(Planted::LapseNotReadBack);
        let lapse_is_news = router.lapsed && !(router.frozen && reads_back);
        let differs = recorded.is_some_and(|one| one != weight) && !lapse_is_news;
        let told = router.weight_told == Some((revision, weight));
        let router = self.routers.get_mut(lane).expect("it was just read");
        if !differs {
            router.weight_told = None;
        } else if !told {
            router.weight_told = Some((revision, weight));
            let input = Box::new(Input::RouteObserved { revision, weight });
            let at = self.now.plus(RENEWAL);
            self.push(at, Happening::News { engine, lane: lane.clone(), input });
        }
    }

    fn bend_input(&self, input: Input) -> Input {
        match input {
            Input::CommandEnded { command, outcome: CommandOutcome::Checked { mut answer } }
                if self.planted == Some(Planted::FailureTakenForPass) =>
            {
                if answer.result == towpath_core::check::CheckResult::Fail {
                    answer.result = towpath_core::check::CheckResult::Pass;
                }
                Input::CommandEnded { command, outcome: CommandOutcome::Checked { answer } }
            }
            other => other,
        }
    }

    fn bend_decision(&self, engine: usize, lane: &LaneId, input: &Input, decision: &mut Decision) {
        match self.planted {
            Some(Planted::QuarantineDropped) => {
                decision.events.retain(|event| !matches!(event, Event::ReleaseQuarantined { .. }));
            }
            Some(Planted::EndedReopened) if decision.events.is_empty() => {
                let state = self.engines[engine].project.lane(lane);
                if let (Input::CommandEnded { command, outcome }, Some(ended)) =
                    (input, state.ended.last())
                    && let CommandOutcome::Routed { weight, .. } = outcome
                    && !self.disk.outbox().contains_key(&(lane.clone(), *command))
                {
                    let (number, weight) = (ended.number, *weight);
                    decision.events.push(Event::WeightObserved { number, step: 0, weight });
                }
            }
            _ => {}
        }
    }
}

/// The share that a lane goes by while no order is out.
fn recorded_weight(lane: &Lane) -> Option<Weight> {
    let holdback = lane.standby.as_ref().and_then(|standby| standby.holdback.as_ref());
    match &lane.active {
        Some(one) => matches!(one.state, State::Baking { .. }).then_some(one.weight),
        None => holdback.map(|it| it.observed.rest()),
    }
}

/// What a new engine reads: the states as they were stored, as JSON.
fn read_back(project: &Project, planted: Option<Planted>) -> Project {
    let common = serde_json::to_string(&project.common).expect("core's types are JSON");
    let mut read = Project {
        common: serde_json::from_str(&common).expect("what was written can be read"),
        lanes: BTreeMap::new(),
    };
    if planted == Some(Planted::FreezeForgotten) {
        read.common.freezes.clear();
    }
    for (id, lane) in &project.lanes {
        let text = serde_json::to_string(lane).expect("core's types are JSON");
        let lane: Lane = serde_json::from_str(&text).expect("what was written can be read");
        read.lanes.insert(id.clone(), lane);
    }
    read
}

fn replace_plans(project: &mut Project, matrix: &towpath_core::matrix::Matrix) {
    for lane in project.lanes.values_mut() {
        if let Some(promotion) = &mut lane.active
            && let Some((_, section)) = matrix.lane(&lane.id)
        {
            promotion.plan.section = section.clone();
        }
    }
}
