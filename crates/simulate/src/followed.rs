//! One rollout along its declared course under the guard. Owns the order in which things happen; the
//! judging is the guard's, the end of a step the course's.
//!
//! Answers of blue that are no evidence are drawn as counts and never handed to the guard where
//! answers take no time: it would learn nothing from them, so leaving them out changes no finding. Only
//! the first request at a weight is handed over whatever it is, because warming up begins with it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;
use towpath_guard::{
    Arm, Cause, ErrorKind, Forecast, Guard, Horizon, Observed, Outcome, Policy, Seen, StatusClass,
};

use crate::arrivals::{Counted, Stream, binomial};
use crate::course::{Next, Standing};
use crate::guarded::REACTION_S;
use crate::numbers::{micro, narrow, real, seconds};
use crate::{Arrivals, Course, Fault, Latency};

/// A visitor notices an answer that takes longer than this many times the usual.
const TOLERATED: f64 = 1.2;
/// The longest time that is drawn at once, in seconds, and therefore how often it is asked whether a
/// step may end.
const PIECE_S: f64 = 1.0;
/// What sums of seconds may be off by: times are kept to the microsecond.
const ROUNDED_S: f64 = 1e-6;
/// Requests of blue from before the rollout, from which its speed is known.
const HISTORY: u32 = 20_000;

/// What happens to a rollout, apart from what it is.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The traffic.
    pub arrivals: Arrivals,
    /// How long answers take.
    pub latency: Latency,
    /// What is wrong with green.
    pub fault: Fault,
}

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// The guard found something.
    WentBack(Cause),
    /// There was no evidence until the end of holding.
    WentBackBlind,
    /// No larger weight kept within the budget of harm until the end of holding.
    WentBackForBudget,
    /// It went through.
    Promoted,
    /// It waits for a person.
    Held,
}

/// What became of one rollout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// How it ended.
    pub ending: Ending,
    /// When, in seconds from the start.
    pub at_s: f64,
    /// Visitors harmed until then.
    pub harmed: f64,
    /// Whether every step passed with green proven good.
    pub is_proven: bool,
    /// The step in which it ended, from 0.
    pub step: usize,
}

impl Scenario {
    /// The share of requests beyond those that fail anyway that green fails from the onset on, 0 to 1.
    pub fn excess(&self) -> f64 {
        let usual = self.arrivals.error_rate();
        if usual >= 1.0 {
            return 0.0;
        }
        ((self.fault.error_rate - usual) / (1.0 - usual)).clamp(0.0, 1.0)
    }

    /// Whether from the onset on every visitor of green notices that it is slower.
    pub fn slows(&self) -> bool {
        self.latency != Latency::AtOnce && self.fault.slower > TOLERATED
    }

    /// The speed of blue, which has served before.
    pub fn horizon(&self) -> Horizon {
        let mut horizon = Horizon::default();
        if self.latency == Latency::AtOnce {
            return horizon;
        }
        // Any seed will do: so many requests tell the speed of a release whichever they are.
        let mut chance = Pcg64Mcg::seed_from_u64(1);
        let error_rate = self.arrivals.error_rate();
        for _ in 0..HISTORY {
            let failed = chance.random::<f64>() < error_rate;
            horizon.saw(failed, narrow_us(latency_us(self.latency, 1.0, &mut chance)));
        }
        horizon
    }
}

/// Follows the rollout `seed`. `horizon` is [`Scenario::horizon`], which is the same for all of them.
pub fn follow(
    scenario: &Scenario,
    course: &Course,
    policy: &Policy,
    horizon: &Horizon,
    seed: u64,
) -> Followed {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let stream = scenario.arrivals.begin(&mut chance);
    let mut run = Run {
        scenario,
        stream,
        chance,
        guard: Guard::new(policy.clone(), horizon.clone(), 1),
        order: 0,
        now_s: 0.0,
        harmed: 0.0,
        met_green: false,
        met_any: false,
        seen: Seen::default(),
        drawn: Vec::new(),
        under_way: BinaryHeap::new(),
    };
    let mut is_proven = true;
    let mut index = 0;
    while index < course.bakes.len() {
        match run.step(index, course) {
            Step::Passed { proven, next } => {
                is_proven &= proven;
                index = next;
            }
            Step::Ended(ending) => return run.ended(ending, false, index),
        }
    }
    run.ended(Ending::Promoted, is_proven, course.bakes.len().saturating_sub(1))
}

enum Step {
    Passed { proven: bool, next: usize },
    Ended(Ending),
}

/// A request whose outcome is not known yet, first by when it will be.
type UnderWay = Reverse<(u64, u64, Drawn)>;

/// A request that the guard hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Drawn {
    at_us: u64,
    is_green: bool,
    failed: bool,
    harmed: bool,
    /// What the coin said green with, as the bits of a single-precision number.
    probability: u32,
}

struct Run<'a> {
    scenario: &'a Scenario,
    stream: Stream<'a>,
    chance: Pcg64Mcg,
    guard: Guard,
    order: u64,
    now_s: f64,
    harmed: f64,
    /// Whether a request or a probe met green in this step.
    met_green: bool,
    /// Whether a request came in this step.
    met_any: bool,
    /// What was seen of both arms since the rollout began.
    seen: Seen,
    drawn: Vec<Drawn>,
    under_way: BinaryHeap<UnderWay>,
}

impl Run<'_> {
    fn step(&mut self, index: usize, course: &Course) -> Step {
        let bake = &course.bakes[index];
        let (began_s, before) = (self.now_s, self.requests());
        self.guard.weight_changed(micro(began_s));
        self.met_green = course.is_probed;
        self.met_any = false;
        loop {
            // A moment that was aimed at counts as reached although sums of seconds are rounded.
            let since_s = self.now_s - began_s + ROUNDED_S;
            let standing = self.standing();
            let forecast = || {
                let requests = real(self.requests() - before);
                let seen = Seen { requests_per_s: requests / since_s, ..self.seen };
                Forecast::new(self.guard.policy(), seen)
            };
            match course.next(index, since_s, standing, forecast) {
                Next::Pass(next) => {
                    return Step::Passed { proven: standing == Standing::Proven, next };
                }
                Next::GoBack => return Step::Ended(Ending::WentBackBlind),
                Next::GoBackForBudget => return Step::Ended(Ending::WentBackForBudget),
                Next::AskPerson => return Step::Ended(Ending::Held),
                Next::Stay => {}
            }
            let look_s = began_s + bake.next_look(since_s, course);
            let onset_s = self.scenario.fault.onset_s;
            let onset_s = if onset_s > self.now_s { onset_s } else { f64::INFINITY };
            let until_s = (self.now_s + PIECE_S).min(look_s).min(onset_s);
            if let Some(cause) = self.piece(until_s, bake.weight) {
                return Step::Ended(Ending::WentBack(cause));
            }
        }
    }

    fn requests(&self) -> u64 {
        self.seen.green_requests + self.seen.blue_requests
    }

    fn standing(&self) -> Standing {
        if self.guard.is_proven() {
            Standing::Proven
        } else if self.met_green {
            Standing::Undecided
        } else {
            Standing::Blind
        }
    }

    /// Lets time go on to `until_s`, or to the moment at which the guard finds something.
    fn piece(&mut self, until_s: f64, weight: f64) -> Option<Cause> {
        let from_s = self.now_s;
        let counted = self.stream.take(until_s - from_s, &mut self.chance);
        self.draw(counted, (from_s, until_s), weight);
        let mut drawn = std::mem::take(&mut self.drawn);
        drawn.sort_unstable();
        for request in &drawn {
            let heard = self.hear(request.at_us).or_else(|| self.take(*request));
            if let Some((cause, at_us)) = heard {
                self.go_back(at_us, weight);
                return Some(cause);
            }
        }
        drawn.clear();
        self.drawn = drawn;
        let until_us = micro(until_s);
        let found = self
            .hear(until_us)
            .or_else(|| self.guard.advance(until_us).map(|finding| (finding.cause, until_us)));
        if let Some((cause, at_us)) = found {
            self.go_back(at_us, weight);
            return Some(cause);
        }
        self.now_s = until_s;
        None
    }

    /// Shares out requests between the arms and over the time, and says which of them fail.
    fn draw(&mut self, counted: Counted, time: (f64, f64), weight: f64) {
        let is_faulty = time.0 >= self.scenario.fault.onset_s;
        let chance = &mut self.chance;
        let green_failed = binomial(counted.failed, weight, chance);
        let green_answered = binomial(counted.answered, weight, chance);
        let excess = if is_faulty { self.scenario.excess() } else { 0.0 };
        let harmed = binomial(green_answered, excess, chance);
        let slowed = is_faulty && self.scenario.slows();
        let blue_answered = counted.answered - green_answered;
        self.seen.green_requests += green_failed + green_answered;
        self.seen.green_failed += green_failed + harmed;
        self.seen.blue_requests += counted.failed - green_failed + blue_answered;
        self.seen.blue_failed += counted.failed - green_failed;
        self.met_green |= green_failed + green_answered > 0;
        self.add(green_answered - harmed, time, weight, (true, false, slowed));
        self.add(harmed, time, weight, (true, true, true));
        self.add(green_failed, time, weight, (true, true, false));
        self.add(counted.failed - green_failed, time, weight, (false, true, false));
        if self.scenario.latency != Latency::AtOnce {
            self.add(blue_answered, time, weight, (false, false, false));
        } else if !self.met_any && blue_answered > 0 {
            let at_us = self.earliest_us(blue_answered, time);
            let probability = narrow(weight).to_bits();
            self.drawn.push(Drawn {
                at_us,
                is_green: false,
                failed: false,
                harmed: false,
                probability,
            });
        }
        self.met_any |= counted != Counted::default();
    }

    fn add(
        &mut self,
        count: u64,
        (from_s, until_s): (f64, f64),
        weight: f64,
        (is_green, failed, harmed): (bool, bool, bool),
    ) {
        let probability = narrow(weight).to_bits();
        for _ in 0..count {
            let at_us = micro(from_s + (until_s - from_s) * self.chance.random::<f64>());
            self.drawn.push(Drawn { at_us, is_green, failed, harmed, probability });
        }
    }

    /// The smallest of so many moments of which each is as likely: `1 - (1 - U)^(1/count)` of the time.
    fn earliest_us(&mut self, count: u64, (from_s, until_s): (f64, f64)) -> u64 {
        let share = 1.0 - (1.0 - self.chance.random::<f64>()).powf(1.0 / real(count));
        micro(from_s + (until_s - from_s) * share)
    }

    /// A request is assigned.
    fn take(&mut self, request: Drawn) -> Option<(Cause, u64)> {
        self.order += 1;
        self.harmed += f64::from(u8::from(request.harmed));
        if self.scenario.latency == Latency::AtOnce {
            return self.observe(&request, self.order, request.at_us);
        }
        let fault = &self.scenario.fault;
        let is_faulty = request.is_green && seconds(request.at_us) >= fault.onset_s;
        let slower = if is_faulty { fault.slower } else { 1.0 };
        let latency_us = latency_us(self.scenario.latency, slower, &mut self.chance);
        self.under_way.push(Reverse((request.at_us + latency_us, self.order, request)));
        None
    }

    /// What becomes known until `now_us`.
    fn hear(&mut self, now_us: u64) -> Option<(Cause, u64)> {
        while let Some(Reverse((done_us, order, request))) = self.under_way.peek().copied() {
            if done_us > now_us {
                return None;
            }
            self.under_way.pop();
            if let Some(found) = self.observe(&request, order, done_us) {
                return Some(found);
            }
        }
        None
    }

    fn observe(&mut self, request: &Drawn, order: u64, now_us: u64) -> Option<(Cause, u64)> {
        let outcome = Outcome {
            order,
            arm: if request.is_green { Arm::Green } else { Arm::Blue },
            green_probability: f32::from_bits(request.probability),
            status: if request.failed { StatusClass::ServerError } else { StatusClass::Success },
            error: ErrorKind::None,
            latency_us: narrow_us(now_us - request.at_us),
            pinned: false,
        };
        let observed = Observed {
            outcome,
            assigned_us: request.at_us,
            client: 0,
            returning: false,
            stratum: 0,
        };
        self.guard.observe(&observed, now_us).map(|finding| (finding.cause, now_us))
    }

    /// What green still does until the traffic is back.
    fn go_back(&mut self, at_us: u64, weight: f64) {
        let at_s = seconds(at_us);
        if at_s >= self.scenario.fault.onset_s {
            let share = if self.scenario.slows() { 1.0 } else { self.scenario.excess() };
            self.harmed += REACTION_S * weight * self.scenario.arrivals.requests_per_s() * share;
        }
        self.now_s = at_s + REACTION_S;
    }

    fn ended(&self, ending: Ending, is_proven: bool, step: usize) -> Followed {
        Followed { ending, at_s: self.now_s, harmed: self.harmed, is_proven, step }
    }
}

fn latency_us(latency: Latency, slower: f64, chance: &mut Pcg64Mcg) -> u64 {
    let Latency::LogNormal { median_us, sigma } = latency else { return 0 };
    let normal: f64 = StandardNormal.sample(chance);
    micro(median_us * (sigma * normal).exp() * slower / 1e6)
}

fn narrow_us(microseconds: u64) -> u32 {
    u32::try_from(microseconds).unwrap_or(u32::MAX)
}
