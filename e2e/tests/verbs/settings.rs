//! What an environment's `settings:` come to: variables of the process that runs there, and of no other.
//! How a target hands them over is shown beside the targets.

use std::os::unix::fs::PermissionsExt;

use towpath_e2e::{World, towpath};

/// The settings of three environments that share one and differ in the others.
const THREE: &str = r#"
version: 1
project: web-service
services:
  web: { purpose: The web application and its API }
defaults:
  all:
    target: { kind: process, command: ["{artifact}"] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
    settings: { CACHE_ENABLED: true }
environments:
  dev:
    tier: development
    settings: { LOG_LEVEL: debug, API_TIMEOUT: 30s, DB_POOL_SIZE: 5 }
  staging:
    after: dev
    tier: staging
    settings: { LOG_LEVEL: info, API_TIMEOUT: 10s, DB_POOL_SIZE: 20 }
  production:
    after: staging
    tier: production
    settings:
      LOG_LEVEL: warn
      API_TIMEOUT: 5s
      DB_POOL_SIZE: 50
      ENABLE_METRICS: true
      ALERT_ON_ERRORS: true
"#;

/// Creates a release that writes its variables down, once per environment, and then serves.
fn release_that_tells(world: &World) {
    let file = world.root().join("tells");
    let (folder, program) = (world.root().display(), towpath().display().to_string());
    let text = format!(
        "#!/bin/sh\nenv > '{folder}/told-in-'\"$TOWPATH_ENVIRONMENT\"\nexec '{program}' sample-service\n"
    );
    std::fs::write(&file, text).expect("the program is written");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("its mode is set");
    let artifact = format!("web={}", file.display());
    let words = ["release", "create", "1.0.0", "--artifact", &artifact];
    let own = ["--setting", "LOG_LEVEL=trace", "--setting", "TTS_VOICE=ada"];
    world.must(&[&words[..], &own].concat(), 0);
}

/// What the release was told there of what a matrix or a release sets, in order.
fn told_in(world: &World, environment: &str) -> Vec<String> {
    let file = world.root().join(format!("told-in-{environment}"));
    let text = std::fs::read_to_string(file).expect("it has run there");
    let set_by_the_platform =
        ["TOWPATH_", "HOME=", "HOST=", "LANG=", "PATH=", "PORT=", "PWD=", "_="];
    let lines =
        text.lines().filter(|line| !set_by_the_platform.iter().any(|own| line.starts_with(own)));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn settings_of_an_environment_reach_the_process_there_and_those_of_another_do_not() {
    let world = World::new(THREE);
    release_that_tells(&world);
    world.must(&["promote", "dev", "--release", "1.0.0"], 0);
    world.must(&["promote", "dev", "staging"], 0);
    world.must(&["promote", "staging", "production", "--yes"], 0);
    // The environment's own word goes before the release's; what nobody else sets is the release's.
    let dev = [
        "API_TIMEOUT=30s",
        "CACHE_ENABLED=true",
        "DB_POOL_SIZE=5",
        "LOG_LEVEL=debug",
        "TTS_VOICE=ada",
    ];
    assert_eq!(told_in(&world, "dev"), dev);
    let staging = [
        "API_TIMEOUT=10s",
        "CACHE_ENABLED=true",
        "DB_POOL_SIZE=20",
        "LOG_LEVEL=info",
        "TTS_VOICE=ada",
    ];
    assert_eq!(told_in(&world, "staging"), staging);
    let production = [
        "ALERT_ON_ERRORS=true",
        "API_TIMEOUT=5s",
        "CACHE_ENABLED=true",
        "DB_POOL_SIZE=50",
        "ENABLE_METRICS=true",
        "LOG_LEVEL=warn",
        "TTS_VOICE=ada",
    ];
    assert_eq!(told_in(&world, "production"), production);
}
