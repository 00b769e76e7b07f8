//! Secrets that stand in the file are told, printed nowhere, and nobody is advised to keep them.

use towpath_config::{
    Checked, Code, Symbols, diff, report, report_json, resolved_yaml, shown_text,
};

use crate::check_as_the_program;

/// Unlike any other text of these files.
const SECRET: &str = "Zq7hunter2";

fn file(top: &str, live: &str) -> String {
    let process = "target: { kind: process, command: [./app] }";
    let target = if live.starts_with("target:") { "" } else { process };
    format!(
        "version: 1
project: shop
environments:
  dev:
    tier: development
    target: {{ kind: process, command: [./app] }}
  live:
    after: dev
    tier: production
    {target}
    {live}
{top}
"
    )
}

/// The file, checked, and all that is printed of it.
fn told(top: &str, live: &str) -> (Checked, String) {
    let text = file(top, live);
    let checked = check_as_the_program(&text);
    let all = format!(
        "{}\n{}\n{}",
        report(&checked, Symbols::Ascii),
        report_json(&checked),
        resolved_yaml(&checked)
    );
    (checked, all)
}

#[test]
fn a_secret_under_a_key_that_nobody_knows_is_to_be_taken_out_and_not_to_be_kept() {
    for (top, live) in [
        ("password: Zq7hunter2", ""),
        ("", "db_password: Zq7hunter2"),
        ("", "database: { kind: dynamodb, table: a, token: Zq7hunter2 }"),
        ("", "target: { kind: process, command: [./app], api_key: Zq7hunter2 }"),
        ("secrets: { API_KEY: { kind: env, value: Zq7hunter2 } }", ""),
        ("secrets: { API_KEY: { content: Zq7hunter2 } }", ""),
        ("notifiers: { chat: { kind: webhook, url_secret: CHAT, hook: Zq7hunter2 } }", ""),
        ("", "secret_store: { kind: aws-secrets-manager, unlock: Zq7hunter2 }"),
        ("defaults: { production: { secret_store: { kind: env, unlock: Zq7hunter2 } } }", ""),
    ] {
        let (checked, all) = told(top, live);
        let unknown = checked.errors.iter().find(|it| it.code == Code::UnknownKey);
        let next = unknown.and_then(|it| it.next.as_deref()).unwrap_or_else(|| panic!("{all}"));
        assert!(next.starts_with("take it out"), "{top}{live}: {next}");
        assert!(!all.contains(SECRET), "{all}");
    }
}

#[test]
fn a_mistyped_key_beside_secrets_is_put_right_and_its_value_not_shown() {
    let (checked, all) = told("secrets: { API_KEY: { kind: env, typ: Zq7hunter2 } }", "");
    let next = checked.errors.iter().find_map(|it| it.next.as_deref());
    assert_eq!(next, Some("write `type`"), "{all}");
    assert!(!all.contains(SECRET), "{all}");
}

#[test]
fn what_is_no_name_of_a_secret_is_not_repeated() {
    for value in [
        "https://hooks.example.com/services/Zq7hunter2",
        "Zq7hunter2aaaaaaaaaaaaa111",
        "xoxb-Zq7hunter2",
    ] {
        let top = format!("notifiers: {{ chat: {{ kind: webhook, url_secret: '{value}' }} }}");
        let (checked, all) = told(&top, "");
        let codes: Vec<_> = checked.errors.iter().map(|it| it.code).collect();
        assert_eq!(codes, [Code::PlaintextSecret], "{all}");
        assert!(!all.contains(SECRET), "{all}");
    }
    let (checked, all) = told("notifiers: { chat: { kind: webhook, url_secret: CHAT } }", "");
    assert_eq!(checked.errors[0].code, Code::UnknownName);
    assert!(all.contains("called `CHAT`"), "{all}");
}

#[test]
fn tokens_and_passwords_within_values_are_secrets_wherever_they_stand() {
    for (top, live) in [
        ("", "settings: { MODE: ghp_Zq7hunter2 }"),
        ("", "settings: { MODE: sk_live_Zq7hunter2 }"),
        ("", "migrations: { command: [./up, 'postgres://app:Zq7hunter2@db/app'] }"),
        ("", "migrations: { command: [./up], undo: [./down, --token=glpat-Zq7hunter2] }"),
        ("", "url: https://app:Zq7hunter2@example.com"),
        ("", "links: { runbook: 'https://app:Zq7hunter2@example.com' }"),
        ("links: { runbook: 'https://app:Zq7hunter2@example.com' }", ""),
    ] {
        let (checked, all) = told(top, live);
        let codes: Vec<_> = checked.errors.iter().map(|it| it.code).collect();
        assert_eq!(codes, [Code::PlaintextSecret], "{all}");
        assert!(!all.contains(SECRET), "{all}");
    }
}

#[test]
fn a_key_that_nobody_knows_and_that_holds_no_secret_may_be_kept() {
    let (checked, all) = told("", "weather: sunny");
    let next = checked.errors[0].next.as_deref();
    assert!(next.is_some_and(|it| it.contains("`x-weather`")), "{all}");
    assert!(all.contains("sunny"), "{all}");
}

#[test]
fn keys_of_ones_own_are_shown_with_their_origin_and_without_their_secrets() {
    let top = "x-owner: platform team\n\
               defaults: { production: { x-shared: { color: blue } } }";
    let live = "x-team: platform\n    secrets: { A: { kind: env, x-token: Zq7hunter2 } }\n    \
                x-vault: { password: Zq7hunter2, tokens: [ghp_0123456789abcdefghijABCDEFGHIJ012345] }\n    x-password: Zq7hunter2\n    settings: { LEVEL: info }";
    let text = file(top, live).replace("production", "development");
    let checked = check_as_the_program(&text);
    let all = format!("{}{}", report_json(&checked), resolved_yaml(&checked));
    assert_eq!(checked.errors, [], "{all}");
    assert!(!all.contains(SECRET) && !all.contains("ghp_"), "{all}");
    let shown: Vec<String> = resolved_yaml(&checked)
        .lines()
        .filter(|line| ["x-", "color", "password", "tokens"].iter().any(|it| line.contains(it)))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        shown,
        [
            "x-owner: platform team # line 16",
            "x-shared:",
            "color: blue # defaults.development, line 17",
            "x-token: \"********\" # line 12",
            "x-shared:",
            "color: blue # defaults.development, line 17",
            "x-team: platform # line 11",
            "x-vault:",
            "password: \"********\" # line 13",
            "tokens: [\"********\"] # line 13",
            "x-password: \"********\" # line 14",
        ]
    );
}

#[test]
fn a_secret_of_development_is_not_shown_in_the_resolved_form() {
    let text = file("", "").replacen(
        "[./app] }\n",
        "[./app] }\n    settings: { PASSWORD: Zq7hunter2 }\n",
        1,
    );
    let checked = check_as_the_program(&text);
    assert_eq!(checked.errors, []);
    assert!(resolved_yaml(&checked).contains("PASSWORD: \"********\""));
}

/// A line of an environment in which something is a secret by its place.
const PLACES: [&str; 15] = [
    "x-team: { api_token: Zq7hunter2 }",
    "x-passwords: [Zq7hunter2]",
    "x-db: { deep: [{ client_secret: { value: Zq7hunter2 } }] }",
    "migrations: { command: [./up, --password=Zq7hunter2] }",
    "migrations: { command: [./up, -p, Zq7hunter2] }",
    "migrations: { command: [mysql, -pZq7hunter2] }",
    "setup: { started_by: [sh, -c, 'DB_PASSWORD=Zq7hunter2 ./up'] }",
    "target: { kind: process, command: [./app, --api-key, Zq7hunter2] }",
    "target: { kind: command, start: [./start, --token=Zq7hunter2], stop: [./stop] }",
    "gate: { validation: [{ check: command, run: [./test, --secret=Zq7hunter2] }] }",
    "gate: { validation: [{ check: command, run: [./t], env: { DB_PASSWORD: Zq7hunter2 } }] }",
    "gate: { validation: [{ check: http, url: '{green}/', headers: { Authorization: Bearer Zq7hunter2 } }] }",
    "gate: { validation: [{ check: http, url: 'https://example.com/?access_token=Zq7hunter2' }] }",
    "communication: { status_page: { url: 'https://hooks.slack.com/services/T0/B0/Zq7hunter2' } }",
    "infrastructure: { tags: { DB_PASSWORD: Zq7hunter2 } }",
];

#[test]
fn a_secret_by_its_place_is_an_error_outside_development_and_printed_nowhere() {
    for live in PLACES {
        let (checked, all) = told("", live);
        let codes: Vec<_> = checked.errors.iter().map(|it| it.code).collect();
        assert_eq!(codes, [Code::PlaintextSecret], "{live}\n{all}");
        assert!(!all.contains(SECRET), "{all}");
    }
}

#[test]
fn in_development_it_is_a_warning_and_what_runs_gets_it() {
    for line in PLACES {
        let text = file("", line).replace("tier: production", "tier: development");
        let checked = check_as_the_program(&text);
        let all = report(&checked, Symbols::Ascii);
        assert_eq!(checked.errors, [], "{all}");
        let codes: Vec<_> = checked.warnings.iter().map(|it| it.code).collect();
        assert!(codes.contains(&Code::PlaintextSecretInDevelopment), "{line}\n{all}");
        let shown = resolved_yaml(&checked);
        assert!(!shown.is_empty() && !shown.contains(SECRET) && !all.contains(SECRET), "{shown}");
        let json = |it: &Option<_>| serde_json::to_string(it).expect("it is plain data");
        assert!(!json(&checked.shown).contains(SECRET), "{line}");
    }
    let line = "settings: { DB_PASSWORD: Zq7hunter2 }";
    let text = file("", line).replace("tier: production", "tier: development");
    let checked = check_as_the_program(&text);
    let json = |it: &Option<_>| serde_json::to_string(it).expect("it is plain data");
    assert!(json(&checked.matrix).contains(SECRET) && !json(&checked.shown).contains(SECRET));
}

#[test]
fn what_no_tree_holds_is_printed_without_its_secrets() {
    for (live, code) in [
        ("settings: { DB_PASSWORD: $A, DB_PASSWORD: Zq7hunter2 }", Code::DuplicateKey),
        ("settings:\n      DB_PASSWORD: $A\n      DB_PASSWORD: Zq7hunter2", Code::DuplicateKey),
        ("<<: { DB_PASSWORD: Zq7hunter2 }", Code::YamlFeature),
        ("settings: { DB_PASSWORD: Zq7hunter2", Code::YamlSyntax),
        ("settings: { LEVEL: info\n    api_token: Zq7hunter2", Code::YamlSyntax),
        ("\tDB_PASSWORD: Zq7hunter2", Code::Tab),
    ] {
        let (checked, all) = told("", live);
        assert!(checked.errors.iter().any(|it| it.code == code), "{live}\n{all}");
        assert!(!all.contains(SECRET) && !shown_text(&checked).contains(SECRET), "{live}\n{all}");
    }
    let long = "Zq7hunter2 ".repeat(1000);
    let (checked, all) = told("", &format!("title: '{long}'"));
    assert_eq!(checked.errors[0].code, Code::TooMuch);
    assert!(!all.contains(SECRET) && !shown_text(&checked).contains(SECRET), "{all}");
}

#[test]
fn a_secret_in_a_block_ends_where_its_last_line_does() {
    let live =
        "settings:\n      TLS_PRIVATE_KEY: |\n        Zq7hunter2\n      LEVEL: >-\n        info";
    let (checked, _) = told("", live);
    let lines: Vec<&str> = shown_text(&checked).lines().skip(11).take(4).collect();
    assert_eq!(
        lines,
        ["      TLS_PRIVATE_KEY: |", "        **********", "      LEVEL: >-", "        info",]
    );
}

#[test]
fn options_and_connections_of_variables_are_secrets_and_sentences_are_not() {
    for value in [
        "host=db user=app password=Zq7hunter2",
        "--verbose --password Zq7hunter2",
        "mysql -pZq7hunter2",
    ] {
        let (checked, all) = told("", &format!("settings: {{ VALUE: '{value}' }}"));
        let codes: Vec<_> = checked.errors.iter().map(|it| it.code).collect();
        assert_eq!(codes, [Code::PlaintextSecret], "{all}");
        assert!(!all.contains(SECRET), "{all}");
    }
    for live in [
        "settings: { HINT: 'use --token to log in' }",
        "purpose: 'Ask for a new --password before you start'",
    ] {
        assert_eq!(told("", live).0.errors, [], "{live}");
    }
}

#[test]
fn that_a_secret_changed_is_told_and_neither_of_the_two() {
    let of = |secret: &str| {
        let text = file("", &format!("settings: {{ DB_PASSWORD: {secret} }}"));
        let text = text.replace("tier: production", "tier: development");
        check_as_the_program(&text)
    };
    let changes = diff(&of("Zq7hunter2"), &of("Zq7hunter3")).expect("both are right").changes;
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(change.path, "environments.live.settings.DB_PASSWORD");
    assert_eq!(
        change.sentence,
        "live: settings DB_PASSWORD changed, and is not shown: it is a secret"
    );
    assert_eq!(
        (change.was.as_deref(), change.now.as_deref()),
        (Some("********"), Some("********"))
    );
    let same = diff(&of("Zq7hunter2"), &of("Zq7hunter2")).expect("both are right");
    assert_eq!(same.changes, []);
}
