//! Checks of generated matrices that can be asked. Owns what each kind understands of what its types
//! allow; generates nothing.

use serde_json::{Value, json};

/// What a check understands of what its types allow.
const WANTED: &[(&str, &str)] = &[
    ("in", "alpha"),
    ("by", "alpha"),
    ("address", "127.0.0.1:80"),
    ("accept", "404"),
    ("error_rate", "< 5%"),
    ("left", "> 5%"),
    ("for", "1h"),
    ("path", "reports/**/*.xml"),
    ("vulnerabilities", "reports/*.json"),
    ("tools", "scanner"),
    ("is", "< 5"),
    ("latency_p50", "< 300ms"),
    ("latency_p90", "< 300ms"),
    ("latency_p95", "< 300ms"),
    ("latency_p99", "< 300ms"),
    ("keys", "keys/builder.pub"),
    ("builders", "https://ci.example.com/builder@v1"),
    ("build_types", "https://ci.example.com/build/v1"),
    ("parameters", "flags"),
    ("refs", "refs/heads/main"),
    ("repository", "shop/api"),
    ("branch", "main"),
    ("from", "develop"),
    ("up_to_date_with", "main"),
    ("contained_in", "main"),
    ("cut_from", "main"),
    ("evidence", "infrastructure-plan"),
    ("since", "v1.0.0"),
    ("protection", "main"),
];

/// Each check has a name of its own and is asked when there is something to ask.
pub(crate) fn gate(mut value: Value) -> Value {
    for (list, checks) in value.as_object_mut().into_iter().flatten() {
        for (index, check) in checks.as_array_mut().into_iter().flatten().enumerate() {
            let Some(check) = check.as_object_mut().filter(|it| it.contains_key("check")) else {
                continue;
            };
            check.insert("name".to_owned(), json!(format!("{list}: no. {index}")));
            if check.remove("at").is_some() && list == "validation" {
                check.insert("at".to_owned(), json!("100%"));
            }
            for (key, wanted) in WANTED {
                if let Some(value) = check.get_mut(*key) {
                    *value = json!(wanted);
                }
            }
            if ["sarif", "cyclonedx"].contains(&check["check"].as_str().unwrap_or_default())
                && let Some(Value::Object(allow)) = check.get_mut("allow")
            {
                for severity in ["high", "medium"] {
                    allow.entry(severity).or_insert(json!(0));
                }
            }
            // Who asks git or GitHub nothing is told so, and half a question is none.
            let asked = match check.get("check").and_then(Value::as_str) {
                Some("git") => &[("contained_in", json!("main")), ("signed", json!(true))][..],
                Some("github") => &[
                    ("reviews", json!(1)),
                    ("branch", json!("main")),
                    ("url", json!("https://github.example.com/api/v3")),
                ][..],
                Some("prometheus") => &[
                    ("is", json!("< 5")),
                    ("url", json!("http://127.0.0.1:9090")),
                    ("baseline", json!("up")),
                ][..],
                // A load is made or read, and a percentile needs as many requests.
                Some("performance") => &[
                    ("url", json!("{green}/")),
                    ("requests", json!(200)),
                    ("latency_p99", json!("< 300ms")),
                ][..],
                _ => &[],
            };
            for (key, value) in asked {
                check.insert((*key).to_owned(), value.clone());
            }
            if check.get("check") == Some(&json!("performance")) {
                check.remove("path");
            }
            if check.contains_key("exceptions") {
                let reason = "until 2030-12-31: only tests use it";
                check.insert("exceptions".to_owned(), json!({ "CVE-2030-1": reason }));
            }
            if check.contains_key("headers") {
                check.insert("headers".to_owned(), json!({ "X-Own": "no" }));
            }
            // What is started is no place to be filled in; what is said to it may be.
            if let Some(program) = check.get_mut("run").and_then(|it| it.get_mut(0)) {
                *program = json!("./check");
            }
            // The answer to HEAD has no body to look into (RFC 9110, section 9.3.2).
            if check.get("method") == Some(&json!("HEAD")) {
                check.remove("contains");
            }
        }
    }
    value
}

/// The branch that checks compare with the forge has a rule.
pub(crate) fn declare_branches(matrix: &mut Value) {
    if matrix.to_string().contains("\"protection\":") {
        matrix["branches"]["main"] = json!({ "approvals": 1 });
    }
}
