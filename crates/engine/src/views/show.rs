//! From what is so to what is shown. Owns no shape.

use towpath_core::check::CheckResult;
use towpath_core::ids::{LaneId, Person, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::matrix::{LaneSpec, Unenforced};
use towpath_core::plan::Plan;
use towpath_core::project::Common;
use towpath_core::promotion::approving::{self, Open};
use towpath_core::promotion::blocking::{blockers, owed};
use towpath_core::promotion::earliest;
use towpath_core::promotion::setting_up;
use towpath_core::promotion::state::{
    CheckKey, GateList, Lane, Outcome, Promotion, Standby, State,
};
use towpath_core::reason::Blocker;
use towpath_core::units::{Timestamp, Weight};
use towpath_ports::store::PromotionRow;

use crate::freezes;
use crate::judging::{self, Seen};
use crate::planned;
use crate::reading::has_several_services;
use crate::shared::Shared;
use crate::views::{
    ApprovalView, BlockerView, CheckView, EarliestView, EvidenceView, HealthView, HoldbackView,
    LaneView, PromotionView, ServesView, SideView, StandbyView, StepView, UnenforcedView,
    VerdictView, WeightsView, quarantine,
};

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
                mirror: step.mirror.map(Weight::share),
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

impl From<&Unenforced> for UnenforcedView {
    fn from(demand: &Unenforced) -> Self {
        Self {
            path: demand.path.clone(),
            reason: demand.reason.clone(),
            refuses: demand.refuses,
            kept: demand.is_kept(),
        }
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
    let seen = judging::seen(shared, &lane.id, promotion.number, green);
    let verdict = green.and_then(|_| judging::verdict_now(shared, &lane.id));
    let mut view = shared.read(|project| {
        of_promotion(&project.common, lane, promotion, &seen, verdict.as_ref(), now)
    });
    let holds = freezes::holding(shared, promotion, now);
    view.waits_for.extend(holds.into_iter().map(BlockerView::from));
    if let Some(blind) = green.and_then(|green| judging::blindness(shared, &lane.id, green)) {
        for blocker in view.waits_for.iter_mut().filter(|blocker| blocker.what == "evidence") {
            blocker.sentence = format!("{}: {blind}", blocker.sentence);
        }
    }
    if shared.read(has_several_services) {
        for next in view.waits_for.iter_mut().flat_map(|blocker| &mut blocker.next) {
            *next = next.clone().of_service(&lane.id.service);
        }
    }
    view
}

fn of_promotion(
    common: &Common,
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
        weight_reason: promotion.weight_reason.clone(),
        checks: checks(plan, Some(promotion)),
        approvals: approvals(approving::of_promotion(common, lane, promotion, now)),
        evidence: EvidenceView { green: (&seen.green).into(), blue: (&seen.blue).into() },
        verdict: verdict.map(Into::into),
        frozen: promotion.held.is_some(),
        overrides_window: promotion.overrides_window,
        broke_glass: promotion.plan.break_glass,
        paused: promotion.paused.as_ref().map(|pause| pause.reason.clone()),
        waits_for: blockers(common, lane, promotion, now).into_iter().map(Into::into).collect(),
        earliest_start: earliest::start(common, lane, promotion, now)
            .map(|earliest| EarliestView { at: earliest.at.map(time), after: earliest.after }),
        requested_at: time(promotion.requested_at),
        started_at: promotion.started_at.map(time),
        ended_at: None,
        seconds: promotion.started_at.map(|start| seconds(start, now)),
        harmed_requests: seen.met.harmed,
        lost_requests: seen.lost,
        rescued_requests: seen.met.rescued,
        mirrored_requests: seen.met.mirrored,
        mirrored_differing: seen.met.differing,
        told: Vec::new(),
        not_told: Vec::new(),
        quarantined: false,
        standby_seconds: span_seconds(plan.section.standby),
        holdback: planned::holdback(plan, promotion.irreversible),
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

/// Roles that must agree.
pub(crate) fn approvals(open: Vec<Open>) -> Vec<ApprovalView> {
    let names = |people: &[Person]| people.iter().map(ToString::to_string).collect();
    let view = |one: Open| ApprovalView {
        role: one.asked.role.to_string(),
        owns: one.asked.owners.is_some().then(|| one.asked.whom()),
        unknown: one.asked.unknown().map(str::to_owned),
        need: one.asked.needed,
        by: names(&one.asked.by),
        who: names(&one.could),
    };
    open.into_iter().map(view).collect()
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
            evidence: answer.map(|answer| answer.evidence.clone()).unwrap_or_default(),
        }
    })
    .collect()
}

/// The lane with a promotion that was asked for and ended in one turn, which neither the lane before
/// nor the one after has.
fn asked_and_over(
    before: Option<&Lane>,
    after: &Lane,
    events: &[Event],
    number: PromotionNumber,
    now: Timestamp,
) -> Option<Lane> {
    let asked = events.iter().find(|event| {
        matches!(event, Event::PromotionRequested(_)) && event.promotion() == Some(number)
    })?;
    let mut lane = before.cloned().unwrap_or_else(|| Lane::new(after.id.clone()));
    lane.apply(asked, now);
    Some(lane)
}

/// The rows of the promotions that `events` are about.
pub(crate) fn promotion_rows(
    shared: &Shared,
    before: Option<&Lane>,
    after: &Lane,
    events: &[Event],
    now: Timestamp,
) -> Vec<PromotionRow> {
    let mut numbers: Vec<_> = events.iter().filter_map(Event::promotion).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let rows = numbers.into_iter().filter_map(|number| {
        let ended = events.iter().rev().find_map(|event| match event {
            Event::PromotionEnded { number: own, outcome, sentence } if *own == number => {
                Some((*outcome, sentence.clone()))
            }
            _ => None,
        });
        promotion_row(shared, before, after, events, number, ended, now)
    });
    rows.collect()
}

/// The row of a promotion that lists and pages show, after the events of one turn.
fn promotion_row(
    shared: &Shared,
    before: Option<&Lane>,
    after: &Lane,
    events: &[Event],
    number: PromotionNumber,
    ended: Option<(Outcome, String)>,
    now: Timestamp,
) -> Option<PromotionRow> {
    let requested = asked_and_over(before, after, events, number, now);
    let lanes = [Some(after), before, requested.as_ref()];
    let lane = lanes.into_iter().flatten().find(|lane| lane.promotion(number).is_some())?;
    let found = lane.promotion(number)?;
    let green = found.green.as_ref().map(|green| green.number);
    let seen = judging::seen(shared, &lane.id, number, green);
    let mut view =
        shared.read(|project| of_promotion(&project.common, lane, found, &seen, None, now));
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
    let (tier, endpoints, lane, settings_differ) = shared.read(|project| {
        let (environment, section) = project.common.matrix.as_ref()?.lane(id)?;
        let lane = project.lane(id);
        let differ = settings_that_differ(&project.common, &lane, section);
        Some((environment.tier, section.health.endpoints.clone(), lane, differ))
    })?;
    let held = lane.active.as_ref().or(lane.waiting.first());
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
        weights: weights(&lane),
        standby: lane.standby.as_ref().map(standby),
        health: health(shared, id, endpoints.len()),
        promises: crate::promises::known(shared, id),
        promotion: held.map(|held| promotion(shared, &lane, held, now)),
        more_waiting: lane.waiting.len() - usize::from(lane.active.is_none() && held.is_some()),
        verified: verified(&lane),
        quarantined: quarantine::of_lane(&lane),
        asks: lane.asks.as_ref().map(|ask| ask.reason.clone()),
        owes: shared
            .read(|project| owed(&project.common, &lane))
            .into_iter()
            .map(Into::into)
            .collect(),
        settings_differ,
    })
}

/// Their names alone: values are for the plan of the promotion that sets them up.
fn settings_that_differ(common: &Common, lane: &Lane, section: &LaneSpec) -> Vec<String> {
    let serving = lane.serving.as_ref();
    let release = serving
        .and_then(|serving| common.release_of(&lane.id.service, &serving.deployment.release));
    let moved = release.map(|release| setting_up::moved(lane, section, release));
    moved.unwrap_or_default().into_iter().map(|change| change.name).collect()
}

/// Each version once, whatever the settings under which it was verified.
fn verified(lane: &Lane) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for version in lane.verified.iter().map(|one| one.release.version.to_string()) {
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

/// As they were last observed; they sum to 1.
fn weights(lane: &Lane) -> WeightsView {
    let green = lane.active.as_ref().map_or(Weight::ZERO, |active| active.weight);
    let held_back = lane.standby.as_ref().and_then(|standby| standby.holdback.as_ref());
    let kept = held_back.filter(|_| green == Weight::ZERO).map_or(Weight::ZERO, |it| it.observed);
    let blue = if kept > Weight::ZERO { kept.rest() } else { green.rest() };
    WeightsView { blue: blue.share(), green: green.share(), held_back: kept.share() }
}

fn standby(standby: &Standby) -> StandbyView {
    StandbyView {
        release: standby.deployment.release.version.to_string(),
        until: time(standby.until),
        holdback: standby.holdback.as_ref().filter(|it| it.has_visitors()).map(|holdback| {
            HoldbackView {
                share: holdback.share.share(),
                observed: holdback.observed.share(),
                until: time(holdback.until),
                ending: holdback.ending.as_ref().map(|ending| ending.sentence.clone()),
            }
        }),
    }
}

fn health(shared: &Shared, id: &LaneId, endpoints: usize) -> HealthView {
    let serving =
        shared.read(|project| project.lanes.get(id).and_then(|lane| lane.serving.clone()));
    let known = shared.health.lock().expect("no holder of this lock panics");
    let known = known
        .get(id)
        .zip(serving)
        .and_then(|(known, serving)| known.standing.get(&serving.deployment.number));
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
