//! Which notices follow from the events of a turn: one for each channel that a rule of the matrix
//! names. Pure; puts nothing into words.

use crate::debts::{DebtKind, OpenDebt};
use crate::ids::{Name, Person, PromotionNumber, Version};
use crate::journal::{Event, Requested};
use crate::matrix::{Environment, Tier};
use crate::notices::wording::{headed, line, next, subject};
use crate::notices::{Notice, Occasion, SUMMARIES};
use crate::plan::Plan;
use crate::project::Project;
use crate::promotion::approving::of_promotion;
use crate::promotion::blocking::{blockers, is_for_people};
use crate::promotion::state::{Kind, Lane, Outcome, Promotion};
use crate::reason::{Blocker, Next};
use crate::release::{ChangeType, Release};
use crate::units::Timestamp;

/// The turn that notices are made of.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The project before the turn.
    pub project: &'a Project,
    /// The lane before it; none where nothing had happened there.
    pub before: Option<&'a Lane>,
    /// The lane after it.
    pub after: &'a Lane,
    /// What happened, in order.
    pub events: &'a [Event],
    /// When.
    pub now: Timestamp,
    /// A text that no other turn of the project has or will have.
    pub turn: &'a str,
    /// How many times faster declared durations run; 1 outside a rehearsal.
    pub speed: u32,
}

/// The notices of a turn, in the order of its events: one for each channel and occasion, and none for
/// channels that the matrix does not know or cannot reach. Pure; safe to repeat.
pub fn notices(told: &Told<'_>) -> Vec<Notice> {
    let Some(matrix) = &told.project.common.matrix else { return Vec::new() };
    let Some(environment) = matrix.environment(&told.after.id.environment) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let occasions = told.events.iter().flat_map(|event| occasions(told, event));
    for (occasion, number, detail) in occasions.chain(questions(told)) {
        let Some(promotion) = told.promotion(number) else { continue };
        let of_type = told.of_type(environment, promotion.change);
        for channel in channels(environment, occasion, promotion, of_type) {
            let known = Name::new(&channel).ok().and_then(|name| matrix.notifiers.get(&name));
            if channel == SUMMARIES || known.is_some_and(|it| it.missing.is_none()) {
                let place = found.len();
                found.push(told.notice(
                    occasion,
                    &promotion,
                    &detail,
                    (channel, place),
                    environment,
                ));
            }
        }
    }
    found
}

/// What an event is told as, of which promotion, with its own sentence.
type Found = (Occasion, PromotionNumber, String);

fn occasions(told: &Told<'_>, event: &Event) -> Vec<Found> {
    let active = || told.after.active.as_ref().map(|active| active.number);
    match event {
        Event::PromotionRequested(requested) => of_request(told, requested),
        Event::ApprovalGiven { number: Some(number), approval } if approval.agrees => {
            let complete = told.after.promotion(*number).is_some_and(|promotion| {
                let all = of_promotion(&told.project.common, told.after, promotion, told.now);
                all.iter().all(|one| one.asked.missing() == 0)
            });
            let sentence = format!("{} was the last who had to agree", approval.by);
            if complete { vec![(Occasion::Approved, *number, sentence)] } else { Vec::new() }
        }
        Event::DebtIncurred(debt) => {
            let sentence = owed(told, debt.number, debt.kind);
            vec![(Occasion::Owed, debt.number, sentence)]
        }
        Event::DebtOverdue { number, kind } => {
            let sentence = format!("overdue: {}", owed(told, *number, *kind));
            vec![(Occasion::Owed, *number, sentence)]
        }
        Event::Reminded { number } => told.after.promotion(*number).map_or_else(Vec::new, |it| {
            let open = asked_of_people(told, told.after, it);
            let word = (!open.is_empty()).then(|| (Occasion::Waiting, sentences(open)));
            let pause = it.paused.as_ref().map(|pause| (Occasion::Paused, pause.reason.clone()));
            let both = word.into_iter().chain(pause);
            both.map(|(occasion, of)| (occasion, *number, format!("still: {of}"))).collect()
        }),
        Event::PromotionStarted { number, .. } => {
            vec![(Occasion::Started, *number, String::new())]
        }
        Event::RolloutHeld { number, sentence, .. } | Event::StepHeld { number, sentence, .. } => {
            vec![(Occasion::Held, *number, sentence.clone())]
        }
        Event::PromotionPaused { number, reason, .. } => {
            vec![(Occasion::Paused, *number, reason.clone())]
        }
        Event::PromotionDoubted { number, sentence, .. } => {
            vec![(Occasion::PersonCalled, *number, sentence.clone())]
        }
        Event::PersonCalled { number, reason, .. } => {
            vec![(Occasion::PersonCalled, *number, reason.clone())]
        }
        Event::RollbackAsked { reason } => {
            let number = active().or_else(|| told.after.serving.as_ref().map(|it| it.promotion));
            number
                .map(|number| (Occasion::PersonCalled, number, reason.clone()))
                .into_iter()
                .collect()
        }
        Event::BudgetChanged { sentence, .. } => {
            let serving = told.after.serving.as_ref().map(|it| it.promotion);
            let found = serving.map(|number| (Occasion::ErrorBudget, number, sentence.clone()));
            found.into_iter().collect()
        }
        Event::PromotionEnded { number, outcome, sentence } => {
            let kind = told.promotion(*number).map(|it| it.kind);
            // Of a success it only says what the subject says.
            let cause = if *outcome == Outcome::Succeeded { "" } else { sentence.as_str() };
            vec![(ended(kind, *outcome), *number, cause.to_owned())]
        }
        _ => Vec::new(),
    }
}

/// What the wish for a promotion is told as.
fn of_request(told: &Told<'_>, requested: &Requested) -> Vec<Found> {
    let number = requested.number;
    let is_hotfix = told.release(&requested.plan.release.version).is_some_and(|release| {
        requested.plan.change_type(release) == ChangeType::Hotfix
            && requested.plan.kind == Kind::Promote
    });
    let owes = requested.plan.kind == Kind::Rollback && requested.reason.is_none();
    let mut found = Vec::new();
    if requested.plan.kind == Kind::Promote {
        found.push((Occasion::Before, number, String::new()));
    }
    if requested.plan.break_glass {
        let sentence = format!("{} goes past all that is asked first", requested.by);
        found.push((Occasion::BreakGlass, number, sentence));
    }
    if is_hotfix {
        found.push((Occasion::Hotfix, number, String::new()));
    }
    if owes {
        let sentence = format!("{} gave no reason for the rollback", requested.by);
        found.push((Occasion::Owed, number, sentence));
    }
    found
}

/// An ordered rollback that succeeded is told to those who want to hear that a release was taken back.
fn ended(kind: Option<Kind>, outcome: Outcome) -> Occasion {
    match outcome {
        Outcome::Succeeded if kind == Some(Kind::Rollback) => Occasion::RolledBack,
        Outcome::Succeeded => Occasion::Succeeded,
        Outcome::RolledBack => Occasion::RolledBack,
        Outcome::Rejected => Occasion::Rejected,
        Outcome::Superseded => Occasion::Superseded,
        Outcome::Aborted => Occasion::Aborted,
        Outcome::Failed => Occasion::Failed,
    }
}

/// What is owed, until when, and by whom it could be settled.
fn owed(told: &Told<'_>, number: PromotionNumber, kind: DebtKind) -> String {
    if kind == DebtKind::Reason {
        return format!("the reason of rollback {number} is owed");
    }
    let is_meant = |open: &&OpenDebt| open.debt.number == number && open.debt.kind == kind;
    match told.after.debts.iter().find(is_meant) {
        Some(open) => format!("{} is owed", open.words()),
        None => format!("a {} is owed", kind.as_str()),
    }
}

/// What a promotion waits for that people can give.
fn asked_of_people(told: &Told<'_>, lane: &Lane, promotion: &Promotion) -> Vec<Blocker> {
    let open = blockers(&told.project.common, lane, promotion, told.now).into_iter();
    open.filter(is_for_people).collect()
}

fn sentences(open: Vec<Blocker>) -> String {
    open.into_iter().map(|it| it.sentence).collect::<Vec<_>>().join("; ")
}

/// Promotions that wait for people since this turn.
fn questions(told: &Told<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for promotion in told.after.active.iter().chain(&told.after.waiting) {
        let before = told.before.and_then(|lane| Some((lane, lane.promotion(promotion.number)?)));
        let asked_before =
            before.is_some_and(|(lane, it)| !asked_of_people(told, lane, it).is_empty());
        let open = asked_of_people(told, told.after, promotion);
        if !open.is_empty() && !asked_before {
            found.push((Occasion::Waiting, promotion.number, sentences(open)));
        }
    }
    found
}

/// Who is told, each once: by the rules of the environment, and where a promotion took effect also
/// those who get its summary.
fn channels(
    environment: &Environment,
    occasion: Occasion,
    about: About<'_>,
    of_type: &[Name],
) -> Vec<String> {
    let rules = &environment.notify.on;
    let mut all: Vec<String> = match rules.get(&occasion) {
        Some(ruled) => ruled.iter().map(ToString::to_string).collect(),
        // That is loud even where nobody thought of it.
        None if occasion == Occasion::BreakGlass => {
            rules.values().flatten().map(ToString::to_string).collect()
        }
        None => Vec::new(),
    };
    if occasion == Occasion::Before {
        all.extend(environment.notify.before.iter().map(ToString::to_string));
    }
    let is_hotfix = about.change == Some(ChangeType::Hotfix);
    let begins = if is_hotfix { Occasion::Hotfix } else { Occasion::Started };
    if occasion == begins || (occasion.is_end() && about.took_effect) {
        all.extend(of_type.iter().map(ToString::to_string));
    }
    if occasion.is_end() && about.took_effect {
        all.extend(environment.notify.summary.iter().map(ToString::to_string));
        if environment.tier == Tier::Production {
            all.push(SUMMARIES.to_owned());
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|channel| seen.insert(channel.clone()));
    all
}

/// What is said of a promotion.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) number: PromotionNumber,
    pub(super) kind: Kind,
    pub(super) version: &'a Version,
    pub(super) old: Option<&'a Version>,
    by: Option<&'a Person>,
    reason: Option<&'a str>,
    took_effect: bool,
    change: Option<ChangeType>,
}

impl<'a> About<'a> {
    /// What serves since what is told, and what served before; none where that is the same.
    fn changed(&self, occasion: Occasion) -> (Option<&'a Version>, Option<&'a Version>) {
        match (occasion, self.kind) {
            (Occasion::Succeeded, _) | (Occasion::RolledBack, Kind::Rollback) => {
                (Some(self.version), self.old)
            }
            (Occasion::RolledBack, Kind::Promote) => (self.old, Some(self.version)),
            _ => (None, None),
        }
    }
}

impl<'a> Told<'a> {
    fn release(&self, version: &Version) -> Option<&'a Release> {
        self.project.common.release(&self.after.id.service, version)
    }

    fn change(&self, version: &Version) -> Option<ChangeType> {
        self.release(version).map(|release| release.change_type)
    }

    fn planned(&self, plan: &Plan) -> Option<ChangeType> {
        self.release(&plan.release.version).map(|release| plan.change_type(release))
    }

    /// The channels that hear of each promotion of a type, beside those of the rules.
    fn of_type(&self, environment: &'a Environment, change: Option<ChangeType>) -> &'a [Name] {
        let section = environment.lanes.get(&self.after.id.service);
        let rules = section.zip(change).and_then(|(it, change)| it.change_types.get(&change));
        rules.map(|rules| rules.notify.as_slice()).unwrap_or_default()
    }

    /// The promotion, from the lane as it was or as it is, or from its request where it was asked for
    /// and over in one turn; what serves is known by its number alone.
    fn promotion(&self, number: PromotionNumber) -> Option<About<'a>> {
        let mut lanes = [Some(self.after), self.before].into_iter().flatten();
        let known = lanes.find_map(|lane| lane.promotion(number));
        if let Some(it) = known {
            return Some(About {
                number,
                kind: it.plan.kind,
                version: &it.plan.release.version,
                old: it.plan.blue.as_ref().map(|blue| &blue.version),
                by: Some(&it.by),
                reason: it.reason.as_deref(),
                took_effect: it.started_at.is_some(),
                change: self.planned(&it.plan),
            });
        }
        let requested = self.events.iter().find_map(|event| match event {
            Event::PromotionRequested(requested) if requested.number == number => Some(requested),
            _ => None,
        });
        if let Some(it) = requested {
            return Some(About {
                number,
                kind: it.plan.kind,
                version: &it.plan.release.version,
                old: it.plan.blue.as_ref().map(|blue| &blue.version),
                by: Some(&it.by),
                reason: it.reason.as_deref(),
                took_effect: false,
                change: self.planned(&it.plan),
            });
        }
        if let Some(about) = self.explained(number) {
            return Some(about);
        }
        let owes = |it: &&OpenDebt| it.debt.number == number;
        let mut owed = self.after.debts.iter().filter(owes).map(|it| &it.debt.release.version);
        let serving = self.after.serving.as_ref().filter(|it| it.promotion == number);
        let version = serving.map(|it| &it.deployment.release.version).or_else(|| owed.next())?;
        let kind = Kind::Promote;
        let (old, by, reason, change) = (None, None, None, self.change(version));
        Some(About { number, kind, version, old, by, reason, took_effect: true, change })
    }

    /// A rollback that owes its reason and is over, as far as the lane remembers what it carried.
    fn explained(&self, number: PromotionNumber) -> Option<About<'a>> {
        let owed = self.after.owed.iter().find(|owed| owed.number == number)?;
        let mut ended = self.after.ended.iter().filter(|ended| ended.number == number);
        let release = owed.release.as_ref().or_else(|| Some(&ended.next()?.release));
        let version = &release?.version;
        let (kind, by, took_effect) = (Kind::Rollback, Some(&owed.by), true);
        let (old, reason, change) = (None, None, None);
        Some(About { number, kind, version, old, by, reason, took_effect, change })
    }

    fn notice(
        &self,
        occasion: Occasion,
        about: &About<'_>,
        detail: &str,
        (channel, place): (String, usize),
        environment: &Environment,
    ) -> Notice {
        let common = &self.project.common;
        let project = common.matrix.as_ref().map(|matrix| matrix.project.clone());
        let project = project.unwrap_or_else(|| self.after.id.service.clone());
        let rehearsal = Some(self.speed).filter(|speed| *speed > 1);
        let several = common.matrix.as_ref().is_some_and(|matrix| matrix.services.len() > 1);
        let next = next(occasion, about, &environment.name).into_iter();
        let of_lane = |it: Next| if several { it.of_service(&self.after.id.service) } else { it };
        let (serves, served) = about.changed(occasion);
        Notice {
            id: format!("{:x}-{}-{place}", self.now.0, self.turn),
            channel,
            occasion,
            at: self.now,
            subject: headed(&project, rehearsal, &subject(occasion, about, &environment.name)),
            project,
            rehearsal,
            lane: Some(self.after.id.clone()),
            tier: Some(environment.tier),
            promotion: Some(about.number),
            release: Some(about.version.clone()),
            serves: serves.cloned(),
            served: served.cloned(),
            rows: self.rows(about, (occasion, detail), environment),
            next: next.map(of_lane).collect(),
            summary: None,
        }
    }

    fn rows(
        &self,
        about: &About<'_>,
        (occasion, detail): (Occasion, &str),
        environment: &Environment,
    ) -> Vec<(String, String)> {
        let what = format!(
            "{} of {} into {} (promotion {})",
            about.version, self.after.id.service, self.after.id.environment, about.number
        );
        let release = self.release(about.version);
        let author = release.and_then(|it| it.author.as_ref()).map(Person::as_str);
        let commit = release.and_then(|it| it.commit.as_deref());
        let rows = [
            ("what", Some(what.as_str())),
            ("who", about.by.map(Person::as_str)),
            ("why", about.reason),
            ("cause", Some(detail).filter(|detail| !detail.is_empty())),
            ("author", author),
            ("commit", commit),
            ("customers", asks_to_tell(occasion, environment)),
        ];
        let given = rows.into_iter().filter_map(|(label, value)| Some((label, value?)));
        given.map(|(label, value)| (label.to_owned(), line(value))).collect()
    }
}

/// What whoever hears of a rollback is reminded of: what customers are told nobody else can write.
fn asks_to_tell(occasion: Occasion, environment: &Environment) -> Option<&'static str> {
    let is_meant = occasion == Occasion::RolledBack && environment.notify.customers_on_rollback;
    is_meant.then_some("are to be told of it, as the matrix says in `communication.customers`")
}

#[cfg(test)]
mod tests;
