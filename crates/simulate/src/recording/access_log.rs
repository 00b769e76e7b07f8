//! Access logs, a line for each request: the common and the combined format, and JSON objects. Owns
//! where time and status stand in a line; reads no addresses, paths or names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::{Map, Value};
use towpath_guard::StatusClass;

use super::{LONGEST_S, Recording, Unusable};
use crate::arrivals::Counted;

/// Lines that could not be read of which is kept why.
const KEPT: usize = 3;
/// Keys that hold the time of a request, as nginx, Caddy, Traefik, Envoy and the usual loggers name
/// it; the first that is there counts.
const TIMES: [&str; 10] = [
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "time_iso8601",
    "time_local",
    "msec",
    "start_time",
    "StartUTC",
    "date",
];
/// Keys that hold the status of the answer, likewise.
const STATUSES: [&str; 7] = [
    "status",
    "status_code",
    "statusCode",
    "response_code",
    "http.response.status_code",
    "DownstreamStatus",
    "code",
];

/// How the lines of a log were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `host - user [time] "request" status bytes`, with or without referrer and agent.
    Combined,
    /// A JSON object in each line.
    Json,
}

/// A log that is being read, a line at a time.
#[derive(Clone, Debug, Default)]
pub struct AccessLog {
    seconds: BTreeMap<i64, Counted>,
    lines: u64,
    read: [u64; 2],
    broken: u64,
    kept: Vec<(u64, String)>,
}

impl AccessLog {
    /// Takes in the next line, without its end. An empty one is passed over.
    ///
    /// # Errors
    /// When the lines so far have more different seconds than fit into the longest time that is
    /// taken: reading on is of no use.
    pub fn take(&mut self, line: &[u8]) -> Result<(), Unusable> {
        self.lines += 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let form = if line.starts_with(b"{") { Form::Json } else { Form::Combined };
        let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8");
        let request = text.and_then(|text| match form {
            Form::Json => in_json(text),
            Form::Combined => combined(text),
        });
        match request {
            Ok((second, status)) => {
                self.read[form as usize] += 1;
                let counted = self.seconds.entry(second).or_default();
                let failed = StatusClass::of(status) == StatusClass::ServerError;
                *(if failed { &mut counted.failed } else { &mut counted.answered }) += 1;
            }
            Err(why) => self.note(why),
        }
        if self.seconds.len() > LONGEST_S as usize {
            return Err(Unusable::at(self.lines, "it is about more than 31 days"));
        }
        Ok(())
    }

    /// Takes note of a line that is too long to be looked at.
    pub fn pass_over(&mut self) {
        self.lines += 1;
        self.note("it is too long");
    }

    fn note(&mut self, why: &str) {
        self.broken += 1;
        if self.kept.len() < KEPT {
            self.kept.push((self.lines, why.to_owned()));
        }
    }

    /// Lines so far, empty ones among them.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Lines that could not be read.
    pub fn broken(&self) -> u64 {
        self.broken
    }

    /// The first few of them, by number, and why.
    pub fn first_broken(&self) -> &[(u64, String)] {
        &self.kept
    }

    /// How most of the lines were written that could be read.
    pub fn form(&self) -> Form {
        if self.read[Form::Json as usize] > self.read[Form::Combined as usize] {
            Form::Json
        } else {
            Form::Combined
        }
    }

    /// The counts per second.
    ///
    /// # Errors
    /// When no line could be read, or the times are more than 31 days apart.
    pub fn finish(self) -> Result<Recording, Unusable> {
        let ends = self.seconds.first_key_value().zip(self.seconds.last_key_value());
        let Some(((first, _), (last, _))) = ends else {
            let what = match self.kept.first() {
                None => "it is empty".to_owned(),
                Some((line, why)) => {
                    format!("none of its {} lines is a request: line {line}: {why}", self.broken)
                }
            };
            return Err(Unusable::new(what));
        };
        let apart = last.saturating_sub(*first);
        if apart >= i64::from(LONGEST_S) {
            return Err(Unusable::new(format!(
                "its requests are {} days apart, from {} to {}; at most 31 are taken",
                apart / 86_400,
                day(*first),
                day(*last),
            )));
        }
        let seconds = (*first..=*last).map(|it| self.seconds.get(&it).copied().unwrap_or_default());
        Recording::new(1.0, seconds.collect())
    }
}

fn day(second: i64) -> String {
    let at = Timestamp::from_second(second).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

/// Second and status of a line such as
/// `192.0.2.1 - - [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 2326 "-" "curl"`, as the
/// documentation of Apache's mod_log_config has it and nginx writes by default.
fn combined(line: &str) -> Result<(i64, u16), &'static str> {
    let mut rest = line;
    let second = loop {
        let (_, after) = rest.split_once('[').ok_or("it has no [time]")?;
        let (inside, behind) = after.split_once(']').ok_or("it has no [time]")?;
        rest = behind;
        if let Some(second) = local_time(inside) {
            break second;
        }
    };
    let (_, request) = rest.split_once('"').ok_or("it has no \"request\"")?;
    let end = closing_quote(request).ok_or("it has no \"request\"")?;
    let status = request[end + 1..].split_ascii_whitespace().next().ok_or("it has no status")?;
    Ok((second, status_of(status).ok_or("it has no status")?))
}

/// Quotes inside are escaped with a backslash.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index),
            _ => {}
        }
    }
    None
}

fn in_json(line: &str) -> Result<(i64, u16), &'static str> {
    let object: Map<String, Value> = serde_json::from_str(line).map_err(|_| "it is not JSON")?;
    let time = TIMES.iter().find_map(|key| object.get(*key)).ok_or("it has no time")?;
    let second = moment(time).ok_or("its time is none")?;
    let status = STATUSES.iter().find_map(|key| object.get(*key)).ok_or("it has no status")?;
    let status = match status {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => status_of(text),
        _ => None,
    };
    Ok((second, status.ok_or("its status is none")?))
}

fn status_of(text: &str) -> Option<u16> {
    let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => since_1970(number.as_f64()?),
        Value::String(text) => text
            .parse::<Timestamp>()
            .ok()
            .map(Timestamp::as_second)
            .or_else(|| local_time(text))
            .or_else(|| since_1970(text.parse().ok()?)),
        _ => None,
    }
}

/// `10/Oct/2026:13:55:36 -0700`.
fn local_time(text: &str) -> Option<i64> {
    let read = strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    read.to_timestamp().ok().map(Timestamp::as_second)
}

/// Seconds since 1970, written as seconds, milliseconds, microseconds or nanoseconds: which of them
/// is told by the size, since none of the years 1973 to 5138 is written alike in two of them.
fn since_1970(number: f64) -> Option<i64> {
    let scale = match number {
        _ if !(0.0..1e20).contains(&number) => return None,
        _ if number < 1e11 => 1.0,
        _ if number < 1e14 => 1e3,
        _ if number < 1e17 => 1e6,
        _ => 1e9,
    };
    #[expect(clippy::cast_possible_truncation, reason = "below 1e11")]
    Some((number / scale).floor() as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(lines: &[&str]) -> AccessLog {
        let mut log = AccessLog::default();
        for line in lines {
            log.take(line.as_bytes()).expect("it is short");
        }
        log
    }

    const COMBINED: &str = "203.0.113.9 - ada [21/Nov/2026:14:00:01 +0100] \"GET /a?q=\\\"[x]\\\" HTTP/1.1\" 502 157 \"-\" \"curl/8\"";

    #[test]
    fn each_form_says_when_and_whether_it_failed() {
        let lines = [
            COMBINED,
            "203.0.113.9 - - [21/Nov/2026:13:00:01 +0000] \"-\" 408 0",
            r#"{"time":"2026-11-21T13:00:02Z","status":200}"#,
            r#"{"ts":1795266002.5,"status":"503","msg":"handled request"}"#,
            r#"{"time_local":"21/Nov/2026:13:00:03 +0000","status_code":500}"#,
            r#"{"StartUTC":"2026-11-21T13:00:03.25Z","DownstreamStatus":200}"#,
            r#"{"msec":"1795266003.123","status":"404"}"#,
            r#"{"@timestamp":1795266004000,"statusCode":200}"#,
            "",
        ];
        let log = log(&lines);
        assert_eq!((log.broken(), log.form(), log.lines()), (0, Form::Json, 9));
        let recording = log.finish().expect("it has requests");
        let counted = |answered, failed| Counted { answered, failed };
        assert_eq!(
            recording.intervals(),
            [counted(1, 1), counted(1, 1), counted(2, 1), counted(1, 0)]
        );
    }

    #[test]
    fn broken_lines_are_counted_and_the_first_ones_named() {
        let garbage =
            ["nonsense", "{\"time\":", "[21/Nov/2026:13:00:01 +0000] \"GET /", "{}", "\u{0}"];
        let mut log = log(&garbage);
        log.take(&[0xff, 0xfe]).expect("it is short");
        log.pass_over();
        log.take(COMBINED.as_bytes()).expect("it is short");
        assert_eq!(log.broken(), 7);
        let kept: Vec<_> =
            log.first_broken().iter().map(|(line, why)| (*line, why.as_str())).collect();
        assert_eq!(
            kept,
            [(1, "it has no [time]"), (2, "it is not JSON"), (3, "it has no \"request\"")]
        );
        assert_eq!(log.finish().map(|it| it.requests()), Ok(1));
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let said = |lines: &[&str]| log(lines).finish().expect_err("it is unusable").what;
        assert_eq!(said(&[]), "it is empty");
        assert_eq!(said(&["a", "b"]), "none of its 2 lines is a request: line 1: it has no [time]");
        let far = [r#"{"ts":0,"status":200}"#, r#"{"ts":1795266002,"status":200}"#];
        assert_eq!(
            said(&far),
            "its requests are 20778 days apart, from 1970-01-01 to 2026-11-21; at most 31 are taken"
        );
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6)) {
            let mut log = AccessLog::default();
            for line in &lines {
                let _ = log.take(line);
            }
            let _ = log.finish();
        }

        #[test]
        fn nothing_near_a_line_makes_it_panic(at in 0..120_usize, byte in any::<char>(), time in any::<f64>(), status in any::<i64>()) {
            let mut line: Vec<char> = COMBINED.chars().collect();
            let at = at.min(line.len() - 1);
            line[at] = byte;
            let json = format!("{{\"time\":{time},\"status\":{status}}}");
            let mut log = AccessLog::default();
            let _ = log.take(line.iter().collect::<String>().as_bytes());
            let _ = log.take(json.as_bytes());
            let _ = log.finish();
        }
    }
}
