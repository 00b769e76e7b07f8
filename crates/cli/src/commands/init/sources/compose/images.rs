//! Images that are no service of a project's own: what it stands on, and what stands before it.
//! Decides by the image's name alone.

use towpath_config::{StarterSection, StarterValue};

use super::super::foreign::Value;

/// What an image is.
pub(super) enum Image {
    /// Something that the project stands on.
    Stands(StarterSection),
    /// A proxy: the router takes its place.
    Proxy,
    /// A tool beside the services.
    Tool,
    /// Nothing that is known here: a service of the project.
    Own,
}

/// Names of images on Docker Hub and of their common replacements, without registry and tag.
const PROXIES: &[&str] = &["nginx", "traefik", "haproxy", "caddy", "envoy", "nginx-proxy"];
const TOOLS: &[&str] = &[
    "adminer",
    "alertmanager",
    "cadvisor",
    "dynamodb-admin",
    "elasticsearch",
    "fluentd",
    "grafana",
    "jaeger",
    "kibana",
    "loki",
    "mailhog",
    "mailpit",
    "maildev",
    "node-exporter",
    "otel-collector",
    "opentelemetry-collector",
    "pgadmin4",
    "phpmyadmin",
    "prometheus",
    "promtail",
    "redis-commander",
    "zipkin",
    "zookeeper",
];

/// What the image called `image` is; `service` is where compose says how it is set up.
pub(super) fn known(image: &str, service: &Value, variables: &[(String, String)]) -> Image {
    let name = name(image);
    if PROXIES.contains(&name.as_str()) {
        return Image::Proxy;
    }
    if TOOLS.contains(&name.as_str()) {
        return Image::Tool;
    }
    let variable = |names: &[&str]| {
        let found = variables.iter().find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.clone())
    };
    let section = match name.as_str() {
        "postgres" | "postgresql" | "postgis" | "timescaledb" | "timescaledb-ha" => {
            let named = variable(&["POSTGRES_DB", "POSTGRESQL_DATABASE"]);
            sql("postgres", named, version(image))
        }
        "mysql" | "mariadb" | "percona" => {
            let named = variable(&["MYSQL_DATABASE", "MARIADB_DATABASE"]);
            sql("mysql", named, version(image))
        }
        "mongo" | "mongodb" | "cassandra" | "cockroach" => {
            section("database", vec![("kind", text("other")), ("name", text(&name))])
        }
        "dynamodb-local" => section("database", vec![("kind", text("dynamodb"))]),
        "redis" | "valkey" | "redis-stack" | "redis-stack-server" | "keydb" => section(
            "cache",
            vec![
                ("kind", text("redis")),
                ("nodes", StarterValue::Count(1)),
                ("topology", text("single")),
            ],
        ),
        "memcached" => {
            section("cache", vec![("kind", text("memcached")), ("nodes", StarterValue::Count(1))])
        }
        "rabbitmq" => section("queue", vec![("kind", text("rabbitmq"))]),
        "elasticmq" | "elasticmq-native" => section("queue", vec![("kind", text("sqs"))]),
        "kafka" | "nats" | "activemq" | "redpanda" => {
            section("queue", vec![("kind", text("other")), ("name", text(&name))])
        }
        "minio" => section("storage", vec![("kind", text("s3"))]),
        "localstack" | "localstack-pro" => {
            section("infrastructure", vec![("provider", text("localstack"))])
        }
        _ => return Image::Own,
    };
    // What is built here is the project's own, whatever it is called.
    if service.get("build").is_some() { Image::Own } else { Image::Stands(section) }
}

fn section(name: &'static str, fields: Vec<(&'static str, StarterValue)>) -> StarterSection {
    StarterSection { name, fields }
}

fn text(text: &str) -> StarterValue {
    StarterValue::text(text)
}

fn sql(kind: &str, name: Option<String>, version: Option<String>) -> StarterSection {
    let mut fields = vec![("kind", text(kind))];
    fields.extend(name.map(|it| ("name", StarterValue::Text(it))));
    fields.extend(version.map(|it| ("version", StarterValue::Text(it))));
    section("database", fields)
}

/// The last part of an image's name: `ghcr.io/acme/api:1@sha256:...` is `api`.
fn name(image: &str) -> String {
    let plain = image.split('@').next().unwrap_or(image);
    let last = plain.rsplit('/').next().unwrap_or(plain);
    last.split(':').next().unwrap_or(last).to_lowercase()
}

/// The version in a tag: `16-alpine` is `16`; none for tags that are no number.
fn version(image: &str) -> Option<String> {
    let plain = image.split('@').next()?;
    let tag = plain.rsplit('/').next()?.split_once(':')?.1;
    let number: String = tag.chars().take_while(|it| it.is_ascii_digit() || *it == '.').collect();
    let number = number.trim_end_matches('.');
    (!number.is_empty()).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_read_from_images() {
        for (image, wanted, number) in [
            ("postgres:16-alpine", "postgres", Some("16")),
            ("registry:5000/library/redis", "redis", None),
            ("ghcr.io/acme/api:latest@sha256:abc", "api", None),
            ("mysql:8.0.36", "mysql", Some("8.0.36")),
            ("", "", None),
        ] {
            assert_eq!(name(image), wanted);
            assert_eq!(version(image).as_deref(), number, "{image}");
        }
    }
}
