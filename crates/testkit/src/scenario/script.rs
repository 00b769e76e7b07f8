//! How things go in a scenario: as the story says, and well where it says nothing.

use std::collections::BTreeMap;

use towpath_core::check::CheckAnswer;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::command::{Command, Order};
use towpath_core::promotion::state::CheckKey;
use towpath_core::units::{Span, Timestamp};

use crate::machine::fate::{Course, Fate};

/// How things go in a scenario.
#[derive(Debug)]
pub struct Script {
    /// What a check answers, by its slug; a pass where nothing is said.
    pub answers: BTreeMap<String, Says>,
    /// Why starting fails, and what the release says then.
    pub start_fails: Option<(String, Vec<String>)>,
    /// Only the next start fails.
    pub start_fails_once: bool,
    /// How long starting takes.
    pub start_takes: Span,
    /// Why stopping fails.
    pub stop_fails: Option<String>,
    /// The outcome of the next order never comes back.
    pub loses_next_outcome: bool,
    /// The outcome of the next order comes twice.
    pub repeats_next_outcome: bool,
}

/// What a check says.
#[derive(Clone, Debug)]
pub enum Says {
    /// Yes.
    Pass,
    /// No.
    Fail,
    /// Ask again after this.
    Pending(Span),
    /// It cannot tell.
    Inconclusive,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            answers: BTreeMap::new(),
            start_fails: None,
            start_fails_once: false,
            start_takes: Span::seconds(5),
            stop_fails: None,
            loses_next_outcome: false,
            repeats_next_outcome: false,
        }
    }
}

impl Fate for Script {
    fn course(&mut self, command: &Command) -> Course {
        let mut course = Course::good(match command.order {
            Order::StartInstances { .. } => self.start_takes,
            Order::AskCheck { .. } | Order::StopInstances { .. } => Span::seconds(1),
            Order::SetRoute { .. } | Order::OfferRelease { .. } => Span(200),
        });
        match (&command.order, &self.start_fails, &self.stop_fails) {
            (Order::StartInstances { .. }, Some((sentence, said)), _) => {
                course.failing = Some(sentence.clone());
                course.said.clone_from(said);
            }
            (Order::StopInstances { .. }, _, Some(sentence)) => {
                course.failing = Some(sentence.clone());
            }
            _ => {}
        }
        if self.start_fails_once && matches!(command.order, Order::StartInstances { .. }) {
            self.start_fails_once = false;
            self.start_fails = None;
        }
        if std::mem::take(&mut self.loses_next_outcome) {
            course.after.clear();
        }
        if std::mem::take(&mut self.repeats_next_outcome) {
            course.after.push(Span::seconds(1));
        }
        course
    }

    fn answer(&mut self, _: PromotionNumber, key: &CheckKey, now: Timestamp) -> CheckAnswer {
        match self.answers.get(&key.slug).unwrap_or(&Says::Pass) {
            Says::Pass => CheckAnswer::pass("it is so"),
            Says::Fail => CheckAnswer::fail("it is not so"),
            Says::Pending(span) => CheckAnswer::pending(now.plus(*span), "not yet"),
            Says::Inconclusive => CheckAnswer::inconclusive("the source does not answer"),
        }
    }
}
