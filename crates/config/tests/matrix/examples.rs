//! The three examples of this repository, whole: what is said of them, what of them does not act,
//! and what they mean. Promotes nothing; the one that can run is followed elsewhere.

use serde_json::Value;
use towpath_config::{Symbols, Table, brief, resolved_yaml, tables, to_json};

use crate::check_as_the_program;

/// An example: its folder, its matrix, its README.
struct Example {
    name: &'static str,
    matrix: &'static str,
    readme: &'static str,
}

macro_rules! example {
    ($name:literal) => {
        Example {
            name: $name,
            matrix: include_str!(concat!("../../../../examples/", $name, "/towpath.yaml")),
            readme: include_str!(concat!("../../../../examples/", $name, "/README.md")),
        }
    };
}

const EXAMPLES: [Example; 3] =
    [example!("soundbite"), example!("web-service"), example!("security-design-assistant")];

/// With the kinds that there really are: a planned kind's settings are checked too.
#[test]
fn the_examples_are_right_and_nothing_in_them_contradicts_itself_unsaid() {
    for example in EXAMPLES {
        let checked = check_as_the_program(example.matrix);
        assert_eq!(checked.errors, [], "{}", example.name);
        insta::assert_snapshot!(
            format!("{}-diagnostics", example.name),
            brief(&checked, Symbols::Unicode)
        );
    }
}

#[test]
fn what_does_not_act_in_an_example_is_listed_path_by_path() {
    for example in EXAMPLES {
        let listed: Vec<_> = check_as_the_program(example.matrix)
            .not_enforced
            .into_iter()
            .map(|it| format!("{} {}", if it.refuses { "refuses" } else { "is kept" }, it.path))
            .collect();
        insta::assert_snapshot!(format!("{}-not-enforced", example.name), listed.join("\n"));
    }
}

/// A target or router that is not built cannot be accepted, so that nothing seems to run.
#[test]
fn only_soundbite_can_be_promoted_from() {
    for example in EXAMPLES {
        let refusing: Vec<_> = check_as_the_program(example.matrix)
            .not_enforced
            .into_iter()
            .filter(|it| it.refuses)
            .collect();
        assert_eq!(refusing.is_empty(), example.name == "soundbite", "{refusing:#?}");
    }
}

#[test]
fn the_resolved_form_of_an_example_is_golden_and_means_the_same() {
    for example in EXAMPLES {
        let checked = check_as_the_program(example.matrix);
        let resolved = resolved_yaml(&checked);
        let again = check_as_the_program(&resolved);
        assert_eq!(again.errors, [], "{}", example.name);
        assert_eq!(again.matrix, checked.matrix, "{}", example.name);
        assert_eq!(again.not_enforced, checked.not_enforced, "{}", example.name);
        insta::assert_snapshot!(format!("{}-resolved", example.name), resolved);
    }
}

/// The tables are those of the pages that the examples come from, cell by cell.
#[test]
fn the_tables_of_an_example_are_those_of_its_page() {
    for example in EXAMPLES {
        let checked = check_as_the_program(example.matrix);
        let tables = tables(checked.matrix.as_ref().expect("the example is right"));
        let shown: Vec<_> = tables.iter().map(shown).collect();
        insta::assert_snapshot!(format!("{}-tables", example.name), shown.join("\n\n"));
    }
}

fn shown(table: &Table) -> String {
    let rows = std::iter::once(&table.columns).chain(&table.rows).map(|row| row.join(" | "));
    std::iter::once(table.title.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

/// Every path that a README gives for a heading stands in the matrix beside it.
#[test]
fn the_map_of_an_examples_readme_leads_to_what_is_there() {
    for example in EXAMPLES {
        let matrix = to_json(example.matrix).expect("the example is plain YAML");
        let rows = example.readme.lines().filter(|line| line.starts_with("| "));
        let mapped: Vec<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
        let paths = mapped.iter().filter(|text| is_path(&matrix, text));
        let missing: Vec<_> =
            paths.clone().filter(|path| !leads_somewhere(&matrix, path)).collect();
        assert_eq!(missing, Vec::<&&str>::new(), "{}", example.name);
        assert!(paths.count() > 25, "{} maps its headings", example.name);
    }
}

/// Whether a text between backticks is meant as a path of the matrix: it begins with one of its
/// environments, with `ENV`, or with one of its sections.
fn is_path(matrix: &Value, text: &str) -> bool {
    let words = !text.contains([' ', ':']) && !text.starts_with("scripts/");
    let first = text.split('.').next().unwrap_or_default();
    let known = |place: &Value| place.get(first).is_some();
    words && (first == "ENV" || text.contains('.') || known(matrix))
}

fn leads_somewhere(matrix: &Value, path: &str) -> bool {
    let environments = matrix["environments"].as_object().expect("there are environments");
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    if first == "ENV" {
        return environments.values().any(|place| find(place, rest).is_some());
    }
    let own = environments.get(first).and_then(|place| find(place, rest));
    own.or_else(|| find(matrix, path)).is_some()
}

/// The value at `path`; an entry of a list is found by its name in lower case with hyphens.
fn find<'a>(place: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|key| !key.is_empty()).try_fold(place, |place, key| match place {
        Value::Array(items) => items.iter().find(|item| {
            let name = item["name"].as_str().unwrap_or_default().to_ascii_lowercase();
            let words = name.split(|one: char| !one.is_ascii_alphanumeric());
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-") == key
        }),
        place => place.get(key),
    })
}
