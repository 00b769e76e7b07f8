//! A project in a folder of its own, sixty times faster than declared, and what the product's
//! command line does in it. Ends everything that was started in it, and nothing else.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::running::free_address;

/// One environment with a step of two seconds and one of one.
const MATRIX: &str = r#"
version: 1
project: bench
services:
  api: { purpose: Answers }
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"], instances: 2 }
    router: { kind: towpath, listen: LISTEN }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
    gate:
      validation:
        - { check: http, name: Ready, url: "{green}/ready", expect: 200 }
    rollout:
      strategy: blue-green
      steps: [ { weight: 25%, bake: 2m }, { weight: 100%, bake: 1m } ]
    standby: 1h
    rollback: { mode: automatic, when: { error_rate: "> 5%" } }
"#;

/// Whole minutes become seconds.
const SPEED: &str = "60x";

/// A project.
pub(super) struct Rehearsal {
    folder: tempfile::TempDir,
    binary: PathBuf,
    /// Where its service answers.
    pub(super) address: SocketAddr,
}

impl Rehearsal {
    /// A project that `binary` works on, with the sample service as `releases`.
    ///
    /// # Errors
    /// When the product refuses.
    pub(super) fn new(binary: &Path, releases: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let address = free_address()?;
        let matrix = MATRIX.replace("LISTEN", &address.to_string());
        std::fs::write(folder.path().join("towpath.yaml"), matrix)?;
        let rehearsal = Self { folder, binary: binary.to_owned(), address };
        for version in releases {
            let file = rehearsal.root().join(format!("app-{version}"));
            let program = binary.display();
            let text = format!("#!/bin/sh\n# {version}\nexec '{program}' sample-service\n");
            std::fs::write(&file, text)?;
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755))?;
            let artifact = format!("api={}", file.display());
            rehearsal.run(&["release", "create", version, "--artifact", &artifact])?;
        }
        Ok(rehearsal)
    }

    /// The folder.
    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the journal.
    pub(super) fn state(&self) -> PathBuf {
        self.root().join(".towpath")
    }

    /// A command in the folder, not started yet.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(self.root()).args(words).args(["--rehearsal", SPEED]);
        command
    }

    /// Runs a command, which must succeed, and returns what it answered.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub(super) fn run(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().context("cannot run the product")?;
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "towpath {}\n{out}\n{err}", words.join(" "));
        Ok(out.into_owned())
    }

    /// The process of its proxy, if there is one.
    pub(super) fn proxy(&self) -> Option<u32> {
        number(&self.state().join("proxy/proxy.pid"), &["pid"])
    }

    /// The processes of its supervisors and of what they watch, each pair once.
    pub(super) fn supervised(&self) -> Vec<(u32, Option<u32>)> {
        let mut found = Vec::new();
        collect(&self.state().join("instances"), &mut found);
        found
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // What has ended already needs no end.
        let _ = self.run(&["engine", "stop"]);
        let supervisors = self.supervised().into_iter().map(|(supervisor, _)| supervisor);
        for pid in self.proxy().into_iter().chain(supervisors) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
    }
}

/// A number in a JSON file, by the names that lead to it.
fn number(file: &Path, names: &[&str]) -> Option<u32> {
    let record: Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    let value = names.iter().try_fold(&record, |value, name| value.get(name))?;
    u32::try_from(value.as_u64()?).ok()
}

fn collect(folder: &Path, found: &mut Vec<(u32, Option<u32>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.file_name().is_some_and(|name| name == "status.json")
            && let Some(supervisor) = number(&path, &["supervisor", "pid"])
        {
            found.push((supervisor, number(&path, &["app", "pid"])));
        }
    }
}
