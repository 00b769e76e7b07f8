//! Whether an exported journal is as it was written, by its chain and by signed checkpoints: what is
//! wrong, where, and how far it can be trusted. Believes no line; reads no file.

use std::collections::BTreeMap;

use serde::Serialize;
use towpath_core::ids::{Digest, Name};
use towpath_ports::notary::Checkpoint;

use crate::chain;
use crate::checkpoint;
use crate::export::{Line, Unreadable};
use crate::note::{Note, PublicKey, Signed};
use crate::words::{Counted, Words};

/// Findings that are told; a file that was mixed up whole has no end of them.
pub const MOST_FINDINGS: usize = 100;

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whose journal it says it is; none without any event.
    pub project: Option<String>,
    /// How many times faster declared durations run there.
    pub speed: u32,
    /// Lines that are events.
    pub events: u64,
    /// The first and the last of them by their numbers.
    pub range: Option<(i64, i64)>,
    /// When they were written, in microseconds since 1970.
    pub span: Option<(i64, i64)>,
    /// Events whose content was withheld: of those only the place is proven.
    pub withheld: Vec<i64>,
    /// Checkpoints that were handed in.
    pub checkpoints: u64,
    /// Those of them that hold for this journal.
    pub right: u64,
    /// Those of them that end before the first event here, of which they say nothing.
    pub before: u64,
    /// The last event that a right checkpoint covers; none when there is none.
    pub covered: Option<i64>,
    /// Words of people that were signed, against the keys that the matrix in force named.
    pub words: Counted,
    /// Up to which event everything is as it was written; none when not even the first is.
    pub trusted: Option<i64>,
    /// What is wrong, in the order of the file, checkpoints last; at most [`MOST_FINDINGS`].
    pub findings: Vec<Finding>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of change it looks like.
    pub what: What,
    /// The event at which it shows; none where it belongs to no event.
    pub seq: Option<i64>,
    /// The line of the file, from 1; none where something is missing.
    pub line: Option<u64>,
    /// One sentence.
    pub sentence: String,
}

/// What a change looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A line that is none of an export.
    Unreadable,
    /// There is nothing at all.
    Empty,
    /// The content does not have the hash that stands beside it.
    Edited,
    /// It is linked to something else than the event before it.
    Unlinked,
    /// It belongs to another project.
    Foreign,
    /// It should be there and is not.
    Missing,
    /// It stands in another place.
    Reordered,
    /// It should not be there.
    Inserted,
    /// A signed checkpoint knows more events than there are.
    Truncated,
    /// A signed checkpoint knows another event in this place.
    Rewritten,
    /// A checkpoint that none of the given keys signed.
    UnknownKey,
    /// A checkpoint whose signature is wrong.
    Forged,
    /// A checkpoint of another journal.
    OtherJournal,
    /// What should be a checkpoint, or another signed thing, is none.
    Malformed,
    /// What was signed is not what the events say, or nobody signed so what they say.
    Untrue,
}

impl Report {
    /// Whether everything is as it was written. What was withheld is not known to be.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty() && self.withheld.is_empty()
    }

    fn found(&mut self, what: What, seq: Option<i64>, line: Option<u64>, sentence: String) {
        if let Some(before) = seq.map(|seq| seq.saturating_sub(1)) {
            self.trusted = self.trusted.map(|trusted| trusted.min(before));
        }
        if seq.is_none() && matches!(what, What::Unreadable | What::Empty) {
            self.trusted = None;
        }
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding { what, seq, line, sentence });
        }
    }
}

/// Looks at an export that should begin with the event `from`, and at what should be checkpoints of its
/// journal, against `keys`. Without checkpoints a journal that was written anew from some event on, or
/// that was cut at its end, cannot be told from one that never was longer.
pub fn verify(
    lines: &[Result<(u64, Line), Unreadable>],
    from: i64,
    checkpoints: &[String],
    keys: &[PublicKey],
) -> Report {
    let mut report = Report { checkpoints: checkpoints.len() as u64, ..Report::default() };
    let from = from.max(1);
    let events: Vec<&(u64, Line)> = lines.iter().filter_map(|line| line.as_ref().ok()).collect();
    report.describe(&events);
    report.chain(lines, &events, from);
    report.words(&events);
    // What stands before the first that there should be is none of it.
    let events: Vec<_> = events.into_iter().filter(|(_, line)| line.seq >= from).collect();
    let hashes = hashes(&events);
    let seqs = events.iter().map(|(_, line)| line.seq);
    let project = report.project.clone().unwrap_or_default();
    let known = Known {
        project: &project,
        speed: report.speed,
        range: seqs.clone().min().zip(seqs.max()).unwrap_or((1, 0)),
        first: hashes.get(&1).and_then(|hash| Digest::new(hash).ok()),
        hash_at: &|seq| hashes.get(&seq).map(|hash| (*hash).to_owned()),
    };
    for (index, note) in checkpoints.iter().enumerate() {
        report.checkpoint(index + 1, note, &known, keys);
    }
    report.trusted = report.trusted.filter(|trusted| *trusted >= from);
    report
}

/// The hashes of all events, and of the one before the first.
fn hashes<'a>(events: &[&'a (u64, Line)]) -> BTreeMap<i64, &'a str> {
    let mut hashes = BTreeMap::new();
    for (_, line) in events {
        hashes.entry(line.seq).or_insert(line.hash.as_str());
    }
    let first = events.iter().map(|(_, line)| line).min_by_key(|line| line.seq);
    if let Some(first) = first.filter(|first| first.seq > 1) {
        hashes.entry(first.seq - 1).or_insert(first.previous.as_str());
    }
    hashes
}

impl Report {
    fn describe(&mut self, events: &[&(u64, Line)]) {
        self.events = events.len() as u64;
        if let (Some((_, first)), Some((_, last))) = (events.first(), events.last()) {
            self.project = Some(first.project.clone());
            self.speed = first.speed;
            self.span = Some((first.at, last.at));
            let seqs = events.iter().map(|(_, line)| line.seq);
            self.range = seqs.clone().min().zip(seqs.max());
        } else {
            self.found(What::Empty, None, None, "there is no event in it".to_owned());
        }
        self.trusted = self.range.map(|(_, last)| last);
        let withheld = events.iter().filter(|(_, line)| line.body.is_none());
        self.withheld = withheld.map(|(_, line)| line.seq).collect();
    }

    /// Holds what people signed against what the events tell of it.
    fn words(&mut self, events: &[&(u64, Line)]) {
        let mut words = Words::of(self.project.as_deref().unwrap_or_default(), self.speed);
        for (number, line) in events {
            let Some(event) = line.event() else {
                words.withheld(&line.kind);
                continue;
            };
            if let Some(sentence) = words.take(&event) {
                self.found(What::Untrue, Some(line.seq), Some(*number), sentence);
            }
        }
        self.words = words.counted;
    }

    /// Walks the lines in the order of the file. After each finding the walk goes on from what the
    /// file says, so that one change does not hide the next.
    fn chain(
        &mut self,
        lines: &[Result<(u64, Line), Unreadable>],
        events: &[&(u64, Line)],
        from: i64,
    ) {
        let mut places: BTreeMap<i64, u64> = BTreeMap::new();
        for (number, line) in events {
            places.entry(line.seq).or_insert(*number);
        }
        let mut walk = Following { first: from, wanted: from, previous: None, places };
        if let Some((_, first)) = events.first() {
            if let Ok(project) = Name::new(&first.project) {
                let genesis = chain::genesis(&project, first.speed);
                walk.previous = (from == 1).then(|| genesis.to_string());
            } else {
                let sentence = "it names no project".to_owned();
                self.found(What::Foreign, Some(first.seq), Some(events[0].0), sentence);
            }
        }
        for line in lines {
            match line {
                Ok((number, line)) => self.line(*number, line, &mut walk),
                Err(unreadable) => {
                    let seq = Some(walk.wanted);
                    let sentence = unreadable.sentence.clone();
                    self.found(What::Unreadable, seq, Some(unreadable.line), sentence);
                    (walk.previous, walk.wanted) = (None, walk.wanted.saturating_add(1));
                }
            }
        }
    }

    fn line(&mut self, number: u64, line: &Line, walk: &mut Following) {
        let seq = line.seq;
        let at = (Some(seq), Some(number));
        if self.project.as_deref() != Some(&line.project) || self.speed != line.speed {
            let sentence = format!("event {seq} says that it belongs to another project");
            self.found(What::Foreign, at.0, at.1, sentence);
        }
        let is_again = walk.places.get(&seq) != Some(&number);
        if seq < walk.wanted || is_again {
            // That an event stands too late was told where it is missing.
            if is_again || !walk.was_awaited(seq) {
                let sentence = walk.intruder(seq);
                self.found(What::Inserted, at.0, at.1, sentence);
            }
            self.content(number, line);
            return;
        }
        if seq > walk.wanted {
            self.gap(walk, seq);
        } else if walk.previous.as_ref().is_some_and(|previous| *previous != line.previous) {
            let sentence = format!(
                "event {seq} follows another event than the one that stands \
                 before it"
            );
            self.found(What::Unlinked, at.0, at.1, sentence);
        }
        self.content(number, line);
        (walk.wanted, walk.previous) = (seq.saturating_add(1), Some(line.hash.clone()));
    }

    /// What is wrong with a line by itself.
    fn content(&mut self, number: u64, line: &Line) {
        let seq = line.seq;
        if line.body.is_some() && line.computed().is_none_or(|hash| hash.as_str() != line.hash) {
            let sentence =
                format!("event {seq} is not as it was written: its content has another hash");
            self.found(What::Edited, Some(seq), Some(number), sentence);
        }
    }

    /// Events between the one that must come and `seq`: elsewhere in the file, or gone.
    fn gap(&mut self, walk: &Following, seq: i64) {
        let later: Vec<(i64, u64)> =
            walk.places.range(walk.wanted..seq).map(|(seq, line)| (*seq, *line)).collect();
        for (own, line) in &later {
            let sentence = format!("event {own} stands behind event {seq}");
            self.found(What::Reordered, Some(*own), Some(*line), sentence);
        }
        let missing = seq - walk.wanted - i64::try_from(later.len()).unwrap_or(0);
        if missing <= 0 {
            return;
        }
        let last = seq - 1;
        let sentence = if later.is_empty() && walk.wanted == last {
            format!("event {last} is missing")
        } else if later.is_empty() {
            format!("events {} to {last} are missing", walk.wanted)
        } else {
            format!("{missing} of the events {} to {last} are missing", walk.wanted)
        };
        self.found(What::Missing, Some(walk.wanted), None, sentence);
    }

    fn checkpoint(&mut self, index: usize, note: &str, known: &Known<'_>, keys: &[PublicKey]) {
        let own = format!("checkpoint {index}");
        let read = match signed(note, keys) {
            Ok(read) => read,
            Err((what, sentence)) => {
                return self.found(what, None, None, format!("{own} {sentence}"));
            }
        };
        if known.is_before(&read) {
            self.before += 1;
            return;
        }
        if let Some((what, seq, sentence)) = known.disagrees(&read, self.covered) {
            let sentence = format!("{own} (event {}) {sentence}", read.events);
            return self.found(what, seq, None, sentence);
        }
        self.right += 1;
        let covers = i64::try_from(read.events).unwrap_or(i64::MAX);
        self.covered = Some(self.covered.map_or(covers, |covered| covered.max(covers)));
    }
}

/// A journal as far as checkpoints can be held against it.
pub struct Known<'a> {
    /// Whose.
    pub project: &'a str,
    /// How many times faster declared durations run there.
    pub speed: u32,
    /// The first and the last event that is there.
    pub range: (i64, i64),
    /// The hash of event 1, where that is there.
    pub first: Option<Digest>,
    /// The hash of an event, or of the one before the first that is there.
    pub hash_at: &'a dyn Fn(i64) -> Option<String>,
}

/// Holds checkpoints against a journal whose chain somebody else has walked.
pub fn checkpoints(known: &Known<'_>, notes: &[String], keys: &[PublicKey]) -> Report {
    let mut report = Report {
        project: Some(known.project.to_owned()),
        speed: known.speed,
        checkpoints: notes.len() as u64,
        range: Some(known.range),
        trusted: Some(known.range.1),
        ..Report::default()
    };
    for (index, note) in notes.iter().enumerate() {
        report.checkpoint(index + 1, note, known, keys);
    }
    report.trusted = report.trusted.filter(|trusted| *trusted >= known.range.0);
    report
}

impl Known<'_> {
    /// Whether a checkpoint that was rightly signed is one of this journal, as far as can be seen, that
    /// ends before what is there of it.
    fn is_before(&self, checkpoint: &Checkpoint) -> bool {
        let covers = i64::try_from(checkpoint.events).unwrap_or(i64::MAX);
        covers < self.range.0
            && (self.hash_at)(covers).is_none()
            && checkpoint::of_journal(&checkpoint.origin, self.project, self.speed, None)
    }

    /// What a checkpoint that was rightly signed says otherwise than the journal, of which `covered`
    /// was found to be as signed.
    fn disagrees(
        &self,
        checkpoint: &Checkpoint,
        covered: Option<i64>,
    ) -> Option<(What, Option<i64>, String)> {
        let (first, last) = self.range;
        let says = &checkpoint.origin;
        if !checkpoint::of_journal(says, self.project, self.speed, None) {
            let sentence = format!("is one of another journal: {}", says.escape_debug());
            return Some((What::OtherJournal, None, sentence));
        }
        if let Some(own) = &self.first
            && !checkpoint::of_journal(says, self.project, self.speed, Some(own))
        {
            let sentence = "is one of a journal of this project that began with another event";
            return Some((What::OtherJournal, Some(1), sentence.to_owned()));
        }
        let covers = i64::try_from(checkpoint.events).unwrap_or(i64::MAX);
        if covers > last {
            // What is larger than another number leaves room behind that one.
            let next = last + 1;
            let gone = if covers == next {
                format!("event {covers} is missing")
            } else {
                format!("events {next} to {covers} are missing")
            };
            let sentence = format!("knows more than there is: {gone} at the end");
            return Some((What::Truncated, Some(next), sentence));
        }
        match (self.hash_at)(covers) {
            Some(hash) if hash == checkpoint.hash.as_str() => None,
            Some(_) => {
                // Behind the last event that another checkpoint covers anything may be.
                let behind = covered.filter(|covered| *covered < covers);
                let doubtful = behind.map_or(first, |covered| covered + 1);
                let sentence = "signed another event than the one that stands there".to_owned();
                Some((What::Rewritten, Some(doubtful), sentence))
            }
            None => {
                let sentence = "signed an event that is not there".to_owned();
                Some((What::Missing, Some(covers), sentence))
            }
        }
    }
}

/// Where the walk is.
struct Following {
    /// The event with which it should begin, from 1.
    first: i64,
    wanted: i64,
    /// The hash of the line before; none where it is not known.
    previous: Option<String>,
    /// The first line of each event.
    places: BTreeMap<i64, u64>,
}

impl Following {
    /// Whether an event that stands too late was told to be missing where it belongs: its only line
    /// came after a later event. What is older than the first was never waited for.
    fn was_awaited(&self, seq: i64) -> bool {
        if seq < self.first {
            return false;
        }
        let own = self.places.get(&seq);
        let later = self.places.range(seq + 1..);
        own.is_some_and(|own| later.into_iter().any(|(_, line)| line < own))
    }

    /// What is said of an event that should not be where it is.
    fn intruder(&self, seq: i64) -> String {
        let Self { first, wanted, .. } = self;
        if seq < *first {
            return format!("event {seq} is none of these events, which begin with {first}");
        }
        format!("event {seq} stands before event {wanted} and was never written there")
    }
}

/// The checkpoint in a note that one of the keys signed.
fn signed(note: &str, keys: &[PublicKey]) -> Result<Checkpoint, (What, String)> {
    let malformed =
        |error: &dyn std::fmt::Display| (What::Malformed, format!("cannot be: {error}"));
    let note = Note::parse(note).map_err(|error| malformed(&error))?;
    match note.signed(keys) {
        Signed::By(_) => checkpoint::read(&note.text).map_err(|error| malformed(&error)),
        Signed::Forged(key) => Err((
            What::Forged,
            format!("has a wrong signature: {} {} did not sign this", key.name(), key.id()),
        )),
        Signed::ByOthers(names) => {
            let names = names.join(", ");
            Err((What::UnknownKey, format!("is signed by {names}, none of the keys given")))
        }
    }
}
