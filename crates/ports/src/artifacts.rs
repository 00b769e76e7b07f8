//! Kept bytes of releases, by digest.

use std::path::PathBuf;

use async_trait::async_trait;
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
