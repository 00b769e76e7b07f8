//! Reports of scanners of vulnerabilities: Grype, Trivy and OSV-Scanner in their own JSON. Owns their
//! names for things and whether a report is of the release; judges nothing.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::bill::Bill;
use super::findings::{Finding, Package};
use super::{Asked, Names};
use crate::reports::severities::Severity;
use crate::reports::{Report, Tally, Wrong, counted, json, short, shown};

/// Takes reports, one after the other, beside the bill of what they speak of.
pub(super) struct Scans {
    asked: Arc<Asked>,
    bill: Bill,
}

impl Scans {
    pub(super) fn new(asked: Arc<Asked>, bill: Bill) -> Self {
        Self { asked, bill }
    }

    /// Whether the report is of an artefact of the release, by the digests that it names.
    fn hold_against(&mut self, scan: &Scan, shown: &str) {
        let subject = &self.asked.subject;
        if scan.digests.iter().chain(&scan.image).any(|digest| subject.has(digest)) {
            return;
        }
        if let Some(digest) = scan.digests.first() {
            let digest = short(digest);
            self.bill.is_foreign(format!("{shown} is of {digest}, which is no artefact of it"));
        } else if self.asked.names == Names::Digest {
            self.bill.know_less(format!("{shown} names no digest of what was scanned"));
        }
    }
}

impl Tally for Scans {
    type Sum = Bill;
    const WHAT: &'static str = "report of vulnerabilities";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let shown = shown(report.path);
        let scan = json::object::<Raw>(report)?.scan()?;
        self.hold_against(&scan, &shown);
        if let Some(why) = self.asked.too_old(scan.made_at.as_deref()) {
            self.bill.know_less(format!("{shown} {why}"));
        }
        if scan.is_blank {
            self.bill.know_less(format!("{shown} says that nothing was found that can be scanned"));
        }
        self.bill.findings.suppressed += scan.suppressed;
        let found = scan.findings.len() as u64;
        for finding in scan.findings {
            report.stop.check()?;
            if !self.bill.lists(&finding.package) {
                let Package { name, version, .. } = &finding.package;
                self.bill.know_less(format!(
                    "{shown} speaks of {} {}, which the bill does not list: one of them is of \
                     something else",
                    short(name),
                    short(version)
                ));
            }
            self.bill.findings.add(finding);
        }
        Ok(format!("{}, {}", scan.tool, counted(found, "finding")))
    }

    fn sum(self) -> Bill {
        self.bill
    }
}

/// One report, whoever wrote it.
struct Scan {
    tool: &'static str,
    /// What was scanned, by the SHA-256 of its manifest; empty where it does not say.
    digests: Vec<String>,
    /// The SHA-256 of an image's configuration, which may be all that is known of one that was never
    /// in a registry: it shows that something is of the release, and never that it is not.
    image: Option<String>,
    made_at: Option<String>,
    /// Whether it says that there was nothing to look at.
    is_blank: bool,
    suppressed: u64,
    findings: Vec<Finding>,
}

/// What any of them may hold; each is known by the first of its names.
#[derive(Debug, Deserialize)]
struct Raw {
    matches: Option<Vec<Match>>,
    #[serde(rename = "ignoredMatches")]
    ignored_matches: Option<Vec<Value>>,
    source: Option<Source>,
    descriptor: Option<Descriptor>,
    #[serde(rename = "SchemaVersion")]
    schema_version: Option<u64>,
    #[serde(rename = "CreatedAt")]
    created_at: Option<String>,
    #[serde(rename = "Metadata")]
    metadata: Option<TrivyMetadata>,
    #[serde(rename = "Results")]
    trivy: Option<Vec<TrivyResult>>,
    #[serde(rename = "results")]
    osv: Option<Vec<OsvResult>>,
}

impl Raw {
    fn scan(self) -> Result<Scan, Wrong> {
        match self {
            Self { matches: Some(matches), source, descriptor, ignored_matches, .. } => {
                let target = source.and_then(|source| source.target).unwrap_or_default();
                Ok(Scan {
                    digests: grype_digests(&target),
                    image: target["imageID"].as_str().and_then(digest_of),
                    made_at: descriptor.and_then(|descriptor| descriptor.timestamp),
                    suppressed: ignored_matches.map_or(0, |ignored| ignored.len() as u64),
                    ..Scan::of("Grype", matches.into_iter().map(Match::finding))
                })
            }
            Self { schema_version: Some(2), metadata, created_at, trivy, .. } => {
                let (metadata, results) = (metadata.unwrap_or_default(), trivy.unwrap_or_default());
                let named = metadata.repo_digests.iter().flatten();
                Ok(Scan {
                    digests: named.filter_map(|one| digest_of(one)).collect(),
                    image: metadata.image_id.as_deref().and_then(digest_of),
                    made_at: created_at,
                    is_blank: !results.iter().any(TrivyResult::is_scanned),
                    suppressed: results.iter().map(TrivyResult::set_aside).sum(),
                    ..Scan::of("Trivy", results.into_iter().flat_map(TrivyResult::findings))
                })
            }
            Self { schema_version: Some(other), .. } => {
                Err(Wrong::whole(format!("it is of Trivy's schema {other}; have it written in 2")))
            }
            Self { osv: Some(results), .. } => {
                let packages = results.into_iter().filter_map(|result| result.packages).flatten();
                Ok(Scan::of("OSV-Scanner", packages.flat_map(OsvPackage::findings)))
            }
            _ => Err(Wrong::whole(
                "it is neither of Grype (`matches`), Trivy (`SchemaVersion`) nor OSV-Scanner \
                 (`results`)",
            )),
        }
    }
}

impl Scan {
    fn of(tool: &'static str, findings: impl Iterator<Item = Finding>) -> Self {
        Self {
            tool,
            digests: Vec::new(),
            image: None,
            made_at: None,
            is_blank: false,
            suppressed: 0,
            findings: findings.collect(),
        }
    }
}

/// The SHA-256 in a reference such as `shop@sha256:…`.
fn digest_of(reference: &str) -> Option<String> {
    let (_, hex) = reference.rsplit_once("sha256:")?;
    Some(format!("sha256:{hex}"))
}

#[derive(Debug, Deserialize)]
struct Source {
    /// An object for images, a path for folders and files.
    target: Option<Value>,
}

fn grype_digests(target: &Value) -> Vec<String> {
    let listed = target["repoDigests"].as_array().into_iter().flatten();
    let texts = listed.chain([&target["manifestDigest"]]).filter_map(Value::as_str);
    texts.filter_map(digest_of).collect()
}

#[derive(Debug, Deserialize)]
struct Descriptor {
    timestamp: Option<String>,
}

/// A match of Grype.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerability: GrypeVulnerability,
    related_vulnerabilities: Option<Vec<Related>>,
    artifact: GrypeArtifact,
}

#[derive(Debug, Deserialize)]
struct GrypeVulnerability {
    id: String,
    severity: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Related {
    id: String,
}

#[derive(Debug, Deserialize)]
struct GrypeArtifact {
    name: String,
    version: Option<String>,
    purl: Option<String>,
}

impl Match {
    fn finding(self) -> Finding {
        let aliases = self.related_vulnerabilities.into_iter().flatten().map(|one| one.id);
        let ids = std::iter::once(self.vulnerability.id).chain(aliases).collect();
        let GrypeArtifact { name, version, purl } = self.artifact;
        let package = Package { name, version: version.unwrap_or_default(), purl };
        Finding { ids, package, severity: severity(self.vulnerability.severity.as_deref()) }
    }
}

/// As the scanners write it; none for `Unknown`.
fn severity(word: Option<&str>) -> Option<Severity> {
    let word = word?.to_ascii_lowercase();
    match word.as_str() {
        "negligible" => Some(Severity::Low),
        "moderate" => Some(Severity::Medium),
        word => Severity::of_word(word),
    }
}

#[derive(Debug, Default, Deserialize)]
struct TrivyMetadata {
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    #[serde(rename = "RepoDigests")]
    repo_digests: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct TrivyResult {
    #[serde(rename = "Class")]
    class: Option<String>,
    #[serde(rename = "Vulnerabilities")]
    vulnerabilities: Option<Vec<TrivyVulnerability>>,
    #[serde(rename = "ExperimentalModifiedFindings")]
    modified: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
struct TrivyVulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(rename = "VendorIDs")]
    vendor_ids: Option<Vec<String>>,
    #[serde(rename = "PkgName")]
    name: String,
    #[serde(rename = "InstalledVersion")]
    version: Option<String>,
    #[serde(rename = "PkgIdentifier")]
    identifier: Option<Identifier>,
    #[serde(rename = "Severity")]
    severity: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Identifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
}

impl TrivyResult {
    fn is_scanned(&self) -> bool {
        matches!(self.class.as_deref(), Some("os-pkgs" | "lang-pkgs"))
    }

    fn set_aside(&self) -> u64 {
        self.modified.as_ref().map_or(0, |modified| modified.len() as u64)
    }

    fn findings(self) -> impl Iterator<Item = Finding> {
        self.vulnerabilities.into_iter().flatten().map(|one| Finding {
            ids: std::iter::once(one.id).chain(one.vendor_ids.into_iter().flatten()).collect(),
            package: Package {
                name: one.name,
                version: one.version.unwrap_or_default(),
                purl: one.identifier.and_then(|identifier| identifier.purl),
            },
            severity: severity(one.severity.as_deref()),
        })
    }
}

#[derive(Debug, Deserialize)]
struct OsvResult {
    packages: Option<Vec<OsvPackage>>,
}

#[derive(Debug, Deserialize)]
struct OsvPackage {
    package: OsvName,
    vulnerabilities: Option<Vec<OsvVulnerability>>,
    groups: Option<Vec<OsvGroup>>,
}

#[derive(Debug, Deserialize)]
struct OsvName {
    name: String,
    version: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OsvVulnerability {
    id: String,
    aliases: Option<Vec<String>>,
    database_specific: Option<Value>,
}

/// What is the same vulnerability under several names.
#[derive(Debug, Deserialize)]
struct OsvGroup {
    ids: Vec<String>,
    aliases: Option<Vec<String>>,
    max_severity: Option<String>,
}

impl OsvPackage {
    /// One for each group, and one for each vulnerability that is in no group.
    fn findings(self) -> Vec<Finding> {
        let package = Package {
            name: self.package.name,
            version: self.package.version.unwrap_or_default(),
            purl: None,
        };
        let all = self.vulnerabilities.unwrap_or_default();
        let of_group = |group: &OsvGroup| {
            let score = group.max_severity.as_deref().and_then(|score| score.parse().ok());
            let worded = all.iter().filter(|one| group.ids.contains(&one.id));
            let severity = score
                .and_then(Severity::of_score)
                .or_else(|| worded.filter_map(OsvVulnerability::severity).min());
            let aliases = group.aliases.iter().flatten().cloned();
            let ids: Vec<_> = group.ids.iter().cloned().chain(aliases).collect();
            Finding { ids, package: package.clone(), severity }
        };
        let groups = self.groups.unwrap_or_default();
        let mut findings: Vec<_> =
            groups.iter().filter(|group| !group.ids.is_empty()).map(of_group).collect();
        let is_alone =
            |one: &&OsvVulnerability| !groups.iter().any(|group| group.ids.contains(&one.id));
        findings.extend(all.iter().filter(is_alone).map(|one| Finding {
            ids: std::iter::once(&one.id).chain(one.aliases.iter().flatten()).cloned().collect(),
            package: package.clone(),
            severity: one.severity(),
        }));
        findings
    }
}

impl OsvVulnerability {
    /// The word of the database, such as GitHub's.
    fn severity(&self) -> Option<Severity> {
        severity(self.database_specific.as_ref()?.get("severity")?.as_str())
    }
}
