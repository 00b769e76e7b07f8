//! The guard of one rollout: every outcome in, at most one finding out. Owns the order in which
//! outcomes are judged, the warm-up and whose repetitions they are; what is known, and what each
//! outcome is to the tests, stands beside.

use serde::{Deserialize, Serialize, Serializer};

use crate::clients::{Clients, Crowd};
use crate::kept::{Kept, Repeats};
use crate::outcome::{Arm, ErrorKind, Observed};
use crate::past::Past;
use crate::sequence::Sequence;
use crate::slowness;
use crate::{Counts, Finding, Policy, Verdict};

/// The judge of one rollout. Deterministic; allocates nothing per outcome.
///
/// Written and read again it goes on where it was, with a clock and an order of its own: the requests
/// that were under way and the memory of clients are gone, which costs evidence and no validity.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Kept")]
pub struct Guard {
    kept: Kept,
    sequence: Sequence<Observed>,
    /// The same outcomes for slowness alone, which has a wait of its own; stays empty where no factor
    /// on a latency is declared. What a sequence may take comes on top of the other's: a place for
    /// each request of the longest wait there was, 128 KiB at a thousand requests a second and one
    /// MiB at most.
    answers: Sequence<Observed>,
    clients: Clients,
    clients_completed: Clients,
    warming: Warming,
}

/// A time of assignment in which only a catastrophe counts.
#[derive(Clone, Copy, Debug, Default)]
struct Warming {
    from_us: u64,
    until_us: u64,
}

impl Guard {
    /// A guard that has seen nothing of green. `first` is the order of the first request of the rollout.
    pub fn new(policy: Policy, past: impl Into<Past>, first: u64) -> Self {
        let Past { horizon, crowd } = past.into();
        let clients = Clients::new(policy.client_window_us, crowd);
        Self::begin(Kept::new(policy, horizon), clients, first)
    }

    fn begin(kept: Kept, clients: Clients, first: u64) -> Self {
        Self {
            kept,
            sequence: Sequence::new(first),
            answers: Sequence::new(first),
            clients_completed: clients.clone(),
            clients,
            warming: Warming::default(),
        }
    }

    /// Takes in one outcome in the order of completion, at `now_us` of the clock that assigned it.
    /// Answers the finding, once there is one.
    pub fn observe(&mut self, observed: &Observed, now_us: u64) -> Option<Finding> {
        let outcome = &observed.outcome;
        self.kept.count(observed);
        if outcome.arm == Arm::Blue && outcome.is_evidence() {
            self.kept.horizon.saw(outcome.failed(), outcome.latency_us);
        }
        self.judge_catastrophe(observed);
        while self.sequence.is_full_for(outcome.order) {
            let Some(oldest) = self.sequence.take_oldest() else { break };
            self.judge_failure(&oldest);
        }
        if let Some(late) = self.sequence.put(outcome.order, observed.assigned_us, *observed) {
            self.judge_failure(&late);
        }
        if self.kept.tests_slowness() {
            self.wait_for_slower(observed);
        }
        self.advance(now_us)
    }

    /// Takes in one outcome of a pair of a request and its copy: the one that a fair coin picked before
    /// either was known. Both are answered when it comes, so that it has nothing to wait for. The
    /// other one must be no evidence: with a request of which green might have been given the
    /// original, its failure would count twice.
    pub fn observe_pair(&mut self, observed: &Observed) -> Option<Finding> {
        self.kept.count(observed);
        self.judge_catastrophe(observed);
        self.judge_failure(observed);
        self.judge_slowness(observed);
        self.finding()
    }

    /// Says that green's weight was changed at `at_us`: for the warm-up of the policy only a
    /// catastrophe counts. To be called when the weight that was *ordered* changes, not when an arm
    /// loses a copy: a green that keeps crashing must not keep itself warming up. What was proven at
    /// another weight is to be proven anew; what speaks against green is kept.
    pub fn weight_changed(&mut self, at_us: u64) {
        self.kept.prove_anew();
        if at_us > self.warming.until_us {
            self.warming.from_us = at_us;
        }
        self.warming.until_us = at_us.saturating_add(self.policy().warm_up_us);
    }

    /// When [`Self::advance`] has something to hand on if nothing arrives until then; none while
    /// nothing waits.
    pub fn due_us(&self) -> Option<u64> {
        let wait_us = self.kept.horizon.wait_us();
        let of_failures = self.sequence.waits_since_us().map(|us| (us, wait_us));
        let of_answers = self.answers.waits_since_us().map(|us| (us, slowness::WAIT_US));
        let due = [of_failures, of_answers].into_iter().flatten();
        due.map(|(since_us, wait_us)| since_us.saturating_add(wait_us)).min()
    }

    /// Hands on what has waited long enough by `now_us`. To be called now and then while nothing
    /// arrives; safe to repeat.
    pub fn advance(&mut self, now_us: u64) -> Option<Finding> {
        let overdue_us = now_us.saturating_sub(self.kept.horizon.wait_us());
        while let Some(next) = self.sequence.take(overdue_us) {
            self.judge_failure(&next);
        }
        let overdue_us = now_us.saturating_sub(slowness::WAIT_US);
        while let Some(next) = self.answers.take(overdue_us) {
            self.judge_slowness(&next);
        }
        self.finding()
    }

    /// Takes in the answer to one of the prober's requests to green.
    pub fn observe_probe(&mut self, failed: bool) -> Option<Finding> {
        self.kept.judge_probe(failed);
        self.finding()
    }

    /// The p99 of blue's answers in microseconds; none while too few are known.
    pub fn usual_us(&self) -> Option<u64> {
        self.kept.horizon.usual_us()
    }

    /// What was found, if anything.
    pub fn finding(&self) -> Option<Finding> {
        self.kept.finding
    }

    /// Whether green is proven, at the weight it has, not to fail twice as often as blue, or to stay
    /// below its limit.
    pub fn is_proven(&self) -> bool {
        self.kept.is_proven()
    }

    /// What is tolerated.
    pub fn policy(&self) -> &Policy {
        &self.kept.policy
    }

    /// How green stands, with the figures and one sentence. Cheap enough to ask after every outcome
    /// that changed something; the figures are those of now, also after a finding.
    pub fn verdict(&self) -> Verdict {
        self.kept.verdict()
    }

    /// What was counted of one arm.
    pub fn counts(&self, arm: Arm) -> &Counts {
        &self.kept.counts[arm as usize]
    }

    fn judge_catastrophe(&mut self, observed: &Observed) {
        self.clients_completed.saw(observed.client);
        let Observed { outcome, assigned_us, client, .. } = observed;
        if !outcome.is_evidence() || !outcome.failed() {
            return;
        }
        if self.clients_completed.is_new(*client, *assigned_us) {
            self.kept.judge_catastrophe(outcome);
        }
    }

    fn judge_failure(&mut self, observed: &Observed) {
        let Observed { outcome, assigned_us, client, stratum, .. } = observed;
        self.clients.saw(*client);
        if outcome.pinned || self.is_warming(*assigned_us) {
            return;
        }
        if outcome.error != ErrorKind::ClientAbort {
            let (failed, at_us) = (outcome.failed(), *assigned_us);
            let is_of_stratum = failed && self.kept.is_of_stratum(observed);
            let within_stratum =
                !is_of_stratum || !self.clients.is_new_within(*stratum, *client, at_us);
            let among_all = failed && !self.clients.is_new(*client, at_us);
            self.kept.judge_failure(observed, Repeats { among_all, within_stratum });
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
        if is_tossed_for && !self.is_warming(observed.assigned_us) {
            self.kept.judge_slowness(&observed.outcome);
        }
    }

    fn is_warming(&self, assigned_us: u64) -> bool {
        (self.warming.from_us..self.warming.until_us).contains(&assigned_us)
    }
}

impl From<Kept> for Guard {
    fn from(kept: Kept) -> Self {
        let clients = Clients::new(kept.policy.client_window_us, Crowd::default());
        Self::begin(kept, clients, 1)
    }
}

impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.kept.serialize(serializer)
    }
}
