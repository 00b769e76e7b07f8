//! What a simulation came to: the object that programs read, and the tables that people read. Owns
//! the sums over rollouts and every sentence; draws nothing by chance.

pub(crate) mod chart;
mod help;
mod text;

use std::path::Path;

use serde::Serialize;
use towpath_core::matrix::LaneSpec;
use towpath_guard::{LatencyLimit, Policy, Quantile};
use towpath_simulate::statistics;

pub(crate) use help::HELP;
pub(crate) use text::text;

/// How one rollout ended under one rule; neither back nor promoted waits for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ended {
    /// Visitors harmed until then.
    pub(crate) harmed: f64,
    /// When it went back, in seconds from the start.
    pub(crate) back_s: Option<f64>,
    /// Whether that was for want of evidence.
    pub(crate) was_blind: bool,
    /// Whether that was because no larger weight kept within the budget of harm.
    pub(crate) was_over_budget: bool,
    /// When it was through, in seconds from the start.
    pub(crate) promoted_s: Option<f64>,
    /// Whether every step passed with the release proven good.
    pub(crate) was_proven: bool,
}

/// The answer. Durations are seconds, shares are fractions of 1; intervals are of 95%.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SimulationView {
    /// Version of this form.
    pub(crate) format: u32,
    pub(crate) environment: String,
    pub(crate) service: String,
    /// Rollouts of each release under each rule.
    pub(crate) runs: u64,
    pub(crate) seed: u64,
    pub(crate) traffic: TrafficView,
    /// The rollouts that were run.
    pub(crate) policies: Vec<PolicyView>,
    /// The other tools beside them.
    pub(crate) peers: Vec<PeerView>,
    /// The releases that were tried, a good one first.
    pub(crate) scenarios: Vec<ScenarioView>,
}

/// The traffic.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TrafficView {
    /// `described`, `access-log`, `json-log` or `counts`.
    pub(crate) source: &'static str,
    pub(crate) file: Option<String>,
    pub(crate) requests_per_second: f64,
    pub(crate) error_rate: f64,
    pub(crate) recorded_seconds: Option<f64>,
    pub(crate) recorded_requests: Option<u64>,
    pub(crate) broken_lines: Option<u64>,
    pub(crate) first_broken: Vec<BrokenLine>,
    /// How long answers take; none: no time at all.
    pub(crate) answers: Option<AnswersView>,
}

impl Default for TrafficView {
    fn default() -> Self {
        Self {
            source: "described",
            file: None,
            requests_per_second: 0.0,
            error_rate: 0.0,
            recorded_seconds: None,
            recorded_requests: None,
            broken_lines: None,
            first_broken: Vec::new(),
            answers: None,
        }
    }
}

/// A line of a log that could not be read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BrokenLine {
    pub(crate) line: u64,
    pub(crate) why: String,
}

/// Times of answers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct AnswersView {
    pub(crate) p50_seconds: f64,
    pub(crate) p99_seconds: f64,
}

/// One rollout as it is declared, and what the guard tests in it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PolicyView {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) strategy: &'static str,
    pub(crate) steps: Vec<StepView>,
    /// Requests that may be harmed.
    pub(crate) harm_budget: Option<u32>,
    /// Chance of throwing out a good release.
    pub(crate) alpha: f64,
    /// How many times as often as blue green may fail.
    pub(crate) margin: f64,
    pub(crate) error_rate: Option<f64>,
    /// As `p99 +20%` or `p99 > 300ms`.
    pub(crate) latency: Vec<String>,
}

/// One step.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct StepView {
    pub(crate) weight: f64,
    pub(crate) bake_min_seconds: f64,
    pub(crate) bake_max_seconds: f64,
}

/// Another tool's rule.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct PeerView {
    pub(crate) tool: &'static str,
    pub(crate) settings: &'static str,
    /// Where the rule stands.
    pub(crate) source: &'static str,
}

/// One release that was tried.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ScenarioView {
    pub(crate) name: String,
    /// None: a release as good as what serves.
    pub(crate) fault: Option<FaultView>,
    /// The policies in their order, then the other tools in theirs.
    pub(crate) rows: Vec<RowView>,
}

/// What is wrong with a release.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FaultView {
    pub(crate) error_rate: f64,
    pub(crate) slower: f64,
    pub(crate) onset_seconds: f64,
}

/// What one rule did about one release.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowView {
    pub(crate) rule: String,
    /// Whether it is one of the policies, judged by the guard.
    pub(crate) is_policy: bool,
    pub(crate) went_back: ShareView,
    /// Of these, those for want of evidence.
    pub(crate) went_back_blind: u64,
    /// Those of them that went back because no larger weight kept within the budget of harm.
    pub(crate) went_back_for_budget: u64,
    /// Those that wait for a person.
    pub(crate) held: u64,
    pub(crate) promoted: u64,
    /// Of these, those of which some step was not proven; of the other tools nobody knows.
    pub(crate) not_proven: Option<u64>,
    /// Mean of all rollouts, until they went back or through.
    pub(crate) harmed: Spread,
    /// Middle over all rollouts, from the onset of the fault; none where most did not go back.
    pub(crate) back_after_seconds: Option<Spread>,
    /// Middle over all rollouts, from the start; none where most were not promoted.
    pub(crate) promoted_after_seconds: Option<Spread>,
}

/// A share of rollouts with Wilson's interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ShareView {
    pub(crate) count: u64,
    pub(crate) share: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A figure with its interval; an end that lies beyond every rollout is none.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Spread {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: Option<f64>,
}

impl RowView {
    /// The sum of all rollouts under one rule.
    pub(crate) fn of(rule: &str, is_policy: bool, all: &[Ended], onset_s: f64) -> Self {
        let count =
            |which: fn(&Ended) -> bool| all.iter().filter(|ended| which(ended)).count() as u64;
        let runs = all.len() as u64;
        let went_back = count(|it| it.back_s.is_some());
        let promoted = count(|it| it.promoted_s.is_some());
        let proven = count(|it| it.promoted_s.is_some() && it.was_proven);
        let harmed: Vec<f64> = all.iter().map(|ended| ended.harmed).collect();
        let (value, (low, high)) = statistics::mean_interval(&harmed).unwrap_or_default();
        let (least, most) = statistics::wilson(went_back, runs);
        let share = if runs == 0 { 0.0 } else { real(went_back) / real(runs) };
        Self {
            rule: rule.to_owned(),
            is_policy,
            went_back: ShareView { count: went_back, share, low: least, high: most },
            went_back_blind: count(|it| it.was_blind),
            went_back_for_budget: count(|it| it.was_over_budget),
            held: runs - went_back - promoted,
            promoted,
            not_proven: is_policy.then_some(promoted - proven),
            harmed: Spread { value, low: low.max(0.0), high: Some(high) },
            // What went back before it was wrong did so at once.
            back_after_seconds: middle(all, |it| it.back_s.map(|at| (at - onset_s).max(0.0))),
            promoted_after_seconds: middle(all, |it| it.promoted_s),
        }
    }
}

/// The middle over all rollouts, those without a time at the end.
fn middle(all: &[Ended], time: impl Fn(&Ended) -> Option<f64>) -> Option<Spread> {
    let times: Vec<f64> = all.iter().map(|it| time(it).unwrap_or(f64::INFINITY)).collect();
    let (value, (low, high)) = statistics::median_interval(&times)?;
    let high = Some(high).filter(|high| high.is_finite());
    value.is_finite().then_some(Spread { value, low, high })
}

impl PolicyView {
    /// What of a lane decides a rollout.
    pub(crate) fn of(name: &str, file: &Path, lane: &LaneSpec, policy: &Policy) -> Self {
        let seconds =
            |span: towpath_core::units::Span| std::time::Duration::from(span).as_secs_f64();
        let step = |step: &towpath_core::matrix::Step| StepView {
            weight: step.weight.share(),
            bake_min_seconds: seconds(step.bake_min),
            bake_max_seconds: seconds(step.bake_max),
        };
        Self {
            name: name.to_owned(),
            file: file.file_name().map_or_else(String::new, |it| it.to_string_lossy().into_owned()),
            strategy: lane.rollout.strategy.as_str(),
            steps: lane.rollout.steps.iter().map(step).collect(),
            harm_budget: lane.rollout.harm_budget,
            alpha: policy.alpha,
            margin: policy.margin,
            error_rate: policy.error_rate,
            latency: policy.latency.iter().map(limit).collect(),
        }
    }
}

fn limit(limit: &LatencyLimit) -> String {
    match limit {
        LatencyLimit::Factor(Quantile(quantile), factor) => {
            format!("p{quantile} +{}", super::style::percent(factor - 1.0))
        }
        LatencyLimit::AtMost(Quantile(quantile), microseconds) => {
            format!("p{quantile} > {}ms", microseconds / 1000)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of rollouts")]
fn real(count: u64) -> f64 {
    count as f64
}
