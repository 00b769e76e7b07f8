//! Counts the test cases of a report in JUnit's form, whoever wrote it. Owns what is a failure;
//! what is borne is the check's.
//!
//! There is no standard, only what Ant wrote first. The forms read here are those of pytest, Maven
//! Surefire (maven-surefire-plugin's surefire-test-report.xsd, which brought `rerunFailure` and
//! `flakyFailure`), cargo-nextest, gotestsum and jest-junit. Cases are counted themselves: the sums
//! that a suite says of itself are only held against them, because they differ between writers.

use crate::reports::xml::{Element, Step, Xml};
use crate::reports::{LISTED_MOST, Report, Tally, Wrong, grouped, short};

/// Of the text of a failure, how much is looked at for its first line, in bytes.
const TEXT_MOST: usize = 1024;

/// All test cases of some reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cases {
    /// Test cases, and failures that belong to no case.
    pub(super) total: u64,
    /// Those of them that failed, whatever a later run said.
    pub(super) failed: u64,
    /// Those that were not run, or whose failure was expected.
    pub(super) skipped: u64,
    /// Those that failed and then passed; they count as passed.
    pub(super) flaky: u64,
    /// The first failed ones, as `NAME (WHERE)` and perhaps a line about why.
    pub(super) listed: Vec<String>,
    /// Failed ones that are not listed.
    pub(super) beyond: u64,
}

impl Tally for Cases {
    type Sum = Self;
    const WHAT: &'static str = "test report";

    fn add(&mut self, report: &Report<'_>) -> Result<String, Wrong> {
        let (total, failed, skipped) = (self.total, self.failed, self.skipped);
        let mut xml = Xml::new(report.text, report.stop);
        let root = xml.root()?;
        if !matches!(root.name.as_str(), "testsuite" | "testsuites") {
            let name = short(&root.name);
            return Err(root.wrong(format!("it begins with `{name}`, not with `testsuites`")));
        }
        let mut frames = Frames { cases: self, open: vec![Frame::suite(root)] };
        loop {
            match xml.step()? {
                Step::Open(element) => frames.open(element),
                Step::Text(text) => frames.text(&text),
                Step::Close => frames.close()?,
                Step::End => break,
            }
        }
        Ok(format!(
            "{} tests, {} failed, {} skipped",
            grouped(self.total - total),
            grouped(self.failed - failed),
            grouped(self.skipped - skipped)
        ))
    }

    fn sum(self) -> Self {
        self
    }
}

/// What the elements of a suite come to, those of suites within it included.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    cases: u64,
    /// `failure` and `error`.
    failures: u64,
    skipped: u64,
    /// `rerunFailure` and `flakyFailure`, each a run of its own.
    runs: u64,
    /// Cases with an `error`: pytest counts one that passed and whose teardown erred twice.
    erred: u64,
}

/// A test case under way.
#[expect(clippy::struct_excessive_bools, reason = "each is said by an element of its own")]
#[derive(Debug, Default)]
struct Case {
    name: String,
    place: String,
    has_failed: bool,
    has_erred: bool,
    /// Whether it says so with an element, and not with a word alone.
    has_element: bool,
    is_skipped: bool,
    is_flaky: bool,
    why: String,
}

/// An open element.
#[derive(Debug)]
enum Frame<'a> {
    Suite {
        element: Element<'a>,
        seen: Seen,
    },
    Case(Case),
    /// `failure` and the like; whether its text is still looked at.
    Failure {
        takes_text: bool,
    },
    Other,
}

impl<'a> Frame<'a> {
    fn suite(element: Element<'a>) -> Self {
        Self::Suite { element, seen: Seen::default() }
    }
}

struct Frames<'a, 'b> {
    cases: &'b mut Cases,
    open: Vec<Frame<'a>>,
}

impl<'a> Frames<'a, '_> {
    fn open(&mut self, element: Element<'a>) {
        let is_in_suite = matches!(self.open.last(), Some(Frame::Suite { .. }));
        let frame = match element.name.as_str() {
            "testsuite" if is_in_suite => Frame::suite(element),
            "testcase" if is_in_suite => Frame::Case(self.case(&element)),
            "failure" | "error" | "rerunFailure" | "rerunError" => self.failure(&element),
            "flakyFailure" | "flakyError" => {
                self.seen(|seen| seen.runs += 1);
                if let Some(case) = self.last_case() {
                    case.is_flaky = true;
                }
                Frame::Other
            }
            "skipped" => {
                if let Some(case) = self.last_case() {
                    case.is_skipped = true;
                }
                Frame::Other
            }
            _ => Frame::Other,
        };
        self.open.push(frame);
    }

    /// A case as its attributes tell it. Some writers say how it ended there alone (`status` of
    /// CTest, `result` of GoogleTest).
    fn case(&mut self, element: &Element<'_>) -> Case {
        let suite = self.open.iter().rev().find_map(|frame| match frame {
            Frame::Suite { element, .. } => element.get("name"),
            Frame::Case(_) | Frame::Failure { .. } | Frame::Other => None,
        });
        let place = ["file", "classname"].iter().find_map(|name| filled(element.get(name)));
        let place = place.or(filled(suite)).unwrap_or_default();
        let words = ["status", "result"].map(|name| element.get(name).unwrap_or_default());
        let says = |meant: &[&str]| {
            words.iter().any(|word| meant.iter().any(|one| word.eq_ignore_ascii_case(one)))
        };
        Case {
            name: short(filled(element.get("name")).unwrap_or("a test without a name")),
            place: short(place),
            has_failed: says(&["fail", "failed", "failure", "error", "errored"]),
            is_skipped: says(&["skip", "skipped", "notrun", "disabled", "ignored", "pending"]),
            ..Case::default()
        }
    }

    fn failure(&mut self, element: &Element<'_>) -> Frame<'a> {
        let is_run = element.name.starts_with("rerun");
        let why = short(element.get("message").unwrap_or_default());
        self.seen(|seen| if is_run { seen.runs += 1 } else { seen.failures += 1 });
        if let Some(case) = self.last_case() {
            case.has_failed = true;
            case.has_element = true;
            case.has_erred |= element.name == "error";
            let takes_text = why.is_empty() && case.why.is_empty();
            if case.why.is_empty() {
                case.why = why;
            }
            return Frame::Failure { takes_text };
        }
        // Of a suite that could not begin, or of nothing that is known: still a failure.
        let suite = self.open.iter().rev().find_map(|frame| match frame {
            Frame::Suite { element, .. } => filled(element.get("name")),
            Frame::Case(_) | Frame::Failure { .. } | Frame::Other => None,
        });
        let name = short(suite.unwrap_or("a suite without a name"));
        let place = "the suite itself".to_owned();
        self.count(&Case { name, place, why, has_failed: true, ..Case::default() });
        Frame::Failure { takes_text: false }
    }

    fn text(&mut self, text: &str) {
        let Some(Frame::Failure { takes_text: true }) = self.open.last() else { return };
        if let Some(case) = self.last_case()
            && case.why.len() < TEXT_MOST
        {
            case.why.extend(text.chars().take(TEXT_MOST));
        }
    }

    fn close(&mut self) -> Result<(), Wrong> {
        match self.open.pop() {
            Some(Frame::Case(case)) => {
                self.seen(|seen| {
                    seen.cases += 1;
                    seen.failures += u64::from(case.has_failed && !case.has_element);
                    seen.erred += u64::from(case.has_erred);
                    seen.skipped += u64::from(case.is_skipped);
                });
                self.count(&case);
            }
            Some(Frame::Suite { element, seen }) => {
                complete(&element, seen)?;
                self.seen(|all| {
                    all.cases += seen.cases;
                    all.failures += seen.failures;
                    all.skipped += seen.skipped;
                    all.runs += seen.runs;
                    all.erred += seen.erred;
                });
            }
            Some(Frame::Failure { .. } | Frame::Other) | None => {}
        }
        Ok(())
    }

    fn count(&mut self, case: &Case) {
        let cases = &mut *self.cases;
        cases.total += 1;
        if case.has_failed {
            cases.failed += 1;
            if cases.listed.len() == LISTED_MOST {
                cases.beyond += 1;
                return;
            }
            let place =
                if case.place.is_empty() { String::new() } else { format!(" ({})", case.place) };
            let why = short(&case.why);
            let why = if why.is_empty() { why } else { format!("\n    {why}") };
            cases.listed.push(format!("{}{place}{why}", case.name));
        } else if case.is_skipped {
            cases.skipped += 1;
        } else if case.is_flaky {
            cases.flaky += 1;
        }
    }

    fn last_case(&mut self) -> Option<&mut Case> {
        self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Case(case) => Some(case),
            Frame::Suite { .. } | Frame::Failure { .. } | Frame::Other => None,
        })
    }

    /// Notes something in the innermost suite.
    fn seen(&mut self, note: impl FnOnce(&mut Seen)) {
        let suite = self.open.iter_mut().rev().find_map(|frame| match frame {
            Frame::Suite { seen, .. } => Some(seen),
            Frame::Case(_) | Frame::Failure { .. } | Frame::Other => None,
        });
        if let Some(seen) = suite {
            note(seen);
        }
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

/// A suite that says more of itself than is in it was cut, or keeps something back: jest-junit
/// counts a file that could not be loaded among `errors` and may write no case for it. One that
/// says less is usual: it may count its own cases alone, and reruns once.
fn complete(suite: &Element<'_>, seen: Seen) -> Result<(), Wrong> {
    let more = |what: &str, said: u64, found: u64| {
        let name = short(suite.get("name").unwrap_or_default());
        suite.wrong(format!(
            "suite `{name}` says {} {what}, and {} are in it; it may be cut off",
            grouped(said),
            grouped(found)
        ))
    };
    let said = suite.count("tests")?.unwrap_or(0);
    if said > seen.cases + seen.runs + seen.erred {
        return Err(more("tests", said, seen.cases));
    }
    let [failures, errors] = [suite.count("failures")?, suite.count("errors")?];
    let said = failures.unwrap_or(0).saturating_add(errors.unwrap_or(0));
    if said > seen.failures + seen.runs {
        return Err(more("failures or errors", said, seen.failures));
    }
    let said = suite.count("skipped")?.unwrap_or(0);
    if said > seen.skipped {
        return Err(more("skipped tests", said, seen.skipped));
    }
    Ok(())
}
