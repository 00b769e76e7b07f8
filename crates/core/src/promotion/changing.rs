//! What the type of a change asks of a release that wants in, and what it spares it. Owns these
//! refusals; the rules themselves are in `change_types`.

use crate::change_types::{beside_settings, predecessors as of_type};
use crate::ids::LaneId;
use crate::matrix::{Environment, Predecessors};
use crate::project::Project;
use crate::promotion::entering::{Checked, serves};
use crate::promotion::input::PromotionOrder;
use crate::promotion::state::Lane;
use crate::reason::{Refusal, RefusalKind};
use crate::release::{ChangeType, Release};
use crate::settings::SettingChange;

/// Where the release must have been verified before.
pub(super) fn predecessors(
    project: &Project,
    lane: &LaneId,
    environment: &Environment,
    release: &Release,
) -> Predecessors {
    let matrix = project.common.matrix.as_ref();
    let declared = matrix.and_then(|matrix| Some((matrix, environment.lanes.get(&lane.service)?)));
    match declared {
        Some((matrix, section)) => of_type(matrix, environment, section, release.change_type),
        None => environment.after.clone(),
    }
}

/// A release that says that it changes settings alone changes nothing else of what serves: it has fewer
/// people to ask, and steps of its own.
pub(super) fn settings_alone(
    project: &Project,
    lane: &Lane,
    release: &Release,
    sets_up: &[SettingChange],
) -> Checked<()> {
    // What serves already differs from itself in nothing else.
    if release.change_type != ChangeType::Configuration || !sets_up.is_empty() {
        return Ok(());
    }
    let to = &lane.id.environment;
    let version = &release.version;
    let message = format!("{version} may not enter {to}; {}", serves(lane));
    let reference = lane.serving.as_ref().map(|serving| &serving.deployment.release);
    let service = &lane.id.service;
    let found = reference.and_then(|reference| project.common.release_of(service, reference));
    let cause = match found {
        None => {
            format!("it is of the type configuration, and {to} serves nothing that it could set up")
        }
        Some(serving) => {
            let differs = beside_settings(serving, release);
            if differs.is_empty() {
                return Ok(());
            }
            format!(
                "it is of the type configuration, and differs from {} in more than settings: {}",
                serving.version,
                differs.join(", ")
            )
        }
    };
    Err(Box::new(
        Refusal::new(RefusalKind::Gate, "more-than-settings", message, cause)
            .at("release create --type")
            .next(
                "towpath release create VERSION --artifact NAME=PATH",
                "the same under its real type",
            ),
    ))
}

/// Whoever breaks the glass says why, and what shall enter: nothing is picked for them.
pub(super) fn breaks_for_a_reason(lane: &Lane, order: &PromotionOrder) -> Checked<()> {
    let to = &lane.id.environment;
    let (code, cause) = match (order.why(), &order.release) {
        _ if !order.break_glass => return Ok(()),
        (Some(_), Some(_)) => return Ok(()),
        (None, _) => ("reason-needed", "breaking the glass needs a reason"),
        (Some(_), None) => ("release-needed", "whoever breaks the glass names the release"),
    };
    let message = format!("nothing was started; {}", serves(lane));
    Err(Box::new(Refusal::new(RefusalKind::Usage, code, message, cause).next(
        format!("towpath break-glass {to} --release VERSION --reason \"REASON\""),
        "goes past what asks for time or people",
    )))
}
