//! Who was refused what, the newest first. Refuses nobody.

use std::fmt::Write as _;

use towpath_engine::views::RefusedView;

use crate::report::block::table;
use crate::report::style::{Style, printable};

/// The list; why is said whole, whatever the terminal's width. `more` says that older ones exist that
/// were not asked for.
pub(crate) fn text(
    refused: &[RefusedView],
    environment: Option<&str>,
    more: bool,
    style: &Style,
) -> String {
    let place = environment.map(|name| format!(" {name}")).unwrap_or_default();
    if refused.is_empty() {
        let place = environment.map(|name| format!(" at {name}")).unwrap_or_default();
        return format!("nobody was refused anything{place}\n");
    }
    let head = ["since", "at", "by", "wanted to", "times", "why"].map(str::to_owned).to_vec();
    let rows = refused.iter().map(|one| row(one, style));
    let mut text = table(2, &std::iter::once(head).chain(rows).collect::<Vec<_>>());
    if more {
        let shown = refused.len();
        let _ = writeln!(
            text,
            "\n{shown} shown, there are older ones      towpath history{place} --refused --all"
        );
    }
    text
}

fn row(one: &RefusedView, style: &Style) -> Vec<String> {
    let environment = one.environment.as_deref().unwrap_or("");
    let several = style.is_among_several();
    let place = match one.service.as_deref().filter(|_| several) {
        Some(service) => format!("{service} {environment}"),
        None => environment.to_owned(),
    };
    let number = one.promotion.map(|number| format!(" {number}")).unwrap_or_default();
    vec![
        style.listed(&one.since),
        printable(&place),
        printable(&one.by),
        printable(&format!("{}{number}", one.order.replace('_', " "))),
        format!("{:>5}", one.times),
        printable(&one.why),
    ]
}
