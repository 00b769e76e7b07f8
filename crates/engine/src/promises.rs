//! Looks every few minutes whether environments keep what they promise, and says when an error budget is
//! spent and when some of it is left again. Owns when it is looked; what is kept is said by the checks, and
//! whoever is told is decided in the core.

use std::sync::Arc;

use towpath_core::check::CheckResult;
use towpath_core::ids::LaneId;
use towpath_core::matrix::CheckSpec;
use towpath_core::promotion::input::Input;
use towpath_core::promotion::state::{CheckKey, GateList, Serving};
use towpath_core::units::Span;

use crate::questions;
use crate::shared::Shared;
use crate::views::CheckView;

/// Time between two looks: a month of counts is read in each, and a budget of a month is not spent in less
/// without somebody being told otherwise.
const EVERY: Span = Span::minutes(5);
/// The kind of check that says what is left of a budget.
const BUDGET: &str = "error_budget";

/// Looks until the engine stops.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while !shared.is_stopped() {
            let lanes: Vec<LaneId> = shared.read(|project| project.lanes.keys().cloned().collect());
            for lane in lanes {
                look(&shared, &lane).await;
            }
            tokio::time::sleep(EVERY.faster(shared.setup.speed).into()).await;
        }
    });
}

/// What was last known of what the lane's environment promises; empty before the first look.
pub(crate) fn known(shared: &Shared, lane: &LaneId) -> Vec<CheckView> {
    let known = shared.promises.lock().expect("no holder of this lock panics");
    known.get(lane).cloned().unwrap_or_default()
}

/// Looks at one lane now. Safe to repeat.
pub(crate) async fn look(shared: &Arc<Shared>, lane: &LaneId) {
    let found = shared.read(|project| {
        let matrix = project.common.matrix.as_ref()?;
        let promises = matrix.environment(&lane.environment)?.promises.clone();
        let serving = project.lanes.get(lane)?.serving.clone()?;
        (!promises.is_empty()).then_some((promises, serving))
    });
    let Some((promises, serving)) = found else {
        shared.promises.lock().expect("no holder of this lock panics").remove(lane);
        return;
    };
    let mut views = Vec::new();
    for promise in &promises {
        views.push(ask(shared, lane, promise, &serving).await);
    }
    shared.promises.lock().expect("no holder of this lock panics").insert(lane.clone(), views);
}

async fn ask(
    shared: &Arc<Shared>,
    lane: &LaneId,
    promise: &CheckSpec,
    serving: &Serving,
) -> CheckView {
    let key = CheckKey { list: GateList::Validation, slug: promise.slug.clone() };
    let release = serving.deployment.release.clone();
    let number = serving.deployment.number;
    let request = questions::asked(shared, lane, number, &key, promise, release, Vec::new());
    let answer = questions::ask(shared, promise, request).await;
    // What cannot be told is no news, in neither direction.
    let spent = match answer.result {
        CheckResult::Fail => Some(true),
        CheckResult::Pass => Some(false),
        CheckResult::Pending { .. } | CheckResult::Inconclusive => None,
    };
    let was_spent = shared
        .read(|project| project.lanes.get(lane).is_some_and(|lane| lane.budget_spent.is_some()));
    if let Some(spent) = spent.filter(|spent| promise.check.kind == BUDGET && *spent != was_spent) {
        let sentence = answer.sentence.clone();
        shared.send(lane, Input::BudgetLooked { spent, sentence }).await;
    }
    questions::view("promises", promise, answer)
}
