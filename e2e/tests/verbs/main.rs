//! What every verb does to a promotion, with the real binary: its effect and its exit code. Owns
//! the matrices that the modules share; judges no traffic beyond what a verb promises.

mod forged;
mod gates;
mod holding;
mod plans;
mod quiet;
mod reading;
mod settings;
mod signals;
mod types;
mod unattended;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use towpath_e2e::{Ended, World, production, towpath};

/// How long an engine may take for what it does at once; far above what it needs, because the
/// machine that tests is shared.
const SOON: Duration = Duration::from_secs(20);

/// Two steps; the first lasts so long that no test sees its end.
const SLOW: &str = "{ steps: [ { weight: 25%, bake: 2h }, { weight: 100%, bake: 1m } ] }";
/// One step that ends at once.
const AT_ONCE: &str = "{ strategy: all-at-once }";

/// A pipeline of two environments without a router, where promotions take no time.
const PIPELINE: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  staging:
    tier: staging
    target: { kind: process, command: ["{artifact}"] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
  production:
    after: staging
    tier: production
    target: { kind: process, command: ["{artifact}"] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
    standby: 1h
"#;

/// One environment with a router. Behind `rollout` other keys may follow, none of them indented.
fn routing(rollout: &str) -> String {
    let rest = r#"
standby: 1h
rollback: { mode: automatic, when: { error_rate: "> 5%", signals: [security-incident] } }
"#;
    production(1, &format!("rollout: {rollout}{rest}"))
}

/// A world with a router in which 1.0.0 serves and 1.1.0 is there.
fn routed(rollout: &str) -> World {
    World::before_second(&routing(rollout), &["TTS_VOICE=bea"])
}

/// A command that goes on in the background, as in a terminal of its own.
struct Begun {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Begun {
    /// Starts it, in a process group of its own and with its answers as JSON.
    fn new(world: &World, words: &[&str]) -> Self {
        let mut command = Command::new(towpath());
        command.current_dir(world.root()).args(words).args(["--rehearsal", "60x", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.process_group(0).spawn().expect("the binary starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, lines }
    }

    /// Its next line; null at the end.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("it can be read");
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    /// Reads until an event of this name, which must come.
    fn hears(&mut self, event: &str) -> Value {
        loop {
            let line = self.line();
            assert!(!line.is_null(), "it ended before it heard of `{event}`");
            if line["event"] == event {
                return line;
            }
        }
    }

    /// What a terminal does at Ctrl-C.
    fn interrupt(&self) {
        let group = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process_group(group, rustix::process::Signal::INT)
            .expect("it runs still");
    }

    /// Waits for its end.
    fn end(mut self) -> Ended {
        let mut out = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut out).expect("it can be read");
        let status = self.child.wait().expect("it can be waited for");
        Ended { code: status.code().unwrap_or(-1), out, err: String::new() }
    }
}

/// Begins a promotion into production and watches it until green has a quarter of the visitors.
fn under_way(world: &World, version: &str) -> (Begun, u64) {
    let mut watcher = Begun::new(world, &["promote", "production", "--release", version, "--yes"]);
    let weight = watcher.hears("weight");
    assert_eq!(weight["green"].as_f64(), Some(0.25), "{weight}");
    (watcher, weight["promotion"].as_u64().expect("a promotion has a number"))
}

/// Creates a release of another change type than a feature.
fn release_of_type(world: &World, version: &str, change_type: &str) {
    release_as(world, version, change_type, &[]);
}

/// The same, created with more words.
fn release_as(world: &World, version: &str, change_type: &str, more: &[&str]) {
    let file = world.root().join(format!("app-{version}"));
    let text = format!("#!/bin/sh\nexec '{}' sample-service\n", towpath().display());
    std::fs::write(&file, text).expect("the program is written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&file, mode).expect("its mode is set");
    let artifact = format!("api={}", file.display());
    let setting = format!("TTS_VOICE=voice{version}");
    let words = ["release", "create", version, "--artifact", &artifact, "--type", change_type];
    world.must(&[&words[..], &["--setting", &setting], more].concat(), 0);
}

/// The answer of a command as one JSON object.
fn json(world: &World, words: &[&str]) -> Value {
    let ended = world.must(&[words, &["--json"]].concat(), 0);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

/// Asserts that production is as it was: `version` serves all visitors and nothing is quarantined.
fn is_untouched(world: &World, version: &str) {
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], version, "{lane}");
    assert_eq!(lane["weights"]["blue"].as_f64(), Some(1.0), "{lane}");
    assert_eq!(lane["quarantined"].as_array().map(Vec::len), Some(0), "{lane}");
}
