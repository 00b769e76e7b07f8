//! Whose yes a matrix asks for, and what a type of change owes afterwards.

use towpath_core::approvals::{ApprovalRules, Need};
use towpath_core::debts::{Owes, REVIEW_WITHIN};
use towpath_core::matrix::LaneSpec;
use towpath_core::release::ChangeType;
use towpath_core::units::Span;

use crate::{check, check_as_the_program};

const PEOPLE: &str = "people: { ada: { roles: [developer] }, olga: { roles: [operations] } }";

/// The only lane of an environment of this tier with these sections.
fn lane(tier: &str, people: &str, sections: &str) -> (LaneSpec, Vec<String>) {
    let text = format!(
        "version: 1\nproject: shop\n{people}\nenvironments:\n  live:\n    tier: {tier}\n    target: \
         {{ kind: process, command: [./shop] }}\n{sections}"
    );
    let checked = check(&text);
    let matrix = checked.matrix.unwrap_or_else(|| panic!("{text}\n{:#?}", checked.errors));
    let lane = matrix.environments[0].lanes.values().next().expect("one service").clone();
    let not_enforced = lane.unenforced.iter().filter(|one| one.refuses);
    let refusing = not_enforced.map(|one| one.path.clone()).collect();
    (lane, refusing)
}

fn needed(lane: &LaneSpec, of: ChangeType) -> Option<Vec<(String, u32)>> {
    let each = |one: Need| (one.role.to_string(), one.people);
    Some(lane.approvals.as_ref()?.needed(of)?.into_iter().map(each).collect())
}

#[test]
fn roles_that_must_know_agree_to_the_plan() {
    let coordinated = "    change_types: { infrastructure: { coordinate_with: [operations] } }\n";
    let (alone, refusing) = lane("production", PEOPLE, coordinated);
    let operations = |people| ("operations".to_owned(), people);
    assert_eq!(needed(&alone, ChangeType::Infrastructure), Some(vec![operations(1)]));
    assert_eq!(needed(&alone, ChangeType::Feature), Some(vec![]), "nobody else is asked");
    assert_eq!(refusing, Vec::<String>::new());
    let asked = |of: &str| format!("{coordinated}    approvals: {{ {of} }}\n");
    let (both, _) = lane("production", PEOPLE, &asked("infrastructure: { developer: 1 }"));
    let developer = ("developer".to_owned(), 1);
    let all = Some(vec![developer.clone(), operations(1)]);
    assert_eq!(needed(&both, ChangeType::Infrastructure), all);
    let (more, _) = lane("production", PEOPLE, &asked("all: { operations: 2 }"));
    assert_eq!(needed(&more, ChangeType::Infrastructure), Some(vec![operations(2)]));
    let (out, _) = lane("production", PEOPLE, &asked("feature: { developer: 1 }"));
    assert_eq!(needed(&out, ChangeType::Infrastructure), None, "what may not enter stays out");
    let (_, refusing) = lane("production", "", coordinated);
    assert_eq!(
        refusing,
        ["environments.live.change_types.infrastructure.coordinate_with"],
        "where nobody is named nobody could know"
    );
}

#[test]
fn a_hotfix_owes_a_review_where_something_is_at_stake_and_others_what_is_said() {
    let owes = |lane: &LaneSpec, of: ChangeType| lane.of_type(of, None).owes;
    let review = Owes { review_within: Some(REVIEW_WITHIN), ..Owes::default() };
    for (tier, expected) in [
        ("production", Some(review.clone())),
        ("staging", Some(review.clone())),
        ("testing", None),
        ("development", None),
    ] {
        let (lane, _) = lane(tier, "", "");
        assert_eq!(owes(&lane, ChangeType::Hotfix), expected, "{tier}");
        assert_eq!(owes(&lane, ChangeType::Fix), None, "{tier}");
    }
    let (lane, refusing) = lane(
        "production",
        "",
        "    change_types:\n      hotfix: { backport_to: develop, blocks: [feature, fix] }\n      fix: \
         { review_within: 3d }\n",
    );
    let expected = Owes {
        backport_to: Some("develop".to_owned()),
        blocks: vec![ChangeType::Feature, ChangeType::Fix],
        ..review
    };
    assert_eq!(owes(&lane, ChangeType::Hotfix), Some(expected));
    let later = Owes { review_within: Some(Span::hours(72)), ..Owes::default() };
    assert_eq!(owes(&lane, ChangeType::Fix), Some(later));
    assert_eq!(refusing, Vec::<String>::new());
}

#[test]
fn a_type_and_a_branch_ask_the_repository_where_a_release_was_made() {
    let branches = "branches: { develop: {}, main: { from: develop }, hotfix/*: { from: main }, hotfix/db-*: { from: develop } }";
    let from = "    gate: { prerequisites: [{ check: attested, name: Made from main }] }\n    \
                change_types: { hotfix: { from_branch: main } }\n";
    let (lane, refusing) = lane("production", branches, from);
    assert_eq!(refusing, Vec::<String>::new());
    let asked = |of: ChangeType, branch: Option<&str>| -> Vec<(String, serde_json::Value)> {
        let checks = lane.of_type(of, branch).gate.prerequisites;
        let of_git = checks.into_iter().filter(|it| it.check.kind == "git");
        of_git.map(|it| (it.slug, it.check.settings)).collect()
    };
    let main = serde_json::json!({ "cut_from": "main" });
    // The name of a check that the file declares is not taken twice.
    let of_type = ("made-from-main-2".to_owned(), main.clone());
    assert_eq!(asked(ChangeType::Hotfix, None), std::slice::from_ref(&of_type));
    assert_eq!(
        asked(ChangeType::Hotfix, Some("hotfix/login")),
        std::slice::from_ref(&of_type),
        "once is enough"
    );
    assert_eq!(asked(ChangeType::Fix, None), []);
    assert_eq!(
        asked(ChangeType::Fix, Some("hotfix/login")),
        [("hotfix-starts-from-main".to_owned(), main)]
    );
    let develop = serde_json::json!({ "cut_from": "develop" });
    let of_db = ("hotfix-db-starts-from-develop".to_owned(), develop);
    assert_eq!(asked(ChangeType::Hotfix, Some("hotfix/db-7")), [of_type, of_db], "the most exact");
    // A branch that lives on started once, and that says nothing of a release.
    assert_eq!(asked(ChangeType::Feature, Some("main")), []);
}

#[test]
fn a_check_of_pull_requests_asks_where_those_into_its_branch_come_from() {
    let branches = "branches: { develop: {}, main: { from: develop }, hotfix/*: { from: main }, feature/*: { from: develop } }\n\
                    repository: { kind: github, name: shop/api }";
    let asks = |settings: &str| {
        let text = format!(
            "version: 1\nproject: shop\n{branches}\nenvironments:\n  live:\n    tier: staging\n    \
             target: {{ kind: process, command: [./shop] }}\n    \
             gate: {{ prerequisites: [{{ check: github, {settings} }}] }}\n"
        );
        let checked = check_as_the_program(&text);
        let matrix = checked.matrix.unwrap_or_else(|| panic!("{text}\n{:#?}", checked.errors));
        let lane = matrix.environments[0].lanes.values().next().expect("one service");
        lane.gate.prerequisites[0].check.settings["from"].clone()
    };
    let both = serde_json::json!(["develop", "hotfix/*"]);
    assert_eq!(asks("branch: main, reviews: 1"), both);
    assert_eq!(asks("branch: main, up_to_date: true"), both);
    assert_eq!(asks("branch: main, reviews: 1, from: release"), serde_json::json!(["release"]));
    for nothing in ["branch: develop, reviews: 1", "reviews: 1", "branch: main, checks: [build]"] {
        assert_eq!(asks(nothing), serde_json::Value::Null, "{nothing}");
    }
}

#[test]
fn a_type_asks_for_the_files_that_it_names() {
    let (lane, refusing) = lane(
        "production",
        "",
        "    change_types: { infrastructure: { evidence: [plan, costs] } }\n",
    );
    assert_eq!(refusing, Vec::<String>::new());
    let asked = |of: ChangeType| -> Vec<(String, serde_json::Value)> {
        let checks = lane.of_type(of, None).gate.prerequisites;
        checks.into_iter().map(|it| (it.slug, it.check.settings)).collect()
    };
    let brings = |name: &str| (format!("brings-{name}"), serde_json::json!({ "evidence": name }));
    assert_eq!(asked(ChangeType::Infrastructure), [brings("plan"), brings("costs")]);
    assert_eq!(asked(ChangeType::Feature), []);
}

#[test]
fn a_second_person_breaks_the_glass_where_the_matrix_asks_for_one() {
    let (alone, refusing) =
        lane("production", PEOPLE, "    approvals: { break_glass: { operations: 1 } }\n");
    assert_eq!(refusing, Vec::<String>::new());
    assert_eq!(needed(&alone, ChangeType::Feature), Some(vec![]), "nobody else is asked");
    let broken = alone.approvals.clone().and_then(ApprovalRules::with_broken_glass);
    let broken = LaneSpec { approvals: broken, ..alone };
    let operations = Some(vec![("operations".to_owned(), 1)]);
    assert_eq!(needed(&broken, ChangeType::Feature), operations);
    assert!(broken.approvals.is_some_and(|rules| !rules.author_may_approve));
    let (plain, _) = lane("production", PEOPLE, "    approvals: { all: { operations: 1 } }\n");
    assert!(plain.approvals.is_some_and(|rules| rules.with_broken_glass().is_none()));
    let (_, refusing) =
        lane("production", "", "    approvals: { break_glass: { operations: 1 } }\n");
    assert_eq!(refusing, ["environments.live.approvals"], "where nobody is named nobody could");
}

#[test]
fn what_is_to_be_watched_is_listed_where_no_alarm_asks_about_it() {
    let sections = "    change_types: { hotfix: { watch: [depth, errors] } }\n    rollback: { when: { alarms: \
                    [{ name: depth, source: figures, query: depth, is: '> 5', for: 5m }] } }\n";
    let sources = "metrics_sources: { figures: { kind: prometheus, url: 'http://127.0.0.1:1' } }";
    let (lane, _) = lane("production", sources, sections);
    let kept = lane.unenforced.iter().filter(|one| !one.refuses).map(|one| one.path.as_str());
    assert_eq!(kept.collect::<Vec<_>>(), ["environments.live.change_types.hotfix.watch.errors"]);
}
