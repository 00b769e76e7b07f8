//! Roles that rules ask for against the people who have them. Gives nobody a right; who may do what
//! is decided where it is asked.

use std::collections::{BTreeMap, BTreeSet};

use towpath_ports::settings;

use super::values::{count, flag, listed, texts};
use super::{Lane, Whole};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::source::Extent;
use crate::tree::{Node, printable};

/// Kinds of change that `approvals` speaks of, and what holds for all of them.
const TYPES: [&str; 6] = ["all", "feature", "fix", "hotfix", "infrastructure", "configuration"];

/// Who has each role, with the place where it says so; programs do not count.
type Holders<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Extent>>;

/// People of one of these roles who must do something.
struct Need<'a> {
    /// Any of these, with their places.
    roles: Vec<(&'a str, Extent)>,
    /// How many.
    people: u64,
}

/// Roles that nobody has, where it is declared who has which.
pub(super) fn no_such_role(whole: &Whole<'_>, problems: &mut Problems) {
    let Some(holders) = holders(whole.root) else { return };
    let mut report = |needs: Vec<Need<'_>>| {
        for (role, place) in needs.iter().flat_map(|need| &need.roles) {
            if !holders.contains_key(role) && !problems.knows(*place, Code::NoSuchRole) {
                problems.add(unknown_role(role, *place, &holders));
            }
        }
    };
    let owners = whole.root.get("services").map(Node::entries).unwrap_or_default();
    let owners = owners.iter().filter_map(|service| any_of(service.value.get("owners")?));
    let top = needs(whole.root).into_iter().chain(mentions(whole.root)).chain(owners);
    report(top.collect());
    for lane in whole.read().iter().filter(|lane| !lane.accepts(Code::NoSuchRole)) {
        let node = &lane.node.node;
        report(needs(node).into_iter().chain(mentions(node)).collect());
    }
}

/// Roles without which nothing goes on and which one person alone has; each is told once.
pub(super) fn only_one_person(whole: &Whole<'_>, problems: &mut Problems) {
    let Some(holders) = holders(whole.root) else { return };
    let mut told = BTreeSet::new();
    for lane in whole.read() {
        for need in needs(&lane.node.node).into_iter().filter(|need| need.people == 1) {
            if let Some(problem) = alone(&need, &holders)
                && !lane.accepts(problem.code)
                && told.insert(need.roles.iter().map(|(role, _)| *role).collect::<BTreeSet<_>>())
            {
                problems.add(problem);
            }
        }
    }
    for need in needs(whole.root) {
        if let Some(problem) = alone(&need, &holders)
            && told.insert(need.roles.iter().map(|(role, _)| *role).collect())
        {
            problems.add(problem);
        }
    }
}

/// Approvals that ask for more people of a role than there are.
pub(super) fn too_few_people(lane: &Lane<'_>, problems: &mut Problems) {
    let Some(holders) = holders(lane.whole.root) else { return };
    for need in approvals(&lane.node.node) {
        let Some((role, place)) = need.roles.first() else { continue };
        let Some(people) = holders.get(role) else { continue };
        let here = u64::try_from(people.len()).unwrap_or(u64::MAX);
        if here >= need.people {
            continue;
        }
        let who: Vec<_> = people.keys().map(|person| printable(person)).collect();
        let (name, role, asked) = (lane.name(), printable(role), need.people);
        let has = if who.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{name} asks for {asked} people with the role {role}, and only {} {has} it",
            listed(&who)
        );
        let problem = people.values().fold(
            Problem::new(Code::TooFewPeople, *place, message)
                .label("nothing that needs this can ever be approved")
                .next(format!("ask for {here}, or give more people the role {role}")),
            |problem, place| problem.related(*place, "has it"),
        );
        lane.add(problem, problems);
    }
}

fn holders(root: &Node) -> Option<Holders<'_>> {
    let people = root.get("people").filter(|people| !people.entries().is_empty())?;
    let mut holders = Holders::new();
    for person in people.entries() {
        if person.value.get("bot").and_then(flag) == Some(true) {
            continue;
        }
        for (role, node) in person.value.get("roles").into_iter().flat_map(texts) {
            holders.entry(role).or_default().insert(&person.key, node.extent);
        }
    }
    Some(holders)
}

/// Everything in `node`, an environment or the top of the file, that waits for people of a role.
fn needs(node: &Node) -> Vec<Need<'_>> {
    let lists = ["prerequisites", "validation"];
    let gate = lists.into_iter().filter_map(|list| node.get("gate")?.get(list));
    let checks = gate.flat_map(Node::items).filter_map(|check| any_of(check.get("by")?));
    let rights = node.get("who_may").map(Node::entries).unwrap_or_default();
    let rights = rights.iter().filter_map(|right| any_of(&right.value));
    checks.chain(rights).chain(approvals(node)).collect()
}

fn approvals(node: &Node) -> Vec<Need<'_>> {
    let lines = TYPES.into_iter().filter_map(|of| node.get("approvals")?.get(of));
    let lines = lines.flat_map(Node::entries).filter(|entry| !entry.key.starts_with("x-"));
    let need = |entry: &'_ crate::tree::Entry| (count(&entry.value).unwrap_or(1), entry.key_extent);
    lines
        .map(|entry| {
            let (people, place) = need(entry);
            Need { roles: vec![(&*entry.key, place)], people }
        })
        .collect()
}

/// Roles that are named and wait for nobody.
fn mentions(node: &Node) -> Vec<Need<'_>> {
    let doors = node.get("access").map(Node::entries).unwrap_or_default();
    let doors = doors.iter().filter_map(|door| any_of(door.value.get("by")?));
    let available = node.get("communication").and_then(|it| any_of(it.get("available")?));
    let types = node.get("change_types").map(Node::entries).unwrap_or_default();
    let types = types.iter().filter_map(|it| any_of(it.value.get("coordinate_with")?));
    doors.chain(available).chain(types).collect()
}

fn any_of(node: &Node) -> Option<Need<'_>> {
    let roles: Vec<_> = texts(node).map(|(role, node)| (role, node.extent)).collect();
    (!roles.is_empty()).then_some(Need { roles, people: 1 })
}

fn unknown_role(role: &str, place: Extent, holders: &Holders<'_>) -> Problem {
    let nearest = settings::nearest(role, holders.keys().copied());
    let role = printable(role);
    let message = format!("nobody in `people` has the role {role}");
    let problem = Problem::new(Code::NoSuchRole, place, message);
    match &nearest {
        Some(near) => problem
            .label(format!("the nearest is `{near}`"))
            .next(format!("write `{near}`, or give somebody the role {role}")),
        None => problem
            .label("what waits for this role waits for ever")
            .next(format!("give somebody the role {role}")),
    }
    .nearest(nearest)
}

fn alone(need: &Need<'_>, holders: &Holders<'_>) -> Option<Problem> {
    let held = need.roles.iter().filter_map(|(role, _)| holders.get(role)).flatten();
    let people: BTreeMap<_, _> = held.collect();
    let (person, has) = people.first_key_value().filter(|_| people.len() == 1)?;
    let (_, place) = need.roles.first()?;
    let roles: Vec<_> = need.roles.iter().map(|(role, _)| printable(role)).collect();
    let person = printable(person);
    let what = if roles.len() == 1 { "the role" } else { "one of the roles" };
    let message = format!("only {person} has {what} {}: nobody can stand in", listed(&roles));
    Some(
        Problem::new(Code::OnlyOnePerson, *place, message)
            .label(format!("this waits whenever {person} is away"))
            .related(**has, "the only one")
            .next(format!("give a second person the role {}", roles.join(" or "))),
    )
}
