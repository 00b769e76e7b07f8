//! Words that people signed are found changed, whoever wrote the chain anew around them: another signature, another
//! person, another key, said twice, elsewhere or not at all. Keys of hardware are played by a program that
//! signs as OpenSSH's PROTOCOL.u2f says.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod accepted;

use std::path::Path;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use towpath_audit::chain::{genesis, link};
use towpath_audit::export::{Format, Line, lines};
use towpath_audit::spoken::{Unproven, is_key, verify};
use towpath_audit::verify::{Report, What};
use towpath_audit::words::Counted;
use towpath_core::ids::{Digest, Name};
use towpath_core::speaking::{RULE, Signed, Statement};
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::WrittenEvent;

const BEGIN: Timestamp = Timestamp(1_800_000_000_000_000);
const SK: &str = "sk-ssh-ed25519@openssh.com";

fn string(bytes: &[u8]) -> Vec<u8> {
    [u32::try_from(bytes.len()).unwrap().to_be_bytes().as_slice(), bytes].concat()
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// A key as ssh keeps it; with an application, one of hardware.
fn public(seed: u8, application: Option<&str>) -> Vec<u8> {
    let key = string(pair(seed).public_key().as_ref());
    match application {
        None => [string(b"ssh-ed25519"), key].concat(),
        Some(name) => [string(SK.as_bytes()), key, string(name.as_bytes())].concat(),
    }
}

fn line(seed: u8) -> String {
    format!("ssh-ed25519 {}", STANDARD.encode(public(seed, None)))
}

fn hardware_line(seed: u8) -> String {
    format!("{SK} {}", STANDARD.encode(public(seed, Some("ssh:"))))
}

/// What an authenticator does when it is asked to sign.
#[derive(Clone, Copy)]
struct Touch {
    /// 1: somebody touched it; 4: it asked for a PIN.
    flags: u8,
    counter: u32,
    /// What it believes that it signs for.
    application: &'static str,
}

const TOUCHED: Touch = Touch { flags: 1, counter: 7, application: "ssh:" };

fn data(text: &str) -> (Vec<u8>, Vec<u8>) {
    let hash = digest(&SHA512, text.as_bytes());
    let about = [string(b"towpath"), string(b""), string(b"sha512")].concat();
    let data = [b"SSHSIG".as_slice(), &about, &string(hash.as_ref())].concat();
    (about, data)
}

fn armoured(public: &[u8], about: &[u8], signed: &[u8]) -> String {
    let version = 1_u32.to_be_bytes();
    let blob = [b"SSHSIG".as_slice(), &version, &string(public), about, &string(signed)].concat();
    let text = STANDARD.encode(blob);
    let lines: Vec<_> = text.as_bytes().chunks(70).map(|it| str::from_utf8(it).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

/// What `ssh-keygen -Y sign` would print.
fn said(seed: u8, text: &str) -> Signed {
    let (about, data) = data(text);
    let signed = [string(b"ssh-ed25519"), string(pair(seed).sign(&data).as_ref())].concat();
    let signature = armoured(&public(seed, None), &about, &signed);
    Signed { statement: text.to_owned(), signature }
}

/// The same by hardware: it signs the application's hash, its flags, its counter and the hash of the data.
fn touched(seed: u8, text: &str, touch: Touch) -> Signed {
    let (about, data) = data(text);
    let trailer = [&[touch.flags][..], &touch.counter.to_be_bytes()].concat();
    let application = digest(&SHA256, touch.application.as_bytes());
    let data = digest(&SHA256, &data);
    let whole = [application.as_ref(), &trailer, data.as_ref()].concat();
    let signature = string(pair(seed).sign(&whole).as_ref());
    let signed = [string(SK.as_bytes()), signature, trailer].concat();
    let signature = armoured(&public(seed, Some("ssh:")), &about, &signed);
    Signed { statement: text.to_owned(), signature }
}

#[test]
fn a_hardware_key_signs_when_it_is_touched_and_for_its_own_use() {
    let (own, text) = (hardware_line(3), "words");
    assert_eq!(is_key(&own), Ok(()));
    assert_eq!(verify(&own, &touched(3, text, TOUCHED)), Ok(()));
    let with_pin = Touch { flags: 5, ..TOUCHED };
    assert_eq!(verify(&own, &touched(3, text, with_pin)), Ok(()));
    for flags in [0, 4] {
        let untouched = Touch { flags, ..TOUCHED };
        assert_eq!(verify(&own, &touched(3, text, untouched)), Err(Unproven::Untouched));
    }
    let elsewhere = Touch { application: "ssh:other", ..TOUCHED };
    assert_eq!(verify(&own, &touched(3, text, elsewhere)), Err(Unproven::Wrong));
    assert_eq!(verify(&own, &touched(4, text, TOUCHED)), Err(Unproven::OtherKey));
    assert_eq!(verify(&line(3), &touched(3, text, TOUCHED)), Err(Unproven::OtherKey));
    assert_eq!(verify(&own, &said(3, text)), Err(Unproven::OtherKey));
}

#[test]
fn the_counter_and_the_flags_are_signed_with_the_words() {
    let good = touched(3, "words", TOUCHED);
    let blob: String = good.signature.lines().filter(|line| !line.starts_with('-')).collect();
    let blob = STANDARD.decode(blob).unwrap();
    // The five last bytes of the blob are those of the hardware.
    for at in 1..=5 {
        let mut changed = blob.clone();
        let place = changed.len() - at;
        changed[place] ^= 0b10;
        let text = STANDARD.encode(changed);
        let lines: Vec<_> =
            text.as_bytes().chunks(70).map(|it| str::from_utf8(it).unwrap()).collect();
        let signature = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            lines.join("\n")
        );
        let changed = Signed { signature, ..good.clone() };
        assert_eq!(verify(&hardware_line(3), &changed), Err(Unproven::Wrong), "byte {at}");
    }
}

#[test]
fn where_the_matrix_wants_it_the_hardware_asked_for_more_than_a_touch() {
    let wants = format!("verify-required {}", hardware_line(3));
    assert_eq!(is_key(&wants), Ok(()));
    assert_eq!(verify(&wants, &touched(3, "words", TOUCHED)), Err(Unproven::Unverified));
    let with_pin = Touch { flags: 5, ..TOUCHED };
    assert_eq!(verify(&wants, &touched(3, "words", with_pin)), Ok(()));
    // A key that is in no hardware asks nobody.
    assert_eq!(is_key(&format!("verify-required {}", line(3))), Err(Unproven::Key));
}

const BOB: u8 = 7;
const CARL: u8 = 8;

fn golden(kind: &str) -> Value {
    let file = Path::new("../core/tests/golden").join(format!("{kind}.json"));
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn applied(people: &Value) -> Value {
    let mut body = golden("matrix-applied");
    body["by"] = json!("ada");
    body["matrix"]["people"] = people.clone();
    body
}

fn people() -> Value {
    let person = |key: Value| json!({ "name": null, "email": null, "key": key, "account": null, "roles": [], "bot": false });
    json!({
        "ada": person(Value::Null), "bob": person(json!(line(BOB))),
        "carl": person(json!(line(CARL))), "dora": person(json!("keys/dora.pub")),
    })
}

/// The events of a journal, linked as they must be, whoever wrote them.
fn linked(told: Vec<(&str, &str, Value)>) -> Vec<WrittenEvent> {
    let mut previous = genesis(&Name::new("shop").unwrap(), 1);
    let linked = told.into_iter().zip(1..).map(|((lane, actor, body), seq)| {
        let mut event = WrittenEvent {
            seq,
            at: BEGIN.0 + seq,
            lane: Some(lane.to_owned()).filter(|lane| !lane.is_empty()),
            promotion: body["number"].as_i64(),
            actor: actor.to_owned(),
            kind: body["event"].as_str().unwrap().to_owned(),
            body: body.to_string(),
            hash: String::new(),
        };
        previous = link(&previous, &event);
        event.hash = previous.to_string();
        event
    });
    linked.collect()
}

/// How a journal begins: by a program that asks for every word signed.
fn started() -> (&'static str, &'static str, Value) {
    let mut body = golden("engine-started");
    body["words"] = json!(RULE);
    ("", "engine", body)
}

/// How one began before that.
fn started_once() -> (&'static str, &'static str, Value) {
    ("", "engine", golden("engine-started"))
}

fn origin() -> String {
    origin_of(started())
}

fn origin_of(first: (&str, &str, Value)) -> String {
    let first = linked(vec![first]).remove(0);
    towpath_audit::origin("shop", 1, &Digest::new(&first.hash).unwrap())
}

/// Bob's thaw of everything, with these words.
fn thaw(by: &str, signed: Option<&Signed>) -> Value {
    let mut body = json!({
        "event": "thawed", "scope": { "environment": null, "service": null }, "by": by,
        "reason": "over",
    });
    if let Some(signed) = signed {
        body["signed"] = json!(signed);
    }
    body
}

fn statement() -> Value {
    json!({
        "towpath": 1, "project": "shop", "journal": origin(), "by": "bob", "says": "thaw",
        "note": "over", "at": Statement::moment(BEGIN),
        "until": Statement::moment(BEGIN.plus(Span::minutes(10))),
    })
}

/// What is found in a journal that ends with these events.
fn found(told: Vec<(&str, &str, Value)>) -> Report {
    found_after(started(), told)
}

fn found_after(
    first: (&'static str, &'static str, Value),
    told: Vec<(&str, &str, Value)>,
) -> Report {
    let mut all = vec![first, ("", "ada", applied(&people()))];
    all.extend(told);
    let events = linked(all);
    let name = Name::new("shop").unwrap();
    let mut previous = genesis(&name, 1).to_string();
    let written = events.into_iter().map(|event| {
        let line = Line::of(&name, 1, event, &previous);
        previous.clone_from(&line.hash);
        line.written(Format::Jsonl)
    });
    let text: String = written.collect();
    towpath_audit::verify::verify(&lines(&text), 1, &[], &[])
}

/// Whether the third event, and nothing else, is found untrue.
fn is_found(told: Vec<(&str, &str, Value)>) -> bool {
    let report = found(told);
    let wrong: Vec<_> = report.findings.iter().map(|it| (it.what, it.seq)).collect();
    !report.is_whole() && wrong == [(What::Untrue, Some(3))]
}

#[test]
fn a_word_as_it_was_signed_is_counted() {
    let signed = said(BOB, &statement().to_string());
    let report = found(vec![("", "bob (token 0123456789ab)", thaw("bob", Some(&signed)))]);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.words, Counted { right: 1, ..Counted::default() });
    // Of a key in a file only the signature is looked at, as of a part without the matrix.
    let mut dora = statement();
    dora["by"] = json!("dora");
    let signed = said(9, &dora.to_string());
    let report = found(vec![("", "dora", thaw("dora", Some(&signed)))]);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.words, Counted { unproven: 1, ..Counted::default() });
    // Whoever has no key needs none.
    assert!(found(vec![("", "ada", thaw("ada", None))]).is_whole());
}

#[test]
fn every_changed_byte_of_the_words_and_of_their_signature_is_found() {
    let good = said(BOB, &statement().to_string());
    let mut looked = 0;
    for at in 0..good.statement.len() {
        let mut changed = good.clone();
        changed.statement = with_byte(&good.statement, at);
        assert!(is_found(vec![("", "bob", thaw("bob", Some(&changed)))]), "statement, byte {at}");
        looked += 1;
    }
    for at in 0..good.signature.len() {
        let mut changed = good.clone();
        changed.signature = with_byte(&good.signature, at);
        assert!(is_found(vec![("", "bob", thaw("bob", Some(&changed)))]), "signature, byte {at}");
        looked += 1;
    }
    assert!(looked > 400, "{looked}");
}

/// The text with one byte changed into another of ASCII.
fn with_byte(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] ^= 1;
    String::from_utf8(bytes).unwrap()
}

#[test]
fn words_of_others_under_other_keys_about_other_things_or_without_a_signature_are_untrue() {
    let good = said(BOB, &statement().to_string());
    let mut carls = statement();
    carls["by"] = json!("carl");
    let mut eves = statement();
    eves["by"] = json!("eve");
    let mut elsewhere = statement();
    elsewhere["journal"] = json!("towpath.dev/journal/shop/0000000000000000");
    let mut rehearsed = statement();
    rehearsed["project"] = json!("shop at 60x");
    let mut late = statement();
    late["until"] = json!(Statement::moment(BEGIN.minus(Span::hours(1))));
    let cases = [
        ("attributed to carl", "carl", thaw("carl", Some(&good))),
        ("in carl's place", "carl", thaw("bob", Some(&good))),
        ("by carl's key", "bob", thaw("bob", Some(&said(CARL, &good.statement)))),
        ("carl's, signed by bob", "carl", thaw("carl", Some(&said(BOB, &carls.to_string())))),
        ("of nobody in the matrix", "eve", thaw("eve", Some(&said(9, &eves.to_string())))),
        ("of whoever has no key", "ada", thaw("ada", Some(&good))),
        ("for another journal", "bob", thaw("bob", Some(&said(BOB, &elsewhere.to_string())))),
        ("for a rehearsal", "bob", thaw("bob", Some(&said(BOB, &rehearsed.to_string())))),
        ("over before it was said", "bob", thaw("bob", Some(&said(BOB, &late.to_string())))),
        ("not signed", "bob", thaw("bob", None)),
        ("no statement", "bob", thaw("bob", Some(&said(BOB, "over")))),
    ];
    for (title, actor, body) in cases {
        assert!(is_found(vec![("", actor, body)]), "{title}");
    }
    // About something else than the event tells.
    let mut other = thaw("bob", Some(&good));
    other["scope"]["environment"] = json!("prod");
    assert!(is_found(vec![("", "bob", other)]), "another lane");
    // The same words twice.
    let twice = || ("", "bob", thaw("bob", Some(&good)));
    let report = found(vec![twice(), twice()]);
    let wrong: Vec<_> = report.findings.iter().map(|it| (it.what, it.seq)).collect();
    assert_eq!(wrong, [(What::Untrue, Some(4))]);
    assert_eq!((report.words.right, report.trusted), (1, Some(3)));
}

#[test]
fn a_key_counts_from_the_matrix_that_names_it_to_the_one_that_does_not() {
    let good = said(BOB, &statement().to_string());
    let mut without = people();
    without["bob"]["key"] = json!(line(9));
    let replaced =
        found(vec![("", "ada", applied(&without)), ("", "bob", thaw("bob", Some(&good)))]);
    let wrong: Vec<_> = replaced.findings.iter().map(|it| (it.what, it.seq)).collect();
    // Nobody with a key let it be replaced either.
    assert_eq!(wrong, [(What::Untrue, Some(3)), (What::Untrue, Some(4))]);
    // Words of older programs name no journal, and are read as ever.
    let mut old = statement();
    old.as_object_mut().unwrap().shift_remove("journal");
    let report = found(vec![("", "bob", thaw("bob", Some(&said(BOB, &old.to_string()))))]);
    assert!(report.is_whole(), "{report:?}");
}

/// Ada's matrix without bob's key, as it waits for people.
fn proposed() -> Value {
    let mut without = people();
    without["bob"]["key"] = Value::Null;
    let mut body = golden("matrix-proposed");
    body["matrix"] = applied(&without)["matrix"].clone();
    body
}

/// What `by` says to that, signed under `key`; nothing is signed under none.
fn word(by: &str, key: Option<u8>) -> Value {
    let plan = proposed()["plan"].clone();
    let text = json!({
        "towpath": 1, "project": "shop", "journal": origin(), "by": by, "says": "approve-matrix",
        "plan": plan, "at": Statement::moment(BEGIN),
        "until": Statement::moment(BEGIN.plus(Span::minutes(10))),
    });
    let mut body = json!({ "event": "matrix-word-given", "by": by, "plan": plan, "agrees": true });
    if let Some(key) = key {
        body["signed"] = json!(said(key, &text.to_string()));
    }
    body
}

#[test]
fn a_key_goes_by_the_signed_word_of_its_owner_or_of_somebody_else_who_has_one() {
    let after = || {
        let mut body = golden("matrix-applied");
        (body["by"], body["matrix"]) = (json!("ada"), proposed()["matrix"].clone());
        ("", "ada", body)
    };
    let waits = || ("", "ada", proposed());
    for (by, key) in [("bob", BOB), ("carl", CARL)] {
        let report = found(vec![waits(), ("", by, word(by, Some(key))), after()]);
        assert!(report.is_whole(), "{by}: {report:?}");
    }
    let forged = [
        ("at once", vec![after()]),
        ("by nobody's word", vec![waits(), after()]),
        ("by whoever has no key", vec![waits(), ("", "eve", word("eve", None)), after()]),
        ("before it was proposed anew", {
            vec![waits(), ("", "carl", word("carl", Some(CARL))), waits(), after()]
        }),
    ];
    for (title, told) in forged {
        let last = i64::try_from(told.len()).unwrap() + 2;
        let report = found(told);
        let wrong: Vec<_> = report.findings.iter().map(|it| (it.what, it.seq)).collect();
        assert_eq!(wrong, [(What::Untrue, Some(last))], "{title}: {report:?}");
    }
}
