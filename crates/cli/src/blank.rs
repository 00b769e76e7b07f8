//! A journal in which nothing was ever written: what there is before the first order. Keeps nothing.

use async_trait::async_trait;
use towpath_core::ids::{Digest, Epoch, LaneId, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_ports::answers::{Answers, AskedOnce, Claim, KeptAnswer};
use towpath_ports::store::{
    ChainReport, EventRow, IntervalRow, OutboxRow, PromotionRow, StateRow, Store, StoreError, Turn,
    WrittenEvent,
};

/// Lists are empty, and writing is refused.
pub(crate) struct Blank;

fn refused<T>() -> Result<T, StoreError> {
    Err(StoreError::Refused("no journal was begun".to_owned()))
}

#[async_trait]
impl Answers for Blank {
    async fn claim(&self, _: &AskedOnce) -> Result<Claim, StoreError> {
        refused()
    }

    async fn keep_answer(&self, _: &Digest, _: &KeptAnswer) -> Result<(), StoreError> {
        refused()
    }

    async fn release(&self, _: &Digest) -> Result<(), StoreError> {
        refused()
    }
}

#[async_trait]
impl Store for Blank {
    async fn take_ownership(&self, _: Timestamp) -> Result<Epoch, StoreError> {
        refused()
    }

    async fn commit(&self, _: Epoch, _: &Turn) -> Result<Vec<u64>, StoreError> {
        refused()
    }

    async fn has_turn(&self, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn states(&self) -> Result<Vec<StateRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn pending_commands(&self) -> Result<Vec<OutboxRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn events(&self, _: u64, _: u32) -> Result<Vec<EventRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn written(&self, _: u64, _: u32) -> Result<Vec<WrittenEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn events_named(
        &self,
        _: &str,
        _: &[LaneId],
        _: Option<u64>,
        _: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn promotions(
        &self,
        _: Option<&LaneId>,
        _: Option<PromotionNumber>,
        _: u32,
    ) -> Result<Vec<PromotionRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn keep_intervals(&self, _: &[IntervalRow]) -> Result<(), StoreError> {
        refused()
    }

    async fn intervals(&self, _: &LaneId, _: Timestamp) -> Result<Vec<IntervalRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn drop_intervals(&self, _: Timestamp, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn verify(&self) -> Result<ChainReport, StoreError> {
        Ok(ChainReport { events: 0, span: None, broken: None })
    }
}
