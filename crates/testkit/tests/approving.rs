//! Approvals against a second reading of their rules, in whatever order people, releases, matrices and
//! time come.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use towpath_core::approvals::{ApprovalRules, Question, Word};
use towpath_core::code_owners::{OwnedFiles, Owners};
use towpath_core::ids::{Digest, Person, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::matrix::Matrix;
use towpath_core::project::Project;
use towpath_core::promotion::command::{Command, CommandOutcome, Order};
use towpath_core::promotion::decide;
use towpath_core::promotion::input::{ApprovalOrder, Input, PromotionOrder};
use towpath_core::promotion::state::Outcome;
use towpath_core::release::{ChangeType, Release};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_testkit::agreement::{is_enough, owners_agree};
use towpath_testkit::declared::{self, ReleaseWords};
use towpath_testkit::simulator::chance::Chance;

const PEOPLE: [&str; 7] = ["ada", "bilal", "chen", "dora", "emil", "farah", "robot"];
const ROLES: [&str; 4] = ["developer", "lead", "business", "devops"];

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

fn somebody(chance: &mut Chance) -> Person {
    person(chance.one_of(&PEOPLE).unwrap())
}

/// A matrix of one production environment with people, roles and rules by chance.
fn some_matrix(chance: &mut Chance) -> Matrix {
    let mut people = String::new();
    for name in PEOPLE {
        if chance.per_mille(120) {
            continue;
        }
        let bot = if name == "robot" { "bot " } else { "" };
        let roles = ROLES.iter().filter(|_| chance.per_mille(450)).copied();
        let roles = roles.collect::<Vec<_>>().join(" ");
        let _ = write!(people, "{bot}{name} {roles};");
    }
    let mut rules = String::new();
    for kind in ["all", "feature", "fix", "hotfix"] {
        let asked: Vec<_> = ROLES.iter().filter(|_| chance.per_mille(350)).collect();
        let asked: Vec<_> =
            asked.iter().map(|role| format!("{role} {}", chance.between(1, 3))).collect();
        if !asked.is_empty() {
            let _ = write!(rules, ", approvals {kind} {}", asked.join(" "));
        }
    }
    if rules.is_empty() || chance.per_mille(300) {
        rules.push_str(", approvals expires 10m");
    }
    if chance.per_mille(200) {
        rules.push_str(", approvals by the author");
    }
    let setting = chance.below(3);
    let text = format!(
        "people: {people}\nlive: root, tier production, no router, setting x {setting}{rules}"
    );
    declared::matrix(&text).unwrap()
}

fn some_release(chance: &mut Chance, number: usize, now: Timestamp) -> Release {
    let service = declared::name(declared::ONLY_SERVICE).unwrap();
    let types =
        [ChangeType::Feature, ChangeType::Fix, ChangeType::Hotfix, ChangeType::Infrastructure];
    let words = ReleaseWords {
        content: number.to_string(),
        change_type: *chance.one_of(&types).unwrap(),
        author: Some(somebody(chance)),
        creator: chance.per_mille(300).then(|| somebody(chance)),
        ..ReleaseWords::default()
    };
    declared::release(&service, &format!("1.{number}.0"), &words, now).unwrap()
}

/// Files of one or two people, some of whom may not be known.
fn some_files(chance: &mut Chance) -> OwnedFiles {
    let count = chance.between(1, 2);
    let owners = (0..count).map(|_| format!("@{}", somebody(chance))).collect();
    OwnedFiles { owners, file: "src/a.rs".to_owned(), files: 1 }
}

#[test]
fn an_owner_is_whom_the_file_names_and_nobody_else() {
    let text = "people: ada developer; bilal lead; chen developer; bot robot developer\nlive: root, no router";
    let mut matrix = declared::matrix(text).unwrap();
    let live = matrix.environments[0].name.clone();
    let team = declared::name("payments").unwrap();
    matrix.people.get_mut(&person("ada")).unwrap().handle = Some("Ada-M".to_owned());
    matrix.people.get_mut(&person("ada")).unwrap().email = Some("ada@shop.com".to_owned());
    matrix.people.get_mut(&person("chen")).unwrap().teams.insert(team);
    for (who, owner, wanted) in [
        ("ada", "@ada-m", true),
        ("ada", "@ADA-M", true),
        ("ada", "@ada", false),
        ("bilal", "@Bilal", true),
        ("bilal", "@ada-m", false),
        ("ada", "Ada@Shop.com", true),
        ("bilal", "ada@shop.com", false),
        ("chen", "@shop/payments", true),
        ("ada", "@shop/payments", false),
        ("bilal", "@shop/lead", true),
        ("ada", "@shop/lead", false),
        ("robot", "@robot", false),
        ("robot", "@shop/developer", false),
        ("mallory", "@mallory", false),
        ("ada", "@", false),
        ("ada", "@shop/", false),
    ] {
        assert_eq!(matrix.is_owner(&person(who), owner, &live), wanted, "{who} {owner}");
    }
    // Where the matrix has such a team, whoever has a role of that name is not it.
    matrix.people.get_mut(&person("chen")).unwrap().teams.insert(declared::name("lead").unwrap());
    assert!(!matrix.is_owner(&person("bilal"), "@shop/lead", &live));
    // An address that two have is nobody's.
    matrix.people.get_mut(&person("bilal")).unwrap().email = Some("ada@shop.com".to_owned());
    assert!(!matrix.is_owner(&person("ada"), "ada@shop.com", &live));
    assert!(!matrix.is_owner(&person("bilal"), "ada@shop.com", &live));
}

fn rules(matrix: &Matrix) -> &ApprovalRules {
    let section = matrix.environments[0].lanes.values().next().unwrap();
    section.approvals.as_ref().unwrap()
}

#[test]
fn whoever_counts_them_the_same_words_are_enough() {
    count(1..=20_000);
}

#[test]
#[ignore = "heavy"]
fn whoever_counts_them_the_same_million_words_are_enough() {
    count(20_001..=1_020_000);
}

fn count(seeds: std::ops::RangeInclusive<u64>) {
    let (mut enough, mut too_few) = (0_u32, 0_u32);
    for seed in seeds {
        let chance = &mut Chance::of(seed);
        let matrix = some_matrix(chance);
        let release = some_release(chance, 1, Timestamp(0));
        let ordered_by = somebody(chance);
        let plan = Digest::of(b"plan");
        let said: BTreeSet<Person> =
            PEOPLE.iter().filter(|_| chance.per_mille(700)).map(|name| person(name)).collect();
        let words: Vec<Word> = said
            .iter()
            .map(|by| Word { by: by.clone(), plan: plan.clone(), at: Timestamp(0) })
            .collect();
        let files: Vec<OwnedFiles> = (0..chance.below(3)).map(|_| some_files(chance)).collect();
        let question = Question {
            matrix: &matrix,
            environment: &matrix.environments[0],
            rules: rules(&matrix),
            release: &release,
            change_type: release.change_type,
            ordered_by: Some(&ordered_by),
            behind: &[],
            declared_by: None,
            owners: if files.is_empty() { Owners::NotAsked } else { Owners::Of(&files) },
        };
        let asked = question.asked(&plan, &words, Timestamp(0));
        let counted = rules(&matrix).needed(release.change_type).is_some()
            && asked.iter().all(|one| one.missing() == 0);
        let expected = is_enough(
            &matrix,
            &matrix.environments[0],
            rules(&matrix),
            &release,
            &ordered_by,
            &said,
        ) && owners_agree(
            (&matrix, &matrix.environments[0], rules(&matrix)),
            (&release, &ordered_by),
            &files,
            &said,
        );
        assert_eq!(counted, expected, "seed {seed}: {asked:?} of {said:?}");
        let roles = asked.iter().filter(|one| one.owners.is_none());
        let named: Vec<&Person> = roles.flat_map(|one| &one.by).collect();
        let different: BTreeSet<&Person> = named.iter().copied().collect();
        assert_eq!(named.len(), different.len(), "seed {seed}: nobody counts twice: {asked:?}");
        *(if counted { &mut enough } else { &mut too_few }) += 1;
    }
    assert!(enough > too_few / 20 && too_few > enough / 20, "{enough} enough, {too_few} too few");
}

/// Orders and words in an order of their own, and what a second reading expects of them.
struct Race {
    project: Project,
    now: Timestamp,
    chance: Chance,
    /// Every yes with its time, that no promotion has ended with.
    yes: Vec<(Person, Digest, Timestamp)>,
    commands: Vec<Command>,
    started: u32,
    rejected: u32,
}

impl Race {
    fn new(seed: u64) -> Self {
        let mut race = Self {
            project: Project::default(),
            now: Timestamp(1_000_000_000_000),
            chance: Chance::of(seed),
            yes: Vec::new(),
            commands: Vec::new(),
            started: 0,
            rejected: 0,
        };
        race.apply_matrix();
        race.create();
        race
    }

    fn apply_matrix(&mut self) {
        let matrix = Box::new(some_matrix(&mut self.chance));
        let event = Event::MatrixApplied {
            matrix,
            by: person("ada"),
            changes: Vec::new(),
            approved: Vec::new(),
            signed: None,
        };
        self.project.apply(None, &event, self.now);
    }

    fn create(&mut self) {
        let number = self.project.common.releases.len();
        let release = Box::new(some_release(&mut self.chance, number, self.now));
        let event = Event::ReleaseCreated { release, by: person("ada") };
        self.project.apply(None, &event, self.now);
    }

    fn deed(&mut self) {
        match self.chance.below(20) {
            0 => self.apply_matrix(),
            1 => self.create(),
            2..5 => self.promote(),
            5 => self.now = self.now.plus(Span::minutes(self.chance.between(1, 9))),
            6 => self.now = self.now.plus(Span::hours(self.chance.between(1, 40))),
            7 => self.say(false),
            8..11 => {
                if let Some(command) = self.commands.pop() {
                    self.end(&command);
                }
            }
            11 | 12 => self.input(&Input::Woken { verdict: None, ask_again: true }),
            _ => self.say(true),
        }
    }

    fn promote(&mut self) {
        let by = somebody(&mut self.chance);
        let release = self.chance.one_of(&self.project.common.releases).unwrap().version.clone();
        self.input(&Input::PromotionOrdered(PromotionOrder {
            release: Some(release),
            ..PromotionOrder::of(by)
        }));
    }

    fn say(&mut self, agrees: bool) {
        if !agrees && self.chance.per_mille(500) {
            return;
        }
        let lane = self.project.lane(&declared::lane("live").unwrap());
        let waiting = lane.waiting.first();
        // Now and then about the plan that was looked at before something changed.
        let plan = waiting.filter(|_| self.chance.per_mille(300));
        let plan = plan.map(|one| one.plan.hash().hex().to_owned());
        let last = self.project.common.last_promotion.0;
        let any = PromotionNumber(self.chance.between(0, last));
        let number = waiting.map_or(any, |one| one.number);
        let by = somebody(&mut self.chance);
        let order = ApprovalOrder {
            by,
            agrees,
            number: Some(number),
            plan,
            release: None,
            note: None,
            link: None,
            signed: None,
        };
        self.input(&Input::ApprovalOrdered(order));
    }

    fn end(&mut self, command: &Command) {
        let outcome = match &command.order {
            Order::StartInstances { .. } => {
                CommandOutcome::StartFailed { sentence: "no".to_owned(), said: Vec::new() }
            }
            Order::StopInstances { .. } => CommandOutcome::Stopped,
            Order::SetRoute { .. } => {
                CommandOutcome::Routed { weight: Weight::ZERO, frozen: false, default_ready: None }
            }
            other => panic!("nothing else is ordered here: {other:?}"),
        };
        self.input(&Input::CommandEnded { command: command.id, outcome });
    }

    fn input(&mut self, input: &Input) {
        let lane = declared::lane("live").unwrap();
        let decision = decide(&self.project, &lane, input, self.now);
        for event in &decision.events {
            self.expected(event);
            self.project.apply(Some(&lane), event, self.now);
        }
        self.commands.extend(decision.commands);
    }

    /// What may happen, by the second reading, before it is so.
    fn expected(&mut self, event: &Event) {
        let lane = self.project.lane(&declared::lane("live").unwrap());
        match event {
            Event::ApprovalGiven { number, approval } if approval.agrees => {
                let promotion = lane.promotion(number.unwrap()).expect("it waits");
                assert_eq!(approval.plan, promotion.plan.hash(), "a word about another plan");
                self.yes.retain(|(by, plan, _)| *by != approval.by || *plan != approval.plan);
                self.yes.push((approval.by.clone(), approval.plan.clone(), self.now));
            }
            Event::ApprovalGiven { .. } => self.rejected += 1,
            Event::PromotionStarted { number, .. } => {
                let promotion = lane.promotion(*number).expect("it waits");
                let plan = promotion.plan.hash();
                let matrix = self.project.common.matrix.as_ref().unwrap();
                let section = matrix.environments[0].lanes.values().next().unwrap();
                assert_eq!(*section, promotion.plan.section, "the rules in force count");
                let rules = rules(matrix);
                let holds = |at: Timestamp| self.now.since(at) < rules.expires;
                let yes = self.yes.iter().filter(|(_, own, at)| *own == plan && holds(*at));
                let yes = yes.map(|(by, ..)| by.clone()).collect();
                let service = &promotion.plan.lane.service;
                let release = &promotion.plan.release;
                let release = self.project.common.release_of(service, release).unwrap();
                let place = &matrix.environments[0];
                let enough = !matrix.knows_people()
                    || is_enough(matrix, place, rules, release, &promotion.by, &yes);
                assert!(enough, "promotion {number} started with {yes:?} under {rules:?}");
                self.started += 1;
            }
            Event::PromotionEnded { number, outcome, .. } => {
                let ended = lane.promotion(*number).expect("it has not ended before");
                if *outcome == Outcome::Rejected {
                    assert!(ended.started_at.is_none(), "what has started is not rejected");
                }
                let plan = ended.plan.hash();
                self.yes.retain(|(_, own, _)| *own != plan);
            }
            _ => {}
        }
    }
}

fn races(seeds: std::ops::RangeInclusive<u64>) {
    let (mut started, mut rejected) = (0, 0);
    for seed in seeds.clone() {
        let mut race = Race::new(seed);
        for _ in 0..60 {
            race.deed();
        }
        started += race.started;
        rejected += race.rejected;
    }
    let many = u32::try_from(seeds.end() - seeds.start()).unwrap();
    assert!(started > many / 10 && rejected > many / 10, "{started} started, {rejected} rejected");
}

#[test]
fn whatever_comes_first_nothing_starts_without_its_approvals() {
    races(1..=500);
}

#[test]
#[ignore = "heavy"]
fn in_ten_thousand_orders_nothing_starts_without_its_approvals() {
    races(501..=10_500);
}
