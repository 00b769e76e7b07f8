//! Values as attackers choose them (trust.md T10, B11 to B15, B26), at the parts that take them: what is
//! not refused stays a value. Owns no rule.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};
use towpath_core::check::CheckResult::Pass;
use towpath_core::ids::{Digest, LaneId, Name, Person, Version};

use crate::commit::{Commit, is_branch};
use crate::git_of_tests::git;
use crate::question::testing::{Evidence, check, problems, request, site};
use crate::reports::testing::{ask_in, project};

/// What would be written if anything of a value were carried out.
const CANARY: &str = "canary";

/// A thousand values and more, each of which some program somewhere carries out.
fn payloads() -> Vec<String> {
    let acts = [
        "touch canary",
        "touch${IFS}canary",
        "{touch,canary}",
        "touch\tcanary",
        ">canary",
        "cat</etc/passwd",
        "id",
        "exec('touch canary')",
        "T(java.lang.Runtime)",
        "7*7",
        "--upload-pack=touch canary",
        "/etc/passwd",
    ];
    let around = [
        ("$(", ")"),
        ("`", "`"),
        (";", ";"),
        ("&&", ""),
        ("||", ""),
        ("|", ""),
        ("&", ""),
        ("\n", "\n"),
        ("\r\n", ""),
        ("'; ", " #"),
        ("\"; ", " #"),
        ("${", "}"),
        ("{{", "}}"),
        ("#{", "}"),
        ("<%=", "%>"),
        ("%{", "}"),
        ("-", ""),
        ("--", ""),
        ("@", ""),
        ("!", ""),
        ("~", ""),
        ("\\", ""),
        ("\u{202e}", ""),
        ("*", "?"),
    ];
    let begins = ["", "1.0.0", "main", "x "];
    let mut all = BTreeSet::new();
    for act in acts {
        for (before, after) in around {
            all.extend(begins.map(|begin| format!("{begin}{before}{act}{after}")));
        }
    }
    all.into_iter().collect()
}

#[test]
fn t10_names_versions_and_commits_hold_nothing_that_could_be_carried_out() {
    let payloads = payloads();
    assert!(payloads.len() >= 1000, "{}", payloads.len());
    for payload in &payloads {
        // What is taken holds letters, digits and harmless signs, and is no option.
        let taken = [
            Version::new(payload).ok().map(|taken| taken.to_string()),
            Name::new(payload).ok().map(|taken| taken.to_string()),
        ];
        for taken in taken.into_iter().flatten() {
            let is_safe = |sign: char| sign.is_ascii_alphanumeric() || "._+-".contains(sign);
            assert!(taken.chars().all(is_safe) && !taken.starts_with('-'), "{payload:?}");
        }
        assert!(Digest::new(payload).is_err(), "{payload:?}");
        assert!(LaneId::try_from(payload.clone()).is_err(), "{payload:?}");
        assert!(Commit::new(payload).is_none(), "{payload:?}");
        if let Ok(person) = Person::new(payload) {
            let is_safe = |sign: char| sign.is_alphanumeric() || "._@-".contains(sign);
            assert!(person.as_str().chars().all(is_safe), "{payload:?}");
        }
        let leads = payload.starts_with('-') || payload.contains(char::is_whitespace);
        assert!(!leads || !is_branch(payload), "{payload:?}");
    }
}

#[tokio::test]
async fn t10_cve_b11_cve_b12_arguments_and_variables_reach_a_program_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    // The place of an instance is the only thing that is filled in.
    let payloads = payloads();
    let script = "printf '%s\\0' \"$@\" > arguments; env -0 > variables";
    let mut run = vec!["/bin/sh", "-c", script, "script"];
    run.extend(payloads.iter().map(String::as_str));
    let named = |(index, value): (usize, &String)| (format!("ATTACK_{index}"), json!(value));
    let env: Map<String, Value> = payloads.iter().enumerate().map(named).collect();
    let settings = json!({ "run": run, "env": env });
    let asked = check("command", &settings, &site(folder.path(), 1));
    let answer = asked.ask(&request(&[], Evidence::default())).await;
    assert_eq!(answer.result, Pass, "{}", answer.sentence);
    let pieces = |file: &str| -> Vec<String> {
        let bytes = fs::read(folder.path().join(file)).unwrap();
        let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
        parts.map(|part| String::from_utf8(part.to_vec()).unwrap()).collect()
    };
    assert_eq!(pieces("arguments"), payloads);
    let variables: BTreeSet<String> = pieces("variables").into_iter().collect();
    for (index, payload) in payloads.iter().enumerate() {
        assert!(variables.contains(&format!("ATTACK_{index}={payload}")), "{payload:?}");
    }
    assert!(!folder.path().join(CANARY).exists());
}

#[tokio::test]
async fn cve_b13_a_branch_is_never_an_option_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| git(folder.path(), words);
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["commit", "--quiet", "--allow-empty", "-m", "first"]);
    let head = git(&["rev-parse", "HEAD"]);
    let mut asked = 0;
    for payload in payloads() {
        let settings = json!({ "contained_in": payload });
        if !is_branch(&payload) {
            assert_eq!(problems("git", &settings), ["contained_in"], "{payload:?}");
            continue;
        }
        if asked < 20 {
            let known = Evidence { commit: Some(head.clone()), ..Evidence::default() };
            let question = check("git", &settings, &site(folder.path(), 1));
            let answer = question.ask(&request(&[], known)).await;
            assert_ne!(answer.result, Pass, "{payload:?}");
            asked += 1;
        }
    }
    assert!(asked > 0 && !folder.path().join(CANARY).exists());
}

#[test]
fn cve_b14_a_pattern_means_the_whole_path_and_no_part_of_it() {
    let good: &[u8] = b"<testsuite tests='1'><testcase name='a'/></testsuite>";
    for other in ["evil-r.xml", "r.xml.bak", "r.xml/inner", "sub/r.xml", "rxxml", "R.xml"] {
        let folder = project(&[(other, good)]);
        for path in ["r.xml", "{r.xml,none}", "[r].xml"] {
            let answer = ask_in(folder.path(), "junit", &json!({ "path": path }));
            assert_ne!(answer.result, Pass, "{path} took {other}");
        }
    }
}

#[test]
fn cve_b15_names_that_are_too_long_or_lack_a_part_are_refused_and_nothing_ends() {
    for text in ["", "/", "a/", "/a", "noslash", "a/b/c", "-/-", "a b/c"] {
        assert!(LaneId::try_from(text.to_owned()).is_err(), "{text:?}");
    }
    for length in [64, 129, 10_000, 1 << 20] {
        let long = "a".repeat(length);
        assert!(Name::new(&long).is_err() && Digest::new(&long).is_err());
        assert!(length <= 128 || Version::new(&long).is_err());
        assert!(LaneId::try_from(format!("{long}/{long}")).is_err());
        assert!(!is_branch(&"a".repeat(length.max(256))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cve_b26_a_secret_that_is_replaced_while_it_is_read_is_the_old_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let put = |text: String| {
        let fresh = path.with_extension("fresh");
        fs::write(&fresh, text).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&fresh, &path).unwrap();
    };
    let (one, two) = ("1".repeat(4000), "2".repeat(4000));
    put(one.clone());
    let settings = json!({ "path": path });
    let kinds = crate::secrets::KINDS;
    let store = crate::build(kinds, "file", &settings, &site(folder.path(), 1)).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut seen = BTreeSet::new();
                while !is_over.load(Ordering::SeqCst) {
                    seen.insert(store.read("KEY").await.unwrap().reveal().to_owned());
                }
                seen
            })
        })
        .collect();
    for round in 0..200 {
        put(if round % 2 == 0 { two.clone() } else { one.clone() });
        tokio::task::yield_now().await;
    }
    is_over.store(true, Ordering::SeqCst);
    for reader in readers {
        let seen = reader.await.unwrap();
        assert!(seen.iter().all(|text| *text == one || *text == two), "a mixture was read");
    }
}
