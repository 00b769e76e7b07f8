//! The first container of a template: its variables, limits and copies. Other containers beside it are
//! told by name.

use std::collections::BTreeMap;

use towpath_config::{StarterSecret, StarterSection, StarterValue};

use super::super::findings::{FoundLane, Said};
use super::super::foreign::Value;
use super::super::names::{few, shortened};
use super::super::words::megabytes;
use super::variables::{is_variable, variables};
use super::{Given, Template};

/// Adds what the task definition of `template` says, if it has one.
pub(super) fn describe(template: &Template, given: &Given, lane: &mut FoundLane, said: &mut Said) {
    let mut tasks = template.of_type(&["AWS::ECS::TaskDefinition"]);
    let Some((logical, task)) = tasks.next() else { return };
    let all =
        task.at(&["Properties", "ContainerDefinitions"]).map(Value::items).unwrap_or_default();
    let Some((first, others)) = all.split_first() else { return };
    let shown = shortened(logical);
    let pairs = |key: &str, value: &str| -> BTreeMap<String, Value> {
        let items = first.get(key).map(Value::items).unwrap_or_default();
        let pair = |item: &Value| Some((item.get("Name")?.text()?, item.get(value)?.clone()));
        items.iter().filter_map(pair).collect()
    };
    if let Some(sentence) = variables(&shown, pairs("Environment", "Value"), template, given, lane)
    {
        said.left_out(sentence);
    }
    for (name, from) in pairs("Secrets", "ValueFrom") {
        let id = template.text(&from, given);
        if is_variable(&name) {
            lane.secrets.insert(name, StarterSecret::SecretsManager(id));
        }
    }
    let text = |key: &str| template.text(task.at(&["Properties", key])?, given);
    let memory = text("Memory").and_then(|it| megabytes(it.parse().ok()?));
    let mut fields = Vec::new();
    fields.extend(memory.map(|it| ("memory", StarterValue::Text(it))));
    let processors = text("Cpu").and_then(|it| it.parse::<u32>().ok()); // 1024 units are one.
    fields.extend(processors.map(|it| {
        ("cpu", StarterValue::Text(format!("{}", (f64::from(it) / 10.24).round() / 100.0)))
    }));
    if !fields.is_empty() {
        lane.resources = Some(StarterSection { name: "resources", fields });
    }
    let name = |item: &Value| item.get("Name").and_then(Value::text).unwrap_or_default();
    if !others.is_empty() {
        said.left_out(format!(
            "the containers {} of {shown}: a lane has the first alone",
            few(others.iter().map(name))
        ));
    }
    let mut services = template.of_type(&["AWS::ECS::Service"]);
    let copies = services.find_map(|(_, service)| {
        template.text(service.at(&["Properties", "DesiredCount"])?, given)
    });
    if let Some(copies) = copies {
        said.left_out(format!(
            "{} copies of {shown}: the stack counts them; see `scaling`",
            shortened(&copies)
        ));
    }
}
