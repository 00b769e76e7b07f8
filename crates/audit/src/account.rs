//! What happened to one promotion, told by its events alone: what was asked, who answered what, and how
//! it ended. Whoever has the events comes to the same account, so that a signed one can be held against
//! them; signs nothing, and judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use towpath_core::approvals::{Approval, Asked};
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::evidence::Evidence;
use towpath_core::ids::{Digest, Person};
use towpath_core::journal::Event;
use towpath_core::plan::Plan;
use towpath_core::promotion::state::{CheckKey, GateList, Kind, Outcome};
use towpath_core::release::ReleaseRef;
use towpath_ports::store::WrittenEvent;

use crate::export::time;

/// One promotion from its order to its end. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// Its number.
    pub promotion: i64,
    /// Forward or back.
    pub kind: Kind,
    /// What.
    pub service: String,
    /// Where.
    pub environment: String,
    /// What entered.
    pub release: ReleaseRef,
    /// What served before.
    pub replaces: Option<ReleaseRef>,
    /// The hash of the plan under which it started, or of the last one that it waited with.
    pub plan: Digest,
    /// Who ordered it.
    pub ordered_by: Person,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub requested_at: String,
    /// When it began to have effects; none if it never did.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: String,
    /// How.
    pub outcome: Outcome,
    /// Why, one sentence.
    pub sentence: String,
    /// Whether the glass was broken for it.
    pub broke_glass: bool,
    /// Whether it went past windows and declared freezes by a person's word.
    pub past_windows: bool,
    /// Demands that were not enforced, which a person accepted by name.
    pub unenforced: Vec<String>,
    /// The checks of its gates in the order of the matrix, with their last answers.
    pub gates: Vec<Gate>,
    /// Who said yes or no to a plan of it, in the order in which they did.
    pub words: Vec<Word>,
    /// Whose yes let it in, by role.
    pub agreed: Vec<Asked>,
    /// What the guard said at the end of each step, and when it condemned the release.
    pub verdicts: Vec<Judged>,
    /// What may not enter there again, by this.
    pub quarantined: Option<ThrownOut>,
    /// Every event that this rests on, the last of them its end.
    pub events: Vec<Fact>,
}

/// A check and its last answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// Before anything changes, or after.
    pub list: GateList,
    /// What people call it.
    pub check: String,
    /// Its kind.
    pub kind: String,
    /// What it answered.
    pub answer: Answer,
    /// What it said, one sentence; empty while it has not.
    pub sentence: String,
    /// When; none where it was never asked.
    pub at: Option<String>,
    /// The event of the answer.
    pub event: Option<i64>,
    /// What it rests on.
    pub evidence: Vec<Piece>,
}

/// What a check answered in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes.
    Pass,
    /// No.
    Fail,
    /// Not yet.
    Pending,
    /// It could not tell.
    Inconclusive,
    /// It was yes, and does not count any more.
    Withdrawn,
    /// It was never asked.
    NotAsked,
}

/// A piece of evidence by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// What it is called.
    pub name: String,
    /// Of its bytes.
    pub digest: Digest,
}

/// A person's yes or no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Who.
    pub by: Person,
    /// Yes or no.
    pub agrees: bool,
    /// To which plan.
    pub plan: Digest,
    /// What they added.
    pub note: Option<String>,
    /// Where their evidence is.
    pub link: Option<String>,
    /// When.
    pub at: String,
    /// The event.
    pub event: i64,
}

/// What the guard said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Index of the step that it let pass; none: it condemned the release.
    pub step: Option<usize>,
    /// With the figures that it rests on.
    pub verdict: serde_json::Value,
    /// When.
    pub at: String,
    /// The event.
    pub event: i64,
}

/// A release that was quarantined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThrownOut {
    /// Which.
    pub release: ReleaseRef,
    /// Why.
    pub reason: String,
}

/// An event by its place and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Its number.
    pub seq: i64,
    /// What it is called.
    pub kind: String,
    /// Its hash.
    pub hash: String,
}

/// Why there is no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccount {
    /// No event says that it was ordered.
    #[error("there is no promotion {0}")]
    Unknown(i64),
    /// Only what ended for ever can be told whole.
    #[error("promotion {0} has not ended")]
    NotEnded(i64),
    /// An event is none that this version knows.
    #[error("event {0} cannot be read")]
    Unreadable(i64),
}

/// Whether an event may belong to the account of promotion `number`: one of its own, or a word that was
/// given to a plan before anybody ordered it.
pub fn may_concern(event: &WrittenEvent, number: i64) -> bool {
    match event.promotion {
        Some(own) => own == number,
        None => event.kind == "approval-given",
    }
}

impl Account {
    /// Tells promotion `number` by `events`, in their order. Others among them are left out
    /// ([`may_concern`]).
    ///
    /// # Errors
    /// [`NoAccount`].
    pub fn of(number: i64, events: &[WrittenEvent]) -> Result<Self, NoAccount> {
        let mut telling = Telling::default();
        for event in events.iter().filter(|event| may_concern(event, number)) {
            let body = serde_json::from_str(&event.body);
            telling.take(body.map_err(|_| NoAccount::Unreadable(event.seq))?, event);
            // What comes later is about what it left, and would change what was told once.
            if telling.ended.is_some() {
                break;
            }
        }
        telling.told(number)
    }

    /// All that it rests on, each once.
    pub fn evidence(&self) -> BTreeSet<&Digest> {
        self.gates.iter().flat_map(|gate| &gate.evidence).map(|piece| &piece.digest).collect()
    }

    /// The first event that it rests on.
    pub fn first(&self) -> i64 {
        self.events.first().map_or(1, |fact| fact.seq)
    }

    /// The last.
    pub fn last(&self) -> i64 {
        self.events.last().map_or(1, |fact| fact.seq)
    }
}

/// What is known so far.
#[derive(Default)]
struct Telling {
    order: Option<(Box<towpath_core::journal::Requested>, String)>,
    /// All its plans, the last one last.
    plans: Vec<Plan>,
    answers: BTreeMap<CheckKey, (CheckAnswer, String, i64)>,
    withdrawn: BTreeSet<CheckKey>,
    words: Vec<Word>,
    started: Option<(String, Vec<Asked>)>,
    verdicts: Vec<Judged>,
    quarantined: Option<ThrownOut>,
    ended: Option<(Outcome, String, String)>,
    facts: Vec<(Fact, Option<Digest>)>,
}

impl Telling {
    fn take(&mut self, event: Event, written: &WrittenEvent) {
        let (at, seq) = (time(written.at), written.seq);
        let fact = Fact { seq, kind: written.kind.clone(), hash: written.hash.clone() };
        let mut of_plan = None;
        match event {
            Event::PromotionRequested(requested) => {
                self.plans.push(requested.plan.clone());
                self.order = Some((requested, at));
            }
            Event::PlanChanged { plan, .. } => self.plans.push(*plan),
            Event::CheckAnswered { key, answer, .. } => {
                self.withdrawn.remove(&key);
                self.answers.insert(key, (answer, at, seq));
            }
            Event::AnswerWithdrawn { key, .. } => _ = self.withdrawn.insert(key),
            Event::ApprovalGiven { number, approval } => {
                of_plan = number.is_none().then(|| approval.plan.clone());
                self.words.push(word(approval, at, seq));
            }
            Event::PromotionStarted { approved, .. } => self.started = Some((at, approved)),
            Event::StepPassed { step, verdict: Some(verdict), .. } => {
                let verdict = json!(verdict);
                self.verdicts.push(Judged { step: Some(step), verdict, at, event: seq });
            }
            Event::Condemned { verdict, .. } => {
                let verdict = json!(verdict);
                self.verdicts.push(Judged { step: None, verdict, at, event: seq });
            }
            Event::ReleaseQuarantined { release, reason, .. } => {
                self.quarantined = Some(ThrownOut { release, reason });
            }
            Event::PromotionEnded { outcome, sentence, .. } => {
                self.ended = Some((outcome, sentence, at));
            }
            _ => {}
        }
        self.facts.push((fact, of_plan));
    }

    fn told(self, number: i64) -> Result<Account, NoAccount> {
        let (order, requested_at) = self.order.ok_or(NoAccount::Unknown(number))?;
        let (outcome, sentence, ended_at) = self.ended.ok_or(NoAccount::NotEnded(number))?;
        let hashes: BTreeSet<Digest> = self.plans.iter().map(Plan::hash).collect();
        let plan = self.plans.last().ok_or(NoAccount::Unknown(number))?;
        let gates = gates(plan, &self.answers, &self.withdrawn);
        let (started_at, agreed) = self.started.unzip();
        // A word to the plan of something else is no part of this.
        let is_own = |of: &Option<Digest>| of.as_ref().is_none_or(|plan| hashes.contains(plan));
        let own = self.facts.into_iter().filter(|(_, of)| is_own(of));
        Ok(Account {
            promotion: number,
            kind: plan.kind,
            service: plan.lane.service.to_string(),
            environment: plan.lane.environment.to_string(),
            release: plan.release.clone(),
            replaces: plan.blue.clone(),
            plan: plan.hash(),
            ordered_by: order.by,
            reason: order.reason,
            requested_at,
            started_at,
            ended_at,
            outcome,
            sentence,
            broke_glass: plan.break_glass,
            past_windows: order.overrides_window,
            unenforced: plan.accepted.clone(),
            gates,
            words: self.words.into_iter().filter(|word| hashes.contains(&word.plan)).collect(),
            agreed: agreed.unwrap_or_default(),
            verdicts: self.verdicts,
            quarantined: self.quarantined,
            events: own.map(|(fact, _)| fact).collect(),
        })
    }
}

fn word(approval: Approval, at: String, event: i64) -> Word {
    let Approval { by, plan, agrees, note, link, .. } = approval;
    Word { by, agrees, plan, note, link, at, event }
}

fn gates(
    plan: &Plan,
    answers: &BTreeMap<CheckKey, (CheckAnswer, String, i64)>,
    withdrawn: &BTreeSet<CheckKey>,
) -> Vec<Gate> {
    let gate = &plan.section.gate;
    let lists =
        [(GateList::Prerequisites, &gate.prerequisites), (GateList::Validation, &gate.validation)];
    let all = lists.into_iter().flat_map(|(list, checks)| checks.iter().map(move |it| (list, it)));
    let told = all.map(|(list, check)| {
        let key = CheckKey { list, slug: check.slug.clone() };
        let found = answers.get(&key);
        let result = found.map(|(answer, ..)| answer.result);
        Gate {
            list,
            check: check.title.clone(),
            kind: check.check.kind.clone(),
            answer: answered(result, withdrawn.contains(&key)),
            sentence: found.map(|(answer, ..)| answer.sentence.clone()).unwrap_or_default(),
            at: found.map(|(_, at, _)| at.clone()),
            event: found.map(|(.., event)| *event),
            evidence: found.map(|(answer, ..)| pieces(&answer.evidence)).unwrap_or_default(),
        }
    });
    told.collect()
}

fn answered(result: Option<CheckResult>, is_withdrawn: bool) -> Answer {
    match result {
        None => Answer::NotAsked,
        Some(_) if is_withdrawn => Answer::Withdrawn,
        Some(CheckResult::Pass) => Answer::Pass,
        Some(CheckResult::Fail) => Answer::Fail,
        Some(CheckResult::Pending { .. }) => Answer::Pending,
        Some(CheckResult::Inconclusive) => Answer::Inconclusive,
    }
}

fn pieces(evidence: &[Evidence]) -> Vec<Piece> {
    let all = evidence.iter();
    all.map(|one| Piece { name: one.name.clone(), digest: one.digest.clone() }).collect()
}
