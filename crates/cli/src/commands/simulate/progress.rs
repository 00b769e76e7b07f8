//! How far a simulation is, on a terminal, once it takes long enough to wonder. Owns that line; says
//! nothing elsewhere.

use std::time::{Duration, Instant};

use crate::commands::Context;

/// After this long a person wonders whether it still runs.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two drawings.
const PAUSE: Duration = Duration::from_millis(200);

/// The line.
pub(super) struct Progress<'a> {
    context: &'a Context,
    next: Instant,
    done: u64,
    all: u64,
    is_drawn: bool,
}

impl<'a> Progress<'a> {
    /// Nothing of `all` rollouts is done.
    pub(super) fn begin(context: &'a Context, all: u64) -> Self {
        Self { context, next: Instant::now() + PATIENCE, done: 0, all: all.max(1), is_drawn: false }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        if self.context.draws && Instant::now() >= self.next {
            self.next = Instant::now() + PAUSE;
            self.is_drawn = true;
            let percent = (self.done * 100 / self.all).min(99);
            self.context.aside(&format!("\r  {percent}% of the rollouts are done"));
        }
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        if self.is_drawn {
            self.context.aside("\r\x1b[K");
        }
    }
}
