//! The tables of a matrix, for a terminal and for a wiki page. Owns no cell.

use std::fmt::Write as _;

use towpath_config::Table;

use crate::report::block;

/// All tables with their headings, aligned, or in Markdown.
pub(crate) fn text(tables: &[Table], markdown: bool) -> String {
    let one = if markdown { in_markdown } else { aligned };
    tables.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn aligned(table: &Table) -> String {
    let mut rows = vec![table.columns.clone()];
    rows.extend(table.rows.iter().cloned());
    format!("{}\n{}", table.title, block::table(2, &rows))
}

fn in_markdown(table: &Table) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = format!("### {}\n\n{}", table.title, row(&table.columns));
    let _ = writeln!(text, "|{}", "---|".repeat(table.columns.len()));
    text.extend(table.rows.iter().map(|cells| row(cells)));
    text
}
