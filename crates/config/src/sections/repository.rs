//! Where the code is kept. Whoever asks the forge is a check.

use super::{Section, TOP};
use crate::shape::{Default, Key, PATH, Shape, TEXT, word};

const KEYS: &[Key] = &[
    Key::new(
        "kind",
        word(&["github", "gitlab", "other"]),
        Default::Required,
        "Which forge keeps it.",
    ),
    Key::new("name", TEXT, Default::Required, "What the forge calls it, such as `soundbite/api`."),
    Key::optional(
        "owners_file",
        PATH,
        "The file that says who owns which paths, from the top of the repository, where `approvals.code_owners` asks it. Left out: `.github/CODEOWNERS`, `CODEOWNERS` or `docs/CODEOWNERS`.",
    ),
    Key::optional("workflows", PATH, "The folder with the forge's own pipelines."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::apart(
    Key::optional("repository", Shape::Map(KEYS), "Where the code is kept."),
    TOP,
    "repository: { kind: github, name: soundbite/api, owners_file: .github/CODEOWNERS }\n",
)];
