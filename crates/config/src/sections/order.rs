//! Where an environment stands in the pipeline and who lets releases in. The check for circles is
//! in `pipeline`.

use towpath_core::matrix::{Decider, Supersede, Tier};
use towpath_ports::catalogue::FieldType;

use super::{OWN, SHARED, Section};
use crate::fields::Fields;
use crate::shape::{Default, Key, Place, Shape};
use crate::tree::Node;

const TIERS: &[&str] = &["development", "testing", "staging", "production"];

const PROMOTE: Key = Key::new(
    "promote",
    Shape::Of(FieldType::Word(DECIDERS)),
    Default::Is("manual"),
    "Who decides that a verified release goes on into this environment.",
);

/// The keys that make the pipeline.
pub(crate) const SECTIONS: &[Section] = &[
    Section::enforced(
        Key::new(
            "tier",
            Shape::Of(FieldType::Word(TIERS)),
            Default::Required,
            "How much is at stake: decides defaults, and what is asked before a promotion.",
        ),
        OWN,
        "tier: staging\n",
    ),
    Section::enforced(
        Key::new(
            "after",
            Shape::Names,
            Default::Absent,
            "Environments that must all have verified a release first. Left out: releases start here.",
        ),
        OWN,
        "after: dev\n",
    ),
    Section::enforced(
        Key::new(
            "after_any",
            Shape::Names,
            Default::Absent,
            "Environments of which one must have verified a release first.",
        ),
        OWN,
        "after_any: [dev, dev-aws]\n",
    ),
    Section::enforced(PROMOTE, SHARED, "promote: automatic\n"),
    Section {
        standing: super::Standing::ForPeople,
        ..Section::enforced(
            Key::new(
                "promote_note",
                Shape::Of(FieldType::Text),
                Default::Absent,
                "When to promote.",
            ),
            OWN,
            "promote_note: All tests passed, production ready\n",
        )
    },
    Section::enforced(
        Key::new(
            "supersede",
            Shape::Of(FieldType::Word(&["newest", "queue"])),
            Default::Is("newest"),
            "What a newer release does to an older one that still waits: takes its place, or waits \
             behind it.",
        ),
        SHARED,
        "supersede: queue\n",
    ),
    Section::enforced(
        Key::new(
            "preempt",
            Shape::List(&Shape::Of(FieldType::Word(&["hotfix"]))),
            Default::Absent,
            "Change types that may take the place of a promotion under way; `hotfix` is the only one.",
        ),
        SHARED,
        "preempt: [hotfix]\n",
    ),
];

/// Words for who decides.
pub(crate) const DECIDERS: &[&str] = &["automatic", "manual"];

/// The tier as written; none when it is missing or no tier.
pub(crate) fn tier(environment: &Node) -> Option<Tier> {
    match environment.get("tier")?.text()? {
        "development" => Some(Tier::Development),
        "testing" => Some(Tier::Testing),
        "staging" => Some(Tier::Staging),
        "production" => Some(Tier::Production),
        _ => None,
    }
}

/// Who decides about `key` of `fields`.
pub(crate) fn decider(fields: &Fields<'_>, key: &str) -> Decider {
    if fields.text(key).as_deref() == Some("automatic") {
        Decider::Automatic
    } else {
        Decider::Manual
    }
}

/// Who lets releases into an environment.
pub(crate) fn promote(environment: &Node, place: Place) -> Decider {
    decider(&Fields::new(Some(environment), &[PROMOTE], place), "promote")
}

/// What a newer release does to an older one that waits.
pub(crate) fn supersede(environment: &Node) -> Supersede {
    match environment.get("supersede").and_then(Node::text) {
        Some("queue") => Supersede::Queue,
        _ => Supersede::Newest,
    }
}

/// Whether a hotfix may take the place of a promotion under way.
pub(crate) fn hotfix_preempts(environment: &Node) -> bool {
    let types = environment.get("preempt").map(Node::items).unwrap_or_default();
    types.iter().any(|it| it.text() == Some("hotfix"))
}
