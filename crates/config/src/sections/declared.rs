//! Sections that are read, kept and shown, and that nothing acts on yet. What restricts or changes
//! something refuses promotions until it is accepted by name.

use towpath_ports::catalogue::FieldType;

use super::{ANYWHERE, SHARED, Section, Standing, TOP, Where};
use crate::shape::{Default, Key, Shape};

const fn kept(
    name: &'static str,
    shape: Shape,
    places: &'static [Where],
    doc: &'static str,
    example: &'static str,
) -> Section {
    let key = Key::new(name, shape, Default::Absent, doc);
    Section { key, places, standing: Standing::Kept(None), example }
}

const fn refuses(
    name: &'static str,
    places: &'static [Where],
    doc: &'static str,
    example: &'static str,
) -> Section {
    let key = Key::new(name, Shape::Anything, Default::Absent, doc);
    Section { key, places, standing: Standing::Refuses, example }
}

const ACCEPTANCE: Shape = Shape::Of(FieldType::Texts);

/// All of them.
pub(crate) const SECTIONS: &[Section] = &[
    Section::enforced(
        Key::new(
            "accept_unenforced",
            ACCEPTANCE,
            Default::Absent,
            "Paths, as `matrix check` lists them, that may stay without effect.",
        ),
        SHARED,
        "accept_unenforced: [approvals]\n",
    ),
    Section::enforced(
        Key::new(
            "accept_warnings",
            ACCEPTANCE,
            Default::Absent,
            "Names of warnings that are meant so here.",
        ),
        &[Where::Top, Where::Environment],
        "accept_warnings: [same-address]\n",
    ),
    kept(
        "people",
        Shape::MapOf(&Shape::AnyMap),
        TOP,
        "Who we are, and with which roles.",
        "people:\n  ada: { name: Ada Moreau, roles: [developer] }\n",
    ),
    kept(
        "notifiers",
        Shape::MapOf(&Shape::AnyMap),
        TOP,
        "How we are told.",
        "notifiers:\n  slack: { kind: webhook, url_secret: SLACK_URL }\n",
    ),
    kept(
        "secrets",
        Shape::AnyMap,
        ANYWHERE,
        "Where each secret is kept; never its value.",
        "secrets:\n  TLS_KEY: { kind: file, path: /etc/towpath/api.key }\n",
    ),
    kept(
        "goals",
        Shape::AnyMap,
        TOP,
        "What we hold ourselves to, over all environments.",
        "goals: { promotion_time: \"< 30m\" }\n",
    ),
    kept(
        "infrastructure",
        Shape::AnyMap,
        SHARED,
        "Where it runs.",
        "infrastructure: { provider: aws, account: prod, region: us-east-1 }\n",
    ),
    kept(
        "application",
        Shape::AnyMap,
        SHARED,
        "How the application is set up.",
        "application: { log_level: warn, debug: false }\n",
    ),
    kept(
        "database",
        Shape::AnyMap,
        SHARED,
        "What it stands on.",
        "database: { kind: dynamodb, table: shop, backup: true }\n",
    ),
    kept(
        "storage",
        Shape::AnyMap,
        SHARED,
        "Where it keeps files.",
        "storage: { kind: s3, bucket: shop, versioning: true }\n",
    ),
    kept(
        "queue",
        Shape::AnyMap,
        SHARED,
        "Where its jobs wait.",
        "queue: { kind: sqs, queue: shop, visibility: 60s }\n",
    ),
    kept(
        "cache",
        Shape::AnyMap,
        SHARED,
        "What it keeps at hand.",
        "cache: { kind: redis, nodes: 2 }\n",
    ),
    kept(
        "alerting",
        Shape::AnyMap,
        SHARED,
        "Who hears of trouble.",
        "alerting: { level: high, channels: [slack], respond_within: 15m }\n",
    ),
    kept(
        "slo",
        Shape::AnyMap,
        SHARED,
        "What is promised.",
        "slo: { latency_p99: \"< 500ms\", error_rate: \"< 0.5%\" }\n",
    ),
    kept(
        "iam",
        Shape::AnyMap,
        SHARED,
        "The role it runs under.",
        "iam: { role: StagingRole, permissions: high, session: 30m }\n",
    ),
    kept(
        "secret_store",
        Shape::AnyMap,
        SHARED,
        "How it keeps all its secrets.",
        "secret_store: { kind: aws-secrets-manager, rotation: automatic }\n",
    ),
    Section {
        standing: Standing::Kept(Some("budget")),
        ..kept(
            "costs",
            Shape::AnyMap,
            SHARED,
            "What it may cost.",
            "costs: { budget: $120/month }\n",
        )
    },
    kept(
        "notify",
        Shape::AnyMap,
        ANYWHERE,
        "Who is told of promotions.",
        "notify: { rolled_back: [slack, email] }\n",
    ),
    kept(
        "branches",
        Shape::AnyMap,
        TOP,
        "Rules of the branches that releases come from.",
        "branches:\n  main: { approvals: 2 }\n",
    ),
    kept(
        "metrics_sources",
        Shape::AnyMap,
        TOP,
        "What can be asked for figures.",
        "metrics_sources:\n  prometheus: { kind: prometheus }\n",
    ),
    kept(
        "communication",
        Shape::AnyMap,
        &[Where::Top, Where::Environment],
        "Who hears of promotions, and when.",
        "communication: { before: [slack] }\n",
    ),
    kept(
        "scaling",
        Shape::AnyMap,
        super::LANE,
        "How the number of instances changes.",
        "scaling: { mode: automatic, min: 2, max: 8 }\n",
    ),
    kept("data", Shape::AnyMap, SHARED, "What data it holds.", "data: { class: synthetic }\n"),
    kept(
        "backups",
        Shape::AnyMap,
        SHARED,
        "How often data is copied away.",
        "backups: { every: 24h, keep: 30d }\n",
    ),
    kept(
        "recovery",
        Shape::AnyMap,
        SHARED,
        "How it comes back after a disaster.",
        "recovery: { method: restore }\n",
    ),
    kept(
        "alarms",
        Shape::Anything,
        SHARED,
        "Thresholds that somebody is told of.",
        "alarms:\n  - { name: errors, is: \"> 5%\" }\n",
    ),
    kept(
        "triggers",
        Shape::Anything,
        super::OWN,
        "What in the forge makes a release come here.",
        "triggers:\n  - { event: merge, branch: main }\n",
    ),
    kept(
        "change_types",
        Shape::AnyMap,
        SHARED,
        "What is different for one kind of change.",
        "change_types:\n  hotfix: { from_branch: main }\n",
    ),
    refuses(
        "approvals",
        SHARED,
        "Who must agree.",
        "approvals:\n  feature: { developer: 2, business: 1 }\n",
    ),
    refuses(
        "windows",
        ANYWHERE,
        "When promotions may run.",
        "windows: [\"Mon-Thu 09:00-16:00\"]\n",
    ),
    refuses(
        "freeze",
        ANYWHERE,
        "When no promotion may run.",
        "freeze: [\"2027-12-20 to 2028-01-02\"]\n",
    ),
    refuses(
        "freezes",
        ANYWHERE,
        "When no promotion may run.",
        "freezes: [\"2027-12-20 to 2028-01-02\"]\n",
    ),
    refuses("who_may", ANYWHERE, "Who may do what.", "who_may: { promote: [devops] }\n"),
    refuses("access", ANYWHERE, "Who may reach it.", "access: { networks: [10.0.0.0/8] }\n"),
    refuses(
        "migrations",
        ANYWHERE,
        "How stored data changes.",
        "migrations: { command: [./migrate] }\n",
    ),
];
