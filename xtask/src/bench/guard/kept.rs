//! Runs that were done before, in a file: hours of them need not be done in one go. Owns the file's
//! form; what was kept under another code is found out and done anew.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::cell::{Cell, Outcome};

/// Runs of one cell: those from `from` on, as many as its outcome has.
#[derive(Debug, Serialize, Deserialize)]
struct Piece {
    cell: String,
    from: u64,
    /// The first of them alone, by which a later reader sees whether it is still what is run.
    first: String,
    outcome: Outcome,
}

/// Where pieces are kept; nowhere, if no file was named.
#[derive(Debug, Default)]
pub(super) struct Kept {
    file: Option<File>,
    pieces: BTreeMap<String, Vec<Piece>>,
}

impl Kept {
    /// Reads what is in the file, which need not be there. Lines that are no piece, such as the last
    /// one of a run that was ended, are left out.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let mut pieces = BTreeMap::<String, Vec<Piece>>::new();
        for line in BufReader::new(&file).lines() {
            if let Ok(piece) = serde_json::from_str::<Piece>(&line?) {
                pieces.entry(piece.cell.clone()).or_default().push(piece);
            }
        }
        writeln!(file)?;
        Ok(Self { file: Some(file), pieces })
    }

    /// What is known of a cell, from its first run on without a gap. A cell of which the first run
    /// comes out otherwise today is not known at all.
    ///
    /// # Errors
    /// When a run cannot be written as text.
    pub(super) fn of(&mut self, cell: &Cell) -> Result<Outcome> {
        let mut known = Outcome::default();
        let Some(mut pieces) = self.pieces.remove(&name(cell)) else { return Ok(known) };
        pieces.sort_by_key(|piece| piece.from);
        for piece in &pieces {
            if piece.from == known.runs && first_of(cell, piece.from)? == piece.first {
                known.add(&piece.outcome);
            }
        }
        Ok(known)
    }

    /// Keeps another piece.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&mut self, cell: &Cell, from: u64, outcome: &Outcome) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let (first, outcome) = (first_of(cell, from)?, outcome.clone());
        let piece = Piece { cell: name(cell), from, first, outcome };
        writeln!(file, "{}", serde_json::to_string(&piece)?).context("cannot keep what was run")
    }
}

/// As text, because a figure that was written and read may differ from itself in its last digit.
fn first_of(cell: &Cell, run: u64) -> Result<String> {
    Ok(serde_json::to_string(&cell.run(run..run + 1, 1))?)
}

/// Everything that a run depends on beside the code.
fn name(cell: &Cell) -> String {
    let Cell { traffic, fault, schedule, policy, beside, runs: _ } = cell;
    format!("{traffic:?} {fault:?} {schedule:?} {policy:?} {beside:?}")
}

#[cfg(test)]
mod tests {
    use towpath_simulate::{Fault, Schedule, Traffic};

    use super::super::cell::Beside;
    use super::super::tables::policy;
    use super::*;

    #[test]
    fn what_was_run_is_known_again_unless_it_would_come_out_otherwise() {
        let cell = Cell {
            traffic: Traffic::plain(5.0, 0.01),
            fault: Fault::none(0.5),
            schedule: Schedule::of_the_seeds(),
            policy: policy(),
            runs: 4,
            beside: Beside::Errors,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept");
        let mut kept = Kept::open(Some(&path)).expect("a new file");
        assert_eq!(kept.of(&cell).expect("text").runs, 0);
        for (from, to) in [(0, 3), (3, 4)] {
            kept.keep(&cell, from, &cell.run(from..to, 1)).expect("it is written");
        }
        let read = Kept::open(Some(&path)).expect("its own file").of(&cell).expect("text");
        assert_eq!((read.runs, read.guard().went_back()), {
            let all = cell.run(0..4, 1);
            (4, all.guard().went_back())
        });
        let text = std::fs::read_to_string(&path).expect("text");
        let other = text.replace("\"from\":3,\"first\":\"", "\"from\":3,\"first\":\" ");
        assert_ne!(text, other);
        std::fs::write(&path, other + "{\"cell\":").expect("it is written");
        assert_eq!(Kept::open(Some(&path)).expect("text").of(&cell).expect("text").runs, 3);
    }
}
