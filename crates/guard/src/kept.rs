//! All that is known of one rollout, which outlives a restart of the process. Owns the tests, what
//! each outcome is to them and how one alpha is shared among them; the order in which outcomes come
//! and whose requests they were are the guard's.

use serde::{Deserialize, Serialize};

use crate::acceptance::{BelowLimit, NotTwice};
use crate::against::{self, Against, MOST_AHEAD};
use crate::capital::real;
use crate::label::{Effects, LabelTest};
use crate::limit::Limit;
use crate::outcome::{Arm, Observed, Outcome};
use crate::slowness::Slowness;
use crate::strata::{self, Stratum};
use crate::{
    Cause, Counts, Evidence, Finding, Horizon, LatencyLimit, Policy, Probes, Standing, Verdict,
    words,
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

/// What is known of one rollout. Its fields are the stored form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) policy: Policy,
    pub(crate) horizon: Horizon,
    margin: LabelTest,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    strata: Vec<Stratum>,
    catastrophe: LabelTest,
    limits: Vec<Limit>,
    slowness: Vec<Slowness>,
    not_twice: NotTwice,
    below_limit: Option<BelowLimit>,
    pub(crate) counts: [Counts; 2],
    probes: Probes,
    pub(crate) finding: Option<Finding>,
    /// How the coin was when it was last tossed, for what is thought ahead.
    #[serde(default)]
    coin: f32,
}

/// Whether a failure repeats one of its client, or is none: among all requests, and within its stratum,
/// of which there may be none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeats {
    pub(crate) among_all: bool,
    pub(crate) within_stratum: bool,
}

impl Kept {
    /// Nothing is known of green, and of blue what `horizon` says.
    pub(crate) fn new(policy: Policy, horizon: Horizon) -> Self {
        Self {
            margin: LabelTest::of(&policy, policy.margin, Effects::FAILURES),
            strata: Stratum::all(&policy),
            catastrophe: LabelTest::of(&policy, CATASTROPHE, Effects::FAILURES),
            limits: Limit::all(&policy),
            slowness: Slowness::all(&policy, horizon.answers()),
            not_twice: NotTwice::default(),
            below_limit: policy.error_rate.map(BelowLimit::new),
            counts: [Counts::default(), Counts::default()],
            probes: Probes::default(),
            finding: None,
            coin: 0.0,
            horizon,
            policy,
        }
    }

    /// Counts an outcome of which no test knows yet.
    pub(crate) fn count(&mut self, observed: &Observed) {
        let outcome = &observed.outcome;
        self.counts[outcome.arm as usize].record(outcome);
        if let Some(stratum) = self.stratum(observed).filter(|_| outcome.is_evidence()) {
            stratum.count(outcome);
        }
    }

    /// Whether slowness is tested at all.
    pub(crate) fn tests_slowness(&self) -> bool {
        !self.slowness.is_empty()
    }

    /// Has what is to be proven at one weight proven anew.
    pub(crate) fn prove_anew(&mut self) {
        self.not_twice = NotTwice::default();
        self.below_limit = self.policy.error_rate.map(BelowLimit::new);
    }

    /// Takes a failure, in the order of completion, to the test for a catastrophe.
    pub(crate) fn judge_catastrophe(&mut self, outcome: &Outcome) {
        self.catastrophe.observe(outcome.arm == Arm::Green, f64::from(outcome.green_probability));
        let evidence = self.catastrophe.evidence() * CATASTROPHE_SHARE;
        if self.finding.is_none() && evidence * self.policy.alpha >= 1.0 {
            self.finding = Some(Finding { cause: Cause::Catastrophe, evidence });
        }
    }

    /// Whether the request is of a stratum that is declared.
    pub(crate) fn is_of_stratum(&self, observed: &Observed) -> bool {
        (1..=self.strata.len()).contains(&usize::from(observed.stratum))
    }

    /// Takes an outcome that is evidence, in the order of assignment, to the tests of failures; one
    /// that repeats a client's failure is no observation of its own.
    pub(crate) fn judge_failure(&mut self, observed: &Observed, repeats: Repeats) {
        let outcome = &observed.outcome;
        let is_green = outcome.arm == Arm::Green;
        self.coin = outcome.green_probability;
        let probability = f64::from(outcome.green_probability);
        let Repeats { among_all, within_stratum } = repeats;
        if outcome.failed() && !among_all {
            self.margin.observe(is_green, probability);
            self.not_twice.observe(is_green, probability);
        }
        if let Some(stratum) = self.stratum(observed)
            && outcome.failed()
            && !within_stratum
        {
            stratum.observe(is_green, probability);
        }
        let mut suspicious = outcome.failed() && is_green && !(among_all && within_stratum);
        for limit in &mut self.limits {
            suspicious |= limit.observe(outcome, among_all);
        }
        if let Some(test) = self.below_limit.as_mut().filter(|_| is_green) {
            test.observe(outcome.failed());
        }
        if suspicious {
            self.weigh_failures();
        }
    }

    /// Takes an outcome, in the order of assignment, to the tests of slowness.
    pub(crate) fn judge_slowness(&mut self, outcome: &Outcome) {
        let mut suspicious = false;
        for test in &mut self.slowness {
            suspicious |= test.observe(outcome);
        }
        if suspicious {
            self.weigh_slowness();
        }
    }

    /// Takes in the answer to one of the prober's requests to green.
    pub(crate) fn judge_probe(&mut self, failed: bool) {
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
    }

    /// Whether green is proven, at the weight it has, not to fail twice as often as blue, or to stay
    /// below its limit.
    pub(crate) fn is_proven(&self) -> bool {
        let below = self.below_limit.as_ref().map_or(0.0, BelowLimit::evidence);
        self.not_twice.evidence() >= PROVEN || below >= PROVEN
    }

    /// How green stands, with the figures and one sentence.
    pub(crate) fn verdict(&self) -> Verdict {
        let [blue, green] = [&self.counts[0], &self.counts[1]];
        let beside = Some(blue).filter(|blue| blue.requests > 0);
        let mut evidence = Evidence::of(green, beside, self.probes);
        let strata = self.policy.strata.iter().zip(&self.strata);
        evidence.strata = strata.map(|(name, stratum)| stratum.figures(name)).collect();
        evidence.against = Some(self.against());
        let Some(finding) = self.finding else {
            return evidence.unbroken(self.is_proven(), self.policy.minimum_sample);
        };
        evidence.once_in = Some(words::once_in(finding.evidence));
        let sentence = words::found(finding, &self.policy, (green, blue), &evidence);
        Verdict { standing: Standing::Unhealthy, sentence, evidence }
    }

    /// How much speaks against green, and after how many more failures it would go back.
    fn against(&self) -> Against {
        let bound = 1.0 / self.policy.alpha;
        let mut next = Vec::new();
        let mut ahead = (self.margin.clone(), self.limits.clone(), self.catastrophe.clone());
        let probability = f64::from(self.coin);
        // Where only one arm serves no failure is compared, and nothing can be told of the next one.
        let is_compared = probability > 0.0 && probability < 1.0;
        while is_compared && next.len() < MOST_AHEAD && next.last().is_none_or(|last| *last < bound)
        {
            ahead.0.observe(true, probability);
            ahead.2.observe(true, probability);
            let failure = Outcome::failure_of_green(self.coin);
            for limit in &mut ahead.1 {
                limit.observe(&failure, false);
            }
            next.push(against::rounded(self.weighed(&ahead.0, &ahead.1, &ahead.2)));
        }
        let now = self.weighed(&self.margin, &self.limits, &self.catastrophe);
        Against { now: against::rounded(now), bound: against::rounded(bound), next }
    }

    /// What these tests weigh together with the others as they stand, as it is held against the bound: the most
    /// of what is weighed apart.
    fn weighed(&self, margin: &LabelTest, limits: &[Limit], catastrophe: &LabelTest) -> f64 {
        let [of_margin, of_limits, of_slowness] = self.weights();
        let (of_all, of_each) = strata::parts(self.strata.len());
        let strata: f64 = self.strata.iter().map(Stratum::evidence).sum();
        let limits: f64 =
            limits.iter().map(Limit::evidence).sum::<f64>() / real(self.limits.len().max(1));
        let failures =
            of_margin * (of_all * margin.evidence() + of_each * strata) + of_limits * limits;
        let slowness: f64 = self.slowness.iter().map(Slowness::evidence).sum();
        let slowness = of_slowness * slowness / real(self.slowness.len().max(1));
        let rest = 1.0 - CATASTROPHE_SHARE;
        (rest * failures.max(slowness)).max(CATASTROPHE_SHARE * catastrophe.evidence())
    }

    /// The stratum of a request; none where it is of none that is declared.
    fn stratum(&mut self, observed: &Observed) -> Option<&mut Stratum> {
        let position = usize::from(observed.stratum).checked_sub(1)?;
        self.strata.get_mut(position)
    }

    fn weigh_failures(&mut self) {
        if self.finding.is_some() {
            return;
        }
        let [margin, limits, _] = self.weights();
        let share = limits / real(self.limits.len().max(1));
        let of_limit = |(at, limit): (usize, &Limit)| (Cause::Limit(at), share * limit.evidence());
        let (cause, of_margin) = self.margin();
        let limits = self.limits.iter().enumerate().map(of_limit);
        self.finding = self.found(std::iter::once((cause, margin * of_margin)).chain(limits));
    }

    /// The evidence that green fails more than the margin times as often as blue, of all requests and of
    /// each stratum together, and where that is: where a stratum shows as much as all requests do, in the
    /// stratum that shows most, because what fails there alone fails among all requests as well.
    fn margin(&self) -> (Cause, f64) {
        let (of_all, of_each) = strata::parts(self.strata.len());
        let whole = self.margin.evidence();
        let (mut strongest, mut sum) = ((Cause::Margin, whole), 0.0);
        for (at, stratum) in self.strata.iter().enumerate() {
            let evidence = stratum.evidence();
            sum += evidence;
            if evidence >= strongest.1 {
                strongest = (Cause::Stratum(at), evidence);
            }
        }
        (strongest.0, of_all * whole + of_each * sum)
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

/// The share of alpha that the test of the margin over all requests may spend by itself.
pub(crate) fn margin_share(policy: &Policy) -> f64 {
    let is_relative = |limit: &LatencyLimit| matches!(limit, LatencyLimit::Factor(..));
    let has_absolute = policy.error_rate.is_some() || !policy.latency.iter().all(is_relative);
    let (limits, slowness) = weights(!has_absolute, !policy.latency.iter().any(is_relative));
    let (of_all, _) = strata::parts(policy.strata.len());
    (1.0 - CATASTROPHE_SHARE) * MARGIN_WEIGHT / (MARGIN_WEIGHT + limits + slowness) * of_all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, StatusClass};

    const NEVER: Repeats = Repeats { among_all: false, within_stratum: false };

    fn failure(order: u64, arm: Arm, stratum: u8) -> Observed {
        let outcome = Outcome {
            order,
            arm,
            green_probability: 0.1,
            status: StatusClass::ServerError,
            error: ErrorKind::None,
            latency_us: 1_000,
            pinned: false,
        };
        Observed { outcome, assigned_us: order, client: 0, returning: false, stratum }
    }

    /// Four strata have an eighth of the share each, and those of which nothing is known stand at 1.
    #[test]
    fn evidence_of_all_requests_and_of_strata_is_added_up_by_fixed_weights() {
        let strata = ["/a", "/b", "/c", "/d"].map(str::to_owned).to_vec();
        let policy = Policy { strata, ..Policy::default() };
        let mut kept = Kept::new(policy, Horizon::default());
        let mut whole = LabelTest::new(1.25, Effects::FAILURES);
        let mut of_third = whole.clone();
        for order in 1..=200 {
            let is_green = order > 12;
            let stratum = if is_green || order % 4 == 0 { 3 } else { 0 };
            let arm = if is_green { Arm::Green } else { Arm::Blue };
            whole.observe(is_green, f64::from(0.1_f32));
            if stratum == 3 {
                of_third.observe(is_green, f64::from(0.1_f32));
            }
            kept.judge_failure(&failure(order, arm, stratum), NEVER);
            let evidence = 0.5 * whole.evidence() + (3.0 + of_third.evidence()) / 8.0;
            let evidence = evidence * (1.0 - CATASTROPHE_SHARE);
            if let Some(finding) = kept.finding {
                assert_eq!(finding.cause, Cause::Stratum(2));
                assert!((finding.evidence / evidence - 1.0).abs() < 1e-12 && evidence >= 100.0);
                return;
            }
            assert!(evidence < 100.0, "{order}");
        }
        panic!("nothing was found");
    }

    /// What is drawn reaches its bound with the failure that decides, and says beforehand which that is.
    #[test]
    fn what_speaks_against_green_reaches_its_bound_where_something_is_found() {
        let mut kept = Kept::new(Policy::default(), Horizon::default());
        let mut said = Vec::new();
        for order in 1..=100 {
            kept.judge_failure(&failure(order, Arm::Green, 0), NEVER);
            kept.judge_catastrophe(&failure(order, Arm::Green, 0).outcome);
            let against = kept.against();
            assert_eq!(kept.finding.is_some(), against.now >= against.bound, "{against:?}");
            if kept.finding.is_some() {
                let first: &Against = &said[0];
                assert_eq!(first.next.len(), said.len(), "as many more as it said after the first");
                let last = first.next.last().copied().unwrap_or_default();
                assert!((last / against.now - 1.0).abs() < 1e-3, "{last} {}", against.now);
                assert!(against.next.len() == 1);
                return;
            }
            said.push(against);
        }
        panic!("nothing was found");
    }

    #[test]
    fn the_shares_of_all_tests_sum_to_one() {
        for count in 0..=crate::MOST_STRATA {
            let (of_all, of_each) = strata::parts(count);
            assert!((of_all + real(count) * of_each - 1.0).abs() < 1e-12, "{count}");
        }
    }
}
