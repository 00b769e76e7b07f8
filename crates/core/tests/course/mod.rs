//! A project that is told what happens, and whose commands go well when they are carried out. Owns no
//! matrix and expects nothing.

use towpath_core::deployment::Endpoint;
use towpath_core::journal::Event;
use towpath_core::matrix::Matrix;
use towpath_core::project::Project;
use towpath_core::promotion::command::{Command, CommandOutcome, Order};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::Promotion;
use towpath_core::promotion::{Decision, decide};
use towpath_core::release::ChangeType;
use towpath_core::units::{Timestamp, Weight};

use crate::declared::{ada, lane_id, release};

pub(crate) struct Course {
    pub(crate) project: Project,
    pub(crate) now: Timestamp,
}

impl Course {
    /// Nothing but the matrix and two releases.
    pub(crate) fn new(matrix: Matrix) -> Self {
        let mut course = Self { project: Project::default(), now: Timestamp(1_000_000_000) };
        let declared = Event::MatrixApplied {
            matrix: Box::new(matrix),
            by: ada(),
            changes: Vec::new(),
            approved: Vec::new(),
            signed: None,
        };
        course.project.apply(None, &declared, course.now);
        for number in 1..=2 {
            let release = Box::new(release(number, ChangeType::Feature, false));
            let created = Event::ReleaseCreated { release, by: ada() };
            course.project.apply(None, &created, course.now);
        }
        course
    }

    /// Gives an input, and nothing of what is commanded is carried out.
    pub(crate) fn give(&mut self, environment: &str, input: &Input) -> Decision {
        let lane = lane_id(environment);
        let decision = decide(&self.project, &lane, input, self.now);
        for event in &decision.events {
            self.project.apply(Some(&lane), event, self.now);
        }
        decision
    }

    /// Gives an input, and a good outcome to every command that follows; answers all that happened.
    pub(crate) fn carry(&mut self, environment: &str, input: Input) -> Vec<Event> {
        let mut happened = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let decision = self.give(environment, &input);
            happened.extend(decision.events);
            inputs.extend(decision.commands.iter().map(good));
        }
        happened
    }

    /// The promotion that is active in `prod`.
    pub(crate) fn prod(&self) -> Option<Promotion> {
        self.project.lane(&lane_id("prod")).active
    }
}

/// Ada orders one of the two releases.
pub(crate) fn order(number: u64) -> Input {
    Input::PromotionOrdered(PromotionOrder {
        release: Some(release(number, ChangeType::Feature, false).version),
        ..PromotionOrder::of(ada())
    })
}

fn good(command: &Command) -> Input {
    let outcome = match &command.order {
        Order::StartInstances { .. } => {
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], 4000));
            let endpoints = vec![Endpoint { instance: 1, address }];
            CommandOutcome::Started { endpoints, blue_ready: true }
        }
        Order::SetRoute { route, .. } => {
            let weight = route.candidate.as_ref().map_or(Weight::ZERO, |(_, weight)| *weight);
            CommandOutcome::Routed { weight, frozen: false, default_ready: Some(1) }
        }
        Order::StopInstances { .. } => CommandOutcome::Stopped,
        Order::AskCheck { .. } | Order::OfferRelease { .. } => CommandOutcome::Offered,
    };
    Input::CommandEnded { command: command.id, outcome }
}
