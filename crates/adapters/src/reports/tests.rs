//! What holds of all checks that read reports, asked of `junit`.

use super::testing::{ask, ask_in, ask_within, project, says, written};
use super::*;
use serde_json::json;
use std::time::Duration;
use towpath_core::check::CheckResult::{Fail, Inconclusive, Pass};

use crate::question::testing::{Evidence, NOW, check, problems, request, site};

const GOOD: &[u8] = b"<testsuite tests='1'><testcase name='a'/></testsuite>";

fn all() -> Value {
    json!({ "path": "reports/**/*.xml" })
}

#[test]
fn no_report_is_no_pass_and_the_answer_says_what_to_do() {
    for files in [&[][..], &[("reports/a.json", GOOD)], &[("other/a.xml", GOOD)]] {
        says(
            &ask("junit", &all(), files),
            Inconclusive,
            "no file fits `reports/**/*.xml` in the folder of the matrix; make the reports there \
             before you promote, or correct `path`",
        );
    }
}

#[test]
fn one_that_cannot_be_read_outweighs_good_ones_and_is_named_with_its_place() {
    let files: &[(&str, &[u8])] =
        &[("reports/a.xml", GOOD), ("reports/b.xml", b"<testsuite>\n  <testcase")];
    let answer = ask("junit", &all(), files);
    assert_eq!(answer.result, Inconclusive);
    assert!(answer.sentence.starts_with("reports/b.xml:2:"), "{answer:?}");
    assert!(answer.sentence.contains(" is no test report that can be read: "), "{answer:?}");
}

#[test]
fn other_ways_to_write_letters_are_named_and_a_byte_order_mark_is_not_in_the_way() {
    let of = |bytes: &[u8]| ask("junit", &all(), &[("reports/a.xml", bytes)]);
    let text = std::str::from_utf8(GOOD).unwrap();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &little].concat();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [&little, &marked, &big] {
        let said = of(bytes).sentence;
        assert!(said.ends_with("it is UTF-16 or UTF-32; have it written in UTF-8"), "{said}");
    }
    says(
        &of(b"<testsuite>\n<testcase name='gr\xfcn'/></testsuite>"),
        Inconclusive,
        "reports/a.xml:2:19 is no test report that can be read: it is not UTF-8 from here on; have \
         it written in UTF-8",
    );
    assert_eq!(of(&[b"\xef\xbb\xbf", GOOD].concat()).result, Pass);
    assert_eq!(of(b"").result, Inconclusive);
}

#[test]
fn old_reports_do_not_count() {
    let folder = project(&[("reports/a.xml", GOOD), ("reports/b.xml", GOOD)]);
    written(&folder.path().join("reports/b.xml"), NOW.minus(Span::hours(30)));
    let with = |age: &str| {
        let settings = json!({ "path": "reports/**/*.xml", "max_age": age });
        ask_in(folder.path(), "junit", &settings)
    };
    let said = "reports/b.xml is 30h old; make it anew (`max_age` is 24h)";
    says(&with("24h"), Inconclusive, said);
    assert_eq!(with("30h").result, Pass, "the limit itself is not above the limit");
    assert_eq!(ask_in(folder.path(), "junit", &all()).result, Pass);
}

#[test]
fn reports_of_a_clock_that_is_ahead_have_no_age() {
    let folder = project(&[("reports/a.xml", GOOD)]);
    let report = folder.path().join("reports/a.xml");
    let with_age = || {
        let settings = json!({ "path": "reports/**/*.xml", "max_age": "24h" });
        ask_in(folder.path(), "junit", &settings)
    };
    written(&report, NOW.plus(Span::minutes(5)));
    assert_eq!(with_age().result, Pass, "clocks differ by so much");
    written(&report, NOW.plus(Span::minutes(6)));
    let said = "reports/a.xml was written in the future; set the clock, and make it anew";
    says(&with_age(), Inconclusive, said);
    assert_eq!(ask_in(folder.path(), "junit", &all()).result, Pass);
}

/// Counts nothing.
struct Idle;

impl Tally for Idle {
    type Sum = ();
    const WHAT: &'static str = "report";
    fn add(&mut self, _report: &Report<'_>) -> Result<String, Wrong> {
        Ok(String::new())
    }
    fn sum(self) {}
}

#[tokio::test]
async fn too_much_is_not_read() {
    let folder = project(&[]);
    let grow = |name: &str, size: u64| {
        File::create(folder.path().join(name)).unwrap().set_len(size).unwrap();
    };
    let mut reports = Reports::new("?.xml", None, &site(folder.path(), 1)).unwrap();
    reports.limits = Limits { file: MIB, all: 3 * MIB };
    let request = request(&[], Evidence::default());
    for name in ["a.xml", "b.xml", "c.xml"] {
        // Texts of zeroes would be taken for UTF-16.
        std::fs::write(folder.path().join(name), " ".repeat(1024 * 1024)).unwrap();
    }
    assert_eq!(reports.read(&request, Idle).await.map(|read| read.count).ok(), Some(3));
    grow("d.xml", 1);
    let answer = reports.read(&request, Idle).await.unwrap_err();
    says(&answer, Inconclusive, "the reports of `?.xml` are larger than 3 MiB in all");
    grow("a.xml", MIB + 1);
    let answer = reports.read(&request, Idle).await.unwrap_err();
    says(&answer, Inconclusive, "a.xml is larger than 1 MiB");
    assert_eq!((LIMITS.file, LIMITS.all), (64 * MIB, 256 * MIB), "what the documentation says");
}

#[test]
fn a_pipe_that_nobody_writes_to_is_no_report() {
    let folder = project(&[("reports/a.xml", GOOD)]);
    let pipe = folder.path().join("reports/pipe.xml");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let answer = ask_in(folder.path(), "junit", &all());
    let said = "reports/pipe.xml is no file; let `path` name the reports alone";
    says(&answer, Inconclusive, said);
}

#[test]
fn a_folder_that_leads_outside_is_passed_by_and_told() {
    let elsewhere =
        project(&[("bad.xml", b"<testsuite><testcase><failure/></testcase></testsuite>")]);
    let folder = project(&[("reports/a.xml", GOOD)]);
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("reports/more")).unwrap();
    says(
        &ask_in(folder.path(), "junit", &all()),
        Pass,
        "1 test in 1 report: 0 failed, 0 skipped; reports/more leads outside of the project and was \
         not followed",
    );
}

#[test]
fn what_takes_too_long_is_given_up_and_says_so() {
    let mut bytes = b"<testsuite>".to_vec();
    bytes.extend(b"<testcase name='a'/>".repeat(2_000_000));
    bytes.extend(b"</testsuite>");
    let folder = project(&[("reports/a.xml", &bytes)]);
    let answer = ask_within(folder.path(), "junit", &all(), Span(50));
    says(
        &answer,
        Inconclusive,
        "`reports/**/*.xml` could not be read within 50ms; give it a longer `timeout`",
    );
}

#[tokio::test]
async fn a_question_that_is_given_up_ends_its_reading() {
    struct Endless(tokio::sync::mpsc::UnboundedSender<()>);
    impl Tally for Endless {
        type Sum = ();
        const WHAT: &'static str = "report";
        fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
            self.0.send(()).unwrap();
            loop {
                report.stop.check()?;
            }
        }
        fn sum(self) {}
    }
    let folder = project(&[("reports/a.xml", GOOD)]);
    let reports = Reports::new("reports/a.xml", None, &site(folder.path(), 1)).unwrap();
    let request = request(&[], Evidence::default());
    let (began, mut beginning) = tokio::sync::mpsc::unbounded_channel();
    let asked =
        tokio::spawn(async move { reports.read(&request, Endless(began)).await.map(|_| ()) });
    assert_eq!(beginning.recv().await, Some(()));
    asked.abort();
    // The channel closes when the reading is gone, and with it what it held.
    let ended = tokio::time::timeout(Duration::from_secs(30), beginning.recv()).await;
    assert_eq!(ended.unwrap(), None);
}

#[test]
fn logs_name_each_report_with_its_digest() {
    let answer = ask("junit", &all(), &[("reports/a.xml", GOOD)]);
    let digest = Digest::of(GOOD);
    let wanted =
        format!("reports/a.xml: 1 tests, 0 failed, 0 skipped (53 bytes, written 1h ago, {digest})");
    assert_eq!(answer.output.as_deref(), Some(wanted.as_str()));
}

#[test]
fn what_could_harm_a_terminal_is_escaped() {
    let files: &[(&str, &[u8])] = &[(
        "reports/\x1b[2J.xml",
        "<testsuite><testcase name='\u{202e}evil'><failure message='\u{9b}2J'/></testcase></testsuite>".as_bytes(),
    )];
    let answer = ask("junit", &all(), files);
    assert_eq!(answer.result, Fail);
    assert!(answer.sentence.ends_with("; first: \\u{202e}evil"), "{answer:?}");
    let output = answer.output.unwrap();
    assert!(output.contains("\\u{9b}2J") && output.contains("reports/\\u{1b}[2J.xml"), "{output}");
}

#[test]
fn numbers_are_grouped_and_words_follow_them() {
    let shown = [0, 7, 999, 1000, 12_345, 1_234_567].map(grouped);
    assert_eq!(shown, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    assert_eq!(counted(1, "report"), "1 report");
    assert_eq!(counted(1000, "test"), "1,000 tests");
    assert_eq!(short(&"ä".repeat(300)).chars().count(), SHOWN_MOST + 1);
}

#[test]
fn settings_that_could_read_elsewhere_are_refused_when_the_matrix_is_checked() {
    for check in ["junit", "coverage", "sarif"] {
        let rest = match check {
            "coverage" => json!({ "at_least": "80%" }),
            "sarif" => json!({ "allow": { "high": 0 } }),
            _ => json!({}),
        };
        for (path, wrong) in
            [("/etc/passwd", true), ("a[", true), ("{a,b}/**/*.xml", false), ("../a.xml", true)]
        {
            let mut settings = rest.clone();
            settings["path"] = path.into();
            let expected: &[&str] = if wrong { &["path"] } else { &[] };
            assert_eq!(problems(check, &settings), expected, "{check} {path}");
        }
        let mut settings = rest.clone();
        settings["path"] = "a.xml".into();
        settings["max_age"] = "0s".into();
        assert_eq!(problems(check, &settings), ["max_age"]);
    }
}

#[test]
fn a_folder_of_the_matrix_that_is_gone_is_inconclusive() {
    let gone = project(&[]).path().to_owned();
    let said = ask_in(&gone, "junit", &all());
    assert_eq!(said.result, Inconclusive);
    assert!(said.sentence.starts_with("the folder of the matrix cannot be read: "), "{said:?}");
    let _builds_without_looking = check("junit", &all(), &site(&gone, 1));
}

/// A good report that a tool could have compressed, as `gzip -n` (2.4) and `zip` (PKZIP 2.0, stored) write it.
fn packed(text: &[u8]) -> [Vec<u8>; 2] {
    let mut child = std::process::Command::new("gzip")
        .args(["-9", "-n"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text).unwrap();
    let gzip = child.wait_with_output().unwrap().stdout;
    assert!(gzip.starts_with(b"\x1f\x8b"), "gzip wrote it");
    // The local header of one stored file of this name; then its bytes, which any unpacker would find.
    let size = u32::try_from(text.len()).unwrap().to_le_bytes();
    let head = [&b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], &size, &size, b"\x01\0\0\0r"];
    [gzip, [&head.concat(), text].concat()]
}

#[test]
fn cve_b27_reports_that_are_compressed_are_never_unpacked() {
    let lcov = b"SF:a.py\nDA:1,1\nend_of_record\n";
    let sarif = br#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}"#;
    for (name, more, text) in [
        ("junit", json!({}), GOOD),
        ("coverage", json!({ "at_least": "50%" }), &lcov[..]),
        ("sarif", json!({ "allow": { "high": 0 } }), &sarif[..]),
    ] {
        let of = |bytes: &[u8]| {
            let mut settings = more.clone();
            settings["path"] = "reports/*".into();
            ask(name, &settings, &[("reports/r", bytes)])
        };
        assert_eq!(of(text).result, Pass, "{name} passes what was not compressed");
        for bytes in packed(text) {
            let answer = of(&bytes);
            assert_eq!(answer.result, Inconclusive, "{name}: {answer:?}");
            assert!(answer.sentence.starts_with("reports/r"), "{name}: {answer:?}");
        }
    }
}
