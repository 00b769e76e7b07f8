//! Delivers notices: beside everything else, each until it arrived, will never arrive, or was tried for
//! a day. What becomes of one is an event and changes no promotion. Decides nothing about who is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use towpath_core::ids::{LaneId, Name, Person};
use towpath_core::journal::Event;
use towpath_core::matrix::AdapterSpec;
use towpath_core::notices::{
    Channel, Delivered, GivenUp, Notice, Occasion, Resent, SUMMARIES, trial,
};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::notifier::{Delivery, Failure, Taken};
use towpath_ports::secret::{Masker, Secret};
use towpath_ports::store::{OutboxRow, StoreError};

use crate::desk::Desk;
use crate::handing;
use crate::notices::Pending;
use crate::orders::{Accepted, EngineError};
use crate::origin;
use crate::replaying;
use crate::rights::Rights;
use crate::run_loop::{Engine, Message};
use crate::shared::Shared;
use crate::views::{
    ChannelView, DeadNoticeView, FORMAT, NoticesView, PendingNoticeView, TestView, time,
};

/// How long a notice is tried: whoever mends a mail server within a day still gets all of them. Time of
/// the world outside, which no rehearsal makes faster.
const TRIED_FOR: Span = Span::hours(24);
/// The first and the longest pause between two attempts; they double, so that there are some thirty in
/// a day.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_hours(1));
/// How long one attempt may take whatever the channel says of itself.
const LIMIT: Duration = Duration::from_mins(2);

/// What is written when something became of a notice.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) actor: String,
    /// Where it happened; none where it belongs to the project.
    pub(crate) lane: Option<LaneId>,
    pub(crate) events: Vec<Event>,
    pub(crate) finished: Vec<String>,
    pub(crate) commands: Vec<OutboxRow>,
}

impl Record {
    /// The answer to one that sends a notice again that somebody else had sent again meanwhile, or that is on its
    /// way; none of any other.
    pub(crate) fn past(&self, shared: &Shared) -> Option<Result<Accepted, EngineError>> {
        let is_kept = |id: &str| {
            shared.read(|project| {
                project.common.dead.iter().any(|dead| dead.given_up.notice.id == id)
            })
        };
        self.events.iter().find_map(|event| match event {
            Event::NoticeRetried(again) if again.arrived => shared
                .deliveries
                .is_under_way(&again.id)
                .then(|| Err(replaying::already(&again.id))),
            Event::NoticeRetried(again) if !is_kept(&again.id) => Some(Ok(Accepted::default())),
            _ => None,
        })
    }
}

/// How the delivering goes. Lives as long as an engine: what counts is in the outbox.
#[derive(Default)]
pub(crate) struct Deliveries {
    attempts: Mutex<BTreeMap<String, Attempts>>,
    /// A lock for each channel: one notice at a time goes through it, the oldest first, and none waits
    /// for that of another channel.
    channels: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Clone, Debug, Default)]
struct Attempts {
    count: u32,
    sentence: Option<String>,
    next_at: Option<Timestamp>,
}

impl Deliveries {
    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.attempts.lock().expect("no holder of this lock panics").is_empty()
    }

    /// Whether this notice is on its way.
    pub(crate) fn is_under_way(&self, id: &str) -> bool {
        self.attempts.lock().expect("no holder of this lock panics").contains_key(id)
    }

    fn channel(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut channels = self.channels.lock().expect("no holder of this lock panics");
        Arc::clone(channels.entry(name.to_owned()).or_default())
    }

    fn note(&self, id: &str, attempts: Attempts) {
        let mut all = self.attempts.lock().expect("no holder of this lock panics");
        all.insert(id.to_owned(), attempts);
    }

    fn forget(&self, id: &str) {
        self.attempts.lock().expect("no holder of this lock panics").remove(id);
    }

    fn of(&self, id: &str) -> Attempts {
        let all = self.attempts.lock().expect("no holder of this lock panics");
        all.get(id).cloned().unwrap_or_default()
    }
}

/// Delivers a notice that is in the outbox, in the background.
pub(crate) fn spawn(shared: &Arc<Shared>, pending: Pending) {
    let shared = Arc::clone(shared);
    shared.deliveries.note(&pending.notice.id, Attempts::default());
    tokio::spawn(async move {
        // A stopped engine says nothing: the next one finds the notice in the outbox.
        if let Some(event) = until_settled(&shared, &pending).await {
            let finished = vec![Pending::key(&pending.notice)];
            let record = Record { events: vec![event], finished, ..by_engine() };
            let message = Message::Record { record: Box::new(record), reply: None };
            if shared.inputs.send(message).await.is_err() {
                tracing::debug!("the engine has stopped; the notice is sent again by the next one");
            }
        }
        shared.deliveries.forget(&pending.notice.id);
    });
}

fn by_engine() -> Record {
    Record { actor: "engine".to_owned(), ..Record::default() }
}

async fn until_settled(shared: &Shared, pending: &Pending) -> Option<Event> {
    let notice = &pending.notice;
    let queue = shared.deliveries.channel(&notice.channel);
    let (mut pause, mut attempts) = (PAUSE.0, 0);
    loop {
        let alone = queue.lock().await;
        if shared.is_stopped() {
            return None;
        }
        attempts += 1;
        let (sent, secrets) = send(shared, notice).await;
        drop(alone);
        let Err(failure) = sent else { return Some(delivered(notice, attempts, secrets)) };
        let sentence = failure.sentence;
        tracing::warn!(
            channel = notice.channel,
            id = notice.id,
            sentence,
            "a notice did not arrive"
        );
        if !failure.may_help_later || shared.now().since(pending.since) >= TRIED_FOR {
            let given_up = GivenUp { notice: notice.clone(), attempts, sentence, secrets };
            return Some(Event::NoticeGivenUp(Box::new(given_up)));
        }
        let wait = Span(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        let next_at = Some(shared.now().plus(wait));
        let noted = Attempts { count: attempts, sentence: Some(sentence), next_at };
        shared.deliveries.note(&notice.id, noted);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

pub(crate) fn delivered(notice: &Notice, attempts: u32, secrets: Vec<String>) -> Event {
    // A link by which somebody signs in is a secret: nothing keeps it.
    let is_kept = notice.occasion != Occasion::SignIn;
    Event::NoticeDelivered(Box::new(Delivered {
        id: notice.id.clone(),
        channel: notice.channel.clone(),
        occasion: notice.occasion,
        promotion: notice.promotion,
        attempts,
        notice: is_kept.then(|| Box::new(notice.clone())),
        secrets,
    }))
}

/// One attempt, and the names of the secrets that were read for it. Whatever a channel says is masked.
async fn send(shared: &Shared, notice: &Notice) -> (Result<Taken, Failure>, Vec<String>) {
    match channel(shared, &notice.channel) {
        Ok(channel) => through(shared, &channel, notice).await,
        Err(failure) => (Err(failure), Vec::new()),
    }
}

/// The same through this channel.
pub(crate) async fn through(
    shared: &Shared,
    channel: &Channel,
    notice: &Notice,
) -> (Result<Taken, Failure>, Vec<String>) {
    let mut names = Vec::new();
    let secrets = match read(shared, channel, &mut names).await {
        Ok(secrets) => secrets,
        Err(sentence) => return (Err(Failure::later(sentence)), names),
    };
    let notifier = match shared.setup.adapters.notifier(&channel.adapter) {
        Ok(notifier) => notifier,
        Err(sentence) => return (Err(Failure::later(sentence)), names),
    };
    let delivery = Delivery { notice, secrets: &secrets };
    let sent = tokio::time::timeout(LIMIT, notifier.deliver(&delivery)).await;
    let (masker, known) = (Masker::new(secrets.values()), shared.setup.known.masker());
    let shown = |sentence: &str| known.mask(&masker.mask(sentence));
    let sent = match sent {
        Ok(Ok(taken)) => Ok(Taken { sentence: shown(&taken.sentence) }),
        Ok(Err(failure)) => Err(Failure { sentence: shown(&failure.sentence), ..failure }),
        Err(_) => Err(Failure::later(format!("it was not taken within {LIMIT:?}"))),
    };
    (sent, names)
}

/// The channel as the matrix in force has it.
fn channel(shared: &Shared, name: &str) -> Result<Channel, Failure> {
    if name == SUMMARIES {
        let adapter = AdapterSpec { kind: "folder".to_owned(), settings: json!({}) };
        return Ok(Channel { adapter, secrets: BTreeMap::new(), missing: None });
    }
    let known = shared.read(|project| {
        let matrix = project.common.matrix.as_ref()?;
        matrix.notifiers.get(&Name::new(name).ok()?).cloned()
    });
    let gone = || Failure::never(format!("the matrix has no notifier {name} any more"));
    let channel = known.ok_or_else(gone)?;
    match channel.missing {
        // A matrix that mends it may be applied any time.
        Some(why) => Err(Failure::later(why)),
        None => Ok(channel),
    }
}

async fn read(
    shared: &Shared,
    channel: &Channel,
    names: &mut Vec<String>,
) -> Result<BTreeMap<String, Secret>, String> {
    let mut secrets = BTreeMap::new();
    for (field, place) in &channel.secrets {
        names.push(place.name.clone());
        let value = handing::read(shared, &place.name, &place.store).await?;
        secrets.insert(field.clone(), value);
    }
    Ok(secrets)
}

impl Engine {
    /// The channels of the matrix in force, what is on its way, and what never arrived.
    ///
    /// # Errors
    /// Whatever the store says.
    pub async fn notices(&self) -> Result<NoticesView, StoreError> {
        let shared = &self.shared;
        let mut pending = Vec::new();
        for row in shared.setup.store.pending_commands().await? {
            if let Some(found) = Pending::read(&row)? {
                let attempts = shared.deliveries.of(&found.notice.id);
                pending.push(PendingNoticeView {
                    since: time(found.since),
                    attempts: attempts.count,
                    sentence: attempts.sentence,
                    next_at: attempts.next_at.map(time),
                    ..PendingNoticeView::of(&found.notice)
                });
            }
        }
        Ok(shared.read(|project| NoticesView {
            format: FORMAT,
            channels: project
                .common
                .matrix
                .iter()
                .flat_map(|matrix| &matrix.notifiers)
                .map(ChannelView::of)
                .collect(),
            pending,
            dead: project.common.dead.iter().map(DeadNoticeView::of).collect(),
        }))
    }

    /// Sends a message that says that it is a test, once, and says what became of it. Not safe to
    /// repeat: each is another message.
    ///
    /// # Errors
    /// A refusal when there is no such channel, or `by` may not.
    pub async fn test_channel(&self, name: &Name, by: &Person) -> Result<TestView, EngineError> {
        self.asked();
        let shared = &self.shared;
        if shared.is_stopped() {
            return Err(EngineError::Stopped);
        }
        let by = allowed(shared, by)?;
        let project = shared.setup.project.clone();
        let notice = trial(&project, name, &by, shared.now(), shared.setup.speed);
        let channel = self.known_channel(name)?;
        let (sent, secrets) = send(shared, &notice).await;
        let (arrived, sentence) = match sent {
            Ok(taken) => (true, taken.sentence),
            Err(failure) => (false, failure.sentence),
        };
        if arrived {
            let events = vec![delivered(&notice, 1, secrets)];
            let record = Record { actor: by.to_string(), events, ..Record::default() };
            self.keep_record(record).await?;
        }
        let kind = channel.adapter.kind;
        Ok(TestView {
            format: FORMAT,
            channel: name.to_string(),
            kind,
            id: notice.id,
            arrived,
            sentence,
        })
    }

    fn known_channel(&self, name: &Name) -> Result<Channel, EngineError> {
        let (found, known) = self.shared.read(|project| {
            let channels = project.common.matrix.as_ref().map(|matrix| &matrix.notifiers);
            let names = channels.into_iter().flat_map(BTreeMap::keys).map(ToString::to_string);
            (channels.and_then(|all| all.get(name)).cloned(), names.collect::<Vec<_>>())
        });
        found.ok_or_else(|| {
            let message = format!("there is no notifier {name}");
            let cause = match known.as_slice() {
                [] => "the matrix in force has no `notifiers`".to_owned(),
                some => format!("the matrix in force has {}", some.join(", ")),
            };
            let refusal = Refusal::new(RefusalKind::NotFound, "no-such-channel", message, cause);
            EngineError::Refused(Box::new(
                refusal.at("notifiers").next("towpath notify list", "those that there are"),
            ))
        })
    }

    /// Has a notice sent again that never arrived, under its own id, for as long as a new one.
    ///
    /// # Errors
    /// A refusal when no such notice is kept, or `by` may not.
    pub async fn retry_notice(&self, id: &str, by: &Person) -> Result<(), EngineError> {
        self.asked();
        let shared = &self.shared;
        let by = allowed(shared, by)?;
        let dead = shared.read(|project| {
            let mut dead = project.common.dead.iter();
            dead.find(|dead| dead.given_up.notice.id == id).cloned()
        });
        let Some(dead) = dead else {
            let shown: String = id.chars().take(80).flat_map(char::escape_default).collect();
            let message = format!("no notice {shown} is kept");
            let cause = "it arrived, is on its way, was sent again, or never was";
            let refusal = Refusal::new(RefusalKind::NotFound, "no-such-notice", message, cause);
            let refusal = refusal.next("towpath notify list", "those that never arrived");
            return Err(EngineError::Refused(Box::new(refusal)));
        };
        let pending = Pending { notice: dead.given_up.notice, since: shared.now() };
        let again = Resent { id: id.to_owned(), by: by.clone(), arrived: false, promotion: None };
        let event = Event::NoticeRetried(again);
        let commands = vec![pending.row()];
        let actor = by.to_string();
        self.keep_record(Record { actor, events: vec![event], commands, ..Record::default() }).await
    }

    pub(crate) async fn keep_record(&self, record: Record) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Record { record: Box::new(record), reply: Some(reply) };
        self.shared.inputs.send(message).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)?.map(drop)
    }
}

/// The person behind the account, if they may: whoever may report an incident may tell people.
pub(crate) fn allowed(shared: &Shared, by: &Person) -> Result<Person, EngineError> {
    let mut by = by.clone();
    Rights::in_force(shared)
        .about_telling(&Desk::new(shared).for_whom(&origin::current()), &mut by)
        .map_err(EngineError::Refused)?;
    Ok(by)
}

impl ChannelView {
    fn of((name, channel): (&Name, &Channel)) -> Self {
        let secrets = channel.secrets.values().map(|place| place.name.clone());
        Self {
            name: name.to_string(),
            kind: channel.adapter.kind.clone(),
            missing: channel.missing.clone(),
            secrets: secrets.collect(),
        }
    }
}

impl PendingNoticeView {
    fn of(notice: &Notice) -> Self {
        Self {
            id: notice.id.clone(),
            channel: notice.channel.clone(),
            occasion: notice.occasion.key().to_owned(),
            promotion: notice.promotion.map(|number| number.0),
            subject: notice.subject.clone(),
            since: time(notice.at),
            attempts: 0,
            sentence: None,
            next_at: None,
        }
    }
}

impl DeadNoticeView {
    fn of(dead: &towpath_core::project::DeadNotice) -> Self {
        let notice = &dead.given_up.notice;
        Self {
            id: notice.id.clone(),
            channel: notice.channel.clone(),
            occasion: notice.occasion.key().to_owned(),
            promotion: notice.promotion.map(|number| number.0),
            subject: notice.subject.clone(),
            since: time(dead.since),
            attempts: dead.given_up.attempts,
            sentence: dead.given_up.sentence.clone(),
        }
    }
}
