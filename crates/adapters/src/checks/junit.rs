//! Check `junit`: reports of tests in JUnit's form say how many failed. Owns what is borne; how a
//! report is read is in [`cases`].

mod cases;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::reports::{self, Reports, Summary, counted, grouped};
use cases::Cases;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "junit",
        summary: "Test reports in JUnit's form: how many failed, how many ran.",
        example: "{ check: junit, path: \"reports/**/*.xml\" }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            reports::PATH,
            Field::optional(
                "at_least",
                FieldType::Count(0, 10_000_000),
                "Tests that must have run, skipped ones not counted; left out, one, without which \
                 nothing is known.",
            ),
            Field::optional(
                "allow",
                FieldType::Counts(&["failed", "skipped"]),
                "Failed and skipped tests that are borne; left out, no failed one and any skipped \
                 one. A test that passed when it was run again is not failed.",
            ),
            reports::MAX_AGE,
        ],
        validate: reports::problems,
    },
    build: Some(|settings, site| Ok(Arc::new(Junit::new(settings, site)?))),
};

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    path: String,
    at_least: Option<u64>,
    #[serde(default)]
    allow: Allowed,
    max_age: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Allowed {
    #[serde(default)]
    failed: u64,
    skipped: Option<u64>,
}

struct Junit {
    reports: Reports,
    at_least: Option<u64>,
    allow: Allowed,
}

impl Junit {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `junit`: {error}"))?;
        let reports = Reports::new(&settings.path, settings.max_age, site)?;
        Ok(Self { reports, at_least: settings.at_least, allow: settings.allow })
    }

    fn judge(&self, summary: &Summary<Cases>) -> CheckAnswer {
        let Cases { total, failed, skipped, flaky, .. } = summary.sum;
        let ran = total - skipped;
        let (tests, reports) = (counted(total, "test"), summary.reports());
        let flaky = match flaky {
            0 => String::new(),
            flaky => format!(", {} passed when run again", grouped(flaky)),
        };
        let said = format!(
            "{tests} in {reports}: {} failed, {} skipped{flaky}",
            grouped(failed),
            grouped(skipped)
        );
        let first = summary.sum.listed.first().map_or("", String::as_str);
        let first = first.split('\n').next().unwrap_or_default();
        let answer = if failed > self.allow.failed {
            let borne = match self.allow.failed {
                0 => String::new(),
                borne => format!(", of which {} may", grouped(borne)),
            };
            CheckAnswer::fail(format!("{said}{borne}; first: {first}"))
        } else if let Some(borne) = self.allow.skipped.filter(|borne| skipped > *borne) {
            CheckAnswer::fail(format!("{said}, of which {} may be", grouped(borne)))
        } else if ran == 0 && self.at_least != Some(0) {
            CheckAnswer::inconclusive(format!(
                "{said}; no test ran, so nothing is known (`at_least: 0` bears that)"
            ))
        } else if let Some(least) = self.at_least.filter(|least| ran < *least) {
            let (ran, least) = (grouped(ran), grouped(least));
            CheckAnswer::fail(format!("{said}; {ran} ran and at least {least} must"))
        } else {
            CheckAnswer::pass(format!("{said}{}", summary.passed_by))
        };
        answer.with_output(summary.output(&summary.sum.listed, summary.sum.beyond))
    }
}

#[async_trait]
impl Check for Junit {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        match self.reports.read(request, Cases::default()).await {
            Ok(summary) => self.judge(&summary),
            Err(answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests;
