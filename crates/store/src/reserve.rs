//! Space that is kept beside an SQLite journal for the day on which its disk is full: it is given up so
//! that what brings traffic back can still be written. Owns the file and the rule when it is made
//! again; does not know which turns may use it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Enough for thousands of turns: a whole promotion with its return writes some hundred kilobytes, and
/// the write-ahead log grows by what a checkpoint could not take over yet.
pub(crate) const BYTES: u64 = 64 << 20;

/// What is said about the disk while it is too full for new work; shared with whoever reads.
pub(crate) type Shortage = Arc<Mutex<Option<String>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// None was made: there was no room, or the place has none.
    Absent,
    /// The file has its whole size.
    Held,
    /// It was given up. The file is there and empty, so that the next program knows as well.
    Spent,
}

/// The reserve of one journal. Calls take as long as a call to the filesystem.
#[derive(Debug)]
pub(crate) struct Reserve {
    file: Option<PathBuf>,
    bytes: u64,
    standing: Standing,
    shortage: Shortage,
}

impl Reserve {
    /// For a database that is not a file of ours, and for rehearsals: nothing real depends on them.
    pub(crate) fn none() -> Self {
        Self { file: None, bytes: 0, standing: Standing::Absent, shortage: Shortage::default() }
    }

    /// The reserve of `bytes` beside `journal`, as it was left. Makes nothing.
    pub(crate) fn beside(journal: &Path, bytes: u64) -> Self {
        let mut name = journal.as_os_str().to_owned();
        name.push("-reserve");
        let file = PathBuf::from(name);
        let standing = match std::fs::metadata(&file) {
            Ok(found) if found.len() == 0 => Standing::Spent,
            Ok(found) if found.len() == bytes && found.blocks() * 512 >= bytes => Standing::Held,
            _ => Standing::Absent,
        };
        Self { file: Some(file), bytes, standing, shortage: Shortage::default() }
    }

    /// Where a shortage is told.
    pub(crate) fn shortage(&self) -> Shortage {
        Arc::clone(&self.shortage)
    }

    /// Whether it was given up and could not be made again: then there is room for nothing new.
    pub(crate) fn is_spent(&self) -> bool {
        self.standing == Standing::Spent
    }

    /// Makes it, unless it is there, where as much again stays free: a reserve that fills the disk
    /// would cause what it is kept for. Safe to repeat.
    pub(crate) fn make(&mut self) {
        let Some(file) = &self.file else { return };
        if self.standing == Standing::Held {
            return;
        }
        if self.missing() == 0 {
            match allocate(file, self.bytes) {
                Ok(()) => self.standing = Standing::Held,
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error, "no space is kept in reserve");
                }
            }
        }
        self.tell(self.is_spent());
    }

    /// Says so when there is none although there should be.
    pub(crate) fn warn_if_absent(&self) {
        if let (Some(file), Standing::Absent) = (&self.file, self.standing) {
            let missing_mib = mib(self.missing());
            tracing::warn!(file = %file.display(), missing_mib, "no space is kept in reserve");
        }
    }

    /// Gives it up. Whether that helped; not when it is not there.
    pub(crate) fn spend(&mut self) -> bool {
        let Some(file) = &self.file else { return false };
        if self.standing != Standing::Held {
            return false;
        }
        let emptied = OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(0));
        match emptied {
            Ok(()) => {
                tracing::error!(file = %file.display(), "the disk is full; the reserve is given up");
                self.standing = Standing::Spent;
                self.tell(true);
                true
            }
            Err(error) => {
                tracing::error!(file = %file.display(), %error, "the reserve cannot be given up");
                false
            }
        }
    }

    /// Notes whether new work is refused for want of space.
    pub(crate) fn tell(&self, is_short: bool) {
        let mut shortage = self.shortage.lock().expect("no holder of this lock panics");
        if is_short {
            *shortage = Some(self.sentence());
        } else if shortage.is_some() {
            *shortage = None;
        }
    }

    /// What is wrong, what still goes on, and what helps.
    pub(crate) fn sentence(&self) -> String {
        let disk = self.file.as_deref().and_then(Path::parent);
        let disk = disk.map_or("the journal".to_owned(), |path| path.display().to_string());
        let needed = match self.missing() {
            _ if self.file.is_none() => "some space is".to_owned(),
            missing => format!("{} MiB more are", mib(missing)),
        };
        let goes_on = match self.standing {
            Standing::Absent => "nothing was written",
            Standing::Held | Standing::Spent => "rollbacks, aborts and what runs go on",
        };
        format!(
            "the disk with {disk} is full: nothing new is taken until {needed} free there, and \
             {goes_on}; no restart is needed"
        )
    }

    /// Bytes that must be freed until there is room for the reserve and as much again.
    fn missing(&self) -> u64 {
        let wanted = if self.standing == Standing::Held { self.bytes } else { self.bytes * 2 };
        let directory = self.file.as_deref().and_then(Path::parent);
        let found = directory.and_then(|directory| rustix::fs::statvfs(directory).ok());
        let free = found.map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
        wanted.saturating_sub(free)
    }
}

/// At least 1: a full disk is never told to be short of nothing.
fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20).max(1)
}

/// Makes `file` with `bytes` that the filesystem really sets aside; nothing of it stays after an error.
fn allocate(file: &Path, bytes: u64) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    set_aside(&made, bytes).inspect_err(|_| {
        // It stays empty if even this fails, and counts as spent.
        let _ = made.set_len(0);
    })
}

#[cfg(target_os = "linux")]
fn set_aside(file: &File, bytes: u64) -> io::Result<()> {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
    file.sync_all()
}

/// Elsewhere written byte by byte: not every system can set blocks aside.
#[cfg(not(target_os = "linux"))]
fn set_aside(mut file: &File, bytes: u64) -> io::Result<()> {
    use std::io::Write as _;
    let block = vec![1; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len() as u64);
        file.write_all(&block[..usize::try_from(part).unwrap_or(block.len())])?;
        left -= part;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_made_with_all_its_blocks_given_up_and_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let journal = directory.path().join("journal.db");
        let mut reserve = Reserve::beside(&journal, 1 << 20);
        assert!(!reserve.spend(), "there is none yet");
        reserve.make();
        let found = std::fs::metadata(directory.path().join("journal.db-reserve")).unwrap();
        assert!(found.blocks() * 512 >= 1 << 20, "{} blocks", found.blocks());
        assert!(reserve.spend() && reserve.is_spent());
        assert!(reserve.shortage().lock().unwrap().as_deref().unwrap().contains("is full"));
        let mut next = Reserve::beside(&journal, 1 << 20);
        assert!(next.is_spent(), "the next program knows as well");
        next.make();
        assert!(!next.is_spent());
        assert_eq!(*next.shortage().lock().unwrap(), None);
    }

    #[test]
    fn a_reserve_that_would_fill_the_disk_is_not_made() {
        let directory = tempfile::tempdir().unwrap();
        let journal = directory.path().join("journal.db");
        let mut reserve = Reserve::beside(&journal, 1 << 60);
        reserve.make();
        assert!(!reserve.is_spent(), "new work goes on without one");
        assert!(!directory.path().join("journal.db-reserve").exists());
    }
}
