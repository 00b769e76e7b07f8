//! Reports of both forms, several that overlap, and such as nobody writes.

use super::*;
use crate::question::testing::problems;
use crate::reports::testing::{ask, ask_in, project, says};
use proptest::prelude::*;
use serde_json::json;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};

fn of(at_least: &str, files: &[(&str, &str)]) -> CheckAnswer {
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    ask("coverage", &json!({ "path": "**/cov*", "at_least": at_least }), &files)
}

/// Lines by number and hits, in a class of one file.
fn cobertura(source: &str, file: &str, lines: &[(u32, u64)]) -> String {
    let lines =
        lines.iter().map(|(number, hits)| format!("<line number=\"{number}\" hits=\"{hits}\"/>"));
    let lines = lines.collect::<Vec<_>>().join("\n");
    // The rates say something else on purpose: they are not believed.
    format!(
        "<?xml version=\"1.0\" ?>\n<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/\
         coverage-04.dtd\">\n<coverage line-rate=\"1\" lines-valid=\"9\" lines-covered=\"9\"><sources>\
         <source>{source}</source></sources><packages><package name=\"p\"><classes><class name=\"c\" \
         filename=\"{file}\"><methods><method name=\"m\"><lines>{lines}</lines></method></methods>\
         <lines>{lines}</lines></class></classes></package></packages></coverage>"
    )
}

fn lcov(file: &str, lines: &[(u32, i64)]) -> String {
    let lines = lines.iter().map(|(number, hits)| format!("DA:{number},{hits}\n"));
    let lines = lines.collect::<Vec<_>>().concat();
    format!("TN:\nSF:{file}\nFN:1,f\nFNDA:1,f\n{lines}BRDA:1,0,0,-\nLF:9\nLH:9\nend_of_record\n")
}

#[test]
fn lines_are_counted_once_and_the_rates_of_the_report_are_not_believed() {
    let lines = [(1, 1), (2, 0), (3, 7), (4, 1), (5, 18_446_744_073_709_551_615)];
    let answer = of("80%", &[("cov.xml", &cobertura("/x", "a.py", &lines))]);
    says(&answer, Pass, "80% of 5 lines in 1 report covered; at least 80% are asked");
    let output = answer.output.unwrap();
    assert!(
        output.starts_with("/x/a.py: 1 of 5 lines not covered\ncov.xml: Cobertura, 4 of 5"),
        "{output}"
    );
    let answer = of("80%", &[("coverage.info", &lcov("a.c", &[(1, 1), (2, 0), (3, -1)]))]);
    says(&answer, Fail, "33.33% of 3 lines in 1 report covered; at least 80% are asked");
}

#[test]
fn the_form_is_told_by_what_is_in_it_and_not_by_its_name() {
    let xml =
        format!("\u{feff}\n {}", cobertura("", "a.py", &[(1, 1)]).split_once('\n').unwrap().1);
    assert_eq!(of("1%", &[("cov.info", &xml)]).result, Pass);
    assert_eq!(
        of("1%", &[("cov.xml", &format!("\n# made\n{}", lcov("a", &[(1, 1)])))]).result,
        Pass
    );
    let said = "cov is no coverage report that can be read: it is neither Cobertura's XML nor LCOV";
    says(&of("1%", &[("cov", "{}")]), Inconclusive, said);
    let jacoco = "cov.xml:1:1 is no coverage report that can be read: it begins with `report`, not with \
                  `coverage`; have it written as Cobertura or LCOV";
    says(&of("1%", &[("cov.xml", "<report name='jacoco'/>")]), Inconclusive, jacoco);
    let clover = "<coverage><project><file><line num='1' count='1'/></file></project></coverage>";
    assert!(of("1%", &[("cov.xml", clover)]).sentence.contains("belongs to no `class`"));
}

#[test]
fn what_any_report_ran_is_covered() {
    let files = [
        ("cov1.xml", &*cobertura("", "src/a.py", &[(1, 1), (2, 0), (3, 0)])),
        ("cov2.xml", &*cobertura(".", "./src/b/../a.py", &[(1, 0), (2, 1), (4, 0)])),
        ("cov3.info", &*lcov("src/a.py", &[(3, 1)])),
    ];
    let said = "75% of 4 lines in 3 reports covered; at least 70% are asked";
    says(&of("70%", &files), Pass, said);
}

#[test]
fn the_comparison_is_exact_and_never_shown_rounded_up() {
    let lines: Vec<(u32, u64)> = (1..=25_000).map(|line| (line, u64::from(line > 5_001))).collect();
    let report = cobertura("", "a.py", &lines);
    let said = "79.99% of 25,000 lines in 1 report covered; at least 80% are asked";
    says(&of("80%", &[("cov.xml", &report)]), Fail, said);
    assert_eq!(of("79.99%", &[("cov.xml", &report)]).result, Pass, "79.996% is");
    assert_eq!([percent(1, 3), percent(1, 1), percent(7, 10)], ["33.33%", "100%", "70%"]);
    assert_eq!(percent(u64::MAX - 1, u64::MAX), "99.99%");
}

#[test]
fn packages_with_files_of_one_name_are_not_taken_for_one() {
    let (ran, idle) = (&*lcov("src/index.ts", &[(1, 1)]), &*lcov("src/index.ts", &[(1, 0)]));
    let files = [
        ("packages/a/coverage/cov.info", ran),
        ("packages/a/src/index.ts", ""),
        ("packages/b/coverage/cov.info", idle),
        ("packages/b/src/index.ts", ""),
    ];
    says(&of("50%", &files), Pass, "50% of 2 lines in 2 reports covered; at least 50% are asked");
    // Made elsewhere: the last parts of the name are those of a file that is here.
    let elsewhere = cobertura("/builds/7/shop", "packages/b/src/index.ts", &[(1, 1)]);
    let files = [&files[..], &[("cov.xml", &elsewhere)]].concat();
    says(&of("50%", &files), Pass, "100% of 2 lines in 3 reports covered; at least 50% are asked");
}

#[test]
fn names_below_the_project_are_the_same_however_they_are_written() {
    let folder = project(&[]);
    let root = folder.path().canonicalize().unwrap();
    let root = root.to_str().unwrap();
    std::fs::write(folder.path().join("cov1"), cobertura(root, "a.py", &[(1, 1)])).unwrap();
    std::fs::write(folder.path().join("cov2"), lcov("a.py", &[(1, 0)])).unwrap();
    let absolute = lcov(&format!("{root}/b/../a.py"), &[(2, 0)]);
    std::fs::write(folder.path().join("cov3"), absolute).unwrap();
    let answer = ask_in(folder.path(), "coverage", &json!({ "path": "cov*", "at_least": "50%" }));
    says(&answer, Pass, "50% of 2 lines in 3 reports covered; at least 50% are asked");
}

#[test]
fn a_report_without_lines_counts_by_its_sums_and_that_is_told() {
    let sums = "<coverage lines-valid='100' lines-covered='70' line-rate='0.7'/>";
    let files = [("cov1.xml", sums), ("cov2.info", &*lcov("a", &[(1, 1), (2, 1)]))];
    says(
        &of("70%", &files),
        Pass,
        "70.58% of 102 lines in 2 reports covered; at least 70% are asked; 1 report without lines \
         counted by their sums alone",
    );
    let lcov = "TN:\nSF:a\nLF:10\nLH:5\nend_of_record\nSF:b\nLF:10\nLH:4\nend_of_record\n";
    assert!(of("45%", &[("cov", lcov)]).sentence.starts_with("45% of 20 lines in 1 report"));
    for odd in ["<coverage lines-valid='1' lines-covered='2'/>", "SF:a\nLF:1\nLH:2\nend_of_record"]
    {
        assert_eq!(of("1%", &[("cov", odd)]).result, Inconclusive, "{odd}");
    }
}

#[test]
fn no_line_is_no_pass_even_if_nothing_is_asked() {
    for text in
        ["<coverage/>", "<coverage lines-valid='0' lines-covered='0'/>", "SF:a\nend_of_record"]
    {
        says(&of("0%", &[("cov", text)]), Inconclusive, "there is no line of code in 1 report");
    }
}

#[test]
fn what_is_wrong_with_a_report_is_told_with_its_line() {
    for (text, wrong) in [
        ("SF:a\nDA:1,1\n", "cov:2:1 is no coverage report that can be read: it ends too early"),
        ("SF:a\nDA:1,1\nSF:b\n", "cov:3:1 is no coverage report that can be read: a record begins"),
        ("TN:\nDA:1,1\n", "cov:2:1 is no coverage report that can be read: a line of code belongs"),
        ("SF:a\nDA:one,1\nend_of_record", "this counts nothing: `DA:one,1`"),
        ("SF:a\nDA:1,NaN\nend_of_record", "this counts nothing"),
        ("SF:a\nDA:1\nend_of_record", "this counts nothing"),
        ("SF:a\nDA:99999999999,1\nend_of_record", "this counts nothing"),
        ("SF:a\nnonsense\n", "this is no line of LCOV: `nonsense`"),
        ("TN:\nend_of_record\n", "a record ends that did not begin"),
        ("<coverage><class filename='a'><line number='1'/></class></coverage>", "has no `hits`"),
        ("<coverage><class filename='a'><line hits='1'/></class></coverage>", "no `number`"),
        (
            "<coverage><class filename='a'><line number='1' hits='-1'/></class></coverage>",
            "no count",
        ),
        ("<coverage><class><line number='1' hits='1'/></class></coverage>", "no `filename`"),
        ("<coverage><line number='1' hits='1'/></coverage>", "belongs to no `class`"),
        ("<!DOCTYPE a [<!ENTITY a 'b'>]><coverage/>", "declares entities of its own"),
    ] {
        let answer = of("0%", &[("cov", text)]);
        assert_eq!(answer.result, Inconclusive, "{text}");
        assert!(answer.sentence.contains(wrong), "{text}: {answer:?}");
    }
}

#[test]
fn no_beginning_of_a_good_report_is_a_pass() {
    for text in [cobertura("/x", "a.py", &[(1, 1), (2, 1)]), lcov("a", &[(1, 1), (2, 1)])] {
        let text = text.trim_end();
        assert_eq!(of("80%", &[("cov", text)]).result, Pass);
        for end in 0..text.len() {
            let answer = of("80%", &[("cov", &text[..end])]);
            assert_eq!(answer.result, Inconclusive, "{}", &text[..end]);
        }
    }
}

#[test]
fn a_share_is_asked_for_as_a_share() {
    assert_eq!(problems("coverage", &json!({ "path": "a", "at_least": 80 })), ["at_least"]);
    assert_eq!(problems("coverage", &json!({ "path": "a", "at_least": "101%" })), ["at_least"]);
    assert_eq!(problems("coverage", &json!({ "path": "a" })), ["at_least"]);
}

/// Pieces of both forms, and of neither.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<coverage>".to_owned()),
        Just("</coverage>".to_owned()),
        Just("<class filename='a'>".to_owned()),
        Just("</class>".to_owned()),
        Just("<line number='1' hits='0'/>".to_owned()),
        Just("TN:\n".to_owned()),
        Just("SF:a\n".to_owned()),
        Just("DA:1,0\n".to_owned()),
        Just("LF:2\n".to_owned()),
        Just("end_of_record\n".to_owned()),
        "[<>&;:,\n'=A-Za-z0-9 \u{0}-\u{1f}äß-]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_answered_and_never_a_pass(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let answer = ask("coverage", &json!({ "path": "cov", "at_least": "0%" }), &[("cov", &bytes)]);
        prop_assert_eq!(answer.result, CheckResult::Inconclusive);
    }

    #[test]
    fn any_pieces_are_answered_and_what_ran_nothing_never_passes(
        pieces in proptest::collection::vec(piece(), 0..12),
    ) {
        let text = pieces.concat();
        let is_hit = text.contains("DA:") && text.replace("DA:1,0\n", "").contains("DA:");
        let answer = of("1%", &[("cov", &text)]);
        prop_assert!(is_hit || answer.result != CheckResult::Pass, "{}: {:?}", text, answer);
    }
}
