//! What of a change is looser, by the keys of the sections.

use towpath_config::{Diff, Judgement};

use super::{between, guards, only, sentences, with};

/// What is written in an environment, what is written there instead, and what is said. All of it is
/// looser, and stricter the other way round.
const LOOSER: &[(&str, &str, &str)] = &[
    // The pipeline.
    ("after: [dev, qa]", "after: qa", "what comes before: dev is removed"),
    ("after_any: dev", "after_any: [dev, qa]", "what may come before: qa is added"),
    ("promote: manual", "promote: automatic", "promotion: manual -> automatic"),
    (
        "",
        "preempt: [hotfix]",
        "what may take the place of a promotion under way: not set -> [hotfix]",
    ),
    (
        "accept_unenforced: [iam]\niam: { role: R }",
        "accept_unenforced: [iam, slo]\niam: { role: R }\nslo: { window: 30d }",
        "accepted though not enforced: slo is added",
    ),
    (
        "accept_warnings: [same-address]",
        "accept_warnings: [same-address, promotion-time]",
        "accepted warnings: promotion-time is added",
    ),
    // Windows and freezes.
    (
        "windows: [{ name: week, days: [mon, tue], hours: 09:00-16:00 }]",
        "",
        "windows: [{ name: week, days: [mon, tue], hours: 09:00-16:00 }] -> not set",
    ),
    (
        "windows: [{ name: week, days: [mon], hours: 09:00-16:00 }]",
        "windows: [{ name: week, days: [mon], hours: 08:00-18:00 }]",
        "hours of the window week 09:00-16:00 -> 08:00-18:00",
    ),
    (
        "windows: [{ name: week, days: [mon], hours: 09:00-16:00 }]",
        "windows: [{ name: week, days: [mon, fri], hours: 09:00-16:00 }]",
        "days of the window week: fri is added",
    ),
    (
        "windows: [{ name: week, days: [mon] }]",
        "windows: [{ name: week, days: [mon] }, { name: end, days: [sat] }]",
        "windows: end is added",
    ),
    (
        "freezes: [{ name: holidays, from: 2026-12-20, until: 2027-01-02 }]",
        "",
        "freezes: holidays is removed",
    ),
    (
        "freezes: [{ name: holidays, from: 2026-12-20, until: 2027-01-02 }]",
        "freezes: [{ name: holidays, from: 2026-12-22, until: 2027-01-02 }]",
        "beginning of the freeze holidays 2026-12-20 -> 2026-12-22",
    ),
    (
        "freezes: [{ name: holidays, from: 2026-12-20, until: 2027-01-02 }]",
        "freezes: [{ name: holidays, from: 2026-12-20, until: 2026-12-27 }]",
        "end of the freeze holidays 2027-01-02 -> 2026-12-27",
    ),
    (
        "freezes: [{ name: holidays, from: 2026-12-20, until: 2027-01-02 }]",
        "freezes: [{ name: holidays, from: 2026-12-20, until: 2027-01-02, except: [hotfix] }]",
        "exceptions to the freeze holidays: not set -> [hotfix]",
    ),
    // The gate.
    (
        "gate: { prerequisites: [{ check: attested, name: Looked at }] }",
        "",
        "prerequisites: Looked at is removed",
    ),
    (
        "gate: { validation: [{ check: http, name: Up, url: \"{green}/\" }, { check: http, url: \"{green}/well\" }] }",
        "gate: { validation: [{ check: http, name: Up, url: \"{green}/\" }] }",
        "validation: http is removed",
    ),
    (
        "gate: { prerequisites: [{ check: attested, name: Looked at, by: [qa] }] }",
        "gate: { prerequisites: [{ check: attested, name: Looked at }] }",
        "who may attest Looked at: [qa] -> not set",
    ),
    (
        "gate: { prerequisites: [{ check: attested, name: Looked at, by: [qa] }] }",
        "gate: { prerequisites: [{ check: attested, name: Looked at, by: [qa, devops] }] }",
        "who may attest Looked at: devops is added",
    ),
    (
        "gate: { prerequisites: [{ check: soak, name: Rested, in: dev, for: 24h, error_rate: \"< 1%\" }] }",
        "gate: { prerequisites: [{ check: soak, name: Rested, in: dev, for: 1h, error_rate: \"< 1%\" }] }",
        "soak of Rested 24h -> 1h",
    ),
    (
        "gate: { prerequisites: [{ check: soak, name: Rested, in: dev, for: 24h, error_rate: \"< 1%\" }] }",
        "gate: { prerequisites: [{ check: soak, name: Rested, in: dev, for: 24h, error_rate: \"< 5%\" }] }",
        "Rested: error rate < 1% -> < 5%",
    ),
    (
        "gate: { prerequisites: [{ check: sarif, name: Safe, path: a.sarif, allow: { high: 0 } }] }",
        "gate: { prerequisites: [{ check: sarif, name: Safe, path: a.sarif, allow: { high: 3 } }] }",
        "Safe: high that are allowed 0 -> 3",
    ),
    (
        "gate: { prerequisites: [{ check: sarif, name: Safe, path: a.sarif, allow: { high: 0, medium: 2 } }] }",
        "gate: { prerequisites: [{ check: sarif, name: Safe, path: a.sarif, allow: { high: 0 } }] }",
        "Safe: medium that are allowed 2 -> not set",
    ),
    (
        "gate: { prerequisites: [{ check: github, name: Reviewed, reviews: 2 }] }",
        "gate: { prerequisites: [{ check: github, name: Reviewed, reviews: 1 }] }",
        "Reviewed: reviews 2 -> 1",
    ),
    (
        "gate: { validation: [{ check: performance, name: Fast, url: \"{green}/\", requests: 200, latency_p99: \"< 300ms\" }] }",
        "gate: { validation: [{ check: performance, name: Fast, url: \"{green}/\", requests: 200, latency_p99: \"< 1s\" }] }",
        "Fast: latency p99 < 300ms -> < 1s",
    ),
    // Approvals.
    (
        "approvals: { all: { business: 1 }, feature: { developer: 2 } }",
        "approvals: { all: { business: 1 }, feature: { developer: 1 } }",
        "approvals for a feature by the role developer 2 -> 1",
    ),
    (
        "approvals: { all: { business: 1, qa: 1 } }",
        "approvals: { all: { business: 1 } }",
        "approvals for every change by the role qa 1 -> not set",
    ),
    (
        "approvals: { all: { business: 1 }, expires: 72h }",
        "approvals: { all: { business: 1 }, expires: 7d }",
        "validity of an approval 72h -> 7d",
    ),
    (
        "approvals: { all: { business: 1 }, author_may_approve: false }",
        "approvals: { all: { business: 1 }, author_may_approve: true }",
        "the author may approve: false -> true",
    ),
    // A type that nobody may approve is refused.
    (
        "approvals: { feature: { developer: 1 } }",
        "approvals: { feature: { developer: 1 }, hotfix: { developer: 1 } }",
        "approvals for a hotfix: not set -> { developer: 1 }",
    ),
    (
        "approvals: { all: { business: 1 }, hotfix: { developer: 1 } }",
        "approvals: { all: { business: 1 } }",
        "approvals for a hotfix: { developer: 1 } -> not set",
    ),
    // The rollout.
    ("standby: 24h", "standby: 1h", "standby of the old release 24h -> 1h"),
    ("standby: 48h", "", "standby of the old release 48h -> 24h, the built-in default"),
    (
        "rollout: { steps: [{ weight: 1%, bake: 5m }, { weight: 100%, bake: 5m }] }",
        "rollout: { steps: [{ weight: 5%, bake: 5m }, { weight: 100%, bake: 5m }] }",
        "rollout step 1%: weight 1% -> 5%",
    ),
    (
        "rollout: { steps: [{ weight: 1%, bake: 5m }, { weight: 100%, bake: 5m }] }",
        "rollout: { steps: [{ weight: 100%, bake: 5m }] }",
        "rollout steps: 1% for 5m is removed",
    ),
    (
        "rollout: { steps: [{ weight: 1%, bake: 5m }, { weight: 100%, bake: 5m }] }",
        "rollout: { steps: [{ weight: 1%, bake: 5m }, { weight: 100%, bake: 4m }] }",
        "rollout step 100%: bake 5m -> 4m",
    ),
    (
        "rollout: { steps: [{ weight: 100%, bake: 5m }] }",
        "rollout: { steps: [{ weight: 100%, bake: { min: 1m, max: 5m } }] }",
        "rollout step 100%: min of its bake 5m -> 1m",
    ),
    (
        "rollout: { proof: required }",
        "rollout: { proof: optional }",
        "proof that a release is healthy: required -> optional",
    ),
    (
        "rollout: { on_blind: rollback }",
        "rollout: { on_blind: pause }",
        "without evidence: rollback -> pause",
    ),
    (
        "rollout: { on_lapse: pause }",
        "rollout: { on_lapse: resume }",
        "after a lapsed lease: pause -> resume",
    ),
    ("rollout: { hold_limit: 30m }", "rollout: { hold_limit: 5m }", "wait for evidence 30m -> 5m"),
    ("rollout: { lease: 10s }", "rollout: { lease: 1m }", "lease 10s -> 1m"),
    (
        "rollout: { minimum_sample: 200 requests }",
        "rollout: { minimum_sample: 20 requests }",
        "requests before a step is proven 200 requests -> 20 requests",
    ),
    (
        "rollout: { rescue: { hedge: true } }",
        "rollout: { rescue: { hedge: false } }",
        "answer of the old release where the new one is slow: true -> false",
    ),
    ("rollout: { warm_up: 1m }", "rollout: { warm_up: 10s }", "warm-up 1m -> 10s"),
    // Rolling back.
    (
        "rollback: { mode: automatic }",
        "rollback: { mode: manual }",
        "rollback after commit: automatic -> manual",
    ),
    ("rollback: { within: 5m }", "rollback: { within: 1h }", "time for a rollback 5m -> 1h"),
    (
        "rollback: { when: { error_rate: \"> 5%\" } }",
        "rollback: { when: { error_rate: \"> 8%\" } }",
        "error trigger 5% -> 8%",
    ),
    (
        "rollback: { when: { latency_p99: \"+20%\" } }",
        "rollback: { when: { latency_p99: \"+50%\" } }",
        "latency p99 trigger +20% -> +50%",
    ),
    (
        "rollback: { when: { latency_p50: \"> 300ms\" } }",
        "",
        "latency p50 trigger > 300ms -> not set",
    ),
    (
        "rollback: { when: { signals: [security-incident, business-impact] } }",
        "rollback: { when: { signals: [security-incident] } }",
        "signals that roll back: business-impact is removed",
    ),
    // How we know that it is well.
    (
        "health: { every: 30s, endpoints: [/up] }",
        "health: { every: 5m, endpoints: [/up] }",
        "health checks: every 30s -> 5m",
    ),
    (
        "health: { every: 30s, endpoints: [/up] }",
        "health: { every: manual, endpoints: [/up] }",
        "health checks: every 30s -> manual",
    ),
    (
        "health: { timeout: 5s, endpoints: [/up] }",
        "health: { timeout: 10s, endpoints: [/up] }",
        "health checks: timeout 5s -> 10s",
    ),
    (
        "health: { retries: 3, endpoints: [/up] }",
        "health: { retries: 5, endpoints: [/up] }",
        "health checks: failures that are borne 3 -> 5",
    ),
    (
        "health: { endpoints: [/up, /well] }",
        "health: { endpoints: /up }",
        "health checks: endpoints: /well is removed",
    ),
    (
        "slo: { uptime: \">= 99.99%\" }",
        "slo: { uptime: \">= 99.9%\" }",
        "promise for uptime >= 99.99% -> >= 99.9%",
    ),
    (
        "slo: { latency_p99: \"< 200ms\", window: 30d }",
        "slo: { latency_p99: \"< 1s\", window: 30d }",
        "promise for latency p99 < 200ms -> < 1s",
    ),
    (
        "slo: { error_rate: \"< 1%\", uptime: \">= 99%\" }",
        "slo: { uptime: \">= 99%\" }",
        "promise for error rate < 1% -> not set",
    ),
    ("alerting: { level: high }", "alerting: { level: basic }", "alerting: high -> basic"),
    (
        "alerting: { channels: [slack, phone] }",
        "alerting: { channels: [slack] }",
        "alerting channels: phone is removed",
    ),
    (
        "alerting: { escalation: automatic }",
        "alerting: { escalation: manual }",
        "escalation of alerts: automatic -> manual",
    ),
    (
        "alerting: { respond_within: 5m }",
        "alerting: { respond_within: 1h }",
        "time to respond to alerts 5m -> 1h",
    ),
    (
        "notify: { failed: [slack, email] }",
        "notify: { failed: [slack] }",
        "who is told of failed: email is removed",
    ),
    // Who may.
    (
        "who_may: { promote: [devops] }",
        "who_may: { promote: [devops, qa] }",
        "who may promote: qa is added",
    ),
    (
        "who_may: { promote: [devops], freeze: [qa] }",
        "who_may: { promote: [devops] }",
        "who may freeze: [qa] -> not set",
    ),
    (
        "iam: { permissions: basic }",
        "iam: { permissions: maximum }",
        "permissions: basic -> maximum",
    ),
    ("iam: { mfa: true }", "iam: { mfa: false }", "second factor: true -> false"),
    ("iam: { session: 15m }", "iam: { session: 1h }", "length of a session 15m -> 1h"),
    (
        "secret_store: { kind: aws-secrets-manager, rotation: automatic }",
        "secret_store: { kind: aws-secrets-manager, rotation: manual }",
        "secret store rotation: automatic -> manual",
    ),
    (
        "secrets: { KEY: { rotate_every: 30d } }",
        "secrets: { KEY: { rotate_every: 365d } }",
        "rotation of KEY: every 30d -> 365d",
    ),
    // What it stands on.
    (
        "database: { kind: dynamodb, table: t, backup: true }",
        "database: { kind: dynamodb, table: t, backup: false }",
        "database backup: true -> false",
    ),
    (
        "storage: { kind: s3, bucket: b, encryption: true, versioning: true }",
        "storage: { kind: s3, bucket: b, encryption: true }",
        "storage versioning: true -> not set",
    ),
    (
        "queue: { kind: sqs, queue: q, dead_letter_queue: true }",
        "",
        "queue: { kind: sqs, queue: q, dead_letter_queue: true } -> not set",
    ),
    (
        "cache: { kind: redis, nodes: 2, logged: true }",
        "cache: { kind: redis, nodes: 2, logged: false }",
        "cache logged: true -> false",
    ),
    (
        "costs: { budget: $120/month }",
        "costs: { budget: $420/month }",
        "budget $120/month -> $420/month",
    ),
    (
        "costs: { delete_unused: after-standby }",
        "costs: { delete_unused: at-once }",
        "when what is unused is deleted: after-standby -> at-once",
    ),
];

/// The same of what is neither looser nor stricter.
const NEUTRAL: &[(&str, &str, &str)] = &[
    ("", "title: Live", "title: not set -> Live"),
    ("x-team: platform", "x-team: shop", "x-team: platform -> shop"),
    ("settings: { LEVEL: info }", "settings: { LEVEL: debug }", "settings LEVEL: info -> debug"),
    (
        "settings: { encryption: \"true\" }",
        "settings: { encryption: \"false\" }",
        "settings encryption: true -> false",
    ),
    (
        "gate: { validation: [{ check: attested, name: A }, { check: attested, name: B }] }",
        "gate: { validation: [{ check: attested, name: B }, { check: attested, name: A }] }",
        "validation: in another order",
    ),
    (
        "costs: { compute: $10/month }",
        "costs: { compute: $20/month }",
        "costs compute $10/month -> $20/month",
    ),
];

/// The same of what may be either, so that somebody has to look at it.
const UNCLEAR: &[(&str, &str, &str)] = &[
    (
        "gate: { validation: [{ check: http, name: Up, url: \"{green}/\", expect: 200 }] }",
        "gate: { validation: [{ check: http, name: Up, url: \"{green}/\", expect: 204 }] }",
        "Up: expect 200 -> 204",
    ),
    (
        "rollback: { when: { latency_p99: \"+20%\" } }",
        "rollback: { when: { latency_p99: \"> 300ms\" } }",
        "latency p99 trigger +20% -> > 300ms",
    ),
    (
        "windows: [{ name: week, days: [mon], hours: 09:00-16:00 }]",
        "windows: [{ name: week, days: [mon], hours: 10:00-17:00 }]",
        "hours of the window week 09:00-16:00 -> 10:00-17:00",
    ),
    (
        "data: { residency: eu-west }",
        "data: { residency: us-east }",
        "region that data may not leave: eu-west -> us-east",
    ),
    ("data: { retention: 30d }", "data: { retention: 90d }", "keeping of data 30d -> 90d"),
    (
        "data: { personal_data: masked }",
        "data: { personal_data: none }",
        "personal data: masked -> none",
    ),
    ("iam: { role: Prod }", "iam: { role: Admin }", "role it runs under: Prod -> Admin"),
    (
        "access: { shell: { via: bastion host } }",
        "access: { shell: { via: ssh } }",
        "way to shell: bastion host -> ssh",
    ),
    (
        "gate: { prerequisites: [{ check: command, name: Safe, run: [./scan, --all] }] }",
        "gate: { prerequisites: [{ check: command, name: Safe, run: [./scan] }] }",
        "Safe: run [./scan, \"--all\"] -> [./scan]",
    ),
    (
        "rollout: { strategy: blue-green }\ngate: { validation: [{ check: http, name: Up, url: \"{green}/\", at: 100% }] }",
        "rollout: { strategy: blue-green }\ngate: { validation: [{ check: http, name: Up, url: \"{green}/\", at: 10% }] }",
        "Up: asked at 100% -> 10%",
    ),
    (
        "migrations: { command: [./up], tested_in: dev }",
        "migrations: { command: [./up], tested_in: qa }",
        "where migrations are tried first: dev -> qa",
    ),
    (
        "infrastructure: { security_groups: [sg-1, sg-2] }",
        "infrastructure: { security_groups: [sg-3] }",
        "security groups: [sg-1, sg-2] -> [sg-3]",
    ),
    (
        "infrastructure: { region: eu-west-1 }",
        "infrastructure: { region: us-east-1 }",
        "region: eu-west-1 -> us-east-1",
    ),
];

#[test]
fn what_demands_less_is_looser_and_taking_it_back_is_stricter() {
    let mut wrong = Vec::new();
    for (old, new, said) in LOOSER.iter().chain(guards::LOOSER) {
        let (old, new) = (with(old), with(new));
        let (diff, back) = (between(&old, &new), between(&new, &old));
        let said = format!("live: {said} (looser)");
        let judged = (diff.looser, back.looser, count(&back, Judgement::Stricter));
        if sentences(&diff).contains(&said.as_str()) && judged == (1, 0, 1) {
            continue;
        }
        wrong.push(format!("{said}\n  {:?}\n  back {:?}", sentences(&diff), sentences(&back)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_demands_neither_less_nor_more_is_told_without_a_judgement() {
    for (old, new, said) in NEUTRAL {
        let diff = between(&with(old), &with(new));
        let change = only(&diff);
        assert_eq!(
            (change.sentence.clone(), change.judgement),
            (format!("live: {said}"), Judgement::Neutral)
        );
    }
}

#[test]
fn what_may_be_either_is_to_be_checked_in_both_directions() {
    for (old, new, said) in UNCLEAR {
        let (old, new) = (with(old), with(new));
        let (diff, back) = (between(&old, &new), between(&new, &old));
        assert_eq!(only(&diff).sentence, format!("live: {said} (check it)"));
        assert_eq!((diff.looser, diff.unclear), (0, 1));
        assert_eq!((back.looser, back.unclear), (0, 1), "{:?}", sentences(&back));
    }
}

fn count(diff: &Diff, judgement: Judgement) -> usize {
    diff.changes.iter().filter(|it| it.judgement == judgement).count()
}
