//! The grammar of `towpath simulate`: traffic, faults, and how often. What is done with them is in
//! `commands/simulate`.

use clap::Args;
use towpath_core::ids::Name;
use towpath_core::units::Span;

use super::values::name;

/// Fewest rollouts: with fewer an interval says nothing.
const FEWEST_RUNS: u64 = 20;
/// Most rollouts: they tell one false rollback in a thousand from one in two thousand.
const MOST_RUNS: u64 = 10_000;
/// Most requests per second: what one proxy carries, many times over.
const HIGHEST_RATE: f64 = 100_000.0;
/// Fewest requests per second: one in a day.
const LOWEST_RATE: f64 = 1.0 / 86_400.0;
/// How many times as often or as long at the most.
const MOST_TIMES: f64 = 1_000.0;
/// The 99th percentile of the normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

#[derive(Clone, Debug, Args)]
pub(crate) struct SimulateArguments {
    /// environment whose rollout is run; otherwise the only one of the production tier
    #[arg(value_name = "ENV", value_parser = name)]
    pub(crate) environment: Option<Name>,
    /// the rollout of this matrix instead of towpath.yaml; again to compare, up to four
    #[arg(long = "policy", value_name = "FILE")]
    pub(crate) policies: Vec<std::path::PathBuf>,
    /// requests for each s, m, h or d; otherwise 100/s
    #[arg(long, value_name = "RATE", value_parser = rate, allow_hyphen_values = true)]
    pub(crate) rate: Option<f64>,
    /// share of requests that fail today; otherwise 0.5%
    #[arg(long, value_name = "SHARE", value_parser = errors, allow_hyphen_values = true)]
    pub(crate) errors: Option<f64>,
    /// how long answers take, such as p50=50ms,p99=400ms; otherwise no time at all
    #[arg(long, value_name = "TIMES", value_parser = latency)]
    pub(crate) latency: Option<Answers>,
    /// traffic as an access log has it: common, combined or JSON lines
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "errors"])]
    pub(crate) log: Option<std::path::PathBuf>,
    /// traffic as counts: CSV with the columns time, requests, failed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "errors", "log"])]
    pub(crate) counts: Option<std::path::PathBuf>,
    /// what is wrong with the new release: errors=20%, errors=2x, all or latency=2x; again for more
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault)]
    pub(crate) faults: Vec<Wrong>,
    /// when it begins to be wrong; otherwise at the start
    #[arg(long, value_name = "DURATION")]
    pub(crate) onset: Option<Span>,
    /// rollouts for each fault, 20 to 10000
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u64).range(FEWEST_RUNS..=MOST_RUNS))]
    pub(crate) runs: u64,
    /// other chance; the same number gives the same answer
    #[arg(long, value_name = "NUMBER", default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// write the answer as a picture as well
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<std::path::PathBuf>,
}

/// How long answers take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answers {
    /// Half of them take less, in seconds.
    pub(crate) p50_s: f64,
    /// One in a hundred takes longer, in seconds.
    pub(crate) p99_s: f64,
}

impl Answers {
    /// What is taken where a fault is about time and nothing was said of it: a web service as the
    /// tables of the benches have it.
    pub(crate) const USUAL: Self = Self { p50_s: 0.05, p99_s: 0.32 };

    /// Standard deviation of the natural logarithm, for a log-normal time with these two.
    pub(crate) fn sigma(self) -> f64 {
        (self.p99_s / self.p50_s).ln() / NORMAL_P99
    }
}

/// What is wrong with a release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wrong {
    /// This share of its requests fails, above 0 and at most 1.
    Share(f64),
    /// It fails so many times as often as today, above 1.
    Times(f64),
    /// Its answers take so many times as long, above 1.
    Slower(f64),
}

fn rate(text: &str) -> Result<f64, String> {
    let wanted = || format!("`{}` is not a rate; such are 100/s, 0.5/s and 6000/m", shown(text));
    let (number, unit) = text.split_once('/').ok_or_else(wanted)?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(wanted()),
    };
    let rate = decimal(number).ok_or_else(wanted)? / seconds;
    if !(LOWEST_RATE..=HIGHEST_RATE).contains(&rate) {
        return Err(format!("`{}` is not a rate from 1/d to {HIGHEST_RATE}/s", shown(text)));
    }
    Ok(rate)
}

fn errors(text: &str) -> Result<f64, String> {
    match share(text) {
        Some(share) if share < 1.0 => Ok(share),
        _ => Err(format!("`{}` is not a share from 0% to below 100%, such as 0.5%", shown(text))),
    }
}

fn latency(text: &str) -> Result<Answers, String> {
    let wanted = || format!("`{}` is not a pair of times such as p50=50ms,p99=400ms", shown(text));
    let (p50, p99) = text.split_once(',').ok_or_else(wanted)?;
    let time = |part: &str, name: &str| {
        let span: Span = part.strip_prefix(name)?.strip_prefix('=')?.parse().ok()?;
        let milliseconds = u32::try_from(span.milliseconds()).ok()?;
        // The proxy waits half a minute at the most.
        (1..=30_000).contains(&milliseconds).then(|| f64::from(milliseconds) / 1000.0)
    };
    let p50_s = time(p50, "p50").ok_or_else(wanted)?;
    let p99_s = time(p99, "p99").ok_or_else(wanted)?;
    if p99_s <= p50_s {
        return Err(format!("`{}` says that 99 of 100 answers are faster than half", shown(text)));
    }
    Ok(Answers { p50_s, p99_s })
}

fn fault(text: &str) -> Result<Wrong, String> {
    let wanted = || {
        format!(
            "`{}` is not a fault; there are errors=20%, errors=2x, all, latency=2x",
            shown(text)
        )
    };
    if text == "all" {
        return Ok(Wrong::Share(1.0));
    }
    if let Some(slower) = text.strip_prefix("latency=") {
        return times(slower).map(Wrong::Slower).ok_or_else(wanted);
    }
    let errors = text.strip_prefix("errors=").unwrap_or(text);
    let share = share(errors).filter(|share| *share > 0.0).map(Wrong::Share);
    share.or_else(|| times(errors).map(Wrong::Times)).ok_or_else(wanted)
}

/// `0.5%` as a number from 0 to 1.
fn share(text: &str) -> Option<f64> {
    decimal(text.strip_suffix('%')?).map(|number| number / 100.0).filter(|share| *share <= 1.0)
}

/// `2x` as a number above 1.
fn times(text: &str) -> Option<f64> {
    decimal(text.strip_suffix('x')?).filter(|times| *times > 1.0 && *times <= MOST_TIMES)
}

/// Digits with at most one point in them: no sign, no exponent, no `inf`.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = text.parse().ok().filter(|_| plain && text.len() <= 16)?;
    text.starts_with(|it: char| it.is_ascii_digit()).then_some(number)
}

fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_shares_and_times_are_read_or_refused() {
        assert_eq!((rate("100/s"), rate("90/m")), (Ok(100.0), Ok(1.5)));
        for bad in
            ["0/s", "-1/s", "100", "1e9/s", "100001/s", "inf/s", "NaN/s", "1/w", "/s", ".5/s"]
        {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!((errors("0%"), errors("0.5%")), (Ok(0.0), Ok(0.005)));
        for bad in ["100%", "101%", "-1%", "5", "%", "1e1%", "0,5%"] {
            assert!(errors(bad).is_err(), "{bad}");
        }
        assert_eq!(latency("p50=50ms,p99=1s"), Ok(Answers { p50_s: 0.05, p99_s: 1.0 }));
        for bad in [
            "50ms",
            "p50=50ms",
            "p99=1s,p50=50ms",
            "p50=1s,p99=1s",
            "p50=0ms,p99=1s",
            "p50=1s,p99=31s",
        ] {
            assert!(latency(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn faults_are_shares_multiples_or_slowness() {
        for (text, wrong) in [
            ("errors=20%", Wrong::Share(0.2)),
            ("20%", Wrong::Share(0.2)),
            ("all", Wrong::Share(1.0)),
            ("errors=2x", Wrong::Times(2.0)),
            ("1.5x", Wrong::Times(1.5)),
            ("latency=3x", Wrong::Slower(3.0)),
        ] {
            assert_eq!(fault(text), Ok(wrong), "{text}");
        }
        for bad in
            ["", "0%", "101%", "1x", "0.5x", "latency=20%", "errors=", "-2x", "1001x", "some"]
        {
            assert!(fault(bad).is_err(), "{bad}");
        }
    }
}
