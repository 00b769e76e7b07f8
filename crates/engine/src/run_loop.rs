//! One input at a time: decide, write, fold, dispatch. Owns the project's state and the order of
//! everything; does nothing itself.

mod ordering;
mod refusing;
mod turns;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use towpath_core::ids::{LaneId, TokenId};
use towpath_core::journal::{EngineStart, Event};
use towpath_core::promotion::Decision;
use towpath_core::promotion::input::Input;
use towpath_core::reason::Refusal;
use towpath_core::speaking::RULE;
use towpath_core::units::Timestamp;
use towpath_guard::{Standing, Verdict};
use towpath_ports::store::{EventRow, StoreError, Turn};

use crate::checkpoints::Checkpoints;
use crate::delivery::{Deliveries, Record};
use crate::orders::{Accepted, EngineEnd, EngineError, Order};
use crate::origin::{self, Origin};
use crate::refusals::{Asked, Refusals};
use crate::rights::Rights;
use crate::rows::TokenUses;
use crate::shared::{Setup, Shared};
use crate::under_way::UnderWay;
use crate::{
    alarms, backports, checkpoints, counting, delivery, executor, governing, handing, holdbacks,
    journal, judging, leases, masking, notices, owners, prober, promises, reading, recovery,
    retention, rows, spoken, telemetry, views, wakes, writing,
};
use turns::turn_counter;

/// The version of the program.
pub(crate) const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// Inputs that wait for the loop. Senders wait when it is full, so nothing is lost.
const QUEUE: usize = 1024;
/// News that a slow watcher may fall behind before it must read the journal instead.
const NEWS: usize = 4096;

/// Something for the loop.
pub(crate) enum Message {
    /// Something happened in a lane, or somebody ordered something there.
    Lane { lane: LaneId, input: Box<Input>, origin: Origin, reply: Option<oneshot::Sender<Reply>> },
    /// Somebody ordered something that belongs to no lane.
    Project { order: Box<Order>, origin: Origin, reply: oneshot::Sender<Reply> },
    /// Somebody was refused before anything was ordered: at the door.
    Refused { asked: Box<Asked>, refusal: Box<Refusal> },
    /// Something became of a notice, or secrets were read.
    Record { record: Box<Record>, reply: Option<oneshot::Sender<Reply>> },
    /// Keep when tokens were used.
    TokensUsed,
    /// Something of a proposed matrix is due.
    MatrixWaits,
    /// Stop when what was sent before is done.
    Stop,
    /// Stop: somebody newer gives the orders. Why, in one sentence.
    ShutOut(String),
}

pub(crate) type Reply = Result<Accepted, EngineError>;

/// A running engine, as its clients see it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// A running engine, as whoever started it sees it.
pub struct Running {
    /// For clients.
    pub engine: Engine,
    /// Ends when the engine has stopped; an error says why it had to.
    pub ended: JoinHandle<Result<(), EngineEnd>>,
}

/// Takes the journal over and starts to work. Call once per process.
///
/// # Errors
/// Whatever the store says; nothing has happened then.
pub async fn start(setup: Setup) -> Result<Running, StoreError> {
    let now = setup.clock.now();
    let found = recovery::recover(setup.store.as_ref(), now).await?;
    let ((inputs, receiver), (news, _)) = (mpsc::channel(QUEUE), broadcast::channel(NEWS));
    let shared = Arc::new(Shared {
        setup,
        epoch: found.epoch,
        started_at: now,
        project: RwLock::new(found.project),
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
        token_uses: Mutex::new(found.token_uses),
        store_answers: true.into(),
        progress: Mutex::default(),
        fenced: 0.into(),
        last_event: 0.into(),
        under_way: UnderWay::default(),
        last_asked: now.0.into(),
        stopped: false.into(),
    });
    for states in found.split {
        let id = format!("{}-{}", shared.epoch, turn_counter());
        let turn = Turn { id, at: now, states, urgent: true, ..Turn::default() };
        writing::commit(&shared, &turn, true).await?;
    }
    let mut run = Loop {
        rights: Rights::in_force(&shared),
        kept_uses: shared.token_uses(),
        shared: Arc::clone(&shared),
        versions: found.versions,
        wakes: BTreeMap::new(),
        refusals: Refusals::default(),
        origin: Origin::default(),
    };
    let start = EngineStart { epoch: found.epoch, program: PROGRAM.to_owned(), words: RULE };
    run.write(None, "engine", vec![Event::EngineStarted(start)], true).await?;
    spoken::learn_journal(&shared).await?;
    handing::learn_what_is_at_hand(&shared);
    handing::learn_what_runs(&shared).await;
    for command in found.unfinished {
        executor::dispatch(&shared, command);
    }
    found.untold.into_iter().for_each(|pending| delivery::spawn(&shared, pending));
    run.wake_all();
    spawn_watchers(&shared);
    let ended = tokio::spawn(run.run(receiver));
    Ok(Running { engine: Engine { shared }, ended })
}

/// All that looks at something by itself, until the engine stops.
fn spawn_watchers(shared: &Arc<Shared>) {
    leases::spawn(shared);
    holdbacks::spawn(shared);
    alarms::spawn(shared);
    counting::spawn(shared);
    promises::spawn(shared);
    governing::spawn(shared);
    prober::spawn(shared);
    prober::spawn_observer(shared);
    telemetry::spawn(shared);
    judging::spawn(shared);
    retention::spawn(shared);
    backports::spawn(shared);
    owners::spawn(shared);
    checkpoints::spawn(shared);
}

impl Engine {
    /// Sends an order about a lane and waits for what follows directly.
    pub async fn order(&self, lane: &LaneId, input: Input) -> Result<Accepted, EngineError> {
        self.asked();
        self.tell_owners(lane, &input).await;
        self.shared.ask(lane, input).await.map_err(|error| match error {
            EngineError::Refused(refusal) => EngineError::Refused(Box::new(
                self.shared.read(|project| reading::naming(project, lane, *refusal)),
            )),
            other => other,
        })
    }

    /// Sends an order that belongs to no lane.
    pub async fn order_project(&self, order: Order) -> Result<Accepted, EngineError> {
        self.asked();
        let (reply, answer) = oneshot::channel();
        let origin = origin::current();
        let message = Message::Project { order: Box::new(order), origin, reply };
        self.shared.inputs.send(message).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// Stops when everything sent before is done. Safe to repeat.
    pub async fn stop(&self) {
        // A loop that has ended already has stopped already.
        let _ = self.shared.inputs.send(Message::Stop).await;
    }

    /// Events as they are written, from now on. Who falls behind gets an error, and reads the journal.
    pub fn news(&self) -> broadcast::Receiver<Arc<EventRow>> {
        self.shared.news.subscribe()
    }

    /// The time as the engine has it.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The setup that it was started with.
    pub fn setup(&self) -> &Setup {
        &self.shared.setup
    }

    /// Since when it runs.
    pub fn started_at(&self) -> Timestamp {
        self.shared.started_at
    }
}

struct Loop {
    shared: Arc<Shared>,
    /// Who may give which order.
    rights: Rights,
    /// When tokens were last used, as it is kept.
    kept_uses: TokenUses,
    versions: BTreeMap<String, u64>,
    wakes: BTreeMap<LaneId, Timestamp>,
    refusals: Refusals,
    /// From where the order came that is being carried out.
    origin: Origin,
}

impl Loop {
    async fn run(mut self, mut inputs: mpsc::Receiver<Message>) -> Result<(), EngineEnd> {
        let ended = loop {
            let message = tokio::select! {
                message = inputs.recv() => message,
                lane = wakes::next(&self.shared, &self.wakes) => Some(self.woken(lane)),
            };
            match message {
                None | Some(Message::Stop) => {
                    // What is lost with them is when somebody last used a token.
                    let _ = self.keep_token_uses().await;
                    break Ok(());
                }
                Some(Message::ShutOut(sentence)) => break Err(EngineEnd::ShutOut(sentence)),
                Some(message) => {
                    if let Err(error) = self.take(message).await {
                        tracing::error!(%error, "the engine stops: it must not act any more");
                        break Err(error.into());
                    }
                }
            }
        };
        if ended.is_ok() {
            let rest = self.refusals.due(self.shared.now(), true);
            self.tell(rest).await;
        }
        self.shared.stopped.store(true, Ordering::SeqCst);
        ended
    }

    fn woken(&mut self, lane: LaneId) -> Message {
        self.wakes.remove(&lane);
        let verdict = self.verdict_now(&lane);
        let input = Box::new(Input::Woken { verdict, ask_again: false });
        Message::Lane { lane, input, origin: Origin::default(), reply: None }
    }

    /// How green stands, without which no step ends; none where harm is said beside the loop.
    fn verdict_now(&self, lane: &LaneId) -> Option<Verdict> {
        judging::verdict_now(&self.shared, lane).and_then(|verdict| {
            let is_harm = verdict.standing == Standing::Unhealthy;
            if is_harm { self.judge(lane, verdict) } else { Some(verdict) }
        })
    }

    /// What would move the traffic is said beside the loop, which waits for no router; none when that
    /// is on its way.
    fn judge(&self, lane: &LaneId, verdict: Verdict) -> Option<Verdict> {
        let green = self.shared.read(|project| {
            let active = project.lanes.get(lane)?.active.as_ref()?;
            active.green.as_ref().map(|green| green.number)
        });
        let Some(green) = green else { return Some(verdict) };
        let (shared, lane) = (Arc::clone(&self.shared), lane.clone());
        tokio::spawn(async move { judging::say_unhealthy(&shared, &lane, green, verdict).await });
        None
    }

    /// An error ends the engine; a refusal does not.
    async fn take(&mut self, message: Message) -> Result<(), StoreError> {
        self.origin = Origin::default();
        let (result, reply) = match message {
            Message::Stop | Message::ShutOut(_) => return Ok(()),
            Message::TokensUsed => return self.keep_token_uses().await,
            Message::MatrixWaits => (self.matrix_waits().await, None),
            Message::Lane { lane, mut input, origin, reply } => {
                masking::input(&self.shared.setup.known.masker(), &mut input);
                self.origin = origin;
                (self.lane_order(&lane, *input, reply.is_some()).await, reply)
            }
            Message::Project { mut order, origin, reply } => {
                masking::order(&self.shared.setup.known.masker(), &mut order);
                let asked = Asked::of_project(&order, origin.from.clone());
                let asked = asked.through(None, &self.shared);
                self.origin = origin;
                let result = self.project_order(*order).await;
                self.refused(Some(asked), &result).await;
                (result, Some(reply))
            }
            Message::Refused { asked, refusal } => return self.at_the_door(*asked, refusal).await,
            Message::Record { record, reply } => {
                (self.record(*record, reply.is_some()).await, reply)
            }
        };
        let fatal = match &result {
            Err(EngineError::Store(StoreError::Fenced { current, own })) => {
                Err(StoreError::Fenced { current: *current, own: *own })
            }
            Err(EngineError::Store(StoreError::Conflict { key })) => {
                Err(StoreError::Conflict { key: key.clone() })
            }
            Err(EngineError::Store(StoreError::Unknown(sentence))) => {
                Err(StoreError::Unknown(sentence.clone()))
            }
            _ => Ok(()),
        };
        match reply {
            // Whoever asked may have gone; what was decided stays.
            Some(reply) => drop(reply.send(result)),
            None => {
                if let Err(error) = result {
                    tracing::warn!(%error, "an input led to nothing");
                }
            }
        }
        fatal
    }

    async fn lane_input(
        &mut self,
        lane: &LaneId,
        input: &Input,
        asked: bool,
        token: Option<&TokenId>,
    ) -> Reply {
        let now = self.shared.now();
        let decision = self.decided(lane, input, now);
        for note in &decision.notes {
            tracing::debug!(%lane, note);
        }
        if let Some(refusal) = decision.refusal {
            wakes::plan(&mut self.wakes, lane, decision.wake.as_ref(), now);
            return Err(EngineError::Refused(Box::new(refusal)));
        }
        let finished = match input {
            Input::CommandEnded { command, .. } => vec![journal::outbox_id(lane, command.0)],
            _ => Vec::new(),
        };
        let accepted = Accepted {
            promotion: decision.events.iter().find_map(Event::promotion),
            events: decision.events.clone(),
            notes: decision.notes.clone(),
        };
        // A wake-up of a state that was never written would be lost with it.
        let wake = decision.wake.clone();
        if !decision.events.is_empty() || !finished.is_empty() {
            let actor = journal::through(journal::actor_of(input), token);
            // What begins something new has to leave the last space to what ends it or goes back.
            let urgent = !matches!(input, Input::PromotionOrdered(_));
            let turn = self.turn(Some(lane), &actor, &decision, finished, now);
            let turn = Turn { urgent, ..turn };
            self.write_turn(Some(lane), turn, decision, asked).await?;
        }
        wakes::plan(&mut self.wakes, lane, wake.as_ref(), now);
        Ok(accepted)
    }

    async fn record(&mut self, record: Record, asked: bool) -> Reply {
        if let Some(answer) = record.past(&self.shared) {
            return answer;
        }
        let now = self.shared.now();
        let decision = Decision { events: record.events, ..Decision::default() };
        let lane = record.lane.as_ref();
        let mut turn = self.turn(lane, &record.actor, &decision, record.finished, now);
        (turn.commands, turn.urgent) = (record.commands, true);
        self.write_turn(lane, turn, decision, asked).await?;
        Ok(Accepted::default())
    }

    async fn write(
        &mut self,
        lane: Option<&LaneId>,
        actor: &str,
        events: Vec<Event>,
        urgent: bool,
    ) -> Result<(), StoreError> {
        let now = self.shared.now();
        let decision = Decision { events, ..Decision::default() };
        let turn = Turn { urgent, ..self.turn(lane, actor, &decision, Vec::new(), now) };
        self.write_turn(lane, turn, decision, true).await
    }

    async fn write_turn(
        &mut self,
        lane: Option<&LaneId>,
        turn: Turn,
        decision: Decision,
        asked: bool,
    ) -> Result<(), StoreError> {
        let sequence = writing::commit(&self.shared, &turn, asked).await?;
        for state in &turn.states {
            self.versions.insert(state.key.clone(), state.version);
        }
        {
            let mut project = self.shared.project.write().expect("no holder of this lock panics");
            for event in &decision.events {
                project.apply(lane, event, turn.at);
            }
        }
        if decision.events.iter().any(|event| matches!(event, Event::MatrixApplied { .. })) {
            handing::learn_what_is_at_hand(&self.shared);
        }
        self.publish(&turn, &sequence, turn.at);
        for command in decision.commands {
            executor::dispatch(&self.shared, command);
        }
        notices::dispatch(&self.shared, &turn.commands);
        Ok(())
    }

    fn turn(
        &self,
        lane: Option<&LaneId>,
        actor: &str,
        decision: &Decision,
        finished: Vec<String>,
        now: Timestamp,
    ) -> Turn {
        let next = |key: &str| self.versions.get(key).copied().unwrap_or(0) + 1;
        let mut states = Vec::new();
        let mut promotions = Vec::new();
        self.shared.read(|project| {
            if let Some(after) = &decision.lane {
                let before = project.lanes.get(&after.id);
                if before != Some(after) {
                    states.push(rows::lane_row(after, next(&after.id.to_string())));
                }
                promotions =
                    views::promotion_rows(&self.shared, before, after, &decision.events, now);
            }
            states.extend(rows::changed(&project.common, &decision.events, now, next));
        });
        let id = format!("{}-{}", self.shared.epoch, turn_counter());
        let mut commands: Vec<_> = decision.commands.iter().map(journal::outbox_row).collect();
        commands.extend(notices::of_turn(&self.shared, decision, &id, &mut promotions, now));
        Turn {
            id,
            at: now,
            events: decision
                .events
                .iter()
                .map(|event| journal::row(lane, actor, self.origin.from.as_deref(), event))
                .collect(),
            states,
            commands,
            finished,
            promotions,
            urgent: false,
        }
    }

    fn publish(&self, turn: &Turn, sequence: &[u64], now: Timestamp) {
        for (index, event) in turn.events.iter().enumerate() {
            let row = EventRow {
                // Unknown after a lost answer; watchers read the journal, these only wake them.
                seq: sequence.get(index).copied().unwrap_or(0),
                at: now,
                lane: event.lane.clone(),
                promotion: event.promotion,
                actor: event.actor.clone(),
                kind: event.kind.clone(),
                body: event.body.clone(),
                // Watchers get the hash from the journal; the news are not evidence.
                hash: towpath_core::ids::Digest::of(&[]),
            };
            self.shared.tell(row);
        }
    }

    /// After a start every lane is woken once: what became due in between is done now.
    fn wake_all(&mut self) {
        let now = self.shared.now();
        let lanes: Vec<_> = self.shared.read(|project| project.lanes.keys().cloned().collect());
        self.wakes = lanes.into_iter().map(|lane| (lane, now)).collect();
    }
}
