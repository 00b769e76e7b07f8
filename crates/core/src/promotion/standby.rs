//! What is kept ready after commit, and how instances go. Belongs to the lane, not to a promotion.

use crate::ids::PromotionNumber;
use crate::journal::Event;
use crate::matrix::LaneSpec;
use crate::promotion::command::{CommandOutcome, Order};
use crate::promotion::{STOP_RETRY, Turn, WAIT_LIMIT, holdback};

/// Ends a standby whose time is over, and tells again what could not be stopped.
pub(super) fn advance(turn: &mut Turn<'_>) {
    stop_again(turn);
    holdback::advance(turn);
    let over = turn.lane.standby.as_ref().is_some_and(|standby| turn.now >= standby.until);
    // A rollback that is on its way to the standby keeps it.
    if over && turn.active().is_none() {
        end(turn, "its time was over".to_owned());
    }
}

/// Ends the standby, once no visitor is sent there any more.
pub(super) fn end(turn: &mut Turn<'_>, sentence: String) {
    if holdback::is_up(&turn.lane) {
        holdback::end(turn, sentence, true);
    } else {
        retire(turn, sentence);
    }
}

/// Ends the standby, if there is one, and has its instances stopped. No visitor may be on it.
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

/// They are gone, or could not be stopped. A stop that failed is told again until it is done: nobody
/// else knows these instances any more.
pub(super) fn ended(turn: &mut Turn<'_>, deployment: PromotionNumber, outcome: &CommandOutcome) {
    match outcome {
        CommandOutcome::Stopped => turn.record(Event::InstancesStopped { deployment }),
        CommandOutcome::StopFailed { sentence } => turn.record(Event::StopFailed {
            deployment,
            sentence: sentence.clone(),
            retry_at: turn.now.plus(STOP_RETRY),
        }),
        _ => turn.note("an outcome that does not belong to stopping instances was ignored"),
    }
}

fn stop_again(turn: &mut Turn<'_>) {
    let due: Vec<_> = turn
        .lane
        .stop_again
        .iter()
        .filter(|(_, at)| turn.now >= **at)
        .map(|(one, _)| *one)
        .collect();
    let declared = turn.declared().map(|(_, section)| section.clone());
    for deployment in due {
        if let Some(section) = &declared {
            stop(turn, deployment, section);
        } else {
            let sentence = "the lane is not in the matrix any more".to_owned();
            let retry_at = turn.now.plus(WAIT_LIMIT);
            turn.record(Event::StopFailed { deployment, sentence, retry_at });
        }
    }
}

/// Has a deployment's instances stopped when their open requests are done.
pub(super) fn stop(turn: &mut Turn<'_>, deployment: PromotionNumber, section: &LaneSpec) {
    let command = turn.next_command();
    turn.record(Event::StopOrdered { deployment, command });
    turn.order(command, Order::StopInstances { deployment, section: Box::new(section.clone()) });
}
