//! Answers one question of a gate.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::deployment::Endpoint;
use towpath_core::ids::{LaneId, Name, Person, PromotionNumber};
use towpath_core::release::{Release, ReleaseRef};
use towpath_core::trace_context::TraceContext;
use towpath_core::units::{Span, Timestamp};
use towpath_guard::Histogram;

use crate::evidence::Keeper;

/// Answers one question of a gate.
#[async_trait]
pub trait Check: Send + Sync {
    /// Answers. Safe to repeat: a check only looks. Must end within `request.timeout`, which the
    /// caller enforces as well; whatever it started must be gone when it is dropped. A failing
    /// source is [`towpath_core::check::CheckResult::Inconclusive`], never an error and never a
    /// pass.
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer;
}

/// What is asked about.
#[derive(Clone)]
pub struct CheckRequest {
    /// The lane that the release wants to enter.
    pub lane: LaneId,
    /// For which promotion.
    pub promotion: PromotionNumber,
    /// Which release.
    pub release: ReleaseRef,
    /// The check's title, as written after `name:`.
    pub title: String,
    /// The release's instances in this lane; empty for a prerequisite.
    pub green: Vec<Endpoint>,
    /// How long the answer may take.
    pub timeout: Span,
    /// When the promotion was ordered.
    pub ordered_at: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// What the journal and the telemetry know.
    pub evidence: Arc<dyn EvidenceReader>,
    /// Where it puts what its answer rests on.
    pub keeper: Keeper,
    /// The span in which it is asked, for whatever it sends or starts; none where nobody keeps traces.
    pub trace: Option<TraceContext>,
}

/// What the journal and the telemetry know, for checks that rest on them.
#[async_trait]
pub trait EvidenceReader: Send + Sync {
    /// The release of a service as it was created, with its commit, author and artefacts; none where
    /// the journal knows no such version with this content.
    async fn release(
        &self,
        service: &Name,
        release: &ReleaseRef,
    ) -> Result<Option<Release>, String>;

    /// What people attested for this release in this lane under this title, oldest first.
    async fn attestations(
        &self,
        lane: &LaneId,
        release: &ReleaseRef,
        title: &str,
    ) -> Result<Vec<Attestation>, String>;

    /// How the release did in another environment of the same service since `since`.
    async fn soak(
        &self,
        service: &Name,
        environment: &Name,
        release: &ReleaseRef,
        since: Timestamp,
    ) -> Result<SoakRecord, String>;

    /// What everybody met in an environment since `since`, whichever release of the service served.
    async fn served(
        &self,
        service: &Name,
        environment: &Name,
        since: Timestamp,
    ) -> Result<ServedRecord, String>;

    /// What a check kept under `title` of the releases that are verified in a lane, the latest first,
    /// which is what serves there: of at most [`RELEASES_BEFORE`]. What was withdrawn is not among
    /// them. Waits for the disk.
    async fn kept_before(&self, lane: &LaneId, title: &str) -> Result<Vec<KeptBefore>, String>;

    /// How quiet an environment has been in which the release serves.
    async fn calm(
        &self,
        service: &Name,
        environment: &Name,
        release: &ReleaseRef,
    ) -> Result<CalmRecord, String>;
}

/// How many releases back a check may look: enough to tell by how much figures differ from one to the
/// next, and few enough to be read at once.
pub const RELEASES_BEFORE: usize = 8;

/// What a check kept of a release that was verified earlier.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptBefore {
    /// Which release.
    pub release: ReleaseRef,
    /// What the check told then, in its own form.
    pub told: Value,
}

/// A person's word that something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Who said so.
    pub by: Person,
    /// Their roles there now: whoever lost a role has lost the weight of the word. None where nobody's
    /// roles are known.
    pub roles: Option<Vec<Name>>,
    /// When.
    pub at: Timestamp,
    /// What they added.
    pub note: Option<String>,
    /// Where the evidence is.
    pub link: Option<String>,
    /// All of it, as it is kept as evidence ([`towpath_core::check::Attested::statement`]).
    pub statement: String,
}

/// How a release did over some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoakRecord {
    /// Since when the release has served there without a break; none when it does not serve.
    pub serving_since: Option<Timestamp>,
    /// Visitors' requests that are evidence.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Probes.
    pub probes: u64,
    /// Those of them that failed.
    pub probes_failed: u64,
    /// Time within the asked span for which the router told nothing of visitors, beyond what is
    /// always missing; zero where there is no router, because then there are no visitors to miss.
    pub visitor_gaps: Span,
    /// Time within the asked span in which no probe was made, beyond what is always missing; zero
    /// where none are declared.
    pub probe_gaps: Span,
}

/// What visitors and probes met in a lane over some time, whichever release served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedRecord {
    /// Since when something has served there, as far back as anybody knows; none when nothing does.
    pub serving_since: Option<Timestamp>,
    /// Visitors' requests that are evidence.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// How long their answers took, those of which it was kept.
    pub latency: Histogram,
    /// Probes.
    pub probes: u64,
    /// Those of them that failed.
    pub probes_failed: u64,
    /// Time of which the router told nothing, beyond what is always missing; none where no router
    /// counts visitors.
    pub visitor_gaps: Option<Span>,
    /// Time in which a probe was due and none was made, beyond what is always missing; none where no
    /// probes are declared.
    pub probe_gaps: Option<Span>,
}

/// How quiet a lane has been in which a release serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalmRecord {
    /// Since when the release has served there without a break; none when it does not serve.
    pub serving_since: Option<Timestamp>,
    /// The last time that something went wrong there, and what, as a sentence without a point.
    pub trouble: Option<(Timestamp, String)>,
}
