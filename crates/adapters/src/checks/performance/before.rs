//! The latency of a release against that of the one before it, which the same check measured then. Owns
//! what of a difference is noise; the figures of one load are [`super::figures`].

use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::release::ReleaseRef;
use towpath_ports::check::KeptBefore;

use super::figures::{Figures, QUANTILES};

/// Differences below this are what a shared machine's scheduler and a cold cache do to any program: the
/// floor of the guard's latency tests (`guard/src/slowness.rs`), in milliseconds.
const FLOOR: f64 = 10.0;
/// From how many steps between releases on their usual difference is known.
const STEPS_LEAST: usize = 3;
/// A step beyond this many of the usual is no chance: three standard deviations, which normal noise
/// exceeds once in 370 times. The median of absolute deviations times 1.4826 estimates one of them
/// (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation", JASA 88, 1993, section 1).
const DEVIATIONS: f64 = 3.0 * 1.4826;

/// One release's figures for the same load, as they were kept.
pub(super) struct Before {
    version: String,
    latencies: [Option<f64>; 4],
}

/// The figures of earlier releases that are of the same load as these, the latest first. A release that was
/// verified here before, to which a rollback returns, is held against its own: the one that it replaces may
/// have been quicker, and has to go all the same.
pub(super) fn comparable(
    kept: &[KeptBefore],
    release: &ReleaseRef,
    figures: &Figures,
) -> Vec<Before> {
    let is_own = |one: &&KeptBefore| one.release.digest == release.digest;
    let was_here = kept.iter().any(|one| is_own(&one));
    let of_same = |told: &Value| {
        let is_same = told["of"] == figures.of.as_str() && told["load"] == figures.load;
        is_same.then(|| told["latencies_in_milliseconds"].clone())
    };
    let kept = kept.iter().filter(|one| !was_here || is_own(one));
    let found = kept.filter_map(|KeptBefore { release, told }| {
        let all = told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice);
        Some(before(release, &all.iter().find_map(of_same)?))
    });
    found.collect()
}

fn before(release: &ReleaseRef, told: &Value) -> Before {
    let time = |key: &str| told[key].as_f64().filter(|time| time.is_finite() && *time >= 0.0);
    let latencies = QUANTILES.each_ref().map(|quantile| time(quantile.key));
    Before { version: release.version.to_string(), latencies }
}

/// Whether the latency at a place of [`QUANTILES`] is at most `tolerated` above that of the release
/// before, as a share of it. One that is above, and by no more than releases before it differed from one
/// to the next, cannot be told.
pub(super) fn judge(
    at: usize,
    tolerated: f64,
    figures: &Figures,
    before: &[Before],
) -> CheckAnswer {
    let key = QUANTILES[at].key;
    let wanted = format!("wanted {} at most", said(tolerated));
    let Some(now) = figures.latencies[at] else {
        return CheckAnswer::inconclusive(format!("{key} is not known, {wanted}"));
    };
    if now.is_infinite() {
        return CheckAnswer::fail(format!("{key} is beyond what was answered, {wanted}"));
    }
    let times: Vec<(&str, f64)> =
        before.iter().filter_map(|one| Some((one.version.as_str(), one.latencies[at]?))).collect();
    let Some((version, then)) = times.first().copied() else {
        return CheckAnswer::pass(format!(
            "{key} is {now:.1}ms, the first that is known of this load here; the next release is held \
             against it"
        ));
    };
    let growth = if then > 0.0 { now / then - 1.0 } else { 0.0 };
    let beside = format!("{key} is {now:.1}ms, {} on the {then:.1}ms of {version}", said(growth));
    if now <= then * (1.0 + tolerated) {
        return CheckAnswer::pass(format!("{beside}, {wanted}"));
    }
    if now - then <= FLOOR {
        return CheckAnswer::pass(format!(
            "{beside}; less than {FLOOR}ms is what any machine does"
        ));
    }
    match usual_step(&times) {
        Some(usual) if (now / then).ln() <= usual * DEVIATIONS => {
            CheckAnswer::inconclusive(format!(
                "{beside}, {wanted}; releases before it differed by {} from one to the next without being \
             worse, so that more requests are needed",
                said(usual.exp_m1())
            ))
        }
        _ => CheckAnswer::fail(format!("{beside}, {wanted}")),
    }
}

/// By which factor the times of two releases in a row usually differ, as its logarithm: the median.
fn usual_step(times: &[(&str, f64)]) -> Option<f64> {
    let steps = times.windows(2).map(|pair| (pair[0].1 / pair[1].1).ln().abs());
    let mut steps: Vec<f64> = steps.filter(|step| step.is_finite()).collect();
    steps.sort_by(f64::total_cmp);
    (steps.len() >= STEPS_LEAST).then(|| {
        let middle = steps.len() / 2;
        if steps.len() % 2 == 1 {
            steps[middle]
        } else {
            f64::midpoint(steps[middle - 1], steps[middle])
        }
    })
}

/// `+12%`, `-3%`.
fn said(growth: f64) -> String {
    format!("{:+.0}%", growth * 100.0)
}
