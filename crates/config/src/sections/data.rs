//! What data an environment holds and how it is treated. Where it stands is in `database`.

use super::{SHARED, Section, Standing};
use crate::shape::{FLAG, Key, Shape, TEXT, TEXTS, word};

const CLASS: Shape = word(&["synthetic", "anonymized", "production-like", "real"]);

const KEYS: &[Key] = &[
    Key::optional("class", CLASS, "What it is."),
    Key::optional("alternative", CLASS, "What may be used instead."),
    Key::optional(
        "volume",
        word(&["small", "production-like", "production"]),
        "How much of it there is.",
    ),
    Key::optional("from", Shape::Name, "The environment it is copied from."),
    Key::optional("refresh_every", Shape::SomeTime, "Time after which it is copied again."),
    Key::optional("masking", word(&["none", "required"]), "Whether what names people is masked."),
    Key::optional(
        "personal_data",
        word(&["none", "masked", "encrypted", "plain"]),
        "How what names people is kept.",
    ),
    Key::optional(
        "test_credentials",
        word(&["public", "private"]),
        "Whether test passwords may be known to everybody.",
    ),
    Key::optional("persistence", word(&["none", "local", "managed"]), "What outlives a restart."),
    Key::optional(
        "reset",
        word(&["never", "anytime", "before-major-release"]),
        "When it is set back to its beginning.",
    )
    .standing(Standing::RefusesWhen("before-major-release")),
    Key::optional("retention", Shape::SomeTime, "How long it is kept."),
    Key::optional("retention_by", TEXT, "What decides how long it is kept, in words."),
    Key::optional(
        "deletion",
        word(&["manual", "immediate"]),
        "How a person's wish to be forgotten is met.",
    ),
    Key::optional("encryption", FLAG, "Whether it is encrypted where it is kept."),
    Key::optional("logged", FLAG, "Whether every access to it is logged."),
    Key::optional("log_to", TEXT, "Where accesses are logged."),
    Key::optional("residency", TEXT, "The only region it may be kept in."),
    Key::optional("cross_border", FLAG, "Whether what names people may leave that region."),
    Key::optional("complies_with", TEXTS, "The laws it is kept under."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("data", Shape::Map(KEYS), "What data it holds."),
    SHARED,
    "data: { class: anonymized, refresh_every: 7d, masking: required, reset: before-major-release }\n",
)];
