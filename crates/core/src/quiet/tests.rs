//! Which hour is named, and what is said where none is: for places, clocks that change, holes and windows.

use super::*;

const BERLIN: &str = "Europe/Berlin";

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

/// What `days` days before `now` counted, a quarter of what each hour of the place has.
fn counted(
    zone: &str,
    now: Timestamp,
    days: u64,
    hourly: impl Fn(DateTime) -> Option<u64>,
) -> Vec<Tally> {
    let zone = calendar::zone(zone).unwrap();
    let tally = |number: u64| {
        let whole = Timestamp(now.0 - now.0.rem_euclid(900_000_000));
        let start = whole.minus(Span(TALLY.0 * (number + 1)));
        let requests = hourly(local(&zone, start).unwrap())? / 4;
        Some(Tally { start, covered: TALLY, requests })
    };
    (0..days * 24 * 4).filter_map(tally).collect()
}

/// As most services have it: little at three in the night, most at three in the afternoon.
#[expect(clippy::unnecessary_wraps, reason = "others have hours that nobody counted")]
fn ordinary(local: DateTime) -> Option<u64> {
    Some(match local.hour() {
        3 => 120,
        15 => 9_400,
        _ => 4_000,
    })
}

fn ask(tallies: &[Tally], zone: &str, now: Timestamp, hours: u64) -> Result<QuietHour, String> {
    let open = [Stretch { from: now, until: None }];
    hour(tallies, Question { now, zone, lasts: Span::hours(hours), open: &open })
}

/// The start that is named for an hour, from four weeks of counts.
fn best(zone: &str, now: &str, hourly: impl Fn(DateTime) -> Option<u64>) -> (String, Timestamp) {
    let now = at(now);
    let best = ask(&counted(zone, now, 28, hourly), zone, now, 1).unwrap().best;
    (best.local, best.at)
}

#[test]
fn the_next_quiet_hour_is_named_with_what_is_usual() {
    let now = at("2026-11-23T10:10:07.654321Z");
    let found = ask(&counted(BERLIN, now, 28, ordinary), BERLIN, now, 0).unwrap();
    let local = "Tue 2026-11-24 03:00 Europe/Berlin".to_owned();
    let tonight = Start { at: at("2026-11-24T02:00:00Z"), local, requests: 120 };
    assert_eq!(found.best, tonight);
    assert_eq!((found.usual, found.busiest, found.days), (4_000, 9_400, 27));
    assert!(!found.outlasts);
    assert_eq!(found.first.unwrap().requests, 4_000, "starting now");
}

#[test]
fn an_hour_that_is_quiet_now_is_now() {
    let now = at("2026-11-24T02:00:00Z");
    let found = ask(&counted(BERLIN, now, 28, ordinary), BERLIN, now, 0).unwrap();
    assert_eq!((found.best.at, found.first), (now, None));
}

#[test]
fn an_hour_is_one_of_the_clock_also_when_clocks_change() {
    // On 25 October Berlin has the hour from two to three twice.
    let autumn = best(BERLIN, "2026-10-24T12:00:00Z", ordinary);
    assert_eq!(
        autumn,
        ("Sun 2026-10-25 03:00 Europe/Berlin".to_owned(), at("2026-10-25T02:00:00Z"))
    );
    // On 28 March it has none: three o'clock is an hour after one.
    let spring = best(BERLIN, "2027-03-27T12:00:00Z", ordinary);
    assert_eq!(
        spring,
        ("Sun 2027-03-28 03:00 Europe/Berlin".to_owned(), at("2027-03-28T01:00:00Z"))
    );
    let at_two = |local: DateTime| Some(if local.hour() == 2 { 10 } else { 4_000 });
    let skipped = best(BERLIN, "2027-03-27T12:00:00Z", at_two);
    assert_eq!(
        skipped,
        ("Mon 2027-03-29 02:00 Europe/Berlin".to_owned(), at("2027-03-29T00:00:00Z"))
    );
    // What was counted in summer and in winter is the same hour of people.
    let shifted = best(BERLIN, "2026-11-05T12:00:00Z", ordinary);
    assert_eq!(shifted.1, at("2026-11-06T02:00:00Z"));
}

#[test]
fn an_hour_that_a_clock_shows_twice_was_met_twice_and_is_no_double_one() {
    let now = at("2026-11-05T12:00:00Z");
    // Quiet at two; were both hours of that night one, the Sunday would have twice as many.
    let at_two = |local: DateTime| Some(if local.hour() == 2 { 400 } else { 4_000 });
    let zone = calendar::zone(BERLIN).unwrap();
    let habits = Habits::of(&counted(BERLIN, now, 28, at_two), now, zone).unwrap();
    let sunday = |hour| habits.medians[&(Days::Of(6), hour)];
    assert_eq!((sunday(2), sunday(3)), (400, 4_000));
}

#[test]
fn a_place_half_an_hour_off_has_hours_of_its_own() {
    let found = best("Asia/Kolkata", "2026-11-23T10:00:00Z", ordinary);
    assert_eq!(found, ("Tue 2026-11-24 03:00 Asia/Kolkata".to_owned(), at("2026-11-23T21:30:00Z")));
    let found = best("Asia/Kathmandu", "2026-11-23T10:00:00Z", ordinary);
    assert_eq!(found.1, at("2026-11-23T21:15:00Z"));
    let found = best("Australia/Lord_Howe", "2027-04-02T10:00:00Z", ordinary);
    assert_eq!(found.0, "Sat 2027-04-03 03:00 Australia/Lord_Howe");
}

#[test]
fn one_night_that_was_unlike_all_others_says_nothing() {
    let now = "2026-11-23T10:00:00Z";
    let sale = |local: DateTime| {
        if local.date().day() == 17 { Some(1_000_000) } else { ordinary(local) }
    };
    assert_eq!(best(BERLIN, now, sale).0, "Tue 2026-11-24 03:00 Europe/Berlin");
    // Of two nights one was an outage: noon on Sunday is not quiet for that.
    let outage = |local: DateTime| {
        if local.date().day() == 15 { Some(0) } else { ordinary(local) }
    };
    let now = at(now);
    let found = ask(&counted(BERLIN, now, 14, outage), BERLIN, now, 1).unwrap();
    assert_eq!(found.best.local, "Tue 2026-11-24 03:00 Europe/Berlin");
}

#[test]
fn hours_that_nobody_counted_are_never_named() {
    let now = at("2026-11-23T10:00:00Z");
    // The engine is down from two to five each night: what is quietest is not known.
    let nights = |local: DateTime| match local.hour() {
        2..5 => None,
        23 | 0 | 1 => Some(400),
        _ => ordinary(local),
    };
    let start = |hours| {
        let found = ask(&counted(BERLIN, now, 28, nights), BERLIN, now, hours);
        found.unwrap().best.local
    };
    assert_eq!(start(3), "Mon 2026-11-23 23:00 Europe/Berlin");
    // Four hours from then on would end in one that nobody knows.
    assert_eq!(start(4), "Mon 2026-11-23 22:00 Europe/Berlin");
    // Quarters alone are no hours, whatever they say.
    let mut some = counted(BERLIN, now, 28, ordinary);
    some.retain(|tally| (tally.start.0 / 900_000_000) % 4 < 2);
    assert_eq!(
        ask(&some, BERLIN, now, 1).unwrap_err(),
        "7 whole days of counts are needed, and 0 are kept"
    );
    // Three quarters of an hour are one, and what they say is of a whole hour.
    let mut most = counted(BERLIN, now, 28, ordinary);
    most.retain(|tally| (tally.start.0 / 900_000_000) % 4 < 3);
    assert_eq!(ask(&most, BERLIN, now, 1).unwrap().best.requests, 120);
}

#[test]
fn days_that_are_missing_are_not_made_up() {
    let now = at("2026-11-23T10:00:00Z");
    let six = ask(&counted(BERLIN, now, 6, ordinary), BERLIN, now, 1);
    assert_eq!(six.unwrap_err(), "7 whole days of counts are needed, and 5 are kept");
    // A clock that was set back: all that was counted is still to come.
    let before = at("2026-10-01T10:00:00Z");
    let none = ask(&counted(BERLIN, now, 28, ordinary), BERLIN, before, 1);
    assert_eq!(none.unwrap_err(), "7 whole days of counts are needed, and 0 are kept");
    assert!(ask(&[], BERLIN, Timestamp(i64::MAX), 1).is_err());
    assert!(ask(&[], BERLIN, Timestamp(i64::MIN), 1).is_err());
    assert_eq!(ask(&[], "Mars/Base", now, 1).unwrap_err(), "there is no time zone Mars/Base");
}

#[test]
fn before_three_weeks_weekends_and_other_days_are_told_apart() {
    let now = at("2026-11-23T10:00:00Z");
    let office = |local: DateTime| {
        let is_weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
        Some(if is_weekend { 52 } else { 4_000 })
    };
    let found = ask(&counted(BERLIN, now, 9, office), BERLIN, now, 2).unwrap();
    assert_eq!(found.best.local, "Sat 2026-11-28 00:00 Europe/Berlin");
    assert_eq!((found.days, found.usual, found.best.requests), (8, 4_000, 52));
    // From three weeks on a day of its own is seen.
    let wednesdays = |local: DateTime| {
        let is_quiet = local.weekday() == Weekday::Wednesday && local.hour() == 12;
        Some(if is_quiet { 50 } else { 4_000 })
    };
    let found = ask(&counted(BERLIN, now, 28, wednesdays), BERLIN, now, 1).unwrap();
    assert_eq!(found.best.local, "Wed 2026-11-25 12:00 Europe/Berlin");
    assert!(ask(&counted(BERLIN, now, 14, wednesdays), BERLIN, now, 1).is_err());
}

#[test]
fn a_long_promotion_is_quiet_from_its_start_to_its_end() {
    let now = at("2026-11-23T10:00:00Z");
    let habits = |local: DateTime| match local.hour() {
        20 => Some(100),
        1..5 => Some(400),
        _ => Some(4_000),
    };
    let tallies = counted(BERLIN, now, 28, habits);
    let start = |hours| ask(&tallies, BERLIN, now, hours).unwrap().best.local;
    assert_eq!(start(1), "Mon 2026-11-23 20:00 Europe/Berlin");
    assert_eq!(start(4), "Tue 2026-11-24 01:00 Europe/Berlin");
    // Beyond a day every hour is met, and none is better than another.
    let always = ask(&tallies, BERLIN, now, 1_000).unwrap_err();
    assert!(always.starts_with("no hour stands out"), "{always}");
}

#[test]
fn windows_decide_among_which_hours_is_chosen() {
    let now = at("2026-11-23T10:00:00Z");
    let tallies = counted(BERLIN, now, 28, ordinary);
    let stretch = |from: &str, until: &str| Stretch { from: at(from), until: Some(at(until)) };
    let asked = |hours: u64, open: &[Stretch]| {
        hour(&tallies, Question { now, zone: BERLIN, lasts: Span::hours(hours), open })
    };
    assert_eq!(asked(1, &[]).unwrap_err(), "windows and freezes leave no hour within 7 days");
    let office = [stretch("2026-11-24T08:30:00Z", "2026-11-24T12:00:00Z")];
    assert_eq!(
        asked(1, &office).unwrap_err(),
        "no hour stands out: the quietest in which it may start, Tue 2026-11-24 09:30 Europe/Berlin, has \
         about 4000 requests, and half of all hours have 4000 or fewer"
    );
    // A window that opens within the quiet hour, and one that is long enough.
    let nights = [
        stretch("2026-11-24T02:30:00Z", "2026-11-24T03:00:00Z"),
        stretch("2026-11-26T01:00:00Z", "2026-11-26T05:00:00Z"),
    ];
    let found = asked(1, &nights).unwrap();
    assert_eq!(found.best.local, "Thu 2026-11-26 03:00 Europe/Berlin");
    assert!(!found.outlasts);
    assert_eq!(found.first.unwrap().local, "Tue 2026-11-24 03:30 Europe/Berlin");
    let found = asked(1, &nights[..1]).map(|found| found.outlasts);
    assert!(found.is_err_and(|why| why.contains("Tue 2026-11-24 03:30")));
    let short = [stretch("2026-11-24T02:00:00Z", "2026-11-24T02:40:00Z")];
    let found = asked(1, &short).unwrap();
    assert_eq!((found.best.requests, found.outlasts), (120, true));
}

#[test]
fn where_nobody_comes_no_hour_is_invented() {
    let now = at("2026-11-23T10:00:00Z");
    let none = ask(&counted(BERLIN, now, 28, |_| Some(0)), BERLIN, now, 1);
    assert_eq!(none.unwrap_err(), "in 27 days most hours had no request at all");
    let flat = ask(&counted(BERLIN, now, 28, |_| Some(4_000)), BERLIN, now, 1).unwrap_err();
    assert!(flat.starts_with("no hour stands out"), "{flat}");
    // Just under half of the middle hour, and just not.
    let nearly =
        |night: u64| move |local: DateTime| Some(if local.hour() == 3 { night } else { 4_000 });
    assert!(ask(&counted(BERLIN, now, 28, nearly(1_996)), BERLIN, now, 1).is_ok());
    assert!(ask(&counted(BERLIN, now, 28, nearly(2_000)), BERLIN, now, 1).is_err());
}

#[test]
fn counts_that_are_too_large_do_not_overflow() {
    let now = at("2026-11-23T10:00:00Z");
    let most =
        |night: u64| move |local: DateTime| Some(if local.hour() == 3 { night } else { u64::MAX });
    let found = ask(&counted(BERLIN, now, 28, most(0)), BERLIN, now, 1).unwrap();
    assert_eq!(found.best.local, "Tue 2026-11-24 03:00 Europe/Berlin");
    assert!(ask(&counted(BERLIN, now, 28, most(u64::MAX)), BERLIN, now, 1).is_err());
}
