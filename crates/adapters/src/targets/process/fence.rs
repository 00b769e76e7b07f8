//! Who may change what runs here: the newest owner of the journal, and nobody before it. Owns the
//! greatest epoch that was ever obeyed; changes nothing else.
//!
//! Every change is made while a [`Pass`] is held. Holders of one epoch share the lock; whoever comes
//! with a greater one waits until those holders are through, and from then on the smaller one is
//! refused. So what an old owner changed is there when the new one looks, and nothing is added.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use towpath_core::ids::Epoch;

use super::folder;
use super::work::Stopped;

/// The fence of all instances of a journal on this machine.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    folder: PathBuf,
}

/// The right to change something, held until it is dropped. Held for milliseconds.
#[derive(Debug)]
pub(super) struct Pass {
    _shared: File,
}

impl Fence {
    /// The fence of the journal whose folder is `state`.
    pub(super) fn of(state: &Path) -> Self {
        Self { folder: folder::all_instances(state) }
    }

    /// Lets the owner with epoch `own` in, and shuts every smaller one out for ever. Blocks while
    /// holders of a smaller epoch finish what they change. Safe to repeat.
    ///
    /// # Errors
    /// [`Stopped::Stale`] when a greater epoch was let in before: change nothing.
    pub(super) fn enter(&self, own: Epoch) -> Result<Pass, Stopped> {
        folder::create_private(&self.folder)?;
        let lock = folder::open_lock(&self.folder.join("epoch.lock"))?;
        loop {
            lock.lock_shared()?;
            let current = self.current()?;
            if own < current {
                return Err(Stopped::Stale { own, current });
            }
            if own == current {
                return Ok(Pass { _shared: lock });
            }
            // A lock cannot be made exclusive in one step; between the two another may be faster.
            lock.unlock()?;
            lock.lock()?;
            if own > self.current()? {
                folder::replace(&self.folder, "epoch", &own)?;
            }
            lock.unlock()?;
        }
    }

    /// The greatest epoch that was let in; 0, which no owner has, when none was.
    fn current(&self) -> io::Result<Epoch> {
        Ok(folder::read(&self.folder, "epoch")?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_epoch_is_refused_for_ever_and_told_which_one_is_obeyed() {
        let state = tempfile::tempdir().unwrap();
        let fence = Fence::of(state.path());
        drop(fence.enter(Epoch(3)).unwrap());
        let _shared = (fence.enter(Epoch(3)).unwrap(), fence.enter(Epoch(3)).unwrap());
        let later = Fence::of(state.path());
        let refused = later.enter(Epoch(2)).unwrap_err();
        assert!(matches!(refused, Stopped::Stale { own: Epoch(2), current: Epoch(3) }));
    }

    #[test]
    fn a_new_owner_waits_until_the_old_one_has_finished_what_it_changes() {
        let state = tempfile::tempdir().unwrap();
        let fence = Fence::of(state.path());
        let old = fence.enter(Epoch(1)).unwrap();
        let newer = {
            let fence = fence.clone();
            std::thread::spawn(move || fence.enter(Epoch(2)).map(drop).unwrap())
        };
        // While it waits the old one goes on; once it is in, the old one is out.
        assert_eq!(fence.current().unwrap(), Epoch(1));
        drop(old);
        newer.join().unwrap();
        assert!(matches!(fence.enter(Epoch(1)), Err(Stopped::Stale { .. })));
    }

    #[test]
    fn a_damaged_record_lets_nobody_in() {
        let state = tempfile::tempdir().unwrap();
        let fence = Fence::of(state.path());
        drop(fence.enter(Epoch(1)).unwrap());
        std::fs::write(state.path().join("instances/epoch"), "?").unwrap();
        assert!(matches!(fence.enter(Epoch(2)), Err(Stopped::Disk(_))));
    }
}
