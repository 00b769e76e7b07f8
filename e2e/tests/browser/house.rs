//! A team's server with something on every page: two services, two environments, releases that serve, wait and move.
//! Owns who is there; looks at nothing.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use towpath_e2e::serving::Serving;
use towpath_e2e::{Visitors, World, towpath};
use towpath_testkit::loopback::free_address;

use crate::driver::{Browser, until};

/// Whoever runs the tests is ada. The second step lasts long enough to be seen.
const MATRIX: &str = r#"
version: 1
project: shop
people:
  ada:  { name: Ada Moreau, account: ACCOUNT, roles: [developer, lead] }
  bea:  { name: Bea Lind, roles: [developer, lead, qa] }
  chen: { name: Chen Wei, roles: [qa] }
services:
  api: { purpose: Takes text in and hands out audio jobs }
  web: { purpose: What visitors see }
defaults:
  all:
    target: { kind: process, command: ["{artifact}"] }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
    rollout: { strategy: all-at-once }
environments:
  staging:
    tier: staging
  production:
    after: staging
    tier: production
    approvals: { all: { lead: 1 } }
    gate:
      prerequisites:
        - { check: attested, name: Tried by hand, by: [qa, lead] }
    services:
      api:
        router: { kind: towpath, listen: {listen} }
        rollout:
          strategy: blue-green
          steps: [ { weight: 10%, bake: FIRST }, { weight: 50%, bake: 30m }, { weight: 100%, bake: 1m } ]
    standby: 24h
"#;

/// Where things happen.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) serving: Option<Serving>,
    address: SocketAddr,
}

impl House {
    /// The server and the team. The first step of `api` in production bakes for `first`, sixty times faster.
    pub(crate) fn new(first: &str) -> Self {
        Self::with(first, |matrix| matrix)
    }

    /// The same with a matrix that is otherwise.
    pub(crate) fn with(first: &str, change: impl FnOnce(String) -> String) -> Self {
        let whose = Command::new("id").arg("-un").output().unwrap().stdout;
        let whose = String::from_utf8(whose).unwrap();
        let matrix = change(MATRIX.replace("ACCOUNT", whose.trim()).replace("FIRST", first));
        let (world, address) = (World::new(&matrix), free_address());
        let mut house = Self { world, serving: None, address };
        house.open();
        house.world.must(&["matrix", "apply"], 0);
        house
    }

    /// Starts the server, at the address that it had.
    pub(crate) fn open(&mut self) {
        self.open_with(&[]);
    }

    /// The same with further options.
    pub(crate) fn open_with(&mut self, more: &[&str]) {
        let options = [&["--rehearsal", "60x"], more].concat();
        self.serving = Some(Serving::begin_at(self.world.root(), self.address, &options));
    }

    /// Ends the server; the engine ends with it.
    pub(crate) fn close(&mut self) {
        assert_eq!(self.serving.take().unwrap().stop(), Some(0));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Somebody else than whoever looks types a command.
    pub(crate) fn bea(&self, words: &[&str]) {
        self.world.must(&[words, &["--act-as", "bea"]].concat(), 0);
    }

    pub(crate) fn release(&self, service: &str, version: &str, more: &[&str]) {
        let file = self.world.root().join(format!("{service}-{version}"));
        let program = towpath();
        let text = format!(
            "#!/bin/sh\n# {service} {version}\nexec '{}' sample-service\n",
            program.display()
        );
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let artifact = format!("{service}={}", file.display());
        let words = ["release", "create", version, "--service", service, "--artifact", &artifact];
        self.bea(&[&words[..], more].concat());
    }

    /// A release on its way into production, where it waits for two people's words; answers its number.
    pub(crate) fn ask_for(&self, version: &str) -> u64 {
        self.bea(&["promote", "staging", "--service", "api", "--release", version, "--yes"]);
        self.ask_again(version)
    }

    /// The same of one that staging has verified.
    pub(crate) fn ask_again(&self, version: &str) -> u64 {
        self.ask_because(version, "it was tried")
    }

    /// The same with a reason.
    pub(crate) fn ask_because(&self, version: &str, reason: &str) -> u64 {
        let own = ["--service", "api", "--release", version, "--yes", "--reason", reason];
        let words = [&["promote", "production", "--no-wait", "--json"][..], &own].concat();
        let ended = self.world.must(&[&words[..], &["--act-as", "bea"]].concat(), 0);
        let number = ended.last()["promotion"].as_u64();
        number.unwrap_or_else(|| panic!("no number in {}", ended.out))
    }

    /// The word of quality assurance, which production asks for.
    pub(crate) fn attest(&self) {
        let words =
            ["attest", "production", "Tried by hand", "--service", "api", "--note", "used it"];
        self.world.must(&[&words[..], &["--act-as", "chen"]].concat(), 0);
    }

    /// The word of whoever runs the tests.
    pub(crate) fn approve(&self, number: u64) {
        self.world.must(&["approve", &number.to_string(), "--note", "read it"], 0);
    }

    /// Waits until this release serves everybody in production.
    pub(crate) fn until_serving(&self, version: &str) {
        until("the release serves", || self.lane()["serves"]["release"] == version);
    }

    /// Waits until some visitors meet the release that comes.
    pub(crate) fn until_baking(&self) {
        until("it bakes", || self.lane()["promotion"]["state"] == "baking");
    }

    pub(crate) fn lane(&self) -> serde_json::Value {
        let status = self.world.status();
        let lanes = status["lanes"].as_array().cloned().unwrap_or_default();
        let is = |lane: &serde_json::Value| {
            lane["environment"] == "production" && lane["service"] == "api"
        };
        lanes.into_iter().find(is).unwrap_or_default()
    }

    /// 1.0.0 of each service serves where it may, and 1.1.0 waits for production; answers its number.
    pub(crate) fn furnish(&self) -> u64 {
        let first = self.lay_out();
        self.attest();
        self.approve(first);
        self.until_serving("1.0.0");
        self.ask_for("1.1.0")
    }

    /// Releases of both services, of which one asks for production; answers its number.
    pub(crate) fn lay_out(&self) -> u64 {
        for (service, version) in [("api", "1.0.0"), ("api", "1.1.0"), ("web", "3.0.0")] {
            self.release(service, version, &[]);
        }
        self.bea(&["promote", "staging", "--service", "web", "--release", "3.0.0", "--yes"]);
        self.ask_for("1.0.0")
    }

    /// 1.1.0 is on its way with 10% of the visitors, who come until what is answered is dropped.
    pub(crate) fn begin_rollout(&self, number: u64) -> Visitors {
        let visitors = self.world.visitors(2);
        self.attest();
        self.approve(number);
        self.until_baking();
        visitors
    }

    /// A browser in which ada is signed in, at the matrix.
    pub(crate) fn browser(&self) -> Option<Browser> {
        let browser = Browser::begin()?;
        let link = self.world.must(&["login", "--web"], 0).out;
        browser.go(link.trim());
        browser.click("main form button");
        browser.until_at(&self.url("/"));
        Some(browser)
    }
}
