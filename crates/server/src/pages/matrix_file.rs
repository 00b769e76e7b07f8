//! The matrix as it is written and as it holds: its tables, each value with where it comes from, the file, what nothing
//! acts on yet, and who changed what. Shows no secret and changes nothing.

mod history;
mod kept;
mod text;
mod written;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use towpath_config::Table;
use towpath_core::matrix::{Matrix, Unenforced};

use crate::error::ApiError;
use crate::pages::changes;
use crate::pages::frame::{Look, Page, Place, Shown};
use crate::pages::marks::{counted, digest, icon, sentence, state};
use text::Part;
use written::Written;

/// Which part is looked at, and what is looked for in it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    show: String,
    q: String,
    /// How many values come before those that are shown.
    from: usize,
}

/// The parts: word in the address, and on the page.
const PARTS: [(&str, &str); 5] = [
    ("", "Tables"),
    ("resolved", "Every value"),
    ("file", "The file"),
    ("not-enforced", "Not enforced yet"),
    ("changes", "Changes"),
];

impl Wanted {
    /// What is looked for, in small letters.
    fn words(&self) -> Vec<String> {
        self.q.to_lowercase().split_whitespace().map(str::to_owned).collect()
    }
}

/// Whether all words stand in a text.
fn says(text: &str, words: &[String]) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

pub(super) async fn show(look: Look, Query(wanted): Query<Wanted>) -> Response {
    let shown = page(&look, &wanted).await;
    look.show(shown)
}

async fn page(look: &Look, wanted: &Wanted) -> Shown {
    let Some(matrix) = look.engine.matrix() else { return Ok(none(look)) };
    let file = written::of(look).await;
    let kept = kept::of(look, &matrix).await?;
    // The lines of the one that says what is in force.
    let shown = match (&file, &kept) {
        (Written::Read(read), _) if read.is_in_force => &file,
        (_, Some(kept)) => &kept.file,
        (_, None) => &file,
    };
    let part = match wanted.show.as_str() {
        "" => tables(&matrix, &wanted.words()),
        "resolved" => {
            let to = |from: usize| look.to(&address("resolved", &wanted.q, from));
            text::resolved(&matrix, shown, &wanted.words(), &Part { from: wanted.from, to: &to })
        }
        "file" => text::raw(shown, &wanted.words()),
        "not-enforced" => not_enforced(&matrix, &wanted.words()),
        "changes" => history::list(look).await?,
        _ => {
            return Err(ApiError::not_found(
                "there is no such part of the matrix",
                "towpath matrix show",
            ));
        }
    };
    let unenforced = unenforced(&matrix).len();
    let content = html! {
        div.head { h1 { "Matrix file" } span.q { (matrix.project) ", " (digest(matrix.digest().as_str())) } }
        @if let Some(kept) = &kept { (kept::standing(kept, look)) }
        @if let Some(view) = look.engine.following() { (kept::following(&view, look)) }
        @if kept.is_none() || matches!(file, Written::Read(_)) { (standing(&matrix, &file)) }
        div.bar {
            div.seg role="group" aria-label="Part" {
                @for (word, name) in PARTS {
                    a href=(look.to(&address(word, &wanted.q, 0))) aria-current=[(wanted.show == word).then_some("true")] {
                        (name) @if word == "not-enforced" && unenforced > 0 { " (" (unenforced) ")" }
                    }
                }
            }
            @if wanted.show != "changes" {
                form.find method="get" action=(look.to("/matrix")) role="search" {
                    @if !wanted.show.is_empty() { input type="hidden" name="show" value=(wanted.show); }
                    label { span.vh { "Search in this part" } (icon("find"))
                        input.in id="search" name="q" value=(wanted.q) placeholder="Key, value, environment" autocomplete="off"; }
                }
            }
        }
        (part)
    };
    Ok(Page { place: Place::MatrixFile, title: "Matrix file".to_owned(), content })
}

fn address(part: &str, query: &str, from: usize) -> String {
    let mut parts = form_urlencoded::Serializer::new(String::new());
    for (key, value) in [("show", part), ("q", query)] {
        if !value.is_empty() {
            parts.append_pair(key, value);
        }
    }
    if from > 0 {
        parts.append_pair("from", &from.to_string());
    }
    let parts = parts.finish();
    if parts.is_empty() { "/matrix".to_owned() } else { format!("/matrix?{parts}") }
}

fn none(look: &Look) -> Page {
    let content = html! {
        div.head { h1 { "Matrix file" } }
        div.empty {
            p { "No matrix is in force yet. It is one file, " code { "towpath.yaml" } ", which says which environments there are, what a release must show before "
                "it may enter each, how traffic moves, and when the old release comes back." }
            code.cmd { "towpath init\ntowpath matrix check\ntowpath matrix apply" }
            p { a href=(look.to("/")) { "Back to the matrix" } }
        }
    };
    Page { place: Place::MatrixFile, title: "Matrix file".to_owned(), content }
}

/// Whether the file beside the journal is what is in force.
fn standing(matrix: &Matrix, file: &Written) -> Markup {
    html! {
        @match file {
            Written::Unknown => p.q { "What is in force was sent here resolved; the file that it was made of lies where it was applied from." },
            Written::Unread(why) => p { (state("warn", "wait", "no file here")) " " span.q { (sentence(why)) " What is in force was applied from elsewhere." } },
            Written::Wrong { errors, report } => {
                p { (state("warn", "wait", "the file here has errors")) " " span.q { (counted(*errors, "error")) ": it cannot be applied, and what is in force stays." } }
                details.more { summary.sm { "What is wrong" } code.cmd { (report) } }
            }
            Written::Read(read) if read.is_in_force => p { (state("ok", "", "the file here is what is in force")) },
            Written::Read(read) => {
                @let changed = changes::between(Some(matrix), &read.matrix);
                p { (state("warn", "wait", "the file here is not what is in force")) " " span.q { code { "towpath matrix apply" } " brings it into force, or proposes it." } }
                details.more { summary.sm { "What differs from what is in force" } (changes::list(&changed)) }
            }
        }
    }
}

fn tables(matrix: &Matrix, words: &[String]) -> Markup {
    let all = changes::readable(matrix);
    let found: Vec<Table> = all.into_iter().filter_map(|table| holding(table, words)).collect();
    html! {
        @if found.is_empty() { p.q { "No row has these words." } }
        @for table in &found {
            section.sec id={ "table-" (table.name) } {
                h2 { (table.title) }
                div.scroll tabindex="0" role="region" aria-label=(table.title) { table.tab {
                    thead { tr { @for head in &table.columns { th scope="col" { (head) } } } }
                    tbody { @for row in &table.rows { tr { @for (at, cell) in row.iter().enumerate() { @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } } } } } }
                } }
            }
        }
    }
}

/// The rows of a table that have the words; all of a table whose title has them.
fn holding(table: Table, words: &[String]) -> Option<Table> {
    if says(table.title, words) {
        return Some(table);
    }
    let rows: Vec<Vec<String>> =
        table.rows.into_iter().filter(|row| says(&row.join(" "), words)).collect();
    (!rows.is_empty()).then_some(Table { rows, ..table })
}

/// Everything that is declared and that nothing acts on, once.
fn unenforced(matrix: &Matrix) -> Vec<Unenforced> {
    let lanes = matrix.environments.iter().flat_map(|environment| environment.lanes.values());
    let mut all: Vec<Unenforced> = lanes.flat_map(|lane| lane.unenforced.clone()).collect();
    all.sort_by(|one, other| (!one.refuses, &one.path).cmp(&(!other.refuses, &other.path)));
    all.dedup();
    all
}

fn not_enforced(matrix: &Matrix, words: &[String]) -> Markup {
    let all = unenforced(matrix);
    let found: Vec<&Unenforced> =
        all.iter().filter(|one| says(&format!("{} {}", one.path, one.reason), words)).collect();
    html! {
        p.lead { "What the file says and this version does not carry out. What restricts or changes something refuses promotions until a person accepts it by name; the rest is kept and told." }
        @if all.is_empty() { p { (state("ok", "", "everything that is declared is carried out")) } }
        @else if found.is_empty() { p.q { "Nothing of it has these words." } }
        @else {
            table.tab.cards {
                thead { tr { th scope="col" { "Demand" } th scope="col" { "Why" } th scope="col" { "What follows" } } }
                tbody { @for one in found {
                    tr {
                        th scope="row" { code { (one.path) } }
                        td { (sentence(&one.reason)) }
                        td { @if one.refuses { (state("ban", "held", "refuses promotions")) br; code { "--accept-unenforced " (one.short_name()) } } @else if one.is_accepted() { "accepted in the matrix" } @else { span.q { "kept, and nothing acts on it" } } }
                    }
                } }
            }
        }
    }
}
