//! Knows which changes are in the history of a release. Reads a repository; changes nothing in it.

use async_trait::async_trait;

/// What is asked about a fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixQuestion {
    /// The commit of the release that carried the fix.
    pub fix: String,
    /// The commit of what served before it, where that is known: the fix is what came since.
    pub before: Option<String>,
    /// The commit of a later release.
    pub later: String,
    /// The branch that the later release must come from.
    pub branch: String,
}

/// Knows the commits of releases.
#[async_trait]
pub trait History: Send + Sync {
    /// Whether the later release comes from the branch and has the fix: its commits, or others that
    /// change the same. Safe to repeat.
    ///
    /// # Errors
    /// One sentence: it cannot be told, because a commit or a branch is not there. Ask again later.
    async fn has_fix(&self, question: &FixQuestion) -> Result<bool, String>;
}
