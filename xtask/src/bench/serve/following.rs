//! Ten thousand who follow while a hundred events happen each second, and come back all at once. Owns what
//! happens; what each of them got is counted by [`super::followers`].

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use serde_json::Value;

use super::asking::percentile;
use super::effects::Orders;
use super::followers::{Followers, Seen};
use super::project::{Project, SERVICES, Server};
use super::{Order, memory};

/// Events that happen each second.
const EVENTS: f64 = 100.0;
/// How long whoever follows has until they must have it all.
const PATIENCE: Duration = Duration::from_mins(1);
/// Events read at once.
const PAGE: u64 = 200;

/// Measures it.
pub(super) fn measure(project: &Project, server: &Server, order: &Order) -> Result<Vec<String>> {
    let mut looking = Orders::by_token(server, &project.looking, "looking")?;
    let first = last_event((project, server))?;
    let began = Instant::now();
    let mut followers = Followers::connect(server.address, &project.looking, &[], order.followers)?;
    let connected = began.elapsed().as_secs_f64();
    let mut lines = vec![format!(
        "{} follow after {connected:.1} s: {}",
        order.followers,
        memory::of(server.pid())?
    )];
    let during = Duration::from_secs(order.seconds);
    lines.extend(phase((project, server), &mut followers, during, &mut looking, first)?);
    lines.push(format!("after it: {}", memory::of(server.pid())?));
    // All of them lose their connection, a few things happen, and all come back.
    let before: Vec<Seen> = followers.seen().cloned().collect();
    let again = last_event((project, server))?;
    drop(followers);
    let happened = load(project, server, Duration::from_secs(3))?;
    happened.wait()?;
    let began = Instant::now();
    let mut followers =
        Followers::connect(server.address, &project.looking, &before, order.followers)?;
    let ends = terminal(&mut looking, again)?;
    let missing = until_all(&mut followers, &ends)?;
    lines.push(format!(
        "all came back at once, and {} after {:.1} s",
        said(&missing, &ends, order.followers),
        began.elapsed().as_secs_f64()
    ));
    lines.push(format!("at the most: {} MiB resident (bar: 600)", most_resident(server.pid())?));
    Ok(lines)
}

fn phase(
    (project, server): (&Project, &Server),
    followers: &mut Followers,
    during: Duration,
    looking: &mut Orders,
    first: u64,
) -> Result<Vec<String>> {
    let bytes = followers.bytes();
    let happening = load(project, server, during)?;
    while !happening.is_over() {
        followers.turn(Duration::from_millis(20))?;
    }
    let over = Instant::now();
    let orders = happening.wait()?;
    let last = last_event((project, server))?;
    let ends = terminal(looking, first)?;
    let missing = until_all(followers, &ends)?;
    let rate = real(last - first) / during.as_secs_f64();
    let states: u64 = followers.seen().map(Seen::states).sum();
    let mebibytes = (followers.bytes() - bytes) >> 20;
    Ok(vec![
        format!(
            "{rate:.0} events/s for {} s, {} of them the end of a promotion",
            during.as_secs(),
            ends.len()
        ),
        format!(
            "{}; the last had all {:.1} s after the last order",
            said(&missing, &ends, followers.seen().count()),
            over.elapsed().as_secs_f64()
        ),
        format!("the state came instead of events {states} times; {mebibytes} MiB were sent"),
        format!(
            "orders meanwhile: p50 {:.1} ms, p99 {:.1} ms of {}",
            percentile(&orders, 50),
            percentile(&orders, 99),
            orders.len()
        ),
    ])
}

fn said(missing: &[u64], ends: &[u64], followers: usize) -> String {
    format!("{} of {} ends missed by {followers} who follow", missing.len(), ends.len() * followers)
}

/// Reads until everybody has all of these events, or has had their time; answers the numbers of those that
/// are missing, once for each who misses one.
fn until_all(followers: &mut Followers, events: &[u64]) -> Result<Vec<u64>> {
    let began = Instant::now();
    loop {
        let missed = |seen: &Seen| {
            events.iter().copied().filter(|event| !seen.has(*event)).collect::<Vec<_>>()
        };
        let missing: Vec<u64> = followers.seen().flat_map(missed).collect();
        if missing.is_empty() || began.elapsed() > PATIENCE {
            return Ok(missing);
        }
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_millis(100) {
            followers.turn(Duration::from_millis(20))?;
        }
    }
}

/// What happens meanwhile.
struct Happening {
    threads: Vec<std::thread::JoinHandle<Result<()>>>,
    over: Arc<AtomicBool>,
    took: Arc<Mutex<Vec<f64>>>,
}

/// Promotions that are ordered and ended, in as many lanes as there are services.
fn load(project: &Project, server: &Server, during: Duration) -> Result<Happening> {
    let (over, took) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let mut threads = Vec::new();
    for service in 1..=SERVICES {
        let name = unique(&format!("load-{service}"));
        let mut orders = Orders::by_token(server, &project.promoting, &name)?;
        let (took, over) = (Arc::clone(&took), Arc::clone(&over));
        threads.push(std::thread::spawn(move || {
            let result = pairs(&mut orders, &format!("s-{service:02}"), during, &took);
            over.store(true, Ordering::SeqCst);
            result
        }));
    }
    Ok(Happening { threads, over, took })
}

/// A name that no earlier load had: keys of orders are kept for a day.
fn unique(name: &str) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{name}-{}", since.unwrap_or_default().as_nanos())
}

/// Events of one promotion that is ordered and ended while it waits.
const OF_PAIR: f64 = 2.0;

fn pairs(
    orders: &mut Orders,
    service: &str,
    during: Duration,
    took: &Mutex<Vec<f64>>,
) -> Result<()> {
    let every = Duration::from_secs_f64(OF_PAIR * real(SERVICES as u64) / EVENTS);
    let began = Instant::now();
    let mut due = Duration::ZERO;
    while began.elapsed() < during {
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        due += every;
        let start = Instant::now();
        let number = orders.promote(service)?;
        let between = Instant::now();
        orders.abort(number)?;
        let figures = [between.duration_since(start), between.elapsed()];
        let mut took = took.lock().map_err(|_| anyhow!("another thread failed"))?;
        took.extend(figures.map(|it| it.as_secs_f64() * 1000.0));
    }
    Ok(())
}

impl Happening {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// How long each order took, in milliseconds.
    fn wait(self) -> Result<Vec<f64>> {
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        let took = self.took.lock().map_err(|_| anyhow!("a thread panicked"))?;
        Ok(took.clone())
    }
}

/// The end of the journal: whoever comes back after too long is told the state, and where that is.
fn last_event((project, server): (&Project, &Server)) -> Result<u64> {
    let mut stream = TcpStream::connect(server.address)?;
    let request = format!(
        "GET /v1/stream HTTP/1.1\r\nHost: bench\r\nLast-Event-ID: 1\r\nAuthorization: Bearer {}\r\n\r\n",
        project.looking
    );
    stream.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(stream).lines();
    let id = lines.find_map(|line| line.ok()?.strip_prefix("id: ")?.parse().ok());
    id.ok_or_else(|| anyhow!("the stream ended without an event"))
}

/// Numbers of the events after this one by which a promotion ended.
fn terminal(orders: &mut Orders, first: u64) -> Result<Vec<u64>> {
    let (mut at, mut found) = (first, Vec::new());
    loop {
        let rows: Vec<Value> =
            serde_json::from_value(orders.get(&format!("/v1/events?after={at}&limit={PAGE}"))?)?;
        let seq = |row: &Value| row["seq"].as_u64();
        let Some(last) = rows.last().and_then(seq) else { return Ok(found) };
        at = last;
        found.extend(rows.iter().filter(|row| row["kind"] == "promotion-ended").filter_map(seq));
    }
}

/// The most that it ever held, in MiB.
fn most_resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes =
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.ok_or_else(|| anyhow!("/proc/{pid}/status is not as proc(5) says"))? >> 10)
}

fn real(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousands of events")]
    let real = count as f64;
    real
}
