//! What the matrix says of proving the journal. Signs nothing and knows no key.

use serde::{Deserialize, Serialize};

/// How often the end of the journal is signed, and where that is kept besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRules {
    /// After how many events, at least 1.
    pub every: u32,
    /// Files outside; a relative path begins at the folder of the matrix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Folders of git repositories, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
}

impl Default for AuditRules {
    /// Every 100 events: some ten promotions, of which the last are never more than that uncovered.
    fn default() -> Self {
        Self { every: 100, files: Vec::new(), repositories: Vec::new() }
    }
}

impl AuditRules {
    /// Whether the matrix says nothing else than what holds anyway.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
