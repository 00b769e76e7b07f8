//! Target `process` when another program has the port of an instance: the start fails, says who it
//! is, and what serves goes on serving.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use towpath_core::ids::PromotionNumber;
use towpath_ports::target::DeployRequest;

use crate::support::{World, eventually, request};
use crate::{failure, get, settings, stop};

/// A program of somebody else that listens and answers `/ready` with 200.
struct Squatter(Child);

impl Squatter {
    async fn at(address: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adapters-test-app"));
        command.env_clear().env("BEHAVIOUR", "serve").stdout(Stdio::null());
        command.env("HOST", address.ip().to_string()).env("PORT", address.port().to_string());
        let squatter = Self(command.spawn().unwrap());
        eventually("it listens", async || tokio::net::TcpStream::connect(address).await.is_ok())
            .await;
        squatter
    }

    /// How people are told of it.
    fn shown(&self) -> String {
        // The kernel keeps 15 bytes of a program's name, proc(5).
        format!("adapters-test-a (process {})", self.0.id())
    }
}

impl Drop for Squatter {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Takes the port of the request's instance as soon as its program has been started.
async fn take_port(world: &World, request: &DeployRequest) -> Squatter {
    let folder = world.instance(request, 1);
    let said = || folder.join("log").metadata().is_ok_and(|log| log.len() > 0);
    eventually("its program", async || said() && world.status(request)["app"].is_object()).await;
    let port = std::fs::read_to_string(folder.join("port")).unwrap();
    Squatter::at(format!("127.0.0.1:{port}").parse().unwrap()).await
}

#[tokio::test]
async fn a_port_that_is_taken_before_the_program_starts_is_named_with_who_has_it() {
    let world = World::new();
    let target = world.target(&json!({ "command": ["./app"], "crash_loop": 3 }));
    let request = request("serve");
    let endpoints = target.ensure_running(&request).await.unwrap();
    stop(&*target, &request).await;
    let squatter = Squatter::at(endpoints[0].address).await;
    let error = failure(&*target, &request).await;
    let port = endpoints[0].address.port();
    let wanted = format!("port {port} is taken by another program, {}", squatter.shown());
    assert!(error.sentence.contains(&wanted), "{error}");
    drop(squatter);
    assert_eq!(target.ensure_running(&request).await.unwrap(), endpoints, "the port is kept");
    stop(&*target, &request).await;
}

#[tokio::test]
async fn a_port_that_is_taken_before_the_program_listens_fails_the_start_and_leaves_blue_alone() {
    let world = World::new();
    let target = world.target(&settings());
    let mut serving = request("serve");
    serving.deployment = PromotionNumber(6);
    let blue = target.ensure_running(&serving).await.unwrap();
    let pid = get(&blue[0], "/pid").await;
    // It says something and does not come to listening; the other program answers 2xx.
    let coming = request("hang");
    let (error, squatter) =
        tokio::join!(target.ensure_running(&coming), take_port(&world, &coming));
    let error = error.expect_err("what answers is not the release");
    let port = std::fs::read_to_string(world.instance(&coming, 1).join("port")).unwrap();
    assert_eq!(
        error.sentence,
        format!(
            "release 1.0.0 in api/staging, instance 1 of 1: port {port} is taken by another \
             program, {}, which answers instead",
            squatter.shown()
        )
    );
    assert_eq!(error.said, ["started as \"hang\""]);
    stop(&*target, &coming).await;
    assert_eq!(get(&blue[0], "/pid").await, pid);
    stop(&*target, &serving).await;
}

#[tokio::test]
async fn an_open_port_of_another_program_is_not_readiness_either() {
    let world = World::new();
    let target = world.target(&settings());
    let mut coming = request("hang");
    coming.ready_path = None;
    let (error, squatter) =
        tokio::join!(target.ensure_running(&coming), take_port(&world, &coming));
    let error = error.expect_err("what listens is not the release");
    assert!(error.sentence.contains(&squatter.shown()), "{error}");
    stop(&*target, &coming).await;
}

#[tokio::test]
async fn a_worker_that_the_program_started_may_be_what_listens() {
    let world = World::new();
    let target = world.target(&settings());
    let request = request("parent");
    target.ensure_running(&request).await.unwrap();
    stop(&*target, &request).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}
