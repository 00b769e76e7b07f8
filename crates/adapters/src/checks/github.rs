//! Check `github`: what GitHub knows of the release's commit: the pull request that brought it, its
//! reviews and checks, and how branches are protected. Owns which questions are asked; each has a file
//! beside this one. Changes nothing at GitHub.

mod asking;
mod commits;
mod owners;
mod protection;
mod pull;
mod reviews;
mod runs;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Timestamp;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::commit::{self, Commit};
use crate::question;
use asking::{Asking, Server};
use protection::Wanted;
use pull::Pull;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "github",
        summary: "What GitHub knows of the release's commit: reviews, checks, protected branches.",
        example: "{ check: github, repository: soundbite/api, reviews: 2, checks: [build, test] }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::optional(
                "repository",
                FieldType::Text,
                "Owner and name; left out, the matrix's `repository` of kind `github`.",
            ),
            Field::optional(
                "branch",
                FieldType::Text,
                "The branch that the pull request goes into; left out, whichever it is.",
            ),
            Field::optional(
                "from",
                FieldType::Texts,
                "Branches of this repository, or patterns such as `hotfix/*`, one of which the pull request must \
                 come from; left out, what the matrix's `branches` says of `branch`, where this check asks \
                 about a pull request.",
            ),
            Field::optional(
                "reviews",
                FieldType::Count(0, 20),
                "How many people must have approved the newest commit of the pull request. Neither \
                 its author nor programs count, nor who is no member, and nobody may ask for changes.",
            ),
            Field::optional(
                "code_owners",
                FieldType::Flag,
                "Whether an owner of each changed file must have approved, as CODEOWNERS says.",
            ),
            Field::optional(
                "checks",
                FieldType::Texts,
                "Checks that must have succeeded on the release's commit: check runs or statuses.",
            ),
            Field::optional(
                "required_checks",
                FieldType::Flag,
                "Whether all checks must have succeeded there that GitHub asks for before a change \
                 enters `branch`; it takes a token of an administrator.",
            ),
            Field::optional(
                "up_to_date",
                FieldType::Flag,
                "Whether the pull request must have had all of the branch that it goes into, when it \
                 was merged or now.",
            ),
            Field::optional(
                "signed",
                FieldType::Flag,
                "Whether GitHub must have verified the signature of each commit.",
            ),
            Field::optional(
                "protection",
                FieldType::Texts,
                "Branches that GitHub must protect as the matrix's `branches` says, or better.",
            ),
            Field {
                name: "url",
                of: FieldType::Url,
                default: Some("https://api.github.com"),
                doc: "The API; of a GitHub Enterprise server it ends in `/api/v3`.",
            },
            Field::optional(
                "token_file",
                FieldType::Path,
                "A file with a token, read for each question. What is public needs none, and then \
                 GitHub answers 60 requests an hour.",
            ),
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(GitHub::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    if !settings.repository.is_empty() && !is_repository(&settings.repository) {
        let message = "`repository` is not the owner and the name of a repository";
        problems.push(Problem::new("repository", message, "such as soundbite/api"));
    }
    let branches = settings.protection.iter().enumerate();
    let branches = branches.map(|(index, name)| (format!("protection[{index}]"), name));
    let branch = settings.branch.iter().map(|name| ("branch".to_owned(), name));
    for (path, name) in branch.chain(branches) {
        if !commit::is_branch(name) {
            let message = format!("`{path}` is what no branch is called");
            problems.push(Problem::new(&path, message, "a branch such as main"));
        }
    }
    for (index, name) in settings.from.iter().enumerate() {
        if !commit::is_branch(&name.replace('*', "x")) {
            let path = format!("from[{index}]");
            let message = format!("`{path}` is what no branch is called");
            problems.push(Problem::new(&path, message, "a branch or a pattern such as hotfix/*"));
        }
    }
    for (index, name) in settings.checks.iter().enumerate() {
        if name.trim().is_empty() {
            let path = format!("checks[{index}]");
            let message = format!("`{path}` names no check");
            problems.push(Problem::new(&path, message, "the name of a check"));
        }
    }
    // Without it any branch would do that somebody made, with owners and a head of its own.
    let of_a_branch = [
        (settings.required_checks, "`required_checks` are those"),
        (settings.code_owners, "`code_owners` are those"),
        (settings.up_to_date, "`up_to_date` asks for the head"),
    ];
    for (_, what) in of_a_branch.into_iter().filter(|(asks, _)| *asks && settings.branch.is_none())
    {
        let message = format!("{what} of a branch, and none is named");
        problems.push(Problem::new("branch", message, "a branch such as main"));
    }
    if let Err(wrong) = asking::address(&settings.url, settings.token_file.is_some()) {
        let message = format!("`url` cannot be asked: {wrong}");
        problems.push(Problem::new("url", message, "the address of GitHub's API"));
    }
    if !settings.asks_something() {
        let expected = "a count; or `checks`, `protection` or another question instead";
        problems.push(Problem::new("reviews", "this check asks nothing", expected));
    }
    problems
}

/// Owner and name, of which GitHub takes letters, digits, `-`, `_` and `.`.
fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
        !part.is_empty()
            && part.len() <= 100
            && part.chars().all(is_sign)
            && part != "."
            && part != ".."
    };
    text.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
struct Settings {
    /// Empty when nothing names it.
    #[serde(default)]
    repository: String,
    branch: Option<String>,
    #[serde(default)]
    from: Vec<String>,
    reviews: Option<u64>,
    #[serde(default)]
    code_owners: bool,
    #[serde(default)]
    checks: Vec<String>,
    #[serde(default)]
    required_checks: bool,
    #[serde(default)]
    up_to_date: bool,
    #[serde(default)]
    signed: bool,
    #[serde(default)]
    protection: Vec<String>,
    /// What the matrix says of the branches in `protection`; filled in where the matrix is read.
    #[serde(default)]
    branches: BTreeMap<String, Wanted>,
    url: String,
    token_file: Option<PathBuf>,
}

impl Settings {
    /// Whether it asks about the pull request.
    fn asks_the_pull(&self) -> bool {
        let asks_its_branch = !self.from.is_empty();
        asks_its_branch
            || self.reviews.is_some()
            || self.code_owners
            || self.up_to_date
            || self.signed
    }

    fn asks_something(&self) -> bool {
        let asks_checks = self.required_checks || !self.checks.is_empty();
        self.asks_the_pull() || asks_checks || !self.protection.is_empty()
    }
}

struct GitHub {
    settings: Settings,
    server: Server,
}

/// One question, with what all of its parts need.
struct Question<'a> {
    settings: &'a Settings,
    asking: Asking<'a>,
    now: Timestamp,
}

impl Question<'_> {
    /// A path below the repository.
    fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        let (owner, name) = self.settings.repository.split_once('/').unwrap_or_default();
        [&["repos", owner, name][..], rest].concat()
    }
}

impl GitHub {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let mut settings =
            Settings::deserialize(settings).map_err(|error| format!("check `github`: {error}"))?;
        if !is_repository(&settings.repository) {
            return Err(
                "nobody says which repository; add `repository: OWNER/NAME` to the check, or \
                        `repository: { kind: github, name: OWNER/NAME }` to the matrix"
                    .to_owned(),
            );
        }
        let root = crate::absolute(&site.root);
        let token_file = settings.token_file.take().map(|path| root.join(path));
        let server = Server::new(&settings.url, token_file)?;
        Ok(Self { settings, server })
    }

    /// All questions, one after the other: GitHub asks not to be asked several things at once.
    async fn answers(&self, request: &CheckRequest, commit: &Commit) -> Vec<CheckAnswer> {
        let now = request.now;
        let settings = &self.settings;
        let question =
            Question { settings, asking: self.server.asking(now, request.keeper.clone()), now };
        let mut answers = Vec::new();
        if settings.asks_the_pull() {
            match pull::find(&question, commit).await {
                Ok(pull) => answers.extend(of_pull(&question, &pull, commit).await),
                Err(answer) => answers.push(answer),
            }
        }
        let mut wanted = settings.checks.clone();
        if let Some(branch) = settings.branch.as_ref().filter(|_| settings.required_checks) {
            match protection::required_checks(&question, branch).await {
                Ok(names) => wanted.extend(names),
                Err(answer) => answers.push(answer),
            }
        }
        if !wanted.is_empty() {
            wanted.sort();
            wanted.dedup();
            answers.push(runs::judge(&question, commit, &wanted).await);
        }
        let (wanted, branches) = (&settings.branches, &settings.protection);
        answers.extend(protection::judge(&question, wanted, branches).await);
        answers
    }
}

/// What is asked of the pull request.
async fn of_pull(question: &Question<'_>, pull: &Pull, commit: &Commit) -> Vec<CheckAnswer> {
    let settings = question.settings;
    let mut answers = Vec::new();
    if !settings.from.is_empty() {
        answers.push(pull.comes_from(question));
    }
    if settings.reviews.is_some() || settings.code_owners {
        match reviews::read(question, pull).await {
            Ok(reviewed) => {
                let wanted = settings.reviews.unwrap_or(0);
                answers.push(reviewed.judge(question, pull, wanted));
                if settings.code_owners {
                    answers.push(owners::judge(question, pull, &reviewed).await);
                }
            }
            Err(answer) => answers.push(answer),
        }
    }
    if settings.up_to_date {
        answers.push(commits::up_to_date(question, pull).await);
    }
    if settings.signed {
        answers.push(commits::signed(question, pull, commit).await);
    }
    answers
}

#[async_trait]
impl Check for GitHub {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let commit = match commit::of(request).await {
            Ok(commit) => commit,
            Err(answer) => return answer,
        };
        let asked = self.answers(request, &commit);
        match tokio::time::timeout(question::patience(request), asked).await {
            Ok(answers) => question::all_of(&answers),
            Err(_) => CheckAnswer::inconclusive(format!(
                "GitHub did not answer all questions within {}; give it a longer `timeout`",
                request.timeout
            )),
        }
    }
}

#[cfg(test)]
mod tests;
