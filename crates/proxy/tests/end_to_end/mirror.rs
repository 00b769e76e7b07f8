//! Copies for the candidate: that no visitor notices them, that they stay within bounds, and what is
//! noted of them.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use towpath_guard::Outcome;
use towpath_proxy::{CandidateSpec, MirrorCounts, MirrorSpec, RouteStatus, StreamItem};

use crate::faulty::{Fault, Faulty};
use crate::loopback::{Crowd, copy_of_everything, requests, until, until_item};
use crate::scene::Scene;

/// A proxy before both applications: nobody on the green one, and copies to it.
async fn mirroring(green: Faulty, mirror: MirrorSpec) -> Scene {
    let mut scene = Scene::set(Faulty::start("blue", Fault::None).await, green).await;
    scene.spec.candidate = Some(CandidateSpec { mirror: Some(mirror), ..scene.coming(0) });
    scene.apply(1).await;
    scene
}

/// Waits until so much is noted of the copies.
async fn until_noted(
    scene: &Scene,
    reached: impl Fn(&MirrorCounts) -> bool,
) -> (RouteStatus, MirrorCounts) {
    let (status, green) = scene.until(|_, green| reached(&green.mirror)).await;
    (status, green.mirror)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_green_does_with_a_copy_the_visitor_gets_blues_answer() {
    let faults = [
        (Fault::None, 0),
        (Fault::ServerError, 4),
        (Fault::EndlessPage, 4),
        (Fault::Garbage, 4),
        (Fault::HangUp, 4),
        (Fault::EndlessHeaders, 4),
        (Fault::InterimStorm, 4),
        (Fault::UnaskedSwitch, 4),
        (Fault::Silence, 4),
        (Fault::HalfBody, 0),
    ];
    for (fault, differing) in faults {
        let scene = mirroring(Faulty::start("green", fault).await, copy_of_everything()).await;
        let mut visitor = scene.visitor();
        for _ in 0..4 {
            let (parts, body) = visitor.get("/").await.unwrap();
            assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"blue"[..]), "{fault:?}");
            let ours: Vec<_> =
                parts.headers.keys().filter(|name| name.as_str().starts_with("towpath")).collect();
            assert!(ours.is_empty(), "{fault:?}: {ours:?}");
        }
        let (status, counts) = until_noted(&scene, |counts| counts.compared == 4).await;
        assert_eq!((counts.sent, counts.dropped), (4, 0), "{fault:?}");
        assert_eq!(counts.differing_status, differing, "{fault:?}");
        // What the coin picked of four pairs.
        assert!(counts.picked_green_failed <= differing, "{fault:?}");
        assert_eq!(counts.picked_blue_failed, 0, "{fault:?}");
        assert_eq!((requests(&status, "green-1"), requests(&status, "blue-1")), (0, 4));
        assert_eq!((status.lost, status.in_flight), (0, 0), "{fault:?}");
        scene.proxy.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_says_that_it_is_one_and_nobody_else_can() {
    let scene = mirroring(Faulty::start("green", Fault::None).await, copy_of_everything()).await;
    let forged = Request::get("/a?b").header("host", "test").header("towpath-mirror", "1");
    let mut visitor = scene.visitor();
    visitor.send(forged.body(Full::default()).unwrap()).await.unwrap();
    until("the copy to arrive", || scene.green.served() == 1).await;
    let (original, copy) = (scene.blue.seen().remove(0).head, scene.green.seen().remove(0).head);
    assert!(!original.contains("towpath-mirror"), "{original}");
    let without: String = copy
        .lines()
        .filter(|line| *line != "towpath-mirror: 1")
        .map(|it| it.to_owned() + "\r\n")
        .collect();
    assert_eq!(without, original, "else the two are alike");
    assert!(copy.len() > original.len());
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_safe_requests_outside_of_what_is_excepted_are_copied() {
    let rules = MirrorSpec { except: vec!["/checkout".into()], ..copy_of_everything() };
    let scene = mirroring(Faulty::start("green", Fault::None).await, rules).await;
    let mut visitor = scene.visitor();
    for (method, path) in [("POST", "/"), ("PUT", "/"), ("DELETE", "/"), ("GET", "/checkout/1")] {
        let request = Request::builder().method(method).uri(path).header("host", "test");
        visitor.send(request.body(Full::from(Bytes::new())).unwrap()).await.unwrap();
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/ok").header("host", "test");
        // The small application answers a HEAD with a body; a connection of its own bears that.
        let mut visitor = scene.visitor();
        let _any = visitor.send(request.body(Full::default()).unwrap()).await;
    }
    until("the copies to arrive", || scene.green.served() == 3).await;
    assert!(scene.green.seen().iter().all(|one| one.head.contains(" /ok ")));
    assert_eq!(scene.blue.served(), 7);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_green_that_never_answers_holds_up_nobody_and_gets_only_so_many_copies() {
    let mut scene =
        mirroring(Faulty::start("green", Fault::Silence).await, copy_of_everything()).await;
    scene.spec.response_timeout_ms = 60_000;
    scene.apply(2).await;
    let crowd = Crowd::gather(scene.spec.listen, 4, "/");
    crowd.pass(500).await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    let (_, counts) = until_noted(&scene, |counts| counts.sent + counts.dropped == asked).await;
    assert_eq!(counts.sent, 32, "{counts:?}");
    assert!(scene.green.served() <= 32);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_each_pair_the_coin_picks_one_outcome_and_the_visitors_are_told_apart() {
    let scene =
        mirroring(Faulty::start("green", Fault::ServerError).await, copy_of_everything()).await;
    let mut stream = scene.follow().await;
    let crowd = Crowd::gather(scene.spec.listen, 4, "/");
    crowd.pass(400).await;
    let (asked, _) = crowd.leave().await;
    let (_, counts) = until_noted(&scene, |counts| counts.sent + counts.dropped == asked).await;
    let (mut picked, mut visitors): (Vec<Outcome>, Vec<Outcome>) = Default::default();
    until_item(&mut stream, |item| {
        match item {
            StreamItem::Mirrored(batch) => picked.extend(&batch.outcomes),
            StreamItem::Outcomes(batch) => visitors.extend(&batch.outcomes),
            _ => {}
        }
        (picked.len() as u64, visitors.len() as u64) == (counts.sent, asked)
    })
    .await;
    let green = |all: &[Outcome]| all.iter().filter(|one| one.failed()).count();
    assert_eq!(green(&visitors), 0);
    assert!(picked.iter().all(|one| (one.green_probability - 0.5).abs() < f32::EPSILON));
    assert!(picked.iter().all(Outcome::is_evidence));
    // Half of at least 300 has a standard deviation below 3%; six of them happen to nobody.
    let share_percent = green(&picked) * 100 / picked.len();
    assert!((32..=68).contains(&share_percent), "{share_percent}% of {}", picked.len());
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_compared_when_asked() {
    for (green, differing) in [("blue", 0), ("pink", 3)] {
        let rules = MirrorSpec { compare_bodies: true, ..copy_of_everything() };
        let scene = mirroring(Faulty::start(green, Fault::None).await, rules).await;
        let mut visitor = scene.visitor();
        for _ in 0..3 {
            assert_eq!(visitor.text("/").await, "blue");
        }
        let (_, counts) =
            until_noted(&scene, |it| it.compared == 3 && it.differing_body >= differing).await;
        assert_eq!((counts.differing_status, counts.differing_body), (0, differing));
        scene.proxy.stop().await;
    }
}
