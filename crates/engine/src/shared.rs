//! What the parts of a running engine share. Owns no behaviour.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::{broadcast, mpsc, oneshot};
use towpath_core::ids::{Epoch, LaneId, Name, PromotionNumber};
use towpath_core::project::Project;
use towpath_core::promotion::input::Input;
use towpath_core::trace_context::Sampling;
use towpath_core::units::Timestamp;
use towpath_ports::artifacts::ArtifactStore;
use towpath_ports::clock::Clock;
use towpath_ports::evidence::EvidenceStore;
use towpath_ports::notary::Notary;
use towpath_ports::secret::Known;
use towpath_ports::store::{EventRow, Store};

use crate::adapters::AdapterSet;
use crate::alarms::LaneAlarms;
use crate::backports::Looked;
use crate::checkpoints::Checkpoints;
use crate::counting::LaneCounts;
use crate::delivery::Deliveries;
use crate::following::Following;
use crate::gauges::Gauges;
use crate::lane_guard::LaneGuard;
use crate::losses::Losses;
use crate::orders::{Accepted, EngineError};
use crate::origin::{self, Origin};
use crate::owners::AskedOwners;
use crate::picture::AllDrawn;
use crate::prober::LaneHealth;
use crate::rows::TokenUses;
use crate::run_loop::Message;
use crate::under_way::UnderWay;
use crate::views::CheckView;

/// What an engine is started with.
#[derive(Clone)]
pub struct Setup {
    /// Whose journal it is.
    pub project: Name,
    /// How many times faster declared durations run; 1 outside a rehearsal.
    pub speed: u32,
    /// The folder of the matrix.
    pub root: PathBuf,
    /// Keeps journal, state and outbox.
    pub store: Arc<dyn Store>,
    /// Kept bytes of releases.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Kept evidence of checks.
    pub evidence: Arc<dyn EvidenceStore>,
    /// The adapters.
    pub adapters: Arc<dyn AdapterSet>,
    /// The secrets that were read, for whatever is shown, written or sent.
    pub known: Known,
    /// Signs where the journal ends; none where nobody does, as for whoever only reads.
    pub notary: Option<Arc<dyn Notary>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which traces are kept; none where no spans are sent.
    pub sampling: Option<Sampling>,
}

/// A lock for each deployment that is being started or stopped.
type Changing = BTreeMap<(LaneId, PromotionNumber), Arc<tokio::sync::Mutex<()>>>;

/// What the parts share.
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) epoch: Epoch,
    pub(crate) started_at: Timestamp,
    pub(crate) project: RwLock<Project>,
    pub(crate) guards: Mutex<BTreeMap<LaneId, LaneGuard>>,
    pub(crate) health: Mutex<BTreeMap<LaneId, LaneHealth>>,
    pub(crate) alarms: Mutex<BTreeMap<LaneId, LaneAlarms>>,
    /// Figures that somebody looked at, whether or not a release is judged.
    pub(crate) gauges: Gauges,
    /// How the matrix in a repository is followed.
    pub(crate) following: Mutex<Option<Following>>,
    pub(crate) counting: Mutex<BTreeMap<LaneId, LaneCounts>>,
    /// Whether what environments promise is kept, as it was when last looked at.
    pub(crate) promises: Mutex<BTreeMap<LaneId, Vec<CheckView>>>,
    /// What routers lost, by the lane in which a promotion began.
    pub(crate) losses: Mutex<BTreeMap<LaneId, Losses>>,
    /// What rollouts look like, by the lane that they are under way in.
    pub(crate) drawn: Mutex<AllDrawn>,
    /// Releases in which fixes that are owed were looked for.
    pub(crate) backports: Mutex<Looked>,
    /// Changes whose owners the repository is asked about.
    pub(crate) owners: Mutex<AskedOwners>,
    /// Deployments that are being started or stopped.
    pub(crate) changing: Mutex<Changing>,
    /// Notices that are on their way.
    pub(crate) deliveries: Deliveries,
    /// How the journal is called in its checkpoints and in signed words, once something stands in it.
    pub(crate) journal: OnceLock<String>,
    /// What is signed of the journal.
    pub(crate) checkpoints: Checkpoints,
    pub(crate) inputs: mpsc::Sender<Message>,
    pub(crate) news: broadcast::Sender<Arc<EventRow>>,
    /// Whether the store took the last thing it was asked for. Leases are renewed only while it
    /// does: an engine that cannot reach its database lets them lapse.
    pub(crate) store_answers: AtomicBool,
    /// When each token was last used, to the minute.
    pub(crate) token_uses: Mutex<TokenUses>,
    /// When somebody last asked or ordered something, as a timestamp.
    pub(crate) last_asked: AtomicI64,
    /// When something last happened in each promotion that has not ended, since this engine started.
    pub(crate) progress: Mutex<BTreeMap<u64, Timestamp>>,
    /// How often the store refused a change because another engine owns the journal.
    pub(crate) fenced: AtomicU64,
    /// An event that the journal has, as late a one as is known.
    pub(crate) last_event: AtomicU64,
    /// What clients have under way.
    pub(crate) under_way: UnderWay,
    /// Set when the engine must have no more effects: fenced, or stopping.
    pub(crate) stopped: AtomicBool,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.setup.clock.now()
    }

    /// Reads the project. Never held over an await.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Project) -> T) -> T {
        look(&self.project.read().expect("no holder of this lock panics"))
    }

    /// Asks or changes what is known of how a lane stands. Never held over an await.
    pub(crate) fn guard<T>(&self, lane: &LaneId, look: impl FnOnce(&mut LaneGuard) -> T) -> T {
        let mut guards = self.guards.lock().expect("no holder of this lock panics");
        look(guards.entry(lane.clone()).or_default())
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Tells whoever watches of an event, and notes that its promotion moves.
    pub(crate) fn tell(&self, row: EventRow) {
        self.last_event.fetch_max(row.seq, std::sync::atomic::Ordering::SeqCst);
        if let Some(PromotionNumber(number)) = row.promotion {
            let mut progress = self.progress.lock().expect("no holder of this lock panics");
            if row.kind == "promotion-ended" {
                progress.remove(&number);
            } else {
                progress.insert(number, row.at);
            }
        }
        // Nobody watching is no error.
        let _ = self.news.send(Arc::new(row));
    }

    /// Waits until nobody else starts or stops the deployment: a start that is given up must have
    /// let go before its instances are stopped.
    pub(crate) async fn one_at_a_time(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
    ) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut changing = self.changing.lock().expect("no holder of this lock panics");
            changing.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(changing.entry((lane.clone(), deployment)).or_default())
        };
        lock.lock_owned().await
    }

    /// Somebody newer owns what this engine tried to change: it must have no more effects.
    pub(crate) async fn shut_out(&self, sentence: &str) {
        tracing::error!(sentence, "the engine stops: another one has taken over");
        self.stopped.store(true, std::sync::atomic::Ordering::SeqCst);
        // A loop that has ended already has stopped already.
        let _ = self.inputs.send(Message::ShutOut(sentence.to_owned())).await;
    }

    /// Hands an input to the run loop and waits for what follows directly.
    pub(crate) async fn ask(&self, lane: &LaneId, input: Input) -> Result<Accepted, EngineError> {
        let (reply, answer) = oneshot::channel();
        let input = Box::new(input);
        let (origin, lane) = (origin::current(), lane.clone());
        let message = Message::Lane { lane, input, origin, reply: Some(reply) };
        self.inputs.send(message).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// Hands an input to the run loop; waits while the loop is busy, and forgets it when the engine
    /// has stopped.
    pub(crate) async fn send(&self, lane: &LaneId, input: Input) {
        let of = lane.clone();
        let (input, origin) = (Box::new(input), Origin::default());
        let message = Message::Lane { lane: of, input, origin, reply: None };
        if self.inputs.send(message).await.is_err() {
            tracing::debug!(%lane, "the engine has stopped; an input is not taken any more");
        }
    }
}
