//! The pull request that brought a commit. Owns which one that is; judges nothing of it.

use serde::Deserialize;
use towpath_core::branches::covers;
use towpath_core::check::CheckAnswer;

use super::asking::Trouble;
use super::{Question, Settings};
use crate::commit::Commit;
use crate::reports::short;

/// How many GitHub lists at once.
const PAGE: usize = 100;

/// A pull request, as far as it is looked at ("pull-request-simple" and "pull-request" of GitHub's
/// schema).
#[derive(Debug, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    state: String,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    /// None when the account is gone.
    pub(super) user: Option<User>,
    pub(super) head: End,
    pub(super) base: Base,
    /// Commits in it; only where one is asked for by its number.
    pub(super) commits: Option<u64>,
    /// Files that it changes; likewise.
    pub(super) changed_files: Option<u64>,
}

/// An account.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: String,
    /// `User` for people.
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct End {
    #[serde(rename = "ref")]
    branch: String,
    pub(super) sha: String,
    /// None when the fork is gone.
    repo: Option<Repo>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Base {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
    repo: Repo,
}

#[derive(Debug, Deserialize)]
struct Repo {
    full_name: String,
}

impl Pull {
    pub(super) fn is_merged(&self) -> bool {
        self.merged_at.is_some()
    }

    /// What it was merged as; none while it is open: until then GitHub keeps a trial there.
    pub(super) fn merged_as(&self) -> Option<&str> {
        self.merge_commit_sha.as_deref().filter(|_| self.is_merged())
    }

    /// Whether `commit` is what it is about: its newest commit, or what it was merged as.
    fn is_of(&self, commit: &Commit) -> bool {
        let is_newest = self.head.sha == commit.as_str();
        let is_alive = self.is_merged() || self.state == "open";
        (is_newest && is_alive) || self.merged_as() == Some(commit.as_str())
    }

    /// Whether it goes into the branch of this repository that is asked about.
    fn goes_into(&self, question: &Question<'_>) -> bool {
        let here = &question.settings.repository;
        let into = question.settings.branch.as_ref();
        self.base.repo.full_name.eq_ignore_ascii_case(here)
            && into.is_none_or(|branch| self.base.branch == *branch)
    }

    /// Whether it comes from one of the branches that are asked for: of another repository whoever has a
    /// fork gives branches their names.
    pub(super) fn comes_from(&self, question: &Question<'_>) -> CheckAnswer {
        let Settings { from, repository, .. } = question.settings;
        let (number, branch) = (self.number, short(&self.head.branch));
        let home = self.head.repo.as_ref().map(|repo| repo.full_name.as_str());
        let wanted: Vec<String> = from.iter().map(|one| format!("`{one}`")).collect();
        let wanted = wanted.join(" or ");
        match home {
            Some(home) if !home.eq_ignore_ascii_case(repository) => CheckAnswer::fail(format!(
                "#{number} comes from `{branch}` of {}, wanted {wanted} of {repository}",
                short(home)
            )),
            None => CheckAnswer::fail(format!(
                "#{number} comes from a repository that is gone, wanted {wanted} of {repository}"
            )),
            Some(_) if from.iter().any(|one| covers(one, &self.head.branch)) => {
                CheckAnswer::pass(format!("#{number} comes from `{branch}`"))
            }
            Some(_) => CheckAnswer::fail(format!(
                "#{number} comes from `{branch}`, wanted {wanted}: open it from there"
            )),
        }
    }

    fn shown(&self) -> String {
        format!("#{} into `{}`", self.number, short(&self.base.branch))
    }
}

/// The one pull request that `commit` is the newest commit of, or that was merged as it.
///
/// # Errors
/// The answer of the check: there is none, or there are several.
pub(super) async fn find(question: &Question<'_>, commit: &Commit) -> Result<Pull, CheckAnswer> {
    let path = question.path(&["commits", commit.as_str(), "pulls"]);
    let listed = question.asking.pages(&path, &[("per_page", "100")], |page: Vec<Pull>| page).await;
    let listed = listed.map_err(|trouble| of_commit(trouble, commit))?;
    let fits = |pull: &Pull| pull.goes_into(question) && pull.is_of(commit);
    let (mut fitting, others): (Vec<Pull>, Vec<Pull>) = listed.into_iter().partition(fits);
    let mut are_there_more = false;
    if let Some(branch) = question.settings.branch.as_ref().filter(|_| fitting.is_empty()) {
        fitting = newest_into(question, branch).await?;
        are_there_more = fitting.len() >= PAGE;
        fitting.retain(fits);
    }
    if fitting.iter().any(Pull::is_merged) {
        fitting.retain(Pull::is_merged);
    }
    let found = match fitting.len() {
        0 if are_there_more => {
            let none = none(question, commit, &others);
            return Err(CheckAnswer::inconclusive(format!(
                "{none}; older ones than the {PAGE} that moved last were not looked at"
            )));
        }
        0 => return Err(CheckAnswer::fail(none(question, commit, &others))),
        1 => fitting.remove(0),
        _ => {
            let all: Vec<String> = fitting.iter().map(Pull::shown).collect();
            return Err(CheckAnswer::inconclusive(format!(
                "several pull requests are about {commit}: {}; say with `branch` which is meant",
                all.join(", ")
            )));
        }
    };
    // Only asked for by its number it says how much there is to look at.
    let number = found.number.to_string();
    let path = question.path(&["pulls", &number]);
    let pull: Pull =
        question.asking.get(&path, &[]).await.map_err(|trouble| trouble.answer("pull request"))?;
    if pull.goes_into(question) && pull.is_of(commit) {
        return Ok(pull);
    }
    let shown = found.shown();
    Err(CheckAnswer::inconclusive(format!("{shown} changed while it was looked at")))
}

/// The hundred pull requests into `branch` that moved last. Of a commit that is in the default branch,
/// GitHub names the one alone that brought it there, and not those that carry it on.
async fn newest_into(question: &Question<'_>, branch: &str) -> Result<Vec<Pull>, CheckAnswer> {
    let query = [
        ("base", branch),
        ("state", "all"),
        ("sort", "updated"),
        ("direction", "desc"),
        ("per_page", "100"),
    ];
    let listed = question.asking.get(&question.path(&["pulls"]), &query).await;
    listed.map_err(|trouble| trouble.answer("pull requests"))
}

fn none(question: &Question<'_>, commit: &Commit, others: &[Pull]) -> String {
    let into = question.settings.branch.as_ref();
    let into = into.map_or_else(String::new, |branch| format!(" into `{branch}`"));
    let seen: Vec<String> = others.iter().map(Pull::shown).take(5).collect();
    if seen.is_empty() {
        return format!("no pull request{into} brought {commit}; open one and have it reviewed");
    }
    format!(
        "{commit} is neither the newest commit of a pull request{into} nor what one was merged as; it \
         only occurs in {}",
        seen.join(", ")
    )
}

fn of_commit(trouble: Trouble, commit: &Commit) -> CheckAnswer {
    match trouble {
        // What GitHub answers of a commit that it does not have.
        Trouble::Unfit(said) => CheckAnswer::inconclusive(format!(
            "GitHub does not have commit {commit} ({said}); push it there"
        )),
        other => other.answer("repository"),
    }
}
