//! Rules by which an event comes again (RFC 5545, section 3.3.10): those by which holidays do, once or
//! a few times each year. Owns which are known, and refuses the others.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use super::events::{self, Event, Moment, written};
use super::{LAST_YEAR, Wrong};
use crate::tree::printable;

/// Most entries of one list of a rule.
const MOST_ENTRIES: usize = 31;

/// Each year, or every few years.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    every: i16,
    end: End,
    months: Vec<i8>,
    days: Vec<Day>,
}

/// When it comes no more.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Never,
    /// After so many times.
    Count(usize),
    /// After this moment, which is the last: a day, the time of that day, and whether that is UTC.
    Until(Date, Option<(Time, bool)>),
}

/// A day of a month.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    /// Its number; below zero from the end on.
    Number(i8),
    /// So many of this weekday; below zero from the end on.
    Nth(i8, Weekday),
}

impl Rule {
    /// A rule as it is written.
    ///
    /// # Errors
    /// One sentence that names what of it is not known.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut rule = Self { every: 1, end: End::Never, months: Vec::new(), days: Vec::new() };
        let is_yearly = |part: &str| part.eq_ignore_ascii_case("FREQ=YEARLY");
        if !text.trim().split(';').any(is_yearly) {
            return Err(format!("the rule `{}` is not of years", printable(text)));
        }
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let unknown = || format!("the rule `{}` is not known", printable(part));
            let (key, value) = part.split_once('=').ok_or_else(unknown)?;
            match key.to_ascii_uppercase().as_str() {
                "FREQ" if is_yearly(part) => {}
                "INTERVAL" => {
                    let every = value.parse().ok().filter(|it| (1..=100).contains(it));
                    rule.every = every.ok_or_else(unknown)?;
                }
                "COUNT" if rule.end == End::Never => {
                    let count = value.parse().ok().filter(|count| *count > 0);
                    rule.end = End::Count(count.ok_or_else(unknown)?);
                }
                "UNTIL" if rule.end == End::Never => {
                    let (day, time) = written(value).ok_or_else(unknown)?;
                    rule.end = End::Until(day, time);
                }
                // None of them twice (RFC 5545, section 3.3.10).
                "BYMONTH" if rule.months.is_empty() => {
                    rule.months = list(value, month).ok_or_else(unknown)?;
                }
                "BYMONTHDAY" if rule.days.is_empty() => {
                    rule.days = list(value, numbered).ok_or_else(unknown)?;
                }
                "BYDAY" if rule.days.is_empty() => {
                    rule.days = list(value, nth).ok_or_else(unknown)?;
                }
                "BYMONTHDAY" | "BYDAY" => {
                    return Err(format!(
                        "the rule `{}` joins several lists of days",
                        printable(text)
                    ));
                }
                // Of weeks nothing here depends on where they begin.
                "WKST" => {}
                _ => return Err(unknown()),
            }
        }
        if !rule.days.is_empty() && rule.months.is_empty() {
            return Err(format!("the rule `{}` names days and no month", printable(text)));
        }
        Ok(rule)
    }

    /// Its days in a year, in their order.
    fn days_in(&self, year: i16, first: Date) -> Vec<Date> {
        let own = [first.month()];
        let months = if self.months.is_empty() { &own[..] } else { &self.months };
        let number = [Day::Number(first.day())];
        let days = if self.days.is_empty() { &number[..] } else { &self.days };
        let all = months.iter().flat_map(|month| days.iter().map(move |day| day.of(year, *month)));
        let mut found: Vec<Date> = all.flatten().collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Day {
    /// The day in a month; none where that month has none.
    fn of(self, year: i16, month: i8) -> Option<Date> {
        let first = Date::new(year, month, 1).ok()?;
        match self {
            Self::Number(day) if day > 0 => Date::new(year, month, day).ok(),
            Self::Number(day) => {
                let number = first.days_in_month().checked_add(day)?.checked_add(1)?;
                Date::new(year, month, number).ok()
            }
            Self::Nth(nth, weekday) => first.nth_weekday_of_month(nth, weekday).ok(),
        }
    }
}

fn list<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let all: Option<Vec<T>> = text.split(',').map(|it| read(it.trim())).collect();
    all.filter(|all| all.len() <= MOST_ENTRIES)
}

fn month(text: &str) -> Option<i8> {
    text.parse().ok().filter(|it| (1..=12).contains(it))
}

fn numbered(text: &str) -> Option<Day> {
    let number: i8 = text.parse().ok()?;
    (number != 0 && (-31..=31).contains(&number)).then_some(Day::Number(number))
}

/// `4TH`: the fourth Thursday; `-1MO`: the last Monday.
fn nth(text: &str) -> Option<Day> {
    let at = text.len().checked_sub(2).filter(|at| text.is_char_boundary(*at))?;
    let (number, day) = text.split_at(at);
    let weekday = match day.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let number: i8 = number.parse().ok()?;
    (number != 0 && (-5..=5).contains(&number)).then_some(Day::Nth(number, weekday))
}

/// When an event begins each time, and whether it would go on beyond the last year that is followed.
pub(super) fn occurrences(event: &Event, zone: &TimeZone) -> Result<(Vec<Moment>, bool), Wrong> {
    let begins = &event.begins;
    let Some(rule) = &event.rule else {
        return Ok((kept(event, vec![begins.clone()], zone), false));
    };
    let first = begins.wall.date();
    if first.year() > LAST_YEAR || first.year() < 1900 {
        let what = format!("the event begins before 1900 or after {LAST_YEAR}");
        return Err(Wrong::new(event.line, what, "correct DTSTART"));
    }
    let years = (first.year()..=LAST_YEAR).step_by(usize::try_from(rule.every).unwrap_or(1));
    // The first is one of them, whatever the rule says of it.
    let later = years.flat_map(|year| rule.days_in(year, first)).filter(|day| *day > first);
    let all = std::iter::once(first).chain(later);
    let at = |day: Date| Moment { wall: day.to_datetime(begins.wall.time()), ..begins.clone() };
    let moments: Vec<Moment> = match rule.end {
        End::Never => all.map(at).collect(),
        End::Count(count) => all.take(count).map(at).collect(),
        End::Until(day, time) => {
            all.map(at).take_while(|it| !is_over(it, day, time, zone)).collect()
        }
    };
    let goes_on = match rule.end {
        End::Never => true,
        End::Count(count) => moments.len() < count,
        End::Until(last, _) => last.year() > LAST_YEAR,
    };
    Ok((kept(event, moments, zone), goes_on))
}

/// Whether a moment lies beyond the end of a rule. An end without a time is the whole day; one in UTC is
/// an instant, which may be another day where the event is.
fn is_over(moment: &Moment, day: Date, time: Option<(Time, bool)>, zone: &TimeZone) -> bool {
    match time {
        None => moment.wall.date() > day,
        Some((time, false)) => moment.wall > day.to_datetime(time),
        Some((time, true)) => {
            let last = day.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp());
            // Where an instant cannot be told it is kept: a holiday too many holds a release, one too
            // few lets it in.
            last.zip(moment.instant(zone)).is_some_and(|(last, own)| own > last)
        }
    }
}

/// Those that are not taken out.
fn kept(event: &Event, all: Vec<Moment>, zone: &TimeZone) -> Vec<Moment> {
    match event.end {
        events::End::Days(_) => {
            let out: BTreeSet<_> = event.except.iter().map(|out| out.wall.date()).collect();
            all.into_iter().filter(|one| !out.contains(&one.wall.date())).collect()
        }
        events::End::Lasts(_) => {
            let out: BTreeSet<_> = event.except.iter().map(|out| out.instant(zone)).collect();
            all.into_iter().filter(|one| !out.contains(&one.instant(zone))).collect()
        }
    }
}
