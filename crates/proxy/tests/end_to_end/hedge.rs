//! A candidate that takes longer than the default arm usually does: who is answered by whom, what it
//! costs, and that its slowness stays evidence.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use towpath_guard::Quantile;
use towpath_proxy::{Handle, Proxy, RescueSpec, RouteSpec, Tally};

use crate::faulty::{Fault, Faulty, SLOW};
use crate::loopback::{Visitor, arm, candidate, connect, route, start_proxy, until_status};

/// Requests from which it is known what the default arm usually takes, and some more.
const LEARNT_FROM: u64 = 192;

/// A proxy that knows its default arm, and a candidate that has all the weight.
struct Scene {
    proxy: Proxy,
    handle: Handle,
    spec: RouteSpec,
    blue: Faulty,
    green: Faulty,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn set(green: Fault, blue: Fault, hedge: bool) -> Self {
        let blue = Faulty::start("blue", blue).await;
        let green = Faulty::start("green", green).await;
        let directory = tempfile::tempdir().unwrap();
        let proxy = start_proxy(directory.path());
        let handle = connect(&proxy).await;
        let mut spec = route("api/production");
        spec.response_timeout_ms = 600;
        spec.stream = true;
        spec.default = Some(arm("blue", &[blue.address]));
        handle.apply(spec.clone(), 1, 1).await.unwrap();
        let mut visitor = Visitor::new(spec.listen);
        for _ in 0..LEARNT_FROM {
            visitor.get("/").await.unwrap();
        }
        let counted = |status: &towpath_proxy::RouteStatus| {
            let blue = status.deployments.iter().find(|one| one.deployment == "blue-1");
            blue.is_some_and(|one| one.tally.counts.requests == LEARNT_FROM)
        };
        until_status(&handle, &spec.name, counted).await;
        let mut coming = candidate(arm("green", &[green.address]), 10_000, None);
        coming.rescue = Some(RescueSpec { hedge, ..RescueSpec::default() });
        spec.candidate = Some(coming);
        handle.apply(spec.clone(), 1, 2).await.unwrap();
        Self { proxy, handle, spec, blue, green, _directory: directory }
    }

    fn visitor(&self) -> Visitor {
        Visitor::new(self.spec.listen)
    }

    /// Requests that reached the default arm beside those that it was learnt from.
    fn asked_blue(&self) -> u64 {
        self.blue.served() - LEARNT_FROM
    }

    /// What is counted for green once `requests` of it are, and nothing is under way.
    async fn green_tally(&self, requests: u64) -> Tally {
        let green = |status: &towpath_proxy::RouteStatus| {
            let found = status.deployments.iter().find(|one| one.deployment == "green-1");
            found.map(|one| one.tally.clone()).unwrap_or_default()
        };
        let status = until_status(&self.handle, &self.spec.name, |status| {
            status.in_flight == 0 && green(status).counts.requests == requests
        })
        .await;
        assert_eq!(status.lost, 0);
        green(&status)
    }
}

fn is_rescued(parts: &http::response::Parts) -> bool {
    parts.headers.contains_key("towpath-rescued")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_visitors_of_a_slow_candidate_are_answered_by_the_default_arm_and_it_stays_slow_in_the_counts()
 {
    let scene = Scene::set(Fault::Slow, Fault::None, true).await;
    let mut visitor = scene.visitor();
    for _ in 0..3 {
        let (parts, body) = visitor.get("/").await.unwrap();
        assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"blue"[..]));
        assert!(is_rescued(&parts));
    }
    let tally = scene.green_tally(3).await;
    let usual = tally.counts.latency.quantile_us(Quantile(50)).unwrap();
    assert!(u128::from(usual) >= SLOW.as_micros(), "{usual}");
    assert_eq!((tally.counts.failed, tally.harmed), (0, 0));
    let rescue = &tally.rescue;
    assert_eq!((rescue.tried, rescue.hedged, rescue.succeeded), (3, 3, 3));
    assert_eq!((scene.green.served(), scene.asked_blue()), (3, 3));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_answers_in_time_is_not_doubled_and_neither_is_one_without_a_hedge() {
    for (green, hedge) in [(Fault::None, true), (Fault::Slow, false)] {
        let scene = Scene::set(green, Fault::None, hedge).await;
        let mut visitor = scene.visitor();
        let (parts, body) = visitor.get("/").await.unwrap();
        if !hedge {
            assert_eq!((&body[..], is_rescued(&parts)), (&b"green"[..], false));
        }
        let mut green_answered = 0;
        for _ in 0..20 {
            green_answered += u64::from(visitor.text("/").await == "green");
        }
        // A loaded machine makes the quickest answer late now and then.
        assert!(green_answered >= 15, "{green_answered}");
        assert!(scene.asked_blue() <= if hedge { 10 } else { 0 }, "{}", scene.asked_blue());
        scene.proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_default_arm_that_fails_does_not_come_before_a_slow_candidate_that_answers() {
    let scene = Scene::set(Fault::Slow, Fault::ServerError, true).await;
    let mut visitor = scene.visitor();
    for _ in 0..3 {
        let (parts, body) = visitor.get("/").await.unwrap();
        assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"green"[..]));
        assert!(!is_rescued(&parts));
    }
    let tally = scene.green_tally(3).await;
    assert_eq!((tally.counts.failed, tally.harmed), (0, 0));
    assert_eq!((tally.rescue.hedged, tally.rescue.succeeded, tally.rescue.failed), (3, 0, 3));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_never_answers_fails_in_the_counts_and_for_no_visitor() {
    let scene = Scene::set(Fault::Silence, Fault::None, true).await;
    let mut visitor = scene.visitor();
    for _ in 0..3 {
        assert_eq!(visitor.text("/").await, "blue");
    }
    let tally = scene.green_tally(3).await;
    assert_eq!((tally.counts.failed, tally.harmed), (3, 0));
    assert_eq!(tally.rescue.succeeded, 3);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_run_twice_waits_for_the_candidate() {
    let scene = Scene::set(Fault::Slow, Fault::None, true).await;
    let request = Request::post("/").header("host", "test").body(Full::from(Bytes::from("x")));
    let (parts, body) = scene.visitor().send(request.unwrap()).await.unwrap();
    assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"green"[..]));
    assert_eq!((scene.green.served(), scene.asked_blue()), (1, 0));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_leaves_in_the_middle_of_a_race_is_nobodys_failure() {
    let scene = Scene::set(Fault::Silence, Fault::None, false).await;
    let mut spec = scene.spec.clone();
    let silent = Faulty::start("blue", Fault::Silence).await;
    spec.default = Some(arm("blue", &[silent.address]));
    if let Some(rescue) = spec.candidate.as_mut().and_then(|it| it.rescue.as_mut()) {
        rescue.hedge = true;
    }
    scene.handle.apply(spec, 1, 3).await.unwrap();
    let mut visitor = scene.visitor();
    let left = tokio::time::timeout(SLOW, visitor.get("/")).await;
    assert!(left.is_err(), "nobody answers");
    drop(visitor);
    let tally = scene.green_tally(0).await;
    assert_eq!((tally.counts.failed, tally.harmed, tally.rescue.hedged), (0, 0, 1));
    scene.proxy.stop().await;
}
