//! Checks `junit`, `coverage`, `sarif` and `cyclonedx`: against reports that the tools themselves write, each of a
//! small project that is well and of the same one broken. The tools are those of `.ci/report-tools`,
//! in the folder that `TOWPATH_REPORT_TOOLS` names, and the cargo-nextest that runs all tests; without
//! them these tests say that they are skipped, and fail where `CI=true`.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod sources;
mod tools;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use towpath_adapters::artifacts::Artifacts;
use towpath_adapters::checks;
use towpath_core::check::CheckAnswer;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};
use towpath_core::ids::{Digest, LaneId, Name, PromotionNumber, Version};
use towpath_core::release::{Artifact, ArtifactForm, ChangeType, Release, ReleaseRef};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::check::{
    Attestation, CalmRecord, CheckRequest, EvidenceReader, KeptBefore, ServedRecord, SoakRecord,
};
use towpath_ports::clock::{Clock as _, SystemClock};
use towpath_ports::{Site, settings};

use tools::{Project, Tools};

/// A journal that knows of one artefact.
struct OneArtifact;

#[async_trait]
impl EvidenceReader for OneArtifact {
    async fn release(
        &self,
        service: &Name,
        release: &ReleaseRef,
    ) -> Result<Option<Release>, String> {
        let digest = Digest::of(b"the shop");
        let form = ArtifactForm::File;
        let shop = Artifact { digest, form, source: "shop".to_owned(), size: 8 };
        Ok(Some(Release {
            service: service.clone(),
            version: release.version.clone(),
            digest: release.digest.clone(),
            artifacts: [(Name::new("shop").unwrap(), shop)].into(),
            settings: BTreeMap::new(),
            migrations: Vec::new(),
            commit: None,
            branch: None,
            author: None,
            change_type: ChangeType::Feature,
            type_by: None,
            evidence: std::collections::BTreeMap::new(),
            snapshot: false,
            created_by: None,
            behind: Vec::new(),
            created_at: Timestamp(0),
        }))
    }

    async fn attestations(
        &self,
        _lane: &LaneId,
        _release: &ReleaseRef,
        _title: &str,
    ) -> Result<Vec<Attestation>, String> {
        Err("nobody is asked".to_owned())
    }

    async fn kept_before(&self, _lane: &LaneId, _title: &str) -> Result<Vec<KeptBefore>, String> {
        Err("nobody is asked".to_owned())
    }

    async fn soak(
        &self,
        _service: &Name,
        _environment: &Name,
        _release: &ReleaseRef,
        _since: Timestamp,
    ) -> Result<SoakRecord, String> {
        Err("nobody is asked".to_owned())
    }

    async fn served(
        &self,
        _service: &Name,
        _environment: &Name,
        _since: Timestamp,
    ) -> Result<ServedRecord, String> {
        Err("nobody is asked".to_owned())
    }

    async fn calm(
        &self,
        _service: &Name,
        _environment: &Name,
        _release: &ReleaseRef,
    ) -> Result<CalmRecord, String> {
        Err("nobody is asked".to_owned())
    }
}

/// What the check says, with its settings checked as the matrix checks them.
async fn ask(root: &Path, name: &str, given: &Value) -> CheckAnswer {
    let entry = checks::KINDS.iter().find(|kind| kind.entry.name == name).unwrap().entry;
    let checked = settings::check(&entry, given).unwrap();
    let state = root.join("state");
    let artifacts = Arc::new(Artifacts::new(&state));
    let site =
        Site { root: root.to_owned(), state, program: "/bin/false".into(), artifacts, speed: 1 };
    let check = towpath_adapters::build(checks::KINDS, name, &checked, &site).unwrap();
    let name = |text| Name::new(text).unwrap();
    let request = CheckRequest {
        lane: LaneId { service: name("api"), environment: name("live") },
        promotion: PromotionNumber(1),
        release: ReleaseRef { version: Version::new("1.0.0").unwrap(), digest: Digest::of(b"") },
        title: "Reports".to_owned(),
        green: Vec::new(),
        timeout: Span::minutes(5),
        ordered_at: SystemClock::default().now(),
        now: SystemClock::default().now(),
        evidence: Arc::new(OneArtifact),
        keeper: towpath_ports::evidence::Keeper::nowhere(),
        trace: None,
    };
    check.ask(&request).await
}

#[track_caller]
fn says(answer: &CheckAnswer, result: CheckResult, sentence: &str) {
    assert_eq!((answer.sentence.as_str(), answer.result), (sentence, result), "{answer:?}");
}

#[tokio::test]
#[ignore = "heavy"]
async fn pytest_and_coverage_py_are_read() {
    let Some(tools) = Tools::find() else { return };
    let project = Project::new(&[
        ("shop.py", sources::SHOP_PY),
        ("tests/test_shop.py", sources::TEST_SHOP_PY),
    ]);
    let junit = json!({ "path": "reports/**/*.xml", "max_age": "1h" });
    let coverage = |least: &str| json!({ "path": "cov/*", "at_least": least });
    tools.pytest(&project);
    let said = "2 tests in 1 report: 0 failed, 1 skipped";
    says(&ask(project.root(), "junit", &junit).await, Pass, said);
    // 5 of 7 lines; both forms name the same file and must not count it twice.
    let said = "71.42% of 7 lines in 2 reports covered; at least 70% are asked";
    says(&ask(project.root(), "coverage", &coverage("70%")).await, Pass, said);
    let said = "71.42% of 7 lines in 2 reports covered; at least 71.43% are asked";
    says(&ask(project.root(), "coverage", &coverage("71.43%")).await, Fail, said);

    project.write("tests/test_shop.py", sources::TEST_SHOP_BROKEN_PY);
    tools.pytest(&project);
    let answer = ask(project.root(), "junit", &junit).await;
    let said = "4 tests in 1 report: 3 failed, 0 skipped; first: test_teardown (tests.test_shop)";
    says(&answer, Fail, said);
    let output = answer.output.unwrap();
    assert!(output.contains("test_wrong (tests.test_shop)\n    assert 3 == 4"), "{output}");
    project.write("tests/test_shop.py", "import nothing_of_this_name\n");
    tools.pytest(&project);
    assert_eq!(ask(project.root(), "junit", &junit).await.result, Fail, "it cannot be imported");
    project.write("tests/test_shop.py", "");
    tools.pytest(&project);
    assert_eq!(ask(project.root(), "junit", &junit).await.result, Inconclusive, "there is no test");
}

#[tokio::test]
#[ignore = "heavy"]
async fn bandit_is_read() {
    let Some(tools) = Tools::find() else { return };
    let project = Project::new(&[("src/shop.py", sources::SHOP_PY)]);
    let settings = |allow: Value| json!({ "path": "reports/*.sarif", "allow": allow, "tools": "bandit", "max_age": "1h" });
    tools.bandit(&project);
    let none = settings(json!({ "high": 0, "medium": 0, "low": 0 }));
    says(
        &ask(project.root(), "sarif", &none).await,
        Pass,
        "0 critical, 0 high, 0 medium, 0 low in 1 report",
    );
    project.write("src/shop.py", sources::UNSAFE_PY);
    tools.bandit(&project);
    let found = "0 critical, 1 high, 1 medium, 1 low in 1 report";
    let answer = ask(project.root(), "sarif", &settings(json!({ "high": 0 }))).await;
    let said = format!(
        "{found}; at most 0 high or worse may be; first: B602 in src/shop.py:5: subprocess call with \
         shell=True identified, security issue."
    );
    says(&answer, Fail, &said);
    let answer = ask(project.root(), "sarif", &settings(json!({ "high": 1, "medium": 1 }))).await;
    says(&answer, Pass, found);
    let other = json!({ "path": "reports/*.sarif", "allow": { "high": 1 }, "tools": "trivy" });
    assert_eq!(ask(project.root(), "sarif", &other).await.result, Inconclusive);
}

#[tokio::test]
#[ignore = "heavy"]
async fn jest_is_read() {
    let Some(tools) = Tools::find() else { return };
    let project = Project::new(&[
        ("package.json", "{}"),
        ("src/sum.js", sources::SUM_JS),
        ("src/sum.test.js", sources::SUM_TEST_JS),
    ]);
    let junit = json!({ "path": "reports/*.xml" });
    let coverage = json!({ "path": "coverage/{lcov.info,*.xml}", "at_least": "60%" });
    tools.jest(&project);
    let said = "2 tests in 1 report: 0 failed, 1 skipped";
    says(&ask(project.root(), "junit", &junit).await, Pass, said);
    // 2 of 3 lines, in both forms of one run.
    let said = "66.66% of 3 lines in 2 reports covered; at least 60% are asked";
    says(&ask(project.root(), "coverage", &coverage).await, Pass, said);

    project.write("src/wrong.test.js", sources::WRONG_TEST_JS);
    tools.jest(&project);
    let said = "3 tests in 1 report: 1 failed, 1 skipped; first: shop counts wrongly (shop counts wrongly)";
    says(&ask(project.root(), "junit", &junit).await, Fail, said);
    project.write("src/wrong.test.js", "throw new Error('not loaded');\n");
    tools.jest(&project);
    let answer = ask(project.root(), "junit", &junit).await;
    assert_eq!(answer.result, Fail, "a file that cannot be loaded: {answer:?}");
}

#[tokio::test]
#[ignore = "heavy"]
async fn cargo_nextest_is_read() {
    let Some(nextest) = tools::nextest() else { return };
    let project = Project::new(&[
        ("Cargo.toml", sources::CARGO_TOML),
        (".config/nextest.toml", sources::NEXTEST_TOML),
        ("src/lib.rs", sources::LIB_RS),
    ]);
    let junit = json!({ "path": "target/nextest/ci/*.xml", "at_least": 2 });
    nextest.run(&project, &[]);
    let said = "2 tests in 1 report: 0 failed, 0 skipped, 1 passed when run again";
    says(&ask(project.root(), "junit", &junit).await, Pass, said);
    project.write("again", "");
    nextest.run(&project, &["--features", "broken"]);
    let said = "3 tests in 1 report: 1 failed, 0 skipped; first: tests::wrong (shop)";
    says(&ask(project.root(), "junit", &junit).await, Fail, said);
}

#[tokio::test]
#[ignore = "heavy"]
async fn a_bill_of_cyclonedx_py_is_read() {
    let Some(tools) = Tools::find() else { return };
    let project = Project::new(&[("pyproject.toml", sources::PYPROJECT)]);
    tools.cyclonedx_py(&project);
    let settings = json!({
        "path": "reports/bom.json", "vulnerabilities": "reports/osv.json", "allow": { "high": 0 },
    });
    let finding = |name: &str, version: &str| {
        json!({ "results": [{ "packages": [{
            "package": { "name": name, "version": version, "ecosystem": "PyPI" },
            "groups": [{ "ids": ["PYSEC-1"], "max_severity": "5.5" }],
        }] }] })
    };
    // What is installed there stands in the pins.
    project.write("reports/osv.json", &finding("PyYAML", "6.0.3").to_string());
    let answer = ask(project.root(), "cyclonedx", &settings).await;
    assert_eq!(answer.result, Pass, "{answer:?}");
    assert!(
        answer.sentence.starts_with("0 critical, 0 high, 1 medium, 0 low among "),
        "{answer:?}"
    );
    project.write("reports/osv.json", &finding("PyYAML", "5.0").to_string());
    let answer = ask(project.root(), "cyclonedx", &settings).await;
    assert_eq!(answer.result, Inconclusive, "no such version is installed: {answer:?}");
    project.write("pyproject.toml", &sources::PYPROJECT.replace("1.0.0", "1.0.1"));
    tools.cyclonedx_py(&project);
    assert_eq!(
        ask(project.root(), "cyclonedx", &settings).await.result,
        Fail,
        "of another version"
    );
}
