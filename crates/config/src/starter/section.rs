//! Sections of the starter as they are written: on a line where they fit, else a key to a line. Owns
//! what becomes a comment because the format does not take it; knows no lane.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use towpath_ports::catalogue::Catalogue;

use super::{StarterAlarm, StarterSecret, StarterSection, WIDTH, comments};
use crate::fields::from_default;
use crate::problem::Problems;
use crate::sections::{self, Where};
use crate::show::written;
use crate::value::{self, Against};

/// A section; a comment with the reason where the format does not take it so.
pub(super) fn write_section(out: &mut String, indent: usize, section: &StarterSection) {
    let said = section.fields.iter().filter(|(_, value)| value.is_said());
    let fields: Vec<String> =
        said.map(|(key, value)| format!("{key}: {}", value.written())).collect();
    let refused = refusal(section.name, &in_one(&fields));
    let mark = if refused.is_some() { "# " } else { "" };
    comments(out, indent, &Vec::from_iter(refused));
    write_map(out, indent, mark, section.name, &fields);
}

/// Keys and values, each `key: value`, as a map behind `mark`.
pub(super) fn write_map(
    out: &mut String,
    indent: usize,
    mark: &str,
    name: &str,
    fields: &[String],
) {
    let line = format!("{:indent$}{mark}{name}: {}", "", in_one(fields));
    if line.chars().count() <= WIDTH || fields.len() < 2 {
        let _ = writeln!(out, "{line}");
        return;
    }
    let _ = writeln!(out, "{:indent$}{mark}{name}:", "");
    for field in fields {
        let _ = writeln!(out, "{:indent$}{mark}  {field}", "");
    }
}

/// Variables by name.
pub(super) fn write_settings(out: &mut String, indent: usize, settings: &BTreeMap<String, String>) {
    if settings.is_empty() {
        return;
    }
    let field =
        |(name, value): (&String, &String)| format!("{}: {}", written(name), written(value));
    let fields: Vec<String> = settings.iter().map(field).collect();
    write_map(out, indent, "", "settings", &fields);
}

/// Names of secrets and where they are kept.
pub(super) fn write_secrets(
    out: &mut String,
    indent: usize,
    secrets: &BTreeMap<String, StarterSecret>,
) {
    if secrets.is_empty() {
        return;
    }
    let note = "Names alone, never values; the service gets them as variables.".to_owned();
    comments(out, indent, &[note]);
    let fields: Vec<String> = secrets
        .iter()
        .map(|(name, secret)| {
            let kept = match secret {
                StarterSecret::Variable => "{ kind: env }".to_owned(),
                StarterSecret::File(path) => format!("{{ kind: file, path: {} }}", written(path)),
                StarterSecret::SecretsManager(None) => "{ kind: aws-secrets-manager }".to_owned(),
                StarterSecret::SecretsManager(Some(id)) => {
                    format!("{{ kind: aws-secrets-manager, id: {} }}", written(id))
                }
            };
            format!("{}: {kept}", written(name))
        })
        .collect();
    write_map(out, indent, "", "secrets", &fields);
}

/// Alarms, one to a line.
pub(super) fn write_alarms(out: &mut String, indent: usize, alarms: &[StarterAlarm]) {
    if alarms.is_empty() {
        return;
    }
    let _ = writeln!(out, "{:indent$}alarms:", "");
    for alarm in alarms {
        let _ = writeln!(
            out,
            "{:indent$}  - {{ name: {}, query: {}, is: {}, for: {} }}",
            "",
            written(alarm.name.as_str()),
            written(&alarm.query),
            written(&alarm.is),
            alarm.lasting
        );
    }
}

fn in_one(fields: &[String]) -> String {
    format!("{{ {} }}", fields.join(", "))
}

/// Why a section cannot stand in an environment; none when it can.
fn refusal(name: &str, fields: &str) -> Option<String> {
    let Some(section) = sections::find(name, Where::Environment) else {
        return Some(format!("This version has no section `{name}`:"));
    };
    let mut problems = Problems::default();
    let node = from_default(fields);
    let catalogue = Catalogue::default();
    let against = Against { catalogue: &catalogue, part: false };
    value::verify(&node, section.key.shape, name, against, &mut problems);
    let problem = problems.into_sorted().into_iter().next()?;
    Some(format!("To be completed, for {}:", problem.message))
}
