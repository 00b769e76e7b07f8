//! The events of an iCalendar file (RFC 5545), and the line on which each begins. Owns what of an event
//! is understood, and refuses what is not; follows no rule of recurrence.

use icalendar::parser::{self, Component, Property};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};

use super::recurring::Rule;
use super::{MAX_CALENDAR, Wrong, time_zone};
use crate::tree::printable;

/// Components inside each other: a calendar, an event, its alarm. The parser goes down by recursion.
const DEEPEST: usize = 4;
/// The longest event, in days.
const LONGEST: i32 = 366;

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The line of its beginning, from one on.
    pub(super) line: usize,
    pub(super) begins: Moment,
    pub(super) end: End,
    pub(super) rule: Option<Rule>,
    /// Occurrences that are taken out.
    pub(super) except: Vec<Moment>,
}

/// How an event ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// So many whole days after it begins.
    Days(usize),
    /// So long after it begins.
    Lasts(SignedDuration),
}

/// A moment as a calendar writes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moment {
    pub(super) wall: DateTime,
    pub(super) place: Place,
}

/// Whose clock a moment is on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// No clock's: it is a whole day.
    Day,
    /// That of whoever reads it.
    Here,
    /// That of a zone.
    Zone(TimeZone),
}

impl Moment {
    /// The instant, where a day and a moment without a zone are those of `zone`.
    pub(super) fn instant(&self, zone: &TimeZone) -> Option<jiff::Timestamp> {
        let zone = if let Place::Zone(own) = &self.place { own } else { zone };
        zone.to_ambiguous_timestamp(self.wall).compatible().ok()
    }
}

/// The lines of a file as they belong together, with the number of the first.
struct Lines<'a>(Vec<(usize, &'a str)>);

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let all = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        Self(all.filter(|(_, line)| !line.starts_with([' ', '\t'])).collect())
    }

    /// Numbers of the lines that begin a component of this name.
    fn beginning(&self, name: &str) -> Vec<usize> {
        let begins = |line: &str| {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            key.eq_ignore_ascii_case("BEGIN") && value.trim().eq_ignore_ascii_case(name)
        };
        self.0.iter().filter(|(_, line)| begins(line)).map(|(number, _)| *number).collect()
    }

    /// The line of a property of the component that begins at `from`.
    fn property(&self, from: usize, name: &str) -> usize {
        let has = |line: &str| {
            let key = line.split([':', ';']).next().unwrap_or_default();
            key.eq_ignore_ascii_case(name)
        };
        let after = self.0.iter().skip_while(|(number, _)| *number < from);
        after.into_iter().find(|(_, line)| has(line)).map_or(from, |(number, _)| *number)
    }

    /// The first line that begins a component too deep inside others.
    fn too_deep(&self) -> Option<usize> {
        let mut depth = 0_usize;
        for (number, line) in &self.0 {
            let key = line.split([':', ';']).next().unwrap_or_default().trim();
            if key.eq_ignore_ascii_case("BEGIN") {
                depth += 1;
            } else if key.eq_ignore_ascii_case("END") {
                depth = depth.saturating_sub(1);
            }
            if depth > DEEPEST {
                return Some(*number);
            }
        }
        None
    }
}

/// All events that are not cancelled. A file without any is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Event>, Wrong> {
    const AGAIN: &str = "export the calendar anew, as iCalendar (.ics)";
    let whole = |what: String| Wrong { line: None, what, next: AGAIN };
    if bytes.len() > MAX_CALENDAR {
        return Err(whole(format!("it has more than {MAX_CALENDAR} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole("it is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::of(text);
    // As the parser will see them: a line may begin a component in its second half.
    let unfolded = parser::unfold(text);
    if Lines::of(&unfolded).too_deep().is_some() {
        let line = lines.too_deep();
        let what = "components stand too deep inside each other".to_owned();
        return Err(Wrong { line, what, next: AGAIN });
    }
    let components = parser::read_calendar_simple(&unfolded)
        .map_err(|_| whole("it is no iCalendar file, or cut off".to_owned()))?;
    let (calendars, begin) = (lines.beginning("VCALENDAR"), lines.beginning("VEVENT"));
    let events: Vec<_> =
        components.iter().flat_map(|it| &it.components).filter(|it| is_event(it)).collect();
    // The parser leaves out what follows something that it cannot read.
    if calendars.is_empty() || components.len() != calendars.len() || events.len() != begin.len() {
        return Err(whole("it is no iCalendar file, or not all of it can be read".to_owned()));
    }
    if events.is_empty() {
        return Err(whole("it lists no event".to_owned()));
    }
    let read =
        events.into_iter().zip(begin).map(|(it, line)| event(it, &Source { lines: &lines, line }));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn is_event(component: &Component<'_>) -> bool {
    component.name.as_str().eq_ignore_ascii_case("VEVENT")
}

/// Where an event stands.
struct Source<'a> {
    lines: &'a Lines<'a>,
    line: usize,
}

impl Source<'_> {
    fn wrong(&self, property: &str, what: impl Into<String>, next: &'static str) -> Wrong {
        Wrong::new(self.lines.property(self.line, property), what, next)
    }

    /// The only property of this name.
    fn one<'b>(
        &self,
        event: &'b Component<'b>,
        name: &str,
    ) -> Result<Option<&'b Property<'b>>, Wrong> {
        let mut all = named(event, name);
        let first = all.next();
        if all.next().is_some() {
            return Err(self.wrong(
                name,
                format!("the event has two of {name}"),
                "remove one of them",
            ));
        }
        Ok(first)
    }
}

fn named<'b>(
    event: &'b Component<'b>,
    name: &str,
) -> impl Iterator<Item = &'b Property<'b>> + use<'b> {
    let name = name.to_owned();
    event.properties.iter().filter(move |it| it.name.as_str().eq_ignore_ascii_case(&name))
}

/// One event; none where it was cancelled.
fn event(component: &Component<'_>, source: &Source<'_>) -> Result<Option<Event>, Wrong> {
    /// What changes when an event is, and is not understood.
    const UNKNOWN: [&str; 3] = ["RDATE", "EXRULE", "RECURRENCE-ID"];
    for name in UNKNOWN {
        if named(component, name).next().is_some() {
            let what = format!("{name} is not understood here");
            return Err(source.wrong(name, what, "write such days as events of their own"));
        }
    }
    let status = source.one(component, "STATUS")?;
    if status.is_some_and(|it| it.val.as_str().trim().eq_ignore_ascii_case("CANCELLED")) {
        return Ok(None);
    }
    let Some(start) = source.one(component, "DTSTART")? else {
        return Err(Wrong::new(source.line, "the event has no DTSTART", "say when it begins"));
    };
    let begins = moment(start, start.val.as_str(), source)?;
    let end = end(component, &begins, source)?;
    let rule = match source.one(component, "RRULE")? {
        Some(rule) => Some(Rule::read(rule.val.as_str()).map_err(|what| {
            source.wrong("RRULE", what, "rules that are known: FREQ=YEARLY with BYMONTH, BYMONTHDAY or BYDAY; write others as events, or as `days` or `cron` of a freeze")
        })?),
        None => None,
    };
    let mut except = Vec::new();
    for property in named(component, "EXDATE") {
        for text in property.val.as_str().split(',') {
            except.push(moment(property, text, source)?);
        }
    }
    Ok(Some(Event { line: source.line, begins, end, rule, except }))
}

/// When it ends: as it says, else a whole day after a day.
fn end(component: &Component<'_>, begins: &Moment, source: &Source<'_>) -> Result<End, Wrong> {
    const NEXT: &str = "let the event end after it begins, within a year";
    let (until, lasts) = (source.one(component, "DTEND")?, source.one(component, "DURATION")?);
    let wrong = |name: &str| {
        source.wrong(name, "the event does not end after it begins, within a year", NEXT)
    };
    let is_day = begins.place == Place::Day;
    let (name, lasts) = match (until, lasts) {
        (Some(until), None) => {
            let ends = moment(until, until.val.as_str(), source)?;
            if (ends.place == Place::Day) != is_day {
                return Err(source.wrong(
                    "DTEND",
                    "one of DTSTART and DTEND is a day, the other is not",
                    NEXT,
                ));
            }
            // Two moments without a zone are on the same clock, whichever that is.
            let (from, to) = (begins.instant(&TimeZone::UTC), ends.instant(&TimeZone::UTC));
            ("DTEND", from.zip(to).map(|(from, to)| to.duration_since(from)))
        }
        (None, Some(lasts)) => {
            let span: Option<Span> = lasts.val.as_str().trim().parse().ok();
            let lasts = span
                .and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
            ("DURATION", lasts)
        }
        (None, None) if is_day => return Ok(End::Days(1)),
        (None, None) => {
            return Err(source.wrong("DTSTART", "the event has neither DTEND nor DURATION", NEXT));
        }
        (Some(_), Some(_)) => {
            return Err(source.wrong("DTEND", "the event has DTEND and DURATION", NEXT));
        }
    };
    let lasts = lasts.filter(|lasts| {
        lasts.is_positive() && *lasts <= SignedDuration::from_hours(24 * i64::from(LONGEST))
    });
    let lasts = lasts.ok_or_else(|| wrong(name))?;
    if !is_day {
        return Ok(End::Lasts(lasts));
    }
    let hours = lasts.as_hours();
    let days = usize::try_from(hours / 24).ok().filter(|days| *days > 0 && hours % 24 == 0);
    days.map(End::Days).ok_or_else(|| wrong(name))
}

/// A moment by the value of a property and its parameters.
fn moment(property: &Property<'_>, text: &str, source: &Source<'_>) -> Result<Moment, Wrong> {
    let name = property.name.as_str();
    let text = text.trim();
    let parameter = |name: &str| {
        let found = property.params.iter().find(|it| it.key.as_str().eq_ignore_ascii_case(name));
        found.and_then(|it| it.val.as_ref()).map(|it| it.as_str().trim_matches('"').to_owned())
    };
    let wrong = |what: String| {
        source.wrong(name, what, "write a day as 20271224, a moment as 20271224T090000Z")
    };
    let zone = match parameter("TZID") {
        None => Place::Here,
        Some(name) => Place::Zone(time_zone(&name).ok_or_else(|| {
            let what = format!("there is no time zone `{}`", printable(&name));
            source.wrong(
                property.name.as_str(),
                what,
                "name a zone of the IANA database, such as Europe/Berlin",
            )
        })?),
    };
    let read = written(text).ok_or_else(|| wrong(format!("`{}` is no moment", printable(text))))?;
    Ok(match read {
        (date, None) => Moment { wall: date.to_datetime(Time::midnight()), place: Place::Day },
        (date, Some((time, true))) => {
            Moment { wall: date.to_datetime(time), place: Place::Zone(TimeZone::UTC) }
        }
        (date, Some((time, false))) => Moment { wall: date.to_datetime(time), place: zone },
    })
}

/// `20271224`, `20271224T090000` or `20271224T090000Z`: the day, the time, and whether that is UTC.
pub(super) fn written(text: &str) -> Option<(Date, Option<(Time, bool)>)> {
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        plain.then(|| text.parse::<i16>().ok()).flatten()
    };
    let two = |text: &str| number(text).and_then(|it| i8::try_from(it).ok());
    let (day, time) = text.split_once('T').map_or((text, None), |(day, time)| (day, Some(time)));
    let fits = |text: &str, length: usize| text.is_ascii() && text.len() == length;
    if !fits(day, 8) {
        return None;
    }
    let date = Date::new(number(&day[..4])?, two(&day[4..6])?, two(&day[6..])?).ok()?;
    let Some(time) = time else { return Some((date, None)) };
    let (time, is_utc) = time.strip_suffix('Z').map_or((time, false), |time| (time, true));
    if !fits(time, 6) {
        return None;
    }
    // A leap second is the last second of its minute.
    let second = two(&time[4..])?.min(59);
    let time = Time::new(two(&time[..2])?, two(&time[2..4])?, second, 0).ok()?;
    Some((date, Some((time, is_utc))))
}
