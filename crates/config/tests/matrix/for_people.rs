//! The tables that people know a matrix by.

use std::fmt::Write as _;

use towpath_config::{Table, table_names, tables};

use crate::checked::TWO_SERVICES;
use crate::{SOUNDBITE, check};

fn tables_of(text: &str) -> Vec<Table> {
    tables(&check(text).shown.expect("it is right"))
}

fn written(tables: &[Table]) -> String {
    let mut text = String::new();
    for table in tables {
        let _ = writeln!(text, "{} ({})\n{}", table.title, table.name, table.columns.join(" | "));
        for row in &table.rows {
            let _ = writeln!(text, "{}", row.join(" | "));
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_tables_of_the_example_are_those_that_its_page_had() {
    insta::assert_snapshot!(written(&tables_of(SOUNDBITE)));
}

#[test]
fn services_stand_apart_only_where_a_table_differs_between_them() {
    let text = TWO_SERVICES
        .replace("        rollout: ", "        resources: { memory: 2GB }\n        rollout: ");
    assert_ne!(text, TWO_SERVICES, "the second service is changed");
    let tables = tables_of(&text);
    let find = |name: &str| tables.iter().find(|table| table.name == name).expect("it is filled");
    let names: Vec<&str> = find("resources").rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["dev", "live, api", "live, worker"]);
    let names: Vec<&str> = find("overview").columns.iter().skip(1).map(String::as_str).collect();
    assert_eq!(names, ["dev", "live"]);
}

#[test]
fn a_matrix_that_says_little_fills_few_tables() {
    let tables = tables_of(include_str!("fixtures/one-environment.yaml"));
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    assert_eq!(names, ["overview", "characteristics", "resources", "rollout", "rollback"]);
    assert!(table_names().count() > 10);
}

/// A matrix whose one environment has these lines.
fn with(lines: &str) -> Vec<Table> {
    let lines: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
    tables_of(&format!(
        "version: 1\nproject: shop\nenvironments:\n  dev:\n    tier: development\n    \
         target: {{ kind: process, command: [./app] }}\n    \
         router: {{ kind: towpath, listen: 127.0.0.1:3000 }}\n{}",
        lines.concat()
    ))
}

fn rows(tables: &[Table], name: &str) -> Vec<String> {
    let table = tables.iter().find(|table| table.name == name).expect("it is filled");
    table.rows.iter().map(|row| row.join(" | ")).collect()
}

#[test]
fn each_setting_and_each_secret_has_a_row_and_no_secret_is_shown() {
    let tables = with(
        "settings: { API_TIMEOUT: 30s, DB_PASSWORD: Zq7hunter2, x-own: 1 }\n\
         secrets: { JWT: { kind: env, rotate_every: 90d }, TLS: { kind: env, renew_before: 30d } }",
    );
    assert_eq!(rows(&tables, "settings"), ["API_TIMEOUT | 30s", "DB_PASSWORD | ********"]);
    assert_eq!(rows(&tables, "rotation"), ["JWT | 90 days", "TLS | 30 days before its end"]);
}

#[test]
fn steps_that_are_alike_are_told_as_one() {
    for (steps, told) in [
        ("[{ weight: 50%, bake: 2m }, { weight: 100%, bake: 2m }]", "50% every 2 min"),
        (
            "[{ weight: 50%, bake: 2m }, { weight: 100%, bake: 1h }]",
            "50% for 2 min, 100% for 1 hour",
        ),
        (
            "[{ weight: 40%, bake: 2m }, { weight: 100%, bake: 2m }]",
            "40% for 2 min, 100% for 2 min",
        ),
    ] {
        let tables = with(&format!("rollout: {{ strategy: canary, steps: {steps} }}"));
        assert_eq!(
            rows(&tables, "rollout"),
            ["Strategy | Canary".to_owned(), format!("Steps | {told}")]
        );
    }
    assert_eq!(rows(&with(""), "rollout"), ["Strategy | All At Once", "Steps | 100%"]);
}
