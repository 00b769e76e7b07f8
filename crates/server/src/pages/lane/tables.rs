//! What is declared for a lane, in the tables that teams keep on their own page (the seeds'). Owns how a table is
//! turned for one environment; which columns there are is the config's, and no secret is among them.

use maud::{Markup, html};
use towpath_config::Table;
use towpath_core::ids::Name;
use towpath_core::matrix::Matrix;

/// The tables about one service in these environments, in their order; empty where the matrix says nothing.
pub(in crate::pages) fn about(
    matrix: &Matrix,
    service: &Name,
    environments: &[&Name],
) -> Vec<Table> {
    let mut own = matrix.clone();
    own.environments = environments
        .iter()
        .filter_map(|name| matrix.environment(name).cloned())
        .map(|mut environment| {
            environment.lanes.retain(|name, _| name == service);
            environment
        })
        .collect();
    own.services.retain(|name, _| name == service);
    let mut shown = serde_json::json!(own);
    towpath_config::hide_secrets(&mut shown);
    let own: Result<Matrix, _> = serde_json::from_value(shown);
    own.map(|own| towpath_config::tables(&own)).unwrap_or_default()
}

/// A table with its environments as columns, however it is laid out: what, then one value for each.
pub(in crate::pages) fn across(table: &Table) -> Vec<(&str, Vec<&str>)> {
    let has_columns = table.columns.first().is_some_and(String::is_empty);
    if has_columns {
        let rows = table.rows.iter().filter_map(|row| row.split_first());
        let own = rows.map(|(name, values)| {
            (name.as_str(), values.iter().map(String::as_str).collect::<Vec<_>>())
        });
        return own.collect();
    }
    let columns = table.columns.iter().enumerate().skip(1);
    let of = |at: usize| table.rows.iter().filter_map(move |row| row.get(at).map(String::as_str));
    columns.map(|(at, name)| (name.as_str(), of(at).collect())).collect()
}

/// Every table, as pairs: a page has one environment.
pub(super) fn section(tables: &[Table]) -> Markup {
    html! {
        @if tables.is_empty() { p.q { "The matrix declares nothing about it beside its gate and its rollout." } }
        div.tables {
            @for table in tables {
                section {
                    h3 { (table.title) }
                    dl.facts { @for (name, values) in across(table) {
                        dt { (name) } dd { (values.join(", ")) }
                    } }
                }
            }
        }
    }
}
