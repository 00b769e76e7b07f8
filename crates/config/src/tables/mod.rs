//! The tables that people know the matrix by, filled from what the file says: page and program
//! can be laid side by side. Owns which columns there are; prints nothing.

mod form;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use towpath_core::matrix::{Decider, Environment, LaneSpec, Matrix};

use crate::quantities;
use form::{Form, NOTHING, cell};

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What a program calls it: `infrastructure`.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// The heads of the columns; the first names the rows.
    pub columns: Vec<String>,
    /// As many cells in each as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// Every table about which the matrix says anything, in the order of its sections. The same matrix
/// gives the same tables.
pub fn tables(matrix: &Matrix) -> Vec<Table> {
    let rows: Vec<Row> = matrix.environments.iter().flat_map(rows).collect();
    let said = |table: &Table| table.columns.len() > 1 && !table.rows.is_empty();
    LAYOUTS.iter().map(|layout| layout.fill(&rows)).filter(said).collect()
}

/// The names of all tables, in their order.
pub fn table_names() -> impl Iterator<Item = &'static str> {
    LAYOUTS.iter().map(|layout| layout.name)
}

/// One service in one environment.
struct Row {
    environment: String,
    service: String,
    values: Value,
}

struct Layout {
    name: &'static str,
    title: &'static str,
    columns: &'static [Column],
    /// Whether environments are the columns.
    across: bool,
}

struct Column {
    head: &'static str,
    /// Dotted; the first of several, separated by `|`, that is there.
    path: &'static str,
    form: Form,
}

const fn column(head: &'static str, path: &'static str, form: Form) -> Column {
    Column { head, path, form }
}

const fn down(name: &'static str, title: &'static str, columns: &'static [Column]) -> Layout {
    Layout { name, title, columns, across: false }
}

const fn across(name: &'static str, title: &'static str, columns: &'static [Column]) -> Layout {
    Layout { name, title, columns, across: true }
}

/// The tables of the seeds, by their own heads (seeds 000, 003 and 004).
const LAYOUTS: &[Layout] = &[
    across(
        "overview",
        "Environment overview",
        &[
            column("Purpose", "purpose", Form::Plain),
            column("Users", "audience.users", Form::Plain),
            column("Data", "data.class", Form::Word),
            column("Scale", "audience.scale", Form::Word),
            column("Load", "audience.load", Form::Plain),
            column("Uptime", "slo.uptime", Form::Promise),
            column("Cost", "costs.budget", Form::Plain),
            column("Promotion", "promote", Form::Word),
        ],
    ),
    down(
        "infrastructure",
        "Infrastructure configuration",
        &[
            column("Provider", "infrastructure.provider", Form::Word),
            column("Account", "infrastructure.account", Form::Word),
            column("Region", "infrastructure.region", Form::Plain),
            column("VPC", "infrastructure.vpc", Form::Word),
            column("Subnets", "infrastructure.subnets", Form::Word),
            column("Security Groups", "infrastructure.security_groups", Form::Word),
        ],
    ),
    down(
        "application",
        "Application configuration",
        &[
            column("Node Env", "settings.NODE_ENV", Form::Plain),
            column("Log Level", "application.log_level|settings.LOG_LEVEL", Form::Plain),
            column("Debug", "application.debug", Form::Plain),
            column("Metrics", "application.metrics", Form::Plain),
            column("Alerts", "application.alerts", Form::Plain),
        ],
    ),
    down(
        "resources",
        "Resources",
        &[
            column("Instances", "instances", Form::Plain),
            column("Memory", "resources.memory", Form::Plain),
            column("Timeout", "resources.timeout", Form::Time),
            column("Scaling", "scaling.mode", Form::Word),
            column("From", "scaling.min", Form::Plain),
            column("To", "scaling.max", Form::Plain),
        ],
    ),
    down(
        "database",
        "Database configuration",
        &[
            column("Kind", "database.kind", Form::Plain),
            column("Name", "database.table|database.name", Form::Plain),
            column("Backup", "database.backup", Form::YesNo),
            column("Encryption", "database.encryption", Form::YesNo),
            column("TTL", "database.ttl", Form::Time),
            column("Memory", "database.memory", Form::Plain),
            column("Availability", "database.availability", Form::Word),
            column("Monitoring", "database.monitoring", Form::YesNo),
        ],
    ),
    down(
        "storage",
        "Storage configuration",
        &[
            column("Kind", "storage.kind", Form::Plain),
            column(
                "Name",
                "storage.bucket|storage.container|storage.path|storage.name",
                Form::Plain,
            ),
            column("Lifecycle", "storage.lifecycle", Form::YesNo),
            column("Encryption", "storage.encryption", Form::YesNo),
            column("Versioning", "storage.versioning", Form::YesNo),
            column("Monitoring", "storage.monitoring", Form::YesNo),
        ],
    ),
    down(
        "queue",
        "Queue configuration",
        &[
            column("Kind", "queue.kind", Form::Plain),
            column("Name", "queue.queue|queue.name", Form::Plain),
            column("DLQ", "queue.dead_letter_queue", Form::YesNo),
            column("Visibility", "queue.visibility", Form::Plain),
            column("Retention", "queue.retention", Form::Time),
            column("Monitoring", "queue.monitoring", Form::YesNo),
        ],
    ),
    down(
        "cache",
        "Cache configuration",
        &[
            column("Kind", "cache.kind", Form::Plain),
            column("Topology", "cache.topology", Form::Word),
            column("Nodes", "cache.nodes", Form::Plain),
            column("Failover", "cache.failover", Form::Word),
        ],
    ),
    down(
        "health",
        "Health checks",
        &[
            column("Frequency", "health.every", Form::Time),
            column("Timeout", "health.timeout", Form::Plain),
            column("Retries", "health.retries", Form::Plain),
            column("Endpoints", "health.endpoints", Form::Plain),
        ],
    ),
    down(
        "alerting",
        "Alerting configuration",
        &[
            column("Alerts", "alerting.level", Form::Word),
            column("Channels", "alerting.channels", Form::Word),
            column("Escalation", "alerting.escalation", Form::Word),
            column("Response Time", "alerting.respond_within", Form::Time),
        ],
    ),
    down(
        "iam",
        "IAM roles",
        &[
            column("Role Name", "iam.role", Form::Plain),
            column("Permissions", "iam.permissions", Form::Word),
            column("MFA", "iam.mfa", Form::YesNo),
            column("Session Duration", "iam.session", Form::Time),
        ],
    ),
    down(
        "secrets",
        "Secrets management",
        &[
            column("Secrets Store", "secret_store.kind", Form::Word),
            column("Rotation", "secret_store.rotation", Form::YesNo),
            column("Encryption", "secret_store.encryption", Form::YesNo),
            column("Access Control", "secret_store.access", Form::Sum),
        ],
    ),
    down(
        "costs",
        "Costs for each month",
        &[
            column("Compute", "costs.compute", Form::Money),
            column("Storage", "costs.storage", Form::Money),
            column("Database", "costs.database", Form::Money),
            column("Queue", "costs.queue", Form::Money),
            column("Monitoring", "costs.monitoring", Form::Money),
            column("Total", "costs.total", Form::Money),
            column("Budget", "costs.budget", Form::Money),
        ],
    ),
    across(
        "success",
        "Success metrics",
        &[
            column("Uptime", "slo.uptime", Form::Promise),
            column("Response Time", "slo.latency_p99|slo.latency_average", Form::Plain),
            column("Error Rate", "slo.error_rate", Form::Plain),
            column("Availability", "slo.availability", Form::Promise),
        ],
    ),
    across(
        "approvals",
        "Approval matrix",
        &[
            column("Every Change", "approvals.all", Form::Plain),
            column("Feature Updates", "approvals.feature", Form::Plain),
            column("Bug Fixes", "approvals.fix", Form::Plain),
            column("Hotfixes", "approvals.hotfix", Form::Plain),
            column("Infrastructure", "approvals.infrastructure", Form::Plain),
            column("Configuration", "approvals.configuration", Form::Plain),
        ],
    ),
    down(
        "rollback",
        "Rollback",
        &[
            column("After Commit", "rollback.mode", Form::Word),
            column("Within", "rollback.within", Form::Time),
            column("Standby", "standby", Form::Time),
        ],
    ),
];

impl Layout {
    fn fill(&self, rows: &[Row]) -> Table {
        let mut filled: Vec<Vec<String>> = Vec::new();
        for of_one in rows.chunk_by(|one, next| one.environment == next.environment) {
            let cells = |row: &Row| -> Vec<String> {
                self.columns.iter().map(|column| column.cell(&row.values)).collect()
            };
            let all: Vec<Vec<String>> = of_one.iter().map(cells).collect();
            // An environment stands once where this table is the same for all of its services.
            let alike = all.windows(2).all(|pair| pair[0] == pair[1]);
            for (row, cells) in of_one.iter().zip(all).take(if alike { 1 } else { usize::MAX }) {
                let environment = &row.environment;
                let name = if alike {
                    environment.clone()
                } else {
                    format!("{environment}, {}", row.service)
                };
                filled.push(std::iter::once(name).chain(cells).collect());
            }
        }
        let heads = self.columns.iter().map(|it| it.head.to_owned());
        let mut columns: Vec<String> =
            std::iter::once("Environment".to_owned()).chain(heads).collect();
        // A column about which no environment says anything only makes the others hard to read.
        for index in (1..columns.len()).rev() {
            if filled.iter().all(|row| row[index] == NOTHING) {
                columns.remove(index);
                for row in &mut filled {
                    row.remove(index);
                }
            }
        }
        let (columns, rows) =
            if self.across { turned(columns, &filled) } else { (columns, filled) };
        Table { name: self.name, title: self.title, columns, rows }
    }
}

/// The same with rows as columns.
fn turned(columns: Vec<String>, rows: &[Vec<String>]) -> (Vec<String>, Vec<Vec<String>>) {
    let names = rows.iter().filter_map(|row| row.first().cloned());
    let head = std::iter::once(String::new()).chain(names).collect();
    let body = columns.into_iter().enumerate().skip(1).map(|(index, name)| {
        let cells = rows.iter().filter_map(|row| row.get(index).cloned());
        std::iter::once(name).chain(cells).collect()
    });
    (head, body.collect())
}

impl Column {
    fn cell(&self, values: &Value) -> String {
        let found = self.path.split('|').find_map(|path| {
            let mut value = values;
            for part in path.split('.') {
                value = value.get(part)?;
            }
            Some(value)
        });
        cell(found, self.form)
    }
}

fn rows(environment: &Environment) -> Vec<Row> {
    let special = environment.declared.get("services");
    environment
        .lanes
        .iter()
        .map(|(service, lane)| Row {
            environment: environment.name.to_string(),
            service: service.to_string(),
            values: values(environment, lane, special.and_then(|it| it.get(service.as_str()))),
        })
        .collect()
}

fn values(environment: &Environment, lane: &LaneSpec, own: Option<&Value>) -> Value {
    let mut values: BTreeMap<String, Value> = environment.declared.clone();
    for (section, value) in own.and_then(Value::as_object).into_iter().flatten() {
        values.insert(section.clone(), value.clone());
    }
    if let Some(total) = values.get("costs").and_then(total) {
        values.entry("costs".to_owned()).and_modify(|costs| costs["total"] = json!(total));
    }
    let health = &lane.health;
    if !health.endpoints.is_empty() {
        let every = health.every.map_or_else(|| "manual".to_owned(), |every| every.to_string());
        values.insert(
            "health".to_owned(),
            json!({
                "every": every,
                "timeout": health.timeout.to_string(),
                "retries": health.retries,
                "endpoints": health.endpoints,
            }),
        );
    }
    let decided = |decider| if decider == Decider::Automatic { "automatic" } else { "manual" };
    values.extend([
        ("settings".to_owned(), json!(lane.settings)),
        ("instances".to_owned(), json!(lane.instances)),
        ("promote".to_owned(), json!(decided(environment.promote))),
        ("standby".to_owned(), json!(lane.standby.to_string())),
        (
            "rollback".to_owned(),
            json!({
                "mode": decided(lane.rollback.mode),
                "within": lane.rollback.within.map(|within| within.to_string()),
            }),
        ),
    ]);
    if let Some(purpose) = &environment.purpose {
        values.insert("purpose".to_owned(), json!(purpose));
    }
    json!(values)
}

/// The lines of `costs` added up, where they are of one currency and one time.
fn total(costs: &Value) -> Option<String> {
    let lines = costs.as_object()?.iter().filter(|(key, _)| *key != "budget");
    let sums: Vec<quantities::Money> =
        lines.filter_map(|(_, sum)| quantities::money(sum.as_str()?)).collect();
    let first = sums.first()?;
    let same = sums.iter().all(|it| it.currency == first.currency && it.per == first.per);
    let cents = sums.iter().fold(0_u64, |all, it| all.saturating_add(it.cents));
    let (whole, part) = (cents / 100, cents % 100);
    let part = if part == 0 { String::new() } else { format!(".{part:02}") };
    same.then(|| format!("{}{whole}{part}/{}", first.currency, first.per))
}
