//! What a route is asked to do. Owns the shape and its limits; decides nothing about traffic.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::mirror::MirrorSpec;
use crate::rescue::RescueSpec;
use crate::{ArmSpec, GuardSpec, Refusal};

/// All of the traffic, in basis points.
pub const ALL_BP: u16 = 10_000;
/// Longest name of a route, a deployment or an endpoint, in bytes: it becomes part of a file name
/// in which every byte may take three, and file names end at 255.
pub const MAX_NAME_BYTES: usize = 80;
/// Longest lease: a dead owner must be noticed within the hour.
pub const MAX_LEASE_MS: u64 = 3_600_000;
/// Longest drain: one day, for downloads.
pub const MAX_DRAIN_MS: u64 = 86_400_000;
/// Narrowest and widest telemetry interval; a rehearsal makes a minute as short as 100 ms.
pub const BUCKET_MS: std::ops::RangeInclusive<u64> = 100..=3_600_000;

/// One listening address and the arms behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// Name of the route, for example `api/production`; at most [`MAX_NAME_BYTES`].
    pub name: String,
    /// Where visitors arrive; no two routes share it.
    pub listen: SocketAddr,
    /// Certificate and key; none means clear text.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// The arm that serves; none means that visitors get 503 with `Retry-After`.
    #[serde(default)]
    pub default: Option<ArmSpec>,
    /// The arm that is coming, if one is.
    #[serde(default)]
    pub candidate: Option<CandidateSpec>,
    /// What served before the default arm and is asked again what that fails; never beside a candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<StandbySpec>,
    /// Who is judged; none means that outcomes are only counted and told.
    #[serde(default)]
    pub guard: Option<GuardSpec>,
    /// Whether a visitor stays on the arm that the first coin gave, by a cookie.
    #[serde(default)]
    pub sticky: bool,
    /// Request header whose value `green` or `blue` chooses the arm; such requests are no evidence.
    #[serde(default)]
    pub pin_header: Option<String>,
    /// Whether outcomes are streamed even without a candidate.
    #[serde(default)]
    pub stream: bool,
    /// How long requests under way may go on with an arm that left the route, in milliseconds.
    #[serde(default = "default_drain_ms")]
    pub drain_ms: u64,
    /// What a 503 of ours tells the visitor to wait, in seconds.
    #[serde(default = "default_retry_after_s")]
    pub retry_after_s: u32,
    /// Width of one kept telemetry interval, in milliseconds, within [`BUCKET_MS`].
    #[serde(default = "default_bucket_ms")]
    pub bucket_ms: u64,
    /// How long an arm may take to its response head, in milliseconds, at least 1.
    #[serde(default = "default_response_timeout_ms")]
    pub response_timeout_ms: u64,
    /// Requests under way at once, over all threads; more get 503. At least 1.
    #[serde(default = "default_max_concurrent_requests")]
    pub max_concurrent_requests: u32,
}

/// A certificate chain and its private key, PEM, read again whenever the files change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The private key of the leaf.
    pub key: PathBuf,
}

/// The arm that is coming and how much traffic it is lent; without a lease also the one that has come,
/// while the arm before it keeps the rest of the traffic as the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateSpec {
    /// The release.
    pub arm: ArmSpec,
    /// Its share of the traffic in basis points, 0..=10000; 0 takes pinned requests only.
    pub weight_bp: u16,
    /// For how long the weight is lent, in milliseconds; none means until it is changed.
    pub lease_ms: Option<u64>,
    /// What happens when nobody renews the lease.
    #[serde(default)]
    pub on_silence: OnSilence,
    /// Which of its failures the default arm mends, while it has weight; none of them without.
    #[serde(default)]
    pub rescue: Option<RescueSpec>,
    /// Which requests of the default arm are copied to it; none without.
    #[serde(default)]
    pub mirror: Option<MirrorSpec>,
}

/// The arm that served before. No weight, cookie or pin sends it a visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandbySpec {
    /// The release.
    pub arm: ArmSpec,
    /// Which failures of the default arm it mends; nothing is hedged.
    pub rescue: RescueSpec,
}

/// What happens to the traffic when the lease ends without a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnSilence {
    /// All traffic returns to the default arm, if that has a ready endpoint.
    #[default]
    ReturnToDefault,
    /// The weight stays as it is.
    Freeze,
}

impl RouteSpec {
    /// A route with nothing behind it and the documented defaults.
    pub fn new(name: impl Into<String>, listen: SocketAddr) -> Self {
        Self {
            name: name.into(),
            listen,
            tls: None,
            default: None,
            candidate: None,
            standby: None,
            guard: None,
            sticky: false,
            pin_header: None,
            stream: false,
            drain_ms: default_drain_ms(),
            retry_after_s: default_retry_after_s(),
            bucket_ms: default_bucket_ms(),
            response_timeout_ms: default_response_timeout_ms(),
            max_concurrent_requests: default_max_concurrent_requests(),
        }
    }

    /// Refuses a route that cannot be served as it is written.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_name("route", &self.name)?;
        self.check_ranges()?;
        if let Some(header) = &self.pin_header {
            http::HeaderName::try_from(header.as_str())
                .map_err(|_| Refusal::invalid(format!("{header:?} is no header name")))?;
        }
        if let Some(arm) = &self.default {
            arm.check()?;
        }
        if let Some(guard) = &self.guard {
            guard.check()?;
        }
        if let Some(standby) = &self.standby {
            standby.arm.check()?;
            standby.rescue.check()?;
        }
        if let Some(candidate) = &self.candidate {
            candidate.check()?;
        }
        self.check_beside()
    }

    /// Refuses a second arm that has no place beside the first.
    fn check_beside(&self) -> Result<(), Refusal> {
        let second = match (&self.candidate, &self.standby) {
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid("nothing stands by beside a candidate"));
            }
            (Some(candidate), None) => &candidate.arm,
            (None, Some(standby)) => &standby.arm,
            (None, None) => return Ok(()),
        };
        if self.default.as_ref().is_some_and(|arm| arm.deployment == second.deployment) {
            return Err(Refusal::invalid("both arms are the same deployment"));
        }
        Ok(())
    }

    fn check_ranges(&self) -> Result<(), Refusal> {
        if self.listen.port() == 0 {
            return Err(Refusal::invalid("listen needs a port other than 0"));
        }
        if self.drain_ms > MAX_DRAIN_MS {
            return Err(Refusal::invalid(format!("drain_ms is at most {MAX_DRAIN_MS}")));
        }
        if !BUCKET_MS.contains(&self.bucket_ms) {
            return Err(Refusal::invalid(format!("bucket_ms must be in {BUCKET_MS:?}")));
        }
        if self.response_timeout_ms == 0 || self.max_concurrent_requests == 0 {
            let what = "response_timeout_ms and max_concurrent_requests must be at least 1";
            return Err(Refusal::invalid(what));
        }
        Ok(())
    }
}

impl CandidateSpec {
    fn check(&self) -> Result<(), Refusal> {
        self.arm.check()?;
        if self.weight_bp > ALL_BP {
            return Err(Refusal::invalid(format!("weight_bp is at most {ALL_BP}")));
        }
        if let Some(rescue) = &self.rescue {
            rescue.check()?;
        }
        if let Some(mirror) = &self.mirror {
            mirror.check()?;
        }
        check_lease(self.lease_ms)
    }
}

/// Refuses a lease of no or of absurd length.
pub(crate) fn check_lease(lease_ms: Option<u64>) -> Result<(), Refusal> {
    match lease_ms {
        Some(0) => Err(Refusal::invalid("a lease lasts at least 1 ms")),
        Some(lease) if lease > MAX_LEASE_MS => {
            Err(Refusal::invalid(format!("a lease lasts at most {MAX_LEASE_MS} ms")))
        }
        _ => Ok(()),
    }
}

/// Refuses a name that is empty, too long or unprintable.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!(
            "the {what} {name:?} must have 1 to {MAX_NAME_BYTES} printable bytes"
        )));
    }
    Ok(())
}

/// The seeds' scripts wait 30 s for requests under way.
fn default_drain_ms() -> u64 {
    30_000
}

/// Short, since before the first release people watch the page come up.
fn default_retry_after_s() -> u32 {
    5
}

/// The soak rules count in minutes.
fn default_bucket_ms() -> u64 {
    60_000
}

/// The `proxy_read_timeout` of nginx.
fn default_response_timeout_ms() -> u64 {
    60_000
}

/// Far above what one machine keeps busy; bounds memory at some hundred megabytes.
fn default_max_concurrent_requests() -> u32 {
    16_384
}
