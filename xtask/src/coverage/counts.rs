//! How many lines are met, and how far: over everything, for each document and for each kind. A
//! line of two kinds counts under each of them, and once in the total.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::ledger::{Entry, Kind, State};
use super::seeds;

/// Lines by state, in the order of [`State::ALL`].
type Row = [usize; 4];

/// The counts of a ledger.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    all: Row,
    seeds: BTreeMap<u16, Row>,
    kinds: BTreeMap<Kind, Row>,
}

impl Counts {
    /// Counts these rows.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut counts = Self::default();
        for entry in entries {
            let column = entry.state as usize;
            counts.all[column] += 1;
            counts.seeds.entry(entry.id.seed).or_default()[column] += 1;
            for kind in &entry.kinds {
                counts.kinds.entry(*kind).or_default()[column] += 1;
            }
        }
        counts
    }

    /// One object on one line.
    pub(crate) fn json(&self) -> String {
        let seeds: BTreeMap<String, Value> =
            self.seeds.iter().map(|(seed, row)| (format!("{seed:03}"), object(row))).collect();
        let kinds: BTreeMap<&str, Value> =
            self.kinds.iter().map(|(kind, row)| (kind.word(), object(row))).collect();
        let mut all = object(&self.all);
        all["seeds"] = json!(seeds);
        all["kinds"] = json!(kinds);
        all.to_string()
    }

    /// A table for people, with a line of totals.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut head = State::ALL.map(State::word).to_vec();
        head.push("all");
        line(&mut text, "document", &head, "");
        for (seed, row) in &self.seeds {
            numbers(&mut text, &format!("{seed:03}"), row, seeds::about(*seed));
        }
        text.push('\n');
        line(&mut text, "kind", &head, "");
        for (kind, row) in &self.kinds {
            numbers(&mut text, kind.word(), row, "");
        }
        text.push('\n');
        numbers(&mut text, "every line", &self.all, "");
        text
    }
}

fn object(row: &Row) -> Value {
    let words = State::ALL.map(|state| state.word().replace('-', "_"));
    Value::Object(words.into_iter().zip(row.iter().map(|count| json!(count))).collect())
}

fn numbers(text: &mut String, name: &str, row: &Row, about: &str) {
    let mut cells: Vec<String> = row.iter().map(ToString::to_string).collect();
    cells.push(row.iter().sum::<usize>().to_string());
    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
    line(text, name, &cells, about);
}

fn line(text: &mut String, name: &str, cells: &[&str], about: &str) {
    let mut written = format!("{name:<10}");
    for (cell, width) in cells.iter().zip([9, 10, 9, 16, 6]) {
        let _ = write!(written, "{cell:>width$}");
    }
    let _ = writeln!(text, "{}", format!("{written}  {about}").trim_end());
}

#[cfg(test)]
mod tests {
    use super::super::ledger;
    use super::*;

    fn counts() -> Counts {
        Counts::of(
            &ledger::read(
                "id,kind,requirement,state,by,note\n\
                 000-004,config,Title,covered,matrix:soundbite:project,\n\
                 000-009,config+number,Cost,declared,matrix:soundbite:environments.a.costs,\n\
                 000-229,feature+artefact,Dashboards,planned,,dashboard\n\
                 004-170,feature,Logs,not-applicable,,why\n",
            )
            .entries,
        )
    }

    #[test]
    fn a_line_of_two_kinds_counts_under_both_and_once_in_the_total() {
        let read: Value = serde_json::from_str(&counts().json()).unwrap();
        let row = |covered, declared, planned, not_applicable| {
            json!({ "covered": covered, "declared": declared, "planned": planned,
                    "not_applicable": not_applicable })
        };
        assert_eq!(read["kinds"]["config"], row(1, 1, 0, 0));
        assert_eq!(read["kinds"]["number"], row(0, 1, 0, 0));
        assert_eq!(read["kinds"]["feature"], row(0, 0, 1, 1));
        assert_eq!(read["seeds"]["000"], row(1, 1, 1, 0));
        assert_eq!(read["seeds"]["004"], row(0, 0, 0, 1));
        assert_eq!((&read["covered"], &read["not_applicable"]), (&json!(1), &json!(1)));
        assert!(!counts().json().contains('\n'));
    }

    #[test]
    fn the_table_has_a_line_for_each_document_and_kind() {
        let table = counts().table();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "document    covered  declared  planned  not-applicable   all");
        assert_eq!(
            lines[1],
            "000               1         1        1               0     3  promotion matrix of SoundBite"
        );
        assert_eq!(
            lines.last(),
            Some(&"every line        1         1        1               1     4")
        );
    }
}
