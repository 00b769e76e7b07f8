//! The guard of one route: whom it judges, and what it found. Owns the way from an outcome on the route
//! to the guard's two arms; moves no traffic.

use serde::{Deserialize, Serialize};
use towpath_guard::{Arm, Guard, Observed, Past, Policy, Standing, Verdict};

use crate::Refusal;
use crate::route::check_name;
use crate::stream::Arms;

/// Whom a route's guard judges and what is tolerated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardSpec {
    /// The deployment that is judged: the candidate beside the default arm, or the default arm
    /// beside a candidate that serves as its baseline, or alone. As long as it stays the same, and
    /// the policy does, evidence is kept, over applies and restarts.
    pub subject: String,
    /// What is tolerated. Its strata are paths, each with all below it: `/a` is not `/ab`, and of two
    /// that fit the longer one counts.
    pub policy: Policy,
    /// Whether an unhealthy candidate loses its weight at once; otherwise it is only told of.
    pub acts: bool,
    /// Request header that says whose request it is; none means the address of the connection.
    #[serde(default)]
    pub client_header: Option<String>,
}

/// What a guard says of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Whom it is about.
    pub deployment: String,
    /// What it says.
    pub verdict: Verdict,
}

/// A guard at work on one route.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Judge {
    spec: GuardSpec,
    guard: Guard,
    /// What was found, with the figures of that moment.
    found: Option<Verdict>,
    told: Option<Standing>,
    #[serde(skip)]
    is_saved: bool,
}

impl GuardSpec {
    /// Refuses a guard that could not judge.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_name("judged deployment", &self.subject)?;
        if let Some(header) = &self.client_header {
            http::HeaderName::try_from(header.as_str())
                .map_err(|_| Refusal::invalid(format!("{header:?} is no header name")))?;
        }
        let strata = &self.policy.strata;
        if let Some(path) = strata.iter().find(|path| !path.starts_with('/')) {
            return Err(Refusal::invalid(format!("{path:?} is no path: it must begin with /")));
        }
        self.policy.check().map_err(Refusal::invalid)
    }
}

impl Judge {
    /// A guard that has seen nothing; `first` is the order of the next request that is assigned.
    pub(crate) fn new(spec: GuardSpec, past: Past, first: u64) -> Self {
        let guard = Guard::new(spec.policy.clone(), past, first);
        Self { spec, guard, found: None, told: None, is_saved: false }
    }

    /// Takes on a spec if it judges the same by the same limits; else another guard is needed. The
    /// chance of a false alarm stays what it was when the guard began: it cannot be spent anew.
    pub(crate) fn follow(&mut self, spec: &GuardSpec) -> bool {
        let alpha = self.spec.policy.alpha;
        let spec = &GuardSpec { policy: Policy { alpha, ..spec.policy.clone() }, ..spec.clone() };
        let is_same = self.spec.subject == spec.subject && self.spec.policy == spec.policy;
        if is_same {
            self.is_saved &= self.spec == *spec;
            self.spec = spec.clone();
        }
        is_same
    }

    /// Whether this deployment was found unhealthy and must not have weight.
    pub(crate) fn bars(&self, deployment: &str) -> bool {
        self.spec.acts && self.found.is_some() && self.spec.subject == deployment
    }

    /// Says that the weight was ordered anew.
    pub(crate) fn weight_changed(&mut self, now_us: u64) {
        self.guard.weight_changed(now_us);
        self.told = self.told.filter(|told| *told == Standing::Unhealthy);
    }

    /// When [`Self::advance`] is due if nothing happens until then.
    pub(crate) fn due_us(&self) -> Option<u64> {
        self.guard.due_us().filter(|_| self.found.is_none())
    }

    /// Takes in an outcome of the route.
    pub(crate) fn observe(&mut self, arms: &Arms, observed: &Observed, now_us: u64) {
        self.is_saved = false;
        let finding = self.guard.observe(&self.seen(arms, observed), now_us);
        self.note(finding.is_some());
    }

    /// What the baseline usually takes, in microseconds, where a candidate is judged beside it.
    pub(crate) fn usual_us(&self, arms: &Arms) -> Option<u64> {
        let judges_candidate = arms.green.as_ref() == Some(&self.spec.subject);
        self.guard.usual_us().filter(|_| judges_candidate)
    }

    /// Takes in the outcome of a pair of a request and its copy, while green has no visitors: then the
    /// request itself is no evidence.
    pub(crate) fn observe_pair(&mut self, arms: &Arms, observed: &Observed) {
        self.is_saved = false;
        let finding = self.guard.observe_pair(&self.seen(arms, observed));
        self.note(finding.is_some());
    }

    /// Hands on to the tests what has waited long enough.
    pub(crate) fn advance(&mut self, now_us: u64) {
        let finding = self.guard.advance(now_us);
        self.note(finding.is_some());
    }

    /// What should be told since this was last asked: that it is proven, or that it is unhealthy.
    pub(crate) fn take_news(&mut self) -> Option<Judged> {
        let standing = if self.found.is_some() {
            Standing::Unhealthy
        } else if self.told.is_none() && self.guard.is_proven() {
            self.guard.verdict().standing
        } else {
            return None;
        };
        let is_news = matches!(standing, Standing::Healthy | Standing::Unhealthy);
        if !is_news || self.told == Some(standing) {
            return None;
        }
        self.told = Some(standing);
        self.is_saved = false;
        Some(self.judged())
    }

    /// What it says now; once something was found, that, with the figures of that moment.
    pub(crate) fn judged(&self) -> Judged {
        let verdict = self.found.clone().unwrap_or_else(|| self.guard.verdict());
        Judged { deployment: self.spec.subject.clone(), verdict }
    }

    /// What is to be written, if it changed since this was last asked.
    pub(crate) fn take_unwritten(&mut self) -> Option<Vec<u8>> {
        (!std::mem::replace(&mut self.is_saved, true)).then(|| crate::disk::encode(self))
    }

    fn note(&mut self, is_found: bool) {
        if is_found && self.found.is_none() {
            self.found = Some(self.guard.verdict());
            self.is_saved = false;
        }
    }

    /// The outcome as the guard sees it, for whom green is who is judged. What was assigned while
    /// the judged deployment was in neither arm is no evidence.
    fn seen(&self, arms: &Arms, observed: &Observed) -> Observed {
        let mut seen = *observed;
        let outcome = &mut seen.outcome;
        let is = |deployment: &Option<String>| deployment.as_ref() == Some(&self.spec.subject);
        if is(&arms.green) {
            return seen;
        }
        if is(&arms.blue) {
            outcome.arm = if outcome.arm == Arm::Blue { Arm::Green } else { Arm::Blue };
            outcome.green_probability = 1.0 - outcome.green_probability;
        } else {
            outcome.pinned = true;
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use towpath_guard::{ErrorKind, Outcome, StatusClass};

    fn spec() -> GuardSpec {
        let policy = Policy { error_rate: Some(0.05), warm_up_us: 0, ..Policy::default() };
        GuardSpec { subject: "7".into(), policy, acts: true, client_header: None }
    }

    fn arms(blue: &str, green: Option<&str>) -> Arms {
        let green = green.map(str::to_owned);
        Arms { epoch: 1, revision: 1, blue: Some(blue.into()), green }
    }

    fn failing(judge: &mut Judge, arms: &Arms, (arm, green_probability): (Arm, f32)) -> bool {
        for order in 1..=400 {
            let outcome = Outcome {
                order,
                arm,
                green_probability,
                status: StatusClass::ServerError,
                error: ErrorKind::None,
                latency_us: 1_000,
                pinned: false,
            };
            let observed = Observed {
                outcome,
                assigned_us: order * 1_000,
                client: 0,
                returning: false,
                stratum: 0,
            };
            judge.observe(arms, &observed, order * 1_000);
        }
        judge.take_news().is_some_and(|told| told.verdict.standing == Standing::Unhealthy)
    }

    #[test]
    fn whoever_is_judged_is_green_wherever_it_stands() {
        let judge = || Judge::new(spec(), Past::default(), 1);
        assert!(failing(&mut judge(), &arms("6", Some("7")), (Arm::Green, 0.5)), "the candidate");
        assert!(failing(&mut judge(), &arms("7", None), (Arm::Blue, 0.0)), "alone");
        assert!(failing(&mut judge(), &arms("7", Some("6")), (Arm::Blue, 0.05)), "by a holdback");
        assert!(!failing(&mut judge(), &arms("6", Some("7")), (Arm::Blue, 0.5)), "its baseline");
        assert!(!failing(&mut judge(), &arms("6", Some("8")), (Arm::Green, 0.5)), "a stranger");
    }

    #[test]
    fn what_was_found_is_told_once_and_kept_over_a_restart() {
        let mut judge = Judge::new(spec(), Past::default(), 1);
        assert!(failing(&mut judge, &arms("6", Some("7")), (Arm::Green, 0.5)));
        assert!(judge.take_news().is_none());
        let written = judge.take_unwritten().unwrap();
        assert!(judge.take_unwritten().is_none());
        let mut read: Judge = serde_json::from_slice(&written).unwrap();
        assert_eq!(read.judged(), judge.judged());
        assert!(read.bars("7") && !read.bars("6") && read.take_news().is_none());
        let other = GuardSpec { subject: "8".into(), ..spec() };
        let mut later = spec();
        later.policy.alpha /= 2.0;
        assert!(read.follow(&later));
        assert!(read.follow(&spec()) && !read.follow(&other));
    }
}
