//! Days, days of the week and parts of the day as people write them, and as the matrix does. What is
//! ambiguous is answered with all that it may mean.

use crate::sections::schedule::DAYS;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The days that `text` may mean, as `2026-12-24`. They may not exist.
pub(super) fn days(text: &str) -> Vec<String> {
    let day = text.trim();
    // A time of the day behind it is left out.
    let day = day.split_once('T').map_or(day, |(day, _)| day);
    let day = day.split_once(' ').filter(|(_, time)| time.contains(':')).map_or(day, |it| it.0);
    let parts: Vec<&str> =
        day.split(['.', '/', '-', ' ', ',']).filter(|it| !it.is_empty()).collect();
    if let [one] = parts[..] {
        let digits = one.len() == 8 && one.bytes().all(|it| it.is_ascii_digit());
        return if digits { written(&one[..4], &one[4..6], &one[6..]) } else { Vec::new() };
    }
    let [first, second, third] = parts[..] else { return Vec::new() };
    if first.len() == 4 {
        return written(first, second, third);
    }
    if third.len() != 4 {
        return Vec::new();
    }
    if let Some(month) = month(second) {
        return written(third, &month, first);
    }
    if let Some(month) = month(first) {
        return written(third, &month, second);
    }
    let mut meant = written(third, second, first);
    // With points the day comes first; with slashes it depends on where one lives.
    if day.contains('/') {
        meant.extend(written(third, first, second));
        meant.dedup();
    }
    meant
}

fn month(text: &str) -> Option<String> {
    let start = text.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == start)?;
    Some(format!("{:02}", at + 1))
}

fn written(year: &str, month: &str, day: &str) -> Vec<String> {
    let digits = [year, month, day].iter().all(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    let short = month.len() <= 2 && day.len() <= 2;
    (digits && short).then(|| format!("{year}-{month:0>2}-{day:0>2}")).into_iter().collect()
}

/// `9-16`, `9am - 5pm`, `0900-1600`, `09:00 to 16:00` as `09:00-16:00`.
pub(super) fn hours(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase().replace(['–', '—'], "-").replace("..", "-");
    let text = text.replace(" to ", "-").replace(" until ", "-");
    let (from, until) = text.split_once('-')?;
    Some(format!("{}-{}", time(from)?, time(until)?))
}

fn time(text: &str) -> Option<String> {
    let text = text.trim();
    let noon = text.strip_suffix("am").map(|time| (time, 0));
    let noon = noon.or_else(|| text.strip_suffix("pm").map(|time| (time, 12)));
    let (text, later) = noon.map_or((text, None), |(time, later)| (time.trim(), Some(later)));
    let text = text.strip_suffix('h').or_else(|| text.strip_suffix("uhr")).unwrap_or(text).trim();
    let (hour, minute) = match text.split_once([':', '.', 'h']) {
        // Seconds say nothing about a window.
        Some((hour, rest)) => (hour, rest.strip_suffix(":00").unwrap_or(rest)),
        None if text.len() == 4 => text.split_at_checked(2)?,
        None => (text, "00"),
    };
    let hour: u8 = hour.parse().ok()?;
    let hour = match later {
        Some(later) if (1..=12).contains(&hour) => hour % 12 + later,
        Some(_) => return None,
        None if (hour, minute) == (24, "00") => 0,
        None => hour,
    };
    Some(format!("{hour:02}:{minute:0>2}"))
}

/// The days of the week that `text` means, `mon-thu` and `weekdays` among them.
pub(crate) fn of_week(text: &str) -> Option<Vec<&'static str>> {
    let text = text.trim().to_ascii_lowercase();
    match text.as_str() {
        "weekday" | "weekdays" | "workdays" | "working days" => return Some(DAYS[..5].to_vec()),
        "weekend" | "weekends" => return Some(DAYS[5..].to_vec()),
        "daily" | "all" | "every day" | "everyday" | "*" => return Some(DAYS.to_vec()),
        _ => {}
    }
    if let Some(day) = one_of_week(&text) {
        return Some(vec![DAYS[day]]);
    }
    let text = text.replace(['–', '—'], "-").replace("..", "-");
    let text = text.replace(" to ", "-").replace(" through ", "-");
    if let Some((from, until)) = text.split_once('-') {
        let (from, until) = (one_of_week(from)?, one_of_week(until)?);
        // `fri-mon` goes over the end of the week.
        let many = (until + 7 - from) % 7 + 1;
        return Some((0..many).map(|day| DAYS[(from + day) % 7]).collect());
    }
    let parts = text.split([',', ' ', '/', '+', '&']).filter(|it| !it.is_empty() && *it != "and");
    let days: Option<Vec<&str>> = parts.map(|it| one_of_week(it).map(|day| DAYS[day])).collect();
    days.filter(|days| !days.is_empty())
}

fn one_of_week(text: &str) -> Option<usize> {
    let text = text.trim().trim_end_matches('.');
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let at = DAYS.iter().position(|day| text.starts_with(day))?;
    (names[at].starts_with(text) || text.strip_suffix('s') == Some(names[at])).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_put_into_order_and_an_ambiguous_one_is_all_that_it_may_be() {
        for (wrong, right) in [
            ("24.12.2026", &["2026-12-24"] as &[&str]),
            ("2026/12/24", &["2026-12-24"]),
            ("2026-1-5", &["2026-01-05"]),
            ("2026-12-24T09:00", &["2026-12-24"]),
            ("20261224", &["2026-12-24"]),
            ("24 December 2026", &["2026-12-24"]),
            ("Dec 24, 2026", &["2026-12-24"]),
            ("3/4/2026", &["2026-04-03", "2026-03-04"]),
            ("12/24/2026", &["2026-24-12", "2026-12-24"]),
            ("5/5/2026", &["2026-05-05"]),
            ("24.12.26", &[]),
            ("Christmas", &[]),
        ] {
            assert_eq!(days(wrong), right, "{wrong}");
        }
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        for (wrong, right) in [
            ("9-16", "09:00-16:00"),
            ("9:00-16:00", "09:00-16:00"),
            ("0900-1600", "09:00-16:00"),
            ("9am-5pm", "09:00-17:00"),
            ("9.30 - 16.00", "09:30-16:00"),
            ("09:00 to 16:00", "09:00-16:00"),
            ("09:00-24:00", "09:00-00:00"),
            ("12am-12pm", "00:00-12:00"),
            ("09:00:00-16:00:00", "09:00-16:00"),
        ] {
            assert_eq!(hours(wrong).as_deref(), Some(right), "{wrong}");
        }
        for hopeless in ["morning", "9", "13pm-14pm", "a-b"] {
            assert_eq!(hours(hopeless), None, "{hopeless}");
        }
    }

    #[test]
    fn days_of_the_week_are_counted_up_and_over_its_end() {
        for (wrong, right) in [
            ("Monday", &["mon"] as &[&str]),
            ("tues", &["tue"]),
            ("Mondays", &["mon"]),
            ("mon-thu", &["mon", "tue", "wed", "thu"]),
            ("Fri - Mon", &["fri", "sat", "sun", "mon"]),
            ("weekend", &["sat", "sun"]),
            ("mon, wed and fri", &["mon", "wed", "fri"]),
        ] {
            assert_eq!(of_week(wrong).as_deref(), Some(right), "{wrong}");
        }
        assert_eq!((of_week("monkey"), of_week("m-f"), of_week("")), (None, None, None));
    }
}
