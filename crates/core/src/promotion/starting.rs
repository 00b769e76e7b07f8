//! Takes the lane and makes sure of green beside blue: starts it, or looks whether what stands by still
//! answers. Moves no traffic.

use crate::deployment::Deployment;
use crate::ids::{CommandId, PromotionNumber};
use crate::journal::Event;
use crate::promotion::command::{CommandOutcome, Order};
use crate::promotion::state::{Kind, Promotion, Standby, State};
use crate::promotion::{Turn, approving, going_back, owing, standby};

/// Takes the lane: from here the promotion has effects. A rollback whose release stands by goes back
/// to what stands by, under the number that started it; copies of it that are gone are started.
pub(super) fn begin(turn: &mut Turn<'_>, promotion: &Promotion) {
    if promotion.plan.kind == Kind::Promote {
        standby::retire(turn, format!("promotion {} takes its place", promotion.number));
    }
    let number = promotion.number;
    let command = turn.next_command();
    let blue = turn.lane.serving.as_ref().map(|serving| serving.deployment.clone());
    let stands_by = what_stands_by(turn, promotion);
    let standby = stands_by.as_ref().map(|one| one.number);
    let approved = approving::agreed(turn, promotion);
    turn.record(Event::PromotionStarted { number, command, blue, standby, approved });
    owing::started(turn, promotion);
    let capacity = stands_by.map_or(promotion.plan.section.instances, |one| one.capacity);
    order(turn, promotion, command, standby.unwrap_or(number), capacity);
}

fn what_stands_by(turn: &Turn<'_>, promotion: &Promotion) -> Option<Deployment> {
    let plan = &promotion.plan;
    let is_it = |standby: &&Standby| {
        plan.kind == Kind::Rollback
            && standby.deployment.release == plan.release
            && standby.settings.as_ref().is_none_or(|settings| *settings == plan.settings())
    };
    turn.lane.standby.as_ref().filter(is_it).map(|standby| standby.deployment.clone())
}

fn order(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    command: CommandId,
    deployment: PromotionNumber,
    instances: u32,
) {
    let blue = turn.lane.serving.as_ref().map(|serving| serving.deployment.clone());
    let mut section = promotion.plan.section.clone();
    section.instances = instances;
    let release = promotion.plan.release.clone();
    let section = Box::new(section);
    turn.order(command, Order::StartInstances { deployment, release, section, blue });
}

/// The instances are ready, or not.
pub(super) fn ended(turn: &mut Turn<'_>, promotion: &Promotion, outcome: &CommandOutcome) {
    match outcome {
        CommandOutcome::Started { endpoints, blue_ready } => {
            let stands_by = what_stands_by(turn, promotion);
            let stands_by = stands_by.filter(|one| Some(one.number) == promotion.standby);
            let capacity = stands_by.map_or(promotion.plan.section.instances, |one| one.capacity);
            let green = Deployment {
                number: promotion.standby.unwrap_or(promotion.number),
                release: promotion.plan.release.clone(),
                capacity,
                endpoints: endpoints.clone(),
            };
            turn.record(Event::InstancesReady {
                number: promotion.number,
                green,
                blue_ready: *blue_ready,
            });
        }
        CommandOutcome::StartFailed { sentence, .. } if promotion.standby.is_some() => {
            start_anew(turn, promotion, sentence);
        }
        CommandOutcome::StartFailed { sentence, said } => {
            let mut ending = going_back::failed(match &promotion.standby_failed {
                Some(first) => format!("{sentence}; what stood by had failed as well: {first}"),
                None => sentence.clone(),
            });
            ending.said.clone_from(said);
            going_back::begin(turn, promotion, ending);
        }
        _ => turn.note("an outcome that does not belong to starting instances was ignored"),
    }
}

/// Still the same attempt: what stands by is left as it is until the commit, as it may be all that
/// there is to return to later.
fn start_anew(turn: &mut Turn<'_>, promotion: &Promotion, sentence: &str) {
    let command = turn.next_command();
    let number = promotion.number;
    turn.record(Event::StandbyGivenUp { number, command, sentence: sentence.to_owned() });
    order(turn, promotion, command, number, promotion.plan.section.instances);
}

/// Whether `number` is starting under this command.
pub(super) fn is_waiting_for(promotion: &Promotion, command: CommandId) -> bool {
    matches!(promotion.state, State::Starting { command: own } if own == command)
}
