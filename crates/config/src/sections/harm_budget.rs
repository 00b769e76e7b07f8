//! How many requests a rollout may harm. Owns the weights that are chosen from unless the matrix says
//! which, and what stands against a budget; the choice is made while the rollout runs.

use towpath_core::matrix::Strategy;

use crate::codes::Code;
use crate::problem::{Problem, Problems};
use crate::shape::Place;
use crate::tree::Node;

/// The weights that a budget of harm chooses from: neighbours differ by a factor of two or two and a half,
/// as what is known does after one step more. The steps are short, because what may be harmed in a step
/// grows with its length, and little is needed for the next.
pub(super) const LADDER: &str = "[{ weight: 1%, bake: { min: 1m, max: 5m } }, { weight: 2%, bake: { min: 1m, max: 5m } }, \
     { weight: 5%, bake: { min: 1m, max: 5m } }, { weight: 10%, bake: { min: 1m, max: 5m } }, \
     { weight: 20%, bake: { min: 1m, max: 5m } }, { weight: 50%, bake: { min: 1m, max: 5m } }, \
     { weight: 100%, bake: { min: 1m, max: 5m } }]";

/// Weights are chosen by what requests show, one by one, and only where the strategy says so.
pub(super) fn check(given: &Node, place: Place, problems: &mut Problems) {
    let name = place.strategy.as_str();
    if place.strategy != Strategy::Adaptive {
        problems.add(
            Problem::new(
                Code::StrategySteps,
                given.extent,
                format!("the strategy `{name}` takes its steps whatever is harmed in them"),
            )
            .label("nothing would keep within it")
            .expected("`strategy: adaptive`, which chooses its weights")
            .next("write `strategy: adaptive`, or remove `harm_budget`"),
        );
    } else if !place.counts {
        problems.add(
            Problem::new(
                Code::StepsWithoutRouter,
                given.extent,
                "nothing tells of single requests here, so that no harm can be counted",
            )
            .label("nothing would keep within it")
            .expected("a `router` with the capability `per_request`, such as `kind: towpath`")
            .next("change the router, or take fixed steps"),
        );
    }
}
