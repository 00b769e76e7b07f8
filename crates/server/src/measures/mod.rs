//! What Prometheus asks for: names, units and labels. Owns the list; where the numbers come from is in
//! [`mod@follow`] and in [`Measures::text`]. A label never holds what has no bound, such as the number of a
//! promotion.

mod follow;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use towpath_engine::Engine;
use towpath_engine::views::LaneView;

pub(crate) use self::follow::spawn as follow;
use crate::traces::Traces;

/// A number between 0 and 1, or of seconds.
type Share = Gauge<f64, AtomicU64>;

/// One lane of one project.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLane {
    project: String,
    service: String,
    environment: String,
}

/// How promotions of a lane ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEnd {
    project: String,
    service: String,
    environment: String,
    kind: &'static str,
    result: &'static str,
}

/// One arm of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfArm {
    project: String,
    service: String,
    environment: String,
    arm: &'static str,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfProject {
    project: String,
}

/// Answers with one kind of status, such as `2xx`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAnswer {
    method: &'static str,
    status: &'static str,
}

/// All measures of one server.
pub(crate) struct Measures {
    registry: Registry,
    promotions: Family<OfEnd, Counter>,
    promotion_duration: Family<OfEnd, Histogram>,
    rollback_duration: Family<OfLane, Histogram>,
    approval_wait: Family<OfLane, Histogram>,
    weight: Family<OfArm, Share>,
    healthy: Family<OfLane, Gauge>,
    waiting: Family<OfLane, Gauge>,
    outbox: Family<OfProject, Gauge>,
    unprogressed: Family<OfProject, Share>,
    ready: Family<OfProject, Gauge>,
    dead_notices: Family<OfProject, Gauge>,
    fenced: Family<OfProject, Counter>,
    answers: Family<OfAnswer, Counter>,
    followed_age: Family<OfProject, Share>,
    followed_trouble: Family<OfProject, Gauge>,
    asked: tokio::sync::Mutex<()>,
}

/// The lines of a text that are about these projects, or about none.
fn only(text: &str, projects: &[&str]) -> String {
    // No label before it holds what a person wrote: it is the first.
    const LABEL: &str = "{project=\"";
    let is_shown = |line: &&str| {
        let of = line.split_once(LABEL).and_then(|(_, rest)| rest.split_once('"'));
        of.is_none_or(|(project, _)| projects.contains(&project))
    };
    text.split_inclusive('\n').filter(is_shown).collect()
}

/// What `/metrics` has, without any engine: names, kinds, units and labels, for whoever writes about them.
pub fn described() -> String {
    Measures::sample()
}

/// From a second to a day: a promotion bakes for minutes or hours.
fn durations() -> Histogram {
    Histogram::new([
        1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14_400.0,
        28_800.0, 86_400.0,
    ])
}

type Timed<Labels> = Family<Labels, Histogram>;

fn timed<Labels: Clone + Eq + std::hash::Hash>() -> Timed<Labels> {
    Family::new_with_constructor(durations)
}

impl Measures {
    /// Of a server whose program has this version.
    pub(crate) fn new(version: &str, traces: Option<&Traces>) -> Arc<Self> {
        let mut all = Self {
            registry: Registry::with_prefix("towpath"),
            promotions: Family::default(),
            promotion_duration: timed(),
            rollback_duration: timed(),
            approval_wait: timed(),
            weight: Family::default(),
            healthy: Family::default(),
            waiting: Family::default(),
            outbox: Family::default(),
            unprogressed: Family::default(),
            ready: Family::default(),
            dead_notices: Family::default(),
            fenced: Family::default(),
            answers: Family::default(),
            followed_age: Family::default(),
            followed_trouble: Family::default(),
            asked: tokio::sync::Mutex::default(),
        };
        all.register(version);
        // Nothing is lost where nothing is sent.
        let (sent, dropped) = traces.map(Traces::counters).unwrap_or_default();
        all.registry.register("trace_spans_sent", "Spans that the collector took", sent);
        let help = "Spans that were lost, because the collector was away or too slow";
        all.registry.register("trace_spans_dropped", help, dropped);
        Arc::new(all)
    }

    /// All of them, each with one sample whose labels stand for any.
    fn sample() -> String {
        let all = Self::new("…", None);
        let any = || "…".to_owned();
        let lane = OfLane { project: any(), service: any(), environment: any() };
        let OfLane { project, service, environment } = lane.clone();
        let end = OfEnd { project, service, environment, kind: "…", result: "…" };
        let OfLane { project, service, environment } = lane.clone();
        let arm = OfArm { project, service, environment, arm: "…" };
        let project = OfProject { project: any() };
        drop(all.promotions.get_or_create(&end));
        drop(all.promotion_duration.get_or_create(&end));
        for lanes in [&all.rollback_duration, &all.approval_wait] {
            drop(lanes.get_or_create(&lane));
        }
        drop(all.weight.get_or_create(&arm));
        for lanes in [&all.healthy, &all.waiting] {
            drop(lanes.get_or_create(&lane));
        }
        for projects in [&all.outbox, &all.ready, &all.dead_notices] {
            drop(projects.get_or_create(&project));
        }
        drop(all.unprogressed.get_or_create(&project));
        drop(all.fenced.get_or_create(&project));
        drop(all.followed_age.get_or_create(&project));
        drop(all.followed_trouble.get_or_create(&project));
        drop(all.answers.get_or_create(&OfAnswer { method: "…", status: "…" }));
        let mut text = String::new();
        encode(&mut text, &all.registry).expect("a String takes everything");
        text
    }

    fn register(&mut self, version: &str) {
        let all = &mut self.registry;
        let build = Info::new(vec![("version".to_owned(), version.to_owned())]);
        all.register("build", "The program", build);
        all.register("promotions", "Promotions that ended, by how", self.promotions.clone());
        let seconds = Unit::Seconds;
        let (name, help) =
            ("promotion_duration", "From the first effect of a promotion to its end");
        all.register_with_unit(name, help, seconds.clone(), self.promotion_duration.clone());
        let (name, help) =
            ("rollback_duration", "The same of those that were ordered to roll back");
        all.register_with_unit(name, help, seconds.clone(), self.rollback_duration.clone());
        let (name, help) =
            ("approval_wait", "From the order to the start, of those that people agreed to");
        all.register_with_unit(name, help, seconds.clone(), self.approval_wait.clone());
        let help = "The share of the requests that an arm serves, as observed";
        // The library would write the unit in the plural, which nobody asks Prometheus for.
        all.register("traffic_weight_ratio", help, self.weight.clone());
        let help = "Whether what serves answers its probes; absent where nobody knows";
        all.register("lane_healthy", help, self.healthy.clone());
        let help = "Promotions that wait for something before they start";
        all.register("promotions_waiting", help, self.waiting.clone());
        let help = "Effects that were decided and have no outcome yet";
        all.register("outbox_pending", help, self.outbox.clone());
        let help = "How long nothing happened in the promotion that stands still for longest, of \
                    those that neither bake nor wait for a named thing";
        let name = "oldest_unprogressed_promotion";
        all.register_with_unit(name, help, seconds.clone(), self.unprogressed.clone());
        let (name, help) =
            ("matrix_followed_age", "Since the repository of the matrix answered last");
        all.register_with_unit(name, help, seconds, self.followed_age.clone());
        let help = "Whether what the repository of the matrix says is not taken, or it is away";
        all.register("matrix_followed_trouble", help, self.followed_trouble.clone());
        let help = "Whether the engine runs and reaches its journal";
        all.register("engine_ready", help, self.ready.clone());
        let help = "Notices that never arrived and wait for a person";
        all.register("notices_dead", help, self.dead_notices.clone());
        let help = "Changes that the journal refused because another engine owns it";
        all.register("fencing_rejections", help, self.fenced.clone());
        all.register("http_requests", "Answers of this server", self.answers.clone());
    }

    /// Everything as Prometheus reads it. Asks each engine how it stands.
    pub(crate) async fn text(&self, engines: &[Engine]) -> String {
        // What is looked at now is asked for by one at a time.
        let _alone = self.asked.lock().await;
        self.weight.clear();
        self.healthy.clear();
        self.waiting.clear();
        for engine in engines {
            self.look_at(engine).await;
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes everything");
        let projects = engines.iter().map(|engine| engine.setup().project.as_str());
        only(&text, &projects.collect::<Vec<_>>())
    }

    async fn look_at(&self, engine: &Engine) {
        let project = OfProject { project: engine.setup().project.to_string() };
        let status = engine.status_unasked();
        for lane in &status.lanes {
            self.look_at_lane(&project.project, lane);
        }
        self.ready.get_or_create(&project).set(i64::from(engine.is_ready()));
        let dead = i64::try_from(status.dead_notices).unwrap_or(i64::MAX);
        self.dead_notices.get_or_create(&project).set(dead);
        if let Ok(pending) = engine.outbox_pending().await {
            self.outbox.get_or_create(&project).set(i64::try_from(pending).unwrap_or(i64::MAX));
        }
        if let (Some(view), Some(age)) = (engine.following(), engine.following_age()) {
            self.followed_age.get_or_create(&project).set(age);
            let is_trouble = i64::from(view.state.is_trouble());
            self.followed_trouble.get_or_create(&project).set(is_trouble);
        }
        let unprogressed = engine.longest_standstill();
        self.unprogressed.get_or_create(&project).set(unprogressed);
        let fenced = self.fenced.get_or_create(&project);
        fenced.inc_by(engine.fencing_rejections().saturating_sub(fenced.get()));
    }

    fn look_at_lane(&self, project: &str, lane: &LaneView) {
        let labels = OfLane {
            project: project.to_owned(),
            service: lane.service.clone(),
            environment: lane.environment.clone(),
        };
        let OfLane { project, service, environment } = labels.clone();
        let arm = |arm| OfArm {
            project: project.clone(),
            service: service.clone(),
            environment: environment.clone(),
            arm,
        };
        let weights = lane.weights;
        for (name, share) in
            [("blue", weights.blue), ("green", weights.green), ("standby", weights.held_back)]
        {
            self.weight.get_or_create(&arm(name)).set(share);
        }
        if let Some(healthy) = match lane.health.state.as_str() {
            "healthy" => Some(1),
            "unhealthy" => Some(0),
            _ => None,
        } {
            self.healthy.get_or_create(&labels).set(healthy);
        }
        let is_waiting = lane.promotion.as_ref().is_some_and(|one| one.started_at.is_none());
        let waiting = lane.more_waiting + usize::from(is_waiting);
        self.waiting.get_or_create(&labels).set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Notes one answer.
    pub(crate) fn answered(&self, method: &axum::http::Method, status: u16) {
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "HEAD" => "HEAD",
            _ => "other",
        };
        let status = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.answers.get_or_create(&OfAnswer { method, status }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn every_measure_is_described_with_its_labels() {
        let text = described();
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names: Vec<&str> = names.filter_map(|line| line.split(' ').next()).collect();
        assert!(names.len() > 12, "{text}");
        for name in names {
            assert!(name.starts_with("towpath_"), "{name}");
            let samples = text.lines().filter(|line| line.starts_with(name)).count();
            assert!(samples > 0, "{name} has no sample\n{text}");
        }
    }
}
