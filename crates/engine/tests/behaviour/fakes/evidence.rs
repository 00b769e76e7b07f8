//! Kept evidence in memory, with or without room. Forgets nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use towpath_core::ids::Digest;
use towpath_ports::evidence::EvidenceStore;

#[derive(Default)]
pub(crate) struct FakeEvidence {
    kept: Mutex<BTreeMap<Digest, Vec<u8>>>,
    is_full: AtomicBool,
}

impl FakeEvidence {
    /// Whether there is no room from now on.
    pub(crate) fn is_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }

    /// Whether any piece has this text in it.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let kept = self.kept.lock().unwrap();
        kept.values().any(|bytes| String::from_utf8_lossy(bytes).contains(text))
    }
}

impl EvidenceStore for FakeEvidence {
    fn keep(&self, bytes: &[u8]) -> Result<Digest, String> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err("the disk is full".to_owned());
        }
        let digest = Digest::of(bytes);
        self.kept.lock().unwrap().insert(digest.clone(), bytes.to_vec());
        Ok(digest)
    }

    fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String> {
        Ok(self.kept.lock().unwrap().get(digest).cloned())
    }
}
