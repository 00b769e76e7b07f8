//! Requests that claim to be somebody else: the engine notes the user of the connection.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use towpath_e2e::World;

use crate::{AT_ONCE, json, routed};

/// Whom the requests claim to come from.
const MALLORY: &str = "mallory";

/// How many requests had a key.
static KEYS: AtomicU32 = AtomicU32::new(0);

/// Sends one request as it is, and answers its status and its body.
fn raw(world: &World, method: &str, path: &str, body: &Value) -> (u16, String) {
    let mut stream = UnixStream::connect(world.state().join("engine.sock")).expect("an engine");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: towpath\r\nconnection: close\r\n\
         content-type: application/json\r\nx-forwarded-user: {MALLORY}\r\n\
         idempotency-key: key-{}\r\ncontent-length: {}\r\n\r\n{body}",
        KEYS.fetch_add(1, Ordering::SeqCst),
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (status.expect("a status"), body.to_owned())
}

#[test]
fn nobody_is_believed_about_who_they_are() {
    let world = routed(AT_ONCE);
    let history = json(&world, &["history"]);
    let person = history["promotions"][0]["by"].as_str().expect("somebody did").to_owned();
    assert_ne!(person, MALLORY);
    let lane = "/v1/lanes/api/production";
    let promotion = serde_json::json!({
        "by": MALLORY, "release": "1.1.0", "from": null, "plan": null,
        "accept_unenforced": [], "reason": null, "offered_by": 1,
    });
    let ordered = [
        (format!("{lane}/promotions"), promotion, 202),
        (
            format!("{lane}/rollback"),
            serde_json::json!({
                "by": MALLORY, "reason": "x", "back_to": null, "quarantine": true, "dry_run": false,
            }),
            202,
        ),
        (
            format!("{lane}/quarantine/lift"),
            serde_json::json!({
                "by": MALLORY, "release": "1.1.0", "reason": "x",
            }),
            200,
        ),
        (
            format!("{lane}/signal"),
            serde_json::json!({
                "by": MALLORY, "signal": "security-incident", "reason": "x",
            }),
            200,
        ),
    ];
    for (path, body, wanted) in ordered {
        let (status, said) = raw(&world, "POST", &path, &body);
        assert_eq!(status, wanted, "{path}: {said}");
        world.until("what was ordered has ended", crate::SOON, || {
            world.lane()["promotion"].is_null()
        });
    }
    let (status, events) = raw(&world, "GET", "/v1/events?limit=200", &Value::Null);
    assert_eq!(status, 200);
    assert!(!events.contains(MALLORY), "{events}");
    let events: Value = serde_json::from_str(&events).expect("it is JSON");
    let ordered = events.as_array().expect("a list").iter().filter(|event| {
        let kind = event["kind"].as_str().unwrap_or_default();
        kind == "promotion-requested" || kind == "quarantine-lifted" || kind == "signal-received"
    });
    let actors: Vec<&str> = ordered.filter_map(|event| event["actor"].as_str()).collect();
    assert!(actors.len() >= 4 && actors.iter().all(|actor| *actor == person), "{actors:?}");
}
