//! Functions of a template: names, limits, variables, aliases and how their traffic shifts. Reads both
//! SAM's functions and those that CDK synthesises; decides nothing about services.

use std::collections::BTreeMap;

use towpath_config::{StarterRollout, StarterSection, StarterValue};
use towpath_core::units::Span;

use super::super::findings::FoundLane;
use super::super::foreign::Value;
use super::super::names::{few, shortened};
use super::super::words::megabytes;
use super::shifting::steps;
use super::variables::variables;
use super::{Given, Template};

/// A function as a template describes it in one environment.
pub(super) struct Function {
    /// Its logical name.
    pub(super) logical: String,
    /// Where CDK wrote it down, such as `Stack/Api/Handler/Resource`.
    pub(super) path: Option<String>,
    /// Its own name, where the template gives one that is known.
    pub(super) named: Option<String>,
    /// Everything else that is known of it, but its target.
    pub(super) lane: FoundLane,
    /// What stays behind, a sentence each.
    pub(super) left: Vec<String>,
    /// The path of its health, where an event of the function has one.
    pub(super) health: Option<String>,
    /// Whether SAM deploys it.
    pub(super) is_serverless: bool,
}

const SERVERLESS: &str = "AWS::Serverless::Function";
pub(super) const FUNCTIONS: &[&str] = &[SERVERLESS, "AWS::Lambda::Function"];

/// Properties that are read, or that say how the code is built.
const READ: &[&str] = &[
    "Architectures",
    "AutoPublishAlias",
    "Code",
    "CodeUri",
    "DeploymentPreference",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Events",
    "FunctionName",
    "Handler",
    "ImageConfig",
    "ImageUri",
    "InlineCode",
    "MemorySize",
    "PackageType",
    "ProvisionedConcurrencyConfig",
    "ReservedConcurrentExecutions",
    "Runtime",
    "Timeout",
];

/// All functions under the given parameters.
pub(super) fn functions(template: &Template, given: &Given) -> Vec<Function> {
    template.of_type(FUNCTIONS).map(|it| function(it, template, given)).collect()
}

/// The properties of one function, its own before those for all.
struct Own<'a> {
    template: &'a Template,
    given: &'a Given,
    properties: Option<&'a Value>,
    globals: Option<&'a Value>,
}

impl<'a> Own<'a> {
    fn property(&self, name: &str) -> Option<&'a Value> {
        self.properties.and_then(|it| it.get(name)).or_else(|| self.globals?.get(name))
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        let (first, rest) = path.split_first()?;
        self.template.text(self.property(first)?.at(rest)?, self.given)
    }

    fn count(&self, path: &[&str]) -> Option<u64> {
        self.text(path)?.parse().ok()
    }
}

fn function((logical, resource): (&str, &Value), template: &Template, given: &Given) -> Function {
    let is_serverless = resource.get("Type").and_then(Value::text).as_deref() == Some(SERVERLESS);
    let globals = template.root.at(&["Globals", "Function"]).filter(|_| is_serverless);
    let own = Own { template, given, properties: resource.get("Properties"), globals };
    let shown = shortened(logical);
    let mut function = Function {
        logical: logical.to_owned(),
        path: resource.at(&["Metadata", "aws:cdk:path"]).and_then(Value::text),
        named: own.text(&["FunctionName"]),
        lane: FoundLane { resources: resources(&own), ..FoundLane::default() },
        left: Vec::new(),
        health: own.properties.and_then(health_event),
        is_serverless,
    };
    for (what, key) in [("memory", "MemorySize"), ("timeout", "Timeout")] {
        if own.property(key).is_some() && own.text(&[key]).is_none() {
            function.left.push(format!(
                "{what} of {shown}: the template computes it; write it into `resources`"
            ));
        }
    }
    shifting(&own, logical, &mut function);
    let kept = own.count(&["ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"]);
    if let Some(kept) = kept.filter(|it| *it <= 10_000) {
        function.lane.details.insert("provisioned", StarterValue::Count(kept));
    }
    let of = |value: Option<&Value>| -> BTreeMap<String, Value> {
        let all = value.and_then(|it| it.at(&["Environment", "Variables"])).map(Value::entries);
        all.unwrap_or_default().iter().cloned().collect()
    };
    let mut all = of(globals);
    all.extend(of(own.properties));
    function.left.extend(variables(&shown, all, template, given, &mut function.lane));
    function.left.extend(unread(&own, &shown));
    function
}

fn resources(own: &Own<'_>) -> Option<StarterSection> {
    let memory = own.count(&["MemorySize"]).and_then(megabytes);
    // Lambda allows 15 minutes at the most.
    let timeout = own.count(&["Timeout"]).filter(|it| (1..=900).contains(it)).map(Span::seconds);
    let disk = own.count(&["EphemeralStorage", "Size"]).and_then(megabytes);
    // As many as a matrix takes.
    let most = own.count(&["ReservedConcurrentExecutions"]).filter(|it| (1..=100_000).contains(it));
    let mut fields = Vec::new();
    fields.extend(memory.map(|it| ("memory", StarterValue::Text(it))));
    fields.extend(disk.map(|it| ("disk", StarterValue::Text(it))));
    fields.extend(timeout.map(|it| ("timeout", StarterValue::Text(it.to_string()))));
    fields.extend(most.map(|it| ("concurrency", StarterValue::Count(it))));
    (!fields.is_empty()).then_some(StarterSection { name: "resources", fields })
}

/// The alias of a function and how its weights move: in its own properties as SAM has them, or in the
/// resources that CDK puts beside it.
fn shifting(own: &Own<'_>, logical: &str, function: &mut Function) {
    let shown = shortened(logical);
    let beside = alias_beside(own, logical);
    function.lane.alias =
        own.text(&["AutoPublishAlias"]).or_else(|| beside.as_ref().map(|it| it.0.clone()));
    let preference = own.text(&["DeploymentPreference", "Type"]);
    let Some(kind) = preference.or_else(|| beside.and_then(|it| it.1)) else {
        if own.property("DeploymentPreference").is_some_and(|it| it.get("Type").is_some()) {
            function.left.push(format!(
                "how traffic shifts to {shown}: the template computes it; write it into `rollout`"
            ));
        }
        return;
    };
    let short = shortened(&kind);
    match steps(&kind) {
        Some((_, steps)) if steps.is_empty() => {}
        Some((strategy, steps)) if function.lane.alias.is_some() => {
            let note = format!("As its template shifts traffic: {short}.");
            function.lane.rollout = Some(StarterRollout { strategy, steps, note });
        }
        Some(_) => function
            .left
            .push(format!("the steps {short} of {shown}: it has no alias; name one in `router`")),
        None => function.left.push(format!(
            "the steps {short} of {shown}: they are not known here; write them into `rollout`"
        )),
    }
    for (key, what) in [
        ("Alarms", "name them in `rollback.when.alarms`"),
        ("Hooks", "name them in `before_traffic` and `after_traffic` of the target"),
    ] {
        if own.property("DeploymentPreference").is_some_and(|it| it.get(key).is_some()) {
            function.left.push(format!("{key} of the deployments of {shown}: {what}"));
        }
    }
}

/// The name of an alias of the function, and the steps of its deployment group.
fn alias_beside(own: &Own<'_>, logical: &str) -> Option<(String, Option<String>)> {
    let (template, given) = (own.template, own.given);
    let refers = |value: &Value, to: &str| {
        let named = value.get("Ref").or_else(|| value.get("Fn::GetAtt"));
        let named = named.unwrap_or(value).texts();
        named.first().is_some_and(|it| it.split('.').next() == Some(to))
    };
    let mut aliases = template.of_type(&["AWS::Lambda::Alias"]);
    let (_, alias) = aliases.find(|(_, alias)| {
        let of = alias.at(&["Properties", "FunctionName"]);
        of.is_some_and(|it| refers(it, logical))
    })?;
    let name = template.text(alias.at(&["Properties", "Name"])?, given)?;
    let update = alias.at(&["UpdatePolicy", "CodeDeployLambdaAliasUpdate", "DeploymentGroupName"]);
    let mut groups = template.of_type(&["AWS::CodeDeploy::DeploymentGroup"]);
    let group = update.and_then(|it| groups.find(|(group, _)| refers(it, group)));
    let kind = group.and_then(|(_, group)| {
        template.text(group.at(&["Properties", "DeploymentConfigName"])?, given)
    });
    Some((name, kind))
}

/// The path of an event that is asked for health.
fn health_event(properties: &Value) -> Option<String> {
    let events = properties.get("Events").map(Value::entries).unwrap_or_default();
    let mut paths =
        events.iter().filter_map(|(_, event)| event.at(&["Properties", "Path"])?.text());
    paths.find(|path| is_health(path))
}

/// Paths that services answer to whoever asks how they are.
fn is_health(path: &str) -> bool {
    const WORDS: [&str; 6] = ["health", "healthz", "healthcheck", "ready", "status", "ping"];
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    path.starts_with('/') && WORDS.contains(&last)
}

/// Properties that no section says, and the events that start the function.
fn unread(own: &Own<'_>, shown: &str) -> Vec<String> {
    let all = [own.globals, own.properties].into_iter().flatten().flat_map(Value::entries);
    let mut keys: Vec<&String> =
        all.map(|(key, _)| key).filter(|key| !READ.contains(&key.as_str())).collect();
    keys.sort();
    keys.dedup();
    let mut left = Vec::new();
    if !keys.is_empty() {
        left.push(format!(
            "{} of {shown}: no section of a matrix says it; the template goes on saying it",
            few(keys)
        ));
    }
    let events = own.property("Events").map(Value::entries).unwrap_or_default();
    let mut types: Vec<String> =
        events.iter().filter_map(|(_, event)| event.get("Type")?.text()).collect();
    types.sort();
    types.dedup();
    if !types.is_empty() {
        left.push(format!(
            "the events of {shown} ({}): the template goes on making them",
            few(types)
        ));
    }
    left
}
