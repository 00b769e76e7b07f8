//! `bench proxy`: the product's proxy beside nginx and HAProxy, one core each, before the same two
//! upstreams with weights 90:10 and 100-byte answers. First how much each carries, then how long
//! visitors wait at half of that. Says nothing of TLS, HTTP/2 or large bodies.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::control::{Arm, Proxy, Route};
use super::rounds::{Contender, Rounds, Spread};
use super::running::{Running, bind_this_thread, free_address};
use super::{Bench, open_loop, peers, product, saturation};

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

/// Everything that runs while it is measured.
struct Field {
    /// By name, in the order of the report: ours first.
    addresses: Vec<(&'static str, SocketAddr)>,
    proxy: Proxy,
    _others: [Running; 3],
    /// Dropped last, after everything that works in it.
    _folder: tempfile::TempDir,
}

fn measure(root: &Path) -> Result<Vec<String>> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > OTHER_CORE, "two processors are needed, one for the proxies alone");
    let binary = product::towpath(root)?;
    let mut field = Field::set_up(&binary)?;
    let rates = field.saturate()?;
    let mut lines = rates.report("requests/s");
    let saturation = rates.spreads()[0].1.median;
    lines.extend(field.waiting(saturation / 2.0)?);
    lines.push(format!("towpath after all that: {}", super::memory::of(field.proxy.pid())?));
    lines.push(format!("lost by its own count: {}", field.proxy.lost(JUDGED)?));
    Ok(lines)
}

impl Field {
    fn set_up(binary: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let (upstreams, arms) = peers::upstreams(OTHER_CORE, folder.path())?;
        let (nginx, nginx_address) = peers::nginx_proxy(PROXY_CORE, folder.path(), arms)?;
        let (haproxy, haproxy_address) = peers::haproxy(PROXY_CORE, folder.path(), arms)?;
        let state = folder.path().join("proxy");
        let mut proxy = Proxy::start(binary, &state, Some(PROXY_CORE), Some(1))?;
        let mut addresses = Vec::new();
        for (label, name) in [("towpath", JUDGED), ("towpath, nobody reading", UNHEARD)] {
            let listen = free_address()?;
            let blue = Arm { name: format!("{name}-blue"), address: arms[0] };
            let green = Arm { name: format!("{name}-green"), address: arms[1] };
            let candidate = Some((&green, WEIGHT_BP));
            proxy.apply(&Route { name, listen, default: &blue, candidate })?;
            addresses.push((label, listen));
        }
        proxy.listen_to(JUDGED)?;
        addresses.insert(1, ("nginx", nginx_address));
        addresses.insert(2, ("haproxy", haproxy_address));
        addresses.push(("no proxy", arms[0]));
        Ok(Self { addresses, proxy, _others: [upstreams, nginx, haproxy], _folder: folder })
    }

    fn saturate(&self) -> Result<Rounds> {
        self.rounds(|address| saturation::requests_per_second(OTHER_CORE, address, RUN_SECONDS))
    }

    /// How long visitors wait at a rate that every contender can carry.
    fn waiting(&self, rate: f64) -> Result<Vec<String>> {
        bind_this_thread(OTHER_CORE)?;
        let time = Duration::from_secs(RUN_SECONDS);
        let rounds = self.rounds(|address| open_loop::p99_milliseconds(address, rate, time))?;
        let mut lines =
            vec![format!("open loop at {rate:.0} requests/s, half of towpath's median")];
        for (name, spread) in rounds.spreads() {
            lines.push(format!("{name}: p99 {spread} ms"));
        }
        let direct = self.addresses.len() - 1;
        for (index, (name, _)) in self.addresses.iter().enumerate().take(direct) {
            let added: Spread = rounds.differences(index, direct);
            lines.push(format!("{name}: adds to p99 {added} ms by rounds"));
        }
        Ok(lines)
    }

    fn rounds(&self, run: impl Fn(SocketAddr) -> Result<f64>) -> Result<Rounds> {
        let run = &run;
        let contender = |(name, address): &(&'static str, SocketAddr)| {
            let address = *address;
            Contender { name, run: Box::new(move || run(address)) }
        };
        let mut contenders: Vec<_> = self.addresses.iter().map(contender).collect();
        Rounds::interleaved(WARM_UP_ROUNDS, ROUNDS, &mut contenders)
    }
}
