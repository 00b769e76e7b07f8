//! The commit and the author of what is in a folder, as its git repository tells them. Nothing
//! depends on git being there.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

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
    match git(folder, &["log", "-1", "--format=%H%n%ae"]).await {
        Some(said) => read(&said),
        None => Origin::default(),
    }
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
    Origin { commit, author }
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
    fn what_is_no_commit_and_no_name_is_left_out() {
        assert_eq!(read("fatal: not a repository\n"), Origin::default());
        assert_eq!(read(""), Origin::default());
    }
}
