//! Windows and freezes from a few words: `mon-thu 09:00-16:00 Europe/Berlin for hotfix`. Checks little.

use towpath_core::calendar::{Day, DeclaredFreeze, Times, Weekly, Window};
use towpath_core::release::ChangeType;
use towpath_core::units::Timestamp;

/// `mon-thu 09:00-16:00 Europe/Berlin for feature fix`.
pub(super) fn window(text: &str) -> Result<Window, String> {
    let (times, types) = text.split_once(" for ").unwrap_or((text, ""));
    Ok(Window { name: None, times: self::times(times)?, types: self::types(types)? })
}

/// `fri`, `2027-01-04..2027-01-06 except hotfix`, `2027-01-06 2027-01-15`.
pub(super) fn freeze(text: &str) -> Result<DeclaredFreeze, String> {
    let (times, types) = text.split_once(" except ").unwrap_or((text, ""));
    let (times, except) = (self::times(times)?, self::types(types)?);
    Ok(DeclaredFreeze { name: None, reason: None, times, except })
}

/// Types of change, between spaces.
///
/// # Errors
/// One sentence that names the word which is none.
pub(crate) fn types(text: &str) -> Result<Vec<ChangeType>, String> {
    let known = |word: &str| ChangeType::ALL.into_iter().find(|one| one.as_str() == word);
    text.split_whitespace()
        .map(|word| known(word).ok_or_else(|| format!("`{word}` is not a type of change")))
        .collect()
}

/// A moment of the calendar in UTC, such as `2027-01-04T09:00`.
///
/// # Errors
/// One sentence where it is none.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("`{text}` is not a moment such as 2027-01-04T09:00");
    let wall: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let at = wall.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
    Ok(Timestamp(at.timestamp().as_microsecond()))
}

/// A moment as [`moment`] reads it.
pub(crate) fn of_moment(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_microsecond(at.0);
    let wall = instant.map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).datetime());
    wall.map_or_else(|_| "never".to_owned(), |wall| wall.strftime("%FT%R").to_string())
}

fn times(text: &str) -> Result<Times, String> {
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
        let wrong = || format!("`{word}` is no part of a window");
        if let Some(days) = days(word) {
            weekly.days.extend(days);
        } else if let Some((first, last)) = word.split_once("..") {
            weekly.first = Some(first.parse().map_err(|_| wrong())?);
            weekly.last = Some(last.parse().map_err(|_| wrong())?);
        } else if let Ok(date) = word.parse() {
            weekly.dates.get_or_insert_default().insert(date);
        } else if word.contains(':') {
            let (from, until) = word.split_once('-').ok_or_else(wrong)?;
            (weekly.from, weekly.until) =
                (minute(from).ok_or_else(wrong)?, minute(until).ok_or_else(wrong)?);
        } else {
            word.clone_into(&mut weekly.zone);
        }
    }
    Ok(Times::Day(weekly))
}

/// `fri`, or `mon-thu`.
fn days(word: &str) -> Option<Vec<Day>> {
    let day = |word: &str| Day::ALL.iter().position(|day| day.as_str() == word);
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(Day::ALL.get(day(first)?..=day(last)?)?.to_vec())
}

fn minute(clock: &str) -> Option<u16> {
    let (hour, minute) = clock.split_once(':')?;
    Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
}
