//! Folds events into a promotion that has not ended. Decides nothing.

use crate::check::CheckResult;
use crate::ids::{CommandId, Person, Revision};
use crate::journal::Event;
use crate::plan::Plan;
use crate::promotion::state::{Called, CheckKey, CheckProgress, GateList, Pause, Promotion, State};
use crate::units::{Timestamp, Weight};

impl Promotion {
    pub(super) fn weight_ordered(
        &mut self,
        step: usize,
        (command, revision): (CommandId, Revision),
        why: Option<&String>,
    ) {
        self.had_visitors = true;
        // A step that is taken again is so for the reason that it was taken first.
        if why.is_some() || self.step() != Some(step) {
            self.weight_reason = why.cloned();
        }
        let reconciling_since = self.reconciling_since();
        self.state = State::Shifting { step, command, revision, reconciling_since };
    }

    /// An answer to a question that is not asked any more, or is asked otherwise, is no answer.
    pub(super) fn plan_anew(&mut self, plan: &Plan) {
        let asked = |plan: &Plan, key: &CheckKey| {
            let gate = &plan.section.gate;
            let list = match key.list {
                GateList::Prerequisites => &gate.prerequisites,
                GateList::Validation => &gate.validation,
            };
            list.iter().find(|check| check.slug == key.slug).cloned()
        };
        let before = std::mem::replace(&mut self.plan, plan.clone());
        self.checks.retain(|key, _| {
            let now = asked(&self.plan, key);
            now.is_some() && now == asked(&before, key)
        });
    }

    /// Since when its recorded and observed weights differ; every further try counts from the first.
    pub(in crate::promotion) fn reconciling_since(&self) -> Option<Timestamp> {
        match self.state {
            State::Reconciling { since, .. } => Some(since),
            State::Shifting { reconciling_since, .. } => reconciling_since,
            _ => None,
        }
    }

    /// The time that it was held does not count as bake, and whatever it was waiting for gets its
    /// full time again: a person wants it to go on. Checks that failed are asked again.
    pub(super) fn resume(&mut self, at: Timestamp) {
        if matches!(self.state, State::GoingBack { returned: true, .. }) {
            self.take_up_again(at);
            return;
        }
        let Some(pause) = self.paused.take() else { return };
        self.blue_lost = false;
        let failed = |one: &CheckProgress| {
            one.answer.as_ref().is_some_and(|(answer, _)| answer.result == CheckResult::Fail)
        };
        self.checks.retain(|key, one| key.list == GateList::Prerequisites || !failed(one));
        if pause.by == Person::guard() && self.spoke_against(&pause) {
            self.waived = self.step();
        }
        let held = at.since(pause.since);
        match &mut self.state {
            State::Baking { since, held_since, .. } => {
                *since = since.plus(held);
                *held_since = held_since.map(|_| at);
            }
            State::Reconciling { since, .. } => {
                *since = at;
                self.lent = None;
            }
            State::Shifting { reconciling_since, .. } => {
                *reconciling_since = reconciling_since.map(|_| at);
                self.lent = None;
            }
            _ => {}
        }
    }

    /// Whether the guard called a person for what it would find again at once.
    fn spoke_against(&self, pause: &Pause) -> bool {
        let limit = self.plan.section.rollout.hold_limit;
        let held = matches!(
            self.state,
            State::Baking { held_since: Some(held), .. } if pause.since >= held.plus(limit)
        );
        held || self.is_beyond_budget(pause)
            || self.condemned.is_some()
            || self.irreversible
            || self.blue.is_none()
    }

    /// Whether the time of a step was over by then, and no larger weight kept within the budget of harm.
    fn is_beyond_budget(&self, pause: &Pause) -> bool {
        let State::Baking { step, since, .. } = self.state else { return false };
        let has_budget = self.plan.section.rollout.harm_budget.is_some();
        let declared = self.plan.steps.get(step);
        has_budget && declared.is_some_and(|one| pause.since >= since.plus(one.bake_max))
    }

    /// What it went back to does not answer, and a person wants green to have its share again.
    fn take_up_again(&mut self, at: Timestamp) {
        self.blue_lost = true;
        self.called = None;
        self.lent = None;
        let steps = &self.plan.steps;
        let had = steps.iter().position(|step| step.weight >= self.weight);
        self.state = match had.or(steps.len().checked_sub(1)) {
            Some(step) => State::Reconciling { step, since: at, retry_at: at },
            None => State::Committing {
                command: None,
                revision: Revision(0),
                retry_at: Some(at),
                since: Some(at),
                barred: false,
            },
        };
    }

    pub(super) fn route_changed(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::CommitOrdered { command, revision, barred, .. } => {
                (self.had_visitors, self.held) = (true, None);
                let before = if let State::Committing { since, .. } = self.state {
                    since
                } else {
                    self.called = None;
                    None
                };
                self.state = State::Committing {
                    command: Some(*command),
                    revision: *revision,
                    retry_at: None,
                    since: before.or(Some(at)),
                    barred: *barred,
                };
            }
            Event::ReturnOrdered { command, revision, ending, .. } => {
                (self.paused, self.held) = (None, None);
                let (before, was_returned) =
                    if let State::GoingBack { since, returned, .. } = self.state {
                        (since, returned)
                    } else {
                        self.called = None;
                        (None, false)
                    };
                self.state = State::GoingBack {
                    command: Some(*command),
                    revision: *revision,
                    retry_at: None,
                    since: before.or(Some(at)),
                    ending: ending.clone(),
                    returned: was_returned,
                };
            }
            Event::RouteRetried { retry_at: at, sentence, returned: is_back, .. } => {
                self.router_failed = Some(sentence.clone());
                if let State::GoingBack { returned, .. } = &mut self.state {
                    *returned = *is_back;
                }
                if let State::Committing { command, retry_at, .. }
                | State::GoingBack { command, retry_at, .. } = &mut self.state
                {
                    *command = None;
                    *retry_at = Some(*at);
                }
            }
            Event::PersonCalled { reason, again_at, .. } => {
                self.called = Some(Called { reason: reason.clone(), again_at: *again_at });
            }
            Event::TrafficReturned { .. } => self.weight = Weight::ZERO,
            _ => {}
        }
    }
}
