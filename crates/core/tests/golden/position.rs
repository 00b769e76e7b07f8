//! Where each event stands among the examples.

use towpath_core::journal::Event;

/// Position of a variant, without a wildcard: a new one must stand here, and wants an example.
pub(crate) fn position(event: &Event) -> usize {
    match event {
        Event::EngineStarted { .. } => 0,
        Event::MatrixApplied { .. } => 1,
        Event::ReleaseCreated { .. } => 2,
        Event::Attested(_) => 3,
        Event::PromotionRequested(_) => 4,
        Event::PlanChanged { .. } => 5,
        Event::CheckAsked { .. } => 6,
        Event::CheckAnswered { .. } => 7,
        Event::PromotionStarted { .. } => 8,
        Event::InstancesReady { .. } => 9,
        Event::WeightOrdered { .. } => 10,
        Event::WeightObserved { .. } => 11,
        Event::StepHeld { .. } => 12,
        Event::StepPassed { .. } => 13,
        Event::Condemned { .. } => 14,
        Event::ReconciliationBegan { .. } => 15,
        Event::PromotionPaused { .. } => 16,
        Event::PromotionResumed { .. } => 17,
        Event::CommitOrdered { .. } => 18,
        Event::Committed { .. } => 19,
        Event::ReturnOrdered { .. } => 20,
        Event::RouteRetried { .. } => 21,
        Event::TrafficReturned { .. } => 22,
        Event::StopOrdered { .. } => 23,
        Event::InstancesStopped { .. } => 24,
        Event::StandbyEnded { .. } => 25,
        Event::ReleaseQuarantined { .. } => 26,
        Event::QuarantineLifted { .. } => 27,
        Event::VerificationWithdrawn { .. } => 28,
        Event::PromotionEnded { .. } => 29,
        Event::ReleaseOffered { .. } => 30,
        Event::SignalReceived { .. } => 31,
        Event::RollbackAsked { .. } => 32,
        Event::StopFailed { .. } => 33,
        Event::BlueLost { .. } => 34,
        Event::RollbackRemembered(_) => 35,
        Event::StandbyGivenUp { .. } => 36,
        Event::ReasonGiven { .. } => 37,
        Event::PersonCalled { .. } => 38,
        Event::HoldbackChanged { .. } => 39,
        Event::ApprovalGiven { .. } => 40,
        Event::Frozen(_) => 41,
        Event::Thawed(_) => 42,
        Event::RolloutHeld { .. } => 43,
        Event::RolloutReleased { .. } => 44,
        Event::NoticeDelivered(_) => 45,
        Event::NoticeGivenUp(_) => 46,
        Event::NoticeRetried(_) => 47,
        Event::EvidenceWithdrawn(_) => 48,
        Event::AnswerWithdrawn { .. } => 49,
        Event::PromotionDoubted { .. } => 50,
        Event::DebtIncurred(_) => 51,
        Event::DebtSettled(_) => 52,
        Event::DebtOverdue { .. } => 53,
        Event::Reminded { .. } => 54,
        Event::MatrixProposed(_) => 55,
        Event::MatrixWordGiven(_) => 56,
        Event::OrderRefused(_) => 57,
        Event::TokenCreated(_) | Event::TokenRevoked(_) => 58 + usize::from(is_revoked(event)),
        Event::BudgetChanged { .. } => 60,
        Event::SecretsRead(_) => 61,
        Event::OwnersTold(_) => 62,
        Event::MatrixReminded(_) => 63,
        Event::MatrixLapsed(_) => 64,
        Event::MatrixWritten(_) => 66,
        Event::SessionChanged(_) => 65,
    }
}

fn is_revoked(event: &Event) -> bool {
    matches!(event, Event::TokenRevoked(_))
}

/// How many variants there are.
pub(crate) const VARIANTS: usize = 67; // One more than the highest position above.
