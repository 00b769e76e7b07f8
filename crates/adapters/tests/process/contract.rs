//! What every target promises, whatever it runs releases on. A new target is held to it by one call
//! with a release that it can run.

use towpath_core::ids::PromotionNumber;
use towpath_core::units::Span;
use towpath_ports::target::{DeployRequest, Target};

use crate::support::{World, request};

/// Holds `target` to its promises with a release that becomes ready. Nothing runs afterwards.
async fn hold(target: &dyn Target, request: &DeployRequest) {
    let (lane, deployment) = (&request.lane, request.deployment);
    let unknown = PromotionNumber(deployment.0 + 1000);
    assert_eq!(target.observe(lane, unknown).await.unwrap(), [], "nothing is known of a stranger");
    assert_eq!(target.logs(lane, unknown, 10).await.unwrap(), []);
    target.ensure_stopped(lane, unknown, Span::ZERO).await.expect("nothing to stop is stopped");

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
    target.ensure_stopped(lane, deployment, Span::seconds(5)).await.unwrap();
    target.ensure_stopped(lane, deployment, Span::seconds(5)).await.expect("stopped stays so");
    assert_eq!(target.observe(lane, deployment).await.unwrap(), []);
    assert_eq!(target.ensure_running(&beside).await.unwrap(), green, "others are not touched");
    target.ensure_stopped(lane, beside.deployment, Span::seconds(5)).await.unwrap();
}

#[tokio::test]
async fn target_process_keeps_the_promises_of_every_target() {
    let world = World::new();
    let target = world.target(&super::settings());
    hold(&*target, &request("serve")).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}
