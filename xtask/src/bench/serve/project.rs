//! The project that is measured: a matrix of many lanes, a journal of years, a server. Ends what it started.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::Value;

use super::Order;
use crate::bench::product;
use crate::bench::running::free_address;
use crate::bench::wire::Line;

/// Services; of each there are as many environments.
pub(super) const SERVICES: usize = 8;
/// Environments that one matrix may have.
const MOST: usize = 64;
/// The lane that is copied.
const COPIED: (&str, &str) = ("s-01", "place-01");
/// Where people must agree.
pub(super) const ASKS: &str = "production";
/// The release that copies have, and the one before it; no copy is called so.
const VERSIONS: [&str; 2] = ["6.6.6", "7.7.7"];
/// The release that is carried somewhere while it is measured.
pub(super) const NEW: &str = "8.8.8";
/// A start that takes longer has failed.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Where the journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// A file in the folder.
    Sqlite,
    /// A schema of its own on this server.
    Postgres(String),
}

impl Store {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// A project with its journal.
pub(super) struct Project {
    folder: PathBuf,
    /// Removes the folder in the end; none where it is kept.
    _made: Option<tempfile::TempDir>,
    binary: PathBuf,
    store: Store,
    address: SocketAddr,
    said: Vec<String>,
    /// May look.
    pub(super) looking: String,
    /// A program that may promote.
    pub(super) promoting: String,
    /// Promotions there are.
    pub(super) promotions: u64,
    /// Releases of each service.
    pub(super) releases_of_each: u64,
}

/// A server that is ended with the bench.
pub(super) struct Server {
    child: Child,
    /// From its start until it was ready, in milliseconds.
    pub(super) began_ms: f64,
    pub(super) address: SocketAddr,
    pub(super) socket: PathBuf,
}

impl Project {
    /// Makes it, or takes the one that an earlier bench left.
    pub(super) fn make(root: &Path, binary: &Path, order: &Order) -> Result<Self> {
        let made = order.keep.is_none().then(tempfile::tempdir).transpose()?;
        let folder = match (&order.keep, &made) {
            (Some(kept), _) => std::path::absolute(kept)?,
            (None, Some(made)) => made.path().to_owned(),
            (None, None) => bail!("there is no folder"),
        };
        std::fs::create_dir_all(&folder)?;
        let mut project = Self {
            folder,
            _made: made,
            binary: binary.to_owned(),
            store: order.store.clone(),
            address: free_address()?,
            said: Vec::new(),
            looking: String::new(),
            promoting: String::new(),
            promotions: order.promotions,
            releases_of_each: order.releases / SERVICES as u64,
        };
        // As many files as the system allows: each who follows is one, here and in the server.
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
        let marker = project.folder.join("made");
        if !marker.exists() {
            let environments = order.environments / SERVICES;
            ensure!((2..MOST).contains(&environments), "a matrix has 2 to {MOST} environments");
            project.begin(environments)?;
            project.copy(root, order, environments)?;
            std::fs::write(&marker, "")?;
        }
        let kept = |name: &str| std::fs::read_to_string(project.folder.join(name));
        (project.looking, project.promoting) = (kept("looking")?, kept("promoting")?);
        Ok(project)
    }

    /// What the making of it said.
    pub(super) fn said(&self) -> &[String] {
        &self.said
    }

    /// The file that the new release makes when it is started.
    pub(super) fn mark(&self) -> PathBuf {
        self.folder.join("started")
    }

    /// What a few days of a small team leave behind.
    fn begin(&self, environments: usize) -> Result<()> {
        std::fs::write(self.folder.join("towpath.yaml"), matrix(environments)?)?;
        // One who asks ten thousand times is no attack here.
        let settings =
            "rate: { per_second: 1000000, at_once: 1000000 }\nconnections_per_address: 20000\n";
        std::fs::write(self.folder.join("server.yaml"), settings)?;
        for version in VERSIONS {
            self.release(COPIED.0, version, "")?;
        }
        let mark = format!(": > '{}'\n", self.mark().display());
        for service in 1..=SERVICES {
            self.release(&format!("s-{service:02}"), NEW, &mark)?;
        }
        let server = self.serve()?;
        for version in VERSIONS {
            let words = ["promote", COPIED.1, "--release", version, "--service", COPIED.0, "--yes"];
            self.run(&words)?;
        }
        let token = |words: &[&str]| {
            self.run(&[&["token", "create"], words].concat()).map(|said| said.trim().to_owned())
        };
        std::fs::write(self.folder.join("looking"), token(&["looking"])?)?;
        let may = ["--may", "promote", "--may", "pause", "--for-program", "ci"];
        std::fs::write(
            self.folder.join("promoting"),
            token(&[&["promoting"][..], &may].concat())?,
        )?;
        drop(server);
        Ok(())
    }

    fn release(&self, service: &str, version: &str, before: &str) -> Result<()> {
        let file = self.folder.join(format!("app-{service}-{version}"));
        let program = self.binary.display();
        let text =
            format!("#!/bin/sh\n# {service} {version}\n{before}exec '{program}' sample-service\n");
        std::fs::write(&file, text)?;
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755))?;
        let artifact = format!("api={}", file.display());
        let words = ["release", "create", version, "--service", service, "--artifact", &artifact];
        self.run_on(&words).map(drop)
    }

    /// A command in the folder, which must succeed; what it answered.
    fn run(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        let output = command.current_dir(&self.folder).args(words).output()?;
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "towpath {}\n{out}\n{err}", words.join(" "));
        Ok(out.into_owned())
    }

    /// The same while no server runs: with one for as long.
    fn run_on(&self, words: &[&str]) -> Result<String> {
        let server = self.serve()?;
        let said = self.run(words);
        drop(server);
        said
    }

    /// The journal as its database is named.
    fn location(&self) -> String {
        match &self.store {
            Store::Sqlite => self.folder.join(".towpath/journal.db").display().to_string(),
            Store::Postgres(url) => url.clone(),
        }
    }

    fn copy(&mut self, root: &Path, order: &Order, environments: usize) -> Result<()> {
        let services: Vec<_> = (1..=SERVICES).map(|it| format!("s-{it:02}")).collect();
        let mut places: Vec<_> = (1..environments).map(|it| format!("place-{it:02}")).collect();
        places.push(ASKS.to_owned());
        let lane = format!("{}/{}", COPIED.0, COPIED.1);
        let output = Command::new(product::cargo())
            .args([
                "run",
                "--locked",
                "--quiet",
                "--release",
                "--package",
                "towpath-store",
                "--example",
                "large_journal",
                "--",
            ])
            .args([&self.location(), "large", &lane, &services.join(","), &places.join(",")])
            .args([order.releases.to_string(), order.promotions.to_string()])
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        ensure!(output.status.success(), "the store's example failed");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        self.said.push(format!("the journal was made: {said}"));
        Ok(())
    }

    /// Starts a server, and waits until it is ready.
    pub(super) fn serve(&self) -> Result<Server> {
        let start = Instant::now();
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.folder).args(["serve", "--config", "server.yaml"]);
        command.args(["--listen", &self.address.to_string()]);
        if let Store::Postgres(url) = &self.store {
            command.args(["--database", url]);
        }
        let log = std::fs::File::create(self.folder.join("server.log"))?;
        let child = command.stdout(Stdio::null()).stderr(log).spawn()?;
        let socket = self.folder.join(".towpath/engine.sock");
        let mut server = Server { child, began_ms: 0.0, address: self.address, socket };
        while start.elapsed() < START_LIMIT {
            let answer = Line::over_tcp(self.address)
                .and_then(|mut line| line.ask(b"GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n"));
            if answer.is_ok_and(|answer| answer.status == 200) {
                server.began_ms = start.elapsed().as_secs_f64() * 1000.0;
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                let said = std::fs::read_to_string(self.folder.join("server.log"))?;
                bail!("the server ended at once: {status}\n{said}");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        bail!("the server is not ready within {} s", START_LIMIT.as_secs())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let mut found = Vec::new();
        collect(&self.folder.join(".towpath"), &mut found);
        for pid in
            found.into_iter().filter_map(|pid| i32::try_from(pid).ok().and_then(Pid::from_raw))
        {
            // What has ended already needs no end.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// Supervisors and the proxy, by the files in which they say who they are.
fn collect(folder: &Path, found: &mut Vec<u64>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            collect(&path, found);
        } else if name == "status.json" || name == "proxy.pid" {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let record: Value = serde_json::from_str(&text).unwrap_or_default();
            found.extend(record["supervisor"]["pid"].as_u64().or(record["pid"].as_u64()));
        }
    }
}

impl Server {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// A matrix of so many environments with all services in each.
fn matrix(environments: usize) -> Result<String> {
    let whose = Command::new("id").arg("-un").output().context("cannot run id")?.stdout;
    let whose = String::from_utf8(whose)?;
    let mut text = format!(
        "version: 1\nproject: large\npeople:\n  ada: {{ account: {}, roles: [lead] }}\n  \
         ci: {{ bot: true, roles: [lead] }}\n\
         goals: {{ promotion_success_rate: \"> 95%\", promotion_time: \"< 30m\", rollback_time: \"< 10m\", \
         validation_time: \"< 15m\", rollback_success_rate: \"> 95%\" }}\nservices:\n",
        whose.trim()
    );
    for service in 1..=SERVICES {
        writeln!(text, "  s-{service:02}: {{ purpose: One of eight }}")?;
    }
    text.push_str(
        "defaults:\n  all:\n    target: { kind: process, command: [\"{artifact}\"] }\n    \
         health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }\n    \
         rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: 1s } ] }\n    \
         slo: { uptime: \">= 99%\", latency_p95: \"< 500ms\", error_rate: \"< 1%\" }\n    \
         standby: 0s\nenvironments:\n",
    );
    for place in 1..environments {
        writeln!(text, "  place-{place:02}:\n    tier: development")?;
        if place == 1 {
            let listen = free_address()?;
            writeln!(
                text,
                "    services: {{ {}: {{ router: {{ kind: towpath, listen: {listen} }} }} }}",
                COPIED.0
            )?;
        }
    }
    writeln!(text, "  {ASKS}:\n    tier: production\n    approvals: {{ all: {{ lead: 1 }} }}")?;
    Ok(text)
}
