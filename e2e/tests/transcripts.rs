//! The story that the command line was drawn for, told by the real binary: what a person sees is
//! compared with the pages in `e2e/transcripts`. `TOWPATH_BLESS=1` writes them anew; read what changed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use towpath_e2e::{Ended, Transcript, World};

const MATRIX: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  staging:
    tier: staging
    target: { kind: process, command: ["{artifact}"], instances: 2 }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
  production:
    after: staging
    tier: production
    target: { kind: process, command: ["{artifact}"], instances: 2 }
    router: { kind: towpath, listen: {listen} }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
    gate:
      prerequisites:
        - { check: attested, name: User acceptance testing complete, by: [qa] }
      validation:
        - { check: http, name: Production environment ready, url: "{green}/ready", expect: 200 }
    rollout:
      strategy: blue-green
      steps: [ { weight: 10%, bake: 2m }, { weight: 100%, bake: 1m } ]
    accept_unenforced: [user-acceptance-testing-complete.by]
    standby: 24h
    rollback: { mode: automatic, when: { error_rate: "> 5%" } }
"#;

const UAT: &str = "User acceptance testing complete";
const TO_PRODUCTION: [&str; 3] = ["promote", "staging", "production"];
/// The prompt, and what is typed at it.
const CONFIRMED: Option<(&str, &str)> = Some(("(Enter stops): ", "production\n"));

/// A world, and a transcript for each page.
struct Stage {
    world: World,
    known: Vec<(String, &'static str)>,
    pages: RefCell<BTreeMap<&'static str, Transcript>>,
}

impl Stage {
    fn new() -> Self {
        let world = World::new(MATRIX);
        world.release("1.0.0", &[]);
        world.must(&["promote", "staging", "--release", "1.0.0"], 0);
        let history = world.must(&["history", "--json"], 0).out;
        let history: serde_json::Value = serde_json::from_str(&history).expect("it is JSON");
        let person = history["promotions"][0]["by"].as_str().expect("somebody did").to_owned();
        let known = vec![
            (world.root().display().to_string(), "FOLDER"),
            (format!("by {person}"), "by PERSON"),
            (format!("{person} attested"), "PERSON attested"),
            (format!("{person}:"), "PERSON:"),
            (format!(" {person} "), " PERSON "),
        ];
        Self { world, known, pages: RefCell::default() }
    }

    fn note(&self, page: &'static str, words: &[&str], ended: &Ended) {
        let mut pages = self.pages.borrow_mut();
        let page = pages.entry(page).or_insert_with(|| Transcript::new(&self.known));
        page.add(words, ended);
    }

    /// On a terminal.
    fn see(&self, page: &'static str, words: &[&str], answer: Option<(&str, &str)>) {
        self.note(page, words, &self.world.see(words, answer));
    }

    /// Off a terminal: what comes on stdout, then what comes on stderr.
    fn plain(&self, page: &'static str, words: &[&str]) {
        self.note(page, words, &self.world.run(words));
    }

    /// Carries a release through staging, and says what production asks to be said.
    fn prepare(&self, version: &str, setting: &str) {
        self.world.release(version, &[setting]);
        self.world.must(&["promote", "staging", "--release", version], 0);
        self.world.must(&["attest", "production", UAT, "--release", version], 0);
    }

    /// Both environments were asked since what serves there began to.
    fn is_probed(&self) {
        for environment in ["staging", "production"] {
            self.world.must(&["health", environment], 0);
        }
    }

    fn compare(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
        let pages = self.pages.borrow();
        let differ: Vec<String> = pages
            .iter()
            .filter_map(|(name, page)| page.differs(&folder.join(format!("{name}.txt"))))
            .collect();
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }
}

#[test]
fn the_story_is_told_as_it_was_drawn() {
    let stage = Stage::new();
    help(&stage);
    before(&stage);
    let visitors = stage.world.visitors(16);
    waits(&stage);
    goes_back(&stage);
    off_a_terminal(&stage);
    rolls_back(&stage);
    looks(&stage);
    visitors.end();
    without_an_engine(&stage);
    stage.compare();
}

fn help(stage: &Stage) {
    stage.see("help", &["help"], None);
    stage.see("help", &["promote", "--help"], None);
    stage.see("help", &["deploy", "production"], None);
    stage.see("help", &["promote", "staging", "prduction"], None);
}

/// The first release: nothing serves before it.
fn before(stage: &Stage) {
    stage.see("plan", &["plan", "staging", "production"], None);
    stage.world.must(&["attest", "production", UAT], 0);
    stage.world.must(&["promote", "staging", "production", "--yes"], 0);
}

/// A release that waits for a person's word, and then goes well.
fn waits(stage: &Stage) {
    stage.world.release("1.1.0", &["TTS_VOICE=bea"]);
    stage.see("promote", &["promote", "staging", "--release", "1.1.0"], None);
    stage.see("plan", &["plan", "staging", "production"], None);
    let no_wait = [&TO_PRODUCTION[..], &["--no-wait"]].concat();
    stage.see("why", &no_wait, CONFIRMED);
    stage.see("why", &["why", "production"], None);
    stage.see("waiting", &["waiting"], None);
    stage.is_probed();
    stage.see("status", &["status"], None);
    stage.see("why", &["attest", "production", UAT], None);
    stage.see("promote", &["watch", "4"], None);
    stage.see("why", &["why", "production"], None);
}

/// A release that fails: refused at first, then thrown out by the guard.
fn goes_back(stage: &Stage) {
    stage.world.release("1.2.0", &["FAIL_RATE=0.2"]);
    let promote = [&TO_PRODUCTION[..], &["--release", "1.2.0", "--yes"]].concat();
    stage.see("refusals", &promote, None);
    stage.prepare("1.2.0", "FAIL_RATE=0.2");
    stage.see("why", &["why", "production"], None);
    stage.see("plan", &["plan", "staging", "production"], None);
    stage.see("went-back", &TO_PRODUCTION, CONFIRMED);
    stage.is_probed();
    stage.see("status", &["status"], None);
    stage.see("refusals", &promote, None);
}

fn off_a_terminal(stage: &Stage) {
    stage.prepare("1.3.0", "TTS_VOICE=cle");
    stage.plain("refusals", &TO_PRODUCTION);
    stage.plain("promote-plain", &[&TO_PRODUCTION[..], &["--yes"]].concat());
    stage.plain("promote-plain", &[&TO_PRODUCTION[..], &["--yes"]].concat());
}

fn rolls_back(stage: &Stage) {
    let rollback = ["rollback", "production", "staging", "--reason", "wrong prices on invoices"];
    stage.see("rollback", &["rollback", "production", "--dry-run"], None);
    stage.see("rollback", &rollback, None);
    stage.see("history", &["history", "production"], None);
    stage.plain("history", &["history", "production"]);
    stage.see("quarantine", &["quarantine", "list"], None);
}

fn looks(stage: &Stage) {
    stage.see("audit", &["audit", "verify"], None);
    stage.is_probed();
    stage.plain("status", &["status"]);
    stage.plain("json", &["status", "--json"]);
    stage.prepare("1.4.0", "TTS_VOICE=dot");
    stage.plain("json", &[&TO_PRODUCTION[..], &["--release", "1.2.0", "--yes", "--json"]].concat());
    stage.plain("json", &[&TO_PRODUCTION[..], &["--yes", "--json"]].concat());
}

fn without_an_engine(stage: &Stage) {
    stage.see("status", &["engine", "stop"], None);
    stage.see("status", &["status"], None);
    stage.plain("status", &["status"]);
    stage.see("waiting", &["waiting"], None);
    stage.see("rollback", &["rollback", "production"], None);
}
