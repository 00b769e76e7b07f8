//! A secret planted at every place of the examples where a text stands, once as a value that tells
//! itself and once under a name that tells: it is told, and stands in nothing that is printed.

use std::fmt::Write as _;

use granit_parser::{Event, Parser};
use towpath_config::{
    Checked, Code, Symbols, brief, diff, report, report_json, resolved_yaml, shown_text, tables,
};

use crate::check;

/// Unlike any other text of the examples.
const SECRET: &str = "Zq7hunter2Marker";

const EXAMPLES: [(&str, &str); 4] = [
    ("soundbite", include_str!("../../../../examples/soundbite/towpath.yaml")),
    ("web-service", include_str!("../../../../examples/web-service/towpath.yaml")),
    ("security", include_str!("../../../../examples/security-design-assistant/towpath.yaml")),
    ("fixture", include_str!("../matrix/fixtures/soundbite.yaml")),
];

/// Values that are secrets wherever they stand.
const TELLING: [&str; 5] = [
    "ghp_Zq7hunter2Marker",
    "https://app:Zq7hunter2Marker@example.com/a",
    "https://hooks.slack.com/services/T0/B0/Zq7hunter2Marker",
    "https://example.com/hook?token=Zq7hunter2Marker",
    "postgres://app:Zq7hunter2Marker@db/app",
];
/// Names that tell, of nobody's table.
const NAMES: [&str; 4] = ["password", "x-api-token", "dbPassword", "x-client-secret"];

/// One text of a file.
struct Place {
    key: Option<(usize, usize)>,
    value: (usize, usize),
}

/// Every text of one line, with its key where it has one.
fn places(text: &str) -> Vec<Place> {
    let events = Parser::new_from_str(text).map(|next| {
        let (event, span) = next.expect("an example is YAML");
        let start = span.start.byte_offset().unwrap_or_default();
        (event, (start, span.end.byte_offset().unwrap_or(start)))
    });
    // Of each open map the key whose value comes next; of a list nothing.
    let mut open: Vec<Option<Option<(usize, usize)>>> = Vec::new();
    let mut found = Vec::new();
    for (event, piece) in events {
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if let Some(Some(key)) = open.last_mut() {
                    *key = None;
                }
                open.push(matches!(event, Event::MappingStart(..)).then_some(None));
            }
            Event::MappingEnd | Event::SequenceEnd => drop(open.pop()),
            Event::Scalar(..) => match open.last_mut() {
                Some(Some(key)) if key.is_none() => *key = Some(piece),
                Some(Some(key)) => found.push(Place { key: key.take(), value: piece }),
                _ => found.push(Place { key: None, value: piece }),
            },
            _ => {}
        }
    }
    let one_line = |it: &Place| !text[it.value.0..it.value.1].trim_end().contains('\n');
    found.into_iter().filter(|it| it.value.0 < it.value.1 && one_line(it)).collect()
}

/// All that is printed of a file, and of what changed in it.
fn printed(checked: &Checked, before: &Checked) -> String {
    let mut all = report(checked, Symbols::Unicode) + &brief(checked, Symbols::Ascii);
    let _ = write!(all, "{}{}", report_json(checked), resolved_yaml(checked));
    all.push_str(shown_text(checked));
    if let Some(matrix) = &checked.shown {
        let _ = write!(all, "{}", serde_json::json!([matrix, tables(matrix)]));
    }
    for changes in [diff(before, checked), diff(checked, before)].into_iter().flatten() {
        let _ = write!(all, "{}", serde_json::json!(changes));
    }
    all
}

/// Every place or, as that takes minutes, every 29th.
fn step() -> usize {
    if std::env::var_os("TOWPATH_EVERY_KEY").is_some() { 1 } else { 29 }
}

/// Plants by `plant`, once as the example is and once with development alone, where a secret is a
/// warning and everything is printed.
fn each(plant: impl Fn(&str, &Place, usize) -> Option<String>) -> usize {
    let (mut planted, mut failures) = (0, String::new());
    for (name, text) in EXAMPLES {
        let lenient =
            ["production", "staging", "testing"].iter().fold(text.to_owned(), |all, it| {
                all.replace(&format!("tier: {it}"), "tier: development")
            });
        for text in [text, &lenient] {
            let before = check(text);
            for (at, place) in
                places(text).iter().enumerate().skip(planted % step()).step_by(step())
            {
                let Some(file) = plant(text, place, at) else { continue };
                planted += 1;
                let checked = check(&file);
                let told =
                    [Code::PlaintextSecret, Code::PlaintextSecretInDevelopment, Code::UnknownKey];
                let all = checked.errors.iter().chain(&checked.warnings);
                let line = file[..place.value.0].lines().count();
                let is_public = text.contains("test_credentials: public");
                if !is_public && !all.clone().any(|it| told.contains(&it.code)) {
                    let _ = writeln!(failures, "{name}:{line}: nothing is told");
                }
                let printed = printed(&checked, &before);
                if let Some(found) = printed.find(SECRET) {
                    let from = printed[..found].char_indices().rev().nth(80).map_or(0, |it| it.0);
                    let shown = &printed[from..found + SECRET.len()];
                    let _ = writeln!(failures, "{name}:{line}: printed: {shown}");
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    planted
}

#[test]
fn a_value_that_tells_itself_is_told_and_printed_nowhere() {
    let planted = each(|text, place, at| {
        let (from, until) = place.value;
        Some(format!("{}\"{}\"{}", &text[..from], TELLING[at % TELLING.len()], &text[until..]))
    });
    assert!(planted > 100, "{planted}");
}

#[test]
fn what_stands_under_a_name_that_tells_is_told_and_printed_nowhere() {
    let planted = each(|text, place, at| {
        let ((key, end), (from, until)) = (place.key?, place.value);
        let value = [SECRET.to_owned(), format!("[a, {SECRET}]"), format!("{{ value: {SECRET} }}")];
        let (name, value) = (NAMES[at % NAMES.len()], &value[at % value.len()]);
        Some(format!("{}{name}{}{value}{}", &text[..key], &text[end..from], &text[until..]))
    });
    assert!(planted > 100, "{planted}");
}
