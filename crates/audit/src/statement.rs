//! What is signed about one promotion: an in-toto statement with its whole account, and an SLSA
//! verification summary for tools that know nothing of Towpath. Owns both forms; signs neither.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use towpath_core::ids::Digest;
use towpath_core::promotion::state::{Kind, Outcome};

use crate::account::{Account, Answer};

/// What a statement is (in-toto attestation framework, "Statement", version 1).
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// What ours tells.
pub const PROMOTION: &str = "https://towpath.dev/attestations/promotion/v1";
/// What the summary tells (SLSA 1.0, "Verification Summary Attestation").
pub const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// The version of SLSA that the summary follows.
const SLSA: &str = "1.0";
/// That nobody measured how the release was built: the gates of a matrix are no levels of SLSA.
const UNEVALUATED: &str = "SLSA_BUILD_LEVEL_UNEVALUATED";

/// What a statement is about: something by the digest of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What it is called.
    pub name: String,
    /// Its digest.
    pub digest: Sha256,
}

/// A digest as in-toto writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sha256 {
    /// Hexadecimal digits.
    pub sha256: String,
}

impl From<&Digest> for Sha256 {
    fn from(digest: &Digest) -> Self {
        Self { sha256: digest.hex().to_owned() }
    }
}

/// A statement of ours, read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// Always the type of in-toto statements, version 1.
    #[serde(rename = "_type")]
    pub kind: String,
    /// The release, by the digest over its content, and each of its artefacts.
    pub subject: Vec<Subject>,
    /// [`PROMOTION`].
    pub predicate_type: String,
    /// What is said of them.
    pub predicate: Predicate,
}

/// What happened, and in which journal it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The name of the journal, as in its checkpoints; it says of a rehearsal that it is one.
    pub journal: String,
    /// What happened.
    pub account: Account,
}

/// What a statement is about: the release first.
pub fn subjects<'a>(
    account: &Account,
    artifacts: impl IntoIterator<Item = (&'a str, &'a Digest)>,
) -> Vec<Subject> {
    let release = Subject {
        name: format!("{}@{}", account.service, account.release.version),
        digest: (&account.release.digest).into(),
    };
    let parts = artifacts.into_iter();
    let parts =
        parts.map(|(name, digest)| Subject { name: name.to_owned(), digest: digest.into() });
    std::iter::once(release).chain(parts).collect()
}

impl Statement {
    /// The statement that `account` of the journal `origin` is true.
    pub fn of(account: Account, subject: Vec<Subject>, origin: &str) -> Self {
        Self {
            kind: STATEMENT.to_owned(),
            subject,
            predicate_type: PROMOTION.to_owned(),
            predicate: Predicate { journal: origin.to_owned(), account },
        }
    }

    /// Reads one that was signed.
    ///
    /// # Errors
    /// Why it is none, as the end of a sentence.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(payload)
            .map_err(|error| format!("is no statement of a promotion: {error}"))?;
        if read.kind == STATEMENT && read.predicate_type == PROMOTION {
            return Ok(read);
        }
        Err(format!("is no statement of the type `{PROMOTION}`"))
    }
}

/// The verification summary: that this release passed, or did not pass, what the plan asked of it. None
/// for a rollback, of which nothing is asked.
///
/// It passed where all was carried out and every check that was asked said yes, without the glass being
/// broken. What a person accepted as not enforced is no part of the policy, and stands in the statement.
pub fn summary(
    account: &Account,
    subject: &[Subject],
    origin: &str,
    program: &str,
) -> Option<Value> {
    if account.kind == Kind::Rollback {
        return None;
    }
    let is_open = |answer: Answer| answer != Answer::Pass;
    let passed = account.outcome == Outcome::Succeeded
        && !account.broke_glass
        && !account.gates.iter().any(|gate| is_open(gate.answer));
    let evidence = account.evidence().into_iter();
    let evidence = evidence.map(|it| json!({ "uri": file_of(it), "digest": Sha256::from(it) }));
    let Account { service, environment, .. } = account;
    Some(json!({
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": SUMMARY,
        "predicate": {
            "verifier": { "id": format!("https://{origin}"), "version": { "towpath": program } },
            "timeVerified": account.ended_at,
            "resourceUri": format!("https://{origin}/{service}/{environment}"),
            "policy": { "uri": PLAN_FILE, "digest": Sha256::from(&account.plan) },
            "inputAttestations": evidence.collect::<Vec<_>>(),
            "verificationResult": if passed { "PASSED" } else { "FAILED" },
            "verifiedLevels": [if passed { UNEVALUATED } else { "FAILED" }],
            "slsaVersion": SLSA,
        },
    }))
}

/// The plan in the bundle, whose digest is the plan's hash.
pub const PLAN_FILE: &str = "plan.json";

/// Where a piece of evidence stands in the bundle.
pub fn file_of(digest: &Digest) -> String {
    format!("evidence/sha256-{}", digest.hex())
}
