//! How the engine itself stands, for whatever watches it. Says nothing of what it runs.

use std::sync::atomic::Ordering;

use towpath_core::ids::{Name, Person};
use towpath_core::people::Verb;
use towpath_core::reason::Refusal;
use towpath_ports::store::{EventRow, StoreError};

use crate::desk::Desk;
use crate::origin;
use crate::rights::Rights;
use crate::run_loop::Engine;
use crate::views::{PromotionView, Status};

impl Engine {
    /// Whether `by` may do something that belongs to the whole project now. An order is decided about when it
    /// is given; this is for what comes before one.
    ///
    /// # Errors
    /// The refusal that an order would get.
    pub fn may(&self, by: &Person, verb: Verb) -> Result<(), Box<Refusal>> {
        let desk = Desk::new(&self.shared).for_whom(&origin::current());
        Rights::in_force(&self.shared).of_project(&desk, by, verb)
    }

    /// The same of whoever is behind `by`, whatever their token or session reaches: whether they are shown a
    /// button at all. Everybody where the matrix names nobody.
    pub fn may_in_person(&self, by: &Person, verb: Verb, environment: Option<&Name>) -> bool {
        let rights = Rights::in_force(&self.shared);
        let Ok(authority) = rights.authority() else { return !self.knows_people() };
        if !authority.knows_people() {
            return true;
        }
        self.named(by).is_some_and(|person| authority.allows(&person, verb, environment))
    }

    /// Which of the engines that ever owned this journal it is, from 1.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch.0
    }

    /// Events of this name, newest first, at most `limit`; `before` continues a list.
    ///
    /// # Errors
    /// Whatever the store says; ask again.
    pub async fn events_named(
        &self,
        kind: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.shared.setup.store.events_named(kind, &[], before, limit).await
    }

    /// Whether it takes orders; one that only reads a journal, or has stopped, does not.
    pub fn is_running(&self) -> bool {
        !self.shared.is_stopped()
    }

    /// Whether it runs and its journal took what it was last asked to take.
    pub fn is_ready(&self) -> bool {
        !self.shared.is_stopped() && self.shared.store_answers.load(Ordering::SeqCst)
    }

    /// Effects that were decided and have no outcome yet.
    ///
    /// # Errors
    /// Whatever the store says; ask again.
    pub async fn outbox_pending(&self) -> Result<usize, StoreError> {
        Ok(self.shared.setup.store.pending_commands().await?.len())
    }

    /// How often the journal refused a change because another engine owns it. More than none means that
    /// this one has stopped, or is about to.
    pub fn fencing_rejections(&self) -> u64 {
        self.shared.fenced.load(Ordering::SeqCst)
    }

    /// For how many seconds nothing happened in the promotion that stands still for longest. One that
    /// bakes or waits for a named thing does not stand still; 0 when none does.
    pub fn longest_standstill(&self) -> f64 {
        let now = self.shared.now();
        let Status { lanes, .. } = self.status_unasked();
        let still =
            lanes.iter().filter_map(|lane| lane.promotion.as_ref()).filter(|one| stands(one));
        let since = still.filter_map(|one| {
            let at: jiff::Timestamp = one.started_at.as_ref()?.parse().ok()?;
            let started = towpath_core::units::Timestamp(at.as_microsecond());
            let last =
                self.shared.progress.lock().expect("no holder panics").get(&one.number).copied();
            Some(last.unwrap_or(self.shared.started_at).max(started))
        });
        since.min().map_or(0.0, |since| crate::views::span_seconds(now.since(since)))
    }
}

/// Whether something should happen in it by itself.
fn stands(one: &PromotionView) -> bool {
    let bakes = one
        .step
        .and_then(|step| one.steps.get(step))
        .is_some_and(|step| one.baked_seconds.is_some_and(|baked| baked < step.bake_seconds));
    one.ended_at.is_none() && one.started_at.is_some() && one.waits_for.is_empty() && !bakes
}
