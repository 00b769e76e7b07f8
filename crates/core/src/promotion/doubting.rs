//! What follows in a lane from evidence that people withdrew: what was verified by it is verified no
//! more, what passed by it is asked again, and who has started already is told. Withdraws nothing.

use crate::check::{CheckAnswer, CheckResult};
use crate::evidence::{Withdrawal, withdrawn_of};
use crate::journal::Event;
use crate::promotion::Turn;
use crate::promotion::state::{CheckKey, CheckProgress, GateList, Promotion, State};

/// A pass that rests on what was withdrawn before it came is none.
pub(super) fn heard(turn: &Turn<'_>, answer: &CheckAnswer) -> CheckAnswer {
    match fallen(turn, answer) {
        Some(withdrawal) => CheckAnswer {
            result: CheckResult::Inconclusive,
            sentence: format!("it rests on {}", withdrawal.words()),
            ..answer.clone()
        },
        None => answer.clone(),
    }
}

/// Looks at what rests on withdrawn evidence. Says each thing once.
pub(super) fn advance(turn: &mut Turn<'_>) {
    if turn.common().withdrawn.is_empty() {
        return;
    }
    for verified in turn.lane.verified.clone() {
        let withdrawn = &turn.common().withdrawn;
        if let Some(withdrawal) = withdrawn_of(withdrawn, &verified.evidence) {
            let sentence = format!("it rested on {}", withdrawal.words());
            let (digest, settings) = (verified.release.digest, verified.settings);
            turn.record(Event::VerificationWithdrawn { digest, sentence, settings });
        }
    }
    for promotion in turn.lane.waiting.clone() {
        for (key, sentence) in passes_gone(turn, &promotion) {
            turn.record(Event::AnswerWithdrawn { number: promotion.number, key, sentence });
        }
    }
    if let Some(active) = turn.lane.active.clone() {
        doubt(turn, &active);
    }
}

/// What has started keeps its plan. What is asked before any visitor comes can still be asked again.
fn doubt(turn: &mut Turn<'_>, active: &Promotion) {
    let number = active.number;
    if active.state == State::Validating {
        let gone = passes_gone(turn, active).into_iter();
        for (key, sentence) in gone.filter(|(key, _)| key.list == GateList::Validation) {
            turn.record(Event::AnswerWithdrawn { number, key, sentence });
        }
    }
    let Some(active) = turn.lane.active.clone() else { return };
    let withdrawn = &turn.common().withdrawn;
    let gone: Vec<Withdrawal> =
        active.rests_on().filter_map(|digest| withdrawn.get(digest)).cloned().collect();
    for withdrawal in gone {
        if turn.lane.active.as_ref().is_some_and(|it| it.doubts.contains(&withdrawal.digest)) {
            continue;
        }
        let sentence = format!("it goes on, and rests on {}", withdrawal.words());
        let digest = withdrawal.digest;
        turn.record(Event::PromotionDoubted { number, digest, sentence });
    }
}

/// Checks whose pass rests on what was withdrawn, each with what that is.
fn passes_gone(turn: &Turn<'_>, promotion: &Promotion) -> Vec<(CheckKey, String)> {
    let gone = |(key, progress): (&CheckKey, &CheckProgress)| {
        let (answer, _) = progress.answer.as_ref()?;
        let sentence = format!("it rested on {}", fallen(turn, answer)?.words());
        Some((key.clone(), sentence))
    };
    promotion.checks.iter().filter_map(gone).collect()
}

/// What was withdrawn of what a pass rests on.
fn fallen<'a>(turn: &Turn<'a>, answer: &CheckAnswer) -> Option<&'a Withdrawal> {
    if answer.result != CheckResult::Pass {
        return None;
    }
    let withdrawn = &turn.common().withdrawn;
    answer.evidence.iter().find_map(|piece| withdrawn.get(&piece.digest))
}
