//! Feeds the guard with what the router reports, and sends its verdicts in. Judges a lane while
//! green has visitors, and what serves while the release before stands by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::matrix::AdapterSpec;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::{Lane, State};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{Counts, Limits, Probes, Standing, Verdict, judge};
use towpath_ports::router::RouterNews;

use crate::shared::Shared;
use crate::{alarms, blue, executor};

/// How often the lanes that need judging are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// After commit the guard forgets what is older than this, so that a late fault is not diluted by a
/// good past: long enough for a hundred requests at one in three seconds.
const WINDOW: Span = Span::minutes(5);

/// What the guard knows of one lane.
#[derive(Default)]
pub(crate) struct LaneGuard {
    subject: Option<Subject>,
    /// Since the subject first had visitors.
    total: Sides,
    /// Since the step began, or the window.
    recent: Sides,
    recent_since: Timestamp,
    step: Option<usize>,
    sent: Option<Standing>,
}

#[derive(Clone, Debug, PartialEq)]
struct Subject {
    deployment: PromotionNumber,
    beside: Option<PromotionNumber>,
    limits: Limits,
    router: AdapterSpec,
    step: Option<usize>,
    since: Timestamp,
}

#[derive(Clone, Default)]
struct Sides {
    green: Counts,
    blue: Counts,
}

impl Sides {
    fn record(&mut self, is_green: bool, outcome: &towpath_guard::Outcome) {
        let side = if is_green { &mut self.green } else { &mut self.blue };
        side.record(outcome);
    }
}

/// What a promotion did to visitors so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// On green.
    pub(crate) green: Counts,
    /// On blue, at the same time.
    pub(crate) blue: Counts,
    /// By the router itself; none where nobody knows.
    pub(crate) lost: Option<u64>,
}

/// Keeps a watcher per lane that needs one, until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut watched: BTreeMap<LaneId, tokio::task::JoinHandle<()>> = BTreeMap::new();
        while !shared.is_stopped() {
            let wanted = shared.read(|project| {
                let lanes = project.lanes.values();
                lanes
                    .filter_map(|lane| Some((lane.id.clone(), subject_of(project, lane)?)))
                    .collect::<Vec<_>>()
            });
            watched.retain(|_, task| !task.is_finished());
            for (lane, subject) in wanted {
                watched
                    .entry(lane.clone())
                    .or_insert_with(|| tokio::spawn(watch(Arc::clone(&shared), lane, subject)));
            }
            tokio::time::sleep(LOOK).await;
        }
    });
}

fn subject_of(project: &towpath_core::project::Project, lane: &Lane) -> Option<Subject> {
    if let Some(promotion) = &lane.active {
        let step = match promotion.state {
            State::Shifting { step, .. }
            | State::Baking { step, .. }
            | State::Reconciling { step, .. } => step,
            // Until the commit is observed it can be taken back; a rollback's has no visitors yet.
            State::Committing { .. } => promotion.plan.steps.len().checked_sub(1)?,
            _ => return None,
        };
        let section = &promotion.plan.section;
        return Some(Subject {
            deployment: promotion.green.as_ref()?.number,
            beside: promotion.blue.as_ref().map(|blue| blue.number),
            limits: section.rollback.limits.clone(),
            router: section.router.clone()?,
            step: Some(step),
            since: promotion.started_at.unwrap_or_default(),
        });
    }
    lane.standby.as_ref()?;
    let (_, section) = project.common.matrix.as_ref()?.lane(&lane.id)?;
    let serving = lane.serving.as_ref()?;
    Some(Subject {
        deployment: serving.deployment.number,
        beside: None,
        limits: section.rollback.limits.clone(),
        router: section.router.clone()?,
        step: None,
        since: serving.since,
    })
}

/// Watches one lane until nothing there is judged any more or the router goes away.
async fn watch(shared: Arc<Shared>, lane: LaneId, first: Subject) {
    let Ok(router) = shared.setup.adapters.router(&first.router) else { return };
    let Ok(mut news) = router.watch(&lane).await else {
        // The router is away: the next look tries again, and leases lapse meanwhile.
        tokio::time::sleep(LOOK).await;
        return;
    };
    let mut early = news.try_recv().ok();
    let is_resumed = early == Some(RouterNews::Resumed);
    if is_resumed && !knows(&shared, &lane, first.deployment) {
        // What went on in between is not about this subject: the next watch begins with it.
        return;
    }
    if !is_resumed {
        let sums = executor::sums_since(&shared, router.as_ref(), &lane, first.since).await;
        // What came in until now is in the sums already.
        while let Some(one) = early.take().or_else(|| news.try_recv().ok()) {
            pass_on_lapse(&shared, &lane, &one).await;
        }
        begin(&shared, &lane, first, &sums);
    }
    loop {
        let got = tokio::time::timeout(LOOK, news.recv()).await;
        let subject = shared
            .read(|project| project.lanes.get(&lane).and_then(|lane| subject_of(project, lane)));
        let Some(subject) = subject else { break };
        follow(&shared, &lane, subject);
        match got {
            Ok(None) => break,
            Ok(Some(first)) => {
                if take(&shared, &lane, &mut news, first).await {
                    // The router's own counts have what is missing: the next watch begins with them.
                    break;
                }
            }
            Err(_) => {}
        }
        tell(&shared, &lane).await;
    }
}

/// Whether the guard has followed this deployment until now.
fn knows(shared: &Shared, lane: &LaneId, deployment: PromotionNumber) -> bool {
    let guards = shared.guards.lock().expect("no holder of this lock panics");
    let subject = guards.get(lane).and_then(|guard| guard.subject.as_ref());
    subject.is_some_and(|own| own.deployment == deployment)
}

/// Takes the router's own counts as the past: of a guard that starts in the middle, and of one that
/// heard nothing for a while. What it said already it does not say again.
fn begin(shared: &Shared, lane: &LaneId, subject: Subject, sums: &executor::Sums) {
    let of = |number: Option<PromotionNumber>| {
        number.and_then(|number| sums.get(&number)).cloned().unwrap_or_default()
    };
    let total = Sides { green: of(Some(subject.deployment)), blue: of(subject.beside) };
    let mut guards = shared.guards.lock().expect("no holder of this lock panics");
    let guard = guards.entry(lane.clone()).or_default();
    if guard.subject.as_ref().is_some_and(|own| own.deployment == subject.deployment) {
        guard.total = total;
        return;
    }
    *guard = LaneGuard {
        total,
        recent_since: shared.now(),
        step: subject.step,
        subject: Some(subject),
        ..LaneGuard::default()
    };
}

/// Keeps up with what is judged: a new step or a full window begins a new count.
fn follow(shared: &Shared, lane: &LaneId, subject: Subject) {
    let now = shared.now();
    let window = WINDOW.faster(shared.setup.speed);
    let mut guards = shared.guards.lock().expect("no holder of this lock panics");
    let guard = guards.entry(lane.clone()).or_default();
    let same = guard.subject.as_ref().is_some_and(|own| own.deployment == subject.deployment);
    if !same {
        *guard = LaneGuard { recent_since: now, ..LaneGuard::default() };
    }
    let window_over = subject.step.is_none() && now.since(guard.recent_since) >= window;
    if guard.step != subject.step || window_over {
        guard.recent = Sides::default();
        guard.recent_since = now;
        guard.sent = None;
    }
    if window_over {
        guard.total = Sides::default();
    }
    guard.step = subject.step;
    guard.subject = Some(subject);
}

/// Takes in what waits, and answers whether some of it is missing.
async fn take(
    shared: &Arc<Shared>,
    lane: &LaneId,
    news: &mut mpsc::Receiver<RouterNews>,
    first: RouterNews,
) -> bool {
    let mut is_missing = false;
    let mut next = Some(first);
    while let Some(one) = next {
        match one {
            RouterNews::Outcomes(outcomes) => {
                let mut guards = shared.guards.lock().expect("no holder of this lock panics");
                if let Some(guard) = guards.get_mut(lane) {
                    guard.record(&outcomes);
                }
            }
            RouterNews::Missed(count) => {
                tracing::warn!(%lane, count, "outcomes were not passed on");
                is_missing = true;
            }
            RouterNews::Resumed => {}
            RouterNews::Lapsed(_) | RouterNews::Frozen(_) => {
                pass_on_lapse(shared, lane, &one).await;
            }
        }
        next = news.try_recv().ok();
    }
    is_missing
}

/// Frozen, the weight stays where it is, and core calls a person.
async fn pass_on_lapse(shared: &Shared, lane: &LaneId, news: &RouterNews) {
    if let RouterNews::Lapsed(revision) | RouterNews::Frozen(revision) = news {
        let frozen = matches!(news, RouterNews::Frozen(_));
        shared.send(lane, Input::LeaseLapsed { revision: *revision, frozen }).await;
    }
}

impl LaneGuard {
    fn record(&mut self, outcomes: &[(PromotionNumber, towpath_guard::Outcome)]) {
        let Some(subject) = &self.subject else { return };
        for (deployment, outcome) in outcomes {
            let is_green = *deployment == subject.deployment;
            if is_green || subject.beside == Some(*deployment) {
                self.total.record(is_green, outcome);
                self.recent.record(is_green, outcome);
            }
        }
    }

    /// Unhealthy when either the whole or the recent past is; otherwise what the whole says.
    fn verdict(&self, probes: Probes) -> Option<Verdict> {
        let subject = self.subject.as_ref()?;
        let look = |sides: &Sides| {
            let blue = subject.beside.map(|_| &sides.blue);
            judge(&subject.limits, &sides.green, blue, probes)
        };
        let recent = look(&self.recent);
        if recent.standing == Standing::Unhealthy {
            return Some(recent);
        }
        let total = look(&self.total);
        if total.standing == Standing::Unhealthy || self.recent.green.requests > 0 {
            // A step that saw no visitor is as blind as if there had been none before.
            return Some(total);
        }
        Some(recent)
    }
}

async fn tell(shared: &Shared, lane: &LaneId) {
    let probes = crate::prober::probes_of(shared, lane);
    let news = {
        let mut guards = shared.guards.lock().expect("no holder of this lock panics");
        guards.get_mut(lane).and_then(|guard| {
            let verdict = guard.verdict(probes)?;
            let deployment = guard.subject.as_ref()?.deployment;
            let tells = guard.sent != Some(verdict.standing)
                && matches!(verdict.standing, Standing::Unhealthy | Standing::Healthy);
            guard.sent = Some(verdict.standing);
            tells.then_some((deployment, verdict))
        })
    };
    let Some((deployment, verdict)) = news else { return };
    let verdict = alarms::beside(shared, lane, deployment, verdict);
    if verdict.standing == Standing::Unhealthy {
        say_unhealthy(shared, lane, deployment, verdict).await;
    } else {
        shared.send(lane, Input::Judged { deployment, verdict }).await;
    }
}

/// Says that green is judged unhealthy, after a look at what it would go back to.
pub(crate) async fn say_unhealthy(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
    verdict: Verdict,
) {
    blue::look(shared, lane).await;
    shared.send(lane, Input::Judged { deployment, verdict }).await;
}

/// The guard's view of green right now; none where nothing is judged.
pub(crate) fn verdict_now(shared: &Shared, lane: &LaneId) -> Option<Verdict> {
    let subject = shared
        .read(|project| project.lanes.get(lane).and_then(|lane| subject_of(project, lane)))?;
    let probes = crate::prober::probes_of(shared, lane);
    let guards = shared.guards.lock().expect("no holder of this lock panics");
    let known = guards
        .get(lane)
        .filter(|guard| {
            guard.subject.as_ref().is_some_and(|own| own.deployment == subject.deployment)
        })
        .and_then(|guard| guard.verdict(probes));
    // A guard that has not heard from the router yet has seen nothing: that is blind, not absent.
    let known = known.unwrap_or_else(|| judge(&subject.limits, &Counts::default(), None, probes));
    drop(guards);
    Some(alarms::beside(shared, lane, subject.deployment, known))
}

/// What the promotion under way did to visitors so far; `green` is its deployment, once it has one.
pub(crate) fn seen(
    shared: &Shared,
    lane: &LaneId,
    promotion: PromotionNumber,
    green: Option<PromotionNumber>,
) -> Seen {
    let lost = crate::losses::of(shared, lane, promotion);
    let guards = shared.guards.lock().expect("no holder of this lock panics");
    let guard = guards.get(lane).filter(|guard| {
        green.is_some() && guard.subject.as_ref().map(|own| own.deployment) == green
    });
    let total = guard.map(|guard| guard.total.clone()).unwrap_or_default();
    Seen { green: total.green, blue: total.blue, lost }
}
