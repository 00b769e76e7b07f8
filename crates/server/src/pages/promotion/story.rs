//! What the journal says of one promotion, put in order by what it is about. Decides nothing; a newer version's
//! events are left out.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use towpath_core::approvals::Asked;
use towpath_core::deployment::Deployment;
use towpath_core::journal::Event;
use towpath_core::units::Timestamp;
use towpath_engine::views::VerdictView;
use towpath_ports::store::EventRow;

/// One step as it went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) observed: Option<Timestamp>,
    pub(crate) passed: Option<(Timestamp, Option<VerdictView>)>,
    pub(crate) held: Option<String>,
}

/// One promotion as it went.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) events: Vec<(EventRow, Event)>,
    pub(crate) requested: Option<Timestamp>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) approved: Vec<Asked>,
    pub(crate) blue: Option<Deployment>,
    pub(crate) ready: Option<(Timestamp, Deployment)>,
    pub(crate) first_weight: Option<Timestamp>,
    pub(crate) steps: BTreeMap<usize, Step>,
    pub(crate) condemned: Option<(Timestamp, VerdictView)>,
    pub(crate) going_back: Option<(Timestamp, String)>,
    pub(crate) returned: Option<Timestamp>,
    pub(crate) commit_ordered: Option<Timestamp>,
    pub(crate) committed: Option<Timestamp>,
}

impl Story {
    pub(crate) fn of(rows: Vec<EventRow>) -> Self {
        let mut story = Self::default();
        for row in rows {
            if let Ok(event) = Event::deserialize(&row.body) {
                story.take(row.at, &event);
                story.events.push((row, event));
            }
        }
        story
    }

    fn take(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::PromotionRequested(_) => self.requested = Some(at),
            Event::PromotionStarted { blue, approved, .. } => {
                self.approved.clone_from(approved);
                self.started = Some(at);
                self.blue.clone_from(blue);
            }
            Event::InstancesReady { green, .. } => self.ready = Some((at, green.clone())),
            Event::WeightOrdered { .. } => self.first_weight = self.first_weight.or(Some(at)),
            Event::WeightObserved { step, .. } => {
                self.steps.entry(*step).or_default().observed.get_or_insert(at);
            }
            Event::StepPassed { step, verdict, .. } => {
                self.steps.entry(*step).or_default().passed =
                    Some((at, verdict.as_ref().map(VerdictView::from)));
            }
            Event::StepHeld { step, sentence, .. } => {
                self.steps.entry(*step).or_default().held = Some(sentence.clone());
            }
            Event::Condemned { verdict, .. } => self.condemned = Some((at, verdict.into())),
            Event::ReturnOrdered { ending, .. } => {
                self.going_back.get_or_insert((at, ending.sentence.clone()));
            }
            Event::TrafficReturned { .. } => self.returned = Some(at),
            Event::CommitOrdered { .. } => self.commit_ordered = Some(at),
            Event::Committed { .. } => self.committed = Some(at),
            _ => {}
        }
    }

    /// The last step that was taken.
    pub(crate) fn last_step(&self) -> Option<usize> {
        self.steps.iter().rfind(|(_, step)| step.observed.is_some()).map(|(at, _)| *at)
    }
}
