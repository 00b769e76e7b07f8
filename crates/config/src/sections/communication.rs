//! Who hears of a promotion as a piece of work: before it, after it, and in reports, and who must be
//! there while it runs. Single events are in `notify`, which also reads who hears.

use serde_json::json;
use towpath_core::ids::LaneId;
use towpath_core::matrix::{AdapterSpec, CheckSpec, Gate};
use towpath_core::units::{Span, Weight};
use towpath_ports::catalogue::{Family, FieldType};

use super::{Section, Standing, Where, notify};
use crate::lane::Reading;
use crate::shape::{Default, Key, ROLES, Shape, word};
use crate::tree::Node;

/// The check that a person's word answers.
const ATTESTED: &str = "attested";

const STATUS_PAGE: &[Key] = &[
    Key::new("url", Shape::Of(FieldType::Url), Default::Required, "The page."),
    Key::new(
        "for",
        Shape::List(&word(&["all", "major", "rollbacks", "incidents"])),
        Default::Is("[major, rollbacks]"),
        "What is announced on it.",
    ),
];

const REPORTS: &[Key] = &[
    Key::optional("daily", Shape::Names, "Channels that get a report every day."),
    Key::optional("weekly", Shape::Names, "Channels that get a report every week."),
    Key::optional("monthly", Shape::Names, "Channels that get a report every month."),
    Key::optional("quarterly", Shape::Names, "Channels that get a report every quarter."),
];

const KEYS: &[Key] = &[
    Key::optional(
        "stakeholders",
        Shape::Names,
        "Channels of those whose business it is; they get what `summary` sends.",
    ),
    Key::optional(
        "before",
        Shape::Names,
        "Channels that are told when a promotion is accepted, before it starts. At the top of the \
         file: of promotions into production.",
    ),
    Key::optional(
        "summary",
        Shape::Names,
        "Channels that get a summary when a promotion that took effect has ended.",
    ),
    Key::optional("status_page", Shape::Map(STATUS_PAGE), "The public page.")
        .standing(Standing::Kept(None)),
    Key::optional(
        "customers",
        word(&["never", "on-rollback", "on-incident"]),
        "When customers are told. With `on-rollback` whoever hears of a rollback is reminded of it; \
         `on-incident` reminds nobody yet.",
    ),
    Key::optional(
        "available",
        ROLES,
        "Roles of which somebody says before the start, by `attest`, that they are there while it \
         runs. At the top of the file: for production.",
    ),
    Key::optional("reports", Shape::Map(REPORTS), "Regular reports.")
        .standing(Standing::Kept(None)),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("communication", Shape::Map(KEYS), "Who hears of promotions, and when."),
    &[Where::Top, Where::Environment],
    "communication: { before: [slack], summary: [email], available: [devops] }\n",
)];

/// The gate with a question to somebody of each role that must be there: `attest` answers it.
pub(crate) fn completed(
    mut gate: Gate,
    lane: &LaneId,
    node: &Node,
    reading: &mut Reading<'_>,
) -> Gate {
    let Some(roles) = notify::as_production(node, reading.root, "available") else { return gate };
    let path = format!("environments.{}.communication.available", lane.environment);
    if reading.catalogue.find(Family::Check, ATTESTED).is_none() {
        let reason = "nobody can be asked whether they are there".to_owned();
        reading.not_enforced(path, reason, true);
        return gate;
    }
    if !reading.knows_people {
        let reason = "nobody's roles are known, as there is no `people`: any person's word counts";
        reading.not_enforced(path, reason.to_owned(), true);
    }
    let named = roles.text().into_iter().chain(roles.items().iter().filter_map(Node::text));
    for role in named {
        let slug = format!("{role}-available");
        if gate.prerequisites.iter().any(|check| check.slug == slug) {
            continue;
        }
        gate.prerequisites.push(CheckSpec {
            slug,
            title: format!("{role} available"),
            check: AdapterSpec {
                kind: ATTESTED.to_owned(),
                settings: json!({ "by": [role], "fresh": true }),
            },
            timeout: Span::seconds(30),
            at: Weight::ZERO,
        });
    }
    gate
}
