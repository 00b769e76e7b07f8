//! Puts on record what was refused. Owns when in the loop that happens; which refusals are events is
//! said in `refusals`.

use towpath_core::ids::LaneId;
use towpath_core::promotion::input::Input;
use towpath_core::reason::Refusal;
use towpath_ports::store::StoreError;

use super::{Loop, Reply};
use crate::desk::Desk;
use crate::orders::EngineError;
use crate::origin::Origin;
use crate::refusals::{Asked, Told};
use crate::rights;

impl Loop {
    /// Carries an order about a lane out, if whoever gave it may; `asked` when somebody waits for what
    /// becomes of it.
    pub(super) async fn lane_order(
        &mut self,
        lane: &LaneId,
        mut input: Input,
        asked: bool,
    ) -> Reply {
        let token = rights::verb_of(&input).and_then(|(_, by)| by.token());
        let desk = Desk::new(&self.shared).for_whom(&self.origin);
        let allowed = self.rights.about_lane(&desk, lane, &mut input);
        let order = Asked::of_lane(lane, &input, self.origin.from.clone()).filter(|_| asked);
        let order = order.map(|order| order.through(token, &self.shared));
        let result = match allowed {
            Ok(token) => match self.condition() {
                Ok(()) => self.lane_input(lane, &input, asked, token.as_ref()).await,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(EngineError::Refused(refusal)),
        };
        self.refused(order, &result).await;
        result
    }

    /// Whether what the order is about is as it was looked at: nothing comes between this and what follows.
    pub(super) fn condition(&self) -> Result<(), EngineError> {
        let condition = self.origin.condition.as_ref();
        condition
            .map_or(Ok(()), |condition| condition.hold(&self.shared))
            .map_err(EngineError::Refused)
    }

    /// The same of somebody who was let in nowhere.
    pub(super) async fn at_the_door(
        &mut self,
        asked: Asked,
        refusal: Box<Refusal>,
    ) -> Result<(), StoreError> {
        self.refused(Some(asked), &Err(EngineError::Refused(refusal))).await;
        Ok(())
    }

    /// Puts on record that somebody was refused. Whoever is refused hears of it whether or not that
    /// can be written.
    pub(super) async fn refused(&mut self, asked: Option<Asked>, result: &Reply) {
        let now = self.shared.now();
        let mut told = self.refusals.due(now, false);
        if let (Some(asked), Err(EngineError::Refused(refusal))) = (asked, result) {
            told.extend(self.refusals.note(asked, refusal, now));
        }
        self.tell(told).await;
    }

    /// Writes refusals down.
    pub(super) async fn tell(&mut self, told: Vec<Told>) {
        self.origin = Origin::default();
        for (lane, by, event) in told {
            if let Err(error) = self.write(lane.as_ref(), &by, vec![event], false).await {
                tracing::warn!(%error, "that an order was refused is not on record");
            }
        }
    }
}
