//! `bench reaction`: from the outcome that makes the verdict to all traffic back on blue, by the proxy
//! alone, with nobody steering it. Measured at the release that fails: how long after the answer that
//! decided the last request still came in. Decides no verdict itself.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::control::{Arm, Proxy, Route};
use super::running::free_address;
use super::upstream::Upstream;
use super::visitors::{Habit, Visitors};
use super::{Bench, product};

/// The way back, measured where it matters.
pub(super) const BENCH: Bench = Bench {
    name: "reaction",
    summary: "from the deciding outcome to 100% blue, proxy alone (bar: p99 <= 50 ms)",
    run: measure,
};

/// Rollouts of a release that fails everything.
const ROUNDS: u32 = 100;
/// What it gets, in basis points.
const WEIGHT_BP: u16 = 1_000;
/// After the verdict, for requests that were on their way.
const STRAGGLERS: Duration = Duration::from_millis(60);
/// A verdict that takes longer has failed: at this rate it is a fraction of a second.
const VERDICT_LIMIT: Duration = Duration::from_secs(20);
const ROUTE: &str = "bench/production";
/// Some hundred requests a second from each.
const VISITORS: Habit = Habit {
    visitors: 8,
    request: "GET / HTTP/1.1\r\nHost: bench\r\n\r\n",
    pause: Duration::from_millis(2),
};

/// What one rollout showed.
struct Round {
    reaction: Duration,
    harmed: usize,
    after: usize,
}

fn measure(root: &Path) -> Result<Vec<String>> {
    let binary = product::towpath(root)?;
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut proxy = Proxy::start(&binary, folder.path(), None, None)?;
    let listen = free_address()?;
    let blue = Upstream::start("blue".to_owned())?;
    proxy.apply(&Route { name: ROUTE, listen, default: blue.arm(), candidate: None })?;
    let visitors = Visitors::begin(listen, &[VISITORS]);
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let green = Failing::start(format!("failing-{number}"))?;
        let candidate = Some((&green.arm, WEIGHT_BP));
        let route = Route { name: ROUTE, listen, default: blue.arm(), candidate };
        proxy.apply_guarded(&route, &green.arm.name)?;
        rounds.push(round(&mut proxy, &green)?);
        proxy.apply(&Route { name: ROUTE, listen, default: blue.arm(), candidate: None })?;
    }
    let met = visitors.end();
    ensure!(met.lost == 0, "{} requests were lost: {:?}", met.lost, met.first_loss);
    Ok(told(&rounds, met.requests))
}

fn round(proxy: &mut Proxy, green: &Failing) -> Result<Round> {
    let deadline = Instant::now() + VERDICT_LIMIT;
    let verdict = loop {
        let judged = proxy.judged(ROUTE)?;
        if judged["verdict"]["standing"] == "unhealthy" {
            break judged;
        }
        ensure!(Instant::now() < deadline, "no verdict: {judged}");
        std::thread::sleep(Duration::from_millis(5));
    };
    std::thread::sleep(STRAGGLERS);
    let failed = verdict["verdict"]["evidence"]["green_failed"].as_u64().unwrap_or_default();
    let seen = green.seen.lock().expect("no holder panics");
    let mut answered = seen.answered.clone();
    answered.sort_unstable();
    let deciding = usize::try_from(failed)?.checked_sub(1).and_then(|index| answered.get(index));
    let deciding = *deciding.context("the verdict counts more failures than there were")?;
    let last = seen.came.iter().max().context("nobody came")?;
    Ok(Round {
        reaction: last.saturating_duration_since(deciding),
        harmed: seen.came.len(),
        after: seen.came.iter().filter(|came| **came > deciding).count(),
    })
}

fn told(rounds: &[Round], requests: u64) -> Vec<String> {
    let mut times: Vec<f64> = rounds.iter().map(|it| it.reaction.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
    let mut harmed: Vec<usize> = rounds.iter().map(|it| it.harmed).collect();
    harmed.sort_unstable();
    let after: usize = rounds.iter().map(|it| it.after).sum();
    vec![
        format!(
            "{} rollouts of a release that fails everything, {}% weight, {requests} requests, 0 lost",
            rounds.len(),
            WEIGHT_BP / 100
        ),
        format!("reaction p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms", at(50), at(99), at(100)),
        format!(
            "harmed per rollout: median {}, worst {}; {after} in all came after the deciding answer",
            harmed[harmed.len() / 2],
            harmed[harmed.len() - 1]
        ),
    ]
}

/// A release that answers 500 and notes when.
struct Failing {
    arm: Arm,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    came: Vec<Instant>,
    answered: Vec<Instant>,
}

impl Failing {
    fn start(name: String) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let arm = Arm { name, address: listener.local_addr()? };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        // A few threads for each round; they end with the connections of the proxy.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || fail(stream, &shared));
            }
        });
        Ok(Self { arm, seen })
    }
}

fn fail(stream: TcpStream, seen: &Mutex<Seen>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        seen.lock().expect("no holder panics").came.push(Instant::now());
        while line.trim() != "" {
            line.clear();
            stream.read_line(&mut line)?;
        }
        let answer = b"HTTP/1.1 500 Oh\r\nx-release: green\r\ncontent-length: 0\r\n\r\n";
        stream.get_mut().write_all(answer)?;
        seen.lock().expect("no holder panics").answered.push(Instant::now());
    }
}

/// The policy that a lane with the documented defaults and the seeds' error limit has.
pub(super) fn policy() -> Value {
    serde_json::json!({
        "alpha": 0.0081, "margin": 1.25, "error_rate": 0.05, "even_if_blue": false, "latency": [],
        "warm_up_us": 0, "client_window_us": 10_000_000, "minimum_sample": 20,
    })
}
