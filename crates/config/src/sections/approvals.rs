//! Who must agree to a plan, by the kind of change. Counting and signing are elsewhere.

use std::collections::BTreeMap;

use towpath_core::approvals::{ApprovalRules, DEFAULT_EXPIRY, Need};
use towpath_core::ids::Name;
use towpath_core::matrix::Tier;
use towpath_core::release::ChangeType;

use super::change_types;
use super::{SHARED, Section};
use crate::fields::Fields;
use crate::lane::Reading;
use crate::shape::{Default, FLAG, Key, KeyRule, Place, Shape, count};
use crate::tree::Node;

/// People that one role can be asked for.
const MOST_PEOPLE: u64 = 20;

pub(crate) const COUNTS: Shape = Shape::MapOf(KeyRule::Name, &count(1, MOST_PEOPLE));

const KEYS: &[Key] = &[
    Key::optional(
        "all",
        COUNTS,
        "For every change, beside what its own type asks. Where both name a role, the larger number \
         counts.",
    ),
    Key::optional("feature", COUNTS, "Something new: roles, and how many people of each."),
    Key::optional("fix", COUNTS, "A fault repaired: roles, and how many people of each."),
    Key::optional(
        "hotfix",
        COUNTS,
        "A fault repaired at once: roles, and how many people of each.",
    ),
    Key::optional("infrastructure", COUNTS, "What it runs on: roles, and how many people of each."),
    Key::optional("configuration", COUNTS, "How it is set up: roles, and how many people of each."),
    Key::optional(
        "break_glass",
        COUNTS,
        "Who must agree before the glass is broken: roles, and how many people of each, never whoever breaks \
         it. Left out: nobody, and a review is owed within a day instead.",
    ),
    Key::new("expires", Shape::SomeTime, Default::Is("72h"), "How long a yes holds."),
    Key::optional(
        "remind_every",
        Shape::SomeTime,
        "Time after which those who can agree are told again. Left out: a day.",
    ),
    Key::new(
        "code_owners",
        FLAG,
        Default::Is("false"),
        "Whether one of the owners of each changed file must agree as well, as the repository's CODEOWNERS \
         names them. The release needs a commit.",
    ),
    Key::optional(
        "author_may_approve",
        FLAG,
        "Whether who wrote or created the release, or promotes it, may agree. Left out: not in staging and production.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional(
        "approvals",
        Shape::Map(KEYS),
        "Who must agree before a release may enter: roles, and how many people of each, by type of change. \
         A type for which nothing is said may not enter. Left out, nobody has to agree.",
    ),
    SHARED,
    "approvals:\n  feature: { developer: 2, business: 1 }\n  hotfix: { senior-developer: 1, business: 1 }\n",
)];

/// Says that the rules of `node`, which stands at `path`, ask nobody where nobody is named.
pub(crate) fn list_if_void(node: &Node, path: &str, reading: &mut Reading<'_>) {
    if reading.knows_people {
        return;
    }
    for (of_type, _) in change_types::to_coordinate(node) {
        let reason = "nobody's roles are known, as there is no `people`: nobody could say so";
        let path = format!("{path}.change_types.{}.coordinate_with", of_type.as_str());
        reading.not_enforced(path, reason.to_owned(), true);
    }
    if node.get("approvals").is_some() {
        let reason = "nobody's roles are known, as there is no `people`: nobody could agree";
        reading.not_enforced(format!("{path}.approvals"), reason.to_owned(), true);
    }
}

/// The rules, from the lane that may hold them; none where nobody has to agree.
pub(crate) fn read(lane: &Node, place: Place, reading: &mut Reading<'_>) -> Option<ApprovalRules> {
    let mut rules = lane.get("approvals").map(|section| declared(section, place));
    if let Some(rules) = rules.as_mut().filter(|rules| rules.code_owners)
        && let Some(file) = reading.root.get("repository").and_then(|it| it.get("owners_file"))
    {
        rules.owners_file = file.text().map(str::to_owned);
        reading.use_of("repository");
    }
    for (of_type, roles) in change_types::to_coordinate(lane) {
        let rules = rules.get_or_insert_with(|| nobody_else(place));
        // A type that may not enter stays out.
        let Some(mut needed) = rules.needed(of_type) else { continue };
        for role in roles {
            if needed.iter().all(|one| one.role != role) {
                needed.push(Need { role, people: 1 });
            }
        }
        rules.by_type.insert(of_type, needed);
    }
    rules
}

/// The rules of a lane in which those alone are asked who must know.
fn nobody_else(place: Place) -> ApprovalRules {
    ApprovalRules {
        all: Some(Vec::new()),
        by_type: BTreeMap::new(),
        expires: DEFAULT_EXPIRY,
        remind_every: None,
        author_may_approve: !matches!(place.tier, Tier::Staging | Tier::Production),
        code_owners: false,
        owners_file: None,
        break_glass: Vec::new(),
    }
}

fn declared(section: &Node, place: Place) -> ApprovalRules {
    let fields = Fields::new(Some(section), KEYS, place);
    let of_type = |one: ChangeType| Some((one, counts(section.get(one.as_str())?)));
    let may = match fields.text("author_may_approve") {
        Some(said) => said == "true",
        None => !matches!(place.tier, Tier::Staging | Tier::Production),
    };
    let by_type: BTreeMap<_, _> = ChangeType::ALL.into_iter().filter_map(of_type).collect();
    let break_glass = section.get("break_glass").map(counts).unwrap_or_default();
    let code_owners = fields.text("code_owners").as_deref() == Some("true");
    // Who asks for a second person alone, or for the owners of the code, asks nobody else.
    let says_nothing_else = by_type.is_empty() && (!break_glass.is_empty() || code_owners);
    let all = section.get("all").map(counts).or(says_nothing_else.then(Vec::new));
    ApprovalRules {
        all,
        by_type,
        expires: fields.span("expires").unwrap_or(DEFAULT_EXPIRY),
        remind_every: fields.span("remind_every"),
        author_may_approve: may,
        code_owners,
        owners_file: None,
        break_glass,
    }
}

/// Roles and how many people of each.
pub(crate) fn counts(node: &Node) -> Vec<Need> {
    let entries = node.entries().iter().filter(|entry| !entry.key.starts_with("x-"));
    let read = |entry: &crate::tree::Entry| {
        Some(Need { role: Name::new(&entry.key).ok()?, people: entry.value.text()?.parse().ok()? })
    };
    entries.filter_map(read).collect()
}
