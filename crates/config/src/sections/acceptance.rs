//! Standing consent of an environment. What a name in it means is in `crate::acceptance`.

use super::{SHARED, Section, Where};
use crate::shape::{Key, TEXTS};

/// The two lists.
pub(crate) const SECTIONS: &[Section] = &[
    Section::enforced(
        Key::optional(
            "accept_unenforced",
            TEXTS,
            "Paths, as `matrix check` lists them, that may stay without effect.",
        ),
        SHARED,
        "accept_unenforced: [approvals]\n",
    ),
    Section::enforced(
        Key::optional("accept_warnings", TEXTS, "Names of warnings that are meant so here."),
        &[Where::Top, Where::Environment],
        "accept_warnings: [same-address]\n",
    ),
];
