//! What the starter writes for one service in one environment. Owns the rollouts that it proposes;
//! knows no environment's name.

use std::borrow::Cow;
use std::fmt::Write as _;

use towpath_core::matrix::Tier;

use super::section::{write_map, write_section, write_settings};
use super::{StarterLane, StarterTarget, comments};
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
        if let Some(alias) = &self.lane.alias {
            let note = "`lambda-alias` is planned like its target.".to_owned();
            comments(out, indent, &[note]);
            let alias = written(alias);
            let _ = writeln!(out, "{:indent$}router: {{ kind: lambda-alias, alias: {alias} }}", "");
        }
        write_settings(out, indent, &self.lane.settings);
        if let Some(resources) = &self.lane.resources {
            write_section(out, indent, resources);
        }
        self.migration(out, indent);
        self.health(out, indent);
    }

    /// A section that refuses promotions is proposed, and left to a person.
    fn migration(&self, out: &mut String, indent: usize) {
        let Some(migration) = &self.lane.migration else { return };
        let note = format!(
            "{} Towpath runs no migrations yet, so the section refuses promotions until it is accepted by \
             name; without it, run them as before:",
            migration.note
        );
        comments(out, indent, &[note]);
        let words: Vec<_> = migration.command.iter().map(|word| written(word)).collect();
        let fields = [format!("command: [{}]", words.join(", "))];
        write_map(out, indent, "# ", "migrations", &fields);
    }

    fn health(&self, out: &mut String, indent: usize) {
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
        let kind = |name: &str| format!("kind: {name}");
        let field = |key: &str, text: &str| format!("{key}: {}", written(text));
        let (comment, mut fields) = match &self.lane.target {
            StarterTarget::Process(command) => {
                let words: Vec<_> = command.iter().map(|word| written(word)).collect();
                let mut fields = vec![kind("process"), format!("command: [{}]", words.join(", "))];
                // Arguments that are paths mean files of the release, as in an image's folder.
                if command.len() > 1 {
                    fields.push(field("directory", "artifact"));
                }
                (None, fields)
            }
            StarterTarget::Docker(artifact, image) => {
                let image = image.as_ref().map(|it| format!(" Its image is {it}."));
                let comment = planned("docker") + &image.unwrap_or_default();
                (Some(comment), vec![kind("docker"), field("image", artifact)])
            }
            StarterTarget::Lambda(function, region) => {
                let mut fields = vec![kind("lambda"), field("function", function)];
                fields.extend(region.as_ref().map(|it| field("region", it)));
                (Some(planned("lambda")), fields)
            }
            StarterTarget::CloudFormation(stack, template) => {
                let fields = vec![
                    kind("cloudformation"),
                    field("stack", stack),
                    field("template", template),
                ];
                (Some(planned("cloudformation")), fields)
            }
        };
        comments(out, indent, &Vec::from_iter(comment));
        let said = self.lane.details.iter().filter(|(_, value)| value.is_said());
        fields.extend(said.map(|(key, value)| format!("{key}: {}", value.written())));
        write_map(out, indent, "", "target", &fields);
    }

    /// How traffic moves, and what takes a release back.
    pub(super) fn traffic(&self, out: &mut String, indent: usize) {
        for line in self.rollout().lines() {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }

    /// The lines about that.
    pub(super) fn rollout(&self) -> Cow<'static, str> {
        if let Some(rollout) = &self.lane.rollout {
            let mut text = String::new();
            comments(&mut text, 0, std::slice::from_ref(&rollout.note));
            let _ = write!(text, "rollout:\n  strategy: {}\n  steps:\n", rollout.strategy);
            for (weight, bake) in &rollout.steps {
                let _ = writeln!(text, "    - {{ weight: {weight}%, bake: {bake} }}");
            }
            // Where visitors are sent by towpath itself, it can also send them back.
            text += match self.tier {
                Tier::Staging if self.lane.port.is_some() => STAGING_AFTER,
                Tier::Production if self.lane.port.is_some() => PRODUCTION_AFTER,
                _ => "",
            };
            return text.into();
        }
        let text = match self.tier {
            _ if self.lane.port.is_none() && self.lane.alias.is_none() => UNROUTED,
            _ if self.lane.alias.is_some() => ALL_AT_ONCE,
            Tier::Development | Tier::Testing => ALL_AT_ONCE,
            Tier::Staging => return [STAGING, STAGING_AFTER].concat().into(),
            Tier::Production => return [PRODUCTION, PRODUCTION_AFTER].concat().into(),
        };
        text.into()
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
";

const STAGING_AFTER: &str = "\
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
";

const PRODUCTION_AFTER: &str = "\
# The old release stays ready for this long.
standby: 24h
rollback: { mode: automatic, when: { error_rate: \"> 5%\" } }
";
