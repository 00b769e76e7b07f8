//! Keeps secrets out of what enters the journal: what adapters and releases said, and what people wrote.
//! Owns which words are free; names and numbers stay as they are, because decisions rest on them.

use towpath_core::check::CheckAnswer;
use towpath_core::promotion::command::CommandOutcome;
use towpath_core::promotion::input::Input;
use towpath_ports::metrics::Blind;
use towpath_ports::secret::Masker;

use crate::orders::Order;

/// Takes the known secrets out of the free words of `input`.
pub(crate) fn input(masker: &Masker, input: &mut Input) {
    match input {
        Input::PromotionOrdered(order) => some(masker, &mut order.reason),
        Input::ApprovalOrdered(order) => {
            some(masker, &mut order.note);
            some(masker, &mut order.link);
        }
        Input::DebtSettled(order) => {
            some(masker, &mut order.note);
            some(masker, &mut order.link);
        }
        Input::RollbackOrdered { reason, .. }
        | Input::PauseOrdered { reason, .. }
        | Input::AbortOrdered { reason, .. } => some(masker, reason),
        Input::Signalled { reason: words, .. }
        | Input::QuarantineLiftOrdered { reason: words, .. }
        | Input::ReasonGiven { reason: words, .. }
        | Input::BudgetLooked { sentence: words, .. }
        | Input::HealthLost { sentence: words, .. } => text(masker, words),
        Input::Judged { verdict, .. } | Input::Woken { verdict: Some(verdict), .. } => {
            text(masker, &mut verdict.sentence);
        }
        Input::CommandEnded { outcome, .. } => self::outcome(masker, outcome),
        Input::OwnersTold(told) => some(masker, &mut told.trouble),
        Input::ResumeOrdered { .. }
        | Input::LeaseLapsed { .. }
        | Input::RouteObserved { .. }
        | Input::Woken { verdict: None, .. } => {}
    }
}

/// The same for what belongs to no lane. A matrix and a release are what their files say, and hold
/// references alone.
pub(crate) fn order(masker: &Masker, order: &mut Order) {
    match order {
        Order::AgreeToMatrix(word) => some(masker, &mut word.note),
        Order::Attest(statement) => {
            some(masker, &mut statement.attested.note);
            some(masker, &mut statement.attested.link);
        }
        Order::Freeze(freeze) => text(masker, &mut freeze.reason),
        Order::Thaw(thaw) => some(masker, &mut thaw.reason),
        Order::Withdraw(taking) => text(masker, &mut taking.withdrawal.reason),
        Order::RevokeToken(revoked) => some(masker, &mut revoked.reason),
        Order::ApplyMatrix(..) | Order::CreateRelease(_) | Order::CreateToken(_) => {}
    }
}

/// The same for what a check answered.
pub(crate) fn answer(masker: &Masker, answer: &mut CheckAnswer) {
    text(masker, &mut answer.sentence);
    some(masker, &mut answer.output);
}

/// The same for why a source shows nothing.
pub(crate) fn blind(masker: &Masker, blind: Blind) -> Blind {
    match blind {
        Blind::Empty(said) => Blind::Empty(masker.mask(&said)),
        Blind::NotANumber(said) => Blind::NotANumber(masker.mask(&said)),
        Blind::Ambiguous { count, labels } => {
            Blind::Ambiguous { count, labels: masker.mask(&labels) }
        }
        Blind::Refused(said) => Blind::Refused(masker.mask(&said)),
        Blind::Unavailable(said) => Blind::Unavailable(masker.mask(&said)),
        stale @ Blind::Stale { .. } => stale,
    }
}

fn outcome(masker: &Masker, outcome: &mut CommandOutcome) {
    match outcome {
        CommandOutcome::Checked { answer } => self::answer(masker, answer),
        CommandOutcome::StartFailed { sentence, said } => {
            text(masker, sentence);
            for line in said {
                text(masker, line);
            }
        }
        CommandOutcome::RouteFailed { sentence } | CommandOutcome::StopFailed { sentence } => {
            text(masker, sentence);
        }
        CommandOutcome::Started { .. }
        | CommandOutcome::Routed { .. }
        | CommandOutcome::Stopped
        | CommandOutcome::Offered => {}
    }
}

fn text(masker: &Masker, words: &mut String) {
    *words = masker.mask(words);
}

fn some(masker: &Masker, words: &mut Option<String>) {
    if let Some(words) = words {
        text(masker, words);
    }
}
