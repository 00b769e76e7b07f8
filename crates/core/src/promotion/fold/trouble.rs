//! Folds into a lane when something went wrong there last, and whether its error budget is spent. Decides nothing: how long ago that has to be is
//! said by whoever asks.

use crate::journal::Event;
use crate::promotion::state::{Ask, Kind, Lane, Outcome, Trouble};
use crate::units::Timestamp;

impl Lane {
    /// Remembers a rollback, a lapse, a lost health, an unhealthy verdict, a signal. Must be called before
    /// the event is folded otherwise: a promotion that has ended is gone from the lane.
    pub(super) fn note_trouble(&mut self, event: &Event, at: Timestamp) {
        if let Event::BudgetChanged { spent, sentence } = event {
            self.budget_spent = spent.then(|| Ask { reason: sentence.clone(), since: at });
        }
        if let Some(sentence) = self.trouble_in(event) {
            self.trouble = Some(Trouble { at, sentence });
        }
    }

    fn trouble_in(&self, event: &Event) -> Option<String> {
        match event {
            Event::Condemned { number, verdict } => {
                Some(format!("an unhealthy verdict (promotion {number}): {}", verdict.sentence))
            }
            Event::ReconciliationBegan { number, sentence, .. } => {
                Some(format!("visitors fell back (promotion {number}): {sentence}"))
            }
            Event::BlueLost { number, sentence } => {
                Some(format!("lost health (promotion {number}): {sentence}"))
            }
            Event::SignalReceived { signal, by, .. } => {
                Some(format!("a signal from {by}: {}", signal.as_str()))
            }
            Event::RollbackAsked { reason } => Some(format!("a rollback was asked for: {reason}")),
            Event::RollbackRemembered(_) => Some("a rollback was ordered".to_owned()),
            Event::PromotionEnded { number, outcome, sentence } => {
                let ended = self.promotion(*number)?;
                let is_back = ended.plan.kind == Kind::Rollback && *outcome == Outcome::Succeeded;
                let is_rollback = *outcome == Outcome::RolledBack || is_back;
                is_rollback.then(|| format!("a rollback (promotion {number}): {sentence}"))
            }
            _ => None,
        }
    }
}
