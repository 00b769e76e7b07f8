//! Bodies of requests and answers that are no view of the engine. Owns names, no behaviour.
//!
//! `by` in a request says who types; the engine notes the user of the connection instead.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::debts::DebtKind;
use towpath_core::ids::{Digest, Name, Person, PromotionNumber, TokenId, Version};
use towpath_core::matrix::{Matrix, Signal};
use towpath_core::people::Verb;
use towpath_core::reason::{Next, Refusal};
use towpath_core::release::{ChangeType, Release};
use towpath_core::speaking::Signed;
use towpath_core::units::Span;
use towpath_engine::kept::EvidenceView;

use crate::distinct;

/// `POST /v1/lanes/{service}/{environment}/rollback`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: Option<String>,
    /// The environment before, as the seeds' scripts name it; only checked.
    pub back_to: Option<Name>,
    /// Whether what goes is quarantined.
    pub quarantine: bool,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// `POST /v1/lanes/{service}/{environment}/signal`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalRequest {
    /// What.
    pub signal: Signal,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: String,
}

/// `POST /v1/lanes/{service}/{environment}/quarantine/lift`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    /// Which release.
    pub release: Version,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: String,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// `POST /v1/notices/test`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeTestRequest {
    /// Which channel.
    pub channel: Name,
    /// Who.
    pub by: Person,
}

/// `POST /v1/notices/retry` and `POST /v1/notices/replay`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeRetryRequest {
    /// Which notice.
    pub id: String,
    /// Who.
    pub by: Person,
}

/// `POST /v1/lanes/{service}/{environment}/attestations`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttestRequest {
    /// About which release; none: the newest verified in the predecessors.
    pub release: Option<Version>,
    /// The check's title.
    pub title: String,
    /// Who.
    pub by: Person,
    /// What they add.
    pub note: Option<String>,
    /// Where the evidence is.
    pub link: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// What an attestation was about.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AttestedView {
    /// Who, by name.
    pub by: Person,
    /// Which release.
    pub release: Version,
    /// Whether anything changed.
    pub changed: bool,
}

/// `POST /v1/freezes`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeRequest {
    /// Only this environment; none: all.
    pub environment: Option<Name>,
    /// Only this service; none: all.
    pub service: Option<Name>,
    /// Who.
    pub by: Person,
    /// Why.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// For how long from now, in milliseconds; none: until `until`, or until somebody thaws it.
    #[serde(rename = "for")]
    pub lasts: Option<Span>,
    /// Until when, in RFC 3339; not beside `for`.
    pub until: Option<String>,
    /// Types of change that it lets through.
    #[serde(default)]
    pub except: Vec<ChangeType>,
}

/// `POST /v1/freezes/thaw`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThawRequest {
    /// Only this environment; none: all.
    pub environment: Option<Name>,
    /// Only this service; none: all.
    pub service: Option<Name>,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// `POST /v1/evidence/withdraw`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// The digest, or the beginning of it.
    #[schemars(regex(pattern = r"^(sha256:)?[0-9a-f]{6,64}$"))]
    pub digest: String,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: String,
}

/// What was withdrawn, and what rested on it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawnAnswer {
    /// All answers of checks that it was part of, and the statement that it is.
    pub used: Vec<EvidenceView>,
    /// What followed from it, one sentence each.
    pub followed: Vec<String>,
}

/// `POST /v1/tokens`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What its owner will call it.
    pub name: Name,
    /// What may be done by it, as `who_may` calls it; empty: looking.
    #[serde(default, deserialize_with = "distinct::set")]
    pub may: BTreeSet<Verb>,
    /// Where; empty: everywhere.
    #[serde(default, deserialize_with = "distinct::set")]
    pub environments: BTreeSet<Name>,
    /// For how long from now, in milliseconds; none: 30 days.
    #[serde(rename = "for")]
    pub lasts: Option<Span>,
    /// The program that shall act by it; none: whoever asks.
    #[serde(default)]
    pub program: Option<Person>,
}

/// A token that was created; the only time that its secret is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenAnswer {
    /// The secret.
    pub token: String,
    /// What lists and the journal call it.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: Name,
    /// As whom it acts.
    pub owner: Person,
    /// When it ends by itself.
    pub expires_at: String,
}

/// `POST /v1/sign-in-links`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInLinkRequest {}

/// A link by which somebody signs in; the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SignInLinkAnswer {
    /// All of it.
    pub address: String,
    /// Whom it signs in.
    pub person: Person,
    /// Until when it can be used, once.
    pub expires_at: String,
}

/// `POST /v1/tokens/{id}/revoke`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `POST /v1/promotions/{number}/resume`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// Who.
    pub by: Person,
    /// Why; kept nowhere yet.
    #[serde(default)]
    pub reason: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// `POST /v1/promotions/{number}/pause` and `/abort`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: Option<String>,
}

/// `POST /v1/promotions/{number}/approval` and `POST /v1/lanes/{service}/{environment}/approvals`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// Who.
    pub by: Person,
    /// Yes or no.
    pub agrees: bool,
    /// Hash of the plan that was looked at, or the beginning of it; only a no to a promotion goes without.
    pub plan: Option<String>,
    /// Which release, where no promotion waits; none: the newest that may enter.
    #[serde(default)]
    pub release: Option<Version>,
    /// What they add; why, of a no.
    pub note: Option<String>,
    /// Where the evidence is.
    pub link: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// What was said, and to what.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalAnswer {
    /// Who, by name.
    pub by: String,
    /// Yes or no.
    pub agrees: bool,
    /// First 12 digits of the plan's hash.
    pub plan: String,
    /// The promotion that waits for it; null: nobody has ordered one yet.
    pub promotion: Option<PromotionNumber>,
    /// Why more or less followed than a reader would expect.
    pub notes: Vec<String>,
}

/// `POST /v1/promotions/{number}/reason`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Who.
    pub by: Person,
    /// Why the rollback was ordered.
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// `POST /v1/matrix`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatrixRequest {
    /// The resolved matrix, as `towpath matrix show --json` prints it.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub matrix: Matrix,
    /// Who.
    pub by: Person,
    /// Whether it is refused (409, `needs-agreement`), rather than proposed, where people must agree or sign first.
    #[serde(default)]
    pub unless_asked: bool,
    /// The order as it was signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// The file that it was resolved from, to be kept and shown; left out, nobody sees where its values come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRequest>,
}

/// The file of a matrix, as whoever applies it has it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRequest {
    /// What it is called there.
    #[schemars(length(min = 1, max = 4096))]
    pub file: String,
    /// What it says, whole.
    pub text: String,
    /// What the files say that it names and that are read with it, by their names.
    #[serde(default)]
    pub beside: std::collections::BTreeMap<String, String>,
}

/// `POST /v1/matrix/proposal`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatrixWordRequest {
    /// Who.
    pub by: Person,
    /// Hash of the change that was looked at, or the beginning of it.
    pub plan: String,
    /// Yes or no.
    pub agrees: bool,
    /// What they add; why, of a no.
    pub note: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// `POST /v1/releases`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The release; its bytes are kept already.
    pub release: Release,
    /// Who.
    pub by: Person,
}

/// `POST /v1/uploads/missing`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingRequest {
    /// Who.
    pub by: Person,
    /// Which digests, at most 1000.
    #[serde(deserialize_with = "distinct::set")]
    pub digests: BTreeSet<Digest>,
}

/// Which of them have to be sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MissingAnswer {
    /// Those under which nothing is kept.
    pub missing: BTreeSet<Digest>,
}

/// What was kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UploadedAnswer {
    /// Under which digest.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
}

/// What an accepted order led to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AcceptedView {
    /// The promotion that it made or is about.
    pub promotion: Option<PromotionNumber>,
    /// Whether anything changed.
    pub changed: bool,
    /// Why nothing followed, where a reader would expect something.
    pub notes: Vec<String>,
    /// The state of the promotion by now, or its outcome; only where it was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// `GET /v1/engine`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EngineStatus {
    /// Since when it runs.
    pub since: String,
    /// Its process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Whether nothing needs it.
    pub idle: bool,
    /// How many times faster declared durations run; 1 outside a rehearsal.
    pub speed: u32,
}

/// One line that an instance wrote.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LogView {
    /// Which copy.
    pub instance: u32,
    /// When.
    pub at: Option<String>,
    /// What.
    pub text: String,
}

/// An error (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A stable address of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is refused.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Why.
    #[serde(default)]
    pub detail: Option<String>,
    /// A stable word.
    pub code: String,
    /// Places of the request that are wrong.
    #[serde(default)]
    pub errors: Vec<Fault>,
    /// Commands that help.
    #[serde(default)]
    pub help: Vec<Next>,
    /// What logs call the request; also in the header `X-Request-Id`.
    #[serde(default)]
    pub request_id: String,
    /// All that is known, as the command line shows it.
    pub refusal: Refusal,
}

/// A place of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What is wrong with it.
    pub detail: String,
    /// Where in the body (RFC 6901); empty: the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Which parameter of the query, or which header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
}

/// `POST /v1/promotions/{number}/settle`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleRequest {
    /// Who.
    pub by: Person,
    /// What was owed.
    pub kind: DebtKind,
    /// What was looked at, or where it is; at least one character.
    pub note: Option<String>,
    /// Where the evidence is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The words as they were signed, of whoever has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// `GET /v1/promotions/{number}/plan`: what words about a promotion are about.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlanHashView {
    /// All of the hash of its plan.
    pub plan: Digest,
}
