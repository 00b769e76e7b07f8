//! `cargo xtask bench guard`: the guard's own code and the documented rules of other tools on the
//! same simulated rollouts. Owns the cells and the goals; the traffic and the rules are the product's.

mod cell;
mod chart;
mod goals;
mod kept;
mod page;
mod quiet;
mod tables;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use kept::Kept;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// Errors at 10 and 100 requests per second, 300 runs for each cell: minutes.
    Quick,
    /// Everything, with the runs that the goals ask for: two to three hours of processor time.
    Full,
}

/// What is asked for.
#[derive(Debug)]
struct Order {
    size: Size,
    /// What a cell's name must contain.
    only: String,
    /// The most rollouts of one cell.
    runs: u64,
    /// Rollouts at the same time.
    jobs: usize,
    /// When no other piece is begun.
    until: Option<Instant>,
    /// Where runs are kept, and known from.
    keep: Option<PathBuf>,
    json: bool,
    /// Whether the page of the documentation is written.
    write: bool,
}

/// What it measures, for the list of benches.
pub(super) const SUMMARY: &str =
    "harm until a bad release is back, and good ones thrown out, beside other tools' rules";

const FLAGS: &str = "--quick, --full, --only TEXT, --runs N, --jobs N, --minutes N, --keep FILE, --write and --json";

/// Runs it with `--quick` (the default) or `--full`. `--only TEXT` takes the cells whose names contain
/// it, such as `LateOnset 20% from 600 s at 10 per second`; `--jobs N` runs on so many cores instead of
/// all, `--runs N` at most so many rollouts of each cell; `--minutes N` begins nothing more after that time and reports what there is; `--keep FILE` keeps
/// what was run and goes on where an earlier bench with this file ended; `--write` writes the page of the
/// documentation; `--json` ends with one object
/// on one line.
///
/// # Errors
/// When a flag is unknown, the release build of this tool cannot be made or a file not be written.
pub(super) fn run(root: &Path, flags: &[&str]) -> Result<()> {
    let order = Order::of(flags)?;
    if cfg!(debug_assertions) {
        return again_in_release(root, flags);
    }
    let mut kept = Kept::open(order.keep.as_deref())?;
    let measured = tables::measure(&order, &mut kept)?;
    println!("configuration of all cells: {:?}", tables::policy());
    for line in text::lines(&measured) {
        println!("{line}");
    }
    let is_all = order.size == Size::Full && order.only.is_empty();
    let quiet = if is_all { quiet::measure() } else { Vec::new() };
    let goals = goals::judge(&measured, &quiet);
    for line in goals::lines(&goals) {
        println!("{line}");
    }
    if order.write {
        page::write(root, (&measured, &quiet), &goals)?;
    }
    if order.json {
        println!("{}", goals::json(&goals));
    }
    Ok(())
}

impl Order {
    fn of(flags: &[&str]) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (size, only) = (Size::Quick, String::new());
        let (until, keep, json, write) = (None, None, false, false);
        let (jobs, runs) = (cores, u64::MAX);
        let mut order = Self { size, only, runs, jobs, until, keep, json, write };
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            let mut value = || flags.next().with_context(|| format!("{flag} needs a value"));
            match *flag {
                "--quick" => order.size = Size::Quick,
                "--full" => order.size = Size::Full,
                "--json" => order.json = true,
                "--write" => order.write = true,
                "--only" => (*value()?).clone_into(&mut order.only),
                "--jobs" => order.jobs = value()?.parse::<usize>()?.max(1),
                "--runs" => order.runs = value()?.parse::<u64>()?.max(1),
                "--keep" => order.keep = Some(value()?.into()),
                "--minutes" => {
                    let time = Duration::from_secs(60 * value()?.parse::<u64>()?);
                    order.until = Some(Instant::now() + time);
                }
                other => bail!("`bench guard` takes {FLAGS}, not `{other}`"),
            }
        }
        Ok(order)
    }
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
