//! One folder with a matrix, and what the binary does in it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use towpath_testkit::loopback::free_address;

use crate::{Visitors, towpath};

/// One folder with a matrix. Everything that was started in it is ended when it is dropped.
pub struct World {
    folder: tempfile::TempDir,
    /// Where the lane `api/production` listens.
    pub address: SocketAddr,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// What it answered.
    pub out: String,
    /// What it said beside it.
    pub err: String,
}

impl Ended {
    /// The last line of the answer as JSON; null when it is none.
    pub fn last(&self) -> Value {
        let line = self.out.lines().rev().find(|line| !line.trim().is_empty());
        line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null)
    }
}

impl Ended {
    /// The whole answer as JSON; null when it is none.
    pub fn last_object(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or(Value::Null)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl World {
    /// A world whose matrix is `matrix`, with `{listen}` in it replaced by a free address.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn new(matrix: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let text = matrix.replace("{listen}", &address.to_string());
        std::fs::write(folder.path().join("towpath.yaml"), text).expect("the matrix is written");
        Self { folder, address }
    }

    /// The same, in which 1.0.0 serves production and 1.1.0, with these settings, is there.
    ///
    /// # Panics
    /// When one of them is refused, or the first does not come to serve.
    pub fn before_second(matrix: &str, settings: &[&str]) -> Self {
        let world = Self::new(matrix);
        world.release("1.0.0", &[]);
        world.release("1.1.0", settings);
        world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
        world
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the journal.
    pub fn state(&self) -> PathBuf {
        self.root().join(".towpath")
    }

    /// Runs one command in the folder, sixty times faster than declared, and waits for its end.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn run(&self, words: &[&str]) -> Ended {
        let mut command = Command::new(towpath());
        command.current_dir(self.root()).args(words).args(["--rehearsal", "60x"]);
        command.output().expect("the binary starts").into()
    }

    /// The same, and it must end with `code`.
    ///
    /// # Panics
    /// When it ends otherwise; says what it said.
    pub fn must(&self, words: &[&str], code: i32) -> Ended {
        let ended = self.run(words);
        assert_eq!(ended.code, code, "towpath {}\n{}\n{}", words.join(" "), ended.out, ended.err);
        ended
    }

    /// Creates a release of the sample service with these settings.
    ///
    /// # Panics
    /// When it is refused.
    pub fn release(&self, version: &str, settings: &[&str]) {
        let file = self.root().join(format!("app-{version}"));
        let text = format!("#!/bin/sh\nexec '{}' sample-service\n", towpath().display());
        std::fs::write(&file, text).expect("the program is written");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("its mode is set");
        let artifact = format!("api={}", file.display());
        let mut words = vec!["release", "create", version, "--artifact", &artifact];
        for setting in settings {
            words.extend(["--setting", setting]);
        }
        self.must(&words, 0);
    }

    /// The page of the sample service that visitors ask for, behind the proxy.
    pub fn page(&self) -> String {
        format!("http://{}/v1/sounds/welcome", self.address)
    }

    /// So many visitors of that page, each of whom asks again 10 ms after the answer.
    pub fn visitors(&self, at_once: usize) -> Visitors {
        Visitors::begin(&self.page(), at_once, Duration::from_millis(10))
    }

    /// `status --json`; null while no engine answers, as just after a crash.
    pub fn status(&self) -> Value {
        let ended = self.run(&["status", "--json"]);
        serde_json::from_str(&ended.out).unwrap_or(Value::Null)
    }

    /// The production lane of `status --json`.
    pub fn lane(&self) -> Value {
        let status = self.status();
        let lanes = status["lanes"].as_array().cloned().unwrap_or_default();
        lanes.into_iter().find(|lane| lane["environment"] == "production").unwrap_or(Value::Null)
    }

    /// The process of the engine.
    pub fn engine(&self) -> Option<Pid> {
        let ended = self.run(&["engine", "status", "--json"]);
        let status: Value = serde_json::from_str(&ended.out).ok()?;
        Pid::from_raw(i32::try_from(status["pid"].as_i64()?).ok()?)
    }

    /// The process of the proxy, from the record that it keeps.
    pub fn proxy(&self) -> Option<Pid> {
        let record = std::fs::read_to_string(self.state().join("proxy/proxy.pid")).ok()?;
        let record: Value = serde_json::from_str(&record).ok()?;
        Pid::from_raw(i32::try_from(record["pid"].as_i64()?).ok()?)
    }

    /// Ends a process at once, as a crash would.
    pub fn crash(&self, process: Pid) {
        // One that has ended already has crashed already.
        let _ = kill_process(process, Signal::KILL);
    }

    /// Waits until `holds`, at most `within`.
    ///
    /// # Panics
    /// When it does not come to hold.
    pub fn until(&self, what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + within;
        while !holds() {
            assert!(Instant::now() < deadline, "not within {within:?}: {what}\n{}", self.status());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until visitors made `more` further requests, at most `within`.
    ///
    /// # Panics
    /// When they do not.
    pub fn until_visited(&self, visitors: &Visitors, more: u64, within: Duration) {
        let before = visitors.requests();
        self.until("visitors go on", within, || visitors.requests() > before + more);
    }

    fn clear(&self) {
        // What has ended already needs no end.
        let _ = self.run(&["engine", "stop"]);
        if let Some(proxy) = self.proxy() {
            let _ = kill_process(proxy, Signal::TERM);
        }
        for status in instance_records(&self.state().join("instances")) {
            if let Some(supervisor) = Pid::from_raw(status) {
                let _ = kill_process(supervisor, Signal::TERM);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("TOWPATH_KEEP").is_some() {
            return;
        }
        self.clear();
    }
}

/// Supervisors that are on record anywhere below `folder`.
fn instance_records(folder: &Path) -> Vec<i32> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(instance_records(&path));
        } else if path.file_name().is_some_and(|name| name == "status.json") {
            let record = std::fs::read_to_string(&path).ok();
            let record = record.and_then(|text| serde_json::from_str::<Value>(&text).ok());
            let pid = record.and_then(|record| record["supervisor"]["pid"].as_i64());
            found.extend(pid.and_then(|pid| i32::try_from(pid).ok()));
        }
    }
    found
}
