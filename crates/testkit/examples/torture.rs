//! Simulates many rollouts and prints what held: `torture --seeds 1000 [--from 0] [--steps 400]
//! [--trace]
//! [--planted]`. Ends with status 1 when an invariant is broken where none was planted.
#![expect(clippy::print_stdout, reason = "it is a program that reports to a terminal")]

use std::time::Instant;

use towpath_testkit::simulator::{self, Planted};

fn number(name: &str, otherwise: u64) -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    let position = arguments.iter().position(|one| one == name);
    let value = position.and_then(|position| arguments.get(position + 1));
    value.and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

fn main() -> std::process::ExitCode {
    for invariant in simulator::invariants() {
        let mark = if invariant.checked { "checked" } else { "not yet" };
        println!("{:4} {mark}  {}", invariant.name, invariant.what);
    }
    let (seeds, from, steps) =
        (number("--seeds", 1000), number("--from", 0), number("--steps", 400));
    if std::env::args().any(|argument| argument == "--planted") {
        plant(seeds, from, steps);
        return std::process::ExitCode::SUCCESS;
    }
    let (mut broken, mut taken, mut promotions, mut orphans) = (0, 0, 0, 0);
    let began = Instant::now();
    for seed in from..from + seeds {
        let report = simulator::run(seed, steps, None);
        taken += report.steps;
        promotions += report.promotions;
        orphans += report.orphans.len();
        if std::env::args().any(|argument| argument == "--trace") {
            report.trace.iter().for_each(|line| println!("  {line}"));
            report.orphans.iter().for_each(|line| println!("  orphan: {line}"));
        }
        if let Some(first) = report.broken.first() {
            broken += 1;
            if broken <= 5 {
                let shown = if seeds == 1 { 400 } else { 12 };
                let from = report.trace.len().saturating_sub(shown);
                report.trace[from..].iter().for_each(|line| println!("  {line}"));
            }
            println!("seed {seed}: {} {}", first.invariant, first.sentence);
        } else if seeds == 1 {
            println!("{} after {} steps: nothing broken", report.digest, report.steps);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "seeds are few")]
    let rate = seeds as f64 / seconds;
    println!(
        "{seeds} seeds, {taken} steps, {promotions} promotions, {orphans} orphans, {broken} broken; {rate:.0} seeds/s"
    );
    if broken > 0 { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS }
}

/// Shows after how many seeds each planted fault is seen, and by which invariants.
fn plant(seeds: u64, from: u64, steps: u64) {
    for planted in Planted::ALL {
        let mut seen = Vec::new();
        for seed in from..from + seeds {
            let report = simulator::run(seed, steps, Some(planted));
            seen.extend(report.broken.first().map(|first| (seed, first.invariant)));
        }
        let first = seen.first().map_or("never".to_owned(), |(seed, invariant)| {
            format!("first with seed {seed} by {invariant}")
        });
        println!("{planted:?}: seen {} of {seeds} times, {first}", seen.len());
    }
}
