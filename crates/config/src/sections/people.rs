//! Who we are. Rules name roles; only here persons have names. Who may do what is elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use towpath_core::ids::{Name, Person};
use towpath_core::people::PersonSpec;
use towpath_core::speaking::{KINDS, key_of_line, unconditional};
use towpath_ports::settings;

use super::{Section, TOP};
use crate::codes::Code;
use crate::fields::Fields;
use crate::lane::Reading;
use crate::problem::{Problem, Problems};
use crate::shape::{Default, FLAG, Key, KeyRule, NOWHERE, PATH, ROLES, Shape, TEXT};
use crate::source::Extent;
use crate::tree::{Entry, Node, printable};

/// Roles by environment.
pub(crate) const ROLES_IN: Key = Key::optional(
    "roles_in",
    Shape::MapOf(KeyRule::Name, &ROLES),
    "Roles that count in one environment alone, by environment.",
);

const KEYS: &[Key] = &[
    Key::optional("name", TEXT, "The person's name."),
    Key::optional("email", TEXT, "Where the person reads mail."),
    Key::optional(
        "handle",
        TEXT,
        "What CODEOWNERS calls the person, without the @; left out, the same name. Nobody else has the same.",
    ),
    Key::optional(
        "account",
        TEXT,
        "The person's account on the machine where the engine runs; left out, the one of the same name.",
    ),
    Key::optional(
        "key",
        PATH,
        "The public key of ssh that the person signs with, `ssh-ed25519 AAAA…`, or the file that has it; `verify-required` before one of hardware asks for its PIN too. Nobody else has the same. Whoever has one speaks by signed words alone.",
    ),
    Key::new("roles", ROLES, Default::Required, "What the person may speak for, everywhere."),
    ROLES_IN,
    Key::new(
        "bot",
        FLAG,
        Default::Is("false"),
        "Whether this is a program: its word never counts as a person's.",
    ),
];

const TEAM: &[Key] = &[
    Key::new("people", Shape::Names, Default::Required, "Who belongs to it."),
    Key::optional("roles", ROLES, "What all of them may speak for, everywhere."),
    ROLES_IN,
];

/// The sections.
pub(crate) const SECTIONS: &[Section] = &[
    Section::enforced(
        Key::optional(
            "people",
            Shape::MapOf(KeyRule::Name, &Shape::Map(KEYS)),
            "Who we are, and with which roles. Left out, nobody is refused anything.",
        ),
        TOP,
        "people:\n  ada: { name: Ada Moreau, key: keys/ada.pub, roles: [developer, lead-developer] }\n",
    ),
    Section::enforced(
        Key::optional(
            "teams",
            Shape::MapOf(KeyRule::Name, &Shape::Map(TEAM)),
            "Roles that several people have together, beside their own.",
        ),
        TOP,
        "teams:\n  payments: { people: [ada, bilal], roles: [developer] }\n",
    ),
];

/// Everybody, with the roles of their teams.
pub(crate) fn read(reading: &mut Reading<'_>) -> BTreeMap<Person, PersonSpec> {
    let root = reading.root;
    let environments: Vec<&str> = named(root, "environments").map(|it| &*it.key).collect();
    let mut people = BTreeMap::new();
    let (mut accounts, mut keys, mut handles) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for entry in named(root, "people") {
        let Ok(name) = Person::new(&entry.key) else { continue };
        if name.is_program() {
            reading.problems.add(taken_name(entry));
            continue;
        }
        roles_in_places(&entry.value, &environments, reading.problems);
        let fields = Fields::new(Some(&entry.value), KEYS, NOWHERE);
        let account = account(entry, &mut accounts, reading.problems);
        own_key(entry, &mut keys, reading.problems);
        let spec = PersonSpec {
            name: fields.text("name"),
            email: fields.text("email"),
            key: fields.text("key").inspect(|key| is_public(key, &entry.value, reading.problems)),
            account,
            handle: handle(entry, &mut handles, reading.problems),
            teams: BTreeSet::new(),
            roles: roles(entry.value.get("roles")).collect(),
            roles_in: roles_in(&entry.value),
            bot: fields.text("bot").as_deref() == Some("true"),
        };
        people.insert(name, spec);
    }
    for team in named(root, "teams") {
        roles_in_places(&team.value, &environments, reading.problems);
        joined(team, &mut people, reading.problems);
    }
    people
}

/// Entries of a map at the top that are not somebody's own notes.
fn named<'a>(root: &'a Node, key: &str) -> impl Iterator<Item = &'a Entry> {
    let entries = root.get(key).map(Node::entries).unwrap_or_default();
    entries.iter().filter(|entry| !entry.key.starts_with("x-"))
}

/// The journal says by such a name that the program itself did something.
fn taken_name(entry: &Entry) -> Problem {
    let message = format!("nobody can be called {}: so the program calls itself", entry.key);
    Problem::new(Code::WrongValue, entry.key_extent, message)
        .expected("another name")
        .next("choose another name, and keep the account with `account:`")
}

/// Gives the members of a team its roles.
fn joined(team: &Entry, people: &mut BTreeMap<Person, PersonSpec>, problems: &mut Problems) {
    let (name, team) = (Name::new(&team.key).ok(), &team.value);
    let known: Vec<String> = people.keys().map(ToString::to_string).collect();
    for member in texts(team.get("people")) {
        let Some(text) = member.text() else { continue };
        let person = Person::new(text).ok().and_then(|name| people.get_mut(&name));
        let Some(person) = person else {
            problems.add(unknown(member, text, "nobody in `people` is called", &known));
            continue;
        };
        person.teams.extend(name.clone());
        person.roles.extend(roles(team.get("roles")));
        for (environment, roles) in roles_in(team) {
            person.roles_in.entry(environment).or_default().extend(roles);
        }
    }
}

/// The account of one person, which nobody else has.
fn account(
    entry: &Entry,
    taken: &mut BTreeMap<String, Extent>,
    problems: &mut Problems,
) -> Option<Person> {
    let node = entry.value.get("account");
    let text = node.and_then(Node::text);
    let place = node.map_or(entry.key_extent, |node| node.extent);
    let own = text.unwrap_or(&entry.key);
    if let Some(first) = taken.insert(own.to_owned(), place) {
        let message = format!("two people have the account {}", printable(own));
        problems.add(
            Problem::new(Code::DuplicateName, place, message)
                .label("whoever uses it would be one of them by chance")
                .related(first, "the first")
                .next("give one of them another `account`"),
        );
    }
    let text = text?;
    match Person::new(text) {
        Ok(account) if !account.is_program() => Some(account),
        _ => {
            let message = format!("`{}` cannot be the name of an account", printable(text));
            problems.add(
                Problem::new(Code::WrongValue, place, message)
                    .expected("the name of a user of that machine, such as ada"),
            );
            None
        }
    }
}

/// A key that stands here itself must be one by which words can be signed, and never the private half.
fn is_public(key: &str, person: &Node, problems: &mut Problems) {
    let (is_verified, line) = unconditional(key);
    let words: Vec<&str> = line.split_whitespace().collect();
    let stands_here = is_verified
        || matches!(words.as_slice(), [kind, _, ..] if ["ssh-", "sk-", "ecdsa-", "-----"]
            .iter()
            .any(|one| kind.starts_with(one)));
    let is_base64 = |text: &str| {
        text.starts_with("AAAA")
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
    };
    // Only hardware can have asked for a PIN.
    let fits = |kind: &str| KINDS.contains(&kind) && (!is_verified || kind.starts_with("sk-"));
    let is_taken = matches!(words.as_slice(), [kind, bytes, ..] if fits(kind) && is_base64(bytes));
    let Some(node) = person.get("key").filter(|_| stands_here && !is_taken) else { return };
    let message = "`key` is no public key that can sign here".to_owned();
    problems.add(
        Problem::new(Code::WrongValue, node.extent, message)
            .expected("a line such as `ssh-ed25519 AAAA…`, or the path of a file with one")
            .next("ssh-keygen -t ed25519 makes a key; its line is in the file that ends in .pub"),
    );
}

/// The name by which CODEOWNERS knows one person, which nobody else has.
fn handle(
    entry: &Entry,
    taken: &mut BTreeMap<String, Extent>,
    problems: &mut Problems,
) -> Option<String> {
    let node = entry.value.get("handle");
    let text = node.and_then(Node::text);
    let place = node.map_or(entry.key_extent, |node| node.extent);
    let own = text.unwrap_or(&entry.key).to_ascii_lowercase();
    if let Some(first) = taken.insert(own.clone(), place) {
        let message = format!("two people have the handle {}", printable(&own));
        problems.add(
            Problem::new(Code::DuplicateName, place, message)
                .label("each would own what the other owns")
                .related(first, "the first")
                .next("give one of them another `handle`"),
        );
    }
    let text = text?;
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    if !text.chars().all(is_name) {
        let message = format!("`{}` is no name that CODEOWNERS can have", printable(text));
        problems.add(
            Problem::new(Code::WrongValue, place, message)
                .expected("a name of letters, digits, `-`, `_` and `.`, without the @"),
        );
        return None;
    }
    Some(text.to_owned())
}

/// A key is one person's: by one that two have, each could speak as the other.
fn own_key(entry: &Entry, taken: &mut BTreeMap<String, Extent>, problems: &mut Problems) {
    let node = entry.value.get("key");
    let Some((node, text)) = node.and_then(|node| Some((node, node.text()?))) else { return };
    // A line says the same key whatever comment it has; of a file only its name is known here.
    let own = key_of_line(text).unwrap_or(text.trim_start_matches("./"));
    if let Some(first) = taken.insert(own.to_owned(), node.extent) {
        let message = format!("two people have the same key, and {} is one of them", entry.key);
        problems.add(
            Problem::new(Code::DuplicateName, node.extent, message)
                .label("each could say what the other says")
                .related(first, "the first")
                .next("ssh-keygen -t ed25519 makes one for each of them; a program needs none"),
        );
    }
}

/// Roles for places that do not exist would count nowhere.
fn roles_in_places(node: &Node, environments: &[&str], problems: &mut Problems) {
    let places = node.get("roles_in").map(Node::entries).unwrap_or_default();
    for place in places.iter().filter(|entry| !entry.key.starts_with("x-")) {
        if !environments.contains(&&*place.key) {
            let known: Vec<String> = environments.iter().map(ToString::to_string).collect();
            let key = Node { extent: place.key_extent, ..place.value.clone() };
            problems.add(unknown(&key, &place.key, "no environment is called", &known));
        }
    }
}

fn unknown(node: &Node, name: &str, what: &str, known: &[String]) -> Problem {
    let nearest = settings::nearest(name, known.iter().map(String::as_str));
    let problem =
        Problem::new(Code::UnknownName, node.extent, format!("{what} {}", printable(name)));
    match &nearest {
        Some(near) => {
            problem.label(format!("the nearest is `{near}`")).next(format!("write `{near}`"))
        }
        None => problem.next(format!("name one of {}", known.join(", "))),
    }
    .nearest(nearest)
}

fn texts(node: Option<&Node>) -> Vec<&Node> {
    node.map_or_else(Vec::new, |node| match node.text() {
        Some(_) => vec![node],
        None => node.items().iter().collect(),
    })
}

/// The roles in a list, or the one that stands alone.
pub(crate) fn roles(node: Option<&Node>) -> impl Iterator<Item = Name> {
    texts(node).into_iter().filter_map(|role| Name::new(role.text()?).ok())
}

fn roles_in(node: &Node) -> BTreeMap<Name, BTreeSet<Name>> {
    let places = node.get("roles_in").map(Node::entries).unwrap_or_default();
    let place =
        |entry: &Entry| Some((Name::new(&entry.key).ok()?, roles(Some(&entry.value)).collect()));
    places.iter().filter_map(place).collect()
}
