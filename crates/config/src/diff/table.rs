//! The keys of the matrix of which one direction is the looser one, and what people call them. A
//! change of any other key is told too: neutral if it stands in `neutral`, to be checked if not.

use super::rules::Rule::{
    self, Apart, Demands, EarlierIsLooser, Forbids, Guards, LaterIsLooser, LessIsLooser, LimitedTo,
    MoreHoursAreLooser, MoreIsLooser, OffIsLooser, OnIsLooser, Permits, Promise, Said, Steps,
    Trigger, Unclear, Words,
};

/// A path from its section on, the rule for it, and what people call it. In a part of a path `*` is
/// anything, `a|b` one of these and `a*` what begins so; `{1}` is what stands for the first part of
/// that kind. A path that begins with `..` may stand below anything. Without a rule only the words
/// are given here. Without words of its own a key is called by its path. The first row that fits
/// decides.
pub(crate) type Row = (&'static str, Option<Rule>, &'static str);

/// All tables, in the order in which they are asked.
pub(crate) const WHOLE: &[&[Row]] = &[
    PIPELINE,
    FORGE,
    EVIDENCE,
    ROLLOUT,
    GUARD,
    ROLLBACK,
    PERMISSIONS,
    SECRETS,
    DATA,
    WATCHING,
    TOLD,
    RUNS_ON,
    STANDS_ON,
    MIGRATIONS,
    MONEY,
    ANYWHERE,
];

const LEVELS: Rule = Words(&[
    "critical",
    "maximum",
    "comprehensive",
    "full",
    "high",
    "enhanced",
    "fast",
    "medium",
    "low",
    "basic",
    "none",
]);
const WHO: Rule = Words(&["automatic", "manual", "none"]);
const WHO_LETS_IN: Rule = Words(&["manual", "automatic"]);
const CLASSES: Rule = Words(&["synthetic", "anonymized", "production-like", "real"]);

const PIPELINE: &[Row] = &[
    ("tier", Some(Words(&["production", "staging", "testing", "development"])), "tier"),
    ("after", Some(Demands), "what comes before"),
    ("after_any", Some(LimitedTo), "what may come before"),
    ("promote", Some(WHO_LETS_IN), "promotion"),
    ("preempt", Some(Permits), "what may take the place of a promotion under way"),
    ("accept_unenforced", Some(Permits), "accepted though not enforced"),
    ("accept_warnings", Some(Permits), "accepted warnings"),
    ("change_types.*.skip", Some(Permits), "environments that a {1} skips"),
    ("change_types.*.from_branch", Some(Guards), "branch that a {1} starts from"),
    ("change_types.*.evidence", Some(Demands), "files that a {1} brings"),
    ("change_types.*.paths", Some(Unclear), "paths by which a release is a {1}"),
    ("change_types.*.backport_to", Some(Guards), "branch that a {1} must reach afterwards"),
    ("change_types.*.review_within", Some(MoreIsLooser), "time for a review of a {1} afterwards"),
    ("change_types.*.blocks", Some(Demands), "types that may not enter while a {1} owes something"),
    ("change_types.*.coordinate_with", Some(Demands), "roles that must know of a {1}"),
    ("change_types.*.notify", Some(Demands), "channels that are told of a {1}"),
    ("change_types.*.watch", Some(Demands), "figures to watch after a {1}"),
    ("triggers", Some(Permits), "triggers"),
    ("windows", Some(LimitedTo), "windows"),
    ("windows.*.hours", Some(MoreHoursAreLooser), "hours of the window {1}"),
    ("windows.*.days", Some(LimitedTo), "days of the window {1}"),
    ("windows.*.cron|lasts", Some(Unclear), "{2} of the window {1}"),
    ("windows.*.for", Some(Unclear), "change types of the window {1}"),
    ("windows.*.zone", Some(Unclear), "time zone of the window {1}"),
    ("freezes", Some(Demands), "freezes"),
    ("freezes.*.from", Some(LaterIsLooser), "beginning of the freeze {1}"),
    ("freezes.*.until", Some(EarlierIsLooser), "end of the freeze {1}"),
    ("freezes.*.days", Some(Demands), "days of the freeze {1}"),
    ("freezes.*.dates", Some(Demands), "dates of the freeze {1}"),
    ("freezes.*.calendar", Some(Unclear), "calendar of the freeze {1}"),
    ("freezes.*.hours|cron|lasts", Some(Unclear), "{2} of the freeze {1}"),
    ("freezes.*.except", Some(Permits), "exceptions to the freeze {1}"),
    ("freezes.*.zone", Some(Unclear), "time zone of the freeze {1}"),
];

const FORGE: &[Row] = &[
    ("repository.kind|name", Some(Unclear), "repository: {1}"),
    ("repository.owners_file", Some(Guards), "file of the code's owners"),
    ("services.*.owners", Some(Guards), "owners of {1}"),
    ("branches.*.from", Some(Guards), "branch that {1} starts from"),
    ("branches.*.approvals", Some(LessIsLooser), "approvals on the branch {1}"),
    (
        "branches.*.status_checks|up_to_date|code_owners|signed_commits|dismiss_stale_reviews",
        Some(OffIsLooser),
        "branch {1}: {2}",
    ),
];

const EVIDENCE: &[Row] = &[
    ("gate", Some(Apart), ""),
    ("gate.*", Some(Demands), "{1}"),
    ("gate.*.*.by", Some(LimitedTo), "who may attest {2}"),
    ("gate.*.*.for", Some(LessIsLooser), "soak of {2}"),
    ("gate.*.*.except", Some(Unclear), "{2}: what is excepted"),
    ("gate.*.*.left", Some(Promise), "{2}: what must be left"),
    ("gate.*.*.in", Some(Demands), "{2}: environments where it must hold"),
    ("gate.*.*.timeout", Some(MoreIsLooser), "{2}: time for an answer"),
    ("gate.*.*.at", Some(Unclear), "{2}: asked at"),
    ("gate.*.*.accept", Some(Permits), "{2}: what else passes"),
    ("gate.*.*.at_least", Some(LessIsLooser), "{2}: at least"),
    ("gate.*.*.max_age", Some(MoreIsLooser), "{2}: age of a report"),
    ("gate.*.*.at_most|allow", Some(Demands), "{2}: {3}"),
    ("gate.*.*.at_most|allow.*", Some(MoreIsLooser), "{2}: {4} that are allowed"),
    ("gate.*.*.exceptions", Some(Permits), "{2}: exceptions"),
    ("gate.*.*.exceptions.*", Some(Unclear), "{2}: exception for {3}"),
    ("gate.*.*.must_name", Some(Words(&["digest", "version"])), "{2}: what must be named"),
    ("gate.*.*.keys|builders|build_types", Some(LimitedTo), "{2}: {3}"),
    ("gate.*.*.refs", Some(LimitedTo), "{2}: branches and tags"),
    ("gate.*.*.from", Some(LimitedTo), "{2}: branches that it may come from"),
    ("gate.*.*.parameters", Some(Permits), "{2}: parameters of the build"),
    ("gate.*.*.other_subjects", Some(OnIsLooser), "{2}: statements about more"),
    ("gate.*.*.log_key", Some(Guards), "{2}: key of the log"),
    ("gate.*.*.baseline", Some(Guards), "{2}: baseline"),
    ("gate.*.*.above|stale_after", Some(MoreIsLooser), "{2}: {3}"),
    ("gate.*.*.vulnerabilities", Some(Guards), "{2}: reports of vulnerabilities"),
    ("gate.*.*.latency_*|error_rate", Some(Promise), "{2}: {3}"),
    ("gate.*.*.is", Some(Promise), "{2}: what must hold"),
    ("gate.*.*.requests|rate|users|duration|reviews", Some(LessIsLooser), "{2}: {3}"),
    ("gate.*.*.checks|names|tools|protection", Some(Demands), "{2}: {3}"),
    ("gate.*.*.evidence", Some(Guards), "{2}: file that a release brings"),
    (
        "gate.*.*.code_owners|signed|up_to_date|linear|required_checks",
        Some(OffIsLooser),
        "{2}: {3}",
    ),
    ("gate.*.*.up_to_date_with|contained_in|cut_from", Some(Guards), "{2}: branch of {3}"),
    ("gate.*.*.branch|since|allowed_signers|token_file", Some(Unclear), "{2}: {3}"),
    ("gate.*.*.contains", Some(Guards), "{2}: text that must be there"),
    (
        "gate.*.*.check|url|method|expect|headers|address|run|env|answer|path|repository|source|query",
        Some(Unclear),
        "{2}: {3}",
    ),
    ("gate.*.*.*", None, "{2}: {3}"),
    ("gate.*.*.*.*", None, "{2}: {3} {4}"),
    ("approvals.expires", Some(MoreIsLooser), "validity of an approval"),
    ("approvals.code_owners", Some(OffIsLooser), "approval of the code's owners"),
    ("approvals.author_may_approve", Some(OnIsLooser), "the author may approve"),
    ("approvals.remind_every", None, "reminder of an approval: every"),
    ("approvals.all", None, "approvals for every change"),
    ("approvals.break_glass", Some(Demands), "a second person who breaks the glass"),
    ("approvals.break_glass.*", Some(LessIsLooser), "people of the role {1} who break the glass"),
    ("approvals.*", None, "approvals for a {1}"),
    ("approvals.all.*", Some(LessIsLooser), "approvals for every change by the role {1}"),
    ("approvals.*.*", Some(LessIsLooser), "approvals for a {1} by the role {2}"),
];

const ROLLOUT: &[Row] = &[
    ("..rollout.steps", Some(Steps), "rollout steps"),
    ("..rollout.steps.*.weight", Some(MoreIsLooser), "rollout step {1}: weight"),
    ("..rollout.steps.*.mirror", Some(Unclear), "rollout step {1}: mirror"),
    ("..rollout.mirror.except", Some(Demands), "paths that are never copied"),
    ("..rollout.mirror.bodies", Some(OffIsLooser), "comparison of copied bodies"),
    ("..rollout.steps.*.bake|min|max", Some(LessIsLooser), "rollout step {1}: {2}"),
    ("..rollout.steps.*.bake.min|max", Some(LessIsLooser), "rollout step {1}: {2} of its bake"),
    ("..rollout.proof", Some(Words(&["required", "optional"])), "proof that a release is healthy"),
    ("..rollout.hold_limit", Some(LessIsLooser), "wait for evidence"),
    ("..rollout.on_blind", Some(Words(&["rollback", "pause"])), "without evidence"),
    ("..rollout.on_lapse", Some(Words(&["rollback", "pause", "resume"])), "after a lapsed lease"),
    ("..rollout.lease", Some(MoreIsLooser), "lease"),
    ("..rollout.rescue", Some(Words(&["safe", "never"])), "rescue of failed requests"),
    ("..rollout.rescue.except", Some(Demands), "paths that are never served twice"),
    ("..rollout.rescue.methods", Some(Permits), "methods that are served twice"),
    (
        "..rollout.rescue.hedge",
        Some(OffIsLooser),
        "answer of the old release where the new one is slow",
    ),
    ("..rollout.rescue.body|within", Some(Unclear), "rescue: {1}"),
    ("..rollout.minimum_sample", Some(LessIsLooser), "requests before a step is proven"),
    ("..rollout.harm_budget", Some(MoreIsLooser), "requests that a rollout may harm"),
    ("..rollout.warm_up", Some(LessIsLooser), "warm-up"),
    ("standby", Some(LessIsLooser), "standby of the old release"),
    (
        "holdback",
        Some(Words(&["20%", "10%", "5%", "2%", "1%", "0%"])),
        "visitors who stay on the old release after commit",
    ),
    ("holdback.share", Some(LessIsLooser), "visitors who stay on the old release after commit"),
    ("holdback.for", Some(LessIsLooser), "how long visitors stay on the old release"),
];

const GUARD: &[Row] = &[
    (
        "guard.false_alarms",
        Some(Words(&["5%", "2%", "1%", "0.5%", "0.1%"])),
        "chance of a false alarm",
    ),
    ("guard.margin", Some(MoreIsLooser), "margin of the guard"),
    ("guard.warm_up", Some(MoreIsLooser), "warm-up after a change of weight"),
    ("guard.even_if_blue", Some(OffIsLooser), "limits even if the old release breaks them"),
    ("guard.client", Some(Unclear), "header that says whose request it is"),
    ("guard.counts", Some(Guards), "source whose counts the guard judges"),
    ("guard.routes", Some(Demands), "routes that are judged by themselves"),
];

const ROLLBACK: &[Row] = &[
    ("rollback.mode", Some(WHO), "rollback after commit"),
    ("rollback.within", Some(MoreIsLooser), "time for a rollback"),
    ("rollback.practised_every", Some(MoreIsLooser), "time between practised rollbacks"),
    ("rollback.when.error_rate", Some(Trigger), "error trigger"),
    ("rollback.when.latency_*", Some(Trigger), "{1} trigger"),
    ("rollback.when.signals", Some(Demands), "signals that roll back"),
    ("rollback.when.alarms", Some(Demands), "alarms that roll back"),
    ("alarms", Some(Demands), "alarms"),
    ("..alarms.*.is", Some(Trigger), "alarm {1}: when it rings"),
    ("..alarms.*.for", Some(MoreIsLooser), "alarm {1}: how long before it rings"),
    ("..alarms.*.source|query", Some(Unclear), "alarm {1}: {2}"),
];

const PERMISSIONS: &[Row] = &[
    ("people.*.roles", Some(Permits), "roles of {1}"),
    ("people.*.roles_in.*", Some(Permits), "roles of {1} in {2}"),
    ("people.*.account", Some(Unclear), "account of {1}"),
    ("people.*.email", Some(Unclear), "address of {1}"),
    ("people.*.handle", Some(Unclear), "name of {1} in CODEOWNERS"),
    ("teams.*.people", Some(Permits), "people of the team {1}"),
    ("teams.*.roles", Some(Permits), "roles of the team {1}"),
    ("teams.*.roles_in.*", Some(Permits), "roles of the team {1} in {2}"),
    ("people.*.key", Some(Unclear), "key that {1} signs with"),
    ("people.*.bot", Some(OffIsLooser), "{1} is a program"),
    ("who_may.*", Some(LimitedTo), "who may {1}"),
    ("matrix_approvals.*", Some(LessIsLooser), "people of the role {1} who agree to a matrix"),
    ("iam.role", Some(Guards), "role it runs under"),
    ("iam.policy", Some(Guards), "policy that bounds the role"),
    ("iam.unattended_role", Some(Unclear), "role that goes back unattended"),
    ("iam.permissions", Some(Words(&["basic", "enhanced", "high", "maximum"])), "permissions"),
    ("iam.actions", Some(LimitedTo), "actions of the role"),
    ("iam.mfa", Some(OffIsLooser), "second factor"),
    ("iam.session", Some(MoreIsLooser), "length of a session"),
    ("iam.sign_in", Some(Words(&["oidc", "password", "none"])), "sign-in"),
    (
        "access.*.level",
        Some(Words(&["none", "emergency", "test", "limited", "read-only", "full"])),
        "access to {1}",
    ),
    ("access.*.by", Some(LimitedTo), "who has access to {1}"),
    ("access.*.via", Some(Guards), "way to {1}"),
    ("access.*.approval", Some(OffIsLooser), "access to {1}: approval"),
    ("access.*.logged", Some(OffIsLooser), "access to {1}: logged"),
    ("access.*.log_to", Some(Guards), "access to {1}: where it is logged"),
    ("access.*.log_fields", Some(Demands), "access to {1}: what is logged"),
];

const SECRETS: &[Row] = &[
    ("secrets.*.rotate_every", Some(MoreIsLooser), "rotation of {1}: every"),
    ("secrets.*.renew_before", Some(LessIsLooser), "renewal of {1}: before its end"),
    ("secrets.*.hsm", Some(OffIsLooser), "hardware module for {1}"),
    ("secrets.*.logged", Some(OffIsLooser), "log of accesses to {1}"),
    ("secrets.*.shared", Some(OnIsLooser), "readers of {1}: everybody on the machine"),
    (
        "secrets.*.kind|variable|path|id|key|region|vault|secret|address",
        Some(Unclear),
        "secret {1}: {2}",
    ),
    ("secret_store.access", Some(Demands), "guards of the secrets"),
    ("secret_store.shared", Some(OnIsLooser), "readers of the secrets: everybody on the machine"),
    (
        "secret_store.kind|variable|path|id|key|region|vault|secret|address",
        Some(Unclear),
        "secret store: {1}",
    ),
];

const DATA: &[Row] = &[
    ("data.class", Some(CLASSES), "data"),
    ("data.alternative", Some(CLASSES), "data that may be used instead"),
    ("data.masking", Some(Words(&["required", "none"])), "masking of data"),
    // `none` says that nothing names people, or that nobody minds how it is kept: not in this order.
    ("data.personal_data", Some(Words(&["masked", "encrypted", "plain"])), "personal data"),
    ("data.from", Some(Unclear), "where data is copied from"),
    ("data.test_credentials", Some(Words(&["private", "public"])), "test credentials"),
    ("data.deletion", Some(Words(&["immediate", "manual"])), "deletion of a person's data"),
    // Data that is lost and data that should be gone both matter.
    ("data.retention", Some(Unclear), "keeping of data"),
    ("data.retention_by", Some(Unclear), "what decides how long data is kept"),
    ("data.log_to", Some(Guards), "where access to data is logged"),
    ("data.residency", Some(Guards), "region that data may not leave"),
    ("data.cross_border", Some(Forbids), "data may cross a border"),
    ("data.complies_with", Some(Demands), "rules for data"),
];

const WATCHING: &[Row] = &[
    ("levels.performance|security|monitoring", Some(LEVELS), "intended {1}"),
    ("levels.performance_by|security_by|monitoring_by", Some(Demands), "what makes it so: {1}"),
    ("setup.constraints", Some(Words(&["strict", "gated", "loose"])), "constraints"),
    ("health.every", Some(MoreIsLooser), "health checks: every"),
    ("health.timeout", Some(MoreIsLooser), "health checks: timeout"),
    ("health.retries", Some(MoreIsLooser), "health checks: failures that are borne"),
    ("health.endpoints", Some(Demands), "health checks: endpoints"),
    // A longer time forgives more and forgets later.
    ("slo.window", Some(Unclear), "time over which promises are counted"),
    ("slo.*", Some(Promise), "promise for {1}"),
    ("goals.within_budget", Some(OffIsLooser), "goal to keep within budgets"),
    ("goals.*", Some(Promise), "goal for {1}"),
    ("error_budget.window", Some(Unclear), "time over which the error budget is counted"),
    ("error_budget.tracked", Some(OffIsLooser), "counting of the error budget"),
    (
        "error_budget.when_spent",
        Some(Words(&["freeze", "notify", "nothing"])),
        "what a spent error budget does",
    ),
    ("monitoring.level", Some(LEVELS), "monitoring"),
    ("monitoring.metrics|business_metrics", Some(Demands), "what is measured"),
    ("monitoring.logs", Some(WHO), "who looks for errors in logs"),
    ("monitoring.dashboards|traces|baseline|threats|costs", Some(OffIsLooser), "monitoring: {1}"),
    ("logs.size", Some(LessIsLooser), "size of the logs"),
    ("logs.retention", Some(LessIsLooser), "keeping of logs"),
    ("logs.archive", Some(Words(&["cold-storage", "none"])), "archive of logs"),
    ("logs.inspected", Some(WHO), "who looks through the logs"),
    ("metrics_sources.*.every|timeout|stale_after", Some(MoreIsLooser), "metrics of {1}: {2}"),
    (
        "metrics_sources.*.token_file|requests|failures|path|server|zone|format",
        Some(Unclear),
        "metrics of {1}: {2}",
    ),
    (
        "metrics_sources.*.time_field|status_field|upstream_field|upstream_status_field",
        Some(Unclear),
        "metrics of {1}: {2}",
    ),
    (
        "metrics_sources.*.kind|url|token_secret|region|namespace|role",
        Some(Unclear),
        "metrics source {1}: {2}",
    ),
];

const TOLD: &[Row] = &[
    ("alerting.level", Some(LEVELS), "alerting"),
    ("alerting.channels", Some(Demands), "alerting channels"),
    ("alerting.escalation", Some(WHO), "escalation of alerts"),
    ("alerting.respond_within", Some(MoreIsLooser), "time to respond to alerts"),
    (
        "alerting.severities.*",
        Some(Words(&["page", "ticket", "log", "report", "nothing"])),
        "what a {1} alert does",
    ),
    ("notifiers.*.to", Some(Demands), "who is told by {1}"),
    ("audit.checkpoint_every", Some(MoreIsLooser), "events between two signed checkpoints"),
    ("audit.checkpoint_files|checkpoint_repositories", Some(Demands), "where checkpoints are kept"),
    (
        "notifiers.*.kind|server|security|url|url_secret|run|path|topic|routing_key_secret\
         |numbers_secret|provider",
        Some(Guards),
        "channel {1}: {2}",
    ),
    ("notify.*", Some(Demands), "who is told of {1}"),
    ("communication.stakeholders", Some(Demands), "channels of stakeholders"),
    ("communication.before", Some(Demands), "who is told before a promotion"),
    ("communication.summary", Some(Demands), "who gets a summary"),
    ("communication.available", Some(Demands), "roles that must be reachable"),
    ("communication.status_page.url", Some(Guards), "status page"),
    ("communication.status_page.for", Some(Demands), "what the status page announces"),
    // A rollback is there to be told of before anybody calls it an incident.
    (
        "communication.customers",
        Some(Words(&["on-rollback", "on-incident", "never"])),
        "when customers are told",
    ),
    ("communication.reports.*", Some(Demands), "who gets the {1} report"),
];

const RUNS_ON: &[Row] = &[
    ("infrastructure.provider|account|region|vpc", Some(Unclear), "{1}"),
    ("infrastructure.subnets", Some(Words(&["private", "public"])), "subnets"),
    ("infrastructure.security_groups", Some(LEVELS), "security groups"),
    ("infrastructure.cdn", Some(Words(&["global", "regional", "none"])), "CDN"),
    ("infrastructure.firewall", Some(OffIsLooser), "firewall"),
    ("infrastructure.rate_limiting", Some(OffIsLooser), "rate limiting"),
    ("infrastructure.isolated", Some(OffIsLooser), "isolation from other environments"),
    ("target.instances", Some(LessIsLooser), "instances"),
    ("target.kind", Some(Unclear), "what runs releases"),
    ("target.ready", Some(Guards), "path that says it is ready"),
    ("target.before_traffic|after_traffic", Some(Guards), "what is asked {1}"),
    ("target.rollback", Some(Guards), "command that goes back"),
    ("target.directory", Some(Words(&["private", "artifact"])), "where it starts"),
    ("target.restart", Some(Words(&["always", "on-failure", "no"])), "restart of what ended"),
    ("target.capabilities", Some(Permits), "what its stack may create"),
    ("target.provisioned", Some(LessIsLooser), "copies that are kept warm"),
    ("target.crash_loop", Some(MoreIsLooser), "ends that are borne at a start"),
    ("target.start_within", Some(MoreIsLooser), "time for a start"),
    ("target|router.drain", Some(LessIsLooser), "time for requests under way"),
    ("router.kind", Some(Unclear), "what sends visitors"),
    ("router.listen", Some(Unclear), "where visitors arrive"),
    ("router.certificate|key|key_secret", Some(Guards), "TLS: {1}"),
    ("router.access_log", Some(Guards), "log that the guard reads"),
    ("router.response_timeout", Some(MoreIsLooser), "time for a response to begin"),
    ("application.alerts|metrics", Some(OffIsLooser), ""),
    ("application.debug", Some(OnIsLooser), "debugging"),
    ("application.request_timeout", Some(MoreIsLooser), "time for a request"),
    ("scaling.mode", Some(WHO), "scaling"),
    ("scaling.min", Some(LessIsLooser), "fewest copies"),
    ("scaling.utilization", Some(Trigger), "use at which a copy is added"),
];

const STANDS_ON: &[Row] = &[
    ("database|storage|queue|cache.monitoring", Some(LEVELS), "monitoring of the {1}"),
    (
        "infrastructure|database|storage|queue|cache.availability",
        Some(Words(&["multi-zone", "replicated", "single", "single-zone"])),
        "",
    ),
    ("infrastructure|database|storage|queue|cache.failover", Some(WHO), ""),
    // What is deleted too soon is lost, and what is deleted too late should be gone.
    ("database.ttl", Some(Unclear), "life of an entry of the database"),
    ("database.capacity_alarm", Some(MoreIsLooser), "use of the database that is told of"),
    ("database.read_replicas", Some(LessIsLooser), "read replicas of the database"),
    ("queue.retention", Some(LessIsLooser), "time that a job may wait in the queue"),
    ("cache.nodes", Some(LessIsLooser), "nodes of the cache"),
    ("cache.topology", Some(Words(&["cluster", "replicated", "single"])), "topology of the cache"),
    ("backups.every", Some(MoreIsLooser), "time between backups"),
    ("backups.keep", Some(LessIsLooser), "keeping of backups"),
    ("backups.tested_every", Some(MoreIsLooser), "time between tested backups"),
    ("recovery.method", Some(Words(&["failover", "restore", "rebuild"])), "way to recover"),
    ("recovery.from", Some(Guards), "what it recovers from"),
    ("recovery.rto", Some(Promise), "time to recover"),
    ("recovery.rpo", Some(Promise), "data that may be lost"),
    ("recovery.required", Some(OffIsLooser), "recovery is required"),
    ("recovery.rehearsed_every", Some(MoreIsLooser), "time between rehearsed recoveries"),
];

const MIGRATIONS: &[Row] = &[
    ("migrations.when", Some(Unclear), "when data is migrated"),
    ("migrations.command", Some(Unclear), "command that migrates"),
    ("migrations.timeout", Some(MoreIsLooser), "time for a migration"),
    ("migrations.reversible", Some(OffIsLooser), "migrations can be undone"),
    (
        "migrations.strategy",
        Some(Words(&["expand-contract", "in-place"])),
        "how stored data changes",
    ),
    ("migrations.tested_in", Some(Guards), "where migrations are tried first"),
    ("migrations.tests", Some(Demands), "tests of migrations"),
    ("migrations.undo", Some(Said), "how a migration is undone"),
];

const MONEY: &[Row] = &[
    ("costs.budget", Some(MoreIsLooser), "budget"),
    (
        "costs.delete_unused",
        Some(Words(&["never", "after-standby", "at-once"])),
        "when what is unused is deleted",
    ),
];

/// Keys that mean the same wherever they stand.
const ANYWHERE: &[Row] = &[
    (
        "..encryption|backup|versioning|dead_letter_queue|logged|hsm|mfa|replication|point_in_time",
        Some(OffIsLooser),
        "",
    ),
    ("..rotation", Some(WHO), ""),
];
