//! Where the benches find the product: release binaries, built when they are asked for. Links
//! nothing of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// Names a release binary of `towpath` that is measured instead of building one.
const OVERRIDE: &str = "TOWPATH_BENCH_BINARY";

/// The binary of the command line.
///
/// # Errors
/// When it cannot be built.
pub(super) fn towpath(root: &Path) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(OVERRIDE).map(PathBuf::from) {
        if !given.is_file() {
            bail!("{OVERRIDE} names no file: {}", given.display());
        }
        return Ok(given);
    }
    release(root, "towpath", "towpath")
}

/// Builds `package` for release and returns where its `binary` is.
///
/// # Errors
/// When it cannot be built.
pub(super) fn release(root: &Path, package: &str, binary: &str) -> Result<PathBuf> {
    let built = Command::new(cargo())
        .args(["build", "--locked", "--quiet", "--release", "--package", package])
        .current_dir(root)
        .status()?;
    if !built.success() {
        bail!("cannot build {package}");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(root.join(target).join("release").join(binary))
}

/// The cargo that runs us.
pub(super) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
