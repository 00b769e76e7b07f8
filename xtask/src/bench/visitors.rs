//! Visitors who count: each keeps a connection alive, asks, and notes whether a release answered
//! in full. They never ask twice, so that nothing a proxy breaks is mended here.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, bail};

use super::wire::Line;

/// After a connection that could not be opened, so that a proxy that is away does not take all of
/// the processor.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// Some visitors who all do the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    /// How many do.
    pub(super) visitors: usize,
    /// The request, head and body.
    pub(super) request: &'static str,
    /// Between an answer and the next request.
    pub(super) pause: Duration,
}

/// What visitors met.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// Requests made.
    pub(super) requests: u64,
    /// Those that no release answered in full.
    pub(super) lost: u64,
    /// Those that a release answered with 5xx.
    pub(super) harmed: u64,
    /// How the first lost one was lost.
    pub(super) first_loss: Option<String>,
}

/// Visitors under way, each in a thread of its own, until they are ended.
pub(super) struct Visitors {
    counters: Arc<Counters>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    lost: AtomicU64,
    harmed: AtomicU64,
    stopped: AtomicBool,
    first_loss: Mutex<Option<String>>,
}

impl Visitors {
    /// Begins.
    pub(super) fn begin(address: SocketAddr, habits: &[Habit]) -> Self {
        let counters = Arc::new(Counters::default());
        let visitors = habits.iter().flat_map(|habit| std::iter::repeat_n(*habit, habit.visitors));
        let threads = visitors
            .map(|habit| {
                let counters = Arc::clone(&counters);
                std::thread::spawn(move || counters.visit(address, habit))
            })
            .collect();
        Self { counters, threads }
    }

    /// Lets the requests under way end, and says what was met.
    pub(super) fn end(self) -> Met {
        self.counters.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("visitors do not break down");
        }
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Met {
            requests: read(&self.counters.requests),
            lost: read(&self.counters.lost),
            harmed: read(&self.counters.harmed),
            first_loss: self.counters.first_loss.lock().expect("no holder panics").take(),
        }
    }
}

impl Counters {
    fn visit(&self, address: SocketAddr, habit: Habit) {
        let mut line = None;
        while !self.stopped.load(Ordering::Relaxed) {
            self.requests.fetch_add(1, Ordering::Relaxed);
            if let Err(loss) = self.ask(address, habit.request, &mut line) {
                line = None;
                self.lost.fetch_add(1, Ordering::Relaxed);
                let mut first = self.first_loss.lock().expect("no holder panics");
                first.get_or_insert_with(|| format!("{loss:#}"));
                std::thread::sleep(CONNECT_PAUSE);
            }
            std::thread::sleep(habit.pause);
        }
    }

    fn ask(&self, address: SocketAddr, request: &str, line: &mut Option<Line>) -> Result<()> {
        let mut open = match line.take() {
            Some(open) => open,
            None => Line::over_tcp(address)?,
        };
        let answer = open.ask(request.as_bytes())?;
        if answer.release.is_none() {
            bail!("{} by the proxy itself", answer.status);
        }
        self.harmed.fetch_add(u64::from(answer.status >= 500), Ordering::Relaxed);
        if !answer.closes {
            *line = Some(open);
        }
        Ok(())
    }
}
