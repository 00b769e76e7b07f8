//! Webhooks as a receiver gets them that nobody here wrote: `standardwebhooks` of PyPI verifies each by both keys of a
//! rotation and takes no forgery; what is sent once more has its old id.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use towpath_e2e::{Heard, Receiver, World, production};

/// How long a notice may take that nothing is in the way of.
const HEARD_WITHIN: Duration = Duration::from_secs(30);
const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn python() -> Option<PathBuf> {
    let folder = std::env::var_os("TOWPATH_CONTRACT_TOOLS").map(PathBuf::from);
    let found = folder.map(|it| it.join("venv/bin/python")).filter(|it| it.is_file());
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "standardwebhooks is not installed"
    );
    if found.is_none() {
        eprintln!("skipped: TOWPATH_CONTRACT_TOOLS names no folder with standardwebhooks");
    }
    found
}

fn world(hooks: &Receiver) -> World {
    let told = "rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: 30s } ] }\n\
                notify: { started: [events, tools], succeeded: [events, tools] }";
    let hook = |template: &str| {
        format!(
            "kind: webhook, template: {template}, url: \"http://{}/{template}\", signing_secret: NEW, \
             second_signing_secret: OLD",
            hooks.address
        )
    };
    let channels = format!(
        "notifiers:\n  events: {{ {} }}\n  tools: {{ {} }}\n",
        hook("cloudevents"),
        hook("cdevents")
    );
    let secrets =
        "secrets:\n  NEW: { kind: file, path: kept/new }\n  OLD: { kind: file, path: kept/old }\n";
    let world = World::new(&(production(1, told) + &channels + secrets));
    let kept = world.root().join("kept");
    std::fs::create_dir(&kept).unwrap();
    for (name, key) in [("new", NEW), ("old", OLD)] {
        std::fs::write(kept.join(name), key).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(kept.join(name), mode).unwrap();
    }
    world
}

/// Headers by their names, and the body.
fn parts(heard: &Heard) -> (BTreeMap<String, String>, String) {
    let (head, body) = heard.text.split_once("\r\n\r\n").unwrap();
    let pairs = head.lines().filter_map(|line| line.split_once(": "));
    let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    (headers.collect(), body.to_owned())
}

/// What a receiver says of each that knows these keys.
fn verified(python: &PathBuf, heard: &[Heard], keys: &[&str]) -> Vec<Value> {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap();
    let script = own.parent().unwrap().join(".ci/contract-tools/verify.py");
    let mut child = Command::new(python);
    let child = child.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let heard = heard.iter().map(|one| {
        let (headers, body) = parts(one);
        json!({ "headers": headers, "body": body })
    });
    let asked = json!({ "keys": keys, "heard": heard.collect::<Vec<_>>() }).to_string();
    child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
    serde_json::from_slice(&said.stdout).unwrap()
}

#[test]
#[ignore = "heavy"]
fn t6_a_receiver_of_somebody_else_verifies_each_by_both_keys_and_takes_no_forgery() {
    let Some(python) = python() else { return };
    let hooks = Receiver::of_hooks();
    let world = world(&hooks);
    world.release("1.0.0", &[]);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    world.until("both channels heard of both", HEARD_WITHIN, || hooks.heard().len() == 4);
    let heard = hooks.heard();
    for (one, said) in heard.iter().zip(verified(&python, &heard, &[NEW, OLD])) {
        assert_eq!(said, json!({ "by": [true, true], "forged": [] }), "{one:?}");
    }
    let stranger = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let strange = verified(&python, &heard, &[stranger]);
    assert!(strange.iter().all(|said| said["by"] == json!([false])), "{strange:?}");

    // In the words of CDEvents, with what serves.
    let of_tools = heard.iter().filter(|one| one.place == "/cdevents").map(parts);
    let events: Vec<Value> =
        of_tools.map(|(_, body)| serde_json::from_str(&body).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected =
        ["dev.cdeventsx.towpath-promotion.started.0.1.0", "dev.cdevents.service.deployed.0.3.0"];
    assert_eq!(kinds, expected);
    let subject = &events[1]["data"]["subject"];
    assert_eq!(subject["content"]["artifactId"], "pkg:generic/soundbite/api@1.0.0");

    // Once more, under the id that it had, and signed for the moment of now.
    let arrived = world.must(&["notify", "list", "--arrived", "--json"], 0).last_object();
    let all = arrived["arrived"].as_array().unwrap().iter();
    let mut of_events =
        all.filter(|one| one["channel"] == "events" && one["occasion"] == "succeeded");
    let id = of_events.next().unwrap()["id"].as_str().unwrap().to_owned();
    world.must(&["notify", "replay", &id], 0);
    world.until("it is heard once more", HEARD_WITHIN, || hooks.heard().len() == 5);
    let again = hooks.heard().pop().unwrap();
    let (headers, body) = parts(&again);
    let same =
        heard.iter().map(parts).filter(|(own, _)| own["webhook-id"] == headers["webhook-id"]);
    let before: Vec<_> = same.collect();
    assert_eq!(before.len(), 1, "the id is that of the one that arrived");
    assert_eq!(before[0].1, body, "it says what it said");
    assert!(headers["webhook-id"].starts_with(&id), "{headers:?}");
    let said = verified(&python, std::slice::from_ref(&again), &[NEW, OLD]);
    assert_eq!(said[0], json!({ "by": [true, true], "forged": [] }));
    for shown in
        [world.must(&["notify", "list", "--json"], 0), world.must(&["history", "--json"], 0)]
    {
        assert!(
            !shown.out.contains("MfKQ9r8G") && !shown.out.contains("C2FVsBQI"),
            "{}",
            shown.out
        );
    }
}
