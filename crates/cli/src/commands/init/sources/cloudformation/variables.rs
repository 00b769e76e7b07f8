//! The variables of functions and containers as settings and names of secrets. Owns which of them a
//! matrix may hold; no value of a secret leaves this file.

use std::collections::BTreeMap;

use towpath_config::{StarterSecret, is_secret};

use super::super::findings::FoundLane;
use super::super::foreign::Value;
use super::super::names::few;
use super::resources::NAMES;
use super::{Given, Template};

/// Adds the variables of `owner` to `lane`; answers what stays behind.
pub(super) fn variables(
    owner: &str,
    all: BTreeMap<String, Value>,
    template: &Template,
    given: &Given,
    lane: &mut FoundLane,
) -> Option<String> {
    let mut computed = Vec::new();
    for (name, value) in all {
        let text = template.text(&value, given).or_else(|| named(&value, template, given));
        match text {
            Some(text) => match dynamic(&text) {
                Some(id) => secret(lane, name, Some(id)),
                None if text.contains("{{resolve:") => computed.push(name),
                None if is_secret(&name, &text) => secret(lane, name, None),
                None => drop(lane.settings.insert(name, text)),
            },
            None if is_secret(&name, "some-value") => secret(lane, name, None),
            None => computed.push(name),
        }
    }
    (!computed.is_empty()).then(|| {
        format!(
            "{} of {owner}: the template computes it; write it into `settings` once it is known",
            few(computed)
        )
    })
}

fn secret(lane: &mut FoundLane, name: String, id: Option<String>) {
    if is_variable(&name) {
        lane.secrets.insert(name, StarterSecret::SecretsManager(id));
    }
}

/// Whether a secret can be called so.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// The secret in `{{resolve:secretsmanager:prod/db:SecretString:password}}`.
fn dynamic(text: &str) -> Option<String> {
    let inner = text.strip_prefix("{{resolve:secretsmanager:")?.strip_suffix("}}")?;
    let id = match inner.strip_prefix("arn:") {
        // An ARN has seven parts.
        Some(_) => inner.splitn(8, ':').take(7).collect::<Vec<_>>().join(":"),
        None => inner.split(':').next()?.to_owned(),
    };
    (!id.is_empty()).then_some(id)
}

/// The name of the resource that a value refers to, where the template gives it.
fn named(value: &Value, template: &Template, given: &Given) -> Option<String> {
    let logical = match value.tag() {
        Some("Ref") => value.text(),
        Some(_) => None,
        None => value.get("Ref").and_then(Value::text),
    }?;
    let properties = template.root.at(&["Resources", &logical, "Properties"])?;
    let keys = NAMES.iter().chain(&["FunctionName"]);
    keys.filter_map(|key| properties.get(key)).find_map(|it| template.text(it, given))
}
