//! What becomes of what a matrix declares: which keys refuse promotions, which are only kept, and
//! that the manual says so. What a promotion does with it is the engine's.

use std::collections::BTreeMap;

use serde_json::Value;
use towpath_config::schema;
use towpath_core::matrix::Unenforced;

use crate::{catalogue, check};

const FILE: &str = "version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
";

/// What refuses and what is only kept, of the lines of `live` and of the top.
fn standing(live: &str, top: &str) -> (Vec<String>, Vec<String>) {
    let checked = check(&format!("{FILE}    {}\n{top}\n", live.replace('\n', "\n    ")));
    assert_eq!(checked.errors, [], "{live} {top}");
    let paths = |found: Vec<&Unenforced>| {
        found.into_iter().map(|it| it.path.replace("environments.live.", "")).collect()
    };
    let (refusing, kept) = checked.not_enforced.iter().partition(|it| it.refuses);
    (paths(refusing), paths(kept))
}

fn refusing(live: &str) -> Vec<String> {
    standing(live, "").0
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_table_of_the_manual_is_that_of_the_program() {
    let page = include_str!("../../../../docs/src/how-to/what-is-not-enforced.md");
    let (_, table) = page.split_once("\n## Every section\n").expect("the page has the table");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect());
    let mut said = BTreeMap::new();
    for cells in cells.collect::<Vec<Vec<&str>>>() {
        let [key, standing, why] = cells[..] else { panic!("three cells: {cells:?}") };
        assert!(why.len() >= 5, "{key} has a reason");
        let twice = said.insert(key.trim_matches('`').to_owned(), standing.to_owned());
        assert_eq!(twice, None, "{key} stands there once");
    }
    let schema = schema(&catalogue::catalogue());
    let mut known = BTreeMap::new();
    for (name, section) in schema["$defs"].as_object().expect("definitions") {
        if let Some(name) = name.strip_prefix("section-") {
            collect(name, section, &mut known);
        }
    }
    assert_eq!(said, known);
}

/// The standing of a section, and of the keys below it that have one of their own.
fn collect(path: &str, value: &Value, known: &mut BTreeMap<String, String>) {
    let types = ["feature", "fix", "hotfix", "infrastructure", "configuration"];
    if let Some(standing) = value["x-standing"].as_str() {
        known.insert(path.to_owned(), standing.to_owned());
    }
    for (key, value) in value["properties"].as_object().into_iter().flatten() {
        let of_type = path == "change_types" && types.contains(&key.as_str());
        let key = if of_type { "TYPE" } else { key };
        collect(&format!("{path}.{key}"), value, known);
    }
    for (word, name) in [("additionalProperties", ".NAME"), ("items", "[]")] {
        if value[word].is_object() {
            collect(&format!("{path}{name}"), &value[word], known);
        }
    }
}

#[test]
fn what_a_change_type_demands_beside_its_way_refuses() {
    let of = |rest: &str| standing(&format!("change_types: {{ hotfix: {{ {rest} }} }}"), "");
    for (key, value, is_refused) in [
        ("from_branch", "main", false),
        ("coordinate_with", "[operations]", true),
        ("backport_to", "develop", false),
        ("review_within", "2d", false),
    ] {
        let (refuses, kept) = of(&format!("{key}: {value}"));
        let expected = is_refused.then(|| format!("change_types.hotfix.{key}"));
        assert_eq!(refuses, expected.into_iter().collect::<Vec<_>>());
        assert_eq!(kept, NOTHING);
    }
    let (refuses, kept) =
        of("purpose: Repairs, skip: [dev], watch: [errors], rollout: { strategy: all-at-once }");
    assert_eq!((refuses, kept), (vec![], vec!["change_types.hotfix.watch.errors".to_owned()]));
}

#[test]
fn people_who_must_be_there_first_are_asked_where_it_is_known_who_they_are() {
    let notifiers = "notifiers: { mail: { kind: webhook, url_secret: MAIL } }\n\
                     secrets: { MAIL: { kind: env } }";
    let of = |rest: &str| standing(&format!("communication: {{ {rest} }}"), notifiers).0;
    assert_eq!(of("before: [mail]"), NOTHING);
    assert_eq!(of("available: [operations]"), ["communication.available"]);
    let people = format!("{notifiers}\npeople: {{ ada: {{ roles: [operations] }} }}");
    assert_eq!(standing("communication: { available: [operations] }", &people).0, NOTHING);
    assert_eq!(of("stakeholders: [mail], summary: [mail], reports: { daily: [mail] }"), NOTHING);
}

#[test]
fn an_alarm_takes_back_what_somebody_can_be_asked_about_and_refuses_otherwise() {
    let prometheus = "p: { kind: prometheus, url: \"http://p:9090\" }";
    let cloudwatch = "c: { kind: cloudwatch, region: us-east-1 }";
    let of = |alarm: &str, sources: &str| {
        let live = format!("rollback: {{ when: {{ alarms: [{{ name: deep, {alarm} }}] }} }}");
        standing(&live, &format!("metrics_sources: {{ {sources} }}"))
    };
    let both = format!("{prometheus}, {cloudwatch}");
    let asked = "is: \"> 5\", for: 5m, query: depth";
    let (nothing, refuses) = (Vec::<String>::new(), vec!["rollback.when.alarms.deep".to_owned()]);
    let planned = vec!["metrics_sources.c".to_owned()];
    assert_eq!(of(&format!("{asked}, source: p"), &both), (nothing.clone(), planned.clone()));
    assert_eq!(of(&format!("{asked}, source: c"), &both), (refuses.clone(), planned.clone()));
    assert_eq!(of(asked, &both), (refuses.clone(), planned), "nobody says which");
    assert_eq!(of(asked, prometheus), (nothing.clone(), nothing.clone()), "there is only one");
    assert_eq!(of("is: \"> 5\"", prometheus), (refuses.clone(), nothing), "nobody says what");
    let log = "l: { kind: nginx-log, path: access.log }";
    assert_eq!(of(asked, log), (refuses.clone(), Vec::new()), "it measures nothing");
    let token = "p: { kind: prometheus, url: \"http://p:9090\", token_secret: T }";
    let (refusing, kept) = of(asked, &format!("{token} }}\nsecrets: {{ T: {{ kind: env }}"));
    assert_eq!((refusing, kept.contains(&"metrics_sources.p".to_owned())), (refuses, true));
}

#[test]
fn counts_are_judged_where_somebody_can_be_asked_for_them_and_refuse_otherwise() {
    let of = |source: &str| {
        standing("guard: { counts: jobs }", &format!("metrics_sources: {{ jobs: {source} }}"))
    };
    let url = "kind: prometheus, url: \"http://p:9090\"";
    let counters = "requests: \"done{v='{version}'}\", failures: \"broken{v='{version}'}\"";
    let refuses = vec!["guard.counts".to_owned()];
    assert_eq!(of(&format!("{{ {url}, {counters} }}")), (Vec::new(), Vec::new()));
    assert_eq!(of(&format!("{{ {url} }}")), (refuses.clone(), Vec::new()), "it has no counters");
    assert_eq!(of("{ kind: nginx-log, path: access.log }"), (Vec::new(), Vec::new()));
    assert_eq!(of("{ kind: cloudwatch, region: us-east-1 }").0, refuses, "nobody can ask it");
}

#[test]
fn routes_are_judged_where_the_router_tells_of_single_requests_and_refuse_otherwise() {
    let routes = "guard: { routes: [/checkout, /api/search/] }";
    assert_eq!(refusing(routes), NOTHING, "there are no visitors");
    let by = |router: &str| refusing(&format!("router: {router}\n{routes}"));
    assert_eq!(by("{ kind: towpath, listen: 127.0.0.1:3000 }"), NOTHING);
    assert_eq!(by("{ kind: haproxy, backend: shop }"), ["guard.routes", "router"]);
    let checked = check(&format!("{FILE}    {routes}\n"));
    let matrix = checked.matrix.expect("it has no errors");
    let lane = matrix.environments[1].lanes.values().next().expect("one service");
    assert_eq!(lane.guard.routes, ["/checkout", "/api/search"]);
    let policy = towpath_core::guarding::policy(lane, 1, 1.0, 1);
    assert_eq!((policy.check(), policy.strata), (Ok(()), lane.guard.routes.clone()));
}

#[test]
fn an_alarm_is_resolved_with_whoever_is_asked() {
    let live = "rollback: { when: { alarms: [{ name: deep, is: \"> 5\", query: depth }] } }";
    let top = "metrics_sources: { p: { kind: prometheus, url: \"http://p:9090\" } }";
    let checked = check(&format!("{FILE}    {live}\n{top}\n"));
    let matrix = checked.matrix.expect("it has no errors");
    let lane = matrix.environments[1].lanes.values().next().expect("one service");
    let alarm = &lane.rollback.alarms[0];
    assert_eq!((alarm.name.as_str(), alarm.source.as_str()), ("deep", "p"));
    assert_eq!((alarm.adapter.kind.as_str(), alarm.is.as_str()), ("prometheus", "> 5"));
    assert_eq!(alarm.adapter.settings["url"], "http://p:9090");
    assert_eq!(alarm.held_for, towpath_core::units::Span::minutes(1));
    let fast = matrix.clone().rehearsed(60);
    let lane = fast.environments[1].lanes.values().next().expect("one service");
    assert_eq!(lane.rollback.alarms[0].held_for, towpath_core::units::Span::seconds(1));
}

#[test]
fn limits_that_copies_start_without_refuse_and_what_is_so_anyway_does_not() {
    assert_eq!(refusing("resources: { memory: 512MB }"), ["resources"]);
    assert_eq!(refusing("scaling: { mode: automatic, min: 2, max: 4 }"), ["scaling.mode"]);
    assert_eq!(refusing("scaling: { mode: none, max: 4 }"), NOTHING);
    let routed = "router: { kind: towpath, listen: 127.0.0.1:3000 }\n";
    assert_eq!(refusing(&format!("{routed}rollout: {{ warm_up: 10s }}")), ["rollout.warm_up"]);
    assert_eq!(refusing("data: { reset: before-major-release }"), ["data.reset"]);
    assert_eq!(refusing("data: { class: synthetic, reset: anytime }"), NOTHING);
}

#[test]
fn rights_refuse_where_nobody_is_named_and_are_enforced_where_somebody_is() {
    let rights = "who_may: { promote: [qa] }";
    assert_eq!(standing(rights, "").0, ["who_may"]);
    assert_eq!(standing("", rights).0, ["who_may"]);
    let people = "people: { ci: { roles: [qa], bot: true }, ann: { roles: [qa] } }";
    assert_eq!(standing(rights, people).0, NOTHING);
    assert_eq!(standing("", people).0, NOTHING);
}

#[test]
fn secrets_that_nothing_can_read_refuse_and_those_of_this_program_do_not() {
    let secrets =
        "secrets: { DB_PASSWORD: { kind: aws-secrets-manager }, TLS_KEY: { type: other } }";
    assert_eq!(standing(secrets, ""), (vec!["secrets".to_owned()], vec![]));
    let checked = check(&format!("{FILE}    {secrets}\n"));
    let reason = "`DB_PASSWORD` is kept in `aws-secrets-manager`, which is planned, and 1 more cannot be read";
    assert_eq!(checked.not_enforced[0].reason, reason);

    let router = "router: { kind: towpath, listen: 127.0.0.1:3000, key_secret: TLS_KEY }";
    // The router itself refuses until its key can be read.
    let both = refusing(&format!("{router}\n{secrets}"));
    assert_eq!(both, ["router", "secrets"], "one is still needed");
    let only = "secrets: { TLS_KEY: { kind: aws-secrets-manager } }";
    assert_eq!(refusing(&format!("{router}\n{only}")), ["router"]);
    assert_eq!(standing(router, only).0, ["router"], "an environment may name one of the top");
    assert_eq!(standing("", only).0, ["secrets"], "nothing names it");
    for own in ["settings: { client_secret: TLS_KEY }", "x-team: { client_secret: TLS_KEY }"] {
        assert_eq!(standing(own, only).0, ["secrets"], "{own}: no key of ours");
    }
    let other = format!("{only}\nservices: {{ shop: {{ {router} }} }}");
    assert_eq!(refusing(&other), ["services.shop.router"], "a service of it names it");
}

#[test]
fn what_stands_at_the_top_is_accepted_when_every_environment_accepts_it() {
    let top = "secrets: { DB_PASSWORD: { kind: aws-secrets-manager } }";
    let accept = "accept_unenforced: [secrets]";
    assert_eq!(standing(accept, top).0, ["secrets"], "dev does not");
    let both = FILE.replace("    tier", &format!("    {accept}\n    tier"));
    let checked = check(&format!("{both}{top}\n"));
    let listed: Vec<_> = checked.not_enforced.iter().map(|it| (&*it.path, it.refuses)).collect();
    assert_eq!(listed, [("secrets", false)]);
    assert!(checked.not_enforced[0].is_accepted());
}
