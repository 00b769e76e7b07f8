//! A declared rollout as simulations run it, and how much there is to draw for one. Runs none.

use towpath_core::matrix::{LaneSpec, OnBlind};
use towpath_core::units::Span;
use towpath_simulate::{Arrivals, Bake, Course, Latency};

/// How the traffic of a lane moves.
pub fn course(lane: &LaneSpec) -> Course {
    let rollout = &lane.rollout;
    let seconds = |span: Span| std::time::Duration::from(span).as_secs_f64();
    let bakes = rollout.steps.iter().map(|step| Bake {
        weight: step.weight.share(),
        least_s: seconds(step.bake_min),
        most_s: seconds(step.bake_max),
    });
    Course {
        bakes: bakes.collect(),
        proof_required: rollout.proof_required,
        hold_limit_s: seconds(rollout.hold_limit),
        blind_goes_back: rollout.on_blind == OnBlind::Rollback,
        harm_budget: rollout.harm_budget.map(f64::from),
        is_probed: lane.health.every.is_some() && !lane.health.endpoints.is_empty(),
    }
}

/// How many requests are drawn for one rollout that goes all the way, and waits for evidence as long as it may.
pub fn requests_of_one(course: &Course, arrivals: &Arrivals, latency: Latency) -> f64 {
    let (rate, usual) = (arrivals.requests_per_s(), arrivals.error_rate());
    // Answers of the old release that are no evidence are not drawn one by one.
    let blue = if latency == Latency::AtOnce { usual } else { 1.0 };
    let drawn = |weight: f64| rate * (weight + (1.0 - weight) * blue);
    let requests = course.bakes.iter().map(|bake| bake.most_s * (1.0 + drawn(bake.weight)));
    #[expect(clippy::cast_precision_loss, reason = "steps of a rollout")]
    let held_s = course.hold_limit_s * course.bakes.len() as f64;
    requests.sum::<f64>() + held_s
}
