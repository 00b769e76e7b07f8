//! Reports of a promotion under way and of every way to end.

use std::fmt::Write as _;

use serde_json::json;
use towpath_core::ids::PromotionNumber;
use towpath_core::journal::Event;
use towpath_core::promotion::state::Outcome;
use towpath_guard::{Evidence, Standing, StratumEvidence, Tally, Verdict};

use super::{both, screen};
use crate::exit_code::ExitCode;
use crate::report::samples::{self, CONDEMNED};
use crate::report::story::Story;
use crate::report::{ending, lines, objects, plan, rollback, tree};

const NOW: &str = "2027-01-12T14:28:45Z";

#[test]
fn a_plan_says_what_will_happen_and_how_it_is_carried_out() {
    let view = samples::plan();
    let whole =
        both("2027-01-12T14:05:00Z", |style| plan::text(&view, plan::Asked::default(), style));
    let line = plan::line(&view, &samples::terminal(NOW));
    insta::assert_snapshot!(format!("{whole}=== before it asks\n{line}"));
}

#[test]
fn the_plan_of_a_first_release_says_that_there_is_nothing_to_fall_back_to() {
    let mut view = samples::plan();
    view.replaces = None;
    view.from.clear();
    view.prerequisites.clear();
    view.steps.truncate(1);
    view.served_again = None;
    view.instances = (4, None);
    let accepted = ["code-review.by".to_owned()];
    let asked = plan::Asked { release: true, accepted: &accepted };
    insta::assert_snapshot!(screen(plan::text(&view, asked, &samples::terminal(NOW))));
}

#[test]
fn the_tree_shows_what_is_done_what_runs_and_what_is_to_come() {
    let story = samples::story(&samples::beginning());
    let view = samples::promotion();
    insta::assert_snapshot!(both(NOW, |style| (
        tree::text(&view, &story, true, style),
        String::new()
    )));
}

#[test]
fn the_tree_of_what_waits_says_for_what() {
    let tree = tree::text(&samples::waiting(), &Story::default(), true, &samples::terminal(NOW));
    insta::assert_snapshot!(tree);
}

#[test]
fn it_goes_well() {
    let story = samples::story(&samples::carried());
    let mut view = samples::ended(Outcome::Succeeded, "14:41:07", 1264.0, "1.5.0 serves");
    view.evidence.green.requests = 8000;
    view.evidence.blue.requests = 100_000;
    let now = "2027-01-12T14:41:08Z";
    let tree = tree::text(&view, &story, false, &samples::terminal(now));
    let end = both(now, |style| ending::text(&view, &story, style));
    insta::assert_snapshot!(format!("{tree}\n{end}"));
}

#[test]
fn the_guard_goes_back() {
    let story = samples::story(&samples::thrown_out());
    let mut view = samples::ended(Outcome::RolledBack, "14:27:36", 453.0, CONDEMNED);
    view.quarantined = true;
    view.harmed_requests = 1;
    view.rescued_requests = 5;
    let tree = tree::text(&view, &story, false, &samples::terminal(NOW));
    let end = both(NOW, |style| ending::text(&view, &story, style));
    insta::assert_snapshot!(format!("{tree}\n{end}"));
}

#[test]
fn every_other_way_to_end_says_what_serves_and_what_helps() {
    let mut rows = samples::beginning();
    let early = samples::story(&rows[..2]);
    rows.truncate(8);
    let late = samples::story(&rows);
    let mut failed = samples::ended(
        Outcome::Failed,
        "14:20:30",
        27.0,
        "1.5.0 did not start: instance 2 of 4 ended with status 1 after 3s, three times",
    );
    failed.said = vec!["Error: listen EADDRINUSE: address already in use :::3000".to_owned()];
    let blind = "no request and no probe reached 1.5.0 during the whole 5m at 10%";
    let table = [
        (failed, &early),
        (samples::ended(Outcome::RolledBack, "14:31:02", 659.0, blind), &late),
        (samples::ended(Outcome::Aborted, "14:27:00", 417.0, "chen aborted it: wrong day"), &late),
        (samples::ended(Outcome::Rejected, "15:02:10", 0.0, "nobody attested it in 72h"), &early),
        (samples::ended(Outcome::Superseded, "15:02:10", 0.0, "1.5.1 took its place"), &early),
    ];
    let style = samples::terminal(NOW);
    let texts: Vec<String> =
        table.iter().map(|(view, story)| screen(ending::text(view, story, &style))).collect();
    insta::assert_snapshot!(texts.join("==="));
}

#[test]
fn an_ordered_rollback_says_what_is_owed() {
    let at = samples::at("15:12:40");
    let mut story = Story::default();
    story.requested_at = Some(at);
    story.started_at = Some(at);
    story.onto_standby = true;
    story.ready = Some((at, 4, 4));
    story.committed_at = Some(samples::at("15:12:40.009"));
    let view = samples::rollback(None);
    let now = "2027-01-12T15:12:41Z";
    let end = both(now, |style| ending::text(&view, &story, style));
    let tree = tree::text(&view, &story, false, &samples::terminal(now));
    insta::assert_snapshot!(format!("{tree}\n{end}"));
}

#[test]
fn a_rollback_that_is_only_asked_about_says_what_it_would_do() {
    let lane = towpath_core::ids::LaneId::try_from("api/production".to_owned()).expect("a lane");
    let plan = |to: Option<&str>, standby| crate::commands::RollbackPlanView {
        to: to.map(str::to_owned),
        from: Some("1.5.1".to_owned()),
        standby,
    };
    let style = samples::terminal(NOW);
    let text = |plan| screen(rollback::text(&lane, &plan, true, &style));
    insta::assert_snapshot!(format!(
        "{}===\n{}===\n{}",
        text(plan(Some("1.4.2"), true)),
        text(plan(Some("1.4.2"), false)),
        text(plan(None, false))
    ));
}

#[test]
fn leaving_says_that_it_goes_on_and_how_to_stop_it() {
    let view = samples::promotion();
    let style = samples::terminal(NOW);
    let exits = [ExitCode::Interrupted, ExitCode::StoppedWaiting, ExitCode::Done];
    let texts: Vec<String> =
        exits.iter().map(|exit| screen(ending::left(&view, *exit, &style))).collect();
    insta::assert_snapshot!(texts.join("===\n"));
}

#[test]
fn off_a_terminal_every_change_has_one_line() {
    let style = samples::plain(NOW);
    let mut story = Story::default();
    let mut text = String::new();
    for row in samples::thrown_out() {
        text.extend(lines::of(&row, &story, &style));
        story.apply(&row);
    }
    let mut view = samples::ended(Outcome::RolledBack, "14:27:36", 453.0, CONDEMNED);
    view.quarantined = true;
    text.push_str(&lines::ended(&view, &style));
    text.push_str(&lines::next(&view, &story));
    text.push_str(&lines::sign_of_life(&samples::promotion(), &style));
    text.push_str(&lines::sign_of_life(&samples::waiting(), &style));
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text.replace(&samples::plan_hash(), "7f3a91c20be4"));
}

#[test]
fn for_programs_every_change_is_one_object_and_the_last_has_everything() {
    let mut story = Story::default();
    let mut text = String::new();
    for row in samples::thrown_out() {
        if let Some(object) = objects::of(&row, &story) {
            let _ = writeln!(text, "{object}");
        }
        story.apply(&row);
    }
    let mut view = samples::ended(Outcome::RolledBack, "14:27:36", 453.0, CONDEMNED);
    view.quarantined = true;
    let style = samples::plain(NOW);
    let _ = writeln!(text, "{}", objects::evidence(&samples::promotion(), &style));
    let _ = writeln!(text, "{}", objects::ended(&view, &story, ExitCode::Refused));
    let _ = writeln!(text, "{}", objects::left(&samples::promotion(), ExitCode::Interrupted));
    insta::assert_snapshot!(text.replace(&samples::plan_hash(), "7f3a91c20be4"));
}

#[test]
fn the_hash_of_a_plan_whose_secrets_are_hidden_is_the_one_that_the_server_says() {
    let mut row = samples::beginning().into_iter().find(|row| row.kind == "promotion-requested");
    let row = row.as_mut().expect("it was asked for");
    row.body["plan_hash"] = format!("sha256:abcdef012345{:052}", 0).into();
    let style = samples::terminal(NOW);
    let line = lines::of(row, &Story::default(), &style).expect("it is news");
    assert!(line.contains("plan abcdef012345"), "{line}");
    let object = objects::of(row, &Story::default()).expect("it is news");
    assert_eq!(object["plan"], "abcdef012345");
}

#[test]
fn a_step_that_proved_nothing_is_said_to_have_failed_more_where_it_did() {
    let said = |green: (u64, u64), blue: (u64, u64)| {
        let evidence = Evidence {
            green_failed: green.0,
            green_requests: green.1,
            blue_failed: blue.0,
            blue_requests: blue.1,
            ..Evidence::default()
        };
        let sentence = String::new();
        tree::standing(&Verdict { standing: Standing::Undecided, sentence, evidence })
    };
    assert_eq!(said((4, 28), (0, 128)), "failed more than blue, which may be chance");
    assert_eq!(said((0, 28), (0, 128)), "no sign of harm, not proven");
    assert_eq!(said((12, 1_000), (10, 1_000)), "no sign of harm, not proven");
    assert_eq!(said((13, 1_000), (10, 1_000)), "failed more than blue, which may be chance");
    assert_eq!(said((1, 28), (0, 0)), "failed at times, which may be chance");
}

#[test]
fn a_verdict_by_routes_has_the_counts_of_each_and_another_one_names_none() {
    let number = PromotionNumber(148);
    let mut verdict = samples::verdict(Standing::Unhealthy, CONDEMNED, (4, 20), (1, 200));
    let object_of = |verdict: &Verdict| {
        let event = Event::Condemned { number, verdict: verdict.clone() };
        let row = samples::row(1, "14:27:31", &event);
        objects::of(&row, &Story::default()).expect("it is news")["verdict"].clone()
    };
    assert_eq!(object_of(&verdict).get("routes"), None);
    verdict.evidence.strata.push(StratumEvidence {
        name: "/checkout".to_owned(),
        green: Tally { requests: 12, failed: 4 },
        blue: Tally { requests: 118, failed: 0 },
    });
    let expected = json!([{
        "route": "/checkout",
        "green": { "requests": 12, "failed": 4 },
        "blue": { "requests": 118, "failed": 0 },
    }]);
    assert_eq!(object_of(&verdict)["routes"], expected);
}
