//! One file per resource.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod engine;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod freezes;
pub(crate) mod lanes;
pub(crate) mod matrix;
pub(crate) mod notices;
pub(crate) mod promotions;
pub(crate) mod refused;
pub(crate) mod releases;
pub(crate) mod sign_in_links;
pub(crate) mod stream;
pub(crate) mod tokens;
pub(crate) mod uploads;

use towpath_engine::Accepted;

use crate::requests::AcceptedView;

/// What an accepted order led to, as clients see it.
pub(crate) fn accepted(accepted: Accepted) -> AcceptedView {
    AcceptedView {
        promotion: accepted.promotion,
        changed: !accepted.events.is_empty(),
        notes: accepted.notes,
        state: None,
    }
}
