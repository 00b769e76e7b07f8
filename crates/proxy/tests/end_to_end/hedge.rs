//! A candidate that takes longer than the default arm usually does: who is answered by whom, what it
//! costs, and that its slowness stays evidence.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use towpath_guard::Quantile;
use towpath_proxy::{CandidateSpec, RescueSpec, Tally};

use crate::faulty::{Fault, Faulty, SLOW};
use crate::loopback::{arm, tally};
use crate::scene::{Scene, is_rescued};

/// Requests from which it is known what the default arm usually takes, and some more.
const LEARNT_FROM: u64 = 192;

/// A proxy that knows its default arm, and a candidate that has all the weight.
async fn hedging(green: Fault, blue: Fault, hedge: bool) -> Scene {
    let blue = Faulty::start("blue", blue).await;
    let mut scene = Scene::set(blue, Faulty::start("green", green).await).await;
    scene.spec.response_timeout_ms = 600;
    scene.spec.stream = true;
    scene.apply(1).await;
    let mut visitor = scene.visitor();
    for _ in 0..LEARNT_FROM {
        visitor.get("/").await.unwrap();
    }
    scene.until(|status, _| tally(status, "blue-1").counts.requests == LEARNT_FROM).await;
    let rescue = RescueSpec { hedge, ..RescueSpec::default() };
    scene.spec.candidate = Some(CandidateSpec { rescue: Some(rescue), ..scene.coming(10_000) });
    scene.apply(2).await;
    scene
}

/// Requests that reached the default arm beside those that it was learnt from.
fn asked_blue(scene: &Scene) -> u64 {
    scene.blue.served() - LEARNT_FROM
}

/// What is counted for green once `requests` of it are, and nothing is under way.
async fn green_tally(scene: &Scene, requests: u64) -> Tally {
    let is_counted = |green: &Tally| green.counts.requests == requests;
    let (status, green) =
        scene.until(|status, green| status.in_flight == 0 && is_counted(green)).await;
    assert_eq!(status.lost, 0);
    green
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_visitors_of_a_slow_candidate_are_answered_by_the_default_arm_and_it_stays_slow_in_the_counts()
 {
    let scene = hedging(Fault::Slow, Fault::None, true).await;
    let mut visitor = scene.visitor();
    for _ in 0..3 {
        let (parts, body) = visitor.get("/").await.unwrap();
        assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"blue"[..]));
        assert!(is_rescued(&parts));
    }
    let tally = green_tally(&scene, 3).await;
    let usual = tally.counts.latency.quantile_us(Quantile(50)).unwrap();
    assert!(u128::from(usual) >= SLOW.as_micros(), "{usual}");
    assert_eq!((tally.counts.failed, tally.harmed), (0, 0));
    let rescue = &tally.rescue;
    assert_eq!((rescue.tried, rescue.hedged, rescue.succeeded), (3, 3, 3));
    assert_eq!((scene.green.served(), asked_blue(&scene)), (3, 3));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_answers_in_time_is_not_doubled_and_neither_is_one_without_a_hedge() {
    for (green, hedge) in [(Fault::None, true), (Fault::Slow, false)] {
        let scene = hedging(green, Fault::None, hedge).await;
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
        assert!(asked_blue(&scene) <= if hedge { 10 } else { 0 }, "{}", asked_blue(&scene));
        scene.proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_default_arm_that_fails_does_not_come_before_a_slow_candidate_that_answers() {
    let scene = hedging(Fault::Slow, Fault::ServerError, true).await;
    let mut visitor = scene.visitor();
    for _ in 0..3 {
        let (parts, body) = visitor.get("/").await.unwrap();
        assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"green"[..]));
        assert!(!is_rescued(&parts));
    }
    let tally = green_tally(&scene, 3).await;
    assert_eq!((tally.counts.failed, tally.harmed), (0, 0));
    assert_eq!((tally.rescue.hedged, tally.rescue.succeeded, tally.rescue.failed), (3, 0, 3));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_never_answers_fails_in_the_counts_and_for_no_visitor() {
    let scene = hedging(Fault::Silence, Fault::None, true).await;
    let mut visitor = scene.visitor();
    for _ in 0..3 {
        assert_eq!(visitor.text("/").await, "blue");
    }
    let tally = green_tally(&scene, 3).await;
    assert_eq!((tally.counts.failed, tally.harmed), (3, 0));
    assert_eq!(tally.rescue.succeeded, 3);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_run_twice_waits_for_the_candidate() {
    let scene = hedging(Fault::Slow, Fault::None, true).await;
    let request = Request::post("/").header("host", "test").body(Full::from(Bytes::from("x")));
    let (parts, body) = scene.visitor().send(request.unwrap()).await.unwrap();
    assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"green"[..]));
    assert_eq!((scene.green.served(), asked_blue(&scene)), (1, 0));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_leaves_in_the_middle_of_a_race_is_nobodys_failure() {
    let scene = hedging(Fault::Silence, Fault::None, false).await;
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
    let tally = green_tally(&scene, 0).await;
    assert_eq!((tally.counts.failed, tally.harmed, tally.rescue.hedged), (0, 0, 1));
    scene.proxy.stop().await;
}
