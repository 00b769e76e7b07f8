//! How much a value is: `5m`, `12.5%`, `$420/month`, `16GB`, and the comparisons made of them. Owns
//! the units; which direction is the looser one is in `rules`.

use std::cmp::Ordering;

use towpath_core::units::Span;

/// Words that stand where a time could, and mean that it never comes by itself.
const NEVER: [&str; 3] = ["manual", "never", "none"];

/// Units of size with their factor on one byte; decimal, as disks and clouds count.
const SIZES: [(&str, f64); 5] = [("B", 1.0), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)];

/// Units of a price with their factor on one day; a month is a twelfth of a year of 365 days.
const PERIODS: [(&str, f64); 4] =
    [("/hour", 24.0), ("/day", 1.0), ("/month", 12.0 / 365.0), ("/year", 1.0 / 365.0)];

/// A number with what it counts. Amounts of different units cannot be compared.
#[derive(Clone, Debug, PartialEq)]
struct Amount {
    number: f64,
    unit: String,
}

/// Whether `was` is less or more than `now`; none when they do not measure the same.
pub(crate) fn compare(was: &str, now: &str) -> Option<Ordering> {
    let (was, now) = (Amount::read(was)?, Amount::read(now)?);
    if was.number.is_infinite() || now.number.is_infinite() || was.unit == now.unit {
        was.number.partial_cmp(&now.number)
    } else {
        None
    }
}

impl Amount {
    fn read(text: &str) -> Option<Self> {
        if NEVER.contains(&text) {
            return Some(Self { number: f64::INFINITY, unit: String::new() });
        }
        if let Ok(span) = text.parse::<Span>() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "100 years in milliseconds fit exactly"
            )]
            return Some(Self { number: span.milliseconds() as f64, unit: "time".to_owned() });
        }
        let start = text.find(|character: char| character.is_ascii_digit())?;
        let (sign, rest) = text.split_at(start);
        let digit = |character: char| character.is_ascii_digit() || character == '.';
        let end = rest.find(|character: char| !digit(character)).unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        let (factor, unit) = unit(rest[end..].trim());
        Some(Self { number: number * factor, unit: format!("{}{unit}", sign.trim()) })
    }
}

/// The factor on the smallest of its kind, and the kind.
fn unit(text: &str) -> (f64, &str) {
    let of = |table: &[(&str, f64)]| table.iter().find(|it| it.0 == text).map(|it| it.1);
    if let Some(factor) = of(&SIZES) {
        return (factor, "bytes");
    }
    if let Some(factor) = of(&PERIODS) {
        return (factor, "/day");
    }
    (1.0, if text == "request" { "requests" } else { text })
}

/// A comparison, as the set of the values that meet it.
struct Condition<'a> {
    sign: Sign,
    /// Whether the limit itself meets it.
    inclusive: bool,
    limit: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Below,
    Above,
    /// Worse than the old release by so much.
    Worse,
    Exactly,
}

/// Whether fewer or more values meet `was` than `now`; none when each is met by some that do not
/// meet the other.
pub(crate) fn compare_conditions(was: &str, now: &str) -> Option<Ordering> {
    let (was, now) = (Condition::read(was)?, Condition::read(now)?);
    if was.sign != now.sign {
        return None;
    }
    let limits = compare(was.limit, now.limit)?;
    let wider = match was.sign {
        Sign::Below => limits,
        Sign::Above | Sign::Worse => limits.reverse(),
        Sign::Exactly => return (limits == Ordering::Equal).then_some(limits),
    };
    Some(wider.then(was.inclusive.cmp(&now.inclusive)))
}

impl<'a> Condition<'a> {
    fn read(text: &'a str) -> Option<Self> {
        // The longer sign first: `<` is the beginning of `<=`.
        const SIGNS: [(&str, Sign, bool); 6] = [
            ("<=", Sign::Below, true),
            (">=", Sign::Above, true),
            ("<", Sign::Below, false),
            (">", Sign::Above, false),
            ("+", Sign::Worse, false),
            ("=", Sign::Exactly, true),
        ];
        SIGNS.iter().find_map(|(word, sign, inclusive)| {
            let limit = text.strip_prefix(word)?.trim();
            Some(Self { sign: *sign, inclusive: *inclusive, limit })
        })
    }
}

/// Minutes of a day.
const DAY: u32 = 24 * 60;

/// Whether less or more of the day is in `was` (`09:00-16:00`) than in `now`; none when each has
/// some that the other has not. A part that ends before it begins goes over midnight.
pub(crate) fn compare_hours(was: &str, now: &str) -> Option<Ordering> {
    let (was, now) = (part_of_day(was)?, part_of_day(now)?);
    let contains = |(from, until): (u32, u32), minute: u32| {
        if from < until {
            (from..until).contains(&minute)
        } else {
            minute >= from || minute < until
        }
    };
    let only = |one, other| (0..DAY).any(|it| contains(one, it) && !contains(other, it));
    match (only(was, now), only(now, was)) {
        (false, false) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Greater),
        (false, true) => Some(Ordering::Less),
        (true, true) => None,
    }
}

fn part_of_day(text: &str) -> Option<(u32, u32)> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let minute =
            hour.parse::<u32>().ok()?.checked_mul(60)?.checked_add(minute.parse().ok()?)?;
        (minute <= DAY).then_some(minute)
    };
    let (from, until) = text.split_once('-')?;
    Some((minute(from)?, minute(until)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_one_measure_are_compared_and_others_are_not() {
        let table = [
            ("5m", "300s", Some(Ordering::Equal)),
            ("5m", "1h", Some(Ordering::Less)),
            ("30s", "manual", Some(Ordering::Less)),
            ("99.99%", "99.9%", Some(Ordering::Greater)),
            ("2", "10", Some(Ordering::Less)),
            ("20 requests", "1 request", Some(Ordering::Greater)),
            ("$420/month", "$5200/year", Some(Ordering::Less)),
            ("$420/month", "€420/month", None),
            ("900MB", "1GB", Some(Ordering::Less)),
            ("100/s", "50/s", Some(Ordering::Greater)),
            ("5m", "5%", None),
            ("5", "five", None),
        ];
        for (was, now, wanted) in table {
            assert_eq!(compare(was, now), wanted, "{was} beside {now}");
            assert_eq!(compare(now, was), wanted.map(Ordering::reverse), "{now} beside {was}");
        }
    }

    #[test]
    fn conditions_are_compared_by_what_meets_them() {
        let table = [
            ("< 5%", "< 8%", Some(Ordering::Less)),
            ("> 5%", "> 8%", Some(Ordering::Greater)),
            (">= 99.99%", ">= 99.9%", Some(Ordering::Less)),
            ("< 5%", "<= 5%", Some(Ordering::Less)),
            ("+20%", "+30%", Some(Ordering::Greater)),
            ("+20%", "> 300ms", None),
            ("< 5%", "> 5%", None),
            ("= 1", "= 1", Some(Ordering::Equal)),
            ("= 1", "= 2", None),
        ];
        for (was, now, wanted) in table {
            assert_eq!(compare_conditions(was, now), wanted, "{was} -> {now}");
        }
    }

    #[test]
    fn parts_of_a_day_are_compared_over_midnight_too() {
        let table = [
            ("09:00-16:00", "08:00-18:00", Some(Ordering::Less)),
            ("09:00-16:00", "10:00-16:00", Some(Ordering::Greater)),
            ("09:00-16:00", "10:00-17:00", None),
            ("22:00-04:00", "23:00-03:00", Some(Ordering::Greater)),
            ("09:00-16:00", "9:00-16:00", Some(Ordering::Equal)),
            ("09:00", "10:00-17:00", None),
        ];
        for (was, now, wanted) in table {
            assert_eq!(compare_hours(was, now), wanted, "{was} -> {now}");
        }
    }
}
