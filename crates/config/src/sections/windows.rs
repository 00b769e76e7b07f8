//! When promotions may run, and when none may. Owns the keys and their way into a calendar; what holds at
//! a moment is the core's, and rollbacks are exempt from both.

use towpath_core::calendar::{Calendar, Cron, Day, DeclaredFreeze, Times, Weekly, Window};
use towpath_core::release::ChangeType;
use towpath_core::units::Span;

use super::change_types::TYPES;
use super::schedule::DAYS;
use super::{ANYWHERE, Section};
use crate::codes::Code;
use crate::fields::Fields;
use crate::holidays::Calendars;
use crate::problem::{Problem, Problems};
use crate::quantities;
use crate::shape::{Default, Key, NOWHERE, PATH, Shape, TEXT, word};
use crate::tree::{Node, printable};

/// The last minute of a day; hours that end with it go on to the end of the day.
const LAST_MINUTE: &str = "23:59";
/// Minutes of a day.
const DAY: u16 = 24 * 60;

const DAYS_OF_WEEK: Key =
    Key::optional("days", Shape::List(&word(DAYS)), "Days of the week, every week.");
const CALENDAR: Key = Key::optional(
    "calendar",
    PATH,
    "Instead of all of these: an iCalendar file in the folder of the matrix, such as \
     `calendars/holidays.ics`. It is read with the matrix, and is part of it.",
);
const HOURS: Key = Key::new(
    "hours",
    Shape::Hours,
    Default::Is("00:00-23:59"),
    "Hours of those days; after 23:59 the day is over, and 22:00-06:00 ends on the next one.",
);
const CRON: Key = Key::optional(
    "cron",
    TEXT,
    "Instead of days and hours: five fields that say when it begins, such as `0 9 * * mon-thu`.",
);
const LASTS: Key =
    Key::optional("lasts", Shape::SomeTime, "With `cron`: how long it is each time.");
const ZONE: Key =
    Key::new("zone", Shape::Zone, Default::Is("UTC"), "The time zone of days, hours and `cron`.");

const WINDOW: &[Key] = &[
    Key::optional("name", TEXT, "What it is called."),
    DAYS_OF_WEEK,
    HOURS,
    CRON,
    LASTS,
    ZONE,
    Key::optional("for", Shape::List(&word(TYPES)), "Change types it holds for; left out, all."),
];

/// Keys of one freeze.
pub(crate) const FREEZE: &[Key] = &[
    Key::optional("name", TEXT, "What it is called."),
    Key::optional("reason", TEXT, "Why."),
    Key::optional("from", Shape::Date, "The first day."),
    Key::optional("until", Shape::Date, "The last day."),
    DAYS_OF_WEEK,
    Key::optional("dates", Shape::List(&Shape::Date), "These days and no others: holidays."),
    CALENDAR,
    HOURS,
    CRON,
    LASTS,
    ZONE,
    Key::optional("except", Shape::List(&word(TYPES)), "Change types that may pass."),
];

/// What says when a freeze is.
pub(crate) const FREEZES_WHEN: [&str; 7] =
    ["from", "until", "days", "dates", "calendar", "hours", "cron"];

/// The two sections.
pub(crate) const SECTIONS: &[Section] = &[
    Section::enforced(
        Key::optional("windows", Shape::List(&Shape::Map(WINDOW)), "When promotions may run."),
        ANYWHERE,
        "windows:\n  - { days: [mon, tue, wed, thu], hours: 09:00-16:00, zone: Europe/Berlin }\n",
    ),
    Section::enforced(
        Key::optional("freezes", Shape::List(&Shape::Map(FREEZE)), "When no promotion may run."),
        ANYWHERE,
        "freezes:\n  - { name: year end, from: 2027-12-20, until: 2028-01-02 }\n",
    ),
];

/// Windows and freezes of a lane: those of its environment, else those at the top.
pub(crate) fn read(lane: &Node, root: &Node, calendars: &Calendars) -> Calendar {
    let items = |name| {
        let section = lane.get(name).or_else(|| root.get(name));
        section.map(Node::items).unwrap_or_default().iter()
    };
    let windows = items("windows").map(|item| {
        let fields = Fields::new(Some(item), WINDOW, NOWHERE);
        Window {
            name: fields.text("name"),
            times: times(&fields, calendars),
            types: types(&fields, "for"),
        }
    });
    let freezes = items("freezes").map(|item| {
        let fields = Fields::new(Some(item), FREEZE, NOWHERE);
        DeclaredFreeze {
            name: fields.text("name"),
            reason: fields.text("reason"),
            times: times(&fields, calendars),
            except: types(&fields, "except"),
        }
    });
    Calendar { windows: windows.collect(), freezes: freezes.collect() }
}

fn times(fields: &Fields<'_>, calendars: &Calendars) -> Times {
    let zone = fields.text("zone").unwrap_or_default();
    if let Some(file) = fields.text("calendar") {
        return calendars.times(&file, &zone);
    }
    if let Some(expression) = fields.text("cron") {
        let lasts = fields.span("lasts").unwrap_or_default();
        return Times::Cron(Cron { expression, lasts, zone });
    }
    let date = |name| fields.text(name).and_then(|text| quantities::date(&text));
    let dates = fields
        .given("dates")
        .map(|_| fields.texts("dates").iter().filter_map(|text| quantities::date(text)).collect());
    let named = fields.texts("days");
    let days = Day::ALL.into_iter().filter(|day| named.iter().any(|name| name == day.as_str()));
    let (from, until) = minutes(&fields.text("hours").unwrap_or_default());
    let (first, last) = (date("from"), date("until"));
    Times::Day(Weekly { days: days.collect(), first, last, dates, from, until, zone })
}

fn minutes(hours: &str) -> (u16, u16) {
    let Some((from, until)) = quantities::hours(hours) else { return (0, DAY) };
    let minute = |time: jiff::civil::Time| {
        u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0)
    };
    (minute(from), if hours.ends_with(LAST_MINUTE) { DAY } else { minute(until) })
}

/// The types of change that a list names; what is none of them was refused already.
pub(crate) fn types(fields: &Fields<'_>, name: &str) -> Vec<ChangeType> {
    let named = fields.texts(name);
    let is_named = |one: &ChangeType| named.iter().any(|name| name == one.as_str());
    ChangeType::ALL.into_iter().filter(is_named).collect()
}

/// Whether a window or a freeze that begins by `cron` says all that is needed, and nothing else that says
/// when.
pub(crate) fn cron(item: &Node, problems: &mut Problems) {
    let (expression, lasts) = (item.get("cron"), item.get("lasts"));
    let missing = |at: &Node, own: &str, other: &str, next: &str| {
        Problem::new(Code::MissingKey, at.extent, format!("`{own}` needs the key `{other}`"))
            .missing(item.extent, other)
            .next(next.to_owned())
    };
    match (expression, lasts) {
        (None, None) => {}
        (Some(at), None) => problems.add(missing(at, "cron", "lasts", "add `lasts: 7h`")),
        (None, Some(at)) => {
            problems.add(missing(at, "lasts", "cron", "write `hours: 09:00-16:00` instead"));
        }
        (Some(at), Some(lasts)) => {
            let besides = ["days", "hours", "dates", "from", "until"];
            if let Some(problem) = twice(item, (at, "cron"), &besides, "`cron` and `lasts`") {
                problems.add(problem);
            }
            if let Some(problem) = wrong(at, lasts) {
                problems.add(problem);
            }
        }
    }
}

/// A freeze whose days are in a calendar says nothing else that says when.
pub(crate) fn calendar(item: &Node, problems: &mut Problems) {
    let Some(at) = item.get("calendar") else { return };
    let besides = ["days", "hours", "dates", "from", "until", "cron", "lasts"];
    if let Some(problem) = twice(item, (at, "calendar"), &besides, "`calendar`") {
        problems.add(problem);
    }
}

/// What says when it is, beside something that says it already.
fn twice(
    item: &Node,
    (at, said): (&Node, &str),
    besides: &[&str],
    instead: &str,
) -> Option<Problem> {
    let (name, other) = besides.iter().find_map(|name| Some((name, item.get(name)?)))?;
    let message = format!("`{name}` beside `{said}` would say twice when it is");
    Some(
        Problem::new(Code::WrongValue, other.extent, message)
            .related(at.extent, "says it already")
            .next(format!("leave `{name}` out, or {instead}")),
    )
}

/// What is wrong with an expression, or with how long it lasts.
fn wrong(at: &Node, lasts: &Node) -> Option<Problem> {
    let text = at.text()?;
    let lasts: Span = lasts.text()?.parse().ok()?;
    let cron = Cron { expression: text.to_owned(), lasts, zone: "UTC".to_owned() };
    let cause = cron.check().err()?;
    let message = format!("`cron` cannot be `{}`: {cause}", printable(text));
    Some(
        Problem::new(Code::WrongValue, at.extent, message)
            .expected("minute, hour, day of the month, month, day of the week, and a shorter `lasts` than the time between two")
            .next("write `cron: 0 9 * * mon-thu`"),
    )
}
