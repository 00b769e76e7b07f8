//! What an environment promises, held against what visitors and probes met there. Owns the arithmetic of
//! shares that are known in part; which promise counts, and for whom, is said by the checks.
//!
//! Time of which nobody counted anything is taken to have been like the rest at best, and to have failed
//! altogether at worst. What holds in both cases holds, what breaks in both is broken, and between them
//! nobody can tell.

use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::Histogram;
use towpath_ports::check::{CheckRequest, ServedRecord};
use towpath_ports::condition::{Condition, Limit};
use towpath_ports::settings::Problem;
use towpath_ports::store::INTERVALS_KEPT;

use crate::reports::grouped;

/// Time over which promises are counted where nobody says otherwise (SRE workbook, chapter 2: four weeks are
/// a good general-purpose interval; 30 days is what the matrix writes).
pub(crate) const WINDOW: Span = Span::hours(30 * 24);

/// What one environment promises, as the matrix hands it on.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Promised {
    /// Which environment.
    pub(crate) environment: towpath_core::ids::Name,
    /// Time over which all of it is counted, where the matrix says it.
    pub(crate) window: Option<Span>,
    /// By the key of `slo`, each as it is written there.
    #[serde(default)]
    pub(crate) slo: std::collections::BTreeMap<String, String>,
}

/// One promise, read.
pub(crate) struct Promise {
    /// Its key in `slo`.
    pub(crate) key: String,
    of: Of,
    condition: Condition,
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    /// Shares of visitors' requests that are answered, or that fail.
    Answered,
    Failed,
    /// The share of probes that are answered.
    Probes,
    /// A percentile of the time of answers.
    Percentile(u64),
    /// Their mean.
    Mean,
}

impl Promise {
    /// The promise under a key of `slo`; none where counts say nothing about it, as of the load that an
    /// environment bears.
    pub(crate) fn read(key: &str, text: &str) -> Option<Self> {
        let of = match key {
            "availability" => Of::Answered,
            "error_rate" => Of::Failed,
            "uptime" => Of::Probes,
            "latency_average" => Of::Mean,
            _ => Of::Percentile(key.strip_prefix("latency_p")?.parse().ok()?),
        };
        let condition: Condition = text.parse().ok()?;
        let fits = match of {
            Of::Answered | Of::Failed | Of::Probes => matches!(condition.limit, Limit::Share(_)),
            Of::Percentile(_) | Of::Mean => matches!(condition.limit, Limit::Time(_)),
        };
        fits.then(|| Self { key: key.to_owned(), of, condition })
    }

    /// The share that may fail, for a promise that an error budget can be counted against.
    pub(crate) fn budget(&self) -> Option<f64> {
        match (self.of, self.condition.limit) {
            (Of::Answered | Of::Probes, Limit::Share(share)) => Some(1.0 - share),
            (Of::Failed, Limit::Share(share)) => Some(share),
            _ => None,
        }
    }

    /// What was counted that this promise is about.
    pub(crate) fn counted(&self, record: &ServedRecord) -> Result<Counted, String> {
        let (total, failed, what, gaps) = match self.of {
            Of::Probes => (record.probes, record.probes_failed, "probes", record.probe_gaps),
            _ => (record.requests, record.failed, "requests", record.visitor_gaps),
        };
        let Some(gaps) = gaps else {
            let missing = match self.of {
                Of::Probes => "no probes are declared: give `health` endpoints",
                _ => "no router counts visitors there: declare a `router`",
            };
            return Err(missing.to_owned());
        };
        Ok(Counted { total, failed, what, gaps })
    }

    /// Whether the record keeps it.
    pub(crate) fn judge(&self, record: &ServedRecord, window: Span) -> Judged {
        let key = &self.key;
        let cannot = |why: String| Judged { kept: None, sentence: format!("{key}: {why}") };
        let counted = match self.counted(record) {
            Ok(counted) => counted,
            Err(why) => return cannot(why),
        };
        let unknown = counted.unknown(window);
        match self.of {
            Of::Answered | Of::Failed | Of::Probes => self.judge_share(&counted, unknown),
            Of::Percentile(_) | Of::Mean if record.latency.count() == 0 => {
                cannot("no request was timed".to_owned())
            }
            Of::Percentile(percent) => self.judge_percentile(&record.latency, percent, unknown),
            Of::Mean => self.judge_mean(&record.latency, unknown),
        }
    }

    fn judge_share(&self, counted: &Counted, unknown: f64) -> Judged {
        let Self { key, condition, .. } = self;
        let Some((best, worst)) = counted.failed_share(unknown) else {
            let what = counted.what;
            return Judged { kept: None, sentence: format!("{key}: there were no {what}") };
        };
        let shown = format!("{key}: {}, wanted {condition}", counted.said());
        let value = |failed: f64| if self.of == Of::Failed { failed } else { 1.0 - failed };
        let holds = |failed| condition.holds_for_share(value(failed));
        let kept = match (holds(best), holds(worst)) {
            (Some(false), _) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        let least =
            self.budget().filter(|budget| *budget > 0.0).map(|budget| (1.0 / budget).ceil());
        #[expect(clippy::cast_precision_loss, reason = "no count of requests reaches 2^52")]
        let total = counted.total as f64;
        // With fewer not even one could have failed, so that none that did shows nothing.
        if let Some(least) = least.filter(|least| kept == Some(true) && total + 0.5 < *least) {
            let sentence = format!("{shown}; {least} of them are needed to tell");
            return Judged { kept: None, sentence };
        }
        let sentence = match kept {
            None => format!("{shown}, and nothing is known for {}", counted.gaps),
            Some(_) => shown,
        };
        Judged { kept, sentence }
    }

    fn judge_percentile(&self, latency: &Histogram, percent: u64, unknown: f64) -> Judged {
        let Self { key, condition, .. } = self;
        let Limit::Time(limit) = condition.limit else {
            return Judged { kept: None, sentence: format!("{key} is no time") };
        };
        let limit_us = limit.milliseconds().saturating_mul(1000);
        let count = latency.count();
        let may = 100_u64.saturating_sub(percent);
        let shown = format!("{key}: of {} requests", grouped(count));
        if count.saturating_mul(may) < 100 {
            let least = 100_u64.div_ceil(may.max(1));
            let sentence = format!("{shown}, wanted {condition}; {least} are needed to tell");
            return Judged { kept: None, sentence };
        }
        let slow_for_sure = latency.above(limit_us);
        let slow_at_most = count - latency.below(limit_us);
        #[expect(clippy::cast_precision_loss, reason = "no count of requests reaches 2^52")]
        let share = |slow: u64| slow as f64 / count as f64;
        #[expect(clippy::cast_precision_loss, reason = "at most a hundred")]
        let may = may as f64 / 100.0;
        let known = 1.0 - unknown;
        let kept = if share(slow_for_sure) * known > may {
            Some(false)
        } else if share(slow_at_most) * known + unknown <= may {
            Some(true)
        } else {
            None
        };
        let many = if slow_for_sure == slow_at_most {
            grouped(slow_for_sure)
        } else {
            format!("{} to {}", grouped(slow_for_sure), grouped(slow_at_most))
        };
        let sentence = format!("{shown} {many} took {limit} or longer, wanted {condition}");
        Judged { kept, sentence }
    }

    fn judge_mean(&self, latency: &Histogram, unknown: f64) -> Judged {
        let Self { key, condition, .. } = self;
        let Some((least, most)) = latency.mean_between_us() else {
            return Judged { kept: None, sentence: format!("{key}: no request was timed") };
        };
        // How slow it was while nobody looked cannot be bounded.
        let is_whole = unknown <= 0.0;
        let holds = |time_us: u64| condition.holds_for_time(Span(time_us.div_ceil(1000)));
        let kept = match (holds(least), holds(most)) {
            (Some(true), Some(true)) if is_whole => Some(true),
            (Some(false), Some(false)) if is_whole => Some(false),
            _ => None,
        };
        let (least, most) = (Span(least / 1000), Span(most.div_ceil(1000)));
        let sentence = format!("{key}: between {least} and {most}, wanted {condition}");
        Judged { kept, sentence }
    }
}

/// What became of a promise: kept, broken, or nobody can tell.
pub(crate) struct Judged {
    pub(crate) kept: Option<bool>,
    pub(crate) sentence: String,
}

/// Requests or probes, with the time in which nobody counted them.
pub(crate) struct Counted {
    pub(crate) total: u64,
    pub(crate) failed: u64,
    pub(crate) what: &'static str,
    pub(crate) gaps: Span,
}

impl Counted {
    /// The share of the window of which nothing is known.
    pub(crate) fn unknown(&self, window: Span) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "no time in milliseconds reaches 2^52")]
        let (gaps, window) = (self.gaps.milliseconds() as f64, window.milliseconds() as f64);
        if window > 0.0 { (gaps / window).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The share that failed at best and at worst; none when there was nothing.
    pub(crate) fn failed_share(&self, unknown: f64) -> Option<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "no count of requests reaches 2^52")]
        let failed = (self.total > 0).then(|| self.failed as f64 / self.total as f64)?;
        let known = failed * (1.0 - unknown);
        Some((known, known + unknown))
    }

    /// `3 of 1,000 requests failed`.
    pub(crate) fn said(&self) -> String {
        format!("{} of {} {} failed", grouped(self.failed), grouped(self.total), self.what)
    }
}

/// What was met in an environment over a window that ends now, and how long that is: since something serves
/// there, if that is shorter.
///
/// # Errors
/// One sentence, when it cannot be read or nothing serves there.
pub(crate) async fn served(
    request: &CheckRequest,
    promised: &Promised,
    window: Span,
) -> Result<(ServedRecord, Span), Unread> {
    let environment = &promised.environment;
    let since = since(request.now, window);
    let asked = request.evidence.served(&request.lane.service, environment, since).await;
    let record = asked.map_err(|why| {
        Unread::Source(format!("the telemetry of {environment} cannot be read: {why}"))
    })?;
    let serving_since = record.serving_since.ok_or(Unread::NothingServes)?;
    let over = Span(window.milliseconds().min(request.now.since(serving_since).milliseconds()));
    Ok((record, over))
}

/// Why there is no record.
pub(crate) enum Unread {
    /// The source does not answer; one sentence.
    Source(String),
    /// Nothing serves there yet.
    NothingServes,
}

/// When a window began that ends now.
pub(crate) fn since(now: Timestamp, window: Span) -> Timestamp {
    let microseconds = i64::try_from(window.milliseconds().saturating_mul(1000));
    Timestamp(now.0.saturating_sub(microseconds.unwrap_or(i64::MAX)))
}

/// What is wrong with the `for` of a check over a window, if anything; `expected` names a right one.
pub(crate) fn wrong_window(settings: &Value, expected: &str) -> Option<Problem> {
    let given = settings.get("for").and_then(Value::as_u64).map(Span)?;
    if given == Span::ZERO {
        return Some(Problem::new("for", "`for` is no time at all", expected));
    }
    too_long(given).map(|why| Problem::new("for", why, "a shorter time"))
}

/// What the matrix has to be told about a window.
pub(crate) fn too_long(window: Span) -> Option<String> {
    (window > INTERVALS_KEPT).then(|| format!("counts are kept for {INTERVALS_KEPT} alone"))
}

/// A record as it is kept as evidence.
pub(crate) fn told(promised: &Promised, record: &ServedRecord, over: Span) -> Value {
    json!({
        "environment": promised.environment,
        "promised": promised.slo,
        "over_milliseconds": over.milliseconds(),
        "requests": record.requests,
        "failed": record.failed,
        "probes": record.probes,
        "probes_failed": record.probes_failed,
        "visitor_gaps_milliseconds": record.visitor_gaps.map(towpath_core::units::Span::milliseconds),
        "probe_gaps_milliseconds": record.probe_gaps.map(towpath_core::units::Span::milliseconds),
        "latency": record.latency,
    })
}
