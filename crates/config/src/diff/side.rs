//! One of the two matrices, resolved, as trees: what is said for the whole project, for each
//! environment, and for each service in it. Owns where a value comes from; compares nothing.

use std::collections::BTreeMap;

use crate::Checked;
use crate::problem::Problems;
use crate::sections::{self, Where};
use crate::show::{self, Line, Origin};
use crate::source::Source;
use crate::tree::{Entry, Node};
use crate::yaml;

/// A resolved matrix.
pub(crate) struct Side<'a> {
    /// What stands at the top, environments left out.
    pub(crate) project: Vec<Entry>,
    /// In the order of the file.
    pub(crate) environments: Vec<(String, Environment)>,
    /// In the order of the file.
    pub(crate) services: Vec<String>,
    lines: &'a [Line],
    source: Source,
}

/// One environment with its defaults filled in.
pub(crate) struct Environment {
    /// All of it.
    pub(crate) whole: Node,
    /// The sections that are the same for all services.
    pub(crate) common: Vec<Entry>,
    /// The sections of each service that may differ, by its name.
    pub(crate) services: BTreeMap<String, Vec<Entry>>,
}

impl<'a> Side<'a> {
    /// Of the resolved form in `lines`. None when the matrix has errors, or when it is so deep that its resolved form is no matrix.
    pub(crate) fn new(checked: &'a Checked, lines: &'a [Line]) -> Option<Self> {
        checked.matrix.as_ref()?;
        let mut problems = Problems::default();
        let source = Source::indexed(show::bare(lines));
        let root = yaml::read(&source, &mut problems)?;
        if !problems.is_empty() {
            return None;
        }
        let keys = |node: Option<&Node>| -> Vec<String> {
            let entries = node.map(Node::entries).unwrap_or_default();
            entries.iter().map(|entry| entry.key.to_string()).collect()
        };
        let services = keys(root.get("services"));
        let environments = root.get("environments").map(Node::entries).unwrap_or_default();
        let environments = environments
            .iter()
            .map(|it| (it.key.to_string(), Environment::new(&it.value, &services)))
            .collect();
        let project = root.entries().iter().filter(|it| &*it.key != "environments");
        let project = project.cloned().collect();
        Some(Self { project, environments, services, lines, source })
    }

    pub(crate) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|(own, _)| own == name).map(|(_, it)| it)
    }

    /// Where a value of this side comes from; none for what stands on several lines.
    pub(crate) fn origin(&self, value: &Node) -> Option<Origin> {
        let line = self.source.line_of(value.extent.start);
        self.lines.get(line.checked_sub(1)?)?.origin().cloned()
    }
}

impl Environment {
    fn new(whole: &Node, services: &[String]) -> Self {
        let of_service = |entry: &&Entry| sections::find(&entry.key, Where::Service).is_some();
        let apart = whole.get("services");
        let lanes = services.iter().map(|service| {
            // What a service has of its own stands there whole, with what it shares filled in.
            let own = apart.and_then(|apart| apart.get(service));
            let of_all = whole
                .entries()
                .iter()
                .filter(of_service)
                .filter(|it| own.is_none_or(|own| own.get(&it.key).is_none()));
            let of_it = own.map(Node::entries).unwrap_or_default().iter().filter(of_service);
            (service.clone(), of_all.chain(of_it).cloned().collect())
        });
        let common = whole.entries().iter().filter(|it| !of_service(it) && &*it.key != "services");
        Self { whole: whole.clone(), common: common.cloned().collect(), services: lanes.collect() }
    }
}
