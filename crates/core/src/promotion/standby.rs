//! What is kept ready after commit, and how instances go. Belongs to the lane, not to a promotion.

use crate::ids::PromotionNumber;
use crate::journal::Event;
use crate::matrix::LaneSpec;
use crate::promotion::Turn;
use crate::promotion::command::Order;

/// Ends a standby whose time is over.
pub(super) fn advance(turn: &mut Turn<'_>) {
    let over = turn.lane.standby.as_ref().is_some_and(|standby| turn.now >= standby.until);
    // A rollback that is on its way to the standby keeps it.
    if over && turn.active().is_none() {
        retire(turn, "its time was over".to_owned());
    }
}

/// Ends the standby, if there is one, and has its instances stopped.
pub(super) fn retire(turn: &mut Turn<'_>, sentence: String) {
    let Some(standby) = turn.lane.standby.clone() else { return };
    let deployment = standby.deployment.number;
    turn.record(Event::StandbyEnded { deployment, sentence });
    let declared = turn.declared().map(|(_, section)| section.clone());
    if let Some(section) = declared {
        stop(turn, deployment, &section);
    } else {
        turn.note("the lane is not in the matrix any more; its instances are left alone");
    }
}

/// Has a deployment's instances stopped when their open requests are done.
pub(super) fn stop(turn: &mut Turn<'_>, deployment: PromotionNumber, section: &LaneSpec) {
    let command = turn.next_command();
    turn.record(Event::StopOrdered { deployment, command });
    turn.order(command, Order::StopInstances { deployment, section: Box::new(section.clone()) });
}
