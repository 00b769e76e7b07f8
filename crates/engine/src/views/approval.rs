//! Who must agree to a plan, as it is shown. Counts nobody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role that must agree.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalView {
    /// Which; `code-owners` where it is no role, but the owners of some files.
    pub role: String,
    /// Whose files they are, in words, where their owners are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owns: Option<String>,
    /// Why nobody knows whose word it is, where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// How many people of it.
    pub need: u32,
    /// Those who did.
    pub by: Vec<String>,
    /// Those who could still.
    pub who: Vec<String>,
}

impl ApprovalView {
    /// Who is asked, in words.
    pub fn whom(&self) -> &str {
        self.owns.as_deref().unwrap_or(&self.role)
    }
}
