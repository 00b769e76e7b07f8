//! What happened to one request. Owns the rule of what counts as a failure and as evidence.

use serde::{Deserialize, Serialize};

/// One of the two releases that share a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// Serves now.
    Blue,
    /// Is coming.
    Green,
}

/// The first digit of the HTTP status that the arm answered, or none when it gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusClass {
    /// No complete response head arrived.
    None,
    /// 1xx, a switch of protocols among them.
    Informational,
    /// 2xx.
    Success,
    /// 3xx.
    Redirect,
    /// 4xx: the client's mistake, not a failure of the arm.
    ClientError,
    /// 5xx: a failure of the arm.
    ServerError,
}

impl StatusClass {
    /// The class of an HTTP status code; anything outside 100..=599 is a server error.
    pub fn of(status: u16) -> Self {
        match status {
            100..=199 => Self::Informational,
            200..=299 => Self::Success,
            300..=399 => Self::Redirect,
            400..=499 => Self::ClientError,
            _ => Self::ServerError,
        }
    }
}

/// Why a request got no complete answer from its arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The arm answered.
    None,
    /// No connection to any endpoint of the arm.
    Connect,
    /// The arm's time was up.
    Timeout,
    /// The arm closed or reset the connection before the response was complete.
    Reset,
    /// The arm had no endpoint that takes traffic.
    NoEndpoint,
    /// The client went away first. No evidence against the arm.
    ClientAbort,
}

/// What happened to one request, in the order of assignment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Position in the order in which requests were assigned to arms, from 1, per route.
    pub order: u64,
    /// The arm that the request was assigned to.
    pub arm: Arm,
    /// Probability with which the coin would have said green, 0 to 1, fixed before the outcome.
    pub green_probability: f32,
    /// Class of the answer's status.
    pub status: StatusClass,
    /// Why there was no complete answer.
    pub error: ErrorKind,
    /// From the assignment to the response head, in microseconds.
    pub latency_us: u32,
    /// Assigned by a header, a cookie or a health fallback instead of the coin: no evidence.
    pub pinned: bool,
}

impl Outcome {
    /// One more failure of green where the coin says green with this probability.
    pub(crate) fn failure_of_green(green_probability: f32) -> Self {
        Self {
            order: 0,
            arm: Arm::Green,
            green_probability,
            status: StatusClass::ServerError,
            error: ErrorKind::None,
            latency_us: 0,
            pinned: false,
        }
    }
}

/// An outcome with what is needed to put it in order and to know a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// What happened.
    pub outcome: Outcome,
    /// When it was assigned, in microseconds of a clock that never goes back.
    pub assigned_us: u64,
    /// Whose request it was, as a hash of the client's header, cookie or address; 0 if unknown.
    pub client: u64,
    /// Whether the client was sent to its arm by an earlier toss that still binds it. Then only its first
    /// failure of the rollout is evidence, and not how long it waits: one toss is one observation.
    #[serde(default)]
    pub returning: bool,
    /// Of which of the policy's strata it is, counted from 1; 0 is none of them. Known before the coin is
    /// tossed, and the same whichever arm it falls to.
    #[serde(default)]
    pub stratum: u8,
}

impl Outcome {
    /// Whether the arm failed this request: a 5xx, or no complete answer for which the client is
    /// not to blame.
    pub fn failed(&self) -> bool {
        match self.error {
            ErrorKind::None => self.status == StatusClass::ServerError,
            ErrorKind::ClientAbort => false,
            ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Reset | ErrorKind::NoEndpoint => {
                true
            }
        }
    }

    /// Whether a verdict may rest on this request. Pinned requests were not tossed for, and a
    /// client that went away says nothing about the arm.
    pub fn is_evidence(&self) -> bool {
        !self.pinned && self.error != ErrorKind::ClientAbort
    }
}
