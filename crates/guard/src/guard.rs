//! The guard of one rollout: every outcome in, at most one finding out. Owns which test sees which
//! outcome and how one alpha is shared among them; the tests themselves stand beside.

use crate::acceptance::{BelowLimit, NotTwice};
use crate::capital::real;
use crate::clients::Clients;
use crate::horizon::Horizon;
use crate::label::{Effects, LabelTest};
use crate::limit::Limit;
use crate::outcome::{Arm, ErrorKind, Observed, Outcome};
use crate::past::Past;
use crate::sequence::Sequence;
use crate::slowness::{self, Slowness};
use serde::{Deserialize, Serialize};

use crate::{
    Cause, Counts, Evidence, Finding, LatencyLimit, Policy, Probes, Standing, Verdict, words,
};

/// How many times as often as blue green must fail to be a catastrophe: far enough from 1 that
/// failures which arrive in the wrong order do not make one.
pub(crate) const CATASTROPHE: f64 = 20.0;
/// The share of alpha that the test for a catastrophe may spend; it is apart because it reads
/// outcomes in another order than the rest, and evidence from two orders cannot be added up.
pub(crate) const CATASTROPHE_SHARE: f64 = 0.1;
/// How the rest is laid on the tests, before what is not declared is left out. What is laid on slowness
/// is apart for the same reason.
const MARGIN_WEIGHT: f64 = 0.6;
const LIMITS_WEIGHT: f64 = 0.2;
const SLOWNESS_WEIGHT: f64 = 0.2;
/// Evidence at which green counts as proven: one in twenty.
const PROVEN: f64 = 20.0;

/// The judge of one rollout. Deterministic; allocates nothing per outcome.
///
/// Written and read again it goes on where it was, with a clock and an order of its own: the requests
/// that were under way and the memory of clients are gone, which costs evidence and no validity.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Guard {
    policy: Policy,
    horizon: Horizon,
    sequence: Sequence<Observed>,
    /// The same outcomes for slowness alone, which has a wait of its own; stays empty where no factor
    /// on a latency is declared. What a sequence may take comes on top of the other's: a place for
    /// each request of the longest wait there was, 128 KiB at a thousand requests a second and one
    /// MiB at most.
    answers: Sequence<Observed>,
    clients: Clients,
    clients_completed: Clients,
    margin: LabelTest,
    catastrophe: LabelTest,
    limits: Vec<Limit>,
    slowness: Vec<Slowness>,
    not_twice: NotTwice,
    below_limit: Option<BelowLimit>,
    warming: Warming,
    counts: [Counts; 2],
    probes: Probes,
    finding: Option<Finding>,
}

/// A time of assignment in which only a catastrophe counts.
#[derive(Clone, Copy, Debug, Default)]
struct Warming {
    from_us: u64,
    until_us: u64,
}

/// What is kept over a restart of the process.
#[derive(Serialize, Deserialize)]
struct Saved {
    policy: Policy,
    horizon: Horizon,
    margin: LabelTest,
    catastrophe: LabelTest,
    limits: Vec<Limit>,
    slowness: Vec<Slowness>,
    not_twice: NotTwice,
    below_limit: Option<BelowLimit>,
    counts: [Counts; 2],
    probes: Probes,
    finding: Option<Finding>,
}

impl Guard {
    /// A guard that has seen nothing of green. `first` is the order of the first request of the rollout.
    pub fn new(policy: Policy, past: impl Into<Past>, first: u64) -> Self {
        let Past { horizon, crowd } = past.into();
        let clients = Clients::new(policy.client_window_us, crowd);
        let slowness = Slowness::all(&policy, horizon.answers());
        Self {
            horizon,
            sequence: Sequence::new(first),
            answers: Sequence::new(first),
            clients_completed: clients.clone(),
            clients,
            margin: LabelTest::new(policy.margin, Effects::FAILURES),
            catastrophe: LabelTest::new(CATASTROPHE, Effects::FAILURES),
            limits: Limit::all(&policy),
            slowness,
            not_twice: NotTwice::default(),
            below_limit: policy.error_rate.map(BelowLimit::new),
            warming: Warming::default(),
            counts: [Counts::default(), Counts::default()],
            probes: Probes::default(),
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
        if !self.slowness.is_empty() {
            self.wait_for_slower(observed);
        }
        self.advance(now_us)
    }

    /// Takes in one outcome of a pair of a request and its copy: the one that a fair coin picked before
    /// either was known. Both are answered when it comes, so that it has nothing to wait for. The
    /// other one must be no evidence: with a request of which green might have been given the
    /// original, its failure would count twice.
    pub fn observe_pair(&mut self, observed: &Observed) -> Option<Finding> {
        self.counts[observed.outcome.arm as usize].record(&observed.outcome);
        self.judge_catastrophe(observed);
        self.apply(observed);
        self.judge_slowness(observed);
        self.finding
    }

    /// Says that green's weight was changed at `at_us`: for the warm-up of the policy only a
    /// catastrophe counts. To be called when the weight that was *ordered* changes, not when an arm
    /// loses a copy: a green that keeps crashing must not keep itself warming up. What was proven at
    /// another weight is to be proven anew; what speaks against green is kept.
    pub fn weight_changed(&mut self, at_us: u64) {
        self.not_twice = NotTwice::default();
        self.below_limit = self.policy.error_rate.map(BelowLimit::new);
        if at_us > self.warming.until_us {
            self.warming.from_us = at_us;
        }
        self.warming.until_us = at_us.saturating_add(self.policy.warm_up_us);
    }

    /// When [`Self::advance`] has something to hand on if nothing arrives until then; none while
    /// nothing waits.
    pub fn due_us(&self) -> Option<u64> {
        let of_failures = self.sequence.waits_since_us().map(|us| (us, self.horizon.wait_us()));
        let of_answers = self.answers.waits_since_us().map(|us| (us, slowness::WAIT_US));
        let due = [of_failures, of_answers].into_iter().flatten();
        due.map(|(since_us, wait_us)| since_us.saturating_add(wait_us)).min()
    }

    /// Hands on what has waited long enough by `now_us`. To be called now and then while nothing
    /// arrives; safe to repeat.
    pub fn advance(&mut self, now_us: u64) -> Option<Finding> {
        let overdue_us = now_us.saturating_sub(self.horizon.wait_us());
        while let Some(next) = self.sequence.take(overdue_us) {
            self.apply(&next);
        }
        let overdue_us = now_us.saturating_sub(slowness::WAIT_US);
        while let Some(next) = self.answers.take(overdue_us) {
            self.judge_slowness(&next);
        }
        self.finding
    }

    /// Takes in the answer to one of the prober's requests to green.
    pub fn observe_probe(&mut self, failed: bool) -> Option<Finding> {
        self.probes.total += 1;
        self.probes.failed += u64::from(failed);
        for limit in &mut self.limits {
            limit.observe_probe(failed);
        }
        if let Some(test) = &mut self.below_limit {
            test.observe(failed);
        }
        if failed {
            self.weigh_failures();
        }
        self.finding
    }

    /// The p99 of blue's answers in microseconds; none while too few are known.
    pub fn usual_us(&self) -> Option<u64> {
        self.horizon.usual_us()
    }

    /// What was found, if anything.
    pub fn finding(&self) -> Option<Finding> {
        self.finding
    }

    /// Whether green is proven, at the weight it has, not to fail twice as often as blue, or to stay
    /// below its limit.
    pub fn is_proven(&self) -> bool {
        let below = self.below_limit.as_ref().map_or(0.0, BelowLimit::evidence);
        self.not_twice.evidence() >= PROVEN || below >= PROVEN
    }

    /// What is tolerated.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How green stands, with the figures and one sentence. Cheap enough to ask after every outcome
    /// that changed something; the figures are those of now, also after a finding.
    pub fn verdict(&self) -> Verdict {
        let [blue, green] = [&self.counts[0], &self.counts[1]];
        let beside = Some(blue).filter(|blue| blue.requests > 0);
        let mut evidence = Evidence::of(green, beside, self.probes);
        let Some(finding) = self.finding else {
            return evidence.unbroken(self.is_proven(), self.policy.minimum_sample);
        };
        evidence.once_in = Some(words::once_in(finding.evidence));
        let sentence = words::found(finding, &self.policy, (green, blue), &evidence);
        Verdict { standing: Standing::Unhealthy, sentence, evidence }
    }

    /// What was counted of one arm.
    pub fn counts(&self, arm: Arm) -> &Counts {
        &self.counts[arm as usize]
    }

    fn judge_catastrophe(&mut self, observed: &Observed) {
        self.clients_completed.saw(observed.client);
        let Observed { outcome, assigned_us, client, returning: _ } = observed;
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
        let Observed { outcome, assigned_us, client, returning: _ } = observed;
        self.clients.saw(*client);
        if outcome.pinned || self.is_warming(*assigned_us) {
            return;
        }
        if outcome.error != ErrorKind::ClientAbort {
            let repeated = outcome.failed() && !self.clients.is_new(*client, *assigned_us);
            if self.judge_failure(outcome, repeated) {
                self.weigh_failures();
            }
        }
    }

    fn wait_for_slower(&mut self, observed: &Observed) {
        let order = observed.outcome.order;
        while self.answers.is_full_for(order) {
            let Some(oldest) = self.answers.take_oldest() else { break };
            self.judge_slowness(&oldest);
        }
        if let Some(late) = self.answers.put(order, observed.assigned_us, *observed) {
            self.judge_slowness(&late);
        }
    }

    fn judge_slowness(&mut self, observed: &Observed) {
        let is_tossed_for = !observed.outcome.pinned && !observed.returning;
        if !is_tossed_for || self.is_warming(observed.assigned_us) {
            return;
        }
        let mut suspicious = false;
        for test in &mut self.slowness {
            suspicious |= test.observe(&observed.outcome);
        }
        if suspicious {
            self.weigh_slowness();
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

    fn is_warming(&self, assigned_us: u64) -> bool {
        (self.warming.from_us..self.warming.until_us).contains(&assigned_us)
    }

    fn weigh_failures(&mut self) {
        if self.finding.is_some() {
            return;
        }
        let [margin, limits, _] = self.weights();
        let share = limits / real(self.limits.len().max(1));
        let of_limit = |(at, limit): (usize, &Limit)| (Cause::Limit(at), share * limit.evidence());
        let margin = (Cause::Margin, margin * self.margin.evidence());
        let limits = self.limits.iter().enumerate().map(of_limit);
        self.finding = self.found(std::iter::once(margin).chain(limits));
    }

    /// Apart from the failures: evidence that waits longer knows less at any moment, and a sum of
    /// evidence of which one part knows what the other does not need not be any.
    fn weigh_slowness(&mut self) {
        if self.finding.is_some() {
            return;
        }
        let [_, _, slowness] = self.weights();
        let share = slowness / real(self.slowness.len().max(1));
        let of_test = |test: &Slowness| (Cause::Slower(test.position()), share * test.evidence());
        self.finding = self.found(self.slowness.iter().map(of_test));
    }

    /// The shares of the margin, of all limits and of all factors on latencies, which sum to 1.
    fn weights(&self) -> [f64; 3] {
        let (limits, slowness) = weights(self.limits.is_empty(), self.slowness.is_empty());
        let whole = MARGIN_WEIGHT + limits + slowness;
        [MARGIN_WEIGHT / whole, limits / whole, slowness / whole]
    }

    /// Adds up evidence, and names it after its heaviest part if it is enough; the sum of e-processes
    /// with weights that sum to 1 is one, whatever they have in common.
    fn found(&self, parts: impl Iterator<Item = (Cause, f64)>) -> Option<Finding> {
        let (mut heaviest, mut sum) = ((Cause::Margin, 0.0), 0.0);
        for part in parts {
            sum += part.1;
            if part.1 > heaviest.1 {
                heaviest = part;
            }
        }
        let evidence = sum * (1.0 - CATASTROPHE_SHARE);
        (evidence * self.policy.alpha >= 1.0).then_some(Finding { cause: heaviest.0, evidence })
    }
}

/// How much is laid on the limits and on slowness beside [`MARGIN_WEIGHT`].
fn weights(no_limits: bool, no_slowness: bool) -> (f64, f64) {
    (if no_limits { 0.0 } else { LIMITS_WEIGHT }, if no_slowness { 0.0 } else { SLOWNESS_WEIGHT })
}

/// The share of alpha that the test of the margin may spend by itself.
pub(crate) fn margin_share(policy: &Policy) -> f64 {
    let is_relative = |limit: &LatencyLimit| matches!(limit, LatencyLimit::Factor(..));
    let has_absolute = policy.error_rate.is_some() || !policy.latency.iter().all(is_relative);
    let (limits, slowness) = weights(!has_absolute, !policy.latency.iter().any(is_relative));
    (1.0 - CATASTROPHE_SHARE) * MARGIN_WEIGHT / (MARGIN_WEIGHT + limits + slowness)
}

impl From<Saved> for Guard {
    fn from(saved: Saved) -> Self {
        let Saved { policy, horizon, margin, catastrophe, limits, slowness, .. } = saved;
        Self {
            margin,
            catastrophe,
            limits,
            slowness,
            not_twice: saved.not_twice,
            below_limit: saved.below_limit,
            counts: saved.counts,
            probes: saved.probes,
            finding: saved.finding,
            ..Self::new(policy, horizon, 1)
        }
    }
}

impl From<Guard> for Saved {
    fn from(guard: Guard) -> Self {
        let Guard { policy, horizon, margin, catastrophe, limits, slowness, not_twice, .. } = guard;
        let Guard { below_limit, counts, probes, finding, .. } = guard;
        Self {
            policy,
            horizon,
            margin,
            catastrophe,
            limits,
            slowness,
            not_twice,
            below_limit,
            counts,
            probes,
            finding,
        }
    }
}
