//! The nouns that the tests of this folder share. Decides nothing.

use std::collections::BTreeMap;

use serde_json::Value;
use towpath_core::approvals::{ApprovalRules, Need};
use towpath_core::calendar::Calendar;
use towpath_core::guarding::GuardRules;
use towpath_core::ids::{Digest, LaneId, Name, Person, Version};
use towpath_core::matrix::{
    AdapterSpec, CheckSpec, Decider, Environment, Gate, Health, HoldbackRule, LaneSpec, Matrix,
    OnBlind, OnLapse, Predecessors, RollbackPolicy, Rollout, Service, Signal, Step, Strategy,
    Supersede, Tier,
};
use towpath_core::notices::NotifyRules;
use towpath_core::release::{Artifact, ArtifactForm, ChangeType, Migration, Release};
use towpath_core::units::{Span, Timestamp, Weight};
use towpath_guard::Limits;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn ada() -> Person {
    Person::new("ada").unwrap()
}

pub(crate) fn lane_id(environment: &str) -> LaneId {
    LaneId { service: name("api"), environment: name(environment) }
}

pub(crate) fn release(number: u64, change_type: ChangeType, irreversible: bool) -> Release {
    let artifact = Artifact {
        digest: Digest::of(&number.to_le_bytes()),
        form: ArtifactForm::File,
        source: "target/api".to_owned(),
        size: 8,
    };
    let artifacts = BTreeMap::from([(name("program"), artifact)]);
    let settings = BTreeMap::new();
    let migration =
        Migration { name: "0001-drop".to_owned(), digest: Digest::of(b"drop"), reversible: false };
    let migrations = if irreversible { vec![migration] } else { Vec::new() };
    Release {
        service: name("api"),
        version: Version::new(&format!("1.{number}.0")).unwrap(),
        digest: Release::content_digest(&artifacts, &settings, &migrations),
        artifacts,
        settings,
        migrations,
        commit: None,
        branch: None,
        author: None,
        change_type,
        type_by: None,
        evidence: std::collections::BTreeMap::new(),
        snapshot: false,
        created_by: None,
        behind: Vec::new(),
        created_at: Timestamp(0),
    }
}

fn adapter() -> AdapterSpec {
    AdapterSpec { kind: "model".to_owned(), settings: Value::Null }
}

fn check(slug: &str, at: Weight) -> CheckSpec {
    CheckSpec {
        slug: slug.to_owned(),
        title: slug.to_owned(),
        check: adapter(),
        timeout: Span::seconds(10),
        at,
    }
}

/// A step that bakes for `least` to `most` seconds.
pub(crate) fn step(percent: u16, least: u64, most: u64) -> Step {
    Step {
        weight: Weight::from_basis_points(percent * 100).unwrap(),
        mirror: None,
        bake_min: Span::seconds(least),
        bake_max: Span::seconds(most),
    }
}

fn approvals() -> ApprovalRules {
    let one = |role: &str| vec![Need { role: name(role), people: 1 }];
    ApprovalRules {
        all: Some(one("business")),
        by_type: BTreeMap::from([(ChangeType::Hotfix, one("developer"))]),
        expires: Span::hours(72),
        remind_every: None,
        author_may_approve: false,
        code_owners: false,
        owners_file: None,
        break_glass: Vec::new(),
    }
}

/// What is declared for a lane; the bits of `variant` switch its parts on.
pub(crate) fn section(variant: u16) -> LaneSpec {
    let on = |bit: u16| variant & (1 << bit) != 0;
    LaneSpec {
        target: adapter(),
        router: (variant & 0b11 != 0b11).then(adapter),
        instances: if on(2) { 3 } else { 1 },
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
        health: Health {
            every: None,
            timeout: Span::seconds(5),
            retries: 3,
            endpoints: vec!["/health".to_owned()],
        },
        gate: Gate {
            prerequisites: if on(3) {
                vec![check("tests", Weight::ZERO), check("approved", Weight::ZERO)]
            } else {
                Vec::new()
            },
            validation: if on(4) {
                vec![check("health", Weight::ZERO), check("orders", Weight::FULL)]
            } else {
                Vec::new()
            },
        },
        approvals: on(15).then(approvals),
        change_types: BTreeMap::new(),
        branches: Vec::new(),
        owes: None,
        rollout: Rollout {
            strategy: if on(5) { Strategy::Adaptive } else { Strategy::BlueGreen },
            steps: vec![
                step(10, 60, 60),
                step(50, 10, if on(6) { 60 } else { 10 }),
                step(100, 0, 0),
            ],
            proof_required: on(7),
            hold_limit: Span::minutes(5),
            on_blind: if on(8) { OnBlind::Rollback } else { OnBlind::Pause },
            on_lapse: match variant >> 9 & 0b11 {
                0 => OnLapse::Pause,
                1 => OnLapse::Rollback,
                _ => OnLapse::Resume,
            },
            lease: Span::seconds(30),
            rescue: None,
            mirror: None,
            harm_budget: None,
        },
        standby: if on(11) { Span::minutes(30) } else { Span::ZERO },
        holdback: on(2).then(|| HoldbackRule {
            share: Weight::from_basis_points(500).unwrap(),
            lasts: Span::minutes(if on(4) { 30 } else { 5 }),
        }),
        rollback: RollbackPolicy {
            mode: if on(12) { Decider::Manual } else { Decider::Automatic },
            within: None,
            limits: Limits { error_rate: Some(0.05), latency: Vec::new(), minimum_sample: 20 },
            signals: Signal::ALL.to_vec(),
            alarms: Vec::new(),
        },
        guard: GuardRules::default(),
        calendar: Calendar::default(),
        supersede: if on(13) { Supersede::Queue } else { Supersede::Newest },
        hotfix_preempts: on(14),
        unenforced: Vec::new(),
    }
}

/// Two environments, the second after the first.
pub(crate) fn matrix(variant: u16) -> Matrix {
    let environment = |called: &str, after: Predecessors, section: LaneSpec| Environment {
        name: name(called),
        tier: Tier::Staging,
        title: None,
        purpose: None,
        url: None,
        after,
        promote: if variant & (1 << 15) == 0 { Decider::Manual } else { Decider::Automatic },
        notify: NotifyRules::default(),
        promises: Vec::new(),
        lanes: BTreeMap::from([(name("api"), section)]),
        who_may: BTreeMap::new(),
        declared: BTreeMap::new(),
    };
    let mut plain = section(0);
    plain.rollout.steps = vec![step(100, 0, 0)];
    Matrix {
        project: name("project"),
        services: BTreeMap::from([(name("api"), Service::default())]),
        environments: vec![
            environment("dev", Predecessors::Root, plain),
            environment("prod", Predecessors::All(vec![name("dev")]), section(variant)),
        ],
        people: BTreeMap::new(),
        who_may: BTreeMap::new(),
        approvals: Vec::new(),
        notifiers: BTreeMap::new(),
        audit: towpath_core::matrix::AuditRules::default(),
        declared: BTreeMap::new(),
    }
}
