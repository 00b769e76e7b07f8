//! `cargo xtask bench guard`: the guard's own code and the documented rules of other tools on the
//! same simulated rollouts. Owns the cells and the goals; the traffic and the rules are the product's.

mod cell;
mod goals;
mod tables;

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// Errors at 10 and 100 requests per second, 300 runs for each cell: minutes.
    Quick,
    /// Everything, with the runs that the goals ask for: hours.
    Full,
}

/// What it measures, for the list of benches.
pub(super) const SUMMARY: &str =
    "harm until a bad release is back, and good ones thrown out, beside other tools' rules";

/// Runs it with `--quick` (the default) or `--full`; `--only TEXT` takes the cells whose names contain
/// it, such as `LateOnset 20% from 600 s at 10 per second`; `--json` ends with one object on one line.
///
/// # Errors
/// When a flag is unknown or the release build of this tool cannot be made.
pub(super) fn run(root: &Path, flags: &[&str]) -> Result<()> {
    if cfg!(debug_assertions) {
        return again_in_release(root, flags);
    }
    let mut size = Size::Quick;
    let mut json = false;
    let mut only = "";
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        match *flag {
            "--quick" => size = Size::Quick,
            "--full" => size = Size::Full,
            "--json" => json = true,
            "--only" => only = flags.next().copied().unwrap_or_default(),
            other => {
                bail!("`bench guard` takes --quick, --full, --only TEXT and --json, not `{other}`")
            }
        }
    }
    let measured = tables::measure(size, only);
    for line in tables::lines(&measured) {
        println!("{line}");
    }
    let goals = goals::judge(&measured, size);
    for line in goals::lines(&goals) {
        println!("{line}");
    }
    if json {
        println!("{}", goals::json(&goals));
    }
    Ok(())
}

/// A debug build would take twenty times as long and say the same.
fn again_in_release(root: &Path, flags: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["run", "--quiet", "--release", "-p", "xtask", "--", "bench", "guard"])
        .args(flags)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        bail!("the release build of the bench ended with {status}")
    }
}
