//! What chats, programs and mailboxes get shows no secret: in every form of a webhook, with its headers, and
//! in mail as it is read, of events whose texts are full of them; nor does what is told of those that never arrived.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use towpath_e2e::{Heard, Planted, Receiver, World, towpath};

/// What releases are handed; those after them belong to channels.
const HANDED: usize = 40;
const TEMPLATES: [&str; 6] = ["cloudevents", "cdevents", "plain-json", "slack", "teams", "discord"];
/// Which secret each channel has: the password of mail, what webhooks are signed with, the door of a chat.
const PASSWORD: usize = HANDED;
const SIGNING: usize = 41;
const GONE: usize = 42;
const DOWN: usize = 43;
const DOOR: usize = 44;
const PLANTED: usize = DOOR + TEMPLATES.len();
/// How long what was decided may take until it was heard.
const HEARD_WITHIN: Duration = Duration::from_mins(1);

const MATRIX: &str = r#"
version: 1
project: soundbite
people:
  ada:  { name: Ada Moreau, roles: [developer, operations] }
  emil: { name: Emil Novak, roles: [developer, operations] }
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"], crash_loop: 1 }
    router: { kind: towpath, listen: {listen} }
    health: { every: 1m, timeout: 5s, retries: 3, endpoints: [/health] }
    approvals: { feature: { operations: 1 } }
    gate:
      validation:
        - { check: command, name: It talks, run: [/bin/sh, -c, "cat said; test ! -e broken"] }
    secret_store: { kind: file, path: kept }
"#;

struct Place {
    world: World,
    planted: Planted,
    hooks: Receiver,
    mail: Receiver,
}

fn place() -> Place {
    let planted = Planted::new(PLANTED);
    let (hooks, mail) = (Receiver::of_hooks(), Receiver::of_mail());
    let mut matrix = MATRIX.to_owned();
    matrix.push_str("    secrets:\n");
    (0..HANDED).for_each(|index| writeln!(matrix, "      S{index}: {{}}").unwrap());
    let channels = channels(&mail);
    let all = channels.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    matrix.push_str("    notify:\n");
    for occasion in [
        "started",
        "waiting",
        "approved",
        "succeeded",
        "failed",
        "rolled_back",
        "rejected",
        "paused",
        "held",
        "person_called",
        "aborted",
        "superseded",
        "freeze",
        "owed",
        "break_glass",
    ] {
        writeln!(matrix, "      {occasion}: [{all}]").unwrap();
    }
    matrix.push_str("notifiers:\n");
    for (name, channel) in &channels {
        writeln!(matrix, "  {name}: {{ {channel} }}").unwrap();
    }
    matrix.push_str("secrets:\n");
    for index in HANDED..PLANTED {
        writeln!(matrix, "  S{index}: {{ kind: file, path: kept/S{index} }}").unwrap();
    }
    let world = World::new(&matrix);
    let kept = world.root().join("kept");
    planted.keep(&kept);
    let doors = TEMPLATES.iter().enumerate().map(|(index, own)| (DOOR + index, *own));
    for (index, own) in doors.chain([(GONE, "gone"), (DOWN, "down")]) {
        let door = door(&hooks, own, index);
        std::fs::write(kept.join(format!("S{index}")), door).unwrap();
    }
    std::fs::write(world.root().join("said"), Planted::new(HANDED).said()).unwrap();
    Place { world, planted, hooks, mail }
}

/// The address of a chat, whose path is its password.
fn door(hooks: &Receiver, own: &str, index: usize) -> String {
    let digits = Planted::value(index).bytes().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    });
    format!("http://{}/{own}/{digits}", hooks.address)
}

fn channels(mail: &Receiver) -> Vec<(&'static str, String)> {
    let hook = |template: &str, index: usize| {
        format!(
            "kind: webhook, template: {template}, url_secret: S{index}, signing_secret: S{SIGNING}"
        )
    };
    let post = |to: &str| {
        format!(
            "kind: smtp, server: \"{}\", security: none, from: towpath@example.org, to: [{to}], \
             user: towpath, password_secret: S{PASSWORD}",
            mail.address
        )
    };
    let mut channels: Vec<_> = TEMPLATES
        .iter()
        .enumerate()
        .map(|(index, template)| (*template, hook(template, DOOR + index)))
        .collect();
    channels.extend([("gone", hook("slack", GONE)), ("down", hook("teams", DOWN))]);
    channels.extend([("team", post("team@example.org")), ("left", post("left@example.org"))]);
    channels.push(("full", post("full@example.org")));
    channels
}

/// What a receiver may make of what it heard: as it came, and as whoever reads it sees it.
fn read(heard: &Heard) -> Vec<u8> {
    let (head, body) = heard.text.split_once("\r\n\r\n").unwrap_or(("", &heard.text));
    let mut all = heard.text.clone();
    if let Ok(body) = serde_json::from_str::<serde_json::Value>(body) {
        let mut texts = String::new();
        leaves(&body, &mut texts);
        // Marks of chats are escaped by a backslash or as in HTML.
        let plain = texts.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
        all.extend([&*texts, &texts.replace('\\', ""), &plain]);
    } else {
        assert_eq!(head, "", "a body that is no JSON: {body}");
        all.push_str(&in_plain(&heard.text));
    }
    all.into_bytes()
}

fn leaves(value: &serde_json::Value, texts: &mut String) {
    match value {
        serde_json::Value::String(text) => writeln!(texts, "{text}").unwrap(),
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| leaves(field, texts)),
        _ => {}
    }
}

/// A mail without the encoding of its body, and its headers in one line each.
fn in_plain(mail: &str) -> String {
    let (head, body) = mail.split_once("\n\n").unwrap();
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    assert!(!head.contains("=?"), "a header that nobody could search: {head}");
    let encoding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: "));
    let body = match encoding {
        Some("base64") => STANDARD.decode(body.replace('\n', "")).unwrap(),
        Some("quoted-printable") => {
            let lines = body.replace('\n', "\r\n");
            quoted_printable::decode(lines, quoted_printable::ParseMode::Strict).unwrap()
        }
        Some("7bit" | "8bit") | None => body.as_bytes().to_vec(),
        Some(other) => panic!("an encoding that this test does not know: {other}"),
    };
    format!("{head}\n\n{}", String::from_utf8(body).unwrap())
}

fn release(world: &World, version: &str, then: &str) {
    let file = world.root().join(format!("app-{version}"));
    let text = format!("#!/bin/sh\ncat '{}/said'\n{then}\n", world.root().display());
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let artifact = format!("api={}", file.display());
    let words = ["release", "create", version, "--artifact", &artifact, "--type", "feature"];
    world.must(&[&words[..], &["--act-as", "ada"]].concat(), 0);
}

/// Everything goes wrong in turn, and everybody who says why quotes secrets.
fn let_everything_go_wrong(place: &Place, outputs: &mut Vec<(String, Vec<u8>)>) {
    let world = &place.world;
    let mut run = |words: &[&str], code: i32| {
        let ended = world.must(words, code);
        outputs.push((words.join(" "), [ended.out, ended.err].concat().into_bytes()));
    };
    let serves = format!("exec '{}' sample-service", towpath().display());
    let quoted: String = place.planted.said().lines().take(2 * 6).collect();
    let orders =
        [("1", "1.0.0", &*serves, 0), ("2", "1.1.0", "exit 3", 1), ("3", "1.2.0", &serves, 3)];
    for (number, version, then, code) in orders {
        release(world, version, then);
        if version == "1.2.0" {
            std::fs::write(world.root().join("broken"), "").unwrap();
        }
        let order = ["promote", "production", "--release", version, "--yes", "--act-as", "ada"];
        run(&[&order[..], &["--no-wait"]].concat(), 0);
        // Before the first release was handed them nobody here knows what they are.
        let note = if version == "1.0.0" { "tried it" } else { &quoted };
        run(&["approve", "production", "--note", note, "--act-as", "emil"], 0);
        run(&["watch", number], code);
        // Channels repeat what they should not know; the answer is cut where the last one stands.
        let [first, last] = [Planted::value(7), Planted::value(29)];
        let repeated = format!("no {first} {} {last} {last}", "x".repeat(258 - first.len()));
        place.hooks.says(&repeated);
        place.mail.says(&repeated);
    }
    release(world, "1.3.0", &serves);
    let order = ["promote", "production", "--release", "1.3.0", "--yes", "--act-as", "ada"];
    run(&[&order[..], &["--no-wait"]].concat(), 0);
    // Whoever comes next knows from what runs here what to keep quiet about.
    run(&["engine", "stop"], 0);
    run(&["reject", "production", "--reason", &quoted, "--act-as", "emil"], 0);
    run(&["freeze", "production", "--for", "1h", "--reason", &quoted, "--act-as", "ada"], 0);
    run(&["rollback", "production", "--reason", &quoted, "--yes", "--act-as", "ada"], 3);
}

#[test]
fn t1_no_webhook_no_mail_and_no_dead_letter_shows_a_secret_in_any_form() {
    let place = place();
    let (world, planted) = (&place.world, &place.planted);
    let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
    let_everything_go_wrong(&place, &mut outputs);
    let told = |subject: &str| {
        let hooks = place.hooks.heard();
        let of = |own: &str| {
            hooks.iter().any(|heard| heard.place.contains(own) && heard.text.contains(subject))
        };
        let mail = place.mail.heard();
        TEMPLATES.iter().all(|own| of(own)) && mail.iter().any(|mail| mail.text.contains(subject))
    };
    world.until("all channels heard of everything", HEARD_WITHIN, || told("was rejected for"));
    let notify = |words: &[&str]| {
        let ended = world.run(&[&["notify"], words].concat());
        (format!("notify {}", words.join(" ")), [ended.out, ended.err].concat())
    };
    let mut said = vec![notify(&["list"]), notify(&["list", "--json"])];
    let list: serde_json::Value = serde_json::from_str(&said[1].1).unwrap();
    let dead = list["dead"][0]["id"].as_str().unwrap().to_owned();
    said.push(notify(&["retry", &dead, "--act-as", "ada"]));
    said.push(notify(&["test", "--act-as", "ada"]));
    said.push(notify(&["test", "--json", "--act-as", "ada"]));
    for words in [&["history"][..], &["history", "--json"], &["status"], &["status", "--json"]] {
        let ended = world.run(words);
        said.push((words.join(" "), [ended.out, ended.err].concat()));
    }
    outputs.extend(said.into_iter().map(|(name, said)| (name, said.into_bytes())));
    for heard in place.hooks.heard().iter().chain(&place.mail.heard()) {
        outputs
            .push((format!("to {}", heard.place.split('/').nth(1).unwrap_or("mail")), read(heard)));
    }
    assert_eq!(planted.shown(&outputs), [], "in {} outputs", outputs.len());

    // Each of these would have held them.
    let mut places: Vec<_> = TEMPLATES.iter().map(|own| format!("to {own}")).collect();
    places.extend(
        ["to mail", "notify list", "notify list --json", "history --json"].map(str::to_owned),
    );
    for place in places {
        let mut own = outputs.iter().filter(|(name, _)| *name == place);
        assert!(own.any(|(_, said)| String::from_utf8_lossy(said).contains("***")), "{place}");
    }
}
