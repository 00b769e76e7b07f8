//! The binary under test, built once.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The path of the binary, built from this checkout in the profile of the tests.
///
/// # Panics
/// When it cannot be built: nothing can be tested then.
pub fn towpath() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> PathBuf {
    // TARGET/PROFILE/deps/TEST
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile =
        test.parent().and_then(|deps| deps.parent()).expect("tests run from TARGET/PROFILE/deps");
    let target = profile.parent().expect("a profile has a target folder");
    let release = profile.file_name().is_some_and(|name| name == "release");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let root = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    // Exactly as `cargo test --workspace` builds it, or else half of the dependencies would be built
    // once more with other features: the test called `binary` is the one that needs the binary.
    let words = ["test", "--quiet", "--workspace", "--no-run", "--test", "binary"];
    command.current_dir(root).args(words);
    command.arg("--target-dir").arg(target);
    if release {
        command.arg("--release");
    }
    let built = command.status().expect("cargo can be started");
    assert!(built.success(), "the binary under test does not build");
    profile.join("towpath")
}
