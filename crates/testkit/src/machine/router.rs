//! The router of one lane as a model: arms, weight, lease on its own clock, epoch and revision, a
//! table that survives a restart. Carries no request; how many would have come is the traffic's.

use towpath_core::ids::{Epoch, PromotionNumber, Revision};
use towpath_core::promotion::command::Route;
use towpath_core::units::{Span, Timestamp, Weight};

/// The router of one lane.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not one state")]
#[derive(Clone, Debug, Default)]
pub struct Router {
    /// The last owner that was obeyed.
    pub epoch: Epoch,
    /// The last order that was obeyed.
    pub revision: Revision,
    /// Gets what the candidate does not.
    pub default: Option<PromotionNumber>,
    /// The arm that is coming and the share it was given.
    pub candidate: Option<(PromotionNumber, Weight)>,
    /// What stands by with visitors, the share it was given, and the copies that carry all traffic.
    pub held_back: Option<(PromotionNumber, Weight, u32)>,
    /// Whether its own guard gave what stands by everything since the last order.
    pub went_back: bool,
    /// Copies of the candidate that carry all traffic.
    pub capacity: u32,
    /// For how long the share is lent.
    pub lease: Option<Span>,
    /// Whether silence freezes the weight instead of returning the traffic.
    pub freeze_on_silence: bool,
    /// Whether the lease has lapsed since the last order.
    pub lapsed: bool,
    /// Whether the weight stayed when it lapsed.
    pub frozen: bool,
    /// Whether the engine was told so.
    pub lapse_told: bool,
    /// The weight that the engine was told without asking, and the order it belonged to.
    pub weight_told: Option<(Revision, Weight)>,
    /// Whether somebody renews the lease.
    pub in_contact: bool,
    /// When it was renewed last, if nobody does.
    pub last_contact: Timestamp,
    /// Nobody reaches it before this moment.
    pub silent_until: Timestamp,
    /// Planted: a smaller epoch is obeyed.
    pub obeys_stale: bool,
}

/// Why an order was not obeyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// Somebody newer owns the lane.
    StaleEpoch,
    /// Something newer was ordered.
    StaleRevision,
    /// Its own guard threw out what shall have everything.
    Unhealthy,
}

impl Router {
    /// Ensures that it is as ordered.
    ///
    /// # Errors
    /// See [`RouteError`]; nothing was changed then.
    pub fn ensure(
        &mut self,
        epoch: Epoch,
        route: &Route,
        now: Timestamp,
    ) -> Result<(), RouteError> {
        if epoch < self.epoch && !self.obeys_stale {
            return Err(RouteError::StaleEpoch);
        }
        if route.revision < self.revision && !self.obeys_stale {
            return Err(RouteError::StaleRevision);
        }
        let default = route.default.as_ref().map(|one| one.number);
        let unhealthy = self.went_back && self.default == default;
        if unhealthy && self.default.is_some() {
            return Err(RouteError::Unhealthy);
        }
        let again = route.revision == self.revision && self.epoch == epoch;
        if again && self.lapsed {
            // The same order said twice does not bring back a lease that has lapsed.
            return Ok(());
        }
        self.epoch = epoch;
        self.revision = route.revision;
        self.default = default;
        let held = route.held_back.as_ref();
        self.held_back = held.map(|it| (it.deployment.number, it.share, it.deployment.capacity));
        self.went_back = false;
        self.candidate = route.candidate.as_ref().map(|(one, weight)| (one.number, *weight));
        self.capacity = route.candidate.as_ref().map_or(0, |(one, _)| one.capacity);
        self.lease = route.lease;
        self.freeze_on_silence = route.freeze_on_silence;
        self.lapsed = false;
        self.frozen = false;
        self.lapse_told = false;
        self.last_contact = now;
        Ok(())
    }

    /// Somebody with this epoch is there: renews the lease, and shuts older ones out.
    pub fn hear(&mut self, epoch: Epoch, now: Timestamp) {
        self.epoch = self.epoch.max(epoch);
        self.in_contact = true;
        self.last_contact = now;
    }

    /// When the lease lapses if nobody is heard; none when nothing is lent or it has lapsed.
    pub fn lapses_at(&self) -> Option<Timestamp> {
        let lent = self.candidate.is_some_and(|(_, weight)| weight > Weight::ZERO);
        let lease = self.lease.filter(|_| lent && !self.lapsed && !self.in_contact)?;
        Some(self.last_contact.plus(lease))
    }

    /// Time passed; answers whether the lease lapsed just now. The weight stays where the default arm
    /// cannot take the traffic.
    pub fn look(&mut self, now: Timestamp, default_ready: bool) -> bool {
        let over = self.lapses_at().is_some_and(|at| now >= at);
        self.frozen |= over && (self.freeze_on_silence || !default_ready);
        self.lapsed |= over;
        over
    }

    /// It was restarted with its saved table: what was lent is not taken for granted.
    pub fn restart(&mut self) {
        if !self.lapsed && self.lease.is_some() && self.candidate.is_some() {
            self.lapsed = true;
            self.frozen = self.freeze_on_silence || self.default.is_none();
        }
        self.lapse_told = false;
    }

    /// What stands by has of the visitors, with so many of its copies ready.
    pub fn kept(&self, ready: u32) -> Weight {
        let Some((_, share, capacity)) = self.held_back else { return Weight::ZERO };
        let goes_back = self.went_back && share > Weight::ZERO;
        let wanted = if goes_back { Weight::FULL } else { share };
        let carries = 10_000 * u64::from(ready) / u64::from(capacity.max(1));
        let carries = u16::try_from(carries.min(10_000)).expect("at most 10,000");
        wanted.min(Weight::from_basis_points(carries).expect("at most 10,000"))
    }

    /// The candidate's share as it is, with so many of its copies ready.
    pub fn weight(&self, ready: u32) -> Weight {
        let Some((_, weight)) = self.candidate else { return Weight::ZERO };
        if self.lapsed && !self.frozen {
            return Weight::ZERO;
        }
        let share = 10_000 * u64::from(ready) / u64::from(self.capacity.max(1));
        let share = u16::try_from(share.min(10_000)).expect("at most 10,000");
        weight.min(Weight::from_basis_points(share).expect("at most 10,000"))
    }
}
