//! The same rollout many times over, on all cores or on one. Owns the seeds and the order of the answers, which
//! are the same whatever the number of cores.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Does `one` for every seed of `runs` rollouts; `progress` hears after each how many are done.
pub fn many<T: Send>(
    (runs, seed): (u64, u64),
    one: impl Fn(u64) -> T + Sync,
    mut progress: impl FnMut(u64),
) -> Vec<T> {
    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (sender, receiver) = mpsc::channel();
    let mut answers = std::thread::scope(|scope| {
        for _ in 0..cores {
            let (sender, next, one) = (sender.clone(), &next, &one);
            scope.spawn(move || {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs || sender.send((run, one(seed_of(seed, run)))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut answers = Vec::new();
        for answer in receiver {
            answers.push(answer);
            progress(answers.len() as u64);
        }
        answers
    });
    answers.sort_by_key(|(run, _)| *run);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The same on the thread that asks and no other, for whoever shares a machine: the answers are those of [`many`].
pub fn in_turn<T>((runs, seed): (u64, u64), one: impl FnMut(u64) -> T) -> Vec<T> {
    (0..runs).map(|run| seed_of(seed, run)).map(one).collect()
}

/// Seeds that have nothing in common: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn seed_of(seed: u64, run: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(run);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_runs_with_a_seed_of_their_own() {
        let mut heard = 0;
        let seeds = many((500, 7), |seed| seed, |done| heard = done);
        let expected: Vec<u64> = (0..500).map(|run| seed_of(7, run)).collect();
        assert_eq!(in_turn((500, 7), |seed| seed), expected);
        assert_eq!((seeds, heard), (expected, 500));
        assert_ne!(seed_of(7, 0), seed_of(8, 0));
    }
}
