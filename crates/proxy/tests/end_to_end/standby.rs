//! After commit: the release before has no visitors of its own, and answers what the default arm fails.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use towpath_proxy::{HandleError, Refusal, RescueSpec, StandbySpec, Tally};

use crate::faulty::{Fault, Faulty};
use crate::loopback::{Visitor, arm, connect, requests, start_proxy, tally, until, until_status};
use crate::scene::{Scene, is_rescued};

/// Green serves, and blue stands by.
async fn committed(green: Fault, blue: Fault) -> Scene {
    let blue = Faulty::start("blue", blue).await;
    let mut scene = Scene::set(blue, Faulty::start("green", green).await).await;
    commit(&mut scene);
    scene.apply(1).await;
    scene
}

fn commit(scene: &mut Scene) {
    scene.spec.candidate = None;
    scene.spec.default = Some(arm("green", &[scene.green.address]));
    let rescue = RescueSpec::default();
    scene.spec.standby = Some(StandbySpec { arm: arm("blue", &[scene.blue.address]), rescue });
}

async fn green_tally(scene: &Scene) -> Tally {
    scene.until(|status, _| status.in_flight == 0).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_default_arm_fails_is_answered_by_what_stands_by_and_stays_evidence() {
    let scene = committed(Fault::ServerError, Fault::None).await;
    let mut visitor = scene.visitor();
    for _ in 0..20 {
        let (parts, body) = visitor.get("/").await.unwrap();
        assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"blue"[..]));
        assert!(is_rescued(&parts));
    }
    let counts = green_tally(&scene).await;
    assert_eq!((counts.counts.failed, counts.harmed, counts.rescue.succeeded), (20, 0, 20));
    let status = scene.handle.read(&scene.spec.name).await.unwrap();
    assert_eq!(requests(&status, "blue-1"), 0, "it is asked, and has no visitors");
    assert_eq!(status.effective_weight_bp, 0);
    assert_eq!(status.standby.unwrap().deployment, "blue-1");
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_sent_to_what_stands_by() {
    let mut scene = Scene::set(
        Faulty::start("blue", Fault::None).await,
        Faulty::start("green", Fault::None).await,
    )
    .await;
    commit(&mut scene);
    scene.spec.sticky = true;
    scene.spec.pin_header = Some("x-arm".to_owned());
    scene.apply(1).await;
    let cookie = "towpath-00000000=0.10000.00000000.1";
    for asked in ["blue", "green", "nobody"] {
        let request = Request::get("/").header("host", "test").header("x-arm", asked);
        let request = request.header("cookie", cookie).body(Full::default()).unwrap();
        let (parts, body) = scene.visitor().send(request).await.unwrap();
        assert_eq!(&body[..], b"green", "{asked}");
        assert!(parts.headers.get("set-cookie").is_none(), "there is nothing to stay on");
    }
    assert_eq!(scene.blue.served(), 0);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tester_who_asks_for_what_serves_meets_its_failure() {
    let mut scene = committed(Fault::ServerError, Fault::None).await;
    scene.spec.pin_header = Some("x-arm".to_owned());
    scene.apply(2).await;
    let request = Request::get("/").header("host", "test").header("x-arm", "blue");
    let (parts, _) = scene.visitor().send(request.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(parts.status.as_u16(), 500);
    assert_eq!(scene.blue.served(), 0);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_no_copy_takes_a_connection_what_stands_by_answers_whatever_the_method() {
    let mut scene = committed(Fault::None, Fault::None).await;
    // Nobody listens on the port of a socket that was bound and closed again.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    scene.spec.default = Some(arm("green", &[gone]));
    scene.apply(2).await;
    let post = || {
        let request = Request::post("/").header("host", "test");
        request.body(Full::new(Bytes::from_static(b"once"))).unwrap()
    };
    let mut visitor = scene.visitor();
    for _ in 0..5 {
        assert_eq!(&visitor.send(post()).await.unwrap().1[..], b"blue");
    }
    assert_eq!(scene.blue.served(), 5, "each of them once");
    assert_eq!(green_tally(&scene).await.harmed, 0);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_failed_is_not_sent_to_what_stands_by() {
    let scene = committed(Fault::ServerError, Fault::None).await;
    let request = Request::post("/").header("host", "test").body(Full::default()).unwrap();
    assert_eq!(scene.visitor().send(request).await.unwrap().0.status.as_u16(), 500);
    assert_eq!(scene.blue.served(), 0);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_under_way_at_the_commit_is_answered_too_and_nothing_after_its_end() {
    let mut scene = Scene::set(
        Faulty::start("blue", Fault::None).await,
        Faulty::start("green", Fault::Silence).await,
    )
    .await;
    let mut coming = scene.coming(10_000);
    coming.rescue = Some(RescueSpec::default());
    scene.spec.candidate = Some(coming);
    scene.apply(1).await;
    let listen = scene.spec.listen;
    let slow = tokio::spawn(async move { Visitor::new(listen).text("/").await });
    until("the request to arrive", || scene.green.served() == 1).await;
    commit(&mut scene);
    scene.apply(2).await;
    assert_eq!(slow.await.unwrap(), "blue");
    scene.spec.standby = None;
    scene.apply(3).await;
    let (parts, _) = scene.visitor().get("/").await.unwrap();
    assert_eq!(parts.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(scene.blue.served(), 1);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_both_fail_the_visitor_has_the_answer_of_what_serves_and_little_is_asked_twice() {
    let scene = committed(Fault::ServerError, Fault::HangUp).await;
    let mut visitor = scene.visitor();
    for _ in 0..200 {
        assert_eq!(visitor.get("/").await.unwrap().0.status.as_u16(), 500);
    }
    let counts = green_tally(&scene).await;
    assert_eq!(counts.harmed, 200);
    assert!((11..=20).contains(&counts.rescue.tried), "{counts:?}");
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stands_by_after_a_restart_and_leaves_with_its_requests_done() {
    let mut scene = committed(Fault::ServerError, Fault::None).await;
    assert_eq!(scene.visitor().text("/").await, "blue");
    scene.proxy.stop().await;
    scene.proxy = start_proxy(scene.directory.path());
    scene.handle = connect(&scene.proxy).await;
    assert_eq!(scene.visitor().text("/").await, "blue");
    let is_done = |status: &towpath_proxy::RouteStatus| status.in_flight == 0;
    let status = until_status(&scene.handle, &scene.spec.name, is_done).await;
    assert_eq!(status.spec, scene.spec);
    assert_eq!(tally(&status, "green-1").rescue.succeeded, 2);
    scene.spec.standby = None;
    scene.apply(2).await;
    let status = until_status(&scene.handle, &scene.spec.name, |s| s.draining.is_empty()).await;
    assert!(status.standby.is_none());
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_could_not_be_followed_is_refused() {
    let mut scene = committed(Fault::None, Fault::None).await;
    let mut refused = Vec::new();
    for wrong in 0..3 {
        let mut spec = scene.spec.clone();
        match wrong {
            0 => spec.candidate = Some(scene.coming(100)),
            1 => spec.default = spec.standby.as_ref().map(|standby| standby.arm.clone()),
            _ => spec.standby.as_mut().unwrap().rescue.within_ms = 0,
        }
        match scene.handle.apply(spec, 1, 2).await {
            Err(HandleError::Refused(Refusal::Invalid { reason })) => refused.push(reason),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    assert_eq!(
        refused,
        [
            "nothing stands by beside a candidate",
            "both arms are the same deployment",
            "a rescue takes at least 1 ms"
        ]
    );
    scene.spec.standby = None;
    scene.apply(2).await;
    scene.proxy.stop().await;
}
