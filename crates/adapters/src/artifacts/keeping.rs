//! Bytes on their way into the store, and their hash. Owns that only whole bytes stand under a
//! digest; does not know what they are.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use sha2::Digest as _;
use towpath_core::ids::Digest;
use towpath_core::release::{Artifact, ArtifactForm};

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

    /// The digest of what was written, once, and how many bytes it is.
    pub(super) fn hashed(&mut self) -> (Digest, u64) {
        (Digest::from_hash(&std::mem::take(&mut self.hash).finalize()), self.size)
    }

    pub(super) fn finish(
        mut self,
        form: ArtifactForm,
        source: String,
        executable: bool,
    ) -> io::Result<Artifact> {
        let (digest, size) = self.hashed();
        self.place(&digest, executable)?;
        Ok(Artifact { digest, form, source, size })
    }

    fn place(&mut self, digest: &Digest, executable: bool) -> io::Result<()> {
        let target = self.store.kept(digest);
        self.place_at(&target, executable)
    }

    pub(super) fn place_at(
        &mut self,
        target: &std::path::Path,
        executable: bool,
    ) -> io::Result<()> {
        self.file.flush()?;
        let was_executable =
            target.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
        let mode = if executable || was_executable { 0o555 } else { 0o444 };
        self.file.get_ref().set_permissions(fs::Permissions::from_mode(mode))?;
        self.file.get_ref().sync_all()?;
        let folder = target.parent().unwrap_or(&self.store.root);
        fs::create_dir_all(folder)?;
        // Also over what is kept already: the same bytes, or damaged ones that this repairs.
        fs::rename(&self.path, target)?;
        File::open(folder)?.sync_all()
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
