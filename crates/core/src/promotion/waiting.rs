//! Waits for prerequisites and for the lane, and holds nothing. Starts the oldest promotion whose
//! prerequisites hold when the lane is free.

use crate::check::CheckResult;
use crate::journal::Event;
use crate::matrix::CheckSpec;
use crate::promotion::command::Order;
use crate::promotion::state::{CheckKey, GateList, Outcome, Promotion, State};
use crate::promotion::{Turn, starting};

/// Asks what is to be asked, ends what failed or waited too long, starts what may start.
pub(super) fn advance(turn: &mut Turn<'_>) {
    for promotion in turn.lane.waiting.clone() {
        if let Some(sentence) = over(turn, &promotion) {
            turn.record(Event::PromotionEnded {
                number: promotion.number,
                outcome: Outcome::Rejected,
                sentence,
            });
            continue;
        }
        ask(turn, &promotion);
        if turn.active().is_none() && may_start(&promotion) {
            starting::begin(turn, &promotion);
        }
    }
}

fn over(turn: &Turn<'_>, promotion: &Promotion) -> Option<String> {
    if let State::Waiting { deadline } = promotion.state
        && turn.now >= deadline
    {
        return Some(format!("it waited longer than {}", super::WAIT_LIMIT));
    }
    if let Some(quarantine) = turn.lane.quarantine_of(&promotion.plan.release.digest) {
        return Some(format!("quarantined while it waited: {}", quarantine.reason));
    }
    prerequisites(promotion).find_map(|(key, check)| {
        let (answer, _) = promotion.checks.get(&key)?.answer.as_ref()?;
        (answer.result == CheckResult::Fail)
            .then(|| format!("{} failed: {}", check.title, answer.sentence))
    })
}

fn may_start(promotion: &Promotion) -> bool {
    promotion.paused.is_none() && prerequisites(promotion).all(|(key, _)| passed(promotion, &key))
}

/// Whether the last answer of a check is a pass.
pub(super) fn passed(promotion: &Promotion, key: &CheckKey) -> bool {
    let progress = promotion.checks.get(key);
    let answer = progress.and_then(|progress| progress.answer.as_ref());
    answer.is_some_and(|(answer, _)| answer.result == CheckResult::Pass)
}

fn prerequisites(promotion: &Promotion) -> impl Iterator<Item = (CheckKey, &CheckSpec)> {
    let skipped = &promotion.plan.accepted;
    let lane = &promotion.plan.lane;
    let checks = promotion.plan.section.gate.prerequisites.iter();
    checks
        .filter(move |check| {
            let path =
                format!("environments.{}.gate.prerequisites.{}", lane.environment, check.slug);
            !skipped.contains(&path)
        })
        .map(|check| (CheckKey { list: GateList::Prerequisites, slug: check.slug.clone() }, check))
}

fn ask(turn: &mut Turn<'_>, promotion: &Promotion) {
    let due: Vec<_> = prerequisites(promotion)
        .filter(|(key, _)| is_due(turn, promotion, key))
        .map(|(key, check)| (key, check.clone()))
        .collect();
    for (key, check) in due {
        order_check(turn, promotion, key, check);
    }
}

/// Whether a check was never asked, or is to be asked again by now.
pub(super) fn is_due(turn: &Turn<'_>, promotion: &Promotion, key: &CheckKey) -> bool {
    let Some(progress) = promotion.checks.get(key) else { return true };
    progress.asking.is_none()
        && progress.ask_again_at.is_some_and(|at| turn.ask_now || at <= turn.now)
}

/// Asks one check.
pub(super) fn order_check(
    turn: &mut Turn<'_>,
    promotion: &Promotion,
    key: CheckKey,
    check: CheckSpec,
) {
    let command = turn.next_command();
    turn.record(Event::CheckAsked { number: promotion.number, key: key.clone(), command });
    let green = match key.list {
        GateList::Prerequisites => Vec::new(),
        GateList::Validation => {
            promotion.green.as_ref().map(|green| green.endpoints.clone()).unwrap_or_default()
        }
    };
    let release = promotion.plan.release.clone();
    turn.order(
        command,
        Order::AskCheck { promotion: promotion.number, key, check, release, green },
    );
}
