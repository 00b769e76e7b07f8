//! Whatever is changed in a bundle about one promotion is found: each file, each byte of what was signed,
//! each event; and what was signed by somebody else, or says something else, is nobody's word.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::path::Path;

use serde_json::{Value, json};
use towpath_audit::account::{Account, NoAccount};
use towpath_audit::bundle::{self, Files, check};
use towpath_audit::chain::{genesis, link};
use towpath_audit::dsse::{Envelope, IN_TOTO, encoding};
use towpath_audit::export::{Format, Line};
use towpath_audit::note::{PublicKey, SigningKey};
use towpath_audit::statement::{Statement, file_of, subjects, summary};
use towpath_audit::verify::What;
use towpath_core::ids::{Digest, Name};
use towpath_core::units::Timestamp;
use towpath_ports::notary::Checkpoint;
use towpath_ports::store::WrittenEvent;

const NUMBER: i64 = 7;
const EVIDENCE: &[u8] = b"what a check read";

fn key(seed: u8) -> SigningKey {
    SigningKey::of_seed("towpath-shop", [seed; 32]).unwrap()
}

fn keys() -> Vec<PublicKey> {
    vec![key(1).public().clone()]
}

/// An event as it is stored, of promotion 7 where it is one's.
fn body(kind: &str) -> Value {
    let file = Path::new("../core/tests/golden").join(format!("{kind}.json"));
    let mut body: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    if body["number"].is_number() {
        body["number"] = json!(NUMBER);
    }
    // What stands there as signed is only of that form; words have tests of their own.
    for place in ["", "/approval"] {
        let place = body.pointer_mut(place).and_then(Value::as_object_mut);
        place.and_then(|place| place.remove("signed"));
    }
    body
}

/// A journal with one promotion among other things, linked as it must be.
fn journal() -> Vec<WrittenEvent> {
    let requested = body("promotion-requested");
    let plan: towpath_core::plan::Plan = serde_json::from_value(requested["plan"].clone()).unwrap();
    let mut word = body("approval-given");
    word["approval"]["plan"] = json!(plan.hash());
    word["approval"]["agrees"] = json!(true);
    let mut early = word.clone();
    early["number"] = Value::Null;
    early["approval"]["by"] = json!("early");
    let mut other = early.clone();
    other["approval"]["plan"] = json!(Digest::of(b"another plan"));
    let mut answer = body("check-answered");
    answer["key"] = json!(format!("prerequisites.{}", plan.section.gate.prerequisites[0].slug));
    answer["answer"]["result"] = json!("pass");
    let digest = Digest::of(EVIDENCE);
    answer["answer"]["evidence"] =
        json!([{ "name": "a report", "digest": digest, "size": 17, "media_type": "text/plain" }]);
    let ended = body("promotion-ended");
    let told = [
        (None, body("engine-started")),
        (None, other),
        (None, early),
        (Some(NUMBER), requested),
        (Some(NUMBER), answer),
        (None, body("attested")),
        (Some(NUMBER), word),
        (Some(8), body("step-passed")),
        (Some(NUMBER), body("condemned")),
        (Some(NUMBER), body("release-quarantined")),
        (Some(NUMBER), ended),
        (Some(NUMBER), body("release-quarantined")),
    ];
    let mut previous = genesis(&Name::new("shop").unwrap(), 1);
    let linked = told.into_iter().zip(1..).map(|((promotion, body), seq)| {
        let mut event = WrittenEvent {
            seq,
            at: 1_800_000_000_000_000 + seq,
            lane: promotion.map(|_| "api/prod".to_owned()),
            promotion,
            actor: "engine".to_owned(),
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

fn envelope(value: &impl serde::Serialize, key: &SigningKey) -> Vec<u8> {
    let payload = serde_json::to_vec(value).unwrap();
    let signature = key.sign(&encoding(IN_TOTO, &payload));
    serde_json::to_vec(&Envelope::of(&payload, key.public(), &signature)).unwrap()
}

/// The bundle about promotion 7 of that journal as it should be, after `change` of what is signed.
fn bundle_with(change: impl FnOnce(&mut Statement, &mut Value)) -> Files {
    let events = journal();
    let name = Name::new("shop").unwrap();
    let account = Account::of(NUMBER, &events).unwrap();
    let origin = towpath_audit::origin("shop", 1, &Digest::new(&events[0].hash).unwrap());
    let subject = subjects(&account, []);
    let plan = serde_json::from_str::<Value>(&events[3].body).unwrap()["plan"].clone();
    let plan: towpath_core::plan::Plan = serde_json::from_value(plan).unwrap();
    let mut about = summary(&account, &subject, &origin, "0.1.0").unwrap();
    let mut statement = Statement::of(account, subject, &origin);
    let mut previous = events[1].hash.clone();
    let lines = events[2..].iter().map(|event| {
        let line = Line::of(&name, 1, event.clone(), &previous);
        previous.clone_from(&line.hash);
        line.written(Format::Jsonl)
    });
    let journal: String = lines.collect();
    let end = Checkpoint {
        origin,
        events: events.len() as u64,
        hash: Digest::new(&events[events.len() - 1].hash).unwrap(),
        at: Timestamp(1_800_000_001_000_000),
    };
    change(&mut statement, &mut about);
    Files::from([
        (bundle::README.to_owned(), b"how to".to_vec()),
        (bundle::STATEMENT.to_owned(), envelope(&statement, &key(1))),
        (bundle::SUMMARY.to_owned(), envelope(&about, &key(1))),
        (bundle::JOURNAL.to_owned(), journal.into_bytes()),
        (bundle::CHECKPOINT.to_owned(), key(1).signed(&towpath_audit::text(&end)).into_bytes()),
        ("plan.json".to_owned(), serde_json::to_vec(&plan).unwrap()),
        (file_of(&Digest::of(EVIDENCE)), EVIDENCE.to_vec()),
    ])
}

fn whole() -> Files {
    bundle_with(|_, _| {})
}

/// What is wrong with a bundle, by kind.
fn wrong(files: &Files) -> Vec<What> {
    let found = check(files, &[], &keys());
    assert_eq!(found.is_true(), found.findings.is_empty() && found.journal.is_whole());
    found.findings.iter().chain(&found.journal.findings).map(|one| one.what).collect()
}

#[test]
fn what_was_signed_tells_the_promotion_and_nothing_of_others() {
    let found = check(&whole(), &[], &keys());
    assert!(found.is_true(), "{found:?}");
    let account = found.account.unwrap();
    let said: Vec<_> = account.words.iter().map(|word| word.by.as_str()).collect();
    assert_eq!((said[0], said.len()), ("early", 2));
    let seqs: Vec<_> = account.events.iter().map(|fact| fact.seq).collect();
    assert_eq!(seqs, [3, 4, 5, 7, 9, 10, 11]);
    assert_eq!((account.gates[0].event, found.evidence), (Some(5), 1));
    assert!(account.verdicts[0].step.is_none() && account.quarantined.is_some());
}

#[test]
fn nothing_is_told_of_a_promotion_that_is_not_there_or_has_not_ended() {
    let events = journal();
    assert_eq!(Account::of(9, &events), Err(NoAccount::Unknown(9)));
    assert_eq!(Account::of(NUMBER, &events[..10]), Err(NoAccount::NotEnded(NUMBER)));
    let mut events = events;
    events[4].body = "{}".to_owned();
    assert_eq!(Account::of(NUMBER, &events), Err(NoAccount::Unreadable(5)));
}

#[test]
fn every_file_that_is_taken_out_changed_or_put_in_is_found() {
    for name in whole().keys() {
        let mut files = whole();
        files.remove(name);
        // The page for people and the plan, which is left out where it holds secrets, prove nothing.
        let is_needed = name != bundle::README && name != "plan.json";
        assert_eq!(!wrong(&files).is_empty(), is_needed, "without {name}");
    }
    let mut files = whole();
    files.insert("evidence/sha256-00".to_owned(), Vec::new());
    assert_eq!(wrong(&files), [What::Inserted]);
    let mut files = whole();
    files.insert("another".to_owned(), Vec::new());
    assert_eq!(wrong(&files), [What::Inserted]);
}

#[test]
fn every_changed_byte_is_found() {
    let mut changed = 0;
    for (name, bytes) in whole().iter().filter(|(name, _)| *name != bundle::README) {
        // Each byte of what is short, and every seventh of the rest.
        let stride = if bytes.len() < 600 { 1 } else { 7 };
        for at in (0..bytes.len()).step_by(stride) {
            let mut files = whole();
            files.get_mut(name).unwrap()[at] ^= 1;
            // What stands behind the name of the key is a hint, and in an envelope so are spaces.
            let is_hint = name.ends_with(".dsse.json") && hint(bytes, at);
            assert!(is_hint || !wrong(&files).is_empty(), "byte {at} of {name}");
            changed += 1;
        }
    }
    assert!(changed > 1500, "{changed}");
}

/// Whether a byte of an envelope is one of the key's id, which only helps to find the key.
fn hint(envelope: &[u8], at: usize) -> bool {
    let text = String::from_utf8_lossy(envelope);
    let start = text.find("\"keyid\":\"").unwrap() + "\"keyid\":\"".len();
    let end = start + text[start..].find('"').unwrap();
    (start..end).contains(&at)
}

#[test]
fn what_another_key_signed_is_nobodys_word() {
    let other = [key(2).public().clone()];
    let found = check(&whole(), &[], &other);
    assert!(!found.is_true() && found.account.is_none());
    assert!(!check(&whole(), &[], &[]).is_true());
    let mut files = whole();
    let events = journal();
    let statement = Account::of(NUMBER, &events).unwrap();
    let subject = subjects(&statement, []);
    let forged = Statement::of(statement, subject, "towpath.dev/journal/shop/0000000000000000");
    files.insert(bundle::STATEMENT.to_owned(), envelope(&forged, &key(2)));
    assert_eq!(wrong(&files), [What::Forged]);
}

#[test]
fn what_the_key_itself_signed_must_be_what_the_events_say() {
    let changes: [fn(&mut Account); 8] = [
        |it| it.ordered_by = towpath_core::ids::Person::new("mallory").unwrap(),
        |it| it.words.clear(),
        |it| it.gates[0].sentence = "well".to_owned(),
        |it| it.gates[0].evidence.clear(),
        |it| it.broke_glass = true,
        |it| it.verdicts.clear(),
        |it| it.quarantined = None,
        |it| _ = it.events.pop(),
    ];
    for (change, index) in changes.into_iter().zip(0..) {
        let files = bundle_with(|statement, _| change(&mut statement.predicate.account));
        assert!(wrong(&files).contains(&What::Untrue), "change {index}: {:?}", wrong(&files));
    }
    let files = bundle_with(|_, about| {
        about["predicate"]["verificationResult"] = json!("PASSED");
    });
    assert_eq!(wrong(&files), [What::Untrue]);
    let files = bundle_with(|statement, _| {
        statement.subject[0].digest.sha256 = "00".repeat(32);
    });
    assert!(wrong(&files).contains(&What::Untrue));
    let files = bundle_with(|statement, _| {
        statement.predicate.journal = "towpath.dev/journal/shop/0000000000000000".to_owned();
    });
    assert!(wrong(&files).contains(&What::OtherJournal));
}

#[test]
fn a_checkpoint_from_elsewhere_that_knows_another_journal_is_found() {
    let events = journal();
    let end = Checkpoint {
        origin: towpath_audit::origin("shop", 1, &Digest::new(&events[0].hash).unwrap()),
        events: 12,
        hash: Digest::of(b"another event"),
        at: Timestamp(1_800_000_001_000_000),
    };
    let kept = [key(1).signed(&towpath_audit::text(&end))];
    let found = check(&whole(), &kept, &keys());
    assert!(!found.is_true());
    assert_eq!(found.journal.findings[0].what, What::Rewritten);
}

#[test]
fn a_file_is_packed_as_it_is_unpacked_and_nothing_else_is_taken() {
    let files = whole();
    let packed = bundle::pack(&files, 1_800_000_000);
    assert!(bundle::is_one(&packed));
    assert_eq!(bundle::pack(&files, 1_800_000_000), packed);
    assert_eq!(bundle::unpack(&packed).unwrap(), files);
    assert!(!bundle::is_one(&files[bundle::JOURNAL]));
    for length in (0..packed.len() - 1024).step_by(509) {
        // A part of it is no bundle, or one in which something is missing.
        let Ok(part) = bundle::unpack(&packed[..length]) else { continue };
        assert!(!check(&part, &[], &keys()).is_true(), "{length}");
    }
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    archive.append_link(&mut header, "evidence/link", "/etc/passwd").unwrap();
    let linked = archive.into_inner().unwrap();
    assert!(bundle::unpack(&linked).unwrap_err().contains("no plain file"));
}
