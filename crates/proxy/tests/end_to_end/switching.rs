//! Traffic under load while routes change: nobody is lost, and everybody arrives where they should.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::loopback::{
    Crowd, Upstream, Visitor, arm, candidate, connect, new_proxy, requests, route, start_proxy_at,
    until, until_item, until_status,
};
use towpath_guard::{Arm, Outcome};
use towpath_proxy::{Clock, Hold, Refusal, RouteEvent, StreamItem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_split_is_near_the_weight_and_every_outcome_is_streamed_once() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 2500, None));
    let status = handle.apply(spec.clone(), 1, 1).await.unwrap();
    assert_eq!(status.effective_weight_bp, 2500);
    let wanted = BTreeMap::from([(spec.name.clone(), Some(status.stream))]);
    let mut stream = handle.subscribe(&wanted).await.unwrap();

    let crowd = Crowd::gather(spec.listen, 8, "/");
    crowd.pass(2000).await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());

    let status = until_status(&handle, &spec.name, |s| {
        requests(s, "blue-1") + requests(s, "green-1") == asked
    })
    .await;
    // A quarter of 2000 has a standard deviation of 1%; five of them happen to nobody.
    let share_percent = green.served() * 100 / asked;
    assert!((20..=30).contains(&share_percent), "{share_percent}%");
    assert_eq!(requests(&status, "green-1"), green.served());
    assert_eq!((status.lost, status.in_flight), (0, 0));
    // Eight visitors keep at most eight connections busy on each of two workers and two arms.
    let connections = blue.connections() + green.connections();
    assert!(connections <= 32, "{connections} connections for {asked} requests");

    let mut orders = Vec::new();
    until_item(&mut stream, |item| {
        if let StreamItem::Outcomes(batch) = item {
            assert_eq!(batch.arms.green.as_deref(), Some("green-1"));
            orders.extend(batch.outcomes.iter().map(|outcome| outcome.order));
            assert!(batch.outcomes.iter().all(Outcome::is_evidence));
        }
        orders.len() as u64 >= asked
    })
    .await;
    orders.sort_unstable();
    assert!(orders.iter().copied().eq(1..=asked));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_over_many_switches() {
    let (one, two) = (Upstream::start("one").await, Upstream::start("two").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    let arms = [arm("one", &[one.address]), arm("two", &[two.address])];
    spec.default = Some(arms[0].clone());
    handle.apply(spec.clone(), 1, 0).await.unwrap();
    let fast = Crowd::gather(spec.listen, 6, "/");
    let slow = Crowd::gather(spec.listen, 6, "/slow");
    for revision in 1..=60u16 {
        let coming = usize::from(revision / 2 % 2 == 0);
        spec.default = Some(arms[1 - coming].clone());
        let weight = [1000, 5000, 10_000][usize::from(revision % 3)];
        spec.candidate =
            (revision % 2 == 0).then(|| candidate(arms[coming].clone(), weight, Some(60_000)));
        handle.apply(spec.clone(), 1, u64::from(revision)).await.unwrap();
        fast.pass(30).await;
    }
    let (fast, fast_losses) = fast.leave().await;
    let (slow, slow_losses) = slow.leave().await;
    assert_eq!([fast_losses, slow_losses], [Vec::<String>::new(), Vec::new()]);
    assert!(one.served() > 100 && two.served() > 100, "{} {}", one.served(), two.served());
    let status = handle.read(&spec.name).await.unwrap();
    assert_eq!(status.lost, 0);
    assert_eq!(requests(&status, "one-1") + requests(&status, "two-1"), fast + slow);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_closes_idle_connections_loses_nobody() {
    let rude = Upstream::start_rude(3).await;
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("rude", &[rude.address]));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let crowd = Crowd::gather(spec.listen, 8, "/");
    crowd.pass(3000).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_under_load_brings_everybody_back_to_blue() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 10_000, Some(400)));
    let status = handle.apply(spec.clone(), 1, 1).await.unwrap();
    let wanted = BTreeMap::from([(spec.name.clone(), Some(status.stream))]);
    let mut stream = handle.subscribe(&wanted).await.unwrap();
    let crowd = Crowd::gather(spec.listen, 4, "/");
    for _ in 0..4 {
        crowd.pass(50).await;
        handle.renew(&spec.name, 1, 400).await.unwrap();
    }
    assert_eq!(blue.served(), 0);
    let lapsed =
        |item: &StreamItem| matches!(item, StreamItem::Event { event: RouteEvent::Lapsed, .. });
    until_item(&mut stream, lapsed).await;
    let before = green.served();
    crowd.pass(200).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    assert!(blue.served() >= 190, "{}", blue.served());
    assert!(green.served() <= before + 4, "only those under way");

    let status = handle.read(&spec.name).await.unwrap();
    assert!(status.lapsed && status.hold == Hold::Lapsed && status.effective_weight_bp == 0);
    assert!(requests(&status, "green-1") > 0, "the evidence is kept");
    let refused = handle.renew(&spec.name, 1, 400).await.unwrap_err().to_string();
    assert_eq!(refused, Refusal::Lapsed.to_string());
    let status = handle.apply(spec, 1, 2).await.unwrap();
    assert_eq!((status.hold, status.effective_weight_bp), (Hold::Held, 10_000));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_very_next_request_after_a_lease_is_on_blue() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual();
    let proxy = start_proxy_at(directory.path(), &clock);
    let handle = connect(&proxy).await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 10_000, Some(30_000)));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut visitor = Visitor::new(spec.listen);
    clock.advance(Duration::from_millis(29_999));
    assert_eq!(visitor.text("/").await, "green");
    // The control thread sleeps for what was left when it last looked: 30 s of real time.
    clock.advance(Duration::from_millis(1));
    assert_eq!(visitor.text("/").await, "blue");
    assert!(handle.renew(&spec.name, 1, 30_000).await.is_err());
    assert_eq!(handle.read(&spec.name).await.unwrap().hold, Hold::Lapsed);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_commit_silence_moves_nothing() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual();
    let proxy = start_proxy_at(directory.path(), &clock);
    let handle = connect(&proxy).await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 5000, Some(30_000)));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    spec.default = spec.candidate.take().map(|candidate| candidate.arm);
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    clock.advance(Duration::from_hours(24));
    let mut visitor = Visitor::new(spec.listen);
    for _ in 0..20 {
        assert_eq!(visitor.text("/").await, "green");
    }
    assert_eq!(handle.read(&spec.name).await.unwrap().hold, Hold::Held);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ends_while_blue_is_dead_freezes_the_weight() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 10_000, Some(2500)));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    blue.kill().await;
    let crowd = Crowd::gather(spec.listen, 2, "/");
    let status = until_status(&handle, &spec.name, |s| s.hold != Hold::Held).await;
    crowd.pass(100).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    assert_eq!((status.hold, status.effective_weight_bp), (Hold::Frozen, 10_000));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_of_a_dead_arm_are_served_by_the_other_and_the_failure_is_counted() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("green", &[green.address]), 5000, None));
    let status = handle.apply(spec.clone(), 1, 1).await.unwrap();
    let wanted = BTreeMap::from([(spec.name.clone(), Some(status.stream))]);
    let mut stream = handle.subscribe(&wanted).await.unwrap();
    let address = green.kill().await;
    let crowd = Crowd::gather(spec.listen, 2, "/");
    let refused = until_item(&mut stream, |item| match item {
        StreamItem::Outcomes(batch) => batch.outcomes.iter().any(|o| o.arm == Arm::Green),
        _ => false,
    })
    .await;
    let StreamItem::Outcomes(batch) = refused else { unreachable!() };
    assert!(batch.outcomes.iter().any(Outcome::failed));
    let status = until_status(&handle, &spec.name, |s| s.effective_weight_bp == 0).await;
    assert_eq!(status.candidate.unwrap().ready, 0);
    let green = Upstream::start_on("green", address).await;
    until("green to be found again", || green.served() > 0).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    assert_eq!(handle.read(&spec.name).await.unwrap().lost, 0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_costs_capacity_and_no_request() {
    let (blue, one, two) =
        (Upstream::start("blue").await, Upstream::start("one").await, Upstream::start("two").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    let green = arm("green", &[one.address, two.address]);
    spec.candidate = Some(candidate(green, 10_000, None));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    two.kill().await;
    let crowd = Crowd::gather(spec.listen, 4, "/");
    let status = until_status(&handle, &spec.name, |s| s.effective_weight_bp == 5000).await;
    assert_eq!(status.candidate.unwrap().resting.len(), 1);
    until("blue to help out", || blue.served() > 0).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    let status = handle.read(&spec.name).await.unwrap();
    assert!(status.deployments.iter().all(|entry| entry.tally.counts.failed == 0));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_off_by_us_is_counted_as_lost_and_not_against_the_arm() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.drain_ms = 0;
    spec.default = Some(arm("blue", &[blue.address]));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let listen = spec.listen;
    let slow = tokio::spawn(async move { Visitor::new(listen).get("/hang").await });
    until("the request to arrive", || blue.served() == 1).await;
    spec.default = Some(arm("green", &[green.address]));
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    let (parts, _) = slow.await.unwrap().unwrap();
    assert_eq!(parts.status, http::StatusCode::SERVICE_UNAVAILABLE);
    let status = handle.read(&spec.name).await.unwrap();
    let counts = &status.deployments[0].tally.counts;
    assert_eq!((status.lost, counts.failed, counts.requests), (1, 0, 0));
    proxy.stop().await;
}
