//! What the terminal, the API and the pages show. The names are those of the matrix; durations are
//! seconds, shares are fractions of 1, times are RFC 3339 in UTC, unknown is null and never left
//! out. Shows, decides nothing.

use serde::{Deserialize, Serialize};
use towpath_core::check::CheckResult;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::plan::Plan;
use towpath_core::promotion::blocking::blockers;
use towpath_core::promotion::state::{CheckKey, GateList, Kind, Lane, Outcome, Promotion, State};
use towpath_core::reason::{Blocker, Next};
use towpath_core::release::ChangeType;
use towpath_core::units::{Timestamp, Weight};
use towpath_ports::store::PromotionRow;

use crate::judging::{self, Seen};
use crate::shared::Shared;

/// The version of these shapes; grows only when a name changes its meaning.
pub const FORMAT: u32 = 1;

/// What serves where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose.
    pub project: String,
    /// How many times faster declared durations run; null outside a rehearsal.
    pub rehearsal: Option<u32>,
    /// When this was so.
    pub at: String,
    /// The engine.
    pub engine: EngineView,
    /// By environment in the order of the file, then by service.
    pub lanes: Vec<LaneView>,
}

/// The engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EngineView {
    /// Whether one runs.
    pub running: bool,
    /// Since when.
    pub since: Option<String>,
}

/// One lane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaneView {
    /// What.
    pub service: String,
    /// Where.
    pub environment: String,
    /// How much is at stake.
    pub tier: String,
    /// What serves.
    pub serves: Option<ServesView>,
    /// Shares of the arms.
    pub weights: WeightsView,
    /// What stands by.
    pub standby: Option<StandbyView>,
    /// How it answers its probes.
    pub health: HealthView,
    /// The promotion that holds the lane, or else the oldest that waits.
    pub promotion: Option<PromotionView>,
    /// How many others wait.
    pub more_waiting: usize,
    /// Releases verified here, the latest last.
    pub verified: Vec<String>,
    /// What may not enter.
    pub quarantined: Vec<QuarantineView>,
    /// A trigger that asks a person to roll back.
    pub asks: Option<String>,
}

/// What serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServesView {
    /// Which release.
    pub release: String,
    /// Its digest.
    pub digest: String,
    /// Since when.
    pub since: String,
    /// By which promotion.
    pub promotion: u64,
}

/// Shares of the arms.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WeightsView {
    /// Of what serves.
    pub blue: f64,
    /// Of what is coming.
    pub green: f64,
}

/// What stands by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StandbyView {
    /// Which release.
    pub release: String,
    /// Until when.
    pub until: String,
}

/// How a lane answers its probes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HealthView {
    /// `healthy`, `unhealthy`, or `unknown`.
    pub state: String,
    /// How many endpoints are declared.
    pub endpoints: usize,
    /// Those that fail.
    pub failing: Vec<String>,
    /// When they were last asked.
    pub at: Option<String>,
}

/// What may not enter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuarantineView {
    /// Where.
    pub environment: String,
    /// Which release.
    pub release: String,
    /// Its digest.
    pub digest: String,
    /// Which promotion threw it out.
    pub promotion: u64,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: String,
}

/// One promotion.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PromotionView {
    /// Its number.
    pub number: u64,
    /// `promote` or `rollback`.
    pub kind: Kind,
    /// What.
    pub service: String,
    /// Where it comes from, as it was named.
    pub from: Option<String>,
    /// Where.
    pub to: String,
    /// The tier of where.
    pub release: String,
    /// Its digest.
    pub digest: String,
    /// What served when it was asked for.
    pub replaces: Option<String>,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// `waiting` and so on, or the outcome.
    pub state: String,
    /// How it ended; null while it has not.
    pub outcome: Option<Outcome>,
    /// Why it ended as it did.
    pub sentence: Option<String>,
    /// What the release itself said, when it did not start.
    pub said: Vec<String>,
    /// First 12 digits of its plan's hash.
    pub plan: String,
    /// Its steps.
    pub steps: Vec<StepView>,
    /// Index of the step that it is at; null outside the rollout.
    pub step: Option<usize>,
    /// Seconds that the step has baked.
    pub baked_seconds: Option<f64>,
    /// Whether the step holds for evidence.
    pub held: bool,
    /// Green's share as observed.
    pub weight: f64,
    /// Its checks, in the order of the file.
    pub checks: Vec<CheckView>,
    /// What visitors met.
    pub evidence: EvidenceView,
    /// What the guard says now.
    pub verdict: Option<VerdictView>,
    /// Who holds it, and why.
    pub paused: Option<String>,
    /// What it waits for.
    pub waits_for: Vec<BlockerView>,
    /// When it was asked for.
    pub requested_at: String,
    /// When it began to have effects.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// From the start to the end, or to now.
    pub seconds: Option<f64>,
    /// Visitors that got a failure from green.
    pub harmed_requests: u64,
    /// Visitors that were served again by blue.
    pub rescued_requests: u64,
    /// Whether its release was quarantined.
    pub quarantined: bool,
    /// How long what it leaves stands by, in seconds.
    pub standby_seconds: f64,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepView {
    /// Green's share.
    pub weight: f64,
    /// How long it bakes at the most, in seconds.
    pub bake_seconds: f64,
}

/// One check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckView {
    /// `prerequisites` or `validation`.
    pub list: String,
    /// Its name for people.
    pub title: String,
    /// Which adapter answers.
    pub kind: String,
    /// `open`, `asking`, `pass`, `fail`, `pending`, `inconclusive`.
    pub state: String,
    /// What it said last.
    pub sentence: Option<String>,
}

/// What visitors met during a rollout.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EvidenceView {
    /// On green.
    pub green: SideView,
    /// On blue at the same time.
    pub blue: SideView,
}

/// What visitors met on one arm.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SideView {
    /// Requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// p99 in milliseconds.
    pub p99_ms: Option<f64>,
}

/// What the guard says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerdictView {
    /// `healthy`, `unhealthy`, `undecided`, `blind`.
    pub standing: String,
    /// One sentence.
    pub sentence: String,
}

/// A named thing that is waited for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlockerView {
    /// What kind of thing.
    pub what: String,
    /// One sentence.
    pub sentence: String,
    /// Who can do something about it.
    pub who: Vec<String>,
    /// When it is tried again or ends by itself.
    pub until: Option<String>,
    /// What helps.
    pub next: Vec<Next>,
}

/// What a promotion would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlanView {
    /// [`FORMAT`].
    pub format: u32,
    /// All of the plan's hash.
    pub hash: String,
    /// What.
    pub service: String,
    /// Where it comes from.
    pub from: Vec<String>,
    /// Where.
    pub to: String,
    /// How much is at stake there.
    pub tier: String,
    /// Which release.
    pub release: String,
    /// What kind of change it is.
    pub change_type: ChangeType,
    /// Who wrote it.
    pub author: Option<String>,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// Where and when it was verified, a phrase for each predecessor.
    pub verified: Vec<String>,
    /// What it replaces, and since when that serves.
    pub replaces: Option<(String, String)>,
    /// Names of settings that differ from what serves.
    pub settings_changed: Vec<String>,
    /// How many migrations it brings.
    pub migrations: usize,
    /// What stands by now and is retired by it.
    pub retires: Option<String>,
    /// Checks before anything changes.
    pub prerequisites: Vec<CheckView>,
    /// Checks on green.
    pub validation: Vec<CheckView>,
    /// How many instances are started beside how many.
    pub instances: (u32, Option<u32>),
    /// Steps as they will be taken.
    pub steps: Vec<StepView>,
    /// How long what it leaves stands by, in seconds.
    pub standby_seconds: f64,
    /// What sends it back at once, phrases.
    pub goes_back: Vec<String>,
    /// What a step without evidence does.
    pub without_evidence: String,
    /// Demands that nothing enforces, with why.
    pub not_enforced: Vec<(String, String)>,
    /// Sum of the bakes, in seconds.
    pub bake_seconds: f64,
    /// When this was so.
    pub at: String,
}

/// RFC 3339 in UTC, to the second or, where it matters to machines, finer.
pub fn time(at: Timestamp) -> String {
    let exact = jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    exact.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a promotion stay below 2^52")]
    let milliseconds = to.since(from).milliseconds() as f64;
    milliseconds / 1000.0
}

pub(crate) fn span_seconds(span: towpath_core::units::Span) -> f64 {
    seconds(Timestamp(0), Timestamp(0).plus(span))
}

impl StepView {
    pub(crate) fn all(plan: &Plan) -> Vec<Self> {
        let steps = plan.steps.iter();
        steps
            .map(|step| Self {
                weight: step.weight.share(),
                bake_seconds: span_seconds(step.bake_max),
            })
            .collect()
    }
}

impl From<&towpath_guard::Counts> for SideView {
    fn from(counts: &towpath_guard::Counts) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^27")]
        let p99 =
            counts.latency.quantile_us(towpath_guard::Quantile(99)).map(|us| us as f64 / 1000.0);
        Self { requests: counts.requests, failed: counts.failed, p99_ms: p99 }
    }
}

impl From<&towpath_guard::Verdict> for VerdictView {
    fn from(verdict: &towpath_guard::Verdict) -> Self {
        let standing = match verdict.standing {
            towpath_guard::Standing::Healthy => "healthy",
            towpath_guard::Standing::Unhealthy => "unhealthy",
            towpath_guard::Standing::Undecided => "undecided",
            towpath_guard::Standing::Blind => "blind",
        };
        Self { standing: standing.to_owned(), sentence: verdict.sentence.clone() }
    }
}

impl From<Blocker> for BlockerView {
    fn from(blocker: Blocker) -> Self {
        Self {
            what: blocker.what,
            sentence: blocker.sentence,
            who: blocker.who,
            until: blocker.until.map(time),
            next: blocker.next,
        }
    }
}

/// A promotion as it stands.
pub(crate) fn promotion(
    shared: &Shared,
    lane: &Lane,
    promotion: &Promotion,
    now: Timestamp,
) -> PromotionView {
    let green = promotion.green.as_ref().map(|green| green.number);
    let seen = green.and_then(|green| judging::seen(shared, &lane.id, green)).unwrap_or_default();
    let verdict = green.and_then(|_| judging::verdict_now(shared, &lane.id));
    of_promotion(lane, promotion, &seen, verdict.as_ref(), now)
}

fn of_promotion(
    lane: &Lane,
    promotion: &Promotion,
    seen: &Seen,
    verdict: Option<&towpath_guard::Verdict>,
    now: Timestamp,
) -> PromotionView {
    let plan = &promotion.plan;
    let (step, baked, held) = position(promotion, now);
    PromotionView {
        number: promotion.number.0,
        kind: plan.kind,
        service: plan.lane.service.to_string(),
        from: promotion.from.as_ref().map(ToString::to_string),
        to: plan.lane.environment.to_string(),
        release: plan.release.version.to_string(),
        digest: plan.release.digest.to_string(),
        replaces: plan.blue.as_ref().map(|blue| blue.version.to_string()),
        by: promotion.by.to_string(),
        reason: promotion.reason.clone(),
        state: promotion.state.word().to_owned(),
        outcome: None,
        sentence: None,
        said: Vec::new(),
        plan: plan.hash().short().to_owned(),
        steps: StepView::all(plan),
        step,
        baked_seconds: baked,
        held,
        weight: promotion.weight.share(),
        checks: checks(plan, Some(promotion)),
        evidence: EvidenceView { green: (&seen.green).into(), blue: (&seen.blue).into() },
        verdict: verdict.map(Into::into),
        paused: promotion.paused.as_ref().map(|pause| pause.reason.clone()),
        waits_for: blockers(lane, promotion).into_iter().map(Into::into).collect(),
        requested_at: time(promotion.requested_at),
        started_at: promotion.started_at.map(time),
        ended_at: None,
        seconds: promotion.started_at.map(|start| seconds(start, now)),
        harmed_requests: seen.green.failed,
        rescued_requests: 0,
        quarantined: false,
        standby_seconds: span_seconds(plan.section.standby),
    }
}

fn position(promotion: &Promotion, now: Timestamp) -> (Option<usize>, Option<f64>, bool) {
    match &promotion.state {
        State::Shifting { step, .. } | State::Reconciling { step, .. } => {
            (Some(*step), None, false)
        }
        State::Baking { step, since, held_since } => {
            (Some(*step), Some(seconds(*since, now)), held_since.is_some())
        }
        State::Committing { .. } => (Some(promotion.plan.steps.len()), None, false),
        _ => (None, None, false),
    }
}

pub(crate) fn checks(plan: &Plan, promotion: Option<&Promotion>) -> Vec<CheckView> {
    let gate = &plan.section.gate;
    let prerequisites = gate.prerequisites.iter().map(|check| (GateList::Prerequisites, check));
    let validation = gate.validation.iter().map(|check| (GateList::Validation, check));
    let all = prerequisites.chain(validation);
    all.map(|(list, check)| {
        let key = CheckKey { list, slug: check.slug.clone() };
        let progress = promotion.and_then(|promotion| promotion.checks.get(&key));
        let answer =
            progress.and_then(|progress| progress.answer.as_ref()).map(|(answer, _)| answer);
        let state = match (progress, answer.map(|answer| answer.result)) {
            (_, Some(CheckResult::Pass)) => "pass",
            (_, Some(CheckResult::Fail)) => "fail",
            (_, Some(CheckResult::Pending { .. })) => "pending",
            (_, Some(CheckResult::Inconclusive)) => "inconclusive",
            (Some(_), None) => "asking",
            (None, None) => "open",
        };
        CheckView {
            list: list.as_str().to_owned(),
            title: check.title.clone(),
            kind: check.check.kind.clone(),
            state: state.to_owned(),
            sentence: answer.map(|answer| answer.sentence.clone()),
        }
    })
    .collect()
}

/// The row of a promotion that lists and pages show, after the events of one turn.
pub(crate) fn promotion_row(
    shared: &Shared,
    before: Option<&Lane>,
    after: &Lane,
    events: &[Event],
    number: PromotionNumber,
    ended: Option<(Outcome, String)>,
    now: Timestamp,
) -> Option<PromotionRow> {
    let found = after.promotion(number).or_else(|| before?.promotion(number))?;
    let lane = if after.promotion(number).is_some() { after } else { before? };
    let green = found.green.as_ref().map(|green| green.number);
    let seen = green.and_then(|green| judging::seen(shared, &lane.id, green)).unwrap_or_default();
    let mut view = of_promotion(lane, found, &seen, None, now);
    if let Some((outcome, sentence)) = &ended {
        outcome.as_str().clone_into(&mut view.state);
        view.outcome = Some(*outcome);
        view.sentence = Some(sentence.clone());
        view.ended_at = Some(time(now));
        view.waits_for = Vec::new();
        view.quarantined =
            after.quarantined.iter().any(|quarantine| quarantine.promotion == number);
        if let State::GoingBack { ending, .. } = &found.state {
            view.said.clone_from(&ending.said);
        }
        if *outcome == Outcome::Succeeded {
            view.weight = Weight::FULL.share();
        }
    }
    view.verdict = events.iter().rev().find_map(|event| match event {
        Event::Condemned { number: own, verdict } if *own == number => Some(verdict.into()),
        Event::StepPassed { number: own, verdict: Some(verdict), .. } if *own == number => {
            Some(verdict.into())
        }
        _ => None,
    });
    Some(PromotionRow {
        number,
        lane: lane.id.clone(),
        state: view.state.clone(),
        ended: ended.is_some(),
        requested_at: found.requested_at,
        ended_at: ended.map(|_| now),
        body: serde_json::to_value(&view).expect("a view is plain data"),
    })
}

/// One lane as it stands.
pub(crate) fn lane(shared: &Shared, id: &LaneId, now: Timestamp) -> Option<LaneView> {
    let (tier, endpoints, lane) = shared.read(|project| {
        let (environment, section) = project.common.matrix.as_ref()?.lane(id)?;
        Some((environment.tier, section.health.endpoints.clone(), project.lane(id)))
    })?;
    let held = lane.active.as_ref().or(lane.waiting.first());
    let green = lane.active.as_ref().map_or(0.0, |active| active.weight.share());
    Some(LaneView {
        service: id.service.to_string(),
        environment: id.environment.to_string(),
        tier: tier.as_str().to_owned(),
        serves: lane.serving.as_ref().map(|serving| ServesView {
            release: serving.deployment.release.version.to_string(),
            digest: serving.deployment.release.digest.to_string(),
            since: time(serving.since),
            promotion: serving.promotion.0,
        }),
        weights: WeightsView { blue: 1.0 - green, green },
        standby: lane.standby.as_ref().map(|standby| StandbyView {
            release: standby.deployment.release.version.to_string(),
            until: time(standby.until),
        }),
        health: health(shared, id, endpoints.len()),
        promotion: held.map(|held| promotion(shared, &lane, held, now)),
        more_waiting: lane.waiting.len() - usize::from(lane.active.is_none() && held.is_some()),
        verified: lane.verified.iter().map(|one| one.release.version.to_string()).collect(),
        quarantined: quarantined(&lane),
        asks: lane.asks.as_ref().map(|ask| ask.reason.clone()),
    })
}

fn quarantined(lane: &Lane) -> Vec<QuarantineView> {
    let all = lane.quarantined.iter();
    all.map(|one| QuarantineView {
        environment: lane.id.environment.to_string(),
        release: one.release.version.to_string(),
        digest: one.release.digest.to_string(),
        promotion: one.promotion.0,
        reason: one.reason.clone(),
        since: time(one.since),
    })
    .collect()
}

fn health(shared: &Shared, id: &LaneId, endpoints: usize) -> HealthView {
    let known = shared.health.lock().expect("no holder of this lock panics");
    let known = known.get(id);
    let failing: Vec<String> =
        known.map(|known| known.failing.keys().cloned().collect()).unwrap_or_default();
    let at = known.and_then(|known| known.at);
    let state = match (at, failing.is_empty()) {
        (None, _) => "unknown",
        (Some(_), true) => "healthy",
        (Some(_), false) => "unhealthy",
    };
    HealthView { state: state.to_owned(), endpoints, failing, at: at.map(time) }
}
