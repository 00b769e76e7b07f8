//! The share of the visitors that stays on the old release after commit, so that what serves is still
//! judged beside something. Belongs to the lane; is lent to nobody, and ends only when the router was
//! seen to end it. Judges nothing itself.

use serde::{Deserialize, Serialize};

use crate::ids::{CommandId, Revision};
use crate::journal::Event;
use crate::matrix::Decider;
use crate::promotion::command::{CommandOutcome, HeldBack, Order, Route};
use crate::promotion::state::{Kind, Lane, Promotion, Standby, State};
use crate::promotion::{RETRY_ONCE_CALLED, ROUTE_RETRY, Turn, standby};
use crate::units::{Span, Timestamp, Weight};

/// Visitors who stay on what stands by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holdback {
    /// Their share, as it was ordered. Zero: nobody stays, and it is only asked what the new one fails.
    pub share: Weight,
    /// Their share as the router was last seen to give it: less or none while the old release lost
    /// copies, more where the new one did, and all of it once the router's guard has gone back.
    pub observed: Weight,
    /// When it ends; not after the standby.
    pub until: Timestamp,
    /// Whether the router gives the old release everything at the outcome that condemns the new one;
    /// otherwise a person is asked.
    pub acts: bool,
    /// Set once its end was ordered and was not observed yet.
    #[serde(default)]
    pub ending: Option<HoldbackEnd>,
}

impl Holdback {
    /// Whether visitors are on it, or shall be. Otherwise there is nothing to tell of it.
    pub fn has_visitors(&self) -> bool {
        self.share > Weight::ZERO || self.observed > Weight::ZERO
    }
}

/// The end of a holdback on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldbackEnd {
    /// Why.
    pub sentence: String,
    /// Whether the standby ends with it.
    pub retires: bool,
    /// The command that does it; none while a failed one waits to be repeated.
    pub command: Option<CommandId>,
    /// The revision that it orders.
    pub revision: Revision,
    /// The revision that ordered it first; none if that is not known, and it is this one. A router that
    /// obeyed it or a later one holds nobody back, whatever became of the outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Revision>,
    /// When it was ordered first.
    pub since: Timestamp,
    /// When it is ordered again.
    pub retry_at: Option<Timestamp>,
}

/// What a commit of this promotion leaves on blue: nothing where going back would lose data, as the
/// visitors there would write what the new release does not read, and nothing where blue is `barred`.
pub(super) fn of_commit(promotion: &Promotion, barred: bool) -> Option<HeldBack> {
    let section = &promotion.plan.section;
    let rule = section.holdback.as_ref()?;
    let is_possible = promotion.plan.kind == Kind::Promote
        && section.router.is_some()
        && section.standby > Span::ZERO
        && !promotion.irreversible
        && !barred;
    Some(HeldBack {
        deployment: promotion.blue.clone().filter(|_| is_possible)?,
        share: rule.share,
        acts: rule.share > Weight::ZERO && section.rollback.mode == Decider::Automatic,
    })
}

/// Whether what would stay in the route is quarantined, so that nobody may be sent there any more.
pub(super) fn bars_blue(lane: &Lane, promotion: &Promotion) -> bool {
    let stays = of_commit(promotion, false).map(|held| held.deployment.release.digest);
    let settings = lane.serving.as_ref().and_then(|serving| serving.settings.as_ref());
    stays.is_some_and(|digest| lane.quarantine_under(&digest, settings).is_some())
}

/// What a route that returns to what serves leaves on what stands by.
pub(super) fn in_force(lane: &Lane) -> Option<HeldBack> {
    let standby = lane.standby.as_ref()?;
    let holdback = standby.holdback.as_ref().filter(|holdback| holdback.ending.is_none())?;
    Some(HeldBack {
        deployment: standby.deployment.clone(),
        share: holdback.share,
        acts: holdback.acts,
    })
}

/// Records that the commit was observed with the old release beside the new one, which has `weight`.
pub(super) fn begin(turn: &mut Turn<'_>, promotion: &Promotion, weight: Weight) {
    let barred = matches!(promotion.state, State::Committing { barred: true, .. });
    let Some(held) = of_commit(promotion, barred) else { return };
    let Some(standby) = turn.lane.standby.clone() else { return };
    let lasts = promotion.plan.section.holdback.as_ref().map_or(Span::ZERO, |rule| rule.lasts);
    let holdback = Holdback {
        share: held.share,
        observed: weight.rest(),
        until: turn.now.plus(lasts).min(standby.until),
        acts: held.acts,
        ending: None,
    };
    let version = &standby.deployment.release.version;
    let sentence = match held.share {
        Weight::ZERO => {
            format!("{version} is asked again what {} fails", promotion.plan.release.version)
        }
        share => format!("{share} of requests stay on {version}"),
    };
    change(turn, &standby, Some(holdback), sentence);
}

/// Ends a holdback whose time is over, and orders again what was not obeyed. A rollback that is on its
/// way to what stands by keeps it.
pub(super) fn advance(turn: &mut Turn<'_>) {
    let Some((standby, holdback)) = of(&turn.lane) else { return };
    if turn.active().is_some() {
        return;
    }
    match &holdback.ending {
        None if turn.now >= holdback.until => {
            let retires = turn.now >= standby.until;
            end(turn, "its time was over".to_owned(), retires);
        }
        Some(ending) if ending.retry_at.is_some_and(|at| turn.now >= at) => {
            order(turn, &standby, &holdback, ending.clone());
        }
        _ => {}
    }
}

/// Has the router end it. What stands by keeps its visitors until that was observed, and is stopped
/// after that if it `retires`. Safe to repeat.
pub(super) fn end(turn: &mut Turn<'_>, sentence: String, retires: bool) {
    let Some((standby, holdback)) = of(&turn.lane) else { return };
    match &holdback.ending {
        None => {
            let ending = HoldbackEnd {
                sentence,
                retires,
                command: None,
                revision: turn.next_revision(),
                first: Some(turn.next_revision()),
                since: turn.now,
                retry_at: None,
            };
            order(turn, &standby, &holdback, ending);
        }
        Some(ending) if retires && !ending.retires => {
            let ending = HoldbackEnd { retires, sentence: sentence.clone(), ..ending.clone() };
            change(turn, &standby, Some(Holdback { ending: Some(ending), ..holdback }), sentence);
        }
        Some(_) => {}
    }
}

/// The router ended it, or not.
pub(super) fn ended(turn: &mut Turn<'_>, outcome: &CommandOutcome) {
    let Some((standby, holdback)) = of(&turn.lane) else { return };
    let Some(ending) = holdback.ending.clone() else { return };
    match outcome {
        CommandOutcome::Routed { .. } => {
            change(turn, &standby, None, ending.sentence.clone());
            if ending.retires && turn.active().is_none() {
                standby::retire(turn, ending.sentence);
            }
        }
        CommandOutcome::RouteFailed { sentence } => {
            let wait = turn.now.since(ending.since).clamp(ROUTE_RETRY, RETRY_ONCE_CALLED);
            let retry_at = Some(turn.now.plus(wait));
            let ending = HoldbackEnd { command: None, retry_at, ..ending };
            let sentence = format!("it goes on: {sentence}");
            change(turn, &standby, Some(Holdback { ending: Some(ending), ..holdback }), sentence);
        }
        _ => turn.note("an outcome that does not belong to a route was ignored"),
    }
}

/// The router was looked at while it held a release back, and this is what the new one has of the
/// visitors. An order that was not obeyed leaves what an earlier revision said in force.
pub(super) fn observed(turn: &mut Turn<'_>, revision: Revision, weight: Weight) {
    let Some((standby, holdback)) = of(&turn.lane) else { return };
    // There the new release has no weight to be told because nothing is beside it.
    let is_over =
        holdback.ending.as_ref().is_some_and(|end| revision >= end.first.unwrap_or(end.revision));
    let observed = if is_over { Weight::ZERO } else { weight.rest() };
    if revision > turn.lane.last_revision || observed == holdback.observed {
        return;
    }
    let version = &standby.deployment.release.version;
    let sentence = format!("{observed} of requests are on {version}");
    change(turn, &standby, Some(Holdback { observed, ..holdback }), sentence);
}

/// Whether `command` is the one that ends it.
pub(super) fn is_waiting_for(lane: &Lane, command: CommandId) -> bool {
    of(lane).and_then(|(_, it)| it.ending).is_some_and(|it| it.command == Some(command))
}

/// Whether visitors may be on what stands by.
pub(super) fn is_up(lane: &Lane) -> bool {
    of(lane).is_some()
}

/// Whether the router gives the old release everything without a person's word.
pub(super) fn acts(lane: &Lane) -> bool {
    of(lane).is_some_and(|(_, holdback)| holdback.acts)
}

fn of(lane: &Lane) -> Option<(Standby, Holdback)> {
    let standby = lane.standby.as_ref()?;
    Some((standby.clone(), standby.holdback.clone()?))
}

fn order(turn: &mut Turn<'_>, standby: &Standby, holdback: &Holdback, ending: HoldbackEnd) {
    let Some((_, section)) = turn.declared() else {
        // Nobody knows its router any more: its instances are left alone, and its visitors with them.
        if ending.retires {
            standby::retire(turn, ending.sentence);
        }
        return;
    };
    let (command, revision) = (turn.next_command(), turn.next_revision());
    let default = turn.lane.serving.as_ref().map(|serving| serving.deployment.clone());
    let sentence = format!("ends: {}", ending.sentence);
    let ending = HoldbackEnd { command: Some(command), revision, retry_at: None, ..ending };
    let changed = Holdback { ending: Some(ending), ..holdback.clone() };
    change(turn, standby, Some(changed), sentence);
    let route = Route { default, ..Route::to_nobody(revision) };
    turn.order(command, Order::SetRoute { route, section: Box::new(section.clone()) });
}

fn change(turn: &mut Turn<'_>, standby: &Standby, holdback: Option<Holdback>, sentence: String) {
    let deployment = standby.deployment.number;
    turn.record(Event::HoldbackChanged { deployment, holdback: holdback.map(Box::new), sentence });
}
