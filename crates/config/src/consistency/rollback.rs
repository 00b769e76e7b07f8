//! Whether the way back that is declared could be gone or barred. Takes nothing back itself.

use towpath_core::matrix::Decider;
use towpath_core::units::Span;

use super::Lane;
use super::values::{flag, texts};
use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::tree::Node;

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

/// A role that asks for a second factor where something must go back while everybody sleeps.
pub(super) fn mfa_on_unattended_role(lane: &Lane<'_>, problems: &mut Problems) {
    let mfa = lane.get("iam", "mfa").filter(|mfa| flag(mfa) == Some(true));
    let automatic = lane.spec.is_some_and(|spec| spec.rollback.mode == Decider::Automatic);
    let (Some(mfa), true) = (mfa, automatic) else { return };
    if lane.get("iam", "unattended_role").is_some() {
        return;
    }
    let role = lane.role().unwrap_or_else(|| format!("the role of {}", lane.name()));
    let mut problem = Problem::new(
        Code::MfaOnUnattendedRole,
        mfa.extent,
        format!("{role} asks for MFA, and must roll back when nobody is there"),
    )
    .label("at night nobody types the code")
    .next("add `unattended_role:`, a role without MFA that may only roll back");
    if let Some(mode) = lane.get("rollback", "mode") {
        problem = problem.related(mode.extent, "goes back without a person");
    }
    lane.add(problem, problems);
}

/// Unused resources that are deleted at once, which a standby is until it is needed.
pub(super) fn delete_unused_and_standby(lane: &Lane<'_>, problems: &mut Problems) {
    let Some(spec) = lane.spec.filter(|spec| spec.standby > Span::ZERO) else { return };
    let when = lane.get("costs", "delete_unused");
    let strategy = lane.get("costs", "strategy").into_iter().flat_map(texts);
    let by_strategy = strategy.filter(|(word, _)| *word == "delete-unused").map(|(_, node)| node);
    let place = match when.and_then(Node::text) {
        Some("at-once") => when,
        Some(_) => None,
        None => by_strategy.into_iter().next(),
    };
    let Some(place) = place else { return };
    let name = lane.name();
    let message = format!(
        "{name} deletes what is unused, and its old release stands by unused for {}",
        spec.standby
    );
    let mut problem = Problem::new(Code::DeleteUnusedAndStandby, place.extent, message)
        .label("whoever cleans up takes away what a rollback needs")
        .next("write `delete_unused: after-standby`");
    if let Some(standby) = lane.node.node.get("standby") {
        problem = problem.related(standby.extent, "kept to go back to");
    }
    lane.add(problem, problems);
}
