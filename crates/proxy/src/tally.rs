//! Counts of requests per deployment and interval. Owns the shapes; judges nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use towpath_guard::{Counts, ErrorKind, Outcome, StatusClass};

/// What one deployment did over some stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// What a verdict may rest on.
    pub counts: Counts,
    /// Every request by the class of its answer, pinned ones and aborted clients included.
    pub classes: ClassCounts,
    /// Every request by the reason for which there was no complete answer.
    pub errors: ErrorCounts,
    /// Requests that the proxy itself took away from this deployment without an answer.
    pub lost: u64,
    /// Requests of visitors that failed here and of which the visitor met the failure: those that
    /// the other arm answered instead are not among them, nor those of testers who chose the arm.
    #[serde(default)]
    pub harmed: u64,
    /// What became of requests that failed here and could be served again by the default arm.
    #[serde(default)]
    pub rescue: RescueCounts,
    /// Copies of the default arm's requests that this deployment got while it was the candidate.
    #[serde(default)]
    pub mirror: MirrorCounts,
    /// Requests that failed, by what they asked for.
    #[serde(default, skip_serializing_if = "PathCounts::is_empty")]
    pub failed_paths: PathCounts,
}

/// Requests by the pattern of their path: the first segments, of which those that look like names of single
/// things are `*`. However many paths are asked for, there are few patterns: the rest is [`Self::OTHER`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathCounts(pub BTreeMap<String, u64>);

/// Copies of requests that the default arm answered. No visitor got an answer to them, and they are
/// in no other count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MirrorCounts {
    /// Copies that were sent.
    pub sent: u64,
    /// Copies that were not, because too many were under way.
    pub dropped: u64,
    /// Pairs of which both sides ended. The others are under way, or their visitor left.
    pub compared: u64,
    /// Of these, pairs that differ in the class of the status.
    pub differing_status: u64,
    /// Pairs that differ in the body, where both were read whole and bodies are compared.
    pub differing_body: u64,
    /// Pairs of which the candidate took a fifth longer to its head.
    pub slower: u64,
    /// Pairs in which the coin had picked the candidate's outcome, and that failed.
    pub picked_green_failed: u64,
    /// Pairs in which the coin had picked the default arm's outcome, and that failed.
    pub picked_blue_failed: u64,
}

/// Second attempts on the default arm for requests that failed on the candidate. They are counted
/// with the candidate, whose failure they mend, and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RescueCounts {
    /// Second attempts that were made. Those that neither succeeded nor failed are under way, or
    /// their visitor left, or the first attempt was answered after all.
    pub tried: u64,
    /// Those of them that were made because the first attempt took long, before it failed.
    pub hedged: u64,
    /// Attempts that the visitor has the answer of.
    pub succeeded: u64,
    /// Attempts that failed as well.
    pub failed: u64,
    /// Not tried: more than the default arm's successes allow.
    pub refused_by_rate: u64,
    /// Not tried: too many were under way.
    pub refused_by_concurrency: u64,
    /// Not tried: too few of the last ones helped.
    pub refused_while_off: u64,
    /// Not tried: the request's body was too large, or of unknown length.
    pub refused_by_size: u64,
}

/// Requests by the first digit of their status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// No response head.
    pub none: u64,
    /// 1xx.
    pub informational: u64,
    /// 2xx.
    pub success: u64,
    /// 3xx.
    pub redirect: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
}

/// Requests by what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCounts {
    /// Nothing did.
    pub none: u64,
    /// No connection.
    pub connect: u64,
    /// The arm's time was up.
    pub timeout: u64,
    /// The arm closed the connection too early.
    pub reset: u64,
    /// The arm had no endpoint.
    pub no_endpoint: u64,
    /// The client went away.
    pub client_abort: u64,
}

/// One kept interval of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// When the interval began, in milliseconds since 1970 (UTC), a multiple of its width.
    pub start_ms: u64,
    /// How wide it is, in milliseconds.
    pub width_ms: u64,
    /// For how much of it the proxy was counting, in milliseconds, up to the width; what is
    /// missing is a gap, about which nothing is known.
    pub covered_ms: u64,
    /// What each deployment did, by deployment id; those that did nothing are left out.
    pub deployments: Vec<DeploymentTally>,
}

/// What one deployment did, under its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentTally {
    /// Unique id of the deployment.
    pub deployment: String,
    /// What people call its release.
    pub label: String,
    /// What it did.
    pub tally: Tally,
}

impl Tally {
    /// Adds one outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        self.counts.record(outcome);
        *self.classes.of(outcome.status) += 1;
        *self.errors.of(outcome.error) += 1;
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.classes.merge(&other.classes);
        self.errors.merge(&other.errors);
        self.lost += other.lost;
        self.harmed += other.harmed;
        self.rescue.merge(&other.rescue);
        self.mirror.merge(&other.mirror);
        self.failed_paths.merge(&other.failed_paths);
    }
}

impl PathCounts {
    /// What all others are counted under.
    pub const OTHER: &str = "other";
    /// Patterns that are told apart: more than anybody reads in one list.
    pub const MOST: usize = 20;

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds requests of one pattern.
    pub(crate) fn add(&mut self, pattern: String, count: u64) {
        let is_room = self.0.len() < Self::MOST || self.0.contains_key(&pattern);
        let pattern = if is_room { pattern } else { Self::OTHER.to_owned() };
        *self.0.entry(pattern).or_default() += count;
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(pattern, count)| self.add(pattern.clone(), *count));
    }
}

impl MirrorCounts {
    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.dropped += other.dropped;
        self.compared += other.compared;
        self.differing_status += other.differing_status;
        self.differing_body += other.differing_body;
        self.slower += other.slower;
        self.picked_green_failed += other.picked_green_failed;
        self.picked_blue_failed += other.picked_blue_failed;
    }
}

impl RescueCounts {
    fn merge(&mut self, other: &Self) {
        self.tried += other.tried;
        self.hedged += other.hedged;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.refused_by_rate += other.refused_by_rate;
        self.refused_by_concurrency += other.refused_by_concurrency;
        self.refused_while_off += other.refused_while_off;
        self.refused_by_size += other.refused_by_size;
    }
}

impl ClassCounts {
    fn of(&mut self, class: StatusClass) -> &mut u64 {
        match class {
            StatusClass::None => &mut self.none,
            StatusClass::Informational => &mut self.informational,
            StatusClass::Success => &mut self.success,
            StatusClass::Redirect => &mut self.redirect,
            StatusClass::ClientError => &mut self.client_error,
            StatusClass::ServerError => &mut self.server_error,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.none += other.none;
        self.informational += other.informational;
        self.success += other.success;
        self.redirect += other.redirect;
        self.client_error += other.client_error;
        self.server_error += other.server_error;
    }
}

impl ErrorCounts {
    fn of(&mut self, kind: ErrorKind) -> &mut u64 {
        match kind {
            ErrorKind::None => &mut self.none,
            ErrorKind::Connect => &mut self.connect,
            ErrorKind::Timeout => &mut self.timeout,
            ErrorKind::Reset => &mut self.reset,
            ErrorKind::NoEndpoint => &mut self.no_endpoint,
            ErrorKind::ClientAbort => &mut self.client_abort,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.none += other.none;
        self.connect += other.connect;
        self.timeout += other.timeout;
        self.reset += other.reset;
        self.no_endpoint += other.no_endpoint;
        self.client_abort += other.client_abort;
    }
}

impl Bucket {
    /// The tally of a deployment, made if there is none yet.
    pub(crate) fn of(&mut self, deployment: &str, label: &str) -> &mut Tally {
        let found = self.deployments.iter().position(|entry| entry.deployment == deployment);
        let index = found.unwrap_or_else(|| {
            self.deployments.push(DeploymentTally {
                deployment: deployment.to_owned(),
                label: label.to_owned(),
                tally: Tally::default(),
            });
            self.deployments.len() - 1
        });
        &mut self.deployments[index].tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_paths_fail_there_are_few_patterns_and_none_is_lost() {
        let mut counts = PathCounts::default();
        for number in 0..100 {
            counts.add(format!("/{number}"), 1);
        }
        let mut twice = counts.clone();
        twice.merge(&counts);
        assert_eq!(counts.0.len(), PathCounts::MOST + 1);
        assert_eq!(counts.0.values().sum::<u64>(), 100);
        assert_eq!((twice.0.len(), twice.0[PathCounts::OTHER]), (PathCounts::MOST + 1, 160));
    }
}
