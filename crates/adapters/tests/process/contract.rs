//! What every target promises, whatever it runs releases on. A new target is held to it by one call
//! with a release that it can run.

use towpath_core::ids::{Epoch, PromotionNumber};
use towpath_core::units::Span;
use towpath_ports::target::{DeployRequest, Target, TargetErrorKind};

use crate::support::{World, request};

/// Holds `target` to its promises with a release that becomes ready. Nothing runs afterwards.
async fn hold(target: &dyn Target, request: &DeployRequest) {
    let (lane, deployment) = (&request.lane, request.deployment);
    let unknown = PromotionNumber(deployment.0 + 1000);
    assert_eq!(target.observe(lane, unknown).await.unwrap(), [], "nothing is known of a stranger");
    assert_eq!(target.logs(lane, unknown, 10).await.unwrap(), []);
    target
        .ensure_stopped(lane, unknown, request.epoch, Span::ZERO)
        .await
        .expect("nothing to stop is stopped");

    let endpoints = target.ensure_running(request).await.unwrap();
    let instances: Vec<u32> = endpoints.iter().map(|endpoint| endpoint.instance).collect();
    assert_eq!(instances, (1..=request.instances).collect::<Vec<_>>(), "counted from 1");
    let again = target.ensure_running(request).await.unwrap();
    assert_eq!(again, endpoints, "started twice is started once");
    let seen = target.observe(lane, deployment).await.unwrap();
    assert!(seen.iter().all(|instance| instance.running && instance.restarts == 0), "{seen:?}");
    let addresses = |endpoint: &towpath_core::deployment::Endpoint| endpoint.address;
    let told: Vec<_> = endpoints.iter().map(addresses).collect();
    assert_eq!(seen.iter().map(|instance| instance.address).collect::<Vec<_>>(), told);

    let mut more = request.clone();
    more.instances += 1;
    let grown = target.ensure_running(&more).await.unwrap();
    assert_eq!(&grown[..endpoints.len()], endpoints, "what runs is kept, what is missing is added");
    let mut beside = request.clone();
    beside.deployment = PromotionNumber(deployment.0 + 1);
    let green = target.ensure_running(&beside).await.unwrap();
    target.ensure_stopped(lane, deployment, request.epoch, Span::seconds(5)).await.unwrap();
    target
        .ensure_stopped(lane, deployment, request.epoch, Span::seconds(5))
        .await
        .expect("stopped stays so");
    assert_eq!(target.observe(lane, deployment).await.unwrap(), []);
    assert_eq!(target.ensure_running(&beside).await.unwrap(), green, "others are not touched");
    target.ensure_stopped(lane, beside.deployment, request.epoch, Span::seconds(5)).await.unwrap();
    hold_when_given_up(target, request).await;
    hold_against_an_old_owner(target, request).await;
}

/// A start that was dropped leaves nothing that the next stop does not end.
async fn hold_when_given_up(target: &dyn Target, request: &DeployRequest) {
    let (lane, deployment, epoch) = (&request.lane, request.deployment, request.epoch);
    let at_once = std::time::Duration::ZERO;
    let given_up = tokio::time::timeout(at_once, target.ensure_running(request)).await;
    assert!(given_up.is_err(), "no start takes no time");
    target.ensure_stopped(lane, deployment, epoch, Span::seconds(5)).await.unwrap();
    assert_eq!(target.observe(lane, deployment).await.unwrap(), []);
}

/// A smaller epoch than the greatest that was obeyed changes nothing; the greatest is obeyed on.
async fn hold_against_an_old_owner(target: &dyn Target, request: &DeployRequest) {
    let (lane, deployment) = (&request.lane, request.deployment);
    let newer = DeployRequest { epoch: Epoch(request.epoch.0 + 1), ..request.clone() };
    let endpoints = target.ensure_running(&newer).await.unwrap();
    let started = target.ensure_running(request).await.unwrap_err();
    let drain = Span::seconds(5);
    let stopped = target.ensure_stopped(lane, deployment, request.epoch, drain).await.unwrap_err();
    assert_eq!((started.kind, stopped.kind), (TargetErrorKind::Stale, TargetErrorKind::Stale));
    assert_eq!(target.ensure_running(&newer).await.unwrap(), endpoints, "it still runs");
    target.ensure_stopped(lane, deployment, newer.epoch, drain).await.unwrap();
    target.ensure_running(request).await.expect_err("nor does it start what was stopped");
    assert_eq!(target.observe(lane, deployment).await.unwrap(), []);
}

#[tokio::test]
async fn target_process_keeps_the_promises_of_every_target() {
    let world = World::new();
    let target = world.target(&super::settings());
    hold(&*target, &request("serve")).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}
