//! Whatever happens in whatever order, these hold. A small shell around `decide` gives it arbitrary
//! inputs, late, repeated, wrong and unknown outcomes among them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod declared;

use std::collections::{BTreeMap, BTreeSet};

use declared::{ada, lane_id, matrix, release};
use proptest::prelude::*;
use towpath_core::check::{CheckAnswer, CheckResult};
use towpath_core::deployment::Endpoint;
use towpath_core::ids::{CommandId, LaneId, Person, PromotionNumber, Revision};
use towpath_core::journal::Event;
use towpath_core::matrix::Signal;
use towpath_core::project::Project;
use towpath_core::promotion::command::{Command, CommandOutcome, Order};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::promotion::state::{CheckKey, GateList, Kind, Lane};
use towpath_core::promotion::{Decision, PASS_LASTS, decide};
use towpath_core::release::ChangeType;
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::{Evidence, Standing, Verdict};

/// One thing that happens: which, and four numbers that say how.
type Deed = (u8, u8, u8, u16, bool);

struct Shell {
    project: Project,
    now: Timestamp,
    out: BTreeMap<LaneId, Vec<Command>>,
    numbers: BTreeSet<PromotionNumber>,
    ended: BTreeSet<PromotionNumber>,
    open: BTreeMap<LaneId, BTreeSet<PromotionNumber>>,
    passes: BTreeMap<(PromotionNumber, CheckKey), bool>,
    /// When each check was asked and answered last.
    asked: BTreeMap<(PromotionNumber, CheckKey), (Timestamp, Timestamp)>,
    revisions: BTreeMap<LaneId, Revision>,
}

fn lanes() -> [LaneId; 2] {
    [lane_id("dev"), lane_id("prod")]
}

impl Shell {
    fn new(variant: u16) -> Self {
        let mut shell = Self {
            project: Project::default(),
            now: Timestamp(1_000_000_000_000),
            out: BTreeMap::new(),
            numbers: BTreeSet::new(),
            ended: BTreeSet::new(),
            open: BTreeMap::new(),
            passes: BTreeMap::new(),
            asked: BTreeMap::new(),
            revisions: BTreeMap::new(),
        };
        shell.declare(variant);
        shell.create(ChangeType::Feature, false);
        shell
    }

    fn declare(&mut self, variant: u16) {
        let event = Event::MatrixApplied {
            matrix: Box::new(matrix(variant)),
            by: ada(),
            changes: Vec::new(),
            approved: Vec::new(),
            signed: None,
        };
        self.project.apply(None, &event, self.now);
    }

    fn create(&mut self, change_type: ChangeType, irreversible: bool) {
        let number = self.project.common.releases.len() as u64;
        let release = Box::new(release(number, change_type, irreversible));
        self.project.apply(None, &Event::ReleaseCreated { release, by: ada() }, self.now);
    }

    fn happen(&mut self, (what, a, b, c, flag): Deed) {
        let lane = lanes()[usize::from(a) % 2].clone();
        let state = self.project.lane(&lane);
        match what % 24 {
            0 => self.declare(c),
            1 => {
                let kind = if flag { ChangeType::Hotfix } else { ChangeType::Feature };
                self.create(kind, b % 5 == 0);
            }
            2..=5 => self.give(&lane, Input::PromotionOrdered(self.order(b, flag))),
            6..=12 => self.answer_one(&lane, b, c, flag),
            13 => {
                let outcome = outcome(None, b, c, flag, self.now);
                let command = CommandId(u64::from(c % 64));
                let known =
                    self.out.get(&lane).is_some_and(|out| out.iter().any(|one| one.id == command));
                if !known {
                    self.give(&lane, Input::CommandEnded { command, outcome });
                }
            }
            14..=17 => {
                let longest = [1, 10, 60, 4000, 100_000][usize::from(b) % 5];
                self.now = self.now.plus(Span::seconds(u64::from(c) % longest));
                let verdict = (b % 4 != 0).then(|| verdict(b));
                self.give(&lane, Input::Woken { verdict, ask_again: flag });
            }
            18 => self
                .give(&lane, Input::RollbackOrdered { by: ada(), reason: None, quarantine: flag }),
            19 => {
                let signal = Signal::ALL[usize::from(b) % 2];
                self.give(&lane, Input::Signalled { signal, by: ada(), reason: "so".to_owned() });
            }
            20 => self.give(&lane, steer(&state, b, c)),
            21 => {
                let deployment = some_deployment(&state, b);
                self.give(&lane, Input::Judged { deployment, verdict: verdict(b) });
            }
            22 if b.is_multiple_of(2) => {
                let weight = Weight::from_basis_points(c % 10_001).unwrap();
                let revision = state.last_revision;
                self.give(&lane, Input::RouteObserved { revision, weight });
            }
            22 => {
                let revision = if flag { state.last_revision } else { Revision(u64::from(c)) };
                self.give(
                    &lane,
                    Input::LeaseLapsed { revision, frozen: flag && b.is_multiple_of(3) },
                );
            }
            _ => match state.quarantined.first() {
                Some(one) if flag => {
                    let (digest, reason) = (one.release.digest.clone(), "so".to_owned());
                    self.give(
                        &lane,
                        Input::QuarantineLiftOrdered { digest, by: ada(), reason, signed: None },
                    );
                }
                _ => {
                    let deployment = some_deployment(&state, b);
                    let sentence = "it does not answer".to_owned();
                    self.give(&lane, Input::HealthLost { deployment, sentence });
                }
            },
        }
    }

    fn order(&self, b: u8, flag: bool) -> PromotionOrder {
        let releases = &self.project.common.releases;
        let release = &releases[usize::from(b) % releases.len()];
        PromotionOrder {
            release: (!b.is_multiple_of(7)).then(|| release.version.clone()),
            accept_unenforced: vec!["migrations".to_owned()],
            reason: Some("run by hand".to_owned()),
            offered_by: b.is_multiple_of(5).then(|| PromotionNumber(u64::from(b))),
            ..PromotionOrder::of(if flag { ada() } else { Person::automatic() })
        }
    }

    /// The outcome of a command that is out; sometimes of the wrong kind, sometimes not the last time.
    fn answer_one(&mut self, lane: &LaneId, b: u8, c: u16, flag: bool) {
        let Some(out) = self.out.get_mut(lane).filter(|out| !out.is_empty()) else { return };
        let index = usize::from(b) % out.len();
        let wrong = c.is_multiple_of(17);
        let keeps = wrong || c.is_multiple_of(11);
        let command = if keeps { out[index].clone() } else { out.remove(index) };
        let outcome = outcome((!wrong).then_some(&command.order), b, c, flag, self.now);
        self.give(lane, Input::CommandEnded { command: command.id, outcome });
    }

    #[expect(clippy::needless_pass_by_value, reason = "an input is made to be given")]
    fn give(&mut self, lane: &LaneId, input: Input) {
        let decision = decide(&self.project, lane, &input, self.now);
        let again = decide(&self.project, lane, &input, self.now);
        assert_eq!(decision, again, "the same input decides the same");
        if decision.refusal.is_some() {
            assert!(decision.events.is_empty() && decision.commands.is_empty());
        }
        for event in &decision.events {
            self.look_at(lane, &input, event);
            let text = serde_json::to_string(event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), *event);
            self.project.apply(Some(lane), event, self.now);
        }
        self.look_at_commands(lane, &decision);
        let state = self.project.lane(lane);
        if let Some(decided) = &decision.lane {
            assert_eq!(*decided, state, "replay equals state");
        }
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<Lane>(&text).unwrap(), state);
        self.look_at_waits(lane, &state, &decision);
    }

    fn look_at(&mut self, lane: &LaneId, input: &Input, event: &Event) {
        if let Some(number) = event.promotion() {
            // A reason may be given later, and what is owed outlives its promotion; neither changes anything.
            let later = matches!(event, Event::ReasonGiven { .. } | Event::DebtOverdue { .. });
            assert!(later || !self.ended.contains(&number), "{} after the end", event.kind());
        }
        match event {
            Event::PromotionRequested(requested) => {
                assert!(self.numbers.insert(requested.number), "a number is given twice");
                let state = self.project.lane(lane);
                let digest = &requested.plan.release.digest;
                assert!(state.quarantine_of(digest).is_none(), "a quarantined release enters");
            }
            Event::CheckAsked { number, key, .. } => {
                self.asked.insert((*number, key.clone()), (self.now, self.now));
            }
            Event::CheckAnswered { number, key, answer, .. } => {
                self.asked.entry((*number, key.clone())).and_modify(|times| times.1 = self.now);
                let pass = answer.result == CheckResult::Pass;
                self.passes.insert((*number, key.clone()), pass);
            }
            Event::PromotionStarted { number, .. } => {
                let open = self.open.entry(lane.clone()).or_default();
                open.insert(*number);
                assert_eq!(open.len(), 1, "two promotions have effects");
                self.gate_is_open(lane, *number);
            }
            Event::WeightObserved { weight, .. } => {
                let observed = matches!(
                    input,
                    Input::CommandEnded { outcome: CommandOutcome::Routed { weight: seen, .. }, .. }
                        if seen == weight
                );
                assert!(observed, "{weight} is recorded and was not observed");
            }
            Event::WeightOrdered { revision, .. }
            | Event::CommitOrdered { revision, .. }
            | Event::ReturnOrdered { revision, .. } => {
                let before = self.revisions.insert(lane.clone(), *revision);
                assert!(before.is_none_or(|before| before < *revision), "revisions grow");
            }
            Event::Committed { .. } => {
                let dead = matches!(
                    input,
                    Input::CommandEnded {
                        outcome: CommandOutcome::Routed { default_ready: Some(0), .. },
                        ..
                    }
                );
                assert!(!dead, "a commit onto an arm of which nobody answers is recorded");
            }
            Event::PromotionEnded { number, .. } => {
                self.ended.insert(*number);
                self.open.entry(lane.clone()).or_default().remove(number);
            }
            _ => {}
        }
    }

    fn gate_is_open(&self, lane: &LaneId, number: PromotionNumber) {
        let state = self.project.lane(lane);
        let Some(promotion) = state.promotion(number) else { return };
        if promotion.plan.kind == Kind::Rollback {
            return;
        }
        assert!(state.remembered.is_none(), "it takes the lane before a remembered rollback");
        for check in &promotion.plan.section.gate.prerequisites {
            let key = CheckKey { list: GateList::Prerequisites, slug: check.slug.clone() };
            assert_eq!(self.passes.get(&(number, key)), Some(&true), "{} did not pass", check.slug);
        }
        let checks = promotion.plan.section.gate.prerequisites.iter();
        let times: Vec<_> = checks
            .map(|check| CheckKey { list: GateList::Prerequisites, slug: check.slug.clone() })
            .map(|key| self.asked[&(number, key)])
            .collect();
        for (_, answered) in &times {
            let lasts = answered.plus(PASS_LASTS);
            // Or it grew old only while another one was being answered.
            let counts = |(asked, at): &(Timestamp, Timestamp)| {
                *asked < lasts && self.now < at.plus(PASS_LASTS)
            };
            assert!(self.now < lasts || times.iter().any(counts), "a pass is stale at the start");
        }
    }

    fn look_at_commands(&mut self, lane: &LaneId, decision: &Decision) {
        let out = self.out.entry(lane.clone()).or_default();
        for command in &decision.commands {
            let text = serde_json::to_string(command).unwrap();
            assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), *command);
            assert!(out.iter().all(|one| one.id < command.id), "commands are numbered upwards");
            out.push(command.clone());
        }
    }

    /// Whatever is open waits for an order that is out, or for a moment that will come (I6).
    fn look_at_waits(&self, lane: &LaneId, state: &Lane, decision: &Decision) {
        if let Some(wake) = &decision.wake {
            assert!(wake.at > self.now, "a moment that is past wakes nobody");
        }
        let awaited = state.awaited();
        let out = &self.out[lane];
        for command in &awaited {
            assert!(out.iter().any(|one| one.id == *command), "command {command} is not out");
        }
        let is_open = state.active.is_some() || !state.waiting.is_empty();
        assert!(
            !is_open || !awaited.is_empty() || decision.wake.is_some(),
            "it is open and waits for nothing: {state:?}"
        );
    }
}

fn some_deployment(state: &Lane, b: u8) -> PromotionNumber {
    let green = state.active.as_ref().and_then(|one| one.green.as_ref()).map(|one| one.number);
    let serves = state.serving.as_ref().map(|one| one.deployment.number);
    let standby = state.standby.as_ref().map(|one| one.deployment.number);
    let known: Vec<_> = green.into_iter().chain(serves).chain(standby).collect();
    let unknown = PromotionNumber(u64::from(b));
    known.get(usize::from(b) % 4).copied().unwrap_or(unknown)
}

fn steer(state: &Lane, b: u8, c: u16) -> Input {
    let open: Vec<_> = state.active.iter().chain(&state.waiting).map(|one| one.number).collect();
    let any = PromotionNumber(u64::from(c % 16));
    let number = open.get(usize::from(b) % 3).copied().unwrap_or(any);
    let (by, reason) = (ada(), None);
    match c % 6 {
        5 => Input::ReasonGiven { number: any, by, reason: "so".to_owned() },
        0 | 1 => Input::PauseOrdered { number, by, reason },
        2 | 3 => Input::ResumeOrdered { number, by, signed: None },
        _ => Input::AbortOrdered { number, by, reason },
    }
}

fn verdict(b: u8) -> Verdict {
    let standing = [Standing::Healthy, Standing::Undecided, Standing::Blind, Standing::Unhealthy]
        [usize::from(b / 4) % 4];
    Verdict { standing, sentence: "so it is".to_owned(), evidence: Evidence::default() }
}

/// An outcome that fits `order`, or any when there is none.
fn outcome(order: Option<&Order>, b: u8, c: u16, flag: bool, now: Timestamp) -> CommandOutcome {
    let sentence = "it is so".to_owned();
    let which = match order {
        Some(Order::AskCheck { .. }) => 0,
        Some(Order::StartInstances { .. }) => 1,
        Some(Order::SetRoute { .. }) => 2,
        Some(Order::StopInstances { .. }) => 3,
        Some(Order::OfferRelease { .. }) => 4,
        None => b % 5,
    };
    match which {
        0 => CommandOutcome::Checked {
            answer: match c % 8 {
                0 => CheckAnswer::fail(sentence),
                1 => CheckAnswer::pending(Timestamp(i64::from(c) * 1_000_000_000), sentence),
                2 => CheckAnswer::pending(now.plus(Span::seconds(u64::from(c))), sentence),
                3 => CheckAnswer::inconclusive(sentence),
                _ => CheckAnswer::pass(sentence).with_output("ok"),
            },
        },
        1 if c.is_multiple_of(7) => CommandOutcome::StartFailed { sentence, said: Vec::new() },
        1 => {
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], 4000));
            let endpoints = vec![Endpoint { instance: 1, address }];
            CommandOutcome::Started { endpoints, blue_ready: !c.is_multiple_of(9) }
        }
        2 if c.is_multiple_of(5) => CommandOutcome::RouteFailed { sentence },
        2 => {
            let wanted = match order {
                Some(Order::SetRoute { route, .. }) => {
                    route.candidate.as_ref().map_or(Weight::ZERO, |(_, weight)| *weight)
                }
                _ => Weight::FULL,
            };
            let other = Weight::from_basis_points(c % 10_001).unwrap();
            let weight = if c.is_multiple_of(6) { other } else { wanted };
            let default_ready = [None, Some(0), Some(1), Some(2)][usize::from(b) % 4];
            CommandOutcome::Routed { weight, frozen: flag && b.is_multiple_of(8), default_ready }
        }
        3 if flag => CommandOutcome::StopFailed { sentence },
        3 => CommandOutcome::Stopped,
        _ => CommandOutcome::Offered,
    }
}

fn everything_holds(variant: u16, deeds: Vec<Deed>) {
    let mut shell = Shell::new(variant);
    for deed in deeds {
        shell.happen(deed);
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec(any::<Deed>(), 1..160)
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn whatever_happens_the_rules_of_a_lane_hold(variant: u16, deeds in deeds()) {
        everything_holds(variant, deeds);
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    #[ignore = "heavy"]
    fn whatever_happens_the_rules_of_a_lane_hold_many_times(variant: u16, deeds in deeds()) {
        everything_holds(variant, deeds);
    }
}
