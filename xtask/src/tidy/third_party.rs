//! Third-party crates that must not be built into the product. The resolved graph is asked, not
//! Cargo.lock alone: the lock also lists what no enabled feature uses.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::finding::Finding;

/// A banned crate and why.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is the only source of cryptography: choose its feature"),
    ("openssl-sys", "rustls is the only TLS: switch the default features off"),
    ("native-tls", "rustls is the only TLS: switch the default features off"),
];

/// Every banned crate that is part of a normal or build graph of the workspace at `root`.
///
/// # Errors
/// When cargo cannot resolve the workspace.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let lock =
        std::fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let locked: Vec<_> = BANNED
        .iter()
        .filter(|(name, _)| lock.contains(&format!("\nname = \"{name}\"\n")))
        .collect();
    if locked.is_empty() {
        return Ok(Vec::new());
    }
    let graph = resolved_graph(root)?;
    let used = |name: &str| graph.lines().any(|line| line.split(' ').next() == Some(name));
    Ok(locked.into_iter().filter(|(name, _)| used(name)).map(|ban| found(&lock, ban)).collect())
}

fn found(lock: &str, (name, remedy): &(&str, &str)) -> Finding {
    let entry = format!("name = \"{name}\"");
    let line = lock.lines().position(|line| line == entry).map_or(1, |index| index + 1);
    let problem = format!("`{name}` is built in; `cargo tree --workspace -i {name}` shows by whom");
    Finding::new("banned-crate", Path::new("Cargo.lock"), line, problem, *remedy)
}

/// One line `name version ...` for each crate that is built.
fn resolved_graph(root: &Path) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--workspace", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--no-dedupe"])
        .current_dir(root)
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, write};

    /// A workspace of two local crates; the second has the name of a banned one.
    fn workspace(dependency: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let product = format!(
            "[package]\nname = \"product\"\nversion = \"0.1.0\"\n\n[dependencies]\n{dependency}\n\
             \n[features]\ncrypto = []\n\n[workspace]\nexclude = [\"ring\"]\n"
        );
        let ring = "[package]\nname = \"ring\"\nversion = \"0.1.0\"\n";
        write(
            directory.path(),
            &[
                ("Cargo.toml", product.as_str()),
                ("src/lib.rs", ""),
                ("ring/Cargo.toml", ring),
                ("ring/src/lib.rs", ""),
            ],
        );
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let locked = Command::new(cargo)
            .args(["generate-lockfile", "--offline", "--quiet"])
            .current_dir(directory.path())
            .status()
            .unwrap();
        assert!(locked.success());
        directory
    }

    #[test]
    fn a_banned_crate_that_is_built_is_found() {
        let directory = workspace("ring = { path = \"ring\" }");
        let found = check(directory.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(places(&found)[0].ends_with("banned-crate"), "{found:?}");
        assert!(found[0].line > 1);
    }

    #[test]
    fn a_banned_crate_that_is_only_locked_is_fine() {
        let directory = workspace("ring = { path = \"ring\", optional = true }");
        assert!(check(directory.path()).unwrap().is_empty());
    }
}
