//! The guard with everything real: a release that turns bad, at once or later, under visitors, with the
//! engine alive or dead.

use std::time::Duration;

use towpath_e2e::{Met, Visitors, World, production};

const DECLARED: &str = r#"
rollout:
  strategy: blue-green
  rescue: never
  steps: [ { weight: 5%, bake: BAKE }, { weight: 100%, bake: 1m } ]
standby: 1h
rollback: { mode: automatic, when: { error_rate: "> 5%", latency_p90: "+50%" } }
"#;

/// A release with these settings comes in beside a good one; answers the world and its visitors.
fn coming(bake: &str, settings: &[&str]) -> (World, Visitors) {
    let world = World::before_second(&production(2, &DECLARED.replace("BAKE", bake)), settings);
    let visitors = world.visitors(8);
    // What blue is like is learnt before.
    world.until("visitors come", Duration::from_secs(20), || visitors.requests() > 1000);
    (world, visitors)
}

/// Waits for the end of the rollout that must go back; answers what visitors met.
fn goes_back(bake: &str, settings: &[&str]) -> Met {
    let (world, visitors) = coming(bake, settings);
    let ended = world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--json"], 3);
    assert_eq!(world.lane()["serves"]["release"], "1.0.0", "{}", ended.err);
    assert!(ended.last().to_string().contains("by chance less than once in"), "{}", ended.out);
    world.must(&["audit", "verify"], 0);
    visitors.end()
}

#[test]
fn a_release_that_fails_everything_harms_a_handful() {
    let met = goes_back("10m", &["FAIL_RATE=1"]);
    assert!(met.lost == 0 && met.harmed <= 30, "{met:?}");
}

#[test]
fn with_rescue_on_no_visitor_meets_a_release_that_fails_everything() {
    let (world, visitors) = coming("10m", &["FAIL_RATE=1"]);
    let path = world.root().join("towpath.yaml");
    let text = std::fs::read_to_string(&path).expect("the matrix");
    std::fs::write(&path, text.replace("rescue: never", "rescue: safe")).expect("it is written");
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 3);
    assert_eq!(world.lane()["serves"]["release"], "1.0.0");
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{met:?}");
}

#[test]
fn a_release_that_fails_half_or_a_tenth_of_its_requests_goes_back() {
    for (rate, most) in [("0.5", 30), ("0.1", 60)] {
        let met = goes_back("1h", &[&format!("FAIL_RATE={rate}")]);
        assert!(met.lost == 0 && met.harmed <= most, "{rate}: {met:?}");
    }
}

#[test]
fn a_release_that_fails_one_request_in_a_hundred_goes_back() {
    // Far below the limit of 5%, and far above blue, which fails none.
    let met = goes_back("4h", &["FAIL_RATE=0.01"]);
    assert!(met.lost == 0 && met.harmed <= 60, "{met:?}");
}

/// Ten minutes at the speed of the world.
const LATE: &str = "FAIL_AFTER_MS=10000";

#[test]
fn a_release_that_turns_bad_after_ten_minutes_goes_back_as_surely() {
    for (rate, most) in [("1", 30), ("0.1", 60)] {
        let met = goes_back("1h", &[&format!("FAIL_RATE={rate}"), LATE]);
        assert!(met.lost == 0 && met.harmed <= most, "{rate}: {met:?}");
    }
}

#[test]
fn a_release_that_is_slower_than_tolerated_goes_back() {
    let met = goes_back("1h", &["LATENCY_MS=80"]);
    assert!(met.lost == 0 && met.harmed == 0, "{met:?}");
}

#[test]
fn a_release_that_becomes_slow_after_ten_minutes_goes_back_as_surely() {
    let met = goes_back("2h", &["LATENCY_MS=80", LATE]);
    assert!(met.lost == 0 && met.harmed == 0, "{met:?}");
}

#[test]
fn the_engine_is_dead_when_the_release_turns_bad_and_traffic_goes_back_by_itself() {
    let (world, visitors) = coming("4h", &["FAIL_RATE=1", "FAIL_AFTER_MS=5000"]);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--no-wait"], 0);
    world.until("green has its weight", Duration::from_secs(20), || {
        world.lane()["weights"]["green"].as_f64() == Some(0.05)
    });
    world.crash(world.engine().expect("an engine runs"));
    // The lease lasts 30 s: what happens before it ends is the guard's doing.
    world.until("the fault has begun", Duration::from_secs(20), || visitors.harmed() > 0);
    world.until_visited(&visitors, 1500, Duration::from_secs(20));
    let met = visitors.end();
    assert!(met.lost == 0 && met.harmed <= 30, "{met:?}");
    // The next engine hears of it, and it ends as it would have.
    world.must(&["engine", "start"], 0);
    world.must(&["watch", "2"], 3);
    let lane = world.lane();
    assert_eq!(lane["quarantined"].as_array().map(Vec::len), Some(1), "{lane}");
}
