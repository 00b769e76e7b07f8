//! Single decisions that a story cannot single out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod course;
mod declared;

use course::{Course, order};
use declared::{ada, lane_id, matrix, release};
use towpath_core::check::{Attested, CheckAnswer};
use towpath_core::ids::Digest;
use towpath_core::journal::Event;
use towpath_core::promotion::command::{CommandOutcome, Order};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::State;
use towpath_core::promotion::{Decision, PASS_LASTS};
use towpath_core::release::{ChangeType, ReleaseRef};
use towpath_core::units::{Span, Weight};
use towpath_guard::{Evidence, Standing, Verdict};

/// A project whose lane `prod` bakes its second release at the first step.
fn baking() -> Course {
    let mut baking = Course::new(matrix(0));
    for number in 1..=2 {
        for environment in ["dev", "prod"] {
            baking.carry(environment, order(number));
        }
    }
    baking
}

/// Gives each check of `asked` a pass, so many minutes after now; what followed the last one.
fn pass(waits: &mut Course, asked: &Decision, minutes: [u64; 2]) -> Decision {
    let began = waits.now;
    let mut answers: Vec<_> = asked.commands.iter().zip(minutes).collect();
    assert_eq!(answers.len(), 2, "both checks are asked: {:?}", asked.commands);
    answers.sort_by_key(|(_, minutes)| *minutes);
    let mut followed = Decision::default();
    for (command, minutes) in answers {
        assert!(matches!(command.order, Order::AskCheck { .. }));
        waits.now = began.plus(Span::minutes(minutes));
        let outcome = CommandOutcome::Checked { answer: CheckAnswer::pass("it is so") };
        followed = waits.give("prod", &Input::CommandEnded { command: command.id, outcome });
    }
    followed
}

fn unhealthy() -> Verdict {
    let sentence = "green failed 9 of 20".to_owned();
    Verdict { standing: Standing::Unhealthy, sentence, evidence: Evidence::default() }
}

#[test]
fn a_verdict_of_harm_that_comes_with_a_wake_up_counts_before_the_bake_ends_and_in_a_pause() {
    for pause in [false, true] {
        let mut baking = baking();
        let number = baking.prod().unwrap().number;
        assert!(matches!(baking.prod().unwrap().state, State::Baking { step: 0, .. }));
        if pause {
            baking.give("prod", &Input::PauseOrdered { number, by: ada(), reason: None });
        }
        baking.now = baking.now.plus(Span::seconds(5));
        baking.give("prod", &Input::Woken { verdict: Some(unhealthy()), ask_again: false });
        assert!(matches!(baking.prod().unwrap().state, State::GoingBack { .. }), "paused: {pause}");
    }
}

#[test]
fn a_paused_reconciliation_waits_for_the_person_and_not_for_the_router() {
    let mut baking = baking();
    let number = baking.prod().unwrap().number;
    let revision = baking.project.lane(&lane_id("prod")).last_revision;
    let weight = Weight::ZERO;
    baking.give("prod", &Input::RouteObserved { revision, weight });
    baking.give("prod", &Input::PauseOrdered { number, by: ada(), reason: None });
    baking.now = baking.now.plus(Span::hours(2));
    let woken = baking.give("prod", &Input::Woken { verdict: None, ask_again: false });
    assert_eq!(woken.events, []);
    let resumed = baking.give("prod", &Input::ResumeOrdered { number, by: ada(), signed: None });
    assert!(resumed.events.iter().any(|event| matches!(event, Event::WeightOrdered { .. })));
}

/// The bit of a variant that gives `prod` two prerequisites.
const TWO_CHECKS: u16 = 1 << 3;

fn starts(decision: &Decision) -> bool {
    decision.events.iter().any(|event| matches!(event, Event::PromotionStarted { .. }))
}

#[test]
fn two_checks_that_each_take_longer_than_a_pass_lasts_do_not_ask_for_each_other_for_ever() {
    let mut waits = Course::new(matrix(TWO_CHECKS));
    waits.carry("dev", order(1));
    let asked = waits.give("prod", &order(1));
    assert!(starts(&pass(&mut waits, &asked, [30, 15])));
}

#[test]
fn a_pass_that_is_older_than_it_lasts_is_asked_again_once_before_the_start() {
    let mut waits = Course::new(matrix(TWO_CHECKS));
    waits.carry("dev", order(1));
    let asked = waits.give("prod", &order(1));
    let number = waits.project.lane(&lane_id("prod")).waiting[0].number;
    waits.give("prod", &Input::PauseOrdered { number, by: ada(), reason: None });
    assert!(!starts(&pass(&mut waits, &asked, [0, 0])));
    waits.now = waits.now.plus(PASS_LASTS);
    let resumed = waits.give("prod", &Input::ResumeOrdered { number, by: ada(), signed: None });
    assert!(!starts(&resumed));
    assert!(starts(&pass(&mut waits, &resumed, [15, 40])));
}

/// Ada says at `minute` that release 1 is accepted in `dev`.
fn attested(course: &mut Course, minute: u64) -> Digest {
    let release = ReleaseRef::from(&release(1, ChangeType::Feature, false));
    let digest = release.digest.clone();
    let word = Attested {
        lane: lane_id("dev"),
        release,
        title: "Accepted".to_owned(),
        by: ada(),
        at: course.now.plus(Span::minutes(minute)),
        note: None,
        link: None,
        signed: None,
    };
    course.project.apply(None, &Event::Attested(word), course.now);
    digest
}

#[test]
fn what_people_said_of_a_release_before_it_served_says_nothing_of_settings_that_come_later() {
    let mut course = Course::new(matrix(0));
    let digest = attested(&mut course, 0);
    let words = |course: &Course| {
        let lane = lane_id("dev");
        let words = course.project.words(&lane, &digest, "Accepted");
        words.map(|word| word.at).collect::<Vec<_>>()
    };
    let before = course.now;
    assert_eq!(words(&course), [before]);
    course.now = course.now.plus(Span::minutes(5));
    course.carry("dev", order(1));
    assert_eq!(words(&course), []);
    attested(&mut course, 1);
    assert_eq!(words(&course), [course.now.plus(Span::minutes(1))]);
    // Once another release serves, what was said of this one is about the release again.
    course.now = course.now.plus(Span::minutes(5));
    course.carry("dev", order(2));
    assert_eq!(words(&course).len(), 2);
}

#[test]
fn what_a_rollback_returns_to_rests_on_what_was_found_when_it_came() {
    let mut course = Course::new(matrix(0));
    course.carry("dev", order(1));
    let found = Digest::of(b"figures of a load");
    let lane = course.project.lanes.get_mut(&lane_id("dev")).unwrap();
    lane.verified[0].evidence.insert(found.clone());
    course.carry("dev", order(2));
    course.carry("dev", Input::RollbackOrdered { by: ada(), reason: None, quarantine: true });
    let lane = course.project.lane(&lane_id("dev"));
    let latest = lane.verified.last().unwrap();
    assert_eq!(latest.release.version, release(1, ChangeType::Feature, false).version);
    assert!(latest.evidence.contains(&found), "{latest:?}");
}
