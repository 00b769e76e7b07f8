//! From a route's state to what the workers read. Owns which parts of the old arms live on in the
//! new ones; stores nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::live::{Deployment, LiveArm, LiveEndpoint, LiveRoute, RouteShared, Sticky};
use crate::rescue::Rules;
use crate::state::RouteState;
use crate::stream::Arms;
use crate::{ArmSpec, OnSilence};

/// Keys of endpoints and listeners: unique in this process, across all of its proxies.
static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// A number that nothing else in this process has.
pub(crate) fn unique() -> u64 {
    NEXT_KEY.fetch_add(1, Ordering::Relaxed)
}

/// The route that the workers shall follow, with what it keeps of the arms `before`.
pub(crate) fn live_route(
    state: &RouteState,
    before: &[Arc<LiveArm>],
    shared: Arc<RouteShared>,
) -> LiveRoute {
    let spec = &state.spec;
    let (asked, guard) = (spec.candidate.as_ref(), spec.guard.as_ref());
    let standby = spec.standby.as_ref();
    let rescue = asked.and_then(|candidate| candidate.rescue.as_ref());
    let live = |arm: &ArmSpec| live_arm(arm, before);
    let arms = Arms {
        epoch: state.epoch,
        revision: state.revision,
        blue: spec.default.as_ref().map(|arm| arm.deployment.clone()),
        green: asked.map(|candidate| candidate.arm.deployment.clone()),
    };
    let sticky = asked.filter(|_| spec.sticky).map(|candidate| Sticky {
        cookie: format!("towpath-{}", short_hash(&spec.name)),
        tag: short_hash(&candidate.arm.deployment),
    });
    LiveRoute {
        default: spec.default.as_ref().map(live),
        candidate: asked.map(|candidate| live(&candidate.arm)),
        standby: standby.map(|standby| live(&standby.arm)),
        weight_bp: state.weight_bp(),
        candidate_may_stand_in: asked.is_some_and(|candidate| candidate.weight_bp > 0),
        freezes: asked.is_some_and(|candidate| candidate.on_silence == OnSilence::Freeze),
        deadline_us: AtomicU64::new(state.deadline_us.unwrap_or(u64::MAX)),
        sticky,
        rescue: rescue.or(standby.map(|standby| &standby.rescue)).map(Rules::new),
        mirror: asked.and_then(|candidate| candidate.mirror.clone()),
        pin_header: header_name(spec.pin_header.as_deref()),
        client_header: header_name(guard.and_then(|guard| guard.client_header.as_deref())),
        strata: guard.map(|guard| guard.policy.strata.clone()).unwrap_or_default(),
        response_timeout: Duration::from_millis(spec.response_timeout_ms),
        drain: Duration::from_millis(spec.drain_ms),
        retry_after: HeaderValue::from(spec.retry_after_s),
        max_concurrent_requests: u64::from(spec.max_concurrent_requests),
        streams: spec.stream || asked.is_some() || spec.guard.is_some(),
        bucket_ms: spec.bucket_ms,
        arms: Arc::new(arms),
        shared,
    }
}

/// A header name that was checked when the spec came in.
fn header_name(text: Option<&str>) -> Option<HeaderName> {
    text.and_then(|name| HeaderName::try_from(name).ok())
}

/// The live form of an arm. A deployment that was there before keeps its counters, and an endpoint
/// its connections and its health.
fn live_arm(spec: &ArmSpec, before: &[Arc<LiveArm>]) -> Arc<LiveArm> {
    let known = before.iter().find(|arm| arm.deployment.id == spec.deployment);
    let endpoints: Vec<Arc<LiveEndpoint>> = spec
        .endpoints
        .iter()
        .map(|endpoint| {
            let same = known.and_then(|arm| {
                let mut endpoints = arm.endpoints.iter();
                endpoints.find(|one| one.id == endpoint.id && one.address == endpoint.address)
            });
            same.cloned().unwrap_or_else(|| {
                Arc::new(LiveEndpoint::new(unique(), &endpoint.id, endpoint.address))
            })
        })
        .collect();
    let deployment = known.filter(|arm| arm.deployment.label == spec.label).map_or_else(
        || Arc::new(Deployment::new(&spec.deployment, &spec.label)),
        |arm| Arc::clone(&arm.deployment),
    );
    Arc::new(LiveArm::new(deployment, spec.capacity, endpoints))
}

/// Eight digits that stay the same for the same text as long as the program does; a cookie of
/// another version is merely not recognised.
fn short_hash(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:08x}", hasher.finish() & 0xffff_ffff)
}
