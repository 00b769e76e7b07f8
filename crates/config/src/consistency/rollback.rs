//! Whether the way back that is declared could be gone. Takes nothing back itself.

use towpath_core::matrix::Decider;
use towpath_core::units::Span;

use super::Lane;
use crate::codes::Code;
use crate::problem::{Problem, Problems};

/// Triggers that act after commit where nothing is kept to go back to.
pub(super) fn without_standby(lane: &Lane<'_>, problems: &mut Problems) {
    let Some(spec) = lane.spec else { return };
    if spec.standby > Span::ZERO || spec.rollback.mode == Decider::Manual {
        return;
    }
    let Some(mode) = lane.get("rollback", "mode") else { return };
    let name = lane.name();
    let mut problem = Problem::new(
        Code::RollbackWithoutStandby,
        mode.extent,
        format!("{name} goes back automatically after commit, but keeps nothing to go back to"),
    )
    .label("triggers are watched until standby ends, and there is none")
    .next("add `standby: 1h`, or write `mode: manual`");
    if let Some(standby) = lane.node.node.get("standby") {
        problem = problem.related(standby.extent, "no standby");
    }
    lane.add(problem, problems);
}
