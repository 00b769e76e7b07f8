//! Which tables there are, with their columns and where each cell comes from. Fills none.

use super::form::Form;

/// How one table is made.
pub(crate) struct Layout {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) columns: Columns,
    /// Whether environments are the columns.
    pub(crate) across: bool,
}

/// What a table tells of each environment.
pub(crate) enum Columns {
    /// Always the same.
    Fixed(&'static [Column]),
    /// One for each key of a section that people name: the section, and what of each is told, each
    /// beginning with a dot, or nothing for the value itself; the first of several that is there.
    Each(&'static str, &'static str, Form),
}

/// One column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) head: &'static str,
    /// Dotted; the first of several, separated by `|`, that is there.
    pub(crate) path: &'static str,
    pub(crate) form: Form,
}

const fn column(head: &'static str, path: &'static str, form: Form) -> Column {
    Column { head, path, form }
}

const fn down(name: &'static str, title: &'static str, columns: &'static [Column]) -> Layout {
    Layout { name, title, columns: Columns::Fixed(columns), across: false }
}

const fn across(name: &'static str, title: &'static str, columns: &'static [Column]) -> Layout {
    Layout { name, title, columns: Columns::Fixed(columns), across: true }
}

/// One row for each name that people chose.
const fn each(
    name: &'static str,
    title: &'static str,
    section: &'static str,
    keys: &'static str,
    form: Form,
) -> Layout {
    Layout { name, title, columns: Columns::Each(section, keys, form), across: true }
}

/// The tables of the seeds, by their own heads (seeds 000, 001, 003 and 004).
pub(crate) const LAYOUTS: &[Layout] = &[
    across(
        "overview",
        "Environment overview",
        &[
            column("Purpose", "purpose", Form::Plain),
            column("Used For", "use_cases", Form::Plain),
            column("Users", "audience.users", Form::Plain),
            column("Data", "data.class", Form::Word),
            column("Scale", "audience.scale", Form::Word),
            column("Load", "audience.load", Form::Plain),
            column("Uptime", "slo.uptime", Form::Promise),
            column("Cost", "costs.budget", Form::Plain),
            column("Promotion", "promote", Form::Word),
        ],
    ),
    across(
        "characteristics",
        "Environment characteristics",
        &[
            column("Infrastructure", "infrastructure.provider", Form::Word),
            column("Application", "setup.hosted", Form::Word),
            column("Access", "url", Form::Plain),
            column("Performance", "levels.performance", Form::Word),
            column("Monitoring", "levels.monitoring", Form::Word),
            column("Security", "levels.security", Form::Word),
            column("Constraints", "setup.constraints", Form::Word),
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
    across(
        "protection",
        "Availability and protection",
        &[
            column("Availability", "infrastructure.availability", Form::Word),
            column("Failover", "infrastructure.failover", Form::Word),
            column("CDN", "infrastructure.cdn", Form::Word),
            column("Firewall (WAF)", "infrastructure.firewall", Form::YesNo),
            column("Rate Limiting", "infrastructure.rate_limiting", Form::YesNo),
            column("Encryption", "infrastructure.encryption", Form::YesNo),
            column("Isolated", "infrastructure.isolated", Form::YesNo),
            column("Machines", "infrastructure.instance_types", Form::Word),
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
    each("settings", "Environment variables", "settings", "", Form::Plain),
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
            column("CPU", "resources.cpu", Form::Plain),
            column("Disk", "resources.disk", Form::Plain),
            column("At Once", "resources.concurrency", Form::Plain),
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
            column("Failover", "database.failover", Form::Word),
            column("Accesses Logged", "database.logged", Form::YesNo),
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
            column("Memory", "cache.memory", Form::Plain),
            column("Availability", "cache.availability", Form::Word),
        ],
    ),
    down(
        "logs",
        "Logs",
        &[
            column("Size", "logs.size", Form::Plain),
            column("Retention", "logs.retention", Form::Time),
            column("Purge", "logs.purge", Form::Word),
            column("Archive", "logs.archive", Form::Word),
            column("Inspected", "logs.inspected", Form::Word),
        ],
    ),
    across(
        "data",
        "Data management",
        &[
            column("Data", "data.class", Form::Word),
            column("Alternative", "data.alternative", Form::Word),
            column("Volume", "data.volume", Form::Word),
            column("Copied From", "data.from", Form::Plain),
            column("Copied Every", "data.refresh_every", Form::Time),
            column("Masking", "data.masking", Form::Word),
            column("Personal Data", "data.personal_data", Form::Word),
            column("Test Credentials", "data.test_credentials", Form::Word),
            column("Reset", "data.reset", Form::Word),
            column("Retention", "data.retention|data.retention_by", Form::Time),
            column("Deletion", "data.deletion", Form::Word),
            column("Encryption", "data.encryption", Form::YesNo),
            column("Accesses Logged", "data.logged", Form::YesNo),
            column("Residency", "data.residency", Form::Plain),
            column("Crosses Borders", "data.cross_border", Form::YesNo),
            column("Complies With", "data.complies_with", Form::Plain),
        ],
    ),
    down(
        "recovery",
        "Backups and disaster recovery",
        &[
            column("Backup Every", "backups.every", Form::Time),
            column("Point In Time", "backups.point_in_time", Form::YesNo),
            column("Kept", "backups.keep", Form::Time),
            column("Recovery", "recovery.method", Form::Word),
            column("From", "recovery.from", Form::Plain),
            column("Required", "recovery.required", Form::YesNo),
            column("RTO", "recovery.rto", Form::Plain),
            column("RPO", "recovery.rpo", Form::Plain),
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
    across(
        "monitoring",
        "Monitoring",
        &[
            column("Level", "monitoring.level", Form::Word),
            column("Metrics", "monitoring.metrics", Form::Plain),
            column("Business Metrics", "monitoring.business_metrics", Form::Plain),
            column("Dashboards", "monitoring.dashboards", Form::YesNo),
            column("Log Analysis", "monitoring.logs", Form::Word),
            column("Traces", "monitoring.traces", Form::YesNo),
            column("Baseline", "monitoring.baseline", Form::YesNo),
            column("Threats", "monitoring.threats", Form::YesNo),
            column("Costs", "monitoring.costs", Form::YesNo),
            column("Error Budget", "error_budget.tracked", Form::YesNo),
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
            column("Critical", "alerting.severities.critical", Form::Word),
            column("High", "alerting.severities.high", Form::Word),
            column("Medium", "alerting.severities.medium", Form::Word),
            column("Low", "alerting.severities.low", Form::Word),
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
            column("Hardware Module", "secret_store.hsm", Form::YesNo),
        ],
    ),
    each("rotation", "Secret rotation", "secrets", ".rotate_every|.renew_before", Form::Time),
    across(
        "access",
        "Access",
        &[
            column("Deployment", "who_may.promote", Form::Plain),
            column("Rollback", "who_may.rollback", Form::Plain),
            column("Environment", "access.environment", Form::Door),
            column("Features", "access.features", Form::Door),
            column("Code", "access.code", Form::Door),
            column("API", "access.api", Form::Door),
            column("Database", "access.database", Form::Door),
            column("Real Data", "access.data", Form::Door),
            column("Secrets", "access.secrets", Form::Door),
            column("Shell", "access.shell", Form::Door),
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
            column("Kept Down By", "costs.strategy", Form::Word),
            column("Reserved Saves", "costs.reserved_savings", Form::Plain),
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
    across(
        "rollout",
        "Traffic",
        &[
            column("Strategy", "rollout.strategy", Form::Word),
            column("Steps", "rollout.steps", Form::Plain),
        ],
    ),
    down(
        "rollback",
        "Rollback",
        &[
            column("After Commit", "rollback.mode", Form::Word),
            column("Within", "rollback.within", Form::Time),
            column("Standby", "standby", Form::Time),
            column("Holdback", "holdback", Form::Plain),
            column("Signals", "rollback.signals", Form::Word),
        ],
    ),
    across(
        "notify",
        "Notifications",
        &[
            column("Started", "notify.started", Form::Word),
            column("Waiting", "notify.waiting", Form::Word),
            column("Approved", "notify.approved", Form::Word),
            column("Rejected", "notify.rejected", Form::Word),
            column("Succeeded", "notify.succeeded", Form::Word),
            column("Failed", "notify.failed", Form::Word),
            column("Rolled Back", "notify.rolled_back", Form::Word),
            column("Paused", "notify.paused", Form::Word),
            column("Held", "notify.held", Form::Word),
            column("Superseded", "notify.superseded", Form::Word),
            column("Aborted", "notify.aborted", Form::Word),
            column("Hotfix", "notify.hotfix", Form::Word),
            column("Person Called", "notify.person_called", Form::Word),
            column("Owed", "notify.owed", Form::Word),
            column("Break Glass", "notify.break_glass", Form::Word),
            column("Freeze", "notify.freeze", Form::Word),
            column("Drift", "notify.drift", Form::Word),
            column("Budget", "notify.budget", Form::Word),
            column("Secret Rotation", "notify.secret_rotation", Form::Word),
            column("Before", "communication.before", Form::Word),
            column("Customers", "communication.customers", Form::Word),
            column("Available", "communication.available", Form::Plain),
        ],
    ),
];
