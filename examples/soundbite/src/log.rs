//! Lines on standard output, one per event, for whoever collects them. It adds no time: the
//! collector has the better clock.

use std::io::Write;
use std::str::FromStr;

/// How much a line matters; later ones matter more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// The name used in `LOG_LEVEL` and in the lines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Debug, Self::Info, Self::Warn, Self::Error];
        all.into_iter().find(|level| level.name() == text).ok_or(())
    }
}

/// Writes the lines that matter at least as much as the declared level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    /// The least that is written.
    pub(crate) level: Level,
}

impl Log {
    /// Writes one line. A closed output is no reason to stop serving, so failures are dropped.
    pub(crate) fn line(self, level: Level, message: &str) {
        if level >= self.level {
            let _ = writeln!(std::io::stdout().lock(), "{} {message}", level.name());
        }
    }
}
