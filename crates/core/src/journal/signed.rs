//! Which events are somebody's words, as they were signed. Verifies none of them.

use super::Event;
use crate::speaking::Signed;

impl Event {
    /// The words that led to it as they were signed; none where nobody with a key spoke.
    pub fn signed(&self) -> Option<&Signed> {
        match self {
            Self::MatrixApplied { signed, .. }
            | Self::QuarantineLifted { signed, .. }
            | Self::PromotionResumed { signed, .. } => signed.as_ref(),
            Self::MatrixProposed(proposal) => proposal.signed.as_ref(),
            Self::MatrixWordGiven(word) => word.signed.as_ref(),
            Self::Attested(attested) => attested.signed.as_ref(),
            Self::Thawed(thaw) => thaw.signed.as_ref(),
            Self::ApprovalGiven { approval, .. } => approval.signed.as_ref(),
            Self::PromotionRequested(requested) => requested.signed.as_ref(),
            Self::DebtSettled(settled) => settled.signed.as_ref(),
            _ => None,
        }
    }

    /// Whether it is a word about what belongs to no lane.
    pub(crate) fn is_of_project(&self) -> bool {
        matches!(
            self,
            Self::MatrixApplied { .. }
                | Self::MatrixProposed(_)
                | Self::MatrixWordGiven(_)
                | Self::Thawed(_)
        )
    }
}
