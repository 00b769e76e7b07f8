//! The project's own tools, run as `cargo xtask NAME`: `tidy` checks the rules no compiler
//! checks, `generate` writes the files that are derived from code, `coverage` counts how far the
//! product is what was asked for, `bench` measures.
//! It never changes the product and is never part of it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool speaks on the terminal")]

mod api;
mod bench;
mod coverage;
mod events;
mod generate;
mod matrix_reference;
mod metrics;
mod reference;
mod rights;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask tidy                check the house rules, then the ledger against the examples
       cargo xtask generate [--check]  write generated files, or only compare them
       cargo xtask generate --breaking the same, also where the API no longer keeps what it promised
       cargo xtask coverage [--json]   count how far what was asked for is met
       cargo xtask coverage --check    compare the ledger with the examples' matrices
       cargo xtask bench [NAME...]     list the benches, or run the ones named";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match workspace_root().and_then(|root| run(&root, &words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(root: &Path, words: &[&str]) -> Result<()> {
    match words {
        // What the files say by themselves first: it is there at once.
        ["tidy"] => tidy::run(root).and_then(|()| coverage::check(root)),
        ["generate"] => generate::write(root),
        ["generate", "--check"] => generate::check(root),
        ["generate", "--breaking"] => generate::write_breaking(root),
        ["coverage"] => coverage::table(root),
        ["coverage", "--json"] => coverage::json(root),
        ["coverage", "--check"] => coverage::check(root),
        ["bench"] => {
            println!("{}", bench::listing());
            Ok(())
        }
        ["bench", names @ ..] => bench::run(root, names),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("this is not a task: `{}`\n{USAGE}", words.join(" ")),
    }
}

/// The workspace is where this crate's directory lies. Cargo says so when it runs the tool; what
/// was compiled in would be wrong when clones share a target directory.
fn workspace_root() -> Result<PathBuf> {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = own.as_deref().and_then(Path::parent);
    root.map(Path::to_path_buf).context("run it as `cargo xtask`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_task_is_refused_with_the_usage() {
        let error = run(Path::new("/nowhere"), &["tidi"]).unwrap_err().to_string();
        assert!(error.contains("`tidi`") && error.contains("cargo xtask bench"), "{error}");
    }
}
