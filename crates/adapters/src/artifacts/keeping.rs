//! Bytes on their way into the store, and their hash. Owns that only whole bytes stand under a
//! digest; does not know what they are.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use async_trait::async_trait;
use sha2::Digest as _;
use towpath_core::ids::Digest;
use towpath_core::release::{Artifact, ArtifactForm};
use towpath_ports::artifacts::{ArtifactError, Receiving};

use super::{ARTIFACT_BYTES_MOST, Artifacts, UPLOADED};

pub(super) fn digest_of(read: impl FnOnce(&mut Hashing) -> io::Result<()>) -> io::Result<Digest> {
    let mut hashing = Hashing(sha2::Sha256::new());
    read(&mut hashing)?;
    Ok(Digest::from_hash(&hashing.0.finalize()))
}

/// Takes bytes and keeps nothing of them but their hash.
pub(super) struct Hashing(sha2::Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes on their way into the store: hashed, counted, and gone again unless they are finished.
pub(super) struct Keeping {
    store: Artifacts,
    path: PathBuf,
    file: BufWriter<File>,
    hash: sha2::Sha256,
    size: u64,
}

impl Keeping {
    pub(super) fn begin(store: &Artifacts) -> io::Result<Self> {
        let path = store.temporary()?;
        let file = BufWriter::new(File::create_new(&path)?);
        Ok(Self { store: store.clone(), path, file, hash: sha2::Sha256::new(), size: 0 })
    }

    pub(super) fn finish(
        mut self,
        form: ArtifactForm,
        source: String,
        executable: bool,
    ) -> io::Result<Artifact> {
        let digest = Digest::from_hash(&std::mem::take(&mut self.hash).finalize());
        self.place(&digest, executable)?;
        Ok(Artifact { digest, form, source, size: self.size })
    }

    fn place(&mut self, digest: &Digest, executable: bool) -> io::Result<()> {
        let target = self.store.kept(digest);
        self.place_at(target, executable)
    }

    fn place_at(&mut self, target: PathBuf, executable: bool) -> io::Result<()> {
        self.file.flush()?;
        let was_executable =
            target.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
        let mode = if executable || was_executable { 0o555 } else { 0o444 };
        self.file.get_ref().set_permissions(fs::Permissions::from_mode(mode))?;
        self.file.get_ref().sync_all()?;
        let folder = target.parent().unwrap_or(&self.store.root);
        fs::create_dir_all(folder)?;
        // Also over what is kept already: the same bytes, or damaged ones that this repairs.
        fs::rename(&self.path, &target)?;
        File::open(folder)?.sync_all()
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
        let wanted = digest.clone();
        let placed = move |mut keeping: Keeping| {
            let found = Digest::from_hash(&std::mem::take(&mut keeping.hash).finalize());
            if found != wanted {
                return Ok(None);
            }
            // What is kept for good stays so, and is repaired if it was damaged.
            let for_good = keeping.store.kept(&wanted);
            let waiting = keeping.store.root.join(UPLOADED).join(wanted.hex());
            let target = if for_good.exists() { for_good } else { waiting };
            keeping.place_at(target, executable).map(|()| Some(keeping.size))
        };
        let size = self.on(placed).await?;
        size.ok_or_else(|| ArtifactError::Damaged(digest.to_string()))
    }
}

impl Write for Keeping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        if self.size > ARTIFACT_BYTES_MOST {
            let most = ARTIFACT_BYTES_MOST >> 30;
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it is larger than {most} GiB"),
            ));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        let _renamed_if_finished = fs::remove_file(&self.path);
    }
}
