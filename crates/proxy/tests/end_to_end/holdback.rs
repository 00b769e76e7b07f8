//! After commit: the release that serves is the candidate without a lease, and the old one keeps a share
//! as the default arm, which is judged beside it and takes over.

use crate::loopback::{
    Crowd, Upstream, arm, candidate, connect, new_proxy, route, start_proxy, until, until_status,
};
use towpath_guard::{Policy, Standing};
use towpath_proxy::{GuardSpec, Handle, Hold, RouteSpec};

/// Requests before the fault: the time in which a test without restarts would have lost its power.
const GOOD: u64 = 3_000;

/// Nothing but the comparison with the old release speaks against the new one, unless a limit is given.
fn guard(error_rate: Option<f64>) -> GuardSpec {
    let policy = Policy { error_rate, warm_up_us: 0, client_window_us: None, ..Policy::default() };
    GuardSpec { subject: "new-1".into(), policy, acts: true, client_header: None }
}

fn held_back(old: &Upstream, new: &Upstream) -> RouteSpec {
    let mut spec = route("api/production");
    spec.default = Some(arm("old", &[old.address]));
    spec.candidate = Some(candidate(arm("new", &[new.address]), 9_500, None));
    spec.guard = Some(guard(None));
    spec
}

fn alone(new: &Upstream, error_rate: Option<f64>) -> RouteSpec {
    let mut spec = route("api/production");
    spec.default = Some(arm("new", &[new.address]));
    spec.guard = Some(guard(error_rate));
    spec
}

async fn standing(handle: &Handle, spec: &RouteSpec) -> Option<Standing> {
    let status = handle.read(&spec.name).await.unwrap();
    status.judged.map(|it| it.verdict.standing)
}

/// Everybody asks for what the new release has begun to fail, until so many have; answers who was harmed.
async fn turn_bad(spec: &RouteSpec, until_asked: u64) -> usize {
    let crowd = Crowd::gather(spec.listen, 4, "/worse");
    crowd.pass(until_asked).await;
    crowd.leave().await.1.len()
}

async fn good_times(spec: &RouteSpec) {
    let crowd = Crowd::gather(spec.listen, 4, "/");
    crowd.pass(GOOD).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_turns_bad_after_commit_goes_back_beside_a_holdback_and_stays_without() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let beside = held_back(&old, &new);
    handle.apply(beside.clone(), 1, 1).await.unwrap();
    good_times(&beside).await;
    assert!(old.served() > GOOD / 40, "a twentieth stays: {}", old.served());
    let harmed = turn_bad(&beside, GOOD).await;
    let status = handle.read(&beside.name).await.unwrap();
    assert_eq!((status.hold, status.effective_weight_bp), (Hold::Judged, 0));
    assert!(harmed < 1_000, "{harmed} were harmed");
    assert_eq!(turn_bad(&beside, 500).await, 0, "everybody is on the old one");
    proxy.stop().await;

    let (_directory, proxy, handle) = new_proxy().await;
    let without = alone(&new, None);
    handle.apply(without.clone(), 1, 1).await.unwrap();
    good_times(&without).await;
    let all = turn_bad(&without, GOOD).await;
    assert_ne!(standing(&handle, &without).await, Some(Standing::Unhealthy));
    assert!(all as u64 >= GOOD, "there is nothing to compare it with: {all}");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_serves_alone_is_still_judged_by_its_limit() {
    let new = Upstream::start("new").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = alone(&new, Some(0.05));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    good_times(&spec).await;
    assert_ne!(standing(&handle, &spec).await, Some(Standing::Unhealthy));
    turn_bad(&spec, 1_000).await;
    assert_eq!(standing(&handle, &spec).await, Some(Standing::Unhealthy));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holdback_needs_no_owner_and_each_arm_stands_in_for_the_other() {
    let (old, new) = (Upstream::start("old").await, Upstream::start("new").await);
    let (directory, proxy, handle) = new_proxy().await;
    let spec = held_back(&old, &new);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    proxy.stop().await;
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    let status = handle.read(&spec.name).await.unwrap();
    assert_eq!((status.hold, status.effective_weight_bp), (Hold::Held, 9_500));
    let crowd = Crowd::gather(spec.listen, 4, "/");
    let served = old.served();
    until("both to serve", || old.served() > served + 5 && new.served() > 100).await;
    let address = old.kill().await;
    until_status(&handle, &spec.name, |status| status.effective_weight_bp == 10_000).await;
    let _old = Upstream::start_on("old", address).await;
    until_status(&handle, &spec.name, |status| status.effective_weight_bp == 9_500).await;
    let _address = new.kill().await;
    until_status(&handle, &spec.name, |status| status.effective_weight_bp == 0).await;
    crowd.pass(500).await;
    crowd.leave().await;
    proxy.stop().await;
}
