//! Writes a turn until it is known whether it was written. Owns the patience with a store that does
//! not answer; does not know what a turn means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use towpath_ports::store::{StoreError, Turn};

use crate::shared::Shared;

/// First and longest pause between two attempts to reach the store.
const STORE_RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long a journal that refuses to be written is tried: somebody must make space or mend the
/// disk. Then the engine stops, and another one may open the journal anew.
const STORE_PATIENCE: Duration = Duration::from_mins(5);

/// Writes until it is known whether it was written. While the store does not answer, nothing else
/// happens, and no lease is renewed. What nobody `asked` for (an outcome, a verdict) is not lost to a
/// full disk either: it is tried until there is space, or the engine gives up and stops; only an order
/// is refused at once. The sequence numbers are empty when the store's own answer was lost.
///
/// # Errors
/// All but [`StoreError::Refused`] and [`StoreError::Full`] end the engine: what is so can only be loaded anew.
pub(crate) async fn commit(
    shared: &Shared,
    turn: &Turn,
    asked: bool,
) -> Result<Vec<u64>, StoreError> {
    let mut pause = STORE_RETRY.0;
    let mut refused_since = None;
    loop {
        match shared.setup.store.commit(shared.epoch, turn).await {
            Ok(sequence) => {
                shared.store_answers.store(true, Ordering::SeqCst);
                return Ok(sequence);
            }
            Err(StoreError::Unknown(sentence)) => {
                tracing::warn!(sentence, "looking whether the turn was written");
                shared.store_answers.store(false, Ordering::SeqCst);
                if was_written(shared, turn).await? {
                    shared.store_answers.store(true, Ordering::SeqCst);
                    return Ok(Vec::new());
                }
            }
            Err(StoreError::Unavailable(sentence)) => tracing::warn!(sentence, "trying again"),
            Err(StoreError::Full(sentence) | StoreError::Refused(sentence)) if !asked => {
                let since = *refused_since.get_or_insert_with(tokio::time::Instant::now);
                if since.elapsed() >= STORE_PATIENCE {
                    return Err(StoreError::Conflict { key: sentence });
                }
                tracing::error!(sentence, "the journal cannot be written; trying again");
            }
            Err(error) => {
                let is_fenced = matches!(error, StoreError::Fenced { .. });
                shared.fenced.fetch_add(u64::from(is_fenced), Ordering::SeqCst);
                return Err(error);
            }
        }
        shared.store_answers.store(false, Ordering::SeqCst);
        pause = wait(pause).await;
    }
}

/// Asks until the store says whether the turn was written: before that, writing anything could write
/// it twice, and a refusal could be a lie.
async fn was_written(shared: &Shared, turn: &Turn) -> Result<bool, StoreError> {
    let mut pause = STORE_RETRY.0;
    loop {
        match shared.setup.store.has_turn(&turn.id).await {
            Ok(written) => return Ok(written),
            Err(StoreError::Unavailable(sentence)) => {
                tracing::warn!(sentence, "asking again whether the turn was written");
            }
            Err(error) => return Err(StoreError::Unknown(error.to_string())),
        }
        pause = wait(pause).await;
    }
}

/// Waits, and answers how long to wait next time.
async fn wait(pause: Duration) -> Duration {
    tokio::time::sleep(pause).await;
    (pause * 2).min(STORE_RETRY.1)
}
