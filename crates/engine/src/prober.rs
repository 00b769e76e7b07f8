//! Probes what runs: at its declared frequency what serves, and every second what is coming. Keeps
//! counts for the guard and for `soak`, and says when health is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use towpath_core::check::CheckResult;
use towpath_core::deployment::Deployment;
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::matrix::{CheckSpec, LaneSpec};
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::Promotion;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Probes;
use towpath_ports::check::CheckRequest;
use towpath_ports::evidence::Keeper;
use towpath_ports::store::IntervalRow;

use crate::adapters::probe_of;
use crate::blue;
use crate::evidence::Evidence;
use crate::executor::{self, INTERVAL, Role};
use crate::questions;
use crate::shared::Shared;

/// How often due probes are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// How often green is probed during a rollout, so that a quiet service has evidence too.
const GREEN_EVERY: Span = Span::seconds(1);

/// How one lane answers its probes.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneHealth {
    /// What serves and what stands by, by deployment.
    pub(crate) standing: BTreeMap<PromotionNumber, DeploymentHealth>,
    /// What is coming and has visitors, by deployment.
    coming: BTreeMap<PromotionNumber, DeploymentHealth>,
    /// What is coming, since it came.
    pub(crate) green: BTreeMap<PromotionNumber, Probes>,
}

/// How one deployment answers its probes.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeploymentHealth {
    /// When it was probed last.
    pub(crate) at: Option<Timestamp>,
    /// Failures in a row, by path.
    pub(crate) failing: BTreeMap<String, u32>,
}

/// How often targets are asked how their instances are, which also replaces what supervises them.
const OBSERVE: Duration = Duration::from_secs(5);

/// Probes until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut last: BTreeMap<(LaneId, PromotionNumber), Timestamp> = BTreeMap::new();
        let mut rounds: BTreeMap<(LaneId, PromotionNumber), JoinHandle<()>> = BTreeMap::new();
        while !shared.is_stopped() {
            let now = shared.now();
            let running = executor::deployments_of(&shared);
            last.retain(|(lane, number), _| {
                running
                    .iter()
                    .any(|(own, _, deployment, _)| own == lane && deployment.number == *number)
            });
            for (lane, section, deployment, role) in running {
                let every = match role {
                    Role::Green => Some(GREEN_EVERY),
                    Role::Serving | Role::Standby => section.health.every,
                };
                let key = (lane.clone(), deployment.number);
                let before = last.get(&key).copied().unwrap_or_default();
                // One round at a time: a hung service is not asked by a growing crowd.
                let asking = rounds.get(&key).is_some_and(|round| !round.is_finished());
                if !asking && every.is_some_and(|every| now.since(before) >= every) {
                    last.insert(key.clone(), now);
                    let round = round(Arc::clone(&shared), lane, section, deployment, role);
                    rounds.insert(key, tokio::spawn(round));
                }
            }
            rounds.retain(|_, round| !round.is_finished());
            tokio::time::sleep(LOOK).await;
        }
    });
}

/// Looks after everything that runs, until the engine stops.
pub(crate) fn spawn_observer(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while !shared.is_stopped() {
            for (lane, section, deployment, _) in executor::deployments_of(&shared) {
                let Ok(target) = shared.setup.adapters.target(&section.target) else { continue };
                if let Err(error) = target.observe(&lane, deployment.number).await {
                    tracing::warn!(%lane, %error, "the instances could not be looked at");
                }
            }
            tokio::time::sleep(OBSERVE).await;
        }
    });
}

/// Probes every endpoint of a deployment once.
pub(crate) async fn round(
    shared: Arc<Shared>,
    lane: LaneId,
    section: LaneSpec,
    deployment: Deployment,
    role: Role,
) {
    let mut total = Probes::default();
    let mut lost = None;
    for path in &section.health.endpoints {
        let answered = probe(&shared, &lane, &section, &deployment, path).await;
        let failed = answered.is_some();
        total.total += 1;
        total.failed += u64::from(failed);
        let sentence = note(&shared, &lane, &section, &deployment, path, (role, answered));
        lost = lost.or(sentence);
    }
    if total.total == 0 {
        return;
    }
    keep(&shared, &lane, &deployment, role, total).await;
    if let Some(sentence) = lost {
        if role == Role::Green {
            blue::look(&shared, &lane).await;
        }
        shared.send(&lane, Input::HealthLost { deployment: deployment.number, sentence }).await;
    }
}

/// Asks one path of every instance; answers what is wrong, or nothing.
async fn probe(
    shared: &Arc<Shared>,
    lane: &LaneId,
    section: &LaneSpec,
    deployment: &Deployment,
    path: &str,
) -> Option<String> {
    let check = CheckSpec {
        slug: "probe".to_owned(),
        title: path.to_owned(),
        check: probe_of(path),
        timeout: section.health.timeout,
        at: Weight::ZERO,
    };
    let request = CheckRequest {
        lane: lane.clone(),
        promotion: deployment.number,
        release: deployment.release.clone(),
        title: path.to_owned(),
        green: deployment.endpoints.clone(),
        timeout: section.health.timeout,
        ordered_at: shared.now(),
        now: shared.now(),
        evidence: Arc::new(Evidence::new(shared)),
        keeper: Keeper::nowhere(),
        trace: None,
    };
    let answer = questions::ask(shared, &check, request).await;
    (answer.result != CheckResult::Pass).then_some(answer.sentence)
}

/// Notes one answer; says so each time an endpoint has failed as often as is tolerated: whoever was
/// told before may have been told about another release, or have gone on all the same.
fn note(
    shared: &Shared,
    lane: &LaneId,
    section: &LaneSpec,
    deployment: &Deployment,
    path: &str,
    (role, wrong): (Role, Option<String>),
) -> Option<String> {
    let here = shared.read(|project| project.lane(lane));
    let coming = here.active.filter(Promotion::may_have_visitors).and_then(|one| one.green);
    let mut health = shared.health.lock().expect("no holder of this lock panics");
    let known = health.entry(lane.clone()).or_default();
    let (of_role, there) = if role == Role::Green {
        (&mut known.coming, [coming.map(|green| green.number), None])
    } else {
        let serving = here.serving.map(|serving| serving.deployment.number);
        let standby = here.standby.map(|standby| standby.deployment.number);
        (&mut known.standing, [serving, standby])
    };
    // A late round of what has gone says nothing about what is there.
    of_role.retain(|number, _| there.contains(&Some(*number)));
    if !there.contains(&Some(deployment.number)) {
        return None;
    }
    let health = of_role.entry(deployment.number).or_default();
    health.at = Some(shared.now());
    let Some(wrong) = wrong else {
        health.failing.remove(path);
        return None;
    };
    let in_a_row = health.failing.entry(path.to_owned()).or_default();
    *in_a_row = in_a_row.saturating_add(1);
    let times = *in_a_row;
    let tells = times.is_multiple_of(tolerated(section, role));
    tells.then(|| format!("{path} failed {times} probes in a row: {wrong}"))
}

/// How many failures in a row are tolerated. Green is probed far more often than is declared, so that
/// it gets the time that is declared and not the number: one copy that restarts is no lost health.
fn tolerated(section: &LaneSpec, role: Role) -> u32 {
    let retries = section.health.retries.max(1);
    let Some(every) = section.health.every.filter(|_| role == Role::Green) else { return retries };
    let rounds = every.milliseconds() / GREEN_EVERY.milliseconds();
    retries.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX).max(1))
}

async fn keep(shared: &Shared, lane: &LaneId, deployment: &Deployment, role: Role, total: Probes) {
    if role == Role::Green {
        let mut health = shared.health.lock().expect("no holder of this lock panics");
        let green = &mut health.entry(lane.clone()).or_default().green;
        // Only what is coming now is asked for; what came before is in the telemetry.
        green.retain(|number, _| *number == deployment.number);
        let sum = green.entry(deployment.number).or_default();
        sum.total += total.total;
        sum.failed += total.failed;
    }
    let width = INTERVAL.faster(shared.setup.speed);
    let row = IntervalRow {
        lane: lane.clone(),
        deployment: deployment.number,
        source: "probes".to_owned(),
        start: executor::interval_of(shared, shared.now()),
        width,
        total: total.total,
        failed: total.failed,
        p99_us: None,
        latency: None,
    };
    crate::telemetry::add(shared, row).await;
}

/// What the prober saw of green in a lane since it came.
pub(crate) fn probes_of(shared: &Shared, lane: &LaneId) -> Probes {
    let green = shared.read(|project| {
        let promotion = project.lanes.get(lane)?.active.as_ref()?;
        promotion.green.as_ref().map(|green| green.number)
    });
    let health = shared.health.lock().expect("no holder of this lock panics");
    let found = health.get(lane).zip(green).and_then(|(health, green)| health.green.get(&green));
    found.copied().unwrap_or_default()
}
