//! Runs simulations: one at a time in the whole process, on a thread that answers nobody else, and none twice. Owns what is
//! remembered; knows no page.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use towpath_core::guarding;
use towpath_core::matrix::Matrix;
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::Engine;
use towpath_simulate::{Fault, Followed, Scenario, follow, in_turn};

use super::asked::Asked;

/// How many run at once: of two cores one is left for everything else.
const AT_ONCE: usize = 1;
/// How long somebody waits for their turn: longer than one takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Answers that are remembered, a hundred kilobytes each at the most.
const REMEMBERED: usize = 64;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
static KNOWN: Mutex<VecDeque<(String, Arc<Outcome>)>> = Mutex::new(VecDeque::new());

/// What became of all rollouts.
pub(super) struct Outcome {
    /// With the fault.
    pub(super) faulty: Vec<Followed>,
    /// The same chance without it.
    pub(super) good: Vec<Followed>,
}

/// The answer, as it was given before or anew.
///
/// # Errors
/// A refusal: others simulate as well, and nobody's turn came in time.
pub(super) async fn outcome(
    engine: &Engine,
    matrix: &Matrix,
    asked: &Asked,
) -> Result<Arc<Outcome>, Box<Refusal>> {
    // Another project's lane of the same name has another matrix, and so another digest.
    let key = format!("{} {}", engine.setup().project, asked.key);
    if let Some(known) = remembered(&key) {
        return Ok(known);
    }
    let turn = tokio::time::timeout(PATIENCE, Arc::clone(&TURNS).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(busy()) };
    // Whoever was before may have asked the same.
    if let Some(known) = remembered(&key) {
        return Ok(known);
    }
    let Some((_, section)) = matrix.lane(&asked.lane) else { return Err(busy()) };
    let policy = guarding::policy(section, 1, guarding::ROUTER_SHARE, 1);
    let (course, scenario, runs) =
        (asked.course.clone(), asked.scenario.clone(), (asked.runs, asked.seed));
    let run = tokio::task::spawn_blocking(move || {
        // Held until it is done, also where whoever asked has gone.
        let _turn = turn;
        let usual = scenario.arrivals.error_rate();
        let good = Scenario { fault: Fault::none(usual), ..scenario.clone() };
        let horizon = scenario.horizon();
        let all = |scenario: &Scenario| {
            in_turn(runs, |seed| follow(scenario, &course, &policy, &horizon, seed))
        };
        Outcome { faulty: all(&scenario), good: all(&good) }
    });
    let outcome = Arc::new(run.await.map_err(|_| busy())?);
    remember(key, &outcome);
    Ok(outcome)
}

fn remembered(key: &str) -> Option<Arc<Outcome>> {
    let known = KNOWN.lock().expect("no holder of this lock panics");
    known.iter().find(|(own, _)| own == key).map(|(_, outcome)| Arc::clone(outcome))
}

fn remember(key: String, outcome: &Arc<Outcome>) {
    let mut known = KNOWN.lock().expect("no holder of this lock panics");
    if known.len() >= REMEMBERED {
        known.pop_front();
    }
    known.push_back((key, Arc::clone(outcome)));
}

fn busy() -> Box<Refusal> {
    let message = "nothing was simulated yet";
    let cause = "others simulate at this server as well, one after the other";
    let refusal = Refusal::new(RefusalKind::Conflict, "busy", message, cause);
    Box::new(refusal.next("towpath simulate", "on your own machine; or look at this address again"))
}
