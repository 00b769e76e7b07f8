//! What is asked of a simulation, from an address, and why it cannot be. Owns the limits; runs nothing.

use serde::Deserialize;
use towpath_core::ids::LaneId;
use towpath_core::matrix::{LaneSpec, Matrix};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_simulate::{Arrivals, Course, Fault, Latency, Scenario};

use crate::simulating::{course, requests_of_one};

/// Fewest and most rollouts of one answer: fewer say nothing of chance.
const FEWEST_RUNS: u64 = 20;
pub(super) const MOST_RUNS: u64 = 500;
/// Rollouts where nobody says how many, if so many fit.
const USUAL_RUNS: u64 = 200;
/// Most requests that are drawn for one answer, good release included: some ten seconds of one core at the most, and
/// mostly a tenth of that, because what is found ends early.
const MOST_REQUESTS: f64 = 6e7;
/// Most requests per second: beyond it the guard's counts are the same and only the time grows.
const MOST_RATE: f64 = 100_000.0;
/// How long answers take where a fault makes them slower: half of them less than 50 ms, one in a hundred more than 320 ms,
/// as `towpath simulate` has it.
const USUAL_LATENCY: Latency = Latency::LogNormal { median_us: 50_000.0, sigma: 0.797_9 };

/// As it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    /// `service/environment`.
    pub(super) lane: String,
    pub(super) rate: String,
    pub(super) errors: String,
    pub(super) fail: String,
    pub(super) slower: String,
    pub(super) share: String,
    pub(super) from: String,
    pub(super) runs: String,
    pub(super) seed: String,
}

/// The same, understood.
pub(super) struct Asked {
    pub(super) lane: LaneId,
    pub(super) course: Course,
    pub(super) scenario: Scenario,
    /// The share of the visitors at the step from which on it is wrong, from 0.
    pub(super) from: usize,
    pub(super) runs: u64,
    pub(super) seed: u64,
    /// What it is known by: the same question has the same answer.
    pub(super) key: String,
}

/// The lanes that can be simulated.
pub(super) fn lanes(matrix: &Matrix) -> Vec<String> {
    let all = matrix.environments.iter().flat_map(|environment| {
        let here = environment.lanes.iter().filter(|(_, lane)| can_be_run(lane));
        here.map(|(service, _)| format!("{service}/{}", environment.name))
    });
    all.collect()
}

fn can_be_run(lane: &LaneSpec) -> bool {
    lane.router.is_some() && course(lane).most_s() > 0.0
}

/// The weights of a lane's steps.
pub(super) fn steps(matrix: &Matrix, lane: &str) -> Vec<f64> {
    let id = LaneId::try_from(lane.to_owned()).ok();
    let section = id.as_ref().and_then(|id| matrix.lane(id)).map(|(_, section)| section);
    section
        .map(|lane| course(lane).bakes.iter().map(|bake| bake.weight).collect())
        .unwrap_or_default()
}

fn refused(name: &str, cause: impl Into<String>) -> Box<Refusal> {
    let message = "nothing was simulated";
    let refusal = Refusal::new(RefusalKind::Usage, "bad-query", message, cause.into());
    Box::new(refusal.at(format!("query: {name}")))
}

/// A number between two, the smaller one excluded where that is said; `usual` where nothing is typed.
fn number(
    name: &str,
    text: &str,
    usual: f64,
    (least, most): (f64, f64),
) -> Result<f64, Box<Refusal>> {
    if text.trim().is_empty() {
        return Ok(usual);
    }
    let read: Option<f64> = text.trim().parse().ok();
    read.filter(|it| it.is_finite() && (least..=most).contains(it))
        .ok_or_else(|| refused(name, format!("it is no number from {least} to {most}")))
}

impl Asked {
    /// What is meant, if it can be run.
    ///
    /// # Errors
    /// What is wrong with it, and what helps.
    pub(super) fn of(matrix: &Matrix, wanted: &Wanted) -> Result<Self, Box<Refusal>> {
        let none = || {
            refused("lane", "there is no such lane, or it has no router, or no step with a bake")
        };
        let lane = LaneId::try_from(wanted.lane.clone()).map_err(|_| none())?;
        let section = matrix.lane(&lane).map(|(_, section)| section).filter(|it| can_be_run(it));
        let course = course(section.ok_or_else(none)?);
        let (scenario, from) = scenario(wanted, &course)?;
        let each = requests_of_one(&course, &scenario.arrivals, scenario.latency);
        let runs = runs(&wanted.runs, each)?;
        let seed = match wanted.seed.trim() {
            "" => 1,
            text => text.parse().map_err(|_| refused("seed", "it is no whole number"))?,
        };
        let key = format!("{} {lane} {scenario:?} {runs} {seed}", matrix.digest());
        Ok(Self { lane, course, scenario, from, runs, seed, key })
    }
}

fn scenario(wanted: &Wanted, course: &Course) -> Result<(Scenario, usize), Box<Refusal>> {
    let rate = number("rate", &wanted.rate, 20.0, (0.001, MOST_RATE))?;
    let usual = number("errors", &wanted.errors, 0.5, (0.0, 99.0))? / 100.0;
    let fails = number("fail", &wanted.fail, usual * 100.0, (0.0, 100.0))? / 100.0;
    let slower = number("slower", &wanted.slower, 1.0, (1.0, 1000.0))?;
    let slower_share = number("share", &wanted.share, 100.0, (0.0, 100.0))? / 100.0;
    if fails < usual {
        return Err(refused(
            "fail",
            "a release that fails less than what serves today has no fault",
        ));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 1000")]
    let from = number("from", &wanted.from, 1.0, (1.0, 1000.0))? as usize - 1;
    if from >= course.bakes.len() {
        return Err(refused("from", format!("the rollout has {} steps", course.bakes.len())));
    }
    let onset_s = course.bakes[..from].iter().map(|bake| bake.most_s).sum();
    let latency = if slower > 1.0 { USUAL_LATENCY } else { Latency::AtOnce };
    let arrivals = Arrivals::Described { requests_per_s: rate, error_rate: usual };
    let fault = Fault { error_rate: fails, slower, slower_share, onset_s };
    Ok((Scenario { arrivals, latency, fault }, from))
}

fn runs(text: &str, each: f64) -> Result<u64, Box<Refusal>> {
    // A good release beside it is drawn as well.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, and what is larger than any stays the largest"
    )]
    let fitting = (MOST_REQUESTS / 2.0 / each) as u64;
    let wanted = match text.trim() {
        "" => fitting.min(USUAL_RUNS),
        text => {
            let runs = text.parse().ok().filter(|runs| (FEWEST_RUNS..=MOST_RUNS).contains(runs));
            let cause = format!("it is no whole number from {FEWEST_RUNS} to {MOST_RUNS}");
            runs.ok_or_else(|| refused("runs", cause))?
        }
    };
    if fitting < FEWEST_RUNS || wanted > fitting {
        let cause = format!("at this rate {fitting} rollouts fit into what one page may draw");
        let refusal = Refusal::new(
            RefusalKind::Usage,
            "too-large",
            "that is too much to simulate here",
            cause,
        );
        let refusal = refusal.at("query: rate, runs");
        return Err(Box::new(refusal.next(
            "towpath simulate --rate RATE --runs N",
            "on your own machine, as many as you wait for",
        )));
    }
    Ok(wanted)
}
