//! How things go in the world outside: how long an order takes, whether it reaches its adapter,
//! whether its outcome comes back, what a check says. A scenario writes it down, the simulator
//! tosses for it.

use towpath_core::check::CheckAnswer;
use towpath_core::ids::PromotionNumber;
use towpath_core::promotion::command::{Command, CommandOutcome, Order};
use towpath_core::promotion::state::CheckKey;
use towpath_core::units::{Span, Timestamp};

/// How long the engine waits for the outcome of an order before it takes it for failed.
pub const PATIENCE: Span = Span::seconds(10);

/// How one order goes.
#[derive(Clone, Debug)]
pub struct Course {
    /// Until it reaches its adapter and is carried out there.
    pub before: Span,
    /// Whether it reaches it at all.
    pub arrives: bool,
    /// Whether it is carried out although its engine died meanwhile.
    pub on_the_wire: bool,
    /// Why the adapter cannot do it, if it cannot.
    pub failing: Option<String>,
    /// What the release itself said when it did not start.
    pub said: Vec<String>,
    /// Until the outcome is back at the engine; one for each time that it comes.
    pub after: Vec<Span>,
}

impl Course {
    /// All goes well, and takes so long.
    pub fn good(before: Span) -> Self {
        Self {
            before,
            arrives: true,
            on_the_wire: false,
            failing: None,
            said: Vec::new(),
            after: vec![Span::ZERO],
        }
    }
}

/// How things go.
pub trait Fate {
    /// How this order goes.
    fn course(&mut self, command: &Command) -> Course;

    /// What a check answers now.
    fn answer(&mut self, promotion: PromotionNumber, key: &CheckKey, now: Timestamp)
    -> CheckAnswer;
}

/// What the engine takes for the outcome of an order that nobody answered.
pub fn out_of_patience(order: &Order) -> CommandOutcome {
    let sentence = format!("no answer within {PATIENCE}");
    match order {
        Order::AskCheck { .. } => {
            CommandOutcome::Checked { answer: CheckAnswer::inconclusive(sentence) }
        }
        Order::StartInstances { .. } => CommandOutcome::StartFailed { sentence, said: Vec::new() },
        Order::SetRoute { .. } => CommandOutcome::RouteFailed { sentence },
        Order::StopInstances { .. } => CommandOutcome::StopFailed { sentence },
        Order::OfferRelease { .. } => CommandOutcome::Offered,
    }
}
