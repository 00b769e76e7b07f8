//! Asks the sources of a lane's alarms while a release is judged there, and says when one has held for
//! as long as was declared. Owns what a figure and a blindness mean for the verdict; what follows from
//! a verdict is core's.
//!
//! What was seen is kept in memory alone: an engine that starts in the middle begins every duration anew,
//! which can only make an alarm later.

use std::collections::BTreeMap;
use std::sync::Arc;

use towpath_core::deployment::Deployment;
use towpath_core::ids::{LaneId, Name, PromotionNumber};
use towpath_core::matrix::{Alarm, LaneSpec};
use towpath_core::project::Project;
use towpath_core::promotion::state::{Kind, Lane};
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{Look, Standing, Sustained, Verdict};
use towpath_ports::metrics::{Blind, GaugeQuestion, Measured, MetricsSource, fill};
use towpath_ports::threshold::Threshold;

use crate::shared::Shared;
use crate::{asking, judging, masking};

/// What is known of the alarms of one lane.
pub(crate) struct LaneAlarms {
    /// Which deployment they are about.
    deployment: PromotionNumber,
    watched: BTreeMap<Name, Watched>,
}

/// What is known of one alarm.
struct Watched {
    alarm: Alarm,
    /// None before the first question, whose source says how far readings are apart.
    sustained: Option<Sustained>,
    /// When it is asked again.
    next: Timestamp,
    is_asking: bool,
    /// Why nobody can read it; none while the last reading was a figure.
    blind: Option<String>,
}

/// What is judged in a lane, with the alarms that are declared for it.
struct Subject {
    lane: LaneId,
    deployment: Deployment,
    alarms: Vec<Alarm>,
}

/// Asks until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    asking::spawn(shared, due, ask);
}

/// Why alarms of what is judged cannot be read, as a sentence; none when all of them can, or where this
/// deployment is not judged.
pub(crate) fn blindness(
    shared: &Shared,
    lane: &LaneId,
    deployment: PromotionNumber,
) -> Option<String> {
    let declared = shared
        .read(|project| project.lanes.get(lane).and_then(|lane| subject_of(project, lane)))?;
    if declared.deployment.number != deployment {
        return None;
    }
    let known = shared.alarms.lock().expect("no holder of this lock panics");
    let known = known.get(lane).filter(|known| known.deployment == deployment);
    let unread = |alarm: &Alarm| match known.and_then(|known| known.watched.get(&alarm.name)) {
        Some(watched) => watched.blind.clone(),
        None => Some("it was not asked yet".to_owned()),
    };
    let blind = declared.alarms.iter().filter_map(|alarm| Some((alarm, unread(alarm)?)));
    let sentences: Vec<_> = blind
        .map(|(alarm, why)| format!("{} ({}) cannot be read: {why}", alarm.name, alarm.source))
        .collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// What is judged in a lane, if alarms are declared for it.
fn subject_of(project: &Project, lane: &Lane) -> Option<Subject> {
    let (deployment, section) = judged(project, lane)?;
    let alarms = section.rollback.alarms.clone();
    let deployment = deployment.clone();
    (!alarms.is_empty()).then(|| Subject { lane: lane.id.clone(), deployment, alarms })
}

/// What sources are asked about: what has visitors beside blue, or what serves while the release before
/// stands by; with the section that it is judged by.
pub(crate) fn judged<'a>(
    project: &'a Project,
    lane: &'a Lane,
) -> Option<(&'a Deployment, &'a LaneSpec)> {
    if let Some(promotion) = &lane.active {
        // A rollback waits for nobody.
        let is_judged = promotion.may_have_visitors() && promotion.plan.kind == Kind::Promote;
        let green = promotion.green.as_ref().filter(|_| is_judged)?;
        return Some((green, &promotion.plan.section));
    }
    lane.standby.as_ref()?;
    let (_, section) = project.common.matrix.as_ref()?.lane(&lane.id)?;
    Some((&lane.serving.as_ref()?.deployment, section))
}

/// Which alarms are asked now, one question at a time each; forgets what is judged no more.
fn due(shared: &Shared) -> Vec<(Arc<Subject>, Alarm)> {
    let now = shared.now();
    let subjects: Vec<_> = shared.read(|project| {
        project.lanes.values().filter_map(|lane| subject_of(project, lane)).collect()
    });
    let mut found = Vec::new();
    let mut known = shared.alarms.lock().expect("no holder of this lock panics");
    known.retain(|lane, _| subjects.iter().any(|subject| subject.lane == *lane));
    for subject in subjects.into_iter().map(Arc::new) {
        let deployment = subject.deployment.number;
        let lane = known
            .entry(subject.lane.clone())
            .or_insert_with(|| LaneAlarms { deployment, watched: BTreeMap::new() });
        lane.follow(&subject, now);
        for watched in lane.watched.values_mut() {
            if !watched.is_asking && watched.next <= now {
                watched.is_asking = true;
                found.push((Arc::clone(&subject), watched.alarm.clone()));
            }
        }
    }
    found
}

impl LaneAlarms {
    /// Begins anew what is about another deployment, or declared in another way.
    fn follow(&mut self, subject: &Subject, now: Timestamp) {
        if self.deployment != subject.deployment.number {
            self.deployment = subject.deployment.number;
            self.watched.clear();
        }
        self.watched.retain(|_, watched| subject.alarms.contains(&watched.alarm));
        for alarm in &subject.alarms {
            self.watched.entry(alarm.name.clone()).or_insert_with(|| Watched {
                alarm: alarm.clone(),
                sustained: None,
                next: now,
                is_asking: false,
                blind: Some("it was not asked yet".to_owned()),
            });
        }
    }
}

/// Asks one alarm's source once, and says so when the release is to go back.
async fn ask(shared: Arc<Shared>, (subject, alarm): (Arc<Subject>, Alarm)) {
    let begun = shared.now();
    let (read, every, longest_gap) = match shared.setup.adapters.metrics(&alarm.adapter) {
        Ok(source) => {
            let pace = source.pace();
            let every = pace.every.faster(shared.setup.speed);
            let apart = pace.stale_after.0.saturating_add(pace.timeout.0);
            let gap = Span(apart.saturating_add(every.0.saturating_mul(2)));
            (read(&shared, &subject, &alarm, source.as_ref()).await, every, gap)
        }
        Err(why) => (Err(Blind::Refused(why)), Span::minutes(1), Span::minutes(1)),
    };
    let rang = note(&shared, &subject, &alarm, &read, (begun.plus(every), longest_gap));
    let (true, Ok((measured, threshold))) = (rang, &read) else { return };
    let figures = threshold.beside(measured.value);
    let Alarm { name, held_for, source, .. } = &alarm;
    let sentence = format!("{name} was {figures} for {held_for} ({source})");
    let lane = &subject.lane;
    let evidence = judging::verdict_now(&shared, lane).map(|verdict| verdict.evidence);
    let verdict =
        Verdict { standing: Standing::Unhealthy, sentence, evidence: evidence.unwrap_or_default() };
    judging::say_unhealthy(&shared, lane, subject.deployment.number, verdict).await;
}

async fn read(
    shared: &Shared,
    subject: &Subject,
    alarm: &Alarm,
    source: &dyn MetricsSource,
) -> Result<(Measured, Threshold), Blind> {
    let threshold: Threshold = alarm.is.parse().map_err(Blind::Refused)?;
    let query = fill(&alarm.query, &subject.lane, &subject.deployment);
    let question = GaugeQuestion { query, now: shared.now() };
    let measured = asking::within(source.pace().timeout, source.gauge(&question)).await;
    let measured = measured.map_err(|why| masking::blind(&shared.setup.known.masker(), why))?;
    if measured.value.is_finite() {
        Ok((measured, threshold))
    } else {
        Err(Blind::NotANumber(measured.value.to_string()))
    }
}

/// Notes one reading, if it is still about what is judged; answers whether the alarm has now held for as
/// long as was declared.
fn note(
    shared: &Shared,
    subject: &Subject,
    alarm: &Alarm,
    read: &Result<(Measured, Threshold), Blind>,
    (next, longest_gap): (Timestamp, Span),
) -> bool {
    let (lane, name) = (&subject.lane, &alarm.name);
    let mut known = shared.alarms.lock().expect("no holder of this lock panics");
    let known = known.get_mut(lane).filter(|it| it.deployment == subject.deployment.number);
    let watched = known.and_then(|known| known.watched.get_mut(name));
    let Some(watched) = watched.filter(|watched| watched.alarm == *alarm) else { return false };
    watched.is_asking = false;
    watched.next = next;
    let was_blind = watched.blind.is_some();
    watched.blind = read.as_ref().err().map(ToString::to_string);
    match &watched.blind {
        Some(why) if !was_blind => tracing::warn!(%lane, alarm = %name, why, "an alarm is blind"),
        None if was_blind => tracing::info!(%lane, alarm = %name, "an alarm is read"),
        Some(_) | None => {}
    }
    let look = match read {
        Ok((measured, threshold)) if threshold.holds(measured.value) == Some(true) => {
            Look::Holds(microseconds(measured.at))
        }
        Ok(_) => Look::Clear,
        Err(_) => Look::Blind(microseconds(shared.now())),
    };
    let sustained = watched.sustained.get_or_insert_with(|| {
        let milliseconds = |span: Span| span.milliseconds().saturating_mul(1000);
        Sustained::new(milliseconds(alarm.held_for), milliseconds(longest_gap))
    });
    sustained.observe(look)
}

fn microseconds(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0)
}
