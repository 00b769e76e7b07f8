//! A release enters, another is caught, the old one comes back, and no visitor is lost.

use towpath_e2e::{World, production};

/// One environment; 60 times faster: two steps of 2 s and 1 s.
const DECLARED: &str = r#"
gate:
  validation:
    - { check: http, name: Ready, url: "{green}/ready", expect: 200 }
rollout:
  strategy: blue-green
  steps: [ { weight: 25%, bake: 2m }, { weight: 100%, bake: 1m } ]
standby: 1h
rollback: { mode: automatic, when: { error_rate: "> 5%" } }
"#;

/// 1.0.0 serves, and 1.1.0 has these settings.
fn world(settings: &[&str]) -> World {
    World::before_second(&production(2, DECLARED), settings)
}

#[test]
fn a_promotion_and_a_rollback_lose_no_request() {
    let world = world(&["TTS_VOICE=bea"]);
    let visitors = world.visitors(8);
    let promoted =
        world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--json"], 0);
    assert_eq!(promoted.last()["outcome"], "succeeded", "{}", promoted.out);
    assert_eq!(world.lane()["serves"]["release"], "1.1.0");
    world.must(&["rollback", "production", "--reason", "wrong prices"], 0);
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0");
    assert_eq!(lane["quarantined"][0]["release"], "1.1.0");
    let met = visitors.end();
    assert!(met.requests > 100, "only {} requests were made", met.requests);
    assert_eq!((met.lost, met.harmed), (0, 0), "{:?}", met.first_loss);
    // What a person threw out may not come back by itself.
    let refused = world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 3);
    assert!(refused.err.contains("quarantine"), "{}", refused.err);
    world.must(&["audit", "verify"], 0);
}

#[test]
fn a_release_that_fails_is_taken_back_at_its_first_step_and_quarantined() {
    let world = world(&["FAIL_RATE=0.2"]);
    let visitors = world.visitors(8);
    let went_back =
        world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--json"], 3);
    assert_eq!(went_back.last()["outcome"], "rolled_back", "{}", went_back.out);
    let met = visitors.end();
    assert_eq!(met.lost, 0, "{:?}", met.first_loss);
    assert_eq!(met.harmed, 0, "what it failed was served again: {:?}", met.first_loss);
    assert_eq!(went_back.last()["harmed_requests"], 0, "{}", went_back.out);
    let rescued = went_back.last()["rescued_requests"].as_u64();
    assert!(rescued.is_some_and(|rescued| rescued > 0), "{}", went_back.out);
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0");
    assert_eq!(lane["quarantined"][0]["release"], "1.1.0");
}

#[test]
fn a_release_that_fails_its_copies_goes_back_before_it_has_a_visitor() {
    let mirrors = "steps: [ { weight: 0%, mirror: 100%, bake: 2m }, { weight: 25%";
    let declared = DECLARED.replace("steps: [ { weight: 25%", mirrors);
    let world = World::before_second(&production(2, &declared), &["FAIL_RATE=0.5"]);
    let visitors = world.visitors(8);
    let went_back =
        world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--json"], 3);
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{:?}", met.first_loss);
    let count = |field: &str| went_back.last()[field].as_u64().unwrap_or_default();
    let (copies, otherwise) = (count("mirrored_requests"), count("mirrored_differing"));
    // It is found after a few dozen copies, half of which fail.
    assert!(copies > 10, "{}", went_back.out);
    assert!(otherwise > copies / 4 && otherwise <= copies, "{otherwise} of {copies}");
    assert_eq!(world.lane()["quarantined"][0]["release"], "1.1.0");
}

#[test]
fn a_release_that_does_not_start_leaves_what_serves_alone_and_says_why() {
    let world = world(&["EXIT_AT_START=3"]);
    let failed = world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--json"], 1);
    assert_eq!(failed.last()["outcome"], "failed", "{}", failed.out);
    let lane = world.lane();
    assert_eq!(lane["serves"]["release"], "1.0.0");
    assert_eq!(lane["quarantined"].as_array().map(Vec::len), Some(0), "a start is no verdict");
}
