//! What gates opened by, and what was withdrawn of it. Owns no bytes.

use std::fmt::Write as _;
use std::path::Path;

use towpath_core::check::CheckResult;
use towpath_core::reason::Next;
use towpath_engine::kept::EvidenceView;
use towpath_server::requests::WithdrawnAnswer;

use crate::report::block::{next, table};
use crate::report::history::cut;
use crate::report::status::lane_name;
use crate::report::style::{Style, Symbol, counted, printable};

/// All that was found, oldest first, and how a piece is shown and withdrawn.
pub(crate) fn list(all: &[EvidenceView], style: &Style) -> (String, String) {
    let Some(last) = all.last() else {
        let text = "no evidence is kept: no check that read something has passed or failed here\n";
        return (text.to_owned(), String::new());
    };
    let head = ["digest", "what", "check", "answer", "about", "since"].map(str::to_owned).to_vec();
    let rows = all.iter().map(|one| {
        let lane = lane_name(&one.service, &one.environment, style);
        let promotion = one.promotion.map_or_else(String::new, |number| format!(" ({number})"));
        vec![
            one.digest.short().to_owned(),
            cut(printable(&one.name), style),
            cut(printable(&one.check), style),
            answer(one),
            format!("{} {} {lane}{promotion}", one.release, style.arrow()),
            style.day(&one.at),
        ]
    });
    let mut text = format!("{} of evidence\n\n", counted(all.len(), "piece"));
    text.push_str(&table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    for one in all {
        if let Some(withdrawn) = &one.withdrawn {
            let reason = cut(printable(&withdrawn.reason), style);
            let _infallible =
                writeln!(text, "  {} withdrawn by {}: {reason}", one.digest.short(), withdrawn.by);
        }
    }
    let short = last.digest.short();
    let withdraw = format!("towpath evidence withdraw {short} --reason \"REASON\"");
    let commands = [
        Next::new(format!("towpath evidence show {short}"), "what was read"),
        Next::new(withdraw, "it counts no more"),
    ];
    (text, next(&commands))
}

fn answer(one: &EvidenceView) -> String {
    match (&one.withdrawn, one.answer) {
        (Some(_), _) => "withdrawn",
        (None, Some(CheckResult::Pass)) => "pass",
        (None, Some(CheckResult::Fail)) => "fail",
        (None, Some(CheckResult::Inconclusive | CheckResult::Pending { .. })) => "none",
        (None, None) => "-",
    }
    .to_owned()
}

/// That the bytes are in a file.
pub(crate) fn written(path: &Path, size: usize) -> String {
    format!("{size} bytes are in {}\n", path.display())
}

/// What was withdrawn, and what follows from it.
pub(crate) fn withdrawn(answer: &WithdrawnAnswer, style: &Style) -> (String, String) {
    let Some(first) = answer.used.first() else { return (String::new(), String::new()) };
    let mark = style.symbol(Symbol::Passed);
    let name = printable(&first.name);
    let mut text = format!("{mark} withdrawn: {name} (sha256:{})\n", first.digest.short());
    if answer.followed.is_empty() {
        text.push_str("  nothing rests on it now\n");
    }
    for sentence in &answer.followed {
        let _infallible = writeln!(text, "  {}", printable(sentence));
    }
    (text, next(&[Next::new("towpath status", "what is verified where")]))
}
