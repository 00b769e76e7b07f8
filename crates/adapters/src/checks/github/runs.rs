//! The checks that ran on a commit: check runs and commit statuses. Owns when one has succeeded; which
//! ones are wanted is the matrix's, or the branch's.

use std::collections::BTreeMap;

use serde::Deserialize;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;

use super::Question;
use crate::commit::Commit;
use crate::reports::{counted, short};

/// When to look again at a check that runs.
const ASK_AGAIN_AFTER: Span = Span::minutes(1);
/// Names that are listed where one is missing.
const LISTED: usize = 10;

#[derive(Deserialize)]
struct Runs {
    total_count: u64,
    check_runs: Vec<Run>,
}

/// A check run ("check-run" of GitHub's schema).
#[derive(Deserialize)]
struct Run {
    name: String,
    status: String,
    conclusion: Option<String>,
}

/// The latest status of each context ("combined-commit-status" of GitHub's schema).
#[derive(Deserialize)]
struct Combined {
    statuses: Vec<Status>,
    total_count: u64,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

/// How one check stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Failed(String),
    Running,
    Succeeded,
}

/// Whether all that are wanted have succeeded on `commit`.
pub(super) async fn judge(
    question: &Question<'_>,
    commit: &Commit,
    wanted: &[String],
) -> CheckAnswer {
    match read(question, commit).await {
        Ok(found) => sum(question, commit, wanted, &found),
        Err(answer) => answer,
    }
}

/// How every check of a commit stands, by name. Of several with one name the worst counts.
async fn read(
    question: &Question<'_>,
    commit: &Commit,
) -> Result<BTreeMap<String, Standing>, CheckAnswer> {
    let runs = question.path(&["commits", commit.as_str(), "check-runs"]);
    // A run may say 128 KiB about itself.
    let query = [("filter", "latest"), ("per_page", "50")];
    let runs = question.asking.pages(&runs, &query, |page: Runs| {
        page.check_runs.into_iter().map(|run| (run, page.total_count)).collect()
    });
    let runs = runs.await.map_err(|trouble| trouble.answer("check runs of the commit"))?;
    let statuses = question.path(&["commits", commit.as_str(), "status"]);
    let statuses = question.asking.pages(&statuses, &[("per_page", "100")], |page: Combined| {
        page.statuses.into_iter().map(|status| (status, page.total_count)).collect()
    });
    let statuses = statuses.await.map_err(|trouble| trouble.answer("statuses of the commit"))?;
    let is_short = |count: usize, last: Option<u64>| last.is_some_and(|all| all > count as u64);
    if is_short(runs.len(), runs.last().map(|(_, all)| *all))
        || is_short(statuses.len(), statuses.last().map(|(_, all)| *all))
    {
        let why = format!("GitHub counts more checks of {commit} than it lists");
        return Err(CheckAnswer::inconclusive(why));
    }
    let mut found = BTreeMap::new();
    let runs = runs.into_iter().map(|(run, _)| (of_run(&run), run.name));
    let statuses = statuses.into_iter().map(|(status, _)| (of_status(&status), status.context));
    for (standing, name) in runs.chain(statuses) {
        let worst = found.entry(name).or_insert_with(|| standing.clone());
        *worst = standing.min(worst.clone());
    }
    Ok(found)
}

/// A run that was passed over or has no opinion ran nothing that could have failed.
fn of_run(run: &Run) -> Standing {
    match (run.status.as_str(), run.conclusion.as_deref()) {
        ("completed", Some("success")) => Standing::Succeeded,
        ("completed", other) => Standing::Failed(short(other.unwrap_or("no conclusion"))),
        _ => Standing::Running,
    }
}

fn of_status(status: &Status) -> Standing {
    match status.state.as_str() {
        "success" => Standing::Succeeded,
        "pending" => Standing::Running,
        other => Standing::Failed(short(other)),
    }
}

fn sum(
    question: &Question<'_>,
    commit: &Commit,
    wanted: &[String],
    found: &BTreeMap<String, Standing>,
) -> CheckAnswer {
    let (mut failed, mut running, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for name in wanted {
        match found.get(name) {
            Some(Standing::Succeeded) => {}
            Some(Standing::Failed(how)) => failed.push(format!("`{}` ({how})", short(name))),
            Some(Standing::Running) => running.push(format!("`{}`", short(name))),
            None => missing.push(format!("`{}`", short(name))),
        }
    }
    if !failed.is_empty() {
        return CheckAnswer::fail(format!("on {commit} did not succeed: {}", failed.join(", ")));
    }
    if !missing.is_empty() {
        let mut there: Vec<String> = found.keys().take(LISTED).map(|name| short(name)).collect();
        if found.len() > LISTED {
            there.push("…".to_owned());
        }
        let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
        return CheckAnswer::inconclusive(format!(
            "on {commit} did not run: {}; what ran there: {there}",
            missing.join(", ")
        ));
    }
    if !running.is_empty() {
        return CheckAnswer::pending(
            question.now.plus(ASK_AGAIN_AFTER),
            format!("on {commit} still run: {}", running.join(", ")),
        );
    }
    let count = counted(wanted.len() as u64, "check");
    CheckAnswer::pass(format!("{count} succeeded on {commit}"))
}
