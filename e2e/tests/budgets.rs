//! A budget of harm with everything real: its weights are chosen by what visitors meet.

use std::time::Duration;

use towpath_e2e::{Visitors, World, production};

const DECLARED: &str = r#"
rollout:
  strategy: adaptive
  harm_budget: 30 requests
  rescue: never
  hold_limit: 10m
  steps:
    - { weight: 1%, bake: { min: 2m, max: 20m } }
    - { weight: 5%, bake: { min: 2m, max: 20m } }
    - { weight: 20%, bake: { min: 2m, max: 20m } }
    - { weight: 50%, bake: { min: 2m, max: 20m } }
    - { weight: 100%, bake: { min: 2m, max: 5m } }
rollback: { mode: automatic, when: { error_rate: "> 50%" } }
"#;

/// A release with these settings comes in beside a good one; answers the world and its visitors.
fn coming(settings: &[&str]) -> (World, Visitors) {
    let world = World::before_second(&production(2, DECLARED), settings);
    let visitors = world.visitors(4);
    world.until("visitors come", Duration::from_secs(20), || visitors.requests() > 500);
    (world, visitors)
}

#[test]
fn a_release_that_fails_one_request_in_five_harms_no_more_than_is_allowed() {
    let (world, visitors) = coming(&["FAIL_RATE=0.2"]);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 3);
    assert_eq!(world.lane()["serves"]["release"], "1.0.0");
    let met = visitors.end();
    assert!(met.lost == 0 && met.harmed <= 30, "{met:?}");
    world.must(&["audit", "verify"], 0);
}

#[test]
fn a_good_release_rises_as_it_is_known_and_each_weight_says_why() {
    let (world, visitors) = coming(&[]);
    let plan = world.must(&["plan", "production", "--release", "1.1.0"], 0).out;
    assert!(plan.contains("1% first, then the largest of these at which"), "{plan}");
    let told = world.must(&["promote", "production", "--release", "1.1.0", "--yes"], 0);
    assert!(told.err.contains("weight 1% for 20s: the smallest, because"), "{}", told.err);
    assert!(
        told.err.contains("could be harmed before the guard acts; 30 are allowed"),
        "{}",
        told.err
    );
    assert_eq!(world.lane()["serves"]["release"], "1.1.0");
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{met:?}");
}
