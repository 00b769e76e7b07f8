//! What GitHub asks before a change may enter a branch, beside what the matrix says of it. Owns the
//! comparison; sets nothing at GitHub.
//!
//! GitHub has two ways to protect a branch, and what either asks holds: the branch's own protection,
//! which only administrators may read, and rulesets, which everybody may.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;

use super::Question;
use super::asking::Trouble;
use crate::reports::short;

/// What the matrix says of a branch (its section `branches`); what it leaves out may be either way.
#[derive(Clone, Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the matrix")]
pub(super) struct Wanted {
    #[serde(default)]
    approvals: u64,
    #[serde(default)]
    status_checks: bool,
    #[serde(default)]
    up_to_date: bool,
    #[serde(default)]
    code_owners: bool,
    #[serde(default)]
    signed_commits: bool,
    #[serde(default)]
    dismiss_stale_reviews: bool,
}

/// What GitHub asks.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a key of the matrix")]
pub(super) struct Doors {
    approvals: u64,
    /// Names of the checks that must succeed.
    pub(super) checks: BTreeSet<String>,
    up_to_date: bool,
    code_owners: bool,
    signed_commits: bool,
    dismiss_stale_reviews: bool,
    /// Why there may be more than this.
    unseen: Option<CheckAnswer>,
}

/// Whether GitHub asks at least what the matrix says of each branch.
pub(super) async fn judge(
    question: &Question<'_>,
    wanted: &BTreeMap<String, Wanted>,
    branches: &[String],
) -> Vec<CheckAnswer> {
    let mut answers = Vec::new();
    for branch in branches {
        answers.push(match (wanted.get(branch), read(question, branch).await) {
            (_, Err(answer)) => answer,
            (None, _) => CheckAnswer::inconclusive(format!(
                "the matrix says nothing of the branch `{}` below `branches`",
                short(branch)
            )),
            (Some(wanted), Ok(doors)) => compare(branch, wanted, doors),
        });
    }
    answers
}

fn compare(branch: &str, wanted: &Wanted, doors: Doors) -> CheckAnswer {
    let flags = [
        (wanted.status_checks, !doors.checks.is_empty(), "status_checks"),
        (wanted.up_to_date, doors.up_to_date, "up_to_date"),
        (wanted.code_owners, doors.code_owners, "code_owners"),
        (wanted.signed_commits, doors.signed_commits, "signed_commits"),
        (wanted.dismiss_stale_reviews, doors.dismiss_stale_reviews, "dismiss_stale_reviews"),
    ];
    let missing = flags.into_iter().filter(|(wanted, is_so, _)| *wanted && !is_so);
    let mut missing: Vec<String> = missing.map(|(.., name)| format!("{name}: true")).collect();
    if doors.approvals < wanted.approvals {
        let asked = format!("approvals: {} (it asks for {})", wanted.approvals, doors.approvals);
        missing.insert(0, asked);
    }
    let branch = short(branch);
    if missing.is_empty() {
        let said = format!("GitHub protects `{branch}` as the matrix says");
        return CheckAnswer::pass(said);
    }
    let missing = missing.join(", ");
    match doors.unseen {
        Some(answer) => CheckAnswer::inconclusive(format!(
            "no ruleset asks of `{branch}` {missing}, and its protection cannot be seen: {}",
            answer.sentence
        )),
        None => CheckAnswer::fail(format!(
            "GitHub does not ask of `{branch}` what the matrix says: {missing}; set it in the \
             repository's settings"
        )),
    }
}

/// What both ways together ask of a branch.
///
/// # Errors
/// The answer of a check that cannot find out.
pub(super) async fn read(question: &Question<'_>, branch: &str) -> Result<Doors, CheckAnswer> {
    let path = question.path(&["branches", branch]);
    // Of a branch that is not there, rulesets are told as if it were.
    let seen = question.asking.get::<Value>(&path, &[]).await;
    seen.map_err(|trouble| trouble.answer(&format!("branch `{}`", short(branch))))?;
    let mut doors = Doors::default();
    let rules = question.path(&["rules", "branches", branch]);
    let query = [("per_page", "100")];
    let rules = question.asking.pages(&rules, &query, |page: Vec<Rule>| page).await;
    for rule in rules.map_err(|trouble| trouble.answer("rules of the branch"))? {
        doors.add_rule(&rule);
    }
    let protection = question.path(&["branches", branch, "protection"]);
    match question.asking.get::<Protection>(&protection, &[]).await {
        Ok(protection) => doors.add_protection(protection),
        // What GitHub says to whoever may see that there is none.
        Err(Trouble::Missing(said)) if said == "Branch not protected" => {}
        Err(trouble @ Trouble::Later(..)) => return Err(trouble.answer("protection")),
        Err(trouble) => doors.unseen = Some(trouble.answer("protection of the branch")),
    }
    Ok(doors)
}

/// The names of the checks that a branch asks for.
///
/// # Errors
/// The answer of a check that cannot find out, or finds none.
pub(super) async fn required_checks(
    question: &Question<'_>,
    branch: &str,
) -> Result<Vec<String>, CheckAnswer> {
    let doors = read(question, branch).await?;
    if let Some(answer) = doors.unseen {
        return Err(answer);
    }
    if doors.checks.is_empty() {
        return Err(CheckAnswer::inconclusive(format!(
            "GitHub asks for no checks before a change enters `{}`; name them in `checks`",
            short(branch)
        )));
    }
    Ok(doors.checks.into_iter().collect())
}

/// One rule of a ruleset that is in force ("repository-rule-detailed" of GitHub's schema).
#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    parameters: Option<Parameters>,
}

/// Of all kinds of rules together; each has only its own.
#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    required_approving_review_count: u64,
    #[serde(default)]
    dismiss_stale_reviews_on_push: bool,
    #[serde(default)]
    require_code_owner_review: bool,
    #[serde(default)]
    required_status_checks: Vec<Named>,
    #[serde(default)]
    strict_required_status_checks_policy: bool,
}

#[derive(Deserialize)]
struct Named {
    context: String,
}

/// A branch's own protection ("branch-protection" of GitHub's schema).
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "GitHub calls them so")]
struct Protection {
    required_status_checks: Option<StatusChecks>,
    required_pull_request_reviews: Option<Reviews>,
    required_signatures: Option<Enabled>,
}

#[derive(Deserialize)]
struct StatusChecks {
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    contexts: Vec<String>,
    #[serde(default)]
    checks: Vec<Named>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "GitHub calls them so")]
struct Reviews {
    #[serde(default)]
    dismiss_stale_reviews: bool,
    #[serde(default)]
    require_code_owner_reviews: bool,
    #[serde(default)]
    required_approving_review_count: u64,
}

#[derive(Deserialize)]
struct Enabled {
    enabled: bool,
}

impl Doors {
    fn add_rule(&mut self, rule: &Rule) {
        let none = Parameters::default();
        let asked = rule.parameters.as_ref().unwrap_or(&none);
        match rule.kind.as_str() {
            "pull_request" => {
                self.approvals = self.approvals.max(asked.required_approving_review_count);
                self.dismiss_stale_reviews |= asked.dismiss_stale_reviews_on_push;
                self.code_owners |= asked.require_code_owner_review;
            }
            "required_status_checks" => {
                let names = asked.required_status_checks.iter().map(|it| it.context.clone());
                self.checks.extend(names);
                self.up_to_date |= asked.strict_required_status_checks_policy;
            }
            "required_signatures" => self.signed_commits = true,
            _ => {}
        }
    }

    fn add_protection(&mut self, protection: Protection) {
        if let Some(reviews) = protection.required_pull_request_reviews {
            self.approvals = self.approvals.max(reviews.required_approving_review_count);
            self.dismiss_stale_reviews |= reviews.dismiss_stale_reviews;
            self.code_owners |= reviews.require_code_owner_reviews;
        }
        if let Some(checks) = protection.required_status_checks {
            self.checks.extend(checks.contexts);
            self.checks.extend(checks.checks.into_iter().map(|it| it.context));
            self.up_to_date |= checks.strict;
        }
        self.signed_commits |= protection.required_signatures.is_some_and(|it| it.enabled);
    }
}
