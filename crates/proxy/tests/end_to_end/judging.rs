//! The guard inside the proxy: traffic goes back without anybody being asked, and stays back.

use std::collections::BTreeMap;
use std::path::Path;

use crate::loopback::{
    Crowd, Upstream, arm, candidate, connect, copy_of_everything, new_proxy, requests, route,
    start_proxy, until_item, until_status,
};
use towpath_guard::{Policy, Standing};
use towpath_proxy::{
    GuardSpec, Handle, HandleError, Hold, OnSilence, Refusal, RouteEvent, RouteSpec, StreamItem,
    SwitchCause,
};

fn guard(acts: bool) -> GuardSpec {
    let policy = Policy { error_rate: Some(0.05), warm_up_us: 0, ..Policy::default() };
    GuardSpec { subject: "failing-1".into(), policy, acts, client_header: None }
}

/// A fifth of the visitors go to a release that fails them all.
fn bad_rollout(blue: &Upstream, green: &Upstream, acts: bool) -> RouteSpec {
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec.candidate = Some(candidate(arm("failing", &[green.address]), 2000, Some(60_000)));
    spec.guard = Some(guard(acts));
    spec
}

fn refusal(error: HandleError) -> Option<Refusal> {
    match error {
        HandleError::Refused(refusal) => Some(refusal),
        HandleError::Disconnected { .. } => None,
    }
}

async fn pass(spec: &RouteSpec, more: u64) {
    let crowd = Crowd::gather(spec.listen, 4, "/");
    crowd.pass(more).await;
    crowd.leave().await;
}

async fn applied(handle: &Handle, spec: &RouteSpec, revision: u64) -> u16 {
    handle.apply(spec.clone(), 1, revision).await.unwrap().effective_weight_bp
}

/// Revision 2 asks for more weight for the candidate, and revision 3 for its commit; it gets neither.
async fn is_shut_out(handle: &Handle, mut spec: RouteSpec) {
    spec.candidate.as_mut().unwrap().weight_bp = 5000;
    assert_eq!(applied(handle, &spec, 2).await, 0);
    spec.default = spec.candidate.take().map(|candidate| candidate.arm);
    let refused = handle.apply(spec, 1, 3).await.unwrap_err();
    assert_eq!(refusal(refused), Some(Refusal::Unhealthy));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_candidate_loses_its_weight_and_nobody_had_to_ask() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("failing").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = bad_rollout(&blue, &green, true);
    let status = handle.apply(spec.clone(), 1, 1).await.unwrap();
    let wanted = BTreeMap::from([(spec.name.clone(), Some(status.stream))]);
    let mut stream = handle.subscribe(&wanted).await.unwrap();
    let crowd = Crowd::gather(spec.listen, 4, "/");
    let status = until_status(&handle, &spec.name, |status| status.hold == Hold::Judged).await;
    assert_eq!((status.effective_weight_bp, status.lapsed), (0, false));
    assert_eq!(status.last_switch.map(|it| it.cause), Some(SwitchCause::Judged));
    let judged = status.judged.unwrap();
    assert_eq!(
        (judged.deployment.as_str(), judged.verdict.standing),
        ("failing-1", Standing::Unhealthy)
    );
    assert!(judged.verdict.sentence.contains("by chance less than once in"));
    let told = until_item(&mut stream, |item| {
        matches!(item, StreamItem::Event { event: RouteEvent::Judged(_), .. })
    })
    .await;
    let StreamItem::Event { event: RouteEvent::Judged(told), .. } = told else {
        panic!("{told:?}")
    };
    assert_eq!(*told, judged);
    let harmed = green.served();
    crowd.pass(500).await;
    crowd.leave().await;
    // Whoever was on the way when it was decided had been assigned before.
    assert!(green.served() <= harmed + 4, "{harmed} and then {}", green.served());
    proxy.stop().await;
}

/// The route, in force, of a rollout whose candidate has just been found unhealthy.
async fn condemned(handle: &Handle, blue: &Upstream, green: &Upstream) -> RouteSpec {
    let spec = bad_rollout(blue, green, true);
    applied(handle, &spec, 1).await;
    let crowd = Crowd::gather(spec.listen, 4, "/");
    until_status(handle, &spec.name, |status| status.hold == Hold::Judged).await;
    crowd.leave().await;
    spec
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_found_unhealthy_gets_no_weight_again_and_never_becomes_the_default_arm() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("failing").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = condemned(&handle, &blue, &green).await;
    assert_eq!(
        refusal(handle.renew(&spec.name, 1, 1000).await.unwrap_err()),
        Some(Refusal::Unhealthy)
    );
    is_shut_out(&handle, spec.clone()).await;
    let other = Upstream::start("other").await;
    spec.candidate = Some(candidate(arm("other", &[other.address]), 2000, Some(60_000)));
    spec.guard.as_mut().unwrap().subject = "other-1".into();
    assert_eq!(applied(&handle, &spec, 4).await, 2000);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_found_unhealthy_does_not_enter_beside_what_it_replaces_either() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("failing").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = condemned(&handle, &blue, &green).await;
    let entering = spec.candidate.as_mut().unwrap();
    (entering.weight_bp, entering.lease_ms) = (9_500, None);
    for acts in [true, false] {
        spec.guard.as_mut().unwrap().acts = acts;
        let refused = handle.apply(spec.clone(), 1, 2).await.unwrap_err();
        assert_eq!(refusal(refused), Some(Refusal::Unhealthy), "{acts}");
    }
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guard_knows_outlives_the_proxy() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("failing").await);
    let directory = tempfile::tempdir().unwrap();
    let spec = bad_rollout(&blue, &green, true);
    let seen = first_life(directory.path(), &spec).await;
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    let status = handle.read(&spec.name).await.unwrap();
    assert_eq!(status.judged.map(|it| it.verdict.evidence), Some(seen));
    assert_eq!(applied(&handle, &spec, 2).await, 0);
    proxy.stop().await;
}

async fn first_life(directory: &Path, spec: &RouteSpec) -> towpath_guard::Evidence {
    let proxy = start_proxy(directory);
    let handle = connect(&proxy).await;
    applied(&handle, spec, 1).await;
    let crowd = Crowd::gather(spec.listen, 4, "/");
    let status = until_status(&handle, &spec.name, |status| status.hold == Hold::Judged).await;
    crowd.leave().await;
    proxy.stop().await;
    status.judged.unwrap().verdict.evidence
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_may_move_by_itself_it_is_only_told() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("failing").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = bad_rollout(&blue, &green, false);
    spec.candidate.as_mut().unwrap().on_silence = OnSilence::Freeze;
    applied(&handle, &spec, 1).await;
    let crowd = Crowd::gather(spec.listen, 4, "/");
    let is_found = |standing| standing == Standing::Unhealthy;
    let status = until_status(&handle, &spec.name, |status| {
        status.judged.as_ref().is_some_and(|it| is_found(it.verdict.standing))
    })
    .await;
    crowd.leave().await;
    assert_eq!((status.effective_weight_bp, status.hold), (2000, Hold::Held));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_candidate_keeps_its_weight_and_is_proven() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = bad_rollout(&blue, &green, true);
    spec.candidate = Some(candidate(arm("green", &[green.address]), 5000, Some(60_000)));
    spec.guard.as_mut().unwrap().subject = "green-1".into();
    applied(&handle, &spec, 1).await;
    pass(&spec, 1500).await;
    let status = until_status(&handle, &spec.name, |status| {
        status.judged.as_ref().is_some_and(|it| it.verdict.standing == Standing::Healthy)
    })
    .await;
    assert_eq!((status.effective_weight_bp, status.hold), (5000, Hold::Held));
    assert_eq!(requests(&status, "green-1"), green.served());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_failed_its_copies_gets_no_weight_at_all() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("failing").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = bad_rollout(&blue, &green, true);
    spec.candidate.as_mut().unwrap().weight_bp = 0;
    spec.candidate.as_mut().unwrap().mirror = Some(copy_of_everything());
    applied(&handle, &spec, 1).await;
    let crowd = Crowd::gather(spec.listen, 4, "/");
    until_status(&handle, &spec.name, |status| {
        let standing = status.judged.as_ref().map(|it| it.verdict.standing);
        standing == Some(Standing::Unhealthy)
    })
    .await;
    is_shut_out(&handle, spec).await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    proxy.stop().await;
}

/// Everything that blue's visitors ask is copied to a candidate without weight.
async fn mirrored(green: &'static str) -> (Standing, u64) {
    let (blue, coming) = (Upstream::start("blue").await, Upstream::start(green).await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = bad_rollout(&blue, &coming, true);
    let mut candidate = candidate(arm(green, &[coming.address]), 0, Some(60_000));
    candidate.mirror = Some(copy_of_everything());
    spec.candidate = Some(candidate);
    spec.guard.as_mut().unwrap().subject = format!("{green}-1");
    applied(&handle, &spec, 1).await;
    let crowd = Crowd::gather(spec.listen, 4, "/");
    let status = until_status(&handle, &spec.name, |status| {
        let standing = status.judged.as_ref().map(|it| it.verdict.standing);
        matches!(standing, Some(Standing::Healthy | Standing::Unhealthy))
    })
    .await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    assert_eq!(blue.served(), asked);
    proxy.stop().await;
    (status.judged.unwrap().verdict.standing, status.lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_evidence_before_the_candidate_has_a_visitor() {
    assert_eq!(mirrored("failing").await, (Standing::Unhealthy, 0));
    assert_eq!(mirrored("green").await, (Standing::Healthy, 0));
}
