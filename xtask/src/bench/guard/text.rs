//! What was measured, as lines for a terminal: one rule per row. Owns the wording; judges nothing.

use super::tables::Measured;

/// The tables as text.
pub(super) fn lines(measured: &[Measured]) -> Vec<String> {
    measured.iter().flat_map(of_cell).collect()
}

fn of_cell(measured: &Measured) -> Vec<String> {
    let Measured { outcome, cell, .. } = measured;
    let proven = outcome.median_proven_s().map_or_else(String::new, |s| format!(" after {s:.0} s"));
    let mut lines = vec![format!(
        "{:?}: {} at {} requests/s, blue fails {} ({} of {} runs, proven {:.0}%{proven})",
        measured.table,
        measured.what,
        measured.requests_per_s,
        percent(measured.error_rate),
        outcome.runs,
        cell.runs,
        100.0 * outcome.share_proven(),
    )];
    let names = std::iter::once("Towpath").chain(cell.beside.names());
    for (name, row) in names.zip(&outcome.rows) {
        let (share, (low, high)) = row.went_back();
        let median = row.median_s().map_or_else(|| "-".to_owned(), |s| format!("{s:.1} s"));
        lines.push(format!(
            "  {name:<45} back {:6.2}% [{:.2}, {:.2}]  harmed {:9.1} + {:.1} warming  {median}",
            share * 100.0,
            low * 100.0,
            high * 100.0,
            row.harm().mean,
            row.harm_at_all().mean - row.harm().mean,
        ));
    }
    lines
}

/// A share in percent, with as many digits as it needs.
pub(super) fn percent(share: f64) -> String {
    let rounded = (share * 1e6).round() / 1e4;
    format!("{rounded}%")
}
