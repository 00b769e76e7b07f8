//! Removes bytes that nobody needs and what was left half written. Owns what is too young for that;
//! does not know which releases there are.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use towpath_core::ids::Digest;
use towpath_ports::artifacts::{ArtifactError, Named};

use super::Artifacts;
use super::uploaded::UPLOADED;

/// What was kept within this time stays, needed or not. Keeping the same bytes again makes them new,
/// and who does that means to promote them within the month.
const KEPT_LATELY: Duration = Duration::from_hours(30 * 24);
/// What was begun within this time may still be under way: longer than any download. What was sent within it
/// may still be named by a release.
const BEGUN_LATELY: Duration = Duration::from_hours(24);

impl Artifacts {
    /// Removes what is old and not needed; answers how many bytes that freed. What is kept under a
    /// digest that is not named stays: a journal that came from a backup does not know everything
    /// that runs.
    pub(super) fn swept(&self, named: &Named) -> Result<u64, ArtifactError> {
        let unneeded: BTreeSet<&str> = named.unneeded.iter().map(Digest::hex).collect();
        let is_unneeded = |entry: &DirEntry| {
            entry.file_name().to_str().is_some_and(|name| unneeded.contains(name))
        };
        let mut failed = self.keep_named(&named.all).err();
        let mut freed = 0;
        for folder in ["sha256", "unpacked", UPLOADED, "temporary"] {
            let Ok(entries) = fs::read_dir(self.root.join(folder)) else { continue };
            let is_begun = [UPLOADED, "temporary"].contains(&folder);
            let too_young = if is_begun { BEGUN_LATELY } else { KEPT_LATELY };
            for entry in entries.flatten() {
                if !(is_begun || is_unneeded(&entry)) || !is_older(&entry, too_young) {
                    continue;
                }
                match remove(&entry) {
                    Ok(bytes) => freed += bytes,
                    Err(source) => failed = Some((entry.path(), source)),
                }
            }
        }
        failed.map_or(Ok(freed), |(path, source): (PathBuf, io::Error)| {
            Err(ArtifactError::Io { path, source })
        })
    }

    /// Keeps for good what came from elsewhere and was named since.
    fn keep_named(&self, all: &BTreeSet<Digest>) -> Result<(), (PathBuf, io::Error)> {
        let folder = self.root.join(UPLOADED);
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        let there: BTreeSet<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        let named = all.iter().filter(|digest| there.contains(std::ffi::OsStr::new(digest.hex())));
        for digest in named {
            self.name(digest).map_err(|error| (folder.join(digest.hex()), error))?;
        }
        Ok(())
    }
}

/// Of what cannot be looked at, nothing is known: it stays.
fn is_older(entry: &DirEntry, than: Duration) -> bool {
    let written = entry.metadata().and_then(|data| data.modified());
    let age = written.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    age.is_ok_and(|age| age >= than)
}

fn remove(entry: &DirEntry) -> io::Result<u64> {
    let data = entry.metadata()?;
    if data.is_dir() {
        fs::remove_dir_all(entry.path())?;
        // Its bytes are counted with the archive that it was unpacked from.
        return Ok(0);
    }
    fs::remove_file(entry.path())?;
    Ok(data.len())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use towpath_core::release::Artifact;
    use towpath_ports::artifacts::ArtifactStore as _;

    use super::*;

    fn age(path: &Path, age: Duration) {
        let at = SystemTime::now() - age;
        fs::File::open(path).unwrap().set_modified(at).unwrap();
    }

    async fn kept(root: &Path, store: &Artifacts, name: &str) -> Artifact {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), name).unwrap();
        let artifact = store.keep_directory(&folder).await.unwrap();
        let unpacked = store.path(&artifact).await.unwrap();
        age(&unpacked, KEPT_LATELY);
        age(&store.kept(&artifact.digest), KEPT_LATELY);
        artifact
    }

    #[tokio::test]
    async fn only_what_is_old_and_named_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let store = Artifacts::new(&root.path().join("state"));
        let unknown = kept(root.path(), &store, "unknown").await;
        let unneeded = kept(root.path(), &store, "unneeded").await;
        let young = kept(root.path(), &store, "young").await;
        let younger = Duration::from_hours(29 * 24);
        age(&store.kept(&young.digest), younger);
        age(&store.root.join("unpacked").join(young.digest.hex()), younger);
        let temporary = store.root.join("temporary");
        for name in ["begun", "left"] {
            fs::write(temporary.join(name), "half").unwrap();
        }
        age(&temporary.join("left"), BEGUN_LATELY);
        let all: BTreeSet<_> =
            [&unknown, &unneeded, &young].map(|artifact| artifact.digest.clone()).into();
        assert_eq!(store.gone(&all).await, BTreeSet::new());
        let named = [unneeded.digest.clone(), young.digest.clone()].into();
        let named = Named { all: all.clone(), unneeded: named };
        let freed = store.sweep(&named).await.unwrap();
        assert_eq!(freed, unneeded.size + 4);
        assert_eq!(store.gone(&all).await, [unneeded.digest.clone()].into());
        assert!(store.path(&unknown).await.is_ok() && store.path(&young).await.is_ok());
        assert!(!store.root.join("unpacked").join(unneeded.digest.hex()).exists());
        assert!(temporary.join("begun").exists() && !temporary.join("left").exists());
        assert_eq!(store.sweep(&named).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn bytes_that_are_kept_again_are_young_again() {
        let root = tempfile::tempdir().unwrap();
        let store = Artifacts::new(&root.path().join("state"));
        let artifact = kept(root.path(), &store, "again").await;
        store.keep_directory(&root.path().join("again")).await.unwrap();
        let unneeded = [artifact.digest.clone()].into();
        store.sweep(&Named { unneeded, ..Named::default() }).await.unwrap();
        assert!(store.path(&artifact).await.is_ok());
    }

    async fn sent(store: &Artifacts, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let mut receiving = store.receive().await.unwrap();
        receiving.take(bytes.to_vec()).await.unwrap();
        receiving.finish(&digest, false).await.unwrap();
        digest
    }

    #[tokio::test]
    async fn what_was_sent_is_gone_after_a_day_unless_a_release_names_it() {
        let root = tempfile::tempdir().unwrap();
        let store = Artifacts::new(&root.path().join("state"));
        let [named, given_out, unnamed, young] =
            [b"named", b"given", b"never", b"young"].map(|it| it.to_vec());
        let named = sent(&store, &named).await;
        let given_out = sent(&store, &given_out).await;
        let unnamed = sent(&store, &unnamed).await;
        let young = sent(&store, &young).await;
        let all: BTreeSet<_> =
            [&named, &given_out, &unnamed, &young].into_iter().cloned().collect();
        assert_eq!(store.gone(&all).await, BTreeSet::new());
        assert_eq!(store.taken(&named, 5).await.unwrap().as_deref(), Some(&b"named"[..]));
        assert_eq!(store.taken(&named, 4).await.unwrap(), None);
        let artifact = Artifact {
            digest: given_out.clone(),
            form: towpath_core::release::ArtifactForm::File,
            source: String::new(),
            size: 5,
        };
        assert_eq!(store.path(&artifact).await.unwrap(), store.kept(&given_out));
        for digest in [&named, &unnamed] {
            age(&store.root.join(UPLOADED).join(digest.hex()), BEGUN_LATELY);
        }
        let known = Named { all: [named.clone()].into(), ..Named::default() };
        assert_eq!(store.sweep(&known).await.unwrap(), 5);
        assert_eq!(store.gone(&all).await, [unnamed].into());
        assert!(store.kept(&named).exists() && !store.kept(&young).exists());
    }

    #[tokio::test]
    async fn other_bytes_than_those_of_the_digest_leave_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let store = Artifacts::new(&root.path().join("state"));
        let mut receiving = store.receive().await.unwrap();
        receiving.take(b"evil".to_vec()).await.unwrap();
        let answer = receiving.finish(&Digest::of(b"good"), true).await;
        assert!(matches!(answer, Err(ArtifactError::Damaged(_))));
        let mut receiving = store.receive().await.unwrap();
        receiving.take(b"half".to_vec()).await.unwrap();
        drop(receiving);
        assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
        assert!(!store.root.join(UPLOADED).exists());
    }
}
