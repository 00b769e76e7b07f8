//! A CycloneDX bill of materials (ECMA-424, JSON, versions 1.2 to 1.7). Owns what is listed, what it is
//! a bill of and the vulnerabilities it tells of itself; judges nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::findings::{Finding, Findings, Package, normal, normal_purl};
use super::{Asked, Names};
use crate::reports::severities::Severity;
use crate::reports::{Report, Tally, Wrong, counted, json, short, shown};

/// What the bills list, and what is told of it.
#[derive(Debug, Default)]
pub(super) struct Bill {
    names: HashSet<String>,
    purls: HashSet<String>,
    components: u64,
    pub(super) findings: Findings,
    /// Whether the bills tell of vulnerabilities, be it that there is none.
    pub(super) says_vulnerabilities: bool,
    /// Why it is of something else than the release; the first reason.
    pub(super) foreign: Option<String>,
    /// Why it may say less than there is; the first reason.
    pub(super) unknown: Option<String>,
}

impl Bill {
    /// How many components are listed.
    pub(super) fn components(&self) -> u64 {
        self.components
    }

    /// Whether a package of a report is listed.
    pub(super) fn lists(&self, package: &Package) -> bool {
        let is_listed = |purl: &String| self.purls.contains(&normal_purl(purl));
        package.purl.as_ref().is_some_and(is_listed)
            || self.names.contains(&key(&package.name, &package.version))
    }

    /// Keeps why less is known than should be.
    pub(super) fn know_less(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    /// Keeps why it is of something else.
    pub(super) fn is_foreign(&mut self, why: String) {
        self.foreign.get_or_insert(why);
    }
}

fn key(name: &str, version: &str) -> String {
    format!("{} {version}", normal(name))
}

/// Takes bills, one after the other.
pub(super) struct Bills {
    asked: Arc<Asked>,
    bill: Bill,
    /// Bills that tell of vulnerabilities.
    telling: u64,
    taken: u64,
}

impl Bills {
    pub(super) fn new(asked: Arc<Asked>) -> Self {
        Self { asked, bill: Bill::default(), telling: 0, taken: 0 }
    }

    /// Whether the bill is of the release, by what its metadata says.
    fn hold_against(&mut self, bom: &Bom, shown: &str) {
        let Asked { subject, names, .. } = &*self.asked;
        let of = bom.metadata.as_ref().and_then(|metadata| metadata.component.as_ref());
        let hashes = of.map(Component::sha256).unwrap_or_default();
        if hashes.iter().any(|hash| subject.has(hash)) {
            return;
        }
        if let Some(hash) = hashes.first() {
            let why = format!("{shown} is of sha256:{}, which is no artefact of it", short(hash));
            return self.bill.is_foreign(why);
        }
        match (names, of.and_then(|of| of.version.as_deref())) {
            (Names::Digest, _) => {
                self.bill.know_less(format!("{shown} names no SHA-256 of what it is of"));
            }
            (Names::Version, Some(version)) if subject.is_version(version) => {}
            (Names::Version, Some(version)) => {
                let own = &subject.version;
                let why = format!("{shown} is of version {}, and not of {own}", short(version));
                self.bill.is_foreign(why);
            }
            (Names::Version, None) => {
                self.bill.know_less(format!("{shown} does not say of which version it is"));
            }
        }
    }

    fn list(&mut self, components: &[Component]) {
        for component in components {
            self.bill.components += 1;
            let version = component.version.as_deref().unwrap_or_default();
            self.bill.names.insert(key(&component.name, version));
            if let Some(group) = component.group.as_deref().filter(|group| !group.is_empty()) {
                for stroke in ['/', ':'] {
                    let whole = format!("{group}{stroke}{}", component.name);
                    self.bill.names.insert(key(&whole, version));
                }
            }
            self.bill.purls.extend(component.purl.as_deref().map(normal_purl));
            self.list(component.components.as_deref().unwrap_or_default());
        }
    }

    fn tell(&mut self, bom: &Bom) {
        // Some programs write an empty list without having looked (Trivy without `--scanners vuln`), so that
        // it says nothing.
        let Some(vulnerabilities) = bom.vulnerabilities.as_ref().filter(|all| !all.is_empty())
        else {
            return;
        };
        self.telling += 1;
        let mut by_ref = HashMap::new();
        refer(bom.components.as_deref().unwrap_or_default(), &mut by_ref);
        let of = bom.metadata.as_ref().and_then(|metadata| metadata.component.as_ref());
        refer(of.map(std::slice::from_ref).unwrap_or_default(), &mut by_ref);
        for vulnerability in vulnerabilities {
            if vulnerability.is_set_aside() {
                self.bill.findings.suppressed += 1;
                continue;
            }
            for finding in vulnerability.findings(&by_ref) {
                self.bill.findings.add(finding);
            }
        }
    }
}

impl Tally for Bills {
    type Sum = Bill;
    const WHAT: &'static str = "CycloneDX bill of materials";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let bom: Bom = json::object(report)?;
        if bom.format.as_deref() != Some("CycloneDX") {
            return Err(Wrong::whole("its `bomFormat` is not CycloneDX"));
        }
        let shown = shown(report.path);
        let before = self.bill.components;
        self.taken += 1;
        self.hold_against(&bom, &shown);
        self.list(bom.components.as_deref().unwrap_or_default());
        self.tell(&bom);
        let listed = self.bill.components - before;
        if listed == 0 {
            self.bill.know_less(format!("{shown} lists no component"));
        }
        let time = bom.metadata.as_ref().and_then(|metadata| metadata.timestamp.as_deref());
        if let Some(why) = self.asked.too_old(time) {
            self.bill.know_less(format!("{shown} {why}"));
        }
        let version = short(bom.spec_version.as_deref().unwrap_or("unknown version"));
        Ok(format!("CycloneDX {version}, {}", counted(listed, "component")))
    }

    fn sum(mut self) -> Bill {
        self.bill.says_vulnerabilities = self.telling == self.taken;
        self.bill
    }
}

/// Components with their versions, what is weak in them and not set aside, and whether weaknesses are told of.
type Materials = (Vec<(String, String)>, Vec<Finding>, bool);

/// What one bill says by itself; none of a text that is no bill.
pub(super) fn read(text: &str) -> Option<Materials> {
    let bom: Bom = serde_json::from_str(text).ok()?;
    if bom.format.as_deref() != Some("CycloneDX") {
        return None;
    }
    let mut components = Vec::new();
    let mut open: Vec<&Component> = bom.components.iter().flatten().collect();
    while let Some(one) = open.pop() {
        components.push((one.name.clone(), one.version.clone().unwrap_or_default()));
        open.extend(one.components.iter().flatten());
    }
    let mut by_ref = HashMap::new();
    refer(bom.components.as_deref().unwrap_or_default(), &mut by_ref);
    // As the check takes it: an empty list is no sign that anybody looked.
    let told = bom.vulnerabilities.iter().flatten().filter(|one| !one.is_set_aside());
    let findings = told.flat_map(|one| one.findings(&by_ref)).collect();
    let tells = bom.vulnerabilities.as_ref().is_some_and(|all| !all.is_empty());
    Some((components, findings, tells))
}

/// Components by what refers to them.
fn refer<'a>(components: &'a [Component], by_ref: &mut HashMap<&'a str, &'a Component>) {
    for component in components {
        by_ref.extend(component.bom_ref.as_deref().map(|name| (name, component)));
        refer(component.components.as_deref().unwrap_or_default(), by_ref);
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "bomFormat")]
    format: Option<String>,
    spec_version: Option<String>,
    metadata: Option<Metadata>,
    components: Option<Vec<Component>>,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
}

#[derive(Debug, Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    bom_ref: Option<String>,
    name: String,
    group: Option<String>,
    version: Option<String>,
    purl: Option<String>,
    hashes: Option<Vec<Hash>>,
    components: Option<Vec<Component>>,
}

#[derive(Debug, Deserialize)]
struct Hash {
    alg: String,
    content: String,
}

impl Component {
    fn sha256(&self) -> Vec<&str> {
        let hashes = self.hashes.iter().flatten().filter(|hash| hash.alg == "SHA-256");
        hashes.map(|hash| hash.content.as_str()).collect()
    }
}

#[derive(Debug, Deserialize)]
struct Vulnerability {
    id: Option<String>,
    references: Option<Vec<Reference>>,
    ratings: Option<Vec<Rating>>,
    analysis: Option<Analysis>,
    affects: Option<Vec<Affected>>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rating {
    severity: Option<String>,
    score: Option<f64>,
    method: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Analysis {
    state: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Affected {
    #[serde(rename = "ref")]
    reference: String,
}

impl Vulnerability {
    /// By the states of its analysis that say that nothing is left to do.
    fn is_set_aside(&self) -> bool {
        let state = self.analysis.as_ref().and_then(|analysis| analysis.state.as_deref());
        let done = ["resolved", "resolved_with_pedigree", "false_positive", "not_affected"];
        state.is_some_and(|state| done.contains(&state))
    }

    /// The worst that anybody rates it.
    fn severity(&self) -> Option<Severity> {
        let ratings = self.ratings.iter().flatten();
        let rated = ratings.filter_map(|rating| {
            let word = rating.severity.as_deref().and_then(Severity::of_word);
            let is_cvss = rating.method.as_deref().is_some_and(|method| method.starts_with("CVSS"));
            word.or_else(|| rating.score.filter(|_| is_cvss).and_then(Severity::of_score))
        });
        rated.min().or_else(|| self.is_harmless().then_some(Severity::Low))
    }

    /// Whether everybody who rates it says that it is nothing.
    fn is_harmless(&self) -> bool {
        let ratings = self.ratings.as_deref().unwrap_or_default();
        let is_nothing =
            |rating: &Rating| matches!(rating.severity.as_deref(), Some("info" | "none"));
        !ratings.is_empty() && ratings.iter().all(is_nothing)
    }

    /// One for each component that it affects; one without where it names none.
    fn findings(&self, by_ref: &HashMap<&str, &Component>) -> Vec<Finding> {
        let id = self.id.clone().unwrap_or_else(|| "a vulnerability without an id".to_owned());
        let aliases = self.references.iter().flatten().filter_map(|reference| reference.id.clone());
        let ids: Vec<String> = std::iter::once(id).chain(aliases).collect();
        let affected = self.affects.iter().flatten().map(|one| one.reference.as_str());
        let mut packages: Vec<Package> = affected
            .map(|name| match by_ref.get(name) {
                Some(component) => Package {
                    name: component.name.clone(),
                    version: component.version.clone().unwrap_or_default(),
                    purl: component.purl.clone(),
                },
                None => Package { name: name.to_owned(), ..Package::default() },
            })
            .collect();
        if packages.is_empty() {
            packages.push(Package { name: "something".to_owned(), ..Package::default() });
        }
        let severity = self.severity();
        let found = |package| Finding { ids: ids.clone(), package, severity };
        packages.into_iter().map(found).collect()
    }
}
