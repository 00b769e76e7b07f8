//! Sample styles, views and events for the tests of reports; their figures are those of one story:
//! SoundBite's promotion 148 carries 1.5.0 into production on Tuesday, 12 January 2027.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use towpath_core::ids::{Digest, Name, Person, PromotionNumber, Version};
use towpath_core::journal::{Event, Requested};
use towpath_core::plan::Plan;
use towpath_core::promotion::state::{Kind, Lane, Outcome};
use towpath_core::release::ReleaseRef;
use towpath_core::units::Timestamp as Moment;
use towpath_engine::views::{EarliestView, LaneView, PlanView, PromotionView, Status};
use towpath_guard::{Evidence, Probes, Standing, Verdict};
use towpath_ports::store::EventRow;

use crate::report::story::Story;
use crate::report::style::{Services, Style};

/// A terminal of 100 columns in UTC, without colours, at `now`.
pub(crate) fn terminal(now: &str) -> Style {
    Style {
        ascii: false,
        colour: false,
        width: Some(100),
        local_time_zone: Some(TimeZone::UTC),
        now: now.parse().expect("RFC 3339"),
        services: Services::default(),
    }
}

/// No terminal, at `now`.
pub(crate) fn plain(now: &str) -> Style {
    Style::plain(now.parse::<Timestamp>().expect("RFC 3339"))
}

/// Microseconds since 1970 of 12 January 2027 at `time`.
pub(crate) fn at(time: &str) -> Moment {
    let text = format!("2027-01-12T{time}Z");
    Moment(text.parse::<Timestamp>().expect("a time of day").as_microsecond())
}

/// A digest that begins with `digits`.
pub(crate) fn digest(digits: &str) -> Digest {
    Digest::new(&format!("sha256:{digits:0<64}")).expect("hexadecimal digits")
}

/// Promotion 148 as it was asked for.
pub(crate) fn promotion() -> PromotionView {
    let check = |list: &str, title: &str| json!({ "list": list, "title": title, "kind": "attested", "state": "pass", "sentence": null });
    serde_json::from_value(json!({
        "number": 148, "kind": "promote", "service": "api", "from": "staging", "to": "production",
        "release": "1.5.0", "digest": digest("41d9c7e07a2b"), "replaces": "1.4.2", "by": "ada",
        "reason": null, "state": "baking", "outcome": null, "sentence": null, "said": [],
        "plan": "7f3a91c20be4",
        "steps": [
            { "weight": 0.01, "bake_seconds": 180.0 }, { "weight": 0.1, "bake_seconds": 300.0 },
            { "weight": 0.5, "bake_seconds": 300.0 }, { "weight": 1.0, "bake_seconds": 300.0 },
        ],
        "step": 1, "baked_seconds": 167.2, "held": false, "weight": 0.1,
        "checks": [
            check("prerequisites", "User acceptance testing complete"),
            check("prerequisites", "Performance testing complete"),
            check("prerequisites", "Security testing complete"),
            check("validation", "Production environment ready"),
            check("validation", "All tests passing"),
        ],
        "evidence": {
            "green": { "requests": 1671, "failed": 1, "p99_ms": 212.0 },
            "blue": { "requests": 15029, "failed": 8, "p99_ms": 208.0 },
        },
        "verdict": {
            "standing": "undecided",
            "sentence": "green failed 1 of 1,671 requests while blue failed 8 of 15,029",
        },
        "paused": null, "waits_for": [], "requested_at": "2027-01-12T14:20:03Z",
        "started_at": "2027-01-12T14:20:03Z", "ended_at": null, "seconds": 523.0,
        "harmed_requests": 0, "rescued_requests": 1, "quarantined": false,
        "standby_seconds": 86400.0,
    }))
    .expect("a promotion")
}

/// The same when it has ended.
pub(crate) fn ended(outcome: Outcome, time: &str, seconds: f64, sentence: &str) -> PromotionView {
    PromotionView {
        state: outcome.as_str().to_owned(),
        outcome: Some(outcome),
        sentence: Some(sentence.to_owned()),
        step: None,
        baked_seconds: None,
        verdict: None,
        ended_at: Some(format!("2027-01-12T{time}Z")),
        seconds: Some(seconds),
        ..promotion()
    }
}

/// An ordered rollback from 1.5.1 to 1.4.2 that succeeded.
pub(crate) fn rollback(reason: Option<&str>) -> PromotionView {
    PromotionView {
        number: 153,
        kind: Kind::Rollback,
        from: None,
        release: "1.4.2".to_owned(),
        replaces: Some("1.5.1".to_owned()),
        by: "chen".to_owned(),
        reason: reason.map(str::to_owned),
        requested_at: "2027-01-12T15:12:40Z".to_owned(),
        checks: Vec::new(),
        steps: Vec::new(),
        quarantined: true,
        ..ended(Outcome::Succeeded, "15:12:40", 0.3, "1.4.2 serves")
    }
}

fn plan_of(kind: Kind) -> Plan {
    let text = include_str!("samples.yaml");
    let catalogue = crate::wiring::catalogue();
    let checked = towpath_config::parse("towpath.yaml", text.as_bytes(), &catalogue);
    assert_eq!(checked.errors, [], "the sample matrix is right");
    let matrix = checked.matrix.expect("a matrix without errors");
    let name = |text: &str| Name::new(text).expect("a name");
    let id = towpath_core::ids::LaneId { service: name("api"), environment: name("production") };
    let (_, section) = matrix.lane(&id).expect("the lane is declared");
    let release = |version: &str, digits: &str| ReleaseRef {
        version: Version::new(version).expect("a version"),
        digest: digest(digits),
    };
    let mut plan = Plan::new(&Lane::new(id), kind, release("1.5.0", "41d9c7e07a2b"), section, &[]);
    plan.blue = Some(release("1.4.2", "b2c40f19d3aa"));
    plan.steps.clone_from(&section.rollout.steps);
    plan
}

/// The hash of promotion 148's plan, which changes whenever a plan's form does.
pub(crate) fn plan_hash() -> String {
    plan_of(Kind::Promote).hash().short().to_owned()
}

/// One event of promotion 148.
pub(crate) fn row(seq: u64, time: &str, event: &Event) -> EventRow {
    EventRow {
        seq,
        at: at(time),
        lane: None,
        promotion: Some(PromotionNumber(148)),
        actor: "ada".to_owned(),
        kind: event.kind().to_owned(),
        body: serde_json::to_value(event).expect("plain data"),
        hash: digest("00"),
    }
}

/// An event by its stored form, where the type has more than a reader wants to see.
fn stored(seq: u64, time: &str, body: Value) -> EventRow {
    let event: Event = serde_json::from_value(body).expect("an event");
    row(seq, time, &event)
}

/// A verdict with these counts.
pub(crate) fn verdict(
    standing: Standing,
    sentence: &str,
    green: (u64, u64),
    blue: (u64, u64),
) -> Verdict {
    Verdict {
        standing,
        sentence: sentence.to_owned(),
        evidence: Evidence {
            green_requests: green.1,
            green_failed: green.0,
            blue_requests: blue.1,
            blue_failed: blue.0,
            probes: Probes::default(),
            ..Evidence::default()
        },
    }
}

/// Promotion 148 up to 10%, event by event.
pub(crate) fn beginning() -> Vec<EventRow> {
    let number = PromotionNumber(148);
    let requested = Requested {
        number,
        plan: plan_of(Kind::Promote),
        from: Some(Name::new("staging").expect("a name")),
        offered_by: None,
        by: Person::new("ada").expect("a name"),
        behind: Vec::new(),
        reason: None,
        bound_to_plan: false,
        overrides_window: false,
        signed: None,
        trace: None,
        deadline: at("23:00:00"),
        irreversible: false,
    };
    let not_proven = verdict(Standing::Undecided, "too few to prove it", (0, 178), (9, 17_822));
    let weight = |event: &str, step: usize, share: u32| {
        let mut body = json!({ "event": event, "number": 148, "step": step, "weight": share });
        if event == "weight-ordered" {
            body["command"] = json!(step + 2);
            body["revision"] = json!(step + 1);
        }
        body
    };
    let endpoints: Vec<Value> = (1..=4)
        .map(|one| json!({ "instance": one, "address": format!("127.0.0.1:{}", 4000 + one) }))
        .collect();
    let green = json!({
        "number": 148, "capacity": 4, "endpoints": endpoints,
        "release": { "version": "1.5.0", "digest": digest("41d9c7e07a2b") },
    });
    vec![
        row(10, "14:20:03", &Event::PromotionRequested(Box::new(requested))),
        stored(
            11,
            "14:20:03",
            json!({ "event": "promotion-started", "number": 148, "command": 1, "blue": null }),
        ),
        stored(
            12,
            "14:20:44",
            json!({
                "event": "instances-ready", "number": 148, "green": green, "blue_ready": true,
            }),
        ),
        stored(13, "14:22:56", weight("weight-ordered", 0, 100)),
        stored(14, "14:22:57", weight("weight-observed", 0, 100)),
        row(15, "14:25:57", &Event::StepPassed { number, step: 0, verdict: Some(not_proven) }),
        stored(16, "14:25:57", weight("weight-ordered", 1, 1000)),
        stored(17, "14:25:58", weight("weight-observed", 1, 1000)),
    ]
}

/// What the guard said about promotion 148.
pub(crate) const CONDEMNED: &str = "green failed 6 of 48 requests while blue failed 1 of 437; by chance less than once in 16,000 rollouts";

/// Promotion 148 to its end, thrown out at 10%.
pub(crate) fn thrown_out() -> Vec<EventRow> {
    let number = PromotionNumber(148);
    let unhealthy = verdict(Standing::Unhealthy, CONDEMNED, (6, 48), (1, 437));
    let mut rows = beginning();
    rows.extend([
        row(18, "14:27:36", &Event::Condemned { number, verdict: unhealthy }),
        stored(19, "14:27:36", json!({
            "event": "return-ordered", "number": 148, "command": 4, "revision": 3,
            "ending": { "outcome": "rolled_back", "sentence": CONDEMNED, "said": [], "quarantine": true },
        })),
        row(20, "14:27:36.012", &Event::TrafficReturned { number }),
        stored(21, "14:27:36.012", json!({
            "event": "promotion-ended", "number": 148, "outcome": "rolled_back", "sentence": CONDEMNED,
        })),
    ]);
    rows
}

/// Promotion 148 to its end when all goes well.
pub(crate) fn carried() -> Vec<EventRow> {
    let mut rows = beginning();
    let number = PromotionNumber(148);
    for (step, time, standing) in [
        (1, "14:30:58", Standing::Undecided),
        (2, "14:36:00", Standing::Healthy),
        (3, "14:41:06", Standing::Healthy),
    ] {
        let verdict = verdict(standing, "no more failures than blue", (2, 3000), (5, 9000));
        rows.push(row(20, time, &Event::StepPassed { number, step, verdict: Some(verdict) }));
    }
    let blue = json!({
        "number": 131, "capacity": 4, "endpoints": [],
        "release": { "version": "1.4.2", "digest": digest("b2c40f19d3aa") },
    });
    let until = Moment(at("14:41:07").0 + 24 * 3_600_000_000);
    rows.push(stored(
        24,
        "14:41:07",
        json!({
            "event": "committed", "number": 148, "deployment": blue, "standby": [blue, until],
        }),
    ));
    rows.push(stored(25, "14:41:07", json!({
        "event": "promotion-ended", "number": 148, "outcome": "succeeded", "sentence": "1.5.0 serves",
    })));
    rows
}

/// The story that events tell.
pub(crate) fn story(rows: &[EventRow]) -> Story {
    let mut story = Story::default();
    for row in rows {
        story.apply(row);
    }
    story
}

/// A lane that serves `release` since `since`, all well.
pub(crate) fn lane(environment: &str, release: &str, since: &str, endpoints: usize) -> LaneView {
    let tier = match environment {
        "production" => "production",
        "staging" => "staging",
        _ => "development",
    };
    let state = if endpoints == 0 { "unknown" } else { "healthy" };
    let asked = (endpoints > 0).then_some("2027-01-12T15:30:48Z");
    serde_json::from_value(json!({
        "service": "api", "environment": environment, "tier": tier,
        "serves": {
            "release": release, "digest": digest("b2c40f19d3aa"), "since": since, "promotion": 131,
        },
        "weights": { "blue": 1.0, "green": 0.0 }, "standby": null,
        "health": { "state": state, "endpoints": endpoints, "failing": [], "at": asked },
        "promotion": null, "more_waiting": 0, "verified": [release], "quarantined": [], "asks": null, "owes": [],
    }))
    .expect("a lane")
}

/// Promotion 149, which waits for two things.
pub(crate) fn waiting() -> PromotionView {
    PromotionView {
        number: 149,
        release: "1.5.1".to_owned(),
        state: "waiting".to_owned(),
        step: None,
        baked_seconds: None,
        weight: 0.0,
        verdict: None,
        started_at: None,
        seconds: None,
        requested_at: "2027-01-12T15:02:10Z".to_owned(),
        earliest_start: Some(EarliestView {
            at: Some("2027-01-13T06:00:00Z".to_owned()),
            after: vec!["Performance testing complete passes".to_owned()],
        }),
        waits_for: serde_json::from_value(json!([
            {
                "what": "check", "sentence": "Performance testing complete: nobody has attested it",
                "who": ["qa", "devops"], "until": null,
                "next": [{
                    "command": "towpath attest production \"Performance testing complete\" --release 1.5.1",
                    "what": "once it is done",
                }],
            },
            {
                "what": "check", "sentence": "Soak in staging: 51m left", "who": [],
                "until": "2027-01-12T16:22:00Z",
                "next": [{ "command": "towpath logs 149", "what": "what it said" }],
            },
        ]))
        .expect("blockers"),
        ..promotion()
    }
}

/// What serves where on Tuesday at 15:31.
pub(crate) fn status() -> Status {
    let mut production = lane("production", "1.4.2", "2027-01-09T14:00:02Z", 5);
    production.promotion = Some(waiting());
    production.quarantined = serde_json::from_value(json!([{
        "service": "api", "environment": "production", "release": "1.5.0", "digest": digest("41d9c7e07a2b"),
        "promotion": 148, "reason": CONDEMNED, "since": "2027-01-12T14:27:36Z",
    }]))
    .expect("a quarantine");
    Status {
        format: 1,
        project: "soundbite".to_owned(),
        rehearsal: None,
        at: "2027-01-12T15:31:08Z".to_owned(),
        engine: serde_json::from_value(json!({ "running": true, "since": "2027-01-09T13:20:11Z" }))
            .expect("an engine"),
        frozen: Vec::new(),
        dead_notices: 0,
        following: None,
        lanes: vec![
            lane("dev-localstack", "1.6.0", "2027-01-12T14:50:02Z", 0),
            lane("staging", "1.5.1", "2027-01-12T14:55:03Z", 4),
            production,
        ],
    }
}

/// The plan of promotion 148.
pub(crate) fn plan() -> PlanView {
    let check = |list: &str, title: &str, kind: &str, state: &str, sentence: Option<&str>| json!({ "list": list, "title": title, "kind": kind, "state": state, "sentence": sentence });
    let before = "prerequisites";
    serde_json::from_value(json!({
        "format": 1, "hash": digest("7f3a91c20be4"), "service": "api", "from": ["staging"],
        "to": "production", "tier": "production", "release": "1.5.0", "change_type": "feature",
        "author": "bilal", "commit": "9b1c7de04a1f", "verified": ["staging since 2027-01-11T18:05:00Z"],
        "replaces": ["1.4.2", "2027-01-09T14:00:02Z"],
        "settings_changed": ["AUDIO_BITRATE", "TTS_VOICE"], "migrations": 0, "retires": null,
        "prerequisites": [
            check(before, "User acceptance testing complete", "attested", "pass", Some("dora, today 09:12")),
            check(before, "Performance testing complete", "attested", "pending", Some("not attested; qa or devops can")),
            check(before, "Security testing complete", "junit", "pass", Some("2 reports: 0 high, 0 medium")),
        ],
        "validation": [
            check("validation", "Production environment ready", "http", "open", None),
            check("validation", "All tests passing", "http", "open", None),
        ],
        "instances": [4, 4],
        "steps": [
            { "weight": 0.01, "bake_seconds": 180.0 }, { "weight": 0.1, "bake_seconds": 300.0 },
            { "weight": 0.5, "bake_seconds": 300.0 }, { "weight": 1.0, "bake_seconds": 300.0 },
        ],
        "standby_seconds": 86400.0,
        "goes_back": ["errors above 5%", "p99 20% slower", "security-incident", "business-impact"],
        "without_evidence": "goes back (no requests and no probes for a whole step)",
        "served_again": "by 1.4.2: GET, HEAD and OPTIONS that 1.5.0 fails; never /checkout",
        "not_enforced": [
            "environments.production.alerting",
            "environments.production.gate.prerequisites.code-review.by",
            "notifiers",
        ],
        "unenforced": [
            { "path": "environments.production.alerting", "reason": "`alerting` is planned",
              "refuses": false, "kept": true },
            { "path": "environments.production.gate.prerequisites.code-review.by",
              "reason": "roles are not known", "refuses": false, "kept": false },
            { "path": "notifiers", "reason": "`notifiers` is planned", "refuses": false, "kept": true },
        ],
        "bake_seconds": 1080.0, "at": "2027-01-12T14:05:00Z",
    }))
    .expect("a plan")
}
