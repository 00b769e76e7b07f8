//! What holds at which moment, at every change of the clock that a place knows. Tests no promotion.

use super::*;
use crate::calendar::Day::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn shown(at: Option<Timestamp>) -> String {
    let text = |at: Timestamp| jiff::Timestamp::from_microsecond(at.0).unwrap().to_string();
    at.map_or("never".to_owned(), text)
}

/// `mon tue 09:00-16:00 Europe/Berlin`, with words for everything that may be said of days.
fn times(text: &str) -> Times {
    let clock = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<u16>().unwrap() * 60 + minute.parse::<u16>().unwrap()
    };
    let mut weekly = Weekly {
        days: Vec::new(),
        first: None,
        last: None,
        dates: None,
        from: 0,
        until: 1440,
        zone: "UTC".to_owned(),
    };
    for word in text.split_whitespace() {
        if let Some(day) = Day::ALL.into_iter().find(|day| day.as_str() == word) {
            weekly.days.push(day);
        } else if let Some(first) = word.strip_prefix("from=") {
            weekly.first = Some(first.parse().unwrap());
        } else if let Some(last) = word.strip_prefix("to=") {
            weekly.last = Some(last.parse().unwrap());
        } else if let Ok(date) = word.parse() {
            weekly.dates.get_or_insert_default().insert(date);
        } else if let Some((from, until)) = word.split_once('-').filter(|_| word.contains(':')) {
            (weekly.from, weekly.until) = (clock(from), clock(until));
        } else {
            weekly.zone = word.to_owned();
        }
    }
    Times::Day(weekly)
}

fn cron(expression: &str, lasts: Span, zone: &str) -> Times {
    Times::Cron(Cron { expression: expression.to_owned(), lasts, zone: zone.to_owned() })
}

fn window(times: Times) -> Window {
    Window { name: None, times, types: Vec::new() }
}

fn freeze(times: Times) -> DeclaredFreeze {
    DeclaredFreeze { name: None, reason: None, times, except: Vec::new() }
}

fn calendar(windows: Vec<Times>, freezes: Vec<Times>) -> Calendar {
    Calendar {
        windows: windows.into_iter().map(window).collect(),
        freezes: freezes.into_iter().map(freeze).collect(),
    }
}

fn opens(calendar: &Calendar, from: &str) -> String {
    shown(calendar.opens(ChangeType::Feature, at(from)))
}

fn closes(calendar: &Calendar, from: &str) -> String {
    shown(calendar.closes(ChangeType::Feature, at(from)))
}

#[test]
fn without_a_window_promotions_run_at_any_time() {
    let nothing = Calendar::default();
    assert_eq!(nothing.hold(ChangeType::Feature, at("2027-01-01T00:00:00Z")), None);
    assert_eq!(opens(&nothing, "2027-01-01T00:00:00Z"), "2027-01-01T00:00:00Z");
    assert_eq!(closes(&nothing, "2027-01-01T00:00:00Z"), "never");
}

#[test]
fn a_window_is_open_from_its_first_minute_to_the_end_of_its_last() {
    let office = calendar(vec![times("mon tue wed thu 09:00-16:00 Europe/Berlin")], vec![]);
    // Thursday; Berlin is an hour before UTC in winter.
    assert_eq!(opens(&office, "2027-01-14T07:59:59.999999Z"), "2027-01-14T08:00:00Z");
    assert_eq!(opens(&office, "2027-01-14T14:59:59.999999Z"), "2027-01-14T14:59:59.999999Z");
    assert_eq!(opens(&office, "2027-01-14T15:00:00Z"), "2027-01-18T08:00:00Z");
    assert_eq!(closes(&office, "2027-01-14T09:00:00Z"), "2027-01-14T15:00:00Z");
}

#[test]
fn not_on_fridays_holds_from_midnight_to_midnight_where_the_team_lives() {
    let no_fridays = calendar(vec![], vec![times("fri America/New_York")]);
    assert_eq!(opens(&no_fridays, "2027-01-15T04:59:59Z"), "2027-01-15T04:59:59Z");
    assert_eq!(opens(&no_fridays, "2027-01-15T05:00:00Z"), "2027-01-16T05:00:00Z");
    assert_eq!(closes(&no_fridays, "2027-01-11T00:00:00Z"), "2027-01-15T05:00:00Z");
}

#[test]
fn a_freeze_wins_over_a_window() {
    let always = times("mon tue wed thu fri sat sun");
    let both = calendar(vec![always], vec![times("fri sat sun")]);
    let friday = at("2027-01-15T12:00:00Z");
    assert!(matches!(both.hold(ChangeType::Feature, friday), Some(Hold::Freeze(_))));
    assert_eq!(opens(&both, "2027-01-15T12:00:00Z"), "2027-01-18T00:00:00Z");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let night = calendar(vec![times("fri 22:00-06:00")], vec![]);
    assert_eq!(opens(&night, "2027-01-15T05:00:00Z"), "2027-01-15T22:00:00Z");
    assert_eq!(closes(&night, "2027-01-15T22:00:00Z"), "2027-01-16T06:00:00Z");
    assert_eq!(opens(&night, "2027-01-16T22:00:00Z"), "2027-01-22T22:00:00Z");
    let frozen = calendar(vec![], vec![times("to=2027-01-15 from=2027-01-15 22:00-02:00")]);
    assert_eq!(opens(&frozen, "2027-01-15T23:00:00Z"), "2027-01-16T02:00:00Z");
    assert_eq!(opens(&frozen, "2027-01-15T01:00:00Z"), "2027-01-15T01:00:00Z");
}

#[test]
fn a_time_that_the_clock_skips_is_skipped() {
    // At 02:00 on 28 March 2027 the clocks of Berlin show 03:00.
    let skipped = calendar(vec![times("02:00-03:00 Europe/Berlin")], vec![]);
    assert_eq!(opens(&skipped, "2027-03-27T12:00:00Z"), "2027-03-29T00:00:00Z");
    let half = calendar(vec![times("02:30-04:00 Europe/Berlin")], vec![]);
    assert_eq!(opens(&half, "2027-03-28T00:00:00Z"), "2027-03-28T01:00:00Z", "at the shift");
    assert_eq!(closes(&half, "2027-03-28T01:00:00Z"), "2027-03-28T02:00:00Z");
}

#[test]
fn a_time_that_the_clock_shows_twice_counts_twice() {
    // At 03:00 on 31 October 2027 the clocks of Berlin show 02:00.
    let twice = calendar(vec![times("02:00-02:30 Europe/Berlin")], vec![]);
    assert_eq!(opens(&twice, "2027-10-30T23:00:00Z"), "2027-10-31T00:00:00Z");
    assert_eq!(closes(&twice, "2027-10-31T00:00:00Z"), "2027-10-31T00:30:00Z");
    assert_eq!(opens(&twice, "2027-10-31T00:30:00Z"), "2027-10-31T01:00:00Z");
    assert_eq!(closes(&twice, "2027-10-31T01:00:00Z"), "2027-10-31T01:30:00Z");
}

#[test]
fn a_window_keeps_the_wall_clock_when_the_clocks_change() {
    let morning = calendar(vec![times("09:00-10:00 Europe/Berlin")], vec![]);
    assert_eq!(opens(&morning, "2027-03-27T12:00:00Z"), "2027-03-28T07:00:00Z", "summer");
    assert_eq!(opens(&morning, "2027-10-30T12:00:00Z"), "2027-10-31T08:00:00Z", "winter");
}

#[test]
fn half_hours_and_whole_days_of_difference_are_no_matter() {
    let nepal = calendar(vec![times("mon 09:00-10:00 Asia/Kathmandu")], vec![]);
    assert_eq!(opens(&nepal, "2027-01-10T00:00:00Z"), "2027-01-11T03:15:00Z");
    let kiribati = calendar(vec![times("mon 00:00-01:00 Pacific/Kiritimati")], vec![]);
    assert_eq!(opens(&kiribati, "2027-01-10T00:00:00Z"), "2027-01-10T10:00:00Z");
    // On 30 December 2011 there was no day in Samoa.
    let samoa = calendar(vec![times("fri sat 00:00-12:00 Pacific/Apia")], vec![]);
    assert_eq!(opens(&samoa, "2011-12-29T12:00:00Z"), "2011-12-30T10:00:00Z");
}

#[test]
fn a_leap_day_is_a_day() {
    let leap = calendar(vec![], vec![times("from=2028-02-29 to=2028-02-29")]);
    assert_eq!(opens(&leap, "2028-02-29T10:00:00Z"), "2028-03-01T00:00:00Z");
    assert_eq!(opens(&leap, "2028-02-28T23:59:59Z"), "2028-02-28T23:59:59Z");
}

#[test]
fn holidays_are_days_of_a_list_and_follow_each_other() {
    let days = "2027-12-24 2027-12-25 2027-12-26 2027-12-31 Europe/Berlin";
    let holidays = calendar(vec![], vec![times(days)]);
    assert_eq!(opens(&holidays, "2027-12-24T12:00:00Z"), "2027-12-26T23:00:00Z");
    assert_eq!(closes(&holidays, "2027-12-27T00:00:00Z"), "2027-12-30T23:00:00Z");
}

#[test]
fn several_windows_in_several_zones_open_one_after_the_other() {
    let follow = calendar(
        vec![times("wed 09:00-10:00 Asia/Tokyo"), times("wed 09:00-10:00 America/New_York")],
        vec![times("13:30-13:45 UTC")],
    );
    assert_eq!(opens(&follow, "2027-01-12T12:00:00Z"), "2027-01-13T00:00:00Z");
    assert_eq!(opens(&follow, "2027-01-13T01:00:00Z"), "2027-01-13T14:00:00Z");
    let summer = "2027-07-14T12:00:00Z";
    assert_eq!(opens(&follow, summer), "2027-07-14T13:00:00Z", "New York has moved");
    assert_eq!(closes(&follow, "2027-07-14T13:00:00Z"), "2027-07-14T13:30:00Z");
    assert_eq!(opens(&follow, "2027-07-14T13:30:00Z"), "2027-07-14T13:45:00Z");
}

#[test]
fn what_never_opens_is_said_to_and_not_looked_for_without_end() {
    let never = calendar(vec![times("fri")], vec![times("fri")]);
    assert_eq!(opens(&never, "2027-01-01T00:00:00Z"), "never");
    let over = calendar(vec![times("to=2026-12-31")], vec![]);
    assert_eq!(opens(&over, "2027-01-01T00:00:00Z"), "never");
}

#[test]
fn a_type_of_change_goes_by_the_windows_that_are_for_it_and_the_freezes_that_except_it() {
    let mut both = calendar(vec![times("sun 02:00-08:00"), times("")], vec![times("sat")]);
    both.windows[0].types = vec![ChangeType::Infrastructure];
    both.windows[1].types = vec![ChangeType::Hotfix];
    both.freezes[0].except = vec![ChangeType::Hotfix];
    let saturday = at("2027-01-16T12:00:00Z");
    let sunday = at("2027-01-17T03:00:00Z");
    assert_eq!(both.hold(ChangeType::Hotfix, saturday), None);
    assert!(matches!(both.hold(ChangeType::Infrastructure, saturday), Some(Hold::Freeze(_))));
    assert_eq!(both.hold(ChangeType::Infrastructure, sunday), None);
    assert_eq!(both.hold(ChangeType::Feature, sunday), Some(Hold::NoWindow));
    assert_eq!(both.opens(ChangeType::Feature, sunday), None);
}

#[test]
fn a_zone_or_an_expression_that_is_not_known_holds() {
    let window = calendar(vec![times("Atlantis/Capital")], vec![]);
    let freeze = calendar(vec![], vec![times("Atlantis/Capital")]);
    let wrong = calendar(vec![cron("every day", Span::hours(1), "UTC")], vec![]);
    for unknown in [window, freeze, wrong] {
        assert_eq!(opens(&unknown, "2027-01-01T00:00:00Z"), "never");
    }
}

#[test]
fn a_cron_expression_opens_for_as_long_as_it_says() {
    let office = cron("0 9 * * mon-thu", Span::hours(7), "Europe/Berlin");
    let office = calendar(vec![office], vec![]);
    assert_eq!(opens(&office, "2027-01-14T07:00:00Z"), "2027-01-14T08:00:00Z");
    assert_eq!(closes(&office, "2027-01-14T09:00:00Z"), "2027-01-14T15:00:00Z");
    assert_eq!(opens(&office, "2027-01-14T15:00:00Z"), "2027-01-18T08:00:00Z");
    // The second Tuesday, for three days, over the end of a day and of a chunk of the search.
    let patch = calendar(vec![], vec![cron("0 22 * * tue#2", Span::hours(72), "UTC")]);
    assert_eq!(opens(&patch, "2027-01-13T00:00:00Z"), "2027-01-15T22:00:00Z");
    assert_eq!(closes(&patch, "2027-01-16T00:00:00Z"), "2027-02-09T22:00:00Z");
}

#[test]
fn times_are_said_as_people_say_them() {
    for (said, wanted) in [
        (times("thu mon tue wed 06:00-12:00 Europe/Berlin"), "mon-thu 06:00-12:00 Europe/Berlin"),
        (times("mon sat sun"), "mon, sat-sun UTC"),
        (times("from=2026-12-23 to=2027-01-02"), "2026-12-23 to 2027-01-02 UTC"),
        (times("2027-12-24 2027-12-25"), "2 dates UTC"),
        (times(""), "always UTC"),
    ] {
        assert_eq!(said.to_string(), wanted);
    }
    assert_eq!([Mon, Tue, Wed, Thu, Fri, Sat, Sun], Day::ALL);
}

/// What is found must agree with what is asked minute by minute.
#[test]
fn the_next_change_is_the_first_minute_that_differs() {
    let zones = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"];
    let parts = ["02:00-02:45", "22:15-03:05", "00:00-01:30", "01:59-02:01"];
    for zone in zones {
        for part in parts {
            for from in ["2027-03-12T00:00:00Z", "2027-04-02T09:17:00Z", "2027-10-29T00:00:00Z"] {
                let one = calendar(
                    vec![times(&format!("fri sat sun {part} {zone}"))],
                    vec![times("sat 00:30-02:10 Asia/Kolkata")],
                );
                let start = at(from);
                let minute = |number: u64| start.plus(Span::minutes(number));
                let rules = Rules::of(&one, ChangeType::Feature);
                let held = |number| rules.hold(minute(number)).is_some();
                let first = (0..4 * 1440).find(|number| !held(*number)).map(minute);
                let found = one.opens(ChangeType::Feature, start);
                assert_eq!(shown(found), shown(first), "{part} {zone} {from}");
            }
        }
    }
}

fn stretches(calendar: &Calendar, from: &str, until: &str) -> Vec<String> {
    let all = calendar.stretches(ChangeType::Feature, at(from), at(until));
    all.into_iter().map(|one| format!("{} {}", shown(Some(one.from)), shown(one.until))).collect()
}

#[test]
fn stretches_are_all_that_opens_and_closes_between_two_moments() {
    // The Saturday before the night in which Berlin has no hour from two to three.
    let (from, until) = ("2027-03-27T00:30:00Z", "2027-03-30T00:00:00Z");
    assert_eq!(stretches(&Calendar::default(), from, until), ["2027-03-27T00:30:00Z never"]);
    let nights = calendar(vec![times("01:00-04:00 Europe/Berlin")], vec![]);
    let found = [
        "2027-03-27T00:30:00Z 2027-03-27T03:00:00Z",
        "2027-03-28T00:00:00Z 2027-03-28T02:00:00Z",
        "2027-03-28T23:00:00Z 2027-03-29T02:00:00Z",
        "2027-03-29T23:00:00Z never",
    ];
    assert_eq!(stretches(&nights, from, until), found);
    let frozen =
        calendar(vec![times("01:00-04:00 Europe/Berlin")], vec![times("sun Europe/Berlin")]);
    assert_eq!(stretches(&frozen, from, until), [found[0], found[2], found[3]]);
    let never = calendar(vec![], vec![times("from=2027-01-01 UTC")]);
    assert_eq!(stretches(&never, from, until), [""; 0]);
    // A window that opens again and again is looked at once, however often.
    let often = calendar(vec![cron("*/10 * * * *", Span::minutes(5), "UTC")], vec![]);
    let found = stretches(&often, "2027-03-01T00:00:00Z", "2027-03-08T00:00:00Z");
    assert_eq!(found.len(), 7 * 24 * 6);
    assert_eq!(found[1], "2027-03-01T00:10:00Z 2027-03-01T00:15:00Z");
}
