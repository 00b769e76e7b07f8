//! What is frozen, in words.

use std::fmt::Write as _;

use towpath_core::freezing::Scope;
use towpath_engine::views::FreezeView;

use crate::report::style::{Style, Symbol, printable};

/// The answer to an order to freeze.
pub(crate) fn answer(freeze: &FreezeView, style: &Style) -> String {
    format!(
        "{} frozen: {}\n    now  nothing starts and no weight rises; rollbacks work as always\n",
        style.symbol(Symbol::Passed),
        one(freeze, style)
    )
}

/// The answer to an order to thaw.
pub(crate) fn thawed(scope: &Scope, style: &Style) -> String {
    format!("{} {} is not frozen any more\n", style.symbol(Symbol::Passed), scope.words())
}

/// `production until Wed 13 Jan 06:00, "payment provider maintenance", by ada`.
pub(crate) fn one(freeze: &FreezeView, style: &Style) -> String {
    let mut text = match (&freeze.environment, &freeze.service) {
        (Some(environment), Some(service)) => format!("{service} in {environment}"),
        (Some(environment), None) => environment.clone(),
        (None, Some(service)) => format!("{service} everywhere"),
        (None, None) => "everything".to_owned(),
    };
    match &freeze.until {
        Some(until) => {
            let _ = write!(text, " until {}", style.minute(until));
        }
        None => text.push_str(" until somebody thaws it"),
    }
    if !freeze.except.is_empty() {
        let _ = write!(text, ", but for {}", freeze.except.join(" and "));
    }
    let _ = write!(text, ", \"{}\", by {}", printable(&freeze.reason), printable(&freeze.by));
    text
}
