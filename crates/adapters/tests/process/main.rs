//! Target `process` with real processes: what it promises, and every way in which a program can
//! fail to start, to stay or to end.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod contract;
mod faults;
mod fenced;
mod given_up;
mod secrets;
mod support;
mod taken_port;

use serde_json::{Value, json};
use support::{World, eventually, kill, make_executable, request};
use towpath_core::deployment::Endpoint;
use towpath_core::ids::PromotionNumber;
use towpath_core::units::Span;
use towpath_ports::artifacts::ArtifactStore as _;
use towpath_ports::target::{DeployRequest, Target, TargetError, TargetErrorKind};

fn settings() -> Value {
    json!({ "command": ["./app"], "stop_within": "5s" })
}

async fn get(endpoint: &Endpoint, path: &str) -> String {
    let url = format!("http://{}{path}", endpoint.address);
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

async fn stop(target: &dyn Target, request: &DeployRequest) {
    target
        .ensure_stopped(&request.lane, request.deployment, request.epoch, Span::seconds(5))
        .await
        .unwrap();
}

async fn failure(target: &dyn Target, request: &DeployRequest) -> TargetError {
    let error = target.ensure_running(request).await.expect_err("it must not start");
    stop(target, request).await;
    error
}

#[tokio::test]
async fn a_release_runs_in_a_clean_environment_until_it_is_stopped() {
    let world = World::new();
    let target = world.target(&settings());
    let mut request = request("serve");
    request.instances = 2;
    request.settings.insert("PORT".to_owned(), "1".to_owned());
    let endpoints = target.ensure_running(&request).await.unwrap();
    assert_eq!(endpoints.iter().map(|endpoint| endpoint.instance).collect::<Vec<_>>(), [1, 2]);
    let second = &endpoints[1];
    let names = get(second, "/names").await;
    let mut names: Vec<_> = names.lines().filter(|name| *name != "LANG").collect();
    names.sort_unstable();
    let ours = [
        "TOWPATH_ENVIRONMENT",
        "TOWPATH_INSTANCE",
        "TOWPATH_INSTANCE_ID",
        "TOWPATH_RELEASE",
        "TOWPATH_SERVICE",
    ];
    assert_eq!(names, [&["BEHAVIOUR", "HOME", "HOST", "PATH", "PORT"][..], &ours].concat());
    assert_eq!(get(second, "/env/TOWPATH_INSTANCE").await, "2");
    assert_eq!(get(second, "/env/PORT").await, second.address.port().to_string());
    let seen = target.observe(&request.lane, request.deployment).await.unwrap();
    assert!(seen.len() == 2 && seen.iter().all(|instance| instance.running), "{seen:?}");
    let lines = target.logs(&request.lane, request.deployment, 2).await.unwrap();
    assert!(lines.iter().all(|line| line.at.is_some()) && lines.len() == 2, "{lines:?}");
    stop(&*target, &request).await;
    assert_eq!(target.observe(&request.lane, request.deployment).await.unwrap(), []);
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn another_engine_finds_what_runs() {
    let world = World::new();
    let request = request("serve");
    let first = world.target(&settings()).ensure_running(&request).await.unwrap();
    let before = world.processes();
    let target = world.target(&settings());
    let again = target.ensure_running(&request).await.unwrap();
    assert_eq!((first, before), (again, world.processes()));
    stop(&*target, &request).await;
}

#[tokio::test]
async fn what_runs_is_found_again_whatever_became_of_its_kept_bytes() {
    let mut world = World::new();
    let site = world.folder.path().join("site");
    std::fs::create_dir(&site).unwrap();
    std::fs::copy(world.folder.path().join("app"), site.join("app")).unwrap();
    let kept = towpath_adapters::artifacts::Artifacts::new(&world.site.state);
    let artifact = kept.keep_directory(&site).await.unwrap();
    let folder = kept.path(&artifact).await.unwrap();
    world.site.artifacts = std::sync::Arc::new(kept);
    let target = world.target(&settings());
    let mut request = request("serve");
    request.instances = 2;
    for released in request.release.artifacts.values_mut() {
        released.clone_from(&artifact);
    }
    let endpoints = target.ensure_running(&request).await.unwrap();
    let before = world.processes();
    let archive = world.site.state.join("artifacts/sha256").join(artifact.digest.hex());
    std::fs::remove_file(archive).unwrap();
    std::fs::write(folder.join("left over"), "half").unwrap();
    std::fs::remove_file(folder.join("app")).unwrap();
    assert_eq!(target.ensure_running(&request).await.unwrap(), endpoints);
    assert_eq!(world.processes(), before, "nothing was started again");
    assert!(folder.join("left over").exists(), "and nothing was unpacked again");
    request.instances = 3;
    let error = target.ensure_running(&request).await.unwrap_err();
    assert_eq!(error.kind, TargetErrorKind::Final, "a further instance needs the bytes: {error}");
    assert_eq!(world.processes(), before);
    stop(&*target, &request).await;
}

#[tokio::test]
async fn many_callers_at_once_start_one_set_of_processes() {
    let world = World::new();
    let mut request = request("serve");
    request.instances = 3;
    let targets: Vec<_> = (0..6).map(|_| world.target(&settings())).collect();
    let calls = targets.iter().map(|target| target.ensure_running(&request));
    let answers: Vec<_> = futures_util::future::join_all(calls).await;
    let first = answers[0].as_ref().unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first), "{answers:?}");
    assert_eq!(world.processes().len(), 3);
    stop(&*targets[0], &request).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn what_dies_is_started_again_on_its_port_and_says_how_it_ended() {
    let world = World::new();
    let target = world.target(&settings());
    let request = request("serve");
    let endpoints = target.ensure_running(&request).await.unwrap();
    let _breaks_off = reqwest::get(format!("http://{}/exit", endpoints[0].address)).await;
    eventually("a restart", async || {
        let seen = target.observe(&request.lane, request.deployment).await.unwrap();
        seen[0].restarts == 1 && seen[0].running
    })
    .await;
    assert_eq!(target.ensure_running(&request).await.unwrap(), endpoints);
    let seen = target.observe(&request.lane, request.deployment).await.unwrap();
    let last = seen[0].last_end.clone().unwrap();
    assert!(last.starts_with("ended with status 3 after "), "{last}");
    stop(&*target, &request).await;
}

#[tokio::test]
async fn a_killed_supervisor_is_replaced_and_its_program_is_adopted() {
    let world = World::new();
    let target = world.target(&settings());
    let request = request("serve");
    let endpoints = target.ensure_running(&request).await.unwrap();
    let pid = get(&endpoints[0], "/pid").await;
    let supervisor =
        |status: &Value| i32::try_from(status["supervisor"]["pid"].as_i64().unwrap()).unwrap();
    let killed = supervisor(&world.status(&request));
    kill(killed);
    eventually("a new supervisor", async || {
        let seen = target.observe(&request.lane, request.deployment).await.unwrap();
        assert!(seen[0].running, "the program was never gone");
        supervisor(&world.status(&request)) != killed
    })
    .await;
    assert_eq!(target.ensure_running(&request).await.unwrap(), endpoints);
    assert_eq!(get(&endpoints[0], "/pid").await, pid);
    // The new supervisor watches over it as the old one did.
    let _breaks_off = reqwest::get(format!("http://{}/exit", endpoints[0].address)).await;
    eventually("a restart", async || {
        let seen = target.observe(&request.lane, request.deployment).await.unwrap();
        seen[0].restarts == 1 && seen[0].running
    })
    .await;
    stop(&*target, &request).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn what_a_killed_supervisor_left_is_ended_when_the_deployment_is() {
    let world = World::new();
    let target = world.target(&settings());
    let request = request("serve");
    target.ensure_running(&request).await.unwrap();
    kill(i32::try_from(world.status(&request)["supervisor"]["pid"].as_i64().unwrap()).unwrap());
    stop(&*target, &request).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_program_that_is_never_ready_fails_in_time_with_its_last_words() {
    let world = World::new();
    let mut hanging = request("hang");
    hanging.ready_within = Span::seconds(2);
    let error = failure(&*world.target(&settings()), &hanging).await;
    assert!(error.sentence.contains("was not ready within 2s"), "{error}");
    assert!(
        error.sentence.ends_with("waited for GET /ready to answer 2xx, it does not open its port"),
        "{error}"
    );
    assert_eq!(error.said, ["started as \"hang\""]);
    assert_eq!(world.processes(), Vec::<i32>::new());
    let patient = world.target(&json!({ "command": ["./app"], "start_within": "1s" }));
    let error = failure(&*patient, &request("hang")).await;
    assert!(error.sentence.contains("was not ready within 1s"), "{error}");
    let mut refusing = request("serve");
    refusing.ready_path = Some("/other".to_owned());
    refusing.ready_within = Span::seconds(2);
    let error = failure(&*world.target(&settings()), &refusing).await;
    assert!(error.sentence.ends_with("it answers 404"), "{error}");
}

#[tokio::test]
async fn a_program_that_takes_requests_and_does_not_answer_is_not_ready() {
    let world = World::new();
    let mut mute = request("mute");
    mute.ready_within = Span::seconds(3);
    let error = failure(&*world.target(&settings()), &mute).await;
    assert!(error.sentence.ends_with("GET /ready to answer 2xx, it does not answer"), "{error}");
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_program_that_ends_again_and_again_until_the_time_is_over_says_how_it_ended() {
    let world = World::new();
    let target = world.target(&json!({ "command": ["./app"], "start_within": "700ms" }));
    let error = failure(&*target, &request("crash")).await;
    assert!(error.sentence.contains(" was not ready within "), "{error}");
    assert!(error.sentence.contains("2xx, last: ended with status 7 after "), "{error}");
    assert!(error.said.contains(&"cannot read its configuration".to_owned()), "{:?}", error.said);
}

#[tokio::test]
async fn a_crash_loop_ends_the_start_and_leaves_others_alone() {
    let world = World::new();
    let target = world.target(&settings());
    let mut healthy = request("serve");
    healthy.deployment = PromotionNumber(6);
    let blue = target.ensure_running(&healthy).await.unwrap();
    let pid = get(&blue[0], "/pid").await;
    let error = failure(&*target, &request("crash")).await;
    assert!(error.sentence.contains("ended with status 7 after"), "{error}");
    assert!(error.sentence.contains("(5 times within 1m)"), "{error}");
    assert_eq!(error.kind, TargetErrorKind::Final);
    assert!(error.said.contains(&"cannot read its configuration".to_owned()), "{:?}", error.said);
    assert_eq!(get(&blue[0], "/pid").await, pid);
    stop(&*target, &healthy).await;
}

#[tokio::test]
async fn a_program_whose_parts_ignore_sigterm_is_ended_all_the_same() {
    let world = World::new();
    let target = world.target(&json!({ "command": ["./app"], "stop_within": "300ms" }));
    let request = request("worker");
    target.ensure_running(&request).await.unwrap();
    eventually("its workers", async || world.processes().len() >= 3).await;
    stop(&*target, &request).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_program_that_ignores_sigterm_has_its_time_and_is_then_ended() {
    let world = World::new();
    let target = world.target(&json!({ "command": ["./app"], "stop_within": "300ms" }));
    let request = request("stubborn");
    target.ensure_running(&request).await.unwrap();
    stop(&*target, &request).await;
    assert_eq!(world.processes(), Vec::<i32>::new());
    let status = world.status(&request);
    let last = status["ends"][0]["how"].as_str().unwrap();
    assert!(last.starts_with("was ended by signal 9 after "), "{last}");
    assert!(last.ends_with("; it did not end within 300ms of SIGTERM"), "{last}");
}

#[tokio::test]
async fn a_program_that_goes_into_the_background_is_refused_and_leaves_nothing() {
    let world = World::new();
    let target = world.target(&json!({ "command": ["./app"], "crash_loop": 2 }));
    let mut request = request("daemon");
    request.ready_path = Some("/absent".to_owned());
    let error = failure(&*target, &request).await;
    assert!(error.sentence.contains("it must stay in the foreground"), "{error}");
    assert_eq!(world.processes(), Vec::<i32>::new());
}

#[tokio::test]
async fn a_flood_of_output_fills_two_files_and_is_escaped() {
    let world = World::new();
    let target = world.target(&json!({ "command": ["./app"], "log_limit": "100KB" }));
    let request = request("flood");
    target.ensure_running(&request).await.unwrap();
    let folder = world.instance(&request, 1);
    eventually("a second file", async || folder.join("log.1").exists()).await;
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    assert!(size("log") + size("log.1") <= 200_000);
    stop(&*target, &request).await;
    let lines = target.logs(&request.lane, request.deployment, 5).await.unwrap();
    let all: String = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(all.contains("\\u{1b}[31m\\xff") && !all.contains('\u{1b}'), "{all}");
    assert!(lines.iter().all(|line| line.text.len() <= 8192));
}

#[tokio::test]
async fn an_artefact_that_is_missing_or_cannot_be_executed_is_named_before_anything_starts() {
    let world = World::new();
    let target = world.target(&settings());
    let request = request("serve");
    make_executable(&world.folder.path().join("app"), 0o644);
    let error = failure(&*target, &request).await;
    assert!(
        error.sentence.contains("app of release 1.0.0 is not executable (mode 644)"),
        "{error}"
    );
    std::fs::remove_file(world.folder.path().join("app")).unwrap();
    let error = failure(&*target, &request).await;
    assert!(error.sentence.contains("nothing is kept under app"), "{error}");
    assert!(!world.instance(&request, 1).exists(), "nothing was begun");
}

#[tokio::test]
async fn a_file_that_is_no_program_says_so() {
    let world = World::new();
    std::fs::write(world.folder.path().join("app"), [0; 100]).unwrap();
    let target = world.target(&json!({ "command": ["./app"], "crash_loop": 2 }));
    let error = failure(&*target, &request("serve")).await;
    assert!(
        error.sentence.contains("app of release 1.0.0 could not be started: Exec format error"),
        "{error}"
    );
    assert!(error.sentence.contains("it is no program of this machine, and has no #! line"));
}

#[tokio::test]
async fn a_script_whose_interpreter_is_missing_says_that_it_is_not_the_script() {
    let world = World::new();
    std::fs::write(world.folder.path().join("app"), "#!/absent/interpreter\n").unwrap();
    let target = world.target(&json!({ "command": ["./app"], "crash_loop": 2 }));
    let error = failure(&*target, &request("serve")).await;
    assert!(error.sentence.contains("it is the interpreter in its #! line"), "{error}");
}
