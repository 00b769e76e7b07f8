//! What differs between two matrices, for readers: first as the tables that people know, then every place that
//! differs. Shows no secret, and says where one changed; judges nothing.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;
use towpath_config::{Table, hide_secrets, tables};
use towpath_core::governing::{Difference, differences};
use towpath_core::matrix::Matrix;

use crate::pages::marks::counted;

/// Longest value that is shown of a place, in characters: more is read in the file.
const LONGEST: usize = 240;

/// A cell of a table that differs.
struct Cell {
    table: &'static str,
    row: String,
    column: String,
    was: Option<String>,
    now: Option<String>,
}

/// All that differs between two matrices.
pub(super) struct Changes {
    cells: Vec<Cell>,
    places: Vec<Difference>,
}

/// What differs from `was`, or from nothing, to `now`.
pub(super) fn between(was: Option<&Matrix>, now: &Matrix) -> Changes {
    let old = was.map(|was| cells(&readable(was))).unwrap_or_default();
    let new = cells(&readable(now));
    let mut found: Vec<Cell> = Vec::new();
    for (key, value) in &new {
        if old.get(key) != Some(value) && was.is_some() {
            found.push(cell(key, old.get(key), Some(value)));
        }
    }
    for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        found.push(cell(key, Some(value), None));
    }
    Changes { cells: found, places: differences(was, now, hide_secrets) }
}

/// The same matrix with stars in place of its secrets.
pub(super) fn masked(matrix: &Matrix) -> Option<Matrix> {
    let mut value = serde_json::json!(matrix);
    hide_secrets(&mut value);
    serde_json::from_value(value).ok()
}

/// The tables of a matrix without its secrets.
pub(super) fn readable(matrix: &Matrix) -> Vec<Table> {
    masked(matrix).map(|shown| tables(&shown)).unwrap_or_default()
}

/// The title of the table, the name of the row and the head of the column.
type Key = (&'static str, String, String);

fn cells(all: &[Table]) -> BTreeMap<Key, String> {
    let mut found = BTreeMap::new();
    for table in all {
        for row in &table.rows {
            let Some((name, values)) = row.split_first() else { continue };
            for (head, value) in table.columns.iter().skip(1).zip(values) {
                found.insert((table.title, name.clone(), head.clone()), value.clone());
            }
        }
    }
    found
}

fn cell((table, row, column): &Key, was: Option<&String>, now: Option<&String>) -> Cell {
    Cell { table, row: row.clone(), column: column.clone(), was: was.cloned(), now: now.cloned() }
}

/// The differences as two lists, the second folded away where the first says something.
pub(super) fn list(changes: &Changes) -> Markup {
    let Changes { cells, places } = changes;
    html! {
        @if places.is_empty() { p.q { "Nothing differs." } }
        @if !cells.is_empty() {
            ul.diff {
                @for cell in cells {
                    li {
                        span.q { (cell.table) ": " } b { (cell.row) } @if !cell.column.is_empty() { ", " (cell.column) } " "
                        (sides(cell.was.as_deref(), cell.now.as_deref()))
                    }
                }
            }
        }
        @if !places.is_empty() {
            details.more open[cells.is_empty()] {
                summary.sm { (counted(places.len(), "place")) " of the resolved matrix" }
                ul.diff { @for place in places { li { (of_place(place)) } } }
            }
        }
    }
}

fn of_place(place: &Difference) -> Markup {
    let (was, now) = (place.was.as_ref().map(text), place.now.as_ref().map(text));
    html! {
        code { (place.path) } " "
        @if was == now { span.q { "changed, and is not shown: it is a secret" } }
        @else { (sides(was.as_deref(), now.as_deref())) }
    }
}

/// `5% → 8%`; what is new or gone says so.
fn sides(was: Option<&str>, now: Option<&str>) -> Markup {
    html! {
        @match (was, now) {
            (Some(was), Some(now)) => { del { (was) } span.vh { " becomes " } span aria-hidden="true" { " → " } ins { (now) } }
            (None, Some(now)) => { span.q { "new: " } ins { (now) } }
            (Some(was), None) => { span.q { "gone: " } del { (was) } }
            (None, None) => {}
        }
    }
}

/// A value on one line.
fn text(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    whole.chars().take(LONGEST).chain("…".chars()).collect()
}
