//! Gates, edges, triggers and roles: when the rules about how a release comes in speak and when they
//! are silent.

use super::{NOTHING, file, found, in_live, said};
use crate::check;

fn soak(name: &str) -> String {
    format!("gate: {{ prerequisites: [{{ check: soak, in: {name}, for: 24h }}] }}")
}

#[test]
fn a_soak_looks_at_what_comes_before() {
    let told =
        |name: &str| vec![format!("soak-not-before environments.{name}.gate.prerequisites[0].in")];
    assert_eq!(in_live(&soak("live")), told("live"), "itself");
    assert_eq!(said(["", &soak("live"), "", ""]), told("staging"), "what comes after");
    assert_eq!(said([&soak("live"), "", "", ""]), told("dev"), "and what comes after that");
    assert_eq!(in_live(&soak("[dev, staging]")), NOTHING);
    let late = "gate: { validation: [{ check: soak, in: live, for: 1h, at: 100% }] }";
    let at = in_live(&format!("{late}\nrollout: {{ strategy: all-at-once }}"));
    assert_eq!(at, ["soak-not-before environments.live.gate.validation[0].in"]);
}

#[test]
fn a_soak_may_look_at_an_environment_that_has_another_way_in() {
    let other = |after: &str| {
        let text = file("", &soak("live"), "", "").replace("after: staging", after);
        let checked = check(&text);
        found(&checked).len()
    };
    assert_eq!(other("after_any: [dev, staging]"), 0, "a release may reach live past staging");
    assert_eq!(other("after: dev"), 0, "they stand side by side");
    assert_eq!(other("after: [dev, staging]"), 1, "all are asked for");
    assert_eq!(other("after_any: [staging]"), 1);
}

#[test]
fn what_may_skip_an_environment_need_not_have_served_there() {
    let skip = |name: &str| format!("change_types: {{ hotfix: {{ skip: [{name}] }} }}");
    let at = |skipped: &str, soaked: &str| in_live(&format!("{}\n{}", skip(skipped), soak(soaked)));
    let told = ["skip-against-gate environments.live.change_types.hotfix.skip[0]"];
    assert_eq!(at("staging", "staging"), told);
    assert_eq!(at("staging", "[dev, staging]"), told);
    assert_eq!(at("staging", "dev"), NOTHING);
    assert_eq!(in_live(&skip("staging")), NOTHING, "that it comes after staging is what it skips");
    let elsewhere = said(["", &skip("dev"), &soak("dev"), ""]);
    assert_eq!(elsewhere, NOTHING, "it may skip dev on its way to staging");
}

#[test]
fn an_automatic_edge_and_approvals_of_every_change_contradict_each_other() {
    let told = ["automatic-with-approvals environments.live.promote"];
    let with = |promote: &str, approvals: &str| {
        in_live(&format!(
            "promote: {promote}\napprovals: {{ {approvals} }}\ngate: {{ prerequisites: [{{ check: \
             attested, name: Tried }}] }}"
        ))
    };
    assert_eq!(with("automatic", "all: { qa: 1 }"), told);
    assert_eq!(with("automatic", "feature: { qa: 1 }"), told);
    assert_eq!(with("manual", "all: { qa: 1 }"), NOTHING);
    assert_eq!(with("automatic", "hotfix: { qa: 1 }"), NOTHING, "the others go on by themselves");
    assert_eq!(with("automatic", "expires: 24h"), NOTHING, "nobody is asked");
}

#[test]
fn a_trigger_waits_for_what_happens() {
    let told = |key: &str| vec![format!("trigger-never environments.live.triggers[0].{key}")];
    let of = |trigger: &str| in_live(&format!("triggers: [{{ {trigger} }}]"));
    assert_eq!(of("event: merge, tag: v*"), told("tag"));
    assert_eq!(of("event: pull-request, branch: main, tag: v*"), told("tag"));
    assert_eq!(of("event: push, branch: main, tag: v*"), told("tag"));
    assert_eq!(of("event: tag, branch: main"), told("branch"));
    for fine in [
        "event: push, branch: main",
        "event: push, tag: v*",
        "event: push",
        "event: tag, tag: v*",
        "event: tag",
        "event: tag, tag: v*, branch: main",
        "event: merge, branch: main",
        "event: release, branch: main, tag: v*",
    ] {
        assert_eq!(of(fine), NOTHING, "{fine}");
    }
}

#[test]
fn a_role_has_one_spelling() {
    let rights = |one: &str, two: &str| {
        in_live(&format!("who_may: {{ promote: [{one}], rollback: [{two}] }}"))
    };
    let told = ["role-spelled-twice environments.live.who_may.rollback[0]"];
    assert_eq!(rights("devops", "dev-ops"), told);
    assert_eq!(rights("developer", "developers"), told);
    assert_eq!(rights("developer", "developer"), NOTHING);
    assert_eq!(rights("technical-lead", "senior-developer"), NOTHING);
    assert_eq!(rights("developer", "lead-developer"), NOTHING);
    let people = "people:\n  ada: { roles: [developer] }\n  ben: { roles: [developer] }";
    let with_people = said(["", "", "who_may: { promote: [developers] }", people]);
    assert_eq!(
        with_people,
        ["no-such-role environments.live.who_may.promote[0]"],
        "told once, as what is worse"
    );
    let both = "people:\n  ada: { roles: [developer] }\n  ben: { roles: [developer, developers] }\n  \
                cem: { roles: [developers] }";
    assert_eq!(
        said(["", "", "who_may: { promote: [developers] }", both]),
        ["role-spelled-twice people.ben.roles[1]"]
    );
}
