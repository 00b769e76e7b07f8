//! What of an engine's clients is under way in this process: orders with a key, and bytes that are being
//! taken. Owns how many there may be at once; carries out nothing.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use towpath_core::ids::{Digest, LaneId, Person};

use crate::run_loop::Engine;

/// Bodies of releases that are taken at once: each holds an open file, and more of them do not make a disk
/// faster.
const MOST_UPLOADS: usize = 16;
/// How many of them are one caller's.
const MOST_OF_ONE: usize = 4;
/// Files of evidence that are in memory at once, made or being sent: each has up to 64 MiB.
const MOST_BUNDLES: usize = 2;
/// How long somebody waits for such a place: as long as people wait for a page.
const BUNDLE_WAITS: Duration = Duration::from_secs(10);

/// What is under way.
pub(crate) struct UnderWay {
    orders: Mutex<HashSet<Digest>>,
    uploads: Arc<Semaphore>,
    uploading: Mutex<HashMap<Person, usize>>,
    bundles: Arc<Semaphore>,
    /// Held by whoever reads bills of materials: they are read whole.
    pub(crate) reading_bills: tokio::sync::Mutex<()>,
    probing: Mutex<HashMap<LaneId, Arc<Probing>>>,
    /// Held by whoever reads the whole journal: each has one of the few readers for as long.
    pub(crate) verifying: tokio::sync::Mutex<()>,
}

impl Default for UnderWay {
    fn default() -> Self {
        Self {
            orders: Mutex::default(),
            uploads: Arc::new(Semaphore::new(MOST_UPLOADS)),
            uploading: Mutex::default(),
            bundles: Arc::new(Semaphore::new(MOST_BUNDLES)),
            reading_bills: tokio::sync::Mutex::default(),
            probing: Mutex::default(),
            verifying: tokio::sync::Mutex::default(),
        }
    }
}

/// The looks at one lane that people asked for.
#[derive(Default)]
struct Probing {
    begun: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

impl Probing {
    async fn once(&self, round: impl Future<Output = ()>) {
        let seen = self.begun.load(Ordering::SeqCst);
        let _turn = self.turn.lock().await;
        if self.begun.load(Ordering::SeqCst) == seen {
            self.begun.fetch_add(1, Ordering::SeqCst);
            round.await;
        }
    }
}

/// Bytes of a release that are being taken; no longer when this is dropped.
pub struct Uploading {
    engine: Engine,
    by: Person,
    _permit: OwnedSemaphorePermit,
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

    /// A place to take bytes of a release that `by` sends, for as long as the answer is kept. None when all are
    /// taken, or all that one caller may have; then whoever sends comes back.
    pub fn place_for_upload(&self, by: &Person) -> Option<Uploading> {
        let permit = Arc::clone(&self.shared.under_way.uploads).try_acquire_owned().ok()?;
        let has_room = self.uploading(|uploading| {
            let own = uploading.entry(by.clone()).or_default();
            let has_room = *own < MOST_OF_ONE;
            *own += usize::from(has_room);
            has_room
        });
        let of = || Uploading { engine: self.clone(), by: by.clone(), _permit: permit };
        has_room.then(of)
    }

    /// A place to make a file of evidence and to send it, for as long as the answer is kept. None when none
    /// became free within ten seconds.
    pub async fn place_for_bundle(&self) -> Option<OwnedSemaphorePermit> {
        let free = Arc::clone(&self.shared.under_way.bundles).acquire_owned();
        tokio::time::timeout(BUNDLE_WAITS, free).await.ok()?.ok()
    }

    /// Does `round` for a lane, one after the other. Whoever asked before one began that has ended meanwhile
    /// shares it: however many ask, what serves is asked by one at a time.
    pub(crate) async fn probed_once(&self, lane: &LaneId, round: impl Future<Output = ()>) {
        let probing = {
            let mut all = self.shared.under_way.probing.lock();
            let all = all.as_mut().expect("no holder of this lock panics");
            Arc::clone(all.entry(lane.clone()).or_default())
        };
        probing.once(round).await;
    }

    fn uploading<T>(&self, change: impl FnOnce(&mut HashMap<Person, usize>) -> T) -> T {
        change(&mut self.shared.under_way.uploading.lock().expect("no holder of this lock panics"))
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

impl Drop for Uploading {
    fn drop(&mut self) {
        self.engine.uploading(|uploading| {
            if let Some(own) = uploading.get_mut(&self.by) {
                *own -= 1;
            }
            uploading.retain(|_, own| *own > 0);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_ask_during_a_round_share_the_next_one_and_later_ones_have_their_own() {
        let (probing, rounds) = (Probing::default(), AtomicU64::new(0));
        let (goes_on, waits) = tokio::sync::oneshot::channel();
        let count = || async {
            rounds.fetch_add(1, Ordering::SeqCst);
        };
        let first = probing.once(async {
            count().await;
            waits.await.unwrap();
        });
        let others = async {
            let all = futures_util::future::join_all((0..50).map(|_| probing.once(count())));
            let lets = async {
                assert_eq!(rounds.load(Ordering::SeqCst), 1);
                goes_on.send(()).unwrap();
            };
            tokio::join!(all, lets);
        };
        tokio::join!(first, others);
        assert_eq!(rounds.load(Ordering::SeqCst), 2);
        probing.once(count()).await;
        assert_eq!(rounds.load(Ordering::SeqCst), 3);
    }
}
