//! Source `prometheus`: against a real server that scrapes a small target, and against servers that
//! misbehave. The real one is the Debian package `prometheus`; without it those tests say that they are
//! skipped, and fail where `CI=true`.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod hostile;
mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::metrics;
use towpath_core::deployment::Deployment;
use towpath_core::ids::{Digest, LaneId, Name, PromotionNumber, Version};
use towpath_core::release::ReleaseRef;
use towpath_core::units::Timestamp;
use towpath_guard::{IntervalCounts, Tally};
use towpath_ports::clock::{Clock as _, SystemClock};
use towpath_ports::metrics::{Blind, CountsQuestion, GaugeQuestion, MetricsSource};
use towpath_ports::{Site, settings};

use server::{Prometheus, Target};

/// Far above what a scrape takes.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);

/// The source with these settings, checked as the matrix checks them.
fn source(given: &Value, root: &Path) -> Arc<dyn MetricsSource> {
    let entry = metrics::KINDS.iter().find(|kind| kind.entry.name == "prometheus").unwrap().entry;
    let checked = settings::check(&entry, given).unwrap();
    let state = root.join("state");
    let artifacts = Arc::new(Artifacts::new(&state));
    let site =
        Site { root: root.to_owned(), state, program: "/bin/false".into(), artifacts, speed: 1 };
    towpath_adapters::build(metrics::KINDS, "prometheus", &checked, &site).unwrap()
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

async fn gauge(source: &dyn MetricsSource, query: &str) -> Result<f64, Blind> {
    let question = GaugeQuestion { query: query.to_owned(), now: now() };
    source.gauge(&question).await.map(|measured| measured.value)
}

/// Asks until the answer is `wanted`.
async fn until(
    source: &dyn MetricsSource,
    query: &str,
    wanted: impl Fn(&Result<f64, Blind>) -> bool,
) {
    let looked = tokio::time::timeout(PATIENCE, async {
        while !wanted(&gauge(source, query).await) {
            tokio::time::sleep(LOOK).await;
        }
    });
    let waited = looked.await;
    assert!(waited.is_ok(), "{query}: it stays {:?}", gauge(source, query).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_real_server_answers_is_a_figure_only_when_it_is_one_fresh_number() {
    let Some(program) = server::program() else { return };
    let target = Target::start().await;
    target.says(
        "depth{queue=\"jobs\",version=\"1.2.0\"} 1204\ndepth{queue=\"mail\",version=\"1.2.0\"} 3\n",
    );
    let prometheus = Prometheus::start(&program, target.address).await;
    let folder = tempfile::tempdir().unwrap();
    let source = source(&json!({ "url": prometheus.url(), "stale_after": "10s" }), folder.path());
    until(source.as_ref(), "depth{queue=\"jobs\"}", |got| *got == Ok(1204.0)).await;
    for (query, wanted) in [
        ("sum(depth{version=\"1.2.0\"})", 1207.0),
        ("scalar(depth{queue=\"mail\"})", 3.0),
        ("depth{queue=\"mail\"} / 4", 0.75),
        ("42", 42.0),
    ] {
        assert_eq!(gauge(source.as_ref(), query).await, Ok(wanted), "{query}");
    }
    let is = |query: &'static str| gauge(source.as_ref(), query);
    let Err(Blind::Ambiguous { count: 2, labels }) = is("depth").await else { panic!() };
    assert!(labels.contains("queue=\"jobs\"") && labels.contains("queue=\"mail\""), "{labels}");
    assert!(matches!(is("depth{queue=\"none\"}").await, Err(Blind::Empty(_))));
    assert!(matches!(is("depth{queue=\"jobs\"} > 2000").await, Err(Blind::Empty(_))));
    for odd in ["0 / 0", "1 / 0", "-1 / 0", "scalar(depth)"] {
        assert!(matches!(is(odd).await, Err(Blind::NotANumber(_))), "{odd}: {:?}", is(odd).await);
    }
    for wrong in ["depth[1m]", "\"text\"", "sum(", "no_function(1)"] {
        assert!(
            matches!(is(wrong).await, Err(Blind::Refused(_))),
            "{wrong}: {:?}",
            is(wrong).await
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_longer_measured_is_blindness_and_not_the_last_figure() {
    let Some(program) = server::program() else { return };
    let target = Target::start().await;
    // A target that says itself when it measured: a minute ago, and again and again the same.
    let minute_ago = now().0 / 1000 - 60_000;
    let said = |jobs: &str| format!("{jobs}old 5 {minute_ago}\n");
    target.says(&said("depth 7\n"));
    let prometheus = Prometheus::start(&program, target.address).await;
    let folder = tempfile::tempdir().unwrap();
    let strict = source(&json!({ "url": prometheus.url(), "stale_after": "20s" }), folder.path());
    let lenient = source(&json!({ "url": prometheus.url(), "stale_after": "4m" }), folder.path());
    until(strict.as_ref(), "depth", |got| *got == Ok(7.0)).await;
    assert_eq!(gauge(lenient.as_ref(), "old").await, Ok(5.0));
    // Servers differ: those that know `lookback_delta` do not hand it out at all.
    let old = gauge(strict.as_ref(), "old").await;
    assert!(matches!(old, Err(Blind::Stale { .. } | Blind::Empty(_))), "{old:?}");
    // The series goes, and then the target.
    target.says(&said(""));
    until(lenient.as_ref(), "depth", |got| matches!(got, Err(Blind::Empty(_)))).await;
    target.says(&said("depth 7\n"));
    until(lenient.as_ref(), "depth", |got| *got == Ok(7.0)).await;
    target.stop();
    until(lenient.as_ref(), "depth", |got| matches!(got, Err(Blind::Empty(_)))).await;
    drop(prometheus);
    assert!(matches!(gauge(lenient.as_ref(), "depth").await, Err(Blind::Unavailable(_))));
}

fn deployment(number: u64, version: &str) -> Deployment {
    let release = ReleaseRef {
        version: Version::new(version).unwrap(),
        digest: Digest::of(version.as_bytes()),
    };
    Deployment { number: PromotionNumber(number), release, capacity: 1, endpoints: Vec::new() }
}

fn counters(green: (u64, u64), blue: (u64, u64)) -> String {
    let one = |version: &str, (requests, failed): (u64, u64)| {
        let ok = requests - failed;
        format!(
            "served_total{{version=\"{version}\",code=\"200\"}} {ok}\n\
             served_total{{version=\"{version}\",code=\"500\"}} {failed}\n"
        )
    };
    one("2.0.0", green) + &one("1.0.0", blue)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_of_an_interval_are_the_difference_of_the_counters_at_its_ends() {
    let Some(program) = server::program() else { return };
    let target = Target::start().await;
    target.says(&counters((1000, 7), (9000, 40)));
    let prometheus = Prometheus::start(&program, target.address).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({
        "url": prometheus.url(),
        "requests": "sum(served_total{version=\"{version}\"})",
        "failures": "sum(served_total{version=\"{version}\",code=~\"5..\"})",
    });
    let source = source(&settings, folder.path());
    let seen = |wanted: f64| move |got: &Result<f64, Blind>| *got == Ok(wanted);
    until(source.as_ref(), "sum(served_total{version=\"2.0.0\"})", seen(1000.0)).await;
    let from = now();
    target.says(&counters((1061, 14), (15_039, 52)));
    until(source.as_ref(), "sum(served_total{version=\"2.0.0\"})", seen(1061.0)).await;
    let until_now = now();
    let lane =
        LaneId { service: Name::new("api").unwrap(), environment: Name::new("live").unwrap() };
    let blue = Some(deployment(1, "1.0.0"));
    let question = CountsQuestion {
        lane,
        green: deployment(2, "2.0.0"),
        blue,
        from,
        until: until_now,
        now: now(),
    };
    let counted = source.counts(&question).await.unwrap();
    let green = Tally { requests: 61, failed: 7 };
    let blue = Tally { requests: 6039, failed: 12 };
    assert_eq!(counted.counts, IntervalCounts { green, blue });
    let unknown = CountsQuestion { green: deployment(3, "3.0.0"), ..question.clone() };
    assert!(matches!(source.counts(&unknown).await, Err(Blind::Empty(_))));
    // Started anew, the counters begin at zero.
    target.says(&counters((3, 0), (15_040, 52)));
    until(source.as_ref(), "sum(served_total{version=\"2.0.0\"})", seen(3.0)).await;
    let restarted = CountsQuestion { from: until_now, until: now(), ..question };
    assert!(matches!(source.counts(&restarted).await, Err(Blind::Unavailable(_))));
}
