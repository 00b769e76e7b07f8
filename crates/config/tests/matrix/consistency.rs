//! Contradictions and dangers: when each rule speaks, when it is silent, and how it is accepted.

use insta::assert_snapshot;
use towpath_config::{Checked, Code, Severity, Symbols, brief, report, report_json};

use crate::{SOUNDBITE, check};

const FILE: &str = "version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
    DEV
  staging:
    after: dev
    tier: staging
    target: { kind: process, command: [./app] }
    STAGING
  live:
    after: staging
    tier: production
    target: { kind: process, command: [./app], instances: 2 }
    standby: 1h
    LIVE
";

/// Three environments, into each of which lines are put; lines of the top stand behind.
fn file(dev: &str, staging: &str, live: &str, top: &str) -> String {
    let indented = |lines: &str| lines.replace('\n', "\n    ");
    let text = FILE
        .replace("    DEV", &format!("    {}", indented(dev)))
        .replace("    STAGING", &format!("    {}", indented(staging)))
        .replace("    LIVE", &format!("    {}", indented(live)));
    format!("{text}{top}\n")
}

fn found(checked: &Checked) -> Vec<(&'static str, String)> {
    let all = checked.errors.iter().chain(&checked.warnings);
    all.map(|it| (it.code.as_str(), it.path.clone())).collect()
}

/// Names and paths of what is found in a file of `dev`, `staging`, `live` and the top.
fn said(parts: [&str; 4]) -> Vec<String> {
    let [dev, staging, live, top] = parts;
    let checked = check(&file(dev, staging, live, top));
    found(&checked).into_iter().map(|(code, path)| format!("{code} {path}")).collect()
}

fn in_live(live: &str) -> Vec<String> {
    said(["", "", live, ""])
}

const NOTHING: [&str; 0] = [];

#[test]
fn every_warning_is_silent_where_it_is_accepted_by_name() {
    for code in Code::ALL.iter().filter(|code| code.severity() == Severity::Warning) {
        if *code == Code::AcceptsNothing {
            continue;
        }
        let wrong = crate::diagnostics::wrong_example(*code);
        let checked = check(&wrong);
        let warning = checked.warnings.iter().find(|it| it.code == *code).expect("it is wrong");
        let still = |text: &str| {
            let checked = check(text);
            assert_eq!(checked.errors, [], "{text}");
            checked.warnings.iter().any(|it| it.code == *code)
        };
        let line = format!("accept_warnings: [{}]\n", code.as_str());
        assert!(!still(&format!("{line}{wrong}")), "{} at the top", code.as_str());
        let mut parts = warning.path.split('.');
        assert_eq!(parts.next(), Some("environments"), "{}: {}", code.as_str(), warning.path);
        let name = format!("  {}:\n", parts.next().expect("an environment has a name"));
        let inside = wrong.replace(&name, &format!("{name}    {line}"));
        assert!(!still(&inside), "{} in its environment", code.as_str());
    }
}

#[test]
fn every_warning_stands_on_the_page_of_the_manual() {
    let page = include_str!("../../../../docs/src/reference/contradictions.md");
    for code in Code::ALL.iter().filter(|code| code.severity() == Severity::Warning) {
        assert!(page.contains(&format!("| `{}` |", code.as_str())), "{}", code.as_str());
    }
}

#[test]
fn the_matrix_of_the_demo_is_quiet() {
    let demo = include_str!("../../../cli/src/demo/towpath.yaml");
    let mut text = demo.to_owned();
    for (port, name) in (3000..).zip(["A", "B", "C", "D", "E"]) {
        text = text.replace(&format!("LISTEN-{name}"), &format!("127.0.0.1:{port}"));
    }
    assert_eq!(found(&check(&text)), []);
}

#[test]
fn the_example_is_told_what_it_contradicts() {
    let checked = check(SOUNDBITE);
    assert_eq!(checked.errors, []);
    let warnings = report(&checked, Symbols::Unicode);
    let (warnings, _) = warnings.split_once("\ndeclared, not enforced").expect("both parts");
    assert_snapshot!(warnings);
    assert!(brief(&checked, Symbols::Ascii).is_ascii());
}

#[test]
fn a_secret_in_plain_text_is_shown_in_no_output() {
    let live = "settings: { A: b, DB_PASSWORD: 'hünter2', C: d, slo: 1 }\nslo: { x: y }";
    let checked = check(&file("settings: { TOKEN: hunter3 }", "", live, ""));
    let printed = report(&checked, Symbols::Unicode);
    let told = report_json(&checked).to_string();
    for secret in ["nter2", "hunter3"] {
        assert!(!printed.contains(secret), "{printed}");
        assert!(!told.contains(secret), "{told}");
    }
    assert!(printed.contains("A: b, DB_PASSWORD: *****"), "the rest of the line stays: {printed}");
}

#[test]
fn a_secret_is_an_error_outside_development_and_silent_in_it_where_credentials_are_public() {
    let secret = "settings: { DB_PASSWORD: hunter2 }";
    let at = |name: &str| format!("plaintext-secret environments.{name}.settings.DB_PASSWORD");
    assert_eq!(said(["", secret, secret, ""]), [at("staging"), at("live")]);
    let accepted = format!("{secret}\naccept_warnings: [plaintext-secret-in-development]");
    assert_eq!(said([&accepted, "", "", ""]), NOTHING);
    let public = format!("{secret}\ndata: {{ test_credentials: public }}");
    assert_eq!(said([&public, "", "", ""]), NOTHING);
    let shared = "defaults: { all: { settings: { DB_PASSWORD: hunter2 } } }";
    assert_eq!(
        said(["", "", "", shared]),
        ["plaintext-secret defaults.all.settings.DB_PASSWORD"],
        "one place is told once, and as what is worse"
    );
    let named = "secrets:\n  SHOP_DB: { kind: file, path: /run/shop }";
    assert_eq!(said(["", "", "settings: { DB_PASSWORD: SHOP_DB }", named]), NOTHING);
    assert_eq!(in_live("settings: { MAX_TOKENS: 4096, TOKEN_URL: https://a.example/t }"), NOTHING);
}

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
fn roles_are_held_against_the_people_who_have_them() {
    let people = "people:\n  ada: { roles: [developer, qa] }\n  ben: { roles: developer }\n  \
                  ci: { roles: [qa, ops], bot: true }";
    let at = |live: &str| said(["", "", live, people]);
    let gate = |by: &str| {
        format!("gate: {{ prerequisites: [{{ check: attested, name: Tried, by: {by} }}] }}")
    };
    let by = "environments.live.gate.prerequisites[0].by";
    assert_eq!(at(&gate("[developer]")), NOTHING);
    assert_eq!(at(&gate("[qa]")), [format!("only-one-person {by}[0]")], "a bot is nobody");
    assert_eq!(at(&gate("qa")), [format!("only-one-person {by}")]);
    assert_eq!(at(&gate("[qa, developer]")), NOTHING, "somebody else may do it");
    assert_eq!(at(&gate("[ops]")), [format!("no-such-role {by}[0]")]);
    assert_eq!(said(["", "", &gate("[ops]"), ""]), NOTHING, "without people nobody is counted");
    assert_eq!(
        at("approvals: { feature: { developer: 3 }, expires: 72h }"),
        ["too-few-people environments.live.approvals.feature.developer"]
    );
    assert_eq!(at("approvals: { feature: { developer: 2 } }"), NOTHING);
    let twice = "who_may: { rollback: [qa], freeze: [qa] }";
    assert_eq!(at(twice), ["only-one-person environments.live.who_may.rollback[0]"], "told once");
    let accepted = "who_may: { rollback: [qa] }\naccept_warnings: [only-one-person]";
    assert_eq!(
        said(["", accepted, "who_may: { rollback: [qa] }", people]),
        ["only-one-person environments.live.who_may.rollback[0]"],
        "what one environment accepts the other has not"
    );
}

#[test]
fn production_takes_nothing_in_unasked_and_windows_open() {
    let told = ["automatic-into-production-without-gate environments.live.promote"];
    assert_eq!(in_live("promote: automatic"), told);
    assert_eq!(in_live("promote: automatic\ngate: { prerequisites: [] }"), told);
    assert_eq!(in_live("promote: automatic\napprovals: { all: { qa: 1 } }"), NOTHING);
    assert_eq!(said(["", "promote: automatic", "", ""]), NOTHING, "production alone is meant");
    let window = "windows: [{ days: [fri, sat] }]";
    let never = ["window-never environments.live.windows"];
    let with = |freeze: &str| in_live(&format!("{window}\nfreezes: [{freeze}]"));
    assert_eq!(with("{ days: [fri] }, { days: [sat, sun] }"), never);
    assert_eq!(with("{ days: [fri] }"), NOTHING);
    assert_eq!(with("{ days: [fri, sat], except: [hotfix] }"), NOTHING);
    assert_eq!(with("{ days: [fri, sat], until: 2027-01-02 }"), NOTHING);
    assert_eq!(with("{ days: [fri, sat], zone: Europe/Berlin }"), NOTHING, "another zone's day");
    let always = in_live("freezes: [{ days: [mon, tue, wed, thu, fri, sat, sun] }]");
    assert_eq!(always, ["window-never environments.live.freezes[0]"]);
    assert_eq!(in_live("freezes: [{ from: 2027-12-20, until: 2028-01-02 }]"), NOTHING);
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
    assert_eq!(costs("compute: $50/day, budget: $60/month"), NOTHING);
    let spot = |strategy: &str| costs(&format!("strategy: {strategy}"));
    assert_eq!(spot("[spot]"), ["spot-only-production environments.live.costs.strategy"]);
    assert_eq!(spot("[spot, reserved]"), NOTHING);
    assert_eq!(said(["", "costs: { strategy: [spot] }", "", ""]), NOTHING);
}

#[test]
fn data_stays_where_it_must_and_comes_back() {
    let recovery = |backups: &str, rest: &str| {
        in_live(&format!("backups: {{ {backups} }}\nrecovery: {{ method: restore, {rest} }}"))
    };
    let told =
        |key: &str| vec![format!("recovery-without-backups environments.live.recovery.{key}")];
    assert_eq!(recovery("every: 24h", "rpo: '< 1h'"), told("rpo"));
    assert_eq!(recovery("every: 24h, point_in_time: true", "rpo: '< 1h'"), NOTHING);
    assert_eq!(recovery("every: 1h", "rpo: '<= 1h'"), NOTHING);
    assert_eq!(in_live("recovery: { method: restore }"), told("method"));
    assert_eq!(in_live("recovery: { method: rebuild }"), NOTHING);
    let real = |rest: &str| said(["", &format!("data: {{ class: real{rest} }}"), "", ""]);
    assert_eq!(real(""), ["data-real-outside-production environments.staging.data.class"]);
    assert_eq!(real(", masking: required"), NOTHING);
    assert_eq!(real(", personal_data: masked"), NOTHING);
    assert_eq!(in_live("data: { class: real }"), NOTHING);
    let resident = |region: &str, residency: &str| {
        in_live(&format!(
            "infrastructure: {{ region: {region} }}\ndata: {{ residency: {residency} }}"
        ))
    };
    let crossed = ["residency-crossed environments.live.data.residency"];
    assert_eq!(resident("us-east-1", "eu-west-1"), crossed);
    assert_eq!(resident("eu-west-1", "eu-west-1"), NOTHING);
    assert_eq!(resident("eu-west-1", "EU"), NOTHING);
    assert_eq!(resident("eu-west-11", "eu-west-1"), crossed);
    let here = |region: &str, data: &str| {
        format!("infrastructure: {{ region: {region} }}\ndata: {{ {data} }}")
    };
    let copied = |region: &str| {
        said(["", &here(region, "from: live"), &here("eu-west-1", "cross_border: false"), ""])
    };
    assert_eq!(copied("us-east-1"), ["residency-crossed environments.staging.data.from"]);
    assert_eq!(copied("eu-west-1"), NOTHING);
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

#[test]
fn names_that_refer_to_nothing_are_refused_wherever_they_stand() {
    let top = "notifiers:\n  slack: { kind: webhook, url_secret: SLACK }\nsecrets: { SLACK: { kind: env } }";
    let at = |live: &str| said(["", "", live, top]);
    let told = |path: &str| vec![format!("unknown-name environments.live.{path}")];
    assert_eq!(at("alerting: { level: high, channels: [slack] }"), NOTHING);
    assert_eq!(at("alerting: { level: high, channels: [slak] }"), told("alerting.channels[0]"));
    assert_eq!(at("notify: { failed: email }"), told("notify.failed"));
    assert_eq!(
        at("communication: { before: [slack], reports: { weekly: [mail] } }"),
        told("communication.reports.weekly[0]")
    );
    assert_eq!(at("data: { from: prod }"), told("data.from"));
    assert_eq!(
        at("change_types: { hotfix: { skip: [staging, qa] } }"),
        told("change_types.hotfix.skip[1]")
    );
    assert_eq!(at("migrations: { tested_in: stage }"), told("migrations.tested_in"));
    assert_eq!(at("triggers: [{ event: merge, service: api }]"), told("triggers[0].service"));
    assert_eq!(at("triggers: [{ event: merge, service: shop }]"), NOTHING);
    assert_eq!(
        at("alarms: [{ name: a, source: prometheus, is: '> 1' }]"),
        told("alarms[0].source")
    );
    let soak = "gate: { prerequisites: [{ check: soak, in: stagin, for: 1h }] }";
    assert_eq!(at(soak), told("gate.prerequisites[0].in"));
    let router = "router: { kind: towpath, listen: 127.0.0.1:3000, key_secret: TLS_KEY }";
    assert_eq!(at(router), told("router.key_secret"));
    let own = format!("{router}\nsecrets: {{ TLS_KEY: {{ kind: env }} }}");
    assert_eq!(at(&own), NOTHING);
    let nowhere = said(["", "", "", "notifiers: { slack: { kind: webhook, url_secret: SLACK } }"]);
    assert_eq!(nowhere, ["unknown-name notifiers.slack.url_secret"]);
}

#[test]
fn branches_are_compared_only_with_rules_that_there_are() {
    let rules = "branches: { main: { approvals: 2 }, 'release/*': { from: main } }";
    let trigger = |branch: &str, top: &str| {
        said(["", "", &format!("triggers: [{{ event: push, branch: {branch} }}]"), top])
    };
    let told = ["unknown-branch environments.live.triggers[0].branch"];
    assert_eq!(trigger("master", rules), told);
    assert_eq!(trigger("release/1.2", rules), NOTHING);
    assert_eq!(trigger("master", ""), NOTHING);
    let hotfix = "change_types: { hotfix: { from_branch: main, backport_to: develop } }";
    assert_eq!(
        said(["", "", hotfix, rules]),
        ["unknown-branch environments.live.change_types.hotfix.backport_to"]
    );
    let from = "branches: { develop: {}, main: { from: develp } }";
    assert_eq!(said(["", "", "", from]), ["unknown-branch branches.main.from"]);
}

#[test]
fn secrets_of_one_type_are_replaced_alike_by_a_store_that_does_it() {
    let secrets = |text: &str| in_live(&format!("secrets: {{ {text} }}"));
    let told = ["rotation-disagrees environments.live.secrets.B.rotate_every"];
    let pair = |one: &str, two: &str| secrets(&format!("A: {{ {one} }}, B: {{ {two} }}"));
    assert_eq!(
        pair("type: password, rotate_every: 30d", "type: password, rotate_every: 90d"),
        told
    );
    assert_eq!(
        pair("type: password, rotate_every: 30d", "type: token, rotate_every: 90d"),
        NOTHING
    );
    assert_eq!(pair("type: other, rotate_every: 30d", "type: other, rotate_every: 90d"), NOTHING);
    assert_eq!(pair("type: password, rotate_every: 30d", "type: password"), NOTHING);
    let store = |kind: &str| {
        let store = "secret_store: { kind: aws-secrets-manager, rotation: none }";
        in_live(&format!("{store}\nsecrets: {{ B: {{ {kind}rotate_every: 30d }} }}"))
    };
    assert_eq!(store(""), told);
    assert_eq!(store("kind: aws-secrets-manager, "), told);
    assert_eq!(store("kind: file, path: /etc/b, "), NOTHING, "it is kept elsewhere");
}

#[test]
fn what_services_share_is_told_once_and_what_is_their_own_is_told_of_each() {
    let services = "services: { api: {}, web: {}, worker: {} }";
    let soak =
        |name: &str| format!("gate: {{ prerequisites: [{{ check: soak, in: {name}, for: 1h }}] }}");
    let of_api = format!("services: {{ api: {{ {} }} }}", soak("nowhere"));
    let at = |live: &str| said(["", "", live, services]);
    assert_eq!(at(&soak("gone")), ["unknown-name environments.live.gate.prerequisites[0].in"]);
    assert_eq!(
        at(&format!("{}\n{of_api}", soak("gone"))),
        [
            "unknown-name environments.live.gate.prerequisites[0].in",
            "unknown-name environments.live.services.api.gate.prerequisites[0].in"
        ],
        "the first service has its own, the others share"
    );
    let own =
        "settings: { DB_PASSWORD: hunter2 }\nservices: { api: { settings: { DB_PASSWORD: '' } } }";
    assert_eq!(at(own), ["plaintext-secret environments.live.settings.DB_PASSWORD"]);
}
