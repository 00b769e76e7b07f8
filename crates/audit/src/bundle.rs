//! One file with all that an auditor needs to check one promotion without Towpath, and whether such a
//! file is true: a plain tar of named files. Opens no file, and believes nothing of what it reads.
//!
//! ```text
//! README.txt                       how to check it with openssl and Python
//! statement.dsse.json              what happened, signed (in-toto in DSSE)
//! verification-summary.dsse.json   the same for tools of SLSA, signed; none for a rollback
//! journal.jsonl                    the journal from the first event of it to the checkpoint
//! checkpoint.txt                   the signed end of that part of the journal
//! plan.json                        what was planned; its SHA-256 is the plan's hash
//! release.json                     artefacts, settings, migrations; its SHA-256 is the release's digest
//! evidence/sha256-…                what the checks read, each by the digest of its bytes
//! ```

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use serde::Serialize;
use towpath_core::ids::Digest;

use crate::account::Account;
use crate::dsse::Envelope;
use crate::export::{self, Line};
use crate::note::{Note, PublicKey, split};
use crate::statement::{PLAN_FILE, Predicate, Statement, file_of, subjects};
use crate::verify::{self, Finding, Report, What};

/// The files of the bundle that are always there, and those that may be.
pub const README: &str = "README.txt";
/// The signed statement.
pub const STATEMENT: &str = "statement.dsse.json";
/// The signed summary.
pub const SUMMARY: &str = "verification-summary.dsse.json";
/// The part of the journal.
pub const JOURNAL: &str = "journal.jsonl";
/// Its signed end.
pub const CHECKPOINT: &str = "checkpoint.txt";
/// What the release is made of.
pub const RELEASE: &str = "release.json";
/// What stands before the digits in the name of a piece of evidence.
const EVIDENCE: &str = "evidence/sha256-";
/// Most files of a bundle that are read: some checks with some reports each.
const MOST_FILES: usize = 10_000;
/// What a tar has at byte 257 (POSIX.1-1988, "ustar").
const MAGIC: (usize, &[u8]) = (257, b"ustar");

/// The files of a bundle by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Whether these bytes could be a bundle, and are no export of a journal.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.get(MAGIC.0..).is_some_and(|rest| rest.starts_with(MAGIC.1))
}

/// The bundle with these files, each from `at`, in seconds since 1970. The same files give the same
/// bytes.
pub fn pack(files: &Files, at: u64) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(at);
        header.set_entry_type(tar::EntryType::Regular);
        let added = archive.append_data(&mut header, name, bytes.as_slice());
        added.expect("a Vec takes all, and our names are short");
    }
    archive.into_inner().expect("a Vec takes all")
}

/// The files of a bundle.
///
/// # Errors
/// Why it is none, as the end of a sentence.
pub fn unpack(bytes: &[u8]) -> Result<Files, String> {
    let broken = |error: std::io::Error| format!("cannot be read: {error}");
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    let mut files = Files::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let shown = name.escape_debug();
        if !entry.header().entry_type().is_file() {
            return Err(format!("has `{shown}`, which is no plain file"));
        }
        let mut content = Vec::new();
        // No file is larger than the bundle, whatever its header says.
        let most = bytes.len() as u64;
        entry.by_ref().take(most).read_to_end(&mut content).map_err(broken)?;
        if files.len() >= MOST_FILES {
            return Err(format!("has more than {MOST_FILES} files"));
        }
        if files.insert(name.clone(), content).is_some() {
            return Err(format!("has `{shown}` twice"));
        }
    }
    Ok(files)
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Checked {
    /// What the signed statement says, if it was signed by one of the keys.
    pub account: Option<Account>,
    /// The part of the journal, against its checkpoints.
    pub journal: Report,
    /// Pieces of evidence that are there and are those that the checks read.
    pub evidence: usize,
    /// What is wrong beside the journal.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// Whether everything is as it was signed, and the journal says the same.
    pub fn is_true(&self) -> bool {
        self.account.is_some() && self.findings.is_empty() && self.journal.is_whole()
    }

    fn found(&mut self, what: What, sentence: String) {
        self.findings.push(Finding { what, seq: None, line: None, sentence });
    }
}

/// Looks at the files of a bundle. `kept` are checkpoints that somebody kept elsewhere, beside the one in
/// the bundle. Without a key nothing in it is anybody's word.
pub fn check(files: &Files, kept: &[String], keys: &[PublicKey]) -> Checked {
    let mut checked = Checked::default();
    let lines = text(files, JOURNAL).map(export::lines).unwrap_or_default();
    let mut notes = text(files, CHECKPOINT).map(split).unwrap_or_default();
    if notes.is_empty() {
        checked.found(What::Missing, format!("{CHECKPOINT} has no checkpoint"));
    }
    notes.extend(kept.iter().cloned());
    let from = lines.iter().flatten().map(|(_, line)| line.seq).next().unwrap_or(1);
    checked.journal = verify::verify(&lines, from, &notes, keys);
    let events: Vec<&Line> = lines.iter().flatten().map(|(_, line)| line).collect();
    match statement(files, keys) {
        Err((what, sentence)) => checked.found(what, sentence),
        Ok(statement) => {
            checked.account(&statement, &events, &notes);
            checked.files(files, &statement, keys);
            checked.account = Some(statement.predicate.account);
        }
    }
    checked
}

fn text<'a>(files: &'a Files, name: &str) -> Option<&'a str> {
    files.get(name).and_then(|bytes| std::str::from_utf8(bytes).ok())
}

/// A file that is an envelope which one of the keys signed.
fn opened(files: &Files, name: &str, keys: &[PublicKey]) -> Result<Vec<u8>, (What, String)> {
    let Some(bytes) = files.get(name) else {
        return Err((What::Missing, format!("{name} is not there")));
    };
    let envelope: Envelope = serde_json::from_slice(bytes)
        .map_err(|error| (What::Malformed, format!("{name} is no envelope: {error}")))?;
    envelope.opened(keys).map_err(|why| (What::Forged, format!("{name} {why}")))
}

fn statement(files: &Files, keys: &[PublicKey]) -> Result<Statement, (What, String)> {
    let payload = opened(files, STATEMENT, keys)?;
    let wrong = |why: String| (What::Malformed, format!("{STATEMENT} {why}"));
    Statement::read(&payload).map_err(wrong)
}

impl Checked {
    /// Holds what was signed against what the events say.
    fn account(&mut self, statement: &Statement, events: &[&Line], notes: &[String]) {
        let said = &statement.predicate.account;
        let written: Vec<_> = events.iter().filter_map(|line| line.event()).collect();
        match Account::of(said.promotion, &written) {
            Ok(told) if told == *said => {}
            Ok(_) => {
                let sentence = "the statement says otherwise than the events of the journal";
                self.found(What::Untrue, sentence.to_owned());
            }
            Err(error) => {
                let sentence = format!("the journal does not tell it: {error}");
                self.found(What::Untrue, sentence);
            }
        }
        let (origin, report) = (&statement.predicate.journal, &self.journal);
        let project = report.project.as_deref().unwrap_or_default();
        if !crate::of_journal(origin, project, report.speed, None) {
            let sentence =
                format!("the statement is of another journal: {}", origin.escape_debug());
            self.found(What::OtherJournal, sentence);
        }
        for note in notes {
            let signed = Note::parse(note).ok().and_then(|note| crate::read(&note.text).ok());
            if signed.is_some_and(|checkpoint| checkpoint.origin != *origin) {
                let sentence = "the statement is of another journal than a checkpoint of it";
                self.found(What::OtherJournal, sentence.to_owned());
            }
        }
        let covered = self.journal.covered.unwrap_or(0);
        if covered < said.last() {
            let sentence = format!("no right checkpoint covers event {}, its end", said.last());
            self.found(What::Truncated, sentence);
        }
    }

    /// Holds the files against the digests that were signed.
    fn files(&mut self, files: &Files, statement: &Statement, keys: &[PublicKey]) {
        let account = &statement.predicate.account;
        let pieces: BTreeMap<String, &Digest> =
            account.evidence().into_iter().map(|digest| (file_of(digest), digest)).collect();
        for (name, digest) in &pieces {
            match files.get(name).map(|bytes| Digest::of(bytes) == **digest) {
                Some(true) => self.evidence += 1,
                Some(false) => {
                    self.found(What::Edited, format!("{name} has another digest than its name"));
                }
                None => self.found(What::Missing, format!("{name} is not there")),
            }
        }
        for (name, digest) in [(PLAN_FILE, &account.plan), (RELEASE, &account.release.digest)] {
            // Left out where a secret stands in it as text.
            if files.get(name).is_some_and(|bytes| Digest::of(bytes) != *digest) {
                self.found(What::Edited, format!("{name} has another digest than was signed"));
            }
        }
        let own = [README, STATEMENT, SUMMARY, JOURNAL, CHECKPOINT, PLAN_FILE, RELEASE];
        for name in files.keys().filter(|name| !own.contains(&name.as_str())) {
            if !pieces.contains_key(name) {
                let what = if name.starts_with(EVIDENCE) {
                    "no check read it"
                } else {
                    "nobody signed it"
                };
                let sentence = format!("{} should not be there: {what}", name.escape_debug());
                self.found(What::Inserted, sentence);
            }
        }
        self.subjects(statement);
        self.summary(files, statement, keys);
    }

    fn subjects(&mut self, statement: &Statement) {
        let release = subjects(&statement.predicate.account, []);
        if !statement.subject.starts_with(&release) {
            let sentence = "the statement is not about the release that it tells of";
            self.found(What::Untrue, sentence.to_owned());
        }
    }

    /// The summary must say what follows from the statement.
    fn summary(&mut self, files: &Files, statement: &Statement, keys: &[PublicKey]) {
        let Predicate { journal, account } = &statement.predicate;
        let must = crate::statement::summary(account, &statement.subject, journal, "");
        let Some(mut must) = must else {
            if files.contains_key(SUMMARY) {
                self.found(What::Inserted, format!("{SUMMARY} is not made for a rollback"));
            }
            return;
        };
        let payload = match opened(files, SUMMARY, keys) {
            Ok(payload) => payload,
            Err((what, sentence)) => return self.found(what, sentence),
        };
        let Ok(said) = serde_json::from_slice::<serde_json::Value>(&payload) else {
            return self.found(What::Malformed, format!("{SUMMARY} is no statement"));
        };
        let version = &said["predicate"]["verifier"]["version"];
        must["predicate"]["verifier"]["version"] = version.clone();
        if said != must {
            let sentence = format!("{SUMMARY} says otherwise than {STATEMENT}");
            self.found(What::Untrue, sentence);
        }
    }
}
