//! Promises against records in which something failed, was slow, or was not looked at.

use super::*;
use crate::question::testing::{Evidence, NOW, check, problems, request, site};
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass, Pending};
use towpath_core::units::Timestamp;
use towpath_guard::Histogram;
use towpath_ports::check::ServedRecord;

/// A record of an environment that has served for so many hours, with all visitors and probes counted.
fn record(hours: i64, requests: u64, failed: u64) -> ServedRecord {
    ServedRecord {
        serving_since: Some(Timestamp(NOW.0 - hours * 3_600_000_000)),
        requests,
        failed,
        visitor_gaps: Some(Span::ZERO),
        probe_gaps: Some(Span::ZERO),
        ..ServedRecord::default()
    }
}

async fn ask(settings: &Value, served: Vec<(&'static str, ServedRecord)>) -> CheckAnswer {
    let mut checked = json!({});
    checked.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let check = Slo::new(&checked, &site(std::path::Path::new("/"), 1)).unwrap();
    check.ask(&request(&[], Evidence { served, ..Evidence::default() })).await
}

fn promising(slo: &Value) -> Value {
    json!({ "promised": [{ "environment": "staging", "window": 86_400_000, "slo": slo }] })
}

async fn says(slo: Value, record: ServedRecord) -> (CheckResult, String) {
    let answer = ask(&promising(&slo), vec![("staging", record)]).await;
    (answer.result, answer.sentence)
}

#[tokio::test]
async fn the_share_of_answered_requests_is_what_was_promised_or_not() {
    let availability = || json!({ "availability": ">= 99.9%" });
    let (result, said) = says(availability(), record(24, 10_000, 10)).await;
    assert_eq!(
        said,
        "staging over 24h: availability: 10 of 10,000 requests failed, wanted >= 99.9%"
    );
    assert_eq!(result, Pass);
    assert_eq!(says(availability(), record(24, 10_000, 11)).await.0, Fail);
    let errors = json!({ "error_rate": "< 0.1%" });
    assert_eq!(says(errors.clone(), record(24, 10_000, 10)).await.0, Fail, "not below");
    assert_eq!(says(errors, record(24, 10_000, 9)).await.0, Pass);
}

#[tokio::test]
async fn too_few_requests_to_fail_one_of_them_show_nothing_good() {
    let (result, said) = says(json!({ "availability": ">= 99.9%" }), record(24, 999, 0)).await;
    assert_eq!(result, Inconclusive);
    assert!(said.ends_with("1000 of them are needed to tell"), "{said}");
    assert_eq!(says(json!({ "availability": ">= 99.9%" }), record(24, 10, 1)).await.0, Fail);
    assert_eq!(says(json!({ "availability": ">= 99.9%" }), record(24, 0, 0)).await.0, Inconclusive);
}

#[tokio::test]
async fn what_nobody_counted_may_have_failed_and_need_not() {
    let slo = || json!({ "availability": ">= 99%" });
    let unseen = |minutes, failed| ServedRecord {
        visitor_gaps: Some(Span::minutes(minutes)),
        ..record(24, 100_000, failed)
    };
    // Five minutes of a day are 0.35%.
    assert_eq!(says(slo(), unseen(5, 600)).await.0, Pass);
    let (result, said) = says(slo(), unseen(5, 700)).await;
    assert_eq!(result, Inconclusive);
    assert!(said.ends_with("and nothing is known for 5m"), "{said}");
    assert_eq!(says(slo(), unseen(5, 1100)).await.0, Fail, "whatever happened then");
}

#[tokio::test]
async fn a_percentile_is_broken_kept_or_within_the_width_of_what_is_kept() {
    let with = |slow: u64, slow_us: u32| {
        let mut record = record(24, 1000, 0);
        (0..1000 - slow).for_each(|_| record.latency.record(20_000));
        (0..slow).for_each(|_| record.latency.record(slow_us));
        record
    };
    let slo = || json!({ "latency_p99": "< 500ms" });
    assert_eq!(says(slo(), with(10, 900_000)).await.0, Pass, "one in a hundred may");
    let (result, said) = says(slo(), with(11, 900_000)).await;
    assert_eq!(result, Fail);
    assert_eq!(
        said,
        "staging over 24h: latency_p99: of 1,000 requests 11 took 500ms or longer, wanted < 500ms"
    );
    // 480 ms lies in the same bucket as the limit.
    assert_eq!(says(slo(), with(11, 480_000)).await.0, Inconclusive);
    let few = ServedRecord { requests: 50, ..with(0, 0) };
    let few = ServedRecord {
        latency: {
            let mut it = Histogram::default();
            it.record(1);
            it
        },
        ..few
    };
    assert_eq!(says(slo(), few).await.0, Inconclusive, "one request has no 99th percentile");
    assert_eq!(says(json!({ "latency_average": "< 100ms" }), with(10, 900_000)).await.0, Pass);
    assert_eq!(says(json!({ "latency_average": "< 10ms" }), with(10, 900_000)).await.0, Fail);
}

#[tokio::test]
async fn where_nobody_counts_nothing_is_kept_and_why_is_said() {
    let unseen = ServedRecord { visitor_gaps: None, probe_gaps: None, ..record(24, 0, 0) };
    let (result, said) = says(json!({ "availability": ">= 99%" }), unseen.clone()).await;
    assert_eq!(result, Inconclusive);
    assert!(said.contains("no router counts visitors there: declare a `router`"), "{said}");
    let (result, said) = says(json!({ "uptime": ">= 99%" }), unseen).await;
    assert_eq!(result, Inconclusive);
    assert!(said.contains("give `health` endpoints"), "{said}");
    let probed = ServedRecord { probes: 1000, probes_failed: 10, ..record(24, 0, 0) };
    assert_eq!(says(json!({ "uptime": ">= 99%" }), probed).await.0, Pass);
}

#[tokio::test]
async fn a_time_that_is_asked_for_is_waited_out_unless_the_promise_is_broken_already() {
    let settings = |slo| {
        let mut settings = promising(&slo);
        settings["for"] = json!(172_800_000);
        settings
    };
    let slo = json!({ "availability": ">= 99%" });
    let answer = ask(&settings(slo.clone()), vec![("staging", record(24, 1000, 0))]).await;
    assert_eq!(answer.result, Pending { ask_again_at: NOW.plus(Span::hours(24)) });
    let answer = ask(&settings(slo), vec![("staging", record(24, 1000, 50))]).await;
    assert_eq!(answer.result, Fail);
}

#[tokio::test]
async fn a_broken_promise_is_said_before_those_that_nobody_can_tell() {
    let slo = json!({ "availability": ">= 99%", "uptime": ">= 99%" });
    let (result, said) = says(slo, record(24, 1000, 50)).await;
    assert_eq!(result, Fail);
    assert!(said.contains("availability") && !said.contains("uptime"), "{said}");
}

#[tokio::test]
async fn no_telemetry_no_promise_and_nothing_that_serves_are_no_yes() {
    let slo = json!({ "availability": ">= 99%" });
    assert_eq!(ask(&promising(&slo), Vec::new()).await.result, Inconclusive);
    assert_eq!(ask(&json!({}), vec![("staging", record(24, 1, 0))]).await.result, Inconclusive);
    assert_eq!(says(json!({ "throughput": "> 5/s" }), record(24, 1000, 0)).await.0, Inconclusive);
    assert_eq!(says(slo, ServedRecord::default()).await.0, Inconclusive);
}

#[test]
fn a_window_longer_than_counts_are_kept_is_said_when_the_matrix_is_checked() {
    assert_eq!(problems("slo", &json!({ "for": "36d" })), ["for"]);
    assert_eq!(problems("slo", &json!({ "for": "35d", "in": "Staging" })), ["in[0]"]);
    let _ = check("slo", &json!({}), &site(std::path::Path::new("/"), 1));
}
