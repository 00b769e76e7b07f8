//! Target `process` under random calls and random kills: whatever happens, a deployment has at most
//! the processes it was asked for, and none after it was stopped.

use std::collections::BTreeMap;

use crate::support::{World, eventually, kill, request};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use towpath_core::units::Span;
use towpath_ports::target::{DeployRequest, Target};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// So many callers start the deployment at once.
    Start(usize),
    /// A caller starts it and goes away after so many milliseconds.
    StartAndLeave(u64),
    Observe,
    Stop,
    KillSupervisor,
    KillApp,
    /// Both at once, as a machine short of memory does.
    KillAll,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (1..4_usize).prop_map(Event::Start),
        2 => (0..60_u64).prop_map(Event::StartAndLeave),
        2 => Just(Event::Observe),
        2 => Just(Event::Stop),
        2 => Just(Event::KillSupervisor),
        1 => Just(Event::KillApp),
        1 => Just(Event::KillAll),
    ];
    prop::collection::vec(event, 2..8)
}

fn settings() -> Value {
    json!({ "command": ["./app"], "stop_within": "3s", "restart_delay": "100ms", "crash_loop": 50 })
}

/// How many processes run for each instance; more than one is two programs on one port.
fn per_instance(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for pid in world.processes() {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let entries = environ.split(|byte| *byte == 0);
        let mut entries = entries.map(|entry| String::from_utf8_lossy(entry).into_owned());
        if let Some(instance) = entries.find(|entry| entry.starts_with("TOWPATH_INSTANCE=")) {
            *counts.entry(instance).or_default() += 1;
        }
    }
    counts
}

async fn happen(world: &World, target: &dyn Target, request: &DeployRequest, event: Event) {
    let pid = |who: &str| {
        let status = std::fs::read(world.instance(request, 1).join("status.json")).ok()?;
        let status: Value = serde_json::from_slice(&status).ok()?;
        i32::try_from(status[who]["pid"].as_i64()?).ok()
    };
    match event {
        Event::Start(callers) => {
            let calls = (0..callers).map(|_| target.ensure_running(request));
            for answer in futures_util::future::join_all(calls).await {
                answer.unwrap();
            }
        }
        Event::StartAndLeave(after) => {
            let after = std::time::Duration::from_millis(after);
            let _left = tokio::time::timeout(after, target.ensure_running(request)).await;
        }
        Event::Observe => {
            target.observe(&request.lane, request.deployment).await.unwrap();
        }
        Event::Stop => stop(target, request).await,
        Event::KillSupervisor => pid("supervisor").into_iter().for_each(kill_ours),
        Event::KillApp => pid("app").into_iter().for_each(kill_ours),
        Event::KillAll => {
            pid("supervisor").into_iter().chain(pid("app")).for_each(kill_ours);
        }
    }
}

/// A process id that stands in a file may be a stranger's by now; here, only a test's.
fn kill_ours(pid: i32) {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    if line.contains("adapters-test-program") || line.contains("/app") {
        kill(pid);
    }
}

async fn stop(target: &dyn Target, request: &DeployRequest) {
    target
        .ensure_stopped(&request.lane, request.deployment, request.epoch, Span::seconds(3))
        .await
        .unwrap();
}

async fn story(events: &[Event]) {
    let world = World::new();
    let target = world.target(&settings());
    let mut request = request("serve");
    request.instances = 2;
    for event in events {
        happen(&world, &*target, &request, *event).await;
        let counts = per_instance(&world);
        assert!(
            counts.values().all(|count| *count <= 1),
            "after {event:?} of {events:?}: {counts:?}"
        );
    }
    target.ensure_running(&request).await.unwrap();
    assert_eq!(per_instance(&world).len(), 2, "{events:?}");
    stop(&*target, &request).await;
    eventually("nothing runs", async || world.processes().is_empty()).await;
}

#[test]
fn no_order_of_calls_and_kills_starts_anything_twice_or_leaves_anything() {
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ran = TestRunner::new(config).run(&events(), |events| {
        runtime.block_on(story(&events));
        Ok(())
    });
    ran.unwrap();
}
