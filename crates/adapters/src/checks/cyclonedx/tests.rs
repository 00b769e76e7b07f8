//! Bills and reports as the tools write them, cut to what matters, and such as are of something else.

use super::*;
use crate::question::testing::{Evidence, problems};
use crate::reports::testing::{ask_with, says};
use serde_json::json;
use towpath_core::check::CheckResult::{Fail, Inconclusive, Pass};
use towpath_core::ids::Digest;

const ARTIFACT: &[u8] = b"the program";

fn known() -> Evidence {
    Evidence { artifacts: vec![("program", ARTIFACT)], ..Evidence::default() }
}

fn digest() -> String {
    Digest::of(ARTIFACT).to_string()
}

/// As cyclonedx-py writes it.
fn bill() -> Value {
    json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "$schema": "x",
        "metadata": {
            "timestamp": "1970-01-05T03:00:00+00:00",
            "component": { "type": "application", "name": "shop", "version": "1.2.0", "bom-ref": "root" },
        },
        "components": [
            { "type": "library", "name": "Flask", "version": "0.5", "bom-ref": "f", "purl": "pkg:pypi/flask@0.5" },
            { "type": "library", "name": "core", "group": "org.acme", "version": "1", "bom-ref": "c",
              "components": [{ "type": "library", "name": "inner_part", "version": "2", "bom-ref": "i" }] },
        ],
    })
}

fn grype(matches: &Value) -> Value {
    json!({
        "matches": matches, "ignoredMatches": [],
        "source": { "type": "file", "target": "reports/bom.json" },
        "descriptor": { "name": "grype", "version": "0.100.0", "timestamp": "1970-01-05T03:10:00Z" },
    })
}

fn found(id: &str, severity: &str, name: &str, version: &str) -> Value {
    json!({
        "vulnerability": { "id": id, "severity": severity },
        "relatedVulnerabilities": [{ "id": "CVE-2018-1000656" }],
        "artifact": { "name": name, "version": version, "purl": format!("pkg:pypi/{name}@{version}?x=1") },
    })
}

/// What is said of a bill and reports, where no high one is borne.
fn ask(more: &Value, bill: &Value, reports: &[&Value]) -> CheckAnswer {
    let mut settings = json!({ "path": "bom.json", "allow": { "high": 0 } });
    if !reports.is_empty() {
        settings["vulnerabilities"] = "scans/*".into();
    }
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let texts: Vec<String> = reports.iter().map(ToString::to_string).collect();
    let names: Vec<String> = (0..texts.len()).map(|index| format!("scans/{index}")).collect();
    let bill = bill.to_string();
    let mut files: Vec<(&str, &[u8])> = vec![("bom.json", bill.as_bytes())];
    files.extend(names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_bytes())));
    ask_with(known(), "cyclonedx", &settings, &files)
}

#[test]
fn a_vulnerability_counts_once_for_each_package_whoever_finds_it() {
    let one = grype(&json!([found("GHSA-1", "High", "flask", "0.5")]));
    let said = "0 critical, 1 high, 0 medium, 0 low among 3 components, by 1 report; at most 0 high or \
                worse may be; first: high: CVE-2018-1000656 in flask 0.5";
    let none = json!({});
    // The first of its names decides, until another report knows it by the better one.
    let answer = ask(&none, &bill(), &[&one]);
    assert_eq!(answer.result, Fail, "{answer:?}");
    assert!(answer.sentence.contains("1 high, 0 medium"), "{answer:?}");
    let trivy = json!({
        "SchemaVersion": 2, "CreatedAt": "1970-01-05T03:20:00.5+01:00", "ArtifactName": "shop",
        "ArtifactType": "filesystem",
        "Results": [{ "Target": "requirements.txt", "Class": "lang-pkgs", "Vulnerabilities": [{
            "VulnerabilityID": "CVE-2018-1000656", "PkgName": "Flask", "InstalledVersion": "0.5",
            "Severity": "MEDIUM", "PkgIdentifier": { "PURL": "pkg:pypi/flask@0.5" },
        }] }],
    });
    let osv = json!({ "results": [{ "source": { "path": "/bom.json", "type": "sbom" }, "packages": [{
        "package": { "name": "flask", "version": "0.5", "ecosystem": "PyPI" },
        "vulnerabilities": [{ "id": "GHSA-1", "aliases": ["CVE-2018-1000656"] }],
        "groups": [{ "ids": ["GHSA-1"], "aliases": ["CVE-2018-1000656", "GHSA-1"], "max_severity": "5.0" }],
    }] }] });
    let answer = ask(&none, &bill(), &[&one, &osv, &trivy]);
    says(&answer, Fail, &said.replace("1 report", "3 reports"));
    let answer = ask(&none, &bill(), &[&trivy, &osv]);
    says(&answer, Pass, "0 critical, 0 high, 1 medium, 0 low among 3 components, by 2 reports");
}

#[test]
fn severities_are_those_of_the_tool_and_what_nobody_rated_counts_as_high() {
    for (word, wanted) in [
        ("Critical", "1 critical, 0 high, 0 medium, 0 low"),
        ("HIGH", "0 critical, 1 high, 0 medium, 0 low"),
        ("Medium", "0 critical, 0 high, 1 medium, 0 low"),
        ("Low", "0 critical, 0 high, 0 medium, 1 low"),
        ("Negligible", "0 critical, 0 high, 0 medium, 1 low"),
        ("Unknown", "0 critical, 1 high, 0 medium, 0 low"),
        ("", "0 critical, 1 high, 0 medium, 0 low"),
    ] {
        let scan = grype(&json!([found("CVE-1", word, "flask", "0.5")]));
        let answer = ask(&json!({}), &bill(), &[&scan]);
        assert!(answer.sentence.starts_with(wanted), "{word}: {answer:?}");
    }
    let group = |score: &str, word: Value| {
        let osv = json!({ "results": [{ "packages": [{
            "package": { "name": "flask", "version": "0.5" },
            "vulnerabilities": [{ "id": "GHSA-1", "database_specific": { "severity": word } }],
            "groups": [{ "ids": ["GHSA-1"], "max_severity": score }],
        }] }] });
        ask(&json!({ "allow": { "critical": 0, "high": 0 } }), &bill(), &[&osv])
    };
    assert_eq!(group("9.8", json!(null)).result, Fail);
    assert_eq!(group("6.9", json!("CRITICAL")).result, Pass, "a score outweighs a word");
    assert_eq!(group("", json!("MODERATE")).result, Pass);
    assert_eq!(group("", json!("HIGH")).result, Fail);
    assert_eq!(group("", json!(null)).result, Fail, "nobody rated it");
}

#[test]
fn what_is_accepted_does_not_count_until_its_day_is_over() {
    let scan = grype(&json!([found("GHSA-1", "High", "flask", "0.5")]));
    let with =
        |id: &str, text: &str| ask(&json!({ "exceptions": { id: text } }), &bill(), &[&scan]);
    let answer = with("GHSA-1", "until 1970-01-05: only the tests use it");
    let said = "0 critical, 0 high, 0 medium, 0 low among 3 components, by 1 report, 1 accepted";
    says(&answer, Pass, said);
    says(&with("CVE-2018-1000656", "until 2026-12-31: x"), Pass, said);
    let answer = with("GHSA-1", "until 1970-01-04: only the tests use it");
    assert_eq!(answer.result, Fail);
    assert!(answer.sentence.ends_with("; GHSA-1 was accepted until 1970-01-04"), "{answer:?}");
    assert_eq!(with("GHSA", "until 2026-12-31: a part of an id is another id").result, Fail);
}

#[test]
fn a_bill_of_something_else_is_no_bill() {
    let scan = grype(&json!([]));
    let said = "0 critical, 0 high, 0 medium, 0 low among 3 components, by 1 report";
    let with = |change: &dyn Fn(&mut Value)| {
        let mut bill = bill();
        change(&mut bill);
        ask(&json!({}), &bill, &[&scan])
    };
    says(&with(&|_| {}), Pass, said);
    says(&with(&|bill| bill["metadata"]["component"]["version"] = "v1.2.0".into()), Pass, said);
    let other = with(&|bill| bill["metadata"]["component"]["version"] = "1.2.1".into());
    says(&other, Fail, &format!("bom.json is of version 1.2.1, and not of 1.2.0; {said}"));
    let silent = with(&|bill| bill["metadata"] = json!({}));
    says(&silent, Inconclusive, &format!("bom.json does not say of which version it is; {said}"));
    let hashed = |hash: &str| {
        let hash = json!([{ "alg": "MD5", "content": "x" }, { "alg": "SHA-256", "content": hash }]);
        with(&|bill| bill["metadata"]["component"]["hashes"] = hash.clone())
    };
    assert_eq!(hashed(Digest::of(ARTIFACT).hex()).result, Pass);
    assert_eq!(hashed(Digest::of(b"another").hex()).result, Fail, "whatever version it says");
    let nothing = with(&|bill| bill["components"] = json!([]));
    assert!(nothing.sentence.starts_with("bom.json lists no component"), "{nothing:?}");
    assert_eq!(nothing.result, Inconclusive);
    let spdx = ask(&json!({}), &json!({ "spdxVersion": "SPDX-2.3" }), &[&scan]);
    assert_eq!(spdx.result, Inconclusive);
}

#[test]
fn a_report_of_something_else_or_too_old_is_no_pass() {
    let image = |target: Value| {
        let mut scan = grype(&json!([]));
        scan["source"] = json!({ "type": "image", "target": target });
        scan
    };
    let other = Digest::of(b"another").to_string();
    let (own, foreign) = (format!("shop@{}", digest()), format!("shop@{other}"));
    let strict = json!({ "must_name": "digest" });
    let mut hashed = bill();
    hashed["metadata"]["component"]["hashes"] =
        json!([{ "alg": "SHA-256", "content": Digest::of(ARTIFACT).hex() }]);
    for (target, settings, wanted) in [
        (json!({ "repoDigests": [own] }), &json!({}), Pass),
        (json!({ "repoDigests": [foreign] }), &json!({}), Fail),
        (json!({ "manifestDigest": digest() }), &strict, Pass),
        (json!({ "manifestDigest": other }), &strict, Fail),
        (json!({ "imageID": digest() }), &strict, Pass),
        (json!({ "imageID": other }), &json!({}), Pass),
        (json!({ "imageID": other }), &strict, Inconclusive),
        (json!("a folder"), &strict, Inconclusive),
    ] {
        let answer = ask(settings, &hashed, &[&image(target.clone())]);
        assert_eq!(answer.result, wanted, "{target}: {answer:?}");
    }
    assert_eq!(
        ask(&strict, &bill(), &[&image(json!({ "repoDigests": [own] }))]).result,
        Inconclusive
    );
    // It is the fifth day of 1970, four o'clock, and the files were written an hour ago.
    for (most, wanted) in [("51m", Pass), ("49m", Inconclusive)] {
        let mut fresh = bill();
        fresh["metadata"]["timestamp"] = "1970-01-05T03:30:00Z".into();
        let files = [("bom.json", fresh.to_string()), ("scan", grype(&json!([])).to_string())];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_bytes()));
        let project = crate::reports::testing::project(&files);
        for (path, _) in files {
            let at = crate::question::testing::NOW;
            crate::reports::testing::written(&project.path().join(path), at);
        }
        let settings = json!({
            "path": "bom.json", "vulnerabilities": "scan", "allow": { "high": 0 }, "max_age": most,
        });
        let check = crate::question::testing::check(
            "cyclonedx",
            &settings,
            &crate::question::testing::site(project.path(), 1),
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let request = crate::question::testing::request(&[], known());
        let answer = runtime.block_on(check.ask(&request));
        assert_eq!(answer.result, wanted, "{answer:?}");
    }
    let elsewhere = grype(&json!([found("CVE-1", "Low", "django", "1.0")]));
    let answer = ask(&json!({}), &bill(), &[&elsewhere]);
    assert_eq!(answer.result, Inconclusive, "{answer:?}");
    assert!(answer.sentence.contains("speaks of django 1.0, which the bill does not list"));
}

#[test]
fn packages_are_found_by_group_by_either_stroke_and_inside_others() {
    for (name, version) in [("org.acme:core", "1"), ("org.acme/core", "1"), ("Inner-Part", "2")] {
        let mut one = found("CVE-1", "Low", name, version);
        one["artifact"]["purl"] = Value::Null;
        let answer = ask(&json!({}), &bill(), &[&grype(&json!([one]))]);
        assert_eq!(answer.result, Pass, "{name}: {answer:?}");
    }
}

#[test]
fn a_bill_may_tell_of_vulnerabilities_itself() {
    let silent = ask(&json!({}), &bill(), &[]);
    assert_eq!(silent.result, Inconclusive);
    assert!(silent.sentence.starts_with("the bill says nothing of vulnerabilities"), "{silent:?}");
    let with = |vulnerabilities: Value| {
        let mut bill = bill();
        bill["vulnerabilities"] = vulnerabilities;
        ask(&json!({}), &bill, &[])
    };
    assert_eq!(
        with(json!([])).result,
        Inconclusive,
        "some write an empty list without having looked"
    );
    let one = |ratings: Value, state: &str| {
        with(json!([{ "id": "CVE-1", "ratings": ratings, "analysis": { "state": state },
            "affects": [{ "ref": "f" }, { "ref": "i" }] }]))
    };
    let high = json!([{ "severity": "low" }, { "score": 7.1, "method": "CVSSv31" }]);
    let answer = one(high.clone(), "in_triage");
    assert_eq!(answer.result, Fail);
    assert!(answer.sentence.starts_with("0 critical, 2 high"), "{answer:?}");
    let answer = one(high, "not_affected");
    let said =
        "0 critical, 0 high, 0 medium, 0 low among 3 components, 1 set aside by whoever reported";
    says(&answer, Pass, said);
    assert_eq!(one(json!([{ "severity": "info" }]), "exploitable").result, Pass);
    assert_eq!(one(json!([]), "exploitable").result, Fail, "nobody rated it");
}

#[test]
fn what_cannot_be_read_or_was_never_scanned_is_inconclusive() {
    for (report, wanted) in [
        (json!({ "SchemaVersion": 1 }), "it is of Trivy's schema 1"),
        (json!({ "SchemaVersion": 2 }), "nothing was found that can be scanned"),
        (json!({ "SchemaVersion": 2, "Results": [{ "Class": "secret" }] }), "nothing was found"),
        (json!({ "version": "2.1.0", "runs": [] }), "it is neither of Grype"),
        (json!([]), "it begins with a list"),
        (json!({ "matches": [{ "artifact": {} }] }), "missing field"),
    ] {
        let answer = ask(&json!({}), &bill(), &[&report]);
        assert_eq!(answer.result, Inconclusive, "{report}: {answer:?}");
        assert!(answer.sentence.contains(wanted), "{report}: {answer:?}");
    }
    let twice = r#"{"matches":[],"matches":[]}"#;
    let settings = json!({ "path": "bom.json", "vulnerabilities": "scan", "allow": { "high": 0 } });
    let bill = bill().to_string();
    let files: [(&str, &[u8]); 2] = [("bom.json", bill.as_bytes()), ("scan", twice.as_bytes())];
    let answer = ask_with(known(), "cyclonedx", &settings, &files);
    assert!(answer.sentence.contains("duplicate field `matches`"), "{answer:?}");
    let down = Evidence { is_down: true, ..known() };
    assert_eq!(ask_with(down, "cyclonedx", &settings, &files).result, Inconclusive);
    let nothing = ask_with(Evidence::default(), "cyclonedx", &settings, &files);
    assert!(nothing.sentence.contains("no artefact"), "{nothing:?}");
}

#[test]
fn what_is_set_wrongly_is_told_when_the_matrix_is_checked() {
    let with = |accept: Value| {
        problems(
            "cyclonedx",
            &json!({ "path": "bom.json", "allow": { "high": 0 }, "exceptions": accept }),
        )
    };
    assert!(with(json!({ "CVE-1": "until 2026-12-31: a reason" })).is_empty());
    for bad in
        ["a reason", "until 2026-13-01: x", "until 2026-12-31", "until 2026-12-31: ", "until x: y"]
    {
        assert_eq!(with(json!({ "CVE-1": bad })), ["exceptions.CVE-1"], "{bad}");
    }
    let given = json!({ "path": "../bom", "vulnerabilities": "a[", "allow": { "low": 1 }, "must_name": "both" });
    let paths = problems("cyclonedx", &given);
    assert_eq!(paths, ["path", "must_name"], "{paths:?}");
    let given = json!({ "path": "bom", "vulnerabilities": "a[", "allow": { "low": 1 } });
    assert_eq!(problems("cyclonedx", &given), ["vulnerabilities", "allow", "allow"]);
}
