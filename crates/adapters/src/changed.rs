//! Which files differ between two commits, and which patterns cover them. Owns how much of that is read; what
//! a changed file means is not said here.

use std::collections::BTreeSet;
use std::path::Path;

use globset::GlobBuilder;

use crate::checks::git::{Record, Repository};
use crate::commit::Commit;

/// Most files that may differ: what changes more than that was not made as one change, and nobody would
/// look at each.
pub(crate) const MOST_FILES: usize = 10_000;

/// Every file that differs between two commits of the repository that `folder` is in, under the name that
/// it had and the one that it has.
///
/// # Errors
/// One sentence: a commit is not there, git cannot tell, or more than 10,000 files differ.
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
        ["diff-tree", "-r", "--no-renames", "--name-only", old.as_str(), new.as_str(), "--"];
    let said = repository.told(&words).await?;
    let files: BTreeSet<String> = said.lines().map(str::to_owned).collect();
    // Git writes such names between quotes, and no pattern would cover what they stand for.
    if let Some(odd) = files.iter().find(|name| name.starts_with('"')) {
        let odd = crate::reports::short(odd);
        return Err(format!("{odd} differs, whose name holds characters that nobody can read"));
    }
    if files.len() > MOST_FILES {
        return Err(format!(
            "{} files differ between {old} and {new}, and at most {MOST_FILES} are looked at",
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
        assert!(said.contains("whose name holds characters"), "{said}");
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
