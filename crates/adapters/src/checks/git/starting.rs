//! Where a release's commits leave the history of a branch. Owns that question; which branch it has to be
//! is the matrix's to say.

use towpath_core::check::CheckAnswer;

use super::asking::{Point, Repository};
use crate::commit::Commit;

/// Places at which the histories meet that are looked at; a branch that met another one more often was
/// not cut from it for one change.
const MOST_MEETINGS: usize = 100;

/// Whether `commit` was made on the branch called `name`, or on one that was cut from it.
///
/// A branch is the line of what once was its newest commit: first parents (git-rev-list(1),
/// `--first-parent`). What was merged into it is in its history and not on that line, so that a change
/// cut from somewhere else is told apart although parts of it were merged before.
///
/// # Errors
/// One sentence: git cannot tell.
pub(super) async fn ask(
    repository: &Repository,
    commit: &Commit,
    name: &str,
) -> Result<CheckAnswer, String> {
    let branch = repository.branch("cut_from", name).await?;
    let head = &branch.commit;
    if repository.is_in(commit, head).await? {
        return Ok(CheckAnswer::pass(format!("{commit} is in `{name}`")));
    }
    let meetings = meetings(repository, commit, head).await?;
    if meetings.is_empty() {
        return Ok(CheckAnswer::fail(format!(
            "{commit} was not made from `{name}`: they have no commit in common"
        )));
    }
    if meetings.len() > MOST_MEETINGS {
        return Err(format!(
            "the histories of {commit} and `{name}` meet more than {MOST_MEETINGS} times; make the \
             change on a branch of its own"
        ));
    }
    for meeting in &meetings {
        if !was_head(repository, meeting, &branch).await? {
            return Ok(CheckAnswer::fail(format!(
                "{commit} was not made from `{name}`: it goes back to {meeting}, which was merged into \
                 `{name}` from elsewhere; make the change on a branch that is cut from `{name}`"
            )));
        }
    }
    let newest = meetings.first().map(ToString::to_string).unwrap_or_default();
    Ok(CheckAnswer::pass(format!("{commit} was cut from `{name}` at {newest}")))
}

/// The commits of `head`'s history from which those that only `commit` has go on.
async fn meetings(
    repository: &Repository,
    commit: &Commit,
    head: &Commit,
) -> Result<Vec<Commit>, String> {
    let without = format!("^{}", head.as_str());
    let words = ["rev-list", "--boundary", commit.as_str(), &without, "--"];
    let said = repository.told(&words).await?;
    Ok(said.lines().filter_map(|line| Commit::new(line.strip_prefix('-')?)).collect())
}

/// Whether `commit` once was the newest of the branch.
async fn was_head(
    repository: &Repository,
    commit: &Commit,
    branch: &Point,
) -> Result<bool, String> {
    let mut words = vec!["rev-list".to_owned(), "--first-parent".to_owned()];
    words.push(branch.commit.as_str().to_owned());
    // Nothing before it is asked about: of a long history only what came since is read.
    words.extend(repository.parents(commit).await?.iter().map(|it| format!("^{}", it.as_str())));
    words.push("--".to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(repository.told(&words).await?.lines().any(|line| line == commit.as_str()))
}
