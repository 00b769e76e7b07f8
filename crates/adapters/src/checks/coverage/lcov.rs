//! Reads coverage as LCOV writes it (geninfo(1), "TRACEFILE FORMAT"). Counts lines themselves; of
//! functions and branches it takes nothing.

use crate::reports::{Report, Wrong, short};

use super::Read;
use super::lines::{Lines, meant};

/// After how many lines the stop sign is looked at.
const STEPS: usize = 4096;

/// Whether a text begins as these files do.
pub(super) fn is_meant(text: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("TN:") || line.starts_with("SF:"))
}

/// What the report says of each line; its own sums when it has no line at all.
pub(super) fn read(report: &Report<'_>) -> Result<Read, Wrong> {
    let mut lines = Lines::default();
    let mut file = None;
    let (mut covered, mut total) = (0_u64, 0_u64);
    let mut count = 0;
    for (index, line) in report.text.lines().enumerate() {
        count = index + 1;
        if index.is_multiple_of(STEPS) {
            report.stop.check()?;
        }
        let wrong = |why: &str| Wrong::line(count, format!("{why}: `{}`", short(line)));
        let line = line.trim();
        let Some((key, value)) = line.split_once(':') else {
            match line {
                "end_of_record" if file.take().is_none() => {
                    return Err(wrong("a record ends that did not begin"));
                }
                "end_of_record" | "" => {}
                comment if comment.starts_with('#') => {}
                _ => return Err(wrong("this is no line of LCOV")),
            }
            continue;
        };
        match (key, file) {
            ("SF", Some(_)) => return Err(wrong("a record begins before the last one ended")),
            ("SF", None) => {
                report.stop.check()?;
                file = Some(lines.file(meant(report, &[], value)));
            }
            ("DA", None) => return Err(wrong("a line of code belongs to no file")),
            ("DA", Some(file)) => {
                let (number, hits) = line_of(value).ok_or_else(|| wrong("this counts nothing"))?;
                lines.add(file, number, hits > 0.0);
            }
            ("LH", _) => covered = sum(covered, value).ok_or_else(|| wrong("no count"))?,
            ("LF", _) => total = sum(total, value).ok_or_else(|| wrong("no count"))?,
            _ => {}
        }
    }
    if file.is_some() {
        return Err(Wrong::line(count, "it ends too early: no `end_of_record`"));
    }
    match lines.counts() {
        (_, 0) if covered > total => {
            Err(Wrong::whole(format!("it says that {covered} of {total} lines are covered")))
        }
        (_, 0) if total > 0 => Ok(Read::Sums(covered, total)),
        _ => Ok(Read::Lines(lines)),
    }
}

/// `LINE,COUNT[,CHECKSUM]`. Counts of some writers are negative or have a point; only whether they
/// are above zero matters.
fn line_of(value: &str) -> Option<(u32, f64)> {
    let mut parts = value.split(',');
    let number = parts.next()?.trim().parse().ok()?;
    let hits: f64 = parts.next()?.trim().parse().ok()?;
    hits.is_finite().then_some((number, hits))
}

fn sum(before: u64, value: &str) -> Option<u64> {
    value.trim().parse::<u64>().ok().map(|count| before.saturating_add(count))
}
