//! Shares, sums, sizes, rates and counts as people write them, and as the matrix does. Every answer
//! is a proposal: whether it fits where it would stand is asked by whoever proposes it.

/// Numbers that people write out.
pub(super) const NUMBERS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];

/// `5 %`, `99,9%`, `0.05`, `5 percent` as a share; a fraction of one is one only without a sign.
pub(super) fn share(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let ends = ["%", "percent", "per cent", "pct"];
    let named = ends.iter().find_map(|end| text.strip_suffix(end)).map(str::trim_end);
    let number = named.unwrap_or(&text).replace(',', ".");
    if number.is_empty() || !number.bytes().all(|it| it.is_ascii_digit() || it == b'.') {
        return None;
    }
    match number.strip_prefix("0.").or_else(|| number.strip_prefix('.')) {
        Some(part) if named.is_none() => hundredfold(part),
        _ => Some(format!("{number}%")),
    }
}

/// The digits behind the point of a fraction of one, in percent.
fn hundredfold(part: &str) -> Option<String> {
    if part.is_empty() || part.len() > 4 || !part.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (whole, rest) = part.split_at_checked(2).unwrap_or((part, ""));
    let whole: u8 = format!("{whole:0<2}").parse().ok()?;
    let rest = rest.trim_end_matches('0');
    Some(if rest.is_empty() { format!("{whole}%") } else { format!("{whole}.{rest}%") })
}

/// `2 cores`, `0,5`, `.5`, `0.125`, `500 m` as a number of processors or of their thousandths.
pub(super) fn processors(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase().replace(',', ".");
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() { "0" } else { whole };
    let part = part.trim_end_matches('0');
    match unit.trim() {
        "m" | "mcpu" | "millicores" | "millicpu" if part.is_empty() => Some(format!("{whole}m")),
        "" | "core" | "cores" | "cpu" | "cpus" | "vcpu" | "vcpus" => match part.len() {
            _ if number.is_empty() || number == "." => None,
            0 => Some(whole.to_owned()),
            1 | 2 => Some(format!("{whole}.{part}")),
            3 => Some(format!("{}m", format!("{whole}{part}").trim_start_matches('0'))),
            _ => None,
        },
        _ => None,
    }
}

/// A sum with its currency in front, its time behind, and nothing between its digits.
pub(super) fn sum(text: &str) -> Option<String> {
    let (sum, time) = in_what_time(text.trim());
    let time = match time.trim().to_ascii_lowercase().as_str() {
        "" | "mo" | "mon" | "month" | "months" | "monthly" => "month",
        "h" | "hr" | "hour" | "hourly" => "hour",
        "d" | "day" | "daily" => "day",
        "y" | "yr" | "a" | "year" | "annum" | "yearly" | "annually" => "year",
        _ => return None,
    };
    let (currency, number) = currency(sum.trim());
    let thousands = number.strip_suffix(['k', 'K']).map(str::trim_end);
    let (whole, part) = exactly(thousands.unwrap_or(number))?;
    let number = match (thousands, part.len()) {
        (Some(_), 0) => format!("{whole}000"),
        (None, 0) => whole,
        (None, 1) => format!("{whole}.{part}0"),
        (None, 2) => format!("{whole}.{part}"),
        _ => return None,
    };
    Some(format!("{currency}{number}/{time}"))
}

/// A sum and the time that it is for, however that is said.
fn in_what_time(text: &str) -> (&str, &str) {
    let lower = text.to_ascii_lowercase();
    if let Some((sum, time)) = text.split_once('/') {
        return (sum, time);
    }
    for word in [" per ", " a ", " each "] {
        if let Some(at) = lower.find(word) {
            return (&text[..at], &text[at + word.len()..]);
        }
    }
    let last = text.rsplit_once(' ').filter(|(_, time)| time.to_ascii_lowercase().ends_with("ly"));
    last.unwrap_or((text, ""))
}

/// The currency of a sum wherever it stands, and the number. Without one: dollars.
fn currency(sum: &str) -> (char, &str) {
    const CODES: [(&str, char); 8] = [
        ("$", '$'),
        ("€", '€'),
        ("£", '£'),
        ("¥", '¥'),
        ("USD", '$'),
        ("EUR", '€'),
        ("GBP", '£'),
        ("JPY", '¥'),
    ];
    for (code, sign) in CODES {
        let cut = sum.get(..code.len()).filter(|start| start.eq_ignore_ascii_case(code));
        if cut.is_some() {
            return (sign, sum[code.len()..].trim());
        }
        let from = sum.len().saturating_sub(code.len());
        if sum.get(from..).is_some_and(|end| end.eq_ignore_ascii_case(code)) {
            return (sign, sum[..from].trim());
        }
    }
    ('$', sum)
}

/// A size with the capitals of its unit and no space before it.
pub(super) fn size(text: &str) -> Option<String> {
    let unit = text.find(|it: char| it.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let (whole, part) = exactly(number.trim())?;
    let number = if part.is_empty() { whole } else { format!("{whole}.{part}") };
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => "B",
        "k" | "kb" | "kilobyte" | "kilobytes" => "KB",
        "m" | "mb" | "megabyte" | "megabytes" => "MB",
        "g" | "gb" | "gigabyte" | "gigabytes" => "GB",
        "t" | "tb" | "terabyte" | "terabytes" => "TB",
        "ki" | "kib" => "KiB",
        "mi" | "mib" => "MiB",
        "gi" | "gib" => "GiB",
        "ti" | "tib" => "TiB",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

/// `100 rps`, `100 requests per second`, `6000 rpm` and `1.5/s` as whole numbers for a time.
pub(super) fn rate(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.find(|it: char| !it.is_ascii_digit() && !".,_".contains(it))?;
    let (number, unit) = text.split_at(end);
    let mut unit = unit.replace(" per ", "/").replace(' ', "");
    for what in ["requests", "request", "reqs", "req", "transactions", "queries", "messages"] {
        unit = unit.replacen(what, "", 1);
    }
    let unit = match unit.as_str() {
        "rps" | "qps" | "tps" | "ps" | "/s" | "/sec" | "/second" | "persecond" => "s",
        "rpm" | "qpm" | "tpm" | "/m" | "/min" | "/minute" => "m",
        "rph" | "/h" | "/hr" | "/hour" => "h",
        "rpd" | "/d" | "/day" => "d",
        _ => return None,
    };
    let (number, unit) = whole(number, unit)?;
    Some(format!("{number}/{unit}"))
}

/// A number without a fraction: of what is no whole number in a second, the number in a minute.
fn whole<'a>(number: &str, unit: &'a str) -> Option<(u64, &'a str)> {
    let (whole, part) = exactly(number)?;
    if part.is_empty() {
        return Some((whole.parse().ok()?, unit));
    }
    let (larger, times) = match unit {
        "s" => ("m", 60),
        "m" => ("h", 60),
        "h" => ("d", 24),
        _ => return None,
    };
    let scale = 10_u64.pow(u32::try_from(part.len()).ok().filter(|digits| *digits <= 2)?);
    let of_part = part.parse::<u64>().ok()?.checked_mul(times)?;
    let total = whole.parse::<u64>().ok()?.checked_mul(times)?.checked_add(of_part / scale)?;
    (of_part % scale == 0).then_some((total, larger))
}

/// A whole number that is written as a text, with groups of digits, or in words.
pub(super) fn count(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(known) = NUMBERS.iter().position(|word| *word == text) {
        return Some(known.to_string());
    }
    let (whole, part) = exactly(text.trim_start_matches('+'))?;
    (part.is_empty() || part == "0").then_some(whole)
}

/// The digits of a number before its point and behind it, none behind it when it is whole. A comma
/// before three digits parts thousands, as a blank and `_` do; another is a point. None for what
/// could be read in no such way, or would be another number to another reader.
pub(super) fn exactly(number: &str) -> Option<(String, String)> {
    if let Some(whole) = grouped(number, ',') {
        return Some((whole, String::new()));
    }
    let (whole, part) = match number.split_once('.') {
        Some((whole, part)) => (grouped(whole, ',').or_else(|| spaced(whole)), part),
        None => match number.split_once(',') {
            Some((whole, part)) => (spaced(whole), part),
            None => return Some((spaced(number)?, String::new())),
        },
    };
    let digits = !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    whole.filter(|_| digits).map(|whole| (whole, part.to_owned()))
}

fn spaced(number: &str) -> Option<String> {
    grouped(number, ' ').or_else(|| grouped(number, '_'))
}

/// A whole number without the marks between its thousands.
fn grouped(number: &str, mark: char) -> Option<String> {
    let groups: Vec<&str> = number.split(mark).collect();
    let plain = |group: &&str| !group.is_empty() && group.bytes().all(|it| it.is_ascii_digit());
    let fits = match groups[..] {
        [_] => true,
        [first, ref others @ ..] => {
            let leads = first.len() <= 3 && !first.starts_with('0');
            leads && others.iter().all(|group| group.len() == 3)
        }
        [] => false,
    };
    (fits && groups.iter().all(plain)).then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_keeps_its_value() {
        for (wrong, right) in [
            ("5 %", "5%"),
            ("99,9%", "99.9%"),
            ("5 percent", "5%"),
            ("0.05", "5%"),
            ("0.999", "99.9%"),
            ("0.0005", "0.05%"),
            ("80", "80%"),
        ] {
            assert_eq!(share(wrong).as_deref(), Some(right), "{wrong}");
        }
        for (wrong, right) in [
            ("$50", "$50/month"),
            ("50/year", "$50/year"),
            ("€1,000/month", "€1000/month"),
            ("420$/month", "$420/month"),
            ("420 USD", "$420/month"),
            ("EUR 420 per year", "€420/year"),
            ("$1.5/month", "$1.50/month"),
            ("$1k/mo", "$1000/month"),
            ("420 € monthly", "€420/month"),
            ("€1,50/month", "€1.50/month"),
            ("1,5 USD", "$1.50/month"),
            ("$1,234,567.89/year", "$1234567.89/year"),
            ("1 000,50 €", "€1000.50/month"),
        ] {
            assert_eq!(sum(wrong).as_deref(), Some(right), "{wrong}");
        }
        for (wrong, right) in [
            ("512mb", "512MB"),
            ("16 GB", "16GB"),
            ("100G", "100GB"),
            ("2gib", "2GiB"),
            ("512Mi", "512MiB"),
            ("1,5 GB", "1.5GB"),
            ("1,500 MB", "1500MB"),
        ] {
            assert_eq!(size(wrong).as_deref(), Some(right), "{wrong}");
        }
        for (wrong, right) in [
            ("100 rps", "100/s"),
            ("100 requests per second", "100/s"),
            ("6000rpm", "6000/m"),
            ("1,000/s", "1000/s"),
            ("1.5/s", "90/m"),
            ("100 req/sec", "100/s"),
            ("1,000,000/d", "1000000/d"),
            ("1,5/s", "90/m"),
        ] {
            assert_eq!(rate(wrong).as_deref(), Some(right), "{wrong}");
        }
        for (wrong, right) in
            [("two", "2"), ("1,000", "1000"), ("3.0", "3"), ("3", "3"), ("3,0", "3")]
        {
            assert_eq!(count(wrong).as_deref(), Some(right), "{wrong}");
        }
    }

    #[test]
    fn what_says_no_amount_is_not_guessed() {
        for hopeless in
            ["$50/week", "50 a fortnight", "€1.000,50", "$1,50,000", "1,5k", "$1.234", "$1,/day"]
        {
            assert_eq!(sum(hopeless), None, "{hopeless}");
        }
        assert_eq!((share("many"), share("5 apples"), share("")), (None, None, None));
        assert_eq!((size("big"), size("512"), size("5 apples")), (None, None, None));
        assert_eq!((rate("100"), rate("100 boxes"), rate("0.333/s")), (None, None, None));
        for hopeless in ["3,5", "1,00", "0,500", "1,0000", "12,34,567", "1 0", "1.000", ",5", "3,"]
        {
            assert_eq!(count(hopeless), None, "{hopeless}");
        }
        assert_eq!((size("1,2,3GB"), size("1.2.3GB"), rate("1,00,000/s")), (None, None, None));
        assert_eq!((count("many"), count("3.5"), count("-1"), count("")), (None, None, None, None));
    }
}
