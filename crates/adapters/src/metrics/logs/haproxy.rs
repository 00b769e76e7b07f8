//! Source `haproxy-log`, and the lines of `option httplog`. Owns their form
//! (docs.haproxy.org/2.6/configuration.html, 8.2.3 and 8.5); counts nothing.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::deployment::Deployment;
use towpath_core::ids::LaneId;
use towpath_ports::metrics::{MetricsSource, fill};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use super::source::{Format, LogSource};
use super::{End, Entry, Unreadable, seconds};

pub(in crate::metrics) const KIND: Kind<dyn MetricsSource> = Kind {
    entry: KindEntry {
        family: Family::Metrics,
        name: "haproxy-log",
        summary: "The log of an HAProxy with `option httplog`; its servers are named after releases.",
        example: "{ kind: haproxy-log, path: /var/log/haproxy.log, server: \"api-{version}\" }",
        state: KindState::Built,
        capabilities: &["counts"],
        fields: &[
            Field::required("path", FieldType::Path, "The file."),
            Field {
                name: "server",
                of: FieldType::Text,
                default: Some("{version}"),
                doc: "What the server of a release is called in the log; `{version}` stands for it.",
            },
            Field {
                name: "zone",
                of: FieldType::Text,
                default: Some("UTC"),
                doc: "The time zone of the log, which writes none: a name of the IANA database.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| {
        let settings = Settings::deserialize(settings)
            .map_err(|error| format!("metrics source `haproxy-log`: {error}"))?;
        let zone = TimeZone::get(&settings.zone).map_err(|error| error.to_string())?;
        let path = crate::absolute(&site.root.join(settings.path));
        Ok(Arc::new(LogSource::new(path, Lines { server: settings.server, zone })))
    }),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let text = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut problems = Vec::new();
    if !text("server").contains("{version}") {
        let message = "`server` calls both releases the same";
        problems.push(Problem::new("server", message, "a name with `{version}` in it"));
    }
    if TimeZone::get(text("zone")).is_err() {
        let message = format!("there is no time zone `{}`", text("zone"));
        problems.push(Problem::new("zone", message, "a zone such as Europe/Berlin"));
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Deserialize)]
struct Settings {
    path: std::path::PathBuf,
    server: String,
    zone: String,
}

/// How lines are read and arms are recognised.
struct Lines {
    server: String,
    zone: TimeZone,
}

impl Format for Lines {
    fn entry(&self, line: &[u8]) -> Result<Entry, Unreadable> {
        parse(line, &self.zone)
    }

    fn is_of(&self, server: &str, lane: &LaneId, arm: &Deployment) -> bool {
        server == fill(&self.server, lane, arm)
    }
}

/// Reads one line, with or without what syslog writes before it.
fn parse(line: &[u8], zone: &TimeZone) -> Result<Entry, Unreadable> {
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    let began = words
        .find_map(|word| seconds::civil(word.strip_prefix('[')?.strip_suffix(']')?))
        .ok_or("it has no moment in brackets")?;
    let began = seconds::in_zone(began, zone).ok_or("its moment is none in this zone")?;
    let _frontend = words.next();
    let place = words.next().ok_or("it ends before the server")?;
    let (_, server) = place.split_once('/').ok_or("it names no backend and server")?;
    let timers =
        timers(words.next().unwrap_or_default()).ok_or("it has not the five timers of httplog")?;
    let status = words.next().ok_or("it ends before the status")?;
    let status = if status == "-1" {
        None
    } else {
        let status = seconds::digits(status).and_then(|status| u16::try_from(status).ok());
        Some(status.filter(|it| (100..=599).contains(it)).ok_or("its status is none")?)
    };
    let flags = words.nth(3).filter(|flags| flags.len() >= 2 && flags.is_ascii());
    let flags = flags.ok_or("it has no state of termination")?;
    let connections = words.next().filter(|it| it.split('/').count() == 5);
    let retries = connections.and_then(|it| it.rsplit('/').next());
    // The first server failed, and the line names the second.
    if retries.ok_or("it has no counts of connections")?.starts_with('+') {
        return Err("it went to another server after a failure, which it does not name");
    }
    let server = Some(server.to_owned()).filter(|name| !name.starts_with('<'));
    let end = end(flags.as_bytes(), status, server.is_some());
    let [_, waited, connected, answered, total] = timers;
    let latency_ms = waited.zip(connected).zip(answered).map(|((a, b), c)| a + b + c);
    let total = i64::try_from(total.unwrap_or(0) / 1000).unwrap_or(0);
    Ok(Entry { at: began + total, server, status, latency_ms, end })
}

/// `TR/Tw/Tc/Tr/Ta` in milliseconds; those that were not reached are -1.
fn timers(text: &str) -> Option<[Option<u64>; 5]> {
    let mut timers = [None; 5];
    let mut parts = text.split('/');
    for timer in &mut timers {
        let part = parts.next()?;
        // A plus sign says that the log was written before the end.
        *timer =
            if part == "-1" { None } else { Some(seconds::digits(part.trim_start_matches('+'))?) };
    }
    parts.next().is_none().then_some(timers)
}

/// What the first two letters of the state say (8.5, "Session state at disconnection").
fn end(flags: &[u8], status: Option<u16>, has_server: bool) -> End {
    let is_fault = status.is_none_or(|status| status >= 500);
    if !has_server {
        return End::Nobodys;
    }
    match (flags[0], flags[1]) {
        // It ended well or the client went during the body, and the head said that it was a fault.
        (b'-', _) | (b'C' | b'c', b'D') if is_fault => End::Failed,
        (b'-', _) => End::Succeeded,
        (b'C' | b'c', _) => End::Aborted,
        // The server closed, refused, was too slow, gave an answer that is none, or was taken out.
        (b'S' | b's' | b'D', _) | (b'P', b'H') => End::Failed,
        _ => End::Nobodys,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &[u8] = include_bytes!("samples/haproxy-http.log");

    fn one(line: &str) -> Result<Entry, Unreadable> {
        parse(line.as_bytes(), &TimeZone::UTC)
    }

    /// The sample was written by HAProxy 2.6.12 between `curl` and two servers that answer, fail, are
    /// slow, break off and are away, each as its path says.
    #[test]
    fn real_lines_say_to_whom_a_request_went_and_how_it_ended() {
        let (read, unread) = super::super::tests::read(SAMPLE, |line| parse(line, &TimeZone::UTC));
        assert_eq!(unread, 0);
        let wanted = [
            "green 200 Succeeded",
            "blue 200 Succeeded",
            "green 500 Failed",
            "blue 500 Failed",
            "green 404 Succeeded",
            "blue 302 Succeeded",
            "green 504 Failed",
            "blue 200 Failed",
            "green 504 Failed",
            "green 503 Failed",
            "blue 200 Succeeded",
            "nobody 503 Nobodys",
            "green 200 Succeeded",
            "blue 200 Succeeded",
            "green 200 Succeeded",
            "blue 200 Succeeded",
            "blue 200 Aborted",
            "green 200 Succeeded",
            "nobody 400 Nobodys",
            "nobody 400 Nobodys",
            "green 504 Failed",
        ];
        assert_eq!(read, wanted);
    }

    #[test]
    fn a_request_counts_when_it_ended_and_has_the_latency_of_its_head() {
        let lines: Vec<_> = SAMPLE.split(|byte| *byte == b'\n').collect();
        let half = parse(lines[7], &TimeZone::UTC).unwrap();
        assert_eq!((half.at, half.latency_ms), (1_795_306_788, Some(12)));
        let slow = parse(lines[8], &TimeZone::UTC).unwrap();
        assert_eq!((slow.at, slow.latency_ms), (1_795_306_789, None));
        let prefixed =
            format!("Nov 22 00:19:47 host haproxy[77]: {}", String::from_utf8_lossy(lines[0]));
        assert_eq!(one(&prefixed), parse(lines[0], &TimeZone::UTC));
    }

    #[test]
    fn what_hides_a_failure_or_is_no_request_is_not_read() {
        let line = |place: &str, timers: &str, status: &str, state: &str, connections: &str| {
            one(&format!(
                "1.2.3.4:5 [22/Nov/2026:00:19:47.024] web {place} {timers} {status} 117 - - {state} \
                 {connections} 0/0 \"GET / HTTP/1.1\""
            ))
        };
        assert!(line("app/green", "0/0/0/1/1", "200", "----", "1/1/0/0/0").is_ok());
        for unreadable in [
            line("app/blue", "0/0/0/1/1", "200", "----", "1/1/0/0/+1"),
            line("app", "0/0/0/1/1", "200", "----", "1/1/0/0/0"),
            line("app/green", "0/0/1", "200", "----", "1/1/0/0/0"),
            line("app/green", "0/0/0/1/1", "99", "----", "1/1/0/0/0"),
            line("app/green", "0/0/0/1/1", "200", "-", "1/1/0/0/0"),
            line("app/green", "0/0/0/1/1", "200", "----", "1/1"),
            one("Server app/green is DOWN, reason: Layer4 connection problem"),
            one(""),
        ] {
            assert!(unreadable.is_err(), "{unreadable:?}");
        }
    }

    #[test]
    fn the_state_of_termination_says_whose_fault_it_was() {
        for (state, status, wanted) in [
            ("CD--", Some(500), End::Failed),
            ("CC--", Some(503), End::Aborted),
            ("cD--", Some(200), End::Aborted),
            ("CH--", None, End::Aborted),
            ("SH--", Some(502), End::Failed),
            ("PH--", Some(502), End::Failed),
            ("PR--", Some(403), End::Nobodys),
            ("RC--", Some(503), End::Nobodys),
            ("----", None, End::Failed),
        ] {
            assert_eq!(end(state.as_bytes(), status, true), wanted, "{state}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_bring_the_reader_down(line in prop::collection::vec(any::<u8>(), 0..300)) {
            let _any_answer = parse(&line, &TimeZone::UTC);
        }

        #[test]
        fn a_real_line_that_was_damaged_brings_nobody_down(
            index in 0_usize..21, at in 0_usize..150, byte in any::<u8>(), cut in 0_usize..200
        ) {
            let mut line = SAMPLE.split(|byte| *byte == b'\n').nth(index).unwrap().to_vec();
            if let Some(place) = line.get_mut(at) {
                *place = byte;
            }
            line.truncate(cut);
            let _any_answer = parse(&line, &TimeZone::UTC);
        }
    }
}
