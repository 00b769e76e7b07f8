//! The demo tells its story: the README's first command.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use towpath_e2e::serving::get;
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

#[test]
#[ignore = "heavy"]
fn the_demo_says_where_it_can_be_watched_and_clears_away_when_it_is_ended() {
    let mut demo = Command::new(towpath());
    demo.args(["demo", "--exit", "--no-browser"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut demo = demo.spawn().expect("the binary starts");
    let errors = demo.stderr.take().expect("it is piped");
    let mut first = String::new();
    BufReader::new(errors).read_line(&mut first).expect("it says something");
    let link = first.trim().strip_prefix("pages  http://").expect("the address of its pages");
    let (address, path) = link.split_once('/').expect("a link has a path");
    let page = get(address.parse().expect("an address"), &format!("/{path}"), None);
    assert!(page.contains("200 OK") && page.contains("<form"), "{page}");
    let pid = i32::try_from(demo.id()).expect("a process id");
    kill_process(Pid::from_raw(pid).expect("it is none of ours"), Signal::TERM).expect("it runs");
    let ended = demo.wait().expect("it ends");
    assert_eq!(ended.code(), Some(130), "it was interrupted");
    let port: std::net::SocketAddr = address.parse().expect("an address");
    assert!(std::net::TcpStream::connect(port).is_err(), "its engine has gone");
}
