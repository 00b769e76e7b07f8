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

use super::{ARTIFACT_BYTES_MOST, Artifacts};

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
        self.file.flush()?;
        let target = self.store.kept(digest);
        let was_executable =
            target.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
        let mode = if executable || was_executable { 0o555 } else { 0o444 };
        self.file.get_ref().set_permissions(fs::Permissions::from_mode(mode))?;
        self.file.get_ref().sync_all()?;
        let folder = self.store.root.join("sha256");
        fs::create_dir_all(&folder)?;
        // Also over what is kept already: the same bytes, or damaged ones that this repairs.
        fs::rename(&self.path, target)?;
        File::open(&folder)?.sync_all()
    }

    fn failed(&self, source: io::Error) -> ArtifactError {
        ArtifactError::Io { path: self.path.clone(), source }
    }
}

#[async_trait]
impl Receiving for Keeping {
    fn take(&mut self, piece: &[u8]) -> Result<(), ArtifactError> {
        self.write_all(piece).map_err(|source| self.failed(source))
    }

    async fn finish(
        mut self: Box<Self>,
        digest: &Digest,
        executable: bool,
    ) -> Result<u64, ArtifactError> {
        let found = Digest::from_hash(&std::mem::take(&mut self.hash).finalize());
        if found != *digest {
            return Err(ArtifactError::Damaged(digest.to_string()));
        }
        let path = self.path.clone();
        let placing = move || {
            let placed = self.place(&found, executable);
            placed.map(|()| self.size).map_err(|source| self.failed(source))
        };
        let placed = tokio::task::spawn_blocking(placing).await;
        placed.unwrap_or_else(|error| {
            Err(ArtifactError::Io { path, source: io::Error::other(error) })
        })
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
