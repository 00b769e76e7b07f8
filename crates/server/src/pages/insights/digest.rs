//! What figures are counted from: of each promotion that ended a few words, and when something happened to it. Read from
//! the journal once, and from then on as it grows, so that a page of a hundred thousand promotions is there at once. Counts
//! nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};
use towpath_core::ids::{Name, PromotionNumber, Version};
use towpath_core::promotion::state::{Kind, Outcome};
use towpath_core::units::Timestamp as Moment;
use towpath_engine::views::PromotionView;
use towpath_engine::{Engine, Moments};
use towpath_ports::store::StoreError;

/// Promotions read at once.
const PAGE: u32 = 1_000;
/// Names of the events whose moments count.
const COUNTED: [&str; 7] = [
    "condemned",
    "return-ordered",
    "traffic-returned",
    "approval-given",
    "instances-ready",
    "weight-ordered",
    "commit-ordered",
];

/// One promotion that ended.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) outcome: Option<Outcome>,
    pub(super) service: Arc<str>,
    pub(super) to: Arc<str>,
    pub(super) release: Arc<str>,
    pub(super) replaces: Option<Arc<str>>,
    pub(super) requested: Moment,
    /// Whether it began to have effects.
    pub(super) began: bool,
    /// In seconds since 1970.
    pub(super) ended: i64,
    /// From its start to its end.
    pub(super) seconds: Option<f64>,
    /// Whether a visitor met the new release.
    pub(super) moved: bool,
    /// Whether anything was asked of the new release before.
    pub(super) validates: bool,
    /// Seconds from the creation of its release until it ended.
    pub(super) lead: Option<f64>,
}

/// What is known of one project.
#[derive(Default)]
pub(crate) struct Digest(Mutex<Known>);

/// The same, while somebody looks at it.
#[derive(Default)]
pub(super) struct Known {
    /// By number.
    facts: BTreeMap<u64, Fact>,
    /// Those that had not ended when they were read.
    open: BTreeSet<u64>,
    /// From when on all that were asked for are known, in seconds since 1970.
    since: Option<i64>,
    /// The last promotion and the last event that were read.
    newest: u64,
    event: u64,
    moments: BTreeMap<&'static str, Moments>,
    /// Names are the same again and again.
    names: HashSet<Arc<str>>,
}

impl Digest {
    /// What is known by now of all that was asked for since then, in seconds since 1970.
    ///
    /// # Errors
    /// Whatever the store says.
    pub(super) async fn known(
        &self,
        engine: &Engine,
        since: i64,
    ) -> Result<MutexGuard<'_, Known>, StoreError> {
        let mut known = self.0.lock().await;
        if known.since.is_none_or(|known| since < known) {
            *known = Known::default();
        }
        // Whoever asks may go away in the middle. What was read until then stays, and is read once more: how far it
        // was read is noted at the end.
        known.go_on(engine, since).await?;
        Ok(known)
    }
}

impl Known {
    /// Those that ended since then, oldest first.
    pub(super) fn ended_since(&self, since: i64) -> Vec<&Fact> {
        self.facts.values().filter(|fact| fact.ended >= since).collect()
    }

    /// When events of this name happened, by promotion.
    pub(super) fn moments(&self, kind: &str) -> &Moments {
        static NONE: Moments = Moments::new();
        self.moments.get(kind).unwrap_or(&NONE)
    }

    async fn go_on(&mut self, engine: &Engine, since: i64) -> Result<(), StoreError> {
        // Before anything else: what happens meanwhile is read once more, and is the same then.
        let event = engine.last_event().await?;
        let since = self.since.map_or(since, |known| known.min(since));
        let known = self.newest;
        let (mut before, mut newest) = (None, known);
        loop {
            let page = engine.promotions(None, before, PAGE).await?;
            let Some(last) = page.last() else { break };
            before = Some(PromotionNumber(last.number));
            let is_end = last.number <= known
                || requested(last).is_some_and(|at| at.0 < since.saturating_mul(1_000_000))
                || page.len() < PAGE as usize;
            newest = page.first().map_or(newest, |first| newest.max(first.number));
            for view in page.iter().filter(|view| view.number > known) {
                self.note(engine, view);
            }
            if is_end {
                break;
            }
        }
        let over: Vec<u64> = self.open.iter().copied().collect();
        for number in over.into_iter().map(PromotionNumber) {
            if engine.lane_of(number).is_none()
                && let Some(view) = engine.promotion(number).await?
            {
                self.note(engine, &view);
            }
        }
        for kind in COUNTED {
            let from = Moment(since.saturating_mul(1_000_000));
            let found = engine.moments(kind, from, self.event).await?;
            let known = self.moments.entry(kind).or_default();
            for (number, (first, last)) in found {
                let own = known.entry(number).or_insert((first, last));
                *own = (own.0.min(first), own.1.max(last));
            }
        }
        (self.since, self.newest, self.event) = (Some(since), newest, event);
        Ok(())
    }

    fn note(&mut self, engine: &Engine, view: &PromotionView) {
        let Some(fact) = self.fact(engine, view) else {
            self.open.insert(view.number);
            return;
        };
        self.open.remove(&view.number);
        self.facts.insert(view.number, fact);
    }

    /// None of one that has not ended.
    fn fact(&mut self, engine: &Engine, view: &PromotionView) -> Option<Fact> {
        let ended = view.ended_at.as_ref()?.parse::<Timestamp>().ok()?.as_second();
        let created = || {
            let (service, version) =
                (Name::new(&view.service).ok()?, Version::new(&view.release).ok()?);
            engine.created_at(&service, &version)
        };
        Some(Fact {
            number: view.number,
            kind: view.kind,
            outcome: view.outcome,
            service: self.name(&view.service),
            to: self.name(&view.to),
            release: self.name(&view.release),
            replaces: view.replaces.as_ref().map(|name| self.name(name)),
            requested: requested(view)?,
            began: view.started_at.is_some(),
            ended,
            seconds: view.seconds,
            moved: view.evidence.green.requests > 0,
            validates: view.checks.iter().any(|check| check.list == "validation"),
            lead: created()
                .map(|created| seconds(created, Moment(ended.saturating_mul(1_000_000)))),
        })
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}

fn requested(view: &PromotionView) -> Option<Moment> {
    view.requested_at.parse::<Timestamp>().ok().map(|at| Moment(at.as_microsecond()))
}

/// Seconds between two moments.
pub(super) fn seconds(from: Moment, to: Moment) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of some months")]
    let milliseconds = to.since(from).milliseconds() as f64;
    milliseconds / 1_000.0
}
