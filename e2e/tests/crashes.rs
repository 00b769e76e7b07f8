//! The engine and the proxy are killed in the middle; visitors do not notice.

use std::time::Duration;

use rand::RngExt as _;
use towpath_e2e::{World, production};

const DECLARED: &str = r#"
rollout:
  strategy: blue-green
  lease: 5s
  steps: [ { weight: 25%, bake: BAKE }, { weight: 100%, bake: 1m } ]
standby: 1h
rollback: { mode: automatic, when: { error_rate: "> 5%" } }
"#;

fn world(bake: &str) -> World {
    let matrix = production(2, &DECLARED.replace("BAKE", bake));
    World::before_second(&matrix, &["TTS_VOICE=bea"])
}

#[test]
fn past_the_lease_of_a_dead_engine_traffic_is_on_blue_and_a_new_engine_goes_on() {
    let world = world("10m");
    let visitors = world.visitors(8);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--no-wait"], 0);
    world.until("green has its weight", Duration::from_secs(20), || {
        world.lane()["weights"]["green"].as_f64() == Some(0.25)
    });
    world.crash(world.engine().expect("an engine runs"));
    // Past the lease of 5 s no new request goes to green.
    std::thread::sleep(Duration::from_secs(7));
    let client = reqwest_releases(&world, 60);
    assert!(client.iter().all(|release| release == "1.0.0"), "{client:?}");
    // Looking starts none; told to, a new engine takes the step again.
    assert_eq!(world.status()["engine"]["running"], false);
    world.must(&["engine", "start"], 0);
    world.until("it goes on from its step", Duration::from_secs(20), || {
        world.lane()["weights"]["green"].as_f64() == Some(0.25)
    });
    world.until("it ends well", Duration::from_secs(40), || {
        world.lane()["serves"]["release"] == "1.1.0"
    });
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{:?}", met.first_loss);
    world.must(&["audit", "verify"], 0);
}

#[test]
fn after_commit_a_dead_engine_moves_nothing() {
    let world = world("1m");
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    world.crash(world.engine().expect("an engine runs"));
    std::thread::sleep(Duration::from_secs(7));
    let releases = reqwest_releases(&world, 30);
    assert!(releases.iter().all(|release| release == "1.1.0"), "{releases:?}");
}

/// Kills the proxy, and waits until the engine has started another one and it serves.
fn crash_proxy(world: &World) {
    let old = world.proxy().expect("a proxy runs");
    world.crash(old);
    world.until("another proxy serves", Duration::from_secs(30), || {
        world.proxy().is_some_and(|new| new != old)
            && !reqwest_releases(world, 1).contains(&String::new())
    });
}

#[test]
fn a_proxy_killed_under_visitors_comes_back_by_itself_with_its_table() {
    let world = world("1m");
    let visitors = world.visitors(8);
    world.until("visitors come", Duration::from_secs(20), || visitors.requests() > 200);
    crash_proxy(&world);
    let during = visitors.end();
    // What was under way broke off, and nothing new was taken until it was back: that is the cost.
    eprintln!(
        "a killed proxy: {} of {} requests got no answer, {} of them no connection",
        during.lost, during.requests, during.refused
    );
    assert!(during.refused > 0, "the gap was to be seen: {during:?}");
    // Eight visitors have one request under way each.
    assert!(during.lost - during.refused <= 8, "{during:?}");
    assert_eq!(during.harmed, 0, "{during:?}");
    let visitors = world.visitors(8);
    let releases = reqwest_releases(&world, 100);
    assert!(releases.iter().all(|release| release == "1.0.0"), "{releases:?}");
    world.until("visitors come", Duration::from_secs(20), || visitors.requests() > 200);
    let after = visitors.end();
    assert_eq!((after.lost, after.harmed), (0, 0), "{:?}", after.first_loss);
}

#[test]
fn a_proxy_killed_in_a_rollout_is_no_verdict_and_the_rollout_goes_on() {
    let world = world("2h");
    let visitors = world.visitors(8);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--no-wait"], 0);
    let is_shared = |least: u64| {
        let lane = world.lane();
        let seen = lane["promotion"]["evidence"]["green"]["requests"].as_u64();
        lane["weights"]["green"].as_f64() == Some(0.25) && seen > Some(least)
    };
    world.until("green has answered", Duration::from_secs(20), || is_shared(50));
    let before = world.lane()["promotion"]["evidence"].clone();
    crash_proxy(&world);
    let seen = before["green"]["requests"].as_u64().expect("a count");
    // The lane may go on to show what was so before the crash; what visitors get tells.
    world.until("both releases answer again", Duration::from_secs(30), || {
        let releases = reqwest_releases(&world, 100);
        assert!(!releases.contains(&String::new()), "{releases:?}");
        ["1.0.0", "1.1.0"].iter().all(|release| releases.iter().any(|one| one == release))
    });
    world.until("green has its weight and more evidence", Duration::from_secs(30), || {
        is_shared(seen)
    });
    let lane = world.lane();
    assert_eq!(lane["quarantined"].as_array().map(Vec::len), Some(0), "{lane}");
    assert!(lane["promotion"]["outcome"].is_null(), "{lane}");
    world.must(&["abort", "2"], 0);
    world.must(&["watch", "2"], 1);
    let releases = reqwest_releases(&world, 100);
    assert!(releases.iter().all(|release| release == "1.0.0"), "{releases:?}");
    assert_eq!(visitors.end().harmed, 0);
    world.must(&["audit", "verify"], 0);
}

#[test]
#[ignore = "heavy"]
fn an_engine_killed_at_ten_random_moments_of_a_rollout_ends_it_correctly() {
    let mut random = rand::rng();
    let world = world("2m");
    let visitors = world.visitors(8);
    for round in 0..10 {
        let version = format!("2.{round}.0");
        world.release(&version, &[&format!("TTS_VOICE=voice{round}")]);
        world.must(&["promote", "production", "--release", &version, "--yes", "--no-wait"], 0);
        std::thread::sleep(Duration::from_secs_f64(random.random_range(0.0..4.0)));
        if let Some(engine) = world.engine() {
            world.crash(engine);
        }
        world.must(&["engine", "start"], 0);
        world.until(&format!("{version} serves"), Duration::from_mins(1), || {
            world.lane()["serves"]["release"] == version.as_str()
        });
    }
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{:?}", met.first_loss);
    world.must(&["audit", "verify"], 0);
}

/// The releases that answer `count` requests in a row; an empty name where none did.
fn reqwest_releases(world: &World, count: usize) -> Vec<String> {
    let url = world.page();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut releases = Vec::new();
        for _ in 0..count {
            let release = match client.get(&url).send().await {
                Ok(answer) => {
                    let header = answer.headers().get("x-release");
                    header.and_then(|value| value.to_str().ok()).unwrap_or("").to_owned()
                }
                Err(_) => String::new(),
            };
            releases.push(release);
        }
        releases
    })
}
