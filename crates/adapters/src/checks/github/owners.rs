//! Owners of the files that a pull request changes, as its file CODEOWNERS names them. Owns how that
//! file is read and whose approval is enough; who approved is told by [`super::reviews`].
//!
//! As described at docs.github.com, "About code owners". What GitHub would pass over as invalid is
//! not passed over here: a rule that nobody can read protects nothing.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;

use super::Question;
use super::asking::Trouble;
use super::pull::Pull;
use super::reviews::{ASK_AGAIN_AFTER, Reviewed};
use crate::reports::{counted, short};

/// Where GitHub looks for it; the first one counts.
const PLACES: [&[&str]; 3] = [&[".github", "CODEOWNERS"], &["CODEOWNERS"], &["docs", "CODEOWNERS"]];
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

/// One line of the file: later ones win.
struct Rule {
    pattern: Vec<GlobMatcher>,
    owners: Vec<Owner>,
}

/// Who owns something.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    User(String),
    Team(String, String),
    /// An address of e-mail, of which nobody outside of GitHub knows the account.
    Address(String),
}

impl Owner {
    fn read(word: &str) -> Option<Self> {
        if let Some(name) = word.strip_prefix('@') {
            return match name.split_once('/') {
                Some((organisation, team)) if !organisation.is_empty() && !team.is_empty() => {
                    Some(Self::Team(organisation.to_owned(), team.to_owned()))
                }
                None if !name.is_empty() => Some(Self::User(name.to_owned())),
                _ => None,
            };
        }
        word.contains('@').then(|| Self::Address(word.to_owned()))
    }

    fn shown(&self) -> String {
        match self {
            Self::User(name) => short(&format!("@{name}")),
            Self::Team(organisation, team) => short(&format!("@{organisation}/{team}")),
            Self::Address(address) => short(address),
        }
    }
}

/// The rules that held where the pull request goes, not those that it brings itself.
async fn rules(question: &Question<'_>, pull: &Pull) -> Result<Vec<Rule>, CheckAnswer> {
    for place in PLACES {
        let path = question.path(&[&["contents"], place].concat());
        match question.asking.text(&path, &[("ref", &pull.base.sha)]).await {
            Ok(text) => return read(&text).map_err(CheckAnswer::inconclusive),
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

fn read(text: &str) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let rule = rule(line).ok_or_else(|| {
            format!("line {number} of CODEOWNERS cannot be understood: {}", short(line))
        })?;
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(line: &str) -> Option<Rule> {
    let (pattern, rest) = split(line);
    let words = rest.split_whitespace().take_while(|word| !word.starts_with('#'));
    let owners = words.map(Owner::read).collect::<Option<_>>()?;
    Some(Rule { pattern: matchers(&pattern)?, owners })
}

/// The pattern and what follows it: a blank in it stands behind a backslash.
fn split(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut signs = line.char_indices();
    while let Some((place, sign)) = signs.next() {
        match sign {
            '\\' => {
                pattern.push(sign);
                pattern.extend(signs.next().map(|(_, escaped)| escaped));
            }
            sign if sign.is_whitespace() => return (pattern, &line[place..]),
            sign => pattern.push(sign),
        }
    }
    (pattern, "")
}

/// What a pattern stands for, by the rules of files that git ignores (gitignore(5)), without `!` and
/// `[]`, which GitHub does not know: with a slash other than the last it begins at the root; a folder
/// stands for all in it, and a last `*` for files of that folder alone.
fn matchers(pattern: &str) -> Option<Vec<GlobMatcher>> {
    if pattern.starts_with('!') || pattern.contains(['[', ']']) {
        return None;
    }
    let body = pattern.trim_end_matches('/');
    let is_folder = body.len() < pattern.len();
    let is_rooted = body.contains('/');
    let body = body.trim_start_matches('/').replace('{', "\\{").replace('}', "\\}");
    if body.is_empty() {
        return None;
    }
    let start = if is_rooted || body.starts_with("**") { "" } else { "**/" };
    let holds_files_alone = is_rooted && (body.ends_with("/*") || body == "*");
    let mut globs = Vec::new();
    if !is_folder {
        globs.push(format!("{start}{body}"));
    }
    if !holds_files_alone {
        globs.push(format!("{start}{body}/**"));
    }
    let built = globs.iter().map(|glob| {
        let mut builder = GlobBuilder::new(glob);
        builder.literal_separator(true).backslash_escape(true).build()
    });
    built.map(|glob| glob.ok().map(|glob| glob.compile_matcher())).collect()
}

fn owners_of<'a>(rules: &'a [Rule], file: &str) -> &'a [Owner] {
    let rule = rules.iter().rev().find(|rule| rule.pattern.iter().any(|it| it.is_match(file)));
    rule.map_or(&[], |rule| rule.owners.as_slice())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The owners of `file` by these lines.
    fn owners(lines: &str, file: &str) -> String {
        let rules = read(lines).unwrap();
        let owners: Vec<String> = owners_of(&rules, file).iter().map(Owner::shown).collect();
        owners.join(" ")
    }

    #[test]
    fn patterns_stand_for_what_githubs_own_page_says_of_them() {
        let lines = "# the page's own example\n\
            *       @global-owner1 @global-owner2\n\
            *.js    @js-owner # an inline comment\n\
            *.go docs@example.com\n\
            *.txt @octo-org/octocats\n\
            /build/logs/ @doctocat\n\
            docs/* @docs\n\
            apps/ @octocat\n\
            /scripts/ @doctocat @octocat\n\
            **/logs @logs\n\
            /apps/github\n\
            with\\ blank.md @blank\n";
        for (file, wanted) in [
            ("README.md", "@global-owner1 @global-owner2"),
            ("deep/in/it.rs", "@global-owner1 @global-owner2"),
            ("src/a.js", "@js-owner"),
            ("main.go", "docs@example.com"),
            ("a/b.txt", "@octo-org/octocats"),
            ("build/logs/x/y.log", "@logs"),
            ("docs/getting-started.md", "@docs"),
            ("docs/build-app/troubleshooting.md", "@global-owner1 @global-owner2"),
            ("web/apps/x.rs", "@octocat"),
            ("scripts/run.sh", "@doctocat @octocat"),
            ("other/scripts/run.sh", "@global-owner1 @global-owner2"),
            ("deeply/nested/logs/a", "@logs"),
            ("apps/github/x", ""),
            ("with blank.md", "@blank"),
        ] {
            assert_eq!(owners(lines, file), wanted, "{file}");
        }
        assert_eq!(owners("/build/logs/ @doctocat\n", "build/logs/x/y.log"), "@doctocat");
        assert_eq!(owners("/build/logs/ @doctocat\n", "a/build/logs/x"), "");
        assert_eq!(owners("/* @root\n", "a.md"), "@root");
        assert_eq!(owners("/* @root\n", "a/b.md"), "");
        assert_eq!(owners("{a,b}.md @x\n", "a.md"), "");
    }

    #[test]
    fn a_line_that_nobody_understands_is_not_passed_over() {
        for line in ["!*.rs @a", "*.[ch] @a", "*.rs someone", "*.rs @", "*.rs @/team", "/ @a"] {
            assert!(
                read(&format!("* @b\n{line}\n")).is_err_and(|why| why.contains("line 2")),
                "{line}"
            );
        }
    }
}
