//! What a project did a few times, read back from its journal, with the places at which copies differ. Writes
//! nothing.

use serde_json::Value;

use crate::writing::{Database, Row};

/// An event that copies are made of.
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) actor: String,
    pub(crate) body: Text,
}

/// All that copies are made of.
pub(crate) struct Found {
    /// The last promotion that was carried into the lane.
    pub(crate) promotion: Value,
    /// Its events, in order.
    pub(crate) events: Vec<Event>,
    /// Its release.
    pub(crate) release: Value,
    /// The lane as it stands.
    pub(crate) lane: Text,
    /// The counters of the project.
    pub(crate) project: Value,
    pub(crate) project_version: i64,
    /// Releases that there are.
    pub(crate) releases: u64,
    /// The last promotion of all.
    pub(crate) last: u64,
    /// The end of the chain.
    pub(crate) seq: i64,
    pub(crate) hash: String,
}

/// A place at which copies differ.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    Lane,
    Service,
    Environment,
    Number,
    Version,
    Digest,
}

/// What stands there in one copy.
pub(crate) struct Own<'a> {
    pub(crate) service: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) number: u64,
    pub(crate) version: &'a str,
    pub(crate) digest: &'a str,
}

/// A text, cut at the places at which copies differ.
pub(crate) struct Text {
    parts: Vec<(String, Option<Slot>)>,
}

impl Text {
    fn new(text: &str, needles: &[(String, Slot)]) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let next = needles.iter().filter_map(|(needle, slot)| {
                Some((rest.find(needle.as_str())?, needle.len(), *slot))
            });
            // Of two that begin at one place the longer one is meant.
            let next = next.min_by_key(|(at, length, _)| (*at, usize::MAX - length));
            let Some((at, length, slot)) = next else { break };
            parts.push((rest[..at].to_owned(), Some(slot)));
            rest = &rest[at + length..];
        }
        parts.push((rest.to_owned(), None));
        Self { parts }
    }

    /// The text of one copy.
    pub(crate) fn of(&self, own: &Own<'_>) -> String {
        let mut text = String::with_capacity(1024);
        for (before, slot) in &self.parts {
            text.push_str(before);
            match slot {
                Some(Slot::Lane) => {
                    text.extend([own.service, "/", own.environment]);
                }
                Some(Slot::Service) => text.extend(["\"", own.service, "\""]),
                Some(Slot::Environment) => text.extend(["\"", own.environment, "\""]),
                Some(Slot::Number) => text.push_str(&own.number.to_string()),
                Some(Slot::Version) => text.extend(["\"", own.version, "\""]),
                Some(Slot::Digest) => text.push_str(own.digest),
                None => {}
            }
        }
        text
    }
}

impl Found {
    /// Reads all of it.
    pub(crate) async fn read(database: &mut Database, lane: &str) -> Self {
        let rows = database.rows("SELECT number, body FROM promotions ORDER BY number DESC").await;
        let last = rows.first().expect("something was promoted").number();
        let own = rows.iter().find(|row| is_into(&row.json(), lane));
        let row = own.expect("the lane has a promotion that succeeded");
        let (number, promotion) = (row.number(), row.json());
        let text = |name: &str| promotion[name].as_str().expect("a view has it").to_owned();
        let (service, version) = (text("service"), text("release"));
        let mut needles = vec![
            (lane.to_owned(), Slot::Lane),
            (format!("\"{service}\""), Slot::Service),
            (format!("\"{}\"", text("to")), Slot::Environment),
            (format!("\"{version}\""), Slot::Version),
            (text("digest"), Slot::Digest),
        ];
        let numbered = |text: &str| {
            // A number alone could stand for anything: it is one of a promotion behind these names.
            let mut text = text.to_owned();
            for name in ["number", "promotion", "deployment"] {
                for end in [",", "}"] {
                    let from = format!("\"{name}\":{number}{end}");
                    text = text.replace(&from, &format!("\"{name}\":\u{1}{end}"));
                }
            }
            text
        };
        needles.push(("\u{1}".to_owned(), Slot::Number));
        let mut events = Vec::new();
        let sql = format!(
            "SELECT seq, body, kind, actor FROM events WHERE promotion = {number} ORDER BY seq"
        );
        for row in database.rows(&sql).await {
            let body = Text::new(&numbered(&row.body), &needles);
            events.push(Event { kind: row.more[0].clone(), actor: row.more[1].clone(), body });
        }
        let state = async |database: &mut Database, key: &str| {
            let sql = format!("SELECT version, body FROM states WHERE key = '{key}'");
            database.rows(&sql).await.pop().unwrap_or_else(|| panic!("there is no state {key}"))
        };
        let release = state(database, &format!("release:{service}/{version}")).await.json();
        let lane = Text::new(&numbered(&state(database, lane).await.body), &needles);
        let project: Row = state(database, "project").await;
        let sql = "SELECT count(*), '{}' FROM states WHERE key LIKE 'release:%'";
        let releases = database.rows(sql).await[0].number();
        let head = database.rows("SELECT seq, hash FROM head").await.pop().expect("a head");
        Self {
            promotion,
            events,
            release,
            lane,
            project_version: project.signed(),
            project: project.json(),
            releases,
            last,
            seq: head.signed(),
            hash: head.body,
        }
    }
}

/// Whether it was carried there and serves.
fn is_into(view: &Value, lane: &str) -> bool {
    let there =
        format!("{}/{}", view["service"].as_str().unwrap_or(""), view["to"].as_str().unwrap_or(""));
    there == lane && view["kind"] == "promote" && view["outcome"] == "succeeded"
}
