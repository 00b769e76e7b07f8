//! Knows which changes are in the history of a release. Reads a repository; changes nothing in it.

use async_trait::async_trait;
use towpath_core::code_owners::{Change, OwnedFiles};

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

/// Most different groups of owners that a change may have: beyond them no word would ever be complete.
pub const MOST_OWNERS: usize = 100;

/// Knows the commits of releases.
#[async_trait]
pub trait History: Send + Sync {
    /// Whether the later release comes from the branch and has the fix: its commits, or others that
    /// change the same. Safe to repeat.
    ///
    /// # Errors
    /// One sentence: it cannot be told, because a commit or a branch is not there. Ask again later.
    async fn has_fix(&self, question: &FixQuestion) -> Result<bool, String>;

    /// Whose files `change` touches, by the file CODEOWNERS that held before it, or where there was none
    /// by the one that it brings: files together that have the same owners, in the order of their names,
    /// at most [`MOST_OWNERS`] times; none that nobody owns. Safe to repeat.
    ///
    /// # Errors
    /// One sentence: it cannot be told, because a commit is not there, or no such file, or one that cannot
    /// be understood. Ask again later.
    async fn owners(&self, change: &Change) -> Result<Vec<OwnedFiles>, String>;
}
