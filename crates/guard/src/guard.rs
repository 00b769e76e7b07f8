//! The guard of one rollout: every outcome in, at most one finding out. Owns which test sees which
//! outcome and how one alpha is shared among them; the tests themselves stand beside.

use crate::acceptance::{BelowLimit, NotTwice};
use crate::capital::real;
use crate::clients::Clients;
use crate::horizon::Horizon;
use crate::label::{Effects, LabelTest};
use crate::limit::Limit;
use crate::outcome::{Arm, ErrorKind, Observed, Outcome};
use crate::sequence::Sequence;
use crate::slowness::Slowness;
use crate::{Cause, Counts, Finding, Policy};

/// How many times as often as blue green must fail to be a catastrophe: far enough from 1 that
/// failures which arrive in the wrong order do not make one.
const CATASTROPHE: f64 = 20.0;
/// The share of alpha that the test for a catastrophe may spend; it is apart because it reads
/// outcomes in another order than the rest, and evidence from two orders cannot be added up.
const CATASTROPHE_SHARE: f64 = 0.1;
/// How the rest is laid on the tests, before what is not declared is left out.
const MARGIN_WEIGHT: f64 = 0.6;
const LIMITS_WEIGHT: f64 = 0.2;
const SLOWNESS_WEIGHT: f64 = 0.2;
/// Evidence at which green counts as proven: one in twenty.
const PROVEN: f64 = 20.0;

/// The judge of one rollout. Deterministic; allocates nothing per outcome.
#[derive(Clone, Debug)]
pub struct Guard {
    policy: Policy,
    horizon: Horizon,
    sequence: Sequence<Observed>,
    clients: Clients,
    clients_completed: Clients,
    margin: LabelTest,
    catastrophe: LabelTest,
    limits: Vec<Limit>,
    slowness: Vec<Slowness>,
    not_twice: NotTwice,
    below_limit: Option<BelowLimit>,
    weight: Warming,
    counts: [Counts; 2],
    finding: Option<Finding>,
}

/// The weight under way and until when it warms up.
#[derive(Clone, Copy, Debug, Default)]
struct Warming {
    green_probability: f32,
    until_us: u64,
}

impl Guard {
    /// A guard that has seen nothing. `first` is the order of the first request of the rollout.
    pub fn new(policy: Policy, horizon: Horizon, first: u64) -> Self {
        let clients = Clients::new(policy.client_window_us);
        Self {
            horizon,
            sequence: Sequence::new(first),
            clients_completed: clients.clone(),
            clients,
            margin: LabelTest::new(policy.margin, Effects::FAILURES),
            catastrophe: LabelTest::new(CATASTROPHE, Effects::FAILURES),
            limits: Limit::all(&policy),
            slowness: Slowness::all(&policy),
            not_twice: NotTwice::default(),
            below_limit: policy.error_rate.map(BelowLimit::new),
            weight: Warming::default(),
            counts: [Counts::default(), Counts::default()],
            finding: None,
            policy,
        }
    }

    /// Takes in one outcome in the order of completion, at `now_us` of the clock that assigned it.
    /// Answers the finding, once there is one.
    pub fn observe(&mut self, observed: &Observed, now_us: u64) -> Option<Finding> {
        let outcome = &observed.outcome;
        self.counts[outcome.arm as usize].record(outcome);
        if outcome.arm == Arm::Blue && outcome.is_evidence() {
            self.horizon.saw(outcome.failed(), outcome.latency_us);
        }
        self.judge_catastrophe(observed);
        while self.sequence.is_full_for(outcome.order) {
            let Some(oldest) = self.sequence.take_oldest() else { break };
            self.apply(&oldest);
        }
        if let Some(late) = self.sequence.put(outcome.order, observed.assigned_us, *observed) {
            self.apply(&late);
        }
        self.advance(now_us)
    }

    /// Hands on what has waited long enough by `now_us`. To be called now and then while nothing
    /// arrives; safe to repeat.
    pub fn advance(&mut self, now_us: u64) -> Option<Finding> {
        let overdue_us = now_us.saturating_sub(self.horizon.wait_us());
        while let Some(next) = self.sequence.take(overdue_us) {
            self.apply(&next);
        }
        self.finding
    }

    /// Takes in the answer to one of the prober's requests to green.
    pub fn observe_probe(&mut self, failed: bool) -> Option<Finding> {
        for limit in &mut self.limits {
            limit.observe_probe(failed);
        }
        if let Some(test) = &mut self.below_limit {
            test.observe(failed);
        }
        if failed {
            self.weigh();
        }
        self.finding
    }

    /// What was found, if anything.
    pub fn finding(&self) -> Option<Finding> {
        self.finding
    }

    /// Whether green is proven not to fail twice as often as blue, or to stay below its limit.
    pub fn is_proven(&self) -> bool {
        let below = self.below_limit.as_ref().map_or(0.0, BelowLimit::evidence);
        self.not_twice.evidence() >= PROVEN || below >= PROVEN
    }

    /// What was counted of one arm.
    pub fn counts(&self, arm: Arm) -> &Counts {
        &self.counts[arm as usize]
    }

    fn judge_catastrophe(&mut self, observed: &Observed) {
        self.clients_completed.saw(observed.client);
        let Observed { outcome, assigned_us, client } = observed;
        if !outcome.is_evidence() || !outcome.failed() {
            return;
        }
        if !self.clients_completed.is_new(*client, *assigned_us) {
            return;
        }
        self.catastrophe.observe(outcome.arm == Arm::Green, f64::from(outcome.green_probability));
        let evidence = self.catastrophe.evidence() * CATASTROPHE_SHARE;
        if self.finding.is_none() && evidence * self.policy.alpha >= 1.0 {
            self.finding = Some(Finding { cause: Cause::Catastrophe, evidence });
        }
    }

    fn apply(&mut self, observed: &Observed) {
        let Observed { outcome, assigned_us, client } = observed;
        self.clients.saw(*client);
        if outcome.pinned || self.is_warming(outcome, *assigned_us) {
            return;
        }
        let mut suspicious = false;
        for test in &mut self.slowness {
            suspicious |= test.observe(outcome);
        }
        if outcome.error != ErrorKind::ClientAbort {
            let repeated = outcome.failed() && !self.clients.is_new(*client, *assigned_us);
            suspicious |= self.judge_failure(outcome, repeated);
        }
        if suspicious {
            self.weigh();
        }
    }

    fn judge_failure(&mut self, outcome: &Outcome, is_repeated: bool) -> bool {
        let is_green = outcome.arm == Arm::Green;
        let probability = f64::from(outcome.green_probability);
        let is_evidence = outcome.failed() && !is_repeated;
        if is_evidence {
            self.margin.observe(is_green, probability);
            self.not_twice.observe(is_green, probability);
        }
        let mut suspicious = is_evidence && is_green;
        for limit in &mut self.limits {
            suspicious |= limit.observe(outcome, is_repeated);
        }
        if let Some(test) = self.below_limit.as_mut().filter(|_| is_green) {
            test.observe(outcome.failed());
        }
        suspicious
    }

    fn is_warming(&mut self, outcome: &Outcome, assigned_us: u64) -> bool {
        if outcome.green_probability.to_bits() != self.weight.green_probability.to_bits() {
            self.weight = Warming {
                green_probability: outcome.green_probability,
                until_us: assigned_us + self.policy.warm_up_us,
            };
        }
        assigned_us < self.weight.until_us
    }

    /// Adds up the evidence; the sum of e-processes with weights that sum to 1 is one, whatever they
    /// have in common.
    fn weigh(&mut self) {
        if self.finding.is_some() {
            return;
        }
        let limits = if self.limits.is_empty() { 0.0 } else { LIMITS_WEIGHT };
        let slowness = if self.slowness.is_empty() { 0.0 } else { SLOWNESS_WEIGHT };
        let whole = MARGIN_WEIGHT + limits + slowness;
        let mut heaviest = (Cause::Margin, MARGIN_WEIGHT / whole * self.margin.evidence());
        let mut sum = heaviest.1;
        let mut add = |cause, evidence: f64| {
            sum += evidence;
            if evidence > heaviest.1 {
                heaviest = (cause, evidence);
            }
        };
        for (position, limit) in self.limits.iter().enumerate() {
            let share = limits / whole / real(self.limits.len());
            add(Cause::Limit(position), share * limit.evidence());
        }
        for test in &self.slowness {
            let share = slowness / whole / real(self.slowness.len());
            add(Cause::Slower(test.position()), share * test.evidence());
        }
        let evidence = sum * (1.0 - CATASTROPHE_SHARE);
        if evidence * self.policy.alpha >= 1.0 {
            self.finding = Some(Finding { cause: heaviest.0, evidence });
        }
    }
}
