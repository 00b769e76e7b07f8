//! A kept bill of materials as pages show it: components by name, and what is weak in them. Owns what is taken from a
//! bill for that; what is borne is the check's.

use towpath_ports::materials::Materials;

use super::{bill, spdx};
use crate::reports::short;

/// Largest bill that is read, in bytes: what the check itself reads at most.
const LARGEST: usize = 32 * 1024 * 1024;

/// What a bill says, CycloneDX or SPDX; none of bytes that are no bill in JSON. Safe to repeat.
pub fn materials(bytes: &[u8]) -> Option<Materials> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LARGEST)?;
    let (components, findings, tells_vulnerabilities) =
        bill::read(text).or_else(|| spdx::read(text))?;
    let mut all = Materials { tells_vulnerabilities, ..Materials::default() };
    for (name, version) in components {
        let name = all.components.entry(short(&name)).or_default();
        name.insert(short(&version));
    }
    for finding in findings {
        let known_by = finding.ids.iter().find(|id| id.starts_with("CVE-"));
        let id = short(known_by.or(finding.ids.first()).map_or("?", String::as_str));
        let package = short(format!("{} {}", finding.package.name, finding.package.version).trim());
        let severity = finding.severity.map(|severity| severity.as_str().to_owned());
        all.vulnerabilities.entry(id).or_default().insert(package, severity);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::materials;

    #[test]
    fn a_bill_is_read_with_what_is_weak_and_without_what_is_set_aside() {
        let bill = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[
            {"bom-ref":"a","name":"log4j-core","group":"org.apache","version":"2.14.1"},
            {"bom-ref":"b","name":"serde","version":"1.0.0","components":[{"name":"inner","version":"3"}]}],
            "vulnerabilities":[
            {"id":"GHSA-1","references":[{"id":"CVE-2021-44228"}],"ratings":[{"severity":"critical"}],"affects":[{"ref":"a"}]},
            {"id":"CVE-2","affects":[{"ref":"b"}]},
            {"id":"CVE-3","analysis":{"state":"not_affected"},"affects":[{"ref":"b"}]}]}"#;
        let all = materials(bill.as_bytes()).unwrap();
        assert_eq!(all.components.len(), 3, "{:?}", all.components);
        let ids: Vec<_> = all.vulnerabilities.keys().map(String::as_str).collect();
        assert_eq!(ids, ["CVE-2", "CVE-2021-44228"]);
        let log4j = &all.vulnerabilities["CVE-2021-44228"];
        assert_eq!(log4j["log4j-core 2.14.1"].as_deref(), Some("critical"));
        assert!(all.tells_vulnerabilities);
        let silent = r#"{"bomFormat":"CycloneDX","components":[{"name":"a","version":"1"}]}"#;
        assert!(!materials(silent.as_bytes()).unwrap().tells_vulnerabilities);
    }

    #[test]
    fn what_is_no_bill_is_none() {
        for bytes in ["", "[]", "{}", r#"{"bomFormat":"SPDX"}"#, "not json", "\u{0}"] {
            assert!(materials(bytes.as_bytes()).is_none(), "{bytes}");
        }
        assert!(materials(&[0xff, 0xfe]).is_none());
    }
}
