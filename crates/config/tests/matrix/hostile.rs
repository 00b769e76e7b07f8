//! Whatever the bytes are, there is an answer and never a panic; and files that are built to be
//! expensive are refused before they cost anything.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use towpath_config::{
    Code, MAX_BYTES, MAX_PROBLEMS, Symbols, brief, parse, report, resolved_yaml, schema,
};

use crate::{SOUNDBITE, catalogue, check};

/// Answers whether a file is right, after every form of the answer was made once.
fn survives(bytes: &[u8]) -> bool {
    let checked = parse("towpath.yaml", bytes, &catalogue::catalogue());
    let printed = report(&checked, Symbols::Ascii) + &brief(&checked, Symbols::Ascii);
    let moves = |it: char| it.is_control() && it != '\n';
    assert!(!printed.contains(moves), "nothing of the file may move a terminal's cursor");
    assert!(checked.errors.len() <= MAX_PROBLEMS + 1);
    assert!(checked.warnings.len() <= MAX_PROBLEMS);
    assert_eq!(checked.matrix.is_none(), !checked.errors.is_empty());
    let resolved = resolved_yaml(&checked);
    assert_eq!(resolved.is_empty(), checked.matrix.is_none());
    if checked.matrix.is_some() {
        let again = check(&resolved);
        // Secrets of development stand in the file and are not printed.
        assert_eq!(again.matrix, checked.shown, "the resolved form means the same: {resolved}");
    }
    checked.matrix.is_some()
}

fn refused_for(text: &str, code: Code) {
    let checked = check(text);
    let codes: Vec<_> = checked.errors.iter().map(|it| it.code).collect();
    assert!(codes.contains(&code), "{code:?} is not among {codes:?}");
    assert!(!survives(text.as_bytes()));
}

#[test]
fn a_right_file_with_a_secret_of_development_means_what_is_shown() {
    let text = "version: 1\nproject: p\nenvironments: { dev: { tier: development, settings: \
                { DB_PASSWORD: hunter2 }, target: { kind: process, command: [./a] } } }\n";
    assert!(survives(text.as_bytes()));
}

#[test]
fn alias_bombs_are_refused_without_being_expanded() {
    let mut bomb = String::from("a0: &a0 [lol, lol, lol]\n");
    for level in 1..60 {
        let list = vec![format!("*a{}", level - 1); 9].join(", ");
        let _ = writeln!(bomb, "a{level}: &a{level} [{list}]");
    }
    refused_for(&bomb, Code::YamlFeature);
}

#[test]
fn a_file_of_ten_megabytes_is_not_read() {
    refused_for(&SOUNDBITE.repeat(10 * MAX_BYTES / SOUNDBITE.len()), Code::TooLarge);
}

#[test]
fn files_of_one_repeated_piece_are_answered() {
    for piece in [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "\"",
        "'",
        "&a ",
        "*a ",
        "!!str ",
        "a: b\n",
        "- - - -\n",
        "{a: ",
        "[a, ",
        "#",
        "|\n",
        ">",
        "---\n",
        "\0",
        "\t",
        "\r",
        "\u{2028}",
        "%YAML 1.2\n",
        "é",
        "a\n",
        " ",
        "<<: *a\n",
        ": ",
        "[]: ",
        ",",
    ] {
        assert!(!survives(piece.repeat(MAX_BYTES / piece.len() / 32).as_bytes()), "{piece:?}");
    }
}

#[test]
fn many_keys_environments_and_problems_are_bounded() {
    let many = |one: fn(usize) -> String, number: usize| (0..number).map(one).collect::<String>();
    let keys = many(|it| format!("k{it}: 1\n"), 50_000);
    refused_for(&keys, Code::TooMany);
    let environments = format!(
        "environments:\n{}",
        many(|it| format!("  e{it}: {{ after: e{} }}\n", it + 1), 900)
    );
    refused_for(&environments, Code::TooMuch);
}

#[test]
fn however_many_warnings_there_are_they_refuse_nothing() {
    let mut variables = String::new();
    for it in 0..600 {
        let _ = writeln!(variables, "      P{it}_PASSWORD: hunter{it}");
    }
    let checked = check(&format!(
        "version: 1\nproject: shop\nenvironments:\n  dev:\n    tier: development\n    \
         target: {{ kind: process, command: [./app] }}\n    settings:\n{variables}"
    ));
    assert_eq!(checked.errors, []);
    assert!(checked.matrix.is_some());
    assert_eq!(checked.warnings.len(), MAX_PROBLEMS);
    let last = checked.warnings.last().and_then(|it| it.next.as_deref()).unwrap_or_default();
    assert!(last.ends_with("; 100 more warnings are not shown"), "{last}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let windows = format!("\u{feff}{}", SOUNDBITE.replace('\n', "\r\n"));
    assert_eq!(check(&windows).matrix, check(SOUNDBITE).matrix);
}

#[test]
fn names_and_texts_with_control_characters_are_printed_harmless() {
    assert!(!survives(b"project: \"\\e[2J\\u202e\"\n\"ke\\ny\": 1\n'a\x1b[31m': 2\n"));
}

#[test]
fn the_resolved_form_moves_no_cursor_turns_no_text_around_and_means_the_same() {
    let title = "\u{202e}a\u{2066}b\u{61c}c\u{200f}d\u{7f}e\u{9b}2J";
    let quoted = title.chars().map(|it| format!("\\u{:04x}", u32::from(it)));
    let quoted = quoted.collect::<Vec<_>>().concat();
    let checked = check(&format!(
        "version: 1\nproject: shop\nenvironments:\n  dev:\n    tier: development\n    title: \
         \"{quoted}\"\n    target: {{ kind: process, command: [./app] }}\n    x-own: {{ \"{quoted}\": 1 }}\n"
    ));
    assert_eq!(checked.errors, []);
    let shown = resolved_yaml(&checked);
    assert!(shown.is_ascii(), "{shown}");
    assert!(
        shown.contains("title: \"\\u202ea\\u2066b\\u061cc\\u200fd\\u007fe\\u009b2J\""),
        "{shown}"
    );
    assert_eq!(check(&shown).matrix, checked.matrix);
}

#[test]
fn the_schema_needs_no_matrix() {
    assert_eq!(schema(&catalogue::catalogue())["title"], "towpath.yaml");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes);
    }

    #[test]
    fn any_text_of_yaml_signs_is_answered(text in "[a-c0-9:{}\\[\\],&*!|>'\"%#? \n\t~<-]{0,200}") {
        survives(text.as_bytes());
    }

}

proptest! {
    // A case checks the example twice, which is 17 kB.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..ProptestConfig::default() })]

    #[test]
    fn the_example_with_a_line_changed_is_answered(
        at in any::<Index>(),
        from in any::<Index>(),
        change in select(vec!["drop", "twice", "swap", "null", "list", "map", "text", "quote", "comma", "braces", "indent"]),
    ) {
        let mut lines: Vec<String> = SOUNDBITE.lines().map(str::to_owned).collect();
        let (at, from) = (at.index(lines.len()), from.index(lines.len()));
        let key = lines[at].split(':').next().unwrap_or_default().to_owned();
        match change {
            "drop" => drop(lines.remove(at)),
            "twice" => lines.insert(at, lines[at].clone()),
            "swap" => lines.swap(at, from),
            "null" => lines[at] = format!("{key}:"),
            "list" => lines[at] = format!("{key}: [a, {{ b: c }}]"),
            "map" => lines[at] = format!("{key}: {{ kind: process, a: [b] }}"),
            "text" => lines[at] = format!("{key}: -5m"),
            "quote" => lines[at].push('"'),
            "comma" => lines[at] = lines[at].replacen(", ", ",\n          ", 1),
            "braces" => lines[at] = lines[at].replace(['{', '}'], " "),
            _ => lines[at].insert(0, ' '),
        }
        survives(lines.join("\n").as_bytes());
    }

    #[test]
    fn the_example_with_a_byte_changed_is_answered(at in any::<Index>(), byte in any::<u8>()) {
        let mut bytes = SOUNDBITE.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        survives(&bytes);
    }
}
