//! How often it is signed where the journal ends, and where that is kept besides. Whoever signs is no
//! part of a matrix.

use towpath_core::matrix::AuditRules;

use super::{Section, TOP};
use crate::fields::Fields;
use crate::shape::{Default, Key, NOWHERE, Shape, TEXTS, count};
use crate::tree::Node;

const KEYS: &[Key] = &[
    Key::new(
        "checkpoint_every",
        count(1, 1_000_000),
        Default::Is("100"),
        "After how many events it is signed where the journal ends.",
    ),
    Key::optional(
        "checkpoint_files",
        TEXTS,
        "Files outside to which every checkpoint is added, such as one on another machine's disk. A \
         relative path begins at the folder of the matrix.",
    ),
    Key::optional(
        "checkpoint_repositories",
        TEXTS,
        "Folders of git repositories in which every checkpoint is committed, to the file \
         `PROJECT.checkpoints`. Nothing is pushed.",
    ),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional("audit", Shape::Map(KEYS), "How the journal is kept from being changed unseen."),
    TOP,
    "audit: { checkpoint_every: 50, checkpoint_files: /mnt/audit/soundbite.checkpoints, checkpoint_repositories: ../audit }\n",
)];

/// The rules, whether the file has the section or not.
pub(crate) fn read(root: &Node) -> AuditRules {
    let fields = Fields::new(root.get("audit"), KEYS, NOWHERE);
    AuditRules {
        every: u32::try_from(fields.count("checkpoint_every")).unwrap_or(u32::MAX),
        files: fields.texts("checkpoint_files"),
        repositories: fields.texts("checkpoint_repositories"),
    }
}
