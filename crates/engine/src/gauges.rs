//! What the declared sources of figures say at any time, for whoever looks: the last figure beside its limit, and
//! how much the router has to do. Judges nothing: what takes a release back is `alarms`, which asks by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use towpath_core::deployment::Deployment;
use towpath_core::ids::{LaneId, Name};
use towpath_core::matrix::Alarm;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::metrics::{Blind, GaugeQuestion, fill};
use towpath_ports::threshold::Threshold;

use crate::run_loop::Engine;
use crate::shared::Shared;
use crate::views::{FigureView, LoadView, time};
use crate::{asking, masking};

/// How long a figure is shown before its source is asked again: as long as sources are scraped apart by default
/// (Prometheus: a minute; half of that shows every one of them).
const FRESH: Span = Span::seconds(30);
/// How long a page waits for the router: pages are to be there within a second.
const ROUTER: Duration = Duration::from_millis(500);

/// Figures by what they were asked about.
pub(crate) type Gauges = Mutex<BTreeMap<(LaneId, Name), Known>>;

/// What is known of one figure.
pub(crate) struct Known {
    alarm: Alarm,
    asked: Timestamp,
    said: Option<Result<(f64, Timestamp), String>>,
}

impl Engine {
    /// The figures that the matrix names for a lane, as they were when somebody last looked. Those that are old are
    /// asked for in the background, so that nobody waits for a source; empty where nothing serves.
    pub fn figures(&self, lane: &LaneId) -> Vec<FigureView> {
        let shared = &self.shared;
        let found = shared.read(|project| {
            let (_, section) = project.common.matrix.as_ref()?.lane(lane)?;
            let serving = project.lanes.get(lane)?.serving.as_ref()?;
            Some((section.rollback.alarms.clone(), serving.deployment.clone()))
        });
        let Some((alarms, deployment)) = found else { return Vec::new() };
        let now = shared.now();
        let fresh = FRESH.faster(shared.setup.speed);
        let mut views = Vec::new();
        let mut known = shared.gauges.lock().expect("no holder of this lock panics");
        known.retain(|(own, name), _| own != lane || alarms.iter().any(|it| it.name == *name));
        for alarm in alarms {
            let key = (lane.clone(), alarm.name.clone());
            let entry = known.get(&key).filter(|known| known.alarm == alarm);
            views.push(view(&alarm, entry.and_then(|known| known.said.as_ref())));
            if entry.is_none_or(|known| now.since(known.asked) >= fresh) {
                let said = entry.and_then(|known| known.said.clone());
                known.insert(key, Known { alarm: alarm.clone(), asked: now, said });
                tokio::spawn(ask(Arc::clone(shared), lane.clone(), alarm, deployment.clone()));
            }
        }
        views
    }

    /// How much the lane's router has to do now; none where there is none, or it does not tell in time.
    pub async fn load(&self, lane: &LaneId) -> Option<LoadView> {
        let router = self.shared.read(|project| {
            let (_, section) = project.common.matrix.as_ref()?.lane(lane)?;
            section.router.clone()
        })?;
        let router = self.shared.setup.adapters.router(&router).ok()?;
        let load = tokio::time::timeout(ROUTER, router.load(lane)).await.ok()?.ok()??;
        let (in_flight, most) = (load.in_flight, load.most);
        Some(LoadView { in_flight, most, ready: load.ready, capacity: load.capacity })
    }
}

async fn ask(shared: Arc<Shared>, lane: LaneId, alarm: Alarm, deployment: Deployment) {
    let said = match shared.setup.adapters.metrics(&alarm.adapter) {
        Err(why) => Err(why),
        Ok(source) => {
            let query = fill(&alarm.query, &lane, &deployment);
            let question = GaugeQuestion { query, now: shared.now() };
            let measured = asking::within(source.pace().timeout, source.gauge(&question)).await;
            let measured = measured.and_then(|measured| {
                let is_number = measured.value.is_finite();
                let wrong = || Blind::NotANumber(measured.value.to_string());
                is_number.then_some((measured.value, measured.at)).ok_or_else(wrong)
            });
            let masker = shared.setup.known.masker();
            measured.map_err(|why| masking::blind(&masker, why).to_string())
        }
    };
    let key = (lane, alarm.name.clone());
    let mut known = shared.gauges.lock().expect("no holder of this lock panics");
    if let Some(known) = known.get_mut(&key).filter(|known| known.alarm == alarm) {
        known.said = Some(said);
    }
}

fn view(alarm: &Alarm, said: Option<&Result<(f64, Timestamp), String>>) -> FigureView {
    let threshold: Result<Threshold, String> = alarm.is.parse();
    let (mut value, mut holds, mut why, mut at) = (None, None, None, None);
    match (said, threshold) {
        (None, _) => why = Some("it is being asked for the first time".to_owned()),
        (Some(Err(blind)), _) => why = Some(blind.clone()),
        (Some(Ok((figure, when))), Ok(threshold)) => {
            value = Some(threshold.said(*figure));
            holds = threshold.holds(*figure);
            at = Some(time(*when));
        }
        (Some(Ok((figure, when))), Err(unread)) => {
            (value, why, at) = (Some(figure.to_string()), Some(unread), Some(time(*when)));
        }
    }
    FigureView {
        name: alarm.name.to_string(),
        source: alarm.source.to_string(),
        limit: alarm.is.clone(),
        held_for: alarm.held_for.to_string(),
        value,
        over: holds,
        unknown: why,
        at,
    }
}
