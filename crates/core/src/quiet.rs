//! When the least traffic is to be expected in a lane, told from what was counted there. Owns this
//! forecast; counts nothing, and starts nothing by it.
//!
//! Hours are those of the clock of one place, because people come by their clocks: what was counted at
//! three in summer and at three in winter is the same hour. What is expected of an hour is a median, so
//! that one night of a sale or an outage says nothing.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::calendar::{self, Stretch};
use crate::units::{Span, Timestamp};

/// How long a [`Tally`] is: all offsets of zones that are in use are multiples of it, so that the hours
/// of every place are made of whole ones.
pub const TALLY: Span = Span::minutes(15);
/// How far ahead an hour is looked for: each hour of the week comes once.
pub const AHEAD: Span = Span::hours(7 * 24);
/// Whole days that must have been counted: less may lack a weekend.
pub const LEAST_DAYS: usize = 7;

/// Hours that make a day a whole one: a restart or a change of the clock does not spoil it.
const WHOLE_DAY: usize = 18;
/// Days from which on each hour of the week stands for itself. Before, it was met once or twice, which
/// has no median; days from Monday to Friday are taken together, and those of the weekend.
const WEEKLY_FROM: usize = 21;
/// How much of an hour must have been counted to count.
const LEAST_OF_AN_HOUR: Span = Span::minutes(45);
/// How often an hour must have been counted.
const LEAST_TIMES: usize = 2;
/// The longest promotion that is looked at whole: beyond a day every hour is met.
const LONGEST: Span = Span::hours(24);
const HOUR: Span = Span::hours(1);

/// What was counted in one [`TALLY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// When it began.
    pub start: Timestamp,
    /// For how much of it somebody counted.
    pub covered: Span,
    /// Requests.
    pub requests: u64,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// When.
    pub now: Timestamp,
    /// The IANA zone whose hours count.
    pub zone: &'a str,
    /// How long the steps of the promotion take.
    pub lasts: Span,
    /// When it may run, in order.
    pub open: &'a [Stretch],
}

/// A moment, and the requests an hour that are to be expected from then on, over a whole promotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// When.
    pub at: Timestamp,
    /// The same on the clock of the place, such as `Tue 2026-11-24 03:00 Europe/Berlin`.
    pub local: String,
    /// Requests an hour.
    pub requests: u64,
}

/// When the least traffic is to be expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHour {
    /// The start to choose.
    pub best: Start,
    /// The first moment at which it may start, where that is another one that is known.
    pub first: Option<Start>,
    /// Requests in the middle one of all hours of the week.
    pub usual: u64,
    /// Requests in the busiest one.
    pub busiest: u64,
    /// Whole days of counts that this rests on.
    pub days: usize,
    /// Whether every stretch is too short for the whole promotion, so that it will be held in its midst.
    pub outlasts: bool,
}

/// The start within [`AHEAD`] at which the least traffic is to be expected over a whole promotion: the
/// soonest of those at most a tenth above the least, because medians of some weeks are no sharper.
///
/// # Errors
/// One sentence that says why no hour is worth naming: too little was counted, nobody came, it may start
/// at no time, or no start is under half of the middle hour.
pub fn hour(tallies: &[Tally], question: Question<'_>) -> Result<QuietHour, String> {
    let name = question.zone;
    let zone = calendar::zone(name).ok_or_else(|| format!("there is no time zone {name}"))?;
    let habits = Habits::of(tallies, question.now, zone)?;
    let (usual, busiest) = habits.of_a_week();
    let days = habits.days;
    if usual == 0 {
        return Err(format!("in {days} days most hours had no request at all"));
    }
    let end = question.now.plus(AHEAD);
    let lasts = question.lasts;
    let mut starts = Vec::new();
    for stretch in question.open {
        let until = stretch.until.unwrap_or(end);
        let moments = habits.starts(*stretch, end);
        let fits = |at: Timestamp| stretch.until.is_none() || at.plus(lasts) <= until;
        starts.extend(moments.into_iter().map(|at| (at, habits.over(at, lasts), fits(at))));
    }
    if starts.is_empty() {
        return Err("windows and freezes leave no hour within 7 days".to_owned());
    }
    let outlasts = starts.iter().all(|(_, _, fits)| !fits);
    let known = starts.iter().filter(|(_, _, fits)| *fits || outlasts);
    let known: Vec<_> = known.filter_map(|(at, requests, _)| Some((*at, (*requests)?))).collect();
    let said = |(at, requests)| Start { at, local: habits.local(at, name), requests };
    let least = known.iter().map(|(_, requests)| *requests).min();
    let is_near =
        |requests: u64| least.is_some_and(|least| requests <= least.saturating_add(least / 10));
    let best = known.into_iter().find(|(_, requests)| is_near(*requests)).map(said);
    let best = best.ok_or("the hours in which it may start were hardly ever counted")?;
    if best.requests.saturating_mul(2) >= usual {
        return Err(format!(
            "no hour stands out: the quietest in which it may start, {}, has about {} requests, and half \
             of all hours have {usual} or fewer",
            best.local, best.requests
        ));
    }
    let first = starts.first().and_then(|(at, requests, _)| Some((*at, (*requests)?)));
    let first = first.filter(|(at, _)| *at != best.at).map(said);
    Ok(QuietHour { best, first, usual, busiest, days, outlasts })
}

/// What is usual at which hour of a place.
struct Habits {
    zone: TimeZone,
    days: usize,
    /// Requests an hour, by hour of the week or of its days of work and its weekend.
    medians: BTreeMap<(Days, i8), u64>,
}

/// Days that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Days {
    /// These of each week, from Monday on.
    Of(i8),
    /// Monday to Friday.
    Work,
    /// Saturday and Sunday.
    Weekend,
}

impl Days {
    fn at(day: Weekday, days: usize) -> Self {
        if days >= WEEKLY_FROM {
            return Self::Of(day.to_monday_zero_offset());
        }
        let is_weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        if is_weekend { Self::Weekend } else { Self::Work }
    }
}

impl Habits {
    fn of(tallies: &[Tally], now: Timestamp, zone: TimeZone) -> Result<Self, String> {
        let mut hours: BTreeMap<Timestamp, (DateTime, u64, Span)> = BTreeMap::new();
        // What is not over, and what a clock that ran ahead counted, says nothing yet.
        for tally in tallies.iter().filter(|tally| tally.start.plus(TALLY) <= now) {
            let Some(local) = local(&zone, tally.start) else { continue };
            let into = Span::minutes(u64::try_from(local.minute()).unwrap_or(0));
            // By moments: an hour that a clock shows twice is two.
            let hour = hours.entry(tally.start.minus(into)).or_insert((local, 0, Span::ZERO));
            hour.1 = hour.1.saturating_add(tally.requests);
            hour.2 = Span(hour.2.0 + tally.covered.0.min(TALLY.0));
        }
        hours.retain(|_, (_, _, covered)| *covered >= LEAST_OF_AN_HOUR);
        let mut of_days: BTreeMap<Date, usize> = BTreeMap::new();
        for (local, _, _) in hours.values() {
            *of_days.entry(local.date()).or_default() += 1;
        }
        let days = of_days.values().filter(|hours| **hours >= WHOLE_DAY).count();
        if days < LEAST_DAYS {
            return Err(format!(
                "{LEAST_DAYS} whole days of counts are needed, and {days} are kept"
            ));
        }
        let mut met: BTreeMap<(Days, i8), Vec<u64>> = BTreeMap::new();
        for (local, requests, covered) in hours.into_values() {
            let key = (Days::at(local.weekday(), days), local.hour());
            met.entry(key).or_default().push(hourly(requests, covered));
        }
        met.retain(|_, times| times.len() >= LEAST_TIMES);
        let medians = met.into_iter().map(|(key, times)| (key, median(times)));
        Ok(Self { zone, days, medians: medians.collect() })
    }

    /// Requests in the middle one and in the busiest of all hours of a week.
    fn of_a_week(&self) -> (u64, u64) {
        let week = std::iter::successors(Some(Weekday::Monday), |day| {
            Some(day.next()).filter(|next| *next != Weekday::Monday)
        });
        let of = |day| {
            (0..24).filter_map(move |hour| self.medians.get(&(Days::at(day, self.days), hour)))
        };
        let hours: Vec<u64> = week.flat_map(of).copied().collect();
        let busiest = hours.iter().copied().max().unwrap_or(0);
        (median(hours), busiest)
    }

    /// The beginning of a stretch, and of each hour of the place in it that begins before `end`.
    fn starts(&self, stretch: Stretch, end: Timestamp) -> Vec<Timestamp> {
        let until = stretch.until.map_or(end, |until| until.min(end));
        let next = |at: &Timestamp| Some(self.next_hour(*at));
        std::iter::successors(Some(stretch.from), next).take_while(|at| *at < until).collect()
    }

    /// When the next hour of the place begins.
    fn next_hour(&self, at: Timestamp) -> Timestamp {
        const MINUTE: i64 = 60_000_000;
        let minute = local(&self.zone, at).map_or(0, |local| i64::from(local.minute()));
        let begun = at.0.rem_euclid(MINUTE);
        Timestamp(at.0.saturating_add((60 - minute) * MINUTE - begun))
    }

    /// Requests an hour from a moment on, over all of a promotion, an hour at least and a day at most;
    /// none where an hour of it is not known.
    fn over(&self, from: Timestamp, lasts: Span) -> Option<u64> {
        let lasts = lasts.max(HOUR).min(LONGEST);
        let end = from.plus(lasts);
        let (mut at, mut sum) = (from, 0_u128);
        while at < end {
            let until = self.next_hour(at).min(end);
            let local = local(&self.zone, at)?;
            let key = (Days::at(local.weekday(), self.days), local.hour());
            let share = u128::from(until.0.abs_diff(at.0));
            sum += u128::from(*self.medians.get(&key)?) * share;
            at = until;
        }
        u64::try_from(sum / u128::from(end.0.abs_diff(from.0).max(1))).ok()
    }

    /// As people of the place say it.
    fn local(&self, at: Timestamp, zone: &str) -> String {
        let local = local(&self.zone, at);
        local.map_or_else(String::new, |local| format!("{} {zone}", local.strftime("%a %F %H:%M")))
    }
}

fn local(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    jiff::Timestamp::from_microsecond(at.0).ok().map(|at| zone.to_datetime(at))
}

/// What a whole hour would have had.
fn hourly(requests: u64, covered: Span) -> u64 {
    let hour = u128::from(requests) * u128::from(HOUR.milliseconds());
    u64::try_from(hour / u128::from(covered.milliseconds().max(1))).unwrap_or(u64::MAX)
}

/// Of an even number the larger of the two in the middle: one night in which nobody could come makes no
/// hour a quiet one. Zero of none.
fn median(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
