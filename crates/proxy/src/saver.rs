//! Writes evidence on a thread of its own, in order, so that a slow disk never holds up a lease or
//! the stream. Owns when a file of intervals is written anew; decides nothing about counts.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::disk::{self, Disk};
use crate::evidence::{Evidence, KEPT_BUCKETS};

/// Writes that may wait: a second's worth for every route a proxy can have, and some.
const QUEUE: usize = 4_096;
/// Writes waiting at which a save is put off to the next second; room stays for what must not wait.
const BUSY: usize = 2_048;

/// A handle to the writing thread.
#[derive(Debug)]
pub(crate) struct Saver {
    jobs: SyncSender<Job>,
    standing: Arc<Mutex<Standing>>,
    /// Lines in each file of intervals that was written since the start.
    lines: HashMap<String, usize>,
}

#[derive(Debug, Default)]
struct Standing {
    waiting: usize,
    problem: Option<String>,
    /// Files that miss something, to be written anew.
    incomplete: HashSet<PathBuf>,
}

enum Job {
    Replace(PathBuf, Vec<u8>),
    Append(PathBuf, Vec<u8>),
    Remove(PathBuf),
    Flush(SyncSender<()>),
}

impl Saver {
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, inbox) = sync_channel(QUEUE);
        let standing = Arc::new(Mutex::new(Standing::default()));
        let shared = Arc::clone(&standing);
        thread::Builder::new().name("proxy-saver".into()).spawn(move || work(&inbox, &shared))?;
        Ok(Self { jobs, standing, lines: HashMap::new() })
    }

    /// Has everything written that changed since the last time. While the disk lags behind, it is
    /// put off, and nothing is forgotten.
    pub(crate) fn save(&mut self, disk: &Disk, name: &str, evidence: &mut Evidence) {
        if lock(&self.standing).waiting >= BUSY {
            return;
        }
        let buckets_path = disk.buckets_path(name);
        let totals_path = disk.totals_path(name);
        let incomplete = lock(&self.standing).incomplete.remove(&buckets_path);
        let (totals, buckets) = evidence.take_unwritten();
        let totals = totals.map(disk::encode);
        let appended: Vec<u8> = buckets.iter().flat_map(disk::encode).collect();
        let ended = buckets.len();
        // The totals have gone on to the next interval: written first, a kill between the two writes
        // would lose the one that just ended.
        let lines = self.lines.get(name).map_or(usize::MAX, |lines| lines + ended);
        if incomplete || (ended > 0 && lines > 2 * KEPT_BUCKETS) {
            let all: Vec<u8> = evidence.finished().flat_map(disk::encode).collect();
            self.lines.insert(name.to_owned(), evidence.finished().count());
            self.send(Job::Replace(buckets_path, all));
        } else if ended > 0 {
            self.lines.insert(name.to_owned(), lines);
            self.send(Job::Append(buckets_path, appended));
        }
        if let Some(totals) = totals {
            self.send(Job::Replace(totals_path, totals));
        }
    }

    /// Has the guard of a route written.
    pub(crate) fn save_judge(&self, disk: &Disk, name: &str, judge: Vec<u8>) {
        self.send(Job::Replace(disk.judge_path(name), judge));
    }

    /// Has the evidence of a removed route deleted.
    pub(crate) fn forget(&mut self, disk: &Disk, name: &str) {
        self.lines.remove(name);
        self.send(Job::Remove(disk.totals_path(name)));
        self.send(Job::Remove(disk.buckets_path(name)));
        self.send(Job::Remove(disk.judge_path(name)));
    }

    /// Waits until everything asked for so far is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.jobs.send(Job::Flush(done)).is_ok() {
            let _answered = wait.recv();
        }
    }

    /// Why the last write failed, if it did.
    pub(crate) fn problem(&self) -> Option<String> {
        lock(&self.standing).problem.clone()
    }

    fn send(&self, job: Job) {
        lock(&self.standing).waiting += 1;
        // The thread lives as long as this handle.
        let _sent = self.jobs.send(job);
    }
}

fn work(inbox: &Receiver<Job>, standing: &Mutex<Standing>) {
    while let Ok(job) = inbox.recv() {
        let (path, written) = match job {
            Job::Flush(done) => {
                let _told = done.send(());
                continue;
            }
            Job::Replace(path, content) => {
                let written = disk::replace(&path, &content, false);
                (path, written)
            }
            Job::Append(path, lines) => {
                let written = disk::append(&path, &lines);
                (path, written)
            }
            Job::Remove(path) => {
                let _gone = fs::remove_file(&path);
                (path, Ok(()))
            }
        };
        let mut standing = lock(standing);
        standing.waiting -= 1;
        match written {
            Ok(()) => standing.problem = None,
            Err(error) => {
                if path.extension().is_some_and(|extension| extension == "buckets") {
                    standing.incomplete.insert(path);
                }
                standing.problem = Some(error.to_string());
            }
        }
    }
}

fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_that_ended_is_written_before_totals_that_no_longer_hold_it() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path()).unwrap();
        let (jobs, inbox) = sync_channel(QUEUE);
        let lines = HashMap::from([("r".to_owned(), 0)]);
        let mut saver = Saver { jobs, standing: Arc::default(), lines };
        let mut evidence = Evidence::default();
        evidence.advance(100, 100);
        evidence.advance(200, 100);
        saver.save(&disk, "r", &mut evidence);
        assert!(
            matches!(inbox.try_recv(), Ok(Job::Append(path, _)) if path == disk.buckets_path("r"))
        );
        assert!(
            matches!(inbox.try_recv(), Ok(Job::Replace(path, _)) if path == disk.totals_path("r"))
        );
    }

    #[test]
    fn intervals_survive_a_time_without_room_on_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(directory.path()).unwrap();
        let mut saver = Saver::start().unwrap();
        let mut evidence = Evidence::default();
        for now in (100..=300).step_by(100) {
            evidence.advance(now, 100);
        }
        let evidence_directory = directory.path().join("evidence");
        fs::remove_dir(&evidence_directory).unwrap();
        saver.save(&disk, "r", &mut evidence);
        saver.flush();
        assert!(saver.problem().is_some());
        fs::create_dir(&evidence_directory).unwrap();
        evidence.advance(350, 100);
        saver.save(&disk, "r", &mut evidence);
        saver.flush();
        assert_eq!(saver.problem(), None);
        let (restored, problem) = disk.load_evidence("r");
        assert_eq!(problem, None);
        assert_eq!(restored.buckets_since(0), evidence.buckets_since(0));
    }
}
