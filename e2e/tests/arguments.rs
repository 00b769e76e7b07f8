//! What other programs read as a file, a variable or a pattern (`@FILE`, `~`, `$HOME`, `*`) is a text here, kept as
//! it was typed or refused: Jenkins CVE-2024-23897. Owns the list of options that take texts; judges no wording.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use towpath_e2e::World;

const MATRIX: &str = r#"
version: 1
project: soundbite
services:
  api: { purpose: Takes text in and hands out audio jobs }
environments:
  dev:
    tier: development
    target: { kind: process, command: ["{artifact}"] }
    router: { kind: towpath, listen: {listen} }
    health: { every: manual, timeout: 5s, retries: 3, endpoints: [/health] }
    gate:
      prerequisites:
        - { check: attested, name: Tried, by: [tester] }
"#;

/// What the file says that nobody may be shown: words of the program, and a text of its own.
const CANARY: &str = "--json\nstatus\nZq7-canary-of-the-file\n";
/// Pieces of what must appear nowhere: of that file, and of the accounts of the machine.
const TELLING: [&str; 2] = ["Zq7-canary", "root:x:0:0"];

/// Texts that are kept with what is ordered; `P` is the text and `N` differs from text to text.
const KEPT: [&[&str]; 5] = [
    &["release", "create", "2.N.0", "--artifact", "api=app-1.0.0", "--setting", "TEXT=P"],
    &["freeze", "dev", "--reason", "P"],
    &["thaw", "dev", "--reason", "P"],
    &["attest", "dev", "Tried", "--release", "1.0.0", "--note", "P"],
    &["attest", "dev", "Tried", "--release", "2.N.0", "--link", "P"],
];

/// Where only names, numbers, times, files and the like may stand, and none of the texts is one.
const REFUSED: [&[&str]; 46] = [
    &["P"],
    &["status", "P"],
    &["help", "P"],
    &["completions", "P"],
    &["matrix", "check", "P"],
    &["plan", "P"],
    &["plan", "dev", "--release", "P"],
    &["promote", "dev", "--release", "P", "--dry-run"],
    &["promote", "dev", "--plan", "P"],
    &["promote", "dev", "--release", "1.0.0", "--timeout", "P"],
    &["rollback", "P"],
    &["rollback", "dev", "P"],
    &["rollback", "--amend", "P", "--reason", "P"],
    &["signal", "dev", "P", "--reason", "P"],
    &["pause", "P", "--reason", "P"],
    &["resume", "P", "--reason", "P"],
    &["abort", "P", "--reason", "P"],
    &["approve", "P", "--note", "P", "--link", "P"],
    &["reject", "P", "--reason", "P", "--link", "P"],
    &["attest", "dev", "P", "--release", "1.0.0", "--note", "P"],
    &["settle", "P", "review", "--note", "P"],
    &["settle", "1", "P", "--note", "P"],
    &["freeze", "P", "--reason", "P"],
    &["freeze", "dev", "--reason", "P", "--for", "P"],
    &["freeze", "dev", "--reason", "P", "--until", "P"],
    &["freeze", "dev", "--reason", "P", "--except", "P"],
    &["why", "P"],
    &["watch", "P"],
    &["history", "P"],
    &["logs", "P"],
    &["quarantine", "lift", "dev", "P", "--reason", "P", "--yes"],
    &["evidence", "show", "P"],
    &["evidence", "withdraw", "P", "--reason", "P"],
    &["notify", "test", "P"],
    &["notify", "retry", "P"],
    &["token", "create", "P"],
    &["token", "create", "one", "--may", "P"],
    &["token", "revoke", "P", "--reason", "P"],
    &["release", "create", "P", "--artifact", "api=app-1.0.0"],
    &["release", "create", "3.N.0", "--artifact", "api=P"],
    &["release", "create", "3.N.0", "--artifact", "api=app-1.0.0", "--migration", "P"],
    &["release", "create", "3.N.0", "--artifact", "api=app-1.0.0", "--evidence", "plan=P"],
    &["release", "create", "3.N.0", "--artifact", "api=app-1.0.0", "--type", "P"],
    &["status", "--service", "P"],
    &["status", "--token-file", "P"],
    &["status", "--rehearsal", "P"],
];

/// What may be a person or a branch or is only looked for, so that some of the texts are taken.
const TAKEN_OR_NOT: [&[&str]; 7] = [
    &[
        "promote",
        "dev",
        "--release",
        "1.0.0",
        "--accept-unenforced",
        "P",
        "--reason",
        "P",
        "--dry-run",
    ],
    &["release", "create", "4.N.0", "--artifact", "api=app-1.0.0", "--commit", "P"],
    &["release", "create", "5.N.0", "--artifact", "api=app-1.0.0", "--branch", "P"],
    &["release", "create", "6.N.0", "--artifact", "api=app-1.0.0", "--author", "P"],
    &["evidence", "list", "P"],
    &["status", "--act-as", "P"],
    &["init", "--no-input", "--start", "P", "--output", "made-N.yaml"],
];

fn texts(root: &Path) -> Vec<String> {
    let file = root.join("canary").display().to_string();
    let beside = ["@canary", "@/etc/passwd", "$(cat canary)", "~/canary", "$HOME", "canar*"];
    let absolute = [format!("@{file}"), format!("file://{file}")];
    beside.map(str::to_owned).into_iter().chain(absolute).collect()
}

fn filled(words: &[&str], text: &str, number: usize) -> Vec<String> {
    let fill = |word: &&str| match word.strip_suffix('P') {
        Some(before) => format!("{before}{text}"),
        None => word.replace('N', &number.to_string()),
    };
    words.iter().map(fill).collect()
}

/// How often each text is a whole text somewhere in `value`, or in a body of the journal, which is exported as the
/// very text that was hashed.
fn count(value: &Value, found: &mut BTreeMap<String, usize>) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(body @ Value::Object(_)) => count(&body, found),
            _ => *found.entry(text.clone()).or_default() += 1,
        },
        Value::Array(items) => items.iter().for_each(|item| count(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| count(field, found)),
        _ => {}
    }
}

/// Every file below `folder` that tells what nobody may be shown.
fn telling(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            telling(&path, found);
        } else if kind.is_file() && entry.file_name() != "canary" {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            if TELLING.iter().any(|telling| text.contains(telling)) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn cve_b17_what_is_typed_is_never_read_as_a_file_a_variable_or_a_pattern() {
    let world = World::new(MATRIX);
    world.release("1.0.0", &[]);
    std::fs::write(world.root().join("canary"), CANARY).unwrap();
    let texts = texts(world.root());
    let run = |words: &[&str], text: &str, number: usize| {
        let words = filled(words, text, number);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = world.run(&words);
        let said = [&*ended.out, &ended.err].concat();
        assert!(!TELLING.iter().any(|it| said.contains(it)), "towpath {}\n{said}", words.join(" "));
        assert!((0..=7).contains(&ended.code), "towpath {}\n{said}", words.join(" "));
        (ended.code, format!("towpath {}\n{said}", words.join(" ")))
    };
    for (number, text) in texts.iter().enumerate() {
        for words in KEPT {
            let (code, said) = run(words, text, number);
            assert_eq!(code, 0, "{said}");
        }
        for words in REFUSED {
            let (code, said) = run(words, text, number);
            assert_ne!(code, 0, "{said}");
        }
        for words in TAKEN_OR_NOT {
            run(words, text, number);
        }
    }
    let (code, said) = run(&["status", "--token-file", "canary"], "", 0);
    assert_ne!(code, 0, "{said}");
    let export =
        ["audit", "export", "--format", "jsonl", "--with-secrets", "--output", "all.jsonl"];
    world.must(&export, 0);
    let mut found = BTreeMap::new();
    let all = std::fs::read_to_string(world.root().join("all.jsonl")).unwrap();
    all.lines().for_each(|line| count(&serde_json::from_str(line).unwrap(), &mut found));
    for text in &texts {
        let kept = found.get(text).copied().unwrap_or_default();
        assert!(kept >= KEPT.len(), "`{text}` is in the journal {kept} times, as it was typed");
    }
    let mut told = Vec::new();
    telling(world.root(), &mut told);
    assert_eq!(told, Vec::<String>::new());
}
