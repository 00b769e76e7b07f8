//! Budgets that are whole, partly spent, spent, and not known.

use super::*;
use crate::question::testing::{Evidence, NOW, problems, request, site};
use serde_json::json;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};
use towpath_core::units::Timestamp;

fn record(requests: u64, failed: u64) -> ServedRecord {
    ServedRecord {
        serving_since: Some(Timestamp(NOW.0 - 50 * 3_600_000_000)),
        requests,
        failed,
        visitor_gaps: Some(Span::ZERO),
        ..ServedRecord::default()
    }
}

fn settings(left: &str, slo: &Value) -> Value {
    json!({
        "left": left,
        "except": "fixes",
        "promised": [{ "environment": "live", "window": 2_592_000_000_u64, "slo": slo }],
    })
}

async fn ask(settings: &Value, evidence: Evidence) -> (CheckResult, String) {
    let check = Budget::new(settings, &site(std::path::Path::new("/"), 1)).unwrap();
    let answer = check.ask(&request(&[], evidence)).await;
    (answer.result, answer.sentence)
}

async fn says(left: &str, record: ServedRecord) -> (CheckResult, String) {
    let slo = json!({ "availability": ">= 99.9%" });
    let evidence = Evidence { served: vec![("live", record)], ..Evidence::default() };
    ask(&settings(left, &slo), evidence).await
}

#[tokio::test]
async fn what_is_left_is_what_may_fail_less_what_failed() {
    let (result, said) = says("> 25%", record(100_000, 70)).await;
    assert_eq!(
        said,
        "live has 30% of its error budget left over 50h (availability: 70 of 100,000 requests failed, \
         0.1% may), wanted > 25%"
    );
    assert_eq!(result, Pass);
    assert_eq!(says("> 30%", record(100_000, 70)).await.0, Fail);
    let (result, said) = says("> 0%", record(100_000, 150)).await;
    assert_eq!(result, Fail);
    assert!(said.starts_with("live has -50% of its error budget left"), "{said}");
    assert_eq!(says("> 0%", record(100_000, 100)).await.0, Fail, "spent exactly");
}

#[tokio::test]
async fn where_nobody_came_nothing_is_spent_but_time_that_nobody_counted_may_have_spent_all() {
    assert_eq!(says("> 0%", record(0, 0)).await.0, Pass);
    let unseen = |minutes, it| ServedRecord { visitor_gaps: Some(Span::minutes(minutes)), ..it };
    // 0.1% of 50 hours are three minutes.
    assert_eq!(says("> 0%", unseen(2, record(100_000, 0))).await.0, Pass);
    let (result, said) = says("> 0%", unseen(4, record(100_000, 0))).await;
    assert_eq!(result, Inconclusive);
    assert!(said.contains("-33.34% to 100%") && said.ends_with("of requests for 4m"), "{said}");
    assert_eq!(says("> 0%", unseen(4, record(100_000, 500))).await.0, Fail);
    assert_eq!(
        says("> 0%", ServedRecord { visitor_gaps: None, ..record(5, 0) }).await.0,
        Inconclusive
    );
}

#[tokio::test]
async fn nothing_is_spent_where_nothing_serves_and_a_silent_telemetry_tells_nothing() {
    assert_eq!(says("> 0%", ServedRecord::default()).await.0, Pass);
    let slo = json!({ "availability": ">= 99.9%" });
    assert_eq!(ask(&settings("> 0%", &slo), Evidence::default()).await.0, Inconclusive);
    let none = settings("> 0%", &json!({ "latency_p99": "< 1s" }));
    let evidence = Evidence { served: vec![("live", record(10, 0))], ..Evidence::default() };
    assert_eq!(ask(&none, evidence).await.0, Inconclusive);
}

#[tokio::test]
async fn of_several_promises_the_one_with_the_least_left_decides() {
    let slo = json!({ "availability": ">= 99%", "error_rate": "< 0.1%", "uptime": ">= 99%" });
    let met = ServedRecord { probes: 100, probe_gaps: Some(Span::ZERO), ..record(1000, 5) };
    let evidence = Evidence { served: vec![("live", met)], ..Evidence::default() };
    let (result, said) = ask(&settings("> 0%", &slo), evidence).await;
    assert_eq!(result, Fail);
    assert!(said.contains("(error_rate:") && !said.contains("(availability:"), "{said}");
}

#[tokio::test]
async fn fixes_go_on_when_all_of_it_is_spent_and_features_do_not() {
    let slo = json!({ "availability": ">= 99.9%" });
    let spent = |change_type| Evidence {
        served: vec![("live", record(1000, 500))],
        change_type: Some(change_type),
        ..Evidence::default()
    };
    let asked = |change_type| {
        let settings = settings("> 0%", &slo);
        async move { ask(&settings, spent(change_type)).await.0 }
    };
    assert_eq!(asked(ChangeType::Feature).await, Fail);
    assert_eq!(asked(ChangeType::Hotfix).await, Pass);
    assert_eq!(asked(ChangeType::Fix).await, Pass);
    assert_eq!(asked(ChangeType::Configuration).await, Fail);
    let unread = Evidence { is_down: true, ..spent(ChangeType::Hotfix) };
    assert_eq!(ask(&settings("> 0%", &slo), unread).await.0, Inconclusive);
}

#[test]
fn limits_that_let_in_what_is_spent_and_unknown_types_are_refused_with_the_matrix() {
    let given = json!({ "left": "< 10%", "for": "40d", "except": "urgent" });
    assert_eq!(problems("error_budget", &given), ["except"]);
    let given = json!({ "left": "< 10%", "for": "40d" });
    assert_eq!(problems("error_budget", &given), ["for", "left"]);
    assert_eq!(problems("error_budget", &json!({ "left": "> 5m" })), ["left"]);
}
