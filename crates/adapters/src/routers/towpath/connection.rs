//! The way to the journal's proxy: started when there is none, connected to when there is one. Owns
//! that there is never more than one per journal; knows nothing of lanes.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use towpath_ports::Site;
use towpath_ports::router::RouterError;
use towpath_proxy::{
    Handle, HandleError, Options, PROCESS_NAME, ProcessRecord, Refusal, SOCKET_NAME, Workers,
};

use crate::own_program::{self, Started};
use crate::printable::escaped;
use crate::processes::Identity;

/// How long a proxy may take until it answers: it starts in milliseconds and reads its table.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How long a question is repeated over new connections.
const REPEATED_FOR: Duration = Duration::from_secs(2);
/// A proxy of ours that ended at once may have found another one that only begins; that one has as
/// long to show itself.
const OTHERS_WITHIN: Duration = Duration::from_secs(2);
/// The first pause between two attempts to connect; each doubles, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Runs the proxy of `folder` in a session of its own until it is told to end, with so many threads
/// that forward requests, else one for each processor. The subcommand `proxy --dir DIR` of the program
/// is this. Blocks. While another proxy serves the folder, it ends at once and changes nothing.
///
/// Success: told to end. Failure: it could not start; the reason is the last line on standard error,
/// where the router looks for it.
pub fn run_proxy(folder: &std::path::Path, workers: Option<usize>) -> ExitCode {
    // A process that leads a group already cannot begin a session; then it has one of its own.
    let _leads_already = rustix::process::setsid();
    let workers = workers.map_or(Workers::PerCore, Workers::Count);
    match towpath_proxy::run(Options { workers, ..Options::new(folder) }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use io::Write as _;
            let _nobody_reads = writeln!(io::stderr(), "proxy {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// A connection to the proxy of one journal, made when it is needed and made anew when it is lost.
pub(super) struct Connection {
    folder: PathBuf,
    program: PathBuf,
    open: Mutex<Option<Handle>>,
}

impl Connection {
    /// To the proxy of `site`. Starts and connects to nothing yet.
    pub(super) fn new(site: &Site) -> Self {
        let folder = crate::absolute(&site.state).join("proxy");
        Self { folder, program: crate::absolute(&site.program), open: Mutex::new(None) }
    }

    /// Asks the proxy; again over a new connection when the old one is gone, because a proxy that is
    /// just dying still accepts. What is asked must be safe to repeat. Blocks at most for
    /// [`REPEATED_FOR`], the start of a proxy and one answer.
    pub(super) async fn ask<T, Answer>(
        &self,
        asked: impl Fn(Handle) -> Answer + Send + Sync,
    ) -> Result<Result<T, Refusal>, RouterError>
    where
        T: Send,
        Answer: Future<Output = Result<T, HandleError>> + Send,
    {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match asked(self.handle().await?).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(HandleError::Refused(refusal)) => return Ok(Err(refusal)),
                Err(gone @ HandleError::Disconnected { .. }) => {
                    *self.open.lock().await = None;
                    if began.elapsed() >= REPEATED_FOR {
                        return Err(RouterError::Unavailable(gone.to_string()));
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The open connection, or a new one, to a new proxy if there is none.
    pub(super) async fn handle(&self) -> Result<Handle, RouterError> {
        let mut open = self.open.lock().await;
        if let Some(handle) = &*open {
            return Ok(handle.clone());
        }
        let handle = self.connect().await?;
        *open = Some(handle.clone());
        Ok(handle)
    }

    async fn connect(&self) -> Result<Handle, RouterError> {
        let deadline = Instant::now() + ANSWERS_WITHIN;
        let mut pause = FIRST_PAUSE;
        let mut started: Option<(Started, Instant)> = None;
        loop {
            let gone = match Handle::connect(self.folder.join(SOCKET_NAME)).await {
                Ok(handle) => return Ok(handle),
                Err(error) => error,
            };
            match &started {
                Some((own, _)) if own.ended().is_none() => {}
                _ if self.proxy_lives() => {}
                Some((_, at)) if at.elapsed() >= OTHERS_WITHIN => {
                    return Err(RouterError::Unavailable(self.why_it_ended()));
                }
                Some(_) => {}
                None => {
                    let own = self.start();
                    let own = own.map_err(|error| RouterError::Unavailable(error.to_string()))?;
                    started = Some((own, Instant::now()));
                }
            }
            if Instant::now() >= deadline {
                return Err(RouterError::Unavailable(gone.to_string()));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Starts a proxy. If somebody else is faster, it ends by itself: its folder has a lock.
    fn start(&self) -> io::Result<Started> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let arguments = ["proxy".as_ref(), "--dir".as_ref(), self.folder.as_os_str()];
        own_program::start(&self.program, &arguments, &self.log())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("proxy.log")
    }

    /// Whether the process that wrote itself down as the folder's proxy still runs.
    fn proxy_lives(&self) -> bool {
        let Ok(bytes) = std::fs::read(self.folder.join(PROCESS_NAME)) else { return false };
        let Ok(record) = serde_json::from_slice::<ProcessRecord>(&bytes) else { return false };
        let Ok(pid) = i32::try_from(record.pid) else { return false };
        Identity { boot: record.boot_id, pid, started: record.start_ticks }.is_alive()
    }

    fn why_it_ended(&self) -> String {
        let said = std::fs::read(self.log()).unwrap_or_default();
        let last = said.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        match last {
            Some(line) => format!("it ended at once: {}", escaped(line)),
            None => format!("it ended at once and said nothing in {}", self.log().display()),
        }
    }
}
