//! What the templates of each environment are as services and sections. Owns the choice of the
//! target; reads no file.

use std::path::PathBuf;

use towpath_config::{StarterSection, StarterService, StarterTarget, StarterValue};
use towpath_core::ids::Name;

use super::super::findings::{Findings, FoundEnvironment, FoundLane};
use super::super::foreign::shown;
use super::super::names::{Names, hyphenated, listed, shortened};
use super::cdk::name_of;
use super::resources::{Function, functions, health, stands_on};
use super::{Given, Template};

/// One stack: its name, its template and what the parameters are.
pub(super) struct Stack {
    pub(super) name: String,
    pub(super) file: PathBuf,
    pub(super) template: Template,
    pub(super) given: Given,
}

/// One environment and the stacks in it.
pub(super) struct Deployed {
    /// What it is called; none when the templates name no environment.
    pub(super) environment: Option<Name>,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    /// At least one.
    pub(super) stacks: Vec<Stack>,
}

/// Adds everything that the templates say.
pub(super) fn describe(all: &[Deployed], findings: &mut Findings, project: &Name) {
    let mut names = Names::default();
    for deployed in all {
        let mut found = deployed.environment.clone().map(FoundEnvironment::called);
        let mut sections = vec![deployed.infrastructure()];
        for stack in &deployed.stacks {
            let (more, further) = stands_on(&stack.template, &stack.given);
            for sentence in further {
                findings.said.left_out(sentence);
            }
            for section in more {
                if !sections.iter().any(|it: &StarterSection| it.name == section.name) {
                    sections.push(section);
                }
            }
        }
        let lanes = deployed.lanes(&mut names, project, findings);
        if let Some(found) = &mut found {
            found.sections = sections;
            found.notes = deployed.notes();
            found.lanes.extend(lanes);
        } else {
            findings.first = sections;
            findings.everywhere.extend(lanes);
        }
        findings.environments.extend(found);
    }
}

impl Deployed {
    fn infrastructure(&self) -> StarterSection {
        let mut fields = vec![("provider", StarterValue::text("aws"))];
        fields.extend(self.account.clone().map(|it| ("account", StarterValue::Text(it))));
        fields.extend(self.region.clone().map(|it| ("region", StarterValue::Text(it))));
        StarterSection { name: "infrastructure", fields }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let functions = self.functions();
        let shifts = functions.iter().filter_map(|(_, function)| function.shifts.as_ref());
        for shift in shifts.filter(|it| *it != "AllAtOnce") {
            let note = format!(
                "Its template shifts traffic by {}; those are steps of `rollout` once functions have \
                 a router.",
                shortened(shift)
            );
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    fn functions(&self) -> Vec<(&Stack, Function)> {
        let of = |stack: &'_ Stack| {
            let all = functions(&stack.template, &stack.given);
            all.into_iter().filter(|it| !is_helper(it)).collect::<Vec<_>>()
        };
        let pairs = self.stacks.iter().map(|stack| (stack, of(stack)));
        pairs.flat_map(|(stack, all)| all.into_iter().map(move |it| (stack, it))).collect()
    }

    fn lanes(
        &self,
        names: &mut Names,
        project: &Name,
        findings: &mut Findings,
    ) -> Vec<(Name, FoundLane)> {
        let mut lanes = Vec::new();
        let mut unnamed = Vec::new();
        for (stack, function) in self.functions() {
            let written = function.name();
            let called = names.like(&written, &hyphenated(&written), &mut findings.said);
            let Some(name) = called else { continue };
            let own = function.named.clone().unwrap_or_else(|| function.logical.clone());
            if function.named.is_none() {
                unnamed.push(shortened(&function.logical));
            }
            if let Some(path) = &function.health {
                let path = shortened(path);
                findings.said.left_out(format!(
                    "{path} of {name}: functions have no router yet, so nothing asks it"
                ));
            }
            let purpose =
                format!("Function {} of {}", shortened(&function.logical), name_of(&stack.file));
            for what in &function.computed {
                let logical = shortened(&function.logical);
                findings.said.left_out(format!("{what} of {logical}: the template computes it"));
            }
            add_service(&name, purpose, findings);
            let lane = FoundLane {
                target: Some(StarterTarget::Lambda(own, self.region.clone())),
                resources: function.resources,
                ..FoundLane::default()
            };
            lanes.push((name, lane));
        }
        if !unnamed.is_empty() {
            let names = listed(unnamed);
            findings.said.assumed(format!("{names} by logical name: AWS makes up the rest of it"));
        }
        if lanes.is_empty() {
            lanes.extend(self.as_stack(project, findings));
        }
        lanes
    }

    /// Templates without functions are released as a stack: the one with a load balancer or
    /// containers, else the first.
    fn as_stack(&self, project: &Name, findings: &mut Findings) -> Option<(Name, FoundLane)> {
        const RUNS: &[&str] = &[
            "AWS::ECS::Service",
            "AWS::AppRunner::Service",
            "AWS::AutoScaling::AutoScalingGroup",
            "AWS::EC2::Instance",
            "AWS::ElasticLoadBalancingV2::TargetGroup",
        ];
        let runs = |stack: &&Stack| stack.template.of_type(RUNS).next().is_some();
        let stack = self.stacks.iter().find(runs).or_else(|| self.stacks.first())?;
        if let Some(health) = self.stacks.iter().find_map(|it| health(&it.template, &it.given)) {
            let path = listed(health.endpoints.iter().map(|it| shortened(it)));
            findings.said.left_out(format!(
                "{path}, the health of its target group: stacks have no router yet, so nothing asks it"
            ));
        }
        add_service(project, format!("What {} runs", shortened(&stack.name)), findings);
        let target = StarterTarget::CloudFormation(stack.name.clone(), shown(&stack.file));
        Some((project.clone(), FoundLane { target: Some(target), ..FoundLane::default() }))
    }
}

fn add_service(name: &Name, purpose: String, findings: &mut Findings) {
    if !findings.services.iter().any(|it| it.name == *name) {
        findings.services.push(StarterService { name: name.clone(), purpose });
    }
}

impl Function {
    /// What people call it: `Api/Handler` in CDK, the logical name without `Function` in SAM.
    fn name(&self) -> String {
        let path = self.path.as_deref().map(|path| path.split('/').collect::<Vec<_>>());
        if let Some([_, inside @ .., "Resource"]) = path.as_deref()
            && !inside.is_empty()
        {
            return inside.join("-");
        }
        let logical = self.logical.as_str();
        let short = logical.strip_suffix("Function").or_else(|| logical.strip_suffix("Lambda"));
        short.filter(|it| !it.is_empty()).unwrap_or(logical).to_owned()
    }
}

/// Functions that CDK adds for its own work.
fn is_helper(function: &Function) -> bool {
    const OWN: [&str; 4] =
        ["Custom", "LogRetention", "AWS679f53fac002430cb0da5b7982bd2287", "Provider"];
    let path = function.path.as_deref().unwrap_or_default();
    function.path.is_some()
        && (path.contains("Custom::")
            || path.contains("framework-")
            || OWN.iter().any(|it| function.logical.starts_with(it)))
}
