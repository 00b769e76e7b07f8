//! Comparisons as people write them, and as the matrix does. Every answer is a proposal: whether it
//! fits where it would stand is asked by whoever proposes it.

use super::{amount, time};
use crate::shape::{Bound, Measure};

/// How people write a sign or say it; the longer of two that begin alike first.
const SIGNS: [(&str, &str); 28] = [
    ("<=", "<="),
    ("=<", "<="),
    ("≤", "<="),
    (">=", ">="),
    ("=>", ">="),
    ("≥", ">="),
    ("==", "="),
    ("<", "<"),
    (">", ">"),
    ("=", "="),
    ("less than", "<"),
    ("lower than", "<"),
    ("under", "<"),
    ("below", "<"),
    ("at most", "<="),
    ("no more than", "<="),
    ("up to", "<="),
    ("maximum", "<="),
    ("max", "<="),
    ("more than", ">"),
    ("greater than", ">"),
    ("higher than", ">"),
    ("over", ">"),
    ("above", ">"),
    ("at least", ">="),
    ("no less than", ">="),
    ("minimum", ">="),
    ("min", ">="),
];

/// Comparisons with something of `measure` to the side `bound` that `text` may mean.
pub(super) fn promises(text: &str, measure: Measure, bound: Bound) -> Vec<String> {
    let (sign, value) = split(text);
    let signs: &[&str] = match (sign, bound, measure) {
        (Some("<"), Bound::AtLeast, _) | (None, Bound::Either, Measure::Any) => &[">"],
        (Some(">") | None, Bound::AtMost, _) | (None, Bound::Either, Measure::Time) => &["<"],
        (Some("<=") | None, Bound::AtLeast, _) | (None, Bound::Either, Measure::Rate) => &[">="],
        (Some(">="), Bound::AtMost, _) => &["<="],
        (None, Bound::Either, Measure::Share) => &["<", ">="],
        (Some(sign), ..) => &[sign],
    };
    let mut values = values(value, measure);
    // `< 0.1` is a tenth to one and a tenth of a percent to another.
    let is_fraction = value.starts_with("0.") || value.starts_with('.');
    if measure == Measure::Share && signs.iter().all(|it| it.starts_with('<')) && is_fraction {
        values.splice(..0, amount::share(&format!("{value}%")).filter(|it| !values.contains(it)));
    }
    let all = signs.iter().flat_map(|sign| values.iter().map(move |it| format!("\"{sign} {it}\"")));
    all.collect()
}

/// Shares of failures that are too much.
pub(super) fn error_limit(text: &str) -> Vec<String> {
    let (_, value) = split(text);
    amount::share(value).map(|share| format!("\"> {share}\"")).into_iter().collect()
}

/// Latencies that are too much, or how much slower than the old release.
pub(super) fn latency_limits(text: &str) -> Vec<String> {
    if let Some(slower) = text.strip_prefix('+') {
        return amount::share(slower).map(|share| format!("\"+{share}\"")).into_iter().collect();
    }
    let (_, value) = split(text);
    if value.ends_with('%') {
        return amount::share(value).map(|share| format!("\"+{share}\"")).into_iter().collect();
    }
    values(value, Measure::Time).into_iter().map(|time| format!("\"> {time}\"")).collect()
}

/// The sign that `text` begins with, as the matrix writes it, and what it is compared with.
fn split(text: &str) -> (Option<&'static str>, &str) {
    let text = text.trim();
    for (written, sign) in SIGNS {
        let starts = text.get(..written.len()).is_some_and(|it| it.eq_ignore_ascii_case(written));
        if starts {
            return (Some(sign), text[written.len()..].trim());
        }
    }
    (None, text)
}

fn values(value: &str, measure: Measure) -> Vec<String> {
    let counted = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let one = |value: Option<String>| value.into_iter().collect();
    match measure {
        Measure::Share => one(amount::share(value)),
        Measure::Time if counted => vec![format!("{value}ms"), format!("{value}s")],
        Measure::Time => one(time::span(value)),
        Measure::Rate if counted => vec![format!("{value}/s")],
        Measure::Rate => one(amount::rate(value)),
        Measure::Any if value.ends_with(['%', 't']) => one(amount::share(value)),
        Measure::Any if counted => vec![value.to_owned()],
        Measure::Any => {
            let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let read = || time::span(value).or_else(|| amount::rate(value));
            one(Some(value.to_owned()).filter(|_| plain).or_else(read))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_keeps_what_it_compares_with_and_takes_the_side_that_is_better() {
        for (wrong, measure, bound, right) in [
            ("≥ 99,9%", Measure::Share, Bound::AtLeast, "\">= 99.9%\""),
            ("=> 99.9 %", Measure::Share, Bound::AtLeast, "\">= 99.9%\""),
            ("0.999", Measure::Share, Bound::AtLeast, "\">= 99.9%\""),
            ("under 200 ms", Measure::Time, Bound::AtMost, "\"< 200ms\""),
            ("> 30m", Measure::Time, Bound::AtMost, "\"< 30m\""),
            ("100 rps", Measure::Rate, Bound::AtLeast, "\">= 100/s\""),
            ("== 0", Measure::Any, Bound::Either, "\"= 0\""),
        ] {
            assert_eq!(promises(wrong, measure, bound), [right], "{wrong}");
        }
        assert_eq!(promises("5%", Measure::Share, Bound::Either), ["\"< 5%\"", "\">= 5%\""]);
        assert_eq!(promises("200", Measure::Time, Bound::AtMost), ["\"< 200ms\"", "\"< 200s\""]);
        let tenth = ["\"< 0.1%\"", "\"< 10%\""];
        assert_eq!(promises("< 0.1", Measure::Share, Bound::AtMost), tenth);
        assert_eq!(promises("0.1", Measure::Share, Bound::AtMost), tenth);
        assert_eq!(promises("< 0.1 %", Measure::Share, Bound::AtMost), [tenth[0]]);
        assert_eq!((error_limit("0.05"), latency_limits("20%")), (one("> 5%"), one("+20%")));
        assert_eq!((latency_limits("< 300 ms"), error_limit("many")), (one("> 300ms"), vec![]));
    }

    fn one(text: &str) -> Vec<String> {
        vec![format!("\"{text}\"")]
    }
}
