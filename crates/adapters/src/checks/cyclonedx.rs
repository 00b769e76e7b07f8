//! Check `cyclonedx`: a release's bill of materials, and what scanners say of what is in it. Owns what
//! is borne and what belongs together; the bill is read by `bill`, the reports by `report`.
//!
//! Bills and reports are read by types of our own: the crate for the format knows versions up to 1.5,
//! and tools write 1.6.

mod accepted;
mod bill;
mod findings;
mod materials;
mod report;
mod spdx;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::reports::find::Pattern;
use crate::reports::severities::{self, Allowed, SEVERITIES};
use crate::reports::{self, LISTED_MOST, Reports, counted, grouped};
use crate::subject::{self, Subject};
use accepted::Accepted;
use bill::{Bill, Bills};
use findings::Weighed;
use report::Scans;

pub use materials::materials;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "cyclonedx",
        summary: "A CycloneDX bill of materials in JSON, and the vulnerabilities of what it lists.",
        example: "{ check: cyclonedx, path: reports/bom.json, vulnerabilities: reports/grype.json, \
                  allow: { critical: 0, high: 0 } }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            reports::PATH,
            Field::optional(
                "vulnerabilities",
                FieldType::Path,
                "Reports of Grype, Trivy or OSV-Scanner in JSON, as a pattern; left out, the \
                 `vulnerabilities` of the bill itself are what is known.",
            ),
            Field::required(
                "allow",
                FieldType::Counts(SEVERITIES),
                "Vulnerabilities of each severity that are borne, each counted once for each package. \
                 Critical ones count as high where `critical` is not named, and so do those of unknown \
                 severity; those of severities below the last one named are borne.",
            ),
            Field::optional(
                "exceptions",
                FieldType::TextMap,
                "Vulnerabilities that do not count, by their id or an alias, each with the last day in \
                 UTC and the reason: `CVE-2026-1234: \"until 2026-12-31: only tests use it\"`.",
            ),
            Field {
                name: "must_name",
                of: FieldType::Word(&["version", "digest"]),
                default: Some("version"),
                doc: "How the bill must name the release: by its version, or by the SHA-256 of one of \
                      its artefacts, and then the reports must as well. A SHA-256 of something else \
                      fails in any case.",
            },
            reports::MAX_AGE,
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(CycloneDx::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let mut problems = reports::problems(settings);
    let scans = settings.get("vulnerabilities").and_then(Value::as_str);
    if let Some(Err(wrong)) = scans.map(Pattern::new) {
        problems.push(Problem::new("vulnerabilities", wrong, "a path such as reports/grype.json"));
    }
    problems.extend(severities::problems(settings));
    let accept = settings.get("exceptions").and_then(Value::as_object).into_iter().flatten();
    for (id, text) in accept {
        if let Err(wrong) = Accepted::read(id, text.as_str().unwrap_or_default()) {
            let path = format!("exceptions.{id}");
            problems.push(Problem::new(&path, wrong, "such as \"until 2026-12-31: the reason\""));
        }
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    path: String,
    vulnerabilities: Option<String>,
    allow: Allowed,
    #[serde(default)]
    exceptions: BTreeMap<String, String>,
    must_name: Names,
    max_age: Option<Span>,
}

/// How bills and reports must name the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Names {
    Version,
    Digest,
}

struct CycloneDx {
    bills: Reports,
    scans: Option<Reports>,
    allow: Allowed,
    accept: Vec<Accepted>,
    names: Names,
    max_age: Option<Span>,
}

impl CycloneDx {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("check `cyclonedx`: {error}"))?;
        let reports = |path: &str| Reports::new(path, settings.max_age, site);
        let accept = settings.exceptions.iter().map(|(id, text)| Accepted::read(id, text));
        Ok(Self {
            bills: reports(&settings.path)?,
            scans: settings.vulnerabilities.as_deref().map(reports).transpose()?,
            allow: settings.allow,
            accept: accept.collect::<Result<_, _>>()?,
            names: settings.must_name,
            max_age: settings.max_age,
        })
    }

    async fn answer(&self, request: &CheckRequest) -> Result<CheckAnswer, CheckAnswer> {
        let subject = subject::of(request).await?;
        let asked = Asked { subject, names: self.names, now: request.now, max_age: self.max_age };
        let asked = Arc::new(asked);
        let read = self.bills.read(request, Bills::new(asked.clone())).await?;
        let (mut lines, mut bill) = (read.lines, read.sum);
        let mut passed_by = read.passed_by;
        let scanned = match &self.scans {
            Some(scans) => {
                let scans =
                    scans.read(request, Scans::new(asked, std::mem::take(&mut bill))).await?;
                lines.extend(scans.lines);
                passed_by.push_str(&scans.passed_by);
                bill = scans.sum;
                Some(scans.count)
            }
            None => None,
        };
        let answer = self.judge(request, &bill, scanned, &mut lines, &passed_by);
        Ok(answer.with_output(lines.join("\n")))
    }

    fn judge(
        &self,
        request: &CheckRequest,
        bill: &Bill,
        scanned: Option<usize>,
        lines: &mut Vec<String>,
        passed_by: &str,
    ) -> CheckAnswer {
        let weighed = bill.findings.weigh(&self.accept, request.now);
        let listed = weighed.listed.iter().take(LISTED_MOST).cloned();
        lines.splice(0..0, listed);
        let said = said(bill, scanned, &weighed);
        if let Some(foreign) = &bill.foreign {
            return CheckAnswer::fail(format!("{foreign}; {said}"));
        }
        if let Some(borne) = self.allow.beyond(weighed.counts) {
            let first = weighed.listed.first().map_or("", String::as_str);
            let ended =
                weighed.ended.as_ref().map_or_else(String::new, |ended| format!("; {ended}"));
            return CheckAnswer::fail(format!(
                "{said}; at most {borne} may be; first: {first}{ended}"
            ));
        }
        if let Some(why) = &bill.unknown {
            return CheckAnswer::inconclusive(format!("{why}; {said}"));
        }
        if scanned.is_none() && !bill.says_vulnerabilities {
            return CheckAnswer::inconclusive(format!(
                "the bill says nothing of vulnerabilities; let `vulnerabilities` name the report of a \
                 scanner ({})",
                counted(bill.components(), "component")
            ));
        }
        CheckAnswer::pass(format!("{said}{passed_by}"))
    }
}

#[async_trait]
impl Check for CycloneDx {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        self.answer(request).await.unwrap_or_else(|answer| answer)
    }
}

/// What there is, in a few words.
fn said(bill: &Bill, scanned: Option<usize>, weighed: &Weighed) -> String {
    let components = counted(bill.components(), "component");
    let reports = scanned
        .map_or_else(String::new, |count| format!(", by {}", counted(count as u64, "report")));
    let accepted = match weighed.accepted {
        0 => String::new(),
        some => format!(", {} accepted", grouped(some)),
    };
    let suppressed = match bill.findings.suppressed {
        0 => String::new(),
        some => format!(", {} set aside by whoever reported", grouped(some)),
    };
    format!("{} among {components}{reports}{accepted}{suppressed}", weighed.counts)
}

/// What bills and reports are held against.
#[derive(Debug)]
struct Asked {
    subject: Subject,
    names: Names,
    now: towpath_core::units::Timestamp,
    max_age: Option<Span>,
}

impl Asked {
    /// Why what says of itself that it was made at `time` is too old or from the future.
    fn too_old(&self, time: Option<&str>) -> Option<String> {
        let most = self.max_age?;
        let Ok(time) = time?.parse::<jiff::Timestamp>() else {
            return Some("says no time that can be read (RFC 3339, with its zone)".to_owned());
        };
        let at = towpath_core::units::Timestamp(time.as_microsecond());
        let age = self.now.since(at);
        if age > most {
            return Some(format!("says that it was made {age} ago (`max_age` is {most})"));
        }
        let is_ahead = at.since(self.now) > reports::CLOCKS_DIFFER;
        is_ahead.then(|| "says that it was made in the future".to_owned())
    }
}

#[cfg(test)]
mod tests;
