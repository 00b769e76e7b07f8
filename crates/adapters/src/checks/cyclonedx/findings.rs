//! Vulnerabilities, whoever told of them. Owns which two of them are the same and which do not count;
//! reads no report.

use std::collections::BTreeMap;

use towpath_core::units::Timestamp;

use super::accepted::Accepted;
use crate::reports::severities::{Counts, Severity};
use crate::reports::short;

/// A package as a report names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) purl: Option<String>,
}

/// One vulnerability of one package.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// Its id, then its aliases; at least one.
    pub(super) ids: Vec<String>,
    pub(super) package: Package,
    /// None where nobody says.
    pub(super) severity: Option<Severity>,
}

/// All that were told, each once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// By the name they are best known by, and the package.
    all: BTreeMap<(String, String), Finding>,
    /// Those that whoever reported says not to count.
    pub(super) suppressed: u64,
}

/// What they come to.
#[derive(Debug)]
pub(super) struct Weighed {
    pub(super) counts: Counts,
    pub(super) accepted: u64,
    /// One line each, the worst first.
    pub(super) listed: Vec<String>,
    /// An acceptance that is over, where one would have mattered.
    pub(super) ended: Option<String>,
}

impl Findings {
    /// One more, unless it is known: then the worse severity counts.
    pub(super) fn add(&mut self, finding: Finding) {
        let known_by = finding.ids.iter().find(|id| id.starts_with("CVE-"));
        let id = known_by.or(finding.ids.first()).cloned().unwrap_or_default();
        let package = format!("{} {}", normal(&finding.package.name), finding.package.version);
        let known = self.all.entry((id, package)).or_insert_with(|| finding.clone());
        // None is no better than what somebody says.
        known.severity = match (known.severity, finding.severity) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        for id in finding.ids {
            if !known.ids.contains(&id) {
                known.ids.push(id);
            }
        }
    }

    /// Counts those that nobody accepts now.
    pub(super) fn weigh(&self, accept: &[Accepted], now: Timestamp) -> Weighed {
        let (mut counts, mut accepted, mut ended) = (Counts::default(), 0, None);
        let mut listed = Vec::new();
        for ((id, _), finding) in &self.all {
            let is_meant = |one: &&Accepted| finding.ids.contains(&one.id);
            let fits: Vec<_> = accept.iter().filter(is_meant).collect();
            if fits.iter().any(|one| one.holds(now)) {
                accepted += 1;
                continue;
            }
            if let Some(over) = fits.first() {
                ended.get_or_insert(format!("{} was accepted until {}", over.id, over.until));
            }
            // What nobody rated may be bad.
            let severity = finding.severity.unwrap_or(Severity::High);
            counts.count(severity);
            listed.push((severity, told(id, finding)));
        }
        listed.sort();
        let listed = listed.into_iter().map(|(_, told)| told).collect();
        Weighed { counts, accepted, listed, ended }
    }
}

/// `critical: CVE-2026-1 in flask 0.5`.
fn told(id: &str, finding: &Finding) -> String {
    let severity = finding.severity.map_or("unknown".to_owned(), |severity| severity.to_string());
    let Package { name, version, .. } = &finding.package;
    format!("{severity}: {} in {} {}", short(id), short(name), short(version))
}

/// A name of a package as it is compared: Python's names are the same in any case and with either
/// stroke (PEP 503), and no ecosystem has two packages that differ in these alone and are both used.
pub(super) fn normal(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

/// A package URL without what follows the version, as it is compared.
pub(super) fn normal_purl(purl: &str) -> String {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    purl[..end].to_lowercase()
}
