//! What is said about a wrong matrix, word for word, and that every rule is explained by an
//! example that breaks it and one that keeps it.

use insta::assert_snapshot;
use towpath_config::{
    Checked, Code, MAX_BYTES, Symbols, explain, parse, report, report_json, snippet,
};

use crate::{catalogue, check};

/// An environment with all it needs, into which an example is put.
const BEFORE: &str = "version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
";
const NEEDED: [&str; 4] = [
    "after: dev",
    "tier: production",
    "target: { kind: process, command: [./app] }",
    "router: { kind: towpath, listen: 127.0.0.1:3000 }",
];

/// Codes about files that an explanation cannot hold.
const WITHOUT_EXAMPLE: [Code; 5] =
    [Code::TooLarge, Code::NotUtf8, Code::TooDeep, Code::TooMuch, Code::TooMany];

/// The whole file that an example of an explanation stands for.
fn example(explanation: &str, title: &str) -> Option<String> {
    let mut lines = explanation.lines().skip_while(|line| !line.starts_with(title));
    let in_environment = lines.next()?.ends_with("in an environment:");
    let block = lines.skip(1).take_while(|line| line.is_empty() || line.starts_with("    "));
    let block: Vec<&str> = block.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    if !in_environment {
        return Some(format!("version: 1\nproject: shop\n{}\n", block.join("\n").trim_end()));
    }
    let given = |line: &str| {
        let key = line.split(':').next().unwrap_or_default();
        block.iter().any(|line| line.split(':').next() == Some(key))
    };
    let needed = NEEDED.into_iter().filter(|line| !given(line));
    let inside = needed.chain(block.iter().copied()).map(|line| format!("    {line}\n"));
    Some(format!("{BEFORE}{}", inside.collect::<String>().trim_end()))
}

/// A file that breaks the rule behind `code`.
pub(crate) fn wrong_example(code: Code) -> String {
    example(code.explanation(), "Wrong").expect("a wrong example")
}

fn codes(checked: &Checked) -> Vec<Code> {
    checked.errors.iter().chain(&checked.warnings).map(|it| it.code).collect()
}

#[test]
fn every_rule_is_explained_by_an_example_that_breaks_it_and_one_that_keeps_it() {
    for code in Code::ALL {
        let explanation = explain(code.as_str()).expect("every code has an explanation");
        assert!(explanation.len() > 80, "{} is explained in a sentence", code.as_str());
        if WITHOUT_EXAMPLE.contains(code) {
            continue;
        }
        let wrong = check(&example(explanation, "Wrong").expect("a wrong example"));
        assert!(codes(&wrong).contains(code), "{}: {:?}", code.as_str(), codes(&wrong));
        let right = check(&example(explanation, "Right").expect("a right example"));
        assert_eq!(codes(&right), [], "{}: the right example is right", code.as_str());
    }
    assert_eq!(explain("no-such-rule"), None);
}

#[test]
fn every_code_has_its_printed_form() {
    for code in Code::ALL {
        let checked = match code {
            Code::TooLarge => bytes(&vec![b'#'; MAX_BYTES + 1]),
            Code::NotUtf8 => bytes(b"version: 1\nproject: caf\xe9\n"),
            Code::TooDeep => check(&format!("version: {}{}", "[".repeat(40), "]".repeat(40))),
            Code::TooMuch => check(&format!("project: {}", "a".repeat(10_000))),
            Code::TooMany => {
                check(&(0..600).fold(String::new(), |text, it| text + &format!("k{it}: 1\n")))
            }
            _ => check(&example(code.explanation(), "Wrong").expect("a wrong example")),
        };
        let all = checked.errors.iter().chain(&checked.warnings);
        let found = all.filter(|it| it.code == *code).map(|it| snippet(&checked, it));
        let text = found.collect::<Vec<_>>().join("\n");
        assert!(!text.is_empty(), "{} is never reported", code.as_str());
        assert_snapshot!(code.as_str(), text);
    }
}

fn bytes(bytes: &[u8]) -> Checked {
    parse("towpath.yaml", bytes, &catalogue::catalogue())
}

#[test]
fn three_mistakes_are_told_in_one_run_as_the_command_line_shows_them() {
    let checked = check(include_str!("fixtures/three-mistakes.yaml"));
    assert_snapshot!(report(&checked, Symbols::Unicode));
    let ascii = report(&checked, Symbols::Ascii);
    assert!(ascii.is_ascii());
    assert_eq!(ascii.lines().next(), Some("x towpath.yaml: 3 errors, 2 warnings"));
}

#[test]
fn the_same_is_told_to_programs_as_one_object() {
    let checked = check(include_str!("fixtures/three-mistakes.yaml"));
    insta::assert_json_snapshot!(report_json(&checked));
}

#[test]
fn each_circle_is_reported_once_and_what_leads_into_it_not_at_all() {
    let environment = |name: &str, after: &str| {
        format!(
            "  {name}: {{ after: {after}, tier: testing, target: {{ kind: process, command: [x] }} }}\n"
        )
    };
    let text = [
        environment("a", "b"),
        environment("b", "a"),
        environment("c", "[b, d]"),
        environment("d", "d"),
        environment("e", "c"),
        "  root: { tier: testing, target: { kind: process, command: [x] } }\n".to_owned(),
    ];
    let checked = check(&format!("version: 1\nproject: shop\nenvironments:\n{}", text.concat()));
    let circles: Vec<_> = checked.errors.iter().map(|it| (it.code, it.path.as_str())).collect();
    assert_eq!(
        circles,
        [
            (Code::PipelineCycle, "environments.a.after"),
            (Code::PipelineCycle, "environments.d.after"),
        ]
    );
    assert!(checked.errors[0].message.contains("a part of the pipeline"));
}
