//! Files of 1 MiB, the most that is read, and of 10 MB, each built to be expensive in another way.
//! Counts what is said; how long and how large it is, is measured by `fuzz/measure`, not asserted.

use std::fmt::Write as _;

use towpath_config::{Code, MAX_BYTES, MAX_PROBLEMS, Symbols, parse, report};

use crate::{SOUNDBITE, catalogue};

/// What a file is full of, by name.
type Shape = (&'static str, fn(usize) -> String);

/// Shapes of files that are never too large: what they say stands once, and holds in many places.
const SHARED: [&str; 2] = ["shared sections", "unknown keys of adapters"];

const SHAPES: &[Shape] = &[
    ("nested lists", |size| "[".repeat(size)),
    ("nested maps", |size| "{a: ".repeat(size / 4)),
    ("nested blocks", |size| {
        let levels = size.isqrt();
        let lines: Vec<_> = (0..levels).map(|level| format!("{:level$}a:\n", "")).collect();
        lines.concat()
    }),
    ("keys", |size| numbered(size, |number| format!("k{number}: 1\n"))),
    ("environments", |size| {
        let tier = "{ tier: staging, after: e0, target: { kind: process, command: [x] } }";
        format!(
            "version: 1\nproject: a\nenvironments:\n{}",
            numbered(size, |it| format!("  e{it}: {tier}\n"))
        )
    }),
    ("a long text", |size| format!("project: {}", "a".repeat(size))),
    ("a long key", |size| format!("{}: 1\n", "a".repeat(size))),
    ("anchors and aliases", |size| {
        let first = "a0: &a0 [lol, lol]\n";
        first.to_owned() + &numbered(size, |it| format!("b{it}: &b{it} [*a0, *a0, *b{}]\n", it / 2))
    }),
    ("empty lines", |size| "\n".repeat(size)),
    ("comments", |size| "# a\n".repeat(size / 4)),
    ("unknown keys", |size| {
        let keys = |number: usize| numbered(900 * 14, |it| format!("x{number}k{it}: 1, "));
        let section = |number| format!("    health: {{ {} }}\n", keys(number));
        let one = |number: usize| format!("  e{number}:\n    tier: staging\n{}", section(number));
        format!("version: 1\nproject: a\nenvironments:\n{}", numbered(size, one))
    }),
    ("wrong values", |size| {
        let steps = "{ weight: 1, bake: -5 }, ".repeat(900);
        let one =
            |number| format!("  e{number}:\n    tier: x\n    rollout: {{ steps: [{steps}] }}\n");
        format!("version: 1\nproject: a\nenvironments:\n{}", numbered(size, one))
    }),
    ("shared sections", |_| {
        let settings = numbered(30 * 1024, |it| format!("K{it}: {}, ", "v".repeat(30)));
        shared(&format!(
            "target: {{ kind: process, command: [x] }}\n    settings: {{ {settings} }}"
        ))
    }),
    ("roles that nobody has", |size| {
        let roles = |mark: &str, from: usize, many: usize| {
            let all = from * many..(from + 1) * many;
            let roles = all.map(|it| format!("role{}{mark}{it}, ", "x".repeat(50)));
            roles.collect::<Vec<_>>().concat()
        };
        let held = numbered(size - size / 8, |it| {
            format!("  p{it}: {{ name: A, roles: [{}] }}\n", roles("", it, 90))
        });
        let asked = numbered(size / 8 - 1024, |it| {
            let by = roles("y", it, 5);
            format!("        - {{ check: attested, name: n{it}, by: [{by}] }}\n")
        });
        format!(
            "version: 1\nproject: a\npeople:\n{held}environments:\n  e:\n    tier: staging\n    \
             gate:\n      prerequisites:\n{asked}"
        )
    }),
    ("long commands", |size| {
        let command = "mysql ".repeat(8 * 1024 / 6 / 2) + &"a ".repeat(8 * 1024 / 2 / 2);
        let one = |it| {
            format!(
                "  e{it}: {{ tier: staging, migrations: {{ command: [sh, -c, '{command}'] }} }}\n"
            )
        };
        format!("version: 1\nproject: a\nenvironments:\n{}", numbered(size, one))
    }),
    ("secrets that are no tree", |size| "password: ${A} ".repeat(size / 15)),
    ("long settings", |size| {
        let words = "--a ".repeat(2000);
        let one = |it| format!("  e{it}: {{ tier: staging, settings: {{ A: '{words}' }} }}\n");
        format!("version: 1\nproject: a\nenvironments:\n{}", numbered(size, one))
    }),
    ("unknown sections", |size| {
        let keys = |it| numbered(14 * 1024, |key| format!("    kkkkk{it}x{key}: 1\n"));
        let one = |it: usize| format!("  e{it}:\n    tier: staging\n{}", keys(it));
        format!("version: 1\nproject: a\nenvironments:\n{}", numbered(size, one))
    }),
    ("unknown keys of adapters", |_| {
        let keys = numbered(30 * 1024, |it| format!("comand{}{it}: 1, ", "x".repeat(22)));
        shared(&format!("target: {{ kind: process, command: [x], {keys} }}"))
    }),
    ("lists of numbers", |size| {
        let list = |it: usize| format!("  k{it}: [{}1]\n", "1, ".repeat(900));
        format!("version: 1\nproject: a\nx-b:\n{}", numbered(size, list))
    }),
    ("escapes", |size| format!("project: \"{}\"", "\\u202e\\e[2J".repeat(size / 11))),
    ("spaces before a key", |size| format!("{}a: 1\n", " ".repeat(size))),
    ("copies of the example", |size| SOUNDBITE.repeat(size / SOUNDBITE.len() + 1)),
];

/// A section that holds in as many lanes as there may be.
fn shared(section: &str) -> String {
    let lines = |many: usize, line: fn(usize) -> String| (0..many).map(line).collect::<String>();
    let services = lines(15, |it| format!("  s{it}: {{}}\n"));
    let of = lines(64, |it| format!("  e{it}: {{ tier: staging }}\n"));
    format!(
        "version: 1\nproject: a\nservices:\n{services}defaults:\n  all:\n    {section}\n\
         environments:\n{of}"
    )
}

/// Lines with rising numbers, of at least `size` bytes together.
fn numbered(size: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(size + 1024);
    for number in 0.. {
        if text.len() >= size {
            break;
        }
        let _ = write!(text, "{}", line(number));
    }
    text
}

fn answered(name: &str, text: &str) {
    let checked = parse("towpath.yaml", text.as_bytes(), &catalogue::catalogue());
    let (errors, warnings) = (checked.errors.len(), checked.warnings.len());
    assert!(errors <= MAX_PROBLEMS + 1, "{name}: {errors} errors");
    assert!(warnings <= MAX_PROBLEMS, "{name}: {warnings} warnings");
    let printed = report(&checked, Symbols::Ascii);
    // A problem shows one line of the file, and of a long line a piece.
    assert!(printed.len() < 4 * MAX_BYTES, "{name}: {} bytes are said", printed.len());
    let is_too_large = checked.errors.iter().any(|it| it.code == Code::TooLarge);
    assert_eq!(is_too_large, text.len() > MAX_BYTES, "{name}");
    if is_too_large {
        assert_eq!((errors, warnings), (1, 0), "{name}: nothing of it was read");
    }
}

#[test]
fn a_file_of_ten_megabytes_of_anything_is_told_to_be_too_large() {
    for (name, shape) in SHAPES.iter().filter(|(name, _)| !SHARED.contains(name)) {
        answered(name, &shape(10_000_000));
    }
}

#[test]
#[ignore = "heavy"]
fn the_largest_file_that_is_read_is_answered_whatever_it_is_full_of() {
    for (name, shape) in SHAPES {
        let mut text = shape(MAX_BYTES - 8 * 1024);
        while text.len() > MAX_BYTES {
            let cut = text[..MAX_BYTES].rfind('\n').unwrap_or(0);
            text.truncate(cut);
        }
        answered(name, &text);
        if let Some(folder) = std::env::var_os("TOWPATH_LARGE_FILES") {
            let path = std::path::Path::new(&folder).join(name.replace(' ', "-"));
            std::fs::write(path, &text).expect("the folder can be written to");
        }
    }
}
