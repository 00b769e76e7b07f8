//! What was looked at on this machine, and what was found.

use serde::Serialize;
use towpath_core::reason::Next;

use crate::report::block::{next, table};
use crate::report::style::{Style, Symbol, counted, printable};

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// What.
    pub(crate) what: &'static str,
    /// Whether it is as it should be; none where it does not matter.
    pub(crate) well: Option<bool>,
    /// What was found.
    pub(crate) sentence: String,
    /// What helps.
    pub(crate) next: Option<Next>,
}

/// The answer, and what helps.
pub(crate) fn text(findings: &[Finding], style: &Style) -> (String, String) {
    let wrong = findings.iter().filter(|finding| finding.well == Some(false)).count();
    let head = if wrong == 0 {
        format!("{} nothing is wrong here\n\n", style.symbol(Symbol::Passed))
    } else {
        let verb = if wrong == 1 { "is" } else { "are" };
        format!("{} {} {verb} wrong\n\n", style.symbol(Symbol::Failed), counted(wrong, "thing"))
    };
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let symbol = match finding.well {
                Some(true) => Symbol::Passed,
                Some(false) => Symbol::Failed,
                None => Symbol::Warning,
            };
            let what = format!("{} {}", style.symbol(symbol), finding.what);
            vec![what, printable(&finding.sentence)]
        })
        .collect();
    let helps: Vec<Next> = findings.iter().filter_map(|finding| finding.next.clone()).collect();
    (head + &table(2, &rows), next(&helps))
}
