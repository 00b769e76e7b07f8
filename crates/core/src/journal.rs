//! What the journal keeps: facts, past tense. State is their fold ([`crate::project::Project::apply`]), so a
//! variant or field may be added and never changes its meaning; `tests/golden` has a stored example of each.

use serde::{Deserialize, Serialize};
use towpath_guard::{Standing, Verdict};

use crate::approvals::{Approval, Asked};
pub use crate::check::{Attested, CheckAnswer};
use crate::code_owners::OwnersTold;
use crate::debts::{Debt, DebtKind, Settled};
use crate::deployment::Deployment;
pub use crate::evidence::Withdrawal;
pub use crate::freezing::{Freeze, Thaw};
use crate::governing::{MatrixSource, MatrixWait, MatrixWord, Proposal};
use crate::ids::{CommandId, Digest, Name, Person, PromotionNumber, Revision};
use crate::matrix::{Matrix, Signal};
use crate::notices::{Delivered, GivenUp, Resent};
use crate::plan::Plan;
use crate::promotion::state::{CheckKey, Ending, Holdback, Outcome};
use crate::release::{Release, ReleaseRef};
use crate::speaking::Signed;
use crate::tokens::{Revoked, Token};
use crate::units::{Timestamp, Weight};

mod names;
mod refused;
mod requested;
mod secrets;
mod sessions;
mod signed;
mod started;
pub use refused::RefusedOrder;
pub use requested::{Remembered, Requested};
pub use secrets::SecretsRead;
pub use sessions::{SessionChange, SessionStep};
pub use started::EngineStart;

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// An engine took over the journal.
    EngineStarted(EngineStart),
    /// The matrix that counts from now on for what has not started.
    MatrixApplied {
        /// All of it, resolved.
        matrix: Box<Matrix>,
        /// Who.
        by: Person,
        /// The places that differ from the one before, as dotted paths.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<String>,
        /// Whose yes brought it into force, by role.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved: Vec<Asked>,
        /// The order as it was signed, of whoever has a key; where it had to wait the proposal has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
    },
    /// Somebody wants a matrix in force, and people must agree first. Takes the place of one that waits.
    MatrixProposed(Box<Proposal>),
    /// A person said yes or no to it.
    MatrixWordGiven(Box<MatrixWord>),
    /// Those whose word about it is missing are told again.
    MatrixReminded(MatrixWait),
    /// Its time is over before everybody who must had agreed.
    MatrixLapsed(MatrixWait),
    /// The file of a matrix that was applied or proposed, and where it comes from.
    MatrixWritten(Box<MatrixSource>),
    /// A release exists, for ever.
    ReleaseCreated {
        /// All of it.
        release: Box<Release>,
        /// Who.
        by: Person,
    },
    /// A person stated that something is done.
    Attested(Attested),
    /// A person does not stand by a piece of evidence any more: whatever rested on it falls.
    EvidenceWithdrawn(Withdrawal),
    /// Nothing starts and no weight rises in a scope until it is over. Replaces a freeze of the scope.
    Frozen(Freeze),
    /// A freeze was ended before its time.
    Thawed(Thaw),
    /// Somebody may act by a token from now on; its secret was shown once and is kept nowhere.
    TokenCreated(Box<Token>),
    /// It opens nothing any more, nor does what was created with it.
    TokenRevoked(Revoked),
    /// A promotion was asked for and may wait.
    PromotionRequested(Box<Requested>),
    /// What is declared or what serves changed while it waited, and its plan with it.
    PlanChanged {
        /// Which.
        number: PromotionNumber,
        /// What will be done.
        plan: Box<Plan>,
    },
    /// A check was asked.
    CheckAsked {
        /// For which promotion.
        number: PromotionNumber,
        /// Which.
        key: CheckKey,
        /// By which command.
        command: CommandId,
    },
    /// A check answered.
    CheckAnswered {
        /// For which promotion.
        number: PromotionNumber,
        /// Which.
        key: CheckKey,
        /// What.
        answer: CheckAnswer,
        /// When it is asked again, if it is.
        ask_again_at: Option<Timestamp>,
    },
    /// A check's pass does not count any more, and it is asked again.
    AnswerWithdrawn {
        /// For which promotion.
        number: PromotionNumber,
        /// Which.
        key: CheckKey,
        /// What it rested on.
        sentence: String,
    },
    /// A promotion that has started rests on evidence that was withdrawn; people are told.
    PromotionDoubted {
        /// Which.
        number: PromotionNumber,
        /// What it rests on.
        digest: Digest,
        /// One sentence.
        sentence: String,
    },
    /// A person said yes or no to a plan.
    ApprovalGiven {
        /// The promotion that waits for it; none: nobody has ordered one yet.
        number: Option<PromotionNumber>,
        /// What was said, and by whom.
        approval: Approval,
    },
    /// A promotion left something owed.
    DebtIncurred(Box<Debt>),
    /// It is done.
    DebtSettled(Box<Settled>),
    /// It is overdue, and people are told.
    DebtOverdue {
        /// For which promotion it is owed.
        number: PromotionNumber,
        /// What.
        kind: DebtKind,
    },
    /// People for whose word a promotion waits are told again.
    Reminded {
        /// Which.
        number: PromotionNumber,
    },
    /// The prerequisites hold, everybody who must has agreed, and the lane is taken.
    PromotionStarted {
        /// Which.
        number: PromotionNumber,
        /// The command that starts the instances.
        command: CommandId,
        /// What serves, and what the traffic returns to until commit.
        blue: Option<Deployment>,
        /// The deployment that stood by and shall serve again, for a rollback onto it; none: one of
        /// the promotion's own is started.
        #[serde(default)]
        standby: Option<PromotionNumber>,
        /// Whose yes let it in, by role.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved: Vec<Asked>,
    },
    /// What stood by could not be made sure of; its release is started anew from the kept artefact.
    StandbyGivenUp {
        /// For which rollback.
        number: PromotionNumber,
        /// The command that starts the instances.
        command: CommandId,
        /// Why.
        sentence: String,
    },
    /// All of green's instances are ready.
    InstancesReady {
        /// Of which promotion.
        number: PromotionNumber,
        /// What runs where.
        green: Deployment,
        /// Whether what serves was found alive; otherwise there is nothing to return to.
        blue_ready: bool,
    },
    /// A route was ordered.
    WeightOrdered {
        /// For which promotion.
        number: PromotionNumber,
        /// Index of the step.
        step: usize,
        /// By which command.
        command: CommandId,
        /// Order among the routes of the lane.
        revision: Revision,
        /// Green's share.
        weight: Weight,
        /// Why it is this much, where a budget of harm chose it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The router was observed to give green its share.
    WeightObserved {
        /// For which promotion.
        number: PromotionNumber,
        /// Index of the step.
        step: usize,
        /// Green's share.
        weight: Weight,
    },
    /// A step ended without the evidence it wants, and holds.
    StepHeld {
        /// Of which promotion.
        number: PromotionNumber,
        /// Index of the step.
        step: usize,
        /// What is missing.
        standing: Standing,
        /// One sentence.
        sentence: String,
    },
    /// A freeze or a closed window holds a promotion that is under way at the weight that it has.
    RolloutHeld {
        /// Which.
        number: PromotionNumber,
        /// What holds it.
        sentence: String,
        /// When it goes back by itself.
        until: Timestamp,
    },
    /// Nothing holds it any more.
    RolloutReleased {
        /// Which.
        number: PromotionNumber,
    },
    /// A step ended well.
    StepPassed {
        /// Of which promotion.
        number: PromotionNumber,
        /// Index of the step.
        step: usize,
        /// What is known about it; none for a step without bake.
        verdict: Option<Verdict>,
    },
    /// The guard condemned a release.
    Condemned {
        /// The promotion that carried it.
        number: PromotionNumber,
        /// With its statistics.
        verdict: Verdict,
    },
    /// Recorded and real weights differ, or it is not known whether they do.
    ReconciliationBegan {
        /// For which promotion.
        number: PromotionNumber,
        /// Index of the step that will be taken again.
        step: usize,
        /// Why.
        sentence: String,
        /// Green's share as far as it is known.
        weight: Weight,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// What serves lost its health while green was on its way: there is nothing to return to.
    BlueLost {
        /// For which promotion.
        number: PromotionNumber,
        /// One sentence.
        sentence: String,
    },
    /// A promotion is held.
    PromotionPaused {
        /// Which.
        number: PromotionNumber,
        /// By whom.
        by: Person,
        /// Why.
        reason: String,
        /// When it goes back by itself.
        until: Timestamp,
    },
    /// It goes on.
    PromotionResumed {
        /// Which.
        number: PromotionNumber,
        /// By whom.
        by: Person,
        /// The word as it was signed, of whoever has a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
    },
    /// Green is to become the default arm.
    CommitOrdered {
        /// For which promotion.
        number: PromotionNumber,
        /// By which command.
        command: CommandId,
        /// Order among the routes of the lane.
        revision: Revision,
        /// Whether nothing of what it replaces stays in the route, because that is quarantined.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        barred: bool,
    },
    /// Green is the default arm.
    Committed {
        /// By which promotion.
        number: PromotionNumber,
        /// What serves.
        deployment: Deployment,
        /// What stands by from now on, and until when.
        standby: Option<(Deployment, Timestamp)>,
    },
    /// All traffic is to return.
    ReturnOrdered {
        /// For which promotion.
        number: PromotionNumber,
        /// By which command.
        command: CommandId,
        /// Order among the routes of the lane.
        revision: Revision,
        /// How the promotion will end.
        ending: Ending,
    },
    /// A commit or a return is not known to have been obeyed, and will be ordered again.
    RouteRetried {
        /// For which promotion.
        number: PromotionNumber,
        /// Why.
        sentence: String,
        /// When.
        retry_at: Timestamp,
        /// Whether the router obeyed a return, and what it returned to does not answer.
        #[serde(default)]
        returned: bool,
    },
    /// A commit or a return was ordered in vain for so long that a person is called; it is ordered on.
    PersonCalled {
        /// For which promotion.
        number: PromotionNumber,
        /// Why.
        reason: String,
        /// When a person is called again.
        again_at: Timestamp,
    },
    /// All traffic is back on blue.
    TrafficReturned {
        /// For which promotion.
        number: PromotionNumber,
    },
    /// Instances are to stop when their open requests are done.
    StopOrdered {
        /// Which.
        deployment: PromotionNumber,
        /// By which command.
        command: CommandId,
    },
    /// They could not be stopped, and are told again.
    StopFailed {
        /// Which.
        deployment: PromotionNumber,
        /// Why.
        sentence: String,
        /// When.
        retry_at: Timestamp,
    },
    /// They are gone.
    InstancesStopped {
        /// Which.
        deployment: PromotionNumber,
    },
    /// The release before is no longer kept ready.
    StandbyEnded {
        /// Which.
        deployment: PromotionNumber,
        /// Why.
        sentence: String,
    },
    /// Visitors stay on what stands by in another way.
    HoldbackChanged {
        /// What stands by.
        deployment: PromotionNumber,
        /// How it is now; none: no visitor is sent there any more.
        holdback: Option<Box<Holdback>>,
        /// Why.
        sentence: String,
    },
    /// A digest may not enter until a person lifts it.
    ReleaseQuarantined {
        /// Which.
        release: ReleaseRef,
        /// Which promotion threw it out.
        number: PromotionNumber,
        /// Why.
        reason: String,
        /// The settings that were changed alone, so that it is kept out under them and not as such.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Digest>,
    },
    /// It may enter again, under whatever settings.
    QuarantineLifted {
        /// Which.
        digest: Digest,
        /// By whom.
        by: Person,
        /// Why.
        reason: String,
        /// The word as it was signed, of whoever has a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
    },
    /// A release is not verified here any more.
    VerificationWithdrawn {
        /// Which.
        digest: Digest,
        /// Why.
        sentence: String,
        /// Under these settings; none: under any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Digest>,
    },
    /// A promotion ended, once and for ever.
    PromotionEnded {
        /// Which.
        number: PromotionNumber,
        /// How.
        outcome: Outcome,
        /// Why, one sentence.
        sentence: String,
    },
    /// A verified release was offered to the environments that take it automatically.
    ReleaseOffered {
        /// What.
        release: ReleaseRef,
        /// By which promotion.
        number: PromotionNumber,
        /// By which command.
        command: CommandId,
        /// To whom.
        to: Vec<Name>,
    },
    /// A person or a tool said that something is wrong.
    SignalReceived {
        /// What.
        signal: Signal,
        /// Who.
        by: Person,
        /// Why.
        reason: String,
    },
    /// A trigger asks a person to roll back.
    RollbackAsked {
        /// Why.
        reason: String,
    },
    /// The repository said whose files a change touches, or why it cannot be told.
    OwnersTold(Box<OwnersTold>),
    /// Nothing is left of what a lane may fail over a window, or something is again.
    BudgetChanged {
        /// Whether all of it is spent.
        spent: bool,
        /// What was counted.
        sentence: String,
    },
    /// A rollback without a reason got one. May follow its end, and changes nothing of it.
    ReasonGiven {
        /// Which rollback.
        number: PromotionNumber,
        /// Who gave it.
        by: Person,
        /// Why it was ordered.
        reason: String,
    },
    /// A trigger came while nothing had visitors: what serves is rolled back once what was under way is gone.
    RollbackRemembered(Remembered),
    /// A channel took a notice.
    NoticeDelivered(Box<Delivered>),
    /// A notice was not taken, and is kept until a person has it sent again.
    NoticeGivenUp(Box<GivenUp>),
    /// A person has a notice sent again that was given up, or once more that arrived.
    NoticeRetried(Resent),
    /// Somebody ordered something and was refused; nothing was changed by it.
    OrderRefused(Box<RefusedOrder>),
    /// Secrets were read, to be handed to a release that starts.
    SecretsRead(Box<SecretsRead>),
    /// Somebody signed in at the server or out, or showed a second factor.
    SessionChanged(SessionChange),
}
