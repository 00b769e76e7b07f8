//! `cargo xtask bench`: measurements against a peer or a limit, run on purpose on a quiet
//! machine. A bench reports; it never fails because of a figure, and no test asserts on time.

mod cold_build;
mod control;
mod cpu_time;
mod guard;
mod journal;
mod memory;
mod open_loop;
mod peers;
mod product;
mod proxy;
mod reaction;
mod rehearsal;
mod rounds;
mod running;
mod sample_start;
mod saturation;
mod serve;
mod start;
mod switch;
mod upstream;
mod visitors;
mod wire;

use std::path::Path;

use anyhow::{Result, bail};

/// One measurement that can be asked for by name.
struct Bench {
    name: &'static str,
    summary: &'static str,
    /// Measures in the workspace at the given root and returns the report's lines.
    run: fn(&Path) -> Result<Vec<String>>,
}

/// Every bench, one entry each.
const BENCHES: &[Bench] = &[
    proxy::BENCH,
    switch::BENCH,
    reaction::BENCH,
    journal::BENCH,
    start::BENCH,
    cold_build::BENCH,
    sample_start::BENCH,
];

/// The names with what they measure, one per line.
pub(crate) fn listing() -> String {
    let line = |bench: &Bench| format!("{:<10} {}", bench.name, bench.summary);
    let own = [("guard", guard::SUMMARY), ("serve", serve::SUMMARY)];
    let own = own.map(|(name, summary)| format!("{name:<10} {summary}"));
    let lines = own.into_iter().chain(BENCHES.iter().map(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs the named benches in the order given and prints each report with the commit and the
/// machine it was measured on.
///
/// # Errors
/// When a name is unknown (nothing is run then) or a measurement cannot be made.
pub(crate) fn run(root: &Path, names: &[&str]) -> Result<()> {
    if let ["guard", flags @ ..] = names {
        return guard::run(root, flags);
    }
    if let ["serve", flags @ ..] = names {
        println!("{}", circumstances(root)?);
        serve::run(root, flags)?;
        println!("  load average now: {}", load()?);
        return Ok(());
    }
    let benches = find(names)?;
    println!("{}", circumstances(root)?);
    for bench in benches {
        println!("\n{}: {}", bench.name, bench.summary);
        for line in (bench.run)(root)? {
            println!("  {line}");
        }
        println!("  load average now: {}", load()?);
    }
    Ok(())
}

fn find(names: &[&str]) -> Result<Vec<&'static Bench>> {
    let one = |name: &&str| match BENCHES.iter().find(|bench| bench.name == *name) {
        Some(bench) => Ok(bench),
        None => bail!("there is no bench `{name}`; there are:\n{}", listing()),
    };
    names.iter().map(one).collect()
}

/// Commit, whether the tree differs from it, the number of cores and how busy they are already: a
/// figure without them cannot be compared with another.
fn circumstances(root: &Path) -> Result<String> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output =
            std::process::Command::new("git").args(arguments).current_dir(root).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let state = if git(&["status", "--porcelain"])?.is_empty() { "clean" } else { "changed" };
    let cores = std::thread::available_parallelism()?;
    Ok(format!("commit {commit} ({state}), {cores} cores, load average before: {}", load()?))
}

/// Processes that ran or wanted to, on average over the last 1, 5 and 15 minutes.
fn load() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bench_is_listed_under_a_name_of_its_own() {
        let mut names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        assert!(names.iter().all(|name| listing().contains(name)));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BENCHES.len());
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = run(Path::new("/nowhere"), &["bild"]).unwrap_err().to_string();
        assert!(error.contains("no bench `bild`") && error.contains("build"), "{error}");
    }
}
