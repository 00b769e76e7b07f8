//! Releases that may not return.

use towpath_core::reason::Next;
use towpath_engine::views::QuarantineView;

use crate::report::block::{next, table};
use crate::report::history::cut;
use crate::report::status::lane_name;
use crate::report::style::{Style, Symbol, counted, printable};

/// The release, and whether settings are what keeps it out.
fn what(one: &QuarantineView) -> String {
    match &one.settings {
        None => one.release.clone(),
        Some(_) => format!("{} (its settings)", one.release),
    }
}

/// The list, and how one is lifted.
pub(crate) fn text(all: &[&QuarantineView], style: &Style) -> (String, String) {
    let Some(first) = all.first() else {
        let mark = style.symbol(Symbol::Passed);
        return (format!("{mark} no release is quarantined\n"), String::new());
    };
    let head =
        ["release", "may not enter", "since", "promotion", "why"].map(str::to_owned).to_vec();
    let rows = all.iter().map(|one| {
        vec![
            what(one),
            lane_name(&one.service, &one.environment, style),
            style.day(&one.since),
            one.promotion.to_string(),
            cut(printable(&one.reason), style),
        ]
    });
    let mut text = format!("{} quarantined\n\n", counted(all.len(), "release"));
    text.push_str(&table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    let command = format!(
        "towpath quarantine lift {} {} --reason \"REASON\"",
        first.environment, first.release
    );
    let lift = Next::new(command, "REASON: why it is safe now");
    (text, next(&[style.of_lane(&first.service, lift)]))
}
