//! Reports that change nothing: status, why, waiting, history and the like.

use towpath_core::promotion::state::Outcome;
use towpath_core::units::Timestamp;
use towpath_engine::views::{HoldbackView, LaneView, RefusedView, StandbyView, Status};
use towpath_ports::store::{ChainBreak, ChainReport};

use super::both;
use crate::report::attendance::Attendance;
use crate::report::samples::{self, CONDEMNED};
use crate::report::{
    adapters, audit, health, history, plan, quarantine, refused, status, waiting, why,
};
use towpath_audit::verify::{Finding, Report, What};

const NOW: &str = "2027-01-12T15:31:08Z";

#[test]
fn status_of_one_service_has_a_row_for_each_environment() {
    insta::assert_snapshot!(both(NOW, |style| status::text(
        &samples::status(),
        Attendance::Engine,
        style
    )));
}

#[test]
fn status_of_several_services_has_a_row_for_each_service() {
    let mut view = samples::status();
    for lane in view.lanes.clone() {
        let mut worker = lane;
        worker.service = "worker".to_owned();
        worker.promotion = (worker.environment == "production").then(samples::promotion);
        worker.quarantined.clear();
        view.lanes.push(worker);
    }
    insta::assert_snapshot!(both(NOW, |style| {
        style.services.note(true);
        status::text(&view, Attendance::Engine, style)
    }));
}

#[test]
fn who_stays_on_the_old_release_is_said_with_the_share_that_is_real() {
    let style = samples::terminal(NOW);
    let mut lane = samples::lane("production", "1.5.1", "2027-01-12T15:00:00Z", 2);
    let mut said = |observed: f64, ending: Option<&str>| {
        lane.standby = Some(StandbyView {
            release: "1.5.0".to_owned(),
            until: "2027-01-13T15:00:00Z".to_owned(),
            holdback: Some(HoldbackView {
                share: 0.05,
                observed,
                until: "2027-01-12T17:00:00Z".to_owned(),
                ending: ending.map(str::to_owned),
            }),
        });
        let status = Status { lanes: vec![lane.clone()], ..samples::status() };
        let text = status::text(&status, Attendance::Engine, &style).0;
        let why = why::text(&lane, None, NOW, &style).0;
        let line = text.lines().find(|line| line.contains("holdback")).expect("it is said");
        let sentence = line.split("production: ").nth(1).expect("of the lane").to_owned();
        assert!(why.contains(&sentence), "{why}");
        sentence
    };
    assert_eq!(said(0.05, None), "5% of requests stay on 1.5.0 until 17:00");
    assert_eq!(said(1.0, None), "100% of requests are on 1.5.0, where 5% stay until 17:00");
    let ended = said(0.05, Some("promotion 7 takes its place"));
    assert!(ended.ends_with("; that is being ended: promotion 7 takes its place"), "{ended}");
}

#[test]
fn every_command_about_a_lane_names_its_service_where_there_are_several() {
    let mut view = samples::status();
    view.lanes[1].asks = Some("p99 is 20% slower than with 1.5.0".to_owned());
    view.lanes[1].health.state = "unhealthy".to_owned();
    let quarantined: Vec<_> = view.lanes.iter().flat_map(|lane| &lane.quarantined).collect();
    let style = samples::terminal(NOW);
    style.services.note(true);
    let idle = LaneView { promotion: None, asks: None, ..view.lanes[1].clone() };
    let asking = LaneView { promotion: None, ..view.lanes[1].clone() };
    let all = [
        ("rollback", status::text(&view, Attendance::Engine, &style)),
        ("rollback", waiting::text(&view, None, &style)),
        ("quarantine lift", quarantine::text(&quarantined, &style)),
        ("rollback", health::text(&view.lanes[1], &style)),
        ("plan", why::text(&idle, None, &view.at, &style)),
        ("rollback", why::text(&asking, None, &view.at, &style)),
        ("promote", plan::text(&samples::plan(), plan::Asked::default(), &style)),
    ];
    for (verb, (text, next)) in all {
        let said = format!("{text}{next}");
        let found = said.lines().find(|line| line.contains(&format!("towpath {verb} ")));
        assert!(found.is_some_and(|line| line.contains(" --service api")), "{verb}\n{said}");
    }
}

#[test]
fn why_names_settings_that_were_declared_and_are_not_set_up() {
    let view = samples::status();
    let style = samples::terminal(NOW);
    let settings_differ = vec!["FLAG".to_owned(), "LIMIT".to_owned()];
    let lane = LaneView { promotion: None, asks: None, settings_differ, ..view.lanes[1].clone() };
    let release = &lane.serves.as_ref().expect("it serves").release;
    let (text, next) = why::text(&lane, None, &view.at, &style);
    let said = format!("declares other settings than {release} runs under: FLAG, LIMIT");
    assert!(text.contains(&said), "{text}");
    let command = format!("towpath promote {} --release {release}", lane.environment);
    assert!(next.contains(&command), "{next}");
}

#[test]
fn status_without_an_engine_says_that_nothing_advances() {
    let mut view = samples::status();
    view.engine.running = false;
    view.engine.since = None;
    let all = [
        Attendance::Missing,
        Attendance::NotNeeded,
        Attendance::Silent,
        Attendance::Ended(148),
        Attendance::NoJournal,
    ];
    let all = all.map(|attendance| {
        let heading = both(NOW, |style| status::text(&view, attendance, style));
        let note = both(NOW, |style| (String::new(), attendance.note(style)));
        format!("=== {attendance:?}\n{heading}=== {attendance:?}, elsewhere\n{note}")
    });
    insta::assert_snapshot!(all.concat());
}

#[test]
fn status_of_a_rehearsal_says_so_in_its_first_line() {
    let mut view = samples::status();
    view.rehearsal = Some(60);
    let (text, _) = status::text(&view, Attendance::Engine, &samples::terminal(NOW));
    let first = text.lines().next().expect("a first line");
    assert!(first.ends_with("! rehearsal at 60 times the speed"), "{first}");
}

#[test]
fn status_as_an_object_leaves_nothing_out() {
    insta::assert_json_snapshot!(samples::status());
}

#[test]
fn why_names_each_thing_with_who_and_how() {
    let view = samples::status();
    let production = &view.lanes[2];
    insta::assert_snapshot!(both(NOW, |style| why::text(production, None, &view.at, style)));
}

#[test]
fn why_says_when_nothing_blocks() {
    let view = samples::status();
    insta::assert_snapshot!(both(NOW, |style| why::text(
        &view.lanes[1],
        Some(&samples::plan()),
        &view.at,
        style
    )));
}

#[test]
fn waiting_lists_all_lanes_and_says_when_nothing_waits() {
    let mut view = samples::status();
    view.lanes[1].asks = Some("p99 is 20% slower than with 1.5.0".to_owned());
    let some = both(NOW, |style| waiting::text(&view, None, style));
    view.lanes.truncate(1);
    let none = both(NOW, |style| waiting::text(&view, None, style));
    insta::assert_snapshot!(format!("{some}=== nothing\n{none}"));
}

#[test]
fn history_tells_what_went_back_from_what_was_rolled_back() {
    let promotions = [
        samples::rollback(Some("wrong prices on invoices")),
        samples::ended(Outcome::RolledBack, "14:27:36", 453.0, CONDEMNED),
        samples::ended(Outcome::Superseded, "15:30:00", 4200.0, "1.5.1 took its place"),
        samples::promotion(),
    ];
    let one = both(NOW, |style| history::text(&promotions, Some("production"), true, style));
    let all = both(NOW, |style| history::text(&promotions[..1], None, false, style));
    insta::assert_snapshot!(format!("{one}=== everywhere\n{all}"));
}

#[test]
fn who_was_refused_is_told_with_the_whole_sentence() {
    let one = RefusedView {
        event: 4711,
        by: "bilal".to_owned(),
        from: Some("user 1000 on the socket".to_owned()),
        order: "promote".to_owned(),
        service: Some("api".to_owned()),
        environment: Some("production".to_owned()),
        promotion: None,
        code: "not-allowed".to_owned(),
        why: "bilal may not promote in production: it needs the role lead; chen may".to_owned(),
        times: 1,
        since: "2027-01-12T15:21:00Z".to_owned(),
        written: "2027-01-12T15:21:00Z".to_owned(),
    };
    let paused = RefusedView { order: "pause".to_owned(), promotion: Some(148), ..one.clone() };
    let everywhere = RefusedView {
        order: "apply_matrix".to_owned(),
        service: None,
        environment: None,
        times: 50,
        ..one.clone()
    };
    let all = [one, paused, everywhere];
    let told = both(NOW, |style| (refused::text(&all, None, true, style), String::new()));
    let none = both(NOW, |style| (refused::text(&[], Some("live"), false, style), String::new()));
    insta::assert_snapshot!(format!("{told}=== nobody\n{none}"));
}

#[test]
fn audit_says_what_can_be_trusted() {
    let span = Some((Timestamp(1_793_610_840_000_000), samples::at("15:21:00")));
    let whole = ChainReport { events: 4812, span, broken: None };
    let sentence = "its content has hash 8e0b1f, event 3978 was written after content with c77a42";
    let broken = Some(ChainBreak { seq: 3977, sentence: sentence.to_owned() });
    let changed = ChainReport { broken, ..whole.clone() };
    let place = ".towpath/journal.db";
    let signed = |right, covered, findings| Report {
        checkpoints: 48,
        right,
        covered,
        trusted: covered,
        findings,
        ..Report::default()
    };
    let rewritten = || {
        let sentence = "checkpoint 40 (event 4000) signed another event".to_owned();
        vec![Finding { what: What::Rewritten, seq: Some(3901), line: None, sentence }]
    };
    let cases = [
        ("whole, never signed", whole.clone(), None),
        ("whole and signed", whole.clone(), Some(signed(48, Some(4800), Vec::new()))),
        ("rewritten", whole, Some(signed(39, Some(3900), rewritten()))),
        ("changed", changed.clone(), None),
        ("changed and rewritten", changed, Some(signed(39, Some(3900), rewritten()))),
    ];
    let told = cases.into_iter().map(|(title, chain, signed)| {
        let found = audit::Whole { chain, signed, words: audit::Said::default() };
        format!("=== {title}\n{}", both(NOW, |style| audit::text(&found, place, style)))
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().concat());
}

#[test]
fn audit_says_what_an_export_proves() {
    let at = |text: &str| samples::at(text).0;
    let whole = Report {
        project: Some("soundbite".to_owned()),
        speed: 1,
        events: 4812,
        range: Some((1, 4812)),
        span: Some((1_793_610_840_000_000, at("15:21:00"))),
        checkpoints: 48,
        right: 48,
        covered: Some(4800),
        trusted: Some(4812),
        ..Report::default()
    };
    let finding = |what, seq, line, sentence: &str| Finding {
        what,
        seq: Some(seq),
        line,
        sentence: sentence.to_owned(),
    };
    let findings = vec![
        finding(What::Edited, 17, Some(17), "event 17 is not as it was written"),
        finding(What::Missing, 19, None, "event 19 is missing"),
    ];
    let cases = [
        ("whole", whole.clone()),
        ("no checkpoint", Report { checkpoints: 0, right: 0, covered: None, ..whole.clone() }),
        ("withheld", Report { withheld: vec![2, 9], ..whole.clone() }),
        ("changed", Report { findings, trusted: Some(16), ..whole }),
    ];
    let told = cases.into_iter().map(|(title, found)| {
        let text = both(NOW, |style| audit::export(&found, "journal.jsonl", style));
        format!("=== {title}\n{text}")
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().concat());
}

#[test]
fn health_and_validation_say_what_fails() {
    let view = samples::status();
    let well = both(NOW, |style| health::text(&view.lanes[2], style));
    let mut bad = view.lanes[2].clone();
    bad.health.state = "unhealthy".to_owned();
    bad.health.failing = vec!["/health".to_owned()];
    let bad = both(NOW, |style| health::text(&bad, style));
    let mut checks = samples::promotion().checks;
    checks[1].state = "fail".to_owned();
    checks[1].sentence = Some("503 instead of 200".to_owned());
    let checks = both(NOW, |style| health::checks("production", &checks, style));
    insta::assert_snapshot!(format!("{well}=== fails\n{bad}=== checks\n{checks}"));
}

#[test]
fn quarantine_says_why_and_how_it_is_lifted() {
    let view = samples::status();
    let all: Vec<_> = view.lanes.iter().flat_map(|lane| &lane.quarantined).collect();
    let some = both(NOW, |style| quarantine::text(&all, style));
    let none = both(NOW, |style| quarantine::text(&[], style));
    insta::assert_snapshot!(format!("{some}=== none\n{none}"));
}

#[test]
fn adapters_are_listed_by_family_with_how_far_each_is() {
    let (text, _) = adapters::text(&crate::wiring::catalogue(), &samples::plain(NOW));
    for family in ["targets\n", "routers\n", "checks\n"] {
        assert!(text.contains(family), "{text}");
    }
    assert!(text.contains("process") && text.contains("+ built"), "{text}");
}
