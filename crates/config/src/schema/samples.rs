//! Examples that cannot be made from a type: what people would write at a key of this name, or at this
//! place where the name alone means several things. Says nothing of keys that the documented example
//! of their section shows; those examples come first.

use serde_json::Value;

use crate::fields::from_default;

/// The example for the place at `path`: of all entries that fit its end, the one that says most names.
pub(super) fn of(path: &str) -> Option<Value> {
    let names: Vec<_> = path.split(['.', ' ']).collect();
    let fits = |end: &str| {
        let mut last = names.iter().rev();
        end.rsplit('.').all(|part| last.next().is_some_and(|name| part == "*" || part == *name))
    };
    let fitting = SAMPLES.iter().filter(|(end, _)| fits(end));
    let (_, written) =
        fitting.max_by_key(|(end, _)| end.split('.').filter(|part| *part != "*").count())?;
    Some(from_default(written).to_json())
}

/// The end of a path, of which `*` stands for any one name, and the example as the matrix has it. Names
/// and addresses are those that are kept for examples (RFC 2606).
const SAMPLES: &[(&str, &str)] = &[
    // Names that mean the same wherever they stand.
    ("backport_to", "develop"),
    ("business_metrics", "[orders-per-minute]"),
    ("channels", "[on-call]"),
    ("complies_with", "[GDPR]"),
    ("coordinate_with", "[qa]"),
    ("defined_in", "[infra/app-stack.ts]"),
    ("email", "ada@example.com"),
    ("from_branch", "main"),
    ("key_secret", "TLS_KEY"),
    ("log_fields", "[user, time, reason]"),
    ("log_to", "CloudTrail"),
    ("notify", "[releases]"),
    ("owners", "[developer]"),
    ("password_secret", "SMTP_PASSWORD"),
    ("region", "eu-central-1"),
    ("residency", "eu-central-1"),
    ("second_signing_secret", "WEBHOOK_NEXT_KEY"),
    ("signing_secret", "WEBHOOK_SIGNING_KEY"),
    ("skip", "[integration]"),
    ("exceptions", "{ CVE-2026-1234: \"until 2026-12-31: only tests use it\" }"),
    ("exceptions.*", "\"until 2026-12-31: only tests use it\""),
    ("log_key", "keys/rekor.pub"),
    ("parameters", "[flags]"),
    ("refs", "[refs/heads/main, \"refs/tags/v{version}\"]"),
    ("stakeholders", "[product-owners]"),
    ("tested_in", "staging"),
    ("token_secret", "PROMETHEUS_TOKEN"),
    ("unattended_role", "arn:aws:iam::123456789012:role/night-stop"),
    ("watch", "[error-rate]"),
    ("workflows", ".github/workflows"),
    // The top of the file, and what an environment is for.
    ("branches.*.from", "develop"),
    ("branches.*.purpose", "What production runs."),
    ("services.*.repository", "https://git.example.com/shop/api"),
    ("triggers[].service", "api"),
    ("triggers[].tag", "\"v*\""),
    ("levels.monitoring_by", "[Prometheus, Grafana]"),
    ("levels.performance_by", "[load tests, two instances]"),
    ("levels.security_by", "[network policies, dependency scans]"),
    ("holdback.for", "30m"),
    ("rescue.body", "64KiB"),
    ("rescue.except", "[/checkout]"),
    ("rescue.methods", "[POST]"),
    ("setup.changes", "several times a day"),
    ("setup.compose", "compose.yaml"),
    ("setup.started_by", "[docker, compose, up]"),
    // Where it runs, and what it stands on.
    ("infrastructure.security_groups", "[api-from-load-balancer, database-from-api]"),
    ("infrastructure.tags", "{ team: payments }"),
    ("infrastructure.tags.*", "payments"),
    ("cache.*.name", "sessions"),
    ("cache.other.name", "Memcached sessions"),
    ("data.from", "production"),
    ("data.retention_by", "the contract with the customer"),
    ("database.*.name", "orders"),
    ("database.other.name", "CockroachDB orders"),
    ("database.*.version", "\"16\""),
    ("queue.*.name", "orders"),
    ("queue.other.name", "NATS orders"),
    ("queue.*.queue", "orders"),
    ("recovery.from", "the latest snapshot"),
    ("storage.*.account", "shopstorage"),
    ("storage.*.container", "uploads"),
    ("storage.*.name", "uploads"),
    ("storage.other.name", "MinIO uploads"),
    ("storage.*.path", "/srv/uploads"),
    // Who may.
    ("access.*.by", "[lead-developer]"),
    ("access.*.level", "read-only"),
    ("access.*.via", "bastion host"),
    ("access.api.via", "API gateway"),
    ("access.code.via", "pull request"),
    ("access.secrets.via", "key vault"),
    ("approvals.all", "{ lead-developer: 1 }"),
    ("approvals.break_glass", "{ lead-developer: 1 }"),
    ("approvals.configuration", "{ lead-developer: 1 }"),
    ("approvals.fix", "{ lead-developer: 1 }"),
    ("approvals.infrastructure", "{ lead-developer: 1, security: 1 }"),
    ("iam.actions", "[\"s3:GetObject\"]"),
    ("iam.policy", "arn:aws:iam::123456789012:policy/deploy"),
    ("iam.sign_in", "oidc"),
    ("people.*.account", "ada.moreau"),
    ("people.*.handle", "ada-moreau"),
    ("people.*.roles_in", "{ production: [release-manager] }"),
    ("teams.*.roles_in", "{ production: [release-manager] }"),
    ("who_may.*", "[lead-developer]"),
    ("who_may.attest", "[qa]"),
    ("who_may.pause", "[developer, lead-developer]"),
    ("who_may.signal", "[developer, on-call]"),
    // How a change goes on.
    ("alarms[].source", "prometheus"),
    ("guard.counts", "prometheus"),
    ("alarms[].name", "high-error-rate"),
    ("alarms[].query", "\"sum(rate(http_errors_total[5m]))\""),
    ("alarms[].is", "\"> 5%\""),
    ("change_types.feature.purpose", "Something that customers asked for."),
    ("change_types.fix.purpose", "Repairs a fault that can wait for a window."),
    ("change_types.hotfix.purpose", "Repairs a fault that visitors see now."),
    ("change_types.infrastructure.purpose", "Changes machines and networks."),
    ("change_types.configuration.purpose", "Changes settings without a build."),
    ("freezes[].calendar", "calendars/holidays.ics"),
    ("change_types.feature.paths", "[\"src/**\"]"),
    ("change_types.feature.evidence", "[review-notes]"),
    ("change_types.fix.paths", "[\"src/**\"]"),
    ("change_types.fix.evidence", "[review-notes]"),
    ("change_types.hotfix.paths", "[\"src/**\"]"),
    ("change_types.hotfix.evidence", "[review-notes]"),
    ("change_types.infrastructure.paths", "[\"cdk/**\"]"),
    ("change_types.infrastructure.evidence", "[infrastructure-plan]"),
    ("change_types.configuration.paths", "[\"config/**\"]"),
    ("change_types.configuration.evidence", "[review-notes]"),
    ("freezes[].cron", "0 22 * * fri"),
    ("freezes[].reason", "end of year sales"),
    ("windows[].cron", "0 9 * * mon-thu"),
    ("windows[].name", "working hours"),
    (
        "migrations.steps",
        "[release 1 adds the new column, release 2 fills it, release 3 drops the old one]",
    ),
    ("rollback.executor", "AWS CodeDeploy"),
    ("rollback.runbook", "docs/runbooks/rollback.md"),
    // Who hears of it, and what it costs.
    ("communication.customers", "on-rollback"),
    ("communication.reports", "{ weekly: [product-owners] }"),
    ("communication.reports.*", "[product-owners]"),
    ("communication.status_page.url", "https://status.example.com"),
    ("costs.delete_unused", "after-standby"),
    ("notify.*", "[releases]"),
    ("notify.break_glass", "[on-call, security]"),
    ("notify.failed", "[on-call]"),
    ("notify.secret_rotation", "[security]"),
    // Adapters.
    ("check.command.env", "{ LOG_LEVEL: info }"),
    ("check.git.contained_in", "main"),
    ("check.git.cut_from", "main"),
    ("check.brings.evidence", "infrastructure-plan"),
    ("check.git.repository", "/srv/git/api.git"),
    ("check.git.since", "v1.4.0"),
    ("check.github.branch", "main"),
    ("check.github.from", "[develop]"),
    ("check.github.protection", "[main]"),
    ("check.performance.path", "reports/k6.json"),
    ("check.prometheus.baseline", "\"max(queue_depth{version!='{version}'})\""),
    ("check.prometheus.token_file", "/etc/towpath/prometheus-token"),
    ("check.github.token_file", "/etc/towpath/github-token"),
    ("check.http.accept", "[\"204\", \"3xx\"]"),
    ("check.http.contains", "ready"),
    ("check.http.headers", "{ Accept: application/json }"),
    ("check.sarif.tools", "[trivy, semgrep]"),
    ("check.soak.in", "[staging]"),
    ("check.parity.in", "[staging]"),
    ("check.parity.except", "[DEBUG_LEVEL]"),
    ("check.stable_for.in", "[staging]"),
    ("check.slo.in", "[staging]"),
    ("check.error_budget.in", "[staging]"),
    ("metrics.cloudwatch.namespace", "Shop/Api"),
    ("metrics.cloudwatch.role", "arn:aws:iam::123456789012:role/read-metrics"),
    ("metrics.haproxy-log.zone", "Europe/Berlin"),
    ("metrics.nginx-log.status_field", "status"),
    ("metrics.nginx-log.time_field", "time"),
    ("metrics.nginx-log.upstream_field", "upstream_addr"),
    ("metrics.nginx-log.upstream_status_field", "upstream_status"),
    ("metrics.prometheus.failures", "sum(http_requests_total{version='{version}',code=~'5..'})"),
    ("metrics.prometheus.requests", "sum(http_requests_total{version='{version}'})"),
    ("metrics.prometheus.token_file", "/etc/towpath/prometheus-token"),
    ("notifier.command.env", "{ CHANNEL: releases }"),
    ("notifier.folder.path", "releases/notes"),
    ("notifier.phone.provider", "twilio"),
    ("notifier.smtp.user", "towpath@example.com"),
    ("notifier.webhook.url", "https://hooks.example.com/releases"),
    ("router.*.access_log", "/var/log/nginx/access.log"),
    ("router.*.blue", "api-blue"),
    ("router.*.certificate", "/etc/towpath/tls/chain.pem"),
    ("router.*.green", "api-green"),
    ("router.*.host", "ssh://deploy@proxy"),
    ("router.*.key", "/etc/towpath/tls/key.pem"),
    ("router.*.pin_header", "x-shop-arm"),
    ("router.*.reload", "[systemctl, reload, nginx]"),
    ("router.*.state_file", "/var/lib/haproxy/state"),
    ("secret_store.*.address", "https://vault.example.com"),
    ("secret_store.*.key", "password"),
    ("secret_store.*.secret", "api-database-password"),
    ("secrets.*.address", "https://vault.example.com"),
    ("secrets.*.key", "password"),
    ("secrets.*.secret", "api-database-password"),
    ("target.command.rollback", "[./deploy, rollback]"),
    ("target.command.status", "[./deploy, status]"),
    ("target.command.weight", "[./deploy, weight]"),
    ("target.cloudformation.capabilities", "[CAPABILITY_IAM]"),
    ("target.cloudformation.parameters", "{ InstanceType: t3.small }"),
    ("target.docker.command", "[node, server.js]"),
    ("target.docker.hosts", "[\"ssh://deploy@one.example.com\", \"ssh://deploy@two.example.com\"]"),
    ("target.docker.network", "shop"),
    ("target.docker.volumes", "[\"/srv/data:/data\"]"),
    ("target.lambda.after_traffic", "api-after-traffic"),
    ("target.lambda.alias", "live"),
    ("target.lambda.before_traffic", "api-before-traffic"),
    ("target.lambda.template", "template.yaml"),
    ("target.process.ready", "/ready"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of;

    #[test]
    fn the_entry_that_says_most_of_a_path_is_its_sample() {
        assert_eq!(of("access.data.via"), Some(json!("bastion host")));
        assert_eq!(of("access.code.via"), Some(json!("pull request")));
        assert_eq!(of("database postgres.name"), Some(json!("orders")));
        assert_eq!(of("database other.name"), Some(json!("CockroachDB orders")));
        assert_eq!(of("target cloudformation.region"), Some(json!("eu-central-1")));
        assert_eq!(of("services.NAME.name"), None);
    }
}
