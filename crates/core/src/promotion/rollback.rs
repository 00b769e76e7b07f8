//! Makes a rollback: a promotion of its own to the last verified release, exempt from gates, never
//! from the journal. One attempt, then a person.

use crate::ids::{Person, PromotionNumber};
use crate::journal::{Event, Requested};
use crate::matrix::{Decider, LaneSpec};
use crate::plan::Plan;
use crate::promotion::entering::serves;
use crate::promotion::state::{Ended, Kind, Outcome, Verified};
use crate::promotion::{Taken, Turn, WAIT_LIMIT, holdback, starting};
use crate::reason::{Refusal, RefusalKind};
use crate::release::Release;

/// Why and by whom something is taken back.
#[derive(Clone)]
pub(super) struct Cause {
    /// Who.
    pub(super) by: Person,
    /// Why.
    pub(super) reason: Option<String>,
    /// Whether what goes is quarantined.
    pub(super) quarantine: bool,
    /// Whether the release itself must go: its former settings are no way back then.
    pub(super) leaves_release: bool,
}

/// Why, for the journal.
pub(super) fn said(cause: &Cause) -> String {
    match &cause.reason {
        Some(reason) => format!("{}: {reason}", cause.by),
        None => format!("{} rolled it back", cause.by),
    }
}

/// Rolls back what serves.
///
/// # Errors
/// Nothing was recorded then: there is nothing to return to, or the lane is not declared any more.
pub(super) fn from_serving(turn: &mut Turn<'_>, cause: &Cause) -> Taken {
    let environment = turn.lane.id.environment.clone();
    let Some(target) = target(turn, cause.leaves_release).cloned() else {
        return Err(Box::new(nothing_to_return_to(turn)));
    };
    let Some((_, section)) = turn.declared() else {
        let message = format!("{environment} is not in the matrix any more");
        let cause = "the matrix in force does not declare it";
        return Err(Box::new(Refusal::new(
            RefusalKind::NotFound,
            "no-environment",
            message,
            cause,
        )));
    };
    let number = turn.next_promotion();
    let section = under_settings_of(turn, &target, section);
    let plan = Plan::new(&turn.lane, Kind::Rollback, target.release.clone(), &section, &[]);
    turn.record(Event::PromotionRequested(Box::new(Requested {
        number,
        plan,
        from: None,
        offered_by: None,
        by: cause.by.clone(),
        behind: Vec::new(),
        reason: cause.reason.clone(),
        deadline: turn.now.plus(WAIT_LIMIT),
        irreversible: false,
        bound_to_plan: false,
        overrides_window: false,
        signed: None,
        trace: None,
    })));
    if cause.quarantine
        && let Some(bad) = turn.lane.serving.clone()
    {
        let (reason, release) = (said(cause), bad.deployment.release);
        // What returns to the settings before is to blame for nothing but the settings.
        let settings = bad.settings.filter(|_| release == target.release);
        turn.record(Event::ReleaseQuarantined { release, number, reason, settings });
    }
    if let Some(promotion) = turn.lane.promotion(number).cloned() {
        starting::begin(turn, &promotion);
    }
    Ok(())
}

fn target<'a>(turn: &'a Turn<'_>, leaves_release: bool) -> Option<&'a Verified> {
    if leaves_release { turn.lane.target_of_another_release() } else { turn.lane.rollback_target() }
}

/// The lane's declarations with the settings that the release was verified under, where they are known.
fn under_settings_of(turn: &Turn<'_>, target: &Verified, section: &LaneSpec) -> LaneSpec {
    let known = target.settings.as_ref().and_then(|name| turn.lane.known_settings.get(name));
    let settings = known.unwrap_or(&section.settings).clone();
    LaneSpec { settings, ..section.clone() }
}

/// The refusal of a rollback without a release to return to.
pub(super) fn nothing_to_return_to(turn: &Turn<'_>) -> Refusal {
    let environment = &turn.lane.id.environment;
    let quarantined: Vec<_> =
        turn.lane.quarantined.iter().map(|one| one.release.version.as_str()).collect();
    let cause = if quarantined.is_empty() {
        "no other release was ever verified here".to_owned()
    } else {
        format!("{} is quarantined here, and nothing else was verified", quarantined.join(", "))
    };
    let message = format!(
        "{environment} was not changed: there is no release to go back to; {}",
        serves(&turn.lane)
    );
    let mut refusal = Refusal::new(RefusalKind::Gate, "nothing-to-return-to", message, cause);
    if let Some(version) = quarantined.last() {
        let command =
            format!("towpath quarantine lift {environment} {version} --reason \"REASON\"");
        refusal = refusal.next(command, "then roll back again");
    }
    refusal.next("towpath release list", "what there is")
}

/// Somebody gives the reason that a rollback owes. What was done stays as it was done.
pub(super) fn explained(
    turn: &mut Turn<'_>,
    number: PromotionNumber,
    by: &Person,
    reason: &str,
) -> Taken {
    if turn.lane.owed.iter().any(|owed| owed.number == number) {
        let (by, reason) = (by.clone(), reason.to_owned());
        turn.record(Event::ReasonGiven { number, by, reason });
        return Ok(());
    }
    let environment = &turn.lane.id.environment;
    let open = turn.lane.promotion(number).map(|one| one.plan.kind);
    let ended = || turn.lane.ended.iter().find(|one| one.number == number).map(|one| one.kind);
    let (kind, code, message, cause) = match open.or_else(ended) {
        Some(Kind::Rollback) => (
            RefusalKind::Conflict,
            "has-a-reason",
            format!("rollback {number} was not changed"),
            "it has its reason, and what the journal keeps is never changed",
        ),
        Some(Kind::Promote) => (
            RefusalKind::Conflict,
            "not-a-rollback",
            format!("promotion {number} is no rollback"),
            "only a rollback may give its reason later, as it must work at once",
        ),
        None => (
            RefusalKind::NotFound,
            "no-promotion",
            format!("there is no rollback {number} in {environment} that owes a reason"),
            "no promotion with this number was asked for in this lane, or it is long over",
        ),
    };
    Err(Box::new(
        Refusal::new(kind, code, message, cause)
            .next(format!("towpath history {environment}"), "those that were, and why"),
    ))
}

/// One attempt, then a person (design.md section 6): a rollback from what serves that did not succeed.
fn was_tried(turn: &Turn<'_>) -> bool {
    let Some(serving) = &turn.lane.serving else { return false };
    let tried = |ended: &Ended| {
        ended.kind == Kind::Rollback
            && ended.number > serving.promotion
            && ended.outcome != Outcome::Succeeded
    };
    turn.lane.ended.iter().any(tried)
}

/// Nothing moves by itself away from a release whose migrations cannot be reversed. To other settings of
/// the same release they are no obstacle.
fn serves_what_cannot_be_taken_back(turn: &Turn<'_>, leaves_release: bool) -> bool {
    let serving = turn.lane.serving.as_ref().map(|serving| &serving.deployment.release);
    if target(turn, leaves_release).map(|target| &target.release) == serving {
        return false;
    }
    let release = turn.lane.serving.as_ref().and_then(|serving| {
        turn.common().release_of(&turn.lane.id.service, &serving.deployment.release)
    });
    release.is_some_and(Release::is_irreversible)
}

/// A trigger fired on what serves: acts, or asks a person, as the matrix says.
pub(super) fn triggered(turn: &mut Turn<'_>, reason: String, by: Person) {
    let cause = Cause { by, reason: Some(reason), quarantine: true, leaves_release: false };
    triggered_by(turn, &cause);
}

/// As [`triggered`], for a cause that knows what must go.
pub(super) fn triggered_by(turn: &mut Turn<'_>, cause: &Cause) {
    if turn.active().is_none() && acts_by_itself(turn, cause.leaves_release) {
        if let Err(refusal) = from_serving(turn, cause) {
            turn.note(refusal.message);
        }
    } else if turn.lane.asks.is_none() {
        let reason = cause.reason.clone().unwrap_or_else(|| said(cause));
        turn.record(Event::RollbackAsked { reason });
    }
}

/// Whether a trigger may roll back what serves without a person's word.
pub(super) fn acts_by_itself(turn: &Turn<'_>, leaves_release: bool) -> bool {
    let mode = turn.declared().map_or(Decider::Manual, |(_, section)| section.rollback.mode);
    // Where a router acts at the deciding outcome it has done so by now, as it was planned.
    let has_acted = holdback::acts(&turn.lane);
    (mode == Decider::Automatic || has_acted)
        && target(turn, leaves_release).is_some()
        && !was_tried(turn)
        && !serves_what_cannot_be_taken_back(turn, leaves_release)
}
