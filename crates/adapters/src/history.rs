//! What the git repository around the matrix knows of releases: which has a fix, and whose files one changes. Fetches
//! nothing: whoever creates a release brings its commits there.

use std::path::PathBuf;

use async_trait::async_trait;
use towpath_core::code_owners::{Change, OwnedFiles};
use towpath_ports::history::{FixQuestion, History};

use crate::checks::git::asking::{Record, Repository};
use crate::commit::Commit;
use crate::owned;

/// The repository in a folder.
#[derive(Clone, Debug)]
pub struct GitHistory {
    folder: PathBuf,
}

impl GitHistory {
    /// The repository that `folder` is in.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn repository(&self) -> Repository {
        Repository { folder: self.folder.clone(), allowed_signers: None, record: Record::default() }
    }
}

#[async_trait]
impl History for GitHistory {
    async fn has_fix(&self, question: &FixQuestion) -> Result<bool, String> {
        let repository = self.repository();
        let whole = |text: &str| {
            Commit::new(text).ok_or_else(|| format!("`{text}` is not the whole name of a commit"))
        };
        let (fix, later) = (whole(&question.fix)?, whole(&question.later)?);
        repository.ensure_whole().await?;
        for commit in [&fix, &later] {
            repository.ensure_has(commit).await?;
        }
        let branch = repository.branch("backport_to", &question.branch).await?;
        if !repository.is_in(&later, &branch.commit).await? {
            return Ok(false);
        }
        if repository.is_in(&fix, &later).await? {
            return Ok(true);
        }
        // Commits of the fix that `later` lacks, `-` where another one there changes the same
        // (git-cherry(1)); merges have no change of their own.
        let before = question.before.as_deref().and_then(Commit::new);
        let mut words = vec!["cherry", later.as_str(), fix.as_str()];
        words.extend(before.as_ref().map(Commit::as_str));
        let said = repository.told(&words).await?;
        let mut lines = said.lines().peekable();
        Ok(lines.peek().is_some() && lines.all(|line| line.starts_with("- ")))
    }

    async fn owners(&self, change: &Change) -> Result<Vec<OwnedFiles>, String> {
        owned::of_change(&self.repository(), change).await
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::git_of_tests::git;

    fn commit(folder: &Path, file: &str, text: &str) -> String {
        std::fs::write(folder.join(file), text).unwrap();
        git(folder, &["add", "."]);
        git(folder, &["commit", "--quiet", "--message", text]);
        git(folder, &["rev-parse", "HEAD"])
    }

    /// What serves is on `main`; the fix is made from it, and `develop` has gone on since.
    struct Told {
        folder: tempfile::TempDir,
        serves: String,
        fix: String,
    }

    fn told() -> Told {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet", "--initial-branch", "main"]);
        let serves = commit(path, "app", "1.0.0");
        git(path, &["checkout", "--quiet", "-b", "develop"]);
        commit(path, "feature", "more");
        git(path, &["checkout", "--quiet", "-b", "hotfix", &serves]);
        commit(path, "app", "half of the fix");
        let fix = commit(path, "app", "the fix");
        Told { folder, serves, fix }
    }

    impl Told {
        fn path(&self) -> &Path {
            self.folder.path()
        }

        fn question(&self, later: &str) -> FixQuestion {
            FixQuestion {
                fix: self.fix.clone(),
                before: Some(self.serves.clone()),
                later: later.to_owned(),
                branch: "develop".to_owned(),
            }
        }

        async fn has_fix(&self, later: &str) -> Result<bool, String> {
            let history = GitHistory::new(self.path().to_owned());
            history.has_fix(&self.question(later)).await
        }
    }

    #[tokio::test]
    async fn a_fix_is_found_once_all_of_it_is_merged_or_picked() {
        let told = told();
        let path = told.path();
        git(path, &["checkout", "--quiet", "develop"]);
        let without = commit(path, "feature", "still more");
        assert_eq!(told.has_fix(&without).await, Ok(false));
        git(path, &["cherry-pick", &format!("{}~1", told.fix)]);
        let half = git(path, &["rev-parse", "HEAD"]);
        assert_eq!(told.has_fix(&half).await, Ok(false), "half of it is not all of it");
        git(path, &["cherry-pick", &told.fix]);
        let picked = git(path, &["rev-parse", "HEAD"]);
        assert_eq!(told.has_fix(&picked).await, Ok(true));
        git(path, &["reset", "--quiet", "--hard", &without]);
        git(path, &["merge", "--quiet", "--no-edit", "hotfix"]);
        let merged = git(path, &["rev-parse", "HEAD"]);
        assert_eq!(told.has_fix(&merged).await, Ok(true));
    }

    #[tokio::test]
    async fn a_release_of_another_branch_settles_nothing() {
        let told = told();
        assert_eq!(told.has_fix(&told.fix).await, Ok(false), "the fix itself is not on develop");
    }

    #[tokio::test]
    async fn what_is_not_there_cannot_be_told() {
        let told = told();
        let nowhere = "0123456789012345678901234567890123456789";
        let sentence = told.has_fix(nowhere).await.unwrap_err();
        assert!(sentence.contains("git fetch"), "{sentence}");
        let question = FixQuestion { branch: "next".to_owned(), ..told.question(&told.fix) };
        let history = GitHistory::new(told.path().to_owned());
        let sentence = history.has_fix(&question).await.unwrap_err();
        assert!(sentence.contains("no branch or tag `next`"), "{sentence}");
        let question = FixQuestion { fix: "main".to_owned(), ..told.question(&told.fix) };
        assert!(history.has_fix(&question).await.is_err(), "a name is not a commit");
    }
}
