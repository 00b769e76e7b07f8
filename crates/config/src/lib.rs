//! From the text of `towpath.yaml` to a resolved matrix, or to everything that is wrong with it,
//! said at once. Reads no files and knows no adapter by name: the kinds come from a catalogue.

mod acceptance;
mod adapters;
mod cause;
mod codes;
mod consistency;
mod declared;
mod diagnostic;
mod diff;
mod elsewhere;
mod fields;
mod forge;
mod holidays;
mod lane;
mod limits;
mod lists;
mod parity;
mod pipeline;
mod place;
mod problem;
mod promises;
mod quantities;
mod render;
mod repair;
mod routes;
mod scalar;
mod schema;
mod secrecy;
mod sections;
mod shape;
mod show;
mod source;
mod starter;
mod synonyms;
mod tables;
mod tree;
mod type_words;
mod value;
mod verify;
mod yaml;

use std::collections::BTreeSet;

use towpath_core::matrix::{Matrix, Unenforced};
use towpath_ports::catalogue::Catalogue;

use crate::holidays::Calendars;
use crate::problem::{Problem, Problems};
use crate::source::{Extent, Source};
use crate::tree::Node;

pub use crate::codes::{Code, Severity, explain};
pub use crate::diagnostic::{Diagnostic, Label, report_json};
pub use crate::diff::{Change, Diff, Judgement, diff};
pub use crate::holidays::{Beside, MAX_CALENDAR};
pub use crate::place::line_of;
pub use crate::problem::MAX_PROBLEMS;
pub use crate::render::{Symbols, brief, report, snippet};
pub use crate::schema::schema;
pub use crate::secrecy::{hide_secrets, holds_a_secret};
pub use crate::show::{Origin, ResolvedLine, origins, resolved_lines, resolved_yaml};
pub use crate::source::MAX_BYTES;
pub use crate::starter::{
    FIRST_PORT, StarterAlarm, StarterEnvironment, StarterHealth, StarterInput, StarterLane,
    StarterMigration, StarterRollout, StarterSecret, StarterSection, StarterService, StarterTarget,
    StarterValue, is_secret, starter, tier_by_name, tier_said_by,
};
pub use crate::tables::{Table, table_names, tables};
pub use crate::verify::{MAX_ENVIRONMENTS, MAX_LANES, MAX_SECTION, MAX_SERVICES};
pub use crate::yaml::{MAX_DEPTH, MAX_ENTRIES, MAX_TEXT};

/// What reads the file, for messages about what only another version could know.
pub(crate) const PROGRAM: &str = concat!("towpath ", env!("CARGO_PKG_VERSION"));

/// A matrix with everything that was found out about it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The resolved matrix; none when there is an error.
    pub matrix: Option<Matrix>,
    /// What refuses the matrix, in the order of the file.
    pub errors: Vec<Diagnostic>,
    /// What is worth knowing, in the order of the file.
    pub warnings: Vec<Diagnostic>,
    /// Demands that this version does not carry out, by path.
    pub not_enforced: Vec<Unenforced>,
    /// The resolved matrix without the secrets that stand in the file, for whoever prints it; its
    /// digest is another one. None when there is an error.
    pub shown: Option<Matrix>,
    pub(crate) resolved: Vec<show::Line>,
    /// The same with the secrets, to find out what changed; none when there are none.
    pub(crate) with_secrets: Option<Vec<show::Line>>,
    pub(crate) root: Option<Node>,
    pub(crate) file: String,
    pub(crate) source: Source,
}

/// Reads and checks a matrix. `file_name` is only printed. Never fails and never panics, whatever
/// the bytes are; safe to repeat. What calendars beside it list is not known here: a freeze that
/// names one holds at any time.
pub fn parse(file_name: &str, bytes: &[u8], catalogue: &Catalogue) -> Checked {
    read(file_name, bytes, catalogue, None)
}

/// The same with what stands beside the matrix. A calendar that cannot be read is an error.
pub fn parse_beside(
    file_name: &str,
    bytes: &[u8],
    catalogue: &Catalogue,
    beside: &Beside<'_>,
) -> Checked {
    read(file_name, bytes, catalogue, Some(beside))
}

fn read(
    file_name: &str,
    bytes: &[u8],
    catalogue: &Catalogue,
    beside: Option<&Beside<'_>>,
) -> Checked {
    let mut problems = Problems::default();
    let source = Source::new(bytes, &mut problems);
    let root = if problems.is_empty() { read_tree(&source, &mut problems) } else { None };
    let mut checked = Checked {
        matrix: None,
        errors: Vec::new(),
        warnings: Vec::new(),
        not_enforced: Vec::new(),
        shown: None,
        resolved: Vec::new(),
        with_secrets: None,
        root: None,
        file: tree::escaped(file_name),
        source,
    };
    if root.is_none() {
        secrecy::hide_lines(&checked.source, &mut problems);
    }
    let shown = root.as_ref().map(|root| secrecy::hide(root, catalogue, &mut problems));
    if let (Some(root), Some(shown)) = (&root, &shown) {
        let calendars = Calendars::of(shown, beside, &mut problems);
        checked.resolve(shown, (catalogue, &calendars), &mut problems);
        if !problems.hides_nothing() {
            checked.resolve_with_secrets(root, (catalogue, &calendars), &mut problems);
        }
    }
    checked.take(problems, shown.as_ref());
    checked.root = shown;
    checked
}

/// The text of the file with stars in place of the secrets that stand in it.
pub fn shown_text(checked: &Checked) -> &str {
    checked.source.text()
}

/// The text of a matrix as JSON, as editors see it, unchecked and with nothing filled in; none when
/// it is not plain YAML.
pub fn to_json(text: &str) -> Option<serde_json::Value> {
    let mut problems = Problems::default();
    let source = Source::new(text.as_bytes(), &mut problems);
    let root = read_tree(&source, &mut problems)?;
    problems.is_empty().then(|| root.to_json())
}

fn read_tree(source: &Source, problems: &mut Problems) -> Option<Node> {
    let root = yaml::read(source, problems);
    if root.is_none() && problems.is_empty() {
        let nothing = crate::source::Extent::default();
        problems.add(
            Problem::new(Code::MissingKey, nothing, "the file is empty")
                .expected("a matrix")
                .next("towpath init     writes a first matrix"),
        );
    }
    root
}

impl Checked {
    fn resolve(
        &mut self,
        root: &Node,
        (catalogue, calendars): (&Catalogue, &Calendars),
        problems: &mut Problems,
    ) {
        verify::check(root, catalogue, problems);
        let environments = root.get("environments").map(Node::entries).unwrap_or_default();
        if environments.len() > MAX_ENVIRONMENTS {
            return;
        }
        pipeline::check(environments, &self.source, problems);
        let resolved = lane::resolve(&mut lane::Reading::new(root, catalogue, calendars, problems));
        let Some(resolved) = resolved else { return };
        consistency::check(&self.whole(root, catalogue, &resolved), problems);
        self.resolved = show::lines(root, &self.source, catalogue, &resolved);
        self.not_enforced = resolved.not_enforced;
        self.shown = Some(resolved.matrix.clone());
        self.matrix = Some(resolved.matrix);
    }

    /// The resolved form with the secrets that stand in the file.
    fn lines(&self) -> &[show::Line] {
        self.with_secrets.as_deref().unwrap_or(&self.resolved)
    }

    /// Takes the matrix from the file as it is: what runs needs what is not shown.
    fn resolve_with_secrets(
        &mut self,
        root: &Node,
        (catalogue, calendars): (&Catalogue, &Calendars),
        problems: &mut Problems,
    ) {
        if self.matrix.take().is_none() {
            return;
        }
        let mut found = Problems::default();
        let resolved =
            lane::resolve(&mut lane::Reading::new(root, catalogue, calendars, &mut found));
        problems.add_unseen(found);
        let Some(resolved) = resolved else { return };
        consistency::plaintext(&self.whole(root, catalogue, &resolved), problems);
        self.with_secrets = Some(show::lines(root, &self.source, catalogue, &resolved));
        self.matrix = Some(resolved.matrix);
    }

    fn whole<'a>(
        &'a self,
        root: &'a Node,
        catalogue: &'a Catalogue,
        resolved: &'a lane::Resolved,
    ) -> consistency::Whole<'a> {
        consistency::Whole {
            root,
            source: &self.source,
            catalogue,
            environments: &resolved.matrix.environments,
            lanes: &resolved.lanes,
        }
    }

    fn take(&mut self, mut problems: Problems, root: Option<&Node>) {
        let hidden = problems.take_hidden();
        let mut accepting = problems.take_accepting();
        for problem in problems.into_sorted() {
            let diagnostic = Diagnostic::new(problem, &self.source, root);
            match diagnostic.severity() {
                Severity::Error => self.errors.push(diagnostic),
                Severity::Warning => match accepted_by(&diagnostic, root) {
                    Some(name) => drop(accepting.insert(name)),
                    None => self.warnings.push(diagnostic),
                },
            }
        }
        // With errors not every rule could look, so nobody knows what a name would let pass.
        if let Some(root) = root.filter(|_| self.errors.is_empty()) {
            self.unused_acceptance(root, &accepting);
        }
        // Places were told by the text as it stands; from here on it is only printed.
        self.source.hide(&hidden);
        if !self.errors.is_empty() {
            (self.matrix, self.shown, self.with_secrets) = (None, None, None);
            self.resolved.clear();
        }
    }

    /// Tells the names in every `accept_warnings` that let nothing pass.
    fn unused_acceptance(&mut self, root: &Node, used: &BTreeSet<Extent>) {
        let environments = root.get("environments").map(Node::entries).unwrap_or_default();
        let places = environments.iter().map(|entry| &entry.value).chain([root]);
        let unused =
            places.flat_map(|place| acceptance::unused(place.get("accept_warnings"), used));
        for problem in unused {
            let diagnostic = Diagnostic::new(problem, &self.source, Some(root));
            if accepted_by(&diagnostic, Some(root)).is_none() {
                self.warnings.push(diagnostic);
            }
        }
        self.warnings.sort_by_key(|it| (it.line, it.column));
    }
}

/// The name by which the matrix says that a warning is meant so, at the top or in its environment.
fn accepted_by(diagnostic: &Diagnostic, root: Option<&Node>) -> Option<Extent> {
    let root = root?;
    let mut path = diagnostic.path.split('.');
    let environment = match (path.next(), path.next()) {
        (Some("environments"), Some(name)) => root.get("environments").and_then(|it| it.get(name)),
        _ => None,
    };
    let mut places = [Some(root), environment].into_iter().flatten();
    places.find_map(|place| acceptance::accepting(place.get("accept_warnings"), diagnostic.code))
}
