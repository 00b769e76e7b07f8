//! `bench switch`: whether visitors notice that traffic moves. Many changes of a route under load
//! over the proxy's control socket, each ended release stopped as soon as the proxy says that it
//! has nothing left to do, and then promotions and rollbacks with the whole product. Counts losses;
//! how long a change takes is another question.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::control::{Proxy, Route};
use super::rehearsal::Rehearsal;
use super::running::free_address;
use super::upstream::Upstream;
use super::visitors::{Habit, Met, Visitors};
use super::{Bench, product};

/// Requests lost while traffic moves.
pub(super) const BENCH: Bench = Bench {
    name: "switch",
    summary: "requests lost over weight changes, commits and rollbacks under load (bar: 0)",
    run: measure,
};

/// Releases that come and either stay or go again, in turns.
const RELEASES: u32 = 100;
/// What each is given on its way, in basis points.
const WEIGHTS_BP: [u16; 3] = [1_000, 5_000, 10_000];
/// Between two changes: a few hundred requests.
const BETWEEN: Duration = Duration::from_millis(40);
/// A drain that takes longer than this has failed; the slowest request takes a fraction of it.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Promotions of the whole product, each followed by a rollback.
const PROMOTIONS: u32 = 4;
const ROUTE: &str = "bench/production";

const fn habit(visitors: usize, request: &'static str, pause_ms: u64) -> Habit {
    Habit { visitors, request, pause: Duration::from_millis(pause_ms) }
}

/// Quick and slow ones, and some whose requests cannot be sent twice.
const HABITS: [Habit; 4] = [
    habit(12, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n", 2),
    habit(4, "POST / HTTP/1.1\r\nHost: bench\r\nContent-Length: 5\r\n\r\norder", 2),
    habit(8, "GET /slow HTTP/1.1\r\nHost: bench\r\n\r\n", 0),
    habit(8, "GET /bit-by-bit HTTP/1.1\r\nHost: bench\r\n\r\n", 0),
];

/// The same for the sample service.
const SAMPLE_HABITS: [Habit; 1] =
    [habit(8, "GET /v1/sounds/welcome HTTP/1.1\r\nHost: bench\r\n\r\n", 5)];

fn measure(root: &Path) -> Result<Vec<String>> {
    let binary = product::towpath(root)?;
    let mut lines = against_the_proxy(&binary)?;
    lines.extend(with_everything(&binary)?);
    Ok(lines)
}

fn against_the_proxy(binary: &Path) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut proxy = Proxy::start(binary, folder.path(), None, None)?;
    let listen = free_address()?;
    let mut serving = Upstream::start("release-0".to_owned())?;
    proxy.apply(&Route { name: ROUTE, listen, default: serving.arm(), candidate: None })?;
    let visitors = Visitors::begin(listen, &HABITS);
    let began = Instant::now();
    let mut changes = 0;
    for number in 1..=RELEASES {
        let coming = Upstream::start(format!("release-{number}"))?;
        for weight_bp in WEIGHTS_BP {
            let candidate = Some((coming.arm(), weight_bp));
            proxy.apply(&Route { name: ROUTE, listen, default: serving.arm(), candidate })?;
            std::thread::sleep(BETWEEN);
        }
        // Every other one stays; the others are taken back from all of the traffic.
        let (stays, leaves) = if number % 2 == 0 { (coming, serving) } else { (serving, coming) };
        proxy.apply(&Route { name: ROUTE, listen, default: stays.arm(), candidate: None })?;
        changes += WEIGHTS_BP.len() + 1;
        until_drained(&mut proxy, &leaves.arm().name)?;
        drop(leaves);
        serving = stays;
    }
    let seconds = began.elapsed().as_secs_f64();
    let met = visitors.end();
    let by_itself = proxy.lost(ROUTE)?;
    let what = format!(
        "proxy alone, {changes} changes, {} commits, {} rollbacks in {seconds:.0} s",
        RELEASES / 2,
        RELEASES - RELEASES / 2
    );
    let mut lines = told(&what, &met)?;
    lines.push(format!("  lost by the proxy's own count: {by_itself}"));
    Ok(lines)
}

fn until_drained(proxy: &mut Proxy, deployment: &str) -> Result<()> {
    let deadline = Instant::now() + DRAIN_LIMIT;
    while proxy.is_draining(ROUTE, deployment)? {
        ensure!(Instant::now() < deadline, "{deployment} never drained");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn with_everything(binary: &Path) -> Result<Vec<String>> {
    let versions: Vec<String> = (0..=PROMOTIONS).map(|number| format!("1.{number}.0")).collect();
    let releases: Vec<&str> = versions.iter().map(String::as_str).collect();
    let rehearsal = Rehearsal::new(binary, &releases)?;
    let promote = |version: &str| {
        rehearsal.run(&["promote", "production", "--release", version, "--yes", "--json"])
    };
    promote(releases[0])?;
    let visitors = Visitors::begin(rehearsal.address, &SAMPLE_HABITS);
    let began = Instant::now();
    for version in &releases[1..] {
        promote(version)?;
        rehearsal.run(&["rollback", "production", "--reason", "bench"])?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let met = visitors.end();
    let what =
        format!("whole product, {PROMOTIONS} promotions and as many rollbacks in {seconds:.0} s");
    told(&what, &met)
}

fn told(what: &str, met: &Met) -> Result<Vec<String>> {
    ensure!(met.requests > 1000, "only {} requests were made", met.requests);
    let mut lines = vec![format!(
        "{what}: {} requests, {} lost, {} harmed",
        met.requests, met.lost, met.harmed
    )];
    lines.extend(met.first_loss.as_ref().map(|loss| format!("  the first was lost so: {loss}")));
    Ok(lines)
}
