//! A log as a source of counts: what each server did in each second, and which seconds are known whole.
//! Knows neither the form of a line nor what the counts are for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use towpath_core::deployment::Deployment;
use towpath_core::ids::LaneId;
use towpath_core::units::{Span, Timestamp};
use towpath_guard::{IntervalCounts, Tally};
use towpath_ports::metrics::{
    Blind, Counted, CountsQuestion, GaugeQuestion, Measured, MetricsSource, Pace,
};

use super::tail::Tail;
use super::{End, Entry, Unreadable};

/// Seconds that are remembered: an hour, far longer than any interval.
const SECONDS_KEPT: usize = 3600;
/// Servers that are told apart in one second; more are no servers of one service.
const SERVERS_MOST: usize = 256;
/// Seconds after which nothing more is expected of a moment, though nothing came later: writers that
/// buffer flush so often (nginx, `access_log ... flush=5s`).
const LATE_MOST: i64 = 5;
/// How much is shown of a line that cannot be read, in bytes.
const SHOWN_MOST: usize = 120;

/// How the lines of a log are read.
pub(super) trait Format: Send + Sync + 'static {
    /// What one line says.
    fn entry(&self, line: &[u8]) -> Result<Entry, Unreadable>;

    /// Whether the server of a line is a copy of this arm.
    fn is_of(&self, server: &str, lane: &LaneId, arm: &Deployment) -> bool;
}

/// One log.
pub(super) struct LogSource<Lines> {
    lines: Arc<Lines>,
    log: Arc<Mutex<Log>>,
}

impl<Lines: Format> LogSource<Lines> {
    /// The log at `path`. Opens nothing yet.
    pub(super) fn new(path: PathBuf, lines: Lines) -> Self {
        let log = Log { tail: Tail::new(path), seconds: BTreeMap::new(), since: None, left: 0 };
        Self { lines: Arc::new(lines), log: Arc::new(Mutex::new(log)) }
    }
}

#[async_trait]
impl<Lines: Format> MetricsSource for LogSource<Lines> {
    fn pace(&self) -> Pace {
        let five = Span::seconds(5);
        let late = Span::seconds(LATE_MOST.unsigned_abs());
        Pace { every: five, timeout: five, stale_after: Span::seconds(30), late }
    }

    async fn gauge(&self, _question: &GaugeQuestion) -> Result<Measured, Blind> {
        Err(Blind::Refused("a log counts requests and measures nothing".to_owned()))
    }

    async fn counts(&self, question: &CountsQuestion) -> Result<Counted, Blind> {
        let (lines, log) = (Arc::clone(&self.lines), Arc::clone(&self.log));
        let question = question.clone();
        let counted = tokio::task::spawn_blocking(move || {
            let mut log = log.lock().expect("no holder of this lock panics");
            log.catch_up(lines.as_ref())?;
            log.count(lines.as_ref(), &question)
        });
        let stopped = |_| Blind::Unavailable("the log could not be read to its end".to_owned());
        counted.await.map_err(stopped)?
    }
}

/// What is known of a log.
struct Log {
    tail: Tail,
    /// By the second in which requests ended.
    seconds: BTreeMap<i64, Second>,
    /// The first second that is known whole.
    since: Option<i64>,
    /// Bytes that are not read yet.
    left: u64,
}

/// What happened in one second.
#[derive(Default)]
struct Second {
    servers: BTreeMap<String, Tally>,
    unread: u64,
    first_unread: Option<String>,
}

impl Second {
    fn record(&mut self, entry: Entry) -> Result<(), Unreadable> {
        let failed = match entry.end {
            End::Succeeded => 0,
            End::Failed => 1,
            End::Aborted | End::Nobodys => return Ok(()),
        };
        let Some(server) = entry.server else { return Ok(()) };
        if !self.servers.contains_key(&server) && self.servers.len() >= SERVERS_MOST {
            return Err("it names one server too many");
        }
        let tally = self.servers.entry(server).or_default();
        tally.requests += 1;
        tally.failed += failed;
        Ok(())
    }
}

impl Log {
    /// Reads what is new. A line that cannot be read belongs to the newest second before it.
    fn catch_up(&mut self, lines: &dyn Format) -> Result<(), Blind> {
        let mut newest = self.seconds.keys().next_back().copied();
        let mut first = None;
        let mut read: Vec<(Option<i64>, Result<Entry, String>)> = Vec::new();
        let found = self.tail.read(&mut |line| match lines.entry(line) {
            Ok(entry) => {
                first.get_or_insert(entry.at);
                newest = Some(newest.map_or(entry.at, |newest| newest.max(entry.at)));
                read.push((Some(entry.at), Ok(entry)));
            }
            Err(why) => {
                let shown = crate::printable::escaped(&line[..line.len().min(SHOWN_MOST)]);
                read.push((newest, Err(format!("{why}: {shown}"))));
            }
        });
        let found = found.map_err(Blind::Unavailable)?;
        self.left = found.left;
        if found.is_anew {
            self.seconds.clear();
            self.since = None;
        }
        // The second in which reading begins may have begun before it.
        self.since = self.since.or(first.map(|first: i64| first.saturating_add(1)));
        for (at, one) in read {
            // What no second goes before is before the first that is known whole.
            if let Some(at) = at {
                self.note(at, one);
            }
        }
        if let Some(mut last) = self.seconds.last_entry() {
            last.get_mut().unread += found.too_long;
        }
        self.forget();
        Ok(())
    }

    fn note(&mut self, at: i64, one: Result<Entry, String>) {
        let second = self.seconds.entry(at).or_default();
        let unread = match one {
            Ok(entry) => second.record(entry).err().map(str::to_owned),
            Err(shown) => Some(shown),
        };
        if let Some(shown) = unread {
            second.unread += 1;
            second.first_unread.get_or_insert(shown);
        }
    }

    fn forget(&mut self) {
        while self.seconds.len() > SECONDS_KEPT {
            let Some((oldest, _)) = self.seconds.pop_first() else { break };
            self.since = self.since.map(|since| since.max(oldest.saturating_add(1)));
        }
    }

    fn count(&self, lines: &dyn Format, question: &CountsQuestion) -> Result<Counted, Blind> {
        let (from, until) = (second_from(question.from), second_until(question.until));
        self.ensure_whole(from, until, question.now)?;
        let mut counted = Counted::default();
        let mut requests = 0;
        for second in self.seconds.range(from..until).map(|(_, second)| second) {
            counted.unread += second.unread;
            if counted.first_unread.is_none() {
                counted.first_unread.clone_from(&second.first_unread);
            }
            for (server, tally) in &second.servers {
                requests += tally.requests;
                if let Some(arm) = arm_of(lines, question, server, &mut counted.counts) {
                    arm.requests += tally.requests;
                    arm.failed += tally.failed;
                }
            }
        }
        if requests == 0 {
            let unread = counted.unread;
            let what =
                format!("no request stands there in this time, and {unread} lines are no requests");
            return Err(Blind::Empty(what));
        }
        Ok(counted)
    }

    /// # Errors
    /// When the interval is not known from its beginning to its end.
    fn ensure_whole(&self, from: i64, until: i64, now: Timestamp) -> Result<(), Blind> {
        let unknown = |what: String| Err(Blind::Unavailable(what));
        if from >= until {
            return unknown("the interval holds no whole second".to_owned());
        }
        if self.left > 0 {
            return unknown(format!("{} bytes of the log are not read yet", self.left));
        }
        let Some(since) = self.since else {
            return Err(Blind::Empty("no line could be read".to_owned()));
        };
        if from < since {
            let lacks = since - from;
            return unknown(format!("the log begins {lacks} seconds after the interval does"));
        }
        let newest = self.seconds.keys().next_back().copied().unwrap_or(i64::MIN);
        if newest < until && second_until(now) < until.saturating_add(LATE_MOST) {
            return unknown("lines of the interval may still come".to_owned());
        }
        Ok(())
    }
}

/// The first whole second at or after this moment.
fn second_from(at: Timestamp) -> i64 {
    -(-at.0).div_euclid(1_000_000)
}

/// The second in which this moment lies.
fn second_until(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000_000)
}

fn arm_of<'a>(
    lines: &dyn Format,
    question: &CountsQuestion,
    server: &str,
    counts: &'a mut IntervalCounts,
) -> Option<&'a mut Tally> {
    let is_of = |arm: &Deployment| lines.is_of(server, &question.lane, arm);
    if is_of(&question.green) {
        Some(&mut counts.green)
    } else {
        question.blue.as_ref().is_some_and(is_of).then_some(&mut counts.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::Write as _;
    use towpath_core::deployment::Endpoint;
    use towpath_core::ids::{Digest, Name, PromotionNumber, Version};
    use towpath_core::release::ReleaseRef;

    use crate::metrics::KINDS;
    use crate::question::testing::site;

    /// 2026-11-22T00:00:00Z.
    const BEGIN: i64 = 1_795_305_600;

    fn haproxy(second: i64, server: &str, status: u16) -> String {
        let (minute, second) = (second / 60, second % 60);
        format!(
            "1.2.3.4:5 [22/Nov/2026:00:{minute:02}:{second:02}.000] web app/{server} 0/0/0/1/1 {status} 117 \
             - - ---- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"\n"
        )
    }

    fn arm(version: &str, port: u16) -> Deployment {
        let version = Version::new(version).unwrap();
        let release = ReleaseRef { version, digest: Digest::of(b"") };
        let endpoints = vec![Endpoint { instance: 1, address: ([127, 0, 0, 1], port).into() }];
        Deployment { number: PromotionNumber(1), release, capacity: 1, endpoints }
    }

    /// About these seconds of the log.
    fn about(from: i64, until: i64) -> CountsQuestion {
        let at = |second: i64| Timestamp((BEGIN + second) * 1_000_000);
        CountsQuestion {
            lane: LaneId {
                service: Name::new("api").unwrap(),
                environment: Name::new("live").unwrap(),
            },
            green: arm("2.0.0", 18081),
            blue: Some(arm("1.0.0", 18082)),
            from: at(from),
            until: at(until),
            now: at(until + 60),
        }
    }

    struct World {
        folder: tempfile::TempDir,
        source: Arc<dyn MetricsSource>,
    }

    impl World {
        fn new(kind: &str, more: &serde_json::Value) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let entry = KINDS.iter().find(|one| one.entry.name == kind).unwrap().entry;
            let mut given = json!({ "path": "log" });
            given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let checked = towpath_ports::settings::check(&entry, &given).unwrap();
            let source = crate::build(KINDS, kind, &checked, &site(folder.path(), 1)).unwrap();
            Self { folder, source }
        }

        fn haproxy() -> Self {
            Self::new("haproxy-log", &json!({ "server": "api-{version}" }))
        }

        fn append(&self, text: &str) {
            let path = self.folder.path().join("log");
            let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        async fn counts(&self, from: i64, until: i64) -> Result<Counted, Blind> {
            self.source.counts(&about(from, until)).await
        }
    }

    fn tally(requests: u64, failed: u64) -> Tally {
        Tally { requests, failed }
    }

    #[tokio::test]
    async fn each_arm_has_what_ended_in_the_interval_and_strangers_have_nothing() {
        let world = World::haproxy();
        for second in 0..30 {
            world.append(&haproxy(second, "api-1.0.0", 200));
            world.append(&haproxy(second, "api-2.0.0", if second % 2 == 0 { 500 } else { 200 }));
            world.append(&haproxy(second, "api-0.9.0", 500));
        }
        let counted = world.counts(10, 20).await.unwrap();
        assert_eq!(counted.counts, IntervalCounts { green: tally(10, 5), blue: tally(10, 0) });
        assert_eq!((counted.unread, counted.first_unread), (0, None));
        assert_eq!(
            world.counts(10, 20).await.unwrap().counts.green,
            tally(10, 5),
            "again the same"
        );
    }

    #[tokio::test]
    async fn broken_lines_are_counted_and_the_first_is_shown_and_stop_nothing() {
        let world = World::haproxy();
        world.append(&haproxy(0, "api-1.0.0", 200));
        world.append(&haproxy(5, "api-2.0.0", 200));
        world.append("Server app/green is DOWN\x1b[2J\nbroken\n\n");
        world.append(&haproxy(6, "api-2.0.0", 200));
        world.append(&haproxy(20, "api-2.0.0", 200));
        let counted = world.counts(1, 10).await.unwrap();
        assert_eq!((counted.counts.green, counted.unread), (tally(2, 0), 2));
        let shown = counted.first_unread.unwrap();
        assert!(shown.starts_with("it has no moment in brackets: Server app/green"), "{shown}");
        assert!(!shown.contains('\x1b'));
    }

    #[tokio::test]
    async fn what_is_not_known_whole_is_blindness() {
        let world = World::haproxy();
        assert!(
            matches!(world.counts(1, 10).await, Err(Blind::Unavailable(_))),
            "there is no file"
        );
        world.append("");
        assert!(matches!(world.counts(1, 10).await, Err(Blind::Empty(_))), "it is empty");
        world.append("broken\n");
        assert!(matches!(world.counts(1, 10).await, Err(Blind::Empty(_))), "nothing can be read");
        world.append(&haproxy(5, "api-2.0.0", 200));
        assert!(matches!(world.counts(1, 10).await, Err(Blind::Unavailable(_))), "it begins later");
        assert!(matches!(world.counts(6, 10).await, Err(Blind::Empty(_))), "nobody came");
        world.append(&haproxy(7, "api-2.0.0", 200));
        let early = CountsQuestion { now: about(6, 11).until, ..about(6, 10) };
        assert!(
            matches!(world.source.counts(&early).await, Err(Blind::Unavailable(_))),
            "more may come"
        );
        assert_eq!(world.counts(6, 10).await.unwrap().counts.green, tally(1, 0));
        assert!(matches!(world.counts(6, 6).await, Err(Blind::Unavailable(_))), "no second");
        let question = GaugeQuestion { query: "x".to_owned(), now: about(0, 1).now };
        assert!(matches!(world.source.gauge(&question).await, Err(Blind::Refused(_))));
    }

    #[tokio::test]
    async fn an_interval_over_a_rotation_is_blind_and_the_next_is_not() {
        let world = World::haproxy();
        (0..10).for_each(|second| world.append(&haproxy(second, "api-2.0.0", 200)));
        assert!(world.counts(1, 9).await.is_ok());
        std::fs::remove_file(world.folder.path().join("log")).unwrap();
        (12..30).for_each(|second| world.append(&haproxy(second, "api-2.0.0", 500)));
        assert!(matches!(world.counts(5, 20).await, Err(Blind::Unavailable(_))));
        assert_eq!(world.counts(13, 20).await.unwrap().counts.green, tally(7, 7));
    }

    #[tokio::test]
    async fn copies_behind_nginx_are_recognised_by_their_address() {
        let world = World::new("nginx-log", &json!({ "format": "json" }));
        world.append(include_str!("samples/nginx-timed.log"));
        let blind = world.counts(1183, 1187).await;
        assert!(matches!(blind, Err(Blind::Empty(_))), "lines of another format: {blind:?}");
        let sample = include_bytes!("samples/nginx-json.log");
        std::fs::write(world.folder.path().join("log"), sample).unwrap();
        let counted = world.counts(1184, 1188).await.unwrap();
        // From the second after the first on: 18081 is green.
        assert_eq!(counted.counts, IntervalCounts { green: tally(2, 1), blue: tally(6, 0) });
    }

    #[test]
    fn moments_are_rounded_into_the_interval() {
        assert_eq!((second_from(Timestamp(1_000_001)), second_from(Timestamp(2_000_000))), (2, 2));
        assert_eq!(
            (second_until(Timestamp(1_999_999)), second_until(Timestamp(2_000_000))),
            (1, 2)
        );
    }
}
