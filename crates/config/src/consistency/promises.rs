//! Service levels against what is held against a release: triggers, gates, and the promises of the
//! environment before. Judges no measurement.

use super::Lane;
use crate::codes::Code;
use crate::limits;
use crate::problem::{Problem, Problems};

/// A rollback trigger that tolerates more errors than the environment promises.
pub(super) fn trigger_looser_than_slo(lane: &Lane<'_>, problems: &mut Problems) {
    let promise = lane.get("slo", "error_rate");
    let Some((place, promised)) = promise.and_then(|node| {
        Some((node, limits::promised_share(node.text()?).filter(|share| *share > 0.0)?))
    }) else {
        return;
    };
    let limit = lane.spec.and_then(|spec| spec.rollback.limits.error_rate);
    let Some(limit) = limit.filter(|limit| *limit > promised) else { return };
    let name = lane.name();
    let when = lane.get("rollback", "when").and_then(|when| when.get("error_rate"));
    let (promised_text, limit_text) = (percent(promised), percent(limit));
    let message = format!(
        "{name} promises less than {promised_text} errors but goes back above {limit_text}"
    );
    let times = format!("a release may break it {} over and stay", times(limit / promised));
    let next = format!(
        "write \"> {promised_text}\", or keep it: the guard also compares with the old release"
    );
    let problem = match when {
        Some(when) => Problem::new(Code::TriggerLooserThanSlo, when.extent, message)
            .label(times)
            .related(place.extent, "the promise")
            .next(next),
        None => Problem::new(Code::TriggerLooserThanSlo, place.extent, message).label(times).next(
            format!(
                "add `rollback: {{ when: {{ error_rate: \"> {promised_text}\" }} }}`, or keep it"
            ),
        ),
    };
    lane.add(problem, problems);
}

fn percent(share: f64) -> String {
    let hundredths = (share * 10_000.0).round() / 100.0;
    format!("{hundredths}%")
}

fn times(ratio: f64) -> String {
    let words = [(2.0, "two"), (5.0, "five"), (10.0, "ten"), (50.0, "fifty")];
    let word = words.iter().find(|(number, _)| (ratio - number).abs() < 0.001);
    let number = word.map_or_else(|| format!("{ratio:.1}"), |(_, word)| (*word).to_owned());
    format!("{} times", number.trim_end_matches(".0"))
}
