//! What is frozen and what windows hold, as people read it.

use serde_json::json;
use towpath_engine::views::{FreezeView, PlanView, QuietHourView, StartView, Status};

use crate::report::attendance::Attendance;
use crate::report::plan::Asked;
use crate::report::{frozen, plan, samples, status, why};

use super::both;

const NOW: &str = "2027-01-12T15:31:08Z";

fn of(environment: Option<&str>, service: Option<&str>, until: Option<&str>) -> FreezeView {
    serde_json::from_value(json!({
        "environment": environment, "service": service, "until": until, "by": "chen",
        "reason": "payment provider maintenance", "since": "2027-01-12T15:00:00Z", "except": [],
    }))
    .expect("a freeze")
}

fn maintenance() -> FreezeView {
    of(Some("production"), None, Some("2027-01-13T06:00:00Z"))
}

#[test]
fn what_is_frozen_stands_below_what_serves() {
    let hotfixes = FreezeView { except: vec!["hotfix".to_owned()], ..of(None, Some("api"), None) };
    let view = Status { frozen: vec![maintenance(), hotfixes], ..samples::status() };
    insta::assert_snapshot!(both(NOW, |style| status::text(&view, Attendance::Engine, style)));
}

#[test]
fn a_freeze_is_answered_with_what_it_does_and_does_not() {
    insta::assert_snapshot!(both(NOW, |style| (
        frozen::answer(&maintenance(), style),
        String::new()
    )));
}

/// As the engine says it.
fn holds() -> serde_json::Value {
    json!([
        {
            "what": "freeze",
            "sentence": "\"payment provider maintenance\", all of production, set by chen",
            "who": ["chen", "emil"], "until": "2027-01-13T06:00:00Z",
            "next": [{ "command": "towpath thaw production --reason \"REASON\"", "what": "ends it" }],
        },
        {
            "what": "window",
            "sentence": "no window of production is open: mon-thu 06:00-12:00 Europe/Berlin",
            "who": [], "until": "2027-01-13T05:00:00Z", "next": [],
        },
    ])
}

#[test]
fn a_plan_says_what_holds_it_and_when_it_may_start() {
    let view = PlanView {
        windows: vec!["mon-thu 06:00-12:00 Europe/Berlin".to_owned(), "never fri UTC".to_owned()],
        held: serde_json::from_value(holds()).expect("what holds it"),
        opens: Some("2027-01-13T06:00:00Z".to_owned()),
        ..samples::plan()
    };
    insta::assert_snapshot!(both(NOW, |style| plan::text(&view, Asked::default(), style)));
}

fn quiet_hour() -> QuietHourView {
    serde_json::from_value(json!({
        "best": { "at": "2027-01-13T02:00:00Z", "local": "Wed 2027-01-13 03:00 Europe/Berlin", "requests": 118 },
        "first": { "at": "2027-01-12T14:05:00Z", "local": "Tue 2027-01-12 15:05 Europe/Berlin", "requests": 9_136 },
        "usual": 4_010, "busiest": 9_412, "days": 28, "outlasts": false, "none_because": null,
    }))
    .expect("a quiet hour")
}

#[test]
fn a_plan_says_when_it_is_quiet_and_what_starting_now_meets() {
    let at_night = PlanView { quiet_hour: Some(quiet_hour()), ..samples::plan() };
    let by_windows = PlanView {
        quiet_hour: Some(QuietHourView {
            first: Some(StartView {
                at: "2027-01-13T08:00:00Z".to_owned(),
                local: "Wed 2027-01-13 09:00 Europe/Berlin".to_owned(),
                requests: 7_000,
            }),
            outlasts: true,
            ..quiet_hour()
        }),
        ..samples::plan()
    };
    let now = PlanView {
        quiet_hour: Some(QuietHourView { first: None, ..quiet_hour() }),
        at: "2027-01-13T02:00:00Z".to_owned(),
        ..samples::plan()
    };
    let none = PlanView {
        quiet_hour: Some(QuietHourView {
            best: None,
            none_because: Some("7 whole days of counts are needed, and 3 are kept".to_owned()),
            ..quiet_hour()
        }),
        ..samples::plan()
    };
    insta::assert_snapshot!(both(NOW, |style| {
        let said = [&at_night, &by_windows, &now, &none].map(|view| {
            let text = plan::text(view, Asked::default(), style).0;
            let own = text.split_once("  quiet hour").expect("the plan says it").1;
            format!("  quiet hour{}\n", own.split("\n  not enforced").next().expect("a part"))
        });
        (said.concat(), String::new())
    }));
}

#[test]
fn why_says_when_it_is_quiet_for_what_waits_and_for_what_could_enter() {
    let mut lane = samples::lane("production", "1.4.2", "2027-01-09T14:00:02Z", 5);
    let plan = PlanView { quiet_hour: Some(quiet_hour()), ..samples::plan() };
    insta::assert_snapshot!(
        "quiet_for_what_could_enter",
        both(NOW, |style| why::text(&lane, Some(&plan), NOW, style))
    );
    lane.promotion = Some(samples::waiting());
    insta::assert_snapshot!(
        "quiet_for_what_waits",
        both(NOW, |style| why::text(&lane, Some(&plan), NOW, style))
    );
}

#[test]
fn why_says_who_can_thaw_and_when_it_opens() {
    let mut lane = samples::lane("production", "1.4.2", "2027-01-09T14:00:02Z", 5);
    let mut promotion = samples::waiting();
    promotion.waits_for = serde_json::from_value(holds()).expect("what holds it");
    lane.promotion = Some(promotion);
    insta::assert_snapshot!(both(NOW, |style| why::text(&lane, None, NOW, style)));
}
