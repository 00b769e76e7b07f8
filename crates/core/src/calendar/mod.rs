//! When promotions may run, as the matrix declares it: windows in which they may, and freezes in which
//! they may not. Owns what holds at a moment and when that is over; knows no freeze of a person, which
//! is in [`crate::freezing`].
//!
//! A pure function of a moment and of the rules of time zones that this program was built with; the
//! machine's are never asked, so that every replay answers the same.

mod listed;
mod times;

use serde::{Deserialize, Serialize};

use crate::release::ChangeType;
use crate::units::{Span, Timestamp};

pub use listed::{Listed, Part};
pub(crate) use times::zone;
pub use times::{Cron, Day, MOST_DATES, Times, Weekly};

/// How far ahead a moment is looked for at which a promotion may run: whatever is declared for days of
/// the week or of a year comes round within it.
pub const LOOKS_AHEAD: Span = Span::hours(24 * 400);

/// Windows and freezes of one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// When promotions may run; none: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// When they may not, whatever the windows say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<DeclaredFreeze>,
}

/// A time in which promotions may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// What people call it.
    pub name: Option<String>,
    /// When.
    pub times: Times,
    /// Types of change that it is for; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<ChangeType>,
}

/// A time in which no promotion may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredFreeze {
    /// What people call it.
    pub name: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub times: Times,
    /// Types of change that may run nevertheless.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<ChangeType>,
}

/// What of a calendar holds a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold<'a> {
    /// This freeze.
    Freeze(&'a DeclaredFreeze),
    /// None of the windows that are for this type of change is open.
    Closed,
    /// No window is for this type of change.
    NoWindow,
}

/// A stretch of time in which a promotion may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From this moment on.
    pub from: Timestamp,
    /// Until then; none: for as long as was asked about.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether it is for this type of change.
    pub fn is_for(&self, change: ChangeType) -> bool {
        self.types.is_empty() || self.types.contains(&change)
    }
}

impl DeclaredFreeze {
    /// Its name, else its reason, else when it is.
    pub fn called(&self) -> String {
        let own = self.name.clone().or_else(|| self.reason.clone());
        own.unwrap_or_else(|| self.times.to_string())
    }
}

impl Calendar {
    /// Whether nothing is declared, so that promotions may run at any time.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.freezes.is_empty()
    }

    /// The IANA zone by whose clock it goes for this type of change: that of the first window, else of the
    /// first freeze, else `UTC`.
    pub fn zone(&self, change: ChangeType) -> &str {
        let windows = self.windows.iter().filter(|window| window.is_for(change));
        let freezes = self.freezes.iter().filter(|freeze| !freeze.except.contains(&change));
        let mut times =
            windows.map(|window| &window.times).chain(freezes.map(|freeze| &freeze.times));
        times.next().map_or("UTC", Times::zone)
    }

    /// What holds a promotion of this type at this moment; none: it may run. A freeze wins over every
    /// window. What cannot be evaluated holds.
    pub fn hold(&self, change: ChangeType, at: Timestamp) -> Option<Hold<'_>> {
        Rules::of(self, change).hold(at)
    }

    /// The first moment from `from` on at which a promotion of this type may run; none within
    /// [`LOOKS_AHEAD`].
    pub fn opens(&self, change: ChangeType, from: Timestamp) -> Option<Timestamp> {
        if self.is_empty() {
            return Some(from);
        }
        Rules::of(self, change).first(from, false)
    }

    /// The first moment from `from` on at which a promotion of this type may not run; none within
    /// [`LOOKS_AHEAD`].
    pub fn closes(&self, change: ChangeType, from: Timestamp) -> Option<Timestamp> {
        if self.is_empty() {
            return None;
        }
        Rules::of(self, change).first(from, true)
    }

    /// When a promotion of this type may run from `from` to `until`, in order, in one look at all of it.
    pub fn stretches(&self, change: ChangeType, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        if self.is_empty() {
            return vec![Stretch { from, until: None }];
        }
        Rules::of(self, change).stretches(from, until)
    }
}

/// What concerns one type of change, ready to be asked about many moments.
struct Rules<'a> {
    has_windows: bool,
    windows: Vec<times::Ready<'a>>,
    freezes: Vec<(times::Ready<'a>, &'a DeclaredFreeze)>,
}

impl<'a> Rules<'a> {
    fn of(calendar: &'a Calendar, change: ChangeType) -> Self {
        let windows = calendar.windows.iter().filter(|window| window.is_for(change));
        let freezes = calendar.freezes.iter().filter(|freeze| !freeze.except.contains(&change));
        Self {
            has_windows: !calendar.windows.is_empty(),
            windows: windows.map(|window| times::Ready::of(&window.times)).collect(),
            freezes: freezes.map(|one| (times::Ready::of(&one.times), one)).collect(),
        }
    }

    fn hold(&self, at: Timestamp) -> Option<Hold<'a>> {
        // What cannot be evaluated is no open window, and is a freeze that holds.
        if let Some((_, freeze)) =
            self.freezes.iter().find(|(times, _)| times.covers(at).unwrap_or(true))
        {
            return Some(Hold::Freeze(freeze));
        }
        if !self.has_windows {
            return None;
        }
        if self.windows.is_empty() {
            return Some(Hold::NoWindow);
        }
        let is_open = self.windows.iter().any(|times| times.covers(at).unwrap_or(false));
        (!is_open).then_some(Hold::Closed)
    }

    /// The first moment at which it is held, or is not. What holds changes only where one of the times
    /// begins or ends, so that no other moment has to be looked at.
    fn first(&self, from: Timestamp, held: bool) -> Option<Timestamp> {
        let fits = |at: &Timestamp| self.hold(*at).is_some() == held;
        self.changes(from, from.plus(LOOKS_AHEAD)).find(fits)
    }

    fn stretches(&self, from: Timestamp, until: Timestamp) -> Vec<Stretch> {
        let mut found = Vec::new();
        let mut began = None;
        for at in self.changes(from, until) {
            match (self.hold(at).is_none(), began) {
                (true, None) => began = Some(at),
                (false, Some(from)) => {
                    found.push(Stretch { from, until: Some(at) });
                    began = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        found.extend(began.map(|from| Stretch { from, until: None }));
        found
    }

    /// The first moment, and all after it at which something may begin or end, in order and without end
    /// where there are many: whoever looks for one stops there.
    fn changes(&self, from: Timestamp, end: Timestamp) -> impl Iterator<Item = Timestamp> {
        const CHUNK: Span = Span::hours(24);
        let can_change = self.has_windows && !self.windows.is_empty() || !self.freezes.is_empty();
        let next = move |start: &Timestamp| Some(start.plus(CHUNK)).filter(|next| *next < end);
        let starts = std::iter::successors(Some(from).filter(|_| can_change), next);
        let changes = starts.flat_map(move |start| {
            let all = self.windows.iter().chain(self.freezes.iter().map(|(times, _)| times));
            let until = start.plus(CHUNK);
            let mut changes: Vec<_> = all.flat_map(|times| times.changes(start, until)).collect();
            changes.sort_unstable();
            changes.dedup();
            changes
        });
        std::iter::once(from).chain(changes.filter(move |at| *at > from))
    }
}

#[cfg(test)]
mod tests;
