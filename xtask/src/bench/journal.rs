//! `bench journal`: durable events per second of the store beside the bare database on the same
//! disk. The store's own example measures, since nothing here links the product; this only runs
//! it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Bench, product};

/// Durable events of the journal.
pub(super) const BENCH: Bench = Bench {
    name: "journal",
    summary: "durable events/s of the store against bare SQLite, synchronous=FULL (bar: 0.8x)",
    run: measure,
};

/// One run of one contender.
const RUN_SECONDS: &str = "2";
/// Interleaved.
const ROUNDS: &str = "7";

fn measure(root: &Path) -> Result<Vec<String>> {
    let output = Command::new(product::cargo())
        .args(["run", "--locked", "--quiet", "--release", "--package", "towpath-store"])
        .args(["--example", "journal_rate", "--", RUN_SECONDS, ROUNDS])
        .current_dir(root)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "the store's example failed");
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}
