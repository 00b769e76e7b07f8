//! Kept evidence below the journal's folder, by digest. Owns how it is written and compared; never
//! removes any: what a journal names stays as long as the journal.
//!
//! ```text
//! <state>/evidence/sha256/HEX   the bytes of a piece, which nobody but the owner may read
//! <state>/evidence/temporary/   what is being written
//! ```

#[cfg(test)]
mod of_checks;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use towpath_core::ids::Digest;
use towpath_ports::evidence::{EvidenceStore, PIECE_BYTES_MOST};

/// After how long what was left half written is removed: longer than any disk takes for a piece.
const BEGUN_LATELY: Duration = Duration::from_hours(1);

/// The evidence of one journal. Several processes may work on one folder at once.
#[derive(Clone, Debug)]
pub struct KeptEvidence {
    root: PathBuf,
}

impl KeptEvidence {
    /// That of the journal in `state`. Makes nothing until something is kept.
    pub fn new(state: &Path) -> Self {
        Self { root: crate::absolute(state).join("evidence") }
    }

    fn kept(&self, digest: &Digest) -> PathBuf {
        self.root.join("sha256").join(digest.hex())
    }

    fn write(&self, bytes: &[u8], digest: &Digest) -> io::Result<()> {
        let (folder, temporary) = (self.root.join("sha256"), self.root.join("temporary"));
        for folder in [&folder, &temporary] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        sweep(&temporary);
        let path = temporary.join(format!("{:016x}", rand::random::<u64>()));
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let renamed = written.and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            // Also over what is kept already: the same bytes, or damaged ones that this repairs.
            fs::rename(&path, self.kept(digest))?;
            File::open(&folder)?.sync_all()
        });
        renamed.inspect_err(|_| {
            let _gone_if_renamed = fs::remove_file(&path);
        })
    }

    fn is_whole(&self, digest: &Digest) -> bool {
        matches!(self.read(digest), Ok(Some(_)))
    }
}

/// Removes what a process that died left behind. What cannot be removed now is removed later.
fn sweep(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        let written = entry.metadata().and_then(|data| data.modified());
        let age = written.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        if age.is_ok_and(|age| age >= BEGUN_LATELY) {
            let _left_for_later = fs::remove_file(entry.path());
        }
    }
}

impl EvidenceStore for KeptEvidence {
    fn keep(&self, bytes: &[u8]) -> Result<Digest, String> {
        let digest = Digest::of(bytes);
        if !self.is_whole(&digest) {
            self.write(bytes, &digest)
                .map_err(|error| format!("{}: {error}", self.root.display()))?;
        }
        Ok(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String> {
        let path = self.kept(digest);
        let cannot = |error: io::Error| format!("{}: {error}", path.display());
        let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(error)),
        };
        let mut bytes = Vec::new();
        file.take(PIECE_BYTES_MOST + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if Digest::of(&bytes) != *digest {
            return Err(format!("what is kept under {digest} has other bytes"));
        }
        Ok(Some(bytes))
    }

    fn read_at_most(&self, digest: &Digest, most: u64) -> Result<Option<Vec<u8>>, String> {
        // A link has a size of its own, and is refused where it is read.
        let is_large = fs::symlink_metadata(self.kept(digest)).is_ok_and(|it| it.len() > most);
        if is_large {
            return Ok(None);
        }
        self.read(digest)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn world() -> (tempfile::TempDir, KeptEvidence) {
        let root = tempfile::tempdir().unwrap();
        let store = KeptEvidence::new(root.path());
        (root, store)
    }

    #[test]
    fn what_is_kept_is_read_by_its_owner_alone_and_kept_once() {
        let (_root, store) = world();
        let digest = store.keep(b"a report").unwrap();
        assert_eq!(store.keep(b"a report"), Ok(digest.clone()));
        assert_eq!(store.read(&digest), Ok(Some(b"a report".to_vec())));
        assert_eq!(store.read(&Digest::of(b"another")), Ok(None));
        assert_eq!(store.read_at_most(&digest, 8), Ok(Some(b"a report".to_vec())));
        assert_eq!(store.read_at_most(&digest, 7), Ok(None));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store.kept(&digest)), 0o600);
        assert_eq!(mode(store.kept(&digest).parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
    }

    #[test]
    fn changed_bytes_and_links_are_never_given_out_and_keeping_again_repairs_them() {
        let (root, store) = world();
        let digest = store.keep(b"good").unwrap();
        fs::write(store.kept(&digest), "evil").unwrap();
        assert!(store.read(&digest).unwrap_err().ends_with("has other bytes"));
        store.keep(b"good").unwrap();
        assert_eq!(store.read(&digest), Ok(Some(b"good".to_vec())));
        fs::remove_file(store.kept(&digest)).unwrap();
        fs::write(root.path().join("aside"), "good").unwrap();
        std::os::unix::fs::symlink(root.path().join("aside"), store.kept(&digest)).unwrap();
        assert!(store.read(&digest).is_err());
    }

    #[test]
    fn what_a_dead_process_left_half_written_goes_and_what_is_being_written_stays() {
        let (_root, store) = world();
        store.keep(b"first").unwrap();
        let temporary = store.root.join("temporary");
        for name in ["dead", "living"] {
            fs::write(temporary.join(name), "half").unwrap();
        }
        let then = SystemTime::now() - BEGUN_LATELY;
        File::open(temporary.join("dead")).unwrap().set_modified(then).unwrap();
        store.keep(b"second").unwrap();
        assert!(!temporary.join("dead").exists() && temporary.join("living").exists());
    }
}
