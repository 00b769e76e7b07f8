//! Requests that the candidate fails and the default arm serves: who is rescued, who is not, what it
//! costs at most, and that it is never evidence.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use towpath_guard::Arm;
use towpath_proxy::{CandidateSpec, RescueSpec, StreamItem, Tally};

use crate::faulty::{Fault, Faulty};
use crate::loopback::{
    Crowd, Upstream, Visitor, arm, candidate, connect, new_proxy, requests, route, start_proxy,
    until, until_item, until_status,
};
use crate::scene::{Scene, is_rescued};

/// A proxy before both applications, with `weight_bp` on the green one.
async fn rescuing(green: Fault, blue: Fault, weight_bp: u16, rescue: RescueSpec) -> Scene {
    let blue = Faulty::start("blue", blue).await;
    let mut scene = Scene::set(blue, Faulty::start("green", green).await).await;
    scene.spec.candidate = Some(CandidateSpec { rescue: Some(rescue), ..scene.coming(weight_bp) });
    scene.apply(1).await;
    scene
}

/// What is counted for green once nothing is under way.
async fn green_tally(scene: &Scene) -> Tally {
    scene.until(|status, _| status.in_flight == 0).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_green_fails_no_visitor_sees_it() {
    let faults = [
        Fault::ServerError,
        Fault::EndlessPage,
        Fault::Garbage,
        Fault::HalfHead,
        Fault::HangUp,
        Fault::EndlessHeaders,
        Fault::InterimStorm,
        Fault::UnaskedSwitch,
        Fault::Silence,
    ];
    for fault in faults {
        let scene = rescuing(fault, Fault::None, 10_000, RescueSpec::default()).await;
        let mut visitor = scene.visitor();
        for _ in 0..3 {
            let (parts, body) = visitor.get("/").await.unwrap();
            assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"blue"[..]), "{fault:?}");
            assert!(is_rescued(&parts), "{fault:?}");
        }
        let tally = green_tally(&scene).await;
        assert_eq!((tally.counts.failed, tally.harmed), (3, 0), "{fault:?}");
        assert_eq!(tally.failed_paths.0.get("/"), Some(&3), "{fault:?}");
        assert_eq!((tally.rescue.tried, tally.rescue.succeeded), (3, 3), "{fault:?}");
        assert_eq!((scene.green.served(), scene.blue.served()), (3, 3), "{fault:?}");
        scene.proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_constant_load_a_green_that_fails_everything_harms_and_loses_nobody() {
    let scene = rescuing(Fault::ServerError, Fault::None, 500, RescueSpec::default()).await;
    let crowd = Crowd::gather(scene.spec.listen, 6, "/");
    crowd.pass(4000).await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    let status = until_status(&scene.handle, &scene.spec.name, |s| s.in_flight == 0).await;
    let tally = green_tally(&scene).await;
    assert_eq!((status.lost, tally.harmed), (0, 0));
    assert!(tally.counts.failed > 50, "{tally:?}");
    assert_eq!(tally.rescue.succeeded, tally.counts.failed);
    // The second attempts are in blue's log and not in its counts.
    let own = requests(&status, "blue-1");
    assert_eq!(own + tally.counts.failed, asked);
    assert_eq!(scene.blue.served(), asked);
    // Answers that nobody gets are read, so that their connections serve again.
    assert!(scene.green.connections() <= 24, "{} connections", scene.green.connections());
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_attempt_is_the_evidence_and_the_second_is_none() {
    let scene = rescuing(Fault::ServerError, Fault::None, 10_000, RescueSpec::default()).await;
    let mut stream = scene.follow().await;
    let mut visitor = scene.visitor();
    for _ in 0..5 {
        assert_eq!(visitor.text("/").await, "blue");
    }
    let mut outcomes = Vec::new();
    until_item(&mut stream, |item| {
        if let StreamItem::Outcomes(batch) = item {
            outcomes.extend(batch.outcomes.iter().copied());
        }
        outcomes.len() >= 5
    })
    .await;
    let orders: Vec<_> = outcomes.iter().map(|one| one.order).collect();
    assert_eq!(orders, [1, 2, 3, 4, 5], "a second attempt has no place in the order");
    for one in &outcomes {
        assert!(one.arm == Arm::Green && one.failed() && one.is_evidence(), "{one:?}");
        assert!((one.green_probability - 1.0).abs() < 1e-6, "{one:?}");
    }
    let status = until_status(&scene.handle, &scene.spec.name, |s| s.in_flight == 0).await;
    assert!(status.deployments.iter().all(|one| one.deployment != "blue-1"), "{status:?}");
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_sent_twice_only_with_its_key_and_where_the_route_says_so() {
    let post = |key: Option<&str>, body: usize| {
        let mut request = Request::post("/order").header("host", "test");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.body(Full::from(Bytes::from(vec![b'x'; body]))).unwrap()
    };
    for fault in [Fault::ServerError, Fault::HangUp, Fault::Silence] {
        let plain = rescuing(fault, Fault::None, 10_000, RescueSpec::default()).await;
        let (parts, _) = plain.visitor().send(post(Some("k"), 10)).await.unwrap();
        assert!(parts.status.is_server_error(), "{fault:?}");
        assert_eq!((plain.green.served(), plain.blue.served()), (1, 0), "{fault:?}");
        assert_eq!(green_tally(&plain).await.harmed, 1, "{fault:?}");
        plain.proxy.stop().await;

        let rules = RescueSpec { methods: vec!["POST".into()], ..RescueSpec::default() };
        let keyed = rescuing(fault, Fault::None, 10_000, rules).await;
        let mut visitor = keyed.visitor();
        let (parts, _) = visitor.send(post(None, 10)).await.unwrap();
        assert!(parts.status.is_server_error(), "{fault:?}");
        assert_eq!((keyed.green.served(), keyed.blue.served()), (1, 0), "{fault:?}");
        let (parts, body) = visitor.send(post(Some("k"), 10)).await.unwrap();
        assert!(is_rescued(&parts) && &body[..] == b"blue", "{fault:?}");
        assert_eq!((keyed.green.served(), keyed.blue.served()), (2, 1), "{fault:?}");
        let (first, second) = (keyed.green.seen().remove(1), keyed.blue.seen().remove(0));
        assert_eq!((second.head, second.body), (first.head, first.body), "{fault:?}");
        keyed.proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_is_sent_once() {
    let methods = vec!["POST".into()];
    let rules = RescueSpec { methods, body_bytes: 1000, ..RescueSpec::default() };
    let scene = rescuing(Fault::ServerError, Fault::None, 10_000, rules).await;
    let post = |bytes: usize| {
        let request = Request::post("/").header("host", "test").header("idempotency-key", "k");
        request.body(Full::from(Bytes::from(vec![b'x'; bytes]))).unwrap()
    };
    let mut visitor = scene.visitor();
    let (parts, _) = visitor.send(post(1001)).await.unwrap();
    assert_eq!(parts.status, StatusCode::INTERNAL_SERVER_ERROR);
    let (parts, _) = visitor.send(post(1000)).await.unwrap();
    assert!(is_rescued(&parts));
    let tally = green_tally(&scene).await;
    assert_eq!((tally.harmed, tally.rescue.refused_by_size, tally.rescue.tried), (1, 1, 1));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_is_not_repeated() {
    let scene = rescuing(Fault::HalfBody, Fault::None, 10_000, RescueSpec::default()).await;
    let answer = scene.visitor().get("/").await;
    assert!(answer.is_err(), "{answer:?}");
    let tally = green_tally(&scene).await;
    assert_eq!((tally.counts.failed, tally.harmed, tally.rescue.tried), (1, 1, 0));
    assert_eq!((scene.green.served(), scene.blue.served()), (1, 0));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn excepted_paths_are_served_once() {
    let rules = RescueSpec { except: vec!["/checkout".into()], ..RescueSpec::default() };
    let scene = rescuing(Fault::ServerError, Fault::None, 10_000, rules).await;
    let mut visitor = scene.visitor();
    for path in ["/checkout", "/checkout/pay?now", "/%63heckout"] {
        let (parts, body) = visitor.get(path).await.unwrap();
        assert_eq!((parts.status.as_u16(), &body[..]), (500, &b"green"[..]), "{path}");
        assert!(!is_rescued(&parts), "{path}");
    }
    assert_eq!(visitor.text("/checkouts").await, "blue");
    assert_eq!(scene.blue.served(), 1);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tester_who_chose_green_meets_green_and_a_sticky_visitor_is_rescued() {
    let mut scene = rescuing(Fault::ServerError, Fault::None, 10_000, RescueSpec::default()).await;
    scene.spec.pin_header = Some("x-arm".into());
    scene.spec.sticky = true;
    scene.apply(2).await;
    let mut visitor = scene.visitor();
    let chosen = Request::get("/").header("host", "test").header("x-arm", "green");
    let (parts, body) = visitor.send(chosen.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!((parts.status.as_u16(), &body[..]), (500, &b"green"[..]));
    let (parts, _) = visitor.get("/").await.unwrap();
    assert!(is_rescued(&parts));
    let cookie = parts.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let again = Request::get("/").header("host", "test").header("cookie", cookie);
    let (parts, _) = visitor.send(again.body(Full::default()).unwrap()).await.unwrap();
    assert!(is_rescued(&parts), "a visitor with a place is no tester");
    let tally = green_tally(&scene).await;
    assert_eq!((tally.rescue.succeeded, tally.harmed), (2, 0));
    assert_eq!((tally.counts.requests, tally.counts.pinned), (2, 1));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rescue_that_fails_gives_blues_answer_or_else_greens() {
    let both = rescuing(Fault::ServerError, Fault::ServerError, 10_000, RescueSpec::default());
    let scene = both.await;
    let (parts, body) = scene.visitor().get("/").await.unwrap();
    assert_eq!((parts.status.as_u16(), &body[..]), (500, &b"blue"[..]));
    assert!(!is_rescued(&parts), "nobody was rescued");
    let tally = green_tally(&scene).await;
    assert_eq!((tally.harmed, tally.rescue.failed, tally.rescue.succeeded), (1, 1, 0));
    scene.proxy.stop().await;

    let rules = RescueSpec { within_ms: 50, ..RescueSpec::default() };
    let scene = rescuing(Fault::ServerError, Fault::Silence, 10_000, rules).await;
    let (parts, body) = scene.visitor().get("/").await.unwrap();
    assert_eq!((parts.status.as_u16(), &body[..]), (500, &b"green"[..]));
    let tally = green_tally(&scene).await;
    assert_eq!((tally.harmed, tally.rescue.failed), (1, 1));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_an_outage_of_both_arms_blue_is_hardly_asked_twice() {
    let scene = rescuing(Fault::ServerError, Fault::ServerError, 5000, RescueSpec::default()).await;
    let crowd = Crowd::gather(scene.spec.listen, 6, "/");
    crowd.pass(2000).await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses.len() as u64, asked, "there was nobody to rescue them");
    let tally = green_tally(&scene).await;
    // Eleven failures turn it off, each visitor may have one under way by then, and one a second
    // is tried again.
    assert!((11..=40).contains(&tally.rescue.tried), "{tally:?}");
    assert!(tally.rescue.refused_while_off > 500, "{tally:?}");
    assert_eq!(scene.blue.served() + scene.green.served(), asked + tally.rescue.tried);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blue_is_given_a_tenth_of_what_it_answers_and_no_more() {
    let scene = rescuing(Fault::ServerError, Fault::None, 8000, RescueSpec::default()).await;
    let crowd = Crowd::gather(scene.spec.listen, 6, "/");
    crowd.pass(3000).await;
    let (asked, losses) = crowd.leave().await;
    let status = until_status(&scene.handle, &scene.spec.name, |s| s.in_flight == 0).await;
    let tally = green_tally(&scene).await;
    let own = requests(&status, "blue-1");
    // Ten a second for ten seconds, and as much again for a load that took longer than one window.
    let bound = (own / 10).max(200);
    assert!(tally.rescue.tried <= bound, "{} of {own}: {tally:?}", tally.rescue.tried);
    assert!(tally.rescue.refused_by_rate > 0, "{tally:?}");
    assert_eq!(tally.harmed, losses.len() as u64);
    assert_eq!(scene.blue.served(), own + tally.rescue.tried);
    assert_eq!(own + scene.green.served(), asked);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_commit_nothing_is_rescued() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.response_timeout_ms = 700;
    spec.default = Some(arm("blue", &[blue.address]));
    let mut coming = candidate(arm("green", &[green.address]), 10_000, None);
    coming.rescue = Some(RescueSpec::default());
    spec.candidate = Some(coming);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let listen = spec.listen;
    let slow = tokio::spawn(async move { Visitor::new(listen).get("/hang").await });
    until("the request to arrive", || green.served() == 1).await;
    spec.default = spec.candidate.take().map(|candidate| candidate.arm);
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    // Neither one that was under way nor a new one.
    assert_eq!(slow.await.unwrap().unwrap().0.status, StatusCode::GATEWAY_TIMEOUT);
    let (parts, body) = Visitor::new(spec.listen).get("/fail").await.unwrap();
    assert_eq!((parts.status.as_u16(), &body[..]), (500, &b"green"[..]));
    assert_eq!(blue.served(), 0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counts_of_rescue_survive_a_restart() {
    let scene = rescuing(Fault::ServerError, Fault::None, 10_000, RescueSpec::default()).await;
    assert_eq!(scene.visitor().text("/").await, "blue");
    let before = green_tally(&scene).await;
    scene.proxy.stop().await;
    let proxy = start_proxy(scene.directory.path());
    let handle = connect(&proxy).await;
    let status = handle.read(&scene.spec.name).await.unwrap();
    assert_eq!(status.spec, scene.spec, "the rules are saved with the route");
    assert_eq!(status.deployments[0].tally, before);
    assert_eq!(before.rescue.succeeded, 1);
    tokio::time::timeout(Duration::from_secs(20), proxy.stop()).await.unwrap();
}
