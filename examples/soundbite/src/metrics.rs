//! Counts of requests by class of URL and of status, as Prometheus reads them. The URLs
//! themselves are not kept, so that the number of series is bounded.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper edges of the latency histogram in milliseconds; the response-time targets of the five
/// environments (100 to 1,000 ms) are among them.
const EDGES_MS: [u64; 8] = [5, 20, 50, 100, 200, 300, 500, 1000];

/// Classes of URLs: what visitors use, and what operators use.
const CLASSES: [&str; 2] = ["sounds", "operations"];

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    classes: [Class; 2],
}

#[derive(Debug, Default)]
struct Class {
    /// By first digit of the status, 1 to 5.
    statuses: [AtomicU64; 5],
    /// Requests up to each edge and above the one before; the last holds all others.
    latencies: [AtomicU64; EDGES_MS.len() + 1],
    latency_sum_us: AtomicU64,
}

impl Metrics {
    /// Counts one answered request.
    pub(crate) fn record(&self, path: &str, status: u16, latency: Duration) {
        let class = &self.classes[usize::from(!path.starts_with("/v1/"))];
        let digit = usize::from((status / 100).clamp(1, 5)) - 1;
        class.statuses[digit].fetch_add(1, Ordering::Relaxed);
        let edge = EDGES_MS.partition_point(|edge| u128::from(*edge) < latency.as_millis());
        class.latencies[edge].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        class.latency_sum_us.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// Requests answered, and how many of them with a 5xx status.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let all = self.classes.iter().flat_map(|class| &class.statuses).map(load).sum();
        let errors = self.classes.iter().map(|class| load(&class.statuses[4])).sum();
        (all, errors)
    }

    /// The text exposition format, version 0.0.4.
    pub(crate) fn render(&self, release: &str, jobs: usize) -> String {
        let mut text = String::new();
        text.push_str("# HELP soundbite_info The release that answers.\n");
        text.push_str("# TYPE soundbite_info gauge\n");
        line(&mut text, format_args!("soundbite_info{{release=\"{}\"}} 1", escape(release)));
        text.push_str("# HELP soundbite_jobs Audio jobs kept.\n# TYPE soundbite_jobs gauge\n");
        line(&mut text, format_args!("soundbite_jobs {jobs}"));
        self.render_requests(&mut text);
        self.render_latencies(&mut text);
        text
    }

    fn render_requests(&self, text: &mut String) {
        text.push_str("# HELP soundbite_requests_total Requests answered.\n");
        text.push_str("# TYPE soundbite_requests_total counter\n");
        for (name, class) in CLASSES.iter().zip(&self.classes) {
            for (digit, count) in (1..).zip(&class.statuses) {
                let count = count.load(Ordering::Relaxed);
                line(
                    text,
                    format_args!(
                        "soundbite_requests_total{{class=\"{name}\",status=\"{digit}xx\"}} {count}"
                    ),
                );
            }
        }
    }

    fn render_latencies(&self, text: &mut String) {
        const NAME: &str = "soundbite_request_seconds";
        line(text, format_args!("# HELP {NAME} Time from request to answer."));
        line(text, format_args!("# TYPE {NAME} histogram"));
        for (name, class) in CLASSES.iter().zip(&self.classes) {
            let edges = EDGES_MS.map(|edge| seconds(edge * 1000));
            let edges = edges.iter().map(String::as_str).chain(["+Inf"]);
            let mut below = 0;
            for (edge, count) in edges.zip(&class.latencies) {
                below += count.load(Ordering::Relaxed);
                line(text, format_args!("{NAME}_bucket{{class=\"{name}\",le=\"{edge}\"}} {below}"));
            }
            let sum = seconds(class.latency_sum_us.load(Ordering::Relaxed));
            line(text, format_args!("{NAME}_sum{{class=\"{name}\"}} {sum}"));
            line(text, format_args!("{NAME}_count{{class=\"{name}\"}} {below}"));
        }
    }
}

/// Microseconds as seconds with all their digits.
fn seconds(microseconds: u64) -> String {
    format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{content}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_class_status_and_latency() {
        let metrics = Metrics::default();
        metrics.record("/v1/sounds", 202, Duration::from_millis(5));
        metrics.record("/v1/sounds", 503, Duration::from_millis(30));
        metrics.record("/health", 200, Duration::from_secs(2));
        assert_eq!(metrics.totals(), (3, 1));
        let text = metrics.render("1.0.\"0", 4);
        for expected in [
            "soundbite_info{release=\"1.0.\\\"0\"} 1\n",
            "soundbite_jobs 4\n",
            "soundbite_requests_total{class=\"sounds\",status=\"5xx\"} 1\n",
            "soundbite_request_seconds_bucket{class=\"sounds\",le=\"0.005000\"} 1\n",
            "soundbite_request_seconds_bucket{class=\"sounds\",le=\"0.050000\"} 2\n",
            "soundbite_request_seconds_bucket{class=\"operations\",le=\"1.000000\"} 0\n",
            "soundbite_request_seconds_bucket{class=\"operations\",le=\"+Inf\"} 1\n",
            "soundbite_request_seconds_sum{class=\"sounds\"} 0.035000\n",
            "soundbite_request_seconds_count{class=\"sounds\"} 2\n",
        ] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }
}
