//! Whose files a change touches, by the repository's own file CODEOWNERS. Owns which of its versions counts;
//! how the file is read is [`code_owners`]'s, and who must agree the core's.

use std::collections::BTreeMap;

use towpath_core::code_owners::{Change, OwnedFiles};
use towpath_ports::history::MOST_OWNERS;

use crate::changed::{self, NAMES_MOST};
use crate::checks::git::Repository;
use crate::code_owners::{self, Owner, PLACES, Rule, owners_of};
use crate::commit::Commit;
use crate::reports::short;

/// Largest file CODEOWNERS that is read, in bytes (docs.github.com, "About code owners": under 3 MB).
const MOST_BYTES: u64 = 3_000_000;
/// Most owners of one file, and of all that changes, that are asked.
const MOST_OF_ONE: usize = 100;
const MOST_OF_ALL: usize = 1_000;
/// Longest name of an owner, in bytes: an address has at most 254 (RFC 5321, section 4.5.3.1).
const LONGEST_OWNER: usize = 254;
/// Most pairs of a file and a rule that are looked at: some seconds.
const MOST_PAIRS: usize = 50_000_000;
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
    // Not on a thread that others wait for: rules and files may be many.
    let found = tokio::task::spawn_blocking(move || together(&rules, files));
    found.await.unwrap_or_else(|error| Err(error.to_string()))
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
        let bytes = repository.bytes(&["cat-file", "blob", blob], MOST_BYTES).await?;
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let no_text = || format!("{place} at commit {commit} is no text of UTF-8");
        return text.ok_or_else(no_text).map(Some);
    }
    Ok(None)
}

/// Every file at `commit`.
async fn all_files(repository: &Repository, commit: &Commit) -> Result<Vec<String>, String> {
    let words = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit.as_str()];
    let said = repository.bytes(&words, NAMES_MOST).await?;
    Ok(changed::names(&said, "are new")
        .map_err(|why| format!("{why} (commit {commit})"))?
        .into_iter()
        .collect())
}

fn together(rules: &[Rule], files: Vec<String>) -> Result<Vec<OwnedFiles>, String> {
    if rules.len().saturating_mul(files.len()) > MOST_PAIRS {
        let (rules, files) = (rules.len(), files.len());
        return Err(format!("{files} files and {rules} rules are more than are looked at"));
    }
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
    let all = found.keys().flatten();
    if let Some(long) = all.into_iter().find(|owner| owner.len() > LONGEST_OWNER) {
        return Err(format!("nobody is called {}", short(long)));
    }
    let of_one = found.keys().map(Vec::len).max().unwrap_or(0);
    if of_one > MOST_OF_ONE || found.keys().map(Vec::len).sum::<usize>() > MOST_OF_ALL {
        return Err(format!(
            "what changes has more owners than {MOST_OF_ONE} of one file, or {MOST_OF_ALL} of all"
        ));
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
    async fn a_large_repository_and_a_large_file_are_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(path, &["init", "--quiet"]);
        let files: Vec<String> =
            (0..5_000).map(|number| format!("a/folder/of/some/length/file-{number}.rs")).collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|file| (&**file, "")).collect();
        let comment = format!("# {}\n", "x".repeat(1_000)).repeat(1_000);
        let owned = format!("* @lead\n{comment}*-4999.rs @ada\n");
        files.push(("CODEOWNERS", &owned));
        let all = commit(path, &files);
        assert_eq!(
            told(path, None, &all).await.unwrap(),
            "owners of CODEOWNERS and 4999 more files (@lead); \
             owners of a/folder/of/some/length/file-4999.rs (@ada)"
        );
        let repository = Repository {
            folder: path.to_owned(),
            allowed_signers: None,
            record: Record::default(),
        };
        let said = repository.bytes(&["ls-tree", "-r", "-z", &all], 1_000).await;
        assert_eq!(said.unwrap_err(), "`git ls-tree` says more than 1000 bytes");
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
        for (bytes, wanted) in
            [(&b"gr\xfcn/ @ada\n"[..], "no text of UTF-8"), (b"* @ada\0\n", "no text of UTF-8")]
        {
            std::fs::write(path.join("CODEOWNERS"), bytes).unwrap();
            let said = told(path, None, &commit(path, &[])).await.unwrap_err();
            assert!(said.contains(wanted), "{said}");
        }
        std::fs::write(path.join("CODEOWNERS"), b"\xef\xbb\xbf*.rs @ada\r\n").unwrap();
        let other = commit(path, &[]);
        assert_eq!(told(path, None, &other).await.unwrap(), "owners of a.rs (@ada)");
        let many: Vec<String> = (0..101).map(|number| format!("@x/a{number}")).collect();
        std::fs::write(path.join("CODEOWNERS"), format!("* {}\n", many.join(" "))).unwrap();
        let said = told(path, None, &commit(path, &[])).await.unwrap_err();
        assert!(said.contains("more owners than 100"), "{said}");
        std::fs::write(path.join("CODEOWNERS"), format!("* @{}\n", "a".repeat(254))).unwrap();
        let said = told(path, None, &commit(path, &[])).await.unwrap_err();
        assert!(said.contains("nobody is called"), "{said}");
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
