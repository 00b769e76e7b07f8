//! What an event is called, and which promotion it belongs to. Owns no fact.

use super::Event;
use crate::ids::PromotionNumber;

impl Event {
    /// Its name in lists, such as `promotion-started`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EngineStarted { .. } => "engine-started",
            Self::MatrixApplied { .. } => "matrix-applied",
            Self::MatrixProposed(_) => "matrix-proposed",
            Self::MatrixWordGiven(_) => "matrix-word-given",
            Self::MatrixReminded(_) => "matrix-reminded",
            Self::MatrixLapsed(_) => "matrix-lapsed",
            Self::MatrixWritten(_) => "matrix-written",
            Self::ReleaseCreated { .. } => "release-created",
            Self::Attested(_) => "attested",
            Self::EvidenceWithdrawn(_) => "evidence-withdrawn",
            Self::AnswerWithdrawn { .. } => "answer-withdrawn",
            Self::PromotionDoubted { .. } => "promotion-doubted",
            Self::Frozen(_) | Self::Thawed(_) => self.kind_of_freeze(),
            Self::PromotionRequested(_) => "promotion-requested",
            Self::PlanChanged { .. } => "plan-changed",
            Self::CheckAsked { .. } => "check-asked",
            Self::CheckAnswered { .. } => "check-answered",
            Self::ApprovalGiven { .. } => "approval-given",
            Self::DebtIncurred(_) => "debt-incurred",
            Self::DebtSettled(_) => "debt-settled",
            Self::DebtOverdue { .. } => "debt-overdue",
            Self::Reminded { .. } => "reminded",
            Self::PromotionStarted { .. } => "promotion-started",
            Self::StandbyGivenUp { .. } => "standby-given-up",
            Self::InstancesReady { .. } => "instances-ready",
            Self::WeightOrdered { .. } => "weight-ordered",
            Self::WeightObserved { .. } => "weight-observed",
            Self::StepHeld { .. } => "step-held",
            Self::RolloutHeld { .. } => "rollout-held",
            Self::RolloutReleased { .. } => "rollout-released",
            Self::StepPassed { .. } => "step-passed",
            Self::Condemned { .. } => "condemned",
            Self::ReconciliationBegan { .. } => "reconciliation-began",
            Self::BlueLost { .. } => "blue-lost",
            Self::PromotionPaused { .. } => "promotion-paused",
            Self::PromotionResumed { .. } => "promotion-resumed",
            Self::CommitOrdered { .. } => "commit-ordered",
            Self::Committed { .. } => "committed",
            Self::ReturnOrdered { .. } => "return-ordered",
            Self::RouteRetried { .. } => "route-retried",
            Self::PersonCalled { .. } => "person-called",
            Self::TrafficReturned { .. } => "traffic-returned",
            Self::StopOrdered { .. } => "stop-ordered",
            Self::StopFailed { .. } => "stop-failed",
            Self::InstancesStopped { .. } => "instances-stopped",
            Self::StandbyEnded { .. } => "standby-ended",
            Self::HoldbackChanged { .. } => "holdback-changed",
            Self::ReleaseQuarantined { .. } => "release-quarantined",
            Self::QuarantineLifted { .. } => "quarantine-lifted",
            Self::VerificationWithdrawn { .. } => "verification-withdrawn",
            Self::PromotionEnded { .. } => "promotion-ended",
            Self::ReleaseOffered { .. } => "release-offered",
            Self::SignalReceived { .. } => "signal-received",
            Self::RollbackAsked { .. } => "rollback-asked",
            Self::BudgetChanged { .. } => "budget-changed",
            Self::OwnersTold(_) => "owners-told",
            Self::ReasonGiven { .. } => "reason-given",
            Self::RollbackRemembered(_) => "rollback-remembered",
            Self::TokenCreated(_) => "token-created",
            Self::TokenRevoked(_) => "token-revoked",
            Self::NoticeDelivered(_) => "notice-delivered",
            Self::NoticeGivenUp(_) => "notice-given-up",
            Self::NoticeRetried(_) => "notice-retried",
            Self::OrderRefused(_) => "order-refused",
            Self::SecretsRead(_) => "secrets-read",
            Self::SessionChanged(_) => "session-changed",
        }
    }

    fn kind_of_freeze(&self) -> &'static str {
        if matches!(self, Self::Frozen(_)) { "frozen" } else { "thawed" }
    }

    /// The promotion it belongs to.
    pub fn promotion(&self) -> Option<PromotionNumber> {
        match self {
            Self::PromotionRequested(requested) => Some(requested.number),
            Self::RollbackRemembered(remembered) => Some(remembered.after),
            Self::NoticeDelivered(delivered) => delivered.promotion,
            Self::NoticeGivenUp(given_up) => given_up.notice.promotion,
            Self::ApprovalGiven { number, .. } => *number,
            Self::NoticeRetried(again) => again.promotion,
            Self::DebtIncurred(_) | Self::DebtSettled(_) => self.promotion_of_debt(),
            Self::OrderRefused(refused) => refused.number,
            Self::SecretsRead(read) => Some(read.number),
            Self::PlanChanged { number, .. }
            | Self::CheckAsked { number, .. }
            | Self::CheckAnswered { number, .. }
            | Self::AnswerWithdrawn { number, .. }
            | Self::PromotionDoubted { number, .. }
            | Self::DebtOverdue { number, .. }
            | Self::Reminded { number }
            | Self::PromotionStarted { number, .. }
            | Self::StandbyGivenUp { number, .. }
            | Self::ReasonGiven { number, .. }
            | Self::InstancesReady { number, .. }
            | Self::WeightOrdered { number, .. }
            | Self::WeightObserved { number, .. }
            | Self::StepHeld { number, .. }
            | Self::RolloutHeld { number, .. }
            | Self::RolloutReleased { number }
            | Self::StepPassed { number, .. }
            | Self::Condemned { number, .. }
            | Self::ReconciliationBegan { number, .. }
            | Self::BlueLost { number, .. }
            | Self::PromotionPaused { number, .. }
            | Self::PromotionResumed { number, .. }
            | Self::CommitOrdered { number, .. }
            | Self::Committed { number, .. }
            | Self::ReturnOrdered { number, .. }
            | Self::RouteRetried { number, .. }
            | Self::PersonCalled { number, .. }
            | Self::TrafficReturned { number }
            | Self::ReleaseQuarantined { number, .. }
            | Self::PromotionEnded { number, .. }
            | Self::ReleaseOffered { number, .. } => Some(*number),
            Self::EngineStarted { .. }
            | Self::MatrixApplied { .. }
            | Self::MatrixProposed(_)
            | Self::MatrixWordGiven(_)
            | Self::MatrixReminded(_)
            | Self::MatrixLapsed(_)
            | Self::MatrixWritten(_)
            | Self::ReleaseCreated { .. }
            | Self::Attested(_)
            | Self::EvidenceWithdrawn(_)
            | Self::Frozen(_)
            | Self::Thawed(_)
            | Self::TokenCreated(_)
            | Self::TokenRevoked(_)
            | Self::SessionChanged(_)
            | Self::StopOrdered { .. }
            | Self::StopFailed { .. }
            | Self::InstancesStopped { .. }
            | Self::StandbyEnded { .. }
            | Self::HoldbackChanged { .. }
            | Self::QuarantineLifted { .. }
            | Self::VerificationWithdrawn { .. }
            | Self::SignalReceived { .. }
            | Self::BudgetChanged { .. }
            | Self::OwnersTold(_)
            | Self::RollbackAsked { .. } => None,
        }
    }

    fn promotion_of_debt(&self) -> Option<PromotionNumber> {
        match self {
            Self::DebtIncurred(debt) => Some(debt.number),
            Self::DebtSettled(settled) => Some(settled.number),
            _ => None,
        }
    }
}
