//! What may be typed, and what is refused before anything is tried.

use clap::{CommandFactory as _, Parser as _};

use super::*;

fn parsed(line: &str) -> Command {
    let arguments = Arguments::try_parse_from(line.split(' ')).expect(line);
    arguments.command.expect("a command")
}

#[test]
fn the_grammar_has_no_contradictions() {
    Arguments::command().debug_assert();
}

#[test]
fn one_environment_is_where_to_and_two_are_from_and_to() {
    let table = [
        ("towpath promote production", None, "production"),
        ("towpath promote staging production", Some("staging"), "production"),
    ];
    for (line, from, to) in table {
        let Command::Promote(arguments) = parsed(line) else { panic!("{line}") };
        assert_eq!(arguments.edge.from().map(Name::as_str), from, "{line}");
        assert_eq!(arguments.edge.to().as_str(), to, "{line}");
    }
}

#[test]
fn options_may_stand_anywhere() {
    let lines = [
        "towpath --json promote staging production --release 1.5.0 --yes",
        "towpath promote --yes --json staging --release=1.5.0 production",
        "towpath promote staging production --yes --release 1.5.0 --json",
    ];
    for line in lines {
        let arguments = Arguments::try_parse_from(line.split(' ')).expect(line);
        assert!(arguments.global.json, "{line}");
        let Some(Command::Promote(own)) = arguments.command else { panic!("{line}") };
        assert!(own.yes, "{line}");
        assert_eq!(own.release.map(String::from).as_deref(), Some("1.5.0"), "{line}");
    }
}

#[test]
fn a_snapshot_needs_neither_version_nor_artefact_and_everything_else_needs_both() {
    let create = |line: &str| match parsed(line) {
        Command::Release(ReleaseArguments { command: ReleaseCommand::Create(own) }) => own,
        _ => panic!("{line}"),
    };
    let own = create("towpath release create --snapshot");
    assert_eq!((own.version, own.snapshot.as_deref()), (None, Some("")));
    let own = create("towpath release create 1.0 --snapshot dist --artifact docs=docs");
    assert_eq!(
        (own.version.map(String::from), own.snapshot.as_deref()),
        (Some("1.0".to_owned()), Some("dist"))
    );
    for line in [
        "towpath release create",
        "towpath release create 1.0",
        "towpath release create --artifact api=.",
    ] {
        assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn the_form_of_the_old_scripts_is_understood() {
    let Command::Rollback(own) = parsed("towpath rollback production staging") else { panic!() };
    assert_eq!(own.environment.as_ref().map(Name::as_str), Some("production"));
    assert_eq!(own.back_to.as_ref().map(Name::as_str), Some("staging"));
}

#[test]
fn what_a_shell_or_a_path_would_read_is_no_name_and_no_version() {
    let newline = "1.0\n2";
    for bad in
        ["-1", "--yes", "1.0;ls", "$(id)", "../x", "a|b", "`id`", newline, "", ".", "*", "a b"]
    {
        let words = ["towpath", "release", "create", bad, "--artifact", "api=."];
        assert!(Arguments::try_parse_from(words).is_err(), "{bad}");
        let artifact = format!("{bad}=.");
        let words = ["towpath", "release", "create", "1.0", "--artifact", &artifact];
        assert!(Arguments::try_parse_from(words).is_err(), "{bad}");
        let words = ["towpath", "plan", "production", "--release", bad];
        assert!(Arguments::try_parse_from(words).is_err(), "{bad}");
        assert!(Arguments::try_parse_from(["towpath", "why", bad]).is_err(), "{bad}");
    }
}
