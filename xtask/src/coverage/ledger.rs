//! The rows of the coverage ledger, `docs/coverage.csv`, and what a row must be by itself. Whether
//! that what it names exists is asked by `tidy` and, where the program must tell, by `places`.

use std::collections::BTreeSet;
use std::path::Path;

use super::reference::{Reference, references};
use super::seeds::{self, Id};
use crate::tidy::finding::Finding;

/// The ledger below the workspace root.
pub(crate) const PATH: &str = "docs/coverage.csv";

/// The header line.
const COLUMNS: [&str; 6] = ["id", "kind", "requirement", "state", "by", "note"];

/// Words of a note that promise. What is covered is so today: a promise belongs to a row of another
/// state, and what reads otherwise by chance can be said in other words.
const PROMISES: [&str; 8] = ["planned", "comes", "come", "coming", "later", "yet", "will", "soon"];

/// Characters of a requirement. A few words: about two lines of a page.
const REQUIREMENT_CHARACTERS_MAX: usize = 160;

/// What a line demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something the program does.
    Feature,
    /// Something a matrix can say.
    Config,
    /// A number to reach or to hold.
    Number,
    /// A file or a page to be made.
    Artefact,
}

/// How far a line is met today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// The program does it today, and a test shows it; of a value, nothing of it is unenforced.
    Covered,
    /// It has a typed place in a matrix, and nothing acts on it.
    Declared,
    /// It has no place, or nothing does it; a later part of the product brings it.
    Planned,
    /// It demands nothing of this product.
    NotApplicable,
}

/// A row that is right by itself.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Line of the file, from 1.
    pub(crate) line: usize,
    /// Which line of which document.
    pub(crate) id: Id,
    /// One or two, in the order of [`Kind::ALL`].
    pub(crate) kinds: Vec<Kind>,
    /// How far it is met.
    pub(crate) state: State,
    /// What meets it, in the order written.
    pub(crate) by: Vec<Reference>,
}

/// The whole ledger: the rows that are right, and what is wrong with the others.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Rows in the order of the file.
    pub(crate) entries: Vec<Entry>,
    /// Everything wrong with single rows, with their order, or with what is missing.
    pub(crate) findings: Vec<Finding>,
}

impl Kind {
    /// In the order in which a row names them.
    pub(crate) const ALL: [Self; 4] = [Self::Feature, Self::Config, Self::Number, Self::Artefact];

    /// The word in the ledger.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Config => "config",
            Self::Number => "number",
            Self::Artefact => "artefact",
        }
    }
}

impl State {
    /// From met to not asked for.
    pub(crate) const ALL: [Self; 4] =
        [Self::Covered, Self::Declared, Self::Planned, Self::NotApplicable];

    /// The word in the ledger.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Declared => "declared",
            Self::Planned => "planned",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// Reads a ledger and finds everything that is wrong with it by itself.
pub(crate) fn read(text: &str) -> Ledger {
    let mut ledger = Ledger { entries: Vec::new(), findings: Vec::new() };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut met = BTreeSet::new();
    let mut header = true;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let problem = format!("cannot be read as a table: {error}");
                ledger.findings.push(finding(1, problem, "write it as UTF-8"));
                return ledger;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let cells: Vec<&str> = record.iter().collect();
        if std::mem::take(&mut header) {
            ledger.findings.extend(header_line(&cells));
        } else {
            row(line, &cells, &mut met, &mut ledger);
        }
    }
    ledger.findings.extend(missing(&met));
    ledger
}

/// A break of a rule of the ledger.
pub(crate) fn finding(
    line: usize,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding::new("ledger", Path::new(PATH), line, problem, remedy)
}

fn header_line(cells: &[&str]) -> Option<Finding> {
    let remedy = format!("write `{}`", COLUMNS.join(","));
    (cells != COLUMNS).then(|| finding(1, "the header line names other columns", remedy))
}

fn row(line: usize, cells: &[&str], met: &mut BTreeSet<Id>, ledger: &mut Ledger) {
    let [id, kind, requirement, state, by, note] = cells else {
        let problem = format!("{} columns instead of {}", cells.len(), COLUMNS.len());
        let remedy = "put double quotes around a text that holds a comma";
        return ledger.findings.push(finding(line, problem, remedy));
    };
    let mut findings = Vec::new();
    let id = read_id(line, id, met, &mut findings);
    let kinds = read_kinds(line, kind, &mut findings);
    let state = State::ALL.into_iter().find(|known| known.word() == *state).or_else(|| {
        let remedy = format!("write one of {}", State::ALL.map(State::word).join(", "));
        findings.push(finding(line, format!("`{state}` is no state"), remedy));
        None
    });
    read_texts(line, requirement, note, &mut findings);
    let by = references(by).unwrap_or_else(|problem| {
        findings.push(finding(line, problem, "docs/src/reference/coverage.md lists the forms"));
        Vec::new()
    });
    if let Some(state) = state.filter(|_| findings.is_empty()) {
        findings.extend(needs(line, state, &kinds, &by, note));
    }
    if let (Some(id), Some(state), true) = (id, state, findings.is_empty()) {
        ledger.entries.push(Entry { line, id, kinds, state, by });
    }
    ledger.findings.append(&mut findings);
}

fn read_id(
    line: usize,
    text: &str,
    met: &mut BTreeSet<Id>,
    findings: &mut Vec<Finding>,
) -> Option<Id> {
    let Some(id) = Id::parse(text) else {
        let remedy = "write document and line, as in `003-045`";
        findings.push(finding(line, format!("`{text}` is no id"), remedy));
        return None;
    };
    let last = met.last().copied();
    if !seeds::expected().contains(&id) {
        let problem = format!("{id} is no line that demands something");
        findings.push(finding(line, problem, "remove the row, or correct its id"));
    } else if !met.insert(id) {
        findings.push(finding(line, format!("{id} has a second row"), "make it one row"));
    } else if last.is_some_and(|last| id < last) {
        findings.push(finding(line, format!("{id} stands too late"), "sort the rows by id"));
    }
    Some(id)
}

fn read_kinds(line: usize, text: &str, findings: &mut Vec<Finding>) -> Vec<Kind> {
    let words: Vec<&str> = text.split('+').collect();
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| words.contains(&kind.word())).collect();
    let written: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    if kinds.is_empty() || written != words {
        let remedy = format!(
            "write one or more of {}, in this order, with `+` between them",
            Kind::ALL.map(Kind::word).join(", ")
        );
        findings.push(finding(line, format!("`{text}` is no kind"), remedy));
    }
    kinds
}

fn read_texts(line: usize, requirement: &str, note: &str, findings: &mut Vec<Finding>) {
    if requirement.trim().is_empty() {
        let remedy = "say in a few words what the line demands";
        findings.push(finding(line, "the requirement is empty", remedy));
    }
    let characters = requirement.chars().count();
    if characters > REQUIREMENT_CHARACTERS_MAX {
        let problem = format!(
            "the requirement has {characters} characters, at most {REQUIREMENT_CHARACTERS_MAX} \
             are allowed"
        );
        findings.push(finding(line, problem, "say it in a few words"));
    }
    if [requirement, note].into_iter().any(names_a_ticket) {
        let remedy = "name the part of the product in words";
        findings.push(finding(line, "it names an entry of the tracker", remedy));
    }
}

/// Whether the text points into a tracker, which the repository's readers may not have.
fn names_a_ticket(text: &str) -> bool {
    let number = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    ["#", "issue ", "Issue "].iter().any(|mark| text.split(mark).skip(1).any(number))
}

/// What the state asks of the other columns.
fn needs(
    line: usize,
    state: State,
    kinds: &[Kind],
    by: &[Reference],
    note: &str,
) -> Option<Finding> {
    let is_matrix = |reference: &Reference| matches!(reference, Reference::Matrix { .. });
    let is_value = kinds == [Kind::Config];
    match state {
        State::Covered if by.is_empty() => {
            Some(finding(line, "it is covered, and nothing is named", "name in `by` what shows it"))
        }
        State::Covered if !by.iter().any(|it| it.proves() || is_value && is_matrix(it)) => {
            let problem = "it is covered, and no test is named";
            let remedy =
                "name a test or a scenario; a value in a matrix is enough for `config` alone";
            Some(finding(line, problem, remedy))
        }
        State::Covered => promise(note).map(|word| {
            let problem = format!("it is covered, and its note says `{word}`");
            let remedy = "call it declared or planned if a part is missing, else say what is so";
            finding(line, problem, remedy)
        }),
        State::Declared if !by.iter().any(is_matrix) => {
            let remedy = "name its place in a matrix in `by`";
            Some(finding(line, "it is declared, and no place in a matrix is named", remedy))
        }
        State::Planned if note.trim().is_empty() => {
            let remedy = "say in the note which later part brings it";
            Some(finding(line, "it is planned, and nothing says where", remedy))
        }
        State::NotApplicable if note.trim().is_empty() => {
            let remedy = "say in the note why it does not apply";
            Some(finding(line, "it is not applicable, and nothing says why", remedy))
        }
        _ => None,
    }
}

/// The first word of a note that promises.
fn promise(note: &str) -> Option<&'static str> {
    let lower = note.to_lowercase();
    let mut words = lower.split(|letter: char| !letter.is_alphanumeric());
    words.find_map(|word| PROMISES.into_iter().find(|promise| *promise == word))
}

/// One break for each document of which lines are missing.
fn missing(met: &BTreeSet<Id>) -> Vec<Finding> {
    let missing: BTreeSet<Id> = seeds::expected().difference(met).copied().collect();
    let documents: BTreeSet<u16> = missing.iter().map(|id| id.seed).collect();
    let finding = |seed: u16| {
        let own: Vec<Id> = missing.iter().filter(|id| id.seed == seed).copied().collect();
        let problem = format!(
            "{} lines of document {seed:03} ({}) have no row: {}",
            own.len(),
            seeds::about(seed),
            seeds::stretches(own.iter().copied())
        );
        finding(1, problem, "add a row for each; a line that is not met is `planned`")
    };
    documents.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "id,kind,requirement,state,by,note\n";

    /// What is wrong with these rows, without what is missing.
    fn problems(rows: &str) -> Vec<String> {
        let ledger = read(&format!("{HEADER}{rows}"));
        let own = ledger.findings.into_iter().filter(|found| !found.problem.contains("no row"));
        own.map(|found| format!("{}: {}", found.line, found.problem)).collect()
    }

    #[test]
    fn right_rows_are_read() {
        let rows = "000-004,config,\"Title, in full\",covered,matrix:soundbite:project,\n\
                    000-099,feature+config,Order of the environments,declared,\
                    matrix:soundbite:environments.staging.after file:a.rs,\n\
                    000-229,feature+artefact,Dashboards,planned,,dashboard\n";
        assert_eq!(problems(rows), Vec::<String>::new());
        let ledger = read(&format!("{HEADER}{rows}"));
        let seen: Vec<_> = ledger.entries.iter().map(|it| (it.line, it.by.len())).collect();
        assert_eq!(seen, [(2, 1), (3, 2), (4, 0)]);
        assert_eq!(ledger.entries[1].kinds, [Kind::Feature, Kind::Config]);
    }

    #[test]
    fn another_header_is_found() {
        let found = read("id,kind,state\n").findings;
        assert_eq!(found[0].problem, "the header line names other columns");
        assert!(read(HEADER).findings.iter().all(|found| found.problem.contains("no row")));
    }

    #[test]
    fn each_column_is_judged() {
        for (row, problem) in [
            ("000-004,config,Title,planned,later", "5 columns instead of 6"),
            ("0-4,config,Title,planned,,later", "`0-4` is no id"),
            ("000-001,config,Date,planned,,later", "000-001 is no line that demands something"),
            ("005-001,config,Date,planned,,later", "005-001 is no line that demands something"),
            ("000-004,knob,Title,planned,,later", "`knob` is no kind"),
            ("000-004,config+feature,Title,planned,,later", "`config+feature` is no kind"),
            ("000-004,config+config,Title,planned,,later", "`config+config` is no kind"),
            ("000-004,,Title,planned,,later", "`` is no kind"),
            ("000-004,config,Title,done,,later", "`done` is no state"),
            ("000-004,config, ,planned,,later", "the requirement is empty"),
            ("000-004,config,Title,covered,,", "it is covered, and nothing is named"),
            (
                "000-004,config,Title,declared,page:README.md,",
                "it is declared, and no place in a matrix is named",
            ),
            ("000-004,config,Title,planned,,", "it is planned, and nothing says where"),
            (
                "000-004,config,Title,not-applicable,, ",
                "it is not applicable, and nothing says why",
            ),
            ("000-004,config,Title,planned,,issue 4", "it names an entry of the tracker"),
            ("000-004,config,Title,planned,,see #12", "it names an entry of the tracker"),
            ("000-004,config,Title,covered,README.md,", "`README.md` is no reference"),
        ] {
            assert_eq!(problems(row), [format!("2: {problem}")], "{row}");
        }
    }

    #[test]
    fn what_is_covered_names_a_test_unless_it_is_a_value_alone() {
        let row = |kind: &str, by: &str| format!("000-004,{kind},Title,covered,{by},");
        let unproven = "matrix:soundbite:environments.a page:README.md command:towpath why file:a";
        for kind in ["feature", "number", "artefact", "feature+config", "config+number"] {
            let found = problems(&row(kind, unproven));
            assert_eq!(found, ["2: it is covered, and no test is named"], "{kind}");
            for proof in ["test:a.rs::it_works", "scenario:lapse"] {
                let by = format!("{unproven} {proof}");
                assert_eq!(problems(&row(kind, &by)), Vec::<String>::new(), "{kind}");
            }
        }
        assert_eq!(problems(&row("config", unproven)), Vec::<String>::new());
        let found = problems(&row("config", "page:README.md command:towpath why file:a"));
        assert_eq!(found, ["2: it is covered, and no test is named"]);
    }

    #[test]
    fn the_note_of_what_is_covered_promises_nothing() {
        let row =
            |state, note| format!("000-004,config,Title,{state},matrix:soundbite:project,{note}");
        for (note, word) in [
            ("pages are planned", "planned"),
            ("on the terminal; pages come with the dashboard", "come"),
            ("Comes with the Docker target", "comes"),
            ("comparing is a later check", "later"),
            ("roles are not checked yet", "yet"),
        ] {
            let found = problems(&row("covered", note));
            assert_eq!(found, [format!("2: it is covered, and its note says `{word}`")]);
            assert_eq!(problems(&row("planned", note)), Vec::<String>::new());
        }
        for note in ["", "said to people", "becomes what comedians call translated"] {
            assert_eq!(problems(&row("covered", note)), Vec::<String>::new(), "{note}");
        }
    }

    #[test]
    fn a_requirement_is_a_few_words() {
        let row = |length| format!("000-004,config,{},planned,,later", "a".repeat(length));
        assert!(problems(&row(REQUIREMENT_CHARACTERS_MAX)).is_empty());
        let found = problems(&row(REQUIREMENT_CHARACTERS_MAX + 1));
        assert_eq!(found, ["2: the requirement has 161 characters, at most 160 are allowed"]);
    }

    #[test]
    fn rows_are_sorted_and_none_comes_twice() {
        let row = |id: &str| format!("{id},config,Title,planned,,later\n");
        let rows = ["000-005", "000-004", "000-005"].map(row).concat();
        assert_eq!(problems(&rows), ["3: 000-004 stands too late", "4: 000-005 has a second row"]);
    }

    #[test]
    fn lines_without_a_row_are_found_for_each_document() {
        let found = read(&format!("{HEADER}000-005,config,Title,planned,,later\n")).findings;
        assert_eq!(found.len(), 5);
        assert_eq!(
            found[0].problem,
            "242 lines of document 000 (promotion matrix of SoundBite) have no row: 000-004, \
             000-006 to 000-241, 000-250 to 000-254"
        );
    }
}
