//! What GitHub says of commits themselves: who signed them, and whether what was reviewed is what was
//! merged. Verifies no signature itself.

use serde::Deserialize;
use towpath_core::check::CheckAnswer;

use super::Question;
use super::pull::Pull;
use crate::commit::Commit;
use crate::reports::{LISTED_MOST, counted, short};

/// A commit ("git-commit" of GitHub's schema).
#[derive(Deserialize)]
struct Object {
    tree: Tree,
    verification: Verification,
}

#[derive(Deserialize)]
struct Tree {
    sha: String,
}

/// Whether GitHub knows the key and finds the signature good.
#[derive(Deserialize)]
struct Verification {
    verified: bool,
    reason: String,
}

/// Whether every commit of `pull` and the release's own are signed with a key that GitHub knows.
pub(super) async fn signed(question: &Question<'_>, pull: &Pull, commit: &Commit) -> CheckAnswer {
    let judged = async {
        let mut all = in_pull(question, pull).await?;
        if !all.iter().any(|(sha, _)| sha == commit.as_str()) {
            let own = object(question, commit.as_str()).await?;
            all.push((commit.as_str().to_owned(), own.verification));
        }
        let count = counted(all.len() as u64, "commit");
        let wrong = all.iter().filter(|(_, it)| !it.verified);
        let wrong: Vec<String> = wrong
            .map(|(sha, it)| format!("{} ({})", sha.get(..7).unwrap_or(sha), short(&it.reason)))
            .collect();
        let Some(first) = wrong.first() else {
            return Ok(CheckAnswer::pass(format!("{count} verified by GitHub")));
        };
        let sentence = format!("{} of {count} not verified by GitHub; first: {first}", wrong.len());
        let listed = wrong[..wrong.len().min(LISTED_MOST)].join("\n");
        Ok(CheckAnswer::fail(sentence).with_output(listed))
    };
    judged.await.unwrap_or_else(|answer| answer)
}

/// All commits of a pull request.
async fn in_pull(
    question: &Question<'_>,
    pull: &Pull,
) -> Result<Vec<(String, Verification)>, CheckAnswer> {
    #[derive(Deserialize)]
    struct Listed {
        sha: String,
        commit: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        verification: Option<Verification>,
    }
    let number = pull.number.to_string();
    let path = question.path(&["pulls", &number, "commits"]);
    let listed = question.asking.pages(&path, &[("per_page", "100")], |page: Vec<Listed>| page);
    let listed = listed.await.map_err(|trouble| trouble.answer("commits of the pull request"))?;
    let has_newest = listed.iter().any(|one| one.sha == pull.head.sha);
    if pull.commits != Some(listed.len() as u64) || !has_newest {
        // It lists 250 at most.
        return Err(CheckAnswer::inconclusive(format!(
            "GitHub lists {} of the commits in #{number}, and not all",
            listed.len()
        )));
    }
    let unsaid = || Verification { verified: false, reason: "GitHub does not say".to_owned() };
    let said = |one: Listed| (one.sha, one.commit.verification.unwrap_or_else(unsaid));
    Ok(listed.into_iter().map(said).collect())
}

async fn object(question: &Question<'_>, sha: &str) -> Result<Object, CheckAnswer> {
    let path = question.path(&["git", "commits", sha]);
    question.asking.get(&path, &[]).await.map_err(|trouble| trouble.answer("commit"))
}

/// Whether `pull` had all of the branch that it goes into, or had it when it was merged: then what it
/// was merged as holds the same files as its newest commit, however it was merged.
pub(super) async fn up_to_date(question: &Question<'_>, pull: &Pull) -> CheckAnswer {
    #[derive(Deserialize)]
    struct Comparison {
        behind_by: u64,
    }
    let judged = async {
        let (number, branch) = (pull.number, short(&pull.base.branch));
        let has_all = if let Some(merged) = pull.merged_as() {
            let (merged, newest) =
                (object(question, merged).await?, object(question, &pull.head.sha).await?);
            merged.tree.sha == newest.tree.sha
        } else {
            let range = format!("{}...{}", pull.base.branch, pull.head.sha);
            let path = question.path(&["compare", &range]);
            // The changed files come with the first page alone.
            let query = [("per_page", "1"), ("page", "2")];
            let compared = question.asking.get::<Comparison>(&path, &query).await;
            compared.map_err(|trouble| trouble.answer("comparison"))?.behind_by == 0
        };
        Ok(if has_all {
            CheckAnswer::pass(format!("#{number} is up to date with `{branch}`"))
        } else if pull.is_merged() {
            CheckAnswer::fail(format!(
                "#{number} was not up to date with `{branch}` when it was merged: what was merged is \
                 not what was reviewed"
            ))
        } else {
            CheckAnswer::fail(format!("#{number} lacks commits of `{branch}`; update its branch"))
        })
    };
    judged.await.unwrap_or_else(|answer: CheckAnswer| answer)
}
