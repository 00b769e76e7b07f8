//! Visitors of one environment: a steady stream of requests, each answered, harmed or lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Requests that are under way at once at most; a slower service is visited more slowly.
const AT_ONCE: usize = 64;
/// How long a visitor waits before the request counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// What visitors met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Met {
    /// Requests made.
    pub(super) requests: u64,
    /// Those that got no answer from any release.
    pub(super) lost: u64,
    /// Those that a release answered with a failure.
    pub(super) harmed: u64,
}

impl std::ops::Add for Met {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            lost: self.lost + other.lost,
            harmed: self.harmed + other.harmed,
        }
    }
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    lost: AtomicU64,
    harmed: AtomicU64,
    stopped: AtomicBool,
}

/// A stream of visitors, until it is ended.
pub(super) struct Visitors {
    counters: Arc<Counters>,
    stream: tokio::task::JoinHandle<()>,
}

impl Visitors {
    /// Begins to visit `url`, `per_second` times a second.
    pub(super) fn begin(url: String, per_second: u32) -> Self {
        let counters = Arc::new(Counters::default());
        let stream = tokio::spawn(visit(url, per_second, Arc::clone(&counters)));
        Self { counters, stream }
    }

    /// What they met so far.
    pub(super) fn met(&self) -> Met {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Met {
            requests: read(&self.counters.requests),
            lost: read(&self.counters.lost),
            harmed: read(&self.counters.harmed),
        }
    }

    /// Lets the last ones finish, and says what they met.
    pub(super) async fn end(self) -> Met {
        self.counters.stopped.store(true, Ordering::Relaxed);
        // A stream that broke down has counted what it counted.
        let _ = self.stream.await;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Met {
            requests: read(&self.counters.requests),
            lost: read(&self.counters.lost),
            harmed: read(&self.counters.harmed),
        }
    }
}

async fn visit(url: String, per_second: u32, counters: Arc<Counters>) {
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build();
    let client = client.expect("a client without TLS files has nothing to fail on");
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut open = tokio::task::JoinSet::new();
    while !counters.stopped.load(Ordering::Relaxed) {
        ticks.tick().await;
        while open.len() >= AT_ONCE {
            open.join_next().await;
        }
        while open.try_join_next().is_some() {}
        open.spawn(one(client.clone(), url.clone(), Arc::clone(&counters)));
    }
    while open.join_next().await.is_some() {}
}

async fn one(client: reqwest::Client, url: String, counters: Arc<Counters>) {
    counters.requests.fetch_add(1, Ordering::Relaxed);
    let answer = match client.get(url).send().await {
        Ok(response) => {
            // Whatever a release answers carries its name; what has none came from nobody.
            let named = response.headers().contains_key("x-release");
            let failed = response.status().is_server_error();
            let whole = response.bytes().await.is_ok();
            (named && whole).then_some(failed)
        }
        Err(_) => None,
    };
    match answer {
        None => counters.lost.fetch_add(1, Ordering::Relaxed),
        Some(true) => counters.harmed.fetch_add(1, Ordering::Relaxed),
        Some(false) => 0,
    };
}
