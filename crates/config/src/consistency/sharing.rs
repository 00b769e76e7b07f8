//! What two environments both take for themselves. Reads what is declared; probes no port and no
//! account.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::matrix::Tier;

use super::values::listed;
use super::{Lane, Whole, add};
use crate::codes::Code;
use crate::lane::LaneNode;
use crate::problem::{Problem, Problems};
use crate::tree::{Node, printable};

/// Sections that name something outside of the environment, and the key with its name. Databases
/// and caches that are named by nothing but `name` are left out: every server may have one.
const RESOURCES: [(&str, &str); 4] =
    [("database", "table"), ("storage", "bucket"), ("storage", "container"), ("queue", "queue")];

/// Uses of one resource that later ones are compared with: one for each environment.
const COMPARED: usize = crate::verify::MAX_ENVIRONMENTS;

/// Two routers on one machine that listen on the same address.
pub(super) fn same_address(whole: &Whole<'_>, problems: &mut Problems) {
    let mut seen: Vec<(&LaneNode, Address<'_>, &Node)> = Vec::new();
    let mut told = BTreeSet::new();
    for lane in whole.lanes {
        let listen = lane.node.get("router").and_then(|router| router.get("listen"));
        let Some((node, text)) = listen.and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        let machine = lane.node.get("target").and_then(|it| it.get("host")).and_then(Node::text);
        let mine = Address::new(text, machine);
        let first = seen.iter().find(|(_, address, _)| address.clashes(&mine));
        if let Some((other, address, place)) = first {
            // Services that share the very same line are told of it once.
            if !told.insert((place.extent, node.extent)) {
                continue;
            }
            let (one, two) = (other.called_beside(lane), lane.called_beside(other));
            let (first, second) = (printable(address.text), printable(text));
            let message = if first == second {
                format!("{one} and {two} both listen on {first}")
            } else {
                format!("{one} listens on {first}, and {two} on {second} of the same machine")
            };
            let mut problem = Problem::new(Code::SameAddress, node.extent, message)
                .label("only one of them can have it on one machine")
                .next(format!("give {two} a port of its own"));
            if place.extent != node.extent {
                problem = problem.related(place.extent, format!("{one} has it"));
            }
            add(lane, problem, problems);
        } else {
            seen.push((lane, mine, node));
        }
    }
}

/// Where a router listens.
struct Address<'a> {
    text: &'a str,
    host: &'a str,
    port: &'a str,
    machine: Option<&'a str>,
}

impl<'a> Address<'a> {
    fn new(text: &'a str, machine: Option<&'a str>) -> Self {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        Self { text, host, port, machine }
    }

    /// Whether only one of both can be had. Port 0 is a free one, which the system chooses.
    fn clashes(&self, other: &Self) -> bool {
        let every = |host: &str| matches!(host, "0.0.0.0" | "[::]");
        self.machine == other.machine
            && self.port == other.port
            && self.port != "0"
            && (self.host == other.host || every(self.host) || every(other.host))
    }
}

/// Two environments that name the same table, bucket, container or queue and say different things
/// about it, or of which one has users and the other has not.
pub(super) fn shared_resource(whole: &Whole<'_>, problems: &mut Problems) {
    let lanes = whole.read();
    for (section, noun) in RESOURCES {
        let mut by_name: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
        for lane in &lanes {
            let settings = lane.node.node.get(section).filter(|_| lane.judges(section));
            let Some(settings) = settings else { continue };
            let named = settings.get(noun).and_then(|it| Some((it, it.text()?)));
            let Some((place, name)) = named else { continue };
            let mine = Use { lane, settings, place, noun };
            let uses = by_name.entry(name).or_default();
            if let Some(problem) = uses.iter().find_map(|first| first.clash(&mine)) {
                lane.add(problem, problems);
            }
            if uses.len() < COMPARED {
                uses.push(mine);
            }
        }
    }
}

/// A lane's section that names a resource.
struct Use<'a> {
    lane: &'a Lane<'a>,
    settings: &'a Node,
    place: &'a Node,
    noun: &'static str,
}

impl Use<'_> {
    /// What is wrong when `later` names the same resource, if something is.
    fn clash(&self, later: &Self) -> Option<Problem> {
        if !self.is_same(later) {
            return None;
        }
        let (one, two) = (
            self.lane.node.called_beside(later.lane.node),
            later.lane.node.called_beside(self.lane.node),
        );
        let noun = self.noun;
        let name = self.place.text().map(printable).unwrap_or_default();
        let tiers = [self.lane.environment.tier, later.lane.environment.tier];
        let users = tiers.iter().filter(|tier| **tier == Tier::Production).count() == 1;
        let differing = self.differing(later);
        let problem = |message: String| {
            let problem = Problem::new(Code::SharedResource, later.place.extent, message);
            let other = self.place.extent;
            if other == later.place.extent {
                return problem;
            }
            problem.related(other, format!("the same {noun}"))
        };
        if users {
            let production = tiers[0] == Tier::Production;
            let (with_users, without) = if production { (&one, &two) } else { (&two, &one) };
            let message = format!("{one} and {two} share the {noun} {name}");
            return Some(
                problem(message)
                    .label(format!(
                        "what is tried in {without} happens to the users of {with_users}"
                    ))
                    .next(format!("give {without} a {noun} of its own")),
            );
        }
        if differing.is_empty() {
            return None;
        }
        let message = format!("{one} and {two} share the {noun} {name} with different settings");
        let label = match differing.as_slice() {
            [one] => format!("{one} differs"),
            several => format!("{} differ", listed(several)),
        };
        let next = format!("give {two} a {noun} of its own, or say the same of it in both");
        Some(problem(message).label(label).next(next))
    }

    /// Whether both mean one thing: names count within a kind, an account and a region, those of
    /// buckets everywhere.
    fn is_same(&self, other: &Self) -> bool {
        let same = |one: Option<&Node>, two: Option<&Node>| match (
            one.and_then(Node::text),
            two.and_then(Node::text),
        ) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        let own = |key| same(self.settings.get(key), other.settings.get(key));
        let around =
            |key| same(self.lane.get("infrastructure", key), other.lane.get("infrastructure", key));
        let placed = self.noun == "bucket" || (around("account") && around("region"));
        own("kind") && own("account") && around("provider") && placed
    }

    /// Keys of which both say something, and not the same.
    fn differing(&self, other: &Self) -> Vec<String> {
        let differs = |key: &str, value: &Node| {
            let (one, two) = (value.text(), other.settings.get(key).and_then(Node::text));
            matches!((one, two), (Some(one), Some(two)) if one != two)
        };
        let entries = self.settings.entries().iter();
        let differing = entries.filter(|entry| differs(&entry.key, &entry.value));
        differing.map(|entry| printable(&entry.key)).collect()
    }
}
