//! Thousands of rollouts in simulated time, each broken in its own way, all from one seed: the same
//! seed gives the same trace, byte for byte. Checks the invariants after every step; a planted fault
//! shows that a check can see.

mod catalogue;
pub mod chance;
pub mod chaos;
pub mod invariants;
pub mod people;

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

use towpath_core::promotion::input::Input;
use towpath_core::units::Span;

use crate::machine::World;
use crate::scenario::telling;
pub use catalogue::{Invariant, invariants};
use chaos::Chaos;
use invariants::Watcher;

/// A fault that is put in on purpose, to see that it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// The store acknowledges a turn before it is durable.
    AcknowledgedEarly,
    /// The router obeys an engine that lost the journal, and orders that were overtaken.
    StaleEpochObeyed,
    /// The engine takes a check's no for a yes.
    FailureTakenForPass,
    /// A late outcome changes a promotion that has ended.
    EndedReopened,
    /// The event that quarantines a release is not written.
    QuarantineDropped,
    /// The engine takes an ordered weight for an observed one.
    WeightNotObserved,
    /// A new engine forgets the outbox.
    OutboxDropped,
    /// A started promotion takes the matrix that was applied meanwhile.
    PlanReplaced,
    /// A new engine forgets which freezes are on.
    FreezeForgotten,
    /// A lease that lapsed while no engine was there is never told to the next one.
    LapseNotReadBack,
    /// Everybody has every role when it is counted who agreed.
    AnybodyAgrees,
}

impl Planted {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AcknowledgedEarly,
        Self::StaleEpochObeyed,
        Self::FailureTakenForPass,
        Self::EndedReopened,
        Self::QuarantineDropped,
        Self::WeightNotObserved,
        Self::OutboxDropped,
        Self::PlanReplaced,
        Self::FreezeForgotten,
        Self::LapseNotReadBack,
        Self::AnybodyAgrees,
    ];
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which, such as `I5`.
    pub invariant: &'static str,
    /// In which simulation.
    pub seed: u64,
    /// How it showed.
    pub sentence: String,
}

/// What one simulation found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Steps taken, those after the faults have ended included.
    pub steps: u64,
    /// Over every line of the trace; to be compared within one build.
    pub digest: String,
    /// What did not hold; the simulation ends at the first.
    pub broken: Vec<Broken>,
    /// The last lines of the trace, oldest first.
    pub trace: Vec<String>,
    /// Promotions that were asked for.
    pub promotions: u64,
    /// Deployments that ran at the end though no lane knows them: no invariant forbids it yet, as
    /// targets know no epoch.
    pub orphans: Vec<String>,
}

/// Lines of the trace that a report keeps.
const KEPT_LINES: usize = 400;
/// Steps after the faults have ended within which everything must come to rest.
const HEALING_STEPS: u64 = 20_000;

/// Simulates `steps` steps under the faults of `seed`, then lets everything heal and come to rest.
pub fn run(seed: u64, steps: u64, planted: Option<Planted>) -> Report {
    let mut world = World::new(Chaos::of(seed));
    world.planted = planted;
    world.disk.acknowledges_early = planted == Some(Planted::AcknowledgedEarly);
    let mut run = Run {
        world,
        watcher: Watcher::new(seed),
        trace: VecDeque::new(),
        digest: DefaultHasher::new(),
        steps: 0,
    };
    run.world.boot(0);
    let matrix = people::some_matrix(&mut run.world.fate);
    run.world.declare(&matrix);
    for _ in 0..steps {
        run.trouble();
        if run.look() {
            return run.report();
        }
    }
    run.heal();
    run.report()
}

struct Run {
    world: World<Chaos>,
    watcher: Watcher,
    trace: VecDeque<String>,
    digest: DefaultHasher,
    steps: u64,
}

impl Run {
    fn trouble(&mut self) {
        let chance = &mut self.world.fate.chance;
        match chance.below(100) {
            0..8 => chaos::strike(&mut self.world),
            8..24 => people::act(&mut self.world),
            24..34 if self.world.owner().is_none() => {
                let skew = chaos::skew(&mut self.world);
                self.world.boot(skew);
            }
            _ => {
                if !self.world.step() {
                    people::act(&mut self.world);
                }
            }
        }
        if self.world.fate.chance.per_mille(250) {
            self.world.disk.sync();
        }
    }

    /// Writes the trace and checks everything. Answers whether something is broken.
    fn look(&mut self) -> bool {
        self.steps += 1;
        let told = std::mem::take(&mut self.world.told);
        for (at, told) in &told {
            if let Some(line) = telling::line(told) {
                let line = format!("{} {line}", telling::clock(*at));
                self.digest.write(line.as_bytes());
                if self.trace.len() == KEPT_LINES {
                    self.trace.pop_front();
                }
                self.trace.push_back(line);
            }
        }
        self.watcher.check(&self.world, &told)
    }

    /// No more faults: everything that has not ended must end.
    fn heal(&mut self) {
        self.world.fate.calm = true;
        self.world.traffic.heal();
        self.world.target.revive();
        self.world.dies_before_effect = false;
        self.world.dies_after_effect = false;
        self.world.disk.down_until = self.world.now;
        for router in self.world.routers.values_mut() {
            router.silent_until = self.world.now;
        }
        for engine in 0..self.world.engines.len() {
            self.world.kill(engine);
        }
        self.world.tell("all faults are over");
        self.world.boot(0);
        for step in 0..HEALING_STEPS {
            // The first thing that the people on call do when they are back, and now and then.
            if step % 100 == 0 {
                self.people_are_back();
            }
            let idle = !self.world.step();
            if self.look() {
                return;
            }
            if idle && self.watcher.at_rest(&self.world) {
                break;
            }
        }
        self.watcher.check_rest(&self.world);
    }

    /// Ends what is paused, and gives the reasons that are owed: both would be told of for ever.
    fn people_are_back(&mut self) {
        let by = towpath_core::ids::Person::guard();
        let mut pressed = Vec::new();
        for lane in self.world.disk.project().lanes.values() {
            let open = lane.active.iter().chain(&lane.waiting);
            for number in open.filter(|one| one.paused.is_some()).map(|one| one.number) {
                let abort = Input::AbortOrdered { number, by: by.clone(), reason: None };
                pressed.push((lane.id.clone(), abort));
            }
            for number in lane.owed.iter().map(|owed| owed.number) {
                let reason = "it is over".to_owned();
                let explained = Input::ReasonGiven { number, by: by.clone(), reason };
                pressed.push((lane.id.clone(), explained));
            }
        }
        for (lane, input) in pressed {
            self.world.press(&lane, input);
        }
    }

    fn report(self) -> Report {
        let project = self.world.disk.project();
        let orphans = self.world.target.running().filter(|(lane, number, _)| {
            let state = project.lane(lane);
            let serves = state.serving.as_ref().map(|one| one.deployment.number);
            let standby = state.standby.as_ref().map(|one| one.deployment.number);
            let active = state.active.as_ref().map(|one| one.number);
            ![serves, standby, active].contains(&Some(*number))
                && !state.stopping.contains_key(number)
        });
        Report {
            steps: self.steps,
            digest: format!("{:016x}", self.digest.finish()),
            broken: self.watcher.broken().to_vec(),
            promotions: project.common.last_promotion.0,
            orphans: orphans
                .map(|(lane, number, _)| format!("deployment {number} of {lane}"))
                .collect(),
            trace: self.trace.into_iter().collect(),
        }
    }
}

/// How long the world may take to come to rest: longer than the longest wait that the core knows.
pub const REST_WITHIN: Span = Span::hours(24 * 5);
