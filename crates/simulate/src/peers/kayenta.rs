//! Kayenta (Spinnaker's judge): a Mann-Whitney interval of the shift between two time series
//! (`judge/NetflixACAJudge.scala`, `classifiers/metric/MannWhitneyClassifier.scala`, commit a69573be).

use super::Peer;
use crate::counts::{ArmSeries, Series};

/// Judged every ten minutes on a growing window; its default is one judgement at the end.
pub(super) const EVERY_TEN_MINUTES: Peer = Peer {
    name: "Kayenta, Mann-Whitney, every 10m",
    source: "spinnaker/kayenta MannWhitneyClassifier.scala at a69573be, analysis interval of 10m",
    decide,
};

/// 99th percentile of the normal distribution: a two-sided interval of 98%.
const Z: f64 = 2.326_347_874_040_841;
/// Share of the estimated shift that is tolerated.
const TOLERANCE: f64 = 0.25;

fn decide(series: &Series) -> Option<usize> {
    decide_on(series, ArmSeries::minute)
}

/// The same judge over another figure of each minute.
pub(super) fn decide_on(
    series: &Series,
    figure: fn(&ArmSeries, usize) -> Option<f64>,
) -> Option<usize> {
    let ends = (10..=series.minutes()).step_by(10);
    let mut high = ends.filter(|minutes| {
        let points =
            |arm: &ArmSeries| (0..*minutes).filter_map(|m| figure(arm, m)).collect::<Vec<_>>();
        is_high(&points(&series.blue), &points(&series.green))
    });
    high.next().map(|minutes| minutes * 60)
}

/// Whether the experiment is classified as high: the lower end of the interval of the shift exceeds
/// a quarter of the Hodges-Lehmann estimate, and the ratio of the means is at least 1.
fn is_high(control: &[f64], experiment: &[f64]) -> bool {
    if control.len() < 2 || experiment.len() < 2 {
        return false;
    }
    let mut shifts: Vec<f64> =
        experiment.iter().flat_map(|e| control.iter().map(move |c| e - c)).collect();
    shifts.sort_by(f64::total_cmp);
    let (m, n) = (real(experiment.len()), real(control.len()));
    let ties = ties(control, experiment) / ((m + n) * (m + n - 1.0));
    let spread = (m * n / 12.0 * (m + n + 1.0 - ties)).max(0.0).sqrt();
    let rank = (m * n / 2.0 - Z * spread - 0.5).floor().max(0.0);
    let low = shifts[index(rank).min(shifts.len() - 1)];
    let mean = |points: &[f64]| points.iter().sum::<f64>() / real(points.len());
    let (usual, coming) = (mean(control), mean(experiment));
    let ratio_allows = usual <= 0.0 || coming <= 0.0 || coming / usual >= 1.0;
    let all_alike = spread == 0.0;
    !all_alike && low > TOLERANCE * median(&shifts).abs() && ratio_allows
}

fn ties(control: &[f64], experiment: &[f64]) -> f64 {
    let mut all: Vec<f64> = control.iter().chain(experiment).copied().collect();
    all.sort_by(f64::total_cmp);
    let groups = all.chunk_by(|a, b| a.total_cmp(b).is_eq());
    groups.map(|group| real(group.len()).powi(3) - real(group.len())).sum()
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of minutes")]
fn real(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among minutes, never negative"
)]
fn index(rank: f64) -> usize {
    rank as usize
}
