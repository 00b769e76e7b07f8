//! How things go in a simulation: mostly well, and in every way badly that the ports allow. Owns
//! the faults of adapters and network, and those that strike between two steps.

use towpath_core::check::CheckAnswer;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::promotion::command::{Command, Order};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::CheckKey;
use towpath_core::units::{Span, Timestamp, Weight};

use super::chance::Chance;
use crate::machine::World;
use crate::machine::fate::{Course, Fate};

/// How things go in a simulation.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// Where all of it comes from.
    pub chance: Chance,
    /// How many of a thousand orders meet a fault.
    pub faults: u64,
    /// Whether everything goes well from now on.
    pub calm: bool,
}

impl Chaos {
    /// From a seed; some seeds are rougher than others.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let faults = chance.below(300);
        Self { chance, faults, calm: false }
    }
}

impl Fate for Chaos {
    fn course(&mut self, command: &Command) -> Course {
        let milliseconds = match command.order {
            Order::StartInstances { .. } => self.chance.between(500, 8000),
            Order::AskCheck { .. } | Order::StopInstances { .. } => self.chance.between(50, 2000),
            Order::SetRoute { .. } | Order::OfferRelease { .. } => self.chance.between(1, 400),
        };
        let mut course = Course::good(Span(milliseconds));
        course.on_the_wire = self.chance.per_mille(500);
        if self.calm || !self.chance.per_mille(self.faults) {
            return course;
        }
        match self.chance.below(6) {
            0 => course.arrives = false,
            1 => course.after.clear(),
            2 => course.after = vec![Span(self.chance.between(8000, 40_000))],
            3 => {
                let times = self.chance.between(2, 3);
                course.after = (0..times).map(|_| Span(self.chance.below(60_000))).collect();
            }
            4 => course.before = Span(self.chance.between(5000, 20_000)),
            _ => course.failing = Some("the adapter says no".to_owned()),
        }
        // A start or a stop that nobody waits for any more is cancelled, not carried out later.
        let cancelled =
            matches!(command.order, Order::StartInstances { .. } | Order::StopInstances { .. });
        course.before = if cancelled { course.before.min(Span(9000)) } else { course.before };
        course
    }

    fn answer(&mut self, _: PromotionNumber, _: &CheckKey, now: Timestamp) -> CheckAnswer {
        if self.calm {
            return CheckAnswer::pass("all is well");
        }
        match self.chance.below(100) {
            0..75 => CheckAnswer::pass("it is so"),
            75..82 => CheckAnswer::fail("it is not so"),
            82..90 => {
                let after = Span::seconds(self.chance.below(600));
                CheckAnswer::pending(now.plus(after), "not yet")
            }
            _ => CheckAnswer::inconclusive("the source does not answer"),
        }
    }
}

/// One fault strikes the world.
pub fn strike(world: &mut World<Chaos>) {
    match world.fate.chance.below(15) {
        0..3 => kill(world),
        3 | 4 => overlap(world),
        5 => silence(world),
        6 => restart_router(world),
        7 => store_is_down(world),
        8 => lose_power(world),
        9 => crash_copies(world),
        10 => world.target.revive(),
        11 => jump_clock(world),
        12 => lose_health(world),
        13 => fail_visitors(world),
        _ => {
            world.traffic.heal();
            world.tell("visitors are well");
        }
    }
}

fn some_lane(world: &mut World<Chaos>) -> Option<LaneId> {
    let lanes: Vec<LaneId> = world.routers.keys().cloned().collect();
    world.fate.chance.one_of(&lanes).cloned()
}

fn seconds(world: &mut World<Chaos>, most: u64) -> Timestamp {
    let span = Span(world.fate.chance.between(100, most * 1000));
    world.now.plus(span)
}

fn kill(world: &mut World<Chaos>) {
    match world.fate.chance.below(3) {
        0 => world.dies_before_effect = true,
        1 => world.dies_after_effect = true,
        _ => {
            if let Some(last) = world.engines.len().checked_sub(1) {
                world.kill(last);
            }
        }
    }
}

/// The old engine stops as by SIGSTOP, a new one takes over, the old one wakes up later.
fn overlap(world: &mut World<Chaos>) {
    if let Some(owner) = world.owner() {
        let until = seconds(world, 90);
        world.engines[owner].paused_until = until;
        world.tell("the engine is stopped as by SIGSTOP");
        world.look_until(until);
    }
    if world.fate.chance.per_mille(800) {
        let skew = skew(world);
        world.boot(skew);
    }
}

/// How far the clock of a new engine is off: up to five minutes either way.
pub fn skew(world: &mut World<Chaos>) -> i64 {
    let microseconds = world.fate.chance.below(600_000_000);
    i64::try_from(microseconds).expect("below ten minutes") - 300_000_000
}

fn silence(world: &mut World<Chaos>) {
    let Some(lane) = some_lane(world) else { return };
    let until = seconds(world, 120);
    world.routers.get_mut(&lane).expect("it was just read").silent_until = until;
    world.tell(format!("the router of {lane} is silent"));
    world.look_until(until);
}

fn restart_router(world: &mut World<Chaos>) {
    let Some(lane) = some_lane(world) else { return };
    world.routers.get_mut(&lane).expect("it was just read").restart();
    world.tell(format!("the router of {lane} restarts"));
    world.look_until(world.now);
}

fn store_is_down(world: &mut World<Chaos>) {
    let until = seconds(world, 60);
    world.disk.down_until = until;
    world.tell("the store is down");
    world.look_until(until);
}

fn lose_power(world: &mut World<Chaos>) {
    world.tell("power is lost");
    for engine in 0..world.engines.len() {
        world.kill(engine);
    }
    world.disk.lose_power();
}

fn crash_copies(world: &mut World<Chaos>) {
    let running: Vec<(LaneId, PromotionNumber)> =
        world.target.running().map(|(lane, number, _)| (lane.clone(), number)).collect();
    let Some((lane, number)) = world.fate.chance.one_of(&running).cloned() else { return };
    let copies = u32::try_from(world.fate.chance.between(1, 3)).expect("at most 3");
    world.target.crash(&lane, number, copies);
    world.tell(format!("{copies} copies of deployment {number} crash"));
    world.look_until(world.now);
}

fn jump_clock(world: &mut World<Chaos>) {
    let jump = i64::try_from(world.fate.chance.below(3_600_000_000)).expect("below an hour");
    if let Some(owner) = world.owner() {
        world.engines[owner].skew += jump;
        world.tell("the engine's clock jumps ahead");
    }
}

fn lose_health(world: &mut World<Chaos>) {
    let Some(lane) = some_lane(world) else { return };
    let state = world.disk.project().lane(&lane);
    let green = state.active.and_then(|one| one.green).map(|one| one.number);
    let serves = state.serving.map(|one| one.deployment.number);
    let standby = state.standby.map(|one| one.deployment.number);
    let known: Vec<PromotionNumber> = green.into_iter().chain(serves).chain(standby).collect();
    let Some(deployment) = world.fate.chance.one_of(&known).copied() else { return };
    let sentence = "its probes fail".to_owned();
    // A no is an answer too: the probe's news are not acknowledged to anybody.
    world.press(&lane, Input::HealthLost { deployment, sentence });
}

fn fail_visitors(world: &mut World<Chaos>) {
    let Some(lane) = some_lane(world) else { return };
    let state = world.disk.project().lane(&lane);
    let green = state.active.and_then(|one| one.green).map(|one| one.number);
    let serves = state.serving.map(|one| one.deployment.number);
    let known: Vec<PromotionNumber> = green.into_iter().chain(serves).collect();
    let Some(deployment) = world.fate.chance.one_of(&known).copied() else { return };
    let share = u16::try_from(world.fate.chance.between(600, 10_000)).expect("at most 10,000");
    let share = Weight::from_basis_points(share).expect("at most 10,000");
    world.traffic.forget(&lane);
    world.traffic.fail(&lane, deployment, share);
    world.tell(format!("deployment {deployment} fails {share} of its visitors"));
    world.judge_soon(&lane);
}
