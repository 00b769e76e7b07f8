//! Visitors: a steady stream of requests, each answered, harmed or lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What visitors met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Requests made.
    pub requests: u64,
    /// Those that got no answer from any release.
    pub lost: u64,
    /// Those of them that were refused a connection: nothing of them was sent.
    pub refused: u64,
    /// Those that a release answered with a failure.
    pub harmed: u64,
    /// How the first lost one was lost.
    pub first_loss: Option<String>,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    lost: AtomicU64,
    refused: AtomicU64,
    harmed: AtomicU64,
    rescued: AtomicU64,
    stopped: AtomicBool,
    first_loss: Mutex<Option<String>>,
}

/// A stream of visitors in a thread of its own, until it is ended.
pub struct Visitors {
    counters: Arc<Counters>,
    thread: std::thread::JoinHandle<()>,
}

impl Visitors {
    /// Begins: `at_once` visitors, each asking again as soon as it was answered and `pause` has
    /// passed.
    pub fn begin(url: &str, at_once: usize, pause: Duration) -> Self {
        let counters = Arc::new(Counters::default());
        let (url, shared) = (url.to_owned(), Arc::clone(&counters));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(visit(&url, at_once, pause, &shared));
        });
        Self { counters, thread }
    }

    /// How many requests were made so far.
    pub fn requests(&self) -> u64 {
        self.counters.requests.load(Ordering::Relaxed)
    }

    /// How many of them a release answered with a failure so far.
    pub fn harmed(&self) -> u64 {
        self.counters.harmed.load(Ordering::Relaxed)
    }

    /// How many were served again by the other release so far, as the answers say.
    pub fn rescued(&self) -> u64 {
        self.counters.rescued.load(Ordering::Relaxed)
    }

    /// Lets the last ones finish, and says what they met.
    ///
    /// # Panics
    /// When the thread broke down.
    pub fn end(self) -> Met {
        self.counters.stopped.store(true, Ordering::Relaxed);
        self.thread.join().expect("visitors do not break down");
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Met {
            requests: read(&self.counters.requests),
            lost: read(&self.counters.lost),
            refused: read(&self.counters.refused),
            harmed: read(&self.counters.harmed),
            first_loss: self.counters.first_loss.lock().expect("no holder panics").clone(),
        }
    }
}

async fn visit(url: &str, at_once: usize, pause: Duration, counters: &Arc<Counters>) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build();
    let client = client.expect("a client");
    let mut open = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (client, url, counters) = (client.clone(), url.to_owned(), Arc::clone(counters));
        open.spawn(async move {
            while !counters.stopped.load(Ordering::Relaxed) {
                one(&client, &url, &counters).await;
                tokio::time::sleep(pause).await;
            }
        });
    }
    while open.join_next().await.is_some() {}
}

async fn one(client: &reqwest::Client, url: &str, counters: &Counters) {
    counters.requests.fetch_add(1, Ordering::Relaxed);
    let loss = match client.get(url).send().await {
        Ok(response) => {
            let status = response.status();
            // Whatever a release answers carries its name; what has none came from nobody.
            let named = response.headers().contains_key("x-release");
            let rescued = response.headers().contains_key("towpath-rescued");
            match response.bytes().await {
                Ok(_) if named => {
                    counters.rescued.fetch_add(u64::from(rescued), Ordering::Relaxed);
                    counters
                        .harmed
                        .fetch_add(u64::from(status.is_server_error()), Ordering::Relaxed);
                    return;
                }
                Ok(body) => format!("{status} {}", String::from_utf8_lossy(&body)),
                Err(error) => format!("{error:?}"),
            }
        }
        Err(error) => {
            counters.refused.fetch_add(u64::from(error.is_connect()), Ordering::Relaxed);
            format!("{error:?}")
        }
    };
    counters.lost.fetch_add(1, Ordering::Relaxed);
    counters.first_loss.lock().expect("no holder panics").get_or_insert(loss);
}
