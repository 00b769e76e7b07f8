//! T12: ten thousand changes of a journal that the store wrote, as an export and in the database itself.
//! With a signed checkpoint kept elsewhere every one is found.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use towpath_audit::chain::{genesis, link};
use towpath_audit::export::{Format, Line, Unreadable, head, lines};
use towpath_audit::note::{PublicKey, SigningKey};
use towpath_audit::verify::{Report, What, verify};
use towpath_core::ids::Digest;
use towpath_core::units::Timestamp;
use towpath_ports::notary::Checkpoint;
use towpath_ports::store::{NewEvent, Store as _, Turn};

use crate::ground::{Ground, identity, lane, turn};

/// Changes in one run: what trust.md T12 asks for.
const CHANGES: u64 = 10_000;
/// Turns of the journal; with two events each it is as long as some twenty promotions.
const TURNS: usize = 100;

/// A journal, what was signed of it, and the key that proves that.
struct Evidence {
    lines: Vec<Line>,
    checkpoints: Vec<String>,
    keys: Vec<PublicKey>,
    signer: SigningKey,
}

async fn evidence() -> Evidence {
    let ground = Ground::sqlite();
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    for number in 0..TURNS {
        let mut next = turn(&format!("t{number}"), 1);
        next.at = Timestamp(1_800_000_000_000_000 + i64::try_from(number).unwrap() * 1_234_567);
        next.events.push(said(number));
        store.commit(epoch, &Turn { states: Vec::new(), ..next }).await.unwrap();
    }
    let mut previous = genesis(&identity().project, identity().speed).to_string();
    let mut lines = Vec::new();
    for event in store.written(0, 10_000).await.unwrap() {
        lines.push(Line::of(&identity().project, identity().speed, event, &previous));
        previous.clone_from(&lines.last().unwrap().hash);
    }
    store.close().await;
    let signer = SigningKey::of_seed("towpath-shop", [3; 32]).unwrap();
    let keys = vec![signer.public().clone()];
    let mut evidence = Evidence { lines, checkpoints: Vec::new(), keys, signer };
    for events in [50, 100, 150, evidence.lines.len()] {
        evidence.checkpoints.push(evidence.sign(events));
    }
    evidence
}

/// Texts of all sorts, as people and checks give them.
fn said(number: usize) -> NewEvent {
    let texts = ["=1+1", "ünïcödé \u{1f6a2}", "a \"quoted\",\nline", "'", "plain"];
    NewEvent {
        lane: (!number.is_multiple_of(3)).then(|| lane("api/production")),
        promotion: number.is_multiple_of(2).then_some(towpath_core::ids::PromotionNumber(7)),
        actor: ["ada", "guard", "engine"][number % 3].to_owned(),
        kind: "step-passed".to_owned(),
        body: serde_json::json!({ "number": number, "sentence": texts[number % texts.len()],
            "share": 0.1 + f64::from(u32::try_from(number).unwrap()) / 7.0 }),
    }
}

impl Evidence {
    fn sign(&self, events: usize) -> String {
        let hash = |place: usize| Digest::new(&self.lines[place].hash).unwrap();
        let checkpoint = Checkpoint {
            origin: towpath_audit::origin(identity().project.as_str(), identity().speed, &hash(0)),
            events: events as u64,
            hash: hash(events - 1),
            at: Timestamp(1_800_000_000_000_000),
        };
        self.signer.signed(&towpath_audit::text(&checkpoint))
    }

    fn text(lines: &[Line], format: Format) -> String {
        head(format) + &lines.iter().map(|line| line.written(format)).collect::<String>()
    }

    fn look(&self, text: &str) -> Report {
        verify(&lines(text), 1, &self.checkpoints, &self.keys)
    }
}

/// A line written anew so that it fits behind the one before it.
fn linked(lines: &mut [Line], from: usize) {
    for place in from..lines.len() {
        lines[place].seq = i64::try_from(place).unwrap() + 1;
        lines[place].previous = match place {
            0 => genesis(&identity().project, identity().speed).to_string(),
            _ => lines[place - 1].hash.clone(),
        };
        let previous = Digest::new(&lines[place].previous).unwrap();
        lines[place].hash = link(&previous, &lines[place].event().unwrap()).to_string();
    }
}

/// One change to the events, and what it was. Half of them are hidden by computing all hashes behind
/// them anew, as somebody would who may write to the database.
fn tamper(lines: &mut Vec<Line>, chance: &mut Pcg64) -> &'static str {
    let place = chance.random_range(0..lines.len());
    let other = chance.random_range(0..lines.len());
    let is_hidden = chance.random::<bool>();
    let (what, from) = match chance.random_range(0..10) {
        0 => (edit(&mut lines[place], chance), place),
        1 => {
            lines.remove(place);
            ("deleted", place)
        }
        2 => {
            let copy = lines[place].clone();
            lines.insert(other, copy);
            ("inserted", other)
        }
        3 if place != other => {
            lines.swap(place, other);
            ("reordered", place.min(other))
        }
        4 => {
            lines.truncate(place.max(1));
            return "truncated";
        }
        5 => {
            let last = (place + 1 + chance.random_range(0..5)).min(lines.len());
            lines.drain(place..last);
            ("some deleted", place)
        }
        6 => {
            let line = lines.remove(place);
            let to = if other == place { 0 } else { other.min(lines.len()) };
            lines.insert(to, line);
            if to == place {
                lines[place].actor.push('x');
            }
            ("moved", place.min(to))
        }
        7 => {
            lines[place].at ^= 1 << chance.random_range(0..40);
            let event = lines[place].event().unwrap();
            let previous = lines[place].previous.clone();
            lines[place] = Line::of(&identity().project, identity().speed, event, &previous);
            ("dated otherwise", place)
        }
        8 => {
            let seq = -chance.random_range(0..9);
            forge(lines, other.max(1), seq);
            return "forged before the first";
        }
        _ => {
            lines[place].body = Some(r#"{"sentence":"nothing happened"}"#.to_owned());
            ("another body", place)
        }
    };
    if is_hidden && from < lines.len() {
        linked(lines, from);
    }
    what
}

/// A line that never was an event, with a hash that fits its content.
fn forge(lines: &mut Vec<Line>, place: usize, seq: i64) {
    let mut line = lines[place.saturating_sub(1)].clone();
    (line.seq, line.previous) = (seq, line.hash.clone());
    let event = line.event().unwrap();
    let previous = Digest::new(&line.previous).unwrap();
    line.hash = link(&previous, &event).to_string();
    lines.insert(place, line);
}

fn edit(line: &mut Line, chance: &mut Pcg64) -> &'static str {
    match chance.random_range(0..7) {
        0 => line.actor.push('x'),
        1 => line.kind.insert(0, 'x'),
        2 => line.lane = line.lane.is_none().then(String::new),
        3 => line.promotion = Some(line.promotion.map_or(0, |number| number + 1)),
        4 => line.seq += chance.random_range(1..9),
        5 => line.hash = Digest::of(&chance.next_u64().to_be_bytes()).to_string(),
        _ => line.previous = Digest::of(&chance.next_u64().to_be_bytes()).to_string(),
    }
    "edited"
}

#[tokio::test]
async fn t12_every_one_of_ten_thousand_changes_of_a_journal_is_found() {
    let evidence = evidence().await;
    for format in [Format::Jsonl, Format::Csv] {
        let found = evidence.look(&Evidence::text(&evidence.lines, format));
        assert!(found.is_whole() && found.right == 4 && found.covered == Some(200), "{found:?}");
    }
    let mut chance = Pcg64::seed_from_u64(12);
    let mut counts = std::collections::BTreeMap::new();
    for case in 0..CHANGES {
        let mut lines = evidence.lines.clone();
        let mut what = tamper(&mut lines, &mut chance);
        // Hashes and numbers that were changed and then computed anew are what they were.
        while lines == evidence.lines {
            what = tamper(&mut lines, &mut chance);
        }
        let unread: Vec<Result<(u64, Line), Unreadable>> =
            lines.into_iter().zip(1..).map(|(line, number)| Ok((number, line))).collect();
        let found = verify(&unread, 1, &evidence.checkpoints, &evidence.keys);
        assert!(!found.findings.is_empty(), "case {case}: {what} was not found");
        *counts.entry(what).or_insert(0_u64) += 1;
    }
    assert!(counts.len() == 10 && counts.values().all(|count| *count > 500), "{counts:?}");
}

#[tokio::test]
async fn t12_every_changed_byte_of_an_export_is_found() {
    let evidence = evidence().await;
    let mut chance = Pcg64::seed_from_u64(13);
    for format in [Format::Jsonl, Format::Csv] {
        // A tenth of the journal, whose last event the first checkpoint covers, is as good and faster.
        let few = &evidence.lines[..20];
        let text = Evidence::text(few, format);
        let keys = &evidence.keys;
        let notes = [evidence.sign(20)];
        assert!(verify(&lines(&text), 1, &notes, keys).is_whole());
        for case in 0..1_000 {
            let mut bytes = text.clone().into_bytes();
            let place = chance.random_range(0..bytes.len());
            match chance.random_range(0..3) {
                0 => bytes[place] ^= 1 << chance.random_range(0..7),
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, chance.random_range(0..127)),
            }
            // What is no text any more is refused before anything is read.
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            // To take a byte out of two that are alike changes nothing, whichever it was.
            if changed == text {
                continue;
            }
            let found = verify(&lines(&changed), 1, &notes, keys);
            assert!(!found.is_whole(), "{format:?} case {case} at {place}");
        }
    }
}

#[tokio::test]
async fn t12_what_is_said_of_a_change_is_what_was_changed() {
    let evidence = evidence().await;
    let look = |change: &dyn Fn(&mut Vec<Line>)| {
        let mut lines = evidence.lines.clone();
        change(&mut lines);
        let found = evidence.look(&Evidence::text(&lines, Format::Jsonl));
        let first = found.findings.first().cloned().expect("it is found");
        (first.what, first.seq, found.trusted)
    };
    let hide = |lines: &mut Vec<Line>, from: usize| linked(lines, from);
    assert_eq!(look(&|it| it[9].actor.push('x')), (What::Edited, Some(10), Some(9)));
    assert_eq!(look(&|it| drop(it.remove(9))), (What::Missing, Some(10), Some(9)));
    assert_eq!(look(&|it| drop(it.drain(9..12))), (What::Missing, Some(10), Some(9)));
    assert_eq!(look(&|it| drop(it.remove(0))), (What::Missing, Some(1), None));
    assert_eq!(look(&|it| it.insert(9, it[4].clone())), (What::Inserted, Some(5), Some(4)));
    assert_eq!(look(&|it| it.swap(9, 20)), (What::Reordered, Some(10), Some(9)));
    assert_eq!(look(&|it| it.truncate(180)), (What::Truncated, Some(181), Some(180)));
    assert_eq!(look(&Vec::clear).0, What::Empty);
    let behind_the_second = |it: &mut Vec<Line>| {
        it[119].actor.push('x');
        hide(it, 119);
    };
    assert_eq!(look(&behind_the_second), (What::Rewritten, Some(101), Some(100)));
    let from_the_first = |it: &mut Vec<Line>| {
        it[0].actor.push('x');
        hide(it, 0);
    };
    assert_eq!(look(&from_the_first), (What::OtherJournal, Some(1), None));
}

#[tokio::test]
async fn t12_a_number_before_the_first_event_is_an_event_that_was_inserted() {
    let evidence = evidence().await;
    let look = |from: usize, place: usize, seq: i64, format| {
        let mut lines_of = evidence.lines[from - 1..].to_vec();
        forge(&mut lines_of, place, seq);
        let text = Evidence::text(&lines_of, format);
        let notes = &evidence.checkpoints[usize::from(from > 1)..];
        let found = verify(&lines(&text), i64::try_from(from).unwrap(), notes, &evidence.keys);
        assert_eq!(found.right, notes.len() as u64, "{found:?}");
        found.findings.iter().map(|it| (it.what, it.seq)).collect::<Vec<_>>()
    };
    for format in [Format::Jsonl, Format::Csv] {
        for seq in [0, -1, i64::MIN] {
            for place in [0, 1, 5, 200] {
                let said = look(1, place, seq, format);
                assert_eq!(said, [(What::Inserted, Some(seq))], "{place}");
            }
        }
        for seq in [7, 48, 49, 0, -3] {
            for place in [0, 1, 30, 151] {
                let said = look(50, place, seq, format);
                assert_eq!(said, [(What::Inserted, Some(seq))], "{place}");
            }
        }
    }
}

#[tokio::test]
async fn t12_the_largest_and_the_smallest_number_are_numbers_like_others() {
    let evidence = evidence().await;
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, 2, i64::MAX - 1, i64::MAX];
    for from in ends {
        for (one, other) in ends.into_iter().flat_map(|one| ends.map(|other| (one, other))) {
            let mut lines_of = evidence.lines[..1].to_vec();
            forge(&mut lines_of, 1, one);
            forge(&mut lines_of, 2, other);
            let text = Evidence::text(&lines_of, Format::Jsonl) + "nonsense\n";
            let found = verify(&lines(&text), from, &evidence.checkpoints, &evidence.keys);
            assert!(!found.findings.is_empty(), "{from} {one} {other}");
        }
    }
    let mut last = evidence.lines[..1].to_vec();
    last[0].seq = i64::MAX;
    let previous = Digest::new(&last[0].previous).unwrap();
    last[0].hash = link(&previous, &last[0].event().unwrap()).to_string();
    forge(&mut last, 1, i64::MAX);
    let found = verify(&lines(&Evidence::text(&last, Format::Jsonl)), i64::MAX, &[], &[]);
    assert_eq!(found.findings.first().unwrap().what, What::Inserted, "nothing comes behind it");
}

/// Documented: what no checkpoint outside covers can be cut or written anew.
#[tokio::test]
async fn t12_without_a_checkpoint_a_cut_end_and_a_journal_written_anew_do_not_show() {
    let evidence = evidence().await;
    let mut cut = evidence.lines.clone();
    cut.truncate(120);
    let mut anew = evidence.lines.clone();
    anew[50].actor.push('x');
    linked(&mut anew, 50);
    for journal in [cut, anew] {
        let text = Evidence::text(&journal, Format::Jsonl);
        assert!(verify(&lines(&text), 1, &[], &evidence.keys).is_whole());
        assert!(!evidence.look(&text).is_whole());
    }
}

#[tokio::test]
async fn t12_a_checkpoint_that_is_forged_or_of_another_journal_proves_nothing() {
    let evidence = evidence().await;
    let text = Evidence::text(&evidence.lines, Format::Jsonl);
    let right = evidence.checkpoints[1].clone();
    let other = SigningKey::of_seed("towpath-shop", [4; 32]).unwrap();
    let body = right.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let origin = body.lines().next().unwrap();
    let (place, _) = origin.rsplit_once('/').unwrap();
    let of = |from: &str, to: &str| evidence.signer.signed(&body.replacen(from, to, 1));
    let cases = [
        (right.replacen("\n100\n", "\n101\n", 1), What::Forged),
        (other.signed(&body), What::UnknownKey),
        (of(origin, &format!("{place}/0000000000000000")), What::OtherJournal),
        (of(origin, "towpath.dev/journal/another/0000000000000000"), What::OtherJournal),
        (of("\n100\n", "\n99\n"), What::Rewritten),
        (of("\n100\n", "\n201\n"), What::Truncated),
        (of("\n100\n", "\n0\n"), What::Malformed),
        ("nonsense\n".to_owned(), What::Malformed),
    ];
    for (note, what) in cases {
        let found = verify(&lines(&text), 1, std::slice::from_ref(&note), &evidence.keys);
        let said: Vec<_> = found.findings.iter().map(|finding| finding.what).collect();
        assert_eq!((said, found.right), (vec![what], 0), "{note}");
    }
}

#[tokio::test]
async fn t12_a_part_of_a_journal_is_proven_by_the_checkpoint_behind_it() {
    let evidence = evidence().await;
    let part = &evidence.lines[100..];
    let look = |lines_of: &[Line], notes: &[String]| {
        let text = Evidence::text(lines_of, Format::Csv);
        verify(&lines(&text), 101, notes, &evidence.keys)
    };
    assert!(look(part, &evidence.checkpoints[1..]).is_whole(), "the one right before it as well");
    let all = look(part, &evidence.checkpoints);
    assert!(all.is_whole(), "one that ends before says nothing of it: {all:?}");
    assert_eq!((all.checkpoints, all.right, all.before), (4, 3, 1));
    let mine = format!("/{}/", identity().project);
    let other = evidence.checkpoints[0].split_once("\n\n").unwrap().0.to_owned() + "\n";
    let other = evidence.signer.signed(&other.replacen(&mine, "/another/", 1));
    assert_eq!(look(part, &[other]).findings[0].what, What::OtherJournal);
    let mut changed = part.to_vec();
    changed[0].previous = Digest::of(b"another").to_string();
    assert!(!look(&changed, &evidence.checkpoints[1..]).is_whole());
    let mut withheld = part.to_vec();
    withheld[3].body = None;
    let found = look(&withheld, &evidence.checkpoints[1..]);
    assert_eq!((found.findings.len(), found.withheld.as_slice()), (0, [104].as_slice()));
    assert!(!found.is_whole(), "what was withheld is not proven");
    withheld[3].hash = Digest::of(b"another").to_string();
    assert!(!look(&withheld, &evidence.checkpoints[1..]).findings.is_empty());
}

/// Some hundreds of changes in the database itself.
#[tokio::test]
async fn t12_every_change_in_the_database_is_found() {
    let ground = Ground::sqlite();
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    for number in 0..20 {
        store.commit(epoch, &turn(&format!("t{number}"), 2)).await.unwrap();
    }
    ground.raw("CREATE TABLE kept AS SELECT * FROM events").await;
    let mut chance = Pcg64::seed_from_u64(14);
    for case in 0..400 {
        let seq = chance.random_range(1..=40);
        let other = 1 + (seq + chance.random_range(0..38)) % 40;
        let sql = match chance.random_range(0..8) {
            0 => format!("UPDATE events SET actor = actor || 'x' WHERE seq = {seq}"),
            1 => format!("UPDATE events SET at = at + {case} + 1 WHERE seq = {seq}"),
            2 => format!("UPDATE events SET body = replace(body, '{{', '{{ ') WHERE seq = {seq}"),
            3 => format!(
                "UPDATE events SET promotion = coalesce(promotion, 0) + 1 WHERE seq = {seq}"
            ),
            4 => format!("DELETE FROM events WHERE seq = {seq}"),
            5 => format!("DELETE FROM events WHERE seq >= {seq}"),
            6 => format!("UPDATE events SET kind = kind || '{case}' WHERE seq = {seq}"),
            _ => format!(
                "UPDATE events SET seq = 1000000 WHERE seq = {seq}; \
                 UPDATE events SET seq = {seq} WHERE seq = {other}; \
                 UPDATE events SET seq = {other} WHERE seq = 1000000"
            ),
        };
        ground.raw(&sql).await;
        let broken = store.verify().await.unwrap().broken;
        assert!(broken.is_some(), "case {case} was not found: {sql}");
        ground.raw("DELETE FROM events; INSERT INTO events SELECT * FROM kept").await;
    }
    assert_eq!(store.verify().await.unwrap().broken, None);
    store.close().await;
}
