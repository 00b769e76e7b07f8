//! `cargo xtask bench serve`: a server with the journal of years: pages and lists, ten thousand who follow, what
//! an approval takes until it has an effect, start and memory. Measures from outside, over real sockets.

mod asking;
mod effects;
mod followers;
mod following;
mod project;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{memory, product};
use project::{Project, Store};

/// What it measures, for the list of benches.
pub(super) const SUMMARY: &str =
    "pages and lists of a million promotions, 10,000 who follow, approval to effect, start, memory";

const FLAGS: &str = "--store sqlite|postgres, --postgres URL, --promotions N, --releases N, --environments N, \
    --followers N, --seconds N, --rounds N, --keep FOLDER, --only pages|follow|effects";

/// How much is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    store: Store,
    promotions: u64,
    releases: u64,
    /// Of all eight services together.
    environments: usize,
    followers: usize,
    /// How long they follow.
    seconds: u64,
    rounds: usize,
    /// A folder in which the journal is left, or found.
    keep: Option<String>,
    only: Option<String>,
}

impl Order {
    fn of(flags: &[&str]) -> Result<Self> {
        let mut order = Self {
            store: Store::Sqlite,
            promotions: 1_000_000,
            releases: 100_000,
            environments: 504,
            followers: 10_000,
            seconds: 30,
            rounds: 3,
            keep: None,
            only: None,
        };
        let mut postgres = None;
        let mut words = flags.iter();
        while let Some(flag) = words.next() {
            let value = *words.next().with_context(|| format!("{flag} needs a value; {FLAGS}"))?;
            let number = || value.parse::<u64>().with_context(|| format!("{flag} {value}"));
            let small = || value.parse::<usize>().with_context(|| format!("{flag} {value}"));
            match *flag {
                "--store" if value == "sqlite" => order.store = Store::Sqlite,
                "--store" if value == "postgres" => order.store = Store::Postgres(String::new()),
                "--postgres" => postgres = Some(value.to_owned()),
                "--promotions" => order.promotions = number()?,
                "--releases" => order.releases = number()?,
                "--environments" => order.environments = small()?,
                "--followers" => order.followers = small()?,
                "--seconds" => order.seconds = number()?,
                "--rounds" => order.rounds = small()?,
                "--keep" => order.keep = Some(value.to_owned()),
                "--only" if ["pages", "follow", "effects"].contains(&value) => {
                    order.only = Some(value.to_owned());
                }
                _ => bail!("{flag} {value} is not understood; there are {FLAGS}"),
            }
        }
        if let Store::Postgres(url) = &mut order.store {
            let known = postgres.or_else(|| std::env::var("TOWPATH_TEST_POSTGRES").ok());
            *url = known.context("--postgres URL or TOWPATH_TEST_POSTGRES names the server")?;
        }
        ensure!(order.promotions >= 10_000, "below 10,000 promotions there is nothing to measure");
        ensure!(order.rounds > 0 && order.seconds > 0, "nothing to measure");
        Ok(order)
    }

    fn wants(&self, what: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == what)
    }
}

/// Runs it. The journal is made by the product, which carries two releases into one lane; then it is copied.
///
/// # Errors
/// When a flag is not understood, the product refuses or something is not answered as it should be.
pub(super) fn run(root: &Path, flags: &[&str]) -> Result<()> {
    let order = Order::of(flags)?;
    let binary = product::towpath(root)?;
    println!(
        "\nserve: {}, {} promotions, {} releases, {} environments of 8 services",
        order.store.name(),
        order.promotions,
        order.releases,
        order.environments
    );
    let project = Project::make(root, &binary, &order)?;
    for line in project.said() {
        println!("  {line}");
    }
    let server = project.serve()?;
    println!("  start until ready: {:.0} ms; then {}", server.began_ms, memory::of(server.pid())?);
    if order.wants("pages") {
        tell(&asking::measure(&project, &server, order.rounds)?);
        println!("  after the pages: {}", memory::of(server.pid())?);
    }
    if order.wants("effects") {
        tell(&effects::measure(&project, &server)?);
    }
    if order.wants("follow") {
        tell(&following::measure(&project, &server, &order)?);
    }
    Ok(())
}

fn tell(lines: &[String]) {
    for line in lines {
        println!("  {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_make_it_smaller_and_a_wrong_one_lists_them() {
        let order = Order::of(&["--promotions", "20000", "--only", "pages"]).unwrap();
        assert_eq!((order.promotions, order.releases), (20_000, 100_000));
        assert!(order.wants("pages") && !order.wants("follow"));
        for wrong in [&["--promotion", "1"][..], &["--seconds"], &["--store", "files"]] {
            let error = Order::of(wrong).unwrap_err().to_string();
            assert!(error.contains("--store sqlite|postgres"), "{error}");
        }
    }
}
