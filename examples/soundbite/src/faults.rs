//! Faults on request: what the example does wrong when an environment variable says so. All of
//! them follow a fixed pattern or a fixed time; none is left to chance, so that a rehearsal
//! tells the same story every time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::config::Variables;
use crate::routes::{App, refusal};

/// A rate is kept in millionths: the finest that `FAIL_RATE` can say.
const MILLION: u64 = 1_000_000;

/// Longest delay a variable may ask for: an hour, beyond every time limit of a rollout.
const DELAY_MS_MAX: u64 = 3_600_000;

/// What goes wrong, as declared; conditions are already decided.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// `FAIL_RATE`, if `FAIL_WHEN` holds: share of requests below `/v1` that are answered 503,
    /// in millionths.
    pub(crate) fail_millionths: u64,
    /// `FAIL_AFTER_MS`: how long after the start that share begins to fail, and the latency begins.
    pub(crate) fail_after: Duration,
    /// `LATENCY_MS`, if `LATENCY_WHEN` holds: added to each request below `/v1`.
    pub(crate) latency: Duration,
    /// `START_DELAY_MS`: how long after the start the port is opened.
    pub(crate) start_delay: Duration,
    /// `SLOW_LOAD_MS`: how long after the port is opened `/ready` says no.
    pub(crate) slow_load: Duration,
    /// `CRASH_AFTER_MS`: when the process ends without finishing anything, counted from the
    /// opening of the port.
    pub(crate) crash_after: Option<Duration>,
    /// `EXIT_AT_START`: the code with which the process ends before it opens the port.
    pub(crate) exit_at_start: Option<u8>,
    /// `IGNORE_SIGTERM=1`: the request to stop is heard and not followed.
    pub(crate) ignores_sigterm: bool,
    /// `HEALTH_FAIL=1`: `/health` answers 503.
    pub(crate) health_fails: bool,
    /// `AWS_FAIL=1`, if `AWS_FAIL_WHEN` holds: `/aws` answers 503.
    pub(crate) aws_fails: bool,
}

impl Faults {
    /// Reads every fault's variables. `FAIL_WHEN`, `LATENCY_WHEN` and `AWS_FAIL_WHEN` are
    /// `NAME=value`; the fault is active only where that variable has that value.
    pub(crate) fn read(variables: &mut Variables<'_>) -> Self {
        let fail_millionths = rate(variables);
        let latency = delay(variables, "LATENCY_MS");
        let fails = condition(variables, "FAIL_WHEN", fail_millionths > 0);
        let is_slow = condition(variables, "LATENCY_WHEN", latency.is_some());
        let aws_fails = variables.switch("AWS_FAIL");
        Self {
            fail_millionths: if fails { fail_millionths } else { 0 },
            fail_after: delay(variables, "FAIL_AFTER_MS").unwrap_or_default(),
            latency: latency.filter(|_| is_slow).unwrap_or_default(),
            start_delay: delay(variables, "START_DELAY_MS").unwrap_or_default(),
            slow_load: delay(variables, "SLOW_LOAD_MS").unwrap_or_default(),
            crash_after: delay(variables, "CRASH_AFTER_MS"),
            exit_at_start: variables.parsed("EXIT_AT_START", "an exit code from 0 to 255"),
            ignores_sigterm: variables.switch("IGNORE_SIGTERM"),
            health_fails: variables.switch("HEALTH_FAIL"),
            aws_fails: condition(variables, "AWS_FAIL_WHEN", aws_fails) && aws_fails,
        }
    }
}

/// The active faults in words, `none` without any.
impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |name: &str, time: Duration| {
            (!time.is_zero()).then(|| format!("{name} {} ms", time.as_millis()))
        };
        let switch = |name: &str, is_on: bool| is_on.then(|| name.to_owned());
        let percent = self.fail_millionths / (MILLION / 100);
        let active: Vec<String> = [
            (self.fail_millionths > 0).then(|| format!("fails {percent}%")),
            milliseconds("latency", self.latency),
            milliseconds("well for", self.fail_after),
            milliseconds("start delay", self.start_delay),
            milliseconds("slow load", self.slow_load),
            self.crash_after.and_then(|after| milliseconds("crash after", after)),
            switch("ignores SIGTERM", self.ignores_sigterm),
            switch("health fails", self.health_fails),
            switch("aws fails", self.aws_fails),
        ]
        .into_iter()
        .flatten()
        .collect();
        if active.is_empty() {
            return formatter.write_str("none");
        }
        formatter.write_str(&active.join(", "))
    }
}

/// Which requests fail: exactly the declared share, evenly spread, the same in every run.
#[derive(Debug)]
pub(crate) struct Pattern {
    seen: AtomicU64,
    began: Instant,
}

impl Default for Pattern {
    fn default() -> Self {
        Self { seen: AtomicU64::new(0), began: Instant::now() }
    }
}

impl Pattern {
    /// Whether the program has run for this long.
    pub(crate) fn has_run_for(&self, time: Duration) -> bool {
        time.is_zero() || self.began.elapsed() >= time
    }

    /// Counts one request and says whether it is one that fails. With 200,000 millionths it is
    /// every fifth, starting with the fifth.
    pub(crate) fn next_fails(&self, millionths: u64) -> bool {
        // A million requests hold a whole number of failures, so the pattern repeats there.
        let before = self.seen.fetch_add(1, Ordering::Relaxed) % MILLION;
        (before + 1) * millionths / MILLION != before * millionths / MILLION
    }
}

/// Applies latency and failures to one request; sits in front of everything below `/v1`.
pub(crate) async fn interfere(State(app): State<App>, request: Request, next: Next) -> Response {
    let faults = &app.config().faults;
    if !app.pattern().has_run_for(faults.fail_after) {
        return next.run(request).await;
    }
    if !faults.latency.is_zero() {
        tokio::time::sleep(faults.latency).await;
    }
    if app.pattern().next_fails(faults.fail_millionths) {
        let message = "the audio backend did not answer";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).into_response();
    }
    next.run(request).await
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the share is between 0 and 1, so its millionths fit"
)]
fn rate(variables: &mut Variables<'_>) -> u64 {
    const NAME: &str = "FAIL_RATE";
    const EXPECTED: &str = "a share from 0 to 1";
    let share: f64 = variables.parsed(NAME, EXPECTED).unwrap_or(0.0);
    if !(0.0..=1.0).contains(&share) {
        variables.refuse(NAME, format!("`{share}` is not {EXPECTED}"));
        return 0;
    }
    (share * 1e6).round() as u64
}

fn delay(variables: &mut Variables<'_>, name: &'static str) -> Option<Duration> {
    let milliseconds: u64 = variables.parsed(name, "a number of milliseconds")?;
    if milliseconds > DELAY_MS_MAX {
        variables.refuse(name, format!("`{milliseconds}` is more than {DELAY_MS_MAX} ms"));
    }
    Some(Duration::from_millis(milliseconds))
}

/// Whether the condition holds; without one it does. A condition on a fault that is not declared
/// is a mistake in a rehearsal, so it is refused.
fn condition(variables: &mut Variables<'_>, name: &'static str, has_fault: bool) -> bool {
    let Some(text) = variables.value(name) else { return true };
    if !has_fault {
        variables.refuse(name, "is a condition without its fault".to_owned());
    }
    let Some((variable, wanted)) = text.split_once('=') else {
        variables.refuse(name, format!("`{text}` is not NAME=value"));
        return false;
    };
    variables.value(variable).as_deref() == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn failing(share: &str, requests: usize) -> Vec<usize> {
        let millionths = config(&[("FAIL_RATE", share)]).unwrap().faults.fail_millionths;
        let pattern = Pattern::default();
        (1..=requests).filter(|_| pattern.next_fails(millionths)).collect()
    }

    #[test]
    fn a_fifth_means_every_fifth_request() {
        assert_eq!(failing("0.2", 16), [5, 10, 15]);
        assert_eq!(failing("0", 16), Vec::<usize>::new());
        assert_eq!(failing("1", 3), [1, 2, 3]);
    }

    #[test]
    fn uneven_shares_are_exact_over_a_thousand_requests() {
        assert_eq!(failing("0.333", 1000).len(), 333);
        assert_eq!(failing("0.007", 1000).len(), 7);
    }

    #[test]
    fn a_condition_decides_where_a_fault_is_active() {
        let faulty = [("FAIL_RATE", "0.2"), ("FAIL_WHEN", "AUDIO_CACHE=cluster")];
        let with = |cache: &str| {
            let pairs = [faulty[0], faulty[1], ("AUDIO_CACHE", cache)];
            config(&pairs).unwrap().faults.fail_millionths
        };
        assert_eq!(with("cluster"), 200_000);
        assert_eq!(with("memory"), 0);
        assert_eq!(config(&faulty).unwrap().faults.fail_millionths, 0);
    }

    #[test]
    fn a_condition_without_its_fault_is_refused() {
        let problems = config(&[("LATENCY_WHEN", "NODE_ENV=production")]).unwrap_err();
        assert_eq!(problems[0].variable, "LATENCY_WHEN");
    }

    #[test]
    fn active_faults_are_told_in_words() {
        let faults = config(&[("FAIL_RATE", "0.2"), ("LATENCY_MS", "40")]).unwrap().faults;
        assert_eq!(faults.to_string(), "fails 20%, latency 40 ms");
        assert_eq!(Faults::default().to_string(), "none");
    }
}
