//! What the starter writes for one service in one environment. Owns the rollouts that it proposes;
//! knows no environment's name.

use std::fmt::Write as _;

use towpath_core::matrix::Tier;

use super::{StarterLane, StarterTarget, comments, write_section};
use crate::sections::Where;
use crate::show::written;

pub(super) struct Lane<'a> {
    pub(super) lane: &'a StarterLane,
    pub(super) tier: Tier,
}

impl Lane<'_> {
    /// Everything but how traffic moves.
    pub(super) fn write(&self, out: &mut String, indent: usize) {
        self.target(out, indent);
        if let Some(port) = self.lane.port {
            let _ = writeln!(
                out,
                "{:indent$}router: {{ kind: towpath, listen: 127.0.0.1:{port} }}",
                ""
            );
        }
        if let Some(resources) = &self.lane.resources {
            write_section(out, indent, resources, Where::Environment);
        }
        let Some(health) = &self.lane.health else { return };
        let paths: Vec<String> = health.endpoints.iter().map(|path| written(path)).collect();
        let _ = writeln!(
            out,
            "{:indent$}health: {{ every: {}, timeout: {}, retries: {}, endpoints: [{}] }}",
            "",
            written(&health.every.to_string()),
            written(&health.timeout.to_string()),
            health.retries,
            paths.join(", ")
        );
        if let Some(path) = health.endpoints.first() {
            let url = written(&format!("{{green}}{path}"));
            comments(
                out,
                indent,
                &["Asked of the new release before any visitor reaches it.".to_owned()],
            );
            let _ = writeln!(
                out,
                "{:indent$}gate:\n{:indent$}  validation:\n{:indent$}    - {{ check: http, name: Answers, \
                 url: {url}, expect: 200 }}",
                "", "", ""
            );
        }
    }

    fn target(&self, out: &mut String, indent: usize) {
        let planned = |kind: &str| {
            format!("`{kind}` is planned: promotions into here are refused until it is built.")
        };
        let (comment, text) = match &self.lane.target {
            StarterTarget::Process(command) => {
                let words: Vec<_> = command.iter().map(|word| written(word)).collect();
                // Arguments that are paths mean files of the release, as in an image's folder.
                let place = if command.len() > 1 { ", directory: artifact" } else { "" };
                (None, format!("kind: process, command: [{}]{place}", words.join(", ")))
            }
            StarterTarget::Docker(artifact, image) => {
                let image = image.as_ref().map(|it| format!(" Its image is {it}."));
                let comment = planned("docker") + &image.unwrap_or_default();
                (Some(comment), format!("kind: docker, image: {}", written(artifact)))
            }
            StarterTarget::Lambda(function, region) => {
                let region = region.as_ref().map(|it| format!(", region: {}", written(it)));
                let text = format!(
                    "kind: lambda, function: {}{}",
                    written(function),
                    region.unwrap_or_default()
                );
                (Some(planned("lambda")), text)
            }
            StarterTarget::CloudFormation(stack, template) => {
                let text = format!(
                    "kind: cloudformation, stack: {}, template: {}",
                    written(stack),
                    written(template)
                );
                (Some(planned("cloudformation")), text)
            }
        };
        comments(out, indent, &Vec::from_iter(comment));
        let _ = writeln!(out, "{:indent$}target: {{ {text} }}", "");
    }

    /// How traffic moves, and what takes a release back.
    pub(super) fn traffic(&self, out: &mut String, indent: usize) {
        let text = match self.tier {
            _ if self.lane.port.is_none() => UNROUTED,
            Tier::Development | Tier::Testing => ALL_AT_ONCE,
            Tier::Staging => STAGING,
            Tier::Production => PRODUCTION,
        };
        for line in text.lines() {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
}

const ALL_AT_ONCE: &str = "\
# All visitors at once; a step that fails goes back all the same.
rollout: { strategy: all-at-once }
";

const UNROUTED: &str = "\
# No router sends visitors here, so there are no steps.
rollout: { strategy: all-at-once }
";

const STAGING: &str = "\
# A share of the visitors first; judged at each step.
rollout:
  strategy: blue-green
  steps:
    - { weight: 10%,  bake: 2m }
    - { weight: 100%, bake: 5m }
# The old release stays ready for this long.
standby: 1h
rollback: { mode: automatic, when: { error_rate: \"> 5%\" } }
";

const PRODUCTION: &str = "\
# A person decides (`promote: manual` is the default). A share of the visitors
# first, and back to the old release as soon as one in twenty requests fails.
rollout:
  strategy: canary
  steps:
    - { weight: 1%,   bake: 3m }
    - { weight: 10%,  bake: 5m }
    - { weight: 50%,  bake: 5m }
    - { weight: 100%, bake: 5m }
# The old release stays ready for this long.
standby: 24h
rollback: { mode: automatic, when: { error_rate: \"> 5%\" } }
";
