//! What a route is at: its spec, who owns it, and whether the candidate's lease still holds.
//! Pure: time is an argument. Knows neither sockets nor files.

use serde::{Deserialize, Serialize};

use crate::route::check_lease;
use crate::{OnSilence, Refusal, RouteSpec};

/// Whether the candidate's weight is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The spec's weight is in force.
    #[default]
    Held,
    /// The lease ended unrenewed; all traffic went back to the default arm.
    Lapsed,
    /// The lease ended unrenewed and the weight stays, because the default arm could not serve or
    /// because the spec says so.
    Frozen,
    /// The guard found the candidate unhealthy; all traffic went back to the default arm.
    Judged,
}

/// Why the traffic was last divided anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchCause {
    /// An apply.
    Applied,
    /// A lease that ended.
    Lapsed,
    /// The guard's finding.
    Judged,
    /// The proxy started again.
    Restarted,
}

/// The last time the traffic was divided anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// When, in milliseconds since 1970 (UTC).
    pub at_unix_ms: u64,
    /// Why.
    pub cause: SwitchCause,
    /// The candidate's weight before, in basis points.
    pub from_bp: u16,
    /// The candidate's weight since, in basis points.
    pub to_bp: u16,
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Now {
    /// Microseconds on the proxy's monotonic clock.
    pub(crate) monotonic_us: u64,
    /// Milliseconds since 1970.
    pub(crate) unix_ms: u64,
}

/// The part of a route that survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedRoute {
    pub(crate) name: String,
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
    /// Whether the weight was frozen, which a restart must not undo.
    #[serde(default)]
    pub(crate) hold: Hold,
    /// None remembers only who removed the route, so that an older owner cannot bring it back.
    pub(crate) spec: Option<RouteSpec>,
}

/// What an apply amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The very same apply was done before.
    Repeated,
    /// Something new.
    New,
}

/// One route in force.
#[derive(Clone, Debug)]
pub(crate) struct RouteState {
    pub(crate) spec: RouteSpec,
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
    pub(crate) hold: Hold,
    /// When the lease ends, on the monotonic clock; none where nothing is lent any more.
    pub(crate) deadline_us: Option<u64>,
    pub(crate) last_switch: Option<Switch>,
}

impl SavedRoute {
    /// Whether somebody at `epoch` and `revision` may set the route to `spec`.
    pub(crate) fn admit(
        &self,
        spec: Option<&RouteSpec>,
        epoch: u64,
        revision: u64,
    ) -> Result<Admission, Refusal> {
        if epoch < self.epoch {
            return Err(Refusal::StaleEpoch { current: self.epoch });
        }
        if epoch > self.epoch || revision > self.revision {
            return Ok(Admission::New);
        }
        if revision < self.revision {
            return Err(Refusal::StaleRevision { current: self.revision });
        }
        if spec == self.spec.as_ref() {
            return Ok(Admission::Repeated);
        }
        Err(Refusal::RevisionReused { current: self.revision })
    }
}

impl RouteState {
    /// The route as an admitted apply leaves it; `before` is the route it takes the place of.
    pub(crate) fn applied(
        spec: RouteSpec,
        (epoch, revision): (u64, u64),
        before: Option<&Self>,
        now: Now,
    ) -> Self {
        let lease_ms = spec.candidate.as_ref().and_then(|candidate| candidate.lease_ms);
        let deadline_us = lease_ms.map(|lease| now.monotonic_us + lease * 1000);
        let mut state =
            Self { spec, epoch, revision, hold: Hold::Held, deadline_us, last_switch: None };
        state.last_switch = Some(Switch {
            at_unix_ms: now.unix_ms,
            cause: SwitchCause::Applied,
            from_bp: before.map_or(0, Self::weight_bp),
            to_bp: state.weight_bp(),
        });
        state
    }

    /// The route as it is after a restart of the proxy: what was lent is given back, since nobody
    /// knows how long the silence lasted.
    pub(crate) fn restored(
        spec: RouteSpec,
        (epoch, revision): (u64, u64),
        hold: Hold,
        unix_ms: u64,
    ) -> Self {
        let mut state = Self { spec, epoch, revision, hold, deadline_us: None, last_switch: None };
        if hold != Hold::Held {
            return state;
        }
        let leased = state.spec.candidate.as_ref().is_some_and(|c| c.lease_ms.is_some());
        if leased {
            let default_may_serve = state.spec.default.is_some();
            state.end_lease(default_may_serve, unix_ms, SwitchCause::Restarted);
        }
        state
    }

    /// Lends the weight for another `lease_ms` from now. An ended lease is not revived.
    pub(crate) fn renew(&mut self, epoch: u64, lease_ms: u64, now: Now) -> Result<(), Refusal> {
        check_lease(Some(lease_ms))?;
        if epoch < self.epoch {
            return Err(Refusal::StaleEpoch { current: self.epoch });
        }
        if epoch > self.epoch {
            return Err(Refusal::NotApplied { current: self.epoch });
        }
        match self.hold {
            Hold::Held => {}
            Hold::Lapsed | Hold::Frozen => return Err(Refusal::Lapsed),
            Hold::Judged => return Err(Refusal::Unhealthy),
        }
        let deadline = self.deadline_us.ok_or(Refusal::NoLease)?;
        if deadline <= now.monotonic_us {
            return Err(Refusal::Lapsed);
        }
        self.deadline_us = Some(now.monotonic_us + lease_ms * 1000);
        Ok(())
    }

    /// Ends a lease whose time is up; says what became of the weight, or none if nothing did.
    pub(crate) fn expire(&mut self, default_ready: bool, now: Now) -> Option<Hold> {
        if self.deadline_us? > now.monotonic_us {
            return None;
        }
        self.end_lease(default_ready, now.unix_ms, SwitchCause::Lapsed);
        Some(self.hold)
    }

    /// Takes the candidate's weight away, for good: it was found unhealthy.
    pub(crate) fn judge(&mut self, unix_ms: u64) {
        let from_bp = self.weight_bp();
        self.hold = Hold::Judged;
        self.deadline_us = None;
        let cause = SwitchCause::Judged;
        self.last_switch = Some(Switch { at_unix_ms: unix_ms, cause, from_bp, to_bp: 0 });
    }

    /// The candidate's weight in force, before readiness is looked at, in basis points.
    pub(crate) fn weight_bp(&self) -> u16 {
        match (&self.spec.candidate, self.hold) {
            (Some(candidate), Hold::Held | Hold::Frozen) => candidate.weight_bp,
            _ => 0,
        }
    }

    /// What is left of the lease, in milliseconds; none where nothing is lent.
    pub(crate) fn lease_left_ms(&self, now: Now) -> Option<u64> {
        self.deadline_us.map(|deadline| deadline.saturating_sub(now.monotonic_us) / 1000)
    }

    /// The part that is saved.
    pub(crate) fn saved(&self) -> SavedRoute {
        SavedRoute {
            name: self.spec.name.clone(),
            epoch: self.epoch,
            revision: self.revision,
            hold: self.hold,
            spec: Some(self.spec.clone()),
        }
    }

    fn end_lease(&mut self, default_ready: bool, unix_ms: u64, cause: SwitchCause) {
        let from_bp = self.weight_bp();
        let on_silence = self.spec.candidate.as_ref().map(|candidate| candidate.on_silence);
        let freeze = on_silence == Some(OnSilence::Freeze) || !default_ready;
        self.hold = if freeze { Hold::Frozen } else { Hold::Lapsed };
        self.deadline_us = None;
        let to_bp = self.weight_bp();
        self.last_switch = Some(Switch { at_unix_ms: unix_ms, cause, from_bp, to_bp });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::{ArmSpec, CandidateSpec};

    const LEASE_MS: u64 = 1000;

    fn arm(deployment: &str) -> ArmSpec {
        ArmSpec {
            label: deployment.into(),
            deployment: deployment.into(),
            capacity: 1,
            endpoints: Vec::new(),
        }
    }

    fn canary(lease_ms: Option<u64>) -> RouteSpec {
        let mut spec = RouteSpec::new("api/production", "127.0.0.1:8080".parse().unwrap());
        spec.default = Some(arm("blue"));
        spec.candidate = Some(CandidateSpec {
            arm: arm("green"),
            weight_bp: 1000,
            lease_ms,
            on_silence: OnSilence::ReturnToDefault,
        });
        spec
    }

    fn at(milliseconds: u64) -> Now {
        Now { monotonic_us: milliseconds * 1000, unix_ms: milliseconds }
    }

    fn leased() -> RouteState {
        RouteState::applied(canary(Some(LEASE_MS)), (1, 1), None, at(0))
    }

    #[derive(Clone, Debug)]
    enum Step {
        Wait(u64),
        Renew(u64, u64),
        Expire(bool),
        Apply(u64, u64, Option<u64>),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u64..2000).prop_map(Step::Wait),
            (0u64..4, 1u64..2000).prop_map(|(epoch, lease)| Step::Renew(epoch, lease)),
            any::<bool>().prop_map(Step::Expire),
            (0u64..4, 0u64..6, prop::option::of(1u64..2000))
                .prop_map(|(epoch, revision, lease)| Step::Apply(epoch, revision, lease)),
        ]
    }

    proptest! {
        #[test]
        fn nobody_turns_an_ended_lease_or_an_owner_back(
            steps in prop::collection::vec(step(), 0..60)
        ) {
            let (mut state, mut now_ms) = (leased(), 0);
            for step in steps {
                let before = state.clone();
                match step {
                    Step::Wait(by) => now_ms += by,
                    Step::Renew(epoch, lease) => {
                        let late = before.deadline_us.is_none_or(|end| end <= now_ms * 1000);
                        let renewed = state.renew(epoch, lease, at(now_ms)).is_ok();
                        prop_assert!(!renewed || (!late && epoch == before.epoch));
                    }
                    Step::Expire(default_ready) => {
                        state.expire(default_ready, at(now_ms));
                        let over = state.deadline_us.is_some_and(|end| end <= now_ms * 1000);
                        prop_assert!(!over, "an ended lease was left in force");
                        prop_assert!(default_ready || state.weight_bp() == before.weight_bp());
                    }
                    Step::Apply(epoch, revision, lease) => {
                        let spec = canary(lease);
                        let admitted = state.saved().admit(Some(&spec), epoch, revision);
                        if admitted == Ok(Admission::New) {
                            let order = (epoch, revision);
                            state = RouteState::applied(spec, order, Some(&before), at(now_ms));
                        }
                    }
                }
                let order = |state: &RouteState| (state.epoch, state.revision);
                prop_assert!(order(&state) >= order(&before));
                let revived = before.hold != Hold::Held && state.hold == Hold::Held;
                prop_assert!(!revived || order(&state) > order(&before));
            }
        }
    }

    #[test]
    fn an_older_owner_is_refused_and_told_who_owns_the_route() {
        let saved = RouteState::applied(canary(None), (7, 3), None, at(0)).saved();
        let spec = canary(None);
        assert_eq!(saved.admit(Some(&spec), 6, 99), Err(Refusal::StaleEpoch { current: 7 }));
        assert_eq!(saved.admit(Some(&spec), 7, 2), Err(Refusal::StaleRevision { current: 3 }));
        assert_eq!(saved.admit(Some(&spec), 8, 0), Ok(Admission::New));
    }

    #[test]
    fn the_same_apply_twice_is_a_repetition_and_another_content_is_not() {
        let saved = RouteState::applied(canary(None), (7, 3), None, at(0)).saved();
        assert_eq!(saved.admit(Some(&canary(None)), 7, 3), Ok(Admission::Repeated));
        let other = canary(Some(5));
        let answer = saved.admit(Some(&other), 7, 3);
        assert_eq!(answer, Err(Refusal::RevisionReused { current: 3 }));
    }

    #[test]
    fn a_removed_route_stays_closed_to_its_older_owner() {
        let removed =
            SavedRoute { name: "r".into(), epoch: 4, revision: 0, hold: Hold::Held, spec: None };
        let spec = canary(None);
        assert_eq!(removed.admit(Some(&spec), 3, 1), Err(Refusal::StaleEpoch { current: 4 }));
        assert_eq!(removed.admit(Some(&spec), 4, 1), Ok(Admission::New));
    }

    #[test]
    fn silence_returns_the_traffic_to_the_default_arm() {
        let mut state = leased();
        assert_eq!(state.expire(true, at(LEASE_MS - 1)), None);
        assert_eq!(state.weight_bp(), 1000);
        assert_eq!(state.expire(true, at(LEASE_MS)), Some(Hold::Lapsed));
        assert_eq!(state.weight_bp(), 0);
        assert_eq!(state.expire(true, at(LEASE_MS * 9)), None);
        let switch = state.last_switch.unwrap();
        assert_eq!((switch.from_bp, switch.to_bp), (1000, 0));
    }

    #[test]
    fn a_renewed_lease_holds_and_a_late_renewal_does_not_revive_it() {
        let mut state = leased();
        state.renew(1, LEASE_MS, at(900)).unwrap();
        assert_eq!(state.expire(true, at(1500)), None);
        assert_eq!(state.lease_left_ms(at(1500)), Some(400));
        assert_eq!(state.renew(1, LEASE_MS, at(1900)), Err(Refusal::Lapsed));
        assert_eq!(state.expire(true, at(1900)), Some(Hold::Lapsed));
        assert_eq!(state.renew(1, LEASE_MS, at(1901)), Err(Refusal::Lapsed));
        let again = RouteState::applied(canary(Some(LEASE_MS)), (1, 2), Some(&state), at(2000));
        assert_eq!(again.weight_bp(), 1000);
    }

    #[test]
    fn only_the_owner_renews() {
        let mut state = RouteState::applied(canary(Some(LEASE_MS)), (5, 1), None, at(0));
        assert_eq!(state.renew(4, 1, at(1)), Err(Refusal::StaleEpoch { current: 5 }));
        assert_eq!(state.renew(6, 1, at(1)), Err(Refusal::NotApplied { current: 5 }));
        assert!(state.renew(5, 0, at(1)).is_err());
    }

    #[test]
    fn nothing_moves_to_a_default_arm_that_cannot_serve() {
        let mut state = leased();
        assert_eq!(state.expire(false, at(LEASE_MS)), Some(Hold::Frozen));
        assert_eq!(state.weight_bp(), 1000);
        let saved = state.saved();
        let after = RouteState::restored(saved.spec.unwrap(), (1, 1), saved.hold, 0);
        assert_eq!((after.hold, after.weight_bp()), (Hold::Frozen, 1000));
    }

    #[test]
    fn a_route_that_says_freeze_keeps_its_weight() {
        let mut spec = canary(Some(LEASE_MS));
        spec.candidate.as_mut().unwrap().on_silence = OnSilence::Freeze;
        let mut state = RouteState::applied(spec.clone(), (1, 1), None, at(0));
        assert_eq!(state.expire(true, at(LEASE_MS)), Some(Hold::Frozen));
        assert_eq!(RouteState::restored(spec, (1, 1), Hold::Held, 0).weight_bp(), 1000);
    }

    #[test]
    fn a_restart_gives_back_what_was_lent_and_keeps_what_was_given() {
        let lent = RouteState::restored(canary(Some(LEASE_MS)), (1, 1), Hold::Held, 0);
        assert_eq!((lent.hold, lent.weight_bp()), (Hold::Lapsed, 0));
        let given = RouteState::restored(canary(None), (1, 1), Hold::Held, 0);
        assert_eq!((given.hold, given.weight_bp()), (Hold::Held, 1000));
    }

    #[test]
    fn after_a_commit_there_is_no_lease_that_could_end() {
        let mut spec = canary(None);
        spec.default = spec.candidate.take().map(|candidate| candidate.arm);
        let mut state = RouteState::applied(spec, (1, 2), Some(&leased()), at(0));
        assert_eq!(state.expire(true, at(u64::MAX / 2000)), None);
        assert_eq!(state.renew(1, 1, at(1)), Err(Refusal::NoLease));
    }
}
