//! `pause`, `resume` and `abort`, and leaving a promotion that goes on.

use std::time::Duration;

use crate::{SLOW, SOON, is_untouched, routed, under_way};

#[test]
fn a_paused_promotion_stays_where_it_is_until_it_is_resumed() {
    // 3 s and 1 s in a rehearsal.
    let rollout = "{ steps: [ { weight: 25%, bake: 3m }, { weight: 100%, bake: 1m } ] }";
    let world = routed(rollout);
    let visitors = world.visitors(4);
    let (watcher, number) = under_way(&world, "1.1.0");
    let number = number.to_string();
    world.must(&["pause", &number, "--reason", "lunch"], 0);
    world.must(&["pause", &number], 6);
    // Longer than what was left of the step.
    std::thread::sleep(Duration::from_secs(4));
    let lane = world.lane();
    assert_eq!(lane["weights"]["green"].as_f64(), Some(0.25), "{lane}");
    assert!(lane["promotion"]["paused"].to_string().contains("lunch"), "{lane}");
    let why = world.must(&["why", "production"], 0).out;
    assert!(why.contains("lunch") && why.contains(&format!("towpath resume {number}")), "{why}");
    world.must(&["resume", &number], 0);
    world.must(&["resume", &number], 6);
    let ended = watcher.end();
    assert_eq!((ended.code, &ended.last()["outcome"]), (0, &"succeeded".into()), "{}", ended.out);
    for event in ["\"paused\"", "\"resumed\""] {
        assert!(ended.out.contains(event), "the watcher heard it: {}", ended.out);
    }
    let met = visitors.end();
    assert_eq!((met.lost, met.harmed), (0, 0), "{:?}", met.first_loss);
}

#[test]
fn an_aborted_promotion_returns_all_traffic_and_is_no_verdict() {
    let world = routed(SLOW);
    let (watcher, number) = under_way(&world, "1.1.0");
    let number = number.to_string();
    world.must(&["abort", "99"], 5);
    world.must(&["abort", &number, "--reason", "wrong day"], 0);
    let ended = watcher.end();
    let last = ended.last();
    assert_eq!((ended.code, &last["outcome"]), (1, &"aborted".into()), "{}", ended.out);
    assert!(last["reason"].to_string().contains("wrong day"), "{last}");
    assert_eq!(last["serves"], "1.0.0");
    is_untouched(&world, "1.0.0");
    for verb in ["pause", "resume", "abort"] {
        let refused = world.must(&[verb, &number], 6);
        assert!(refused.err.contains("has ended"), "{}", refused.err);
    }
    // It may come again at once.
    let words = ["promote", "production", "--release", "1.1.0", "--yes", "--no-wait"];
    world.must(&words, 0);
}

#[test]
fn a_promotion_goes_on_without_whoever_watched_it() {
    let world = routed(SLOW);
    let (watcher, number) = under_way(&world, "1.1.0");
    let number_text = number.to_string();
    let goes_on = || {
        let promotion = world.lane()["promotion"].clone();
        assert_eq!(promotion["number"], number, "{promotion}");
        assert_eq!(promotion["outcome"], serde_json::Value::Null, "{promotion}");
    };
    watcher.interrupt();
    let ended = watcher.end();
    assert_eq!((ended.code, &ended.last()["event"]), (130, &"left".into()), "{}", ended.out);
    goes_on();
    let left = world.must(&["watch", &number_text, "--timeout", "1s"], 7);
    let said = format!("{}{}", left.out, left.err);
    assert!(said.contains("goes on") && said.contains("towpath abort"), "{said}");
    goes_on();
    world.must(&["abort", &number_text], 0);
    world.must(&["watch", &number_text], 1);
    let words = ["promote", "production", "--release", "1.1.0", "--yes"];
    let left = world.must(&[&words[..], &["--timeout", "1s", "--json"]].concat(), 7).last();
    assert_eq!((&left["event"], &left["exit"]), (&"left".into(), &7.into()), "{left}");
    world.until("green has its weight", SOON, || {
        world.lane()["weights"]["green"].as_f64() == Some(0.25)
    });
}
