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

/// Kinds of change that `approvals` speaks of, what holds for all of them, and who breaks the glass.
const TYPES: [&str; 7] =
    ["all", "feature", "fix", "hotfix", "infrastructure", "configuration", "break_glass"];

/// Who has each role.
type Holders<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Holder>>;

/// That somebody has a role.
#[derive(Clone, Copy)]
struct Holder {
    /// Where it says so.
    place: Extent,
    /// Whether it is a program, whose word never counts as a person's.
    bot: bool,
}

/// People of one of these roles who must do something.
struct Need<'a> {
    /// Any of these, with their places.
    roles: Vec<(&'a str, Extent)>,
    /// How many.
    people: u64,
    /// Whether a program will not do.
    by_word: bool,
}

/// Roles that nobody has, where it is declared who has which.
pub(super) fn no_such_role(whole: &Whole<'_>, problems: &mut Problems) {
    let Some(holders) = holders(whole.root) else { return };
    // A role is named in many places, and its nearest is the same in each.
    let mut nearest = BTreeMap::new();
    let mut report = |needs: Vec<Need<'_>>, lane: Option<&Lane<'_>>| {
        let roles = needs.iter().flat_map(|need| need.roles.iter().map(move |role| (need, role)));
        for (need, (role, place)) in roles {
            if need.held_by(role, &holders).next().is_none()
                && !lane.is_some_and(|lane| lane.accepts(Code::NoSuchRole, problems))
                && !problems.knows(*place, Code::NoSuchRole)
            {
                let near = nearest
                    .entry((*role).to_owned())
                    .or_insert_with(|| nearest_role(role, &holders));
                let programs = holders.contains_key(role);
                problems.add(unknown_role(role, *place, programs, near.clone()));
            }
        }
    };
    let owners = whole.root.get("services").map(Node::entries).unwrap_or_default();
    let owners = owners.iter().filter_map(|service| any_of(service.value.get("owners")?));
    let top = needs(whole.root).into_iter().chain(mentions(whole.root)).chain(owners);
    report(top.collect(), None);
    for lane in whole.read() {
        let node = &lane.node.node;
        report(needs(node).into_iter().chain(mentions(node)).collect(), Some(&lane));
    }
}

/// Roles without which nothing goes on and which one person alone has; each is told once.
pub(super) fn only_one_person(whole: &Whole<'_>, problems: &mut Problems) {
    let Some(holders) = holders(whole.root) else { return };
    let mut told = BTreeSet::new();
    for lane in whole.read() {
        for need in needs(&lane.node.node).into_iter().filter(|need| need.people == 1) {
            if let Some(problem) = alone(&need, &holders)
                && !lane.accepts(problem.code, problems)
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
        let people: Vec<_> = need.held_by(role, &holders).collect();
        let here = u64::try_from(people.len()).unwrap_or(u64::MAX);
        if here == 0 || here >= need.people {
            continue;
        }
        let who: Vec<_> = people.iter().map(|(person, _)| printable(person)).collect();
        let (name, role, asked) = (lane.name(), printable(role), need.people);
        let has = if who.len() == 1 { "has" } else { "have" };
        let message = format!(
            "{name} asks for {asked} people with the role {role}, and only {} {has} it",
            listed(&who)
        );
        let problem = people.iter().fold(
            Problem::new(Code::TooFewPeople, *place, message)
                .label("nothing that needs this can ever be approved")
                .next(format!("ask for {here}, or give more people the role {role}")),
            |problem, (_, holder)| problem.related(holder.place, "has it"),
        );
        lane.add(problem, problems);
    }
}

/// Roles that differ in a hyphen or a plural alone. Where one of both is told of as a role that
/// nobody has, that is enough.
pub(super) fn spelled_twice(whole: &Whole<'_>, problems: &mut Problems) {
    let mut known: BTreeMap<String, (&str, Extent)> = BTreeMap::new();
    let mut done = BTreeSet::new();
    let lanes = whole.read();
    let mut before = None;
    let of_lanes = lanes.iter().map(|lane| {
        let name = &lane.node.id.environment;
        let needs = match before.replace(name) == Some(name) {
            false => roles_in(&lane.node.node),
            // What another service of the environment can have of its own.
            true if lane.judges("gate") => by_word(&lane.node.node).collect(),
            true => Vec::new(),
        };
        (needs, Some(lane))
    });
    for (needs, lane) in std::iter::once((roles_in(whole.root), None)).chain(of_lanes) {
        let mut roles: Vec<_> = needs.iter().flat_map(|need| &need.roles).copied().collect();
        roles.sort_unstable_by_key(|(_, place)| *place);
        for (role, place) in roles {
            if done.contains(role) {
                continue;
            }
            let (first, other) = *known.entry(bare(role)).or_insert((role, place));
            if first == role {
                done.insert(role);
            } else if !problems.knows(place, Code::NoSuchRole)
                && !lane.is_some_and(|lane| lane.accepts(Code::RoleSpelledTwice, problems))
            {
                done.insert(role);
                problems.add(two_spellings((first, other), (role, place)));
            }
        }
    }
}

/// A role without what people write in two ways.
fn bare(role: &str) -> String {
    let bare = role.replace('-', "");
    bare.strip_suffix('s').map(str::to_owned).unwrap_or(bare)
}

fn two_spellings((first, other): (&str, Extent), (role, place): (&str, Extent)) -> Problem {
    let (first, role) = (printable(first), printable(role));
    let message = format!("the roles {first} and {role} differ in their spelling alone");
    Problem::new(Code::RoleSpelledTwice, place, message)
        .label("who has the one has not the other")
        .related(other, "written so here")
        .next(format!("write `{first}` or `{role}` in both places"))
}

/// Every role that `node`, an environment or the top of the file, speaks of.
fn roles_in(node: &Node) -> Vec<Need<'_>> {
    let people = node.get("people").map(Node::entries).unwrap_or_default();
    let held = people.iter().filter_map(|person| any_of(person.value.get("roles")?));
    let services = node.get("services").map(Node::entries).unwrap_or_default();
    let owners = services.iter().filter_map(|service| any_of(service.value.get("owners")?));
    held.chain(owners).chain(needs(node)).chain(mentions(node)).collect()
}

fn holders(root: &Node) -> Option<Holders<'_>> {
    let people = root.get("people").filter(|people| !people.entries().is_empty())?;
    let is_bot = |name: &str| {
        let person = people.entries().iter().find(|person| *person.key == *name);
        person.and_then(|person| person.value.get("bot")).and_then(flag) == Some(true)
    };
    let teams = root.get("teams").map(Node::entries).unwrap_or_default().iter();
    let members = teams.flat_map(|team| {
        let members = team.value.get("people").into_iter().flat_map(texts);
        members.map(|(member, _)| (member, &team.value))
    });
    let mut holders = Holders::new();
    for (name, has) in people.entries().iter().map(|it| (&*it.key, &it.value)).chain(members) {
        for (role, node) in given(has) {
            let holder = Holder { place: node.extent, bot: is_bot(name) };
            holders.entry(role).or_default().entry(name).or_insert(holder);
        }
    }
    Some(holders)
}

/// The roles that a person or a team has, be it in one environment alone.
fn given(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let places = node.get("roles_in").map(Node::entries).unwrap_or_default();
    let everywhere = node.get("roles").into_iter().flat_map(texts);
    everywhere.chain(places.iter().flat_map(|place| texts(&place.value)))
}

/// Everything in `node`, an environment or the top of the file, that waits for people of a role.
fn needs(node: &Node) -> Vec<Need<'_>> {
    let rights = node.get("who_may").map(Node::entries).unwrap_or_default();
    let rights = rights.iter().filter_map(|right| any_of(&right.value));
    let types = node.get("change_types").map(Node::entries).unwrap_or_default();
    let told = types.iter().filter_map(|it| any_of(it.value.get("coordinate_with")?));
    let told = told.map(|need| Need { by_word: true, ..need });
    by_word(node).chain(rights).chain(approvals(node)).chain(told).collect()
}

/// The checks of a gate that wait for a person's word.
fn by_word(node: &Node) -> impl Iterator<Item = Need<'_>> {
    let lists = ["prerequisites", "validation"];
    let gate = lists.into_iter().filter_map(|list| node.get("gate")?.get(list));
    let checks = gate.flat_map(Node::items).filter_map(|check| any_of(check.get("by")?));
    checks.map(|need| Need { by_word: true, ..need })
}

fn approvals(node: &Node) -> Vec<Need<'_>> {
    let lines = TYPES.into_iter().filter_map(|of| node.get("approvals")?.get(of));
    let lines = lines.chain(node.get("matrix_approvals"));
    let lines = lines.flat_map(Node::entries).filter(|entry| !entry.key.starts_with("x-"));
    let need = |entry: &'_ crate::tree::Entry| (count(&entry.value).unwrap_or(1), entry.key_extent);
    lines
        .map(|entry| {
            let (people, place) = need(entry);
            Need { roles: vec![(&*entry.key, place)], people, by_word: true }
        })
        .collect()
}

/// Roles that are named and wait for nobody.
fn mentions(node: &Node) -> Vec<Need<'_>> {
    let doors = node.get("access").map(Node::entries).unwrap_or_default();
    let doors = doors.iter().filter_map(|door| any_of(door.value.get("by")?));
    let available = node.get("communication").and_then(|it| any_of(it.get("available")?));
    doors.chain(available).collect()
}

fn any_of(node: &Node) -> Option<Need<'_>> {
    let roles: Vec<_> = texts(node).map(|(role, node)| (role, node.extent)).collect();
    (!roles.is_empty()).then_some(Need { roles, people: 1, by_word: false })
}

impl Need<'_> {
    /// Who has `role` and can do what is needed.
    fn held_by<'h>(
        &self,
        role: &str,
        holders: &'h Holders<'_>,
    ) -> impl Iterator<Item = (&'h str, Holder)> {
        let by_word = self.by_word;
        let all = holders.get(role).into_iter().flatten();
        all.map(|(who, holder)| (*who, *holder)).filter(move |(_, it)| !(by_word && it.bot))
    }
}

/// The role that somebody has and that `role` most likely means.
fn nearest_role(role: &str, holders: &Holders<'_>) -> Option<String> {
    /// Roles on either side, by the alphabet, among which the nearest is looked for: more than a
    /// project has, and in a file of more the mistyped most often begin as the right ones do.
    const NEIGHBOURS: usize = 64;
    let before = holders.range::<&str, _>(..role).rev().take(NEIGHBOURS);
    let after = holders.range::<&str, _>(role..).take(NEIGHBOURS);
    settings::nearest(role, before.chain(after).map(|(name, _)| *name))
}

fn unknown_role(role: &str, place: Extent, programs: bool, nearest: Option<String>) -> Problem {
    let role = printable(role);
    let message = format!("nobody in `people` has the role {role}");
    let problem = Problem::new(Code::NoSuchRole, place, message);
    if programs {
        return problem
            .label("programs have it, and their word is no person's")
            .next(format!("give a person the role {role}"));
    }
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
    let held = need.roles.iter().flat_map(|(role, _)| need.held_by(role, holders));
    let people: BTreeMap<_, _> = held.collect();
    let only = people.first_key_value().filter(|(_, has)| people.len() == 1 && !has.bot);
    let (person, has) = only?;
    let (_, place) = need.roles.first()?;
    let roles: Vec<_> = need.roles.iter().map(|(role, _)| printable(role)).collect();
    let person = printable(person);
    let what = if roles.len() == 1 { "the role" } else { "one of the roles" };
    let message = format!("only {person} has {what} {}: nobody can stand in", listed(&roles));
    Some(
        Problem::new(Code::OnlyOnePerson, *place, message)
            .label(format!("this waits whenever {person} is away"))
            .related(has.place, "the only one")
            .next(format!("give a second person the role {}", roles.join(" or "))),
    )
}
