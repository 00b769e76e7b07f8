//! What of an engine's clients is under way in this process: orders with a key, and bytes that are being
//! taken. Owns how many there may be at once; carries out nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use towpath_core::ids::Digest;

use crate::run_loop::Engine;

/// Bodies of releases that are taken at once: each holds an open file, and more of them do not make a disk
/// faster.
const MOST_UPLOADS: usize = 16;

/// What is under way.
pub(crate) struct UnderWay {
    orders: Mutex<HashSet<Digest>>,
    uploads: Arc<Semaphore>,
    /// Held by whoever reads the whole journal: each has one of the few readers for as long.
    pub(crate) verifying: tokio::sync::Mutex<()>,
}

impl Default for UnderWay {
    fn default() -> Self {
        let uploads = Arc::new(Semaphore::new(MOST_UPLOADS));
        Self { orders: Mutex::default(), uploads, verifying: tokio::sync::Mutex::default() }
    }
}

/// An order that is being carried out; no longer when this is dropped.
pub struct CarriedOut {
    engine: Engine,
    id: Digest,
}

impl Engine {
    /// Notes that the order which is known by `id` is being carried out, for as long as the answer is kept.
    /// None when it is already.
    pub fn carry_out(&self, id: &Digest) -> Option<CarriedOut> {
        let is_new = self.orders_under_way(|orders| orders.insert(id.clone()));
        // Lazily: one that is made and dropped would take the note of the other away.
        is_new.then(|| CarriedOut { engine: self.clone(), id: id.clone() })
    }

    /// A place to take bytes of a release, for as long as the answer is kept. None when all are taken; then
    /// whoever sends comes back.
    pub fn place_for_upload(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shared.under_way.uploads).try_acquire_owned().ok()
    }

    fn orders_under_way<T>(&self, change: impl FnOnce(&mut HashSet<Digest>) -> T) -> T {
        change(&mut self.shared.under_way.orders.lock().expect("no holder of this lock panics"))
    }
}

impl Drop for CarriedOut {
    fn drop(&mut self) {
        self.engine.orders_under_way(|orders| orders.remove(&self.id));
    }
}
