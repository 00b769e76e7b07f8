//! Bytes that came from elsewhere, until a release names them. Owns how many these may be; does not know
//! which releases there are.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_ports::artifacts::{ArtifactError, Receiving};

use super::keeping::Keeping;
use super::{ARTIFACT_BYTES_MOST, Artifacts};

/// The most bytes that wait for a release that names them: four of the largest artefacts. What is not named
/// goes after a day.
const UPLOADED_BYTES_MOST: u64 = 4 * ARTIFACT_BYTES_MOST;
/// The most files among them: more pieces than releases of a day have, few enough to be counted each time.
const UPLOADED_FILES_MOST: usize = 10_000;
/// Where these are.
pub(super) const UPLOADED: &str = "uploaded";

impl Artifacts {
    /// Keeps for good what came from elsewhere under a digest, if anything did.
    pub(super) fn name(&self, digest: &Digest) -> io::Result<()> {
        let folder = self.root.join("sha256");
        let uploaded = self.root.join(UPLOADED).join(digest.hex());
        if !uploaded.exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        match fs::rename(uploaded, self.kept(digest)) {
            // Another was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => File::open(folder)?.sync_all(),
        }
    }

    /// A place for bytes from elsewhere, while there is room for them.
    pub(super) fn take_in(&self) -> io::Result<Taking> {
        let waiting = self.waiting()?;
        ensure_room(waiting, 1)?;
        Taking::begin(self, waiting.0)
    }

    /// The bytes that wait, and in how many files.
    fn waiting(&self) -> io::Result<(u64, usize)> {
        let entries = match fs::read_dir(self.root.join(UPLOADED)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            Err(error) => return Err(error),
        };
        let (mut bytes, mut files) = (0, 0);
        for entry in entries {
            match entry?.metadata() {
                Ok(data) => (bytes, files) = (bytes + data.len(), files + 1),
                // A release named it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok((bytes, files))
    }

    /// What came from elsewhere under a digest, if it is no more than `most` bytes.
    pub(super) fn uploaded(&self, digest: &Digest, most: u64) -> io::Result<Option<Vec<u8>>> {
        let path = self.root.join(UPLOADED).join(digest.hex());
        match fs::metadata(&path) {
            Ok(data) if data.len() > most => Ok(None),
            Ok(_) => fs::read(&path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether `more` bytes of another file have room beside those that wait.
fn ensure_room((bytes, files): (u64, usize), more: u64) -> io::Result<()> {
    let quota = |cause| Err(io::Error::new(io::ErrorKind::QuotaExceeded, cause));
    if bytes.saturating_add(more) > UPLOADED_BYTES_MOST {
        return quota(format!("{} GiB were sent that no release names", UPLOADED_BYTES_MOST >> 30));
    }
    if files >= UPLOADED_FILES_MOST {
        return quota(format!("{files} files were sent that no release names"));
    }
    Ok(())
}

/// Bytes that come from elsewhere.
pub(super) struct Taking {
    store: Artifacts,
    /// The bytes that waited when it began.
    waiting: u64,
    /// Those it has taken.
    own: u64,
    /// None while a piece is being written, and for good once that failed.
    keeping: Option<Keeping>,
}

impl Taking {
    /// Waits for the disk.
    fn begin(store: &Artifacts, waiting: u64) -> io::Result<Self> {
        let keeping = Some(Keeping::begin(store)?);
        Ok(Self { store: store.clone(), waiting, own: 0, keeping })
    }

    /// Takes room for a piece: all that come at once share what those that wait leave.
    fn reserve(&mut self, piece: u64) -> Result<(), ArtifactError> {
        self.own += piece;
        let incoming = self.store.incoming.fetch_add(piece, Ordering::SeqCst) + piece;
        ensure_room((self.waiting, 0), incoming).map_err(|source| self.broke(source))
    }

    fn broke(&self, source: io::Error) -> ArtifactError {
        ArtifactError::Io { path: self.store.root.clone(), source }
    }

    /// Works on what was taken so far, off the threads that answer requests.
    async fn on<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(Keeping) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let given_up = || io::Error::other("it was given up before");
        let done = match self.keeping.take() {
            None => Err(given_up()),
            Some(keeping) => {
                let done = tokio::task::spawn_blocking(move || work(keeping)).await;
                done.unwrap_or_else(|error| Err(io::Error::other(error)))
            }
        };
        done.map_err(|source| self.broke(source))
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.store.incoming.fetch_sub(self.own, Ordering::SeqCst);
    }
}

#[async_trait]
impl Receiving for Taking {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), ArtifactError> {
        self.reserve(piece.len() as u64)?;
        let written = move |mut keeping: Keeping| keeping.write_all(&piece).map(|()| keeping);
        self.keeping = Some(self.on(written).await?);
        Ok(())
    }

    async fn finish(
        mut self: Box<Self>,
        digest: &Digest,
        executable: bool,
    ) -> Result<u64, ArtifactError> {
        let (wanted, store) = (digest.clone(), self.store.clone());
        let placed = move |mut keeping: Keeping| {
            let (found, size) = keeping.hashed();
            if found != wanted {
                return Ok(None);
            }
            // What is kept for good stays so, and is repaired if it was damaged.
            let for_good = store.kept(&wanted);
            let waiting = store.root.join(UPLOADED).join(wanted.hex());
            if for_good.exists() {
                return keeping.place_at(&for_good, executable).map(|()| Some(size));
            }
            // One after the other: others came to their end since this began.
            let _one = store.placing.lock().unwrap_or_else(PoisonError::into_inner);
            if !waiting.exists() {
                ensure_room(store.waiting()?, size)?;
            }
            keeping.place_at(&waiting, executable).map(|()| Some(size))
        };
        let size = self.on(placed).await?;
        size.ok_or_else(|| ArtifactError::Damaged(digest.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store in which `bytes` wait, of which the disk holds none.
    fn world(bytes: u64) -> (tempfile::TempDir, Artifacts) {
        let root = tempfile::tempdir().unwrap();
        let store = Artifacts::new(root.path());
        let waiting = store.root.join(UPLOADED);
        fs::create_dir_all(&waiting).unwrap();
        File::create(waiting.join("other")).unwrap().set_len(bytes).unwrap();
        (root, store)
    }

    fn is_no_room<T>(done: &Result<T, ArtifactError>) -> bool {
        let Err(ArtifactError::Io { source, .. }) = done else { return false };
        source.kind() == io::ErrorKind::QuotaExceeded
    }

    #[tokio::test]
    async fn what_comes_at_once_shares_the_room_that_what_waits_leaves() {
        let (_root, store) = world(UPLOADED_BYTES_MOST - 10);
        let mut first: Box<dyn Receiving> = Box::new(store.take_in().unwrap());
        let mut second: Box<dyn Receiving> = Box::new(store.take_in().unwrap());
        first.take(vec![b'a'; 6]).await.unwrap();
        assert!(is_no_room(&second.take(vec![b'b'; 5]).await));
        drop(second);
        // What was given up leaves its room.
        let mut third: Box<dyn Receiving> = Box::new(store.take_in().unwrap());
        third.take(vec![b'c'; 4]).await.unwrap();
        first.finish(&Digest::of(&[b'a'; 6]), false).await.unwrap();
        third.finish(&Digest::of(&[b'c'; 4]), false).await.unwrap();
        assert!(is_no_room(
            &store
                .take_in()
                .map_err(|source| { ArtifactError::Io { path: store.root.clone(), source } })
        ));
    }

    #[tokio::test]
    async fn what_began_while_there_was_room_is_not_placed_when_others_took_it() {
        let (_root, store) = world(UPLOADED_BYTES_MOST - 10);
        let mut late: Box<dyn Receiving> = Box::new(store.take_in().unwrap());
        late.take(vec![b'a'; 6]).await.unwrap();
        // Another process on the same folder.
        let more = File::create(store.root.join(UPLOADED).join("more")).unwrap();
        more.set_len(6).unwrap();
        assert!(is_no_room(&late.finish(&Digest::of(&[b'a'; 6]), false).await));
        assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
    }

    #[test]
    fn no_more_files_wait_than_can_be_counted() {
        let (_root, store) = world(0);
        for number in 1..UPLOADED_FILES_MOST {
            File::create(store.root.join(UPLOADED).join(number.to_string())).unwrap();
        }
        assert_eq!(store.take_in().err().unwrap().kind(), io::ErrorKind::QuotaExceeded);
        fs::remove_file(store.root.join(UPLOADED).join("1")).unwrap();
        assert!(store.take_in().is_ok());
    }
}
