//! A changed matrix that waits for people, as clients see it. Decides nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ApprovalView;

/// A changed matrix that waits for people.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    /// Hash of what people agree to: this matrix in place of the one in force.
    pub plan: String,
    /// Who wants it.
    pub by: String,
    /// What differs, as dotted paths.
    pub changes: Vec<String>,
    /// The roles that must agree.
    pub approvals: Vec<ApprovalView>,
    /// Since when it waits.
    pub since: String,
    /// When it is over.
    pub until: String,
}

impl ProposalView {
    /// Whether it waits for this person.
    pub fn calls(&self, person: &str) -> bool {
        self.approvals.iter().any(|one| one.who.iter().any(|who| who == person))
    }
}
