//! Orders that belong to no lane, as the loop takes them: what is written for each, and what is looked at
//! again because of it. Decides nothing.

use towpath_core::ids::{LaneId, TokenId};
use towpath_core::journal::Event;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::{Decision, decide};
use towpath_core::units::Timestamp;
use towpath_ports::store::{StoreError, Turn};

use super::turns::turn_counter;
use super::{Loop, Reply};
use crate::desk::Desk;
use crate::orders::{Accepted, EngineError, Order};
use crate::rights::{self, Rights};
use crate::{freezes, governing, journal, kept, orders, rows, tokens, wakes};

impl Loop {
    /// What is decided about an input. A promotion that it asks for joins the trace of whoever ordered it.
    pub(super) fn decided(&self, lane: &LaneId, input: &Input, now: Timestamp) -> Decision {
        let mut decision = self.shared.read(|project| decide(project, lane, input, now));
        let Some(trace) = self.origin.trace else { return decision };
        for event in &mut decision.events {
            let Event::PromotionRequested(requested) = event else { continue };
            requested.trace = Some(trace);
            let number = requested.number;
            let Some(lane) = &mut decision.lane else { continue };
            let open = lane.active.iter_mut().chain(&mut lane.waiting);
            let own = open.filter(|promotion| promotion.number == number);
            own.for_each(|promotion| promotion.trace = Some(trace));
        }
        decision
    }

    /// A matrix is in force, or people are asked about it first, or one of them said a word.
    async fn matrix_order(
        &mut self,
        order: Order,
        token: Option<&TokenId>,
        now: Timestamp,
    ) -> Reply {
        let is_applied = matches!(order, Order::ApplyMatrix(..));
        let (mut events, actor) = governing::follows(&self.shared, order, now)?;
        if let Some(source) = self.origin.written.as_deref().filter(|_| is_applied) {
            events.push(Event::MatrixWritten(Box::new(source.clone())));
        }
        let actor = journal::through(actor, token);
        self.write(None, &actor, events.clone(), false).await?;
        let applied = events.iter().find_map(|event| match event {
            Event::MatrixApplied { matrix, .. } => Some(matrix),
            _ => None,
        });
        let notes = match applied {
            Some(matrix) => {
                self.rights = Rights::of(matrix);
                Vec::new()
            }
            None => governing::waits_for(&self.shared, now),
        };
        if applied.is_some() {
            // People have other roles now.
            self.ask_again(wakes::waiting(&self.shared)).await?;
            // What serves may be set up otherwise now.
            for lane in wakes::free(&self.shared) {
                let look = Input::Woken { verdict: None, ask_again: false };
                self.lane_input(&lane, &look, false, None).await?;
            }
        }
        Ok(Accepted { events, notes, ..Accepted::default() })
    }

    /// What time alone does to a proposed matrix, as far as it is due by now.
    pub(super) async fn matrix_waits(&mut self) -> Reply {
        let now = self.shared.now();
        let due = self.shared.read(|project| project.common.due_of_proposal(now));
        let decision = Decision { events: due.into_iter().collect(), ..Decision::default() };
        if !decision.events.is_empty() {
            let turn = self.turn(None, "engine", &decision, Vec::new(), now);
            self.write_turn(None, Turn { urgent: true, ..turn }, decision, false).await?;
        }
        Ok(Accepted::default())
    }

    pub(super) async fn project_order(&mut self, mut order: Order) -> Reply {
        let now = self.shared.now();
        if rights::changes_nothing(&self.shared, &order, now) {
            return Ok(Accepted::default());
        }
        let desk = Desk::new(&self.shared).for_whom(&self.origin);
        let token = self.rights.about_project(&desk, &mut order).map_err(EngineError::Refused)?;
        self.condition()?;
        let (event, lane, actor) = match order {
            Order::ApplyMatrix(..) | Order::AgreeToMatrix(_) => {
                return self.matrix_order(order, token.as_ref(), now).await;
            }
            Order::CreateRelease(new) => {
                let mut release = new.release;
                release.created_at = now;
                release.created_by = Some(new.by.clone());
                if orders::known_release(&self.shared, &release)? {
                    return Ok(Accepted::default());
                }
                let actor = new.by.to_string();
                (Event::ReleaseCreated { release: Box::new(release), by: new.by }, None, actor)
            }
            Order::Attest(statement) => {
                let mut attested = statement.attested;
                attested.at = now;
                let heard = self.shared.read(|project| attested.heard(&project.common, now));
                heard.map_err(EngineError::Refused)?;
                let actor = attested.by.to_string();
                let lane = attested.lane.clone();
                (Event::Attested(attested), Some(lane), actor)
            }
            Order::Withdraw(taking) => {
                let actor = taking.withdrawal.by.to_string();
                let event =
                    self.shared.read(|project| project.common.withdraw(taking.withdrawal, now));
                (event.map_err(EngineError::Refused)?, None, actor)
            }
            Order::Freeze(order) => freezes::freeze(&self.shared, order, now)?,
            Order::Thaw(order) => freezes::thaw(&self.shared, order, now)?,
            Order::CreateToken(new) => tokens::create(&self.shared, *new, token.as_ref(), now)?,
            Order::RevokeToken(order) => tokens::revoke(&self.shared, order, now)?,
        };
        let actor = journal::through(actor, token.as_ref());
        let events = vec![event.clone()];
        self.write(lane.as_ref(), &actor, events, freezes::is_urgent(&event)).await?;
        if freezes::wakes(&self.shared, &event, now, &mut self.wakes) {
            return Ok(Accepted { events: vec![event], ..Accepted::default() });
        }
        // A person's word came, or what an answer rested on went.
        let asked_again = match &event {
            Event::EvidenceWithdrawn(withdrawal) => {
                kept::resting_on(&self.shared, &withdrawal.digest)
            }
            _ => lane.into_iter().collect(),
        };
        self.ask_again(asked_again).await?;
        Ok(Accepted { events: vec![event], ..Accepted::default() })
    }

    async fn ask_again(&mut self, lanes: Vec<LaneId>) -> Result<(), EngineError> {
        for lane in lanes {
            // What is asked of green at the end of a step is asked again only with what is known of it.
            let verdict = self.verdict_now(&lane);
            let ask = Input::Woken { verdict, ask_again: true };
            self.lane_input(&lane, &ask, false, None).await?;
        }
        Ok(())
    }

    /// An error means that nothing is known of it: the next one that is kept tells more.
    pub(super) async fn keep_token_uses(&mut self) -> Result<(), StoreError> {
        let uses = self.shared.token_uses();
        if uses == self.kept_uses {
            return Ok(());
        }
        let next = |key: &str| self.versions.get(key).copied().unwrap_or(0) + 1;
        let states = vec![rows::token_uses_row(&uses, next)];
        let now = self.shared.now();
        let id = format!("{}-{}", self.shared.epoch, turn_counter());
        let turn = Turn { id, at: now, states, ..Turn::default() };
        self.write_turn(None, turn, Decision::default(), true).await?;
        self.kept_uses = uses;
        Ok(())
    }
}
