//! What the templates of each environment are as services and sections. Owns the choice of the
//! target; reads no file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use towpath_config::{StarterSection, StarterService, StarterTarget, StarterValue};
use towpath_core::ids::Name;

use super::super::findings::{Findings, FoundEnvironment, FoundLane};
use super::super::foreign::shown;
use super::super::names::{Names, hyphenated, listed, shortened};
use super::cdk::name_of;
use super::functions::{Function, functions};
use super::resources::{health, stands_on};
use super::{Given, Template, around, containers};

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
    let mut names_of_alarms = Names::default();
    for deployed in all {
        let mut found = deployed.environment.clone().map(FoundEnvironment::called);
        let mut sections = vec![deployed.infrastructure()];
        for stack in &deployed.stacks {
            let (more, further) = stands_on(&stack.template, &stack.given);
            for sentence in further {
                findings.said.left_out(sentence);
            }
            for section in more.into_iter().chain(around::sections(&stack.template, &stack.given)) {
                if !sections.iter().any(|it: &StarterSection| it.name == section.name) {
                    sections.push(section);
                }
            }
        }
        let mut alarms = Vec::new();
        for stack in &deployed.stacks {
            let said = &mut findings.said;
            alarms.extend(around::alarms(
                &stack.template,
                &stack.given,
                &mut names_of_alarms,
                said,
            ));
            around::unread(&stack.template, said);
        }
        let mut lanes = deployed.lanes(&mut names, project, findings);
        if let Some((_, first)) = lanes.first_mut() {
            for stack in &deployed.stacks {
                first.secrets.extend(around::secrets(&stack.template, &stack.given));
            }
        }
        if let Some(found) = &mut found {
            found.sections = sections;
            found.alarms = alarms;
            found.lanes.extend(lanes);
        } else {
            findings.first = sections;
            findings.first_alarms = alarms;
            findings.everywhere.extend(lanes);
        }
        findings.environments.extend(found);
    }
    say_shared_functions(findings);
}

/// Two environments that name the same function share it, unless they have accounts of their own.
fn say_shared_functions(findings: &mut Findings) {
    let mut users: BTreeMap<(String, Option<String>), Vec<Name>> = BTreeMap::new();
    for environment in &findings.environments {
        for lane in environment.lanes.values() {
            if let Some(StarterTarget::Lambda(function, region)) = &lane.target {
                let users = users.entry((function.clone(), region.clone())).or_default();
                users.push(environment.name.clone());
            }
        }
    }
    for ((function, _), users) in users.into_iter().filter(|(_, users)| users.len() > 1) {
        findings.said.assumed(format!(
            "function {} in {}: the template gives it one name, which only accounts of their own allow",
            shortened(&function),
            listed(users)
        ));
    }
}

impl Deployed {
    fn infrastructure(&self) -> StarterSection {
        let mut fields = vec![("provider", StarterValue::text("aws"))];
        fields.extend(self.account.clone().map(|it| ("account", StarterValue::Text(it))));
        fields.extend(self.region.clone().map(|it| ("region", StarterValue::Text(it))));
        StarterSection { name: "infrastructure", fields }
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
            // What CloudFormation makes up begins so and ends with letters that nobody knows before.
            let own = function.named.clone();
            let own = own.unwrap_or_else(|| format!("{}-{}", stack.name, function.logical));
            if function.named.is_none() {
                unnamed.push(shortened(&function.logical));
            }
            if let Some(path) = &function.health {
                let path = shortened(path);
                findings.said.left_out(format!(
                    "{path} of {name}: functions have no router yet, so nothing asks it; name it in \
                     `health` then"
                ));
            }
            let purpose =
                format!("Function {} of {}", shortened(&function.logical), name_of(&stack.file));
            for sentence in function.left {
                findings.said.left_out(sentence);
            }
            add_service(&name, purpose, findings);
            let mut lane = function.lane;
            lane.target = Some(StarterTarget::Lambda(own, self.region.clone()));
            if function.is_serverless {
                lane.details.insert("template", StarterValue::text(shown(&stack.file)));
            }
            lanes.push((name, lane));
        }
        if !unnamed.is_empty() {
            let names = listed(unnamed);
            findings.said.assumed(format!(
                "{names} called like the stack and its logical name: AWS makes up the rest; complete it"
            ));
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
        let mut lane = FoundLane { target: Some(target), ..FoundLane::default() };
        for stack in &self.stacks {
            containers::describe(&stack.template, &stack.given, &mut lane, &mut findings.said);
        }
        Some((project.clone(), lane))
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
