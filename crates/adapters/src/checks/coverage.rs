//! Check `coverage`: reports say how much of the code the tests ran. Owns the comparison, which is
//! exact; how a report is read is in [`cobertura`] and [`lcov`].

mod cobertura;
mod lcov;
mod lines;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::{Span, Weight};
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::reports::{self, Report, Reports, Summary, Tally, Wrong, counted, grouped};
use lines::{Lines, Sums};

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "coverage",
        summary: "Coverage reports: how much of the code the tests ran.",
        example: "{ check: coverage, path: coverage.xml, at_least: \"80%\" }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::required(
                "path",
                FieldType::Path,
                "The reports, as a pattern from the folder of the matrix on: Cobertura or LCOV, told \
                 apart by what is in them. A line that any of them ran is covered.",
            ),
            Field::required(
                "at_least",
                FieldType::Share,
                "The least share of lines, compared without rounding.",
            ),
            reports::MAX_AGE,
        ],
        validate: reports::problems,
    },
    build: Some(|settings, site| Ok(Arc::new(Coverage::new(settings, site)?))),
};

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    path: String,
    at_least: Weight,
    max_age: Option<Span>,
}

struct Coverage {
    reports: Reports,
    at_least: Weight,
}

impl Coverage {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("check `coverage`: {error}"))?;
        let reports = Reports::new(&settings.path, settings.max_age, site)?;
        Ok(Self { reports, at_least: settings.at_least })
    }

    fn judge(&self, summary: &Summary<Sums>) -> CheckAnswer {
        let Sums { covered, total, without_lines, .. } = summary.sum;
        let (least, reports) = (self.at_least, summary.reports());
        if total == 0 {
            return CheckAnswer::inconclusive(format!("there is no line of code in {reports}"))
                .with_output(summary.output(&[], 0));
        }
        let (percent, lines) = (percent(covered, total), counted(total, "line"));
        let by_sums = match without_lines {
            0 => String::new(),
            some => {
                format!("; {} without lines counted by their sums alone", counted(some, "report"))
            }
        };
        let said = format!(
            "{percent} of {lines} in {reports} covered; at least {least} are asked{by_sums}"
        );
        let is_enough =
            u128::from(covered) * 10_000 >= u128::from(total) * u128::from(least.basis_points());
        let answer = if is_enough {
            CheckAnswer::pass(format!("{said}{}", summary.passed_by))
        } else {
            CheckAnswer::fail(said)
        };
        answer.with_output(summary.output(&summary.sum.least_covered, 0))
    }
}

#[async_trait]
impl Check for Coverage {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        match self.reports.read(request, Union::default()).await {
            Ok(summary) => self.judge(&summary),
            Err(answer) => answer,
        }
    }
}

/// What any of the reports says of each line.
#[derive(Default)]
struct Union {
    lines: Lines,
    /// Of reports that hold no lines, what they say of themselves.
    covered: u64,
    total: u64,
    without_lines: u64,
}

/// What one report says.
enum Read {
    Lines(Lines),
    /// Covered, and all.
    Sums(u64, u64),
}

impl Tally for Union {
    type Sum = Sums;
    const WHAT: &'static str = "coverage report";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let begin = report.text.trim_start();
        let (form, read) = if begin.starts_with('<') {
            ("Cobertura", cobertura::read(report)?)
        } else if lcov::is_meant(begin) {
            ("LCOV", lcov::read(report)?)
        } else {
            return Err(Wrong::whole("it is neither Cobertura's XML nor LCOV"));
        };
        let (covered, total) = match read {
            Read::Lines(lines) => {
                let counts = lines.counts();
                self.lines.merge(lines, report.stop)?;
                counts
            }
            Read::Sums(covered, total) => {
                self.without_lines += 1;
                self.covered = self.covered.saturating_add(covered);
                self.total = self.total.saturating_add(total);
                (covered, total)
            }
        };
        Ok(format!("{form}, {} of {} lines covered", grouped(covered), grouped(total)))
    }

    fn sum(self) -> Sums {
        let (covered, total) = self.lines.counts();
        Sums {
            covered: covered.saturating_add(self.covered),
            total: total.saturating_add(self.total),
            without_lines: self.without_lines,
            least_covered: self.lines.least_covered(),
        }
    }
}

/// A share with two decimals, never rounded up: what is below a limit of two decimals is shown
/// below it.
fn percent(covered: u64, total: u64) -> String {
    let hundredths = u128::from(covered) * 10_000 / u128::from(total.max(1));
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
