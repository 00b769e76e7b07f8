//! How stored data changes with a release. It changes things, so it refuses promotions until it is
//! carried out.

use super::{LANE, Section};
use crate::shape::{ARGV, Default, FLAG, Key, Shape, TEXTS, word};

const TESTS: &[&str] =
    &["data-copy", "counts", "checksums", "rollback", "both-schemas", "large-tables"];

const KEYS: &[Key] = &[
    Key::new(
        "when",
        word(&["before-deployment", "after-deployment"]),
        Default::Is("before-deployment"),
        "Before or after the new release starts.",
    ),
    Key::optional("command", ARGV, "The program that migrates."),
    Key::optional("undo", ARGV, "The program that takes it back."),
    Key::new("timeout", Shape::SomeTime, Default::Is("10m"), "How long it may take."),
    Key::new(
        "strategy",
        word(&["expand-contract", "in-place"]),
        Default::Is("expand-contract"),
        "Whether the old release still works on the new schema.",
    ),
    Key::optional("reversible", FLAG, "Whether it can be taken back."),
    Key::optional("steps", TEXTS, "What is done in which release, for people."),
    Key::optional("tested_in", Shape::Name, "The environment in which it is tried first."),
    Key::optional("tests", Shape::List(&word(TESTS)), "What is tried there."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::refuses(
    Key::optional("migrations", Shape::Map(KEYS), "How stored data changes with a release."),
    LANE,
    "migrations: { command: [./migrate, up], undo: [./migrate, down], timeout: 10m }\n",
)];
