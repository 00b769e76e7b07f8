//! Folds events into a lane. Decides nothing: what an event says is so.

mod promotion;
mod trouble;

use std::collections::BTreeSet;

use towpath_guard::Verdict;

use crate::approvals::{Approval, MOST_KEPT, Word};
use crate::check::CheckAnswer;
use crate::deployment::Deployment;
use crate::ids::{CommandId, Digest, PromotionNumber, Revision};
use crate::journal::{Event, Requested};
use crate::promotion::state::{
    Ask, CheckKey, CheckProgress, Ended, HoldbackEnd, Kind, Lane, Outcome, Owed, Pace, Pause,
    Promotion, Quarantine, REMEMBERED, Serving, Standby, State, Verified,
};
use crate::units::{Timestamp, Weight};

impl Lane {
    /// What is so after `event`, which happened at `at`. Events of the project change nothing here.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        if let Some(signed) = event.signed().filter(|_| !event.is_of_project()) {
            self.taken.note(signed, at);
        }
        self.note_order(event);
        self.note_trouble(event, at);
        match event {
            Event::PromotionRequested(requested) => self.requested(requested, at),
            Event::CheckAsked { number, key, command } => {
                self.check_asked(*number, key, *command, at);
            }
            Event::CheckAnswered { number, key, answer, ask_again_at } => {
                self.check_answered(*number, key, answer, *ask_again_at, at);
            }
            Event::AnswerWithdrawn { .. } | Event::PromotionDoubted { .. } => {
                self.evidence_fell(event);
            }
            Event::PromotionStarted { number, .. } => self.started(*number, event, at),
            Event::Committed { number, deployment, standby } => {
                self.answer_asks(|kind, began_before| kind == Kind::Rollback || began_before);
                self.committed(*number, deployment, standby.as_ref(), at);
                self.verify(*number, at);
            }
            Event::StopOrdered { .. }
            | Event::StopFailed { .. }
            | Event::InstancesStopped { .. } => {
                self.stopping_changed(event);
            }
            Event::StandbyEnded { .. } => self.standby = None,
            Event::HoldbackChanged { holdback, .. } => {
                if let Some(standby) = &mut self.standby {
                    standby.holdback = holdback.as_deref().cloned();
                }
            }
            Event::PromotionEnded { number, outcome, .. } => self.end(*number, *outcome, at),
            Event::RollbackAsked { reason } => {
                self.asks = Some(Ask { reason: reason.clone(), since: at });
                self.remembered = None;
            }
            Event::OwnersTold(told) => self.remember_owners((**told).clone()),
            Event::ReasonGiven { number, .. } => self.owed.retain(|owed| owed.number != *number),
            Event::ApprovalGiven { approval, .. } => self.agreed(approval, at),
            Event::DebtIncurred(_) | Event::DebtSettled(_) | Event::DebtOverdue { .. } => {
                self.debts_changed(event, at);
            }
            Event::Reminded { number } => {
                let mut all = self.active.iter_mut().chain(&mut self.waiting);
                if let Some(one) = all.find(|one| one.number == *number) {
                    one.reminded_at = Some(at);
                }
            }
            Event::RollbackRemembered(remembered) => self.remembered = Some(remembered.clone()),
            Event::ReleaseQuarantined { .. }
            | Event::QuarantineLifted { .. }
            | Event::VerificationWithdrawn { .. } => self.trust_changed(event, at),
            other => {
                // What was asked about a release that is on its way is answered by its return.
                let returns = matches!(other, Event::ReturnOrdered { .. });
                let goes = |one: &Promotion| matches!(one.state, State::GoingBack { .. });
                if returns && !self.active.as_ref().is_some_and(goes) {
                    self.answer_asks(|kind, before| kind == Kind::Promote && !before);
                }
                if let Event::PlanChanged { number, .. } = other {
                    self.forget_words_of(*number);
                }
                self.active_changed(other, at);
            }
        }
    }

    fn committed(
        &mut self,
        number: PromotionNumber,
        deployment: &Deployment,
        standby: Option<&(Deployment, Timestamp)>,
        at: Timestamp,
    ) {
        let before = self.serving.take();
        self.standby = standby.map(|(deployment, until)| Standby {
            deployment: deployment.clone(),
            until: *until,
            holdback: None,
            settings: before.and_then(|before| before.settings),
        });
        let settings = self.active.as_ref().map(|promotion| promotion.plan.settings());
        let deployment = deployment.clone();
        self.serving = Some(Serving { deployment, promotion: number, since: at, settings });
    }

    fn stopping_changed(&mut self, event: &Event) {
        match event {
            Event::StopOrdered { deployment, command } => {
                self.stop_again.remove(deployment);
                self.stopping.insert(*deployment, *command);
            }
            Event::StopFailed { deployment, retry_at, .. } => {
                self.stopping.remove(deployment);
                self.stop_again.insert(*deployment, *retry_at);
            }
            Event::InstancesStopped { deployment } => {
                self.stopping.remove(deployment);
            }
            _ => {}
        }
    }

    /// Forgets what a trigger asked, if that is answered by the promotion under way: given its kind, and
    /// whether it was asked before that promotion began.
    fn answer_asks(&mut self, is_answered: impl Fn(Kind, bool) -> bool) {
        let (Some(ask), Some(promotion)) = (&self.asks, &self.active) else { return };
        let before = promotion.started_at.is_some_and(|began| ask.since < began);
        if is_answered(promotion.plan.kind, before) {
            self.asks = None;
        }
    }

    fn requested(&mut self, requested: &Requested, at: Timestamp) {
        if requested.plan.kind == Kind::Rollback {
            self.remembered = None;
            if requested.reason.is_none() {
                let (number, by) = (requested.number, requested.by.clone());
                let (release, reminded_at) = (Some(requested.plan.release.clone()), None);
                self.owed.push(Owed { number, by, since: at, release, reminded_at });
                let gone = self.owed.len().saturating_sub(REMEMBERED);
                self.owed.drain(..gone);
            }
        }
        self.waiting.push(requested_now(requested, at));
    }

    fn agreed(&mut self, approval: &Approval, at: Timestamp) {
        let Approval { by, plan, agrees, .. } = approval;
        self.words.retain(|word| word.by != *by || word.plan != *plan);
        if *agrees {
            self.words.push(Word { by: by.clone(), plan: plan.clone(), at });
            let gone = self.words.len().saturating_sub(MOST_KEPT);
            self.words.drain(..gone);
        }
    }

    fn note_order(&mut self, event: &Event) {
        let (command, revision) = match event {
            Event::CheckAsked { command, .. }
            | Event::PromotionStarted { command, .. }
            | Event::StandbyGivenUp { command, .. }
            | Event::StopOrdered { command, .. }
            | Event::ReleaseOffered { command, .. } => (*command, None),
            Event::WeightOrdered { command, revision, .. }
            | Event::CommitOrdered { command, revision, .. }
            | Event::ReturnOrdered { command, revision, .. } => (*command, Some(*revision)),
            Event::HoldbackChanged { holdback: Some(holdback), .. } => match &holdback.ending {
                Some(HoldbackEnd { command: Some(command), revision, .. }) => {
                    (*command, Some(*revision))
                }
                _ => return,
            },
            _ => return,
        };
        self.last_command = self.last_command.max(command);
        self.last_revision = self.last_revision.max(revision.unwrap_or(Revision(0)));
    }

    fn evidence_fell(&mut self, event: &Event) {
        let promotion = event.promotion().and_then(|number| self.find_mut(number));
        let Some(promotion) = promotion else { return };
        match event {
            Event::AnswerWithdrawn { key, .. } => drop(promotion.checks.remove(key)),
            Event::PromotionDoubted { digest, .. } => {
                promotion.doubts.insert(digest.clone());
            }
            _ => {}
        }
    }

    fn trust_changed(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::ReleaseQuarantined { release, number, reason, settings } => {
                self.forget_verified(&release.digest, settings.as_ref());
                self.quarantined.retain(|one| {
                    one.release.digest != release.digest
                        || (settings.is_some() && one.settings != *settings)
                });
                self.quarantined.push(Quarantine {
                    release: release.clone(),
                    promotion: *number,
                    reason: reason.clone(),
                    since: at,
                    settings: settings.clone(),
                });
            }
            Event::QuarantineLifted { digest, .. } => {
                self.quarantined.retain(|quarantine| quarantine.release.digest != *digest);
            }
            Event::VerificationWithdrawn { digest, settings, .. } => {
                self.forget_verified(digest, settings.as_ref());
            }
            _ => {}
        }
    }

    /// Under these settings alone, or under any where none are named.
    fn forget_verified(&mut self, digest: &Digest, settings: Option<&Digest>) {
        self.verified.retain(|one| {
            one.release.digest != *digest
                || (settings.is_some() && one.settings.as_ref() != settings)
        });
    }

    fn find_mut(&mut self, number: PromotionNumber) -> Option<&mut Promotion> {
        self.active.iter_mut().chain(&mut self.waiting).find(|promotion| promotion.number == number)
    }

    fn check_asked(
        &mut self,
        number: PromotionNumber,
        key: &CheckKey,
        command: CommandId,
        at: Timestamp,
    ) {
        let Some(promotion) = self.find_mut(number) else { return };
        let progress = promotion.checks.entry(key.clone()).or_insert_with(unasked);
        progress.asking = Some(command);
        progress.asked_at = Some(at);
        progress.ask_again_at = None;
        progress.asked += 1;
    }

    fn check_answered(
        &mut self,
        number: PromotionNumber,
        key: &CheckKey,
        answer: &CheckAnswer,
        ask_again_at: Option<Timestamp>,
        at: Timestamp,
    ) {
        let Some(promotion) = self.find_mut(number) else { return };
        let progress = promotion.checks.entry(key.clone()).or_insert_with(unasked);
        progress.asking = None;
        // The output is in the journal; the state that every turn saves stays small.
        let kept = CheckAnswer { output: None, ..answer.clone() };
        progress.answer = Some((kept, at));
        progress.ask_again_at = ask_again_at;
    }

    fn started(&mut self, number: PromotionNumber, event: &Event, at: Timestamp) {
        let Event::PromotionStarted { command, blue, standby, .. } = event else { return };
        let position = self.waiting.iter().position(|promotion| promotion.number == number);
        let Some(position) = position else { return };
        let mut promotion = self.waiting.remove(position);
        promotion.started_at = Some(at);
        promotion.blue.clone_from(blue);
        promotion.standby = *standby;
        promotion.state = State::Starting { command: *command };
        self.active = Some(promotion);
    }

    fn verify(&mut self, number: PromotionNumber, at: Timestamp) {
        let Some(promotion) = self.active.as_ref() else { return };
        let release = promotion.plan.release.clone();
        let (name, declared) = (promotion.plan.settings(), promotion.plan.section.settings.clone());
        let is_back = promotion.plan.kind == Kind::Rollback;
        let mut evidence: BTreeSet<Digest> = promotion.rests_on().cloned().collect();
        self.verified.retain(|one| {
            let is_other = one.release.digest != release.digest
                || one.settings.as_ref().is_some_and(|settings| *settings != name);
            // A rollback asks little; what it returns to rests on what was found when it first came.
            if !is_other && is_back {
                evidence.extend(one.evidence.iter().cloned());
            }
            is_other
        });
        self.known_settings.insert(name.clone(), declared);
        let settings = Some(name);
        self.verified.push(Verified { release, promotion: number, at, evidence, settings });
        self.forget_settings();
    }

    /// Settings that nothing may return to are not kept.
    fn forget_settings(&mut self) {
        let serving = self.serving.iter().filter_map(|one| one.settings.as_ref());
        let standby = self.standby.iter().filter_map(|one| one.settings.as_ref());
        let verified = self.verified.iter().filter_map(|one| one.settings.as_ref());
        let needed: BTreeSet<Digest> = serving.chain(standby).chain(verified).cloned().collect();
        self.known_settings.retain(|digest, _| needed.contains(digest));
    }

    /// What was said to its plan was said to that, and to this promotion: not to another plan, should
    /// it come back, nor to another try.
    fn forget_words_of(&mut self, number: PromotionNumber) {
        if self.words.is_empty() {
            return;
        }
        let plan = self.promotion(number).map(|promotion| promotion.plan.hash());
        self.words.retain(|word| Some(&word.plan) != plan.as_ref());
    }

    fn end(&mut self, number: PromotionNumber, outcome: Outcome, at: Timestamp) {
        self.forget_words_of(number);
        let ended = if self.active.as_ref().is_some_and(|promotion| promotion.number == number) {
            self.active.take()
        } else {
            let position = self.waiting.iter().position(|promotion| promotion.number == number);
            position.map(|position| self.waiting.remove(position))
        };
        let Some(promotion) = ended else { return };
        let settings = promotion.plan.is_settings_alone().then(|| promotion.plan.settings());
        self.ended.push(Ended {
            settings,
            number,
            kind: promotion.plan.kind,
            release: promotion.plan.release,
            outcome,
            at,
            offered_by: promotion.offered_by,
            requested_at: Some(promotion.requested_at),
            trace: promotion.trace,
        });
        if self.ended.len() > REMEMBERED {
            self.ended.remove(0);
        }
    }

    fn active_changed(&mut self, event: &Event, at: Timestamp) {
        let Some(number) = event.promotion() else { return };
        let Some(promotion) = self.find_mut(number) else { return };
        match event {
            Event::PlanChanged { plan, .. } => promotion.plan_anew(plan),
            Event::StandbyGivenUp { command, sentence, .. } => {
                promotion.standby = None;
                promotion.standby_failed = Some(sentence.clone());
                promotion.state = State::Starting { command: *command };
            }
            Event::InstancesReady { green, blue_ready, .. } => {
                promotion.green = Some(green.clone());
                if !blue_ready {
                    promotion.blue = None;
                }
                promotion.state = State::Validating;
            }
            Event::WeightOrdered { step, command, revision, why, .. } => {
                promotion.weight_ordered(*step, (*command, *revision), why.as_ref());
            }
            Event::WeightObserved { step, weight, .. } => {
                if let State::Shifting { revision, .. } = promotion.state {
                    promotion.lent = Some(revision);
                }
                promotion.weight = *weight;
                promotion.router_failed = None;
                promotion.pace.get_or_insert(Pace { since: at, requests: 0 });
                promotion.state = State::Baking { step: *step, since: at, held_since: None };
            }
            Event::StepPassed { verdict: Some(Verdict { evidence, .. }), .. } => {
                let requests = evidence.green_requests + evidence.blue_requests;
                promotion.pace = Some(Pace { since: at, requests });
            }
            Event::BlueLost { .. } => promotion.blue_lost = true,
            Event::StepHeld { step, .. } => {
                if let State::Baking { since, .. } = promotion.state {
                    promotion.state = State::Baking { step: *step, since, held_since: Some(at) };
                }
            }
            Event::Condemned { verdict, .. } => {
                promotion.condemned = Some(verdict.sentence.clone());
            }
            Event::ReconciliationBegan { step, weight, retry_at, sentence, .. } => {
                if promotion.weight != *weight {
                    promotion.lent = None;
                }
                promotion.weight = *weight;
                promotion.router_failed = Some(sentence.clone());
                let since = promotion.reconciling_since().unwrap_or(at);
                promotion.state = State::Reconciling { step: *step, since, retry_at: *retry_at };
            }
            Event::PromotionPaused { by, reason, until, .. } => {
                let since = promotion.paused.as_ref().map_or(at, |pause| pause.since);
                let (by, reason) = (by.clone(), reason.clone());
                promotion.paused = Some(Pause { by, reason, since, until: *until });
            }
            Event::RolloutHeld { .. } | Event::RolloutReleased { .. } => {
                promotion.hold_changed(event, at);
            }
            Event::PromotionResumed { .. } => promotion.resume(at),
            Event::CommitOrdered { .. }
            | Event::ReturnOrdered { .. }
            | Event::RouteRetried { .. }
            | Event::PersonCalled { .. }
            | Event::TrafficReturned { .. } => promotion.route_changed(event, at),
            _ => {}
        }
    }
}

fn requested_now(requested: &Requested, at: Timestamp) -> Promotion {
    Promotion {
        number: requested.number,
        plan: requested.plan.clone(),
        from: requested.from.clone(),
        offered_by: requested.offered_by,
        by: requested.by.clone(),
        behind: requested.behind.clone(),
        reason: requested.reason.clone(),
        requested_at: at,
        trace: requested.trace,
        reminded_at: None,
        started_at: None,
        approved: Vec::new(),
        checks: std::collections::BTreeMap::new(),
        doubts: std::collections::BTreeSet::new(),
        blue: None,
        standby: None,
        standby_failed: None,
        green: None,
        weight: Weight::ZERO,
        lent: None,
        irreversible: requested.irreversible,
        bound_to_plan: requested.bound_to_plan,
        blue_lost: false,
        had_visitors: false,
        weight_reason: None,
        pace: None,
        state: State::Waiting { deadline: requested.deadline },
        paused: None,
        held: None,
        overrides_window: requested.overrides_window,
        condemned: None,
        waived: None,
        router_failed: None,
        called: None,
    }
}

fn unasked() -> CheckProgress {
    CheckProgress { asking: None, asked_at: None, answer: None, ask_again_at: None, asked: 0 }
}
