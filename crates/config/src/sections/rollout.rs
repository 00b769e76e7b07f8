//! How traffic moves from the old release to the new one. Owns the shapes of the strategies and
//! the order of the weights.

use towpath_core::matrix::{
    DEFAULT_HOLD_LIMIT, DEFAULT_LEASE, Mirror, OnBlind, OnLapse, Rollout, Step, Strategy, Tier,
};
use towpath_core::units::{Span, Weight};
use towpath_guard::DEFAULT_MINIMUM_SAMPLE;
use towpath_ports::catalogue::FieldType;

use super::{LANE, Section, Standing, harm_budget, rescue};
use crate::codes::Code;
use crate::fields::{Fields, from_default};
use crate::limits;
use crate::problem::{Problem, Problems};
use crate::shape::{Default, Key, NOWHERE, Place, Shape};
use crate::source::Extent;
use crate::tree::{Node, Scalar};

/// The names of the shapes.
pub(crate) const STRATEGIES: &[&str] =
    &["blue-green", "canary", "linear", "adaptive", "all-at-once"];

/// The keys of `rollout`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "strategy",
        Shape::Of(FieldType::Word(STRATEGIES)),
        Default::By(
            default_strategy,
            "blue-green in staging and production where a router sends visitors, else all-at-once",
        ),
        "The shape of the rollout.",
    ),
    Key::new(
        "steps",
        Shape::List(&Shape::Map(STEP)),
        Default::By(default_steps, "those of the strategy, and of `harm_budget`"),
        "Rising weights, the last of them 100%.",
    ),
    Key::new(
        "harm_budget",
        Shape::Requests,
        Default::Absent,
        "Requests that an `adaptive` rollout may harm. Then `steps` are the weights that may be taken, and \
         the next is the largest whose worst case, as far as is known, keeps within it until the guard \
         acts.",
    ),
    Key::new(
        "proof",
        Shape::Of(FieldType::Word(&["required", "optional"])),
        Default::Is("optional"),
        "Whether a step passes only when the new release is shown to be healthy.",
    ),
    Key::new(
        "hold_limit",
        Shape::Of(FieldType::Span),
        Default::Is("30m"),
        "How long a step may wait for evidence beyond its bake.",
    ),
    Key::new(
        "on_blind",
        Shape::Of(FieldType::Word(&["rollback", "pause"])),
        Default::By(default_on_blind, "rollback in production, else pause"),
        "What happens when no evidence came by then.",
    ),
    Key::new(
        "on_lapse",
        Shape::Of(FieldType::Word(&["resume", "pause", "rollback"])),
        Default::Is("resume"),
        "What happens after a lease has lapsed and the engine is back.",
    ),
    Key::new(
        "lease",
        Shape::Of(FieldType::Span),
        Default::Is("30s"),
        "For how long a weight is lent to the new release, at least 5s.",
    ),
    Key::new(
        "rescue",
        Shape::WordOrMap(rescue::WORDS, rescue::KEYS),
        Default::By(rescue::default, "on where the router can do it, else off"),
        "Whether the old release serves again what the new one fails, before commit and while it \
         stands by, so that no visitor sees it: GET, HEAD and OPTIONS, and what is named here.",
    ),
    Key::new(
        "mirror",
        Shape::Map(MIRROR),
        Default::Absent,
        "What holds for the copies of steps with `mirror`.",
    ),
    Key::new(
        "minimum_sample",
        Shape::Requests,
        Default::Is("20 requests"),
        "Requests of the new release below which a step does not count as proven healthy.",
    ),
    Key::new(
        "warm_up",
        Shape::Of(FieldType::Span),
        Default::Absent,
        "Time without traffic before the first step.",
    )
    .standing(Standing::Refuses),
];

/// The keys of one step.
pub(crate) const STEP: &[Key] = &[
    Key::new(
        "weight",
        Shape::Of(FieldType::Share),
        Default::Required,
        "Share of the traffic on the new release; 0% in a first step that only mirrors.",
    ),
    Key::new(
        "mirror",
        Shape::Of(FieldType::Share),
        Default::Absent,
        "Share of the GET, HEAD and OPTIONS requests to the old release that are copied to the new \
         one; no visitor gets an answer to a copy.",
    ),
    Key::new("bake", Shape::Bake, Default::Required, "How long the step lasts."),
];

/// The keys of what holds for copies.
const MIRROR: &[Key] = &[
    Key::new(
        "except",
        Shape::Endpoints,
        Default::Absent,
        "Paths that are never copied, each with all below it.",
    ),
    Key::new(
        "bodies",
        Shape::Of(FieldType::Flag),
        Default::Absent,
        "Whether bodies are compared as well as status and time. Left out: they are not.",
    ),
];

/// The keys of a bake that is a range.
pub(crate) const BAKE_RANGE: &[Key] = &[
    Key::new("min", Shape::Of(FieldType::Span), Default::Required, "The least time."),
    Key::new("max", Shape::Of(FieldType::Span), Default::Required, "The most time."),
];

/// The section.
pub(crate) const SECTIONS: &[Section] = &[Section::enforced(
    Key::new("rollout", Shape::Map(KEYS), Default::Absent, "How traffic moves."),
    LANE,
    "rollout:\n  strategy: canary\n  steps:\n    - { weight: 10%, bake: 5m }\n    \
     - { weight: 100%, bake: { min: 5m, max: 15m } }\n",
)];

/// Shortest lease: a renewal every fifth of a second still fits between two.
const SHORTEST_LEASE: Span = Span::seconds(5);

/// The least time that is proposed for an adaptive step is this part of its most: like the defaults of
/// the strategy, which last between one minute and fifteen, rounded.
const ADAPTIVE_EXAMPLE: u64 = 10;

fn default_strategy(place: Place) -> &'static str {
    match place.tier {
        Tier::Staging | Tier::Production if place.routed => "blue-green",
        _ => "all-at-once",
    }
}

fn default_steps(place: Place) -> &'static str {
    match place.strategy {
        Strategy::AllAtOnce => "[{ weight: 100%, bake: 0s }]",
        Strategy::BlueGreen => "[{ weight: 10%, bake: 5m }, { weight: 100%, bake: 5m }]",
        Strategy::Canary => {
            "[{ weight: 1%, bake: 5m }, { weight: 10%, bake: 5m }, { weight: 50%, bake: 5m }, \
             { weight: 100%, bake: 5m }]"
        }
        Strategy::Linear => {
            "[{ weight: 20%, bake: 3m }, { weight: 40%, bake: 3m }, { weight: 60%, bake: 3m }, \
             { weight: 80%, bake: 3m }, { weight: 100%, bake: 3m }]"
        }
        Strategy::Adaptive if place.budgeted => harm_budget::LADDER,
        Strategy::Adaptive => {
            "[{ weight: 1%, bake: { min: 1m, max: 15m } }, { weight: 10%, bake: { min: 1m, max: 15m } }, \
             { weight: 50%, bake: { min: 1m, max: 15m } }, { weight: 100%, bake: { min: 1m, max: 15m } }]"
        }
    }
}

fn default_on_blind(place: Place) -> &'static str {
    if place.tier == Tier::Production { "rollback" } else { "pause" }
}

/// The strategy, which other defaults depend on.
pub(crate) fn strategy(node: Option<&Node>, tier: Tier, routed: bool) -> Strategy {
    let place = Place { tier, routed, ..NOWHERE };
    match Fields::new(node, KEYS, place).text("strategy").as_deref() {
        Some("blue-green") => Strategy::BlueGreen,
        Some("canary") => Strategy::Canary,
        Some("linear") => Strategy::Linear,
        Some("adaptive") => Strategy::Adaptive,
        _ => Strategy::AllAtOnce,
    }
}

/// Requests below which nothing is judged.
pub(crate) fn minimum_sample(node: Option<&Node>, place: Place) -> u64 {
    let text = Fields::new(node, KEYS, place).text("minimum_sample");
    text.as_deref().and_then(limits::requests).unwrap_or(DEFAULT_MINIMUM_SAMPLE)
}

/// The section with its defaults.
pub(crate) fn read(node: Option<&Node>, place: Place, problems: &mut Problems) -> Rollout {
    let fields = Fields::new(node, KEYS, place);
    let steps = match fields.given("steps") {
        Some(steps) => checked_steps(steps, place, problems),
        None => written_steps(&from_default(default_steps(place)))
            .into_iter()
            .map(|it| it.step)
            .collect(),
    };
    if let Some(given) = fields.given("harm_budget") {
        harm_budget::check(given, place, problems);
    }
    let lease = fields.span("lease").unwrap_or(DEFAULT_LEASE);
    if let Some(given) = fields.given("lease").filter(|_| lease < SHORTEST_LEASE) {
        let message = format!("a lease of {lease} would lapse between two renewals");
        problems.add(
            Problem::new(Code::WrongValue, given.extent, message)
                .expected(format!("at least {SHORTEST_LEASE}")),
        );
    }
    Rollout {
        strategy: place.strategy,
        steps,
        proof_required: fields.text("proof").as_deref() == Some("required"),
        hold_limit: fields.span("hold_limit").unwrap_or(DEFAULT_HOLD_LIMIT),
        on_blind: match fields.text("on_blind").as_deref() {
            Some("rollback") => OnBlind::Rollback,
            _ => OnBlind::Pause,
        },
        on_lapse: match fields.text("on_lapse").as_deref() {
            Some("pause") => OnLapse::Pause,
            Some("rollback") => OnLapse::Rollback,
            _ => OnLapse::Resume,
        },
        lease,
        rescue: rescue::read(fields.given("rescue"), place),
        mirror: fields.given("mirror").and_then(|own| mirror(own, place)),
        harm_budget: fields
            .text("harm_budget")
            .as_deref()
            .and_then(limits::requests)
            .and_then(|requests| u32::try_from(requests).ok()),
    }
}

/// What holds for copies; none where it is what holds anyway.
fn mirror(own: &Node, place: Place) -> Option<Mirror> {
    let fields = Fields::new(Some(own), MIRROR, place);
    let mirror = Mirror {
        except: fields.texts("except"),
        compare_bodies: own.get("bodies").and_then(Node::scalar) == Some(Scalar::Flag(true)),
    };
    (mirror != Mirror::default()).then_some(mirror)
}

/// The rollout of a change type: strategy and steps of its own, and everything else as the lane's. Without
/// a strategy of its own it has the lane's.
pub(crate) fn of_type(
    node: &Node,
    place: Place,
    shared: &Rollout,
    problems: &mut Problems,
) -> Rollout {
    let own = node.get("strategy").is_some();
    let named = || strategy(Some(node), place.tier, place.routed);
    let place = if own { Place { strategy: named(), budgeted: false, ..place } } else { place };
    let steps = match node.get("steps") {
        Some(steps) => checked_steps(steps, place, problems),
        None if own => written_steps(&from_default(default_steps(place)))
            .into_iter()
            .map(|it| it.step)
            .collect(),
        None => shared.steps.clone(),
    };
    let harm_budget = shared.harm_budget.filter(|_| place.strategy == Strategy::Adaptive);
    Rollout { strategy: place.strategy, steps, harm_budget, ..shared.clone() }
}

/// A step with the place of its weight.
struct Written {
    step: Step,
    weight_extent: Extent,
    bake_extent: Extent,
}

/// The steps that are well formed; the others were refused when their shape was checked.
fn written_steps(node: &Node) -> Vec<Written> {
    let read = node.items().iter().filter_map(|item| {
        let (weight, bake) = (item.get("weight")?, item.get("bake")?);
        let mirror: Option<Weight> = match item.get("mirror") {
            Some(share) => Some(share.text()?.parse().ok()?),
            None => None,
        };
        let (least, most) = match bake.text() {
            Some(text) => (text.parse().ok()?, text.parse().ok()?),
            None => {
                (bake.get("min")?.text()?.parse().ok()?, bake.get("max")?.text()?.parse().ok()?)
            }
        };
        Some(Written {
            step: Step {
                weight: weight.text()?.parse().ok()?,
                mirror: mirror.filter(|share| *share > Weight::ZERO),
                bake_min: least,
                bake_max: most,
            },
            weight_extent: weight.extent,
            bake_extent: bake.extent,
        })
    });
    read.collect()
}

fn checked_steps(node: &Node, place: Place, problems: &mut Problems) -> Vec<Step> {
    let written = written_steps(node);
    if node.items().is_empty() && !node.is_broken() {
        problems.add(
            Problem::new(Code::LastWeight, node.extent, "a rollout without steps never ends")
                .expected("at least one step, the last of them 100%")
                .next("leave `steps` out for those of the strategy"),
        );
    }
    // A step that is itself wrong says nothing about the order of the others.
    if written.len() == node.items().len() {
        check_order(&written, problems);
        check_last(&written, problems);
        check_strategy(&written, place, problems);
        check_router(&written, place, problems);
    }
    check_adaptive(&written, place, problems);
    for step in &written {
        let (least, most) = (step.step.bake_min, step.step.bake_max);
        if least > most {
            problems.add(
                Problem::new(
                    Code::BakeRange,
                    step.bake_extent,
                    format!("the step would last at least {least} and at most {most}"),
                )
                .expected("`min` at most as long as `max`")
                .next(format!("write {{ min: {most}, max: {least} }}")),
            );
        }
    }
    written.into_iter().map(|written| written.step).collect()
}

fn check_order(steps: &[Written], problems: &mut Problems) {
    let idle = |step: &Step| step.weight == Weight::ZERO && step.mirror.is_none();
    if let Some(first) = steps.first().filter(|first| idle(&first.step)) {
        problems.add(
            Problem::new(Code::WeightOrder, first.weight_extent, "a step at 0% moves no traffic")
                .expected("more than 0% and at most 100%")
                .next("add `mirror: 10%`, or remove the step; validation runs at 0% anyway"),
        );
    }
    for pair in steps.windows(2) {
        let (before, after) = (pair[0].step.weight, pair[1].step.weight);
        if after > before {
            continue;
        }
        let label = if after == before {
            format!("this one would stay at {after}")
        } else {
            format!("this one would go back to {after}")
        };
        let mut sorted: Vec<Weight> = steps.iter().map(|it| it.step.weight).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let sorted: Vec<_> = sorted.iter().map(ToString::to_string).collect();
        problems.add(
            Problem::new(
                Code::WeightOrder,
                pair[1].weight_extent,
                format!("the weights of a rollout must rise, and {after} follows {before}"),
            )
            .label(label)
            .related(pair[0].weight_extent, format!("this step is at {before}"))
            .expected(if before == Weight::FULL {
                "100% as the last step".to_owned()
            } else {
                format!("more than {before} and at most 100%")
            })
            .next(format!("put the steps in rising order: {}", sorted.join(", "))),
        );
    }
}

fn check_last(steps: &[Written], problems: &mut Problems) {
    let Some(last) = steps.last() else { return };
    let full = steps.iter().any(|it| it.step.weight == Weight::FULL);
    if !full {
        let weight = last.step.weight;
        problems.add(
            Problem::new(
                Code::LastWeight,
                last.weight_extent,
                format!("the last step must be 100%, and it is {weight}"),
            )
            .label(format!("the rollout would stay at {weight} for ever"))
            .expected("100% as the last step")
            .next(format!("add a step: {{ weight: 100%, bake: {} }}", last.step.bake_max)),
        );
    }
}

/// An adaptive step ends when enough is known, so that the file must say from when and until when.
fn check_adaptive(steps: &[Written], place: Place, problems: &mut Problems) {
    if place.strategy != Strategy::Adaptive {
        return;
    }
    for Written { step, bake_extent, .. } in steps {
        let most = step.bake_max;
        if step.bake_min < most || most == Span::ZERO {
            continue;
        }
        let least = Span(most.0 / ADAPTIVE_EXAMPLE);
        problems.add(
            Problem::new(
                Code::BakeRange,
                *bake_extent,
                "a step of the strategy `adaptive` ends when enough is known, and this one has one length",
            )
            .expected("the least and the most time")
            .next(format!(
                "write {{ min: {least}, max: {most} }}, or take the strategy `canary`, whose steps last what they say"
            )),
        );
    }
}

fn check_strategy(steps: &[Written], place: Place, problems: &mut Problems) {
    let name = place.strategy.as_str();
    let odd = match place.strategy {
        Strategy::AllAtOnce => steps.get(1).map(|it| (it, "one step of 100%".to_owned())),
        Strategy::Linear => odd_linear(steps),
        Strategy::Adaptive | Strategy::BlueGreen | Strategy::Canary => None,
    };
    if let Some((step, expected)) = odd {
        problems.add(
            Problem::new(
                Code::StrategySteps,
                step.weight_extent,
                format!("the strategy `{name}` has no such step"),
            )
            .expected(expected)
            .next("change the strategy to `canary`, whose steps are free, or leave `steps` out"),
        );
    }
}

fn odd_linear(steps: &[Written]) -> Option<(&Written, String)> {
    let first = steps.first()?.step;
    let size = first.weight.basis_points();
    let odd = steps.iter().zip(1u32..).find(|(it, number)| {
        let due = u32::from(size) * number;
        u32::from(it.step.weight.basis_points()) != due || it.step.bake_max != first.bake_max
    })?;
    Some((odd.0, format!("equal steps of {} for {} each", first.weight, first.bake_max)))
}

fn check_router(steps: &[Written], place: Place, problems: &mut Problems) {
    let Some(first) = steps.first().filter(|_| !place.routed && steps.len() > 1) else { return };
    problems.add(
        Problem::new(
            Code::StepsWithoutRouter,
            first.weight_extent,
            "without a router no traffic can be moved in steps",
        )
        .label("nothing can send this share")
        .expected("a `router`, or one step of 100%")
        .next(
            "add `router: { kind: towpath, listen: 127.0.0.1:3000 }`, or `strategy: all-at-once`",
        ),
    );
}
