//! Contradictions and dangers: how they are told and accepted, and what the example contradicts.
//! When each rule speaks and when it is silent is in the files below.

mod demands;
mod entry;
mod operation;
mod upkeep;

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
fn a_warning_that_is_accepted_and_never_told_is_told_itself() {
    let slow = "slo: { latency_p99: '< 1s' }";
    let fast = "slo: { latency_p99: '< 100ms' }\naccept_warnings: [slo-order]";
    let at = |name: &str| vec![format!("accepts-nothing {name}accept_warnings[0]")];
    assert_eq!(said(["", fast, slow, ""])[0], at("environments.staging.")[0], "it is told of live");
    assert_eq!(said(["", "", "accept_warnings: [slo-order]", ""]), at("environments.live."));
    assert_eq!(said(["", "", "", "accept_warnings: [slo-order]"]), at(""));
    assert_eq!(said(["", "", "", "accept_warnings: [slo-order, accepts-nothing]"]), NOTHING);
    let wrong = said(["", "", "settings: 5", "accept_warnings: [slo-order]"]);
    assert!(
        wrong.iter().all(|it| !it.starts_with("accepts-nothing")),
        "not with errors: {wrong:?}"
    );
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

/// A wrong value reads as if it were left out, and what would be told of its absence is not told.
#[test]
fn no_rule_speaks_of_a_value_that_was_refused() {
    let before = "version: 1\nproject: shop\npeople:\n  ada: { roles: [dev] }\n  bob: { roles: [dev] }\n\
                  environments:\n  live:\n    tier: production\n";
    let target = "    target: { kind: process, command: [./app] }\n";
    let two = "    target: { kind: process, command: [./app], instances: 400% }\n";
    let uptime = "    slo: { uptime: \">= 99.95%\" }\n";
    let gate = "    gate: { validation: [{ check: attested, name: x, by: BY }] }\n    \
                accept_unenforced: [gate.validation.x]\n";
    for (rest, right) in [
        (format!("{target}    standby: 1w\n    rollback: {{ mode: automatic }}\n"), ("1w", "7d")),
        (format!("{two}{uptime}"), ("400%", "4")),
        (
            format!("{target}{uptime}    scaling: {{ mode: automatic, min: two, max: 4 }}\n"),
            ("two", "2"),
        ),
        (format!("{target}{}", gate.replace("BY", "5")), ("by: 5", "by: dev")),
        (format!("{target}{}", gate.replace("BY", "{ a: b }")), ("by: { a: b }", "by: dev")),
    ] {
        let checked = crate::check(&format!("{before}{rest}"));
        assert_eq!(checked.errors.len(), 1, "{rest}: {:#?}", checked.errors);
        let told: Vec<_> = checked.warnings.iter().map(|it| &it.message).collect();
        assert!(told.is_empty(), "{rest}: {told:?}");
        let (wrong, right) = right;
        let checked = crate::check(&format!("{before}{}", rest.replacen(wrong, right, 1)));
        assert!(checked.errors.is_empty(), "{rest}: {:#?}", checked.errors);
    }
}
