//! Takes an input in: finds what it is about, refuses what cannot be, and hands it to the state it
//! belongs to. Decides nothing that belongs to a state.

use towpath_guard::{Standing, Verdict};

use crate::check::{CheckAnswer, CheckResult};
use crate::ids::{CommandId, Person, PromotionNumber, Revision};
use crate::journal::{Event, Requested};
use crate::matrix::Supersede;
use crate::promotion::command::CommandOutcome;
use crate::promotion::entering;
use crate::promotion::input::{Input, PromotionOrder};
use crate::promotion::state::{CheckKey, GateList, Kind, Outcome, Promotion, State};
use crate::promotion::{
    CHECK_RETRY, LATEST_ASKING, SLOWEST_CHECK_RETRY, SOONEST_ASKING, Taken, Turn,
    VALIDATION_ATTEMPTS, approving, baking, committing, doubting, going_back, health, held,
    holdback, holding, owing, owning, rollback, shifting, standby, starting, triggers,
};
use crate::reason::{Refusal, RefusalKind};
use crate::release::{ChangeType, Release};
use crate::units::{Span, Weight};

/// Takes one input in.
pub(super) fn take(turn: &mut Turn<'_>, input: &Input) -> Taken {
    match input {
        Input::PromotionOrdered(order) => promotion_ordered(turn, order),
        Input::RollbackOrdered { by, reason, quarantine } => {
            let (by, reason, quarantine) = (by.clone(), reason.clone(), *quarantine);
            let cause = rollback::Cause { by, reason, quarantine, leaves_release: false };
            triggers::ordered(turn, &cause)
        }
        Input::Signalled { signal, by, reason } => triggers::signalled(turn, *signal, by, reason),
        Input::PauseOrdered { number, by, reason } => {
            holding::pause(turn, *number, by, reason.as_deref())
        }
        Input::ResumeOrdered { number, by, signed } => {
            holding::resume(turn, *number, by, signed.as_ref())
        }
        Input::AbortOrdered { number, by, reason } => {
            holding::abort(turn, *number, by, reason.as_deref())
        }
        Input::ApprovalOrdered(order) => approving::taken(turn, order),
        Input::DebtSettled(order) => owing::settled(turn, order),
        Input::QuarantineLiftOrdered { digest, by, reason, signed } => {
            holding::lift(turn, digest, by, reason, signed.as_ref())
        }
        Input::ReasonGiven { number, by, reason } => rollback::explained(turn, *number, by, reason),
        Input::CommandEnded { command, outcome } => {
            command_ended(turn, *command, outcome);
            Ok(())
        }
        Input::Judged { deployment, verdict } => {
            judged(turn, *deployment, verdict);
            Ok(())
        }
        Input::LeaseLapsed { revision, frozen } => {
            lease_lapsed(turn, *revision, *frozen);
            Ok(())
        }
        Input::RouteObserved { revision, weight } => {
            route_observed(turn, *revision, *weight);
            Ok(())
        }
        Input::HealthLost { deployment, sentence } => {
            health::lost(turn, *deployment, sentence);
            Ok(())
        }
        Input::OwnersTold(told) => {
            owning::told(turn, told);
            Ok(())
        }
        Input::BudgetLooked { spent, sentence } => {
            if turn.lane.budget_spent.is_some() == *spent {
                turn.note("that is known");
            } else {
                let sentence = sentence.clone();
                turn.record(Event::BudgetChanged { spent: *spent, sentence });
            }
            Ok(())
        }
        Input::Woken { verdict, ask_again } => {
            turn.ask_now = *ask_again;
            woken(turn, verdict.as_ref());
            Ok(())
        }
    }
}

pub(super) fn promotion_ordered(turn: &mut Turn<'_>, order: &PromotionOrder) -> Taken {
    if let Some(from) = order.offered_by
        && known_offer(turn, from)
    {
        turn.note("this offer was taken before");
        return Ok(());
    }
    let (plan, release) = entering::planned(turn.project, &turn.lane, order)?;
    approving::goes_past_the_rules(turn, order, &plan)?;
    let same = turn.lane.waiting.iter().find(|one| one.plan.release == plan.release).cloned();
    if let Some(same) = &same
        && (!plan.break_glass || same.plan.break_glass)
    {
        return Err(Box::new(waits_already(same)));
    }
    let is_urgent = release.change_type == ChangeType::Hotfix || plan.break_glass;
    let preempts = is_urgent && plan.section.hotfix_preempts;
    if let Some(active) = turn.lane.active.clone() {
        if active.plan.release == plan.release {
            return Err(Box::new(busy(turn, &active)));
        }
        if order.offered_by.is_none() && !preempts {
            return Err(Box::new(busy(turn, &active)));
        }
    }
    if let Some(same) = same {
        let sentence = format!("{} breaks the glass for {}", order.by, release.version);
        let (number, outcome) = (same.number, Outcome::Superseded);
        turn.record(Event::PromotionEnded { number, outcome, sentence });
    }
    // A hotfix waits for its own checks first; `waiting` makes room for it once they hold.
    // Other settings take nobody's place: whatever waits brings them as well.
    let supersedes = plan.section.supersede == Supersede::Newest && !plan.is_settings_alone();
    let number = turn.next_promotion();
    let version = release.version.clone();
    // What a person ordered is wanted now, be it older; what an edge offers is only what came along.
    let before = order.offered_by.and_then(|_| goes_before(turn, &release));
    let overrides_window = order.override_window;
    let deadline = held::deadline(turn, &plan.section, release.change_type, overrides_window);
    turn.record(Event::PromotionRequested(Box::new(Requested {
        number,
        plan,
        from: order.from.clone(),
        offered_by: order.offered_by,
        by: order.by.clone(),
        behind: order.behind.clone(),
        reason: order.reason.clone(),
        deadline,
        irreversible: release.is_irreversible(),
        // Whoever signed an order signed one plan.
        bound_to_plan: order.plan.is_some() || order.signed.is_some(),
        overrides_window,
        signed: order.signed.clone().filter(|_| order.goes_past().is_some()),
        trace: None,
    })));
    match before.filter(|_| supersedes) {
        Some(sentence) => {
            turn.record(Event::PromotionEnded { number, outcome: Outcome::Superseded, sentence });
        }
        None if supersedes => supersede(turn, number, version.as_str()),
        None => {}
    }
    Ok(())
}

/// Why something that waits stays although `offered` came: it is newer, or a hotfix and that is none.
fn goes_before(turn: &Turn<'_>, offered: &Release) -> Option<String> {
    turn.lane.waiting.iter().find_map(|waits| {
        let service = &waits.plan.lane.service;
        let release = turn.common().release_of(service, &waits.plan.release)?;
        let is_hotfix = |one: &Release| one.change_type == ChangeType::Hotfix;
        let why = if is_hotfix(release) && !is_hotfix(offered) {
            "is a hotfix"
        } else if release.created_at > offered.created_at
            && is_hotfix(release) == is_hotfix(offered)
        {
            "is newer"
        } else {
            return None;
        };
        Some(format!("{} {why} and waits already (promotion {})", release.version, waits.number))
    })
}

fn known_offer(turn: &Turn<'_>, from: PromotionNumber) -> bool {
    let own = Some(from);
    let open = turn.lane.active.iter().chain(&turn.lane.waiting);
    open.map(|promotion| promotion.offered_by)
        .chain(turn.lane.ended.iter().map(|ended| ended.offered_by))
        .any(|offered_by| offered_by == own)
}

fn waits_already(same: &Promotion) -> Refusal {
    let version = &same.plan.release.version;
    let environment = &same.plan.lane.environment;
    Refusal::new(
        RefusalKind::Conflict,
        "waits-already",
        format!("promotion {} already carries {version} to {environment}", same.number),
        "it waits, and holds nothing",
    )
    .next(format!("towpath why {environment}"), "what it waits for")
    .next(format!("towpath watch {}", same.number), "until it ends")
}

fn busy(turn: &Turn<'_>, active: &Promotion) -> Refusal {
    let environment = &turn.lane.id.environment;
    let message = format!(
        "{environment} is busy: promotion {} ({} {}, by {}) is {} at {}",
        active.number,
        turn.lane.id.service,
        active.plan.release.version,
        active.by,
        active.state.word(),
        active.weight
    );
    Refusal {
        code: "lane-busy".to_owned(),
        kind: RefusalKind::Conflict,
        message,
        cause: None,
        place: None,
        next: Vec::new(),
        also: Vec::new(),
    }
    .next(format!("towpath watch {}", active.number), "until it ends; yours can start then")
    .next(format!("towpath abort {}", active.number), "returns all traffic first")
}

fn supersede(turn: &mut Turn<'_>, number: PromotionNumber, version: &str) {
    let older: Vec<_> =
        turn.lane.waiting.iter().map(|one| one.number).filter(|one| *one != number).collect();
    for older in older {
        turn.record(Event::PromotionEnded {
            number: older,
            outcome: Outcome::Superseded,
            sentence: format!("{version} took its place (promotion {number})"),
        });
    }
}

pub(super) fn named(turn: &Turn<'_>, number: PromotionNumber) -> Result<Promotion, Box<Refusal>> {
    if let Some(promotion) = turn.lane.promotion(number) {
        return Ok(promotion.clone());
    }
    if let Some(ended) = turn.lane.ended.iter().find(|ended| ended.number == number) {
        let message = format!("promotion {number} has ended: {}", ended.outcome.as_str());
        let cause = "what has ended stays as it ended";
        let environment = &turn.lane.id.environment;
        return Err(Box::new(
            Refusal::new(RefusalKind::Conflict, "ended", message, cause)
                .next(format!("towpath rollback {environment}"), "a promotion of its own"),
        ));
    }
    let message = format!("there is no promotion {number} in {}", turn.lane.id.environment);
    let cause = "no promotion with this number was asked for in this lane";
    Err(Box::new(
        Refusal::new(RefusalKind::NotFound, "no-promotion", message, cause)
            .next(format!("towpath history {}", turn.lane.id.environment), "those that were"),
    ))
}

fn command_ended(turn: &mut Turn<'_>, command: CommandId, outcome: &CommandOutcome) {
    if let CommandOutcome::Checked { answer } = outcome {
        check_answered(turn, command, answer);
        return;
    }
    if *outcome == CommandOutcome::Offered {
        return;
    }
    if let Some(deployment) = turn
        .lane
        .stopping
        .iter()
        .find(|(_, own)| **own == command)
        .map(|(deployment, _)| *deployment)
    {
        standby::ended(turn, deployment, outcome);
        return;
    }
    if holdback::is_waiting_for(&turn.lane, command) {
        holdback::ended(turn, outcome);
        return;
    }
    let Some(promotion) = turn.lane.active.clone() else {
        turn.note("the outcome belongs to nothing that is under way");
        return;
    };
    match promotion.state {
        State::Starting { .. } if starting::is_waiting_for(&promotion, command) => {
            starting::ended(turn, &promotion, outcome);
        }
        State::Shifting { step, command: own, .. } if own == command => {
            shifting::ended(turn, &promotion, step, outcome);
        }
        State::Committing { command: Some(own), .. } if own == command => {
            committing::ended(turn, &promotion, outcome);
        }
        State::GoingBack { command: Some(own), .. } if own == command => {
            going_back::ended(turn, &promotion, outcome);
        }
        _ => turn.note(format!("command {command} is not the one that is waited for")),
    }
}

fn check_answered(turn: &mut Turn<'_>, command: CommandId, answer: &CheckAnswer) {
    let asked = turn.lane.active.iter().chain(&turn.lane.waiting).find_map(|promotion| {
        let mut checks = promotion.checks.iter();
        let (key, progress) = checks.find(|(_, progress)| progress.asking == Some(command))?;
        Some((promotion, key.clone(), progress.asked))
    });
    let Some((promotion, key, asked)) = asked else {
        turn.note(format!("nobody waits for the answer to command {command}"));
        return;
    };
    let answer = &doubting::heard(turn, answer);
    let number = promotion.number;
    let is_rollback = promotion.plan.kind == Kind::Rollback;
    let ask_again_at = next_asking(turn, is_rollback, &key, asked, answer);
    turn.record(Event::CheckAnswered { number, key, answer: answer.clone(), ask_again_at });
}

fn next_asking(
    turn: &Turn<'_>,
    is_rollback: bool,
    key: &CheckKey,
    asked: u32,
    answer: &CheckAnswer,
) -> Option<crate::units::Timestamp> {
    let given_up = key.list == GateList::Validation && asked >= VALIDATION_ATTEMPTS;
    match answer.result {
        CheckResult::Pass | CheckResult::Fail => None,
        _ if given_up => None,
        CheckResult::Pending { ask_again_at } => {
            let earliest = turn.now.plus(SOONEST_ASKING);
            // Visitors are on the bad release while a rollback waits.
            let latest = if is_rollback { CHECK_RETRY } else { LATEST_ASKING };
            Some(ask_again_at.clamp(earliest, turn.now.plus(latest)))
        }
        CheckResult::Inconclusive if key.list == GateList::Validation => {
            Some(turn.now.plus(CHECK_RETRY))
        }
        // Who waits for days is not asked every ten seconds all the while.
        CheckResult::Inconclusive => {
            let doubled = CHECK_RETRY.milliseconds() << asked.saturating_sub(1).min(16);
            Some(turn.now.plus(Span(doubled).min(SLOWEST_CHECK_RETRY)))
        }
    }
}

fn judged(turn: &mut Turn<'_>, deployment: PromotionNumber, verdict: &Verdict) {
    if let Some(promotion) = turn.lane.active.clone() {
        let is_green = promotion.green.as_ref().is_some_and(|green| green.number == deployment);
        // A commit on its way can still be taken back, as blue is kept until it is observed.
        let judging = match promotion.state {
            State::Shifting { .. } | State::Baking { .. } | State::Reconciling { .. } => true,
            State::Committing { .. } => promotion.can_be_thrown_out(),
            State::Waiting { .. }
            | State::Starting { .. }
            | State::Validating
            | State::GoingBack { .. } => false,
        };
        if is_green && judging {
            baking::judged(turn, &promotion, verdict);
            return;
        }
    }
    let serves = turn.lane.serving.as_ref().map(|serving| serving.deployment.number);
    let is_watched = serves == Some(deployment) && turn.lane.standby.is_some();
    if is_watched && verdict.standing == Standing::Unhealthy {
        rollback::triggered(turn, verdict.sentence.clone(), Person::guard());
    }
}

/// A lapse counts while its revision is the last that was ordered, and while what was ordered after it
/// is not confirmed: the next step, or the commit.
fn lease_lapsed(turn: &mut Turn<'_>, revision: Revision, frozen: bool) {
    let Some(promotion) = turn.lane.active.clone() else { return };
    let is_lent = promotion.lent == Some(revision);
    if revision != turn.lane.last_revision && !is_lent {
        turn.note(format!("the lease of revision {revision} is history"));
        return;
    }
    match promotion.state {
        State::Shifting { .. } | State::Reconciling { .. }
            if is_lent && !frozen && baking::goes_on_after_a_lapse(&promotion) =>
        {
            turn.note("the step that is ordered next decides what green has");
        }
        State::Reconciling { .. } if frozen && promotion.paused.is_some() => {
            turn.note("a person is called already");
        }
        State::Baking { step, .. }
        | State::Shifting { step, .. }
        | State::Reconciling { step, .. } => {
            baking::lapsed(turn, &promotion, step, frozen);
        }
        // What a commit that is out has done is not known before it has ended; the lapse is told again.
        State::Committing { command: None, .. } if is_lent => {
            let last = promotion.plan.steps.len().saturating_sub(1);
            baking::lapsed(turn, &promotion, last, frozen);
        }
        _ => turn.note("nothing is on a lease"),
    }
}

/// A weight that is not the recorded one is not counted as baked (I4).
fn route_observed(turn: &mut Turn<'_>, revision: Revision, weight: Weight) {
    let Some(promotion) = turn.lane.active.clone() else {
        holdback::observed(turn, revision, weight);
        return;
    };
    let State::Baking { step, .. } = promotion.state else { return };
    if revision == turn.lane.last_revision && weight != promotion.weight {
        let recorded = promotion.weight;
        let sentence = format!("green had {recorded} and {weight} is what it has now");
        shifting::reconcile_later(turn, &promotion, step, sentence, weight);
    }
}

/// Whoever wakes a lane may bring a verdict along; one of harm counts at once, in a pause as well.
fn woken(turn: &mut Turn<'_>, verdict: Option<&Verdict>) {
    let green = turn.active().and_then(|one| one.green.as_ref()).map(|green| green.number);
    if let (Some(green), Some(verdict)) = (green, verdict)
        && verdict.standing == Standing::Unhealthy
    {
        judged(turn, green, verdict);
    }
}
