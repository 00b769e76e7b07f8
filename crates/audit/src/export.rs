//! A journal as a file of lines: JSON or CSV, the same columns, each line whole by itself. Owns how a
//! line is written and read; whether the chain holds is for `verify.rs` to say.
//!
//! A line is read only when writing it again gives the very same bytes, so that nothing in a file can
//! be changed unseen, spaces and the time for people included.

use serde::{Deserialize, Serialize};
use towpath_core::ids::{Digest, Name};
use towpath_ports::store::WrittenEvent;

/// The columns, in their order.
pub const COLUMNS: [&str; 12] = [
    "project",
    "speed",
    "seq",
    "at",
    "time",
    "lane",
    "promotion",
    "actor",
    "kind",
    "body",
    "previous",
    "hash",
];
/// Characters with which a spreadsheet begins something that it carries out (OWASP, "CSV Injection"),
/// and the sign that is put before them; that sign itself is doubled so that all texts can be read
/// back. No number is written so: a sign before digits is a number.
const DANGEROUS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', APOSTROPHE];
const APOSTROPHE: char = '\'';

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object on a line.
    Jsonl,
    /// RFC 4180 with a line of names before all others.
    Csv,
}

/// One event of a journal as a line has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Whose journal.
    pub project: String,
    /// How many times faster declared durations run; 1 outside a rehearsal.
    pub speed: u32,
    /// Position, from 1.
    pub seq: i64,
    /// When, in microseconds since 1970; this is what was hashed.
    pub at: i64,
    /// The same for people, RFC 3339 in UTC; empty for a time that no calendar has.
    pub time: String,
    /// Whose.
    pub lane: Option<String>,
    /// Which promotion's.
    pub promotion: Option<i64>,
    /// Who caused it.
    pub actor: String,
    /// Its name.
    pub kind: String,
    /// All of it: the JSON text that was hashed, as a text. None: it holds secrets and was withheld,
    /// so that the hash of this line cannot be proven, only its place.
    pub body: Option<String>,
    /// The hash of the event before it; for the first one the hash that ties the chain to its project.
    pub previous: String,
    /// Its hash.
    pub hash: String,
}

impl Line {
    /// The line of `event` behind an event whose hash is `previous`.
    pub fn of(project: &Name, speed: u32, event: WrittenEvent, previous: &str) -> Self {
        Self {
            project: project.to_string(),
            speed,
            seq: event.seq,
            at: event.at,
            time: time(event.at),
            lane: event.lane,
            promotion: event.promotion,
            actor: event.actor,
            kind: event.kind,
            body: Some(event.body),
            previous: previous.to_owned(),
            hash: event.hash,
        }
    }

    /// The event, as far as it was not withheld.
    pub fn event(&self) -> Option<WrittenEvent> {
        Some(WrittenEvent {
            seq: self.seq,
            at: self.at,
            lane: self.lane.clone(),
            promotion: self.promotion,
            actor: self.actor.clone(),
            kind: self.kind.clone(),
            body: self.body.clone()?,
            hash: self.hash.clone(),
        })
    }

    /// The hash that it must have behind `previous`; none when it was withheld or `previous` is none.
    pub fn computed(&self) -> Option<Digest> {
        let previous = Digest::new(&self.previous).ok()?;
        self.event().map(|event| crate::chain::link(&previous, &event))
    }

    /// Whether writing it again gives `text`, and its time for people is the one that was hashed.
    fn is_as_written(&self, text: &str, format: Format) -> bool {
        self.time == time(self.at) && self.written(format) == text
    }

    /// The line with its line break.
    pub fn written(&self, format: Format) -> String {
        match format {
            Format::Jsonl => serde_json::to_string(self).expect("texts and numbers") + "\n",
            Format::Csv => {
                let number = |number: i64| number.to_string();
                record(&[
                    safe(&self.project),
                    self.speed.to_string(),
                    number(self.seq),
                    number(self.at),
                    safe(&self.time),
                    optional(self.lane.as_deref()),
                    self.promotion.map(number).unwrap_or_default(),
                    safe(&self.actor),
                    safe(&self.kind),
                    optional(self.body.as_deref()),
                    safe(&self.previous),
                    safe(&self.hash),
                ])
            }
        }
    }
}

/// What stands before the first line.
pub fn head(format: Format) -> String {
    match format {
        Format::Jsonl => String::new(),
        Format::Csv => record(&COLUMNS.map(str::to_owned)),
    }
}

fn record(cells: &[String]) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).expect("a Vec takes all");
    let bytes = writer.into_inner().expect("a Vec takes all");
    String::from_utf8(bytes).expect("cells are texts")
}

/// The moment for people.
pub(crate) fn time(at: i64) -> String {
    let moment = jiff::Timestamp::from_microsecond(at);
    moment.map(|it| it.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()).unwrap_or_default()
}

/// A text that no spreadsheet carries out.
fn safe(text: &str) -> String {
    if text.starts_with(DANGEROUS) { format!("{APOSTROPHE}{text}") } else { text.to_owned() }
}

/// No text is an empty cell, and an empty text is an apostrophe.
fn optional(text: Option<&str>) -> String {
    match text {
        Some("") => APOSTROPHE.to_string(),
        Some(text) => safe(text),
        None => String::new(),
    }
}

fn unsafe_text(cell: &str) -> String {
    cell.strip_prefix(APOSTROPHE).unwrap_or(cell).to_owned()
}

/// Something in a file that is no line of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which line, from 1, the one of names included.
    pub line: u64,
    /// What is wrong with it, one sentence.
    pub sentence: String,
}

/// All lines of an export with their numbers, or what is wrong with one that is none. What the file is
/// shows at its beginning: a line of names begins with a letter, an object does not.
pub fn lines(text: &str) -> Vec<Result<(u64, Line), Unreadable>> {
    if text.starts_with(COLUMNS[0]) { csv_lines(text) } else { json_lines(text) }
}

fn json_lines(text: &str) -> Vec<Result<(u64, Line), Unreadable>> {
    let numbered = text.split_inclusive('\n').zip(1..);
    let read = |(own, number): (&str, u64)| {
        let wrong = |sentence: String| Unreadable { line: number, sentence };
        let line: Line = serde_json::from_str(own)
            .map_err(|error| wrong(format!("line {number} is no event: {error}")))?;
        if line.is_as_written(own, Format::Jsonl) {
            return Ok((number, line));
        }
        Err(wrong(format!("line {number} is not as `towpath audit export` wrote it")))
    };
    numbered.map(read).collect()
}

fn csv_lines(text: &str) -> Vec<Result<(u64, Line), Unreadable>> {
    let head = head(Format::Csv);
    let Some(rest) = text.strip_prefix(&head) else {
        let sentence = "line 1 does not name the columns of an export".to_owned();
        return vec![Err(Unreadable { line: 1, sentence })];
    };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(rest.as_bytes());
    let mut lines = Vec::new();
    let mut cells = csv::StringRecord::new();
    let mut start = 0;
    loop {
        let number = reader.position().line() + 1;
        let wrong = |sentence: String| Err(Unreadable { line: number, sentence });
        let read = reader.read_record(&mut cells);
        let end = end(&reader, rest);
        match read {
            Ok(false) if start == rest.len() => return lines,
            // An empty line is passed over by the reader, and is none of ours.
            Ok(false) => {
                lines.push(wrong(format!("line {number} is no event: it is empty")));
                return lines;
            }
            Ok(true) => lines.push(match of_cells(&cells) {
                Some(line)
                    if line.is_as_written(rest.get(start..end).unwrap_or(""), Format::Csv) =>
                {
                    Ok((number, line))
                }
                Some(_) => {
                    wrong(format!("line {number} is not as `towpath audit export` wrote it"))
                }
                None => wrong(format!("line {number} has not the cells of an event")),
            }),
            Err(error) => lines.push(wrong(format!("line {number} is no event: {error}"))),
        }
        start = end;
    }
}

/// Where the record that was read ends: the reader stops between the two characters of a line break.
fn end(reader: &csv::Reader<&[u8]>, text: &str) -> usize {
    let place = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
    let is_between = text.get(..place).is_some_and(|it| it.ends_with('\r'))
        && text.get(place..).is_some_and(|it| it.starts_with('\n'));
    if is_between { place + 1 } else { place }
}

fn of_cells(cells: &csv::StringRecord) -> Option<Line> {
    let all: Vec<&str> = cells.iter().collect();
    let [project, speed, seq, at, time, lane, promotion, actor, kind, body, previous, hash] =
        all.as_slice()
    else {
        return None;
    };
    let optional = |cell: &str| (!cell.is_empty()).then(|| unsafe_text(cell));
    Some(Line {
        project: unsafe_text(project),
        speed: speed.parse().ok()?,
        seq: seq.parse().ok()?,
        at: at.parse().ok()?,
        time: unsafe_text(time),
        lane: optional(lane),
        promotion: if promotion.is_empty() { None } else { Some(promotion.parse().ok()?) },
        actor: unsafe_text(actor),
        kind: unsafe_text(kind),
        body: optional(body),
        previous: unsafe_text(previous),
        hash: unsafe_text(hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(actor: &str, lane: Option<&str>, body: Option<&str>) -> Line {
        Line {
            project: "shop".to_owned(),
            speed: 1,
            seq: 3,
            at: 1_800_000_000_000_001,
            time: time(1_800_000_000_000_001),
            lane: lane.map(str::to_owned),
            promotion: None,
            actor: actor.to_owned(),
            kind: "noted".to_owned(),
            body: body.map(str::to_owned),
            previous: Digest::of(b"1").to_string(),
            hash: Digest::of(b"2").to_string(),
        }
    }

    #[test]
    fn no_cell_begins_with_what_a_spreadsheet_carries_out() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'x", "'"] {
            let own = line(text, Some(text), Some(text));
            let written = own.written(Format::Csv);
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_bytes());
            let cells = reader.records().next().unwrap().unwrap();
            for cell in &cells {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
            }
            assert_eq!(of_cells(&cells), Some(own));
        }
        assert_ne!(
            line("a", Some(""), None).written(Format::Csv),
            line("a", None, None).written(Format::Csv)
        );
    }

    #[test]
    fn a_line_for_people_and_spaces_count_as_well() {
        let own = line("ada", None, Some("{}"));
        let json = own.written(Format::Jsonl);
        assert_eq!(lines(&json), [Ok((1, own.clone()))]);
        let csv = head(Format::Csv) + &own.written(Format::Csv);
        assert_eq!(lines(&csv), [Ok((2, own))]);
        for changed in [
            json.replace(",\"speed", ", \"speed"),
            json.replace("{}", "\\u007b}"),
            json.trim_end().to_owned(),
            json.clone() + "\n",
            csv.replace("\r\n", "\n"),
            csv.clone() + "\r\n",
            csv.replace("ada", "\"ada\""),
            csv.replace("kind,body", "body,kind"),
        ] {
            assert!(lines(&changed).iter().any(Result::is_err), "{changed}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same_whatever_the_texts_are(
            actor in any::<String>(),
            lane in any::<Option<String>>(),
            body in any::<Option<String>>(),
            numbers in any::<(i64, i64, Option<i64>, u32)>(),
        ) {
            let (seq, at, promotion, speed) = numbers;
            let own = Line {
                seq, at, promotion, speed, time: time(at),
                ..line(&actor, lane.as_deref(), body.as_deref())
            };
            prop_assert_eq!(lines(&own.written(Format::Jsonl)), [Ok((1, own.clone()))]);
            let csv = head(Format::Csv) + &own.written(Format::Csv);
            prop_assert_eq!(lines(&csv), [Ok((2, own))]);
        }
    }
}
