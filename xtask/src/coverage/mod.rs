//! `cargo xtask coverage`: the ledger that says, line by line, how far the documents towpath was
//! asked for are met. It counts and compares; the rows are written by people, and it changes none.

mod counts;
pub(crate) mod ledger;
mod places;
pub(crate) mod reference;
mod seeds;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::coverage::counts::Counts;
use crate::coverage::ledger::{Entry, Ledger};
use crate::coverage::places::Places;
use crate::coverage::reference::EXAMPLES;

/// Prints the counts as a table.
///
/// # Errors
/// When the ledger cannot be read, or a row of it is wrong.
pub(crate) fn table(root: &Path) -> Result<()> {
    print!("{}", Counts::of(&entries(root)?).table());
    Ok(())
}

/// Prints the counts as one object on one line.
///
/// # Errors
/// When the ledger cannot be read, or a row of it is wrong.
pub(crate) fn json(root: &Path) -> Result<()> {
    println!("{}", Counts::of(&entries(root)?).json());
    Ok(())
}

/// Compares what the ledger says of the examples' matrices with what the program says of them.
///
/// # Errors
/// When they disagree, naming every row; when the program cannot be built or run; when an example
/// has errors.
pub(crate) fn check(root: &Path) -> Result<()> {
    let entries = entries(root)?;
    let mut examples = BTreeMap::new();
    for example in EXAMPLES {
        let places = Places::ask(root, example)
            .with_context(|| format!("cannot read the matrix of examples/{example}"))?;
        examples.insert(example, places);
    }
    let findings = places::judge(&entries, &examples);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("{} rows of {} disagree with the program", findings.len(), ledger::PATH);
    }
    println!("coverage: {} rows, all as the program says", entries.len());
    Ok(())
}

fn entries(root: &Path) -> Result<Vec<Entry>> {
    let path = root.join(ledger::PATH);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", ledger::PATH))?;
    let Ledger { entries, findings } = ledger::read(&text);
    if let Some(first) = findings.first() {
        bail!("{first}\n{} in all; `cargo xtask tidy` lists them", findings.len());
    }
    Ok(entries)
}
