//! What clients order from an engine, and what they are told. Carries nothing out.

use towpath_core::governing::MatrixWord;
use towpath_core::ids::{Name, Person, PromotionNumber};
use towpath_core::journal::{Attested, Event, Freeze, Thaw, Withdrawal};
use towpath_core::matrix::Matrix;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::release::Release;
use towpath_core::speaking::Signed;
use towpath_core::tokens::{Revoked, Wanted};
use towpath_ports::store::StoreError;

use crate::shared::Shared;

/// An order that belongs to no lane.
#[derive(Clone, Debug)]
pub enum Order {
    /// Take a matrix into force; with the order as it was signed, of whoever has a key.
    ApplyMatrix(Box<Matrix>, Person, Option<Signed>),
    /// Take a person's word about a changed matrix down.
    AgreeToMatrix(MatrixWord),
    /// Create a release.
    CreateRelease(Box<NewRelease>),
    /// Take a person's statement down.
    Attest(Statement),
    /// Stop promotions in a scope; the time is set by the engine.
    Freeze(Freeze),
    /// Let them go on.
    Thaw(Thaw),
    /// Take a piece of evidence or a statement back; the time is set by the engine.
    Withdraw(Taking),
    /// Create a token.
    CreateToken(Box<NewToken>),
    /// End one before its time.
    RevokeToken(Revoked),
}

/// A token that somebody asks for; its secret is nowhere in it.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it shall be.
    pub wanted: Wanted,
    /// The program that shall act by it; none: whoever asks.
    pub program: Option<Person>,
    /// Who asks.
    pub by: Person,
    /// Whose it becomes; the engine says so.
    pub(crate) owner: Option<Person>,
}

impl NewToken {
    /// What is asked for, and by whom.
    pub fn new(wanted: Wanted, program: Option<Person>, by: Person) -> Self {
        Self { wanted, program, by, owner: None }
    }
}

impl Order {
    /// Who gave it.
    pub(crate) fn by(&self) -> &Person {
        match self {
            Self::ApplyMatrix(_, by, _) => by,
            Self::AgreeToMatrix(word) => &word.by,
            Self::CreateRelease(new) => &new.by,
            Self::Attest(statement) => &statement.attested.by,
            Self::Freeze(freeze) => &freeze.by,
            Self::Thaw(thaw) => &thaw.by,
            Self::Withdraw(taking) => &taking.withdrawal.by,
            Self::CreateToken(new) => &new.by,
            Self::RevokeToken(revoked) => &revoked.by,
        }
    }
}

/// Evidence that is to be withdrawn.
#[derive(Clone, Debug)]
pub struct Taking {
    /// All of it.
    pub withdrawal: Withdrawal,
    /// Where it was used: whoever withdraws it needs the right in each.
    pub environments: Vec<Name>,
}

/// A release that is to be created; its bytes are kept already.
#[derive(Clone, Debug)]
pub struct NewRelease {
    /// All of it; the time of creation is set by the engine.
    pub release: Release,
    /// Who creates it.
    pub by: Person,
}

/// A person's statement about a release.
#[derive(Clone, Debug)]
pub struct Statement {
    /// All of it; the time is set by the engine.
    pub attested: Attested,
}

/// What an accepted order led to.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// The promotion that it made or is about.
    pub promotion: Option<PromotionNumber>,
    /// Events that were written for it.
    pub events: Vec<Event>,
    /// Why nothing followed, where a reader would expect something.
    pub notes: Vec<String>,
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Somebody or something says no; nothing was changed.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// The journal could not be written; nothing was changed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The engine has stopped.
    #[error("the engine has stopped")]
    Stopped,
}

/// Why an engine had to stop. Nothing that it ran is touched by that.
#[derive(Debug, thiserror::Error)]
pub enum EngineEnd {
    /// The journal: another engine has it, or it cannot be written.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A router or a target obeys a newer engine.
    #[error("{0}")]
    ShutOut(String),
}

/// Whether the very same release exists; refuses another one under the same version.
pub(crate) fn known_release(shared: &Shared, release: &Release) -> Result<bool, EngineError> {
    let known =
        shared.read(|project| project.common.release(&release.service, &release.version).cloned());
    let Some(known) = known else { return Ok(false) };
    if known.digest == release.digest {
        return same_facts(&known, release).map(|()| true);
    }
    let version = &release.version;
    let message = format!("{version} exists with other bytes; nothing was created");
    let cause = format!(
        "{version} is sha256:{}, and this is sha256:{}; a release never changes",
        known.digest.short(),
        release.digest.short()
    );
    Err(EngineError::Refused(Box::new(
        Refusal::new(RefusalKind::Conflict, "other-bytes", message, cause)
            .next("towpath release create ANOTHER-VERSION --artifact NAME=PATH", "a new one")
            .next("towpath release list", "what there is"),
    )))
}

/// Whoever comes first does not say for good what others would say of the same bytes.
fn same_facts(known: &Release, release: &Release) -> Result<(), EngineError> {
    let facts = [
        ("type", known.change_type == release.change_type),
        ("author", known.author == release.author),
        ("commit", known.commit == release.commit),
        ("evidence", known.evidence == release.evidence),
        ("snapshot", known.snapshot == release.snapshot),
    ];
    let differ: Vec<&str> = facts.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
    if differ.is_empty() {
        return Ok(());
    }
    let version = &release.version;
    let message =
        format!("{version} exists, and was said to be something else; nothing was created");
    let cause = format!("it has the same bytes and another {}", differ.join(", "));
    Err(EngineError::Refused(Box::new(
        Refusal::new(RefusalKind::Conflict, "other-facts", message, cause)
            .next(format!("towpath release show {version}"), "what it was said to be, and by whom")
            .next("towpath release create ANOTHER-VERSION --artifact NAME=PATH", "a new one"),
    )))
}
