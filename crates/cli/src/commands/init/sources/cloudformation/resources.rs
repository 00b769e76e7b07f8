//! What the resources of a template are in a matrix: functions, tables, buckets, queues and the health
//! of target groups. Reads properties only; decides nothing about services.

use towpath_config::{StarterHealth, StarterSection, StarterValue};
use towpath_core::units::Span;

use super::super::foreign::Value;
use super::super::names::shortened;
use super::super::words::megabytes;
use super::{Given, Template};

/// A function as a template describes it in one environment.
pub(super) struct Function {
    /// Its logical name.
    pub(super) logical: String,
    /// Where CDK wrote it down, such as `Stack/Api/Handler/Resource`.
    pub(super) path: Option<String>,
    /// Its own name, where the template gives one that is known.
    pub(super) named: Option<String>,
    /// Properties that are given, and that only AWS can compute.
    pub(super) computed: Vec<&'static str>,
    /// Memory and time limit.
    pub(super) resources: Option<StarterSection>,
    /// The path of its health, where an event of the function has one.
    pub(super) health: Option<String>,
    /// How its traffic shifts, in SAM's words.
    pub(super) shifts: Option<String>,
}

const FUNCTIONS: &[&str] = &["AWS::Serverless::Function", "AWS::Lambda::Function"];

/// All functions under the given parameters.
pub(super) fn functions(template: &Template, given: &Given) -> Vec<Function> {
    let globals = template.root.at(&["Globals", "Function"]);
    let found = template.of_type(FUNCTIONS).map(|(logical, resource)| {
        let own = resource.get("Properties");
        let property = |name: &str| own.and_then(|it| it.get(name)).or_else(|| globals?.get(name));
        let text = |name: &str| template.text(property(name)?, given);
        let memory = text("MemorySize").and_then(|it| megabytes(it.parse().ok()?));
        let seconds: Option<u64> = text("Timeout").and_then(|it| it.parse().ok());
        // Lambda allows 15 minutes at the most.
        let timeout = seconds.filter(|it| (1..=900).contains(it)).map(Span::seconds);
        let mut fields = Vec::new();
        fields.extend(memory.map(|it| ("memory", StarterValue::Text(it))));
        fields.extend(timeout.map(|it| ("timeout", StarterValue::Text(it.to_string()))));
        let shifts = property("DeploymentPreference").and_then(|it| it.get("Type"));
        Function {
            logical: logical.to_owned(),
            path: resource.at(&["Metadata", "aws:cdk:path"]).and_then(Value::text),
            named: text("FunctionName"),
            computed: [("memory", "MemorySize"), ("timeout", "Timeout")]
                .into_iter()
                .filter(|(_, key)| property(key).is_some() && text(key).is_none())
                .map(|(what, _)| what)
                .collect(),
            resources: (!fields.is_empty()).then_some(StarterSection { name: "resources", fields }),
            health: own.and_then(health_event),
            shifts: shifts.and_then(|it| template.text(it, given)),
        }
    });
    found.collect()
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

/// Tables, buckets, queues and the like, one of each kind; what is left over is named.
pub(super) fn stands_on(template: &Template, given: &Given) -> (Vec<StarterSection>, Vec<String>) {
    let mut sections: Vec<StarterSection> = Vec::new();
    let mut further = Vec::new();
    for (types, name, read) in KINDS {
        for (logical, resource) in template.of_type(types) {
            // The queue that others give up into is part of theirs.
            if is_dead_letters(template, logical) {
                continue;
            }
            if sections.iter().any(|it| it.name == *name) {
                further.push(format!("{}: a second {name}; there is one each", shortened(logical)));
                continue;
            }
            let properties = resource.get("Properties").unwrap_or(resource);
            let reading = Reading { template, given, properties };
            let fields = read(&reading);
            for key in NAMES.iter().filter(|key| properties.get(key).is_some()) {
                if reading.text(&[key]).is_none() {
                    let logical = shortened(logical);
                    further.push(format!("the name of {logical}: the template computes it"));
                }
            }
            sections.push(StarterSection { name, fields });
        }
    }
    (sections, further)
}

/// Properties with the name that a resource has in AWS.
const NAMES: &[&str] = &["BucketName", "DBName", "DatabaseName", "QueueName", "TableName"];

struct Reading<'a> {
    template: &'a Template,
    given: &'a Given,
    properties: &'a Value,
}

type Fields = Vec<(&'static str, StarterValue)>;

/// Types of resources, the section that each becomes, and how.
type Kind = (&'static [&'static str], &'static str, fn(&Reading<'_>) -> Fields);

const KINDS: &[Kind] = &[
    (
        &["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Serverless::SimpleTable"],
        "database",
        table,
    ),
    (&["AWS::RDS::DBInstance", "AWS::RDS::DBCluster"], "database", relational),
    (&["AWS::S3::Bucket"], "storage", bucket),
    (&["AWS::SQS::Queue"], "queue", queue),
    (&["AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup"], "cache", cache),
];

impl Reading<'_> {
    fn text(&self, path: &[&str]) -> Option<String> {
        self.template.text(self.properties.at(path)?, self.given)
    }

    /// The name that the template gives; none where AWS makes one up.
    fn named(&self, key: &'static str, property: &str) -> Option<(&'static str, StarterValue)> {
        Some((key, StarterValue::Text(self.text(&[property])?)))
    }

    fn flag(&self, path: &[&str]) -> bool {
        self.text(path).as_deref() == Some("true")
    }

    fn seconds(&self, property: &str) -> Option<StarterValue> {
        let seconds: u64 = self.text(&[property])?.parse().ok()?;
        // SQS keeps messages for two weeks at the most.
        let span = Some(Span::seconds(seconds)).filter(|_| (1..=1_209_600).contains(&seconds))?;
        Some(StarterValue::Text(span.to_string()))
    }
}

fn kind(name: &str) -> (&'static str, StarterValue) {
    ("kind", StarterValue::text(name))
}

fn table(reading: &Reading<'_>) -> Fields {
    let mut fields = vec![kind("dynamodb")];
    fields.extend(reading.named("table", "TableName"));
    let billing = match reading.text(&["BillingMode"]).as_deref() {
        Some("PAY_PER_REQUEST") => Some("on-demand"),
        Some("PROVISIONED") => Some("provisioned"),
        _ => None,
    };
    fields.extend(billing.map(|it| ("billing", StarterValue::text(it))));
    if reading.flag(&["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"]) {
        fields.push(("backup", StarterValue::Flag(true)));
    }
    if reading.flag(&["SSESpecification", "SSEEnabled"]) {
        fields.push(("encryption", StarterValue::Flag(true)));
    }
    fields
}

fn relational(reading: &Reading<'_>) -> Fields {
    let engine = reading.text(&["Engine"]).unwrap_or_default();
    let known = ["postgres", "mysql"].into_iter().find(|it| engine.contains(it));
    let mut fields = vec![kind(known.unwrap_or("other"))];
    fields
        .extend(reading.named("name", "DBName").or_else(|| reading.named("name", "DatabaseName")));
    if known.is_some() {
        fields
            .extend(reading.text(&["EngineVersion"]).map(|it| ("version", StarterValue::Text(it))));
    }
    if reading.flag(&["StorageEncrypted"]) {
        fields.push(("encryption", StarterValue::Flag(true)));
    }
    fields
}

fn bucket(reading: &Reading<'_>) -> Fields {
    let mut fields = vec![kind("s3")];
    fields.extend(reading.named("bucket", "BucketName"));
    if reading.text(&["VersioningConfiguration", "Status"]).as_deref() == Some("Enabled") {
        fields.push(("versioning", StarterValue::Flag(true)));
    }
    if reading.properties.get("BucketEncryption").is_some() {
        fields.push(("encryption", StarterValue::Flag(true)));
    }
    fields
}

fn queue(reading: &Reading<'_>) -> Fields {
    let mut fields = vec![kind("sqs")];
    fields.extend(reading.named("queue", "QueueName"));
    if reading.properties.get("RedrivePolicy").is_some() {
        fields.push(("dead_letter_queue", StarterValue::Flag(true)));
    }
    fields.extend(reading.seconds("VisibilityTimeout").map(|it| ("visibility", it)));
    fields.extend(reading.seconds("MessageRetentionPeriod").map(|it| ("retention", it)));
    fields
}

fn cache(reading: &Reading<'_>) -> Fields {
    let memcached = reading.text(&["Engine"]).as_deref() == Some("memcached");
    let nodes = reading.text(&["NumCacheNodes"]).or_else(|| reading.text(&["NumCacheClusters"]));
    let nodes = nodes.and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let mut fields = vec![kind(if memcached { "memcached" } else { "redis" })];
    fields.extend(nodes.map(|it| ("nodes", StarterValue::Count(it))));
    fields
}

/// Whether another queue's policy names this one.
fn is_dead_letters(template: &Template, logical: &str) -> bool {
    template.of_type(&["AWS::SQS::Queue"]).any(|(_, queue)| {
        let target = queue.at(&["Properties", "RedrivePolicy", "deadLetterTargetArn"]);
        target.is_some_and(|it| {
            let long = it.get("Fn::GetAtt").map(Value::texts).unwrap_or_default();
            let short = it.texts();
            let named = long.first().or(short.first());
            named.is_some_and(|text| text.split('.').next() == Some(logical))
        })
    })
}

/// The health of the first target group.
pub(super) fn health(template: &Template, given: &Given) -> Option<StarterHealth> {
    let groups = template.of_type(&["AWS::ElasticLoadBalancingV2::TargetGroup"]);
    let mut properties = groups.filter_map(|(_, group)| group.get("Properties"));
    properties.find_map(|group| {
        let text = |name: &str| template.text(group.get(name)?, given);
        let path = text("HealthCheckPath").filter(|it| it.starts_with('/') && it.len() > 1)?;
        let seconds = |name: &str| {
            let seconds: Option<u64> = text(name).and_then(|it| it.parse().ok());
            // Load balancers ask every 5 minutes at the least.
            seconds.filter(|it| (1..=300).contains(it)).map(Span::seconds)
        };
        let mut health = StarterHealth::at(&path);
        health.every = seconds("HealthCheckIntervalSeconds").unwrap_or(health.every);
        health.timeout = seconds("HealthCheckTimeoutSeconds").unwrap_or(health.timeout);
        let retries = text("UnhealthyThresholdCount").and_then(|it| it.parse().ok());
        health.retries = retries.filter(|it| (1..=100).contains(it)).unwrap_or(health.retries);
        Some(health)
    })
}
