//! People who press buttons at random, and the matrices and releases that they bring along. They
//! know nothing of what is going on; the core must refuse what makes no sense.

use towpath_core::freezing::{Freeze, Scope, Thaw};
use towpath_core::ids::{LaneId, Name, Person, PromotionNumber};
use towpath_core::journal::Event;
use towpath_core::matrix::Signal;
use towpath_core::promotion::input::{ApprovalOrder, Input, PromotionOrder};
use towpath_core::release::ChangeType;
use towpath_core::units::Span;

use super::chaos::Chaos;
use crate::declared::{self, ReleaseWords};
use crate::machine::World;

/// The environments of every simulated matrix.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "production"];
/// Its services: most of what happens happens to the first, so that things get in each other's way.
const SERVICES: [&str; 4] = ["app", "app", "app", "web"];
/// A simulation makes at most this many releases.
const MOST_RELEASES: usize = 12;

/// A matrix that varies with the seed, and again whenever it is applied anew.
pub fn some_matrix(chaos: &mut Chaos) -> Event {
    let mut staging = "staging: after dev".to_owned();
    let mut production = "production: after staging, tier production".to_owned();
    let extras = [
        "automatic",
        "check tests, check approved",
        "validate health",
        "validate visitors at 100%",
        "proof required",
        "on_lapse pause",
        "on_lapse rollback",
        "rollback manual",
        "queue",
        "hotfix preempts",
        "standby 5m",
        "standby 5m, holdback 0%",
        "standby 5m, holdback 5%",
        "standby 5m, holdback 20% for 2m",
        "instances 3",
        "adaptive",
        "hold 2m",
        "on_blind rollback",
    ];
    for environment in [&mut staging, &mut production] {
        let steps = chaos.chance.one_of(&[
            "10%/20s 50%/20s 100%/30s",
            "100%/10s",
            "25%/10s..40s 100%/0s",
            "1%/1m 100%/1m",
        ]);
        environment.push_str(", steps ");
        environment.push_str(steps.expect("there are four"));
        for extra in extras {
            if chaos.chance.per_mille(300) {
                environment.push_str(", ");
                environment.push_str(extra);
            }
        }
        // Rarely, because what waits for people does nothing else.
        if chaos.chance.per_mille(150) {
            let rules = chaos.chance.one_of(&[
                ", approvals all developer 1",
                ", approvals all lead 1, approvals feature developer 2, approvals expires 2m",
            ]);
            environment.push_str(rules.expect("there are two"));
        }
    }
    // Whose word counts changes, too; sometimes nobody is known, and then nobody is asked.
    let people = chaos.chance.one_of(&[
        "people: ada developer; bilal developer lead; chen lead; bot robot developer lead",
        "people: ada lead; bilal developer; chen developer lead; dora developer",
        "",
    ]);
    let people = people.expect("there are three");
    let setting = chaos.chance.below(1_000_000);
    let text = format!(
        "services: app web\n{people}\ndev: root, steps 100%/5s, setting x {setting}\n{staging}, setting x {setting}\n{production}, setting x {setting}"
    );
    let matrix = declared::matrix(&text).expect("its words are known");
    Event::MatrixApplied {
        matrix: Box::new(matrix),
        by: somebody(),
        changes: Vec::new(),
        approved: Vec::new(),
        signed: None,
    }
}

fn somebody() -> Person {
    Person::new("ada").expect("it is a name")
}

/// A release that varies with the seed.
fn some_release(world: &mut World<Chaos>) -> Option<Event> {
    let made = world.disk.project().common.releases.len();
    if made >= MOST_RELEASES {
        return None;
    }
    let chance = &mut world.fate.chance;
    let same = made > 0 && chance.per_mille(100);
    let content = if same { 0 } else { made }.to_string();
    let words = ReleaseWords {
        content,
        change_type: if chance.per_mille(200) { ChangeType::Hotfix } else { ChangeType::Feature },
        irreversible: chance.per_mille(150),
        snapshot: chance.per_mille(50),
        ..ReleaseWords::default()
    };
    let service = chance.one_of(&SERVICES).expect("there are some");
    let service = declared::name(service).expect("it is a name");
    let release = declared::release(&service, &format!("1.{made}.0"), &words, world.now);
    let release = Box::new(release.expect("it is a version"));
    Some(Event::ReleaseCreated { release, by: somebody() })
}

/// Somebody does something.
pub fn act(world: &mut World<Chaos>) {
    match world.fate.chance.below(25) {
        0 | 1 => {
            if let Some(event) = some_release(world) {
                world.declare(&event);
            }
        }
        2 => {
            let event = some_matrix(&mut world.fate);
            world.declare(&event);
        }
        3..13 => promote(world),
        13 => {
            let lane = some_lane(world);
            let quarantine = world.fate.chance.per_mille(700);
            let input = Input::RollbackOrdered { by: somebody(), reason: None, quarantine };
            press(world, &lane, input);
        }
        14 => {
            let lane = some_lane(world);
            let signal = *world.fate.chance.one_of(&Signal::ALL).expect("there are two");
            let reason = "it is on the news".to_owned();
            press(world, &lane, Input::Signalled { signal, by: somebody(), reason });
        }
        15 => lift(world),
        20 => freeze(world),
        21 => thaw(world),
        22..25 => say(world),
        _ => steer(world),
    }
}

fn press(world: &mut World<Chaos>, lane: &LaneId, input: Input) {
    // A refusal is an answer; an order that nobody took was not acknowledged.
    world.press(lane, input);
}

fn some_lane(world: &mut World<Chaos>) -> LaneId {
    let environment = world.fate.chance.one_of(&ENVIRONMENTS).expect("there are three");
    let service = world.fate.chance.one_of(&SERVICES).expect("there are some");
    declared::lane(&format!("{service}/{environment}")).expect("it is a lane")
}

fn promote(world: &mut World<Chaos>) {
    let lane = some_lane(world);
    let releases = &world.disk.project().common.releases;
    let own = releases.iter().filter(|release| release.service == lane.service);
    let versions: Vec<_> = own.map(|release| release.version.clone()).collect();
    let named = lane.environment == Name::new("dev").expect("it is a name")
        || world.fate.chance.per_mille(300);
    let newest = versions.last().filter(|_| world.fate.chance.per_mille(600));
    let release = newest.or_else(|| world.fate.chance.one_of(&versions)).cloned();
    let order = PromotionOrder {
        release: release.filter(|_| named),
        accept_unenforced: vec!["migrations".to_owned()],
        reason: Some("run by hand".to_owned()),
        ..PromotionOrder::of(somebody())
    };
    press(world, &lane, Input::PromotionOrdered(order));
}

fn lift(world: &mut World<Chaos>) {
    let lane = some_lane(world);
    let state = world.disk.project().lane(&lane);
    let Some(one) = world.fate.chance.one_of(&state.quarantined).cloned() else { return };
    let digest = one.release.digest;
    let reason = "it was the database".to_owned();
    press(
        world,
        &lane,
        Input::QuarantineLiftOrdered { digest, by: somebody(), reason, signed: None },
    );
}

/// Says yes, or now and then no, to something that waits, or did.
fn say(world: &mut World<Chaos>) {
    let lane = some_lane(world);
    let state = world.disk.project().lane(&lane);
    let Some(waits) = world.fate.chance.one_of(&state.waiting).or(state.active.as_ref()) else {
        return;
    };
    let (number, plan) = (Some(waits.number), waits.plan.hash().hex().to_owned());
    let chance = &mut world.fate.chance;
    let by = *chance.one_of(&["ada", "bilal", "chen", "dora", "robot"]).expect("there are five");
    let by = Person::new(by).expect("it is a name");
    let agrees = !chance.per_mille(60);
    let plan = Some(plan).filter(|_| chance.per_mille(500));
    let order = ApprovalOrder {
        by,
        agrees,
        number,
        plan,
        release: None,
        note: None,
        link: None,
        signed: None,
    };
    press(world, &lane, Input::ApprovalOrdered(order));
}

/// Everything, an environment or a lane; for minutes or until somebody thaws it.
fn freeze(world: &mut World<Chaos>) {
    let lane = some_lane(world);
    let scope = scope(world, &lane);
    let chance = &mut world.fate.chance;
    let lasts = chance.per_mille(500).then(|| Span::seconds(chance.between(5, 900)));
    let except = if chance.per_mille(300) { vec![ChangeType::Hotfix] } else { Vec::new() };
    world.order(|common, now| {
        let freeze = Freeze {
            scope: scope.clone(),
            by: somebody(),
            reason: "the provider is down".to_owned(),
            until: lasts.map(|lasts| now.plus(lasts)),
            except: except.clone(),
            since: now,
        };
        common.freeze(freeze, now)
    });
}

fn scope(world: &mut World<Chaos>, lane: &LaneId) -> Scope {
    let chance = &mut world.fate.chance;
    let environment = chance.per_mille(800).then(|| lane.environment.clone());
    let service = chance.per_mille(400).then(|| lane.service.clone());
    Scope { environment, service }
}

/// Ends a freeze that there is, now and then one that there is not.
fn thaw(world: &mut World<Chaos>) {
    let freezes = world.disk.project().common.freezes.clone();
    let known = world.fate.chance.one_of(&freezes).map(|freeze| freeze.scope.clone());
    let lane = some_lane(world);
    let scope = known.unwrap_or_else(|| scope(world, &lane));
    world.order(|common, now| {
        common.thaw(Thaw { scope: scope.clone(), by: somebody(), reason: None, signed: None }, now)
    });
}

/// Pauses, resumes or aborts any promotion that there ever was.
fn steer(world: &mut World<Chaos>) {
    let lane = some_lane(world);
    let last = world.disk.project().common.last_promotion;
    let state = world.disk.project().lane(&lane);
    let open: Vec<PromotionNumber> =
        state.active.iter().chain(&state.waiting).map(|one| one.number).collect();
    let any = PromotionNumber(world.fate.chance.between(1, last.0.max(1)));
    let number = world.fate.chance.one_of(&open).copied().unwrap_or(any);
    let (by, reason) = (somebody(), None);
    let input = match world.fate.chance.below(5) {
        0 | 1 => Input::PauseOrdered { number, by, reason },
        2 | 3 => Input::ResumeOrdered { number, by, signed: None },
        _ => Input::AbortOrdered { number, by, reason },
    };
    press(world, &lane, input);
}
