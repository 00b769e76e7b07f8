//! Which lines of which files were run. Owns which names mean the same file; reads no report.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use crate::reports::{Report, Stop, Wrong, grouped, short, shown};

/// How many files `logs` shows, those with the most lines that were not run first.
const FILES_SHOWN: usize = 10;

/// What all reports come to.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) covered: u64,
    pub(super) total: u64,
    /// Reports that hold no line and say sums instead.
    pub(super) without_lines: u64,
    /// For `logs`.
    pub(super) least_covered: Vec<String>,
}

/// Lines by file.
#[derive(Debug, Default)]
pub(super) struct Lines {
    places: HashMap<PathBuf, usize>,
    files: Vec<(PathBuf, BTreeMap<u32, bool>)>,
}

impl Lines {
    /// Where the lines of a file are kept; to be handed to [`Self::add`].
    pub(super) fn file(&mut self, path: PathBuf) -> usize {
        let next = self.files.len();
        let place = *self.places.entry(path.clone()).or_insert(next);
        if place == next {
            self.files.push((path, BTreeMap::new()));
        }
        place
    }

    /// A line, from 1; once covered, it stays so.
    pub(super) fn add(&mut self, file: usize, line: u32, is_covered: bool) {
        *self.files[file].1.entry(line).or_insert(false) |= is_covered;
    }

    /// Takes in what another report says.
    pub(super) fn merge(&mut self, other: Self, stop: &Stop) -> Result<(), Wrong> {
        for (path, lines) in other.files {
            stop.check()?;
            let file = self.file(path);
            for (line, is_covered) in lines {
                self.add(file, line, is_covered);
            }
        }
        Ok(())
    }

    /// Covered lines, and all.
    pub(super) fn counts(&self) -> (u64, u64) {
        let lines = self.files.iter().flat_map(|(_, lines)| lines.values());
        lines.fold((0, 0), |(covered, total), is_covered| {
            (covered + u64::from(*is_covered), total + 1)
        })
    }

    /// The files with the most lines that were not run.
    pub(super) fn least_covered(&self) -> Vec<String> {
        let missed =
            |lines: &BTreeMap<u32, bool>| lines.values().filter(|covered| !**covered).count();
        let mut files: Vec<_> =
            self.files.iter().map(|(path, lines)| (missed(lines), path, lines.len())).collect();
        files.retain(|(missed, _, _)| *missed > 0);
        files.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(other.1)));
        let told = files.iter().take(FILES_SHOWN).map(|(missed, path, all)| {
            let (missed, all) = (grouped(*missed as u64), grouped(*all as u64));
            format!("{}: {missed} of {all} lines not covered", short(&shown(path)))
        });
        told.collect()
    }
}

/// Which file a report means by `name`, from the root of the project on if it lies there.
///
/// Reports name files from where their tool ran. Two packages may both have a `src/index.ts`, and
/// to take these for one would count what the tests of one ran for the other. So a name is looked
/// for from the report's own folder upwards, and one of another machine by its last parts; what is
/// found nowhere keeps its name.
pub(super) fn meant(report: &Report<'_>, sources: &[String], name: &str) -> PathBuf {
    let name = Path::new(name);
    let named: Vec<PathBuf> = sources.iter().map(|source| Path::new(source).join(name)).collect();
    let named = if named.is_empty() { vec![name.to_owned()] } else { named };
    let exists = |path: &Path| report.root.join(path).is_file();
    for path in &named {
        let path = plain(path);
        if path.is_absolute() {
            if let Ok(inside) = path.strip_prefix(report.root) {
                return inside.to_owned();
            }
            let parts: Vec<_> = path.components().skip(1).collect();
            // The last name alone would be found too easily.
            let tails = (1..parts.len().saturating_sub(1))
                .map(|from| parts[from..].iter().collect::<PathBuf>());
            if let Some(tail) = tails.into_iter().find(|tail| exists(tail)) {
                return tail;
            }
        } else if !path.starts_with("..") {
            let mut folders = report.path.ancestors().skip(1).map(|folder| folder.join(&path));
            if let Some(found) = folders.find(|path| exists(path)) {
                return found;
            }
        }
    }
    plain(&named[0])
}

/// Without `.` and, as far as the path itself tells, without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some_and(|name| name != "..") => {
                plain.pop();
            }
            Component::ParentDir if plain.is_absolute() => {}
            part => plain.push(part),
        }
    }
    plain
}
