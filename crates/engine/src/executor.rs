//! Turns each command into port calls and its outcome into the next input. Decides nothing: what a
//! failure means is core's business.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use towpath_core::deployment::Deployment;
use towpath_core::ids::{CommandId, LaneId, Name, Person, PromotionNumber, Revision};
use towpath_core::matrix::LaneSpec;
use towpath_core::promotion::command::{Command, CommandOutcome, Order, Route};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::release::ReleaseRef;
use towpath_core::settings;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_ports::check::CheckRequest;
use towpath_ports::router::{
    Candidate, DesiredRoute, HeldBackArm, ObservedRoute, Router, RouterError,
};
use towpath_ports::target::{DeployRequest, Target, TargetError, TargetErrorKind};

use crate::orders::EngineError;
use crate::shared::Shared;
use crate::{handing, lane_guard, losses, origin, questions};

/// How long a router may be silent before core is told that it did not obey.
const ROUTER_PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two attempts to reach a router.
const ROUTER_RETRY: Duration = Duration::from_millis(100);
/// How long open requests on an arm that goes may take (router setting `drain` may be shorter).
const DRAIN: Span = Span::seconds(30);
/// How often open requests are counted while an arm drains.
const DRAIN_LOOK: Duration = Duration::from_millis(50);
/// How long a deployment may take to become ready, unless its target says otherwise.
const READY_WITHIN: Span = Span::seconds(60);
/// How soon an offer for which there was no space is made again: somebody frees it within minutes.
const OFFER_AGAIN: Duration = Duration::from_secs(10);
/// How long a release that stands by may take to show that it is there. It runs already, and as long
/// as nobody knows, visitors stay on the release that goes: a probe's patience and no more.
const STANDBY_WITHIN: Duration = Duration::from_secs(5);
/// Width of the intervals in which counts are kept, before a rehearsal makes it shorter.
pub(crate) const INTERVAL: Span = Span::minutes(1);

/// Carries a command out in the background; its outcome comes back as an input.
pub(crate) fn dispatch(shared: &Arc<Shared>, command: Command) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        if shared.is_stopped() {
            return;
        }
        let lane = command.lane.clone();
        let id = command.id;
        let droppable = !matches!(command.order, Order::OfferRelease { .. });
        let outcome = if droppable {
            tokio::select! {
                outcome = execute(&shared, command) => outcome,
                // Whatever it was for is over: an outcome that nobody waits for changes nothing.
                () = forgotten(&shared, &lane, id) => Some(CommandOutcome::RouteFailed {
                    sentence: "nobody waits for it any more".to_owned(),
                }),
            }
        } else {
            execute(&shared, command).await
        };
        // A stopped engine says nothing: the next one finds the command in the outbox.
        if let Some(outcome) = outcome
            && !shared.is_stopped()
        {
            shared.send(&lane, Input::CommandEnded { command: id, outcome }).await;
        }
    });
}

/// Ends when the lane does not wait for the command any more.
async fn forgotten(shared: &Shared, lane: &LaneId, id: CommandId) {
    /// A start that was given up ends this much later.
    const LOOK: Duration = Duration::from_millis(100);
    loop {
        let awaited = shared.read(|project| {
            project.lanes.get(lane).is_some_and(|lane| lane.awaited().contains(&id))
        });
        if !awaited {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn execute(shared: &Arc<Shared>, command: Command) -> Option<CommandOutcome> {
    let lane = command.lane;
    match command.order {
        Order::AskCheck { promotion, key, check, release, green } => {
            let trace = questions::trace_of(shared, &lane, promotion, command.id);
            let request = questions::asked(shared, &lane, promotion, &key, &check, release, green);
            let request = CheckRequest { trace, ..request };
            let answer = questions::ask_and_keep(shared, &check, request).await;
            Some(CommandOutcome::Checked { answer })
        }
        Order::StartInstances { deployment, release, section, blue } => {
            Some(start(shared, &lane, deployment, &release, &section, blue.as_ref()).await)
        }
        Order::SetRoute { route, section } => set_route(shared, &lane, route, &section).await,
        Order::StopInstances { deployment, section } => {
            Some(stop(shared, &lane, deployment, &section).await)
        }
        Order::OfferRelease { release, to, verified_by } => {
            let offering = offer(shared, &lane, &release, to, verified_by);
            match questions::trace_of_promotion(shared, &lane, verified_by) {
                Some(trace) => origin::traced(trace, offering).await,
                None => offering.await,
            }
            Some(CommandOutcome::Offered)
        }
    }
}

async fn start(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
    release: &ReleaseRef,
    section: &LaneSpec,
    blue: Option<&Deployment>,
) -> CommandOutcome {
    let failed = |sentence: String| CommandOutcome::StartFailed { sentence, said: Vec::new() };
    let known = shared.read(|project| project.common.release_of(&lane.service, release).cloned());
    let Some(known) = known else {
        return failed(format!("release {} is not in the journal", release.version));
    };
    let target = match shared.setup.adapters.target(&section.target) {
        Ok(target) => target,
        Err(sentence) => return failed(sentence),
    };
    let stands_by = shared.read(|project| {
        let lane = project.lanes.get(lane);
        lane.and_then(|lane| lane.standby.as_ref())
            .is_some_and(|it| it.deployment.number == deployment)
    });
    // What stands by has its secrets; a store that is gone shall not be in the way back.
    let secrets = if stands_by && !section.secrets.is_empty() {
        None
    } else {
        match handing::of_release(shared, lane, deployment, section).await {
            Ok(secrets) => Some(secrets),
            Err(sentence) => return failed(sentence),
        }
    };
    if let Err(sentence) = prepare_route(shared, lane, section, blue).await {
        return failed(sentence);
    }
    let _alone = shared.one_at_a_time(lane, deployment).await;
    let settings = settings::in_force(&known, &section.settings);
    let request = DeployRequest {
        lane: lane.clone(),
        epoch: shared.epoch,
        deployment,
        release: known,
        instances: section.instances,
        settings,
        secrets,
        ready_path: section.health.endpoints.first().cloned(),
        ready_within: READY_WITHIN,
    };
    let running = target.ensure_running(&request);
    let started = if stands_by {
        match tokio::time::timeout(STANDBY_WITHIN, running).await {
            Ok(started) => started,
            Err(_) => return failed(format!("it did not answer within {STANDBY_WITHIN:?}")),
        }
    } else {
        running.await
    };
    match started {
        Ok(endpoints) => {
            let blue_ready = is_ready(&*target, lane, blue).await;
            CommandOutcome::Started { endpoints, blue_ready }
        }
        Err(error) => {
            shut_out_if_stale(shared, &error).await;
            CommandOutcome::StartFailed { sentence: error.sentence, said: error.said }
        }
    }
}

/// Whether what serves runs. Not knowing is no reason to give the way back up.
async fn is_ready(target: &dyn Target, lane: &LaneId, blue: Option<&Deployment>) -> bool {
    let Some(blue) = blue else { return true };
    let instances = target.observe(lane, blue.number).await;
    instances.map_or(true, |all| all.iter().any(|instance| instance.running))
}

/// Before the first release the route answers 503 instead of nothing at all.
async fn prepare_route(
    shared: &Shared,
    lane: &LaneId,
    section: &LaneSpec,
    blue: Option<&Deployment>,
) -> Result<(), String> {
    let Some(spec) = &section.router else { return Ok(()) };
    let router = shared.setup.adapters.router(spec)?;
    losses::begin(shared, lane, router.as_ref()).await;
    if matches!(router.observe(lane).await, Ok(Some(_))) {
        return Ok(());
    }
    let revision = shared
        .read(|project| project.lanes.get(lane).map_or(Revision(0), |lane| lane.last_revision));
    let route = Route { default: blue.cloned(), ..Route::to_nobody(revision) };
    ensure(shared, router.as_ref(), &desired(shared, lane, route, section)).await.map(drop)
}

async fn set_route(
    shared: &Shared,
    lane: &LaneId,
    route: Route,
    section: &LaneSpec,
) -> Option<CommandOutcome> {
    let wanted = route.candidate.as_ref().map_or(Weight::ZERO, |(_, weight)| *weight);
    let Some(spec) = &section.router else {
        return Some(CommandOutcome::Routed { weight: wanted, frozen: false, default_ready: None });
    };
    let router = match shared.setup.adapters.router(spec) {
        Ok(router) => router,
        Err(sentence) => return Some(CommandOutcome::RouteFailed { sentence }),
    };
    losses::begin(shared, lane, router.as_ref()).await;
    match ensure(shared, router.as_ref(), &desired(shared, lane, route, section)).await {
        Ok(observed) => {
            losses::note(shared, lane, &observed);
            Some(CommandOutcome::Routed {
                weight: observed.weight,
                frozen: observed.frozen,
                default_ready: observed.default.map(|_| observed.default_ready),
            })
        }
        Err(sentence) => Some(CommandOutcome::RouteFailed { sentence }),
    }
}

/// How the router is told; the engine adds who says so.
pub(crate) fn desired(
    shared: &Shared,
    lane: &LaneId,
    route: Route,
    section: &LaneSpec,
) -> DesiredRoute {
    DesiredRoute {
        guard: lane_guard::order(shared, lane, &route),
        lane: lane.clone(),
        epoch: shared.epoch,
        revision: route.revision,
        default: route.default,
        candidate: route.candidate.map(|(deployment, weight)| Candidate {
            deployment,
            weight,
            lease: route.lease,
            freeze_on_silence: route.freeze_on_silence,
            rescue: section.rollout.rescue.clone(),
            mirror: towpath_ports::router::Mirroring::at(&section.rollout, weight),
        }),
        held_back: route.held_back.map(|held| HeldBackArm::of(held, &section.rollout)),
        drain: DRAIN,
        interval: INTERVAL.faster(shared.setup.speed),
    }
}

async fn ensure(
    shared: &Shared,
    router: &dyn Router,
    desired: &DesiredRoute,
) -> Result<ObservedRoute, String> {
    let deadline = tokio::time::Instant::now() + ROUTER_PATIENCE;
    loop {
        match router.ensure(desired).await {
            Ok(observed) => return Ok(observed),
            Err(RouterError::Unavailable(sentence)) => {
                if tokio::time::Instant::now() >= deadline || shared.is_stopped() {
                    return Err(sentence);
                }
                tokio::time::sleep(ROUTER_RETRY).await;
            }
            Err(error @ RouterError::Stale { .. }) => {
                shared.shut_out(&error.to_string()).await;
                return Err(error.to_string());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn stop(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
    section: &LaneSpec,
) -> CommandOutcome {
    drained(shared, lane, section).await;
    let _alone = shared.one_at_a_time(lane, deployment).await;
    let target = match shared.setup.adapters.target(&section.target) {
        Ok(target) => target,
        Err(sentence) => return CommandOutcome::StopFailed { sentence },
    };
    match target.ensure_stopped(lane, deployment, shared.epoch, DRAIN).await {
        Ok(()) => CommandOutcome::Stopped,
        Err(error) => {
            shut_out_if_stale(shared, &error).await;
            CommandOutcome::StopFailed { sentence: error.sentence }
        }
    }
}

/// A target that obeys a newer owner says the same as a router that does.
async fn shut_out_if_stale(shared: &Shared, error: &TargetError) {
    if error.kind == TargetErrorKind::Stale {
        shared.shut_out(&error.sentence).await;
    }
}

/// Waits until no request is open on what has left the route, or the drain is over.
async fn drained(shared: &Shared, lane: &LaneId, section: &LaneSpec) {
    let Some(spec) = &section.router else { return };
    let Ok(router) = shared.setup.adapters.router(spec) else { return };
    let deadline = tokio::time::Instant::now() + Duration::from(DRAIN);
    while tokio::time::Instant::now() < deadline {
        match router.observe(lane).await {
            Ok(Some(observed)) if observed.leaving > 0 => {
                tokio::time::sleep(DRAIN_LOOK).await;
            }
            _ => return,
        }
    }
}

async fn offer(
    shared: &Shared,
    lane: &LaneId,
    release: &ReleaseRef,
    to: Vec<Name>,
    verified_by: PromotionNumber,
) {
    for environment in to {
        let successor = LaneId { service: lane.service.clone(), environment };
        let order = PromotionOrder {
            release: Some(release.version.clone()),
            from: Some(lane.environment.clone()),
            offered_by: Some(verified_by),
            ..PromotionOrder::of(Person::automatic())
        };
        offer_to(shared, &successor, Input::PromotionOrdered(order)).await;
    }
}

/// Until it is taken or refused. A journal that cannot be written, or has no room for anything new,
/// keeps nobody else waiting: the offer stays in the outbox meanwhile.
async fn offer_to(shared: &Shared, successor: &LaneId, order: Input) {
    loop {
        match shared.ask(successor, order.clone()).await {
            Err(EngineError::Store(error)) => {
                tracing::warn!(%successor, %error, "the release is offered again later");
                tokio::time::sleep(OFFER_AGAIN).await;
            }
            Err(EngineError::Refused(refusal)) => {
                tracing::info!(%successor, refusal = refusal.message, "the offer was refused");
                return;
            }
            Err(EngineError::Stopped) | Ok(_) => return,
        }
    }
}

/// Deployments that a lane has running, for whoever looks after them.
pub(crate) fn deployments_of(shared: &Shared) -> Vec<(LaneId, LaneSpec, Deployment, Role)> {
    shared.read(|project| {
        let mut found = Vec::new();
        for (id, lane) in &project.lanes {
            let declared = project.common.matrix.as_ref().and_then(|matrix| matrix.lane(id));
            let active = lane.active.as_ref();
            let section = active.map(|one| &one.plan.section).or(declared.map(|(_, one)| one));
            let Some(section) = section else { continue };
            if let Some(serving) = &lane.serving {
                found.push((
                    id.clone(),
                    section.clone(),
                    serving.deployment.clone(),
                    Role::Serving,
                ));
            }
            if let Some(standby) = &lane.standby {
                found.push((
                    id.clone(),
                    section.clone(),
                    standby.deployment.clone(),
                    Role::Standby,
                ));
            }
            if let Some(green) = active.and_then(|promotion| promotion.green.clone()) {
                found.push((id.clone(), section.clone(), green, Role::Green));
            }
        }
        found
    })
}

/// What a deployment is in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The default arm.
    Serving,
    /// The arm that is coming.
    Green,
    /// Kept ready to return to.
    Standby,
}

/// Sums of what each deployment did since `since`, from the router's own intervals.
pub(crate) type Sums = BTreeMap<PromotionNumber, towpath_guard::Counts>;

/// What each deployment of a lane did since the beginning of the interval in which `since` lies; empty
/// when the router does not know. What a new deployment did is in it whole.
pub(crate) async fn sums_since(
    shared: &Shared,
    router: &dyn Router,
    lane: &LaneId,
    since: Timestamp,
) -> Sums {
    let mut sums = Sums::new();
    if let Ok(intervals) = router.intervals(lane, interval_of(shared, since)).await {
        for interval in intervals {
            sums.entry(interval.deployment).or_default().merge(&interval.counts);
        }
    }
    sums
}

/// When the interval began in which `at` lies.
pub(crate) fn interval_of(shared: &Shared, at: Timestamp) -> Timestamp {
    let width = INTERVAL.faster(shared.setup.speed);
    let microseconds = i64::try_from(width.milliseconds() * 1000).unwrap_or(i64::MAX);
    Timestamp(at.0 - at.0.rem_euclid(microseconds))
}
