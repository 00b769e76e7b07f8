//! Refusals, wrong usage and help.

use clap::Parser as _;
use towpath_core::reason::{Refusal, RefusalKind};

use crate::args::Arguments;
use crate::exit_code::{CliError, ExitCode};
use crate::report::{help, refusal, samples, usage};

const NOW: &str = "2027-01-12T15:31:08Z";

fn quarantined() -> CliError {
    Refusal::new(
        RefusalKind::Gate,
        "quarantined",
        "1.5.0 may not enter production; production still serves 1.4.2",
        "quarantined in production since 14:27:36: green failed 6 of 48 requests since 14:27:31 while \
         blue failed 1 of 437 (promotion 148)",
    )
    .at("image sha256:41d9c7e07a2b; the same image under another version is refused as well")
    .next("towpath promote staging production --release 1.5.1", "")
    .next("towpath quarantine lift production 1.5.0 --reason \"REASON\"", "lead-developer: ada")
    .into()
}

#[test]
fn a_refusal_has_its_labels_in_the_one_order() {
    let error = quarantined();
    let terminal = refusal::text(error.trouble(), &samples::terminal(NOW));
    let plain = refusal::text(error.trouble(), &samples::plain(NOW));
    let object = refusal::object(error.trouble());
    insta::assert_snapshot!(format!("{terminal}---\n{plain}---\n{object:#}"));
}

#[test]
fn all_that_refuses_is_said_at_once_and_the_first_decides_how_it_ends() {
    let gate = |code: &str, message: &str, cause: &str| {
        Refusal::new(RefusalKind::Gate, code, message, cause)
    };
    let first = gate("not-verified", "1.5.0 may not enter production yet", "it is not verified")
        .at("environments.production.after")
        .next("towpath promote staging --release 1.5.0", "verify it there first");
    let second = Refusal::new(RefusalKind::Usage, "reason-needed", "nothing was started", "why?");
    let all = [Box::new(first), Box::new(second)];
    let error = CliError::from(*Refusal::together(all).expect_err("two refuse"));
    assert_eq!(error.trouble().exit, ExitCode::Refused);
    let text = refusal::text(error.trouble(), &samples::plain(NOW));
    insta::assert_snapshot!(format!("{text}---\n{:#}", refusal::object(error.trouble())));
    assert!(Refusal::together([]).is_ok());
}

#[test]
fn what_is_so_already_is_an_answer() {
    let refusal = Refusal {
        kind: RefusalKind::AlreadySo,
        cause: None,
        ..Refusal::new(RefusalKind::AlreadySo, "already", "production already serves 1.5.0", "")
    };
    let error = CliError::from(refusal);
    assert_eq!(error.trouble().exit, ExitCode::Done);
    let text = refusal::already_so(error.trouble(), &samples::terminal(NOW));
    assert_eq!(text, "✓ production already serves 1.5.0\n");
}

#[test]
fn what_came_from_outside_cannot_move_the_cursor() {
    let error = CliError::new(ExitCode::Failed, "failed", "a\x1b[2Jb").because("c\nd");
    let text = refusal::text(error.trouble(), &samples::terminal(NOW));
    assert_eq!(text, "✗ a\\u{1b}[2Jb\n    cause  c\\nd\n");
}

/// What is said to a wrong line.
fn said(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let error = Arguments::try_parse_from(&words).expect_err(line);
    let typed: Vec<String> = words[1..].iter().map(|word| (*word).to_owned()).collect();
    match usage::read(&error, &typed) {
        usage::Read::Answer(text) => text,
        usage::Read::Wrong(error) => {
            assert_eq!(error.trouble().exit, ExitCode::Usage, "{line}");
            refusal::text(error.trouble(), &samples::terminal(NOW))
        }
    }
}

#[test]
fn wrong_lines_are_answered_in_our_own_voice() {
    let lines = [
        "towpath deploy production",
        "towpath undo production",
        "towpath stauts",
        "towpath xyzzy",
        "towpath drift production",
        "towpath matrix",
        "towpath matrix chek",
        "towpath promote",
        "towpath promote staging production --relase 1.5.0",
        "towpath promote staging production extra",
        "towpath promote Staging",
        "towpath promote production --release -1",
        "towpath promote production --release 1.0;reboot",
        "towpath promote production --plan 12",
        "towpath promote production --accept-unenforced x",
        "towpath promote production --no-wait --timeout 5m",
        "towpath promote production --timeout soon",
        "towpath release create -1 --artifact api=.",
        "towpath release create 1.0.0 --artifact .",
        "towpath signal production fire --reason x",
        "towpath abort production",
        "towpath status --rehearsal 1x",
        "towpath completions tcsh",
    ];
    let texts: Vec<String> = lines.iter().map(|line| format!("$ {line}\n{}", said(line))).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn help_of_the_whole_leads_with_examples() {
    insta::assert_snapshot!(help::overview());
}

#[test]
fn help_of_promote_is_as_it_was_drawn() {
    assert_eq!(said("towpath promote --help"), help::of(&["promote".to_owned()]).expect("a page"));
    insta::assert_snapshot!(said("towpath promote --help"));
}

#[test]
fn help_of_a_group_lists_its_commands() {
    insta::assert_snapshot!(usage::help(&["matrix".to_owned()]).expect("a page"));
}

#[test]
fn help_of_exit_codes_lists_them_all() {
    insta::assert_snapshot!(help::exit_codes());
}

#[test]
fn help_for_what_is_no_command_says_so() {
    let error = usage::help(&["promoet".to_owned()]).expect_err("no such command");
    assert_eq!(error.trouble().code, "unknown-command");
    assert_eq!(error.trouble().next[0].command, "towpath promote");
}

#[test]
fn words_are_quoted_so_that_a_shell_reads_them_back() {
    let table = [
        ("plain-1.0", "plain-1.0"),
        ("two words", "\"two words\""),
        ("", "\"\""),
        ("$(id)", "'$(id)'"),
        ("it's $5", r"'it'\''s $5'"),
    ];
    for (word, quoted) in table {
        assert_eq!(usage::quoted(word), quoted);
    }
}

#[test]
fn the_beginning_of_a_name_counts_before_likeness() {
    let known = ["dev-localstack", "dev-aws", "staging", "production"];
    assert_eq!(usage::nearest("prod", &known), Some("production"));
    assert_eq!(usage::nearest("stagign", &known), Some("staging"));
    assert_eq!(usage::nearest("moon", &known), None);
}
