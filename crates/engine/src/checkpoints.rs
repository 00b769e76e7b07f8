//! Has signed, every so many events and when somebody asks, where the journal ends: what was signed
//! outside shows a journal that was cut or written anew. Signs only what follows from what it signed
//! before; holds nothing up, and whatever fails is told and tried again.
//!
//! The journal holds no event of a checkpoint. One would be about the journal and in it, so that none
//! could ever cover it; the list of checkpoints is the record.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use towpath_audit::chain::{Walk, genesis};
use towpath_core::ids::Digest;
use towpath_core::matrix::AuditRules;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::units::Timestamp;
use towpath_ports::notary::{Checkpoint, Notary};

use crate::run_loop::Engine;
use crate::shared::Shared;
use crate::views::time;

/// How often it is looked whether the engine has stopped or the rules have changed.
const LOOK: Duration = Duration::from_secs(1);
/// The first and the longest pause before what failed is tried again; they double.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// Events that are read at once.
const BATCH: u32 = 500;

/// How the signing stands.
#[derive(Default)]
pub(crate) struct Checkpoints {
    trouble: Mutex<Option<String>>,
    /// By which rules all that is kept was brought outside; none while a place may lack some of it.
    brought: Mutex<Option<AuditRules>>,
    /// One at a time.
    making: tokio::sync::Mutex<()>,
}

/// A checkpoint as clients see it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckpointView {
    /// How many events it covers.
    pub events: u64,
    /// The hash of the last of them.
    pub hash: String,
    /// Which journal.
    pub origin: String,
    /// When it was signed.
    pub at: String,
    /// The public key.
    pub key: String,
    /// Whether it is new; else nothing was written since it was signed.
    pub made: bool,
    /// Places outside that do not have it yet, each with why.
    pub missing_at: Vec<String>,
}

/// A signed end of the journal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SignedEnd {
    /// The checkpoint with its signature, as it is kept.
    pub note: String,
    /// How many events it covers.
    pub events: u64,
    /// The public key. Whoever proves something by it holds it against the one that was handed out.
    pub key: String,
}

/// What a look at the journal led to.
struct Made {
    checkpoint: Option<Checkpoint>,
    is_new: bool,
    /// Events that the last checkpoint does not cover.
    uncovered: u64,
}

impl Checkpoints {
    /// Why nothing is signed or kept, if that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().expect("no holder of this lock panics").clone()
    }

    /// Whether every place that `rules` name has all that is kept.
    fn is_outside(&self, rules: &AuditRules) -> bool {
        self.brought.lock().expect("no holder of this lock panics").as_ref() == Some(rules)
    }

    /// Brings the places outside up to date, and remembers whether they are: what failed for whoever
    /// asked is tried again by the loop. Answers with what went wrong.
    async fn bring(&self, notary: &dyn Notary, rules: &AuditRules) -> Vec<String> {
        *self.brought.lock().expect("no holder of this lock panics") = None;
        let troubles = notary.copy(rules).await.err().unwrap_or_default();
        let brought = troubles.is_empty().then(|| rules.clone());
        *self.brought.lock().expect("no holder of this lock panics") = brought;
        troubles
    }

    fn note(&self, trouble: Option<String>) {
        let mut kept = self.trouble.lock().expect("no holder of this lock panics");
        if let Some(sentence) = trouble.as_ref().filter(|it| kept.as_ref() != Some(*it)) {
            tracing::warn!(
                sentence,
                "the end of the journal is not signed or not kept; trying again"
            );
        }
        *kept = trouble;
    }
}

/// Signs until the engine stops; nothing where there is no notary.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let Some(notary) = shared.setup.notary.clone() else { return };
    let shared = Arc::clone(shared);
    let mut news = shared.news.subscribe();
    tokio::spawn(async move {
        let mut pause = RETRY.0;
        while !shared.is_stopped() {
            let rules = rules(&shared);
            let Some(uncovered) = attempt(&shared, &*notary, &rules).await else {
                wait(&shared, pause).await;
                pause = (pause * 2).min(RETRY.1);
                continue;
            };
            pause = RETRY.0;
            let mut written = uncovered;
            while written < u64::from(rules.every)
                && shared.checkpoints.is_outside(&rules)
                && !shared.is_stopped()
            {
                match tokio::time::timeout(LOOK, news.recv()).await {
                    Ok(Ok(_)) => written += 1,
                    // It fell behind, or nothing will be said any more: the journal says how many.
                    Ok(Err(_)) => break,
                    Err(_) if self::rules(&shared) != rules => break,
                    Err(_) => {}
                }
            }
        }
    });
}

fn rules(shared: &Shared) -> AuditRules {
    shared.read(|project| {
        project.common.matrix.as_ref().map(|it| it.audit.clone()).unwrap_or_default()
    })
}

async fn wait(shared: &Shared, pause: Duration) {
    let until = tokio::time::Instant::now() + pause;
    while tokio::time::Instant::now() < until && !shared.is_stopped() {
        tokio::time::sleep(LOOK.min(pause)).await;
    }
}

/// Signs if enough was written, brings the places outside up to date if they may lack something, and
/// notes what went wrong. Answers how many events are not covered; nothing when it is to be tried again.
async fn attempt(shared: &Shared, notary: &dyn Notary, rules: &AuditRules) -> Option<u64> {
    let checkpoints = &shared.checkpoints;
    let _one = checkpoints.making.lock().await;
    let tried = match make(shared, notary, rules, u64::from(rules.every)).await {
        Ok(made) if made.is_new || !checkpoints.is_outside(rules) => {
            let troubles = checkpoints.bring(notary, rules).await;
            if troubles.is_empty() { Ok(made) } else { Err(troubles.join("; ")) }
        }
        other => other,
    };
    match tried {
        Ok(made) => {
            checkpoints.note(None);
            Some(made.uncovered)
        }
        Err(sentence) => {
            checkpoints.note(Some(sentence));
            None
        }
    }
}

/// Signs where the journal ends if at least `least` events were written since the last checkpoint.
async fn make(
    shared: &Shared,
    notary: &dyn Notary,
    rules: &AuditRules,
    least: u64,
) -> Result<Made, String> {
    let last = notary.last().await?;
    let setup = &shared.setup;
    let Some(first) = first_hash(shared).await? else {
        return Ok(Made { checkpoint: None, is_new: false, uncovered: 0 });
    };
    let origin = towpath_audit::origin(setup.project.as_str(), setup.speed, &first);
    let begin = match &last {
        None => Walk::new(genesis(&setup.project, setup.speed)),
        Some(last) if last.origin != origin => {
            return Err(format!(
                "the last checkpoint is one of another journal ({}); nothing was signed",
                last.origin
            ));
        }
        Some(last) => {
            ensure_there(shared, last).await?;
            Walk::after(last.events, last.hash.clone())
        }
    };
    let covered = last.as_ref().map_or(0, |last| last.events);
    let end = walk(shared, begin).await?;
    let events = end.next_seq() - 1;
    let uncovered = events - covered;
    if uncovered < least.max(1) {
        return Ok(Made { checkpoint: last, is_new: false, uncovered });
    }
    for outside in notary.outside(rules).await? {
        ensure_follows(shared, &outside, &origin, covered).await?;
    }
    // To the second, as it is written.
    let at = Timestamp(shared.now().0.div_euclid(1_000_000) * 1_000_000);
    let checkpoint = Checkpoint { origin, events, hash: end.hash().clone(), at };
    notary.keep(&checkpoint).await?;
    Ok(Made { checkpoint: Some(checkpoint), is_new: true, uncovered: 0 })
}

async fn first_hash(shared: &Shared) -> Result<Option<Digest>, String> {
    let first = shared.setup.store.written(0, 1).await.map_err(|error| error.to_string())?;
    let Some(first) = first.first() else { return Ok(None) };
    let hash = Digest::new(&first.hash).map_err(|error| changed(1, &error.to_string()))?;
    Ok(Some(hash))
}

/// What was signed last must still stand there: nobody signs over a journal that was changed or cut.
async fn ensure_there(shared: &Shared, last: &Checkpoint) -> Result<(), String> {
    let found = shared.setup.store.written(last.events - 1, 1).await;
    let found = found.map_err(|error| error.to_string())?;
    match found.first().filter(|event| u64::try_from(event.seq) == Ok(last.events)) {
        Some(event) if event.hash == last.hash.as_str() => Ok(()),
        Some(_) => Err(changed(last.events, "it is not the event that was signed")),
        None => Err(changed(last.events, "it was signed and is not there any more")),
    }
}

/// What is kept outside shows a journal that was written anew together with the list beside it.
async fn ensure_follows(
    shared: &Shared,
    outside: &Checkpoint,
    origin: &str,
    covered: u64,
) -> Result<(), String> {
    if outside.origin != origin {
        return Err(format!(
            "a place outside has a checkpoint of another journal by this key ({}); nothing was signed",
            outside.origin
        ));
    }
    ensure_there(shared, outside).await?;
    if outside.events > covered {
        return Err(format!(
            "a place outside has a checkpoint of event {}, and the list beside the journal lacks it; \
             nothing was signed until that list is put back",
            outside.events
        ));
    }
    Ok(())
}

async fn walk(shared: &Shared, mut walk: Walk) -> Result<Walk, String> {
    loop {
        let events = shared.setup.store.written(walk.next_seq() - 1, BATCH).await;
        let events = events.map_err(|error| error.to_string())?;
        if events.is_empty() {
            return Ok(walk);
        }
        for event in events {
            walk.step(&event).map_err(|broken| changed(broken.seq, &broken.sentence))?;
        }
    }
}

fn changed(seq: u64, why: &str) -> String {
    format!("the journal was changed at event {seq}, and nothing was signed: {why}")
}

impl Engine {
    /// Signs where the journal ends now, whoever asks, and brings the places outside up to date. Safe
    /// to repeat: where nothing was written since, nothing new is signed.
    ///
    /// # Errors
    /// A refusal when nothing could be signed, with why.
    pub async fn checkpoint(&self) -> Result<CheckpointView, Box<Refusal>> {
        self.asked();
        let shared = &self.shared;
        let Some(notary) = shared.setup.notary.clone() else {
            return Err(unsigned("nobody signs here".to_owned()));
        };
        let rules = rules(shared);
        let _one = shared.checkpoints.making.lock().await;
        let made = make(shared, &*notary, &rules, 1).await.map_err(unsigned)?;
        let key = notary.key().await.map_err(unsigned)?;
        let Some(checkpoint) = made.checkpoint else {
            return Err(unsigned("the journal has no event yet".to_owned()));
        };
        let missing_at = shared.checkpoints.bring(&*notary, &rules).await;
        shared.checkpoints.note((!missing_at.is_empty()).then(|| missing_at.join("; ")));
        Ok(CheckpointView {
            events: checkpoint.events,
            hash: checkpoint.hash.to_string(),
            origin: checkpoint.origin,
            at: time(checkpoint.at),
            key,
            made: made.is_new,
            missing_at,
        })
    }
}

impl Engine {
    /// The first checkpoint beside the journal that covers the event `seq`. Changes nothing.
    ///
    /// # Errors
    /// A refusal: none covers it yet, or what is kept cannot be read.
    pub async fn covering(&self, seq: u64) -> Result<SignedEnd, Box<Refusal>> {
        self.asked();
        let Some(notary) = self.shared.setup.notary.clone() else {
            return Err(unsigned("nobody signs here".to_owned()));
        };
        let kept = notary.kept().await.map_err(unsigned)?;
        let covering = kept.into_iter().find_map(|note| {
            let text = towpath_audit::note::Note::parse(&note).ok()?.text;
            let events = towpath_audit::read(&text).ok()?.events;
            (events >= seq).then_some((note, events))
        });
        let Some((note, events)) = covering else {
            let message = format!("no checkpoint covers event {seq}");
            let cause = "nothing was signed since it was written";
            let refusal = Refusal::new(RefusalKind::NotFound, "no-checkpoint", message, cause);
            return Err(Box::new(refusal.next("towpath audit checkpoint", "has the end signed")));
        };
        Ok(SignedEnd { note, events, key: notary.key().await.map_err(unsigned)? })
    }
}

fn unsigned(cause: String) -> Box<Refusal> {
    let refusal = Refusal::new(RefusalKind::Conflict, "unsigned", "nothing was signed", cause);
    Box::new(refusal.next("towpath audit verify", "whether the journal is as it was written"))
}
