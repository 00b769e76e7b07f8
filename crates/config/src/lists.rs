//! What the items of one list mean together, and freezes, windows and schedules that mean nothing. Whether
//! each value fits its own key is in `value`; no clock is read, so a freeze may well be past.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::quantities;
use crate::repair::{of_days, of_week};
use crate::sections::schedule::DAYS;
use crate::sections::windows::{FREEZE, FREEZES_WHEN, calendar, cron};
use crate::shape::{Shape, expected};
use crate::tree::{Node, Tree, printable};

/// Items of a list that are called the same. `what` is what the list is called.
pub(crate) fn names_twice(list: &Node, what: &str, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for named in list.items().iter().filter_map(|item| item.get("name")) {
        let Some(name) = named.text() else { continue };
        if let Some(first) = seen.get(name) {
            let message = format!("two of `{what}` are called `{}`", printable(name));
            problems.add(
                Problem::new(Code::DuplicateName, named.extent, message)
                    .label("the second")
                    .related(*first, "the first")
                    .expected("a name of its own for each: reports and approvals speak of it")
                    .next("give one of them another `name:`, or remove it"),
            );
        } else {
            seen.insert(name, named.extent);
        }
    }
}

/// Whether an item of a list of days means several of them; says how the whole list is written.
pub(crate) fn several_days(
    list: &Node,
    item: &Node,
    shape: Shape,
    name: &str,
    problems: &mut Problems,
) -> bool {
    let meant = |item: &Node| of_week(item.text()?);
    let is_days = matches!(shape, Shape::Of(of) if of_days(of));
    if !is_days || meant(item).is_none_or(|days| days.len() < 2) {
        return false;
    }
    let text = item.text().map(printable).unwrap_or_default();
    let mut problem =
        Problem::new(Code::WrongValue, item.extent, format!("`{name}` cannot be `{text}`"))
            .label("several days; each is one of the list")
            .expected(expected(shape));
    let all: Option<Vec<_>> = list.items().iter().map(meant).collect();
    problem.next = all.map(|all| {
        let mut days = all.concat();
        days.sort_by_key(|day| DAYS.iter().position(|known| known == day));
        days.dedup();
        format!("write the whole list: [{}]", days.join(", "))
    });
    problems.add(problem);
    true
}

/// Lists of a window that hold nothing, so that it never opens.
pub(crate) fn windows(list: &Node, problems: &mut Problems) {
    for (index, window) in list.items().iter().enumerate() {
        lists_that_are_empty(window, problems);
        cron(window, problems);
        let is_map = matches!(window.tree, Tree::Map(_));
        if is_map && window.get("days").is_none() && window.get("cron").is_none() {
            let message = format!("`windows[{index}]` needs the key `days`");
            problems.add(
                Problem::new(Code::MissingKey, window.extent, message)
                    .missing(window.extent, "days")
                    .expected("days: days of the week, or `cron` and `lasts`")
                    .next("add `days: [mon, tue, wed, thu]`"),
            );
        }
    }
}

/// Freezes that freeze nothing: without days, with an end before their start, with empty lists.
pub(crate) fn freezes(list: &Node, problems: &mut Problems) {
    for freeze in list.items() {
        lists_that_are_empty(freeze, problems);
        ends_before_it_starts(freeze, problems);
        cron(freeze, problems);
        calendar(freeze, problems);
        let given = |key: &str| freeze.get(key).is_some();
        // A key that is not known was most likely meant to say when; that was told.
        let strange = freeze.entries().iter().any(|entry| {
            !entry.key.starts_with("x-") && FREEZE.iter().all(|key| key.name != &*entry.key)
        });
        let is_map = matches!(freeze.tree, Tree::Map(_));
        if is_map && !strange && !FREEZES_WHEN.into_iter().any(given) {
            problems.add(
                Problem::new(Code::FreezeNever, freeze.extent, "this freeze has no days")
                    .label("it never freezes anything")
                    .expected("`from`, `until`, `days`, `dates`, `calendar`, `hours` or `cron`")
                    .next("write `from: 2027-12-20, until: 2028-01-02`, or `days: [fri]`"),
            );
        }
    }
}

/// A schedule that is active on no day.
pub(crate) fn schedule(schedule: &Node, problems: &mut Problems) {
    if let Some(active) = schedule.get("active") {
        lists_that_are_empty(active, problems);
    }
}

fn lists_that_are_empty(item: &Node, problems: &mut Problems) {
    for (key, next) in [
        ("days", "write the days, such as `[mon, tue]`"),
        ("dates", "write the days, such as `[2027-12-24]`"),
        ("for", "leave `for` out: it then holds for all change types"),
        ("except", "leave `except` out: no change type then passes"),
    ] {
        let Some(list) = item.get(key).filter(|it| matches!(it.tree, Tree::List(_))) else {
            continue;
        };
        if list.items().is_empty() {
            let message = format!("`{key}` is an empty list");
            let problem = Problem::new(Code::WrongValue, list.extent, message);
            problems.add(problem.expected("a list of at least one").next(next));
        }
    }
}

fn ends_before_it_starts(freeze: &Node, problems: &mut Problems) {
    let day = |key| freeze.get(key).and_then(|it| Some((it, quantities::date(it.text()?)?)));
    let (Some((from_at, from)), Some((until_at, until))) = (day("from"), day("until")) else {
        return;
    };
    if until < from {
        let message = format!("`until: {until}` is before `from: {from}`");
        problems.add(
            Problem::new(Code::FreezeNever, until_at.extent, message)
                .label("the last day")
                .related(from_at.extent, "the first day")
                .expected(format!("{from} or later"))
                .next(format!("write `from: {until}, until: {from}`, if they were swapped")),
        );
    }
}
