//! Asks the source of a lane's counts, interval by interval, while a release is judged there, and hands
//! them to a guard of their own. Owns which interval is evidence and what a blindness means; what counts
//! prove is the guard's.
//!
//! Evidence is kept in memory alone: an engine that starts in the middle begins anew, with a tenth of the
//! chance of a false alarm that it had before.

use std::sync::Arc;

use towpath_core::deployment::Deployment;
use towpath_core::guarding::{self, CountsFrom};
use towpath_core::ids::{LaneId, PromotionNumber};
use towpath_core::project::Project;
use towpath_core::promotion::state::{Lane, State};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{IntervalGuard, Policy, Verdict};
use towpath_ports::metrics::{Blind, Counted, CountsQuestion, MetricsSource};

use crate::shared::Shared;
use crate::{alarms, asking, judging, masking};

/// Answers in a row that are none, after which the interval that nobody knows is given up.
const TRIES: u32 = 3;
/// Of so many entries one may be unreadable: more could hide what is looked for, which is about one
/// failure in a hundred.
const READ_OF_ONE_UNREAD: u64 = 100;

/// What is known from the counts of one lane.
pub(crate) struct LaneCounts {
    /// Which deployment they are about, and who was asked.
    about: (PromotionNumber, CountsFrom),
    guard: IntervalGuard,
    /// The stretch of time in which the interval under way lies; none while weights move.
    stretch: Option<Stretch>,
    /// Where the interval under way begins.
    from: Timestamp,
    /// When it is asked again.
    next: Timestamp,
    is_asking: bool,
    /// Answers in a row that are none.
    failed: u32,
    /// Why nobody can read them; none while the last answer was whole.
    blind: Option<String>,
}

/// A stretch of time in which every toss said green with the same probability.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    since: Timestamp,
    green_probability: f64,
}

/// What is judged in a lane by whose counts.
#[derive(Clone)]
struct Subject {
    lane: LaneId,
    green: Deployment,
    blue: Option<Deployment>,
    from: CountsFrom,
    policy: Policy,
    stretch: Option<Stretch>,
}

impl Subject {
    fn about(&self) -> (PromotionNumber, CountsFrom) {
        (self.green.number, self.from.clone())
    }
}

/// One question to one source.
struct Question {
    subject: Subject,
    stretch: Stretch,
    source: Arc<dyn MetricsSource>,
    from: Timestamp,
    until: Timestamp,
}

/// Asks until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    asking::spawn(shared, due, ask);
}

/// Why the counts of what is judged cannot be read, as a sentence; none when they can, or where this
/// deployment is not judged by any.
pub(crate) fn blindness(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
) -> Option<String> {
    let subject = subject_now(shared, lane)?;
    if subject.green.number != deployment {
        return None;
    }
    let known = shared.counting.lock().expect("no holder of this lock panics");
    let why = match known.get(lane).filter(|known| known.about == subject.about()) {
        Some(known) => known.blind.clone()?,
        None => "nothing was counted yet".to_owned(),
    };
    Some(format!("counts of {} cannot be read: {why}", subject.from.source))
}

fn subjects(shared: &Shared) -> Vec<Subject> {
    let speed = shared.setup.speed;
    shared.read(|project| {
        project.lanes.values().filter_map(|lane| subject_of(project, lane, speed)).collect()
    })
}

fn subject_now(shared: &Shared, lane: &LaneId) -> Option<Subject> {
    let speed = shared.setup.speed;
    shared.read(|project| subject_of(project, project.lanes.get(lane)?, speed))
}

fn subject_of(project: &Project, lane: &Lane, speed: u32) -> Option<Subject> {
    let (green, section) = alarms::judged(project, lane)?;
    let from = section.guard.counts.clone()?;
    let (blue, attempt, since, stretch) = if let Some(promotion) = &lane.active {
        let since = promotion.started_at.unwrap_or_default();
        let attempt = guarding::attempt(lane, &promotion.plan.release, since);
        let green_probability = promotion.weight.share();
        let stretch = match promotion.state {
            State::Baking { since, .. } => Some(Stretch { since, green_probability }),
            _ => None,
        };
        (promotion.blue.clone(), attempt, since, stretch)
    } else {
        let (since, standby) = (lane.serving.as_ref()?.since, lane.standby.as_ref()?);
        let holdback = standby.holdback.as_ref().filter(|it| it.has_visitors());
        let held_back = holdback.map(|it| it.observed.share());
        let green_probability = 1.0 - held_back.unwrap_or(0.0);
        let blue = held_back.map(|_| standby.deployment.clone());
        (blue, 1, since, Some(Stretch { since, green_probability }))
    };
    let starts = project.common.starts_since(since);
    let share = guarding::after_starts(section.guard.counts_share(), starts);
    let policy = guarding::policy(section, attempt, share, speed);
    Some(Subject { lane: lane.id.clone(), green: green.clone(), blue, from, policy, stretch })
}

/// Which questions are asked now, one for a lane at a time; forgets what is judged no more.
fn due(shared: &Shared) -> Vec<Question> {
    let (now, subjects) = (shared.now(), subjects(shared));
    let mut known = shared.counting.lock().expect("no holder of this lock panics");
    known.retain(|lane, _| subjects.iter().any(|subject| subject.lane == *lane));
    let mut found = Vec::new();
    for subject in subjects {
        let lane = known.entry(subject.lane.clone()).or_insert_with(|| LaneCounts::of(&subject));
        if lane.about != subject.about() {
            *lane = LaneCounts::of(&subject);
        }
        match shared.setup.adapters.metrics(&subject.from.adapter) {
            Ok(source) => found.extend(lane.question(subject, source, now, shared.setup.speed)),
            Err(why) => lane.blind = Some(why),
        }
    }
    found
}

impl LaneCounts {
    fn of(subject: &Subject) -> Self {
        Self {
            about: subject.about(),
            guard: IntervalGuard::new(&subject.policy),
            stretch: None,
            from: Timestamp(0),
            next: Timestamp(0),
            is_asking: false,
            failed: 0,
            blind: Some("nothing was counted yet".to_owned()),
        }
    }

    /// The question that is due. What began under another weight and ends under this one is no evidence,
    /// so that an interval begins one interval after the weight, and after the warm-up.
    fn question(
        &mut self,
        subject: Subject,
        source: Arc<dyn MetricsSource>,
        now: Timestamp,
        speed: u32,
    ) -> Option<Question> {
        let pace = source.pace();
        let every = pace.every.faster(speed);
        if self.stretch != subject.stretch {
            let settling = every.max(Span(subject.policy.warm_up_us / 1000));
            // A stretch that was not seen to begin is asked for from now on, and no further back.
            let begun = if self.stretch.is_some() { now } else { now.minus(settling) };
            self.stretch = subject.stretch;
            self.from = subject.stretch?.since.max(begun).plus(settling);
            self.failed = 0;
        }
        let stretch = self.stretch?;
        let until = now.minus(pace.late);
        if self.is_asking || now < self.next || until < self.from.plus(every) {
            return None;
        }
        self.is_asking = true;
        self.next = now.plus(every);
        Some(Question { subject, stretch, source, from: self.from, until })
    }

    /// Takes one answer in; answers the verdict if it is the one that decides.
    fn take(
        &mut self,
        (from, until): (Timestamp, Timestamp),
        stretch: Stretch,
        answer: &Result<Counted, Blind>,
    ) -> Option<Verdict> {
        self.is_asking = false;
        let is_current = self.stretch == Some(stretch) && self.from == from;
        let blind = match answer {
            Ok(counted) => too_much_unread(counted),
            Err(blind) => Some(blind.to_string()),
        };
        self.blind.clone_from(&blind);
        if !is_current {
            return None;
        }
        if blind.is_some() {
            self.failed += 1;
            if self.failed >= TRIES {
                (self.from, self.failed) = (until, 0);
            }
            return None;
        }
        (self.from, self.failed) = (until, 0);
        let counted = answer.as_ref().ok()?;
        let was_known = self.guard.finding().is_some();
        self.guard.observe(&counted.counts, Some(stretch.green_probability));
        self.guard.unhealthy().filter(|_| !was_known)
    }
}

/// Why an answer says too little: each entry that could not be read may have been a failure.
fn too_much_unread(counted: &Counted) -> Option<String> {
    let read = counted.counts.green.requests.saturating_add(counted.counts.blue.requests);
    let unread = counted.unread;
    if unread.saturating_mul(READ_OF_ONE_UNREAD) <= read {
        return None;
    }
    let first = counted.first_unread.as_deref().unwrap_or("an entry");
    Some(format!("{unread} entries beside {read} requests are unreadable; the first: {first}"))
}

/// Asks a source once, and says so when the release is to go back.
async fn ask(shared: Arc<Shared>, question: Question) {
    let Question { subject, stretch, source, from, until } = question;
    let asked = CountsQuestion {
        lane: subject.lane.clone(),
        green: subject.green.clone(),
        blue: subject.blue.clone(),
        from,
        until,
        now: shared.now(),
    };
    let answer = asking::within(source.pace().timeout, source.counts(&asked)).await;
    let answer = answer.map_err(|why| masking::blind(&shared.setup.known.masker(), why));
    let lane = &subject.lane;
    let verdict = {
        let mut known = shared.counting.lock().expect("no holder of this lock panics");
        let known = known.get_mut(lane).filter(|known| known.about == subject.about());
        let Some(known) = known else { return };
        let was_blind = known.blind.is_some();
        let verdict = known.take((from, until), stretch, &answer);
        match &known.blind {
            Some(why) if !was_blind => tracing::warn!(%lane, why, "counts are blind"),
            None if was_blind => tracing::info!(%lane, "counts are read"),
            Some(_) | None => {}
        }
        verdict
    };
    let Some(verdict) = verdict else { return };
    let sentence = format!("by counts of {}: {}", subject.from.source, verdict.sentence);
    let verdict = Verdict { sentence, ..verdict };
    judging::say_unhealthy(&shared, lane, subject.green.number, verdict).await;
}
