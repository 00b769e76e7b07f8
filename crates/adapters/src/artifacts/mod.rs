//! Kept bytes of releases, by digest, below the journal's folder. Owns how they are written and
//! checked; knows nothing of releases, and removes only what it is told that nobody wants.
//!
//! ```text
//! <state>/artifacts/sha256/HEX     the bytes: a file, or the archive of a folder
//! <state>/artifacts/unpacked/HEX/  a folder as it is given out
//! <state>/artifacts/uploaded/HEX   bytes that came from elsewhere and that no release has named yet
//! <state>/artifacts/temporary/     what is being written, and damaged folders that may be in use
//! ```
//!
//! Kept files cannot be written to. Folders can, so that everybody may remove the journal's folder;
//! what was kept of them is compared with the digest before each use instead. What a program wrote
//! beside it is left alone.

mod archive;
#[cfg(test)]
mod attacks;
mod keeping;
mod source;
mod sweep;
#[cfg(test)]
mod tests;
mod tree;
mod uploaded;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_core::release::{Artifact, ArtifactForm};
use towpath_ports::artifacts::{ArtifactError, ArtifactStore, Named, Receiving};

use self::archive::Wanted;
use self::keeping::{Keeping, digest_of};
pub use self::source::shown;
pub use self::tree::TREE_BYTES_MOST;
use self::uploaded::UPLOADED;
use crate::outgoing::{self, Redirects};

/// The largest artefact in bytes, 8 GiB: larger than every image of a machine that we know of to be
/// deployed as a file, small enough that a mistake does not fill a disk.
pub const ARTIFACT_BYTES_MOST: u64 = 8 << 30;

/// The artefact store of one journal. Cheap to clone; several may work on one folder at once.
#[derive(Clone, Debug)]
pub struct Artifacts {
    state: PathBuf,
    root: PathBuf,
    /// Bytes that come from elsewhere at this moment.
    incoming: Arc<AtomicU64>,
    /// Held while some of them get their place.
    placing: Arc<Mutex<()>>,
}

/// Why bytes were not kept. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It could not be read or written, or is of a form that is not kept.
    #[error("{path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The address is not one that is downloaded from; final.
    #[error("{0}")]
    Refused(String),
    /// The server did not give it; may pass.
    #[error("{url}: {reason}")]
    Download {
        /// From where.
        url: String,
        /// What happened.
        reason: String,
    },
}

impl Artifacts {
    /// The store below the journal's folder `state`. Makes nothing until something is kept.
    pub fn new(state: &Path) -> Self {
        Self::apart(state, state)
    }

    /// A store below `folder` for a look at what the one of `state` would keep: nothing is written
    /// into the journal's folder, and nothing of it is read.
    pub fn apart(folder: &Path, state: &Path) -> Self {
        let root = crate::absolute(folder).join("artifacts");
        let (incoming, placing) = Default::default();
        Self { root, state: crate::absolute(state), incoming, placing }
    }

    /// Keeps the file at `path`; that it can be executed is kept as well. Safe to repeat.
    ///
    /// # Errors
    /// [`KeepError::Io`]: it is no file, cannot be read, or is larger than
    /// [`ARTIFACT_BYTES_MOST`].
    pub async fn keep_file(&self, path: &Path) -> Result<Artifact, KeepError> {
        let (own, path) = (self.clone(), path.to_owned());
        let source = path.display().to_string();
        self.in_background(path.clone(), move || {
            let mut file = File::open(&path)?;
            let data = file.metadata()?;
            if !data.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
            }
            let mut kept = Keeping::begin(&own)?;
            io::copy(&mut file, &mut kept)?;
            let executable = data.permissions().mode() & 0o111 != 0;
            kept.finish(ArtifactForm::File, source, executable)
        })
        .await
    }

    /// Keeps the folder at `path` with all that is in it, except this journal's own folder. Links
    /// that lead out of it are refused. The same content has the same digest everywhere. Safe to
    /// repeat.
    ///
    /// # Errors
    /// [`KeepError::Io`]: it is no folder, holds what is neither file, folder nor inner link, or
    /// more than 200,000 entries or [`ARTIFACT_BYTES_MOST`].
    pub async fn keep_directory(&self, path: &Path) -> Result<Artifact, KeepError> {
        let (own, path) = (self.clone(), path.to_owned());
        let source = path.display().to_string();
        self.in_background(path.clone(), move || {
            let skipped = own.state.canonicalize().unwrap_or_else(|_| own.state.clone());
            let mut kept = Keeping::begin(&own)?;
            archive::pack(&path, &Wanted::AllBut(skipped), &mut kept)?;
            kept.finish(ArtifactForm::Directory, source, false)
        })
        .await
    }

    /// Downloads and keeps the file at `url`, following redirects. A user, a password and the query
    /// of the address are used but neither kept nor told: they may be secrets. A download has no mode: it can be
    /// executed when it begins as a program does (ELF, or `#!`). Safe to repeat. Takes as long as
    /// the server needs, with at most a minute between two pieces.
    ///
    /// # Errors
    /// [`KeepError::Refused`] for an address that may not be asked, [`KeepError::Download`] when the
    /// server says no or breaks off, [`KeepError::Io`] when the disk does.
    pub async fn keep_url(&self, url: &str) -> Result<Artifact, KeepError> {
        let refused = |why: String| KeepError::Refused(why);
        let parsed = reqwest::Url::parse(url)
            .map_err(|error| refused(format!("the address of the artefact: {error}")))?;
        let shown = source::without_secrets(&parsed);
        outgoing::ensure_allowed(&shown).map_err(refused)?;
        let failed = |reason: String| KeepError::Download { url: shown.to_string(), reason };
        let quiet = std::time::Duration::from_mins(1);
        let client =
            outgoing::client(Redirects::Anywhere).connect_timeout(quiet).read_timeout(quiet);
        let broken = |error: reqwest::Error| failed(outgoing::reason(&error.without_url()));
        let client = client.build().map_err(broken)?;
        let mut response = client.get(parsed).send().await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(failed(format!("the server answers {}", response.status())));
        }
        let io = |source: io::Error| KeepError::Io { path: self.root.clone(), source };
        let mut kept = Keeping::begin(self).map_err(io)?;
        let mut start = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            start.extend(chunk.iter().take(4_usize.saturating_sub(start.len())));
            kept.write_all(&chunk).map_err(io)?;
        }
        let executable = start.starts_with(b"#!") || start.starts_with(b"\x7fELF");
        kept.finish(ArtifactForm::File, shown.to_string(), executable).map_err(io)
    }

    /// Where the bytes of a digest are, and whether they can be executed, if they are kept. They are not
    /// compared with it; whoever takes them does that.
    pub fn bytes_of(&self, digest: &Digest) -> Option<(PathBuf, bool)> {
        let path = self.kept(digest);
        let mode = path.metadata().ok()?.permissions().mode();
        Some((path, mode & 0o111 != 0))
    }

    async fn in_background(
        &self,
        path: PathBuf,
        work: impl FnOnce() -> io::Result<Artifact> + Send + 'static,
    ) -> Result<Artifact, KeepError> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
        done.map_err(|source| KeepError::Io { path, source })
    }

    /// Does what waits for the disk, off the threads that answer requests.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, ArtifactError> {
        let own = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&own)).await;
        let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
        done.map_err(|source| ArtifactError::Io { path: self.root.clone(), source })
    }

    fn kept(&self, digest: &Digest) -> PathBuf {
        self.root.join("sha256").join(digest.hex())
    }

    /// Gives out what is kept after it has been read and compared.
    fn checked(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        let kept = self.kept(&artifact.digest);
        let io = |source: io::Error| ArtifactError::Io { path: kept.clone(), source };
        if !kept.exists() {
            self.name(&artifact.digest).map_err(io)?;
        }
        let digest = match File::open(&kept) {
            Ok(mut file) => digest_of(|hash| io::copy(&mut file, hash).map(drop)).map_err(io)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArtifactError::Missing(artifact.digest.to_string()));
            }
            Err(error) => return Err(io(error)),
        };
        if digest != artifact.digest {
            return Err(ArtifactError::Damaged(artifact.digest.to_string()));
        }
        match artifact.form {
            ArtifactForm::File => Ok(kept),
            ArtifactForm::Directory => self.unpacked(&artifact.digest).map_err(io),
            ArtifactForm::Image => Err(ArtifactError::Missing(artifact.digest.to_string())),
        }
    }

    /// The folder of a kept archive, unpacked anew when it is not there or what was kept of it
    /// was changed.
    fn unpacked(&self, digest: &Digest) -> io::Result<PathBuf> {
        let folder = self.root.join("unpacked").join(digest.hex());
        if self.is_intact(&folder, digest) {
            return Ok(folder);
        }
        let fresh = self.temporary()?;
        fs::create_dir(&fresh)?;
        let unpacked = File::open(self.kept(digest)).and_then(|file| {
            archive::unpack(io::BufReader::new(file), &fresh, ARTIFACT_BYTES_MOST)
        });
        let placed = unpacked.and_then(|()| {
            fs::create_dir_all(self.root.join("unpacked"))?;
            replace_folder(&folder, &fresh, &self.temporary()?)
        });
        if let Err(error) = placed {
            let _best_effort = fs::remove_dir_all(&fresh);
            // Somebody else may have been faster with the same content.
            return if self.is_intact(&folder, digest) { Ok(folder) } else { Err(error) };
        }
        Ok(folder)
    }

    /// Whether all that was kept is in `folder` as it was kept. More may be there: programs write
    /// beside their own files, such as Python its `__pycache__`.
    fn is_intact(&self, folder: &Path, digest: &Digest) -> bool {
        let kept = File::open(self.kept(digest));
        let Ok(entries) = kept.and_then(archive::entries) else { return false };
        let now = digest_of(|hash| archive::pack(folder, &Wanted::These(entries), hash));
        now.is_ok_and(|now| now == *digest)
    }

    fn temporary(&self) -> io::Result<PathBuf> {
        let folder = self.root.join("temporary");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{:016x}", rand::random::<u64>())))
    }
}

/// Puts `fresh` in the place of `folder`, and what was there `aside`: something may run from it. When
/// `fresh` does not get there, `folder` is as it was.
fn replace_folder(folder: &Path, fresh: &Path, aside: &Path) -> io::Result<()> {
    match File::open(folder) {
        // What is aside is swept by its age, and that begins now.
        Ok(old) => old.set_modified(SystemTime::now())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fs::rename(fresh, folder);
        }
        Err(error) => return Err(error),
    }
    fs::rename(folder, aside)?;
    fs::rename(fresh, folder).inspect_err(|_| {
        let _fails_when_another_is_there = fs::rename(aside, folder);
    })
}

#[async_trait]
impl ArtifactStore for Artifacts {
    async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        let artifact = artifact.clone();
        self.beside(move |own| Ok(own.checked(&artifact))).await?
    }

    async fn gone(&self, digests: &BTreeSet<Digest>) -> BTreeSet<Digest> {
        let (own, digests) = (self.clone(), digests.clone());
        let is_gone = move |digest: &Digest| {
            let places = [own.kept(digest), own.root.join(UPLOADED).join(digest.hex())];
            places.iter().all(|path| {
                let found = fs::symlink_metadata(path);
                found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
            })
        };
        let look = move || digests.into_iter().filter(is_gone).collect();
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    async fn receive(&self) -> Result<Box<dyn Receiving>, ArtifactError> {
        let began = self.beside(Self::take_in).await?;
        Ok(Box::new(began))
    }

    async fn taken(&self, digest: &Digest, most: u64) -> Result<Option<Vec<u8>>, ArtifactError> {
        let digest = digest.clone();
        self.beside(move |own| own.uploaded(&digest, most)).await
    }

    async fn sweep(&self, named: &Named) -> Result<u64, ArtifactError> {
        let named = named.clone();
        self.beside(move |own| Ok(own.swept(&named))).await?
    }
}
