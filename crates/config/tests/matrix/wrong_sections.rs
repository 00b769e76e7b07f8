//! Bad input of every section, from the table beside it: which code, at which path, and in which
//! words a person is helped. A new case needs no Rust. What keys mean together is not its business.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use towpath_config::{Code, Diagnostic, Symbols, report, schema};

use crate::check_as_the_program;

const TABLE: &str = include_str!("fixtures/wrong-sections.txt");

/// A matrix without errors, to which one section is added.
const TOP: &str = "version: 1\nproject: shop\n";
const ENVIRONMENTS: &str = "environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
    after: dev
    tier: production
    target: { kind: process, command: [./app] }
";

/// One line of the table.
struct Case {
    section: &'static str,
    code: Code,
    path: &'static str,
    message: &'static str,
    help: &'static str,
    at_top: bool,
}

/// With the kinds that there really are: a planned kind's settings are checked too.
fn cases() -> Vec<Case> {
    let mut at_top = false;
    let mut cases = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        if line.starts_with("## ") {
            at_top = line.ends_with("(the top)");
            continue;
        }
        let columns: Vec<_> = line.split(" | ").collect();
        let [section, code, path, message, help] = columns[..] else {
            panic!("five columns: {line}");
        };
        let code = Code::find(code).unwrap_or_else(|| panic!("a code: {line}"));
        cases.push(Case { section, code, path, message, help, at_top });
    }
    cases
}

impl Case {
    /// The matrices that hold the section, with the path that it has there.
    fn matrices(&self) -> Vec<(String, &'static str)> {
        let section = self.section;
        if self.at_top {
            return vec![(format!("{TOP}{section}\n{ENVIRONMENTS}"), "")];
        }
        let own = ENVIRONMENTS.lines().filter(|line| !self.replaces(line));
        let own = own.collect::<Vec<_>>().join("\n");
        let mut all = vec![(format!("{TOP}{own}\n    {section}\n"), "environments.live.")];
        let shared = format!("{TOP}defaults:\n  production:\n    {section}\n{own}\n");
        let misplaced = |it: &Diagnostic| it.label.contains("this belongs");
        if !check_as_the_program(&shared).errors.iter().any(misplaced) {
            all.push((shared, "defaults.production."));
        }
        all
    }

    fn replaces(&self, line: &str) -> bool {
        let key = self.section.split(':').next().unwrap_or_default();
        line.starts_with(&format!("    {key}:")) || (key == "after_any" && line == "    after: dev")
    }

    /// What is not told as the table has it.
    fn judge(&self, text: &str, prefix: &str) -> Option<String> {
        let checked = check_as_the_program(text);
        let told = |it: &&Diagnostic| it.code == self.code && it.message.contains(self.message);
        let wrong = match checked.errors.iter().find(told) {
            None => "is not told".to_owned(),
            Some(_) if checked.errors.len() > 1 => "is not told alone".to_owned(),
            Some(found) if found.path != format!("{prefix}{}", self.path) => {
                format!("has the path {}", found.path)
            }
            Some(found) if !text.lines().nth(found.line - 1)?.contains(self.section) => {
                format!("is told in line {}", found.line)
            }
            Some(found) => {
                let parts = [&found.expected, &found.nearest, &found.next];
                let told: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
                if told.join(" | ").contains(self.help) {
                    return None;
                }
                format!("does not help with `{}`", self.help)
            }
        };
        Some(format!("{} {wrong}:\n{}", self.section, report(&checked, Symbols::Ascii)))
    }
}

#[test]
fn a_wrong_section_is_told_once_at_its_place_with_what_to_write_instead() {
    let (mut failures, mut checked) = (String::new(), 0);
    for case in cases() {
        for (text, prefix) in case.matrices() {
            checked += 1;
            if let Some(wrong) = case.judge(&text, prefix) {
                let _ = writeln!(failures, "{wrong}\n");
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(checked > 300, "the table is read: {checked}");
}

/// A place that a key is told to belong in was found in the tables, so it is never a key of one's own.
#[test]
fn what_is_told_of_a_key_in_the_wrong_place_names_the_right_one() {
    let mut told = String::new();
    let after = TABLE.split("## a key in the wrong place").nth(1).expect("the cases");
    for case in cases().into_iter().filter(|case| after.contains(case.section)) {
        let section = case.section;
        let (text, _) = case.matrices().swap_remove(0);
        for error in check_as_the_program(&text).errors {
            let next = error.next.unwrap_or_default();
            assert!(!next.contains("x-"), "{section}: {next}");
            let _ = writeln!(told, "{section}\n  {}: {}\n  {next}", error.message, error.label);
        }
    }
    insta::assert_snapshot!(told);
}

/// What is missing is told when the shared section lacks it too, and not before.
#[test]
fn a_required_key_is_asked_for_where_the_sections_are_joined() {
    for (shared, own, path) in [
        ("database: { backup: true }", "database: { kind: dynamodb }", "database.table"),
        ("database: { backup: true }", "database: { logged: true }", "database.kind"),
        (
            "storage: { kind: azure-blob, account: a }",
            "storage: { versioning: true }",
            "storage.container",
        ),
        ("queue: { backup: true }", "queue: { kind: sqs }", "queue.queue"),
        ("cache: { backup: true }", "cache: { kind: other }", "cache.name"),
        ("scaling: { max: 5 }", "scaling: { min: 1 }", "scaling.mode"),
        ("recovery: { required: true }", "recovery: { rto: \"< 1h\" }", "recovery.method"),
        (
            "schedule: { off_hours: shutdown }",
            "schedule: { active: { days: [mon] } }",
            "schedule.active.hours",
        ),
        (
            "secret_store: { rotation: manual }",
            "secret_store: { encryption: true }",
            "secret_store.kind",
        ),
        (
            "secrets: { KEY: { rotate_every: 9d } }",
            "secrets: { KEY: { kind: file } }",
            "secrets.KEY.path",
        ),
    ] {
        let text =
            format!("{TOP}defaults:\n  production:\n    {shared}\n{ENVIRONMENTS}    {own}\n");
        let checked = check_as_the_program(&text);
        let all = report(&checked, Symbols::Ascii);
        let [error] = checked.errors.as_slice() else { panic!("{own}: {all}") };
        assert_eq!(error.code, Code::MissingKey, "{own}: {all}");
        assert_eq!(error.path, format!("environments.live.{path}"), "{own}: {all}");
        assert_eq!(error.line, text.lines().count(), "{own}: {all}");
    }
}

/// Nobody adds a section without saying what is told about a wrong one.
#[test]
fn every_section_has_bad_input() {
    let schema = schema(&towpath_adapters::catalogue());
    let parts = [&schema["properties"], &schema["$defs"]["environment"]["properties"]];
    let names: BTreeSet<&String> =
        parts.into_iter().flat_map(|part| part.as_object().expect("sections").keys()).collect();
    let elsewhere = include_str!("wrong.rs");
    let tested = |name: &&String| {
        let here = format!("\n{name}: ");
        TABLE.contains(&here) || elsewhere.contains(&format!("{name}: "))
    };
    let untested: Vec<_> = names.into_iter().filter(|name| !tested(name)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
