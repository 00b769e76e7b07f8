//! Follows what routers tell of requests and of their guards' findings, and sends verdicts in. Judges a
//! lane while green has visitors, and what serves while the release before stands by; how it stands is
//! known beside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::promotion::input::Input;
use towpath_guard::{Counts, Evidence, Standing, Verdict};
use towpath_ports::router::{Met, ObservedRoute, RouterNews};

use crate::lane_guard::{Sides, Subject, subject_of};
use crate::shared::Shared;
use crate::{alarms, blue, counting, executor, picture};

/// How often the lanes that need judging are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// What a promotion did to visitors so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// On green.
    pub(crate) green: Counts,
    /// On blue, at the same time.
    pub(crate) blue: Counts,
    /// By the router itself; none where nobody knows.
    pub(crate) lost: Option<u64>,
    /// What visitors got of it, and what copies showed.
    pub(crate) met: Met,
}

/// Keeps a watcher per lane that needs one, until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    let speed = shared.setup.speed;
    tokio::spawn(async move {
        let mut watched: BTreeMap<LaneId, tokio::task::JoinHandle<()>> = BTreeMap::new();
        while !shared.is_stopped() {
            let wanted = shared.read(|project| {
                let lanes = project.lanes.values();
                lanes
                    .filter_map(|lane| Some((lane.id.clone(), subject_of(project, lane, speed)?)))
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
        let observed = router.observe(&lane).await.ok().flatten();
        // What came in until now is in the sums already.
        while let Some(one) = early.take().or_else(|| news.try_recv().ok()) {
            pass_on_lapse(&shared, &lane, &one).await;
        }
        begin(&shared, &lane, first, &sums);
        if let Some(observed) = observed {
            hear(&shared, &lane, &observed);
        }
    }
    loop {
        let got = tokio::time::timeout(LOOK, news.recv()).await;
        let Some(subject) = subject_now(&shared, &lane) else { break };
        let (now, speed) = (shared.now(), shared.setup.speed);
        shared.guard(&lane, |guard| guard.follow(subject, now, speed));
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
        picture::keep(&shared, &lane).await;
        tell(&shared, &lane).await;
    }
    picture::finish(&shared, &lane).await;
}

fn subject_now(shared: &Shared, lane: &LaneId) -> Option<Subject> {
    let speed = shared.setup.speed;
    shared.read(|project| subject_of(project, project.lanes.get(lane)?, speed))
}

/// Whether the guard has followed this deployment until now.
fn knows(shared: &Shared, lane: &LaneId, deployment: PromotionNumber) -> bool {
    shared.guard(lane, |guard| guard.deployment()) == Some(deployment)
}

/// Takes the router's own counts as the past: of a guard that starts in the middle, and of one that
/// heard nothing for a while.
fn begin(shared: &Shared, lane: &LaneId, subject: Subject, sums: &executor::Sums) {
    let of = |number: Option<PromotionNumber>| {
        number.and_then(|number| sums.get(&number)).cloned().unwrap_or_default()
    };
    let total = Sides { green: of(Some(subject.deployment)), blue: of(subject.beside) };
    let now = shared.now();
    shared.guard(lane, |guard| guard.begin(subject, total, now));
}

/// Takes in what the guard of an observed router says.
pub(crate) fn hear(shared: &Shared, lane: &LaneId, observed: &ObservedRoute) {
    picture::hear(shared, lane, observed);
    // What was proven under the route before is not proven under this one.
    let last = shared.read(|project| project.lanes.get(lane).map(|lane| lane.last_revision));
    let is_current = last == Some(observed.revision);
    if let Some((deployment, verdict)) = &observed.judged
        && (is_current || verdict.standing == Standing::Unhealthy)
    {
        shared.guard(lane, |guard| guard.hear(*deployment, verdict));
    }
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
                shared.guard(lane, |guard| guard.record(&outcomes));
                picture::record(shared, lane, &outcomes);
            }
            RouterNews::Judged(deployment, verdict) => {
                if let Some(against) = &verdict.evidence.against {
                    picture::hear_verdict(shared, lane, deployment, against);
                }
                shared.guard(lane, |guard| guard.hear(deployment, &verdict));
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

/// Sends what is new about how a lane stands.
pub(crate) async fn tell(shared: &Shared, lane: &LaneId) {
    let probes = crate::prober::probes_of(shared, lane);
    let Some((deployment, verdict)) = shared.guard(lane, |guard| guard.news(probes)) else {
        return;
    };
    let verdict = beside(shared, lane, deployment, verdict);
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
    let subject = subject_now(shared, lane)?;
    let probes = crate::prober::probes_of(shared, lane);
    let known = shared.guard(lane, |guard| {
        let is_same = guard.deployment() == Some(subject.deployment);
        if is_same { guard.verdict(probes) } else { None }
    });
    // A guard that has not heard from the router yet has seen nothing: that is blind, not absent.
    let unseen = || Evidence::of(&Counts::default(), None, probes);
    let known = known.unwrap_or_else(|| unseen().unbroken(false, subject.policy.minimum_sample));
    Some(beside(shared, lane, subject.deployment, known))
}

/// The verdict beside what other sources say: while one of them cannot be read, nothing is known to be
/// well.
fn beside(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
    verdict: Verdict,
) -> Verdict {
    if verdict.standing == Standing::Unhealthy {
        return verdict;
    }
    let Some(blind) = blindness(shared, lane, deployment) else { return verdict };
    let sentence = format!("{}; {blind}", verdict.sentence);
    Verdict { standing: Standing::Blind, sentence, ..verdict }
}

/// Why other sources than the router cannot be read, as a sentence; none when all of them can, or where
/// this deployment is not judged.
pub(crate) fn blindness(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
) -> Option<String> {
    let alarms = alarms::blindness(shared, lane, deployment);
    let counts = counting::blindness(shared, lane, deployment);
    let sentences: Vec<_> = alarms.into_iter().chain(counts).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// What the promotion under way did to visitors so far; `green` is its deployment, once it has one.
pub(crate) fn seen(
    shared: &Shared,
    lane: &LaneId,
    promotion: PromotionNumber,
    green: Option<PromotionNumber>,
) -> Seen {
    let lost = crate::losses::of(shared, lane, promotion);
    let total = shared.guard(lane, |guard| {
        let is_same = green.is_some() && guard.deployment() == green;
        if is_same { guard.total() } else { Sides::default() }
    });
    let own = green.filter(|green| *green == promotion);
    let met = own.and_then(|_| crate::losses::met(shared, lane, promotion));
    let met = met.unwrap_or(Met { harmed: total.green.failed, ..Met::default() });
    Seen { green: total.green, blue: total.blue, lost, met }
}
