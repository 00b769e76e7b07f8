//! The kinds of adapters.

use std::fmt::Write as _;

use towpath_ports::catalogue::{Catalogue, Family, KindState};

use crate::report::block::table;
use crate::report::style::{Style, Symbol};

/// The list, by family.
pub(crate) fn text(catalogue: &Catalogue, style: &Style) -> (String, String) {
    let mut text = String::new();
    for family in Family::ALL {
        let rows: Vec<Vec<String>> = catalogue
            .family(family)
            .map(|entry| {
                let (symbol, word) = match entry.state {
                    KindState::Built => (Symbol::Passed, "built"),
                    KindState::Planned => (Symbol::ToCome, "planned"),
                };
                let state = format!("{} {word}", style.symbol(symbol));
                vec![
                    entry.name.to_owned(),
                    state,
                    entry.summary.to_owned(),
                    entry.capabilities.join(", "),
                ]
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = write!(text, "{}\n{}", family.plural(), table(2, &rows));
    }
    (text, String::new())
}
