//! A world of fakes in which engines live and die. The end of a life is the end of its runtime: every
//! task of the engine goes where it stands, and nothing says goodbye.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use towpath_core::code_owners::{Change, OwnedFiles};
use towpath_core::guarding::CountsFrom;
use towpath_core::ids::{LaneId, Person, PromotionNumber, Version};
use towpath_core::journal::Event;
use towpath_core::matrix::{AdapterSpec, Alarm, Matrix};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::{Lane, Outcome, State};
use towpath_core::release::Artifact;
use towpath_core::units::{Span, Timestamp};
use towpath_engine::{
    Accepted, AdapterSet, Engine, EngineEnd, EngineError, NewRelease, Order, Running, Setup, start,
};
use towpath_ports::artifacts::{ArtifactError, ArtifactStore};
use towpath_ports::check::Check;
use towpath_ports::history::{FixQuestion, History};
use towpath_ports::materials::Materials;
use towpath_ports::metrics::MetricsSource;
use towpath_ports::notary::Notary;
use towpath_ports::notifier::Notifier;
use towpath_ports::router::Router;
use towpath_ports::secret::{Known, SecretStore};
use towpath_ports::store::StoreError;
use towpath_ports::target::Target;
use towpath_testkit::declared::{self, ReleaseWords};

use crate::fakes::{
    FakeChecks, FakeClock, FakeEvidence, FakeMetrics, FakeNotary, FakeNotifiers, FakeRouter,
    FakeSecrets, FakeTarget, MemoryStore,
};

/// One step of two seconds, then all: short, so that a sweep over crashes stays cheap.
pub(crate) const SHORT: &str = "prod: root, steps 10%/2s 100%/2s, check tests";

/// How long a story waits for something at the most, in virtual time: longer than any patience of
/// the engine.
const PATIENCE: Duration = Duration::from_hours(2);
const LOOK: Duration = Duration::from_millis(50);

/// Everything that outlives an engine.
pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) router: FakeRouter,
    pub(crate) target: Arc<FakeTarget>,
    pub(crate) checks: Arc<FakeChecks>,
    pub(crate) evidence: Arc<FakeEvidence>,
    pub(crate) metrics: Arc<FakeMetrics>,
    pub(crate) notifiers: Arc<FakeNotifiers>,
    pub(crate) history: Arc<FakeHistory>,
    /// Who signs the end of the journal; none: nobody.
    notary: Option<Arc<FakeNotary>>,
    /// What is different in the matrix.
    change: fn(&mut Matrix),
    clock: Arc<FakeClock>,
    matrix: &'static str,
    probed_every: Option<Span>,
    /// How long a probe may take, and how many failures in a row are too many; else as `declared` has it.
    tolerance: Option<(Span, u32)>,
    is_limited: bool,
    alarms: Vec<Alarm>,
    counts: Option<CountsFrom>,
}

/// An engine while it lives.
pub(crate) struct Life<'a> {
    pub(crate) world: &'a World,
    pub(crate) engine: Engine,
    ended: tokio::sync::Mutex<tokio::task::JoinHandle<Result<(), EngineEnd>>>,
}

/// `prod` of the only service.
pub(crate) fn prod() -> LaneId {
    declared::lane("prod").unwrap()
}

fn anna() -> Person {
    Person::new("anna").unwrap()
}

impl World {
    pub(crate) fn new(matrix: &'static str) -> Self {
        let clock = Arc::new(FakeClock::new());
        Self {
            store: Arc::default(),
            router: FakeRouter::new(&clock),
            target: Arc::new(FakeTarget::new()),
            checks: Arc::default(),
            evidence: Arc::default(),
            metrics: Arc::default(),
            notifiers: Arc::default(),
            history: Arc::default(),
            notary: None,
            change: |_| {},
            clock,
            matrix,
            probed_every: None,
            tolerance: None,
            is_limited: true,
            alarms: Vec::new(),
            counts: None,
        }
    }

    /// The same world, in which what serves is probed so often.
    pub(crate) fn probed_every(self, every: Span) -> Self {
        Self { probed_every: Some(every), ..self }
    }

    /// The same world, in which a probe may take so long, and health is lost by so many failures.
    pub(crate) fn tolerates(self, timeout: Span, retries: u32) -> Self {
        Self { tolerance: Some((timeout, retries)), ..self }
    }

    /// The same world, in which no share of errors is too many.
    pub(crate) fn without_a_limit(self) -> Self {
        Self { is_limited: false, ..self }
    }

    /// The same world, in which this takes a release back.
    pub(crate) fn alarmed_by(self, alarms: Vec<Alarm>) -> Self {
        Self { alarms, ..self }
    }

    /// The same world, whose matrix was changed so.
    pub(crate) fn changed_by(self, change: fn(&mut Matrix)) -> Self {
        Self { change, ..self }
    }

    /// The same world, in which the end of the journal is signed.
    pub(crate) fn signed_by(self, notary: &Arc<FakeNotary>) -> Self {
        Self { notary: Some(Arc::clone(notary)), ..self }
    }

    /// The same world, in which the source counts requests.
    pub(crate) fn counted_by(self, counts: CountsFrom) -> Self {
        Self { counts: Some(counts), ..self }
    }

    /// An engine starts, the story is told, and the engine is gone where it stands.
    pub(crate) fn live<T>(&self, story: impl AsyncFnOnce(&Life<'_>) -> T) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            self.clock.begin_life();
            let Running { engine, ended } = start(self.setup()).await.unwrap();
            let life = Life { world: self, engine, ended: tokio::sync::Mutex::new(ended) };
            story(&life).await
        })
    }

    /// Why an engine cannot start here.
    pub(crate) fn does_not_start(&self) -> StoreError {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            self.clock.begin_life();
            start(self.setup()).await.err().expect("it does not start")
        })
    }

    /// Time passes while no engine lives.
    pub(crate) fn pass(&self, span: Span) {
        self.clock.pass(span);
    }

    fn setup(&self) -> Setup {
        let store: Arc<MemoryStore> = Arc::clone(&self.store);
        Setup {
            project: declared::name("project").unwrap(),
            speed: 1,
            root: PathBuf::from("/"),
            store,
            artifacts: Arc::new(NoArtifacts),
            evidence: Arc::clone(&self.evidence) as _,
            adapters: Arc::new(FakeAdapters {
                target: Arc::clone(&self.target),
                router: self.router.clone(),
                checks: Arc::clone(&self.checks),
                metrics: Arc::clone(&self.metrics),
                notifiers: Arc::clone(&self.notifiers),
                history: Arc::clone(&self.history),
            }),
            known: Known::default(),
            notary: self.notary.clone().map(|it| -> Arc<dyn Notary> { it }),
            clock: Arc::<FakeClock>::clone(&self.clock),
            sampling: None,
        }
    }
}

impl Life<'_> {
    /// The matrix and the releases 1.0.0, 2.0.0 and 3.0.0 are known.
    pub(crate) async fn prepare(&self) {
        self.try_prepare().await.unwrap();
    }

    pub(crate) async fn try_prepare(&self) -> Result<(), EngineError> {
        let mut matrix = declared::matrix(self.world.matrix).unwrap();
        (self.world.change)(&mut matrix);
        let lanes = matrix.environments.iter_mut().flat_map(|one| one.lanes.values_mut());
        // Probes are the evidence of a step without visitors.
        lanes.for_each(|lane| {
            lane.health.endpoints = vec!["/health".to_owned()];
            lane.health.every = self.world.probed_every;
            if let Some((timeout, retries)) = self.world.tolerance {
                (lane.health.timeout, lane.health.retries) = (timeout, retries);
            }
            if !self.world.is_limited {
                lane.rollback.limits.error_rate = None;
            }
            lane.rollback.alarms.clone_from(&self.world.alarms);
            lane.guard.counts.clone_from(&self.world.counts);
        });
        self.engine.order_project(Order::ApplyMatrix(Box::new(matrix), anna(), None)).await?;
        for version in ["1.0.0", "2.0.0", "3.0.0"] {
            self.create(version).await?;
        }
        Ok(())
    }

    pub(crate) async fn create(&self, version: &str) -> Result<Accepted, EngineError> {
        let words = ReleaseWords { content: version.to_owned(), ..ReleaseWords::default() };
        let release = declared::release(&prod().service, version, &words, Timestamp(0)).unwrap();
        let new = NewRelease { release, by: anna() };
        self.engine.order_project(Order::CreateRelease(Box::new(new))).await
    }

    /// 1.0.0 serves.
    pub(crate) async fn begin(&self) {
        self.prepare().await;
        let first = self.promote("1.0.0").await;
        assert_eq!(self.end_of(first).await, Outcome::Succeeded);
    }

    /// 1.0.0 serves, and 2.0.0 bakes at its first step since that moment.
    pub(crate) async fn begin_second(&self) -> (PromotionNumber, Timestamp) {
        self.begin().await;
        let second = self.promote("2.0.0").await;
        self.bakes_at(0).await;
        (second, self.now())
    }

    pub(crate) async fn promote(&self, version: &str) -> PromotionNumber {
        self.try_promote(version).await.unwrap().promotion.unwrap()
    }

    pub(crate) async fn try_promote(&self, version: &str) -> Result<Accepted, EngineError> {
        self.want(version, None).await
    }

    /// An automatic edge brings this version along.
    pub(crate) async fn offer(&self, version: &str, by: u64) -> Result<Accepted, EngineError> {
        self.want(version, Some(PromotionNumber(by))).await
    }

    async fn want(
        &self,
        version: &str,
        offered_by: Option<PromotionNumber>,
    ) -> Result<Accepted, EngineError> {
        let order = PromotionOrder {
            release: Some(Version::new(version).unwrap()),
            offered_by,
            ..PromotionOrder::of(anna())
        };
        self.engine.order(&prod(), Input::PromotionOrdered(order)).await
    }

    pub(crate) async fn roll_back(&self) -> Result<Accepted, EngineError> {
        let reason = Some("it is needed".to_owned());
        let order = Input::RollbackOrdered { by: anna(), reason, quarantine: true };
        self.engine.order(&prod(), order).await
    }

    pub(crate) async fn abort(&self, number: PromotionNumber) -> Result<Accepted, EngineError> {
        self.engine.order(&prod(), Input::AbortOrdered { number, by: anna(), reason: None }).await
    }

    pub(crate) async fn resume(&self, number: PromotionNumber) -> Result<Accepted, EngineError> {
        self.engine.order(&prod(), Input::ResumeOrdered { number, by: anna(), signed: None }).await
    }

    pub(crate) fn lane(&self) -> Lane {
        self.engine.lane_state(&prod())
    }

    /// The version that serves.
    pub(crate) fn serves(&self) -> Option<String> {
        self.lane().serving.map(|serving| serving.deployment.release.version.to_string())
    }

    /// Waits until the promotion has ended, and says how.
    pub(crate) async fn end_of(&self, number: PromotionNumber) -> Outcome {
        let ended =
            |lane: &Lane| lane.ended.iter().find(|one| one.number == number).map(|one| one.outcome);
        self.until("the promotion has ended", |lane| ended(lane).is_some()).await;
        ended(&self.lane()).unwrap()
    }

    /// Waits until the active promotion bakes at this step.
    pub(crate) async fn bakes_at(&self, wanted: usize) {
        self.until("the step bakes", |lane| {
            lane.active.as_ref().is_some_and(
                |one| matches!(one.state, State::Baking { step, .. } if step == wanted),
            )
        })
        .await;
    }

    /// Waits until the step of the active promotion is held.
    pub(crate) async fn is_held(&self) {
        self.until("the step is held", |lane| {
            let active = lane.active.as_ref();
            active.is_some_and(|one| matches!(one.state, State::Baking { held_since: Some(_), .. }))
        })
        .await;
    }

    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Lane) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !so(&self.lane()) {
                tokio::time::sleep(LOOK).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: never; the lane is {:#?}", self.lane());
    }

    /// Waits until the engine has stopped by itself, and says why.
    pub(crate) async fn end(&self) -> Result<(), EngineEnd> {
        (&mut *self.ended.lock().await).await.unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.now()
    }

    /// Names of the events of a promotion, in order.
    pub(crate) fn story_of(&self, number: PromotionNumber) -> Vec<String> {
        self.events_of(number).map(|event| event.kind().to_owned()).collect()
    }

    /// How the journal says that the promotion ended.
    pub(crate) fn sentence_of(&self, number: PromotionNumber) -> String {
        let found = self.events_of(number).find_map(|event| match event {
            Event::PromotionEnded { sentence, .. } => Some(sentence),
            _ => None,
        });
        found.expect("it has ended")
    }

    fn events_of(&self, number: PromotionNumber) -> impl Iterator<Item = Event> {
        let rows = self.world.store.bodies().into_iter();
        let own = rows.filter(move |row| row.promotion == Some(number));
        own.map(|row| serde_json::from_value(row.body).unwrap())
    }
}

struct FakeAdapters {
    target: Arc<FakeTarget>,
    router: FakeRouter,
    checks: Arc<FakeChecks>,
    metrics: Arc<FakeMetrics>,
    notifiers: Arc<FakeNotifiers>,
    history: Arc<FakeHistory>,
}

impl AdapterSet for FakeAdapters {
    fn target(&self, _spec: &AdapterSpec) -> Result<Arc<dyn Target>, String> {
        Ok(Arc::<FakeTarget>::clone(&self.target))
    }

    fn router(&self, _spec: &AdapterSpec) -> Result<Arc<dyn Router>, String> {
        Ok(Arc::new(self.router.clone()))
    }

    fn check(&self, _spec: &AdapterSpec) -> Result<Arc<dyn Check>, String> {
        Ok(Arc::<FakeChecks>::clone(&self.checks))
    }

    fn metrics(&self, _spec: &AdapterSpec) -> Result<Arc<dyn MetricsSource>, String> {
        Ok(Arc::<FakeMetrics>::clone(&self.metrics))
    }

    fn notifier(&self, _spec: &AdapterSpec) -> Result<Arc<dyn Notifier>, String> {
        Ok(Arc::<FakeNotifiers>::clone(&self.notifiers))
    }

    fn secrets(&self, _spec: &AdapterSpec) -> Result<Arc<dyn SecretStore>, String> {
        Ok(Arc::new(FakeSecrets))
    }

    fn materials(&self, bytes: &[u8]) -> Option<Materials> {
        serde_json::from_slice(bytes).ok()
    }

    fn history(&self) -> Arc<dyn History> {
        Arc::<FakeHistory>::clone(&self.history)
    }
}

/// Says of each release what it was told.
#[derive(Default)]
pub(crate) struct FakeHistory {
    /// Later commits that have the fix.
    pub(crate) having: Mutex<Vec<String>>,
    /// Whose files changes touch; none: it cannot be told.
    pub(crate) owned: Mutex<Option<Vec<OwnedFiles>>>,
    /// Changes that were asked about.
    pub(crate) asked: Mutex<Vec<Change>>,
}

#[async_trait]
impl History for FakeHistory {
    async fn has_fix(&self, question: &FixQuestion) -> Result<bool, String> {
        Ok(self.having.lock().unwrap().contains(&question.later))
    }

    async fn owners(&self, change: &Change) -> Result<Vec<OwnedFiles>, String> {
        self.asked.lock().unwrap().push(change.clone());
        let owned = self.owned.lock().unwrap().clone();
        owned.ok_or_else(|| "commit is not there; run `git fetch` there".to_owned())
    }
}

struct NoArtifacts;

#[async_trait]
impl ArtifactStore for NoArtifacts {
    async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        Err(ArtifactError::Missing(artifact.digest.to_string()))
    }
}
