//! Holidays from a calendar beside the matrix: what is understood, what is refused and where, and that
//! nothing which was not read lets anything through.

use std::fmt::Write as _;

use towpath_config::{Beside, Checked, parse, parse_beside};
use towpath_core::calendar::{Calendar, Times};
use towpath_core::ids::LaneId;
use towpath_core::release::ChangeType;
use towpath_core::units::Timestamp;

use super::{catalogue, name};

/// As Google, Outlook and others export it: folded lines, a zone of its own, alarms.
const HOLIDAYS: &str = include_str!("fixtures/holidays.ics");
const OVER: &str =
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20201224\nEND:VEVENT\nEND:VCALENDAR\n";

/// The files that stand beside every matrix of these tests.
pub(crate) fn file(named: &str) -> Result<Vec<u8>, String> {
    match named {
        "calendars/holidays.ics" => Ok(HOLIDAYS.as_bytes().to_vec()),
        "calendars/over.ics" => Ok(OVER.as_bytes().to_vec()),
        _ => Err("there is no such file in the folder of the matrix".to_owned()),
    }
}

/// The 23rd of November 2026.
pub(crate) fn now() -> Timestamp {
    at("2026-11-23T00:00")
}

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = format!("{text}:00Z").parse().expect("a moment");
    Timestamp(at.as_microsecond())
}

fn matrix(freeze: &str) -> String {
    format!(
        "version: 1\nproject: shop\nenvironments:\n  live:\n    tier: staging\n    \
         target: {{ kind: process, command: [./app] }}\n    freezes: [{freeze}]\n"
    )
}

/// A matrix whose only freeze is this calendar, in Berlin.
fn with(calendar: &[u8]) -> Checked {
    let read = |_: &str| Ok(calendar.to_vec());
    let beside = Beside { read: &read, now: now() };
    let text = matrix("{ calendar: days.ics, zone: Europe/Berlin }");
    parse_beside("towpath.yaml", text.as_bytes(), &catalogue::catalogue(), &beside)
}

fn calendar(checked: &Checked) -> Calendar {
    assert_eq!(checked.errors, []);
    let lane = LaneId { service: name("shop"), environment: name("live") };
    let matrix = checked.matrix.as_ref().expect("a matrix without errors is whole");
    matrix.lane(&lane).expect("it is declared").1.calendar.clone()
}

fn holds(calendar: &Calendar, moment: &str) -> bool {
    calendar.hold(ChangeType::Feature, at(moment)).is_some()
}

/// An event of these lines in a calendar.
fn event(lines: &str) -> Vec<u8> {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
        .into_bytes()
}

/// The days on which an event of these lines holds, among the first of days that are named.
fn days(lines: &str, asked: &[&'static str]) -> Vec<&'static str> {
    let calendar = calendar(&with(&event(lines)));
    asked.iter().copied().filter(|day| holds(&calendar, &format!("{day}T11:00"))).collect()
}

/// The message about an event of these lines.
fn refused(lines: &str) -> String {
    let checked = with(&event(lines));
    let [error] = checked.errors.as_slice() else { panic!("{:?}", checked.errors) };
    assert_eq!(error.path, "environments.live.freezes[0].calendar");
    assert!(error.next.is_some(), "{error:?}");
    assert!(checked.matrix.is_none(), "nothing runs with a calendar that is not understood");
    error.message.clone()
}

#[test]
fn a_calendar_as_other_programs_write_it_freezes_its_days_and_hours_in_their_zone() {
    let text = matrix("{ calendar: calendars/holidays.ics, zone: Europe/Berlin }");
    let checked = super::check(&text);
    assert_eq!(checked.warnings, []);
    let calendar = calendar(&checked);
    for (moment, held) in [
        // New Year's Day of every year begins an hour earlier in UTC.
        ("2026-12-31T22:59", false),
        ("2026-12-31T23:00", true),
        ("2032-01-01T22:59", true),
        ("2032-01-01T23:00", false),
        // Two days at once, of one year.
        ("2026-12-25T12:00", true),
        ("2026-12-26T12:00", true),
        ("2026-12-27T12:00", false),
        // The fourth Thursday of November, but for the year that is taken out.
        ("2027-11-25T12:00", true),
        ("2027-11-18T12:00", false),
        ("2028-11-23T12:00", false),
        ("2029-11-22T12:00", true),
        // An afternoon in New York, and one that was cancelled.
        ("2027-07-02T16:59", false),
        ("2027-07-02T17:00", true),
        ("2027-07-02T21:59", true),
        ("2027-07-02T22:00", false),
        ("2027-08-02T12:00", false),
        // Beyond the years to which rules are followed nobody knows.
        ("2060-12-31T12:00", false),
        ("2061-06-06T12:00", true),
    ] {
        assert_eq!(holds(&calendar, moment), held, "{moment}");
    }
    let opens = calendar.opens(ChangeType::Feature, at("2026-12-25T12:00"));
    assert_eq!(opens, Some(at("2026-12-26T23:00")), "midnight in Berlin");
    assert_eq!(
        calendar.closes(ChangeType::Feature, at("2027-07-02T12:00")),
        Some(at("2027-07-02T17:00"))
    );
}

#[test]
fn rules_of_years_are_followed_and_end_where_they_say() {
    let asked =
        ["2026-05-04", "2027-05-03", "2027-05-04", "2028-05-01", "2028-05-04", "2029-05-04"];
    let first = "DTSTART;VALUE=DATE:20260504\r\nRRULE:FREQ=YEARLY";
    let says = |rule: &str| days(&format!("{first}{rule}"), &asked);
    assert_eq!(says(""), ["2026-05-04", "2027-05-04", "2028-05-04", "2029-05-04"]);
    assert_eq!(says(";INTERVAL=2"), ["2026-05-04", "2028-05-04"]);
    assert_eq!(says(";COUNT=2"), ["2026-05-04", "2027-05-04"]);
    assert_eq!(says(";UNTIL=20280504"), ["2026-05-04", "2027-05-04", "2028-05-04"]);
    // An end in UTC is an instant: midnight in Berlin is two hours earlier.
    assert_eq!(says(";UNTIL=20280503T215959Z"), ["2026-05-04", "2027-05-04"]);
    assert_eq!(says(";UNTIL=20280503T220000Z"), ["2026-05-04", "2027-05-04", "2028-05-04"]);
    let hours = |until: &str| {
        let event = format!(
            "DTSTART;TZID=Europe/Berlin:20261224T000000\r\nDTEND;TZID=Europe/Berlin:20261225T000000\r\n\
             RRULE:FREQ=YEARLY;UNTIL={until}"
        );
        days(&event, &["2026-12-24", "2027-12-24", "2028-12-24", "2029-12-24"])
    };
    assert_eq!(
        hours("20281223T230000Z"),
        ["2026-12-24", "2027-12-24", "2028-12-24"],
        "the last one"
    );
    assert_eq!(hours("20281223T225959Z"), ["2026-12-24", "2027-12-24"]);
    assert_eq!(hours("20281224T000000"), ["2026-12-24", "2027-12-24", "2028-12-24"]);
    assert_eq!(says(";BYMONTH=5;BYDAY=1MO"), ["2026-05-04", "2027-05-03", "2028-05-01"]);
    assert_eq!(
        says(";BYMONTH=5;BYMONTHDAY=-28"),
        ["2026-05-04", "2027-05-04", "2028-05-04", "2029-05-04"]
    );
    assert_eq!(
        days(&format!("{first}\r\nEXDATE;VALUE=DATE:20270504,20280504"), &asked),
        ["2026-05-04", "2029-05-04"]
    );
    // The 29th of February is a day of leap years.
    let leap = "DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY";
    assert_eq!(days(leap, &["2027-02-28", "2027-03-01", "2028-02-29"]), ["2028-02-29"]);
}

#[test]
fn what_of_an_event_is_not_understood_refuses_the_matrix_and_names_the_line() {
    let day = "DTSTART;VALUE=DATE:20261224";
    for (lines, said) in [
        (
            format!("{day}\r\nRRULE:FREQ=WEEKLY;BYDAY=FR"),
            "line 5: the rule `FREQ=WEEKLY;BYDAY=FR` is not of years",
        ),
        (
            format!("{day}\r\nRRULE:FREQ=YEARLY;BYSETPOS=1"),
            "line 5: the rule `BYSETPOS=1` is not known",
        ),
        (
            format!("{day}\r\nRRULE:FREQ=YEARLY;BYDAY=1MO"),
            "line 5: the rule `FREQ=YEARLY;BYDAY=1MO` names days and no month",
        ),
        (
            format!("{day}\r\nRRULE:FREQ=YEARLY;BYMONTH=1;BYDAY=1MO;BYDAY=2MO"),
            "line 5: the rule `FREQ=YEARLY;BYMONTH=1;BYDAY=1MO;BYDAY=2MO` joins several lists of days",
        ),
        (
            format!("{day}\r\nRRULE:FREQ=YEARLY;BYMONTH=1;BYMONTH=2"),
            "line 5: the rule `BYMONTH=2` is not known",
        ),
        (
            format!("{day}\r\nRRULE:FREQ=YEARLY;BYMONTH=13"),
            "line 5: the rule `BYMONTH=13` is not known",
        ),
        (
            format!("{day}\r\nRRULE:FREQ=YEARLY;COUNT=1;UNTIL=20300101"),
            "line 5: the rule `UNTIL=20300101` is not known",
        ),
        (
            format!("{day}\r\nSUMMARY:Eve\r\nRDATE;VALUE=DATE:20271224"),
            "line 6: RDATE is not understood here",
        ),
        (
            format!("{day}\r\nRECURRENCE-ID;VALUE=DATE:20261224"),
            "line 5: RECURRENCE-ID is not understood here",
        ),
        ("SUMMARY:Eve".to_owned(), "line 3: the event has no DTSTART"),
        ("DTSTART;VALUE=DATE:20260230".to_owned(), "line 4: `20260230` is no moment"),
        (format!("{day}\r\n{day}"), "line 4: the event has two of DTSTART"),
        (
            format!("{day}\r\nDTEND;VALUE=DATE:20261224"),
            "line 5: the event does not end after it begins, within a year",
        ),
        (
            format!("{day}\r\nDTEND;VALUE=DATE:20291224"),
            "line 5: the event does not end after it begins, within a year",
        ),
        (
            format!("{day}\r\nDURATION:PT5H"),
            "line 5: the event does not end after it begins, within a year",
        ),
        (
            format!("{day}\r\nDTEND:20261225T100000Z"),
            "line 5: one of DTSTART and DTEND is a day, the other is not",
        ),
        ("DTSTART:20261224T090000".to_owned(), "line 4: the event has neither DTEND nor DURATION"),
        (
            "DTSTART;TZID=Mars/Olympus:20261224T090000\r\nDURATION:PT5H".to_owned(),
            "line 4: there is no time zone `Mars/Olympus`",
        ),
    ] {
        assert_eq!(refused(&lines), format!("`days.ics` cannot be used: {said}"), "{lines}");
    }
}

#[test]
fn a_calendar_that_is_broken_cut_off_empty_or_too_large_is_refused() {
    let message = |bytes: &[u8]| {
        let checked = with(bytes);
        assert!(checked.matrix.is_none());
        checked.errors.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("\n")
    };
    let whole = event("DTSTART;VALUE=DATE:20261224");
    assert_eq!(with(&whole).errors, []);
    for cut in 1..whole.len() - 2 {
        let said = message(&whole[..cut]);
        assert!(said.contains("`days.ics` cannot be used"), "{cut}: {said}");
    }
    assert!(message(b"").contains("is no iCalendar file"));
    assert!(message(b"\xff\xfe").contains("is not UTF-8"));
    assert!(message(b"BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n").contains("lists no event"));
    let deep = "BEGIN:VCALENDAR\n".repeat(100_000);
    assert!(
        message(deep.as_bytes()).contains("more than")
            || message(deep.as_bytes()).contains("too deep")
    );
    assert!(
        message(&"BEGIN:VEVENT\n".repeat(9).into_bytes())
            .contains("line 5: components stand too deep")
    );
    // Lines that only the parser puts together.
    let folded = "BEGI\n N:VEVENT\n".repeat(50_000);
    assert!(message(folded.as_bytes()).contains("too deep"));
    let mut many = "BEGIN:VCALENDAR\n".to_owned();
    for year in 1970..2030 {
        let _ = write!(
            many,
            "BEGIN:VEVENT\nDTSTART;VALUE=DATE:{year}0101\nDTEND;VALUE=DATE:{year}1231\nEND:VEVENT\n"
        );
    }
    assert!(message((many + "END:VCALENDAR\n").as_bytes()).contains("more than 2000 days"));
    assert!(
        message(&vec![b'A'; towpath_config::MAX_CALENDAR + 1]).contains("more than 1048576 bytes")
    );
    // What follows something that cannot be read is not left out in silence.
    let twice = [&whole[..], b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART"].concat();
    assert!(message(&twice).contains("is no iCalendar file"), "{}", message(&twice));
    let missing = super::check(&matrix("{ calendar: calendars/none.ics }"));
    assert!(
        missing.errors[0].message.ends_with("there is no such file in the folder of the matrix")
    );
}

#[test]
fn a_calendar_that_nobody_read_holds_at_any_time() {
    let text = matrix("{ calendar: calendars/holidays.ics, zone: Europe/Berlin }");
    let checked = parse("towpath.yaml", text.as_bytes(), &catalogue::catalogue());
    let calendar = calendar(&checked);
    assert!(holds(&calendar, "2027-03-03T12:00"));
    assert_eq!(calendar.opens(ChangeType::Feature, at("2027-03-03T12:00")), None);
}

#[test]
fn another_content_of_the_file_is_another_matrix_and_the_same_is_the_same() {
    let eve = event("DTSTART;VALUE=DATE:20261224");
    let same = with(&eve).matrix;
    assert_eq!(with(&eve).matrix, same);
    let named = event("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:Eve");
    assert_ne!(with(&named).matrix, same, "the digest is part of it");
    let digest = |checked: &Checked| match &calendar(checked).freezes[0].times {
        Times::Listed(listed) => listed.digest.clone().expect("it was read"),
        other => panic!("{other:?}"),
    };
    assert_eq!(digest(&with(&eve)), towpath_core::ids::Digest::of(&eve));
}

#[test]
fn days_beside_a_calendar_are_refused_and_one_that_is_over_is_told() {
    let twice = super::check(&matrix("{ calendar: calendars/holidays.ics, days: [fri] }"));
    assert_eq!(twice.errors[0].message, "`days` beside `calendar` would say twice when it is");
    let over = super::check(&matrix("{ calendar: calendars/over.ics }"));
    assert_eq!(
        over.warnings[0].message,
        "nothing in `calendars/over.ics` is to come; its last day was 2020-12-24"
    );
    let outside = super::check(&matrix("{ calendar: ../holidays.ics }"));
    assert!(outside.errors[0].message.contains("leaves the project"), "{:?}", outside.errors);
}
