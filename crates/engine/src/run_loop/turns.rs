//! Names of turns. Owns that no two of one engine have the same.

use std::sync::atomic::{AtomicU64, Ordering};

/// The number of the next turn.
pub(super) fn turn_counter() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
