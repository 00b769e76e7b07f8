//! Everything that can happen to a lane. Past tense where the world did it, an order where a person
//! gave one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_guard::Verdict;

use crate::code_owners::OwnersTold;
use crate::debts::DebtKind;
use crate::ids::{CommandId, Digest, Name, Person, PromotionNumber, Revision, Version};
use crate::matrix::Signal;
use crate::promotion::command::CommandOutcome;
use crate::speaking::{Says, Signed};
use crate::units::Weight;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "input")]
pub enum Input {
    /// Somebody wants a release in.
    PromotionOrdered(PromotionOrder),
    /// Somebody wants the last good release back.
    RollbackOrdered {
        /// Who.
        by: Person,
        /// Why; owed if it is missing.
        reason: Option<String>,
        /// Whether the release that goes is quarantined.
        quarantine: bool,
    },
    /// A person or a tool says that something is wrong.
    Signalled {
        /// What.
        signal: Signal,
        /// Who.
        by: Person,
        /// Why.
        reason: String,
    },
    /// Somebody holds a promotion.
    PauseOrdered {
        /// Which.
        number: PromotionNumber,
        /// Who.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
    /// Somebody lets it go on.
    ResumeOrdered {
        /// Which.
        number: PromotionNumber,
        /// Who.
        by: Person,
        /// The word as it was signed; the engine has verified the signature.
        #[serde(default)]
        signed: Option<Signed>,
    },
    /// Somebody ends it.
    AbortOrdered {
        /// Which.
        number: PromotionNumber,
        /// Who.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
    /// Somebody says yes or no to a plan.
    ApprovalOrdered(ApprovalOrder),
    /// Somebody says that what is owed is done, or the program found that it is.
    DebtSettled(DebtOrder),
    /// Somebody lets a release return.
    QuarantineLiftOrdered {
        /// Which.
        digest: Digest,
        /// Who.
        by: Person,
        /// Why.
        reason: String,
        /// The word as it was signed; the engine has verified the signature.
        #[serde(default)]
        signed: Option<Signed>,
    },
    /// Somebody gives the reason that a rollback still owes. Changes nothing else.
    ReasonGiven {
        /// Which rollback; it may have ended.
        number: PromotionNumber,
        /// Who.
        by: Person,
        /// Why it was ordered.
        reason: String,
    },
    /// A command ended.
    CommandEnded {
        /// Which.
        command: CommandId,
        /// How.
        outcome: CommandOutcome,
    },
    /// The guard reached a verdict about a deployment that has visitors.
    Judged {
        /// Which.
        deployment: PromotionNumber,
        /// What.
        verdict: Verdict,
    },
    /// A lease lapsed at the router.
    LeaseLapsed {
        /// Of which revision.
        revision: Revision,
        /// Whether the weight stays as it is, because the default arm could not take the traffic.
        /// Otherwise all of it is on the default arm.
        frozen: bool,
    },
    /// The router was looked at without an order, as whoever renews a lease does, and this is what
    /// is so: an arm that lost copies has less than its share.
    RouteObserved {
        /// The last order that it obeyed.
        revision: Revision,
        /// Green's share; where a release is held back, that of what serves.
        weight: Weight,
    },
    /// The health probes of what serves failed as often as the matrix tolerates.
    HealthLost {
        /// Of which deployment.
        deployment: PromotionNumber,
        /// One sentence.
        sentence: String,
    },
    /// The repository said whose files a change touches, or why it cannot be told.
    OwnersTold(Box<OwnersTold>),
    /// What is left of the lane's error budget was looked at.
    BudgetLooked {
        /// Whether all of it is spent.
        spent: bool,
        /// What was counted.
        sentence: String,
    },
    /// Time passed, or something that checks may wait for happened.
    Woken {
        /// The guard's view of green right now, where green has visitors.
        verdict: Option<Verdict>,
        /// Whether checks that wait shall be asked again at once.
        ask_again: bool,
    },
}

/// A person's yes or no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalOrder {
    /// Who.
    pub by: Person,
    /// Yes or no.
    pub agrees: bool,
    /// Which promotion; none: the one that waits under the plan, or one that is still to be ordered.
    pub number: Option<PromotionNumber>,
    /// Hash of the plan that was looked at, or the beginning of it.
    pub plan: Option<String>,
    /// Which release, where no promotion waits; none: the newest that may enter.
    pub release: Option<Version>,
    /// What they add; why, of a no.
    pub note: Option<String>,
    /// Where the evidence is.
    pub link: Option<String>,
    /// The words as they were signed; the engine has verified the signature.
    #[serde(default)]
    pub signed: Option<Signed>,
}

/// What somebody wants in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PromotionOrder {
    /// Who.
    pub by: Person,
    /// Who made the token by which they order it, where that is somebody else. Set by the engine.
    #[serde(default)]
    pub behind: Vec<Person>,
    /// Which release; none: the newest verified in the predecessors.
    pub release: Option<Version>,
    /// The predecessor that was named; only checked.
    pub from: Option<Name>,
    /// Hash of the plan that was looked at, or the beginning of it.
    pub plan: Option<String>,
    /// Demands that are accepted as not enforced.
    pub accept_unenforced: Vec<String>,
    /// Why.
    pub reason: Option<String>,
    /// The promotion that verified it elsewhere, on an automatic edge.
    pub offered_by: Option<PromotionNumber>,
    /// Whether it goes past windows and declared freezes; needs the right and a reason.
    #[serde(default)]
    pub override_window: bool,
    /// Whether it goes past whatever asks for time or people before the start: being verified before,
    /// prerequisites, approvals, windows, declared freezes. Needs a right of its own, a reason and the
    /// name of the release; leaves a review owed.
    #[serde(default)]
    pub break_glass: bool,
    /// The order as it was signed, where it goes past the rules; the engine has verified the signature.
    #[serde(default)]
    pub signed: Option<Signed>,
}

/// A word about what is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebtOrder {
    /// Who.
    pub by: Person,
    /// For which promotion it is owed.
    pub number: PromotionNumber,
    /// What.
    pub kind: DebtKind,
    /// What they add.
    pub note: Option<String>,
    /// Where the evidence is.
    pub link: Option<String>,
    /// The release in whose history the fix was found; set by the program alone.
    #[serde(default)]
    pub found_in: Option<Version>,
    /// The word as it was signed; the engine has verified the signature.
    #[serde(default)]
    pub signed: Option<Signed>,
}

impl PromotionOrder {
    /// The reason; a blank one is none.
    pub fn why(&self) -> Option<&str> {
        self.reason.as_deref().filter(|reason| !reason.trim().is_empty())
    }

    /// By what it goes past the rules, so that whoever has a key signs it; none: by nothing. What is not
    /// enforced and accepted stands in the plan, so that it is signed with whatever else goes past them.
    pub fn goes_past(&self) -> Option<Says> {
        if self.break_glass {
            Some(Says::BreakGlass)
        } else if self.override_window {
            Some(Says::OverrideWindow)
        } else {
            (!self.accept_unenforced.is_empty()).then_some(Says::AcceptUnenforced)
        }
    }

    /// The order of the newest that may enter, with nothing said beside.
    pub fn of(by: Person) -> Self {
        Self {
            by,
            behind: Vec::new(),
            release: None,
            from: None,
            plan: None,
            accept_unenforced: Vec::new(),
            reason: None,
            offered_by: None,
            override_window: false,
            break_glass: false,
            signed: None,
        }
    }
}
