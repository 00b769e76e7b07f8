//! Processes that a bench starts: bound to a processor, ended with the bench. Ends nothing that it
//! did not start.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};

/// A start or an end that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(10);

/// Between two looks whether something happened.
const PAUSE: Duration = Duration::from_millis(5);

/// A process that is ended when this is dropped.
pub(super) struct Running {
    child: Child,
}

impl Running {
    /// Starts `program`, on one processor if one is given, in a session of its own: the scheduler
    /// shares a busy machine out among sessions (sched(7), autogroup), and the product's proxy takes
    /// one by itself. What it says is dropped, except where it says why it cannot go on.
    ///
    /// # Errors
    /// When `setsid` or `taskset` is not installed.
    pub(super) fn start(core: Option<usize>, program: &str, words: &[&str]) -> Result<Self> {
        let mut command = Command::new("setsid");
        if let Some(core) = core {
            command.args(["taskset", "--cpu-list", &core.to_string()]);
        }
        let child = command
            .arg(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child })
    }

    /// Its number; `setsid` and `taskset` become the program, so this is the program's.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until something listens at `address`.
    ///
    /// # Errors
    /// When the process ends first, or takes too long.
    pub(super) fn until_listening(&mut self, address: SocketAddr) -> Result<()> {
        self.until(&address.to_string(), || TcpStream::connect(address).is_ok())
    }

    /// Waits until `holds`, which is called `what`.
    ///
    /// # Errors
    /// When the process ends first, or takes too long.
    pub(super) fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !holds() {
            if let Some(status) = self.child.try_wait()? {
                bail!("waiting for {what}: the process ended at once: {status}");
            }
            if Instant::now() > deadline {
                bail!("waiting for {what}: nothing within {} s", LIMIT.as_secs());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Asks it to end and waits for that; kills it when it does not.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // One that has just ended needs no signal.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port that was free a moment ago.
///
/// # Errors
/// When the loopback interface has none.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Binds the calling thread, and what it starts from now on, to one processor.
///
/// # Errors
/// When there is no such processor.
pub(super) fn bind_this_thread(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("there is no processor {core}"))
}
