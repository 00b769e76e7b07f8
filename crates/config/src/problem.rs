//! Problems while they are being collected: places as pieces of the text. `diagnostic` turns them
//! into what people read.

use std::collections::{BTreeMap, BTreeSet};

use crate::codes::{Code, Severity};
use crate::source::Extent;
use crate::tree::printable;

/// Errors that are reported of one file, and as many warnings; more than this many help nobody, and a hostile file
/// must not fill the memory with them.
pub const MAX_PROBLEMS: usize = 500;

/// One problem at one place.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) extent: Extent,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) related: Vec<(Extent, String)>,
    pub(crate) expected: Option<String>,
    pub(crate) nearest: Option<String>,
    pub(crate) next: Option<String>,
    /// The map and the key that is missing in it, where the path is that of something not there.
    pub(crate) missing: Option<(Extent, String)>,
}

impl Problem {
    pub(crate) fn new(code: Code, extent: Extent, message: impl Into<String>) -> Self {
        Self {
            code,
            extent,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            expected: None,
            nearest: None,
            next: None,
            missing: None,
        }
    }

    #[must_use]
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    #[must_use]
    pub(crate) fn related(mut self, extent: Extent, label: impl Into<String>) -> Self {
        self.related.push((extent, label.into()));
        self
    }

    #[must_use]
    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    #[must_use]
    pub(crate) fn nearest(mut self, nearest: Option<String>) -> Self {
        self.nearest = nearest;
        self
    }

    #[must_use]
    pub(crate) fn missing(mut self, map: Extent, key: &str) -> Self {
        self.missing = Some((map, printable(key)));
        self
    }

    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// How many of one severity there are, and how many more there would be. Warnings have a count of
/// their own, for however many there are, they refuse nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    kept: usize,
    left_out: usize,
}

/// All problems so far. One that is found twice, because two environments share a default, is
/// kept once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    seen: BTreeSet<(Extent, Code, String)>,
    errors: Told,
    warnings: Told,
    /// What is kept out of every output, and whether because it tells itself.
    hidden: BTreeMap<Extent, bool>,
    accepting: BTreeSet<Extent>,
}

impl Problems {
    /// Keeps what stands at `extent` out of every output.
    pub(crate) fn hide(&mut self, extent: Extent) {
        self.hidden.entry(extent).or_insert(false);
    }

    /// The same of what is a secret by its name or its shape, and not only by where it stands.
    pub(crate) fn hide_telling(&mut self, extent: Extent) {
        self.hidden.insert(extent, true);
    }

    /// Whether what stands at `extent` is kept out of every output.
    pub(crate) fn hides(&self, extent: Extent) -> bool {
        self.hidden.contains_key(&extent)
    }

    /// Whether nothing is kept out.
    pub(crate) fn hides_nothing(&self) -> bool {
        self.hidden.is_empty()
    }

    /// Whether something within `extent` is kept out, and whether because it tells itself.
    pub(crate) fn hides_within(&self, extent: Extent) -> (bool, bool) {
        let from = Extent { start: extent.start, end: 0 };
        let inside = self.hidden.range(from..).take_while(|(it, _)| it.start <= extent.end);
        let inside: Vec<bool> =
            inside.filter(|(it, _)| it.end <= extent.end).map(|it| *it.1).collect();
        (!inside.is_empty(), inside.contains(&true))
    }

    /// Whether a secret at `extent` was told.
    pub(crate) fn tells_secret(&self, extent: Extent) -> bool {
        self.has(extent, Code::PlaintextSecret)
            || self.has(extent, Code::PlaintextSecretInDevelopment)
    }

    /// Remembers that the name at `extent`, in an `accept_warnings`, let something pass.
    pub(crate) fn passed_by(&mut self, extent: Extent) {
        self.accepting.insert(extent);
    }

    /// Takes the names that let something pass.
    pub(crate) fn take_accepting(&mut self) -> BTreeSet<Extent> {
        std::mem::take(&mut self.accepting)
    }

    /// Takes what is to be kept out of every output.
    pub(crate) fn take_hidden(&mut self) -> BTreeSet<Extent> {
        std::mem::take(&mut self.hidden).into_keys().collect()
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        // What cannot be a name is not missed among the names as well.
        if problem.code == Code::UnknownName && self.has(problem.extent, Code::WrongValue) {
            return;
        }
        // What was read of a value that does not fit is not what was meant.
        let mut places =
            std::iter::once(problem.extent).chain(problem.related.iter().map(|it| it.0));
        if problem.code.severity() == Severity::Warning && places.any(|it| self.refuses(it)) {
            return;
        }
        if self.is_full(problem.code) {
            return;
        }
        if self.seen.insert((problem.extent, problem.code, problem.message.clone())) {
            self.told(problem.code).kept += 1;
            self.list.push(problem);
        }
    }

    /// Adds the errors of `found` at places of which nothing was told, without their words: those
    /// were found where secrets are not hidden.
    pub(crate) fn add_unseen(&mut self, found: Self) {
        for Problem { code, extent, .. } in found.list {
            if code.severity() == Severity::Error && !self.knows(extent, code) {
                self.add(Problem::new(code, extent, "a value that is not shown does not fit here"));
            }
        }
    }

    /// Whether no more of this severity are kept; counts what is left out.
    fn is_full(&mut self, code: Code) -> bool {
        let told = self.told(code);
        let full = told.kept >= MAX_PROBLEMS;
        told.left_out += usize::from(full);
        full
    }

    fn told(&mut self, code: Code) -> &mut Told {
        match code.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        }
    }

    /// Whether nothing new can be said about `extent` by this name, so that it need not be worded.
    pub(crate) fn knows(&mut self, extent: Extent, code: Code) -> bool {
        self.is_full(code) || self.has(extent, code)
    }

    fn has(&self, extent: Extent, code: Code) -> bool {
        let mut from = self.seen.range((extent, code, String::new())..);
        from.next().is_some_and(|(place, of, _)| (*place, *of) == (extent, code))
    }

    /// Whether a value at `extent` or within it does not fit its key.
    fn refuses(&self, extent: Extent) -> bool {
        let from = (Extent { start: extent.start, end: 0 }, Code::ALL[0], String::new());
        let inside = self.seen.range(from..).take_while(|it| it.0.start <= extent.end);
        let mut inside = inside.filter(|it| it.0.end <= extent.end);
        inside.any(|it| matches!(it.1, Code::WrongValue | Code::WrongType))
    }

    /// Whether something refuses the file.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors.kept > 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// In the order of the file. Errors that were left out are one more at the end; of warnings the
    /// last says how many.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| (problem.extent.start, problem.extent.end));
        let is_warning = |it: &&mut Problem| it.code.severity() == Severity::Warning;
        let more = self.warnings.left_out;
        if let Some(last) = self.list.iter_mut().rev().find(is_warning).filter(|_| more > 0) {
            let next = last.next.take().unwrap_or_else(|| "repair these first".to_owned());
            last.next = Some(format!("{next}; {more} more warnings are not shown"));
        }
        if self.errors.left_out > 0 {
            let message = format!("{} more problems are not shown", self.errors.left_out);
            let last = self.list.last().map(|problem| problem.extent).unwrap_or_default();
            self.list.push(
                Problem::new(Code::TooMany, last, message)
                    .next("repair these first, and check again"),
            );
        }
        self.list
    }
}
