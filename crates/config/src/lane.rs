//! From the checked tree to the resolved matrix: environments joined with their shared sections,
//! one lane for each service. Owns the order of joining; the sections read themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;
use towpath_core::branches::BranchRule;
use towpath_core::change_types::ChangeTypes;
use towpath_core::ids::{LaneId, Name};
use towpath_core::matrix::{
    AdapterSpec, CheckSpec, Environment, Gate, HoldbackRule, LaneSpec, Matrix, RollbackPolicy,
    Rollout, Service, Tier, Unenforced,
};
use towpath_core::units::Span;
use towpath_ports::catalogue::{Catalogue, Family, KindState};

use crate::acceptance;
use crate::adapters::{self, Adapter};
use crate::codes::Code;
use crate::declared::{self, declared, declared_at_top};
use crate::forge;
use crate::holidays::Calendars;
use crate::parity;
use crate::pipeline;
use crate::problem::{Problem, Problems};
use crate::promises;
use crate::sections::metrics_sources::{self, Source};
use crate::sections::{self, Where, order, rollback, rollout, router, target};
use crate::shape::{Key, NOWHERE, Place};
use crate::tree::{Entry, Node};

/// What is read, what it is read against, and what was found.
pub(crate) struct Reading<'a> {
    pub(crate) root: &'a Node,
    pub(crate) catalogue: &'a Catalogue,
    /// Holidays that stand beside the matrix.
    pub(crate) calendars: &'a Calendars,
    pub(crate) problems: &'a mut Problems,
    found: Vec<Unenforced>,
    /// Paths among them that no promotion goes another way for.
    apart: BTreeSet<String>,
    /// Secrets that keys name, in the environment that is read or, for the top, anywhere.
    pub(crate) named: BTreeSet<String>,
    /// Secrets that keys name anywhere in the file.
    pub(crate) named_anywhere: BTreeSet<String>,
    /// Who can be asked for figures.
    pub(crate) sources: BTreeMap<Name, Source>,
    /// Whether it is known who has which role.
    pub(crate) knows_people: bool,
    /// Sections at the top that a check takes something from.
    used: BTreeSet<&'static str>,
    /// Branches whose rules a check compares with the forge's.
    pub(crate) compared: BTreeSet<String>,
    /// Branches of which a check asks where their changes come from.
    pub(crate) come_from: BTreeSet<String>,
}

/// One lane as a tree: the environment's sections with those of the service joined in.
#[derive(Clone, Debug)]
pub(crate) struct LaneNode {
    pub(crate) id: LaneId,
    pub(crate) node: Node,
    pub(crate) place: Place,
    /// The sections that stand under `environments.X.services.Y`.
    pub(crate) overrides: Option<Node>,
}

impl LaneNode {
    /// What a sentence calls this lane that also names `other`.
    pub(crate) fn called_beside(&self, other: &Self) -> String {
        if self.id.service == other.id.service {
            self.id.environment.to_string()
        } else {
            self.id.to_string()
        }
    }
}

/// What resolving gives: whole only when there was no problem.
pub(crate) struct Resolved {
    pub(crate) matrix: Matrix,
    pub(crate) lanes: Vec<LaneNode>,
    pub(crate) not_enforced: Vec<Unenforced>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        root: &'a Node,
        catalogue: &'a Catalogue,
        calendars: &'a Calendars,
        problems: &'a mut Problems,
    ) -> Self {
        let named = sections::secrets::named(root);
        let (apart, sources) = (BTreeSet::new(), BTreeMap::new());
        let (found, knows_people) = (Vec::new(), false);
        let (used, compared, come_from) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self {
            root,
            catalogue,
            calendars,
            problems,
            found,
            apart,
            named_anywhere: named.clone(),
            named,
            sources,
            knows_people,
            used,
            compared,
            come_from,
        }
    }

    /// Remembers that something acts on a section at the top of the file after all.
    pub(crate) fn use_of(&mut self, section: &'static str) {
        self.used.insert(section);
    }

    /// Remembers that no promotion goes another way because of `path`.
    pub(crate) fn apart(&mut self, path: &str) {
        self.apart.insert(path.to_owned());
    }

    /// Whether a kind of metrics source says that it can do this.
    pub(crate) fn hands_out(&self, kind: &str, capability: &str) -> bool {
        let entry = self.catalogue.find(Family::Metrics, kind);
        entry.is_some_and(|entry| entry.capabilities.contains(&capability))
    }

    /// Remembers a demand that is not carried out.
    pub(crate) fn not_enforced(&mut self, path: String, reason: String, refuses: bool) {
        if !self.found.iter().any(|it| it.path == path) {
            self.found.push(Unenforced { path, reason, refuses });
        }
    }
}

/// Resolves the whole tree. None when it has no usable names.
pub(crate) fn resolve(reading: &mut Reading<'_>) -> Option<Resolved> {
    let root = reading.root;
    let project = Name::new(root.get("project")?.text()?).ok()?;
    let services = services(root, &project);
    declared_at_top(reading);
    reading.sources = metrics_sources::read(reading);
    let notifiers = sections::notifiers::read(reading);
    let people = sections::people::read(reading);
    reading.knows_people = !people.is_empty();
    sections::who_may::list_if_void(root, "who_may", reading);
    let approvals = sections::matrix_approvals::read(reading);
    let at_top = std::mem::take(&mut reading.found);
    let mut resolved = Resolved {
        matrix: Matrix {
            project,
            services,
            environments: Vec::new(),
            people,
            who_may: sections::who_may::read(root),
            approvals,
            notifiers,
            audit: sections::audit::read(root),
            declared: declared::values(root, Where::Top, NOWHERE, reading.catalogue),
        },
        lanes: Vec::new(),
        not_enforced: Vec::new(),
    };
    for entry in root.get("environments").map(Node::entries).unwrap_or_default() {
        if !matches!(entry.value.tree, crate::tree::Tree::Map(_)) {
            continue;
        }
        let Ok(name) = Name::new(&entry.key) else { continue };
        let environment = environment(&name, entry, &at_top, &mut resolved, reading);
        resolved.matrix.environments.push(environment);
    }
    if resolved.matrix.environments.is_empty() {
        resolved.not_enforced = at_top;
    }
    if !reading.compared.is_empty() || !sections::branches::starts(root, &[]).is_empty() {
        reading.use_of("branches");
        resolved.not_enforced.extend(forge::not_compared(
            root,
            &reading.compared,
            &reading.come_from,
        ));
    }
    resolved.not_enforced.retain(|it| !reading.used.contains(it.path.as_str()));
    // What is said at the top holds everywhere: it is accepted when every environment accepts it.
    resolved.not_enforced.sort_by(|a, b| {
        let open = |it: &Unenforced| (!it.refuses, it.is_accepted());
        a.path.cmp(&b.path).then_with(|| open(a).cmp(&open(b)))
    });
    resolved.not_enforced.dedup_by(|a, b| a.path == b.path);
    Some(resolved)
}

fn services(root: &Node, project: &Name) -> BTreeMap<Name, Service> {
    let mut services = BTreeMap::new();
    for entry in root.get("services").map(Node::entries).unwrap_or_default() {
        if let Ok(name) = Name::new(&entry.key) {
            let purpose = entry.value.get("purpose").and_then(Node::text).map(str::to_owned);
            services.insert(name, Service { purpose });
        }
    }
    if services.is_empty() {
        services.insert(project.clone(), Service::default());
    }
    services
}

fn environment(
    name: &Name,
    entry: &Entry,
    at_top: &[Unenforced],
    resolved: &mut Resolved,
    reading: &mut Reading<'_>,
) -> Environment {
    let own = &entry.value;
    let tier = order::tier(own).unwrap_or(Tier::Development);
    let joined = join_shared(reading.root, own, tier);
    let prefix = format!("environments.{name}");
    reading.named = sections::secrets::named(&joined);
    for shared in joined.entries() {
        let path = format!("{prefix}.{}", shared.key);
        declared(Where::Environment, shared, &path, reading);
    }
    rules_and_promises(&joined, &prefix, reading);
    let secrets = sections::secrets::for_lanes(&joined, &prefix, reading);
    let mut of_environment = at_top.to_vec();
    of_environment.append(&mut reading.found);
    let (mut lanes, mut of_lanes, mut of_services) = (BTreeMap::new(), Vec::new(), Map::new());
    let place = Place { tier, ..NOWHERE };
    for service in resolved.matrix.services.keys() {
        let lane = lane_node(name, service, own, (&joined, tier), reading.catalogue);
        for section in lane.overrides.iter().flat_map(Node::entries) {
            let path = format!("{prefix}.services.{service}.{}", section.key);
            declared(Where::Service, section, &path, reading);
        }
        keep_what_differs(&lane, (&joined, &prefix), place, &of_environment, reading);
        of_services.extend(kept_for_service(&lane, place, reading));
        let spec = lane_spec(&lane, entry, &prefix, reading);
        of_lanes.push((service.clone(), spec, std::mem::take(&mut reading.found)));
        resolved.lanes.push(lane);
    }
    let mut all: Vec<Unenforced> = of_environment.clone();
    all.extend(of_lanes.iter().flat_map(|(_, _, found)| found.iter().cloned()));
    acceptance::apply(joined.get("accept_unenforced"), &prefix, &mut all, reading.problems);
    for (service, spec, found) in of_lanes {
        let own = of_environment.iter().chain(&found);
        let unenforced = unenforced_of(own, &all, &reading.apart);
        let secrets = secrets.clone();
        lanes.extend(spec.map(|spec| (service, LaneSpec { unenforced, secrets, ..spec })));
    }
    resolved.not_enforced.extend(all);
    let text = |key: &str| own.get(key).and_then(Node::text).map(str::to_owned);
    let after = pipeline::predecessors(own);
    let mut kept = declared::values(&joined, Where::Environment, place, reading.catalogue);
    if !of_services.is_empty() {
        kept.insert("services".to_owned(), of_services.into());
    }
    Environment {
        name: name.clone(),
        tier,
        title: text("title"),
        purpose: text("purpose"),
        url: text("url"),
        promote: pipeline::decider(&after, order::promote(&joined, place)),
        after,
        lanes,
        who_may: sections::who_may::read(&joined),
        notify: sections::notify::read(&joined, reading.root),
        promises: promises::of_environment(name, &joined),
        declared: kept,
    }
}

/// What is not enforced in one lane, by its paths: `own` as it was accepted or not among `all`, without
/// what stands apart.
fn unenforced_of<'a>(
    own: impl Iterator<Item = &'a Unenforced>,
    all: &[Unenforced],
    apart: &BTreeSet<String>,
) -> Vec<Unenforced> {
    let accepted = |mine: &Unenforced| {
        all.iter().find(|it| it.path == mine.path).cloned().unwrap_or_else(|| mine.clone())
    };
    let mut unenforced: Vec<_> = own.map(accepted).collect();
    unenforced.retain(|it| !apart.contains(&it.path));
    unenforced.sort_by(|a, b| a.path.cmp(&b.path));
    unenforced
}

/// Rights, approvals and promises of an environment, whose paths begin with `prefix`, as far as they can hold.
fn rules_and_promises(joined: &Node, prefix: &str, reading: &mut Reading<'_>) {
    sections::who_may::in_environment(joined, prefix, reading);
    sections::approvals::list_if_void(joined, prefix, reading);
    promises::list_what_nobody_counts(joined, prefix, reading);
}

/// What is kept of the sections that stand under `environments.X.services.Y`, joined.
fn kept_for_service(
    lane: &LaneNode,
    place: Place,
    reading: &Reading<'_>,
) -> Option<(String, serde_json::Value)> {
    let own = lane.overrides.as_ref()?;
    let mut values = declared::values(&lane.node, Where::Service, place, reading.catalogue);
    values.retain(|section, _| own.get(section).is_some());
    (!values.is_empty()).then(|| (lane.id.service.to_string(), serde_json::json!(values)))
}

/// Forgets of what was found in one service what it says again as its environment does, be it by
/// leaving out a default: that is one demand, and not two.
fn keep_what_differs(
    lane: &LaneNode,
    (joined, prefix): (&Node, &str),
    place: Place,
    of_environment: &[Unenforced],
    reading: &mut Reading<'_>,
) {
    let own = format!("{prefix}.services.{}.", lane.id.service);
    let catalogue = reading.catalogue;
    let at = |node: &Node, path: &str| declared::value_at(node, path, place, catalogue);
    reading.found.retain(|it| {
        let Some(rest) = it.path.strip_prefix(&own) else { return true };
        let of_all = format!("{prefix}.{rest}");
        let repeated = of_environment.iter().any(|known| known.path == of_all);
        !repeated || at(&lane.node, rest) != at(joined, rest)
    });
}

/// An environment's own sections over those of its tier over those of all.
pub(crate) fn join_shared(root: &Node, own: &Node, tier: Tier) -> Node {
    let defaults = root.get("defaults");
    let layer = |name: &str| defaults.and_then(|it| it.get(name)).filter(|it| !it.is_broken());
    let mut joined = None;
    for shared in [layer("all"), layer(tier.as_str())].into_iter().flatten() {
        joined =
            Some(joined.map_or_else(|| shared.clone(), |below| crate::tree::join(&below, shared)));
    }
    joined.map_or_else(|| own.clone(), |below| crate::tree::join(&below, own))
}

fn lane_node(
    name: &Name,
    service: &Name,
    own: &Node,
    (joined, tier): (&Node, Tier),
    catalogue: &Catalogue,
) -> LaneNode {
    let overrides = own.get("services").and_then(|it| it.get(service.as_str())).cloned();
    let node = match &overrides {
        Some(overrides) if !overrides.entries().is_empty() => crate::tree::join(joined, overrides),
        _ => joined.clone(),
    };
    let router = node.get("router");
    let routed = router.is_some();
    let kind = router.and_then(|it| it.get("kind")).and_then(Node::text);
    let entry = kind.and_then(|kind| catalogue.find(Family::Router, kind));
    let can = |it: &str| entry.is_some_and(|entry| entry.capabilities.contains(&it));
    let (rescues, counts) = (can("rescue"), can("per_request"));
    let budgeted = node.get("rollout").is_some_and(|it| it.get("harm_budget").is_some());
    let strategy = rollout::strategy(node.get("rollout"), tier, routed);
    let id = LaneId { service: service.clone(), environment: name.clone() };
    let place = Place { tier, routed, rescues, counts, budgeted, strategy };
    LaneNode { id, node, place, overrides }
}

fn lane_spec(
    lane: &LaneNode,
    environment: &Entry,
    prefix: &str,
    reading: &mut Reading<'_>,
) -> Option<LaneSpec> {
    let node = &lane.node;
    let service = format!("{prefix}.services.{}", lane.id.service);
    let at = |section: &str| {
        let special = lane.overrides.as_ref().is_some_and(|it| it.get(section).is_some());
        if special { service.as_str() } else { prefix }
    };
    let target = runner(node, Family::Target, target::KEYS, at("target"), reading);
    if node.get("target").is_none() {
        let name = &lane.id.environment;
        let (extent, own) = (environment.key_extent, environment.value.extent);
        let known: Vec<_> = reading.catalogue.family(Family::Target).map(|it| it.name).collect();
        reading.problems.add(
            Problem::new(Code::MissingKey, extent, format!("{name} has no `target`"))
                .missing(own, "target")
                .label("nothing says what runs releases here")
                .expected(format!("target: a map whose `kind` is one of {}", known.join(", ")))
                .next("add `target: { kind: process, command: [./app] }`"),
        );
    }
    let router = runner(node, Family::Router, router::KEYS, at("router"), reading);
    let rollout_node = node.get("rollout");
    let rollout = rollout::read(rollout_node, lane.place, reading.problems);
    let gate = sections::gate::read(node.get("gate"), &rollout, lane.place, at("gate"), reading);
    let gate = completed(gate, &lane.id, node, reading);
    let (change_types, branches) =
        of_types(lane, &rollout, &gate.prerequisites, at("change_types"), reading);
    let guard = sections::guard::read(node.get("guard"), lane.place, at("guard"), reading);
    let minimum_sample = rollout::minimum_sample(rollout_node, lane.place);
    let alarms = rollback::alarms(node.get("rollback"), lane.place, at("rollback"), reading);
    let standby = sections::standby::read(node, lane.place);
    let holdback = held_back(lane, standby, rollout.rescue.is_some(), reading);
    Some(LaneSpec {
        target: target?,
        router,
        instances: target::instances(node.get("target"), lane.place),
        settings: sections::settings::read(node.get("settings")),
        secrets: BTreeMap::new(),
        health: sections::health::read(node.get("health"), lane.place),
        gate,
        approvals: sections::approvals::read(node, lane.place, reading),
        standby,
        change_types,
        branches,
        owes: None,
        holdback,
        rollback: RollbackPolicy {
            alarms,
            ..rollback::read(node.get("rollback"), minimum_sample, lane.place)
        },
        rollout,
        guard,
        calendar: sections::windows::read(node, reading.root, reading.calendars),
        supersede: order::supersede(node),
        hotfix_preempts: order::hotfix_preempts(node),
        unenforced: Vec::new(),
    })
}

/// What the old release keeps after commit.
fn held_back(
    lane: &LaneNode,
    standby: Span,
    rescues: bool,
    reading: &mut Reading<'_>,
) -> Option<HoldbackRule> {
    let node = &lane.node;
    let kind = node.get("router").and_then(|it| it.get("kind")).and_then(Node::text);
    let can = |kind: &str| {
        let entry = reading.catalogue.find(Family::Router, kind);
        entry.is_some_and(|entry| entry.capabilities.contains(&"holdback"))
    };
    let router = kind.map(|kind| (kind.to_owned(), can(kind)));
    let ground = sections::holdback::Ground { standby, router, rescues };
    sections::holdback::read(node, lane.place, &ground, reading.problems)
}

/// What is different for types of change and for branches, beside checks whose names are `taken`.
fn of_types(
    lane: &LaneNode,
    rollout: &Rollout,
    taken: &[CheckSpec],
    prefix: &str,
    reading: &mut Reading<'_>,
) -> (ChangeTypes, Vec<BranchRule>) {
    let (node, place) = (&lane.node, lane.place);
    sections::change_types::list_unwatched(node, prefix, reading);
    let change_types = sections::change_types::read(node, place, rollout, taken, reading.problems);
    (change_types, sections::branches::starts(reading.root, taken))
}

/// The gate with what its checks take from elsewhere in the file.
fn completed(gate: Gate, lane: &LaneId, node: &Node, reading: &mut Reading<'_>) -> Gate {
    let gate = sections::communication::completed(gate, lane, node, reading);
    let gate = forge::completed(gate, &lane.service, reading);
    let gate = parity::completed(gate, lane, node, reading);
    promises::completed(gate, &lane.environment, node, reading)
}

/// The first field of an adapter that names a secret.
pub(crate) fn secret_of(adapter: &Adapter) -> Option<&'static str> {
    let settings = adapter.settings.as_ref()?;
    let mut fields = adapter.fields.iter().map(|field| field.name);
    fields.find(|name| name.ends_with("_secret") && settings.get(*name).is_some())
}

/// The target or the router of a lane.
fn runner(
    lane: &Node,
    family: Family,
    keys: &[Key],
    prefix: &str,
    reading: &mut Reading<'_>,
) -> Option<AdapterSpec> {
    let entry = lane.entry(family.as_str())?;
    let adapter = adapters::read(&entry.value, entry.key_extent, family, keys, reading)?;
    if adapter.state == KindState::Planned {
        let reason = format!("{} `{}` is planned", family.as_str(), adapter.kind);
        reading.not_enforced(format!("{prefix}.{}", family.as_str()), reason, true);
    } else if let Some(field) = secret_of(&adapter) {
        // Without it the adapter would do something else than the file says, so nobody can go without.
        let (family, kind) = (family.as_str(), adapter.kind);
        let reason = format!("{family} `{kind}` needs `{field}`, and nothing hands it over yet");
        reading.not_enforced(format!("{prefix}.{family}"), reason, true);
    }
    Some(AdapterSpec { kind: adapter.kind.to_owned(), settings: adapter.settings? })
}
