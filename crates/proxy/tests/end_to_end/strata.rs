//! The guard over one path among several: what it finds there moves all of the traffic, and is told with
//! the path.

use crate::loopback::{Crowd, Upstream, arm, candidate, connect, route, start_proxy, until_status};
use towpath_guard::{Evidence, Policy, StratumEvidence};
use towpath_proxy::{GuardSpec, HandleError, Hold, MirrorSpec, Refusal, RouteSpec};

/// `/worse` fails on what is called `new` alone, `/fail` on both arms.
const PATHS: [&str; 2] = ["/worse", "/fail"];

fn rollout(blue: &Upstream, green: &Upstream, weight_bp: u16) -> RouteSpec {
    let strata = PATHS.map(str::to_owned).to_vec();
    let policy = Policy { warm_up_us: 0, strata, ..Policy::default() };
    let mut spec = route("api/production");
    spec.default = Some(arm("old", &[blue.address]));
    spec.candidate = Some(candidate(arm("new", &[green.address]), weight_bp, Some(60_000)));
    spec.guard =
        Some(GuardSpec { subject: "new-1".into(), policy, acts: true, client_header: None });
    spec
}

fn sentence_of(worse: &StratumEvidence) -> String {
    let (green, blue) = (worse.green, worse.blue);
    let of_blue = match blue.requests {
        0 => String::new(),
        requests => format!(" while blue failed 0 of {requests}"),
    };
    format!("green failed {} of {} requests to /worse{of_blue}; by", green.failed, green.requests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_fails_one_path_loses_its_weight_and_the_path_is_named() {
    let (blue, green) = (Upstream::start("old").await, Upstream::start("new").await);
    let directory = tempfile::tempdir().unwrap();
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    let spec = rollout(&blue, &green, 2000);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let elsewhere = Crowd::gather(spec.listen, 2, "/");
    elsewhere.pass(200).await;
    // However it is written, it is the same path to the application.
    let there = Crowd::gather(spec.listen, 2, "/worse?item=7");
    let status = until_status(&handle, &spec.name, |status| status.hold == Hold::Judged).await;
    there.leave().await;
    elsewhere.leave().await;
    let verdict = status.judged.unwrap().verdict;
    let [worse, fail] = &verdict.evidence.strata[..] else { panic!("{:?}", verdict.evidence) };
    assert_eq!((worse.name.as_str(), fail.name.as_str()), ("/worse", "/fail"));
    assert!(worse.green.failed == worse.green.requests && worse.green.failed > 0, "{worse:?}");
    assert_eq!((worse.blue.failed, fail.green.requests, fail.blue.requests), (0, 0, 0));
    assert!(verdict.evidence.green_requests > worse.green.requests);
    let seen = sentence_of(worse);
    assert!(verdict.sentence.starts_with(&seen), "{} is not {seen}", verdict.sentence);
    proxy.stop().await;
    let kept = after_restart(directory.path(), &spec).await;
    assert_eq!(kept, verdict.evidence);
}

async fn after_restart(directory: &std::path::Path, spec: &RouteSpec) -> Evidence {
    let proxy = start_proxy(directory);
    let handle = connect(&proxy).await;
    let status = handle.read(&spec.name).await.unwrap();
    proxy.stop().await;
    status.judged.unwrap().verdict.evidence
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_on_both_arms_is_counted_by_path_and_moves_nothing() {
    let (blue, green) = (Upstream::start("old").await, Upstream::start("new").await);
    let directory = tempfile::tempdir().unwrap();
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    let spec = rollout(&blue, &green, 5000);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let crowd = Crowd::gather(spec.listen, 2, "/fail");
    let counted = |evidence: &Evidence| {
        let fail = &evidence.strata[1];
        (fail.green.requests + fail.blue.requests, fail.green.failed + fail.blue.failed)
    };
    let status = until_status(&handle, &spec.name, |status| {
        status.judged.as_ref().is_some_and(|it| counted(&it.verdict.evidence).0 >= 300)
    })
    .await;
    crowd.leave().await;
    let evidence = status.judged.unwrap().verdict.evidence;
    let (requests, failed) = counted(&evidence);
    assert_eq!(requests, failed);
    assert_eq!(evidence.green_requests + evidence.blue_requests, requests);
    assert_eq!((status.effective_weight_bp, status.hold), (5000, Hold::Held));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_of_the_stratum_of_what_they_copy() {
    let (blue, green) = (Upstream::start("old").await, Upstream::start("new").await);
    let directory = tempfile::tempdir().unwrap();
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    let mut spec = rollout(&blue, &green, 0);
    let everything = MirrorSpec { share_bp: 10_000, except: Vec::new(), compare_bodies: false };
    spec.candidate.as_mut().unwrap().mirror = Some(everything);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let crowd = Crowd::gather(spec.listen, 2, "/worse");
    let status = until_status(&handle, &spec.name, |status| {
        status.judged.as_ref().is_some_and(|it| it.verdict.evidence.once_in.is_some())
    })
    .await;
    let (_, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    let verdict = status.judged.unwrap().verdict;
    let worse = &verdict.evidence.strata[0];
    assert!(verdict.sentence.starts_with(&sentence_of(worse)), "{}", verdict.sentence);
    proxy.stop().await;
}

#[tokio::test]
async fn strata_that_are_no_paths_or_too_many_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    for strata in [vec!["checkout".to_owned()], vec!["/a".to_owned(); 9]] {
        let mut spec = route("api/production");
        let policy = Policy { strata, ..Policy::default() };
        spec.guard =
            Some(GuardSpec { subject: "new-1".into(), policy, acts: true, client_header: None });
        let refused = handle.apply(spec, 1, 1).await.unwrap_err();
        let is_invalid = matches!(refused, HandleError::Refused(Refusal::Invalid { .. }));
        assert!(is_invalid, "{refused:?}");
    }
    proxy.stop().await;
}
