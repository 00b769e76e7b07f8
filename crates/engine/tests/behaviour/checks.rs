//! Checks that say no, or nothing at all. What is not a pass opens no gate.

use std::time::Duration;

use towpath_core::promotion::state::{Outcome, State};

use crate::fakes::Answer;
use crate::world::{SHORT, World};

#[test]
fn a_check_that_hangs_beyond_its_timeout_is_inconclusive_and_asked_again() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Hangs);
        let number = life.promote("1.0.0").await;
        tokio::time::sleep(Duration::from_mins(4)).await;
        let lane = life.lane();
        let waiting = lane.waiting.first().unwrap();
        assert!(matches!(waiting.state, State::Waiting { .. }), "{:?}", waiting.state);
        let view = life.engine.promotion(number).await.unwrap().unwrap();
        let (state, sentence) = (&view.checks[0].state, view.checks[0].sentence.as_deref());
        assert_eq!((state.as_str(), sentence), ("inconclusive", Some("no answer within 1m")));
        assert!(world.checks.asked("tests") >= 3, "{}", world.checks.asked("tests"));
        assert_eq!(world.target.most_starts(), 0, "nothing happens before its gate");
        world.checks.answers("tests", Answer::Pass);
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
    });
}

#[test]
fn a_check_that_says_no_keeps_the_release_out() {
    let world = World::new(SHORT);
    world.live(async |life| {
        life.begin().await;
        world.checks.answers("tests", Answer::Fail);
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Rejected);
        assert_eq!(world.target.running(), [1]);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"));
    });
}
