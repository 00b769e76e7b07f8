//! What is owed in a lane: when a debt begins, who may settle it, whom it keeps out, when people are told
//! again. Which change owes what is `debts`; looks into no repository.

use crate::debts::{self, DebtKind, OpenDebt, Settled};
use crate::ids::{Person, PromotionNumber};
use crate::journal::Event;
use crate::project::Common;
use crate::promotion::entering::{Checked, serves};
use crate::promotion::input::DebtOrder;
use crate::promotion::state::{Lane, Owed, Promotion};
use crate::promotion::{Taken, Turn, approving};
use crate::reason::{Blocker, Next, Refusal, RefusalKind};
use crate::release::Release;
use crate::speaking::{Says, Spoken};
use crate::units::Timestamp;

/// A promotion takes the lane.
pub(super) fn started(turn: &mut Turn<'_>, promotion: &Promotion) {
    if let Some(debt) = debts::of_start(promotion, turn.now) {
        turn.record(Event::DebtIncurred(Box::new(debt)));
    }
}

/// A promotion serves.
pub(super) fn committed(turn: &mut Turn<'_>, promotion: &Promotion) {
    for debt in debts::of_commit(promotion, turn.now) {
        turn.record(Event::DebtIncurred(Box::new(debt)));
    }
}

/// Tells people again of what is overdue.
pub(super) fn advance(turn: &mut Turn<'_>) {
    let due = |open: &OpenDebt| open.remind_at().is_some_and(|at| at <= turn.now);
    let overdue: Vec<_> = turn.lane.debts.iter().filter(|open| due(open)).cloned().collect();
    let reasons = turn.lane.owed.iter().filter(|owed| owed.remind_at() <= turn.now);
    let reasons: Vec<_> = reasons.map(|owed| (owed.number, DebtKind::Reason)).collect();
    let overdue = overdue.iter().map(|open| (open.debt.number, open.debt.kind));
    for (number, kind) in overdue.chain(reasons) {
        turn.record(Event::DebtOverdue { number, kind });
    }
}

/// Somebody says that it is done, or the program found that it is.
pub(super) fn settled(turn: &mut Turn<'_>, order: &DebtOrder) -> Taken {
    let (number, kind) = (order.number, order.kind);
    let is_meant = |open: &&OpenDebt| open.debt.number == number && open.debt.kind == kind;
    let Some(open) = turn.lane.debts.iter().find(is_meant).cloned() else {
        return Err(Box::new(nothing_owed(turn, number, kind)));
    };
    let is_review = kind == DebtKind::Review;
    if is_review && let Some(why) = is_own_work(turn.common(), &turn.lane, &open, &order.by) {
        return Err(Box::new(own_work(&open, &order.by, &why)));
    }
    // What the program finds by itself is nobody's word.
    if order.found_in.is_none() {
        let spoken = Spoken {
            promotion: Some(number),
            title: Some(kind.as_str()),
            note: order.note.as_deref(),
            link: order.link.as_deref(),
            ..approving::in_lane(&turn.lane, &order.by, Says::Settle)
        };
        spoken.heard(turn.matrix(), order.signed.as_ref(), turn.now)?;
    }
    turn.record(Event::DebtSettled(Box::new(Settled {
        number,
        kind,
        by: order.by.clone(),
        note: order.note.clone(),
        link: order.link.clone(),
        found_in: order.found_in.clone(),
        signed: order.signed.clone(),
    })));
    Ok(())
}

/// Nobody reviews their own work: neither whoever ordered it, nor whoever made the release.
fn is_own_work(common: &Common, lane: &Lane, open: &OpenDebt, by: &Person) -> Option<String> {
    let matrix = common.matrix.as_ref();
    let means = |who: &Person| by == who || matrix.is_some_and(|it| it.is_meant_by(by, who));
    if std::iter::once(&open.debt.by).chain(&open.debt.behind).any(means) {
        return Some("ordered it".to_owned());
    }
    let release = common.release_of(&lane.id.service, &open.debt.release)?;
    release.makers().any(means).then(|| format!("made {}", release.version))
}

fn own_work(open: &OpenDebt, by: &Person, why: &str) -> Refusal {
    let message = format!("{by} cannot settle {}", open.words());
    let cause = format!("{by} {why}, and a review is somebody else's");
    Refusal::new(RefusalKind::NotAllowed, "own-work", message, cause)
        .next("towpath waiting", "what is owed, and who could")
}

fn nothing_owed(turn: &Turn<'_>, number: PromotionNumber, kind: DebtKind) -> Refusal {
    let message = format!("promotion {number} owes no {}", kind.as_str());
    let cause =
        format!("nothing of the kind is open in {}, or it was settled before", turn.lane.id);
    Refusal::new(RefusalKind::NotFound, "nothing-owed", message, cause)
        .next("towpath waiting", "what is owed")
}

/// Whether nothing that is owed keeps such a release out.
pub(super) fn lets_in(lane: &Lane, release: &Release) -> Checked<()> {
    let keeps_out = |open: &&OpenDebt| open.debt.blocks.contains(&release.change_type);
    let Some(open) = lane.debts.iter().find(keeps_out) else { return Ok(()) };
    let to = &lane.id.environment;
    let message = format!("{} may not enter {to}; {}", release.version, serves(lane));
    let word = release.change_type.as_str();
    let cause = format!(
        "{} is owed, and lets nothing of the type {word} in before it is done",
        open.words()
    );
    let mut refusal = Refusal::new(RefusalKind::Gate, "owed", message, cause)
        .at(format!("environments.{to}.change_types"));
    for next in settling(open) {
        refusal = refusal.next(next.command, next.what);
    }
    Err(Box::new(refusal))
}

/// What is owed in a lane, oldest first, with who could settle it and how. Nothing under way waits for it.
pub(super) fn blockers(common: &Common, lane: &Lane) -> Vec<Blocker> {
    let each = lane.debts.iter().map(|open| Blocker {
        what: open.debt.kind.as_str().to_owned(),
        sentence: format!("{} is owed{}", open.words(), keeping_out(open)),
        who: who_could(common, lane, open),
        next: settling(open),
        until: open.debt.due,
    });
    each.collect()
}

fn keeping_out(open: &OpenDebt) -> String {
    let types: Vec<_> = open.debt.blocks.iter().map(|one| one.as_str()).collect();
    match types.as_slice() {
        [] => String::new(),
        some => format!("; no {} enters before", some.join(" or ")),
    }
}

fn settling(open: &OpenDebt) -> Vec<Next> {
    let (number, kind) = (open.debt.number, open.debt.kind.as_str());
    let command = format!("towpath settle {number} {kind} --note \"NOTE\"");
    match open.debt.kind {
        DebtKind::Review => vec![Next::new(command, "somebody else says that they looked at it")],
        DebtKind::Backport => {
            let branch = open.debt.branch.as_deref().unwrap_or("the branch");
            let what = format!("a release of {branch} that has the fix settles it by itself");
            vec![
                Next::new("towpath release create VERSION --artifact NAME=PATH", what),
                Next::new(command, "somebody says that it is there"),
            ]
        }
        DebtKind::Reason => Vec::new(),
    }
}

fn who_could(common: &Common, lane: &Lane, open: &OpenDebt) -> Vec<String> {
    let Some(matrix) = &common.matrix else { return Vec::new() };
    let may = matrix.who_may_here(crate::people::Verb::Approve, &lane.id.environment);
    let is_review = open.debt.kind == DebtKind::Review;
    let others = may
        .into_iter()
        .filter(|person| !is_review || is_own_work(common, lane, open, person).is_none());
    others.map(ToString::to_string).collect()
}

/// When people are told again of what is owed.
pub(super) fn wakes(lane: &Lane, wakes: &mut Vec<(Timestamp, &'static str)>) {
    let each = lane.debts.iter().filter_map(OpenDebt::remind_at);
    let each = each.chain(lane.owed.iter().map(Owed::remind_at));
    wakes.extend(each.map(|at| (at, "something owed is overdue")));
}

impl Lane {
    /// What is owed after `event`.
    pub(super) fn debts_changed(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::DebtIncurred(debt) => {
                self.debts.push(OpenDebt { debt: (**debt).clone(), since: at, reminded_at: None });
            }
            Event::DebtSettled(settled) => self.debts.retain(|open| {
                (open.debt.number, open.debt.kind) != (settled.number, settled.kind)
            }),
            Event::DebtOverdue { number, kind: DebtKind::Reason } => {
                if let Some(owed) = self.owed.iter_mut().find(|owed| owed.number == *number) {
                    owed.reminded_at = Some(at);
                }
            }
            Event::DebtOverdue { number, kind } => {
                let same =
                    |open: &&mut OpenDebt| (open.debt.number, open.debt.kind) == (*number, *kind);
                if let Some(open) = self.debts.iter_mut().find(same) {
                    open.reminded_at = Some(at);
                }
            }
            _ => {}
        }
    }
}
