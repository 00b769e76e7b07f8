//! Takes the lane and has green started beside blue. Moves no traffic.

use crate::ids::PromotionNumber;
use crate::journal::Event;
use crate::promotion::command::{CommandOutcome, Order};
use crate::promotion::state::{Kind, Promotion, State};
use crate::promotion::{Turn, committing, going_back};
use crate::{deployment::Deployment, promotion::standby};

/// Takes the lane: from here the promotion has effects.
pub(super) fn begin(turn: &mut Turn<'_>, promotion: &Promotion) {
    if promotion.plan.kind == Kind::Promote {
        standby::retire(turn, format!("promotion {} takes its place", promotion.number));
    }
    let command = turn.next_command();
    let blue = turn.lane.serving.as_ref().map(|serving| serving.deployment.clone());
    turn.record(Event::PromotionStarted { number: promotion.number, command, blue: blue.clone() });
    turn.order(
        command,
        Order::StartInstances {
            deployment: promotion.number,
            release: promotion.plan.release.clone(),
            section: Box::new(promotion.plan.section.clone()),
            blue,
        },
    );
}

/// The instances are ready, or not.
pub(super) fn ended(turn: &mut Turn<'_>, promotion: &Promotion, outcome: &CommandOutcome) {
    match outcome {
        CommandOutcome::Started { endpoints, blue_ready } => {
            let green = Deployment {
                number: promotion.number,
                release: promotion.plan.release.clone(),
                capacity: promotion.plan.section.instances,
                endpoints: endpoints.clone(),
            };
            turn.record(Event::InstancesReady {
                number: promotion.number,
                green,
                blue_ready: *blue_ready,
            });
        }
        CommandOutcome::StartFailed { sentence, said } => {
            let mut ending = going_back::failed(sentence.clone());
            ending.said.clone_from(said);
            going_back::begin(turn, promotion, ending);
        }
        _ => turn.note("an outcome that does not belong to starting instances was ignored"),
    }
}

/// Whether `number` is starting under this command.
pub(super) fn is_waiting_for(promotion: &Promotion, command: crate::ids::CommandId) -> bool {
    matches!(promotion.state, State::Starting { command: own } if own == command)
}

/// A rollback whose release stands by needs no start.
pub(super) fn begin_from_standby(turn: &mut Turn<'_>, number: PromotionNumber) {
    let Some(standby) = turn.lane.standby.clone() else { return };
    let command = turn.next_command();
    let blue = turn.lane.serving.as_ref().map(|serving| serving.deployment.clone());
    turn.record(Event::PromotionStarted { number, command, blue });
    turn.record(Event::InstancesReady { number, green: standby.deployment, blue_ready: true });
    if let Some(promotion) = turn.lane.active.clone() {
        committing::begin(turn, &promotion);
    }
}
