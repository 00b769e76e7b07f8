//! The commit, the branch and the author of what is in a folder, as its git repository tells them. Nothing
//! depends on git being there.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use towpath_core::deriving::TRAILER;
use towpath_core::ids::Person;

/// How long git may take; it reads one commit, or compares a tree with one.
const WITHIN: Duration = Duration::from_secs(5);
/// Lengths of a commit's name in hexadecimal digits: SHA-1 and SHA-256 (gitformat-commit).
const COMMIT_DIGITS: [usize; 2] = [40, 64];

/// What git knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The commit that is checked out.
    pub(crate) commit: Option<String>,
    /// The branch that it is on, where that is told.
    pub(crate) branch: Option<String>,
    /// The value of the trailer that says its type of change.
    pub(crate) trailer: Option<String>,
    /// Who wrote it: the part of the address before the `@`, as people call each other.
    pub(crate) author: Option<Person>,
}

/// What follows a commit when the tree was changed since, as `git describe --dirty` writes it.
pub(crate) const CHANGED: &str = "-dirty";

impl Origin {
    /// Marks the commit when what is in `folder` is not what was committed.
    pub(crate) async fn mark_if_changed(&mut self, folder: &Path) {
        let Some(commit) = &mut self.commit else { return };
        let words = ["status", "--porcelain", "--", ".", ":(exclude,glob)**/.towpath/**"];
        // Without an answer nobody may say that it is what was committed.
        if git(folder, &words).await.is_none_or(|said| !said.trim().is_empty()) {
            commit.push_str(CHANGED);
        }
    }
}

/// The origin of what is in `folder`; nothing where git is missing, slow or knows nothing.
pub(crate) async fn of(folder: &Path) -> Origin {
    let format = format!("--format=%H%n%ae%n%(trailers:key={TRAILER},valueonly)");
    let Some(said) = git(folder, &["log", "-1", &format]).await else { return Origin::default() };
    let branch = git(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await;
    let branch = branch.map(|said| said.trim().to_owned()).filter(|name| !name.is_empty());
    let origin = Origin { branch, ..read(&said) };
    if origin.branch.is_some() {
        return origin;
    }
    let of_build = branch_of_build(|name| std::env::var(name).ok());
    Origin { branch: of_build, ..origin }
}

/// The branch that a build was started for, as services that check out no branch tell it: GitHub Actions
/// ("Default environment variables") and GitLab CI ("Predefined CI/CD variables").
fn branch_of_build(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is_branch = variable("GITHUB_REF_TYPE").as_deref() == Some("branch");
    let pushed = || variable("GITHUB_REF_NAME").filter(|_| is_branch);
    let names = [
        variable("GITHUB_HEAD_REF"),
        pushed(),
        variable("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        variable("CI_COMMIT_BRANCH"),
    ];
    names.into_iter().flatten().find(|name| !name.is_empty())
}

/// What git says; none where it is missing, slow or fails.
async fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let mut command = tokio::process::Command::new("git");
    command
        .args(words)
        .current_dir(folder)
        // Never asks: this runs in scripts as well.
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    match tokio::time::timeout(WITHIN, command.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        _ => None,
    }
}

fn read(said: &str) -> Origin {
    let mut lines = said.lines();
    let is_commit = |line: &&str| {
        COMMIT_DIGITS.contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let commit = lines.next().filter(is_commit).map(str::to_owned);
    let author = lines.next().and_then(|address| {
        let name = address.split('@').next()?;
        // GitHub's private addresses: `1234+name@users.noreply.github.com`.
        let name = name.rsplit('+').next()?;
        Person::new(name).ok().filter(|person| !person.is_program())
    });
    let trailer = lines.map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    Origin { commit, branch: None, trailer, author }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_author_is_the_name_before_the_at() {
        let commit = "9b1c7de0".repeat(5);
        let origin = read(&format!("{commit}\n1234+bilal@users.noreply.github.com\n"));
        assert_eq!(origin.commit, Some(commit));
        assert_eq!(origin.author, Some(Person::new("bilal").expect("a name")));
    }

    #[test]
    fn the_trailer_of_the_type_follows_the_author() {
        let said = format!("{}\nada@example.com\nhotfix\n\n", "9b1c7de0".repeat(5));
        assert_eq!(read(&said).trailer.as_deref(), Some("hotfix"));
    }

    #[test]
    fn a_build_that_checks_out_no_branch_tells_it() {
        let told = |pairs: &'static [(&str, &str)]| {
            branch_of_build(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let pushed = [("GITHUB_HEAD_REF", ""), ("GITHUB_REF_TYPE", "branch")];
        assert_eq!(told(&[("GITHUB_HEAD_REF", "fix/a")]).as_deref(), Some("fix/a"));
        assert_eq!(told(&[("GITHUB_REF_TYPE", "tag"), ("GITHUB_REF_NAME", "v1")]), None);
        assert_eq!(told(&[("CI_COMMIT_BRANCH", "main")]).as_deref(), Some("main"));
        let value = |name: &str| match name {
            "GITHUB_REF_NAME" => Some("hotfix/a".to_owned()),
            _ => pushed.iter().find(|(key, _)| *key == name).map(|(_, it)| (*it).to_owned()),
        };
        assert_eq!(branch_of_build(value).as_deref(), Some("hotfix/a"));
    }

    #[test]
    fn what_is_no_commit_and_no_name_is_left_out() {
        assert_eq!(read("fatal: not a repository\n"), Origin::default());
        assert_eq!(read(""), Origin::default());
    }
}
