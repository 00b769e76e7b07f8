//! Lengths of time as people write them, and as the matrix does. Owns the words for units and for
//! how often; what a length of time means is `units`'.

use super::amount::{NUMBERS, exactly};

/// How people say how often.
const OFTEN: [(&str, &str); 6] = [
    ("hourly", "1h"),
    ("daily", "24h"),
    ("weekly", "7d"),
    ("monthly", "30d"),
    ("quarterly", "90d"),
    ("yearly", "365d"),
];
/// How people write units: the unit of the matrix, how many of it, and the milliseconds of it.
const UNITS: [(&[&str], &str, u64, u64); 8] = [
    (&["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"], "ms", 1, 1),
    (&["s", "sec", "secs", "second", "seconds"], "s", 1, 1000),
    (&["m", "min", "mins", "minute", "minutes"], "m", 1, 60_000),
    (&["h", "hr", "hrs", "hour", "hours"], "h", 1, 3_600_000),
    (&["d", "day", "days"], "d", 1, 86_400_000),
    (&["w", "wk", "week", "weeks"], "d", 7, 86_400_000),
    (&["mo", "month", "months"], "d", 30, 86_400_000),
    (&["y", "yr", "year", "years"], "d", 365, 86_400_000),
];
/// Digits of a number that is still read; more say no length of time that a matrix means.
const MOST_DIGITS: usize = 9;

/// `text` as the matrix writes it; none when it is no length of time.
pub(super) fn span(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if let Some((_, span)) = OFTEN.iter().find(|(word, _)| *word == text) {
        return Some((*span).to_owned());
    }
    // ISO 8601 writes `PT1H30M`, and means a month, which is no length, by an `M` before the `T`.
    let text = match text.strip_prefix('p') {
        Some(rest) if rest.split('t').next().is_some_and(|days| days.contains('m')) => return None,
        Some(rest) if rest.contains(|it: char| it.is_ascii_digit()) => rest.replace('t', " "),
        _ => text,
    };
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (part, after) = part(rest)?;
        parts.extend(part);
        rest = after.trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The first number and unit of `text`, and what stands behind them.
fn part(text: &str) -> Option<(Vec<String>, &str)> {
    let is_number = |it: char| it.is_ascii_digit() || it == '.' || it == ',';
    let digits = text.find(|it| !is_number(it)).unwrap_or(text.len());
    let (number, rest) = if digits > 0 { text.split_at(digits) } else { text.split_once(' ')? };
    let rest = rest.trim_start_matches([' ', '-']);
    let letters = rest.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(letters);
    let (_, unit, times, size) = *UNITS.iter().find(|(words, ..)| words.contains(&word))?;
    let (whole, fraction) = read(number)?;
    if fraction.is_empty() {
        return Some((vec![format!("{}{unit}", whole.checked_mul(times)?)], after));
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let of_one = size.checked_mul(times)?;
    let more = fraction.parse::<u64>().ok()?.checked_mul(of_one)?;
    let total = whole.checked_mul(of_one)?.checked_add(more / scale)?;
    // What cannot be said to the millisecond is not proposed.
    (more % scale == 0).then(|| (split(total), after))
}

/// A number, and the digits behind its point.
fn read(number: &str) -> Option<(u64, String)> {
    if let Some(known) = NUMBERS.iter().position(|word| *word == number) {
        return Some((u64::try_from(known).ok()?, String::new()));
    }
    if ["a", "an"].contains(&number) {
        return Some((1, String::new()));
    }
    let (whole, part) = exactly(number)?;
    let short = whole.len() <= MOST_DIGITS && part.len() <= 3;
    whole.parse().ok().filter(|_| short).map(|whole| (whole, part))
}

/// A length in milliseconds in hours, minutes, seconds and milliseconds, nothing left out.
fn split(mut total: u64) -> Vec<String> {
    let mut parts = Vec::new();
    for (size, unit) in [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")] {
        if total >= size {
            parts.push(format!("{}{unit}", total / size));
            total %= size;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn what_people_write_is_read_exactly_or_not_at_all() {
        for (wrong, right) in [
            ("1 hour", "1h"),
            ("30 days", "30d"),
            ("5 min", "5m"),
            ("90 seconds", "90s"),
            ("1.5h", "1h 30m"),
            ("1,5 h", "1h 30m"),
            ("0.5 days", "12h"),
            ("2 weeks", "14d"),
            ("1h30m", "1h 30m"),
            ("1 hour and 30 minutes", "1h 30m"),
            ("PT1H30M", "1h 30m"),
            ("P30D", "30d"),
            ("ten minutes", "10m"),
            ("an hour", "1h"),
            ("500 ms", "500ms"),
            ("5M", "5m"),
            ("Daily", "24h"),
            ("1,000ms", "1000ms"),
            ("P1DT2M", "1d 2m"),
        ] {
            assert_eq!(span(wrong).as_deref(), Some(right), "{wrong}");
        }
        for hopeless in [
            "",
            "soon",
            "5",
            "-5m",
            "1.0001ms",
            "5 parsecs",
            "1.2.3h",
            "p",
            "pt",
            "P1M",
            "P6M",
            "P1Y2M",
        ] {
            assert_eq!(span(hopeless), None, "{hopeless}");
        }
    }
}
