//! Who answered: the engine, or the journal because none did. Owns what is said about an engine that is
//! missing.

use towpath_core::reason::Next;

use crate::report::block;
use crate::report::style::{Style, Symbol};

/// Who answered, and what is missing where it was no engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attendance {
    /// An engine.
    Engine,
    /// The journal: an engine runs, and does not answer.
    Silent,
    /// The journal: no engine runs, and something waits for one.
    Missing,
    /// The journal: no engine runs, and nothing needs one.
    NotNeeded,
    /// The matrix alone: nothing was ever ordered.
    NoJournal,
}

impl Attendance {
    /// What the first line of `status` says of it; none where an engine answered.
    pub(crate) fn heading(self, style: &Style) -> Option<String> {
        let warning = style.symbol(Symbol::Warning);
        Some(match self {
            Self::Engine => return None,
            Self::Silent => format!("{warning} the engine does not answer; this is the journal"),
            Self::Missing => {
                format!("{warning} no engine runs: nothing advances, visitors are served as before")
            }
            Self::NotNeeded => "no engine runs, and nothing needs one".to_owned(),
            Self::NoJournal => "no journal yet: nothing was ever ordered here".to_owned(),
        })
    }

    /// The commands that help.
    pub(crate) fn next(self) -> Vec<Next> {
        match self {
            Self::Engine | Self::NotNeeded => Vec::new(),
            Self::Silent => vec![Next::new("towpath doctor", "why the engine is silent")],
            Self::Missing => vec![Next::new("towpath engine start", "lets things go on")],
            Self::NoJournal => {
                vec![Next::new("towpath release create --help", "the first step, with examples")]
            }
        }
    }

    /// What every other question adds to its answer; empty where there is nothing to add.
    pub(crate) fn note(self, style: &Style) -> String {
        let heading = match self {
            Self::Missing => {
                format!("{} no engine runs here: nothing advances", style.symbol(Symbol::Warning))
            }
            Self::NotNeeded => return String::new(),
            other => match other.heading(style) {
                Some(heading) => heading,
                None => return String::new(),
            },
        };
        format!("{heading}\n{}", block::next(&self.next()))
    }
}
