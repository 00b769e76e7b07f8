//! Reports as the programs write them, cut to what matters; and reports that nobody writes.

use super::*;
use crate::question::testing::problems;
use crate::reports::testing::{ask, says};
use proptest::prelude::*;
use serde_json::json;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};

fn of(text: impl AsRef<[u8]>) -> CheckAnswer {
    with(&json!({}), text)
}

fn with(more: &Value, text: impl AsRef<[u8]>) -> CheckAnswer {
    let mut settings = more.clone();
    settings["path"] = "r.xml".into();
    ask("junit", &settings, &[("r.xml", text.as_ref())])
}

/// pytest 9.2: one that passes and whose teardown errs counts twice in `tests`, and one that fails
/// in both has two cases and counts once.
const PYTEST: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="2" failures="1" skipped="2" tests="7" time="0.088">
<testcase classname="tests.test_a" name="test_ok" time="0.001" />
<testcase classname="tests.test_a" name="test_teardown"><error message="failed on teardown with &quot;ValueError: x&quot;">@pytest.fixture</error></testcase>
<testcase classname="tests.test_a" name="test_both"><failure message="assert 0">bad = None</failure></testcase>
<testcase classname="tests.test_a" name="test_both"><error message="failed on teardown">x</error></testcase>
<testcase classname="tests.test_a" name="test_skip"><skipped type="pytest.skip" message="no">x</skipped></testcase>
<testcase classname="tests.test_a" name="test_expected"><skipped type="pytest.xfail" message="" /></testcase>
<testcase classname="tests.test_a" name="test_better" /></testsuite></testsuites>"#;

#[test]
fn pytest_errors_and_failures_are_failures_and_expected_ones_are_skipped() {
    let answer = of(PYTEST);
    let said = "7 tests in 1 report: 3 failed, 2 skipped; first: test_teardown (tests.test_a)";
    says(&answer, Fail, said);
    let output = answer.output.unwrap();
    let first = "test_teardown (tests.test_a)\n    failed on teardown with \"ValueError: x\"\n\
                 test_both (tests.test_a)\n    assert 0\n";
    assert!(output.starts_with(first), "{output}");
    let alone =
        "<testsuite errors='1' tests='2'><testcase name='a'><error/></testcase></testsuite>";
    assert_eq!(of(alone).result, Fail, "a teardown's error makes two tests of one case");
}

#[test]
fn surefire_and_nextest_count_what_passed_when_it_was_run_again_as_passed() {
    let text = "<testsuite name='com.acme.T' tests='3' errors='0' skipped='1' failures='0' flakes='1'>\
        <properties><property name='a' value='b'/></properties>\
        <testcase name='flaky' classname='com.acme.T'><flakyFailure message='m' type='t'>\
        <stackTrace>x</stackTrace><system-out>o</system-out></flakyFailure></testcase>\
        <testcase name='off' classname='com.acme.T'><skipped message='later'/></testcase>\
        <testcase name='good' classname='com.acme.T'/></testsuite>";
    let said = "3 tests in 1 report: 0 failed, 1 skipped, 1 passed when run again";
    says(&of(text), Pass, said);
}

#[test]
fn what_failed_in_every_run_is_one_failure() {
    let text = "<testsuites name='nextest-run' tests='2' failures='1' errors='0'>\
        <testsuite name='acme' tests='2' disabled='0' errors='0' failures='1'>\
        <testcase name='tests::bad' classname='acme'><failure type='test failure'>thread panicked\n\
        at src</failure><rerunFailure type='test failure'>again</rerunFailure>\
        <rerunFailure/></testcase><testcase name='tests::good' classname='acme'/>\
        </testsuite></testsuites>";
    let answer = of(text);
    let said = "2 tests in 1 report: 1 failed, 0 skipped; first: tests::bad (acme)";
    says(&answer, Fail, said);
    assert!(answer.output.unwrap().starts_with("tests::bad (acme)\n    thread panicked\n"));
    let rerun = "<testsuite tests='1'><testcase name='a'><rerunFailure/></testcase></testsuite>";
    assert_eq!(of(rerun).result, Fail, "and where only the reruns are told");
}

#[test]
fn gotestsum_names_packages_and_one_that_did_not_build_has_a_case_more() {
    let text = "<testsuites tests='1' failures='1' errors='0' time='0.1'>\
        <testsuite tests='1' failures='0' name='acme/a'><testcase classname='acme/a' name='TestA'/>\
        </testsuite><testsuite tests='0' failures='1' name='acme/b'>\
        <testcase classname='acme/b' name='TestMain'><failure message='Failed'>x</failure></testcase>\
        </testsuite></testsuites>";
    let said = "2 tests in 1 report: 1 failed, 0 skipped; first: TestMain (acme/b)";
    says(&of(text), Fail, said);
}

#[test]
fn jest_tells_of_a_file_that_could_not_be_loaded_in_its_sums_alone() {
    let text = "<testsuites name='jest tests' tests='1' failures='0' errors='1'>\
        <testsuite name='sum' errors='0' failures='0' skipped='0' tests='1'>\
        <testcase classname='sum adds' name='sum adds' time='0.001'></testcase></testsuite>\
        <testsuite name='broken' errors='1' failures='0' skipped='0' tests='0'></testsuite>\
        </testsuites>";
    says(
        &of(text),
        Inconclusive,
        "r.xml:1:216 is no test report that can be read: suite `broken` says 1 failures or errors, \
         and 0 are in it; it may be cut off",
    );
}

#[test]
fn suites_in_suites_are_walked_through_and_their_sums_add_up() {
    let text = "<testsuites tests='3'><testsuite name='a' tests='3'><testcase name='x'/>\
        <testsuite name='b' tests='2'><testcase name='y'/><testcase name='z'><failure/></testcase>\
        </testsuite></testsuite></testsuites>";
    says(&of(text), Fail, "3 tests in 1 report: 1 failed, 0 skipped; first: z (b)");
    let cut = text.replace("tests='2'", "tests='4'");
    assert!(of(cut).sentence.contains("suite `b` says 4 tests, and 2 are in it"));
}

#[test]
fn a_failure_counts_wherever_it_stands() {
    for text in [
        "<testsuite><testcase name='a' status='failed'/></testsuite>",
        "<testsuite failures='1'><testcase name='a' status='fail'/></testsuite>",
        "<testsuite><testcase name='a'><steps><testcase><error/></testcase></steps></testcase></testsuite>",
        "<testsuite name='s'><failure message='setup'/><testcase name='a'/></testsuite>",
        "<x:testsuite xmlns:x='urn:x'><x:testcase name='a'><x:failure/></x:testcase></x:testsuite>",
        "<testsuite><testcase name='a'><skipped/><failure/></testcase></testsuite>",
    ] {
        assert_eq!(of(text).result, Fail, "{text}");
    }
    let printed = "<testsuite><testcase name='a'><system-out>&lt;failure/> <![CDATA[<failure/>]]>\
                   </system-out></testcase></testsuite>";
    assert_eq!(of(printed).result, Pass, "what a test prints is no failure");
}

#[test]
fn nothing_that_ran_proves_nothing_unless_that_is_borne() {
    let none = "<testsuites/>";
    says(
        &of(none),
        Inconclusive,
        "0 tests in 1 report: 0 failed, 0 skipped; no test ran, so nothing is known (`at_least: 0` \
         bears that)",
    );
    let skipped = "<testsuite><testcase name='a'><skipped/></testcase><testcase status='notrun'/></testsuite>";
    assert_eq!(of(skipped).result, Inconclusive);
    for text in [none, skipped] {
        assert_eq!(with(&json!({ "at_least": 0 }), text).result, Pass);
        assert_eq!(with(&json!({ "at_least": 1 }), text).result, Inconclusive);
    }
}

#[test]
fn fewer_than_asked_fail_and_skipped_ones_did_not_run() {
    let text = "<testsuite><testcase/><testcase/><testcase><skipped/></testcase></testsuite>";
    assert_eq!(with(&json!({ "at_least": 2 }), text).result, Pass);
    says(
        &with(&json!({ "at_least": 1200 }), text),
        Fail,
        "3 tests in 1 report: 0 failed, 1 skipped; 2 ran and at least 1,200 must",
    );
}

#[test]
fn what_is_borne_is_borne_and_no_more() {
    let text = "<testsuite><testcase name='ok'/><testcase name='a'><failure/></testcase>\
        <testcase name='b'><error/></testcase><testcase><skipped/></testcase></testsuite>";
    let allow = |allow: Value| with(&json!({ "allow": allow }), text);
    assert_eq!(allow(json!({ "failed": 2 })).result, Pass);
    let said = "4 tests in 1 report: 2 failed, 1 skipped, of which 1 may; first: a";
    says(&allow(json!({ "failed": 1 })), Fail, said);
    assert_eq!(allow(json!({ "failed": 2, "skipped": 1 })).result, Pass);
    let said = "4 tests in 1 report: 2 failed, 1 skipped, of which 0 may be";
    says(&allow(json!({ "failed": 2, "skipped": 0 })), Fail, said);
    assert_eq!(allow(json!({ "skipped": 9 })).result, Fail, "`failed` left out is none");
}

#[test]
fn many_failures_are_cut_for_logs_and_counted_all_the_same() {
    let one = "<testcase name='t'><failure message='m'/></testcase>";
    let answer = of(format!("<testsuite>{}</testsuite>", one.repeat(1234)));
    assert_eq!(answer.sentence, "1,234 tests in 1 report: 1,234 failed, 0 skipped; first: t");
    let output = answer.output.unwrap();
    assert_eq!(output.matches("t\n    m\n").count(), 50);
    assert!(output.contains("\n[1,184 more left out]\nr.xml: "), "{output}");
}

#[test]
fn what_is_no_test_report_is_named() {
    let said = "r.xml:1:1 is no test report that can be read: it begins with `coverage`, not with \
                `testsuites`";
    says(&of("<coverage/>"), Inconclusive, said);
    for text in [
        "<testsuite tests='many'><testcase/></testsuite>",
        "<testsuite><testcase/></testsuite><testsuite/>",
        "<!DOCTYPE a [<!ENTITY a 'b'>]><testsuite><testcase name='&a;'/></testsuite>",
        "{\"version\": \"2.1.0\", \"runs\": []}",
    ] {
        assert_eq!(of(text).result, Inconclusive, "{text}");
    }
    let deep = format!("<testsuite>{}", "<testsuite>".repeat(200));
    assert!(of(deep).sentence.contains("more than 128 elements lie in one another"));
}

#[test]
fn no_beginning_of_a_good_report_is_a_pass() {
    let text = "<?xml version='1.0'?><testsuites tests='2'><testsuite name='s' tests='2'>\
        <testcase name='a'/><testcase name='b'><system-out>x</system-out></testcase></testsuite>\
        </testsuites>";
    assert_eq!(of(text).result, Pass);
    for end in 0..text.len() {
        assert_eq!(of(&text[..end]).result, Inconclusive, "{}", &text[..end]);
    }
}

#[test]
fn the_settings_are_held_against_what_the_check_can_do() {
    assert_eq!(
        problems("junit", &json!({ "path": "a.xml", "allow": { "errors": 1 } })),
        ["allow.errors"]
    );
    assert_eq!(problems("junit", &json!({ "path": "a.xml", "at_least": "many" })), ["at_least"]);
    let good =
        json!({ "path": "a.xml", "at_least": 5, "allow": { "skipped": 1 }, "max_age": "24h" });
    assert_eq!(problems("junit", &good), [""; 0]);
}

/// Pieces of reports, and of what is none.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<testsuites>".to_owned()),
        Just("<testsuite tests='1'>".to_owned()),
        Just("</testsuite>".to_owned()),
        Just("</testsuites>".to_owned()),
        Just("<testcase name='a'>".to_owned()),
        Just("<testcase/>".to_owned()),
        Just("</testcase>".to_owned()),
        Just("<failure>".to_owned()),
        Just("<failure/>".to_owned()),
        Just("</failure>".to_owned()),
        Just("<skipped/>".to_owned()),
        Just("&amp;".to_owned()),
        Just("&x;".to_owned()),
        Just("<!-- ".to_owned()),
        Just("]]>".to_owned()),
        "[<>&;'\"=a-z0-9 \u{0}-\u{1f}äß]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_answered_and_never_a_pass(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(of(&bytes).result, CheckResult::Inconclusive);
    }

    #[test]
    fn any_pieces_are_answered_and_pass_only_with_a_test_and_without_a_failure(
        pieces in proptest::collection::vec(piece(), 0..12),
        is_whole in any::<bool>(),
    ) {
        let pieces = pieces.concat();
        let text = if is_whole { format!("<testsuites>{pieces}</testsuites>") } else { pieces };
        let answer = of(&text);
        if answer.result == CheckResult::Pass {
            prop_assert!(text.contains("<testcase"), "{}", text);
            prop_assert!(!text.contains("<failure") || text.contains("<!--"), "{}", text);
        }
    }
}
