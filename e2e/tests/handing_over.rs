//! A server that is told to end in the middle of a rollout hands it over: whoever comes next ends it, and no visitor
//! notices.

use std::time::{Duration, Instant};

use towpath_e2e::serving::Serving;
use towpath_e2e::{World, production};

const DECLARED: &str = r#"
rollout:
  strategy: blue-green
  lease: 30s
  steps: [ { weight: 25%, bake: 15m }, { weight: 100%, bake: 1m } ]
standby: 1h
rollback: { mode: automatic, when: { error_rate: "> 5%" } }
"#;
/// How long open requests and a take-over may take (the server's own limits, and a slow machine).
const WITHIN: Duration = Duration::from_secs(40);

#[test]
fn a_server_told_to_end_mid_rollout_hands_over_and_no_request_is_lost() {
    let world = World::before_second(&production(2, DECLARED), &["TTS_VOICE=bea"]);
    world.must(&["engine", "stop"], 0);
    let options = ["--rehearsal", "60x"];
    let first = Serving::begin(world.root(), &options);
    let visitors = world.visitors(8);
    world.must(&["promote", "production", "--release", "1.1.0", "--yes", "--no-wait"], 0);
    let green = || world.lane()["weights"]["green"].as_f64();
    world.until("green has its weight", WITHIN, || green() == Some(0.25));
    let before = world.engine().expect("a server runs");

    // SIGTERM, as a service manager sends it before it starts the next version.
    let begun = Instant::now();
    assert_eq!(first.stop(), Some(0));
    let lane = world.lane();
    assert!(lane["promotion"]["outcome"].is_null(), "nothing is decided by an end: {lane}");
    let second = Serving::begin(world.root(), &options);
    let gap = begun.elapsed();
    assert_ne!(world.engine().expect("a server runs"), before);
    // The lease was not over: green kept its weight, and the step goes on where it was.
    assert!(gap < Duration::from_secs(30), "the lease lapsed: {gap:?}");
    assert_eq!(green(), Some(0.25));
    let history = world.must(&["watch", "2"], 0);
    assert!(!history.out.contains("reconcil"), "{}", history.out);

    world.until("it serves", WITHIN, || world.lane()["serves"]["release"] == "1.1.0");
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{:?}", met.first_loss);
    assert!(met.requests > 500, "{met:?}");
    world.must(&["audit", "verify"], 0);
    assert_eq!(second.stop(), Some(0));
}
