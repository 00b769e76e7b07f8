//! What was measured of a lane, held against what its environment promises and against the goals of all environments.
//! Owns which figure belongs to which target, and when a target is met; draws nothing and reads nothing.

use std::collections::BTreeMap;

use towpath_engine::views::{TrafficPointView, TrafficView};
use towpath_ports::threshold::Threshold;

use super::figures::Goal;
use crate::pages::marks::took;

/// What is held against a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Uptime,
    Response,
    Errors,
}

impl Measure {
    pub(super) const ALL: [Self; 3] = [Self::Uptime, Self::Response, Self::Errors];

    /// Keys of `slo`, the first of which that is promised comes first.
    fn own(self) -> &'static [&'static str] {
        match self {
            Self::Uptime => &["uptime"],
            Self::Response => {
                &["latency_p95", "latency_p99", "latency_p90", "latency_p50", "latency_average"]
            }
            Self::Errors => &["error_rate", "availability"],
        }
    }

    /// The key of `goals`, and the key of `slo` by which the same is measured.
    fn goal(self) -> (&'static str, &'static str) {
        match self {
            Self::Uptime => ("environment_uptime", "uptime"),
            Self::Response => ("response_time", "latency_average"),
            Self::Errors => ("error_rate", "error_rate"),
        }
    }

    /// What stands where nothing is promised.
    fn usual(self) -> &'static str {
        match self {
            Self::Uptime => "uptime",
            Self::Response => "latency_p95",
            Self::Errors => "error_rate",
        }
    }

    /// What there must be so that there is a figure.
    pub(super) fn wants(self) -> &'static str {
        match self {
            Self::Uptime => "no probe",
            Self::Response | Self::Errors => "no request",
        }
    }
}

/// A target that a figure is held against.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The key of `slo` by which it is measured.
    key: &'static str,
    /// As the matrix writes it.
    pub(super) text: String,
    /// Whether it is a goal of all environments, and not of this one.
    pub(super) is_goal: bool,
    limit: Option<Threshold>,
}

/// A figure that is held against a target, or stands alone.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    key: &'static str,
    /// Between which two values it lies, in base units; none where nothing was measured.
    pub(super) value: Option<(f64, f64)>,
    pub(super) target: Option<Target>,
}

/// The targets of a measure in an environment, its own before the goals of all.
fn targets(measure: Measure, promised: &BTreeMap<String, String>, goals: &[Goal]) -> Vec<Target> {
    let of = |key, text: &str, is_goal| {
        let (text, limit) = (text.to_owned(), text.parse().ok());
        Target { key, text, is_goal, limit }
    };
    let own = measure.own().iter().filter_map(|key| Some(of(*key, promised.get(*key)?, false)));
    let (name, key) = measure.goal();
    let goals = goals.iter().filter(|goal| goal.key() == name);
    own.chain(goals.map(|goal| of(key, goal.text(), true))).collect()
}

/// A measure of a lane beside each of its targets; beside none where it has none.
pub(super) fn judged(
    measure: Measure,
    traffic: &TrafficView,
    promised: &BTreeMap<String, String>,
    goals: &[Goal],
) -> Vec<Judged> {
    let one = |key, target| {
        let value = if key == "uptime" {
            traffic.uptime.map(|share| (share, share))
        } else {
            value(key, &traffic.whole)
        };
        Judged { key, value, target }
    };
    let all = targets(measure, promised, goals);
    if all.is_empty() {
        return vec![one(measure.usual(), None)];
    }
    all.into_iter().map(|target| one(target.key, Some(target))).collect()
}

/// The figure of a piece of time, by its key of `slo`.
pub(super) fn value(key: &str, point: &TrafficPointView) -> Option<(f64, f64)> {
    let seconds = |ms: Option<f64>| ms.map(|ms| (ms / 1_000.0, ms / 1_000.0));
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    let failed = point.failed as f64 / point.requests.max(1) as f64;
    let share = |share: f64| (point.requests > 0).then_some((share, share));
    match key {
        "latency_average" => point.mean_ms.map(|(least, most)| (least / 1_000.0, most / 1_000.0)),
        "latency_p50" => seconds(point.p50_ms),
        "latency_p90" => seconds(point.p90_ms),
        "latency_p95" => seconds(point.p95_ms),
        "latency_p99" => seconds(point.p99_ms),
        "error_rate" => share(failed),
        "availability" => share(1.0 - failed),
        _ => None,
    }
}

impl Judged {
    /// Whether the target is met; none where nothing was measured, or it lies between what is known.
    pub(super) fn is_met(&self) -> Option<bool> {
        let ((least, most), limit) = (self.value?, self.target.as_ref()?.limit.as_ref()?);
        let (one, other) = (limit.holds(least)?, limit.holds(most)?);
        (one == other).then_some(one)
    }

    /// The fixed value of its target.
    pub(super) fn limit(&self) -> Option<f64> {
        Some(self.target.as_ref()?.limit.as_ref()?.limit())
    }

    /// By what it is measured.
    pub(super) fn key(&self) -> &'static str {
        self.key
    }

    /// What is said of the key beside the figure; nothing where the head of the column says it.
    pub(super) fn what(&self) -> &'static str {
        match self.key {
            "latency_average" => "mean",
            "latency_p50" => "p50",
            "latency_p90" => "p90",
            "latency_p95" => "p95",
            "latency_p99" => "p99",
            "availability" => "answered",
            _ => "",
        }
    }

    /// The worse end of what is known, in words.
    pub(super) fn said(&self) -> Option<String> {
        self.value.map(|(_, most)| said(self.key, most))
    }

    /// How bad it is beside others of the same key: the larger the worse.
    pub(super) fn badness(&self) -> f64 {
        let (least, most) = self.value.unwrap_or((0.0, 0.0));
        match self.key {
            "uptime" | "availability" => 1.0 - least,
            _ => most,
        }
    }
}

/// A figure in words, by its key of `slo`.
pub(super) fn said(key: &str, value: f64) -> String {
    if key.starts_with("latency_") { took(value) } else { format!("{:.2}%", value * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(requests: u64, failed: u64) -> TrafficView {
        let whole = TrafficPointView {
            requests,
            failed,
            mean_ms: Some((90.0, 110.0)),
            p99_ms: Some(400.0),
            ..TrafficPointView::default()
        };
        let text = String::new;
        TrafficView {
            format: 1,
            from: text(),
            until: text(),
            seconds: 1.0,
            points: Vec::new(),
            whole,
            uptime: Some(0.995),
            failed_paths: Vec::new(),
        }
    }

    fn of(measure: Measure, slo: &[(&str, &str)], traffic: &TrafficView) -> Vec<Option<bool>> {
        let own = slo.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
        judged(measure, traffic, &own, &[]).iter().map(Judged::is_met).collect()
    }

    #[test]
    fn each_figure_is_held_against_the_target_that_speaks_of_it() {
        let met = traffic(1_000, 4);
        assert_eq!(of(Measure::Uptime, &[("uptime", ">= 99.9%")], &met), [Some(false)]);
        assert_eq!(of(Measure::Uptime, &[("uptime", ">= 95%")], &met), [Some(true)]);
        assert_eq!(of(Measure::Response, &[("latency_p99", "< 500ms")], &met), [Some(true)]);
        assert_eq!(of(Measure::Errors, &[("error_rate", "< 0.1%")], &met), [Some(false)]);
        // What is answered is held against what must be answered, and not its opposite.
        assert_eq!(of(Measure::Errors, &[("availability", ">= 99%")], &met), [Some(true)]);
    }

    #[test]
    fn what_nobody_measured_and_what_lies_between_is_neither_met_nor_missed() {
        let silent = traffic(0, 0);
        assert_eq!(of(Measure::Errors, &[("error_rate", "< 1%")], &silent), [None]);
        let between = of(Measure::Response, &[("latency_average", "< 100ms")], &traffic(9, 0));
        assert_eq!(between, [None], "the mean lies between 90 and 110 ms");
        assert_eq!(of(Measure::Uptime, &[], &silent), [None], "nothing is promised");
    }

    #[test]
    fn a_figure_is_said_as_people_say_it() {
        assert_eq!([said("uptime", 0.9995), said("latency_p99", 0.4)], ["99.95%", "400 ms"]);
    }
}
