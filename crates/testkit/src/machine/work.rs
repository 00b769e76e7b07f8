//! What the adapters do when an order reaches them. Each order means *ensure*.

use towpath_core::check::CheckAnswer;
use towpath_core::deployment::Deployment;
use towpath_core::ids::{Epoch, LaneId, Person, PromotionNumber};
use towpath_core::matrix::LaneSpec;
use towpath_core::promotion::command::{Command, CommandOutcome, Order, Route};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::CheckKey;
use towpath_core::units::Weight;

use super::fate::{Course, Fate};
use super::router::{RouteError, Router};
use super::target::Target;
use super::told::Told;
use super::{Happening, World, weight_of};
use crate::simulator::Planted;

impl<F: Fate> World<F> {
    /// An order reached its adapter.
    pub(super) fn carry_out(&mut self, engine: usize, command: &Command, course: Course) {
        if !self.engines[engine].alive && !course.on_the_wire {
            return;
        }
        let lane = command.lane.clone();
        let id = command.id;
        let Some(outcome) = self.effect(engine, command, &course) else { return };
        if self.dies_after_effect {
            self.dies_after_effect = false;
            self.kill(engine);
        }
        for after in course.after {
            let outcome = Box::new(outcome.clone());
            let happening = Happening::Deliver { engine, lane: lane.clone(), command: id, outcome };
            self.push(self.now.plus(after), happening);
        }
    }

    /// What the adapter answers; none when the engine that asked has lost its right to.
    fn effect(
        &mut self,
        engine: usize,
        command: &Command,
        course: &Course,
    ) -> Option<CommandOutcome> {
        let epoch = self.engines[engine].epoch;
        let lane = &command.lane;
        Some(match &command.order {
            Order::AskCheck { promotion, key, check, release, .. } => {
                let word =
                    super::attested::answer(self.disk.project(), lane, check, release, self.now);
                self.answer(*promotion, key, word)
            }
            Order::StartInstances { .. } if !self.is_awaited(engine, command) => {
                // As a stop that overtakes a start, or a restart that runs the outbox again.
                let sentence = "it is not wanted any more".to_owned();
                CommandOutcome::StartFailed { sentence, said: Vec::new() }
            }
            Order::StartInstances { deployment, section, blue, .. } => {
                self.worked(epoch, Epoch(0), command);
                self.start(lane, *deployment, section, blue.as_ref(), course)
            }
            Order::StopInstances { deployment, .. } => {
                self.worked(epoch, Epoch(0), command);
                if let Some(sentence) = &course.failing {
                    return Some(CommandOutcome::StopFailed { sentence: sentence.clone() });
                }
                self.target.stop(lane, *deployment);
                CommandOutcome::Stopped
            }
            Order::SetRoute { route, section } if section.router.is_none() => {
                let (_, weight) = route.candidate.clone().unzip();
                let weight = weight.unwrap_or(Weight::ZERO);
                CommandOutcome::Routed { weight, frozen: false, default_ready: None }
            }
            Order::SetRoute { route, .. } => return self.route(engine, command, route, course),
            Order::OfferRelease { release, to, verified_by } => {
                for environment in to {
                    let order = PromotionOrder {
                        release: Some(release.version.clone()),
                        from: Some(lane.environment.clone()),
                        offered_by: Some(*verified_by),
                        ..PromotionOrder::of(Person::automatic())
                    };
                    let there =
                        LaneId { service: lane.service.clone(), environment: environment.clone() };
                    self.give(engine, &there, Input::PromotionOrdered(order));
                }
                CommandOutcome::Offered
            }
        })
    }

    fn is_awaited(&self, engine: usize, command: &Command) -> bool {
        self.engines[engine].project().lane(&command.lane).awaited().contains(&command.id)
    }

    fn worked(&mut self, epoch: Epoch, newest: Epoch, command: &Command) {
        self.say(Told::Effect { epoch, newest, command: command.clone() });
    }

    /// What a person's word says of a check, or else how it goes.
    fn answer(
        &mut self,
        promotion: PromotionNumber,
        key: &CheckKey,
        word: Option<CheckAnswer>,
    ) -> CommandOutcome {
        let answer = word.unwrap_or_else(|| self.fate.answer(promotion, key, self.now));
        self.say(Told::Answered { promotion, key: key.clone(), result: answer.result });
        CommandOutcome::Checked { answer }
    }

    fn start(
        &mut self,
        lane: &LaneId,
        deployment: PromotionNumber,
        section: &LaneSpec,
        blue: Option<&Deployment>,
        course: &Course,
    ) -> CommandOutcome {
        if let Some(sentence) = &course.failing {
            self.target.start_in_part(lane, deployment, section.instances);
            return CommandOutcome::StartFailed {
                sentence: sentence.clone(),
                said: course.said.clone(),
            };
        }
        self.target.start(lane, deployment, section.instances);
        CommandOutcome::Started {
            endpoints: Target::endpoints(deployment, section.instances),
            blue_ready: blue.is_none_or(|blue| self.target.ready(lane, blue.number) > 0),
        }
    }

    fn route(
        &mut self,
        engine: usize,
        command: &Command,
        route: &Route,
        course: &Course,
    ) -> Option<CommandOutcome> {
        let lane = &command.lane;
        let epoch = self.engines[engine].epoch;
        if let (Some(Planted::WeightNotObserved), Some((_, weight))) =
            (self.planted, &route.candidate)
        {
            let default_ready = None;
            return Some(CommandOutcome::Routed { weight: *weight, frozen: false, default_ready });
        }
        let obeys_stale = self.planted == Some(Planted::StaleEpochObeyed);
        let router = self.routers.entry(lane.clone()).or_insert_with(|| Router {
            in_contact: false,
            last_contact: self.now,
            ..Router::default()
        });
        router.obeys_stale = obeys_stale;
        if self.now < router.silent_until || course.failing.is_some() {
            let sentence = course.failing.clone();
            let sentence = sentence.unwrap_or_else(|| "the router does not answer".to_owned());
            return Some(CommandOutcome::RouteFailed { sentence });
        }
        let newest = router.epoch;
        match router.ensure(epoch, route, self.now) {
            Ok(()) => {}
            Err(RouteError::StaleEpoch) => {
                self.say(Told::Fenced { epoch, command: command.clone() });
                if self.engines[engine].alive {
                    self.kill(engine);
                }
                return None;
            }
            Err(RouteError::Unhealthy) => {
                let sentence = "the router's guard found it unhealthy".to_owned();
                return Some(CommandOutcome::RouteFailed { sentence });
            }
            Err(RouteError::StaleRevision) => {
                let sentence = "the router was ordered something newer".to_owned();
                return Some(CommandOutcome::RouteFailed { sentence });
            }
        }
        let weight = weight_of(lane, router, &self.target);
        let frozen = router.lapsed && router.freeze_on_silence;
        let default_ready = router.default.map(|number| self.target.ready(lane, number));
        let revision = router.revision;
        self.worked(epoch, newest, command);
        self.say(Told::Observed { lane: lane.clone(), revision, weight });
        self.judge_soon(lane);
        Some(CommandOutcome::Routed { weight, frozen, default_ready })
    }
}
