//! A promotion's approvals: takes a person's yes or no in, and says whether everybody who must has
//! agreed. Counts nobody; that is `approvals`.

use crate::approvals::{Approval, ApprovalRules, Asked, Question};
use crate::ids::{Digest, Person, PromotionNumber};
use crate::journal::Event;
use crate::matrix::{Environment, LaneSpec, Matrix};
use crate::plan::{self, Plan};
use crate::project::Common;
use crate::promotion::entering::{self, Checked, serves};
use crate::promotion::input::{ApprovalOrder, PromotionOrder};
use crate::promotion::state::{Kind, Lane, Outcome, Promotion, State};
use crate::promotion::{Taken, Turn, owning, waiting};
use crate::reason::{Blocker, Next, Refusal, RefusalKind};
use crate::release::Release;
use crate::speaking::{Says, Spoken};
use crate::units::Timestamp;

/// One role that must agree, and who could still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The role, and those who did.
    pub asked: Asked,
    /// Those who could, in the order of their names.
    pub could: Vec<Person>,
}

/// The roles that must agree to `promotion`: as far as they did while it waits, and whose yes let it in
/// later. Empty where nobody has to.
pub fn of_promotion(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
) -> Vec<Open> {
    if !matches!(promotion.state, State::Waiting { .. }) {
        let stored = promotion.approved.iter().cloned();
        return stored.map(|asked| Open { asked, could: Vec::new() }).collect();
    }
    About::promotion(common, lane, promotion).map(|about| about.open(lane, now)).unwrap_or_default()
}

/// The same of a promotion that nobody has ordered, under a plan that would be its own.
pub fn of_plan(
    common: &Common,
    lane: &Lane,
    plan: &Plan,
    release: &Release,
    now: Timestamp,
) -> Vec<Open> {
    let question = question(common, lane, plan, release);
    let about = question.map(|question| About { question, plan: plan.hash() });
    about.map(|about| about.open(lane, now)).unwrap_or_default()
}

/// Whether everybody who must has agreed. A release that is not known any more was agreed to by nobody.
pub(super) fn is_complete(turn: &Turn<'_>, promotion: &Promotion) -> bool {
    let common = turn.common();
    let Some(matrix) = &common.matrix else { return true };
    if promotion.plan.kind == Kind::Rollback || rules(matrix, &promotion.plan.section).is_none() {
        return true;
    }
    let about = About::promotion(common, &turn.lane, promotion);
    about
        .is_some_and(|about| about.asked(&turn.lane, turn.now).iter().all(|one| one.missing() == 0))
}

/// Those whose yes lets `promotion` in, for the record.
pub(super) fn agreed(turn: &Turn<'_>, promotion: &Promotion) -> Vec<Asked> {
    let about = About::promotion(turn.common(), &turn.lane, promotion);
    about.map(|about| about.asked(&turn.lane, turn.now)).unwrap_or_default()
}

/// Who still has to agree to a promotion that waits, by role.
pub(super) fn blockers(
    common: &Common,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
) -> Vec<Blocker> {
    let State::Waiting { deadline } = promotion.state else { return Vec::new() };
    let all = of_promotion(common, lane, promotion, now);
    let open = all.into_iter().filter(|one| one.asked.missing() > 0);
    open.map(|Open { asked, could }| {
        if let Some(why) = asked.unknown() {
            return unknown_owners(
                promotion,
                format!("{}: not known: {why}", asked.whom()),
                deadline,
            );
        }
        let (whom, agreed) = (asked.whom(), asked.by.len());
        let mut sentence = match asked.owners {
            Some(_) => format!("{whom}: none of them agreed"),
            None => format!("{whom} has {agreed} of {}", asked.needed),
        };
        let enough = u32::try_from(could.len()).unwrap_or(u32::MAX) >= asked.missing();
        let mut next =
            vec![Next::new(format!("towpath approve {}", promotion.number), "agrees to its plan")];
        if !enough {
            sentence.push_str("; not enough people are left who could");
            next.insert(0, Next::new("towpath matrix check", "who is missing in `people`"));
        }
        Blocker {
            what: "approval".to_owned(),
            sentence,
            who: could.iter().map(ToString::to_string).collect(),
            next,
            until: Some(deadline),
        }
    })
    .collect()
}

/// Whose word is missing is not known: a person helps the repository, not the plan.
fn unknown_owners(promotion: &Promotion, sentence: String, deadline: Timestamp) -> Blocker {
    let release = &promotion.plan.release.version;
    let to = &promotion.plan.lane.environment;
    let shows = Next::new(format!("towpath release show {release}"), "the commit that it names");
    let breaks = format!("towpath break-glass {to} --release {release} --reason \"REASON\"");
    let breaks = Next::new(breaks, "where nobody can tell: goes past it, on the record");
    Blocker {
        what: "code-owners".to_owned(),
        sentence,
        who: Vec::new(),
        next: vec![shows, breaks],
        until: Some(deadline),
    }
}

/// Where the matrix says of such a release neither who must agree nor that nobody has to, it may not
/// enter.
pub(super) fn type_is_let_in(
    matrix: &Matrix,
    lane: &Lane,
    environment: &Environment,
    section: &LaneSpec,
    release: &Release,
) -> Checked<()> {
    let Some(rules) = rules(matrix, section) else { return Ok(()) };
    if rules.needed(release.change_type).is_some() {
        return Ok(());
    }
    let to = &environment.name;
    let word = release.change_type.as_str();
    let message = format!("{} may not enter {to}; {}", release.version, serves(lane));
    let cause =
        format!("it is a release of the type {word}, and nobody is named who agrees to one");
    let place = format!("environments.{to}.approvals");
    Err(Box::new(Refusal::new(RefusalKind::Gate, "nobody-agrees", message, cause).at(place).next(
        format!("approvals: {{ {word}: {{ ROLE: 1 }} }}"),
        "in the matrix, or `all:` for every type",
    )))
}

/// Takes a person's word in.
pub(super) fn taken(turn: &mut Turn<'_>, order: &ApprovalOrder) -> Taken {
    for waits in turn.lane.waiting.clone() {
        // A word is about what would happen now, not about what would have happened before a change
        // that nothing has looked at yet.
        if Some(waits.number) == order.number && waiting::planned_anew(turn, waits).is_none() {
            turn.note("the promotion has ended, and nothing was said to it");
            return Ok(());
        }
    }
    let (number, plan, release) = subject(turn, order)?;
    let says = if order.agrees { Says::Approve } else { Says::Reject };
    let spoken = Spoken {
        promotion: number,
        release: Some(&release),
        plan: Some(&plan),
        note: order.note.as_deref(),
        link: order.link.as_deref(),
        // What names a promotion ends with it; what names none ends with whatever ended here since.
        after: if number.is_none() { last_end(turn) } else { None },
        ..in_lane(&turn.lane, &order.by, says)
    };
    spoken.heard(turn.matrix(), order.signed.as_ref(), turn.now)?;
    if !order.agrees {
        return rejected(turn, number, plan, order);
    }
    let counts = match number.and_then(|number| turn.lane.promotion(number)) {
        Some(promotion) => About::promotion(turn.common(), &turn.lane, promotion)
            .map(|about| about.question.whether_counts(&order.by)),
        None => before_order(turn, order),
    };
    match counts {
        None => return Err(Box::new(nobody_has_to(turn))),
        Some(Err(why)) => return Err(Box::new(does_not_count(turn, &order.by, &why))),
        Some(Ok(())) => {}
    }
    if turn.lane.words.iter().any(|word| word.by == order.by && word.plan == plan) {
        turn.note(format!("{} had agreed to it already; the yes holds from now on", order.by));
    }
    turn.record(Event::ApprovalGiven { number, approval: approval(order, plan) });
    Ok(())
}

/// Whether an order that goes past the rules under `plan` is the word of whoever has a key.
pub(super) fn goes_past_the_rules(turn: &Turn<'_>, order: &PromotionOrder, plan: &Plan) -> Taken {
    let Some(says) = order.goes_past() else { return Ok(()) };
    let hash = plan.hash();
    let spoken = Spoken {
        release: Some(&plan.release.digest),
        plan: Some(&hash),
        note: order.reason.as_deref(),
        after: last_end(turn),
        ..in_lane(&turn.lane, &order.by, says)
    };
    spoken.heard(turn.matrix(), order.signed.as_ref(), turn.now)
}

/// Words about a lane.
pub(super) fn in_lane<'a>(lane: &'a Lane, by: &'a Person, says: Says) -> Spoken<'a> {
    let (service, environment) = (Some(&lane.id.service), Some(&lane.id.environment));
    Spoken { service, environment, taken: Some(&lane.taken), ..Spoken::new(by, says) }
}

/// When the last promotion of this lane ended.
fn last_end(turn: &Turn<'_>) -> Option<Timestamp> {
    turn.lane.ended.iter().map(|ended| ended.at).max()
}

fn approval(order: &ApprovalOrder, plan: Digest) -> Approval {
    Approval {
        by: order.by.clone(),
        plan,
        agrees: order.agrees,
        note: order.note.clone(),
        link: order.link.clone(),
        signed: order.signed.clone(),
    }
}

/// One no is enough: the promotion is over.
fn rejected(
    turn: &mut Turn<'_>,
    number: Option<PromotionNumber>,
    plan: Digest,
    order: &ApprovalOrder,
) -> Taken {
    let Some(number) = number else { return Err(Box::new(nothing_waits())) };
    let by = &order.by;
    let sentence = match &order.note {
        Some(note) => format!("{by} rejected it: {note}"),
        None => format!("{by} rejected it"),
    };
    turn.record(Event::ApprovalGiven { number: Some(number), approval: approval(order, plan) });
    turn.record(Event::PromotionEnded { number, outcome: Outcome::Rejected, sentence });
    Ok(())
}

/// What a word is about: the promotion, its plan and its release.
type Subject = (Option<PromotionNumber>, Digest, Digest);

fn subject(turn: &Turn<'_>, order: &ApprovalOrder) -> Checked<Subject> {
    let found = match order.number {
        Some(number) => Some(super::intake::named(turn, number)?),
        None => turn.lane.waiting.iter().find(|one| is_meant(&one.plan.hash(), order)).cloned(),
    };
    let Some(promotion) = found else {
        if !order.agrees {
            return Err(Box::new(nothing_waits()));
        }
        let (plan, _) = entering::plan(turn.project, &turn.lane.id, &as_order(order))?;
        return Ok((None, plan.hash(), plan.release.digest));
    };
    let hash = promotion.plan.hash();
    if !matches!(promotion.state, State::Waiting { .. }) {
        return Err(Box::new(has_started(&promotion)));
    }
    if order.plan.is_some() && !is_meant(&hash, order) {
        return Err(Box::new(changed(turn, &promotion, &hash)));
    }
    Ok((Some(promotion.number), hash, promotion.plan.release.digest))
}

fn nothing_waits() -> Refusal {
    let cause = "no promotion waits under this plan";
    Refusal::new(RefusalKind::Conflict, "nothing-waits", "nothing was rejected", cause)
        .next("towpath waiting", "what waits")
}

fn is_meant(hash: &Digest, order: &ApprovalOrder) -> bool {
    order.plan.as_ref().is_some_and(|plan| plan::is_named(hash, plan))
}

/// What would have to be ordered so that the word counts for it.
pub fn as_order(order: &ApprovalOrder) -> PromotionOrder {
    PromotionOrder {
        release: order.release.clone(),
        plan: Some(order.plan.clone().unwrap_or_default()),
        ..PromotionOrder::of(order.by.clone())
    }
}

fn before_order(turn: &Turn<'_>, order: &ApprovalOrder) -> Option<Result<(), String>> {
    let (plan, release) = entering::plan(turn.project, &turn.lane.id, &as_order(order)).ok()?;
    let question = question(turn.common(), &turn.lane, &plan, &release)?;
    Some(question.whether_counts(&order.by))
}

fn has_started(promotion: &Promotion) -> Refusal {
    let number = promotion.number;
    let message = format!("promotion {number} does not wait for a word any more");
    let cause = format!("it is {}", promotion.state.word());
    Refusal::new(RefusalKind::Conflict, "has-started", message, cause)
        .next(format!("towpath watch {number}"), "until it ends")
        .next(format!("towpath abort {number}"), "returns all traffic")
}

fn changed(turn: &Turn<'_>, promotion: &Promotion, hash: &Digest) -> Refusal {
    let number = promotion.number;
    let message = format!(
        "the plan of promotion {number} is {} by now, and nothing was said to it; {}",
        hash.short(),
        serves(&turn.lane)
    );
    let cause = "what is declared or what serves changed since it was looked at";
    Refusal::new(RefusalKind::Conflict, "stale-plan", message, cause)
        .next(format!("towpath why {}", turn.lane.id.environment), "what waits there now")
        .next(format!("towpath approve {number}"), "says yes to the plan as it is")
}

fn nobody_has_to(turn: &Turn<'_>) -> Refusal {
    let environment = &turn.lane.id.environment;
    let message = format!("nothing was approved: nobody has to agree in {environment}");
    let cause = "the matrix names no `approvals` for it";
    Refusal::new(RefusalKind::AlreadySo, "nobody-has-to", message, cause)
        .at(format!("environments.{environment}.approvals"))
}

fn does_not_count(turn: &Turn<'_>, by: &Person, why: &str) -> Refusal {
    let environment = &turn.lane.id.environment;
    let message = format!("the word of {by} does not count here");
    let cause = format!("{by} {why}");
    Refusal::new(RefusalKind::NotAllowed, "does-not-count", message, cause)
        .at(format!("environments.{environment}.approvals"))
        .next(format!("towpath why {environment}"), "whose word is missing")
}

/// What people must agree to, as far as they have to.
fn rules<'a>(matrix: &Matrix, section: &'a LaneSpec) -> Option<&'a ApprovalRules> {
    // Where nobody is named the section counts as not enforced, and refuses until that is accepted.
    section.approvals.as_ref().filter(|_| matrix.knows_people())
}

/// What is asked about a release under these declarations while nobody has ordered it.
fn question<'a>(
    common: &'a Common,
    lane: &'a Lane,
    plan: &'a Plan,
    release: &'a Release,
) -> Option<Question<'a>> {
    let matrix = common.matrix.as_ref()?;
    let environment = matrix.environment(&lane.id.environment)?;
    let rules = rules(matrix, &plan.section)?;
    let change_type = plan.change_type(release);
    let (ordered_by, behind) = (None, [].as_slice());
    let declared_by = common.declared_by(&lane.id, plan.is_settings_alone());
    let owners = owning::asked(common, lane, plan, release);
    Some(Question {
        matrix,
        environment,
        rules,
        release,
        change_type,
        ordered_by,
        behind,
        declared_by,
        owners,
    })
}

/// A question to people, and the plan that it is about.
struct About<'a> {
    question: Question<'a>,
    plan: Digest,
}

impl<'a> About<'a> {
    /// None where nobody has to agree: rollbacks, lanes without rules, releases that are not known.
    fn promotion(common: &'a Common, lane: &'a Lane, promotion: &'a Promotion) -> Option<Self> {
        if promotion.plan.kind == Kind::Rollback {
            return None;
        }
        let release = common.release_of(&lane.id.service, &promotion.plan.release)?;
        let question = question(common, lane, &promotion.plan, release)?;
        let (ordered_by, behind) = (Some(&promotion.by), promotion.behind.as_slice());
        let question = Question { ordered_by, behind, ..question };
        Some(Self { question, plan: promotion.plan.hash() })
    }

    fn asked(&self, lane: &Lane, now: Timestamp) -> Vec<Asked> {
        self.question.asked(&self.plan, &lane.words, now)
    }

    fn open(&self, lane: &Lane, now: Timestamp) -> Vec<Open> {
        let asked = self.asked(lane, now).into_iter();
        asked
            .map(|asked| {
                let could = self.question.who_could(&asked, &self.plan, &lane.words, now);
                Open { asked, could }
            })
            .collect()
    }
}
