//! What a journal says while no engine works on it: the same views, from the saved state alone. Takes
//! no ownership, starts nothing and writes nothing; orders are refused.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::{broadcast, mpsc};
use towpath_core::ids::Epoch;
use towpath_core::matrix::Matrix;
use towpath_ports::store::StoreError;

use crate::checkpoints::Checkpoints;
use crate::delivery::Deliveries;
use crate::notices::Pending;
use crate::run_loop::Engine;
use crate::shared::{Setup, Shared};
use crate::under_way::UnderWay;
use crate::views::{EngineView, time};
use crate::{recovery, spoken};

/// A journal that is only read. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    engine: Engine,
    needed: bool,
}

impl Reader {
    /// Reads the saved state once; what is written later is not seen, except in lists that are read
    /// from the store. Safe beside a working engine, and safe to repeat.
    ///
    /// # Errors
    /// Whatever the store says, and [`StoreError::Refused`] when a saved state cannot be read.
    pub async fn open(setup: Setup) -> Result<Self, StoreError> {
        let now = setup.clock.now();
        // What an older program kept in another shape is in it; giving it rows is an engine's work.
        let loaded = recovery::load(setup.store.as_ref()).await?;
        let waiting = setup.store.pending_commands().await?;
        // Both other ends are dropped: orders find nobody, and there is never any news.
        let (inputs, _) = mpsc::channel(1);
        let (news, _) = broadcast::channel(1);
        let shared = Shared {
            setup,
            epoch: Epoch(0),
            started_at: now,
            project: RwLock::new(loaded.project),
            guards: Mutex::new(BTreeMap::new()),
            health: Mutex::new(BTreeMap::new()),
            alarms: Mutex::new(BTreeMap::new()),
            gauges: Mutex::default(),
            following: Mutex::default(),
            backports: Mutex::default(),
            owners: Mutex::default(),
            counting: Mutex::new(BTreeMap::new()),
            promises: Mutex::default(),
            losses: Mutex::new(BTreeMap::new()),
            drawn: Mutex::default(),
            changing: Mutex::new(BTreeMap::new()),
            deliveries: Deliveries::default(),
            journal: OnceLock::new(),
            checkpoints: Checkpoints::default(),
            inputs,
            news,
            token_uses: Mutex::new(loaded.token_uses),
            store_answers: true.into(),
            progress: Mutex::default(),
            fenced: 0.into(),
            last_event: 0.into(),
            under_way: UnderWay::default(),
            // Nobody's patience keeps an engine that does not run from being idle.
            last_asked: 0.into(),
            stopped: true.into(),
        };
        spoken::learn_journal(&shared).await?;
        let engine = Engine { shared: Arc::new(shared) };
        // What is on its way to people needs somebody who sends it.
        let untold = waiting.iter().any(Pending::is_one);
        let needed = untold || !engine.is_idle();
        Ok(Self { engine, needed })
    }

    /// Answers questions as an engine does.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether something in the journal waits for an engine: a promotion, a standby, a lane that
    /// serves with scheduled health, a soak that looks at it, or an automatic edge.
    pub fn is_needed(&self) -> bool {
        self.needed
    }

    /// Answers from now on as if `matrix` were in force. It is kept nowhere.
    pub fn suppose(&self, matrix: Matrix) {
        let mut project = self.engine.shared.project.write().expect("no holder panics");
        project.common.matrix = Some(matrix);
    }
}

impl EngineView {
    /// How an engine that shares this stands.
    pub(crate) fn of(shared: &Shared) -> Self {
        let running = !shared.stopped.load(Ordering::SeqCst);
        Self {
            running,
            since: running.then(|| time(shared.started_at)),
            short_of_space: shared.setup.store.shortage(),
            unsigned: shared.checkpoints.trouble(),
        }
    }
}
