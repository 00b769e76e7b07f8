//! Source `nginx-log`, and the lines of its access log: `combined`, the same with
//! `$request_time $upstream_addr` behind it, and JSON (nginx.org/en/docs/http/ngx_http_log_module.html,
//! ngx_http_upstream_module.html, "Embedded Variables"). Counts nothing.
//!
//! nginx writes nothing of an answer that broke off after its head: such a failure is not seen here.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use towpath_core::deployment::Deployment;
use towpath_core::ids::LaneId;
use towpath_ports::metrics::MetricsSource;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use super::source::{Format, LogSource};
use super::{End, Entry, Unreadable, seconds};

/// The status with which nginx notes that the client went away first.
const CLIENT_CLOSED: u16 = 499;

pub(in crate::metrics) const KIND: Kind<dyn MetricsSource> = Kind {
    entry: KindEntry {
        family: Family::Metrics,
        name: "nginx-log",
        summary: "The access log of an nginx whose upstream servers are the copies of releases.",
        example: "{ kind: nginx-log, path: /var/log/nginx/access.log, format: timed }",
        state: KindState::Built,
        capabilities: &["counts"],
        fields: &[
            Field::required("path", FieldType::Path, "The file."),
            Field {
                name: "format",
                of: FieldType::Word(&["timed", "json"]),
                default: Some("timed"),
                doc: "`timed` is `combined` with ` $request_time $upstream_addr` behind it; `json` \
                      is one map for each line, with `escape=json`.",
            },
            Field {
                name: "time_field",
                of: FieldType::Text,
                default: Some("time"),
                doc: "Where JSON has `$time_iso8601` or `$msec`.",
            },
            Field {
                name: "status_field",
                of: FieldType::Text,
                default: Some("status"),
                doc: "Where JSON has `$status`.",
            },
            Field {
                name: "upstream_field",
                of: FieldType::Text,
                default: Some("upstream_addr"),
                doc: "Where JSON has `$upstream_addr`.",
            },
            Field {
                name: "upstream_status_field",
                of: FieldType::Text,
                default: Some("upstream_status"),
                doc: "Where JSON has `$upstream_status`; where it has none, that of the answer counts.",
            },
        ],
        validate: |_| Vec::new(),
    },
    build: Some(|settings, site| {
        let lines = Lines::deserialize(settings)
            .map_err(|error| format!("metrics source `nginx-log`: {error}"))?;
        let path = crate::absolute(&site.root.join(&lines.path));
        Ok(Arc::new(LogSource::new(path, lines)))
    }),
};

/// How lines are read; the fields of [`KIND`] say what each is.
#[derive(Deserialize)]
struct Lines {
    path: std::path::PathBuf,
    format: String,
    time_field: String,
    status_field: String,
    upstream_field: String,
    upstream_status_field: String,
}

impl Format for Lines {
    fn entry(&self, line: &[u8]) -> Result<Entry, Unreadable> {
        // `escape=json` leaves bytes as they came that are no UTF-8, and no client shall hide a line.
        let line = String::from_utf8_lossy(line);
        if self.format == "json" { self.json(&line) } else { combined(&line) }
    }

    fn is_of(&self, server: &str, _lane: &LaneId, arm: &Deployment) -> bool {
        arm.endpoints.iter().any(|endpoint| endpoint.address.to_string() == server)
    }
}

impl Lines {
    fn json(&self, line: &str) -> Result<Entry, Unreadable> {
        let line: Value = serde_json::from_str(line).map_err(|_| "it is no JSON")?;
        let text = |name: &str| match line.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let time = text(&self.time_field).ok_or("it has no time")?;
        let at = match time.parse::<jiff::Timestamp>() {
            Ok(at) => at.as_second(),
            // `$msec`: seconds, a point and three digits.
            Err(_) => {
                time.split('.').next().and_then(|it| it.parse().ok()).ok_or("its time is none")?
            }
        };
        let status = status(&text(&self.status_field).ok_or("it has no status")?)?;
        let servers = text(&self.upstream_field).ok_or("it has no upstream server")?;
        let first = text(&self.upstream_status_field).and_then(|all| first_of(&all)?.parse().ok());
        let latency_ms = text("request_time").as_deref().and_then(milliseconds);
        Ok(entry(at, status, &servers, first, latency_ms))
    }
}

/// Reads `combined`, and what may stand behind it.
fn combined(line: &str) -> Result<Entry, Unreadable> {
    // The name of a user may hold brackets, and so may not be gone by.
    let mut moments = line.match_indices(" [").filter_map(|(place, _)| {
        let (moment, rest) = line.get(place + 2..)?.split_once("] \"")?;
        Some((seconds::with_offset(moment)?, rest))
    });
    let (at, rest) = moments.next().ok_or("it has no moment in brackets")?;
    // Within quotes, quotes are escaped.
    let mut parts = rest.split('"');
    let (_request, numbers) = (parts.next(), parts.next().ok_or("it ends in the request")?);
    let status = status(numbers.split_whitespace().next().ok_or("it has no status")?)?;
    let (_referer, _space, _agent) = (parts.next(), parts.next(), parts.next());
    let tail = parts.next().ok_or("it ends before the client's program")?;
    let (time, servers) = tail.trim().split_once(' ').unwrap_or_default();
    Ok(entry(at, status, servers, None, milliseconds(time)))
}

/// `first` is the status of the first server, where the line has it.
fn entry(
    at: i64,
    status: u16,
    servers: &str,
    first: Option<u16>,
    latency_ms: Option<u64>,
) -> Entry {
    let server = first_of(servers);
    let was_repeated = server.is_some_and(|first| first.len() < servers.trim().len());
    let end = match (&server, first) {
        // A name without a port is that of the group: none of its servers could be asked.
        (None, _) => End::Nobodys,
        (Some(_), _) if status == CLIENT_CLOSED && !was_repeated => End::Aborted,
        (Some(_), Some(first)) if first >= 500 => End::Failed,
        // Another server is asked only after the first one failed.
        (Some(_), _) if was_repeated || status >= 500 => End::Failed,
        (Some(_), _) => End::Succeeded,
    };
    Entry { at, server: server.map(str::to_owned), status: Some(status), latency_ms, end }
}

/// The first of several servers, or of their statuses: those of one group stand behind commas, those of
/// one group after another behind colons with spaces around them.
fn first_of(text: &str) -> Option<&str> {
    let first = text.split(", ").next()?.split(" : ").next()?.trim();
    (!first.is_empty() && first != "-").then_some(first)
}

fn status(text: &str) -> Result<u16, Unreadable> {
    let status = seconds::digits(text).and_then(|status| u16::try_from(status).ok());
    status.filter(|it| (100..=599).contains(it)).ok_or("its status is none")
}

/// Seconds with three decimals.
fn milliseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').filter(|(_, part)| part.len() == 3)?;
    Some(seconds::digits(whole)? * 1000 + seconds::digits(part)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const COMBINED: &[u8] = include_bytes!("samples/nginx-combined.log");
    const TIMED: &[u8] = include_bytes!("samples/nginx-timed.log");
    const JSON: &[u8] = include_bytes!("samples/nginx-json.log");

    fn lines(format: &str) -> Lines {
        let given = json!({ "path": "a", "format": format });
        let checked = towpath_ports::settings::check(&KIND.entry, &given).unwrap();
        Lines::deserialize(checked).unwrap()
    }

    /// All three were written by nginx 1.22.1 of the same requests, made with `curl`, to two servers
    /// (18081, 18082) and to one that is away (18099).
    const WANTED: [&str; 21] = [
        "127.0.0.1:18081 200 Succeeded",
        "127.0.0.1:18082 200 Succeeded",
        "127.0.0.1:18081 500 Failed",
        "127.0.0.1:18082 500 Failed",
        "127.0.0.1:18081 404 Succeeded",
        "127.0.0.1:18082 302 Succeeded",
        "127.0.0.1:18081 502 Failed",
        "127.0.0.1:18082 200 Succeeded",
        "127.0.0.1:18081 504 Failed",
        "127.0.0.1:18099 502 Failed",
        "nobody 204 Nobodys",
        "127.0.0.1:18082 200 Succeeded",
        "127.0.0.1:18099 200 Failed",
        "127.0.0.1:18082 200 Succeeded",
        "127.0.0.1:18099 200 Failed",
        "127.0.0.1:18082 200 Succeeded",
        "127.0.0.1:18081 499 Aborted",
        "127.0.0.1:18082 200 Succeeded",
        "127.0.0.1:18081 200 Succeeded",
        "nobody 400 Nobodys",
        "127.0.0.1:18082 200 Succeeded",
    ];

    #[test]
    fn real_lines_say_to_whom_a_request_went_first_and_how_that_ended() {
        for (format, sample) in [("timed", TIMED), ("json", JSON)] {
            let lines = lines(format);
            let (read, unread) = super::super::tests::read(sample, |line| lines.entry(line));
            assert_eq!(unread, 0, "{format}");
            assert_eq!(read, WANTED, "{format}");
        }
        let (read, unread) = super::super::tests::read(COMBINED, |line| lines("timed").entry(line));
        assert_eq!((read.len(), unread), (21, 0));
        assert!(read.iter().all(|one| one.starts_with("nobody")), "combined says no server");
    }

    #[test]
    fn moments_and_latencies_are_those_of_the_line() {
        let lines = [("timed", TIMED), ("json", JSON)];
        for (format, sample) in lines {
            let slow = sample.split(|byte| *byte == b'\n').nth(8).unwrap();
            let entry = super::tests::lines(format).entry(slow).unwrap();
            assert_eq!((entry.at, entry.latency_ms), (1_795_306_786, Some(2002)), "{format}");
        }
    }

    #[test]
    fn what_names_may_hold_leads_nobody_astray() {
        let line = |user: &str, rest: &str| {
            let line =
                format!("::1 - {user} [22/Nov/2026:00:19:43 +0000] \"GET / HTTP/1.1\" {rest}");
            combined(&line).map(|entry| (entry.server, entry.end))
        };
        let green = Some("[::1]:80".to_owned());
        let good = "200 3 \"-\" \"-\" 0.002 [::1]:80";
        assert_eq!(line("a [b c] \\x22 d", good), Ok((green.clone(), End::Succeeded)));
        let several = "200 3 \"-\" \"-\" 0.002 [::1]:80 : 10.0.0.1:80";
        assert_eq!(line("-", several), Ok((green, End::Failed)));
        for bad in ["", "200", "abc 3 \"-\" \"-\"", "99 3 \"-\" \"-\" 0.1 a:1", "200 3 \"-\""] {
            assert!(line("-", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn json_without_what_is_needed_is_not_read() {
        let lines = lines("json");
        let good = r#"{"time":"1795306783.024","status":"200","upstream_addr":"a:1"}"#;
        assert_eq!(lines.entry(good.as_bytes()).unwrap().at, 1_795_306_783);
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"time":"now","status":200,"upstream_addr":"a:1"}"#,
            r#"{"time":"1795306783.024","status":200}"#,
            r#"{"time":"1795306783.024","upstream_addr":"a:1"}"#,
            r#"{"time":"1795306783.024","status":200,"upstream_addr":"a:1""#,
        ] {
            assert!(lines.entry(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_bring_the_reader_down(line in prop::collection::vec(any::<u8>(), 0..300)) {
            let _any_answer = (lines("timed").entry(&line), lines("json").entry(&line));
        }

        #[test]
        fn a_real_line_that_was_damaged_brings_nobody_down(
            is_json in any::<bool>(), index in 0_usize..21, at in 0_usize..150, byte in any::<u8>(),
            cut in 0_usize..250
        ) {
            let (format, sample) = if is_json { ("json", JSON) } else { ("timed", TIMED) };
            let mut line = sample.split(|byte| *byte == b'\n').nth(index).unwrap().to_vec();
            if let Some(place) = line.get_mut(at) {
                *place = byte;
            }
            line.truncate(cut);
            let _any_answer = lines(format).entry(&line);
        }
    }
}
