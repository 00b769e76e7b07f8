//! An SPDX document as a bill of materials: 2.2 and 2.3 in JSON, and 3.0 in JSON-LD (ISO/IEC 5962, spdx.github.io/spdx-spec).
//! Owns which of its elements are components and weaknesses; judges nothing.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::findings::{Finding, Package};
use crate::reports::severities::Severity;

/// Components with their versions, what is weak in them and not set aside, and whether weaknesses are told of.
type Materials = (Vec<(String, String)>, Vec<Finding>, bool);

/// What one document says; none of a text that is no SPDX document.
pub(super) fn read(text: &str) -> Option<Materials> {
    let document: Document = serde_json::from_str(text).ok()?;
    if document.version.as_deref().is_some_and(|version| version.starts_with("SPDX-2.")) {
        return Some(of_second(&document));
    }
    let is_third = document.graph.iter().flatten().any(|one| one.kind == "SpdxDocument");
    is_third.then(|| of_third(&document.graph.unwrap_or_default()))
}

/// A document of version 2 lists packages, and knows no vulnerabilities.
fn of_second(document: &Document) -> Materials {
    let described: HashSet<&str> = document
        .describes
        .iter()
        .flatten()
        .chain(document.relationships.iter().flatten().filter_map(Relationship::described))
        .map(String::as_str)
        .collect();
    let packages = document.packages.iter().flatten();
    // What the whole document is of is the release itself, and none of its components.
    let own = packages.filter(|one| !described.contains(one.id.as_str()));
    let components = own.map(|one| (one.name.clone(), one.version.clone().unwrap_or_default()));
    (components.collect(), Vec::new(), false)
}

/// In version 3 everything is an element of one graph.
fn of_third(graph: &[Element]) -> Materials {
    let roots: HashSet<&str> = graph
        .iter()
        .filter(|one| matches!(one.kind.as_str(), "SpdxDocument" | "software_Sbom"))
        .flat_map(|one| one.roots.iter().flatten().map(String::as_str))
        .collect();
    let packages: HashMap<&str, &Element> = graph
        .iter()
        .filter(|one| one.kind == "software_Package")
        .filter_map(|one| Some((one.id.as_deref()?, one)))
        .collect();
    let components = packages.iter().filter(|(id, _)| !roots.contains(**id));
    let mut components: Vec<(String, String)> =
        components.map(|(_, one)| (one.name(), one.version.clone().unwrap_or_default())).collect();
    components.sort();
    let findings = findings(graph, &packages);
    let tells = graph.iter().any(|one| one.kind == "security_Vulnerability");
    (components, findings, tells)
}

/// What says how bad a weakness is.
const SCORES: [&str; 3] = [
    "security_CvssV2VulnAssessmentRelationship",
    "security_CvssV3VulnAssessmentRelationship",
    "security_CvssV4VulnAssessmentRelationship",
];

/// What packages are said to have, and nobody says is fixed or does not affect them.
fn findings(graph: &[Element], packages: &HashMap<&str, &Element>) -> Vec<Finding> {
    let ids: HashMap<&str, &Element> = graph
        .iter()
        .filter(|one| one.kind == "security_Vulnerability")
        .filter_map(|one| Some((one.id.as_deref()?, one)))
        .collect();
    let related = |kinds: &'static [&str]| {
        graph.iter().filter(move |one| kinds.contains(&one.kind.as_str())).flat_map(|one| {
            let to = one.to.iter().flatten().map(String::as_str);
            to.map(move |to| (one.from.as_deref().unwrap_or_default(), to, one))
        })
    };
    let done = [
        "security_VexNotAffectedVulnAssessmentRelationship",
        "security_VexFixedVulnAssessmentRelationship",
    ];
    let set_aside: HashSet<(&str, &str)> = graph
        .iter()
        .filter(|one| done.contains(&one.kind.as_str()))
        .flat_map(|one| {
            let from = one.from.as_deref().unwrap_or_default();
            one.to.iter().flatten().map(move |to| (from, to.as_str()))
        })
        .collect();
    // In one pass: whoever wrote the file could relate each to all of the others.
    let mut severities: HashMap<&str, Severity> = HashMap::new();
    for one in graph.iter().filter(|one| SCORES.contains(&one.kind.as_str())) {
        let Some(found) = one.severity.as_deref().and_then(Severity::of_word) else { continue };
        let known = severities.entry(one.from.as_deref().unwrap_or_default()).or_insert(found);
        *known = (*known).min(found);
    }
    let mut told = HashSet::new();
    related(&["Relationship"])
        .filter(|(.., one)| one.relation.as_deref() == Some("hasAssociatedVulnerability"))
        .filter(|(package, weakness, _)| !set_aside.contains(&(*weakness, *package)))
        .filter(|(package, weakness, _)| told.insert((*package, *weakness)))
        .filter_map(|(package, weakness, _)| {
            let (package, found) = (packages.get(package)?, ids.get(weakness)?);
            let version = package.version.clone().unwrap_or_default();
            let package = Package { name: package.name(), version, purl: None };
            Some(Finding {
                ids: found.known_as(),
                package,
                severity: severities.get(weakness).copied(),
            })
        })
        .collect()
}

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(rename = "spdxVersion")]
    version: Option<String>,
    packages: Option<Vec<Listed>>,
    #[serde(rename = "documentDescribes")]
    describes: Option<Vec<String>>,
    relationships: Option<Vec<Relationship>>,
    #[serde(rename = "@graph")]
    graph: Option<Vec<Element>>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(rename = "SPDXID", default)]
    id: String,
    name: String,
    #[serde(rename = "versionInfo")]
    version: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    relationship_type: String,
    related_spdx_element: String,
}

impl Relationship {
    /// What the document is said to be of.
    fn described(&self) -> Option<&String> {
        (self.relationship_type == "DESCRIBES").then_some(&self.related_spdx_element)
    }
}

/// An element of version 3, with what any of those that are read here may have.
#[derive(Debug, Deserialize)]
struct Element {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "spdxId")]
    id: Option<String>,
    name: Option<String>,
    #[serde(rename = "software_packageVersion")]
    version: Option<String>,
    #[serde(rename = "rootElement")]
    roots: Option<Vec<String>>,
    #[serde(rename = "relationshipType")]
    relation: Option<String>,
    from: Option<String>,
    to: Option<Vec<String>>,
    #[serde(rename = "security_severity")]
    severity: Option<String>,
    #[serde(rename = "externalIdentifier")]
    identifiers: Option<Vec<Identifier>>,
}

#[derive(Debug, Deserialize)]
struct Identifier {
    identifier: String,
}

impl Element {
    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| "something".to_owned())
    }

    /// Its identifiers; of one without any, its name or its place in the graph.
    fn known_as(&self) -> Vec<String> {
        let all = self.identifiers.iter().flatten().map(|one| one.identifier.clone());
        let mut all: Vec<String> = all.collect();
        if all.is_empty() {
            all.extend(self.name.clone().or_else(|| self.id.clone()));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::materials;

    #[test]
    fn a_document_of_version_2_lists_its_packages_without_the_release_itself() {
        let document = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[
            {"SPDXID":"SPDXRef-app","name":"app","versionInfo":"2.0.0"},
            {"SPDXID":"SPDXRef-a","name":"log4j-core","versionInfo":"2.17.1"},
            {"SPDXID":"SPDXRef-b","name":"serde"}],
            "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-app"}]}"#;
        let all = materials(document.as_bytes()).unwrap();
        let names: Vec<_> = all.components.keys().map(String::as_str).collect();
        assert_eq!(names, ["log4j-core", "serde"]);
        assert!(all.components["log4j-core"].contains("2.17.1"));
        assert!(!all.tells_vulnerabilities && all.vulnerabilities.is_empty());
    }

    #[test]
    fn a_document_of_version_3_tells_what_is_weak_and_not_set_aside() {
        let document = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[
            {"type":"SpdxDocument","spdxId":"urn:d","rootElement":["urn:app"]},
            {"type":"software_Package","spdxId":"urn:app","name":"app","software_packageVersion":"2"},
            {"type":"software_Package","spdxId":"urn:a","name":"log4j-core","software_packageVersion":"2.14.1"},
            {"type":"security_Vulnerability","spdxId":"urn:v","externalIdentifier":[{"externalIdentifierType":"cve","identifier":"CVE-2021-44228"}]},
            {"type":"security_Vulnerability","spdxId":"urn:w","name":"CVE-2"},
            {"type":"Relationship","spdxId":"urn:r","relationshipType":"hasAssociatedVulnerability","from":"urn:a","to":["urn:v","urn:w"]},
            {"type":"security_CvssV3VulnAssessmentRelationship","spdxId":"urn:s","from":"urn:v","to":["urn:a"],"security_severity":"critical"},
            {"type":"security_VexNotAffectedVulnAssessmentRelationship","spdxId":"urn:n","from":"urn:w","to":["urn:a"]}]}"#;
        let all = materials(document.as_bytes()).unwrap();
        assert_eq!(all.components.keys().collect::<Vec<_>>(), ["log4j-core"]);
        let ids: Vec<_> = all.vulnerabilities.keys().map(String::as_str).collect();
        assert_eq!(ids, ["CVE-2021-44228"]);
        let own = &all.vulnerabilities["CVE-2021-44228"];
        assert_eq!(own["log4j-core 2.14.1"].as_deref(), Some("critical"));
        assert!(all.tells_vulnerabilities);
    }

    #[test]
    fn what_is_no_document_is_none() {
        for text in ["{}", r#"{"spdxVersion":"SPDX-9"}"#, r#"{"@graph":[]}"#, r#"{"@graph":7}"#] {
            assert!(materials(text.as_bytes()).is_none(), "{text}");
        }
    }
}
