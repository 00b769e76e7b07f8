//! What is left after a restart, a kill, a damaged table.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};
use towpath_proxy::{Handle, Hold, Options, SOCKET_NAME, Workers, run};

use crate::loopback::{
    Crowd, PATIENCE, Upstream, Visitor, arm, candidate, connect, new_proxy, requests, route,
    start_proxy, until, until_status,
};

/// Tells the child test where to keep its state.
const STATE: &str = "TOWPATH_PROXY_TEST_STATE";

/// Not a test: the proxy process that other tests start and kill.
#[test]
fn child_process() {
    let Some(directory) = std::env::var_os(STATE) else { return };
    let mut options = Options::new(directory);
    options.workers = Workers::Count(2);
    run(options).unwrap();
}

/// A proxy in a process of its own.
struct Process {
    child: Child,
    handle: Handle,
}

impl Process {
    async fn start(directory: &Path) -> Self {
        let own = std::env::current_exe().unwrap();
        let child = Command::new(own)
            .args(["--exact", "survival::child_process", "--nocapture"])
            .env(STATE, directory)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let handle = reach(directory).await;
        Self { child, handle }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; answers its exit code.
    async fn ended(mut self) -> Option<i32> {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < limit, "the proxy does not end");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only a test that failed leaves it running.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Connects to a proxy that is about to start.
async fn reach(directory: &Path) -> Handle {
    let limit = Instant::now() + PATIENCE;
    loop {
        if let Ok(handle) = Handle::connect(directory.join(SOCKET_NAME)).await {
            return handle;
        }
        assert!(Instant::now() < limit, "the proxy does not start");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Requests in the saved evidence of a route.
fn saved_requests(file: &Path) -> u64 {
    let text = std::fs::read(file).unwrap_or_default();
    let saved: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let deployments = saved["deployments"].as_array().cloned().unwrap_or_default();
    deployments.iter().filter_map(|entry| entry["tally"]["counts"]["requests"].as_u64()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_proxy_comes_back_with_its_table_and_its_evidence() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let directory = tempfile::tempdir().unwrap();
    let proxy = Process::start(directory.path()).await;
    let mut lent = route("api/production");
    lent.bucket_ms = 100;
    lent.default = Some(arm("blue", &[blue.address]));
    lent.candidate = Some(candidate(arm("green", &[green.address]), 5000, Some(60_000)));
    let mut given = route("api/staging");
    given.default = Some(arm("blue", &[blue.address]));
    given.candidate = Some(candidate(arm("green", &[green.address]), 10_000, None));
    proxy.handle.apply(lent.clone(), 3, 7).await.unwrap();
    proxy.handle.apply(given.clone(), 3, 1).await.unwrap();
    let crowd = Crowd::gather(lent.listen, 4, "/");
    crowd.pass(300).await;
    let (asked, losses) = crowd.leave().await;
    assert_eq!(losses, Vec::<String>::new());
    until_status(&proxy.handle, &lent.name, |s| {
        requests(s, "blue-1") + requests(s, "green-1") == asked
    })
    .await;
    let file = directory.path().join("evidence/api_2fproduction.json");
    until("the evidence to be saved", || saved_requests(&file) == asked).await;
    proxy.signal(Signal::KILL);
    assert_eq!(proxy.ended().await, None);

    let proxy = Process::start(directory.path()).await;
    let status = proxy.handle.read(&lent.name).await.unwrap();
    assert_eq!((status.epoch, status.revision, &status.spec), (3, 7, &lent));
    assert_eq!((status.hold, status.effective_weight_bp), (Hold::Lapsed, 0));
    assert_eq!(requests(&status, "blue-1") + requests(&status, "green-1"), asked);
    let minutes = proxy.handle.minutes(&lent.name, 0).await.unwrap();
    let kept: u64 = minutes
        .buckets
        .iter()
        .flat_map(|bucket| &bucket.deployments)
        .map(|entry| entry.tally.counts.requests)
        .sum();
    assert_eq!(kept, asked);
    let mut visitor = Visitor::new(lent.listen);
    for _ in 0..20 {
        assert_eq!(visitor.text("/").await, "blue");
    }
    assert_eq!(Visitor::new(given.listen).text("/").await, "green");
    let status = proxy.handle.apply(lent.clone(), 3, 8).await.unwrap();
    assert_eq!(status.effective_weight_bp, 5000);
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_told_to_end_answers_what_is_under_way_first() {
    let blue = Upstream::start("blue").await;
    let directory = tempfile::tempdir().unwrap();
    let proxy = Process::start(directory.path()).await;
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    proxy.handle.apply(spec.clone(), 1, 1).await.unwrap();
    let listen = spec.listen;
    let slow = tokio::spawn(async move { Visitor::new(listen).text("/slower").await });
    until("the slow request to arrive", || blue.served() == 1).await;
    proxy.signal(Signal::TERM);
    assert_eq!(slow.await.unwrap(), "blue");
    assert_eq!(proxy.ended().await, Some(0));
    assert!(!directory.path().join(SOCKET_NAME).exists());

    // What was answered while it ended was still counted and saved.
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    assert_eq!(requests(&handle.read(&spec.name).await.unwrap(), "blue-1"), 1);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_route_never_discards_the_others() {
    let blue = Upstream::start("blue").await;
    let (directory, proxy, handle) = new_proxy().await;
    let [mut good, mut blocked, mut torn] = ["a/good", "b/blocked", "c/torn"].map(route);
    for spec in [&mut good, &mut blocked, &mut torn] {
        spec.default = Some(arm("blue", &[blue.address]));
        handle.apply(spec.clone(), 1, 1).await.unwrap();
    }
    proxy.stop().await;
    std::fs::write(directory.path().join("routes/c_2ftorn.json"), "{\"name\":").unwrap();
    let squatter = std::net::TcpListener::bind(blocked.listen).unwrap();

    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    assert_eq!(Visitor::new(good.listen).text("/").await, "blue");
    let all = handle.read_all().await.unwrap();
    let names: Vec<_> = all.routes.iter().map(|status| status.spec.name.as_str()).collect();
    assert_eq!(names, ["a/good", "b/blocked"]);
    assert_eq!(all.routes[0].broken, None);
    let reason = all.routes[1].broken.as_deref().unwrap();
    assert!(reason.contains(&blocked.listen.to_string()), "{reason}");
    assert_eq!(all.unreadable[0].name, "c/torn");

    drop(squatter);
    until_status(&handle, &blocked.name, |status| status.broken.is_none()).await;
    assert_eq!(Visitor::new(blocked.listen).text("/").await, "blue");
    handle.apply(torn.clone(), 1, 1).await.unwrap();
    assert_eq!(Visitor::new(torn.listen).text("/").await, "blue");
    assert_eq!(handle.read_all().await.unwrap().unreadable, Vec::new());
    assert!(directory.path().join("routes/c_2ftorn.unreadable").exists());
    proxy.stop().await;
}
