//! The copies: which release went where, when, and how it ended. Owns that; knows no SQL.

use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use towpath_audit::chain::link;
use towpath_core::ids::{Digest, Name};
use towpath_ports::store::WrittenEvent;

use crate::template::{Found, Own};
use crate::writing::{AT_ONCE, Batch};

/// How far back they reach: 500 lanes with some three promotions a day each.
const DAYS: i64 = 720;
const MICROSECONDS: i64 = 1_000_000;
/// Of so many promotions, the newest, all events are copied; of the others those that are counted.
const WHOLE: u64 = 20_000;
/// Events that figures are counted from.
const COUNTED: [&str; 5] =
    ["instances-ready", "weight-ordered", "commit-ordered", "approval-given", "promotion-ended"];

/// How much there is afterwards.
pub(crate) struct Size {
    pub(crate) services: Vec<String>,
    pub(crate) environments: Vec<String>,
    pub(crate) releases: u64,
    pub(crate) promotions: u64,
}

/// All of them.
pub(crate) struct Copies {
    found: Found,
    size: Size,
    now: i64,
    /// Digests of releases, by their place from 0.
    digests: Vec<String>,
}

/// One promotion.
struct One<'a> {
    service: &'a str,
    environment: &'a str,
    number: u64,
    version: String,
    digest: &'a str,
    before: Option<String>,
    outcome: &'static str,
    is_back: bool,
    requested: i64,
    started: i64,
    ended: i64,
}

impl Copies {
    pub(crate) fn new(found: Found, size: Size, project: &Name, now: i64) -> Self {
        let of = |at: u64| Digest::of(format!("{project} {at}").as_bytes()).to_string();
        let digests = (0..size.releases).map(of).collect();
        Self { found, size, now, digests }
    }

    /// Sends all rows, in batches.
    pub(crate) fn send(&self, to: &Sender<Batch>) {
        self.releases(to);
        self.promotions(to);
        self.lanes(to);
        let mut project = self.found.project.clone();
        project["last_promotion"] = json!(self.size.promotions);
        let row = ("project".to_owned(), self.found.project_version + 1, project.to_string());
        give(to, Batch::States(vec![row]));
    }

    fn moment(&self, part: u64, of: u64) -> i64 {
        let part = i64::try_from(of - part).expect("below the whole");
        let of = i64::try_from(of.max(1)).expect("a count");
        // The last one ended an hour ago.
        self.now - 3_600 * MICROSECONDS - DAYS * 86_400 * MICROSECONDS / of * part
    }

    fn releases(&self, to: &Sender<Batch>) {
        let mut rows = Vec::new();
        for at in 0..self.size.releases {
            let mut body = self.found.release.clone();
            let (service, version) = self.release(at);
            let value = &mut body["value"];
            value["service"] = json!(service);
            value["version"] = json!(version);
            value["digest"] = json!(self.digests[usize::try_from(at).expect("small")]);
            value["created_at"] = json!(self.moment(at, self.size.releases));
            body["number"] = json!(self.found.releases + at + 1);
            rows.push((format!("release:{service}/{version}"), 1, body.to_string()));
            if rows.len() == AT_ONCE {
                give(to, Batch::States(std::mem::take(&mut rows)));
            }
        }
        give(to, Batch::States(rows));
    }

    /// Services take turns.
    fn release(&self, at: u64) -> (&str, String) {
        let services = self.size.services.len() as u64;
        let service = &self.size.services[usize::try_from(at % services).expect("small")];
        (service, format!("2.{}.{}", at / services / 100, at / services % 100))
    }

    fn one(&self, number: u64) -> One<'_> {
        let (services, environments) =
            (self.size.services.len() as u64, self.size.environments.len() as u64);
        let lane = number % (services * environments);
        let at_service = usize::try_from(lane % services).expect("small");
        let at_environment = usize::try_from(lane / services).expect("small");
        // What was newest when it was asked for.
        let own = (self.size.releases / services).max(1);
        let newest = (number * own / self.size.promotions).min(own - 1);
        let at = newest * services + at_service as u64;
        let (_, version) = self.release(at);
        let before = newest.checked_sub(1).map(|at| self.release(at * services).1);
        let outcome = match number % 50 {
            0 | 17 => "rolled_back",
            33 => "aborted",
            _ => "succeeded",
        };
        let requested = self.moment(number, self.size.promotions);
        // It ends before the next one is asked for: times do not go back along the chain.
        let room = self.moment(1, self.size.promotions) - self.moment(0, self.size.promotions);
        let part = |share: u64| room / 1_000 * i64::try_from(share).expect("small");
        let started = requested + part(20 + number % 80);
        One {
            service: &self.size.services[at_service],
            environment: &self.size.environments[at_environment],
            number,
            version,
            digest: &self.digests[usize::try_from(at).expect("small")],
            before,
            outcome,
            is_back: number % 100 == 51,
            requested,
            started,
            ended: started + part(100 + number * 7_919 % 700),
        }
    }

    fn promotions(&self, to: &Sender<Batch>) {
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        let mut seq = self.found.seq;
        let mut hash = Digest::new(&self.found.hash).expect("the head has a hash");
        for number in self.found.last + 1..=self.size.promotions {
            let one = self.one(number);
            rows.push(self.row(&one));
            for mut event in self.events(&one) {
                seq += 1;
                event.seq = seq;
                hash = link(&hash, &event);
                let lane = event.lane.unwrap_or_default();
                let promotion = event.promotion.unwrap_or_default();
                let row = (
                    seq,
                    event.at,
                    lane,
                    promotion,
                    event.actor,
                    event.kind,
                    event.body,
                    hash.to_string(),
                );
                events.push(row);
                if events.len() == AT_ONCE {
                    give(to, Batch::Events(std::mem::take(&mut events)));
                }
            }
            if rows.len() == AT_ONCE {
                give(to, Batch::Promotions(std::mem::take(&mut rows)));
            }
        }
        give(to, Batch::Promotions(rows));
        give(to, Batch::Events(events));
        give(to, Batch::Head(seq, hash.to_string()));
    }

    fn row(&self, one: &One<'_>) -> (i64, String, String, i64, i64, String) {
        let mut view = self.found.promotion.clone();
        let seconds = (one.ended - one.started) / MICROSECONDS;
        for (name, value) in [
            ("number", json!(one.number)),
            ("kind", json!(if one.is_back { "rollback" } else { "promote" })),
            ("service", json!(one.service)),
            ("to", json!(one.environment)),
            ("release", json!(one.version)),
            ("digest", json!(one.digest)),
            ("replaces", json!(one.before)),
            ("state", json!(one.outcome)),
            ("outcome", json!(one.outcome)),
            ("requested_at", time(one.requested)),
            ("started_at", time(one.started)),
            ("ended_at", time(one.ended)),
            ("seconds", json!(seconds)),
        ] {
            view[name] = value;
        }
        let number = i64::try_from(one.number).expect("small");
        let lane = format!("{}/{}", one.service, one.environment);
        (number, lane, one.outcome.to_owned(), one.requested, one.ended, view.to_string())
    }

    /// Those of the newest promotions are all there.
    fn events(&self, one: &One<'_>) -> Vec<WrittenEvent> {
        let is_whole = one.number + WHOLE > self.size.promotions;
        let own = Own {
            service: one.service,
            environment: one.environment,
            number: one.number,
            version: &one.version,
            digest: one.digest,
        };
        let templates = &self.found.events;
        let copied = templates.iter().filter(|it| is_whole || COUNTED.contains(&it.kind.as_str()));
        let count = i64::try_from(templates.len().max(2)).expect("small");
        let each = (one.ended - one.requested) / count;
        let event = |(at, it): (i64, &crate::template::Event)| WrittenEvent {
            seq: 0,
            at: one.requested + each * at,
            lane: Some(format!("{}/{}", one.service, one.environment)),
            promotion: i64::try_from(one.number).ok(),
            actor: it.actor.clone(),
            kind: it.kind.clone(),
            body: match it.kind.as_str() {
                "promotion-ended" => ended(&it.body.of(&own), one.outcome),
                _ => it.body.of(&own),
            },
            hash: String::new(),
        };
        (1..).zip(copied).map(event).collect()
    }

    /// Each lane as its last promotion left it, but for those of the last environment, in which nothing runs.
    fn lanes(&self, to: &Sender<Batch>) {
        let lanes = (self.size.services.len() * self.size.environments.len()) as u64;
        let first = (self.size.promotions + 1).saturating_sub(lanes).max(self.found.last + 1);
        let row = |number: u64| {
            let one = self.one(number);
            let own = Own {
                service: one.service,
                environment: one.environment,
                number,
                version: &one.version,
                digest: one.digest,
            };
            // A row that is there already is of the lane that was copied.
            (format!("{}/{}", one.service, one.environment), 1, self.found.lane.of(&own))
        };
        let idle = self.size.environments.last();
        let is_idle =
            |number: &u64| Some(self.one(*number).environment) == idle.map(String::as_str);
        let rows =
            (first..=self.size.promotions).filter(|number| !is_idle(number)).map(row).collect();
        give(to, Batch::States(rows));
    }
}

/// The words that it ended with.
fn ended(body: &str, outcome: &str) -> String {
    let mut body: Value = serde_json::from_str(body).expect("an event is JSON");
    body["outcome"] = json!(outcome);
    body.to_string()
}

fn time(at: i64) -> Value {
    let at = jiff::Timestamp::from_microsecond(at).expect("within some years");
    json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn give(to: &Sender<Batch>, batch: Batch) {
    let is_empty = match &batch {
        Batch::Events(rows) => rows.is_empty(),
        Batch::Promotions(rows) => rows.is_empty(),
        Batch::States(rows) => rows.is_empty(),
        Batch::Head(..) => false,
    };
    if !is_empty {
        to.blocking_send(batch).expect("somebody writes");
    }
}
