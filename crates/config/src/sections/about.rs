//! What the matrix and its environments are called and what they are for. Nothing here decides.

use towpath_ports::catalogue::FieldType;

use super::{OWN, SHARED, Section, Standing, TOP, Where};
use crate::shape::{Default, Key, Shape};

/// What stands at the top of the file.
pub(crate) const TOP_SECTIONS: &[Section] = &[
    Section::enforced(
        Key::new("version", Shape::FormatVersion, Default::Required, "Version of this format."),
        TOP,
        "version: 1\n",
    ),
    Section::enforced(
        Key::new("project", Shape::Name, Default::Required, "Whose matrix this is."),
        TOP,
        "project: soundbite\n",
    ),
    Section::enforced(
        Key::new(
            "services",
            Shape::MapOf(&Shape::Map(SERVICE)),
            Default::Absent,
            "What is released, by name. Left out: one service with the project's name.",
        ),
        TOP,
        "services:\n  api: { purpose: Turns text into audio }\n",
    ),
];

const SERVICE: &[Key] =
    &[Key::new("purpose", Shape::Of(FieldType::Text), Default::Absent, "What it is for.")];

const fn for_people(
    name: &'static str,
    shape: Shape,
    places: &'static [Where],
    doc: &'static str,
    example: &'static str,
) -> Section {
    let key = Key::new(name, shape, Default::Absent, doc);
    Section { key, places, standing: Standing::ForPeople, example }
}

/// What stands in an environment, for people.
pub(crate) const SECTIONS: &[Section] = &[
    for_people("title", Shape::Of(FieldType::Text), OWN, "Full name.", "title: Staging\n"),
    for_people(
        "purpose",
        Shape::Of(FieldType::Text),
        OWN,
        "What the environment is for.",
        "purpose: Testing and validation\n",
    ),
    for_people(
        "characteristics",
        Shape::Of(FieldType::Texts),
        SHARED,
        "What it is like.",
        "characteristics: [Production-like environment, Full testing suite]\n",
    ),
    for_people(
        "use_cases",
        Shape::Of(FieldType::Texts),
        SHARED,
        "What it is used for.",
        "use_cases: [User acceptance testing]\n",
    ),
    for_people(
        "url",
        Shape::Of(FieldType::Url),
        OWN,
        "Where people reach it.",
        "url: https://staging-api.soundbite.com\n",
    ),
    for_people(
        "levels",
        Shape::AnyMap,
        SHARED,
        "How good it is meant to be.",
        "levels: { performance: high, security: high, monitoring: full }\n",
    ),
];
