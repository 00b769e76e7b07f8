//! What of a change is looser among what guards rollouts, data, doors and networks, and among what people
//! do.

/// What is written in an environment, what is written there instead, and what is said. All of it is
/// looser, and stricter the other way round.
pub(super) const LOOSER: &[(&str, &str, &str)] = &[
    // Rollouts.
    (
        "guard: { false_alarms: 1% }",
        "guard: { false_alarms: 0.1% }",
        "chance of a false alarm 1% -> 0.1%",
    ),
    ("guard: { margin: 25% }", "guard: { margin: 100% }", "margin of the guard 25% -> 100%"),
    (
        "guard: { warm_up: 10s }",
        "guard: { warm_up: 5m }",
        "warm-up after a change of weight 10s -> 5m",
    ),
    (
        "guard: { even_if_blue: true }",
        "guard: { even_if_blue: false }",
        "limits even if the old release breaks them: true -> false",
    ),
    (
        "guard: { counts: jobs }",
        "guard: { warm_up: 10s }",
        "source whose counts the guard judges: jobs -> not set",
    ),
    (
        "guard: { routes: [/checkout, /search] }",
        "guard: { routes: [/checkout] }",
        "routes that are judged by themselves: /search is removed",
    ),
    // Data.
    ("data: { residency: eu }", "", "data: { residency: eu } -> not set"),
    (
        "data: { residency: eu, class: real }",
        "data: { class: real }",
        "region that data may not leave: eu -> not set",
    ),
    (
        "data: { cross_border: false }",
        "data: { cross_border: true }",
        "data may cross a border: false -> true",
    ),
    (
        "data: { class: real, cross_border: false }",
        "data: { class: real }",
        "data may cross a border: false -> not set",
    ),
    (
        "data: { personal_data: encrypted }",
        "data: { personal_data: plain }",
        "personal data: encrypted -> plain",
    ),
    ("data: { masking: required }", "data: { masking: none }", "masking of data: required -> none"),
    ("data: { class: anonymized }", "data: { class: real }", "data: anonymized -> real"),
    // The network.
    (
        "target: { kind: process, command: [./app], instances: 3 }",
        "target: { kind: process, command: [./app], instances: 1 }",
        "instances 3 -> 1",
    ),
    (
        "infrastructure: { subnets: private }",
        "infrastructure: { subnets: public }",
        "subnets: private -> public",
    ),
    (
        "infrastructure: { subnets: [private] }",
        "infrastructure: { subnets: [private, public] }",
        "subnets: [private] -> [private, public]",
    ),
    (
        "infrastructure: { security_groups: maximum }",
        "infrastructure: { security_groups: basic }",
        "security groups: maximum -> basic",
    ),
    (
        "infrastructure: { region: eu, security_groups: [sg-1, sg-2] }",
        "infrastructure: { region: eu }",
        "security groups: [sg-1, sg-2] -> not set",
    ),
    (
        "infrastructure: { encryption: true }",
        "infrastructure: { encryption: false }",
        "infrastructure encryption: true -> false",
    ),
    (
        "infrastructure: { firewall: true }",
        "infrastructure: { firewall: false }",
        "firewall: true -> false",
    ),
    (
        "infrastructure: { isolated: true, region: eu }",
        "infrastructure: { region: eu }",
        "isolation from other environments: true -> not set",
    ),
    (
        "infrastructure: { rate_limiting: true }",
        "infrastructure: { rate_limiting: false }",
        "rate limiting: true -> false",
    ),
    ("infrastructure: { cdn: global }", "infrastructure: { cdn: none }", "CDN: global -> none"),
    ("application: { debug: false }", "application: { debug: true }", "debugging: false -> true"),
    (
        "scaling: { mode: automatic, min: 2 }",
        "scaling: { mode: automatic, min: 1 }",
        "fewest copies 2 -> 1",
    ),
    // Logs, queues, migrations.
    ("logs: { retention: 30d }", "logs: { retention: 7d }", "keeping of logs 30d -> 7d"),
    (
        "logs: { inspected: automatic }",
        "logs: { inspected: manual }",
        "who looks through the logs: automatic -> manual",
    ),
    (
        "logs: { size: 1GB, inspected: automatic }",
        "logs: { size: 1GB }",
        "who looks through the logs: automatic -> not set",
    ),
    (
        "queue: { kind: sqs, queue: q, retention: 14d }",
        "queue: { kind: sqs, queue: q, retention: 4d }",
        "time that a job may wait in the queue 14d -> 4d",
    ),
    (
        "queue: { kind: sqs, queue: q, dead_letter_queue: true }",
        "queue: { kind: sqs, queue: q, dead_letter_queue: false }",
        "queue dead letter queue: true -> false",
    ),
    (
        "migrations: { command: [./up], tested_in: qa }",
        "migrations: { command: [./up] }",
        "where migrations are tried first: qa -> not set",
    ),
    (
        "migrations: { command: [./up], tests: [counts, rollback] }",
        "migrations: { command: [./up], tests: [counts] }",
        "tests of migrations: rollback is removed",
    ),
    (
        "migrations: { command: [./up], strategy: expand-contract }",
        "migrations: { command: [./up], strategy: in-place }",
        "how stored data changes: expand-contract -> in-place",
    ),
    (
        "migrations: { command: [./up], reversible: true }",
        "migrations: { command: [./up], reversible: false }",
        "migrations can be undone: true -> false",
    ),
    // Doors.
    (
        "access: { shell: { level: read-only, via: bastion host } }",
        "access: { shell: { level: read-only } }",
        "way to shell: bastion host -> not set",
    ),
    (
        "access: { shell: { approval: true } }",
        "access: { shell: { approval: false } }",
        "access to shell: approval true -> false",
    ),
    (
        "access: { database: { logged: true } }",
        "access: { database: { logged: false } }",
        "access to database: logged true -> false",
    ),
    (
        "access: { database: { level: read-only } }",
        "access: { database: { level: full } }",
        "access to database: read-only -> full",
    ),
    (
        "access: { database: { by: [devops], log_fields: [who, when] } }",
        "access: { database: { by: [devops], log_fields: [who] } }",
        "access to database: what is logged: when is removed",
    ),
    (
        "secrets: { KEY: { hsm: true } }",
        "secrets: { KEY: { hsm: false } }",
        "hardware module for KEY: true -> false",
    ),
    (
        "secrets: { KEY: { logged: true } }",
        "secrets: { KEY: { logged: false } }",
        "log of accesses to KEY: true -> false",
    ),
    (
        "triggers: [{ event: push, branch: main }]",
        "triggers: [{ event: push, branch: main }, { event: push, branch: develop }]",
        "triggers: { event: push, branch: develop } is added",
    ),
    // What people do.
    (
        "communication: { customers: on-incident }",
        "communication: { customers: never }",
        "when customers are told: on-incident -> never",
    ),
    (
        "communication: { before: [slack, email] }",
        "communication: { before: [slack] }",
        "who is told before a promotion: email is removed",
    ),
    (
        "communication: { available: [devops, developer] }",
        "communication: { available: [devops] }",
        "roles that must be reachable: developer is removed",
    ),
    ("backups: { every: 1h }", "backups: { every: 24h }", "time between backups 1h -> 24h"),
    ("backups: { keep: 30d }", "backups: { keep: 7d }", "keeping of backups 30d -> 7d"),
    (
        "backups: { tested_every: 30d }",
        "backups: { tested_every: 365d }",
        "time between tested backups 30d -> 365d",
    ),
    (
        "backups: { point_in_time: true }",
        "backups: { point_in_time: false }",
        "backups point in time: true -> false",
    ),
    (
        "recovery: { method: failover, rto: \"< 1h\" }",
        "recovery: { method: failover, rto: \"< 4h\" }",
        "time to recover < 1h -> < 4h",
    ),
    (
        "recovery: { method: failover, rpo: \"< 5m\" }",
        "recovery: { method: failover, rpo: \"< 1h\" }",
        "data that may be lost < 5m -> < 1h",
    ),
    (
        "recovery: { method: failover }",
        "recovery: { method: rebuild }",
        "way to recover: failover -> rebuild",
    ),
    (
        "freezes: [{ name: sundays, days: [sat, sun] }]",
        "freezes: [{ name: sundays, days: [sun] }]",
        "days of the freeze sundays: sat is removed",
    ),
    (
        "monitoring: { traces: true }",
        "monitoring: { traces: false }",
        "monitoring: traces true -> false",
    ),
    (
        "error_budget: { when_spent: freeze }",
        "error_budget: { when_spent: notify }",
        "what a spent error budget does: freeze -> notify",
    ),
];
