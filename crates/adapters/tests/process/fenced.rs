//! Target `process` when two owners of the journal live at once: what the older one does after the
//! newer one was obeyed changes nothing.

use tokio::runtime::Builder;
use towpath_core::ids::Epoch;
use towpath_core::units::Span;
use towpath_ports::target::{DeployRequest, TargetErrorKind};

use crate::support::{World, request};
use crate::{settings, stop};

fn of_epoch(epoch: u64, request: &DeployRequest) -> DeployRequest {
    DeployRequest { epoch: Epoch(epoch), ..request.clone() }
}

#[tokio::test]
async fn an_old_owner_starts_nothing_after_a_newer_one_has_stopped_the_deployment() {
    let world = World::new();
    let target = world.target(&settings());
    let (old, new) = (request("serve"), of_epoch(2, &request("serve")));
    target.ensure_running(&old).await.unwrap();
    stop(&*target, &new).await;
    let error = target.ensure_running(&old).await.unwrap_err();
    assert_eq!(error.kind, TargetErrorKind::Stale);
    assert_eq!(
        error.sentence,
        "refused: the instances of this machine obey epoch 2, and this is epoch 1; another engine \
         owns them, or the journal is an older copy"
    );
    assert_eq!(world.processes(), Vec::<i32>::new());
    let endpoints = target.ensure_running(&new).await.unwrap();
    assert_eq!(endpoints.len(), 1, "the newer owner may start it again");
    stop(&*target, &new).await;
}

#[tokio::test]
async fn a_stop_of_what_was_never_started_shuts_an_old_owner_out_as_well() {
    let world = World::new();
    let target = world.target(&settings());
    let new = of_epoch(2, &request("serve"));
    stop(&*target, &new).await;
    let mut elsewhere = request("serve");
    elsewhere.deployment.0 += 1;
    let error = target.ensure_running(&elsewhere).await.unwrap_err();
    assert_eq!(error.kind, TargetErrorKind::Stale, "{error}");
    assert!(!world.instance(&elsewhere, 1).exists());
}

#[tokio::test]
async fn an_old_owner_stops_nothing_that_a_newer_one_runs() {
    let world = World::new();
    let target = world.target(&settings());
    let (old, new) = (request("serve"), of_epoch(2, &request("serve")));
    let endpoints = target.ensure_running(&new).await.unwrap();
    let before = world.processes();
    let stopped = target.ensure_stopped(&old.lane, old.deployment, old.epoch, Span::ZERO).await;
    assert_eq!(stopped.unwrap_err().kind, TargetErrorKind::Stale);
    assert_eq!(world.processes(), before);
    assert_eq!(target.ensure_running(&new).await.unwrap(), endpoints);
    stop(&*target, &new).await;
}

#[test]
fn work_of_an_old_owner_that_waits_in_a_queue_changes_nothing_when_its_turn_comes() {
    let world = World::new();
    let target = world.target(&settings());
    let (old, new) = (request("serve"), of_epoch(2, &request("serve")));
    let starting = Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    let starting = starting.unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let busy = starting.spawn_blocking(move || wait.recv().is_ok());
    let late = {
        let (target, old) = (std::sync::Arc::clone(&target), old.clone());
        starting.spawn(async move { target.ensure_running(&old).await })
    };
    // The start has its work in the queue once it was polled.
    starting.block_on(tokio::task::yield_now());
    Builder::new_current_thread().enable_all().build().unwrap().block_on(stop(&*target, &new));
    go.send(()).unwrap();
    assert!(starting.block_on(busy).unwrap());
    let error = starting.block_on(late).unwrap().unwrap_err();
    assert_eq!(error.kind, TargetErrorKind::Stale, "{error}");
    assert_eq!(world.processes(), Vec::<i32>::new());
}
