//! Keys of a compose file that have no place in a matrix. Owns the sentence about each: where it stood,
//! why it stays behind, and what a person does instead.

use std::collections::BTreeMap;

use super::super::findings::Said;
use super::super::foreign::Value;
use super::super::names::{few, shortened};

/// Keys that are read, or that say what towpath does anyway.
const READ: &[&str] = &[
    "build",
    "command",
    "container_name",
    "cpus",
    "depends_on",
    "deploy",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extends",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "mem_limit",
    "ports",
    "profiles",
    "pull_policy",
    "restart",
    "scale",
    "secrets",
    "stop_grace_period",
];

/// What to say of keys that people use much; of others there is a sentence for all.
const SENTENCES: &[(&str, &str)] = &[
    ("cap_add", "rights are those of the user who runs towpath"),
    ("cap_drop", "rights are those of the user who runs towpath"),
    ("configs", "put such files into the release"),
    ("labels", "nothing reads them; what a proxy took from them is the router's"),
    ("links", "services reach each other on the addresses of their routers"),
    ("logging", "each copy writes files of its own; how long they stay is `logs`"),
    ("network_mode", "services reach each other on the addresses of their routers"),
    ("networks", "services reach each other on the addresses of their routers"),
    ("privileged", "rights are those of the user who runs towpath"),
    ("security_opt", "rights are those of the user who runs towpath"),
    ("user", "copies run as the user who runs towpath"),
    ("volumes", "a release keeps no data; name a folder outside of it in `settings`"),
    ("working_dir", "`directory: artifact` starts in the release's folder"),
    ("deploy.mode", "copies are counted by `instances` of the target"),
    ("deploy.placement", "copies run where the target is"),
    ("deploy.resources.reservations", "`resources` says what a copy may use at most"),
    ("deploy.restart_policy", "copies are started again; see `crash_loop` of the target"),
    ("deploy.rollback_config", "see `rollback`, which says when a release goes back"),
    ("deploy.update_config", "see `rollout`, whose steps say how traffic moves"),
];

/// Keys at the top that are no services.
const TOP: &[(&str, &str)] = &[
    ("configs", "put such files into the release"),
    ("include", "read those files by `towpath init --from compose PATH`"),
    ("models", "no section of a matrix says it"),
];

/// Says what of `services` and of the file itself stays behind.
pub(super) fn say(root: &Value, services: &[(&str, &Value)], said: &mut Said) {
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, service) in services {
        for key in keys(service) {
            found.entry(key).or_default().push(name);
        }
    }
    for (key, names) in found {
        let known = SENTENCES.iter().find(|(known, _)| *known == key);
        let sentence = known.map_or("no section of a matrix says it", |(_, sentence)| sentence);
        said.left_out(format!(
            "{} of {}: {sentence}",
            shortened(&key),
            few(names.iter().map(|name| shortened(name)))
        ));
    }
    for (key, sentence) in TOP.iter().filter(|(key, _)| root.get(key).is_some()) {
        said.left_out(format!("{key} of the file: {sentence}"));
    }
}

fn keys(service: &Value) -> Vec<String> {
    let own = service.entries().iter().map(|(key, _)| key);
    let mut keys: Vec<String> = own
        .filter(|key| !READ.contains(&key.as_str()) && !key.starts_with("x-"))
        .cloned()
        .collect();
    let deploy = service.get("deploy").map(Value::entries).unwrap_or_default();
    for (key, value) in deploy {
        match key.as_str() {
            "replicas" => {}
            "resources" => {
                let limits = value.get("limits").map(Value::entries).unwrap_or_default();
                let further = limits.iter().filter(|(it, _)| it != "memory" && it != "cpus");
                keys.extend(further.map(|(it, _)| format!("deploy.resources.limits.{it}")));
                let others = value.entries().iter().filter(|(it, _)| it != "limits");
                keys.extend(others.map(|(it, _)| format!("deploy.resources.{it}")));
            }
            other => keys.push(format!("deploy.{other}")),
        }
    }
    keys
}
