//! Check `sarif`: scanners' reports say how many findings of each severity there are. Owns what is
//! borne; how severe a finding is is told by [`severity`], what a report holds by [`log`].

mod log;
mod severity;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::reports::{self, LISTED_MOST, Report, Reports, Summary, Tally, Wrong, counted, grouped};
use log::Run;
use severity::{Rules, Weighed};

use crate::reports::severities::{self, Allowed, Counts, SEVERITIES, Severity};

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "sarif",
        summary: "Findings of scanners in SARIF 2.1.0, by severity.",
        example: "{ check: sarif, path: scan.sarif, allow: { high: 0 } }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            reports::PATH,
            Field::required(
                "allow",
                FieldType::Counts(SEVERITIES),
                "Findings of each severity that are borne. Critical ones count as high where \
                 `critical` is not named; those of severities below the last one named are borne. \
                 Suppressed ones and those a baseline calls absent do not count.",
            ),
            Field::optional(
                "tools",
                FieldType::Texts,
                "Scanners that must be among the reports, by their name or its first words.",
            ),
            reports::MAX_AGE,
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Sarif::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = reports::problems(settings);
    problems.extend(severities::problems(settings));
    let tools = settings.get("tools").and_then(Value::as_array).into_iter().flatten();
    for (index, tool) in tools.enumerate() {
        if tool.as_str().is_none_or(|name| name.trim().is_empty()) {
            let path = format!("tools[{index}]");
            problems.push(Problem::new(
                &path,
                format!("`{path}` names no tool"),
                "the name of a scanner",
            ));
        }
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    path: String,
    allow: Allowed,
    #[serde(default)]
    tools: Vec<String>,
    max_age: Option<Span>,
}

struct Sarif {
    reports: Reports,
    allow: Allowed,
    tools: Vec<String>,
}

impl Sarif {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `sarif`: {error}"))?;
        let reports = Reports::new(&settings.path, settings.max_age, site)?;
        Ok(Self { reports, allow: settings.allow, tools: settings.tools })
    }

    /// Tools that are asked for and not among the reports.
    fn missing(&self, found: &BTreeSet<String>) -> Vec<&str> {
        let is_there = |wanted: &&String| found.iter().any(|name| is_called(name, wanted));
        self.tools.iter().filter(|wanted| !is_there(wanted)).map(String::as_str).collect()
    }

    fn judge(&self, summary: &Summary<Findings>) -> CheckAnswer {
        let findings = &summary.sum;
        let suppressed = match findings.suppressed {
            0 => String::new(),
            some => format!(", {} suppressed", grouped(some)),
        };
        let said = format!("{} in {}{suppressed}", findings.counts, summary.reports());
        let missing = self.missing(&findings.tools);
        let answer = if let Some(borne) = self.allow.beyond(findings.counts) {
            let first = findings.listed.first().map_or("", |(_, told)| told.as_str());
            CheckAnswer::fail(format!("{said}; at most {borne} may be; first: {first}"))
        } else if let Some(why) = &findings.unknown {
            CheckAnswer::inconclusive(format!("{why}; {said}"))
        } else if !missing.is_empty() {
            let there: Vec<&str> = findings.tools.iter().map(String::as_str).collect();
            CheckAnswer::inconclusive(format!(
                "no report is of {}, only of {}; {said}",
                missing.join(" and "),
                there.join(", ")
            ))
        } else {
            CheckAnswer::pass(format!("{said}{}", summary.passed_by))
        };
        let listed: Vec<String> =
            findings.listed.iter().map(|(severity, told)| format!("{severity}: {told}")).collect();
        answer.with_output(summary.output(&listed, findings.beyond))
    }
}

#[async_trait]
impl Check for Sarif {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        match self.reports.read(request, Findings::default()).await {
            Ok(summary) => self.judge(&summary),
            Err(answer) => answer,
        }
    }
}

/// Whether a tool that calls itself `name` is the one that is `wanted`: `Semgrep OSS` is `semgrep`.
fn is_called(name: &str, wanted: &str) -> bool {
    let (name, wanted) = (name.to_lowercase(), wanted.trim().to_lowercase());
    let rest = name.strip_prefix(&wanted);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-'))
}

/// What all reports hold.
#[derive(Debug, Default)]
struct Findings {
    counts: Counts,
    suppressed: u64,
    /// Names that the tools give themselves.
    tools: BTreeSet<String>,
    /// The most severe findings, worst first.
    listed: Vec<(Severity, String)>,
    beyond: u64,
    /// Why the reports may say less than there is; the first reason.
    unknown: Option<String>,
}

impl Tally for Findings {
    type Sum = Self;
    const WHAT: &'static str = "SARIF report";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let log = log::read(report)?;
        let before = self.counts;
        let shown = reports::shown(report.path);
        if log.runs.is_empty() {
            self.know_less(format!("{shown} holds no run of a scanner"));
        }
        let mut names = BTreeSet::new();
        for run in &log.runs {
            names.insert(self.add_run(run, report, &shown)?);
        }
        let called: Vec<_> = names.iter().map(String::as_str).collect();
        Ok(format!(
            "{}, {} of {}: {}",
            called.join(", "),
            counted(log.runs.len() as u64, "run"),
            counted(names.len() as u64, "tool"),
            self.counts.since(before),
        ))
    }

    fn sum(mut self) -> Self {
        self.listed.sort_by_key(|(severity, _)| *severity);
        self
    }
}

impl Findings {
    fn add_run(&mut self, run: &Run, report: &Report<'_>, shown: &str) -> Result<String, Wrong> {
        let name = reports::short(&run.tool.driver.name);
        self.tools.insert(name.clone());
        if run.failed() {
            self.know_less(format!("{name} says in {shown} that its run was not successful"));
        }
        if let Some(what) = run.kept_elsewhere() {
            self.know_less(format!("{shown} keeps its {what} in other files, which are not read"));
        }
        let Some(results) = &run.results else {
            self.know_less(format!("{shown} has no `results` of {name}: it did not scan"));
            return Ok(name);
        };
        let rules = Rules::new(&run.tool);
        for result in results {
            report.stop.check()?;
            match rules.weigh(result) {
                Weighed::Counts(severity) => self.count(severity, || result.told()),
                Weighed::Suppressed => self.suppressed += 1,
                Weighed::Ignored => {}
            }
        }
        Ok(name)
    }

    fn know_less(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    /// Keeps the worst for show: a less severe one makes place for it.
    fn count(&mut self, severity: Severity, told: impl FnOnce() -> String) {
        self.counts.count(severity);
        if self.listed.len() < LISTED_MOST {
            self.listed.push((severity, told()));
            return;
        }
        self.beyond += 1;
        let last = self.listed.iter().enumerate().max_by_key(|(_, (severity, _))| *severity);
        if let Some((place, (lesser, _))) = last
            && severity < *lesser
        {
            self.listed[place] = (severity, told());
        }
    }
}

#[cfg(test)]
mod tests;
