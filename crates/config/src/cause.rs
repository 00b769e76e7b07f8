//! Why a text does not fit where it stands: an hour that no day has, a day that no month has, a share
//! above 100%, a unit that is missing. What to write instead is in `repair`; judges nothing.

use jiff::civil::Date;
use towpath_ports::catalogue::FieldType;

use crate::quantities;
use crate::shape::{Bound, Measure, Shape};
use crate::tree::{Node, Scalar, printable};

/// Why `node` does not fit, a clause to stand behind a colon; none where what was expected says it.
pub(crate) fn cause(node: &Node, shape: Shape) -> Option<String> {
    let text = node.text().filter(|text| !text.is_empty())?;
    match shape {
        Shape::Of(FieldType::Span) | Shape::SomeTime | Shape::WordOrSpan(_) | Shape::Bake => {
            of_span(text)
        }
        Shape::Of(FieldType::Share) => of_share(text),
        Shape::Of(FieldType::Count(least, most)) => of_count(node, text, least, most),
        Shape::Of(FieldType::Address) => Some(of_address(text)),
        Shape::Of(FieldType::Url) => Some(of_url(text)),
        Shape::Of(FieldType::Condition) => of_promise(text, Measure::Any, Bound::Either),
        Shape::Money => of_sum(text),
        Shape::Size | Shape::Of(FieldType::Size(..)) => of_size(text),
        Shape::Rate => of_rate(text),
        Shape::Requests => bare(text).then(|| NO_UNIT.to_owned()),
        Shape::Promise(measure, bound) => of_promise(text, measure, bound),
        Shape::ErrorLimit => of_error_limit(text),
        Shape::LatencyLimit => of_latency(text),
        Shape::Date => of_date(text),
        Shape::Hours => of_hours(text),
        _ => None,
    }
}

/// Why an endpoint is none, where that can be told.
pub(crate) fn of_endpoint(text: &str) -> Option<String> {
    let whole = text.contains("://");
    whole.then(|| "only the path of it belongs here; each instance has its own host".to_owned())
}

const NO_UNIT: &str = "it has no unit";
const NEGATIVE: &str = "it is negative";
const NO_SIDE_OF: &str = "it does not say which side of it is meant";
const NO_SIDE: &str = "it does not say which side of it is too much";
const WELL: &str = "it says what is well, and not what is too much";

fn bare(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn is_negative(text: &str) -> bool {
    let number = text.trim_start_matches(|it: char| "$€£¥ ".contains(it));
    number.strip_prefix('-').is_some_and(|rest| {
        rest.trim_start_matches(['$', '€', '£', '¥']).starts_with(|it: char| it.is_ascii_digit())
    })
}

fn of_span(text: &str) -> Option<String> {
    let told = match text {
        _ if is_negative(text) => NEGATIVE,
        _ if bare(text) => NO_UNIT,
        _ if text.contains(['.', ',']) && text.starts_with(|it: char| it.is_ascii_digit()) => {
            "it has a fraction"
        }
        _ => return None,
    };
    Some(told.to_owned())
}

fn of_share(text: &str) -> Option<String> {
    let number = text.trim_end_matches(['%', ' ']);
    let told = match number.parse::<f64>() {
        _ if is_negative(text) => NEGATIVE,
        Ok(share) if share > 100.0 => "a share ends at 100%",
        _ if bare(text) => "it has no `%`",
        _ if number.contains(',') => "a fraction is written with a point",
        Ok(_) if number.split_once('.').is_some_and(|(_, part)| part.len() > 2) => {
            "it has more than two digits after the point"
        }
        Ok(_) if number.len() + 1 < text.len() => "a blank stands before the `%`",
        _ => return None,
    };
    Some(told.to_owned())
}

fn of_count(node: &Node, text: &str, least: u64, most: u64) -> Option<String> {
    let Some(Scalar::Number(number)) = node.scalar() else {
        let quoted = text.bytes().all(|byte| byte.is_ascii_digit());
        return quoted.then(|| "in quotes it is a text".to_owned());
    };
    Some(match number.parse::<f64>() {
        _ if is_negative(number) => NEGATIVE.to_owned(),
        Ok(value) if value.fract() != 0.0 => "it is no whole number".to_owned(),
        // Both ends are counts of people, instances and the like, far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "only which side it lies on matters")]
        Ok(value) if value > most as f64 => format!("the most is {most}"),
        #[expect(clippy::cast_precision_loss, reason = "only which side it lies on matters")]
        Ok(value) if value < least as f64 => format!("the least is {least}"),
        _ => return None,
    })
}

fn of_address(text: &str) -> String {
    let port = text.rsplit_once(':').map(|(_, port)| port);
    let told = match port {
        _ if text.contains("://") => "it is the address of a page, and not of a machine",
        None if bare(text) && !text.contains('.') => "the address before the port is missing",
        None => "the port is missing",
        Some(port) if port.parse::<u16>().is_err() => "its port is none from 0 to 65535",
        Some(_) if text.starts_with(':') => "the address before the port is missing",
        Some(_) => "the host is no address in digits",
    };
    told.to_owned()
}

fn of_url(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, _)) => format!("`{}` is neither http nor https", printable(scheme)),
        None => "the `https://` before it is missing".to_owned(),
    }
}

fn of_sum(text: &str) -> Option<String> {
    let currency = ['$', '€', '£', '¥'];
    let (sum, time) = text.split_once('/').map_or((text, None), |(sum, time)| (sum, Some(time)));
    Some(match time {
        _ if is_negative(text) => NEGATIVE.to_owned(),
        Some(time) if !["hour", "day", "month", "year"].contains(&time) => {
            format!(
                "a sum is for an hour, a day, a month or a year, and not for `{}`",
                printable(time)
            )
        }
        _ if !sum.contains(currency) => "it has no currency: $, €, £ or ¥".to_owned(),
        _ if !sum.starts_with(currency) => "the currency stands before the number".to_owned(),
        None => "it does not say for how long".to_owned(),
        Some(_) if sum.split_once('.').is_some_and(|(_, part)| part.len() != 2) => {
            "there are two digits after the point, or none".to_owned()
        }
        Some(_) if sum.contains([',', '_', ' ']) => {
            "nothing stands between the digits of a number".to_owned()
        }
        Some(_) => return None,
    })
}

fn of_size(text: &str) -> Option<String> {
    let unit = text.trim_start_matches(|it: char| it.is_ascii_digit() || "., -".contains(it));
    let number = text[..text.len() - unit.len()].trim_end();
    Some(match unit {
        _ if is_negative(text) => NEGATIVE.to_owned(),
        "" => NO_UNIT.to_owned(),
        _ if number.is_empty() => "it has no number".to_owned(),
        unit if quantities::bytes(&format!("1{unit}")).is_none() => {
            format!("`{}` is no unit of sizes", printable(unit))
        }
        _ if text.contains(' ') => "a blank stands before the unit".to_owned(),
        _ if number.split_once('.').is_some_and(|(_, part)| part.len() > 2) => {
            "it has more than two digits after the point".to_owned()
        }
        _ if number.len() > 6 && !number.contains('.') => {
            "it has more than six digits; a larger unit says the same".to_owned()
        }
        _ => return None,
    })
}

fn of_rate(text: &str) -> Option<String> {
    let told = match text.split_once('/') {
        _ if is_negative(text) => NEGATIVE,
        None if bare(text) => "it does not say in what time",
        Some((number, _)) if number.contains('.') => "it has a fraction",
        Some((_, unit)) if !["s", "m", "h", "d"].contains(&unit) => {
            "its time is none of s, m, h and d"
        }
        _ => return None,
    };
    Some(told.to_owned())
}

fn of_promise(text: &str, measure: Measure, bound: Bound) -> Option<String> {
    let value = text.trim_start_matches(['<', '>', '=', ' ']);
    let sign = text[..text.len() - value.len()].trim();
    let signs = ["<", "<=", ">", ">=", "="];
    if !value.starts_with(|it: char| it.is_ascii_digit() || it == '-') {
        return None;
    }
    if is_negative(value) {
        return Some(NEGATIVE.to_owned());
    }
    if !sign.is_empty() && !signs.contains(&sign) {
        return Some(format!("`{sign}` is no sign of a comparison"));
    }
    let is_share = value.ends_with('%');
    let told = match measure {
        Measure::Share if is_share || bare(value) => of_share(value),
        Measure::Share => Some("it is no share".to_owned()),
        Measure::Time if is_share => Some("a share is no time".to_owned()),
        Measure::Time => of_span(value),
        Measure::Rate if !value.contains('/') => Some("it does not say in what time".to_owned()),
        Measure::Any if is_share => of_share(value),
        Measure::Rate | Measure::Any => None,
    };
    let side = match bound {
        Bound::AtLeast if sign.starts_with('<') => Some("more is better here"),
        Bound::AtMost if sign.starts_with('>') => Some("less is better here"),
        _ if sign.is_empty() => Some(NO_SIDE_OF),
        _ => None,
    };
    told.or_else(|| side.map(str::to_owned))
}

fn of_error_limit(text: &str) -> Option<String> {
    let value = text.trim_start_matches(['<', '>', '=', ' ']);
    let sign = text[..text.len() - value.len()].trim();
    let told = match sign {
        "" => NO_SIDE,
        ">" => return of_promise(text, Measure::Share, Bound::Either),
        ">=" => "exactly so much is not yet too much",
        _ => WELL,
    };
    of_promise(value, Measure::Share, Bound::Either)
        .filter(|it| it != NO_SIDE_OF)
        .or_else(|| Some(told.to_owned()))
}

fn of_latency(text: &str) -> Option<String> {
    let value = text.trim_start_matches(['<', '>', '=', '+', ' ']);
    let factor = if text.starts_with('+') {
        "no slower than the old release is never reached"
    } else {
        "a share of the old release's latency begins with `+`"
    };
    let told = match text.chars().next()? {
        _ if is_negative(value) || is_negative(text) => NEGATIVE,
        _ if value.ends_with('%') => return of_share(value).or_else(|| Some(factor.to_owned())),
        _ if bare(value) => NO_UNIT,
        '<' => WELL,
        '>' => return of_span(value),
        _ => NO_SIDE,
    };
    Some(told.to_owned())
}

fn of_date(text: &str) -> Option<String> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if let Some((_, time)) = text.split_once(['T', ' ']).filter(|(day, _)| day.len() == 10) {
        return time.contains(':').then(|| "a freeze holds for whole days".to_owned());
    }
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else {
        return Some("a day is the year, the month and the day, with hyphens".to_owned());
    };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return Some("the year has four digits, the month and the day two each".to_owned());
    }
    let (year, month_of, day) = (year.parse().ok()?, month.parse().ok()?, day.parse::<i8>().ok()?);
    let Ok(first) = Date::new(year, month_of, 1) else {
        return Some(format!("a year has no month {month}"));
    };
    let last = first.days_in_month();
    let told = if day < 1 {
        "no month has a day 00".to_owned()
    } else {
        format!("{} {year} ends with day {last}", first.strftime("%B"))
    };
    Some(told)
}

fn of_hours(text: &str) -> Option<String> {
    let Some((from, until)) = text.split_once('-') else {
        return Some("it has no start and end with a hyphen between them".to_owned());
    };
    for time in [from, until] {
        if let Some(told) = of_time(time) {
            return Some(told);
        }
    }
    let empty = from == until;
    empty.then(|| format!("it begins and ends at {}, so no time is left", printable(from)))
}

fn of_time(time: &str) -> Option<String> {
    let shown = printable(time);
    let parts = time.split_once(':').filter(|_| time.len() == 5);
    let number = |text: &str| text.parse::<u8>().ok().filter(|_| !text.starts_with('+'));
    let read = parts.and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    match read {
        None => Some(format!("`{shown}` is not a time of day with two digits each, such as 09:00")),
        Some((24, 0)) => Some("a day ends at 00:00, which is the next one's".to_owned()),
        Some((hour, _)) if hour > 23 => Some(format!("a day has no hour {hour}")),
        Some((_, minute)) if minute > 59 => Some(format!("an hour has no minute {minute}")),
        Some(_) => None,
    }
}
