//! Freezes that people order and end, as the loop writes and clients see them. Decides nothing: what
//! follows from an order is the core's.

use std::collections::BTreeMap;

use towpath_core::freezing::{Freeze, Thaw};
use towpath_core::ids::LaneId;
use towpath_core::journal::Event;
use towpath_core::project::Common;
use towpath_core::promotion::held;
use towpath_core::promotion::state::Promotion;
use towpath_core::reason::Blocker;
use towpath_core::units::Timestamp;

use crate::orders::EngineError;
use crate::shared::Shared;
use crate::views::{FreezeView, time};

/// What is written for an order: the event, no lane, and who gave it.
type Written = (Event, Option<LaneId>, String);

/// What follows from the order to freeze.
pub(crate) fn freeze(
    shared: &Shared,
    order: Freeze,
    now: Timestamp,
) -> Result<Written, EngineError> {
    let actor = order.by.to_string();
    let event = shared.read(|project| project.common.freeze(order, now));
    Ok((event.map_err(EngineError::Refused)?, None, actor))
}

/// What follows from the order to thaw.
pub(crate) fn thaw(shared: &Shared, order: Thaw, now: Timestamp) -> Result<Written, EngineError> {
    let actor = order.by.to_string();
    let event = shared.read(|project| project.common.thaw(order, now));
    Ok((event.map_err(EngineError::Refused)?, None, actor))
}

/// Whether it may take the last space of the disk: to stop is never delayed for want of space.
pub(crate) fn is_urgent(event: &Event) -> bool {
    matches!(event, Event::Frozen(_))
}

/// Has lanes with something open looked at now, which a freeze or its end concerns at once. Answers whether
/// the event was one of both.
pub(crate) fn wakes(
    shared: &Shared,
    event: &Event,
    now: Timestamp,
    wakes: &mut BTreeMap<LaneId, Timestamp>,
) -> bool {
    if !matches!(event, Event::Frozen(_) | Event::Thawed(_)) {
        return false;
    }
    shared.read(|project| {
        let lanes = project.lanes.values();
        let open = lanes.filter(|lane| lane.active.is_some() || !lane.waiting.is_empty());
        wakes.extend(open.map(|lane| (lane.id.clone(), now)));
    });
    true
}

/// What is frozen now, in the order in which it was.
pub(crate) fn views(common: &Common, now: Timestamp) -> Vec<FreezeView> {
    let each = common.freezes_on(now).map(|freeze| FreezeView {
        environment: freeze.scope.environment.as_ref().map(ToString::to_string),
        service: freeze.scope.service.as_ref().map(ToString::to_string),
        reason: freeze.reason.clone(),
        by: freeze.by.to_string(),
        since: time(freeze.since),
        until: freeze.until.map(time),
        except: freeze.except.iter().map(|change| change.as_str().to_owned()).collect(),
    });
    each.collect()
}

/// What of it holds a promotion.
pub(crate) fn holding(shared: &Shared, promotion: &Promotion, now: Timestamp) -> Vec<Blocker> {
    shared.read(|project| held::blockers(&project.common, promotion, now))
}
