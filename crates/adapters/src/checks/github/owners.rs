//! Owners of the files that a pull request changes, as its file CODEOWNERS names them. Owns whose
//! approval is enough; how that file is read is [`code_owners`]'s, and who approved is told by
//! [`super::reviews`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;

use super::Question;
use super::asking::Trouble;
use super::pull::Pull;
use super::reviews::{ASK_AGAIN_AFTER, Reviewed};
use crate::code_owners::{self, Owner, PLACES, Rule, owners_of};
use crate::reports::{counted, short};

/// Files that are named where nobody approved them.
const LISTED: usize = 5;

/// Whether an owner of every changed file approved.
pub(super) async fn judge(
    question: &Question<'_>,
    pull: &Pull,
    reviewed: &Reviewed,
) -> CheckAnswer {
    let judged = async {
        let rules = rules(question, pull).await?;
        let files = files(question, pull).await?;
        let mut teams = Teams { question, known: BTreeMap::new() };
        let mut open = Vec::new();
        let mut owned = 0;
        for file in &files {
            let owners = owners_of(&rules, file);
            if owners.is_empty() {
                continue;
            }
            owned += 1;
            if !teams.has_approved(owners, &reviewed.approved).await? {
                let names: Vec<String> = owners.iter().map(Owner::shown).collect();
                open.push(format!("{} ({})", short(file), names.join(" or ")));
            }
        }
        let number = pull.number;
        if open.is_empty() {
            let files = counted(owned, "changed file");
            return Ok(CheckAnswer::pass(format!("owners approved {files} of #{number}")));
        }
        let (shown, count) = (open[..open.len().min(LISTED)].join(", "), open.len() as u64);
        Ok(CheckAnswer::pending(
            question.now.plus(ASK_AGAIN_AFTER),
            format!("#{number} changes {} that no owner approved: {shown}", counted(count, "file")),
        ))
    };
    judged.await.unwrap_or_else(|answer| answer)
}

/// The rules that held where the pull request goes, not those that it brings itself.
async fn rules(question: &Question<'_>, pull: &Pull) -> Result<Vec<Rule>, CheckAnswer> {
    for place in PLACES {
        let parts: Vec<&str> = std::iter::once("contents").chain(place.split('/')).collect();
        let path = question.path(&parts);
        match question.asking.text(&path, &[("ref", &pull.base.sha)]).await {
            Ok(text) => return code_owners::read(&text).map_err(CheckAnswer::inconclusive),
            Err(Trouble::Missing(_)) => {}
            Err(trouble) => return Err(trouble.answer("file CODEOWNERS")),
        }
    }
    Err(CheckAnswer::inconclusive(format!(
        "`{}` has no file CODEOWNERS at the base of #{}; add .github/CODEOWNERS",
        short(&pull.base.branch),
        pull.number
    )))
}

/// Every file that is changed, with the name it had before.
async fn files(question: &Question<'_>, pull: &Pull) -> Result<BTreeSet<String>, CheckAnswer> {
    #[derive(Deserialize)]
    struct File {
        filename: String,
        previous_filename: Option<String>,
    }
    let number = pull.number.to_string();
    let path = question.path(&["pulls", &number, "files"]);
    let files = question.asking.pages(&path, &[("per_page", "100")], |page: Vec<File>| page).await;
    let files = files.map_err(|trouble| trouble.answer("changed files"))?;
    if pull.changed_files != Some(files.len() as u64) {
        return Err(CheckAnswer::inconclusive(format!(
            "GitHub lists {} of the files that #{number} changes, and not all",
            files.len()
        )));
    }
    Ok(files
        .into_iter()
        .flat_map(|file| [Some(file.filename), file.previous_filename])
        .flatten()
        .collect())
}

/// Who is in which team, as far as it was asked.
struct Teams<'a> {
    question: &'a Question<'a>,
    known: BTreeMap<(String, String, String), bool>,
}

impl Teams<'_> {
    /// Whether one of `approved` is among `owners`.
    async fn has_approved(
        &mut self,
        owners: &[Owner],
        approved: &[String],
    ) -> Result<bool, CheckAnswer> {
        let is_user = |owner: &Owner| match owner {
            Owner::User(name) => approved.iter().any(|login| login.eq_ignore_ascii_case(name)),
            Owner::Team(..) | Owner::Address(_) => false,
        };
        if owners.iter().any(is_user) {
            return Ok(true);
        }
        for owner in owners {
            if let Owner::Team(organisation, team) = owner {
                for login in approved {
                    if self.is_member(organisation, team, login).await? {
                        return Ok(true);
                    }
                }
            }
        }
        let address = owners.iter().find(|owner| matches!(owner, Owner::Address(_)));
        match address.filter(|_| !approved.is_empty()) {
            Some(address) => Err(CheckAnswer::inconclusive(format!(
                "nobody can tell whose address {} is; name the account in CODEOWNERS",
                address.shown()
            ))),
            None => Ok(false),
        }
    }

    async fn is_member(
        &mut self,
        organisation: &str,
        team: &str,
        login: &str,
    ) -> Result<bool, CheckAnswer> {
        #[derive(Deserialize)]
        struct Membership {
            state: String,
        }
        let key = (organisation.to_owned(), team.to_owned(), login.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let asking = &self.question.asking;
        let path = ["orgs", organisation, "teams", team, "memberships", login];
        let is_member = match asking.get::<Membership>(&path, &[]).await {
            Ok(membership) => membership.state == "active",
            Err(Trouble::Missing(_)) => {
                // Who may not see the team is told the same as of somebody who is not in it.
                let seen = asking.get::<Value>(&path[..4], &[]).await;
                let what = format!("team @{}/{}", short(organisation), short(team));
                seen.map_err(|trouble| trouble.answer(&what))?;
                false
            }
            Err(trouble) => return Err(trouble.answer("members of a team")),
        };
        self.known.insert(key, is_member);
        Ok(is_member)
    }
}
