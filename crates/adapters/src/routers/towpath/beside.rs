//! Two arms as the lane knows them and as the proxy does. For the proxy the release that is judged is the
//! candidate and the default arm is what it goes back to, before commit and after it; a lane whose old
//! release keeps visitors after commit calls the new one its default. One that keeps none stands by for
//! both. Owns that translation.

use towpath_core::units::{Span, Weight};
use towpath_ports::router::{Candidate, DesiredRoute, HeldBackArm, ObservedRoute};
use towpath_proxy::{ALL_BP, ArmSpec, CandidateSpec, OnSilence, RouteStatus, StandbySpec};

use super::{arm, number, twice};

/// The default arm and the candidate of the proxy's route.
pub(super) fn arms(desired: &DesiredRoute) -> (Option<ArmSpec>, Option<CandidateSpec>) {
    let (Some(held), Some(serves)) = (with_visitors(desired), &desired.default) else {
        return (desired.default.as_ref().map(arm), desired.candidate.as_ref().map(lent));
    };
    let candidate = CandidateSpec {
        arm: arm(serves),
        weight_bp: ALL_BP - held.share.basis_points(),
        // Nobody has to be there for a release that has entered.
        lease_ms: None,
        on_silence: OnSilence::ReturnToDefault,
        rescue: held.rescue.as_ref().map(twice::rescue),
        mirror: None,
    };
    (Some(arm(&held.deployment)), Some(candidate))
}

/// What is asked again what the default arm fails, and has no visitors of its own.
pub(super) fn standby(desired: &DesiredRoute) -> Option<StandbySpec> {
    let held = desired.held_back.as_ref().filter(|held| held.share == Weight::ZERO)?;
    let rescue = twice::rescue(held.rescue.as_ref()?);
    Some(StandbySpec { arm: arm(&held.deployment), rescue })
}

fn with_visitors(desired: &DesiredRoute) -> Option<&HeldBackArm> {
    desired.held_back.as_ref().filter(|held| held.share > Weight::ZERO)
}

/// Whether the proxy's guard takes the weight of what it finds unhealthy.
pub(super) fn guard_acts(desired: &DesiredRoute) -> bool {
    match (with_visitors(desired), &desired.candidate) {
        (Some(held), _) => held.acts,
        (None, Some(candidate)) => !candidate.freeze_on_silence,
        (None, None) => true,
    }
}

/// What was observed, in the lane's words. A candidate beside a default arm is lent its weight until it
/// is committed; one that is lent nothing has taken the default arm's place.
pub(super) fn of_the_lane(status: &RouteStatus, observed: ObservedRoute) -> ObservedRoute {
    if let Some(standby) = &status.spec.standby {
        return ObservedRoute {
            held_back: number(&standby.arm.deployment),
            weight: Weight::FULL,
            ..observed
        };
    }
    let lends = |candidate: &CandidateSpec| candidate.lease_ms.is_some();
    let is_lent = status.spec.candidate.as_ref().is_none_or(lends);
    let serves = observed.candidate.filter(|_| !is_lent && observed.default.is_some());
    let Some(serves) = serves else { return observed };
    ObservedRoute {
        default: Some(serves),
        default_ready: observed.candidate_ready,
        candidate: None,
        candidate_ready: 0,
        held_back: observed.default,
        ..observed
    }
}

fn lent(candidate: &Candidate) -> CandidateSpec {
    CandidateSpec {
        arm: arm(&candidate.deployment),
        weight_bp: candidate.weight.basis_points(),
        lease_ms: candidate.lease.map(Span::milliseconds),
        on_silence: if candidate.freeze_on_silence {
            OnSilence::Freeze
        } else {
            OnSilence::ReturnToDefault
        },
        rescue: candidate.rescue.as_ref().map(twice::rescue),
        mirror: candidate.mirror.as_ref().map(twice::mirror),
    }
}
