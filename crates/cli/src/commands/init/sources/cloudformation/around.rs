//! What stands around services in a template: alarms, logs, backups, copies and secrets, and everything
//! that no section says. Reads properties only.

use std::collections::BTreeMap;

use towpath_config::{StarterAlarm, StarterSecret, StarterSection, StarterValue};
use towpath_core::units::Span;

use super::super::findings::Said;
use super::super::foreign::Value;
use super::super::names::{Names, few, hyphenated, shortened};
use super::resources::{KINDS, Reading};
use super::variables::is_variable;
use super::{Given, Template, functions};

/// Most alarms of one environment.
const MOST_ALARMS: usize = 50;

/// Types that are read elsewhere, or that CDK adds for itself.
const READ: &[&str] = &[
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::CDK::Metadata",
    "AWS::CloudWatch::Alarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::SecretsManager::Secret",
];

/// Where a person writes what these types say.
const PLACES: &[(&str, &str)] = &[
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "its threshold goes to `scaling.utilization`"),
    ("AWS::Backup::", "its plan goes to `backups`"),
    ("AWS::Budgets::", "its sum goes to `costs.budget`"),
    ("AWS::EC2::", "networks go to `infrastructure`"),
    ("AWS::Events::Rule", "the template goes on making it; what runs by the clock is `schedule`"),
    ("AWS::IAM::", "the role of a service goes to `iam`"),
    ("AWS::KMS::", "whether data is encrypted is said by `encryption`"),
    ("AWS::SNS::", "who hears of an alarm is said by `alerting` and `notifiers`"),
];

/// Sections that hold for a whole environment.
pub(super) fn sections(template: &Template, given: &Given) -> Vec<StarterSection> {
    let found = [backups(template, given), logs(template, given), scaling(template, given)];
    found.into_iter().flatten().collect()
}

fn backups(template: &Template, given: &Given) -> Option<StarterSection> {
    let mut fields = Vec::new();
    let tables = template.of_type(&["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"]);
    let mut tables = tables.map(|(_, it)| reading(it, template, given));
    if tables.any(|table| {
        table.flag(&["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"])
    }) {
        fields.push(("point_in_time", StarterValue::Flag(true)));
    }
    let servers = template.of_type(&["AWS::RDS::DBInstance", "AWS::RDS::DBCluster"]);
    let kept = servers.map(|(_, it)| reading(it, template, given)).find_map(|it| {
        // RDS keeps backups for 35 days at the most; 0 switches them off.
        let days: u64 = it.text(&["BackupRetentionPeriod"])?.parse().ok()?;
        (1..=35).contains(&days).then(|| format!("{days}d"))
    });
    fields.extend(kept.map(|it| ("keep", StarterValue::Text(it))));
    (!fields.is_empty()).then_some(StarterSection { name: "backups", fields })
}

fn logs(template: &Template, given: &Given) -> Option<StarterSection> {
    let mut groups = template.of_type(&["AWS::Logs::LogGroup"]);
    let days: u64 = groups.find_map(|(_, it)| {
        reading(it, template, given).text(&["RetentionInDays"])?.parse().ok()
    })?;
    // CloudWatch keeps logs for ten years at the most, or for ever.
    let kept = (1..=3653).contains(&days).then(|| format!("{days}d"))?;
    let fields = vec![("retention", StarterValue::Text(kept))];
    Some(StarterSection { name: "logs", fields })
}

fn scaling(template: &Template, given: &Given) -> Option<StarterSection> {
    let mut targets = template.of_type(&["AWS::ApplicationAutoScaling::ScalableTarget"]);
    targets.find_map(|(_, it)| {
        let it = reading(it, template, given);
        let count = |key: &str| -> Option<u64> { it.text(&[key])?.parse().ok() };
        // As many as a matrix takes.
        let (min, max) = (count("MinCapacity")?, count("MaxCapacity")?);
        let fits = it.text(&["ServiceNamespace"]).as_deref() == Some("ecs");
        let fields = vec![
            ("mode", StarterValue::text("automatic")),
            ("min", StarterValue::Count(min)),
            ("max", StarterValue::Count(max)),
        ];
        (fits && min <= max && (1..=1000).contains(&max))
            .then_some(StarterSection { name: "scaling", fields })
    })
}

/// Alarms with one figure and one threshold; the others are told.
pub(super) fn alarms(
    template: &Template,
    given: &Given,
    names: &mut Names,
    said: &mut Said,
) -> Vec<StarterAlarm> {
    let mut found = Vec::new();
    for (logical, it) in template.of_type(&["AWS::CloudWatch::Alarm"]).take(MOST_ALARMS) {
        match alarm(logical, &reading(it, template, given), names, said) {
            Some(alarm) => found.push(alarm),
            None => said.left_out(format!(
                "alarm {}: it is no figure with a threshold; write it into `alarms`",
                shortened(logical)
            )),
        }
    }
    if !found.is_empty() {
        said.left_out(
            "who hears of the alarms of the template: name channels in `alerting` and `notifiers`",
        );
    }
    found
}

fn alarm(
    logical: &str,
    reading: &Reading<'_>,
    names: &mut Names,
    said: &mut Said,
) -> Option<StarterAlarm> {
    let query = reading.text(&["MetricName"])?;
    let sign = match reading.text(&["ComparisonOperator"])?.as_str() {
        "GreaterThanThreshold" => ">",
        "GreaterThanOrEqualToThreshold" => ">=",
        "LessThanThreshold" => "<",
        "LessThanOrEqualToThreshold" => "<=",
        _ => return None,
    };
    let threshold = reading.text(&["Threshold"])?;
    threshold.parse::<f64>().ok().filter(|it| it.is_finite() && *it >= 0.0)?;
    let number = |key: &str, otherwise: u64| -> Option<u64> {
        reading.text(&[key]).map_or(Some(otherwise), |it| it.parse().ok())
    };
    let seconds = number("Period", 60)?.checked_mul(number("EvaluationPeriods", 1)?)?;
    // CloudWatch looks back a week at the most.
    let lasting = Some(seconds).filter(|it| (1..=604_800).contains(it)).map(Span::seconds)?;
    let called = reading.text(&["AlarmName"]).unwrap_or_else(|| logical.to_owned());
    let name = names.like(&called, &hyphenated(&called), said)?;
    Some(StarterAlarm { name, query, is: format!("{sign} {threshold}"), lasting })
}

/// The secrets that the template makes.
pub(super) fn secrets(template: &Template, given: &Given) -> BTreeMap<String, StarterSecret> {
    let all = template.of_type(&["AWS::SecretsManager::Secret"]);
    all.filter_map(|(logical, it)| {
        let id = reading(it, template, given).text(&["Name"]);
        let called = hyphenated(logical).replace('-', "_").to_ascii_uppercase();
        is_variable(&called).then_some((called, StarterSecret::SecretsManager(id)))
    })
    .collect()
}

/// Says which types of resources no section says.
pub(super) fn unread(template: &Template, said: &mut Said) {
    let known = |kind: &str| {
        READ.contains(&kind)
            || functions::FUNCTIONS.contains(&kind)
            || KINDS.iter().any(|(types, ..)| types.contains(&kind))
    };
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let all = template.root.get("Resources").map(Value::entries).unwrap_or_default();
    for (logical, resource) in all {
        let Some(kind) = resource.get("Type").and_then(Value::text) else { continue };
        if !known(&kind) && !kind.starts_with("Custom::") {
            found.entry(kind).or_default().push(logical);
        }
    }
    for (kind, names) in found {
        let place = PLACES.iter().find(|(begins, _)| kind.starts_with(begins));
        let place = place.map_or("the template goes on making it", |(_, place)| place);
        said.left_out(format!("{} {}: {place}", shortened(&kind), few(names)));
    }
}

fn reading<'a>(resource: &'a Value, template: &'a Template, given: &'a Given) -> Reading<'a> {
    Reading { template, given, properties: resource.get("Properties").unwrap_or(resource) }
}
