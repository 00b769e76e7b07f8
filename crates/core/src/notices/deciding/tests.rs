//! Which notices follow from which events, by the rules of an environment.

use std::collections::BTreeMap;

use super::*;
use crate::deployment::Deployment;
use crate::freezing::{Freeze, Scope, Thaw};
use crate::ids::{CommandId, Digest, LaneId};
use crate::matrix::{AdapterSpec, Decider, Matrix, Predecessors, Service};
use crate::notices::{Channel, NotifyRules, of_project};
use crate::promotion::state::{Owed, Serving};
use crate::release::ReleaseRef;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn channel(missing: Option<&str>) -> Channel {
    let adapter = AdapterSpec { kind: "command".to_owned(), settings: serde_json::json!({}) };
    Channel { adapter, secrets: BTreeMap::new(), missing: missing.map(str::to_owned) }
}

fn project(tier: Tier, rules: NotifyRules) -> Project {
    let environment = Environment {
        name: name("live"),
        tier,
        title: None,
        purpose: None,
        url: None,
        after: Predecessors::Root,
        promote: Decider::Manual,
        who_may: BTreeMap::new(),
        notify: rules,
        promises: Vec::new(),
        lanes: BTreeMap::new(),
        declared: BTreeMap::new(),
    };
    let channels = [("slack", None), ("email", None), ("pager", Some("it is planned"))];
    let matrix = Matrix {
        project: name("soundbite"),
        services: BTreeMap::from([(name("api"), Service::default())]),
        environments: vec![environment],
        people: BTreeMap::new(),
        who_may: BTreeMap::new(),
        approvals: Vec::new(),
        notifiers: channels.map(|(own, missing)| (name(own), channel(missing))).into(),
        audit: crate::matrix::AuditRules::default(),
        declared: BTreeMap::new(),
    };
    let mut project = Project::default();
    project.common.matrix = Some(matrix);
    project
}

/// A lane that serves 1.3.0 by promotion 4.
fn lane() -> Lane {
    let mut lane = Lane::new(LaneId { service: name("api"), environment: name("live") });
    let release =
        ReleaseRef { version: Version::new("1.3.0").unwrap(), digest: Digest::of(b"1.3.0") };
    let number = PromotionNumber(4);
    let deployment = Deployment { number, release, capacity: 1, endpoints: Vec::new() };
    lane.serving =
        Some(Serving { deployment, promotion: number, since: Timestamp(1), settings: None });
    lane
}

fn rules(on: &[(Occasion, &[&str])], summary: &[&str]) -> NotifyRules {
    let names = |names: &[&str]| names.iter().map(|one| name(one)).collect::<Vec<_>>();
    NotifyRules {
        on: on.iter().map(|(occasion, own)| (*occasion, names(own))).collect(),
        summary: names(summary),
        ..NotifyRules::default()
    }
}

fn told(project: &Project, events: &[Event]) -> Vec<Notice> {
    let lane = lane();
    notices(&Told {
        project,
        before: Some(&lane),
        after: &lane,
        events,
        now: Timestamp(16),
        turn: "3-17",
        speed: 60,
    })
}

fn ended(outcome: Outcome, sentence: &str) -> Event {
    Event::PromotionEnded { number: PromotionNumber(4), outcome, sentence: sentence.to_owned() }
}

#[test]
fn each_channel_that_a_rule_names_hears_once_and_none_that_nobody_can_reach() {
    let on: &[(Occasion, &[&str])] = &[(Occasion::Succeeded, &["slack", "pager", "slack"])];
    let found = told(
        &project(Tier::Staging, rules(on, &["email", "slack"])),
        &[ended(Outcome::Succeeded, "it serves")],
    );
    let channels: Vec<_> = found.iter().map(|notice| notice.channel.as_str()).collect();
    assert_eq!(channels, ["slack", "email"]);
    let ids: Vec<_> = found.iter().map(|notice| notice.id.as_str()).collect();
    assert_eq!(ids, ["10-3-17-0", "10-3-17-1"], "moment, turn and place");
    assert_eq!(found[0].subject, "[rehearsal 60x] [soundbite] live serves 1.3.0");
}

#[test]
fn what_no_rule_names_is_told_to_nobody() {
    let project = project(Tier::Staging, rules(&[(Occasion::Failed, &["slack"])], &[]));
    assert_eq!(told(&project, &[ended(Outcome::Succeeded, "it serves")]), []);
    assert_eq!(told(&Project::default(), &[ended(Outcome::Failed, "no")]), []);
}

#[test]
fn each_promotion_into_production_that_took_effect_leaves_a_summary() {
    let found = told(
        &project(Tier::Production, NotifyRules::default()),
        &[ended(Outcome::RolledBack, "too many errors")],
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].channel, SUMMARIES);
    assert!(found[0].rows.contains(&("cause".to_owned(), "too many errors".to_owned())));
}

#[test]
fn no_text_of_a_person_ends_a_line_or_moves_a_cursor() {
    let on: &[(Occasion, &[&str])] = &[(Occasion::PersonCalled, &["slack"])];
    let reason = format!("look\r\nBcc: all@example.org\u{1b}[2J\u{202e}{}", "x".repeat(9_000));
    let event = Event::PersonCalled { number: PromotionNumber(4), reason, again_at: Timestamp(20) };
    let found = told(&project(Tier::Staging, rules(on, &[])), &[event]);
    let cause = &found[0].rows.iter().find(|(label, _)| label == "cause").unwrap().1;
    assert!(cause.starts_with("look  Bcc: all@example.org [2J xx") && cause.chars().count() < 510);
    assert!(!found[0].subject.contains('\n'));
    assert!(found[0].text().ends_with("\ntowpath why live   what helps, and who can\n"));
}

#[test]
fn a_rollout_that_is_held_is_told_as_held() {
    let on: &[(Occasion, &[&str])] = &[(Occasion::Held, &["slack"])];
    let sentence = "an audit freezes it".to_owned();
    let until = Timestamp(20);
    let event = Event::RolloutHeld { number: PromotionNumber(4), sentence, until };
    let found = told(&project(Tier::Staging, rules(on, &[])), &[event]);
    assert_eq!(found.len(), 1);
    assert!(found[0].text().contains("an audit freezes it"), "{:?}", found[0]);
}

#[test]
fn a_promotion_that_is_not_known_tells_nothing() {
    let on: &[(Occasion, &[&str])] = &[(Occasion::Started, &["slack"])];
    let event = Event::PromotionStarted {
        number: PromotionNumber(9),
        command: CommandId(1),
        blue: None,
        standby: None,
        approved: Vec::new(),
    };
    assert_eq!(told(&project(Tier::Staging, rules(on, &[])), &[event]), []);
}

#[test]
fn a_freeze_is_told_once_to_each_channel_that_hears_of_it_anywhere_in_its_scope() {
    let on: &[(Occasion, &[&str])] = &[(Occasion::Freeze, &["slack", "pager"])];
    let common = project(Tier::Production, rules(on, &[])).common;
    let of = |environment: Option<&str>| {
        let scope = Scope { environment: environment.map(name), service: None };
        let by = Person::new("ada").unwrap();
        let reason = "the provider\nis down".to_owned();
        let until = Some(Timestamp(1_798_761_600_000_000));
        let (except, since) = (vec![ChangeType::Hotfix], Timestamp(16));
        let freeze = Freeze { scope: scope.clone(), by: by.clone(), reason, until, except, since };
        let thaw = Thaw { scope, by, reason: None, signed: None };
        of_project(
            &common,
            &[Event::Frozen(freeze), Event::Thawed(thaw)],
            (Timestamp(16), "3-17", 1),
        )
    };
    let found = of(None);
    let told: Vec<_> = found.iter().map(|it| (it.channel.as_str(), it.subject.as_str())).collect();
    assert_eq!(
        told,
        [
            ("slack", "[soundbite] FROZEN: everything"),
            ("slack", "[soundbite] not frozen any more: everything"),
        ]
    );
    let text = "who    ada\nwhy    the provider is down\nuntil  2027-01-01 00:00 UTC\nbut    hotfix\n\n\
                towpath thaw --reason \"REASON\"   ends it; rollbacks work as always\n";
    assert_eq!(found[0].text(), text);
    assert_ne!(found[0].id, found[1].id);
    assert_eq!(of(Some("live"))[0].tier, Some(Tier::Production));
    assert_eq!(of(Some("stage")), [], "nobody hears of what holds another environment");
}

#[test]
fn whoever_hears_of_a_rollback_is_reminded_of_customers_where_the_matrix_says_so() {
    let of = |customers_on_rollback, outcome| {
        let on: &[(Occasion, &[&str])] =
            &[(Occasion::RolledBack, &["slack"]), (Occasion::Failed, &["slack"])];
        let rules = NotifyRules { customers_on_rollback, ..rules(on, &[]) };
        let found = told(&project(Tier::Staging, rules), &[ended(outcome, "too many errors")]);
        found[0].rows.iter().any(|(label, _)| label == "customers")
    };
    assert!(of(true, Outcome::RolledBack));
    assert!(!of(true, Outcome::Failed) && !of(false, Outcome::RolledBack));
}

#[test]
fn a_reason_that_is_overdue_is_told_to_whoever_hears_of_what_is_owed_also_long_after_its_rollback()
{
    let on: &[(Occasion, &[&str])] = &[(Occasion::Owed, &["slack"])];
    let project = project(Tier::Production, rules(on, &[]));
    let number = PromotionNumber(3);
    let release = lane().serving.map(|serving| serving.deployment.release);
    let by = Person::new("ada").unwrap();
    let owed = Owed { number, by, since: Timestamp(1), release, reminded_at: None };
    let after = Lane { owed: vec![owed], ..lane() };
    let found = notices(&Told {
        project: &project,
        before: Some(&after),
        after: &after,
        events: &[Event::DebtOverdue { number, kind: DebtKind::Reason }],
        now: Timestamp(16),
        turn: "3-17",
        speed: 1,
    });
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].subject, "[soundbite] a reason is owed for the rollback of live");
    let text = found[0].text();
    assert!(text.contains("cause  overdue: the reason of rollback 3 is owed\n"), "{text}");
    assert!(text.contains("towpath rollback --amend 3 --reason \"REASON\""), "{text}");
}
