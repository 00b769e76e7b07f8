//! Which weight is next under a budget of harm, whatever the evidence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod course;
mod declared;

use course::{Course, order};
use declared::{ada, lane_id, matrix, step};
use proptest::prelude::*;
use towpath_core::guarding::{self, ROUTER_SHARE};
use towpath_core::journal::Event;
use towpath_core::matrix::{OnBlind, Strategy};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::{Promotion, State};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{Evidence, Forecast, Rung, Seen, Standing, Verdict};

const BUDGET: u32 = 20;
const LADDER: [u16; 7] = [1, 2, 5, 10, 20, 50, 100];

/// A lane whose second release is at its first weight, with a budget of harm.
struct Rollout {
    course: Course,
    /// When the weight that is in force was observed, and what was counted until then.
    since: Timestamp,
    counted: u64,
}

impl Rollout {
    fn new(on_blind: OnBlind) -> Self {
        let mut declared = matrix(0);
        let rollout = &mut declared.environments[1].lanes.values_mut().next().unwrap().rollout;
        rollout.strategy = Strategy::Adaptive;
        rollout.harm_budget = Some(BUDGET);
        rollout.on_blind = on_blind;
        rollout.steps = LADDER.iter().map(|percent| step(*percent, 10, 5 * 60)).collect();
        let course = Course::new(declared);
        let mut own = Self { since: course.now, course, counted: 0 };
        for (number, environment) in [(1, "dev"), (1, "prod"), (2, "dev"), (2, "prod")] {
            own.course.carry(environment, order(number));
            if environment == "prod" && number == 1 {
                own.pass_all();
            }
        }
        own.since = own.course.now;
        own
    }

    /// Lets the first release through, which nothing stands beside.
    fn pass_all(&mut self) {
        self.course.now = self.course.now.plus(Span::hours(1));
        self.woken(verdict(Standing::Healthy, Evidence::default()));
    }

    fn woken(&mut self, verdict: Verdict) -> Vec<Event> {
        self.course.carry("prod", Input::Woken { verdict: Some(verdict), ask_again: false })
    }

    /// So many seconds later, with what was seen until then.
    fn after(&mut self, seconds: u64, green: (u64, u64), blue: (u64, u64)) -> Vec<Event> {
        self.course.now = self.course.now.plus(Span::seconds(seconds));
        self.woken(verdict(Standing::Undecided, evidence(green, blue)))
    }

    fn prod(&self) -> Option<Promotion> {
        self.course.prod()
    }

    fn weight(&self) -> Option<Weight> {
        self.prod().map(|promotion| promotion.weight)
    }
}

fn evidence(green: (u64, u64), blue: (u64, u64)) -> Evidence {
    Evidence {
        green_requests: green.0,
        green_failed: green.1,
        blue_requests: blue.0,
        blue_failed: blue.1,
        ..Evidence::default()
    }
}

fn verdict(standing: Standing, evidence: Evidence) -> Verdict {
    Verdict { standing, sentence: "as it is".to_owned(), evidence }
}

fn ordered(events: &[Event]) -> Option<(Weight, String)> {
    events.iter().find_map(|event| match event {
        Event::WeightOrdered { weight, why, .. } => {
            Some((*weight, why.clone().unwrap_or_default()))
        }
        _ => None,
    })
}

#[test]
fn the_first_weight_is_the_smallest_and_the_next_the_largest_that_keeps_within_the_budget() {
    let mut rollout = Rollout::new(OnBlind::Rollback);
    let first = rollout.prod().unwrap();
    assert_eq!(first.weight, "1%".parse().unwrap());
    let why = first.weight_reason.unwrap();
    assert!(why.starts_with("the smallest, because nothing is known"), "{why}");
    // Before the least time nothing is chosen, however much is known.
    assert_eq!(rollout.after(9, (9_000, 0), (90_000, 450)), []);
    // 100 requests a second, 60 s: of those to green none failed, of blue's one in two hundred.
    let (weight, why) = ordered(&rollout.after(51, (60, 0), (5_940, 30))).unwrap();
    assert_eq!(weight, "2%".parse().unwrap(), "{why}");
    assert!(why.starts_with("at worst ") && why.ends_with("; 20 are allowed"), "{why}");
    assert_eq!(rollout.prod().unwrap().weight_reason.as_ref(), Some(&why));
}

#[test]
fn what_is_known_lets_weights_be_skipped() {
    let mut rollout = Rollout::new(OnBlind::Rollback);
    // A long time at 1%: green is as good as blue, whatever weight it gets.
    let (weight, why) = ordered(&rollout.after(240, (60_000, 300), (60_000, 300))).unwrap();
    assert_eq!((weight, rollout.weight()), (Weight::FULL, Some(Weight::FULL)));
    assert!(why.contains("nothing that is not tolerated is left to be feared"), "{why}");
}

#[test]
fn at_the_end_of_its_time_it_holds_while_that_is_safe_and_then_does_what_blindness_does() {
    for on_blind in [OnBlind::Rollback, OnBlind::Pause] {
        let mut rollout = Rollout::new(on_blind);
        let held = rollout.after(300, (300, 3), (29_700, 148));
        let held = held.iter().filter(|event| matches!(event, Event::StepHeld { .. }));
        assert_eq!(held.count(), 1);
        // Still safe, and said once.
        assert_eq!(rollout.after(5, (305, 3), (30_195, 150)), []);
        let over = rollout.after(300, (600, 12), (60_000, 300));
        match on_blind {
            OnBlind::Rollback => {
                let ended = rollout.course.project.lane(&lane_id("prod")).quarantined;
                assert!(over.iter().any(|event| matches!(event, Event::ReturnOrdered { .. })));
                assert!(ended.is_empty(), "nothing was found against it");
            }
            OnBlind::Pause => {
                let promotion = rollout.prod().unwrap();
                assert!(
                    promotion.paused.is_some_and(|it| it.reason.contains("2% is more than 20"))
                );
                let number = promotion.number;
                rollout
                    .course
                    .carry("prod", Input::ResumeOrdered { number, by: ada(), signed: None });
                let (weight, why) = ordered(&rollout.after(1, (600, 12), (60_100, 300))).unwrap();
                assert_eq!((weight, why.as_str()), ("2%".parse().unwrap(), ""), "a person said so");
            }
        }
    }
}

#[test]
fn a_hold_that_could_spend_the_budget_goes_back_at_once() {
    let mut rollout = Rollout::new(OnBlind::Rollback);
    let back = rollout.after(300, (3_000, 35), (297_000, 1_485));
    assert!(back.iter().any(|event| matches!(event, Event::ReturnOrdered { .. })), "{back:?}");
}

#[test]
fn harm_and_blindness_choose_no_weight() {
    for standing in [Standing::Unhealthy, Standing::Blind] {
        let mut rollout = Rollout::new(OnBlind::Rollback);
        rollout.course.now = rollout.course.now.plus(Span::minutes(4));
        let seen = evidence((60_000, 300), (60_000, 300));
        let happened = rollout.woken(verdict(standing, seen));
        assert_eq!(ordered(&happened), None, "{standing:?}");
    }
}

#[test]
fn the_plan_covers_the_budget_and_not_what_comes_of_it() {
    let mut rollout = Rollout::new(OnBlind::Rollback);
    let before = rollout.prod().unwrap().plan;
    rollout.after(60, (60, 0), (5_940, 30));
    let mut other = rollout.prod().unwrap().plan;
    assert_eq!(before.hash(), other.hash());
    other.section.rollout.harm_budget = Some(BUDGET + 1);
    assert_ne!(before.hash(), other.hash());
}

proptest! {
    /// Weights rise, and at each choice the harm so far and the worst to come are within the budget.
    #[test]
    fn no_weight_is_chosen_beyond_the_budget(
        looks in proptest::collection::vec((1_u64..120, 0_u64..4_000, 0_u64..12, 0_u64..9_000, 0_u64..60), 1..25),
    ) {
        let mut rollout = Rollout::new(OnBlind::Rollback);
        let (mut green, mut blue) = ((0, 0), (0, 0));
        for (seconds, of_green, green_failed, of_blue, blue_failed) in looks {
            let before = rollout.prod();
            let Some(State::Baking { .. }) = before.as_ref().map(|one| &one.state) else { break };
            let before = before.unwrap();
            let (failed, other) = (green_failed.min(of_green), blue_failed.min(of_blue));
            green = (green.0 + of_green, green.1 + failed);
            blue = (blue.0 + of_blue, blue.1 + other);
            let happened = rollout.after(seconds, green, blue);
            let Some((weight, _)) = ordered(&happened) else { continue };
            prop_assert!(weight > before.weight);
            let all = green.0 + blue.0;
            let in_step = real(rollout.course.now.since(rollout.since).milliseconds()) / 1000.0;
            let seen = Seen::of(&evidence(green, blue), real(all - rollout.counted) / in_step);
            let policy = guarding::policy(&before.plan.section, 1, ROUTER_SHARE, 1);
            let forecast = Forecast::new(&policy, seen);
            let sum = forecast.harmed() + forecast.worst(Rung { weight: weight.share(), seconds: 300.0 });
            prop_assert!(sum <= f64::from(BUDGET) + 1e-9, "{}: {}", weight, sum);
            (rollout.since, rollout.counted) = (rollout.course.now, all);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
fn real(count: u64) -> f64 {
    count as f64
}
