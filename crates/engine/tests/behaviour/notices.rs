//! Who is told, and that nothing of it is lost or holds anything up: crashes between a commit and its
//! delivery, channels that are slow, down or gone for good.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use towpath_core::freezing::Scope;
use towpath_core::ids::{Digest, Name, Person};
use towpath_core::matrix::{AdapterSpec, Matrix, Tier};
use towpath_core::notices::{Channel, NotifyRules, Occasion, SUMMARIES, SecretPlace};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::Outcome;
use towpath_core::units::Span;
use towpath_engine::EngineError;
use towpath_engine::views::NoticesView;

use crate::fakes::{Answer, ChannelManner, CommitFault, SECRET};
use crate::freezes;
use crate::world::{Life, SHORT, World, prod};

/// A crash at any of the first so many turns.
const TURNS: usize = 40;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `prod` is in production, and `slack` and `email` hear of what starts and ends there.
pub(crate) fn told(matrix: &mut Matrix) {
    let adapter = AdapterSpec { kind: "fake".to_owned(), settings: serde_json::json!({}) };
    let channel = |secrets: &[&str]| Channel {
        adapter: adapter.clone(),
        secrets: secrets
            .iter()
            .map(|own| {
                let place = SecretPlace { name: (*own).to_owned(), store: adapter.clone() };
                ("url_secret".to_owned(), place)
            })
            .collect(),
        missing: None,
    };
    let pager = Channel { missing: Some("notifier `phone` is planned".to_owned()), ..channel(&[]) };
    matrix.notifiers = BTreeMap::from([
        (name("slack"), channel(&["SLACK_URL"])),
        (name("email"), channel(&[])),
        (name("phone"), pager),
    ]);
    let all = || vec![name("slack"), name("email")];
    for environment in &mut matrix.environments {
        environment.tier = Tier::Production;
        environment.notify = NotifyRules {
            on: BTreeMap::from([
                (Occasion::Started, vec![name("slack")]),
                (Occasion::Succeeded, [all(), vec![name("phone")]].concat()),
                (Occasion::RolledBack, all()),
                (Occasion::Owed, vec![name("email")]),
            ]),
            ..NotifyRules::default()
        };
    }
}

fn world() -> World {
    World::new(SHORT).changed_by(told)
}

async fn view(life: &Life<'_>) -> NoticesView {
    life.engine.notices().await.unwrap()
}

/// Waits until nothing is on its way. A day of attempts is looked at less and less often: a look each
/// second is what took the time of these tests.
pub(crate) async fn all_settled(life: &Life<'_>) {
    let mut pause = Duration::from_secs(1);
    for _ in 0..10_000 {
        if view(life).await.pending.is_empty() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_mins(5));
    }
    panic!("{:#?}", view(life).await.pending);
}

#[test]
fn each_channel_hears_of_the_beginning_and_the_end_once_and_the_journal_says_so() {
    let world = world();
    world.live(async |life| {
        life.begin().await;
        all_settled(life).await;
        let promotion = life.engine.promotion(towpath_core::ids::PromotionNumber(1)).await;
        let promotion = promotion.unwrap().unwrap();
        assert_eq!(promotion.told, ["slack", "email"]);
        assert_eq!(promotion.not_told, ["phone (notifier `phone` is planned)"]);
    });
    let subjects = world.notifiers.subjects("slack");
    let expected = ["[project] 1.0.0 is on its way into prod", "[project] prod serves 1.0.0"];
    assert_eq!(subjects, expected);
    assert_eq!(world.notifiers.subjects("email"), ["[project] prod serves 1.0.0"]);
    assert_eq!(world.notifiers.sent(SUMMARIES).len(), 1, "a file for each promotion");
    assert_eq!(world.store.count("notice-delivered"), 4);
    assert_eq!(world.store.pending(), 0);
    let delivered = world.store.bodies().into_iter().find(|row| row.kind == "notice-delivered");
    assert_eq!(delivered.unwrap().body["secrets"], serde_json::json!(["SLACK_URL"]));
}

#[test]
fn a_summary_says_what_who_how_long_and_what_visitors_met() {
    let world = world();
    world.live(async |life| {
        life.begin().await;
        all_settled(life).await;
    });
    let summary = world.notifiers.summaries().pop().unwrap();
    for wanted in [
        "outcome   succeeded: ",
        "release   1.0.0 (",
        "where     into prod, service app\n",
        "who       anna at ",
        "took      ",
        "gate      tests pass: as it should be\n",
        "visitors  harmed 0, rescued 0, lost ",
    ] {
        assert!(summary.contains(wanted), "{wanted} in {summary}");
    }
}

#[test]
fn a_summary_names_the_evidence_that_each_gate_rested_on() {
    let world = World::new("prod: root, steps 100%/2s, check tests, check other").changed_by(told);
    let text = "10 passed\n0 failed";
    world.live(async |life| {
        life.prepare().await;
        world.checks.answers("tests", Answer::Reads(text));
        let number = life.promote("1.0.0").await;
        assert_eq!(life.end_of(number).await, Outcome::Succeeded);
        all_settled(life).await;
    });
    let summary = world.notifiers.summaries().pop().unwrap();
    let digest = Digest::of(text.as_bytes());
    let kept = format!("evidence  report ({})\n", &digest.hex()[..12]);
    let gates = format!(
        "gate      tests pass: as it was read\n{kept}gate      other pass: as it should be\n"
    );
    assert!(summary.contains(&gates), "{gates} in {summary}");
    assert_eq!(summary.matches("evidence").count(), 1, "{summary}");
}

#[test]
fn a_crash_between_any_commit_and_its_delivery_loses_nothing_and_changes_no_id() {
    let mut crashes = 0;
    for well in 0..TURNS {
        let world = world();
        let died = world.live(async |life| {
            life.prepare().await;
            world.store.fail_after(well, CommitFault::CrashAfter);
            tokio::select! {
                () = world.store.crashed.notified() => true,
                () = async {
                    life.promote("1.0.0").await;
                    life.until("1.0.0 serves", |lane| lane.serving.is_some()).await;
                    all_settled(life).await;
                } => false,
            }
        });
        world.store.mend();
        if !died {
            break;
        }
        crashes += 1;
        world.live(async |life| {
            if world.store.count("promotion-requested") == 0 {
                life.promote("1.0.0").await;
            }
            life.until("1.0.0 serves", |lane| lane.serving.is_some()).await;
            life.until("it has ended", |lane| lane.active.is_none()).await;
            all_settled(life).await;
        });
        for (channel, wanted) in [("slack", 2), ("email", 1), (SUMMARIES, 1)] {
            let ids: BTreeSet<_> = world.notifiers.taken(channel).into_iter().collect();
            assert_eq!(ids.len(), wanted, "{channel} after a crash at turn {well}: {ids:?}");
        }
        assert_eq!(world.store.pending(), 0, "turn {well}");
    }
    assert!((8..TURNS).contains(&crashes), "{crashes} crashes");
}

#[test]
fn a_channel_that_hangs_delays_neither_a_promotion_nor_another_channel() {
    let plain = World::new(SHORT);
    let took = |world: &World| {
        world.live(async |life| {
            let before = life.now();
            life.begin().await;
            life.now().since(before)
        })
    };
    let world = world();
    world.notifiers.behaves("slack", ChannelManner::Hangs);
    assert_eq!(took(&world), took(&plain));
    assert_eq!(world.notifiers.taken("email").len(), 1);
    assert_eq!(world.store.pending(), 2, "both for slack wait for the next engine");
}

#[test]
fn a_notice_that_never_arrives_is_given_up_after_a_day_and_sent_again_by_a_person() {
    let world = world();
    world.notifiers.behaves("email", ChannelManner::Fails);
    let id = world.live(async |life| {
        life.begin().await;
        all_settled(life).await;
        let dead = view(life).await.dead;
        assert_eq!(dead.len(), 1, "{dead:#?}");
        assert!((10..60).contains(&dead[0].attempts), "{dead:#?}");
        let ids: BTreeSet<_> = world.notifiers.sent("email").into_iter().collect();
        assert_eq!(ids.len(), 1, "always under the same id");
        assert_eq!(life.engine.status().dead_notices, 1);
        assert_eq!(life.serves().as_deref(), Some("1.0.0"), "it changes no promotion");
        dead[0].id.clone()
    });
    world.notifiers.behaves("email", ChannelManner::Takes);
    let anna = Person::new("anna").unwrap();
    world.live(async |life| {
        assert_eq!(view(life).await.dead.len(), 1, "a new engine knows it");
        life.engine.retry_notice(&id, &anna).await.unwrap();
        all_settled(life).await;
        assert_eq!(view(life).await.dead.len(), 0);
        let again = life.engine.retry_notice(&id, &anna).await.unwrap_err();
        assert!(matches!(again, EngineError::Refused(refusal) if refusal.code == "no-such-notice"));
    });
    assert_eq!(world.notifiers.taken("email"), [id]);
    assert_eq!(world.store.count("notice-retried"), 1);
}

#[test]
fn a_channel_that_says_never_is_not_asked_again() {
    let world = world();
    world.notifiers.behaves("email", ChannelManner::Refuses);
    world.live(async |life| {
        life.begin().await;
        all_settled(life).await;
        assert_eq!(view(life).await.dead.len(), 1);
    });
    assert_eq!(world.notifiers.sent("email").len(), 1);
}

#[test]
fn what_a_channel_says_of_its_secret_stands_nowhere() {
    let world = world();
    world.notifiers.behaves("slack", ChannelManner::Fails);
    world.live(async |life| {
        life.begin().await;
        life.roll_back().await.unwrap_err();
        all_settled(life).await;
        let view = view(life).await;
        let dead = &view.dead;
        assert!(!dead.is_empty());
        assert!(dead.iter().all(|dead| dead.sentence == "not now: ***"), "{dead:#?}");
        let anna = Person::new("anna").unwrap();
        let test = life.engine.test_channel(&name("slack"), &anna).await.unwrap();
        assert_eq!((test.arrived, test.sentence.as_str()), (false, "not now: ***"));
    });
    let journal = format!("{:?}", world.store.bodies());
    assert!(!journal.contains(SECRET), "the journal holds the secret");
    assert!(!format!("{:?}", world.store.saved()).contains(SECRET));
}

#[test]
fn a_test_is_marked_and_journalled_and_a_channel_that_is_not_there_is_not_found() {
    let world = world();
    let anna = Person::new("anna").unwrap();
    world.live(async |life| {
        life.prepare().await;
        let test = life.engine.test_channel(&name("email"), &anna).await.unwrap();
        assert!(test.arrived, "{test:?}");
        let phone = life.engine.test_channel(&name("phone"), &anna).await.unwrap();
        assert_eq!(phone.sentence, "notifier `phone` is planned");
        let none = life.engine.test_channel(&name("fax"), &anna).await.unwrap_err();
        assert!(matches!(none, EngineError::Refused(refusal) if refusal.code == "no-such-channel"));
    });
    let subject = "[project] TEST: this is a test of the channel email";
    assert_eq!(world.notifiers.subjects("email"), [subject]);
    assert_eq!(world.store.count("notice-delivered"), 1);
}

#[test]
fn a_rollback_is_told_to_those_who_hear_of_releases_that_were_taken_back() {
    let world = world();
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let back = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(back).await, Outcome::Succeeded);
        all_settled(life).await;
    });
    let subjects = world.notifiers.subjects("email");
    assert_eq!(subjects.last().unwrap(), "[project] prod was rolled back to 1.0.0");
}

#[test]
fn an_engine_with_something_to_tell_is_not_idle() {
    let world = world();
    world.notifiers.behaves("email", ChannelManner::Fails);
    world.live(async |life| {
        life.begin().await;
        life.until("all is quiet", towpath_core::promotion::state::Lane::is_quiet).await;
        tokio::time::sleep(std::time::Duration::from(Span::hours(1))).await;
        assert!(!life.engine.is_idle(), "email does not know yet");
        all_settled(life).await;
        tokio::time::sleep(std::time::Duration::from(Span::hours(1))).await;
        assert!(life.engine.is_idle());
    });
}

#[test]
fn stakeholders_are_told_before_a_promotion_starts_and_of_no_rollback() {
    let before = |matrix: &mut Matrix| {
        told(matrix);
        for environment in &mut matrix.environments {
            environment.notify.before = vec![name("email")];
            environment.notify.customers_on_rollback = true;
        }
    };
    let world = World::new(SHORT).changed_by(before);
    world.live(async |life| {
        life.begin().await;
        let second = life.promote("2.0.0").await;
        assert_eq!(life.end_of(second).await, Outcome::Succeeded);
        let back = life.roll_back().await.unwrap().promotion.unwrap();
        assert_eq!(life.end_of(back).await, Outcome::Succeeded);
        all_settled(life).await;
    });
    let subjects = world.notifiers.subjects("email");
    let of_entries: Vec<_> =
        subjects.iter().filter(|it| it.contains("is about to enter")).collect();
    assert_eq!(
        of_entries,
        ["[project] 1.0.0 is about to enter prod", "[project] 2.0.0 is about to enter prod"]
    );
    assert!(subjects[0].contains("1.0.0 is about to enter"), "first of all: {subjects:?}");
}

#[test]
fn a_freeze_and_its_end_are_told_and_delay_nothing() {
    let frozen = |matrix: &mut Matrix| {
        told(matrix);
        for environment in &mut matrix.environments {
            environment.notify.on.insert(Occasion::Freeze, vec![name("slack"), name("email")]);
        }
    };
    let world = World::new(SHORT).changed_by(frozen);
    world.notifiers.behaves("email", ChannelManner::Hangs);
    world.live(async |life| {
        life.begin().await;
        freezes::freeze(life, "anna", Scope::default(), None).await.unwrap();
        freezes::thaw(life, "anna", Scope::default()).await.unwrap();
        tokio::time::sleep(Duration::from_mins(10)).await;
    });
    let subjects = world.notifiers.subjects("slack");
    let of_freezes: Vec<_> =
        subjects.iter().filter(|it| it.to_lowercase().contains("frozen")).collect();
    assert_eq!(
        of_freezes,
        ["[project] FROZEN: everything", "[project] not frozen any more: everything"]
    );
    assert!(world.store.pending() >= 2, "both for email wait for the next engine");
}

#[test]
fn a_pause_is_told_again_as_often_as_the_matrix_says_and_not_once_more_by_the_next_engine() {
    let pauses = |matrix: &mut Matrix| {
        told(matrix);
        for environment in &mut matrix.environments {
            environment.notify.on = BTreeMap::from([(Occasion::Paused, vec![name("slack")])]);
        }
    };
    let world =
        World::new("prod: root, steps 10%/1h 100%/2s, approvals remind 10m").changed_by(pauses);
    world.live(async |life| {
        let (number, _) = life.begin_second().await;
        life.bakes_at(0).await;
        let by = Person::new("anna").unwrap();
        let reason = Some("lunch".to_owned());
        life.engine.order(&prod(), Input::PauseOrdered { number, by, reason }).await.unwrap();
        tokio::time::sleep(Duration::from_mins(13)).await;
        all_settled(life).await;
    });
    assert_eq!(world.store.count("reminded"), 1);
    world.live(async |life| {
        tokio::time::sleep(Duration::from_mins(2)).await;
        all_settled(life).await;
    });
    assert_eq!(world.store.count("reminded"), 1);
    let subject = "[project] 2.0.0 is paused on its way into prod";
    assert_eq!(world.notifiers.subjects("slack"), [subject, subject]);
}

#[test]
fn what_arrived_is_sent_once_more_under_its_id_and_never_beside_itself() {
    let world = world();
    world.live(async |life| {
        life.begin().await;
        all_settled(life).await;
        let arrived = life.engine.delivered_notices(None, 50).await.unwrap();
        assert_eq!(arrived.len(), 4);
        let one = arrived.iter().find(|one| one.channel == "email").unwrap();
        assert_eq!(one.subject.as_deref(), Some("[project] prod serves 1.0.0"));
        let (anna, id) = (Person::new("anna").unwrap(), one.id.clone());
        // Nobody takes it: it stays on its way.
        world.notifiers.behaves("email", ChannelManner::Fails);
        life.engine.replay_notice(&id, &anna).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let refused = life.engine.replay_notice(&id, &anna).await;
        let Err(EngineError::Refused(refusal)) = refused else { panic!("{refused:?}") };
        assert_eq!(refusal.code, "on-its-way");
        world.notifiers.behaves("email", ChannelManner::Takes);
        all_settled(life).await;
        let twice = [id.clone(), id.clone()];
        assert_eq!(world.notifiers.taken("email"), twice, "once, and once more");
        let again = life.engine.delivered_notices(None, 1).await.unwrap().remove(0);
        assert_eq!((&again.id, &again.subject), (&id, &one.subject));
        let refused = life.engine.replay_notice("none-of-them", &anna).await;
        assert!(matches!(refused, Err(EngineError::Refused(refusal)) if refusal.code == "no-such-notice"));
    });
    assert_eq!(world.store.count("notice-retried"), 1);
    assert_eq!(world.store.count("notice-delivered"), 5);
}
