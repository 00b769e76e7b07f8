//! `bench build`: how long a stranger waits for the README's first command, from nothing
//! compiled. Crates are fetched before the clock starts, so that the figure is the compiler's
//! and not the network's.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{Bench, product};

/// Cold build of what the README's first command builds.
pub(super) const BENCH: Bench = Bench {
    name: "build",
    summary: "cold `cargo build` of the README's first command, seconds (bar: 300 on 2 cores)",
    run: measure,
};

/// What `cargo run -- demo` builds: the workspace's default member in the dev profile.
const BUILD: &[&str] = &["build", "--locked", "--quiet", "--package", "towpath"];

fn measure(root: &Path) -> Result<Vec<String>> {
    let target = tempfile::tempdir().context("cannot make an empty target directory")?;
    cargo(root, target.path(), &["fetch", "--locked", "--quiet"])?;
    let start = Instant::now();
    cargo(root, target.path(), BUILD)?;
    let seconds = start.elapsed().as_secs_f64();
    let binary = target.path().join("debug/towpath");
    let bytes = std::fs::metadata(&binary).map_or(0, |metadata| metadata.len());
    Ok(vec![
        format!("cargo {}: {seconds:.1} s", BUILD.join(" ")),
        format!("binary: {} MiB", bytes >> 20),
    ])
}

fn cargo(root: &Path, target: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(product::cargo())
        .args(arguments)
        .current_dir(root)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(())
}
