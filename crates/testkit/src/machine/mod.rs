//! A world in simulated time: engines around the real core, one store, and models of routers,
//! targets, checks and visitors. Deterministic: what happens follows from the orders it is given
//! and from its [`Fate`]. Owns the queue of what happens next; judges nothing.

mod attested;
mod bent;
pub mod disk;
pub mod fate;
mod freezes;
pub mod judge;
mod router;
mod shell;
pub mod target;
pub mod told;
pub mod traffic;
mod work;

use std::collections::BTreeMap;

use towpath_core::ids::{CommandId, LaneId};
use towpath_core::promotion::command::{Command, CommandOutcome};
use towpath_core::promotion::input::Input;
use towpath_core::units::{Span, Timestamp, Weight};

use disk::Disk;
use fate::{Course, Fate};
use router::Router;
pub use shell::Engine;
use target::Target;
use told::Told;
use traffic::Traffic;

use crate::simulator::Planted;

/// When every story begins: 2027-01-01T00:00:00Z.
pub const BEGINNING: Timestamp = Timestamp(1_798_761_600_000_000);

/// Something that will happen.
#[derive(Clone, Debug)]
enum Happening {
    /// An order reaches its adapter.
    Run { engine: usize, command: Box<Command>, course: Course },
    /// The outcome of an order reaches its engine.
    Deliver { engine: usize, lane: LaneId, command: CommandId, outcome: Box<CommandOutcome> },
    /// News reach an engine.
    News { engine: usize, lane: LaneId, input: Box<Input> },
    /// A lane wanted to be woken.
    Wake { engine: usize, lane: LaneId, at: Timestamp },
    /// Enough visitors have come to judge.
    Judge { lane: LaneId, at: Timestamp },
    /// Something begins or ends to be reachable, or a lease is over.
    Look,
}

/// The whole world.
pub struct World<F: Fate> {
    /// The true time; engines see it with their skew.
    pub now: Timestamp,
    /// How things go.
    pub fate: F,
    /// The store.
    pub disk: Disk,
    /// Every engine that ever ran, the latest last.
    pub engines: Vec<Engine>,
    /// The router of each lane.
    pub routers: BTreeMap<LaneId, Router>,
    /// What runs.
    pub target: Target,
    /// Who visits.
    pub traffic: Traffic,
    /// What happened since somebody took it.
    pub told: Vec<(Timestamp, Told)>,
    /// The fault that was put in on purpose.
    pub planted: Option<Planted>,
    /// The engine dies between its next turn that orders something and the first effect.
    pub dies_before_effect: bool,
    /// The engine dies between the next effect and its outcome.
    pub dies_after_effect: bool,
    /// A state that is not the fold of its events, once there is one.
    pub differs: Option<String>,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    queued: u64,
    judge_at: BTreeMap<LaneId, Timestamp>,
}

impl<F: Fate> World<F> {
    /// An empty world at [`BEGINNING`], without an engine.
    pub fn new(fate: F) -> Self {
        Self {
            now: BEGINNING,
            fate,
            disk: Disk::default(),
            engines: Vec::new(),
            routers: BTreeMap::new(),
            target: Target::default(),
            traffic: Traffic::of(10),
            told: Vec::new(),
            planted: None,
            dies_before_effect: false,
            dies_after_effect: false,
            differs: None,
            queue: BTreeMap::new(),
            queued: 0,
            judge_at: BTreeMap::new(),
        }
    }

    /// When the next thing happens; none when nothing ever will by itself.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Lets the next thing happen. Answers whether there was one.
    pub fn step(&mut self) -> bool {
        self.look_at_leases();
        let Some(((at, _), happening)) = self.queue.pop_first() else { return false };
        self.pass_time(at);
        self.happen(happening);
        self.look_at_leases();
        true
    }

    /// Lets everything happen that happens within `span`.
    pub fn run_for(&mut self, span: Span) {
        let end = self.now.plus(span);
        self.look_at_leases();
        while self.next_at().is_some_and(|at| at <= end) {
            self.step();
        }
        self.pass_time(end);
    }

    /// One sentence about the world outside the core.
    pub fn tell(&mut self, sentence: impl Into<String>) {
        self.say(Told::World(sentence.into()));
    }

    /// Something about reachability changes now and at `until`.
    pub fn look_until(&mut self, until: Timestamp) {
        self.look_at_leases();
        self.push(until, Happening::Look);
    }

    fn say(&mut self, told: Told) {
        self.told.push((self.now, told));
    }

    fn push(&mut self, at: Timestamp, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), happening);
    }

    /// Visitors are counted under the arms as they were until now.
    fn pass_time(&mut self, to: Timestamp) {
        let to = to.max(self.now);
        if to > self.now {
            for (lane, router) in &self.routers {
                let arms = arms(lane, router, &self.target);
                self.traffic.count(lane, to, &arms);
            }
        }
        self.now = to;
    }

    fn happen(&mut self, happening: Happening) {
        let engine = match &happening {
            Happening::Run { engine, .. }
            | Happening::Deliver { engine, .. }
            | Happening::News { engine, .. }
            | Happening::Wake { engine, .. } => Some(*engine),
            Happening::Judge { .. } | Happening::Look => None,
        };
        if let Some(engine) = engine
            && self.engines[engine].alive
            && self.now < self.engines[engine].paused_until
        {
            let until = self.engines[engine].paused_until;
            self.push(until, happening);
            return;
        }
        match happening {
            Happening::Run { engine, command, course } => self.carry_out(engine, &command, course),
            Happening::Deliver { engine, lane, command, outcome } => {
                let input = Input::CommandEnded { command, outcome: *outcome };
                self.give(engine, &lane, input);
            }
            Happening::News { engine, lane, input } => self.give(engine, &lane, *input),
            Happening::Wake { engine, lane, at } => self.wake(engine, &lane, at),
            Happening::Judge { lane, at } => self.judge(&lane, at),
            Happening::Look => {}
        }
    }
}

/// What the engine is told of a router: the candidate's share, or where a release is held back that of
/// what serves beside it.
fn weight_of(lane: &LaneId, router: &Router, target: &Target) -> Weight {
    match (router.held_back, router.candidate) {
        (Some((number, ..)), _) => router.kept(target.ready(lane, number)).rest(),
        (None, Some((number, _))) => router.weight(target.ready(lane, number)),
        (None, None) => Weight::ZERO,
    }
}

/// The arms of a lane with their shares, which sum to 100%.
fn arms(
    lane: &LaneId,
    router: &Router,
    target: &Target,
) -> Vec<(towpath_core::ids::PromotionNumber, Weight)> {
    let weight = weight_of(lane, router, target);
    if let (Some((kept, ..)), Some(default)) = (router.held_back, router.default) {
        return vec![(default, weight), (kept, weight.rest())];
    }
    let mut arms = Vec::with_capacity(2);
    arms.extend(router.candidate.map(|(number, _)| (number, weight)));
    arms.extend(router.default.map(|number| (number, weight.rest())));
    arms
}
