//! Single decisions that a story cannot single out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod declared;

use declared::{ada, lane_id, matrix, release};
use towpath_core::deployment::Endpoint;
use towpath_core::journal::Event;
use towpath_core::project::Project;
use towpath_core::promotion::command::{Command, CommandOutcome, Order};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::State;
use towpath_core::promotion::{Decision, decide};
use towpath_core::release::ChangeType;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{Evidence, Standing, Verdict};

/// A project whose lane `prod` bakes its second release at the first step.
struct Baking {
    project: Project,
    now: Timestamp,
}

impl Baking {
    fn new() -> Self {
        let mut baking = Self { project: Project::default(), now: Timestamp(1_000_000_000) };
        let declared = Event::MatrixApplied { matrix: Box::new(matrix(0)), by: ada() };
        baking.project.apply(None, &declared, baking.now);
        for number in 1..=2 {
            let release = Box::new(release(number, ChangeType::Feature, false));
            let version = release.version.clone();
            let created = Event::ReleaseCreated { release, by: ada() };
            baking.project.apply(None, &created, baking.now);
            for environment in ["dev", "prod"] {
                let order = PromotionOrder {
                    by: ada(),
                    release: Some(version.clone()),
                    from: None,
                    plan: None,
                    accept_unenforced: Vec::new(),
                    reason: None,
                    offered_by: None,
                };
                baking.carry(environment, Input::PromotionOrdered(order));
            }
        }
        baking
    }

    /// Gives an input, and a good outcome to every command that follows.
    fn carry(&mut self, environment: &str, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let decision = self.give(environment, &input);
            inputs.extend(decision.commands.iter().map(good));
        }
    }

    fn give(&mut self, environment: &str, input: &Input) -> Decision {
        let lane = lane_id(environment);
        let decision = decide(&self.project, &lane, input, self.now);
        for event in &decision.events {
            self.project.apply(Some(&lane), event, self.now);
        }
        decision
    }

    fn prod(&self) -> towpath_core::promotion::state::Promotion {
        self.project.lane(&lane_id("prod")).active.unwrap()
    }
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

fn unhealthy() -> Verdict {
    let sentence = "green failed 9 of 20".to_owned();
    Verdict { standing: Standing::Unhealthy, sentence, evidence: Evidence::default() }
}

#[test]
fn a_verdict_of_harm_that_comes_with_a_wake_up_counts_before_the_bake_ends_and_in_a_pause() {
    for pause in [false, true] {
        let mut baking = Baking::new();
        let number = baking.prod().number;
        assert!(matches!(baking.prod().state, State::Baking { step: 0, .. }));
        if pause {
            baking.give("prod", &Input::PauseOrdered { number, by: ada(), reason: None });
        }
        baking.now = baking.now.plus(Span::seconds(5));
        baking.give("prod", &Input::Woken { verdict: Some(unhealthy()), ask_again: false });
        assert!(matches!(baking.prod().state, State::GoingBack { .. }), "paused: {pause}");
    }
}

#[test]
fn a_paused_reconciliation_waits_for_the_person_and_not_for_the_router() {
    let mut baking = Baking::new();
    let number = baking.prod().number;
    let revision = baking.project.lane(&lane_id("prod")).last_revision;
    let weight = Weight::ZERO;
    baking.give("prod", &Input::RouteObserved { revision, weight });
    baking.give("prod", &Input::PauseOrdered { number, by: ada(), reason: None });
    baking.now = baking.now.plus(Span::hours(2));
    let woken = baking.give("prod", &Input::Woken { verdict: None, ask_again: false });
    assert_eq!(woken.events, []);
    let resumed = baking.give("prod", &Input::ResumeOrdered { number, by: ada() });
    assert!(resumed.events.iter().any(|event| matches!(event, Event::WeightOrdered { .. })));
}
