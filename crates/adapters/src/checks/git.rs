//! Check `git`: what the history of a repository says about the release's commit. Owns the questions;
//! how git is asked, and that nothing of the repository is run, is [`asking`]'s.
//!
//! It asks what is in the folder and fetches nothing: whoever brings the commit there brings the
//! branches too.

pub(crate) mod asking;
mod signatures;
mod starting;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::check::CheckAnswer;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::commit::{self, Commit};
use crate::question;
use crate::reports::{counted, short};
use asking::Point;
pub(crate) use asking::{Record, Repository};

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "git",
        summary: "What the history of a git repository says about the release's commit.",
        example: "{ check: git, up_to_date_with: origin/develop, signed: true, \
                  allowed_signers: /etc/towpath/signers }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::optional(
                "repository",
                FieldType::Path,
                "A folder of the repository; left out, the folder of the matrix. Nothing is fetched.",
            ),
            Field::optional(
                "up_to_date_with",
                FieldType::Text,
                "A branch whose newest commit must be in the release's history.",
            ),
            Field::optional(
                "contained_in",
                FieldType::Text,
                "A branch in whose history the release's commit must be.",
            ),
            Field::optional(
                "cut_from",
                FieldType::Text,
                "A branch that the release was made on or from: wherever its own commits meet that \
                 branch's history, they meet what was once its newest commit, and not what was merged \
                 into it from elsewhere.",
            ),
            Field::optional(
                "signed",
                FieldType::Flag,
                "Whether every commit since `since` must have a good signature of a known key: of \
                 those in `allowed_signers`, or of one that GnuPG trusts where the engine runs.",
            ),
            Field::optional(
                "linear",
                FieldType::Flag,
                "Whether no commit since `since` may be a merge.",
            ),
            Field::optional(
                "since",
                FieldType::Text,
                "A branch or tag: what is in its history is not asked about. Left out, it is \
                 `up_to_date_with`, else `contained_in`, else nothing is left out. Where the \
                 release's commit is in that history itself, what it brought there is asked about: \
                 all that its first parent did not have.",
            ),
            Field::optional(
                "allowed_signers",
                FieldType::Path,
                "A file of ssh keys and whose they are, in the form of `ssh-keygen -Y verify`. Keep \
                 it where nobody can change it by a commit.",
            ),
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Git::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    let walks = settings.signed || settings.linear;
    let names = [&settings.up_to_date_with, &settings.contained_in, &settings.cut_from];
    if names.iter().all(|name| name.is_none()) && !walks {
        let expected =
            "a branch; or `contained_in`, `cut_from`, `signed: true` or `linear: true` instead";
        problems.push(Problem::new("up_to_date_with", "this check asks nothing", expected));
    }
    for (key, name) in [
        ("up_to_date_with", &settings.up_to_date_with),
        ("contained_in", &settings.contained_in),
        ("cut_from", &settings.cut_from),
        ("since", &settings.since),
    ] {
        if let Some(name) = name.as_deref().filter(|name| !commit::is_branch(name)) {
            let message = format!("`{key}` is `{}`, which no branch is called", short(name));
            problems.push(Problem::new(key, message, "a branch such as main or origin/main"));
        }
    }
    if settings.since.is_some() && !walks {
        let message = "`since` belongs to `signed` and `linear`, and neither is asked";
        problems.push(Problem::new("since", message, "signed: true or linear: true beside it"));
    }
    if settings.allowed_signers.is_some() && !settings.signed {
        let message = "`allowed_signers` belongs to `signed`, which is not asked";
        problems.push(Problem::new("allowed_signers", message, "signed: true beside it"));
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    repository: Option<PathBuf>,
    up_to_date_with: Option<String>,
    contained_in: Option<String>,
    cut_from: Option<String>,
    #[serde(default)]
    signed: bool,
    #[serde(default)]
    linear: bool,
    since: Option<String>,
    allowed_signers: Option<PathBuf>,
}

struct Git {
    settings: Settings,
    repository: Repository,
}

/// Which commits are asked about one by one.
struct Range {
    /// As arguments of `git rev-list`.
    words: Vec<String>,
    /// As the end of a sentence.
    told: String,
}

impl Git {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `git`: {error}"))?;
        let root = crate::absolute(&site.root);
        let folder = settings.repository.as_ref().map_or_else(|| root.clone(), |it| root.join(it));
        let allowed_signers = settings.allowed_signers.as_ref().map(|path| root.join(path));
        let repository = Repository { folder, allowed_signers, record: Record::default() };
        Ok(Self { settings, repository })
    }

    /// All questions, one after the other.
    ///
    /// # Errors
    /// One sentence: why one of them cannot be answered.
    async fn answers(&self, commit: &Commit) -> Result<Vec<CheckAnswer>, String> {
        let (settings, repository) = (&self.settings, &self.repository);
        repository.ensure_whole().await?;
        repository.ensure_has(commit).await?;
        let mut answers = Vec::new();
        if let Some(branch) = &settings.up_to_date_with {
            let point = repository.point("up_to_date_with", branch).await?;
            answers.push(self.up_to_date(commit, &point).await?);
        }
        if let Some(branch) = &settings.contained_in {
            let point = repository.point("contained_in", branch).await?;
            let (name, head) = (&point.name, &point.commit);
            answers.push(if repository.is_in(commit, head).await? {
                CheckAnswer::pass(format!("{commit} is in `{name}`"))
            } else {
                CheckAnswer::fail(format!(
                    "{commit} is not in `{name}`, which is at {head}; merge it there first"
                ))
            });
        }
        if let Some(branch) = &settings.cut_from {
            answers.push(starting::ask(repository, commit, branch).await?);
        }
        if settings.signed || settings.linear {
            let range = self.range(commit).await?;
            if settings.linear {
                answers.push(self.is_linear(&range).await?);
            }
            if settings.signed {
                answers.push(signatures::ask(&self.repository, &range).await?);
            }
        }
        Ok(answers)
    }

    async fn up_to_date(&self, commit: &Commit, branch: &Point) -> Result<CheckAnswer, String> {
        let (name, head) = (&branch.name, &branch.commit);
        if self.repository.is_in(head, commit).await? {
            return Ok(CheckAnswer::pass(format!("{commit} is up to date with `{name}`")));
        }
        let range = format!("{}..{}", commit.as_str(), head.as_str());
        let missing = self.repository.told(&["rev-list", "--count", &range, "--"]).await?;
        let missing = missing
            .trim()
            .parse()
            .map_or_else(|_| "commits".to_owned(), |count| counted(count, "commit"));
        Ok(CheckAnswer::fail(format!(
            "{commit} lacks {missing} of `{name}`, which is at {head}; bring the branch up to date \
             and create a release of the result"
        )))
    }

    async fn range(&self, commit: &Commit) -> Result<Range, String> {
        let settings = &self.settings;
        let named = [
            ("since", &settings.since),
            ("up_to_date_with", &settings.up_to_date_with),
            ("contained_in", &settings.contained_in),
        ];
        let named = named.into_iter().find_map(|(key, name)| Some((key, name.as_ref()?)));
        let mut words = vec![commit.as_str().to_owned()];
        let Some((key, name)) = named else {
            return Ok(Range { words, told: format!("up to {commit}") });
        };
        let since = self.repository.point(key, name).await?;
        if !self.repository.is_in(commit, &since.commit).await? {
            words.push(format!("^{}", since.commit.as_str()));
            return Ok(Range { words, told: format!("since `{name}`") });
        }
        if let Some(before) = self.repository.before(commit).await? {
            words.push(format!("^{}", before.as_str()));
        }
        Ok(Range { words, told: format!("that {commit} brought to `{name}`") })
    }

    async fn is_linear(&self, range: &Range) -> Result<CheckAnswer, String> {
        let mut words = vec!["rev-list", "--merges", "--max-count=1"];
        words.extend(range.words.iter().map(String::as_str));
        words.push("--");
        let said = self.repository.told(&words).await?;
        let told = &range.told;
        Ok(match Commit::new(said.trim()) {
            Some(merge) => CheckAnswer::fail(format!(
                "{merge} is a merge among the commits {told}; rebase them instead"
            )),
            None => CheckAnswer::pass(format!("no merge is among the commits {told}")),
        })
    }
}

#[async_trait]
impl Check for Git {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let commit = match commit::of(request).await {
            Ok(commit) => commit,
            Err(answer) => return answer,
        };
        let own = Self { settings: self.settings.clone(), repository: self.repository.recorded() };
        let asked = tokio::time::timeout(question::patience(request), own.answers(&commit));
        let answered = asked.await;
        let said = std::mem::take(&mut *own.repository.record.lock().expect("nobody panics"));
        let told = json!({ "commit": commit.as_str(), "asked": said });
        question::keep(request, "git.json", &told);
        match answered {
            Ok(Ok(answers)) => question::all_of(&answers),
            Ok(Err(why)) => CheckAnswer::inconclusive(why),
            Err(_) => CheckAnswer::inconclusive(format!(
                "git did not answer within {}; give it a longer `timeout`",
                request.timeout
            )),
        }
    }
}

#[cfg(test)]
mod tests;
