//! Bytes that came from elsewhere, until a release names them. Owns how many these may be; does not know
//! which releases there are.

use std::fs::{self, File};
use std::io::{self, Write as _};

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_ports::artifacts::{ArtifactError, Receiving};

use super::keeping::Keeping;
use super::{ARTIFACT_BYTES_MOST, Artifacts};

/// The most bytes that wait for a release that names them: four of the largest artefacts. What is not named
/// goes after a day.
const UPLOADED_BYTES_MOST: u64 = 4 * ARTIFACT_BYTES_MOST;
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
        let waiting = match fs::read_dir(self.root.join(UPLOADED)) {
            Ok(entries) => entries
                .map(|entry| entry?.metadata().map(|data| data.len()))
                .sum::<io::Result<u64>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if waiting >= UPLOADED_BYTES_MOST {
            let most = UPLOADED_BYTES_MOST >> 30;
            let cause = format!("{most} GiB were sent that no release names");
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, cause));
        }
        Taking::begin(self)
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

/// Bytes that come from elsewhere.
pub(super) struct Taking {
    store: Artifacts,
    /// None while a piece is being written, and for good once that failed.
    keeping: Option<Keeping>,
}

impl Taking {
    /// Waits for the disk.
    pub(super) fn begin(store: &Artifacts) -> io::Result<Self> {
        Ok(Self { store: store.clone(), keeping: Some(Keeping::begin(store)?) })
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
        done.map_err(|source| ArtifactError::Io { path: self.store.root.clone(), source })
    }
}

#[async_trait]
impl Receiving for Taking {
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), ArtifactError> {
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
            let target = if for_good.exists() { for_good } else { waiting };
            keeping.place_at(&target, executable).map(|()| Some(size))
        };
        let size = self.on(placed).await?;
        size.ok_or_else(|| ArtifactError::Damaged(digest.to_string()))
    }
}
