//! Logs as scanners write them, cut to what matters, and such as nobody writes.

use super::*;
use crate::question::testing::problems;
use crate::reports::testing::{ask, says};
use proptest::prelude::*;
use serde_json::json;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};

fn with(more: &Value, logs: &[&Value]) -> CheckAnswer {
    let mut settings = more.clone();
    settings["path"] = "*.sarif".into();
    let texts: Vec<String> = logs.iter().map(|log| format!("\u{feff}{log}")).collect();
    let names: Vec<String> = (0..texts.len()).map(|index| format!("{index}.sarif")).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    ask("sarif", &settings, &files)
}

/// How many of each severity there are in a log of one run, as the check says.
fn counts(run: &Value) -> String {
    let all = json!({ "allow": { "critical": 9, "high": 9, "medium": 9, "low": 9 } });
    let answer = with(&all, &[&log(run)]);
    assert_eq!(answer.result, Pass, "{answer:?}");
    answer.sentence.split(" in 1 report").next().unwrap().to_owned()
}

fn log(run: &Value) -> Value {
    json!({ "$schema": "x", "version": "2.1.0", "runs": [run] })
}

fn run(rules: &Value, results: &Value) -> Value {
    json!({ "tool": { "driver": { "name": "Scanner", "rules": rules } }, "results": results })
}

/// One finding in a log of a tool without rules.
fn one(finding: &Value) -> String {
    counts(&run(&json!([]), &json!([finding])))
}

#[test]
fn levels_are_severities_where_nothing_better_is_said() {
    for (finding, wanted) in [
        (json!({ "level": "error" }), "0 critical, 1 high, 0 medium, 0 low"),
        (json!({ "level": "warning" }), "0 critical, 0 high, 1 medium, 0 low"),
        (json!({ "level": "note" }), "0 critical, 0 high, 0 medium, 1 low"),
        (json!({ "level": "none" }), "0 critical, 0 high, 0 medium, 0 low"),
        (json!({}), "0 critical, 0 high, 1 medium, 0 low"),
        (json!({ "level": null, "kind": "fail" }), "0 critical, 0 high, 1 medium, 0 low"),
        (json!({ "level": "error", "kind": "pass" }), "0 critical, 0 high, 0 medium, 0 low"),
        (json!({ "kind": "notApplicable" }), "0 critical, 0 high, 0 medium, 0 low"),
        (json!({ "kind": "informational" }), "0 critical, 0 high, 0 medium, 0 low"),
        (json!({ "kind": "review", "level": "none" }), "0 critical, 0 high, 1 medium, 0 low"),
        (json!({ "kind": "open" }), "0 critical, 0 high, 1 medium, 0 low"),
    ] {
        assert_eq!(one(&finding), wanted, "{finding}");
    }
}

#[test]
fn a_score_of_security_outweighs_the_level_and_its_limits_are_those_of_github() {
    for (score, wanted) in [
        (json!("10.0"), "1 critical, 0 high, 0 medium, 0 low"),
        (json!("9.0"), "1 critical, 0 high, 0 medium, 0 low"),
        (json!(8.9), "0 critical, 1 high, 0 medium, 0 low"),
        (json!("7.0"), "0 critical, 1 high, 0 medium, 0 low"),
        (json!("6.9"), "0 critical, 0 high, 1 medium, 0 low"),
        (json!(4), "0 critical, 0 high, 1 medium, 0 low"),
        (json!("3.9"), "0 critical, 0 high, 0 medium, 1 low"),
        (json!("0.1"), "0 critical, 0 high, 0 medium, 1 low"),
        // What says nothing leaves it to the level.
        (json!("0.0"), "0 critical, 1 high, 0 medium, 0 low"),
        (json!("11"), "0 critical, 1 high, 0 medium, 0 low"),
        (json!("NaN"), "0 critical, 1 high, 0 medium, 0 low"),
        (json!("high"), "0 critical, 1 high, 0 medium, 0 low"),
        (json!(null), "0 critical, 1 high, 0 medium, 0 low"),
        (json!([9]), "0 critical, 1 high, 0 medium, 0 low"),
    ] {
        let own = json!({ "level": "error", "properties": { "security-severity": score } });
        assert_eq!(one(&own), wanted, "{score}");
        let rules = json!([{ "id": "R", "properties": { "security-severity": score } }]);
        let results = json!([{ "ruleId": "R", "level": "error" }]);
        assert_eq!(counts(&run(&rules, &results)), wanted, "of the rule: {score}");
    }
    let banditry = json!({ "level": "note", "properties": { "issue_severity": "HIGH", "x": [1] } });
    assert_eq!(one(&banditry), "0 critical, 1 high, 0 medium, 0 low");
    let unknown = json!({ "level": "note", "properties": { "issue_severity": "UNDEFINED" } });
    assert_eq!(one(&unknown), "0 critical, 0 high, 0 medium, 1 low");
}

#[test]
fn a_rule_is_found_by_its_place_by_its_name_and_in_an_extension() {
    let rule =
        |id: &str, level: &str| json!({ "id": id, "defaultConfiguration": { "level": level } });
    let rules = json!([rule("A", "note"), rule("B", "error")]);
    let extensions =
        json!([{ "name": "pack", "guid": "g", "rules": [rule("C", "note"), rule("B", "none")] }]);
    let find = |finding: Value| {
        let mut run = run(&rules, &json!([finding]));
        run["tool"]["extensions"] = extensions.clone();
        counts(&run)
    };
    let (high, medium, low) = (
        "0 critical, 1 high, 0 medium, 0 low",
        "0 critical, 0 high, 1 medium, 0 low",
        "0 critical, 0 high, 0 medium, 1 low",
    );
    let none = "0 critical, 0 high, 0 medium, 0 low";
    for (finding, wanted) in [
        (json!({ "ruleIndex": 1 }), high),
        (json!({ "ruleId": "B" }), high),
        (json!({ "ruleId": "B/7/x" }), high),
        (json!({ "ruleId": "A/1", "ruleIndex": 0 }), low),
        (json!({ "ruleId": "B", "ruleIndex": 0 }), high),
        (json!({ "ruleId": "B", "ruleIndex": -1 }), high),
        (json!({ "ruleId": "unknown", "ruleIndex": 99 }), medium),
        (json!({ "ruleIndex": 99 }), medium),
        (json!({ "rule": { "index": 1 } }), high),
        (json!({ "rule": { "id": "A" } }), low),
        (json!({ "ruleId": "C" }), low),
        (json!({ "rule": { "index": 1, "toolComponent": { "index": 0 } } }), none),
        (
            json!({ "ruleId": "B", "rule": { "id": "B", "toolComponent": { "name": "pack" } } }),
            none,
        ),
        (json!({ "rule": { "id": "C", "toolComponent": { "guid": "g" } } }), low),
        (json!({ "rule": { "id": "B", "toolComponent": { "index": 5 } } }), high),
    ] {
        assert_eq!(find(finding.clone()), wanted, "{finding}");
    }
}

#[test]
fn what_was_let_be_is_told_and_what_was_only_asked_for_counts() {
    let finding = |statuses: &[Value]| {
        let suppressions: Vec<Value> =
            statuses.iter().map(|status| json!({ "kind": "inSource", "status": status })).collect();
        let finding = json!({ "level": "error", "suppressions": suppressions });
        with(&json!({ "allow": { "high": 0 } }), &[&log(&run(&json!([]), &json!([finding])))])
    };
    let said = "0 critical, 0 high, 0 medium, 0 low in 1 report, 1 suppressed";
    says(&finding(&[json!("accepted")]), Pass, said);
    says(&finding(&[json!(null)]), Pass, said);
    for counts in [
        &[][..],
        &[json!("rejected")],
        &[json!("underReview")],
        &[json!("accepted"), json!("rejected")],
    ] {
        assert_eq!(finding(counts).result, Fail, "{counts:?}");
    }
    let gone = json!({ "level": "error", "baselineState": "absent" });
    assert_eq!(one(&gone), "0 critical, 0 high, 0 medium, 0 low");
    assert_eq!(
        one(&json!({ "baselineState": "unchanged" })),
        "0 critical, 0 high, 1 medium, 0 low"
    );
}

/// A log with one finding for each score.
fn scores(scores: &[f64]) -> Value {
    let results: Vec<Value> = scores
        .iter()
        .map(|score| {
            json!({
                "ruleId": format!("R{score}"), "properties": { "security-severity": score },
                "message": { "text": "bad\nvery" },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": "src/a.py" }, "region": { "startLine": 12 } } }]
            })
        })
        .collect();
    log(&run(&json!([]), &json!(results)))
}

#[test]
fn what_is_borne_is_counted_by_severity_and_the_worst_is_named_first() {
    let all = scores(&[1.0, 5.0, 5.5, 9.5, 8.0]);
    let ask = |allow: Value| with(&json!({ "allow": allow }), &[&all]);
    let found = "1 critical, 1 high, 2 medium, 1 low in 1 report";
    let first = "first: R9.5 in src/a.py:12: bad";
    let said = format!("{found}; at most 1 high or worse may be; {first}");
    says(&ask(json!({ "high": 1 })), Fail, &said);
    says(&ask(json!({ "high": 2 })), Pass, found);
    says(&ask(json!({ "critical": 1 })), Pass, found);
    let said = format!("{found}; at most 0 critical and 1 medium may be; {first}");
    says(&ask(json!({ "critical": 0, "high": 1, "medium": 1 })), Fail, &said);
    assert_eq!(ask(json!({ "critical": 1, "high": 1, "medium": 2, "low": 1 })).result, Pass);
    let output = ask(json!({ "critical": 0 })).output.unwrap();
    let wanted = "critical: R9.5 in src/a.py:12: bad\nhigh: R8 in src/a.py:12: bad\nmedium: R5 ";
    assert!(output.starts_with(wanted), "{output}");
    assert!(
        output.contains("\n0.sarif: Scanner, 1 run of 1 tool: 1 critical, 1 high, 2 medium"),
        "{output}"
    );
}

#[test]
fn the_worst_of_many_are_kept_for_logs() {
    let many = scores(&[[1.0; 60].as_slice(), &[9.5]].concat());
    let answer = with(&json!({ "allow": { "critical": 0 } }), &[&many]);
    assert!(answer.sentence.ends_with("first: R9.5 in src/a.py:12: bad"), "{answer:?}");
    let output = answer.output.unwrap();
    assert!(output.contains("\n[11 more left out]\n"), "{output}");
}

#[test]
fn what_did_not_scan_is_not_clean() {
    let high = json!({ "allow": { "high": 0 } });
    let clean = log(&run(&json!([]), &json!([])));
    let none = "0 critical, 0 high, 0 medium, 0 low in 1 report";
    says(&with(&high, &[&clean]), Pass, none);
    let driver = json!({ "driver": { "name": "Scanner" } });
    for (log, why) in [
        (log(&json!({ "tool": driver })), "0.sarif has no `results` of Scanner: it did not scan"),
        (
            log(&json!({ "tool": driver, "results": null })),
            "0.sarif has no `results` of Scanner: it did not scan",
        ),
        (json!({ "version": "2.1.0", "runs": [] }), "0.sarif holds no run of a scanner"),
        (json!({ "version": "2.1.0" }), "0.sarif holds no run of a scanner"),
        (
            log(
                &json!({ "tool": driver, "results": [], "invocations": [{ "executionSuccessful": true },
                { "executionSuccessful": false }] }),
            ),
            "Scanner says in 0.sarif that its run was not successful",
        ),
        (
            log(
                &json!({ "tool": driver, "results": [], "externalPropertyFileReferences": { "results": [{}] } }),
            ),
            "0.sarif keeps its results in other files, which are not read",
        ),
    ] {
        says(&with(&high, &[&log]), Inconclusive, &format!("{why}; {none}"));
        let both = with(&high, &[&log, &scores(&[8.0])]);
        assert_eq!(both.result, Fail, "what is found outweighs what is not known: {why}");
        assert_eq!(with(&high, &[&log, &clean]).result, Inconclusive, "{why}");
    }
}

#[test]
fn scanners_that_are_asked_for_must_be_among_the_reports() {
    let of = |name: &str| log(&json!({ "tool": { "driver": { "name": name } }, "results": [] }));
    let ask = |tools: Value, names: &[&str]| {
        let logs: Vec<Value> = names.iter().map(|name| of(name)).collect();
        with(&json!({ "allow": { "high": 0 }, "tools": tools }), &logs.iter().collect::<Vec<_>>())
    };
    assert_eq!(ask(json!("bandit"), &["Bandit"]).result, Pass);
    assert_eq!(ask(json!(["SEMGREP", "trivy"]), &["Semgrep OSS", "Trivy"]).result, Pass);
    says(
        &ask(json!(["trivy", "bandit"]), &["Bandit", "CodeQL"]),
        Inconclusive,
        "no report is of trivy, only of Bandit, CodeQL; 0 critical, 0 high, 0 medium, 0 low in 2 reports",
    );
    assert_eq!(ask(json!("ban"), &["Bandit"]).result, Inconclusive);
    assert_eq!(ask(json!("bandit"), &["Bandit-lite"]).result, Inconclusive);
}

fn text(text: &str) -> CheckAnswer {
    ask(
        "sarif",
        &json!({ "path": "a.sarif", "allow": { "high": 9 } }),
        &[("a.sarif", text.as_bytes())],
    )
}

#[test]
fn what_is_no_log_is_told_with_its_place() {
    for (log, wrong) in [
        ("", "a.sarif:1:0 is no SARIF report that can be read: EOF while parsing"),
        ("{}", "a.sarif is no SARIF report that can be read: it has no `version`"),
        ("[]", "it begins with a list"),
        ("<a/>", "a.sarif:1:1 is no SARIF report that can be read: expected value"),
        (r#"{"version":"2.0.0","runs":[]}"#, "it is of version 2.0.0; have it written in 2.1.0"),
        ("{\"version\":\"2.1.0\",\n\"runs\":[{\"results\":[]}]}", "a.sarif:2:"),
        (r#"{"version":"2.1.0","runs":[{"tool":{"driver":{}}}]}"#, "missing field `name`"),
        (r#"{"version":"2.1.0","version":"2.1.0","runs":[]}"#, "duplicate field `version`"),
        (r#"{"version":"2.1.0","runs":[]} x"#, "trailing characters"),
        (
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"level":"fatal"}]}]}"#,
            "unknown variant `fatal`, expected one of `none`, `note`, `warning`, `error`",
        ),
    ] {
        let answer = text(log);
        assert_eq!(answer.result, Inconclusive, "{log}");
        assert!(answer.sentence.contains(wrong), "{log}: {answer:?}");
    }
    let deep = "[".repeat(1_000_000);
    assert_eq!(text(&format!("{{\"x\": {deep}")).result, Inconclusive);
    let deep = format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"x","rules":[{{"properties":{{"issue_severity":{deep}"#
    );
    assert!(text(&deep).sentence.contains("recursion limit exceeded"));
}

#[test]
fn no_beginning_of_a_good_log_is_a_pass() {
    let good = scores(&[8.0]).to_string();
    assert_eq!(text(&good).result, Pass);
    for end in 0..good.len() {
        assert_eq!(text(&good[..end]).result, Inconclusive, "{}", &good[..end]);
    }
}

#[test]
fn an_allowance_with_a_hole_in_it_is_refused_when_the_matrix_is_checked() {
    let of = |allow: Value| problems("sarif", &json!({ "path": "a", "allow": allow }));
    for good in [
        json!({ "critical": 0 }),
        json!({ "high": 0 }),
        json!({ "high": 0, "medium": 2 }),
        json!({ "critical": 0, "high": 0, "medium": 1, "low": 9 }),
    ] {
        assert_eq!(of(good.clone()), [""; 0], "{good}");
    }
    for bad in [
        json!({ "medium": 0 }),
        json!({ "high": 0, "low": 0 }),
        json!({ "critical": 0, "medium": 0 }),
    ] {
        assert_eq!(of(bad.clone()), ["allow"], "{bad}");
    }
    assert_eq!(of(json!({ "low": 0 })), ["allow", "allow"]);
    assert_eq!(of(json!({ "worst": 0 })), ["allow.worst"]);
    let nobody = json!({ "path": "a", "allow": { "high": 0 }, "tools": ["trivy", " "] });
    assert_eq!(problems("sarif", &nobody), ["tools[1]"]);
}

/// Any JSON, with words of the format among its keys and texts.
fn value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("version".to_owned()),
        Just("2.1.0".to_owned()),
        Just("runs".to_owned()),
        Just("tool".to_owned()),
        Just("driver".to_owned()),
        Just("name".to_owned()),
        Just("results".to_owned()),
        Just("level".to_owned()),
        Just("error".to_owned()),
        Just("properties".to_owned()),
        Just("security-severity".to_owned()),
        Just("kind".to_owned()),
        "\\PC{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_answered_and_never_a_pass(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let settings = json!({ "path": "a", "allow": { "critical": 0 } });
        prop_assert_eq!(ask("sarif", &settings, &[("a", &bytes)]).result, CheckResult::Inconclusive);
    }

    #[test]
    fn any_json_is_answered_and_passes_only_as_a_log(value in value()) {
        let answer = text(&value.to_string());
        if answer.result == CheckResult::Pass {
            prop_assert!(value["runs"][0]["results"].is_array(), "{}", value);
        }
    }

    #[test]
    fn whatever_else_is_said_of_it_a_finding_of_level_error_is_never_let_pass(value in value()) {
        // It must not be able to say of itself what would let it be.
        let mut finding = json!({ "level": "error", "ruleId": "R" });
        finding["x"] = value.clone();
        finding["message"] = json!({ "text": "t", "y": value });
        let settings = json!({ "allow": { "high": 0 } });
        let answer = with(&settings, &[&log(&run(&json!([]), &json!([finding])))]);
        prop_assert_ne!(answer.result, CheckResult::Pass);
    }
}
