//! Kept bytes of releases, by digest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_core::release::Artifact;

/// Gives out what was kept under a digest.
#[async_trait]
pub trait ArtifactStore: Send + Sync {
    /// A path at which the artefact's file or folder can be read and executed. The bytes are
    /// checked against the digest before the path is given out. Safe to repeat: the same path.
    ///
    /// # Errors
    /// [`ArtifactError::Missing`] when nothing is kept under the digest, [`ArtifactError::Damaged`]
    /// when the bytes are not those of the digest; both are final. [`ArtifactError::Io`] may pass.
    async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError>;

    /// Those of the digests under which nothing is kept. Looks whether something is there and not
    /// whether it is whole. A store that cannot tell answers none.
    async fn gone(&self, _digests: &BTreeSet<Digest>) -> BTreeSet<Digest> {
        BTreeSet::new()
    }

    /// A place for bytes that come from elsewhere. What was taken is given out by [`Self::path`] like all that
    /// is kept, and is gone after a day unless a release names it. A store that takes none says so.
    ///
    /// # Errors
    /// [`ArtifactError::Io`], of the kind `QuotaExceeded` while too much waits to be named, and when there is
    /// no room or nothing is taken.
    async fn receive(&self) -> Result<Box<dyn Receiving>, ArtifactError> {
        let source = std::io::Error::new(std::io::ErrorKind::Unsupported, "nothing is taken here");
        Err(ArtifactError::Io { path: PathBuf::new(), source })
    }

    /// The bytes that were taken from elsewhere under a digest, if they are no more than `most`; none where
    /// nothing was, or it is kept for good already.
    ///
    /// # Errors
    /// [`ArtifactError::Io`] when the disk does not give them.
    async fn taken(&self, _digest: &Digest, _most: u64) -> Result<Option<Vec<u8>>, ArtifactError> {
        Ok(None)
    }

    /// Removes what nobody needs, what was taken and never named, and what was left half written; answers
    /// how many bytes that freed. What was kept within a month, or taken or begun within a day, stays, so it
    /// is safe while somebody keeps more. Safe to repeat. A store that keeps for ever removes nothing.
    ///
    /// # Errors
    /// [`ArtifactError::Io`] when something could not be removed; the rest was.
    async fn sweep(&self, _named: &Named) -> Result<u64, ArtifactError> {
        Ok(0)
    }
}

/// What a journal says of kept bytes.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Those that any release of it names.
    pub all: BTreeSet<Digest>,
    /// Of these, those that no release needs any more.
    pub unneeded: BTreeSet<Digest>,
}

/// Bytes on their way into a store. Dropped before the end they are gone again.
#[async_trait]
pub trait Receiving: Send {
    /// Takes the next piece. Waits for the disk, and holds up nothing else meanwhile: pieces of a MiB cost
    /// little. Not to be called again when it failed or was given up.
    ///
    /// # Errors
    /// [`ArtifactError::Io`], of the kind `FileTooLarge` beyond what the store keeps; give up then.
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), ArtifactError>;

    /// Keeps what was taken if it is what has this digest, and answers how many bytes it has. They are on the
    /// disk when it returns.
    ///
    /// # Errors
    /// [`ArtifactError::Damaged`] when they are other bytes; nothing is kept then.
    async fn finish(
        self: Box<Self>,
        digest: &Digest,
        executable: bool,
    ) -> Result<u64, ArtifactError>;
}

/// Why kept bytes cannot be given out.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Nothing is kept under the digest.
    #[error("nothing is kept under {0}")]
    Missing(String),
    /// The bytes are not those of the digest.
    #[error("what is kept under {0} has other bytes")]
    Damaged(String),
    /// The disk did not answer as it should.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}
