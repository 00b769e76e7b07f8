//! A real Prometheus scrapes a figure of a release or counts of its jobs, and the release goes back by
//! them. Needs the Debian package `prometheus`; without it the test says that it is skipped, and fails where `CI=true`.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use towpath_e2e::{Ended, World, production};
use towpath_testkit::loopback::free_address;

/// 60 times faster: a step of 10 s.
const ROLLOUT: &str = r"
rollout: { steps: [ { weight: 50%, bake: 10m }, { weight: 100%, bake: 0s } ] }
standby: 1h
";

/// Taken back by a figure, which must be too high for 2 s.
const BY_A_FIGURE: &str = r#"
rollback:
  mode: automatic
  when:
    alarms:
      - { name: queue-depth, query: "max(depth{version=\"{version}\"})", is: "> 1000", for: 2m }
"#;

/// Taken back by jobs: those of a request fail after it was answered.
const BY_COUNTS: &str = r"
rollback: { mode: automatic }
guard: { counts: prometheus }
";

const SOURCE: &str = r#"
metrics_sources:
  prometheus:
    kind: prometheus
    url: "http://PROMETHEUS"
    stale_after: 20s
"#;

/// How the source counts jobs.
const JOBS: &str = r#"
    requests: "jobs_total{version='{version}'}"
    failures: "jobs_failed_total{version='{version}'}"
"#;

/// One environment in which a release is taken back by `rules`; `counts` is what else the source is told.
fn matrix(prometheus: &Prometheus, rules: &str, counts: &str) -> String {
    let source = SOURCE.replace("PROMETHEUS", &prometheus.address.to_string());
    [&production(1, &[ROLLOUT, rules].concat()), &source, counts].concat()
}

/// What is scraped, the `scrape`-th time: the jobs that wait, by the release that makes them, and those
/// that are done. One in five of 1.1.0's fails.
fn page(scrape: u64) -> String {
    let waiting = [("1.0.0", 2), ("1.1.0", 1204), ("1.2.0", 3)];
    let depths =
        waiting.map(|(version, depth)| format!("depth{{version=\"{version}\"}} {depth}\n"));
    let done = [("1.0.0", 0), ("1.1.0", 2), ("1.2.0", 0)].map(|(version, failed)| {
        format!(
            "jobs_total{{version=\"{version}\"}} {}\njobs_failed_total{{version=\"{version}\"}} {}\n",
            10 * scrape,
            failed * scrape
        )
    });
    depths.concat() + &done.concat()
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn program() -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&places).map(|place| place.join("prometheus"));
    let found = places.find(|place| place.is_file());
    if found.is_none() {
        let why = "no program `prometheus` is on the search path";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
        eprintln!("skipped: {why}");
    }
    found
}

/// Shows the page to whoever asks, until the test ends.
fn target() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (scrape, mut connection) in (0..).zip(listener.incoming().flatten()) {
            let _request = connection.read(&mut [0; 4096]);
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close";
            let page = page(scrape);
            let _sent =
                write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{page}", page.len());
        }
    });
    address
}

/// Ended when it is dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// One that scrapes the page; none where the program is not there.
    fn start() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\n\
             scrape_configs: [{{ job_name: app, static_configs: [{{ targets: [\"{}\"] }}] }}]\n",
            target()
        );
        std::fs::write(&config, text).unwrap();
        let address = free_address();
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--log.level=error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { child, address, _folder: folder })
    }

    fn is_up(&self) -> bool {
        TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _is_gone = self.child.wait();
    }
}

/// 1.0.0 serves, 1.1.0 goes back, and 1.2.0 comes in after it; answers how 1.1.0 ended.
fn only_the_second_goes_back(prometheus: &Prometheus, matrix: &str) -> (World, Ended) {
    let world = World::new(matrix);
    world.until("Prometheus listens", Duration::from_secs(30), || prometheus.is_up());
    world.release("1.0.0", &[]);
    world.release("1.1.0", &["TTS_VOICE=bea"]);
    world.release("1.2.0", &["TTS_VOICE=cleo"]);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    let went_back =
        world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--json"], 3);
    assert_eq!(went_back.last()["outcome"], "rolled_back", "{}", went_back.out);
    assert_eq!(world.lane()["quarantined"][0]["release"], "1.1.0");
    world.must(&["promote", "production", "--release", "1.2.0", "--yes"], 0);
    (world, went_back)
}

#[test]
fn a_figure_that_is_too_high_for_as_long_as_declared_takes_the_release_back() {
    let Some(prometheus) = Prometheus::start() else { return };
    let matrix = matrix(&prometheus, BY_A_FIGURE, "");
    let (world, went_back) = only_the_second_goes_back(&prometheus, &matrix);
    let sentence = "queue-depth was 1,204 > 1,000 for 2s (prometheus)";
    assert!(went_back.out.contains(sentence), "{}", went_back.out);
    // Gone, it lets nothing pass: the step is held until somebody looks.
    drop(prometheus);
    world.release("1.3.0", &["TTS_VOICE=dora"]);
    let left = ["promote", "production", "--release", "1.3.0", "--yes", "--no-wait"];
    world.must(&left, 0);
    world.until("the step is held", Duration::from_secs(40), || {
        world.run(&["why", "production"]).out.contains("queue-depth (prometheus) cannot be read")
    });
    assert_eq!(world.lane()["serves"]["release"], "1.2.0");
}

#[test]
fn jobs_that_fail_behind_answers_that_are_well_take_the_release_back() {
    let Some(prometheus) = Prometheus::start() else { return };
    let matrix = matrix(&prometheus, BY_COUNTS, JOBS);
    let (_world, went_back) = only_the_second_goes_back(&prometheus, &matrix);
    assert!(went_back.out.contains("by counts of prometheus: green failed "), "{}", went_back.out);
}
