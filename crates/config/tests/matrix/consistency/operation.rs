//! Promises, goals, the way back, what environments share and what they cost: when the rules about
//! them speak and when they are silent.

use super::{NOTHING, file, found, in_live, said};
use crate::check;

#[test]
fn promises_are_compared_with_the_nearest_environment_that_promises() {
    let slo = |text: &str| format!("slo: {{ {text} }}");
    let order = |key: &str| vec![format!("slo-order environments.live.slo.{key}")];
    let pair = |staging: &str, live: &str| said(["", &slo(staging), &slo(live), ""]);
    assert_eq!(pair("uptime: '>= 99.9%'", "uptime: '>= 99%'"), order("uptime"));
    assert_eq!(pair("latency_p99: '< 1s'", "latency_p99: '< 1500ms'"), order("latency_p99"));
    assert_eq!(pair("uptime: '>= 99%'", "uptime: '>= 99.9%'"), NOTHING);
    assert_eq!(pair("latency_p99: '< 1s'", "latency_p99: '<= 1000ms'"), NOTHING);
    assert_eq!(pair("latency_p99: '< 1s'", "latency_p50: '< 2s'"), NOTHING);
    assert_eq!(
        said([&slo("latency_p99: '< 100ms'"), "", &slo("latency_p99: '< 1s'"), ""]),
        NOTHING,
        "what is fast on a desk promises nobody anything"
    );
    let earlier = "latency_p99: '< 100ms'";
    let mut text = file("", "", &slo("latency_p99: '< 1s'"), "");
    text = text.replace("tier: development", &format!("tier: testing\n    {}", slo(earlier)));
    let checked = check(&text);
    assert_eq!(found(&checked), [("slo-order", "environments.live.slo.latency_p99".to_owned())]);
    assert!(checked.warnings[0].message.contains("dev before it 100ms"), "past staging");
}

#[test]
fn a_soak_is_held_against_what_it_looks_at() {
    let soak = |limit: &str| {
        format!(
            "gate: {{ prerequisites: [{{ check: soak, in: staging, for: 1h, error_rate: '< {limit}' }}] }}"
        )
    };
    let place = "environments.live.gate.prerequisites[0].error_rate";
    let staging = "slo: { error_rate: '< 0.5%' }\nrollback: { when: { error_rate: '> 0.5%' } }";
    assert_eq!(
        said(["", staging, &soak("5%"), ""]),
        [format!("gate-looser-than-slo {place}"), format!("gate-looser-than-trigger {place}")]
    );
    assert_eq!(said(["", staging, &soak("0.5%"), ""]), NOTHING);
    assert_eq!(said(["", "", &soak("5%"), ""]), NOTHING, "the built-in trigger is 5%");
    assert_eq!(said(["", "", &soak("6%"), ""]), [format!("gate-looser-than-trigger {place}")]);
}

#[test]
fn one_instance_is_enough_where_little_is_promised_or_where_it_scales() {
    let one = |rest: &str| {
        let text = file("", "", &format!("slo: {{ uptime: '>= 99.9%' }}\n{rest}"), "");
        let checked = check(&text.replace(", instances: 2", ""));
        found(&checked).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    assert_eq!(one(""), ["single-instance-production"]);
    assert_eq!(one("scaling: { mode: automatic, min: 2, max: 4 }"), NOTHING);
    let less = file("", "", "slo: { uptime: '>= 99.5%' }", "").replace(", instances: 2", "");
    assert_eq!(found(&check(&less)), []);
    let planned = "target: { kind: docker, image: api }\nslo: { uptime: '>= 99.99%' }";
    let text = file("", "", planned, "");
    let text = text.replace("target: { kind: process, command: [./app], instances: 2 }\n    ", "");
    assert_eq!(found(&check(&text)), [], "nobody knows how many that runs");
}

#[test]
fn times_are_held_against_goals_and_equal_is_not_longer() {
    let goals = "goals: { rollback_time: '< 10m', validation_time: '< 15m' }";
    let gate = |checks: &[&str]| format!("gate: {{ validation: [{}] }}", checks.join(", "));
    let check = |name: &str, rest: &str| {
        format!("{{ check: http, name: {name}, url: 'http://a/', {rest} }}")
    };
    let at = |live: &str| said(["", "", live, goals]);
    assert_eq!(at("rollback: { within: 10m }"), NOTHING);
    assert_eq!(
        at("rollback: { within: 11m }"),
        ["rollback-within environments.live.rollback.within"]
    );
    let (one, two) = (check("one", "timeout: 10m"), check("two", "timeout: 10m"));
    assert_eq!(at(&gate(&[&one, &two])), NOTHING, "they are asked together");
    let late = check("late", "timeout: 10m, at: 100%");
    assert_eq!(
        at(&gate(&[&one, &late])),
        ["validation-time environments.live.gate.validation[1].timeout"],
        "after each other: before visitors and at the end"
    );
}

#[test]
fn the_way_back_is_not_barred_where_a_role_or_a_person_is_there_for_it() {
    let mfa =
        |iam: &str, mode: &str| in_live(&format!("iam: {{ {iam} }}\nrollback: {{ mode: {mode} }}"));
    assert_eq!(mfa("mfa: true", "automatic"), ["mfa-on-unattended-role environments.live.iam.mfa"]);
    assert_eq!(mfa("mfa: true", "manual"), NOTHING);
    assert_eq!(mfa("mfa: false", "automatic"), NOTHING);
    assert_eq!(mfa("mfa: true, unattended_role: ProdRollback", "automatic"), NOTHING);
    let unused = |costs: &str, standby: &str| {
        let text = file("", "", &format!("costs: {{ {costs} }}"), "");
        let checked = check(&text.replace("standby: 1h", &format!("standby: {standby}")));
        found(&checked).into_iter().map(|(code, path)| format!("{code} {path}")).collect::<Vec<_>>()
    };
    let told = |key: &str| vec![format!("delete-unused-and-standby environments.live.costs.{key}")];
    assert_eq!(unused("delete_unused: at-once", "1h"), told("delete_unused"));
    assert_eq!(unused("strategy: [reserved, delete-unused]", "1h"), told("strategy[1]"));
    assert_eq!(unused("strategy: [delete-unused], delete_unused: after-standby", "1h"), NOTHING);
    assert_eq!(unused("delete_unused: at-once", "0s"), NOTHING);
}

#[test]
fn a_role_that_may_do_everything_is_told_however_that_is_written() {
    let actions = |list: &str| in_live(&format!("iam: {{ role: ProdRole, actions: [{list}] }}"));
    let told = ["permissions-too-wide environments.live.iam.actions[1]"];
    assert_eq!(actions("'s3:GetObject', '*'"), told);
    assert_eq!(actions("'s3:GetObject', 'iam:*'"), told);
    assert_eq!(actions("'s3:*', 'sqs:SendMessage'"), NOTHING);
}

#[test]
fn an_address_of_the_whole_machine_holds_all_its_addresses() {
    let router = |listen: &str| format!("router: {{ kind: towpath, listen: '{listen}' }}");
    let pair = |one: &str, two: &str| said(["", &router(one), &router(two), ""]);
    let told = ["same-address environments.live.router.listen"];
    assert_eq!(pair("0.0.0.0:3000", "127.0.0.1:3000"), told);
    assert_eq!(pair("127.0.0.1:3000", "[::]:3000"), told);
    assert_eq!(pair("127.0.0.1:3000", "127.0.0.1:3001"), NOTHING);
    assert_eq!(pair("127.0.0.1:3000", "127.0.0.2:3000"), NOTHING);
    assert_eq!(pair("127.0.0.1:0", "127.0.0.1:0"), NOTHING, "each gets a port of its own");
}

#[test]
fn one_resource_cannot_be_two_things_and_production_shares_with_nobody() {
    let database = |rest: &str| format!("database: {{ kind: dynamodb, {rest} }}");
    let pair = |one: &str, two: &str| said([&database(one), &database(two), "", ""]);
    let told = ["shared-resource environments.staging.database.table"];
    assert_eq!(pair("table: shop, backup: true", "table: shop, backup: false"), told);
    assert_eq!(pair("table: shop, backup: true", "table: shop, backup: true"), NOTHING);
    assert_eq!(
        pair("table: shop, backup: true", "table: shop"),
        NOTHING,
        "unsaid is no contradiction"
    );
    assert_eq!(pair("table: a, backup: true", "table: b, backup: false"), NOTHING);
    let live = said(["", &database("table: shop"), &database("table: shop"), ""]);
    assert_eq!(live, ["shared-resource environments.live.database.table"]);
    let placed = |region: &str, section: &str| {
        format!("infrastructure: {{ provider: aws, region: {region} }}\n{section}")
    };
    let apart = |section: &str| {
        said(["", &placed("eu-west-1", section), &placed("us-east-1", section), ""])
    };
    assert_eq!(
        apart(&database("table: shop")),
        NOTHING,
        "a table of another region is another one"
    );
    assert_eq!(
        apart("storage: { kind: s3, bucket: shop }"),
        ["shared-resource environments.live.storage.bucket"],
        "a bucket is the same one everywhere"
    );
}

#[test]
fn money_is_added_up_only_where_it_can_be() {
    let costs = |text: &str| in_live(&format!("costs: {{ {text} }}"));
    let told = ["budget-mismatch environments.live.costs.budget"];
    assert_eq!(costs("compute: $50/month, other: $0.50/month, budget: $50.50/month"), NOTHING);
    assert_eq!(costs("compute: $50/month, budget: $40/month"), told);
    assert_eq!(costs("compute: $50/month, budget: $60/month"), told);
    assert_eq!(costs("budget: $60/month"), NOTHING, "no line is no contradiction");
    assert_eq!(costs("compute: €50/month, budget: $60/month"), NOTHING);
    assert_eq!(costs("compute: $50/day, budget: $60/month"), told);
    assert_eq!(costs("compute: $50/month, other: $20/month, budget: $70/year"), told);
    assert_eq!(costs("compute: $50/month, other: $20/month, budget: $840/year"), NOTHING);
    assert_eq!(costs("compute: $50/month, other: $120/year, budget: $60/month"), NOTHING);
    assert_eq!(costs("compute: $50/month, other: $120/year, budget: $170/month"), told);
    assert_eq!(costs("compute: $2/day, budget: $60/month"), NOTHING, "months have 28 to 31 days");
    assert_eq!(costs("compute: €50/day, budget: $60/month"), NOTHING);
    assert_eq!(costs("compute: $999999999999/hour, budget: $1/year"), told);
    let project = "costs: { compute: $50/month, budget: $60/month }";
    assert_eq!(said(["", "", "", project]), ["budget-mismatch costs.budget"]);
    let spot = |strategy: &str| costs(&format!("strategy: {strategy}"));
    assert_eq!(spot("[spot]"), ["spot-only-production environments.live.costs.strategy"]);
    assert_eq!(spot("[spot, reserved]"), NOTHING);
    assert_eq!(said(["", "costs: { strategy: [spot] }", "", ""]), NOTHING);
}

#[test]
fn what_is_off_is_not_declared_on_and_production_keeps_to_itself() {
    let alerts = |alerts: &str, level: &str| {
        in_live(&format!("application: {{ alerts: {alerts} }}\nalerting: {{ level: {level} }}"))
    };
    let told = ["alerts-off-but-declared environments.live.alerting.level"];
    assert_eq!(alerts("false", "basic"), told);
    assert_eq!(alerts("true", "none"), told);
    assert_eq!(alerts("true", "basic"), NOTHING);
    assert_eq!(alerts("false", "none"), NOTHING);
    assert_eq!(in_live("application: { alerts: true }"), NOTHING, "unsaid is no contradiction");
    let debug =
        |key: &str| vec![format!("debug-in-production environments.live.application.{key}")];
    assert_eq!(in_live("application: { log_level: trace }"), debug("log_level"));
    assert_eq!(in_live("application: { debug: true }"), debug("debug"));
    assert_eq!(said(["", "application: { debug: true, log_level: debug }", "", ""]), NOTHING);
    assert_eq!(in_live("scaling: { mode: automatic, min: 2, max: 2 }"), NOTHING);
}
