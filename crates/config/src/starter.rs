//! The matrix that `towpath init` writes. Owns its comments; asks nobody and writes no file.

use std::fmt::Write as _;

use towpath_core::ids::Name;
use towpath_core::matrix::Tier;

use crate::show::written;

/// What a first matrix is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterInput {
    /// Whose matrix it is.
    pub project: Name,
    /// What is released; the project's name when there is one service.
    pub service: Name,
    /// Environments in the order of the pipeline; at least one, each once.
    pub environments: Vec<Name>,
    /// The program that starts a release, which is not blank, and its arguments.
    pub command: Vec<String>,
    /// Path that answers 2xx when the release is well, such as `/health`.
    pub health_path: String,
    /// Port of the first environment; each further one has the next. At most 65,535 in all.
    pub first_port: u16,
}

/// Port of the first environment unless something else is asked for.
pub const FIRST_PORT: u16 = 3000;

/// A commented matrix that passes the check without errors and warnings, given a catalogue with
/// the target `process`, the router `towpath` and the check `http`.
pub fn starter(input: &StarterInput) -> String {
    let mut out = String::from(INTRODUCTION);
    let _ = write!(
        out,
        "\nversion: 1\nproject: {}\n\nservices:\n  {}: {{ purpose: What is released from this folder }}\n\n",
        input.project, input.service
    );
    out.push_str("environments:\n");
    let mut before: Option<&Name> = None;
    for (index, name) in input.environments.iter().enumerate() {
        let port = input.first_port.saturating_add(u16::try_from(index).unwrap_or(u16::MAX));
        environment(&mut out, input, name, before, port);
        before = Some(name);
    }
    out
}

const INTRODUCTION: &str = "\
# yaml-language-server: $schema=.towpath/schema.json
#
# The promotion matrix: where releases run, in which order, and what a release must show before
# it may enter each environment.
#
#   towpath matrix check             is it right
#   towpath matrix show --resolved   the same with every default filled in
#   towpath plan ENVIRONMENT         what a promotion would do
";

fn environment(
    out: &mut String,
    input: &StarterInput,
    name: &Name,
    before: Option<&Name>,
    port: u16,
) {
    let tier = tier_of(name.as_str());
    let _ = write!(out, "\n  {name}:\n");
    if let Some(before) = before {
        let _ = writeln!(out, "    after: {before}");
    }
    let _ = writeln!(out, "    tier: {}", tier.as_str());
    let command: Vec<_> = input.command.iter().map(|word| written(word)).collect();
    let _ = writeln!(out, "    target: {{ kind: process, command: [{}] }}", command.join(", "));
    let _ = writeln!(out, "    router: {{ kind: towpath, listen: 127.0.0.1:{port} }}");
    let path = written(&input.health_path);
    let _ =
        writeln!(out, "    health: {{ every: 1m, timeout: 5s, retries: 3, endpoints: [{path}] }}");
    let url = written(&format!("{{green}}{}", input.health_path));
    out.push_str("    # Asked of the new release before any visitor reaches it.\n");
    let _ = writeln!(
        out,
        "    gate:\n      validation:\n        - {{ check: http, name: Answers, url: {url}, expect: 200 }}"
    );
    out.push_str(rollout(tier));
}

fn rollout(tier: Tier) -> &'static str {
    match tier {
        Tier::Development | Tier::Testing => {
            "    # All visitors at once; a step that fails goes back all the same.\n    \
             rollout: { strategy: all-at-once }\n"
        }
        Tier::Staging => {
            "    # A share of the visitors first; judged at each step.\n    rollout:\n      \
             strategy: blue-green\n      steps:\n        - { weight: 10%,  bake: 2m }\n        \
             - { weight: 100%, bake: 5m }\n    # The old release stays ready for this long.\n    \
             standby: 1h\n    rollback: { mode: automatic, when: { error_rate: \"> 5%\" } }\n"
        }
        Tier::Production => {
            "    # A person decides (`promote: manual` is the default). A share of the visitors\n    \
             # first, and back to the old release as soon as one in twenty requests fails.\n    \
             rollout:\n      strategy: canary\n      steps:\n        - { weight: 1%,   bake: 3m }\n        \
             - { weight: 10%,  bake: 5m }\n        - { weight: 50%,  bake: 5m }\n        \
             - { weight: 100%, bake: 5m }\n    # The old release stays ready for this long.\n    \
             standby: 24h\n    rollback: { mode: automatic, when: { error_rate: \"> 5%\" } }\n"
        }
    }
}

/// What the name of an environment says about it.
fn tier_of(name: &str) -> Tier {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["preprod", "pre-prod", "stag", "uat", "acceptance"]) {
        Tier::Staging
    } else if has(&["prod", "live"]) {
        Tier::Production
    } else if has(&["test", "qa"]) {
        Tier::Testing
    } else {
        Tier::Development
    }
}
