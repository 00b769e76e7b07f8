//! The product's proxy as a process, steered over its control socket as an engine would: one JSON
//! object a line. Knows the wire, not the crate behind it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::running::Running;

/// An answer may wait for a disk.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A running `towpath proxy` and the connection it is steered over.
pub(super) struct Proxy {
    process: Running,
    socket: PathBuf,
    line: BufReader<UnixStream>,
    revision: u64,
}

/// An arm of a route: a release and the one address it answers at.
#[derive(Clone, Debug)]
pub(super) struct Arm {
    /// Its release and deployment, unique in the bench.
    pub(super) name: String,
    /// Where it answers.
    pub(super) address: SocketAddr,
}

/// A route as a bench wants it.
#[derive(Clone, Debug)]
pub(super) struct Route<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Where visitors arrive.
    pub(super) listen: SocketAddr,
    /// The arm that serves.
    pub(super) default: &'a Arm,
    /// The arm that is coming, with its weight in basis points.
    pub(super) candidate: Option<(&'a Arm, u16)>,
}

/// What a route does beside carrying; null is off.
#[derive(Clone, Debug, Default)]
pub(super) struct Duties {
    /// Whom its guard judges and by what.
    pub(super) guard: Value,
    /// Which failures of the candidate the serving arm mends.
    pub(super) rescue: Value,
    /// Which requests are copied to the candidate.
    pub(super) mirror: Value,
}

impl Proxy {
    /// Starts `binary` as a proxy with one worker, or one per processor, and its table in `folder`.
    ///
    /// # Errors
    /// When it does not come up.
    pub(super) fn start(
        binary: &Path,
        folder: &Path,
        core: Option<usize>,
        workers: Option<usize>,
    ) -> Result<Self> {
        let folder = folder.to_str().context("a temporary folder has a plain name")?;
        let binary = binary.to_str().context("the binary's path is no text")?;
        let workers = workers.map(|count| count.to_string());
        let mut words = vec!["proxy", "--dir", folder];
        if let Some(count) = &workers {
            words.extend(["--workers", count]);
        }
        let mut process = Running::start(core, binary, &words)?;
        let socket = Path::new(folder).join("control.sock");
        process.until("the control socket", || UnixStream::connect(&socket).is_ok())?;
        let line = BufReader::new(connect(&socket)?);
        Ok(Self { process, socket, line, revision: 0 })
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Puts a route in force; returns when it is.
    ///
    /// # Errors
    /// When the proxy refuses.
    pub(super) fn apply(&mut self, route: &Route<'_>) -> Result<()> {
        self.apply_with(route, &Duties::default())
    }

    /// The same, with a guard that judges `subject` by the documented defaults and acts.
    ///
    /// # Errors
    /// When the proxy refuses.
    pub(super) fn apply_guarded(&mut self, route: &Route<'_>, subject: &str) -> Result<()> {
        let policy = super::reaction::policy();
        let guard = json!({ "subject": subject, "policy": policy, "acts": true });
        self.apply_with(route, &Duties { guard, ..Duties::default() })
    }

    /// What the guard of a route says; null where nobody is judged.
    ///
    /// # Errors
    /// When the route is not there.
    pub(super) fn judged(&mut self, route: &str) -> Result<Value> {
        let mut said = self.ask(&json!({ "read": { "name": route } }))?;
        Ok(said["route"]["judged"].take())
    }

    /// The same as [`Self::apply`], with duties.
    ///
    /// # Errors
    /// When the proxy refuses.
    pub(super) fn apply_with(&mut self, route: &Route<'_>, duties: &Duties) -> Result<()> {
        self.revision += 1;
        let Duties { guard, rescue, mirror } = duties;
        let candidate = route.candidate.map(|(arm, weight_bp)| {
            json!({
                "arm": spec_of(arm), "weight_bp": weight_bp, "lease_ms": null,
                "rescue": rescue, "mirror": mirror,
            })
        });
        let spec = json!({
            "name": route.name,
            "listen": route.listen,
            "default": spec_of(route.default),
            "candidate": candidate,
            "guard": guard,
        });
        let ask = json!({ "apply": { "spec": spec, "epoch": 1, "revision": self.revision } });
        self.ask(&ask).map(|_| ())
    }

    /// Whether a deployment has requests under way though it left the route.
    ///
    /// # Errors
    /// When the route is not there.
    pub(super) fn is_draining(&mut self, route: &str, deployment: &str) -> Result<bool> {
        let said = self.ask(&json!({ "read": { "name": route } }))?;
        let draining = said["route"]["draining"].as_array().context("no list of the draining")?;
        Ok(draining.iter().any(|one| one["deployment"] == deployment))
    }

    /// How many requests of a route the proxy itself counts as lost.
    ///
    /// # Errors
    /// When the route is not there.
    pub(super) fn lost(&mut self, route: &str) -> Result<u64> {
        let said = self.ask(&json!({ "read": { "name": route } }))?;
        said["route"]["lost"].as_u64().context("no count of the lost")
    }

    /// Reads the outcomes of a route as an engine does, in a thread of its own, until the proxy
    /// ends.
    ///
    /// # Errors
    /// When the proxy does not take the subscription.
    pub(super) fn listen_to(&self, route: &str) -> Result<()> {
        let mut stream = UnixStream::connect(&self.socket)?;
        writeln!(stream, "{}", json!({ "subscribe": { "routes": [[route, null]] } }))?;
        let mut first = [0; 1];
        stream.read_exact(&mut first).context("the subscription was not taken")?;
        // It ends when the proxy closes the stream; nobody waits for it.
        std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        Ok(())
    }

    fn ask(&mut self, ask: &Value) -> Result<Value> {
        writeln!(self.line.get_mut(), "{ask}")?;
        let mut answer = String::new();
        ensure!(self.line.read_line(&mut answer)? > 0, "the proxy closed its control socket");
        let said: Value = serde_json::from_str(&answer)?;
        if let Some(refusal) = said.get("refused") {
            bail!("the proxy refused: {refusal}");
        }
        Ok(said)
    }
}

fn connect(socket: &Path) -> Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    Ok(stream)
}

fn spec_of(arm: &Arm) -> Value {
    json!({
        "label": arm.name,
        "deployment": arm.name,
        "capacity": 1,
        "endpoints": [{ "id": "1", "address": arm.address }],
    })
}
