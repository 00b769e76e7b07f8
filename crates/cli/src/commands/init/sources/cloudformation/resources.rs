//! What the resources of a template are in a matrix: tables, buckets, queues, caches and the health of
//! target groups. Reads properties only; decides nothing about services.

use towpath_config::{StarterHealth, StarterSection, StarterValue};
use towpath_core::units::Span;

use super::super::foreign::Value;
use super::super::names::shortened;
use super::{Given, Template};

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
                further.push(format!(
                    "{}: a second {name}, and an environment has one; give a service its own",
                    shortened(logical)
                ));
                continue;
            }
            let properties = resource.get("Properties").unwrap_or(resource);
            let reading = Reading { template, given, properties };
            let fields = read(&reading);
            for key in NAMES.iter().filter(|key| properties.get(key).is_some()) {
                if reading.text(&[key]).is_none() {
                    let logical = shortened(logical);
                    further.push(format!(
                        "the name of {logical}: the template computes it; write it into `{name}`"
                    ));
                }
            }
            sections.push(StarterSection { name, fields });
        }
    }
    (sections, further)
}

/// Properties with the name that a resource has in AWS.
pub(super) const NAMES: &[&str] =
    &["BucketName", "DBName", "DatabaseName", "QueueName", "TableName"];

/// The properties of one resource under the given parameters.
pub(super) struct Reading<'a> {
    pub(super) template: &'a Template,
    pub(super) given: &'a Given,
    pub(super) properties: &'a Value,
}

/// Keys and values of one section.
pub(super) type Fields = Vec<(&'static str, StarterValue)>;

/// Types of resources, the section that each becomes, and how.
pub(super) type Kind = (&'static [&'static str], &'static str, fn(&Reading<'_>) -> Fields);

/// Types of resources that are a section of their own.
pub(super) const KINDS: &[Kind] = &[
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
    /// The text at the end of a path.
    pub(super) fn text(&self, path: &[&str]) -> Option<String> {
        self.template.text(self.properties.at(path)?, self.given)
    }

    /// The name that the template gives; none where AWS makes one up.
    fn named(&self, key: &'static str, property: &str) -> Option<(&'static str, StarterValue)> {
        Some((key, StarterValue::Text(self.text(&[property])?)))
    }

    /// Whether `true` stands there.
    pub(super) fn flag(&self, path: &[&str]) -> bool {
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
