//! A request that failed on one arm and may be repeated is served again by the arm behind it: the
//! default arm behind the candidate, what stands by behind the default arm; before a byte went to the
//! visitor. Owns which requests those are and how they are counted; how
//! many may be is the budget's, and the sending is not here.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Request};
use serde::{Deserialize, Serialize};
use towpath_guard::{Arm, ErrorKind, Outcome};

use crate::Refusal;
use crate::budget::{Place, Refused};
use crate::live::LiveRoute;
use crate::paths::is_excepted;
use crate::tally::{RescueCounts, Tally};

/// What a rescued answer says to its visitor: `Towpath-Rescued: 1`.
pub const RESCUED_HEADER: &str = "towpath-rescued";
/// What makes a request of another method safe to repeat
/// (draft-ietf-httpapi-idempotency-key-header).
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static RESCUED: HeaderName = HeaderName::from_static(RESCUED_HEADER);
/// Largest request body that may be kept for a second attempt, in bytes: it is read whole before
/// the first one.
pub const MAX_RESCUE_BODY_BYTES: u32 = 1024 * 1024;
/// Path prefixes that one route may except, which every request is held against.
pub const MAX_EXCEPTED_PATHS: usize = 64;

/// Which requests of an arm are served again by the one behind it when the arm fails them:
/// GET, HEAD and OPTIONS, and what is named here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RescueSpec {
    /// Paths that are never repeated, each with all below it; `/a` is not `/ab`. At most
    /// [`MAX_EXCEPTED_PATHS`].
    #[serde(default)]
    pub except: Vec<String>,
    /// Other methods that are repeated, and only with an `Idempotency-Key` header.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Largest request body that is kept for a second attempt, in bytes, at most
    /// [`MAX_RESCUE_BODY_BYTES`]; larger ones, and those of unknown length, are not repeated.
    #[serde(default = "default_body_bytes")]
    pub body_bytes: u32,
    /// How long the second arm may take to its response head, in milliseconds, at least 1 and never
    /// more than the route's response timeout: what a rescue adds at most to a failure.
    #[serde(default = "default_within_ms")]
    pub within_ms: u64,
    /// For a candidate, whether the default arm is asked as well when the candidate takes longer than 99 of 100
    /// answers of the default arm do; whichever answers well first is the visitor's.
    #[serde(default)]
    pub hedge: bool,
}

impl Default for RescueSpec {
    fn default() -> Self {
        Self {
            except: Vec::new(),
            methods: Vec::new(),
            body_bytes: default_body_bytes(),
            within_ms: default_within_ms(),
            hedge: false,
        }
    }
}

impl RescueSpec {
    /// Refuses rules that cannot be followed as they are written.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.except.len() > MAX_EXCEPTED_PATHS {
            let most = format!("at most {MAX_EXCEPTED_PATHS} paths may be excepted from rescue");
            return Err(Refusal::invalid(most));
        }
        if let Some(path) = self.except.iter().find(|path| !path.starts_with('/')) {
            return Err(Refusal::invalid(format!("{path:?} is no path: it must begin with /")));
        }
        if let Some(method) =
            self.methods.iter().find(|name| Method::try_from(name.as_str()).is_err())
        {
            return Err(Refusal::invalid(format!("{method:?} is no method")));
        }
        if self.body_bytes > MAX_RESCUE_BODY_BYTES {
            let most = format!("a rescue keeps bodies of at most {MAX_RESCUE_BODY_BYTES} bytes");
            return Err(Refusal::invalid(most));
        }
        if self.within_ms == 0 {
            return Err(Refusal::invalid("a rescue takes at least 1 ms"));
        }
        Ok(())
    }
}

/// Sixteen times what the fields of a form or a call of an API usually come to, and what the socket
/// of a connection holds anyway.
fn default_body_bytes() -> u32 {
    64 * 1024
}

/// The longest that the guard waits for an outcome before it counts as one of the slow kind.
fn default_within_ms() -> u64 {
    2_000
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Rules {
    except: Vec<String>,
    methods: Vec<Method>,
    pub(crate) body_bytes: u64,
    pub(crate) within: Duration,
    pub(crate) hedge: bool,
}

impl Rules {
    pub(crate) fn new(spec: &RescueSpec) -> Self {
        let methods = spec.methods.iter().filter_map(|name| Method::try_from(name.as_str()).ok());
        Self {
            except: spec.except.clone(),
            methods: methods.collect(),
            body_bytes: u64::from(spec.body_bytes),
            within: Duration::from_millis(spec.within_ms),
            hedge: spec.hedge,
        }
    }

    /// Whether the request may be sent a second time.
    pub(crate) fn allow<B>(&self, request: &Request<B>) -> bool {
        let headers = request.headers();
        let keyed = || {
            self.methods.contains(request.method())
                && headers.get(&IDEMPOTENCY_KEY).is_some_and(|key| !key.is_empty())
        };
        (is_safe(request.method()) || keyed()) && !is_excepted(&self.except, request.uri().path())
    }
}

/// Whether the method asks for nothing to change (RFC 9110 section 9.2.1). TRACE is left out: it
/// tells about the way and not about the release.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Tells the visitor that the default arm stood in.
pub(crate) fn mark(headers: &mut http::HeaderMap) {
    headers.insert(&RESCUED, HeaderValue::from_static("1"));
}

/// The account of one second attempt. It is no evidence for the arm that makes it and no sample of
/// its latency: how it ends is noted with the deployment whose failure it mends.
#[derive(Debug)]
pub(crate) struct Attempt(Place);

impl Attempt {
    pub(crate) fn new(place: Place) -> Self {
        Self(place)
    }

    /// The deployment that failed first.
    pub(crate) fn candidate(&self) -> &Arc<crate::live::Deployment> {
        self.0.candidate()
    }

    /// Notes how it ended in the tally of whoever failed first.
    pub(crate) fn close(&self, outcome: &Outcome, tally: &mut Tally) {
        if outcome.error == ErrorKind::ClientAbort {
            return;
        }
        let helped = !outcome.failed();
        self.candidate().budget.note(helped);
        tally.rescue.succeeded += u64::from(helped);
        tally.rescue.failed += u64::from(!helped);
        tally.harmed += u64::from(!helped);
    }
}

impl RescueCounts {
    /// Notes that a bound refused a rescue.
    pub(crate) fn refused(&mut self, why: Refused) {
        *match why {
            Refused::Rate => &mut self.refused_by_rate,
            Refused::Concurrency => &mut self.refused_by_concurrency,
            Refused::Off => &mut self.refused_while_off,
            Refused::Size => &mut self.refused_by_size,
        } += 1;
    }
}

impl LiveRoute {
    /// Takes note of an answer of the default arm, which earns rescues: to the candidate, and to the
    /// default arm itself where another stands by. That one answers no visitor of its own, and carried
    /// as many before.
    pub(crate) fn earn_rescues(&self, outcome: &Outcome, now_us: u64) {
        let answered = outcome.error == ErrorKind::None && !outcome.failed();
        if outcome.arm != Arm::Blue || !answered || self.rescue.is_none() {
            return;
        }
        let alone = self.default.as_ref().filter(|_| self.standby.is_some());
        if let Some(earns) = self.candidate.as_ref().or(alone) {
            earns.deployment.budget.answered(now_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, key: &str) -> Request<()> {
        let builder = Request::builder().method(method).uri(path);
        builder.header("idempotency-key", key).body(()).unwrap()
    }

    #[test]
    fn safe_methods_may_be_repeated_and_others_only_when_named_and_with_a_key() {
        let rules = |methods: &[&str]| {
            let methods = methods.iter().map(ToString::to_string).collect();
            Rules::new(&RescueSpec { methods, ..RescueSpec::default() })
        };
        let none = rules(&[]);
        assert!(["GET", "HEAD", "OPTIONS"].iter().all(|it| none.allow(&request(it, "/", ""))));
        let others = ["POST", "PUT", "DELETE", "PATCH", "TRACE"];
        assert!(others.iter().all(|it| !none.allow(&request(it, "/", "k"))));
        let post = rules(&["POST"]);
        assert!(post.allow(&request("POST", "/", "k")));
        assert!(!post.allow(&request("POST", "/", "")), "a key that says nothing is none");
        assert!(!post.allow(&Request::post("/").body(()).unwrap()));
        assert!(!post.allow(&request("PUT", "/", "k")));
    }

    #[test]
    fn rules_that_cannot_be_followed_are_refused() {
        let spec = RescueSpec::default();
        assert!(spec.check().is_ok());
        let wrong = [
            RescueSpec { except: vec!["checkout".into()], ..spec.clone() },
            RescueSpec { except: vec!["/".into(); MAX_EXCEPTED_PATHS + 1], ..spec.clone() },
            RescueSpec { methods: vec!["PO ST".into()], ..spec.clone() },
            RescueSpec { body_bytes: MAX_RESCUE_BODY_BYTES + 1, ..spec.clone() },
            RescueSpec { within_ms: 0, ..spec },
        ];
        assert!(wrong.iter().all(|spec| spec.check().is_err()));
    }

    #[test]
    fn what_an_older_version_saved_is_read_with_the_defaults() {
        let spec: RescueSpec = serde_json::from_str("{}").unwrap();
        assert_eq!(spec, RescueSpec::default());
    }
}
