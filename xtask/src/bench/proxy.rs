//! `bench proxy`: the product's proxy beside nginx and HAProxy, one core each, before the same two
//! upstreams with weights 90:10 and 100-byte answers. First how much each carries, then how long
//! visitors wait at half of that. Says nothing of TLS, HTTP/2 or large bodies.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::control::{Arm, Duties, Proxy, Route};
use super::rounds::{Contender, Rounds};
use super::running::{Running, bind_this_thread, free_address};
use super::{Bench, cpu_time, memory, open_loop, peers, product, saturation};

/// Throughput and added waiting of the embedded proxy.
pub(super) const BENCH: Bench = Bench {
    name: "proxy",
    summary: "requests/s on one core beside nginx (bar: 0.95x) and HAProxy (1x), added p99 (1 ms)",
    run: measure,
};

/// The proxies' processor.
const PROXY_CORE: usize = 0;
/// The processor of whoever asks and of the upstreams.
const OTHER_CORE: usize = 1;
/// Enough that quartiles mean something.
const ROUNDS: usize = 11;
const WARM_UP_ROUNDS: usize = 1;
/// One run of one contender.
const RUN_SECONDS: u64 = 2;
/// The candidate's share.
const WEIGHT_BP: u16 = 1_000;
/// The route whose outcomes are read as an engine reads them.
const JUDGED: &str = "bench/judged";
/// The same route, with nobody reading.
const UNHEARD: &str = "bench/unheard";
/// The first again, each with more to do.
const GUARDED: &str = "bench/guarded";
const RESCUED: &str = "bench/rescued";
const MIRRORED: &str = "bench/mirrored";
/// Their places in the order of the report.
const DUTIES: std::ops::Range<usize> = 4..7;

/// Everything that runs while it is measured.
struct Field {
    /// In the order of the report: ours first, none at all last.
    compared: Vec<Compared>,
    proxy: Proxy,
    _others: [Running; 3],
    /// Dropped last, after everything that works in it.
    _folder: tempfile::TempDir,
}

/// One way for visitors to go.
#[derive(Clone, Copy, Debug)]
struct Compared {
    name: &'static str,
    address: SocketAddr,
    /// The process that answers there.
    pid: u32,
}

fn measure(root: &Path) -> Result<Vec<String>> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > OTHER_CORE, "two processors are needed, one for the proxies alone");
    let binary = product::towpath(root)?;
    let mut field = Field::set_up(&binary)?;
    let (rates, per_second_used) = field.saturate()?;
    let mut lines = rates.report("requests/s");
    lines.push(
        "the same per second of processor time, which others on the machine move less".into(),
    );
    lines.extend(per_second_used.report("requests/s used"));
    lines.extend(beside_off("requests/s", &rates));
    lines.extend(beside_off("requests/s used", &per_second_used));
    // On a busy machine answers may be missing at the end; what was measured before is told all the same.
    match field.waiting(rates.spreads()[0].1.median / 2.0) {
        Ok(waiting) => lines.extend(waiting),
        Err(error) => lines.push(format!("how long visitors wait was not measured: {error:#}")),
    }
    lines.push(format!("towpath after all that: {}", memory::of(field.proxy.pid())?));
    for route in [JUDGED, GUARDED, RESCUED, MIRRORED] {
        lines.push(format!("{route}: lost by its own count {}", field.proxy.lost(route)?));
    }
    for route in [GUARDED, RESCUED] {
        let verdict = field.proxy.judged(route)?["verdict"].take();
        lines.push(format!("{route}: {}, {}", verdict["standing"], verdict["sentence"]));
    }
    Ok(lines)
}

/// What each duty leaves of what the same route carries without it.
fn beside_off(unit: &str, rounds: &Rounds) -> Vec<String> {
    let spreads = rounds.spreads();
    let line = |index: usize| {
        format!("{} / all off, {unit}: {}", spreads[index].0, rounds.paired(index, 0))
    };
    DUTIES.map(line).collect()
}

/// A guard with the documented defaults and limits on every quantile, of a green that is as good.
fn guard_of(route: &str) -> Value {
    let mut policy = super::reaction::policy();
    let latency = [50, 90, 95, 99].map(|percent| json!({ "Factor": [percent, 1.2] }));
    policy["latency"] = latency.to_vec().into();
    json!({ "subject": green(route), "policy": policy, "acts": true })
}

fn green(route: &str) -> String {
    format!("{route}-green")
}

impl Field {
    fn set_up(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let (upstreams, arms) = peers::upstreams(OTHER_CORE, folder.path())?;
        let (nginx, nginx_address) = peers::nginx_proxy(PROXY_CORE, folder.path(), arms)?;
        let (haproxy, haproxy_address) = peers::haproxy(PROXY_CORE, folder.path(), arms)?;
        let state = folder.path().join("proxy");
        let mut proxy = Proxy::start(binary, &state, Some(PROXY_CORE), Some(1))?;
        let mut open = |name, duties: Duties| {
            let listen = open_route(&mut proxy, name, arms, &duties)?;
            if name != UNHEARD {
                proxy.listen_to(name)?;
            }
            anyhow::Ok(listen)
        };
        let judged = open(JUDGED, Duties::default())?;
        let unheard = open(UNHEARD, Duties::default())?;
        let guarded = open(GUARDED, Duties { guard: guard_of(GUARDED), ..Duties::default() })?;
        let (guard, rescue) = (guard_of(RESCUED), json!({}));
        let rescued = open(RESCUED, Duties { guard, rescue, ..Duties::default() })?;
        let mirror = json!({ "share_bp": 1_000 });
        let mirrored = open(MIRRORED, Duties { mirror, ..Duties::default() })?;
        let compared = |name, address, pid| Compared { name, address, pid };
        let compared = vec![
            compared("towpath", judged, proxy.pid()),
            compared("nginx", nginx_address, nginx.pid()),
            compared("haproxy", haproxy_address, haproxy.pid()),
            compared("towpath, nobody reading", unheard, proxy.pid()),
            compared("towpath, guard", guarded, proxy.pid()),
            compared("towpath, guard and rescue", rescued, proxy.pid()),
            compared("towpath, mirror 10%", mirrored, proxy.pid()),
            compared("no proxy", arms[0], upstreams.pid()),
        ];
        Ok(Self { compared, proxy, _others: [upstreams, nginx, haproxy], _folder: folder })
    }

    /// Requests per second, and per second of the answering process's processor time.
    fn saturate(&self) -> Result<(Rounds, Rounds)> {
        let used: Vec<RefCell<Vec<f64>>> =
            self.compared.iter().map(|_| RefCell::default()).collect();
        let rates = self.rounds(|index, compared| {
            let before = cpu_time::used(compared.pid)?;
            let run = saturation::run(OTHER_CORE, compared.address, RUN_SECONDS)?;
            let seconds = cpu_time::used(compared.pid)?.saturating_sub(before).as_secs_f64();
            used[index].borrow_mut().push(run.requests / seconds);
            Ok(run.per_second)
        })?;
        let figures =
            used.into_iter().map(|figures| figures.into_inner().split_off(WARM_UP_ROUNDS));
        Ok((rates, Rounds::of(&self.names(), figures.collect())?))
    }

    /// How long visitors wait at a rate that every contender can carry.
    fn waiting(&self, rate: f64) -> Result<Vec<String>> {
        bind_this_thread(OTHER_CORE)?;
        let time = Duration::from_secs(RUN_SECONDS);
        let rounds =
            self.rounds(|_, compared| open_loop::p99_milliseconds(compared.address, rate, time))?;
        let mut lines =
            vec![format!("open loop at {rate:.0} requests/s, half of towpath's median")];
        for (name, spread) in rounds.spreads() {
            lines.push(format!("{name}: p99 {spread} ms"));
        }
        let none = self.compared.len() - 1;
        for (index, name) in self.names().into_iter().enumerate().take(none) {
            lines.push(format!("{name}: adds {} ms by rounds", rounds.differences(index, none)));
        }
        Ok(lines)
    }

    fn names(&self) -> Vec<&'static str> {
        self.compared.iter().map(|compared| compared.name).collect()
    }

    /// Runs all of them in turns, each with its place and itself.
    fn rounds(&self, run: impl Fn(usize, Compared) -> Result<f64>) -> Result<Rounds> {
        let run = &run;
        let contender = |(index, compared): (usize, &Compared)| {
            let compared = *compared;
            Contender { name: compared.name, run: Box::new(move || run(index, compared)) }
        };
        let mut contenders: Vec<_> = self.compared.iter().enumerate().map(contender).collect();
        Rounds::interleaved(WARM_UP_ROUNDS, ROUNDS, &mut contenders)
    }
}

/// A route with a candidate that has a tenth of the traffic, and where it listens.
fn open_route(
    proxy: &mut Proxy,
    name: &str,
    [blue, coming]: [SocketAddr; 2],
    duties: &Duties,
) -> Result<SocketAddr> {
    let listen = free_address()?;
    let blue = Arm { name: format!("{name}-blue"), address: blue };
    let green = Arm { name: green(name), address: coming };
    let candidate = Some((&green, WEIGHT_BP));
    proxy.apply_with(&Route { name, listen, default: &blue, candidate }, duties)?;
    Ok(listen)
}
