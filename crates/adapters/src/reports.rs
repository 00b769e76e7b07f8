//! Reads the reports that other programs left in the project, for checks that rest on them. Owns
//! which files are taken, how old they may be and how much is read; what they say is the check's.
//!
//! All of it runs on a thread for waiting and looks at its stop sign after each piece, so that
//! nothing is left of a question that was given up. What cannot be read whole is never a pass.

pub(crate) mod find;
pub(crate) mod json;
pub(crate) mod severities;
pub(crate) mod xml;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use rustix::fs::OFlags;
use serde_json::Value;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Digest;
pub(crate) use towpath_core::units::grouped;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::check::CheckRequest;
use towpath_ports::evidence::Keeper;
use towpath_ports::settings::Problem;
use towpath_ports::{Field, FieldType, Site};

use crate::printable::escaped;
use crate::question;
use find::{Found, Pattern};

/// How much is read: several times what CodeQL writes for a large repository.
const LIMITS: Limits = Limits { file: 64 * MIB, all: 256 * MIB };
const MIB: u64 = 1024 * 1024;
/// How much is read between two looks at the stop sign, in bytes.
const PIECE: u64 = 1024 * 1024;
/// How far the clock of whatever wrote a file may be ahead, where its age counts.
pub(crate) const CLOCKS_DIFFER: Span = Span::minutes(5);
/// The longest text of a report that is shown, in characters: a name, a message.
const SHOWN_MOST: usize = 200;
/// Of what went wrong in the reports, how many are listed for `logs`.
pub(crate) const LISTED_MOST: usize = 50;

/// Where the reports are, for checks that say no more of it.
pub(crate) const PATH: Field = Field::required(
    "path",
    FieldType::Path,
    "The reports, as a pattern from the folder of the matrix on; none is inconclusive.",
);

/// The setting that all checks of reports share.
pub(crate) const MAX_AGE: Field = Field::optional(
    "max_age",
    FieldType::Span,
    "The oldest report that counts, by the time at which the file was last written; left out, any. \
     It is not shortened in a rehearsal.",
);

/// What is wrong with `path` and `max_age`.
pub(crate) fn problems(settings: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let path = settings.get("path").and_then(Value::as_str).unwrap_or_default();
    if let Err(wrong) = Pattern::new(path) {
        let expected =
            "a path or pattern from the folder of the matrix on, such as reports/**/*.xml";
        problems.push(Problem::new("path", wrong, expected));
    }
    if settings.get("max_age").and_then(Value::as_u64) == Some(0) {
        let message = "`max_age` is no time at all";
        problems.push(Problem::new("max_age", message, "a duration such as 24h"));
    }
    problems
}

/// Makes one result of several reports.
pub(crate) trait Tally: Send + 'static {
    /// What it comes to.
    type Sum: Send + 'static;
    /// What it is called in a sentence: `test report`.
    const WHAT: &'static str;

    /// Takes one report and answers what is in it, in a few words.
    ///
    /// # Errors
    /// What cannot be understood, and where; then nothing is known.
    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong>;

    /// All have been taken.
    fn sum(self) -> Self::Sum;
}

/// One report, in memory.
pub(crate) struct Report<'a> {
    /// From the root of the project on.
    pub(crate) path: &'a Path,
    /// What it holds, without a byte order mark.
    pub(crate) text: &'a str,
    /// The folder of the matrix, without links.
    pub(crate) root: &'a Path,
    /// To be looked at every few thousand steps.
    pub(crate) stop: &'a Stop,
}

/// Why a report cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Line and column, both from 1; none where the whole is meant.
    pub(crate) place: Option<(usize, usize)>,
    /// What, as the end of a sentence.
    pub(crate) why: String,
}

impl Wrong {
    /// Something about the whole file.
    pub(crate) fn whole(why: impl Into<String>) -> Self {
        Self { place: None, why: why.into() }
    }

    /// Something at the byte `offset` of `text`.
    pub(crate) fn at(text: &str, offset: usize, why: impl Into<String>) -> Self {
        let bytes = text.as_bytes();
        let before = &bytes[..offset.min(bytes.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        Self { place: Some((line, column)), why: why.into() }
    }

    /// Something in line `line`, from 1.
    pub(crate) fn line(line: usize, why: impl Into<String>) -> Self {
        Self { place: Some((line, 1)), why: why.into() }
    }
}

/// Raised when nobody waits for the answer any more.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// # Errors
    /// When it was raised: whatever is under way ends.
    pub(crate) fn check(&self) -> Result<(), Wrong> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Wrong::whole("nobody waits for it any more"));
        }
        Ok(())
    }
}

/// Raises the sign when it is dropped.
struct Raised(Stop);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Summary<T> {
    /// What all reports together come to.
    pub(crate) sum: T,
    /// How many there were.
    pub(crate) count: usize,
    /// A line for each, for `logs`.
    pub(crate) lines: Vec<String>,
    /// What was passed by, as the end of a sentence; empty when nothing was.
    pub(crate) passed_by: String,
}

impl<T> Summary<T> {
    /// What `logs` shows: what is worth a look first, then the reports.
    pub(crate) fn output(&self, listed: &[String], beyond: u64) -> String {
        let mut lines = listed.to_vec();
        if beyond > 0 {
            lines.push(format!("[{} more left out]", grouped(beyond)));
        }
        lines.extend(self.lines.iter().cloned());
        lines.join("\n")
    }

    /// `3 reports`.
    pub(crate) fn reports(&self) -> String {
        counted(self.count as u64, "report")
    }
}

/// How much one question reads, in bytes.
#[derive(Clone, Copy)]
struct Limits {
    file: u64,
    all: u64,
}

/// Which reports a check reads.
pub(crate) struct Reports {
    limits: Limits,
    root: PathBuf,
    pattern: Pattern,
    max_age: Option<Span>,
}

impl Reports {
    /// From settings that hold `path` and perhaps `max_age`.
    pub(crate) fn new(path: &str, max_age: Option<Span>, site: &Site) -> Result<Self, String> {
        let pattern = Pattern::new(path)?;
        Ok(Self { limits: LIMITS, root: site.root.clone(), pattern, max_age })
    }

    /// Reads them all, one after the other. Safe to repeat.
    ///
    /// # Errors
    /// The answer of a check that cannot tell: none is there, one is too old, too large or cannot be
    /// understood, or the time is up.
    pub(crate) async fn read<T: Tally>(
        &self,
        request: &CheckRequest,
        tally: T,
    ) -> Result<Summary<T::Sum>, CheckAnswer> {
        let stop = Raised(Stop::default());
        let reading = Reading {
            limits: self.limits,
            root: self.root.clone(),
            pattern: self.pattern.clone(),
            max_age: self.max_age,
            now: request.now,
            stop: stop.0.clone(),
            keeper: request.keeper.clone(),
        };
        let done = tokio::task::spawn_blocking(move || reading.read(tally));
        let read = match tokio::time::timeout(question::patience(request), done).await {
            Ok(Ok(read)) => read,
            Ok(Err(lost)) => Err(format!("the reading of `{}` broke off: {lost}", self.pattern)),
            Err(_) => {
                let (pattern, timeout) = (&self.pattern, request.timeout);
                Err(format!(
                    "`{pattern}` could not be read within {timeout}; give it a longer `timeout`"
                ))
            }
        };
        read.map_err(CheckAnswer::inconclusive)
    }
}

/// One question, on its own thread. Errors are sentences.
struct Reading {
    limits: Limits,
    root: PathBuf,
    pattern: Pattern,
    max_age: Option<Span>,
    now: Timestamp,
    stop: Stop,
    keeper: Keeper,
}

impl Reading {
    fn read<T: Tally>(&self, mut tally: T) -> Result<Summary<T::Sum>, String> {
        let root = std::fs::canonicalize(&self.root)
            .map_err(|error| format!("the folder of the matrix cannot be read: {error}"))?;
        let found = self.pattern.find(&root, &self.stop)?;
        let passed_by = found.passed_by();
        if found.files.is_empty() {
            return Err(format!(
                "no file fits `{}` in the folder of the matrix; make the reports there before you \
                 promote, or correct `path`{passed_by}",
                self.pattern
            ));
        }
        let mut rest = self.limits.all;
        let mut lines = Vec::new();
        for file in &found.files {
            let taken = self.take(file, rest)?;
            rest -= taken.bytes.len() as u64;
            let told = self.told(&root, file, &taken.bytes, &mut tally)?;
            self.keeper.keep(shown(&file.path), media_type(&taken.bytes), &taken.bytes);
            let (digest, size) = (Digest::of(&taken.bytes), grouped(taken.bytes.len() as u64));
            let age = self.now.since(taken.modified);
            lines.push(format!(
                "{}: {told} ({size} bytes, written {age} ago, {digest})",
                shown(&file.path)
            ));
        }
        Ok(Summary { sum: tally.sum(), count: found.files.len(), lines, passed_by })
    }

    fn told<T: Tally>(
        &self,
        root: &Path,
        file: &Found,
        bytes: &[u8],
        tally: &mut T,
    ) -> Result<String, String> {
        let told = text_of(bytes)
            .and_then(|text| tally.add(&Report { path: &file.path, text, root, stop: &self.stop }));
        told.map_err(|Wrong { place, why }| {
            let place =
                place.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
            format!("{}{place} is no {} that can be read: {why}", shown(&file.path), T::WHAT)
        })
    }

    /// The whole file, of which `rest` bytes may still be read.
    fn take(&self, file: &Found, rest: u64) -> Result<Taken, String> {
        let shown = shown(&file.path);
        let cannot = |error: std::io::Error| format!("{shown} cannot be read: {error}");
        // Neither a link that was put there since, nor a pipe that nobody writes to.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(&file.real);
        let mut opened = opened.map_err(cannot)?;
        let facts = opened.metadata().map_err(cannot)?;
        if !facts.is_file() {
            return Err(format!("{shown} is no file; let `path` name the reports alone"));
        }
        let since = facts.modified().map_err(cannot)?.duration_since(UNIX_EPOCH);
        let microseconds =
            since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let modified = Timestamp(microseconds);
        let age = self.now.since(modified);
        if self.max_age.is_some() && modified.since(self.now) > CLOCKS_DIFFER {
            return Err(format!(
                "{shown} was written in the future; set the clock, and make it anew"
            ));
        }
        if let Some(most) = self.max_age.filter(|most| age > *most) {
            return Err(format!("{shown} is {age} old; make it anew (`max_age` is {most})"));
        }
        let bytes = self.bytes(&mut opened, rest.min(self.limits.file)).map_err(cannot)?;
        match bytes {
            Some(bytes) => Ok(Taken { bytes, modified }),
            None if rest < self.limits.file => {
                let most = self.limits.all / MIB;
                Err(format!("the reports of `{}` are larger than {most} MiB in all", self.pattern))
            }
            None => Err(format!("{shown} is larger than {} MiB", self.limits.file / MIB)),
        }
    }

    /// None when there are more than `most`, or nobody waits.
    fn bytes(&self, file: &mut File, most: u64) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        while self.stop.check().is_ok() {
            let read = file.by_ref().take(PIECE).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > most {
                break;
            }
            if read == 0 {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

struct Taken {
    bytes: Vec<u8>,
    modified: Timestamp,
}

/// By how it begins: what these formats are told apart by.
fn media_type(bytes: &[u8]) -> &'static str {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'<') => "application/xml",
        Some(b'{' | b'[') => "application/json",
        _ => "text/plain",
    }
}

/// What is in UTF-8, which all of these formats are written in nowadays.
fn text_of(bytes: &[u8]) -> Result<&str, Wrong> {
    // Either order of bytes, with its mark or with a first sign that is ASCII.
    if matches!(bytes, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, _, ..] | [_, 0, ..]) {
        return Err(Wrong::whole("it is UTF-16 or UTF-32; have it written in UTF-8"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        Wrong::at(&before, before.len(), "it is not UTF-8 from here on; have it written in UTF-8")
    })
}

/// A path as people may read it.
pub(crate) fn shown(path: &Path) -> String {
    escaped(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

/// The first line of a text of a report, safe to print and not too long.
pub(crate) fn short(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(SHOWN_MOST) {
        Some((end, _)) => format!("{}…", escaped(&line.as_bytes()[..end])),
        None => escaped(line.as_bytes()),
    }
}

/// `1 report`, `12,345 reports`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&escaped(self.text().as_bytes()))
    }
}

/// Reports for the tests of all checks that read some.
#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests;
