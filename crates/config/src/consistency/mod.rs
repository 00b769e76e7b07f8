//! Where a matrix contradicts itself or is dangerous as written. Owns the list of rules and what
//! they look at; whether a value fits its own key is decided elsewhere.
//!
//! A new rule is a function in the file of its topic, a line in [`RULES`], a name in `codes` and a
//! page in `explain/`.

mod promises;
mod rights;
mod rollback;
mod sharing;
mod times;

use towpath_core::matrix::{Environment, LaneSpec};

use crate::acceptance;
use crate::codes::Severity;
use crate::lane::LaneNode;
use crate::problem::{Problem, Problems};
use crate::source::Source;
use crate::tree::Node;

/// What is compared: the top of the file, and every lane that could be read.
pub(crate) struct Whole<'a> {
    pub(crate) root: &'a Node,
    pub(crate) source: &'a Source,
    pub(crate) environments: &'a [Environment],
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
                // The lanes of an environment stand together, and share what is its own.
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
    Rule::Whole(sharing::same_address),
    Rule::Environment(rights::permissions_too_wide),
    Rule::Lane(promises::trigger_looser_than_slo),
    Rule::Lane(rollback::without_standby),
    Rule::Lane(times::promotion_time),
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
        let lane = |node: &'a LaneNode| {
            let environment = self.environments.iter().find(|it| it.name == node.id.environment)?;
            let spec = environment.lanes.get(&node.id.service);
            Some(Lane { whole: self, node, environment, spec })
        };
        self.lanes.iter().filter_map(lane).collect()
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

    /// Adds `problem`, unless it is a warning that this environment accepts.
    fn add(&self, problem: Problem, problems: &mut Problems) {
        add(self.node, problem, problems);
    }
}

/// Adds `problem`, unless it is a warning that the environment of `lane` accepts.
fn add(lane: &LaneNode, problem: Problem, problems: &mut Problems) {
    let accepted = problem.code.severity() == Severity::Warning
        && acceptance::accepts(lane.node.get("accept_warnings"), problem.code);
    if !accepted {
        problems.add(problem);
    }
}
