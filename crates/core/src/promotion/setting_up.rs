//! A change of the matrix that moves settings alone: what serves enters its lane again under them, as a
//! change of the type configuration. Owns when that is so and when it happens by itself; the gates,
//! people and steps of the type are asked and taken like those of any other promotion.

use crate::ids::Person;
use crate::journal::Event;
use crate::matrix::{Decider, LaneSpec};
use crate::promotion::entering::{Checked, serves};
use crate::promotion::input::PromotionOrder;
use crate::promotion::state::{Kind, Lane, Outcome, Promotion};
use crate::promotion::{Turn, intake};
use crate::reason::{Refusal, RefusalKind};
use crate::release::{ChangeType, Release, ReleaseRef};
use crate::settings::{self, SettingChange};

/// What would be different for the release that serves if it ran under what the matrix declares now.
/// Empty where nothing would, and where older versions put it there and nobody knows under what.
pub fn moved(lane: &Lane, section: &LaneSpec, release: &Release) -> Vec<SettingChange> {
    let Some(before) = lane.settings_of_serving() else { return Vec::new() };
    let under = |declared| settings::in_force(release, declared);
    settings::changes(&under(before), &under(&section.settings))
}

/// What a release that serves is where its settings alone change: the type that they are, without the
/// migrations that it brought when it came, and from no branch: its commit changes nothing any more.
pub(super) fn as_configuration(release: Release) -> Release {
    let change_type = ChangeType::Configuration;
    Release { change_type, migrations: Vec::new(), branch: None, ..release }
}

/// What a promotion that waits would be by now. One that changes settings alone is over once something
/// else serves, or nothing is left to change.
pub(super) fn again(
    lane: &Lane,
    section: &LaneSpec,
    waiting: &Promotion,
    release: Option<&Release>,
) -> Checked<(Option<Release>, Vec<SettingChange>)> {
    let Some(release) = release.cloned().filter(|_| waiting.plan.is_settings_alone()) else {
        return Ok((release.cloned(), Vec::new()));
    };
    let own = ReleaseRef::from(&release);
    let still = lane.serving.as_ref().is_some_and(|serving| serving.deployment.release == own);
    let moved = moved(lane, section, &release);
    if still && !moved.is_empty() {
        return Ok((Some(as_configuration(release)), moved));
    }
    let cause = if still {
        format!("{} runs under these settings by now", release.version)
    } else {
        format!("it changes settings of {}, which does not serve any more", release.version)
    };
    let message = format!("there is nothing to set up; {}", serves(lane));
    Err(Box::new(Refusal::new(RefusalKind::Conflict, "nothing-to-set-up", message, cause)))
}

/// Orders the change where the lane takes releases by itself, once: what was tried and ended, whatever its
/// end, is tried again by a person. So is what follows harm that settings may have done: which of them did
/// it nobody knows.
pub(super) fn by_itself(turn: &mut Turn<'_>) {
    let Some(release) = due(turn) else { return };
    let order = PromotionOrder {
        release: Some(release.version.clone()),
        reason: Some("the matrix changes its settings".to_owned()),
        ..PromotionOrder::of(Person::automatic())
    };
    if let Err(refusal) = intake::promotion_ordered(turn, &order) {
        turn.note(format!("the settings of {} stay: {}", release.version, refusal.message));
    }
}

fn due<'a>(turn: &Turn<'a>) -> Option<&'a Release> {
    let (environment, section) = turn.declared()?;
    let lane = &turn.lane;
    let is_free = lane.active.is_none()
        && lane.waiting.is_empty()
        && lane.remembered.is_none()
        && lane.asks.is_none();
    // The number of the next promotion is known once a turn.
    let is_asked = |event: &Event| matches!(event, Event::PromotionRequested(_));
    if environment.promote != Decider::Automatic || !is_free || turn.events.iter().any(is_asked) {
        return None;
    }
    let serving = lane.serving.as_ref()?;
    let settings = settings::digest(&section.settings);
    let came_back =
        |number| lane.ended.iter().any(|one| one.number == number && one.kind == Kind::Rollback);
    let last = lane.ended.iter().rev().find(|one| one.settings.is_some());
    let was_tried = last.is_some_and(|one| {
        one.release == serving.deployment.release && one.settings.as_ref() == Some(&settings)
    });
    let was_harmed = lane.ended.last().is_some_and(|one| one.outcome == Outcome::RolledBack)
        || lane.quarantined.iter().any(|one| {
            one.settings.is_some() && one.release.digest == serving.deployment.release.digest
        });
    // Whoever went back wanted what was before, and settings may be why.
    if was_harmed
        || was_tried
        || came_back(serving.promotion)
        || serving.settings.as_ref() == Some(&settings)
    {
        return None;
    }
    let release = turn.common().release_of(&lane.id.service, &serving.deployment.release)?;
    let is_new = !moved(lane, section, release).is_empty() && lane.is_verified(&release.digest);
    is_new.then_some(release)
}
