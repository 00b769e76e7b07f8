//! People, windows, data, secrets and names: when the rules about them speak and when they are
//! silent.

use super::{NOTHING, in_live, said};

#[test]
fn a_role_of_a_team_and_one_of_an_environment_are_roles() {
    let people = |team: &str| {
        format!(
            "people:\n  ada: {{ roles: dev, roles_in: {{ live: [lead] }} }}\n  \
             ben: {{ roles: dev, roles_in: {{ live: lead }} }}\nteams:\n  night: {{ people: {team}, roles: [on-call] }}"
        )
    };
    let at = |role: &str, team: &str| {
        let gate =
            format!("gate: {{ prerequisites: [{{ check: attested, name: Tried, by: {role} }}] }}");
        said(["", "", &gate, &people(team)])
    };
    assert_eq!(at("lead", "[ada, ben]"), NOTHING);
    assert_eq!(at("on-call", "[ada, ben]"), NOTHING);
    let by = "environments.live.gate.prerequisites[0].by";
    assert_eq!(at("on-call", "ada"), [format!("only-one-person {by}")]);
    assert_eq!(at("on-cal", "ada"), [format!("no-such-role {by}")]);
}

#[test]
fn roles_are_held_against_the_people_who_have_them() {
    let people = "people:\n  ada: { roles: [developer, qa, lead] }\n  ben: { roles: developer }\n  \
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
    assert_eq!(at("who_may: { promote: [ops] }"), NOTHING, "a program may do what no word is for");
    assert_eq!(said(["", "", &gate("[ops]"), ""]), NOTHING, "without people nobody is counted");
    assert_eq!(
        at("approvals: { feature: { developer: 3 }, expires: 72h }"),
        ["too-few-people environments.live.approvals.feature.developer"]
    );
    assert_eq!(at("approvals: { feature: { developer: 2 } }"), NOTHING);
    let twice = "who_may: { rollback: [lead], freeze: [lead] }";
    assert_eq!(at(twice), ["only-one-person environments.live.who_may.rollback[0]"], "told once");
    let top = format!("who_may: {{ promote: [lead], freeze: [leed] }}\n{people}");
    assert_eq!(
        said(["", "", "", &top]),
        ["only-one-person who_may.promote[0]", "no-such-role who_may.freeze[0]"]
    );
    let accepted = "who_may: { rollback: [lead] }\naccept_warnings: [only-one-person]";
    assert_eq!(
        said(["", accepted, "who_may: { rollback: [lead] }", people]),
        ["only-one-person environments.live.who_may.rollback[0]"],
        "what one environment accepts the other has not"
    );
}

#[test]
fn production_takes_nothing_in_unasked_and_windows_open() {
    let told = ["automatic-into-production-without-gate environments.live.promote"];
    assert_eq!(in_live("promote: automatic"), told);
    assert_eq!(in_live("promote: automatic\ngate: { prerequisites: [] }"), told);
    let hotfix = "promote: automatic\napprovals: { hotfix: { qa: 1 } }";
    assert_eq!(in_live(hotfix), NOTHING);
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
    assert_eq!(resident("eu-west-1", "eu-west"), NOTHING);
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
    let at_top = |line: &str| said(["", "", "", &format!("{line}\n{top}")]);
    assert_eq!(at_top("notify: { failed: [slack, mail] }"), ["unknown-name notify.failed[1]"]);
    assert_eq!(at_top("communication: { summary: mail }"), ["unknown-name communication.summary"]);
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
