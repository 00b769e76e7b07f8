//! Whose files a change touches, by the repository's own file CODEOWNERS. Owns which of its versions counts;
//! how the file is read is [`code_owners`]'s, and who must agree the core's.

use std::collections::BTreeMap;

use towpath_core::code_owners::{Change, OwnedFiles};
use towpath_ports::history::MOST_OWNERS;

use crate::changed::{self, MOST_FILES};
use crate::checks::git::Repository;
use crate::code_owners::{self, Owner, PLACES, Rule, owners_of};
use crate::commit::Commit;
use crate::reports::short;

/// Largest file CODEOWNERS that is read, in bytes (docs.github.com, "About code owners": under 3 MB).
const MOST_BYTES: usize = 3_000_000;
/// How git writes the mode of a plain file (git-fast-import(1)); anything else is a link or a folder.
const PLAIN: [&str; 2] = ["100644", "100755"];

/// Files of `change` that have owners, together with those of the same owners.
///
/// # Errors
/// One sentence: a commit is not there, there is no file CODEOWNERS, or it cannot be understood.
pub(crate) async fn of_change(
    repository: &Repository,
    change: &Change,
) -> Result<Vec<OwnedFiles>, String> {
    let whole = |text: &str| {
        Commit::new(text)
            .ok_or_else(|| format!("`{}` is not the whole name of a commit", short(text)))
    };
    let commit = whole(&change.commit)?;
    let before = change.before.as_deref().map(whole).transpose()?;
    repository.ensure_has(&commit).await?;
    if let Some(before) = &before {
        repository.ensure_has(before).await?;
    }
    let named = change.file.as_deref().map(|file| file.trim_start_matches("./"));
    let places = named.map_or(PLACES.to_vec(), |file| vec![file]);
    let rules = rules(repository, &places, before.as_ref(), &commit).await?;
    let files = match &before {
        Some(before) => changed::files(repository, before, &commit).await?.into_iter().collect(),
        None => all_files(repository, &commit).await?,
    };
    together(&rules, files)
}

/// The rules that held before the change: who brings another file does not choose by it who agrees to
/// that. Where there was none, those that come.
async fn rules(
    repository: &Repository,
    places: &[&str],
    before: Option<&Commit>,
    commit: &Commit,
) -> Result<Vec<Rule>, String> {
    for one in before.into_iter().chain([commit]) {
        if let Some(text) = text(repository, places, one).await? {
            return code_owners::read(&text).map_err(|why| format!("{why}, at commit {one}"));
        }
    }
    let (file, add) = match places {
        [named] => (*named, *named),
        _ => ("CODEOWNERS", PLACES[0]),
    };
    Err(format!("commit {commit} has no file {file}; add {add} and build from that"))
}

/// The text of the first file CODEOWNERS at `commit`; none where there is none.
async fn text(
    repository: &Repository,
    places: &[&str],
    commit: &Commit,
) -> Result<Option<String>, String> {
    let words = [["ls-tree", "--full-tree", commit.as_str(), "--"].as_slice(), places].concat();
    let said = repository.told(&words).await?;
    for place in places {
        let lines = said.lines().filter_map(|line| line.split_once('\t'));
        let Some((entry, _)) = lines.into_iter().find(|(_, name)| name == place) else { continue };
        let mut parts = entry.split(' ');
        let (mode, blob) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        if !PLAIN.contains(&mode) {
            return Err(format!("{place} is no plain file at commit {commit}"));
        }
        let text = repository.told(&["cat-file", "blob", blob]).await?;
        if text.len() > MOST_BYTES || text.contains(['\u{fffd}', '\0']) {
            return Err(format!("{place} at commit {commit} is no text of at most 3 MB"));
        }
        return Ok(Some(text));
    }
    Ok(None)
}

/// Every file at `commit`.
async fn all_files(repository: &Repository, commit: &Commit) -> Result<Vec<String>, String> {
    let words = ["ls-tree", "-r", "--name-only", "--full-tree", commit.as_str()];
    let said = repository.told(&words).await?;
    let files: Vec<String> = said.lines().map(str::to_owned).collect();
    if files.len() > MOST_FILES {
        let count = files.len();
        return Err(format!(
            "{count} files are new at {commit}, and at most {MOST_FILES} are looked at"
        ));
    }
    if let Some(odd) = files.iter().find(|name| name.starts_with('"')) {
        return Err(format!("{} has a name that nobody can read", short(odd)));
    }
    Ok(files)
}

fn together(rules: &[Rule], files: Vec<String>) -> Result<Vec<OwnedFiles>, String> {
    let mut found: BTreeMap<Vec<String>, OwnedFiles> = BTreeMap::new();
    for file in files {
        let mut owners: Vec<String> = owners_of(rules, &file).iter().map(Owner::written).collect();
        if owners.is_empty() {
            continue;
        }
        owners.sort();
        owners.dedup();
        let new = OwnedFiles { owners: owners.clone(), file, files: 0 };
        found.entry(owners).or_insert(new).files += 1;
    }
    if found.len() > MOST_OWNERS {
        let count = found.len();
        return Err(format!(
            "what changes has {count} different owners; at most {MOST_OWNERS} are asked"
        ));
    }
    let mut all: Vec<OwnedFiles> = found.into_values().collect();
    all.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::checks::git::Record;
    use crate::git_of_tests::git;

    fn commit(path: &Path, files: &[(&str, &str)]) -> String {
        for (file, text) in files {
            std::fs::create_dir_all(path.join(file).parent().unwrap()).unwrap();
            std::fs::write(path.join(file), text).unwrap();
        }
        git(path, &["add", "--all"]);
        git(path, &["commit", "--quiet", "--message", "change", "--allow-empty"]);
        git(path, &["rev-parse", "HEAD"])
    }

    async fn told(path: &Path, before: Option<&str>, commit: &str) -> Result<String, String> {
        let repository = Repository {
            folder: path.to_owned(),
            allowed_signers: None,
            record: Record::default(),
        };
        let file = None;
        let change = Change { before: before.map(str::to_owned), commit: commit.to_owned(), file };
        let found = of_change(&repository, &change).await?;
        Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    #[tokio::test]
    async fn the_owners_before_a_change_are_asked_about_it_and_not_those_whom_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet"]);
        let bare = commit(path, &[("a.rs", "1"), ("pay/b.rs", "1")]);
        let said = told(path, None, &bare).await.unwrap_err();
        assert!(said.contains("add .github/CODEOWNERS"), "{said}");
        let owned = "pay/ @ada @example/payments\n*.md\nCODEOWNERS @lead\n";
        let first = commit(path, &[("CODEOWNERS", owned)]);
        assert_eq!(
            told(path, None, &first).await.unwrap(),
            "owners of CODEOWNERS (@lead); owners of pay/b.rs (@ada or @example/payments)"
        );
        assert_eq!(told(path, Some(&bare), &first).await.unwrap(), "owners of CODEOWNERS (@lead)");
        // Mallory makes the file their own in the same change.
        let changed =
            commit(path, &[("CODEOWNERS", "* @mallory\n"), ("pay/b.rs", "2"), ("pay/c.rs", "")]);
        assert_eq!(
            told(path, Some(&first), &changed).await.unwrap(),
            "owners of CODEOWNERS (@lead); \
             owners of pay/b.rs and 1 more file (@ada or @example/payments)"
        );
        let free = commit(path, &[("a.md", "text")]);
        assert_eq!(told(path, Some(&changed), &free).await.unwrap(), "owners of a.md (@mallory)");
        git(path, &["rm", "--quiet", "CODEOWNERS"]);
        let gone = commit(path, &[("pay/b.rs", "3")]);
        assert_eq!(
            told(path, Some(&free), &gone).await.unwrap(),
            "owners of CODEOWNERS and 1 more file (@mallory)"
        );
        assert_eq!(told(path, Some(&gone), &gone).await.unwrap_err(), {
            format!(
                "commit {} has no file CODEOWNERS; add .github/CODEOWNERS and build from that",
                &gone[..7]
            )
        });
    }

    #[tokio::test]
    async fn what_cannot_be_read_names_no_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet"]);
        let odd = commit(path, &[("docs/CODEOWNERS", "* @ada\n*.rs someone\n"), ("a.rs", "1")]);
        let said = told(path, None, &odd).await.unwrap_err();
        assert!(said.contains("line 2 of CODEOWNERS cannot be understood"), "{said}");
        let shadowed = commit(path, &[("CODEOWNERS", "*.rs @bilal\n")]);
        assert_eq!(told(path, None, &shadowed).await.unwrap(), "owners of a.rs (@bilal)");
        std::fs::remove_file(path.join("CODEOWNERS")).unwrap();
        std::os::unix::fs::symlink("docs/CODEOWNERS", path.join("CODEOWNERS")).unwrap();
        let link = commit(path, &[]);
        let said = told(path, None, &link).await.unwrap_err();
        assert!(said.contains("CODEOWNERS is no plain file"), "{said}");
        let repository = Repository {
            folder: path.to_owned(),
            allowed_signers: None,
            record: Record::default(),
        };
        for (file, wanted) in [
            ("./docs/CODEOWNERS", "line 2"),
            ("src/OWNERS", "no file src/OWNERS; add src/OWNERS"),
            ("docs", "docs is no plain file"),
            ("../CODEOWNERS", "git"),
        ] {
            let change = Change { before: None, commit: link.clone(), file: Some(file.to_owned()) };
            let said = of_change(&repository, &change).await.unwrap_err();
            assert!(said.contains(wanted), "{file}: {said}");
        }
        let nowhere = "0123456789012345678901234567890123456789";
        assert!(told(path, Some(nowhere), &link).await.unwrap_err().contains("git fetch"));
        assert!(told(path, None, "main").await.is_err(), "a name is not a commit");
        assert!(told(path, None, "").await.is_err(), "nothing is not a commit");
    }
}
