//! The demo tells its story: the README's first command.

use std::process::Command;

use serde_json::Value;
use towpath_e2e::towpath;

#[test]
#[ignore = "heavy"]
fn the_demo_goes_as_told_and_loses_no_visitor() {
    let output = Command::new(towpath()).args(["demo", "--exit", "--json"]).output();
    let output = output.expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    assert_eq!(text.lines().count(), 1, "one object on one line: {text}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(told["visitors"]["lost"], 0);
    assert_eq!(told["journal"]["verified"], true);
    let promotions = told["promotions"].as_array().expect("promotions");
    let caught: Vec<_> = promotions
        .iter()
        .filter(|one| one["outcome"] == "rolled_back")
        .map(|one| (one["release"].as_str(), one["to"].as_str()))
        .collect();
    assert_eq!(caught, [(Some("1.2.0"), Some("production")), (Some("1.4.0"), Some("staging"))]);
}
