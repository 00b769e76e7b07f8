//! Services of a compose file that run once and end: migrations and the like. Owns how they are told
//! from services; what becomes of them is the caller's.

use super::super::foreign::Value;

/// Words of programs and services that change stored data.
const MIGRATES: [&str; 9] = [
    "migrat",
    "alembic",
    "flyway",
    "liquibase",
    "dbmate",
    "goose",
    "sqitch",
    "db:schema",
    "db push",
];

/// A service that ends.
pub(super) struct Once<'a> {
    pub(super) name: &'a str,
    /// Whether it changes stored data.
    pub(super) migrates: bool,
    /// Services that wait for its end.
    pub(super) before: Vec<&'a str>,
}

/// The services that end, in the order of the file.
pub(super) fn once(services: &[(String, Value)]) -> Vec<Once<'_>> {
    let one = |(name, service): &'_ (String, Value)| {
        let before: Vec<&str> = services
            .iter()
            .filter(|(_, other)| waits_for_end(other, name))
            .map(|(name, _)| name.as_str())
            .collect();
        let restart = service.get("restart").and_then(Value::text);
        let never = restart.is_some_and(|it| ["no", "false"].contains(&it.as_str()));
        let serves =
            ["ports", "expose", "healthcheck"].iter().any(|key| service.get(key).is_some());
        (!before.is_empty() || (never && !serves)).then(|| (migrates(name, service), before))
    };
    services
        .iter()
        .filter_map(|pair| {
            let (migrates, before) = one(pair)?;
            Some(Once { name: &pair.0, migrates, before })
        })
        .collect()
}

fn waits_for_end(service: &Value, name: &str) -> bool {
    let condition = service.at(&["depends_on", name, "condition"]).and_then(Value::text);
    condition.as_deref() == Some("service_completed_successfully")
}

fn migrates(name: &str, service: &Value) -> bool {
    let texts = ["command", "entrypoint", "image"].iter().filter_map(|key| service.get(key));
    let mut texts = texts.map(|value| value.texts().join(" ")).chain([name.to_owned()]);
    texts.any(|text| {
        let text = text.to_ascii_lowercase();
        MIGRATES.iter().any(|word| text.contains(word))
    })
}
