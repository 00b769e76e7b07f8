//! After commit with everything real: a share of the visitors stays on the old release, and the new one
//! that turns bad beside it goes back, with the engine alive or dead.

use std::time::Duration;

use serde_json::Value;
use towpath_e2e::{Visitors, World, production};

/// The limit is far above what fails here: only the comparison with the old release can tell.
const DECLARED: &str = r#"
rollout:
  strategy: blue-green
  rescue: never
  steps: [ { weight: 50%, bake: 2m }, { weight: 100%, bake: 1m } ]
standby: 4h
holdback: 20%
rollback: { mode: MODE, when: { error_rate: "> 90%" } }
"#;

const PATIENCE: Duration = Duration::from_secs(30);

/// The second release has entered and 20% of the requests stay on the first.
fn committed(mode: &str, settings: &[&str]) -> (World, Visitors) {
    let world = World::before_second(&production(2, &DECLARED.replace("MODE", mode)), settings);
    let visitors = world.visitors(8);
    let plan = world.must(&["plan", "production", "--release", "1.1.0"], 0);
    assert!(plan.out.contains(", with 20% of the requests"), "{}", plan.out);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.1.0");
    assert_eq!(lane["standby"]["holdback"]["observed"], 0.2);
    assert_eq!(
        (&lane["weights"]["blue"], &lane["weights"]["held_back"]),
        (&0.8.into(), &0.2.into())
    );
    (world, visitors)
}

/// Waits until the fault has begun and visitors have gone on for long after it.
fn turns_bad(world: &World, visitors: &Visitors) {
    world.until("the fault has begun", PATIENCE, || visitors.harmed() > 0);
    world.until_visited(visitors, 3000, PATIENCE);
}

#[test]
fn a_release_that_turns_bad_after_commit_goes_back_though_the_engine_is_dead() {
    let (world, visitors) = committed("automatic", &["FAIL_RATE=0.5", "FAIL_AFTER_MS=12000"]);
    let status = world.must(&["status"], 0);
    assert!(status.out.contains("20% of requests stay on 1.0.0 until"), "{}", status.out);
    world.crash(world.engine().expect("an engine runs"));
    turns_bad(&world, &visitors);
    let harmed = visitors.harmed();
    world.until_visited(&visitors, 1000, PATIENCE);
    assert_eq!(visitors.harmed(), harmed, "everybody is on the old release");
    // The next engine hears of it, and makes what the proxy did a rollback.
    world.must(&["engine", "start"], 0);
    world.until("it is rolled back", PATIENCE, || world.lane()["serves"]["release"] == "1.0.0");
    world.must(&["watch", "3"], 0);
    let lane = world.lane();
    assert_eq!(lane["quarantined"].as_array().map(Vec::len), Some(1), "{lane}");
    assert_eq!(lane["weights"]["blue"], 1.0);
    let met = visitors.end();
    assert!(met.lost == 0 && met.harmed <= 300, "{met:?}");
    world.must(&["audit", "verify"], 0);
}

#[test]
fn what_only_stands_by_answers_what_the_new_release_fails_until_it_is_taken_back() {
    let declared = DECLARED.replace("  rescue: never\n", "").replace("holdback: 20%\n", "");
    // Fewer fail than may be rescued, and more than the matrix tolerates.
    let declared = declared.replace("> 90%", "> 2%");
    let matrix = production(2, &declared.replace("MODE", "automatic"));
    let world = World::before_second(&matrix, &["FAIL_RATE=0.06", "FAIL_AFTER_MS=12000"]);
    let visitors = world.visitors(8);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    let lane = world.lane();
    assert_eq!(lane["standby"]["release"], "1.0.0");
    assert_eq!((&lane["standby"]["holdback"], visitors.rescued()), (&Value::Null, 0));
    world.until("the fault has begun", PATIENCE, || visitors.rescued() > 0);
    world.until("it is rolled back", PATIENCE, || world.lane()["serves"]["release"] == "1.0.0");
    world.must(&["watch", "3"], 0);
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{met:?}");
    world.must(&["audit", "verify"], 0);
}

#[test]
fn where_a_person_decides_it_asks_and_the_shares_stay() {
    let (world, visitors) = committed("manual", &["FAIL_RATE=0.5", "FAIL_AFTER_MS=8000"]);
    world.until("it asks", PATIENCE, || world.lane()["asks"].is_string());
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.1.0");
    assert_eq!(lane["standby"]["holdback"]["observed"], 0.2);
    world.must(&["rollback", "production", "--reason", "as it asked"], 0);
    assert_eq!(world.lane()["serves"]["release"], "1.0.0");
    let harmed = visitors.harmed();
    world.until_visited(&visitors, 500, PATIENCE);
    assert_eq!(visitors.harmed(), harmed);
    assert_eq!(visitors.end().lost, 0);
}

#[test]
fn the_next_promotion_ends_it_and_nobody_is_lost() {
    let (world, visitors) = committed("automatic", &[]);
    world.release("1.2.0", &[]);
    let plan = world.must(&["plan", "production", "--release", "1.2.0"], 0);
    assert!(
        plan.out.contains("the standby of 1.0.0, after the 20% of the requests"),
        "{}",
        plan.out
    );
    world.must(&["promote", "production", "--release", "1.2.0", "--yes"], 0);
    let lane = world.lane();
    assert_eq!(
        (&lane["serves"]["release"], &lane["standby"]["release"]),
        (&"1.2.0".into(), &"1.1.0".into())
    );
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{met:?}");
}
