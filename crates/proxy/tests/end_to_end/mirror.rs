//! Copies for the candidate: that no visitor notices them, that they stay within bounds, and what is
//! noted of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use towpath_guard::Outcome;
use towpath_proxy::{Handle, MirrorCounts, MirrorSpec, Proxy, RouteSpec, RouteStatus, StreamItem};

use crate::faulty::{Fault, Faulty};
use crate::loopback::{
    Crowd, Visitor, arm, candidate, connect, requests, route, start_proxy, until, until_item,
    until_status,
};

/// A proxy before both applications: nobody on the green one, and everything copied to it.
struct Scene {
    proxy: Proxy,
    handle: Handle,
    spec: RouteSpec,
    blue: Faulty,
    green: Faulty,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn set(green: Faulty, mirror: MirrorSpec) -> Self {
        let blue = Faulty::start("blue", Fault::None).await;
        let directory = tempfile::tempdir().unwrap();
        let proxy = start_proxy(directory.path());
        let handle = connect(&proxy).await;
        let mut spec = route("api/production");
        spec.response_timeout_ms = 300;
        spec.default = Some(arm("blue", &[blue.address]));
        let mut coming = candidate(arm("green", &[green.address]), 0, None);
        coming.mirror = Some(mirror);
        spec.candidate = Some(coming);
        handle.apply(spec.clone(), 1, 1).await.unwrap();
        Self { proxy, handle, spec, blue, green, _directory: directory }
    }

    async fn until(&self, reached: impl Fn(&MirrorCounts) -> bool) -> (RouteStatus, MirrorCounts) {
        let counts = |status: &RouteStatus| {
            let found = status.deployments.iter().find(|one| one.deployment == "green-1");
            found.map(|one| one.tally.mirror.clone()).unwrap_or_default()
        };
        let status =
            until_status(&self.handle, &self.spec.name, |status| reached(&counts(status))).await;
        let counts = counts(&status);
        (status, counts)
    }
}

fn everything() -> MirrorSpec {
    MirrorSpec { share_bp: 10_000, except: Vec::new(), compare_bodies: false }
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
        let scene = Scene::set(Faulty::start("green", fault).await, everything()).await;
        let mut visitor = Visitor::new(scene.spec.listen);
        for _ in 0..4 {
            let (parts, body) = visitor.get("/").await.unwrap();
            assert_eq!((parts.status, &body[..]), (StatusCode::OK, &b"blue"[..]), "{fault:?}");
            let ours: Vec<_> =
                parts.headers.keys().filter(|name| name.as_str().starts_with("towpath")).collect();
            assert!(ours.is_empty(), "{fault:?}: {ours:?}");
        }
        let (status, counts) = scene.until(|counts| counts.compared == 4).await;
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
    let scene = Scene::set(Faulty::start("green", Fault::None).await, everything()).await;
    let forged = Request::get("/a?b").header("host", "test").header("towpath-mirror", "1");
    let mut visitor = Visitor::new(scene.spec.listen);
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
    let rules = MirrorSpec { except: vec!["/checkout".into()], ..everything() };
    let scene = Scene::set(Faulty::start("green", Fault::None).await, rules).await;
    let mut visitor = Visitor::new(scene.spec.listen);
    for (method, path) in [("POST", "/"), ("PUT", "/"), ("DELETE", "/"), ("GET", "/checkout/1")] {
        let request = Request::builder().method(method).uri(path).header("host", "test");
        visitor.send(request.body(Full::from(Bytes::new())).unwrap()).await.unwrap();
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/ok").header("host", "test");
        // The small application answers a HEAD with a body; a connection of its own bears that.
        let mut visitor = Visitor::new(scene.spec.listen);
        let _any = visitor.send(request.body(Full::default()).unwrap()).await;
    }
    until("the copies to arrive", || scene.green.served() == 3).await;
    assert!(scene.green.seen().iter().all(|one| one.head.contains(" /ok ")));
    assert_eq!(scene.blue.served(), 7);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_green_that_never_answers_holds_up_nobody_and_gets_only_so_many_copies() {
    let mut scene = Scene::set(Faulty::start("green", Fault::Silence).await, everything()).await;
    scene.spec.response_timeout_ms = 60_000;
    scene.handle.apply(scene.spec.clone(), 1, 2).await.unwrap();
    let crowd = Crowd::gather(scene.spec.listen, 4, "/");
    crowd.pass(500).await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    let (_, counts) = scene.until(|counts| counts.sent + counts.dropped == asked).await;
    assert_eq!(counts.sent, 32, "{counts:?}");
    assert!(scene.green.served() <= 32);
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_each_pair_the_coin_picks_one_outcome_and_the_visitors_are_told_apart() {
    let scene = Scene::set(Faulty::start("green", Fault::ServerError).await, everything()).await;
    let begin = scene.handle.read(&scene.spec.name).await.unwrap().stream;
    let wanted = BTreeMap::from([(scene.spec.name.clone(), Some(begin))]);
    let mut stream = scene.handle.subscribe(&wanted).await.unwrap();
    let crowd = Crowd::gather(scene.spec.listen, 4, "/");
    crowd.pass(400).await;
    let (asked, _) = crowd.leave().await;
    let (_, counts) = scene.until(|counts| counts.sent + counts.dropped == asked).await;
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
        let rules = MirrorSpec { compare_bodies: true, ..everything() };
        let scene = Scene::set(Faulty::start(green, Fault::None).await, rules).await;
        let mut visitor = Visitor::new(scene.spec.listen);
        for _ in 0..3 {
            assert_eq!(visitor.text("/").await, "blue");
        }
        let (_, counts) =
            scene.until(|it| it.compared == 3 && it.differing_body >= differing).await;
        assert_eq!((counts.differing_status, counts.differing_body), (0, differing));
        scene.proxy.stop().await;
    }
}
