//! What may not enter a lane, as it is shown. Lifts nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_core::promotion::state::Lane;

use crate::views::time;

/// What may not enter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineView {
    /// What.
    #[serde(default)]
    pub service: String,
    /// Where.
    pub environment: String,
    /// Which release.
    pub release: String,
    /// Its digest.
    pub digest: String,
    /// The digest of the settings under which alone it may not; left out where it may under none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// Which promotion threw it out.
    pub promotion: u64,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: String,
}

/// All of a lane, the oldest first.
pub(super) fn of_lane(lane: &Lane) -> Vec<QuarantineView> {
    let all = lane.quarantined.iter();
    all.map(|one| QuarantineView {
        service: lane.id.service.to_string(),
        environment: lane.id.environment.to_string(),
        release: one.release.version.to_string(),
        digest: one.release.digest.to_string(),
        settings: one.settings.as_ref().map(ToString::to_string),
        promotion: one.promotion.0,
        reason: one.reason.clone(),
        since: time(one.since),
    })
    .collect()
}
