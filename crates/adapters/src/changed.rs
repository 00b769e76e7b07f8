//! Which files differ between two commits, and which patterns cover them. Owns how much of that is read; what
//! a changed file means is not said here.

use std::collections::BTreeSet;
use std::path::Path;

use globset::GlobBuilder;

use crate::checks::git::{Record, Repository};
use crate::commit::Commit;

/// Most files that are looked at: more than large repositories have in one change, or in all.
const MOST_FILES: usize = 100_000;
/// Most bytes of their names.
pub(crate) const NAMES_MOST: u64 = 16 << 20;

/// Every file that differs between two commits of the repository that `folder` is in, under the name that
/// it had and the one that it has.
///
/// # Errors
/// One sentence: a commit is not there, git cannot tell, or more than 100,000 files differ.
pub async fn between(folder: &Path, old: &str, new: &str) -> Result<BTreeSet<String>, String> {
    let repository =
        Repository { folder: folder.to_owned(), allowed_signers: None, record: Record::default() };
    let whole = |text: &str| {
        Commit::new(text).ok_or_else(|| {
            format!("`{}` is not the whole name of a commit", crate::reports::short(text))
        })
    };
    let (old, new) = (whole(old)?, whole(new)?);
    files(&repository, &old, &new).await
}

/// The same of a repository that is open already.
pub(crate) async fn files(
    repository: &Repository,
    old: &Commit,
    new: &Commit,
) -> Result<BTreeSet<String>, String> {
    for commit in [old, new] {
        repository.ensure_has(commit).await?;
    }
    let words =
        ["diff-tree", "-r", "-z", "--no-renames", "--name-only", old.as_str(), new.as_str(), "--"];
    names(&repository.bytes(&words, NAMES_MOST).await?, "differ")
}

/// Names that git parts by NUL, of files that `do` something.
///
/// # Errors
/// One sentence: one that nobody can read, or too many.
pub(crate) fn names(said: &[u8], what: &str) -> Result<BTreeSet<String>, String> {
    let mut files = BTreeSet::new();
    for name in said.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        // No pattern covers what is written otherwise than it is.
        let text = std::str::from_utf8(name).ok().filter(|text| !text.contains(char::is_control));
        let Some(text) = text else {
            let odd = crate::printable::escaped(name);
            let odd = crate::reports::short(&odd);
            return Err(format!(
                "`{odd}` is among the files that {what}, a name that nobody can read"
            ));
        };
        files.insert(text.to_owned());
    }
    if files.len() > MOST_FILES {
        return Err(format!(
            "{} files {what}, and at most {MOST_FILES} are looked at",
            files.len()
        ));
    }
    Ok(files)
}

/// Whether one of `patterns` covers `file`: `*` stops at a slash, `**` does not.
///
/// # Errors
/// One sentence: one of them is no pattern.
pub fn is_covered(patterns: &[String], file: &str) -> Result<bool, String> {
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let glob = glob.map_err(|error| format!("`{pattern}` is no pattern of files: {error}"))?;
        if glob.compile_matcher().is_match(file) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git_of_tests::git;

    #[tokio::test]
    async fn both_names_of_what_was_moved_differ() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet"]);
        let commit = |name: &str| {
            git(path, &["add", "--all"]);
            git(path, &["commit", "--quiet", "--message", name]);
            git(path, &["rev-parse", "HEAD"])
        };
        std::fs::write(path.join("old name"), "text").unwrap();
        std::fs::write(path.join("kept"), "text").unwrap();
        let before = commit("before");
        std::fs::rename(path.join("old name"), path.join("ne\u{fc}")).unwrap();
        let after = commit("after");
        let found = between(path, &before, &after).await.unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["ne\u{fc}", "old name"]);
        std::fs::write(path.join("a\nb"), "text").unwrap();
        let odd = commit("odd");
        let said = between(path, &after, &odd).await.unwrap_err();
        assert!(said.contains("a name that nobody can read"), "{said}");
        let nowhere = "0123456789012345678901234567890123456789";
        assert!(between(path, nowhere, &after).await.unwrap_err().contains("git fetch"));
        assert!(between(path, "main", &after).await.is_err(), "a name is not a commit");
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        let patterns = ["cdk/**".to_owned(), "*.tf".to_owned()];
        for (file, wanted) in [("cdk/a/b.ts", true), ("main.tf", true), ("a/main.tf", false)] {
            assert_eq!(is_covered(&patterns, file), Ok(wanted), "{file}");
        }
        assert!(is_covered(&["{".to_owned()], "a").is_err());
    }
}
