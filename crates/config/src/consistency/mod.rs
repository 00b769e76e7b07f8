//! Where a matrix contradicts itself or is dangerous as written. Owns the list of rules and what
//! they look at; whether a value fits its own key is decided elsewhere.
//!
//! A new rule is a function in the file of its topic, a line in [`RULES`], a name in `codes` and a
//! page in `explain/`.

mod costs;
mod data;
mod entry;
mod gates;
mod names;
mod operation;
mod people;
mod promises;
mod rights;
mod rollback;
mod secrets;
mod sharing;
mod times;
mod values;

pub(crate) use secrets::{is_header_secret, is_no_name, is_secret, names_a_secret, plaintext};
use towpath_core::ids::Name;
use towpath_core::matrix::{Environment, LaneSpec};
use towpath_ports::catalogue::Catalogue;

use crate::acceptance;
use crate::codes::{Code, Severity};
use crate::lane::LaneNode;
use crate::problem::{Problem, Problems};
use crate::source::Source;
use crate::tree::{Node, printable};

/// What is compared: the top of the file, and every lane that could be read.
pub(crate) struct Whole<'a> {
    pub(crate) root: &'a Node,
    pub(crate) source: &'a Source,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) environments: &'a [Environment],
    /// In the order of the file; those of one environment stand together.
    pub(crate) lanes: &'a [LaneNode],
}

/// Adds all that the rules find and that the environment did not say is meant so.
pub(crate) fn check(whole: &Whole<'_>, problems: &mut Problems) {
    let lanes = whole.read();
    for rule in RULES {
        match rule {
            Rule::Whole(rule) => rule(whole, problems),
            Rule::Environment(rule) => {
                let mut before = None;
                for lane in &lanes {
                    if before != Some(&lane.node.id.environment) {
                        rule(lane, problems);
                    }
                    before = Some(&lane.node.id.environment);
                }
            }
            Rule::Lane(rule) => lanes.iter().for_each(|lane| rule(lane, problems)),
        }
    }
}

/// A rule, by what it looks at.
enum Rule {
    /// The file as a whole, once.
    Whole(fn(&Whole<'_>, &mut Problems)),
    /// Each environment, by one of its lanes: sections that a service cannot have of its own.
    Environment(fn(&Lane<'_>, &mut Problems)),
    /// Each lane.
    Lane(fn(&Lane<'_>, &mut Problems)),
}

const RULES: &[Rule] = &[
    Rule::Whole(names::channels_at_top),
    Rule::Whole(names::secrets_at_top),
    Rule::Whole(names::branches_at_top),
    Rule::Environment(names::channels),
    Rule::Environment(names::services),
    Rule::Environment(names::branches),
    Rule::Lane(names::secrets),
    Rule::Lane(names::environments),
    Rule::Lane(names::sources),
    Rule::Lane(names::protected_branches),
    Rule::Environment(secrets::rotation_disagrees),
    Rule::Whole(secrets::rotation_differs),
    Rule::Lane(operation::scaling_min_over_max),
    Rule::Whole(sharing::same_address),
    Rule::Whole(sharing::shared_resource),
    Rule::Lane(promises::trigger_looser_than_slo),
    Rule::Lane(promises::gate_looser_than_slo),
    Rule::Lane(promises::gate_looser_than_trigger),
    Rule::Whole(gates::soaks),
    Rule::Environment(promises::slo_order),
    Rule::Lane(promises::single_instance_production),
    Rule::Lane(times::promotion_time),
    Rule::Lane(times::rollback_within),
    Rule::Lane(times::validation_time),
    Rule::Lane(rollback::without_standby),
    Rule::Lane(rollback::mfa_on_unattended_role),
    Rule::Lane(rollback::delete_unused_and_standby),
    Rule::Environment(rights::permissions_too_wide),
    Rule::Whole(people::no_such_role),
    Rule::Whole(people::only_one_person),
    Rule::Environment(people::too_few_people),
    Rule::Whole(people::spelled_twice),
    Rule::Lane(entry::automatic_into_production),
    Rule::Environment(entry::automatic_with_approvals),
    Rule::Environment(entry::trigger_never),
    Rule::Environment(entry::window_never),
    Rule::Lane(operation::timeout_longer_than_every),
    Rule::Environment(operation::shutdown_in_production),
    Rule::Environment(operation::error_budget_untracked),
    Rule::Environment(operation::alerting_channels),
    Rule::Environment(operation::alerts_off_but_declared),
    Rule::Environment(operation::debug_in_production),
    Rule::Whole(costs::budget_mismatch_at_top),
    Rule::Environment(costs::budget_mismatch),
    Rule::Environment(costs::spot_only_production),
    Rule::Environment(data::recovery_without_backups),
    Rule::Environment(data::real_outside_production),
    Rule::Environment(data::residency_crossed),
    Rule::Environment(data::personal_data),
];

/// One lane as the rules see it.
struct Lane<'a> {
    whole: &'a Whole<'a>,
    node: &'a LaneNode,
    environment: &'a Environment,
    /// None when the lane could not be read whole.
    spec: Option<&'a LaneSpec>,
}

impl<'a> Whole<'a> {
    /// Every lane, in the order of the file.
    fn read(&'a self) -> Vec<Lane<'a>> {
        self.lanes.iter().filter_map(|node| self.lane_of(node)).collect()
    }

    /// The first lane of the environment called `name`.
    fn environment(&'a self, name: &str) -> Option<Lane<'a>> {
        self.lane_of(self.lanes_of(name).first()?)
    }

    /// The lane of `service` in the environment called `name`.
    fn lane(&'a self, name: &str, service: &Name) -> Option<Lane<'a>> {
        self.lane_of(self.lanes_of(name).iter().find(|it| it.id.service == *service)?)
    }

    /// Every environment has one lane for each service.
    fn lanes_of(&self, name: &str) -> &'a [LaneNode] {
        let services = self.lanes.len() / self.environments.len().max(1);
        let position = self.environments.iter().position(|it| it.name.as_str() == name);
        let from = position.unwrap_or(self.environments.len()) * services;
        self.lanes.get(from..from + services).unwrap_or_default()
    }

    fn lane_of(&'a self, node: &'a LaneNode) -> Option<Lane<'a>> {
        let environment = self.environments.iter().find(|it| it.name == node.id.environment)?;
        let spec = environment.lanes.get(&node.id.service);
        Some(Lane { whole: self, node, environment, spec })
    }

    /// Names that the section `section` at the top of the file declares.
    fn keys(&self, section: &str) -> Vec<&'a str> {
        let entries = self.root.get(section).map(Node::entries).unwrap_or_default();
        entries.iter().map(|entry| &*entry.key).filter(|key| !key.starts_with("x-")).collect()
    }
}

impl<'a> Lane<'a> {
    /// The environment's name.
    fn name(&self) -> &'a str {
        self.environment.name.as_str()
    }

    /// The value of `key` in the section `section`.
    fn get(&self, section: &str, key: &str) -> Option<&'a Node> {
        self.node.node.get(section)?.get(key)
    }

    /// Whether two keys of `section` that hold here were written in one map. What one environment
    /// says against what it shares with others is no contradiction: it overrides it.
    fn said_together(&self, section: &str, one: &str, two: &str) -> bool {
        let root = self.whole.root;
        let environment = root.get("environments").and_then(|it| it.get(self.name()));
        let shared = |name: &str| root.get("defaults").and_then(|it| it.get(name));
        let maps = [environment, shared(self.environment.tier.as_str()), shared("all")];
        let holds = |map: &Node, key: &str| {
            let (here, joined) = (map.get(key), self.get(section, key));
            here.zip(joined).is_some_and(|(here, joined)| here.extent == joined.extent)
        };
        let mut maps = maps.into_iter().flatten().filter_map(|map| map.get(section));
        maps.any(|map| holds(map, one) && holds(map, two))
    }

    /// Every check of its gate.
    fn checks(&self) -> impl Iterator<Item = &'a Node> {
        let lists = [self.get("gate", "prerequisites"), self.get("gate", "validation")];
        lists.into_iter().flatten().flat_map(Node::items)
    }

    /// The role that it runs under, as it may be printed.
    fn role(&self) -> Option<String> {
        self.get("iam", "role").and_then(Node::text).map(printable)
    }

    /// Whether it says that a warning is meant so. Ask only when there is one.
    fn accepts(&self, code: Code, problems: &mut Problems) -> bool {
        accepts(self.node, code, problems)
    }

    /// Whether `section` is to be judged in this lane: it is the service's own, or this is the first
    /// of those that share it. What is wrong with a shared one need not be found out for each.
    fn judges(&self, section: &str) -> bool {
        let own =
            |lane: &LaneNode| lane.overrides.as_ref().is_some_and(|own| own.get(section).is_some());
        let shared = || self.whole.lanes_of(self.name()).iter().find(|lane| !own(lane));
        own(self.node) || shared().is_some_and(|first| first.id == self.node.id)
    }

    /// Adds `problem`, unless it is a warning that this environment accepts.
    fn add(&self, problem: Problem, problems: &mut Problems) {
        add(self.node, problem, problems);
    }
}

/// Adds `problem`, unless it is a warning that the environment of `lane` accepts.
fn add(lane: &LaneNode, problem: Problem, problems: &mut Problems) {
    if !accepts(lane, problem.code, problems) {
        problems.add(problem);
    }
}

fn accepts(lane: &LaneNode, code: Code, problems: &mut Problems) -> bool {
    let names = lane.node.get("accept_warnings").filter(|_| code.severity() == Severity::Warning);
    let name = acceptance::accepting(names, code);
    name.map(|name| problems.passed_by(name)).is_some()
}
