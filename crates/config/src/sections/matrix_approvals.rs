//! Who must agree before a changed matrix counts. Counting is elsewhere.

use towpath_core::approvals::Need;

use super::approvals::{COUNTS, counts};
use super::{Section, TOP};
use crate::lane::Reading;
use crate::shape::Key;

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::optional(
        "matrix_approvals",
        COUNTS,
        "Who must agree before a changed matrix counts: roles, and how many people of each. The stricter of \
         the matrix in force and the new one holds. Left out, whoever may apply one applies it alone.",
    ),
    TOP,
    "matrix_approvals: { lead-developer: 1, security: 1 }\n",
)];

/// The roles; none where nobody has to agree.
pub(crate) fn read(reading: &mut Reading<'_>) -> Vec<Need> {
    let Some(section) = reading.root.get("matrix_approvals") else { return Vec::new() };
    if !reading.knows_people {
        let reason = "nobody's roles are known, as there is no `people`: nobody could agree";
        reading.not_enforced("matrix_approvals".to_owned(), reason.to_owned(), true);
    }
    counts(section)
}
