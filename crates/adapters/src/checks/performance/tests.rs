//! Loads on small servers, and reports as the tools write them, cut to what matters.

use super::*;
use crate::question::testing::{Evidence, check, problems, request, site};
use crate::reports::testing::{ask as ask_of_files, says};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};
use towpath_core::ids::{Digest, Version};
use towpath_core::release::ReleaseRef;

/// A server that answers with these statuses in turn; 0 is no answer.
async fn server(statuses: &'static [u16]) -> SocketAddr {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let turn = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let turn = turn.clone();
            tokio::spawn(async move {
                let _request = connection.read(&mut [0; 4096]).await;
                let status = statuses[turn.fetch_add(1, Ordering::Relaxed) % statuses.len()];
                if status > 0 {
                    let page = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
                    );
                    let _gone = connection.write_all(page.as_bytes()).await;
                }
            });
        }
    });
    address
}

async fn load(statuses: &'static [u16], more: &Value) -> CheckAnswer {
    let address = server(statuses).await;
    let mut settings = json!({ "url": "{green}/v1", "requests": 100 });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let check = check("performance", &settings, &site(Path::new("/"), 1));
    check.ask(&request(&[address], Evidence::default())).await
}

#[tokio::test]
async fn a_load_is_made_and_its_failures_are_counted() {
    let answer = load(&[200], &json!({ "latency_p99": "< 9s", "error_rate": "< 1%" })).await;
    assert_eq!(answer.result, Pass, "{answer:?}");
    assert!(
        answer.sentence.starts_with("100 requests to {green}/v1: latency_p99 is "),
        "{answer:?}"
    );
    assert!(answer.sentence.ends_with("; error_rate is 0.00%, wanted < 1%"), "{answer:?}");
    for statuses in [&[200, 500][..], &[200, 404], &[200, 0]] {
        let answer = load(statuses, &json!({ "error_rate": "< 50%" })).await;
        assert_eq!(answer.result, Fail, "{statuses:?}: {answer:?}");
        assert!(answer.sentence.contains("error_rate is 50.00%"), "{statuses:?}: {answer:?}");
    }
    let slow = load(&[200], &json!({ "latency_p50": "< 0ms" })).await;
    assert_eq!(slow.result, Fail, "{slow:?}");
}

#[tokio::test]
async fn quick_failures_are_no_good_latency() {
    let answer = load(&[500], &json!({ "latency_p50": "< 9s" })).await;
    assert_eq!(answer.result, Fail);
    let said = "100 requests to {green}/v1: latency_p50 is beyond what was answered, wanted < 9s";
    says(&answer, Fail, said);
    let answer = load(&[200, 200, 200, 500], &json!({ "latency_p50": "< 9s" })).await;
    assert_eq!(answer.result, Pass, "a quarter of them is beyond the median: {answer:?}");
}

#[tokio::test]
async fn requests_that_are_due_begin_in_time_and_all_must_end_in_it() {
    let answer = load(&[200], &json!({ "rate": 1000, "latency_p99": "< 9s" })).await;
    assert_eq!(answer.result, Pass, "{answer:?}");
    let address = server(&[200]).await;
    let settings = json!({ "url": "{green}/", "rate": 1, "latency_p99": "< 9s" });
    let check = check("performance", &settings, &site(Path::new("/"), 1));
    let mut request = request(&[address], Evidence::default());
    request.timeout = Span(200);
    let answer = check.ask(&request).await;
    assert_eq!(answer.result, Inconclusive, "{answer:?}");
    assert!(answer.sentence.contains("of 200 requests to {green}/ were answered within 200ms"));
    request.green.clear();
    assert_eq!(check.ask(&request).await.result, Inconclusive, "before it is deployed");
}

#[test]
fn a_percentile_is_a_time_that_was_measured_and_needs_one_beyond_it() {
    let times = |count: u32| (1..=count).map(f64::from).rev().collect();
    let figures = Figures::of_times(String::new(), times(100));
    assert_eq!(figures.latencies, [50.0, 90.0, 95.0, 99.0].map(Some));
    let figures = Figures::of_times(String::new(), times(99));
    assert_eq!(figures.latencies, [Some(50.0), Some(90.0), Some(95.0), None]);
    assert_eq!(Figures::of_times(String::new(), Vec::new()), Figures::default());
    assert_eq!(figures::span(0.2), Some(Span(1)), "rounded to the worse side");
    for bad in [f64::NAN, -1.0, f64::INFINITY, 1e300] {
        assert_eq!(figures::span(bad), None, "{bad}");
    }
}

/// What is said of a report where 1% may fail and p95 may take 300 ms.
fn report(text: &Value, wanted: CheckResult, said: &str) {
    let limits = json!({ "path": "r.json", "latency_p95": "<= 300ms", "error_rate": "< 1%" });
    let answer = ask_of_files("performance", &limits, &[("r.json", text.to_string().as_bytes())]);
    assert_eq!(answer.result, wanted, "{answer:?}");
    assert!(answer.sentence.contains(said), "{answer:?}");
}

/// A release that was verified before, with its p95 in `r.json`.
fn earlier(version: &str, p95: f64) -> KeptBefore {
    let figures = Figures {
        of: "in r.json".to_owned(),
        requests: 1000,
        latencies: [None, None, Some(p95), None],
        ..Figures::default()
    };
    let release = ReleaseRef {
        version: Version::new(version).unwrap(),
        digest: Digest::of(version.as_bytes()),
    };
    KeptBefore { release, told: json!([figures.told()]) }
}

/// What is said of a report with this p95, which may be 20% above the one before.
fn beside(p95: f64, before: Vec<KeptBefore>, is_down: bool) -> CheckAnswer {
    let root = tempfile::tempdir().unwrap();
    let report = json!({ "requests": 1000, "failed": 0, "latency_ms": { "p95": p95 } });
    std::fs::write(root.path().join("r.json"), report.to_string()).unwrap();
    let settings = json!({ "path": "r.json", "latency_p95": "+20%" });
    let check = check("performance", &settings, &site(root.path(), 1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check.ask(&request(&[], Evidence { before, is_down, ..Evidence::default() })))
}

#[test]
fn a_release_is_held_against_the_figures_of_the_one_before_it() {
    let first = beside(200.0, Vec::new(), false);
    says(
        &first,
        Pass,
        "1,000 requests in r.json: latency_p95 is 200.0ms, the first that is known of this load here; \
         the next release is held against it",
    );
    for (p95, wanted, said) in [
        (239.9, Pass, "latency_p95 is 239.9ms, +20% on the 200.0ms of 1.4.2, wanted +20% at most"),
        (100.0, Pass, "latency_p95 is 100.0ms, -50% on the 200.0ms of 1.4.2, wanted +20% at most"),
        (250.0, Fail, "latency_p95 is 250.0ms, +25% on the 200.0ms of 1.4.2, wanted +20% at most"),
    ] {
        let older = vec![earlier("1.4.2", 200.0), earlier("1.4.1", 400.0)];
        let answer = beside(p95, older, false);
        says(&answer, wanted, &format!("1,000 requests in r.json: {said}"));
    }
    // What a rollback returns to is held against its own figures, and not against those of what goes.
    let mut own = earlier("1.2.0", 240.0);
    own.release.digest = Digest::of(b"");
    let back = beside(250.0, vec![earlier("1.4.2", 100.0), own], false);
    assert_eq!(back.result, Pass, "{back:?}");
    let quick = beside(14.0, vec![earlier("1.4.2", 5.0)], false);
    assert_eq!(quick.result, Pass, "a few milliseconds are the machine's: {quick:?}");
    let slow = beside(16.0, vec![earlier("1.4.2", 5.0)], false);
    assert_eq!(slow.result, Fail, "{slow:?}");
}

#[test]
fn a_difference_that_is_usual_between_releases_is_no_evidence_of_harm_and_none_of_its_absence() {
    let noisy = |newest: f64| {
        let versions = ["1.4.2", "1.4.1", "1.4.0", "1.3.0"];
        let times = [newest, 230.0, 200.0, 235.0];
        versions.into_iter().zip(times).map(|(version, p95)| earlier(version, p95)).collect()
    };
    let usual = beside(260.0, noisy(200.0), false);
    assert_eq!(usual.result, Inconclusive, "{usual:?}");
    assert!(usual.sentence.contains("differed by +15% from one to the next"), "{usual:?}");
    let worse = beside(500.0, noisy(200.0), false);
    assert_eq!(worse.result, Fail, "{worse:?}");
    let steady: Vec<_> = ["1.4.2", "1.4.1", "1.4.0", "1.3.0"].map(|one| earlier(one, 200.0)).into();
    assert_eq!(beside(260.0, steady, false).result, Fail);
}

#[test]
fn figures_that_cannot_be_read_or_are_of_another_load_are_not_compared() {
    let down = beside(200.0, Vec::new(), true);
    says(&down, Inconclusive, "the figures of the release before cannot be read: no database");
    let mut others = vec![earlier("1.4.2", 20.0), earlier("1.4.1", 20.0)];
    others[0].told[0]["of"] = json!("in other.json");
    others[1].told[0]["load"] = json!({ "users": 64 });
    let answer = beside(200.0, others, false);
    assert!(answer.sentence.contains("the first that is known of this load"), "{answer:?}");
    for told in [json!(null), json!([]), json!("x"), json!([{ "of": "in r.json", "load": null }])] {
        let broken = KeptBefore { told, ..earlier("1.4.2", 1.0) };
        let answer = beside(200.0, vec![broken, earlier("1.4.1", 100.0)], false);
        assert_eq!(answer.result, Fail, "the one before it counts: {answer:?}");
    }
}

#[test]
fn summaries_of_the_tools_are_read() {
    let k6 = |p95: f64, failed: f64| {
        json!({ "metrics": {
            "http_reqs": { "count": 1200, "rate": 40.0 },
            "http_req_failed": { "passes": 3, "fails": 1197, "value": failed },
            "http_req_duration": { "avg": 9.5, "med": 8.0, "p(90)": 20.0, "p(95)": p95 },
        } })
    };
    let said = "1,200 requests in r.json: latency_p95 is 30.5ms, wanted <= 300ms; error_rate is 0.25%, \
                wanted < 1%";
    report(&k6(30.5, 0.0025), Pass, said);
    report(&k6(300.2, 0.0), Fail, "latency_p95 is 300.2ms");
    report(&k6(30.0, 0.01), Fail, "error_rate is 1.00%");
    let mut handled = json!({ "metrics": {} });
    for (metric, value) in k6(30.5, 0.0)["metrics"].as_object().unwrap() {
        handled["metrics"][metric] = json!({ "type": "x", "values": value });
    }
    report(&handled, Pass, "30.5ms");
    let artillery = |responses: u64, errors: u64| {
        json!({ "aggregate": {
            "counters": { "http.requests": 1000, "http.responses": responses,
                "http.codes.200": responses - errors, "http.codes.503": errors },
            "summaries": { "http.response_time": { "median": 8.0, "p95": 30.0, "p99": 40.0 } },
        } })
    };
    report(&artillery(1000, 9), Pass, "error_rate is 0.90%");
    report(&artillery(1000, 10), Fail, "error_rate is 1.00%");
    report(&artillery(990, 0), Fail, "error_rate is 1.00%");
    let jmeter = json!({ "Total": { "transaction": "Total", "sampleCount": 500, "errorCount": 2,
        "medianResTime": 8.0, "pct1ResTime": 20.0, "pct2ResTime": 30.0, "pct3ResTime": 40.0 } });
    report(&jmeter, Pass, "error_rate is 0.40%");
    let own = json!({ "requests": 1000, "failed": 3, "latency_ms": { "p95": 120.5 } });
    report(&own, Pass, "latency_p95 is 120.5ms");
    let quick = json!({ "requests": 1000, "failed": 990, "latency_ms": { "p95": 4 } });
    report(&quick, Fail, "latency_p95 is beyond what was answered");
    let few = json!({ "requests": 5, "failed": 0, "latency_ms": { "p95": 4 } });
    report(&few, Inconclusive, "latency_p95 is not known");
}

#[test]
fn what_a_report_does_not_say_is_not_known() {
    let own = |figures: Value| figures;
    for (text, said) in [
        (own(json!({ "requests": 1000, "failed": 3 })), "latency_p95 is not known"),
        (own(json!({ "requests": 1000, "latency_ms": { "p95": 1 } })), "error_rate is not known"),
        (
            own(json!({ "requests": 0, "failed": 0, "latency_ms": { "p95": 1 } })),
            "counts no request",
        ),
        (own(json!({ "requests": 2, "failed": 3, "latency_ms": { "p95": 1 } })), "is not known"),
        (own(json!({ "requests": 9, "failed": 0, "latency_ms": { "p95": -1 } })), "is not known"),
        (own(json!({ "metrics": {} })), "it counts no request"),
        (own(json!({})), "it is neither of k6"),
        (own(json!([])), "it begins with a list"),
    ] {
        report(&text, Inconclusive, said);
    }
}

#[test]
fn what_is_set_wrongly_is_told_when_the_matrix_is_checked() {
    for (given, wanted) in [
        (json!({ "url": "{green}/", "latency_p99": "< 1s" }), &[][..]),
        (json!({ "path": "k6.json", "requests": 5, "latency_p99": "< 1s" }), &[]),
        (json!({ "latency_p99": "< 1s" }), &["url"]),
        (json!({ "url": "{green}/", "path": "x", "latency_p99": "< 1s" }), &["url"]),
        (json!({ "url": "http://169.254.169.254/", "latency_p99": "< 1s" }), &["url"]),
        (json!({ "url": "{green}/" }), &["latency_p99"]),
        (json!({ "url": "{green}/", "latency_p99": "< 1%" }), &["latency_p99"]),
        (json!({ "url": "{green}/", "error_rate": "< 1s" }), &["error_rate"]),
        (json!({ "url": "{green}/", "latency_p95": "+20%" }), &[]),
        (json!({ "url": "{green}/", "latency_p95": "+20ms" }), &["latency_p95"]),
        (json!({ "url": "{green}/", "latency_p95": "+" }), &["latency_p95"]),
        (json!({ "url": "{green}/", "error_rate": "+20%" }), &["error_rate"]),
        (json!({ "url": "{green}/", "requests": 19, "latency_p95": "+20%" }), &["requests"]),
        (json!({ "url": "{green}/", "requests": 99, "latency_p99": "< 1s" }), &["requests"]),
    ] {
        assert_eq!(problems("performance", &given), wanted, "{given}");
    }
}
