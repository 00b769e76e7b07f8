//! Two services in one matrix do not touch each other.

use std::time::Duration;

use serde_json::Value;
use towpath_e2e::{World, towpath};

/// `api` has a router and a first step that no test sees the end of; `web` is restarted.
const MATRIX: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
  web: { purpose: Pages }
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"] }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
    services:
      api:
        router: { kind: towpath, listen: {listen} }
        rollout: { steps: [ { weight: 25%, bake: 2h }, { weight: 100%, bake: 1m } ] }
      web:
        rollout: { strategy: all-at-once }
"#;

const SOON: Duration = Duration::from_secs(20);

fn release(world: &World, service: &str, version: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = world.root().join(format!("{service}-{version}"));
    let text = format!(
        "#!/bin/sh\n# {service} {version}\nexec '{}' sample-service\n",
        towpath().display()
    );
    std::fs::write(&file, text).expect("the program is written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&file, mode).expect("its mode is set");
    let artifact = format!("{service}={}", file.display());
    world.must(&["release", "create", version, "--artifact", &artifact, "--service", service], 0);
}

fn promote(world: &World, service: &str, version: &str, more: &[&str], code: i32) {
    let words = ["promote", "production", "--release", version, "--yes", "--service", service];
    world.must(&[&words[..], more].concat(), code);
}

fn lane(world: &World, service: &str) -> Value {
    let status = world.status();
    let lanes = status["lanes"].as_array().cloned().unwrap_or_default();
    lanes.into_iter().find(|lane| lane["service"] == service).unwrap_or(Value::Null)
}

fn world() -> World {
    let world = World::new(MATRIX);
    for (service, version) in [("api", "1.0.0"), ("api", "1.1.0"), ("web", "1.0.0")] {
        release(&world, service, version);
    }
    world
}

#[test]
fn one_service_moves_while_another_is_under_way() {
    let world = world();
    promote(&world, "api", "1.0.0", &[], 0);
    promote(&world, "api", "1.1.0", &["--no-wait"], 0);
    world.until("the first service has two arms", SOON, || {
        lane(&world, "api")["weights"]["green"].as_f64() == Some(0.25)
    });
    // Versions belong to their service: the other one's 1.0.0 is another release.
    promote(&world, "web", "1.0.0", &[], 0);
    release(&world, "web", "1.1.0");
    promote(&world, "web", "1.1.0", &[], 0);
    world.must(&["rollback", "production", "--service", "web"], 0);
    let (api, web) = (lane(&world, "api"), lane(&world, "web"));
    assert_eq!(web["serves"]["release"], "1.0.0", "{web}");
    assert_eq!(web["quarantined"][0]["release"], "1.1.0", "{web}");
    assert_eq!(api["weights"]["green"].as_f64(), Some(0.25), "{api}");
    assert_eq!(api["serves"]["release"], "1.0.0", "{api}");
    // What is quarantined for one service may enter for the other.
    assert_eq!(api["promotion"]["release"], "1.1.0", "{api}");
    assert_eq!(api["quarantined"].as_array().map(Vec::len), Some(0), "{api}");
    let shown = world.must(&["status"], 0).out;
    assert!(shown.contains("api") && shown.contains("web"), "{shown}");
    world.must(&["audit", "verify"], 0);
}

#[test]
fn a_verb_that_could_mean_either_service_asks_which() {
    let world = world();
    promote(&world, "web", "1.0.0", &[], 0);
    let verbs: [&[&str]; 9] = [
        &["promote", "production", "--release", "1.0.0", "--yes"],
        &["plan", "production", "--release", "1.0.0"],
        &["rollback", "production"],
        &["why", "production"],
        &["health", "production"],
        &["validate", "production"],
        &["signal", "production", "security-incident", "--reason", "x"],
        &["release", "show", "1.0.0"],
        &["release", "create", "2.0.0", "--artifact", "api=towpath.yaml"],
    ];
    for words in verbs {
        let asked = world.must(words, 2);
        assert!(asked.err.contains("--service web"), "towpath {}\n{}", words.join(" "), asked.err);
    }
    let unknown = world.must(&["why", "production", "--service", "wed"], 5);
    assert!(unknown.err.contains("--service web"), "{}", unknown.err);
    assert!(lane(&world, "api")["serves"].is_null());
    assert_eq!(lane(&world, "web")["serves"]["release"], "1.0.0");
}

#[test]
fn the_commands_that_are_offered_name_the_service() {
    let world = world();
    promote(&world, "web", "1.0.0", &[], 0);
    release(&world, "web", "1.1.0");
    let verbs: [(&[&str], i32, &str); 7] = [
        (&["plan", "production", "--release", "1.1.0"], 0, "promote"),
        (&["promote", "production", "--release", "1.1.0", "--yes"], 0, "rollback"),
        (&["why", "production"], 0, "plan"),
        (&["rollback", "production", "--dry-run"], 0, "rollback"),
        (&["signal", "production", "business-impact", "--reason", "x"], 2, "rollback"),
        (&["rollback", "production"], 0, ""),
        (&["promote", "production", "--release", "1.1.0", "--yes"], 3, "quarantine lift"),
    ];
    for (words, code, offered) in verbs {
        let said = world.must(&[words, &["--service", "web"]].concat(), code);
        let said = format!("{}{}", said.out, said.err);
        let found = said.lines().find(|line| line.contains(&format!("towpath {offered} prod")));
        let named = found.is_some_and(|line| line.contains("--service web"));
        assert!(offered.is_empty() || named, "towpath {}\n{said}", words.join(" "));
    }
    // One that looks at all lanes says whose each is as well, though none was named.
    let listed = world.must(&["quarantine", "list"], 0).err;
    assert!(listed.contains("lift production 1.1.0 --reason"), "{listed}");
    assert!(listed.contains("--service web"), "{listed}");
    let listed = world.must(&["quarantine", "list", "--json"], 0).out;
    assert!(listed.contains("\"service\": \"web\""), "{listed}");
    // A number needs no service, and what follows from it does.
    let watched = world.must(&["watch", "2"], 0);
    assert!(watched.err.contains("towpath rollback production --service web"), "{}", watched.err);
    let ended = world.must(&["abort", "2", "--json"], 6).last();
    assert!(ended.to_string().contains("towpath rollback production --service web"), "{ended}");
}
