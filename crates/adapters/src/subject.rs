//! The release that a check's evidence must be of: its version and the digests of its artefacts. Owns
//! what counts as naming one of them; reads no evidence.

use towpath_core::check::CheckAnswer;
use towpath_core::ids::{Digest, Name, Version};
use towpath_ports::check::CheckRequest;

/// What evidence must be of.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) version: Version,
    /// What it was built from, where somebody said so.
    pub(crate) commit: Option<String>,
    /// Never empty.
    pub(crate) artifacts: Vec<(Name, Digest)>,
}

/// The release that is asked about, as the journal knows it.
///
/// # Errors
/// The answer of a check that cannot tell.
pub(crate) async fn of(request: &CheckRequest) -> Result<Subject, CheckAnswer> {
    let asked = request.evidence.release(&request.lane.service, &request.release).await;
    let version = &request.release.version;
    let cannot = |why: String| CheckAnswer::inconclusive(why);
    let release = asked
        .map_err(|why| cannot(format!("the journal cannot be read: {why}")))?
        .ok_or_else(|| cannot(format!("the journal knows no {version} with this content")))?;
    let artifacts = release.artifacts.into_iter();
    let artifacts: Vec<_> = artifacts.map(|(name, kept)| (name, kept.digest)).collect();
    if artifacts.is_empty() {
        let why = format!("{version} has no artefact that anything could be told of");
        return Err(cannot(why));
    }
    Ok(Subject { version: release.version, commit: release.commit, artifacts })
}

impl Subject {
    /// Whether one of the artefacts has this SHA-256, in hexadecimal digits with or without
    /// `sha256:` before them.
    pub(crate) fn has(&self, sha256: &str) -> bool {
        let hex = sha256.strip_prefix("sha256:").unwrap_or(sha256);
        self.artifacts.iter().any(|(_, digest)| digest.hex().eq_ignore_ascii_case(hex))
    }

    /// Whether `text` is the version, be it with the `v` that tags begin with.
    pub(crate) fn is_version(&self, text: &str) -> bool {
        let own = self.version.as_str();
        text == own || text.strip_prefix('v') == Some(own) || own.strip_prefix('v') == Some(text)
    }
}
