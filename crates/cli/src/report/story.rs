//! What happened to one promotion, from its events: the times and verdicts that the tree, the lines
//! and the last block tell. Decides nothing and forgets nothing that is told.

use std::collections::BTreeMap;

use towpath_core::check::CheckResult;
use towpath_core::ids::{Digest, Name};
use towpath_core::journal::{Event, Requested};
use towpath_core::plan::Plan;
use towpath_core::promotion::state::{GateList, Outcome};
use towpath_core::units::Timestamp;
use towpath_guard::Verdict;
use towpath_ports::store::EventRow;

/// What happened so far. Begins empty, and takes the events of one promotion in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    /// The promotion as it was asked for.
    pub(crate) requested: Option<Requested>,
    /// When it was asked for.
    pub(crate) requested_at: Option<Timestamp>,
    /// When its prerequisites held and it took the lane.
    pub(crate) started_at: Option<Timestamp>,
    /// When all instances were ready, and how many of how many.
    pub(crate) ready: Option<(Timestamp, usize, u32)>,
    /// When the first weight was ordered, and so validation had passed.
    pub(crate) validated_at: Option<Timestamp>,
    /// What happened at each step.
    pub(crate) steps: BTreeMap<usize, StepStory>,
    /// When and why the guard condemned the release.
    pub(crate) condemned: Option<(Timestamp, Verdict)>,
    /// When the return of the traffic was ordered.
    pub(crate) return_ordered_at: Option<Timestamp>,
    /// When all traffic was back.
    pub(crate) returned_at: Option<Timestamp>,
    /// When the release became what serves.
    pub(crate) committed_at: Option<Timestamp>,
    /// Until when the release before stands by.
    pub(crate) standby: Option<(String, Timestamp)>,
    /// When and how it ended, and why.
    pub(crate) ended: Option<(Timestamp, Outcome, String)>,
    /// What was last said about a check that holds it up, by the check's path.
    pub(crate) held_up: BTreeMap<(GateList, String), String>,
    /// Whether it was asked to take a step again.
    pub(crate) reconciling: bool,
    /// The service, where commands have to name it.
    pub(crate) service: Option<Name>,
    /// Whether the instances were up already, because the release stood by.
    pub(crate) onto_standby: bool,
    last_event: u64,
}

/// What happened at one step.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepStory {
    /// When green was observed to have its share.
    pub(crate) observed_at: Option<Timestamp>,
    /// When it ended well.
    pub(crate) passed_at: Option<Timestamp>,
    /// What was known about it then.
    pub(crate) verdict: Option<Verdict>,
    /// Why its weight was taken, where a budget of harm chose it.
    pub(crate) why: Option<String>,
}

impl Story {
    /// An empty one; `service` where commands have to name it.
    pub(crate) fn of_service(service: Option<Name>) -> Self {
        Self { service, ..Self::default() }
    }

    /// Position of the last event that was taken in; 0 before the first.
    pub(crate) fn last_event(&self) -> u64 {
        self.last_event
    }

    /// Whether the last event of the promotion was taken in.
    pub(crate) fn knows_the_end(&self) -> bool {
        self.ended.is_some()
    }

    /// Takes one event in. One that is not understood (a newer engine's) changes nothing.
    pub(crate) fn apply(&mut self, row: &EventRow) {
        self.last_event = self.last_event.max(row.seq);
        if let Some(event) = event(row) {
            self.happened(row.at, event);
        }
    }

    fn happened(&mut self, at: Timestamp, event: Event) {
        match event {
            Event::PromotionRequested(requested) => {
                self.requested = Some(*requested);
                self.requested_at = Some(at);
            }
            Event::CheckAnswered { key, answer, .. } => {
                let key = (key.list, key.slug);
                if answer.result == CheckResult::Pass {
                    self.held_up.remove(&key);
                } else {
                    self.held_up.insert(key, answer.sentence);
                }
            }
            Event::PromotionStarted { standby, .. } => {
                self.started_at = Some(at);
                self.onto_standby = standby.is_some();
            }
            Event::StandbyGivenUp { .. } => self.onto_standby = false,
            Event::InstancesReady { green, .. } => {
                self.ready = Some((at, green.endpoints.len(), green.capacity));
            }
            Event::WeightOrdered { step, why, .. } => {
                self.validated_at.get_or_insert(at);
                self.reconciling = false;
                if why.is_some() {
                    self.steps.entry(step).or_default().why = why;
                }
            }
            Event::WeightObserved { step, .. } => {
                self.steps.entry(step).or_default().observed_at = Some(at);
            }
            Event::StepPassed { step, verdict, .. } => {
                let own = self.steps.entry(step).or_default();
                own.passed_at = Some(at);
                own.verdict = verdict;
            }
            Event::Condemned { verdict, .. } => self.condemned = Some((at, verdict)),
            Event::ReconciliationBegan { .. } => self.reconciling = true,
            Event::CommitOrdered { .. } => {
                self.validated_at.get_or_insert(at);
            }
            Event::Committed { standby, .. } => {
                self.committed_at = Some(at);
                self.standby = standby.map(|(old, until)| (old.release.version.to_string(), until));
            }
            Event::ReturnOrdered { .. } => self.return_ordered_at = Some(at),
            Event::TrafficReturned { .. } => self.returned_at = Some(at),
            Event::PromotionEnded { outcome, sentence, .. } => {
                self.ended = Some((at, outcome, sentence));
            }
            _ => {}
        }
    }

    /// How long instances took to be ready, in seconds.
    pub(crate) fn start_seconds(&self) -> Option<f64> {
        Some(seconds(self.started_at?, self.ready?.0))
    }

    /// From the order until the release served, in seconds.
    pub(crate) fn switch_seconds(&self) -> Option<f64> {
        Some(seconds(self.requested_at?, self.committed_at?))
    }

    /// Whether the instances were up already, because the release stood by.
    pub(crate) fn stood_by(&self) -> bool {
        self.onto_standby && self.ready.is_some()
    }

    /// How long validation took, in seconds.
    pub(crate) fn validation_seconds(&self) -> Option<f64> {
        Some(seconds(self.ready?.0, self.validated_at?))
    }

    /// How long a step baked, in seconds.
    pub(crate) fn baked_seconds(&self, step: usize) -> Option<f64> {
        let own = self.steps.get(&step)?;
        Some(seconds(own.observed_at?, own.passed_at?))
    }

    /// From the verdict until all traffic was back, in seconds.
    pub(crate) fn reaction_seconds(&self) -> Option<f64> {
        Some(seconds(self.condemned.as_ref()?.0, self.returned_at?))
    }

    /// Whether visitors were ever sent to the release.
    pub(crate) fn had_visitors(&self) -> bool {
        self.steps.values().any(|step| step.observed_at.is_some())
    }
}

/// The event of a row, if this program knows it.
pub(crate) fn event(row: &EventRow) -> Option<Event> {
    serde_json::from_value(row.body.clone()).ok()
}

/// The hash of the plan in a row, as people see it: what the server says, for the plan that it shows is
/// another one where secrets are hidden in it.
pub(crate) fn plan_hash(row: &EventRow, plan: &Plan) -> String {
    let said = row.body.get("plan_hash").cloned();
    let said: Option<Digest> = said.and_then(|it| serde_json::from_value(it).ok());
    said.unwrap_or_else(|| plan.hash()).short().to_owned()
}

/// Seconds between two moments, to the microsecond; zero when they are the other way round.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a promotion stay below 2^52")]
    let microseconds = to.0.saturating_sub(from.0).max(0) as f64;
    microseconds / 1_000_000.0
}
