//! Makes a journal large: what a project did a few times is copied until it looks as after years. Owns what
//! is copied and how it is varied; measures nothing.
//!
//! `cargo run --release -p towpath-store --example large_journal -- LOCATION PROJECT SERVICE/ENVIRONMENT \
//! SERVICES ENVIRONMENTS RELEASES PROMOTIONS`
//!
//! `LOCATION` is a journal that no engine has open, of a project that has carried two releases into the named
//! lane. The other names are lists with commas between them, the counts what there is afterwards. Copies have
//! numbers, lanes, releases, times and outcomes of their own, agree with each other, and stand in the hash chain
//! as if they had been written one by one: `audit verify` finds nothing wrong. What they lack: of all but the
//! newest, events that nobody counts; evidence; counts of visitors. No bytes of their releases are kept.

#![expect(clippy::print_stdout, reason = "an example says what it did")]

mod copying;
mod template;
mod writing;

use std::time::Instant;

use towpath_core::ids::Name;

use crate::copying::{Copies, Size};
use crate::template::Found;
use crate::writing::Database;

/// Rows that are on their way to the database; more wait, so that memory stays small.
const UNDER_WAY: usize = 16;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [location, project, lane, services, environments, releases, promotions] = words.as_slice()
    else {
        panic!("LOCATION PROJECT LANE SERVICES ENVIRONMENTS RELEASES PROMOTIONS, please");
    };
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let size = Size {
        services: list(services),
        environments: list(environments),
        releases: releases.parse().expect("a number of releases"),
        promotions: promotions.parse().expect("a number of promotions"),
    };
    let began = Instant::now();
    let mut database = Database::open(location).await;
    let found = Found::read(&mut database, lane).await;
    let project = Name::new(project).expect("the name of a project");
    let copies = Copies::new(found, size, &project, jiff::Timestamp::now().as_microsecond());
    let (sender, mut rows) = tokio::sync::mpsc::channel(UNDER_WAY);
    let making = tokio::task::spawn_blocking(move || copies.send(&sender));
    database.begin().await;
    let mut written = 0;
    while let Some(batch) = rows.recv().await {
        written += database.write(batch).await;
    }
    making.await.expect("the copies are made");
    database.end().await;
    println!("{written} rows in {:.0} s", began.elapsed().as_secs_f64());
}
