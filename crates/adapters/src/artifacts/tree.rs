//! The working tree as an artefact: what git would track, or the whole folder where there is no git.
//! Owns which files those are; does not say which commit they come from.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use towpath_core::release::{Artifact, ArtifactForm};

use super::archive::{self, Wanted};
use super::keeping::Keeping;
use super::{Artifacts, KeepError};

/// The largest working tree in bytes, 1 GiB: more than the sources of any service, less than what a
/// forgotten folder of data holds.
pub const TREE_BYTES_MOST: u64 = 1 << 30;

/// How long git may take to list a tree; it reads the names of files that exist.
const WITHIN: Duration = Duration::from_mins(1);

impl Artifacts {
    /// Keeps the working tree at `folder`: inside a git work tree the files that git tracks or would
    /// track (not those that it ignores), elsewhere everything. Journals (`.towpath`) and `.git` are
    /// never part of it. Modes and relative links are kept, times are not: the same tree has the
    /// same digest. Safe to repeat.
    ///
    /// # Errors
    /// [`KeepError::Io`]: it is no folder, holds nothing, holds a link that leads out of it or a
    /// repository of its own, is larger than [`TREE_BYTES_MOST`], or git cannot say what is part of it.
    pub async fn keep_tree(&self, folder: &Path) -> Result<Artifact, KeepError> {
        let (own, path) = (self.clone(), folder.to_owned());
        let files = listed(folder).await;
        let files = files.map_err(|source| KeepError::Io { path: path.clone(), source })?;
        self.in_background(folder.to_owned(), move || {
            if files.as_ref().is_some_and(BTreeSet::is_empty) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "git tracks no file in it, and finds none that it would",
                ));
            }
            let mut kept = Keeping::begin(&own)?;
            let wanted = Wanted::Tree { files, bytes_most: TREE_BYTES_MOST };
            archive::pack(&path, &wanted, &mut kept)?;
            kept.finish(ArtifactForm::Directory, path.display().to_string(), false)
        })
        .await
    }
}

/// What git says belongs to the tree at `folder`; none where no repository is.
async fn listed(folder: &Path) -> io::Result<Option<BTreeSet<PathBuf>>> {
    let real = folder.canonicalize()?;
    if !real.ancestors().any(|above| above.join(".git").exists()) {
        return Ok(None);
    }
    // Without git's word nothing is kept: what it ignores may be secrets.
    let names = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = git(&real, &names).await?;
    let paths = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let paths = paths.map(|name| Path::new(OsStr::from_bytes(name)).components().collect());
    let own = |path: &PathBuf| !path.components().any(|part| part.as_os_str() == ".towpath");
    Ok(Some(paths.filter(own).collect()))
}

async fn git(folder: &Path, words: &[&str]) -> io::Result<Output> {
    let mut command = tokio::process::Command::new("git");
    command.args(words).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let refused = |why: String| {
        io::Error::other(format!("it is in a git repository, and git cannot list it: {why}"))
    };
    match tokio::time::timeout(WITHIN, command.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(output),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(refused(said.lines().next().unwrap_or("it failed").to_owned()))
        }
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused(format!("it took longer than {} s", WITHIN.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::artifacts::archive::pack;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            tree.file("src/main", "#!/bin/sh\n");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(tree.0.path().join("src/main"), mode).unwrap();
            tree.file(".towpath/journal.db", "changes all the time");
            tree
        }

        fn file(&self, name: &str, text: &str) {
            let path = self.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn git(&self, words: &[&str]) {
            let mut command = std::process::Command::new("git");
            command.current_dir(self.0.path()).args(words);
            assert!(command.output().unwrap().status.success(), "git {words:?}");
        }

        async fn keep(&self) -> Result<Artifact, KeepError> {
            self.store().keep_tree(self.0.path()).await
        }

        fn store(&self) -> Artifacts {
            Artifacts::new(&self.0.path().join(".towpath"))
        }

        async fn names(&self) -> Vec<String> {
            use towpath_ports::artifacts::ArtifactStore as _;
            let kept = self.keep().await.unwrap();
            let folder = self.store().path(&kept).await.unwrap();
            let mut names = Vec::new();
            let mut open = vec![folder.clone()];
            while let Some(next) = open.pop() {
                for entry in fs::read_dir(next).unwrap().flatten() {
                    let path = entry.path();
                    if entry.file_type().unwrap().is_dir() {
                        open.push(path);
                    } else {
                        names.push(path.strip_prefix(&folder).unwrap().display().to_string());
                    }
                }
            }
            names.sort();
            names
        }
    }

    #[tokio::test]
    async fn git_says_what_belongs_to_a_tree_and_what_it_ignores_is_not_kept() {
        let tree = Tree::new();
        tree.git(&["init", "--quiet"]);
        tree.file(".gitignore", ".env\ndist/\n");
        tree.file(".env", "SECRET=1");
        tree.file("dist/app", "built");
        tree.file("not yet added", "text");
        tree.git(&["add", "src"]);
        tree.file("gone", "text");
        tree.git(&["add", "gone"]);
        fs::remove_file(tree.0.path().join("gone")).unwrap();
        assert_eq!(tree.names().await, [".gitignore", "not yet added", "src/main"]);
    }

    #[tokio::test]
    async fn without_git_all_belongs_to_it_but_journals() {
        let tree = Tree::new();
        tree.file("dist/app", "built");
        tree.file("sub/.towpath/journal.db", "of another project");
        assert_eq!(tree.names().await, ["dist/app", "src/main"]);
    }

    #[tokio::test]
    async fn the_same_tree_has_the_same_digest_whatever_its_times_and_its_place() {
        let (one, two) = (Tree::new(), Tree::new());
        two.git(&["init", "--quiet"]);
        symlink("src/main", one.0.path().join("start")).unwrap();
        symlink("src/main", two.0.path().join("start")).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH;
        fs::File::open(two.0.path().join("src/main")).unwrap().set_modified(old).unwrap();
        let digest = one.keep().await.unwrap().digest;
        assert_eq!(digest, two.keep().await.unwrap().digest);
        let mode = fs::Permissions::from_mode(0o644);
        fs::set_permissions(two.0.path().join("src/main"), mode).unwrap();
        assert_ne!(digest, two.keep().await.unwrap().digest, "that it can be executed counts");
    }

    /// Where the tree lies is said by whoever keeps it; what is in it may not lead elsewhere.
    #[tokio::test]
    async fn cve_b09_no_link_of_an_artefact_leads_out_of_it() {
        for leads in ["/etc/passwd", "../../outside", "../src/../../outside", "..", "../.."] {
            let tree = Tree::new();
            symlink(leads, tree.0.path().join("src/link")).unwrap();
            let kept = tree.keep().await;
            if leads == ".." {
                kept.unwrap();
                continue;
            }
            let said = kept.unwrap_err().to_string();
            assert!(said.contains("src/link is a link out of the artefact"), "{leads}: {said}");
        }
    }

    #[tokio::test]
    async fn what_leads_out_and_what_nobody_can_list_is_refused() {
        let tree = Tree::new();
        symlink("/etc/passwd", tree.0.path().join("src/users")).unwrap();
        let said = tree.keep().await.unwrap_err().to_string();
        assert!(said.contains("src/users is a link out of the artefact"), "{said}");
        let tree = Tree::new();
        tree.git(&["init", "--quiet"]);
        tree.git(&["init", "--quiet", "inner"]);
        tree.file("inner/file", "text");
        let said = tree.keep().await.unwrap_err().to_string();
        assert!(said.contains("inner is a repository of its own"), "{said}");
        let tree = Tree::new();
        tree.file(".git", "gitdir: nowhere");
        let said = tree.keep().await.unwrap_err().to_string();
        assert!(said.contains("git cannot list it"), "{said}");
        let tree = Tree::new();
        fs::remove_file(tree.0.path().join("src/main")).unwrap();
        tree.git(&["init", "--quiet"]);
        let said = tree.keep().await.unwrap_err().to_string();
        assert!(said.contains("git tracks no file"), "{said}");
    }

    #[test]
    fn a_tree_has_a_largest_size() {
        let tree = Tree::new();
        tree.file("data", &"x".repeat(3 << 20));
        let wanted = Wanted::Tree { files: None, bytes_most: 2 << 20 };
        let said = pack(tree.0.path(), &wanted, Vec::new()).unwrap_err().to_string();
        assert_eq!(said, "data brings it to more than 2 MiB");
    }
}
