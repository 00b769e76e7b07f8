//! The process that stays with one instance: starts its program, takes what it writes, starts it
//! again when it dies, ends it when told. Owns the program's life; decides nothing about releases.
//!
//! A supervisor that is killed leaves its program running. The next one finds it by boot, id and
//! start time and *adopts* it: the program's output goes into named pipes that outlive a
//! supervisor, so nothing breaks, and only the exit status of an adopted program stays unknown.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, Mode};
use rustix::process::Signal;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::clock::{Clock as _, SystemClock};
use towpath_ports::secret::{Masker, Secret};

use super::folder::{ENDS_KEPT, End, Folder, Plan, Status};
use super::log::{LogFile, Splitter, Stream};
use super::port;
use crate::processes::{self, Identity, LOOK_EVERY, Wanted};

/// Supervises the instance in `folder` until it is told to end (SIGTERM) or finds nothing to run.
/// The hidden subcommand `supervise --dir DIR` of the program is this. Blocks. Safe to repeat:
/// while another supervisor of the folder lives, it ends at once and changes nothing.
///
/// Success: told to end, nothing to run, or another one is there. Failure: the folder cannot be
/// read or written; what is wrong stands on standard error.
pub fn supervise(folder: &Path) -> ExitCode {
    // A process that leads a group already cannot begin a session; then it has one of its own.
    let _leads_already = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.and_then(|runtime| runtime.block_on(run(&Folder::at(folder))));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use io::Write as _;
            let _nobody_reads = writeln!(io::stderr(), "{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Those who only look whether the lock is free hold it for microseconds; a second is enough to
/// tell them from a supervisor.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

async fn run(folder: &Folder) -> io::Result<()> {
    let terminate = signal(SignalKind::terminate())?;
    // A terminal that goes away is no reason to end.
    let _ignored = (signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?);
    let deadline = Instant::now() + LOCK_PATIENCE;
    let _lock = loop {
        match folder.try_supervise()? {
            Some(lock) => break lock,
            None if Instant::now() >= deadline => return Ok(()),
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    let Some(plan) = folder.plan()? else { return Ok(()) };
    let mut status = folder.status()?;
    status.supervisor = Identity::of(rustix::process::getpid().as_raw_nonzero().get());
    folder.write_status(&status)?;
    let secrets = folder.secrets()?;
    let masker = Masker::new(secrets.values());
    let open = |stream| Pump::open(folder, stream, &masker);
    let pumps = [open(Stream::Out)?, open(Stream::Err)?];
    let log = LogFile::open(folder.path(), plan.log_limit)?;
    let clock = SystemClock::default();
    let mut supervisor =
        Supervisor { folder: folder.clone(), plan, secrets, status, log, pumps, terminate, clock };
    supervisor.serve().await
}

struct Supervisor {
    folder: Folder,
    plan: Plan,
    secrets: BTreeMap<String, Secret>,
    status: Status,
    log: LogFile,
    pumps: [Pump; 2],
    terminate: tokio::signal::unix::Signal,
    clock: SystemClock,
}

/// The program while it runs. Without a child it was adopted.
struct App {
    identity: Identity,
    child: Option<Child>,
    since: Instant,
}

/// Why a wait ended.
enum Wake {
    Exited,
    Told,
    Elapsed,
}

/// The pause before the first restart; doubled for each that follows.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// A program that ran this long was well; the next pause is the first one again.
const WELL_AFTER: Duration = Duration::from_mins(1);

impl Supervisor {
    async fn serve(&mut self) -> io::Result<()> {
        let mut delay = FIRST_DELAY;
        let mut app = self.adopt();
        loop {
            let began = Instant::now();
            if app.is_none() {
                app = self.start();
            }
            if let Some(running) = &mut app {
                let since = running.since;
                if matches!(self.wait(Some(running), None).await?, Wake::Told) {
                    return self.end(app).await;
                }
                let how = self.collect(app.take().expect("it ran"), since).await?;
                self.note_end(how);
            }
            if began.elapsed() >= WELL_AFTER {
                delay = FIRST_DELAY;
            }
            if matches!(self.wait(None, Some(Instant::now() + delay)).await?, Wake::Told) {
                return self.end(None).await;
            }
            delay = (delay * 2).min(self.plan.restart_delay_most.into());
            self.status.restarts += 1;
        }
    }

    /// Finds the program that a killed supervisor left, and ends whatever else it left.
    fn adopt(&mut self) -> Option<App> {
        if let Some(identity) = self.status.app.take().filter(Identity::is_alive) {
            self.status.app = Some(identity.clone());
            self.save_status();
            return Some(App { identity, child: None, since: Instant::now() });
        }
        processes::kill_all(&Wanted { mark: &self.plan.mark(), leader: None });
        None
    }

    /// Starts the program; none when it could not be started, which counts as an end.
    fn start(&mut self) -> Option<App> {
        if !port::is_free(self.plan.port) {
            self.note_end(port::taken(self.plan.port, processes::named_listener(self.plan.port)));
            return None;
        }
        match self.spawn() {
            Ok(app) => {
                self.status.app = Some(app.identity.clone());
                self.save_status();
                Some(app)
            }
            Err(error) => {
                self.note_end(not_started(&self.plan, &error));
                None
            }
        }
    }

    fn spawn(&self) -> io::Result<App> {
        let plan = &self.plan;
        let mut command = Command::new(&plan.program);
        let secrets = self.secrets.iter().map(|(name, secret)| (name, secret.reveal()));
        command.args(&plan.arguments).env_clear().envs(secrets).envs(&plan.environment);
        command.current_dir(&plan.directory).process_group(0).stdin(Stdio::null());
        command.stdout(self.pumps[0].end_for_app(&self.folder)?);
        command.stderr(self.pumps[1].end_for_app(&self.folder)?);
        let child = command.spawn()?;
        // Until it is waited for it has an id, even if it has ended already.
        let identity = child.id().and_then(|pid| Identity::of(i32::try_from(pid).ok()?));
        let identity = identity.ok_or_else(|| io::Error::other("/proc does not show it"))?;
        Ok(App { identity, child: Some(child), since: Instant::now() })
    }

    /// Passes on what the program writes until it exits, a signal says to end, or `until`.
    async fn wait(
        &mut self,
        mut app: Option<&mut App>,
        until: Option<Instant>,
    ) -> io::Result<Wake> {
        let Self { pumps: [out, err], log, terminate, clock, .. } = self;
        loop {
            tokio::select! {
                biased;
                _ = terminate.recv() => return Ok(Wake::Told),
                exited = exit_of(app.as_deref_mut()) => return exited.map(|()| Wake::Exited),
                () = elapse(until) => return Ok(Wake::Elapsed),
                read = out.read() => out.pass_on(read?, log, clock.now()),
                read = err.read() => err.pass_on(read?, log, clock.now()),
            }
        }
    }

    /// Says how the program ended, and ends what it left behind: a left process could hold the port.
    async fn collect(&mut self, app: App, since: Instant) -> io::Result<String> {
        let mark = self.plan.mark();
        let left = processes::kill_all(&Wanted { mark: &mark, leader: Some(&app.identity) });
        let ran = Span(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX));
        let ran = if ran < Span::seconds(1) { ran } else { Span::seconds(ran.0 / 1000) };
        let ended = match app.child {
            Some(mut child) => described(child.wait().await?),
            None => {
                "ended with a status that is unknown, because its supervisor was killed,".into()
            }
        };
        self.drain();
        Ok(if left == 0 {
            format!("{ended} after {ran}")
        } else {
            format!(
                "{ended} after {ran} and left {left} processes behind; it must stay in the foreground"
            )
        })
    }

    /// Takes what is still in the pipes, at most as much as they can hold.
    fn drain(&mut self) {
        let now = self.clock.now();
        for pump in &mut self.pumps {
            pump.drain(&mut self.log, now);
        }
    }

    /// Best effort: a full disk shall not stop the program. The next change is written with it.
    fn save_status(&self) {
        let _written_with_the_next_change = self.folder.write_status(&self.status);
    }

    fn note_end(&mut self, how: String) {
        self.status.app = None;
        self.status.ends.push(End { at: self.clock.now(), how });
        let surplus = self.status.ends.len().saturating_sub(ENDS_KEPT);
        self.status.ends.drain(..surplus);
        self.save_status();
    }

    /// Asks the program to end, ends it when it does not, and writes that nothing runs any more.
    async fn end(&mut self, app: Option<App>) -> io::Result<()> {
        let within = self.folder.stop()?.map_or(self.plan.stop_within, |stop| stop.within);
        if let Some(app) = app {
            let mark = self.plan.mark();
            let members = processes::find(&Wanted { mark: &mark, leader: Some(&app.identity) });
            for member in &members {
                member.signal(Signal::TERM);
            }
            let asked = Instant::now();
            let deadline = asked + within.into();
            while Instant::now() < deadline && members.iter().any(Identity::is_alive) {
                self.wait(None, Some(Instant::now() + LOOK_EVERY)).await?;
            }
            let patience_over = app.identity.is_alive();
            let since = app.since;
            let mut how = self.collect_ended(app, since).await?;
            if patience_over {
                how = format!("{how}; it did not end within {within} of SIGTERM");
            }
            self.note_end(how);
        }
        self.save_status();
        Ok(())
    }

    async fn collect_ended(&mut self, app: App, since: Instant) -> io::Result<String> {
        processes::kill_all(&Wanted { mark: &self.plan.mark(), leader: Some(&app.identity) });
        self.collect(app, since).await
    }
}

/// Ends when the program has. Nobody but its parent is told of a process's end; an adopted one has
/// to be looked at.
async fn exit_of(app: Option<&mut App>) -> io::Result<()> {
    /// A person does not notice it, and it costs five file reads a second.
    const LOOK_AT_ADOPTED_EVERY: Duration = Duration::from_millis(200);
    match app {
        Some(App { child: Some(child), .. }) => child.wait().await.map(drop),
        Some(App { identity, .. }) => {
            while identity.is_alive() {
                tokio::time::sleep(LOOK_AT_ADOPTED_EVERY).await;
            }
            Ok(())
        }
        None => std::future::pending().await,
    }
}

async fn elapse(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Why the system did not start the program, with what its own words leave open.
fn not_started(plan: &Plan, error: &io::Error) -> String {
    let kept = plan.program.to_string_lossy();
    let program = if plan.shown.is_empty() { &*kept } else { &plan.shown };
    let more = match error.kind() {
        io::ErrorKind::NotFound if !plan.directory.is_dir() => {
            format!("; the folder in which it starts, {}, is gone", plan.directory.display())
        }
        // execve(2) says so of the interpreter as well.
        io::ErrorKind::NotFound if plan.program.exists() => {
            "; the file is there, so it is the interpreter in its #! line, or its loader".to_owned()
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            "; it is no program of this machine, and has no #! line".to_owned()
        }
        _ => String::new(),
    };
    format!("{program} could not be started: {error}{more}")
}

fn described(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// One named pipe, from the program to the log. Opened for both directions on both sides, so that
/// neither side ever sees the end of it when the other one is replaced.
struct Pump {
    stream: Stream,
    receiver: pipe::Receiver,
    splitter: Splitter,
    buffer: Box<[u8]>,
}

/// What a pipe holds unless told otherwise, pipe(7).
const PIPE_BYTES: usize = 64 * 1024;

impl Pump {
    fn open(folder: &Folder, stream: Stream, masker: &Masker) -> io::Result<Self> {
        let path = folder.path().join(name_of(stream));
        match rustix::fs::mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let receiver = pipe::OpenOptions::new().read_write(true).open_receiver(path)?;
        let buffer = vec![0; PIPE_BYTES].into_boxed_slice();
        Ok(Self { stream, receiver, splitter: Splitter::new(masker.stream()), buffer })
    }

    /// The end that the program writes to: blocking, as programs expect it.
    fn end_for_app(&self, folder: &Folder) -> io::Result<Stdio> {
        let path = folder.path().join(name_of(self.stream));
        Ok(OpenOptions::new().read(true).write(true).open(path)?.into())
    }

    async fn read(&mut self) -> io::Result<usize> {
        loop {
            self.receiver.readable().await?;
            match self.receiver.try_read(&mut self.buffer[..]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }

    fn pass_on(&mut self, read: usize, log: &mut LogFile, now: Timestamp) {
        let Self { stream, splitter, buffer, .. } = self;
        splitter.feed(&buffer[..read], |line| log.write(now, *stream, line));
    }

    fn drain(&mut self, log: &mut LogFile, now: Timestamp) {
        let mut left = PIPE_BYTES;
        while left > 0 {
            let Ok(read) = self.receiver.try_read(&mut self.buffer[..]) else { break };
            self.pass_on(read, log, now);
            left = left.saturating_sub(read.max(1));
        }
        self.splitter.flush(|line| log.write(now, self.stream, line));
    }
}

fn name_of(stream: Stream) -> &'static str {
    match stream {
        Stream::Out => "out",
        Stream::Err => "err",
    }
}
