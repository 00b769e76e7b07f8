//! Finds and ends processes of this machine without ever taking a stranger for one of ours. Owns
//! the reading of /proc; starts nothing.
//!
//! A process is ours when its environment carries our mark, or when it stands in the process group
//! of a leader whose boot, id and start time we wrote down. What left the group *and* cleared its
//! environment is out of reach.

mod listening;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

pub(crate) use listening::{Listener, named as named_listener, who_listens};

/// A process, so described that a later one with the same id is not taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The boot during which it runs (/proc/sys/kernel/random/boot_id).
    pub(crate) boot: String,
    /// Its id.
    pub(crate) pid: i32,
    /// When it started, in clock ticks since the boot (field 22 of /proc/PID/stat, proc(5)).
    pub(crate) started: u64,
}

impl Identity {
    /// Describes the process that has `pid` now; none when there is none.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let row = Row::read(pid)?;
        Some(Self { boot: boot_id()?, pid, started: row.started })
    }

    /// Whether it still runs. A zombie does not.
    pub(crate) fn is_alive(&self) -> bool {
        let Some(row) = Row::read(self.pid) else { return false };
        row.started == self.started && row.runs() && boot_id().as_ref() == Some(&self.boot)
    }

    /// Sends `signal` to exactly this process; false when it is gone.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else { return false };
        // The descriptor first, the comparison second: it stays with the process it was opened for.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
        self.is_alive() && pidfd_send_signal(handle, signal).is_ok()
    }
}

/// Whose processes to look for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// An environment entry `NAME=VALUE` that no other process has.
    pub(crate) mark: &'a str,
    /// The leader of their process group, if it is known.
    pub(crate) leader: Option<&'a Identity>,
}

/// Every running process that is wanted, never the caller itself.
pub(crate) fn find(wanted: &Wanted<'_>) -> Vec<Identity> {
    let Some(boot) = boot_id() else { return Vec::new() };
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let user = rustix::process::geteuid().as_raw();
    let group = wanted.leader.filter(|leader| leader.boot == boot && owns_its_group(leader));
    let mut found = Vec::new();
    for pid in pids() {
        if pid == own || !is_user(pid, user) {
            continue;
        }
        let Some(row) = Row::read(pid).filter(Row::runs) else { continue };
        if group.is_some_and(|leader| row.group == leader.pid) || is_marked(pid, wanted.mark) {
            found.push(Identity { boot: boot.clone(), pid, started: row.started });
        }
    }
    found
}

/// Ends every wanted process at once, and those they start meanwhile. Answers how many were found
/// first. Blocks for at most half a second.
pub(crate) fn kill_all(wanted: &Wanted<'_>) -> usize {
    /// Processes can fork while they are being counted; 50 rounds of 10 ms outlast any that does
    /// not do so on purpose.
    const ROUNDS: usize = 50;
    /// While a process becomes another program its environment is empty for a moment, so that it
    /// bears no mark: one look that finds nothing is not enough.
    const QUIET: usize = 2;
    let (mut first, mut quiet) = (0, 0);
    for round in 0..ROUNDS {
        let found = find(wanted);
        if round == 0 {
            first = found.len();
        }
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        if quiet == QUIET {
            break;
        }
        for process in found {
            process.signal(Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    first
}

/// Asks every wanted process to end, waits at most `polite`, then ends the rest. Answers whether
/// none is left.
pub(crate) async fn end(wanted: &Wanted<'_>, polite: Duration) -> bool {
    let members = find(wanted);
    for member in &members {
        member.signal(Signal::TERM);
    }
    let deadline = tokio::time::Instant::now() + polite;
    while members.iter().any(Identity::is_alive) && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    kill_all(wanted);
    find(wanted).is_empty()
}

/// How often to look whether a process is gone: often enough not to be felt, rare enough to cost
/// nothing.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The kernel never gives out a process id that is still in use as a group id. So the group is the
/// leader's as long as nobody else has the leader's id.
fn owns_its_group(leader: &Identity) -> bool {
    Row::read(leader.pid).is_none_or(|row| row.started == leader.started)
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_user(pid: i32, user: u32) -> bool {
    fs::metadata(format!("/proc/{pid}")).is_ok_and(|folder| folder.uid() == user)
}

fn is_marked(pid: i32, mark: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()))
}

fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// What /proc/PID/stat says, proc(5).
struct Row {
    state: u8,
    parent: i32,
    group: i32,
    started: u64,
}

impl Row {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The command's name stands in brackets and may hold anything; all else follows the last one.
    fn parse(stat: &[u8]) -> Option<Self> {
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        let fields: Vec<&str> =
            std::str::from_utf8(stat.get(end + 2..)?).ok()?.split(' ').collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    fn runs(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    fn sleeper(mark: &str) -> std::process::Child {
        let (name, value) = mark.split_once('=').unwrap();
        let mut command = Command::new("/bin/sleep");
        command.arg("600").env(name, value).process_group(0).stdout(Stdio::null());
        command.spawn().unwrap()
    }

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = b"7 (a) S 1 (b) R 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
        let row = Row::parse(stat).unwrap();
        assert_eq!((row.state, row.parent, row.group, row.started), (b'R', 1, 42, 12345));
    }

    #[test]
    fn cve_b16_a_recycled_id_is_never_taken_for_the_process_that_had_it() {
        let mut child = sleeper("TOWPATH_TEST_RECYCLED=1");
        let real = Identity::of(i32::try_from(child.id()).unwrap()).unwrap();
        let earlier = Identity { started: real.started - 1, ..real.clone() };
        let other_boot = Identity { boot: "another".to_owned(), ..real.clone() };
        assert!(real.is_alive() && !earlier.is_alive() && !other_boot.is_alive());
        for stranger in [&earlier, &other_boot] {
            assert!(!stranger.signal(Signal::KILL));
            let wanted = Wanted { mark: "TOWPATH_TEST_NOBODY=1", leader: Some(stranger) };
            assert_eq!(find(&wanted), []);
        }
        assert!(real.signal(Signal::KILL));
        child.wait().unwrap();
        assert!(!real.is_alive());
    }

    #[test]
    fn marked_processes_are_found_in_groups_of_their_own_and_ended() {
        let mark = "TOWPATH_TEST_MARK=one";
        let (mut first, mut second) = (sleeper(mark), sleeper(mark));
        let mut stranger = sleeper("TOWPATH_TEST_MARK=two");
        assert_eq!(kill_all(&Wanted { mark, leader: None }), 2);
        first.wait().unwrap();
        second.wait().unwrap();
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
