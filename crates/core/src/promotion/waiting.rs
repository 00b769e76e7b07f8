//! Waits for prerequisites and for the lane, and holds nothing. Starts the oldest promotion whose
//! prerequisites hold when the lane is free; what passed long ago is asked again first.

use crate::check::CheckResult;
use crate::journal::Event;
use crate::matrix::CheckSpec;
use crate::promotion::command::Order;
use crate::promotion::state::{CheckKey, CheckProgress, GateList, Kind, Outcome, Promotion, State};
use crate::promotion::{
    PASS_LASTS, Turn, approving, entering, going_back, held, holdback, starting,
};
use crate::release::ChangeType;

/// Asks what is to be asked, ends what failed or waited too long, starts what may start.
pub(super) fn advance(turn: &mut Turn<'_>) {
    let mut waiting = turn.lane.waiting.clone();
    // Room that was made for a hotfix is taken by the hotfix.
    waiting.sort_by_key(|promotion| !is_preempting(turn, promotion));
    // Who asks again keeps its place: a younger one does not slip in meanwhile.
    let mut is_next = true;
    for promotion in waiting {
        let Some(promotion) = planned_anew(turn, promotion) else { continue };
        if let Some(sentence) = over(turn, &promotion) {
            turn.record(Event::PromotionEnded {
                number: promotion.number,
                outcome: Outcome::Rejected,
                sentence,
            });
            continue;
        }
        ask(turn, &promotion);
        if !is_next || !may_start(turn, &promotion) || held::keeps_waiting(turn, &promotion) {
            continue;
        }
        let active = turn.lane.active.clone();
        if active.as_ref().is_some_and(|active| !may_preempt(turn, &promotion, active)) {
            continue;
        }
        is_next = still_holds(turn, &promotion);
        match active {
            _ if !is_next => {}
            None if holdback::is_up(&turn.lane) => {
                // What stands by keeps its visitors until the router has ended that.
                is_next = false;
                let number = promotion.number;
                holdback::end(turn, format!("promotion {number} takes its place"), false);
            }
            None => starting::begin(turn, &promotion),
            Some(active) => preempt(turn, &promotion, &active),
        }
    }
}

/// Whether every pass is fresh and none is being asked for again; asks again what is not.
fn still_holds(turn: &mut Turn<'_>, promotion: &Promotion) -> bool {
    let progress = |key: &CheckKey| promotion.checks.get(key);
    let keyed: Vec<_> = prerequisites(promotion).map(|(key, check)| (key, check.clone())).collect();
    if keyed.iter().filter_map(|(key, _)| progress(key)).any(|one| one.asking.is_some()) {
        return false;
    }
    let all: Vec<&CheckProgress> = keyed.iter().filter_map(|(key, _)| progress(key)).collect();
    if all.iter().all(|one| is_fresh(turn, one, &all)) {
        return true;
    }
    for (key, check) in keyed {
        if promotion.checks.get(&key).is_some_and(|one| is_old(turn, one)) {
            order_check(turn, promotion, key, check);
        }
    }
    false
}

/// Whether a pass came longer ago than it lasts.
fn is_old(turn: &Turn<'_>, progress: &CheckProgress) -> bool {
    progress.answer.as_ref().is_some_and(|(_, at)| turn.now.since(*at) >= PASS_LASTS)
}

/// Whether a pass counts: it is young, or grew old only while another check was being answered that
/// was asked when it was young. Otherwise two checks that each take longer than a pass lasts would
/// ask for each other for ever.
fn is_fresh(turn: &Turn<'_>, progress: &CheckProgress, all: &[&CheckProgress]) -> bool {
    let Some((_, answered)) = progress.answer else { return false };
    let lasts_until = answered.plus(PASS_LASTS);
    !is_old(turn, progress)
        || all.iter().any(|other| {
            !is_old(turn, other) && other.asked_at.is_some_and(|asked| asked < lasts_until)
        })
}

/// What is declared, what serves and what is verified may change while a promotion waits: its plan
/// changes with it until it starts (I12). None when it ended because of that.
pub(super) fn planned_anew(turn: &mut Turn<'_>, promotion: Promotion) -> Option<Promotion> {
    let number = promotion.number;
    let sentence = match entering::plan_again(turn.project, &turn.lane, &promotion) {
        Ok(plan) if plan == promotion.plan => return Some(promotion),
        Ok(plan) if !promotion.bound_to_plan => {
            turn.record(Event::PlanChanged { number, plan: Box::new(plan) });
            return turn.lane.promotion(number).cloned();
        }
        Ok(_) => "what would happen is no longer the plan that it is bound to".to_owned(),
        Err(refusal) => refusal.cause.unwrap_or(refusal.message),
    };
    turn.record(Event::PromotionEnded { number, outcome: Outcome::Rejected, sentence });
    None
}

fn is_preempting(turn: &Turn<'_>, promotion: &Promotion) -> bool {
    let service = &promotion.plan.lane.service;
    let release = turn.common().release_of(service, &promotion.plan.release);
    let is_hotfix = |release| promotion.plan.change_type(release) == ChangeType::Hotfix;
    let is_urgent = promotion.plan.break_glass || release.is_some_and(is_hotfix);
    promotion.plan.section.hotfix_preempts && is_urgent
}

/// Whether a hotfix whose checks hold, or what breaks the glass, takes the place of what is under way: not when that is a
/// rollback, is over in a moment, or could not go back without a person's word.
fn may_preempt(turn: &Turn<'_>, hotfix: &Promotion, active: &Promotion) -> bool {
    let over_soon = matches!(active.state, State::Committing { .. } | State::GoingBack { .. });
    let stays = active.may_have_visitors() && !active.can_return();
    let is_lesser = active.plan.kind == Kind::Promote && !is_preempting(turn, active);
    is_preempting(turn, hotfix) && !over_soon && !stays && is_lesser
}

fn preempt(turn: &mut Turn<'_>, hotfix: &Promotion, active: &Promotion) {
    let version = &hotfix.plan.release.version;
    let number = hotfix.number;
    let sentence = match &hotfix.reason {
        Some(reason) if hotfix.plan.break_glass => format!(
            "{} breaks the glass for {version}, which pre-empts it (promotion {number}): {reason}",
            hotfix.by
        ),
        _ => format!("hotfix {version} pre-empts it (promotion {number})"),
    };
    going_back::begin(turn, active, going_back::ending(Outcome::RolledBack, sentence));
}

fn over(turn: &Turn<'_>, promotion: &Promotion) -> Option<String> {
    if let State::Waiting { deadline } = promotion.state
        && turn.now >= deadline
    {
        return Some(format!("it waited longer than {}", deadline.since(promotion.requested_at)));
    }
    let (digest, settings) = (&promotion.plan.release.digest, promotion.plan.settings());
    if let Some(quarantine) = turn.lane.quarantine_under(digest, Some(&settings)) {
        return Some(format!("quarantined while it waited: {}", quarantine.reason));
    }
    prerequisites(promotion).find_map(|(key, check)| {
        let (answer, _) = promotion.checks.get(&key)?.answer.as_ref()?;
        (answer.result == CheckResult::Fail)
            .then(|| format!("{} failed: {}", check.title, answer.sentence))
    })
}

fn may_start(turn: &Turn<'_>, promotion: &Promotion) -> bool {
    promotion.paused.is_none()
        && prerequisites(promotion).all(|(key, _)| passed(promotion, &key))
        && approving::is_complete(turn, promotion)
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
