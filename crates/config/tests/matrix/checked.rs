//! What a right matrix means.

use towpath_config::{Code, Origin, Symbols, brief, line_of, origins, resolved_yaml};
use towpath_core::ids::LaneId;
use towpath_core::matrix::{Decider, LaneSpec, Matrix, OnBlind, Predecessors, Strategy};
use towpath_core::units::{Span, Weight};
use towpath_guard::{LatencyLimit, Quantile};

use crate::{SOUNDBITE, check, name};

fn matrix(text: &str) -> Matrix {
    let checked = check(text);
    assert_eq!(checked.errors, [], "{text}");
    checked.matrix.expect("a matrix without errors is whole")
}

fn lane<'a>(matrix: &'a Matrix, service: &str, environment: &str) -> &'a LaneSpec {
    let lane = LaneId { service: name(service), environment: name(environment) };
    matrix.lane(&lane).expect("the lane is declared").1
}

/// Two services, of which the second is different in one environment.
pub(crate) const TWO_SERVICES: &str = "
version: 1
project: shop
services:
  api: { purpose: Answers }
  worker:
defaults:
  all:
    settings: { LEVEL: info, kind: one }
    health: { every: 2m, endpoints: [/health] }
  production:
    settings: { LEVEL: error }
    target: { kind: process, command: [./app], drain: 10s, instances: 3 }
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
    after: dev
    tier: production
    router: { kind: towpath, listen: 127.0.0.1:3000 }
    settings: { kind: two, PORTS: 1.10 }
    services:
      worker:
        target: { kind: process, command: [./worker] }
        settings: { LEVEL: debug }
        rollout: { strategy: canary }
        standby: 2h
";

#[test]
fn the_example_is_right_and_says_what_is_not_enforced() {
    let checked = check(SOUNDBITE);
    assert_eq!(checked.errors, []);
    insta::assert_snapshot!(brief(&checked, Symbols::Unicode));
    let refusing = checked.not_enforced.iter().filter(|it| it.refuses).map(|it| it.path.as_str());
    insta::assert_snapshot!(refusing.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_value_of_the_example_reaches_the_matrix() {
    let matrix = matrix(SOUNDBITE);
    let production = lane(&matrix, "api", "production");
    let steps = production.rollout.steps.iter().map(|it| (it.weight, it.bake_min, it.bake_max));
    let percent = |number: u16| Weight::from_basis_points(number * 100).unwrap();
    let minutes = Span::minutes;
    assert_eq!(
        steps.collect::<Vec<_>>(),
        [
            (percent(1), minutes(3), minutes(3)),
            (percent(10), minutes(5), minutes(5)),
            (percent(50), minutes(5), minutes(5)),
            (Weight::FULL, minutes(5), minutes(5)),
        ]
    );
    assert_eq!(production.rollout.on_blind, OnBlind::Rollback);
    assert_eq!(production.standby, Span::hours(24));
    assert_eq!(production.instances, 4);
    assert_eq!(production.rollback.limits.error_rate, Some(0.05));
    assert_eq!(production.rollback.limits.latency, [LatencyLimit::Factor(Quantile(99), 1.2)]);
    assert_eq!(production.rollback.signals.len(), 2);
    assert_eq!(production.health.every, Some(Span::seconds(30)));
    let asked: Vec<_> = production.gate.validation.iter().map(|it| it.slug.as_str()).collect();
    assert_eq!(
        asked,
        [
            "production-environment-ready",
            "all-tests-passing",
            "security-compliance-verified",
            "monitoring-configured"
        ]
    );
    assert_eq!(production.gate.validation[1].timeout, minutes(3));
    let development = lane(&matrix, "api", "dev-localstack");
    assert_eq!(development.health.every, None);
    assert_eq!(development.rollout.strategy, Strategy::AllAtOnce);
    assert_eq!(development.rollback.mode, Decider::Manual);
    let staging = matrix.environment(&name("staging")).unwrap();
    assert_eq!(staging.promote, Decider::Automatic);
    assert_eq!(staging.after, Predecessors::All(vec![name("dev-aws-deployed")]));
}

#[test]
fn shared_sections_join_key_by_key_under_the_environments_own_and_a_services_own() {
    let matrix = matrix(TWO_SERVICES);
    let (api, worker) = (lane(&matrix, "api", "live"), lane(&matrix, "worker", "live"));
    assert_eq!(api.settings["LEVEL"], "error");
    assert_eq!(api.settings["kind"], "two", "a variable called kind replaces no section");
    assert_eq!(api.settings["PORTS"], "1.10", "a number stands as it is written");
    assert_eq!(worker.settings["LEVEL"], "debug");
    assert_eq!(worker.settings["kind"], "two");
    assert_eq!(api.target.settings["drain"], 10_000);
    assert_eq!(worker.target.settings["command"][0], "./worker");
    assert_eq!(worker.instances, 3, "the same kind joins, so the shared count holds");
    assert_eq!(api.rollout.strategy, Strategy::BlueGreen);
    assert_eq!((worker.rollout.strategy, worker.rollout.steps.len()), (Strategy::Canary, 4));
    assert_eq!((api.standby, worker.standby), (Span::hours(24), Span::hours(2)));
    assert_eq!(lane(&matrix, "api", "dev").health.every, Some(Span::minutes(2)));
}

#[test]
fn another_kind_replaces_the_shared_section_whole() {
    let text = TWO_SERVICES.replace(
        "    router: { kind: towpath, listen: 127.0.0.1:3000 }",
        "    target: { kind: docker, image: api }",
    );
    let matrix = matrix(&text);
    let api = lane(&matrix, "api", "live");
    assert_eq!(api.target.settings, serde_json::json!({ "image": "api" }));
    assert_eq!(api.instances, 1);
    assert!(api.unenforced.iter().any(|it| it.path == "environments.live.target" && it.refuses));
}

#[test]
fn what_is_accepted_by_name_no_longer_refuses_but_stays_listed() {
    let accept = "    accept_unenforced: [who_may, gate.prerequisites.reviewed]\n    tier: production\n    who_may: { promote: [devops] }\n    gate: { prerequisites: [{ check: github, name: Reviewed, reviews: 1 }] }\n";
    let matrix = matrix(&TWO_SERVICES.replace("    tier: production\n", accept));
    let found = &lane(&matrix, "api", "live").unenforced;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|it| !it.refuses && it.reason.ends_with("accepted in the matrix")));
    assert_eq!(lane(&matrix, "api", "live").gate.prerequisites, [], "nothing could answer it");
}

#[test]
fn a_check_that_is_called_like_what_runs_releases_is_accepted_as_any_other() {
    for (name, slug) in [("Target", "target"), ("Router", "router")] {
        let accept = format!(
            "    accept_unenforced: [{slug}]\n    tier: production\n    gate: {{ validation: [{{ check: github, name: {name}, reviews: 1 }}] }}\n"
        );
        let matrix = matrix(&TWO_SERVICES.replace("    tier: production\n", &accept));
        let found = &lane(&matrix, "api", "live").unenforced;
        let path = format!("environments.live.gate.validation.{slug}");
        let found: Vec<_> = found.iter().map(|it| (&*it.path, it.refuses)).collect();
        assert_eq!(found, [(&*path, false)]);
    }
}

#[test]
fn the_roles_that_a_check_asks_for_refuse_until_they_are_accepted_and_the_check_stays() {
    let gate = "    tier: production\n    gate:\n      prerequisites: [{ check: attested, name: Tried out, by: [qa] }]\n      validation: [{ check: attested, name: Looked at, by: [qa] }]\n";
    let text = TWO_SERVICES.replace("    tier: production\n", gate);
    let paths = |text: &str| {
        let section = lane(&matrix(text), "api", "live").clone();
        let list = section.unenforced.into_iter().map(|it| (it.path, it.refuses));
        (list.collect::<Vec<_>>(), section.gate)
    };
    let at = |list: &str, refuses| (format!("environments.live.gate.{list}.by"), refuses);
    let (found, gate) = paths(&text);
    assert_eq!(found, [at("prerequisites.tried-out", true), at("validation.looked-at", true)]);
    let accept = "    accept_unenforced: [tried-out.by]\n    tier: production\n";
    let (found, still) = paths(&text.replace("    tier: production\n", accept));
    assert_eq!(found, [at("prerequisites.tried-out", false), at("validation.looked-at", true)]);
    assert_eq!(gate, still, "the checks themselves are still asked");
    let meant_for_all =
        check(&text.replace("    tier: production\n", &accept.replace("tried-out.by", "by")));
    assert!(meant_for_all.warnings.iter().any(|it| it.code == Code::AcceptsNothing), "`by` alone");
}

#[test]
fn the_resolved_form_is_a_matrix_that_means_the_same() {
    for text in [SOUNDBITE, include_str!("fixtures/one-environment.yaml")] {
        let checked = check(text);
        let again = check(&resolved_yaml(&checked));
        assert_eq!(again.errors, [], "{}", resolved_yaml(&checked));
        assert_eq!(again.matrix, checked.matrix);
        assert_eq!(again.not_enforced, checked.not_enforced);
    }
    let checked = check(TWO_SERVICES);
    let again = check(&resolved_yaml(&checked));
    assert_eq!(again.errors, [], "{}", resolved_yaml(&checked));
    assert_eq!(again.matrix, checked.matrix);
    assert_eq!(again.not_enforced, checked.not_enforced);
}

#[test]
fn the_resolved_form_says_where_each_value_comes_from() {
    let checked = check(TWO_SERVICES);
    insta::assert_snapshot!(resolved_yaml(&checked));
    let origins = origins(&checked);
    let of = |path: &str| origins.get(path).unwrap_or_else(|| panic!("{path} is shown"));
    let live = "environments.live.services.worker";
    assert_eq!(*of(&format!("{live}.standby")), Origin::Line(28));
    let all = "environments.live";
    assert_eq!(*of(&format!("{all}.health.every")), Origin::Shared("defaults.all".to_owned(), 10));
    assert_eq!(*of(&format!("{all}.health.retries")), Origin::BuiltIn);
}

#[test]
fn a_path_is_found_where_it_stands_also_where_it_is_shared() {
    let checked = check(SOUNDBITE);
    let line = |path: &str| line_of(&checked, path);
    assert_eq!(line("environments.production.approvals"), Some(384));
    assert_eq!(
        line("environments.production.gate.prerequisites.security-testing-complete"),
        Some(373)
    );
    assert_eq!(line("environments.production.rollout.steps[1].weight"), Some(395));
    assert_eq!(line("environments.dev-aws.router.listen"), Some(61), "from defaults.development");
    assert_eq!(line("environments.dev-aws.secret_store.kind"), Some(62), "one key of it is shared");
    assert_eq!(line("environments.dev-aws.secret_store.rotation"), Some(115), "and one is its own");
    assert_eq!(line("nothing.like.it"), None);
    for item in &checked.not_enforced {
        assert!(line(&item.path).is_some(), "{}", item.path);
    }
}

#[test]
fn a_service_that_writes_a_default_down_demands_no_more_than_its_environment() {
    let demanded = |own: &str| {
        let section = "    migrations: { command: [./migrate] }\n    services:\n      worker:\n";
        let text = TWO_SERVICES.replace(
            "    services:\n      worker:\n",
            &format!("{section}        migrations: {{ {own} }}\n"),
        );
        let paths = check(&text).not_enforced.into_iter().map(|it| it.path);
        paths.filter(|it| it.contains("migrations")).collect::<Vec<_>>()
    };
    let of_all = "environments.live.migrations".to_owned();
    assert_eq!(demanded("strategy: expand-contract"), std::slice::from_ref(&of_all));
    let of_one = "environments.live.services.worker.migrations".to_owned();
    assert_eq!(demanded("strategy: in-place"), [of_all, of_one]);
}

/// A lane in production with a router and these lines.
fn with_lines(lines: &str) -> String {
    format!(
        "version: 1\nproject: shop\nenvironments:\n  live:\n    tier: production\n    \
         target: {{ kind: process, command: [./app] }}\n    \
         router: {{ kind: towpath, listen: 127.0.0.1:3000 }}\n{lines}"
    )
}

#[test]
fn a_holdback_lasts_as_long_as_the_standby_or_less() {
    for (lines, share, lasts) in [
        ("    standby: 2h\n    holdback: 5%\n", 500, Span::hours(2)),
        ("    holdback: 1%\n", 100, Span::hours(24)),
        ("    holdback: { share: 12.5%, for: 30m }\n", 1250, Span::minutes(30)),
    ] {
        let rule = lane(&matrix(&with_lines(lines)), "shop", "live").holdback.expect(lines);
        assert_eq!((rule.share.basis_points(), rule.lasts), (share, lasts), "{lines}");
    }
    let never = "    rollout: { rescue: never }\n";
    for lines in [never, &format!("{never}    holdback: 0%\n"), "    standby: 0s\n"] {
        assert_eq!(lane(&matrix(&with_lines(lines)), "shop", "live").holdback, None, "{lines}");
    }
}

#[test]
fn what_stands_by_stays_in_the_route_without_a_share_where_requests_are_rescued() {
    for (lines, lasts) in [
        ("", Span::hours(24)),
        ("    standby: 2h\n    holdback: 0%\n", Span::hours(2)),
        ("    rollout: { rescue: safe }\n", Span::hours(24)),
    ] {
        let rule = lane(&matrix(&with_lines(lines)), "shop", "live").holdback.expect(lines);
        assert_eq!((rule.share.basis_points(), rule.lasts), (0, lasts), "{lines}");
    }
}

#[test]
fn a_holdback_that_could_not_be_kept_is_an_error_at_its_place() {
    let lambda = with_lines("    holdback: 5%\n").replace(
        "{ kind: towpath, listen: 127.0.0.1:3000 }",
        "{ kind: lambda-alias, alias: live }",
    );
    let cases = [
        (with_lines("    standby: 1h\n    holdback: { share: 5%, for: 2h }\n"), ".for", "outlasts"),
        (with_lines("    standby: 0s\n    holdback: 5%\n"), "", "without `standby`"),
        (lambda, "", "`lambda-alias` cannot hold a release back"),
    ];
    for (text, below, message) in cases {
        let errors = crate::check_as_the_program(&text).errors;
        let [error] = errors.as_slice() else { panic!("{text}: {errors:?}") };
        assert_eq!(error.path, format!("environments.live.holdback{below}"), "{text}");
        assert!(error.message.contains(message) && error.next.is_some(), "{error:?}");
    }
}
