//! The tables that people know a matrix by.

use std::fmt::Write as _;

use towpath_config::{Table, table_names, tables};

use crate::checked::TWO_SERVICES;
use crate::{SOUNDBITE, check};

fn tables_of(text: &str) -> Vec<Table> {
    tables(&check(text).matrix.expect("it is right"))
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
    assert_eq!(names, ["overview", "resources", "rollback"]);
    assert!(table_names().count() > 10);
}
