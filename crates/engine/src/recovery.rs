//! What a new engine does first: takes ownership, loads what is saved, and lets every command whose
//! outcome is unknown be done again. Decides nothing about promotions.

use std::collections::BTreeMap;

use towpath_core::ids::Epoch;
use towpath_core::project::Project;
use towpath_core::promotion::command::Command;
use towpath_ports::store::{StateRow, Store, StoreError};

use crate::notices::Pending;
use crate::rows;

/// What was found.
pub(crate) struct Found {
    pub(crate) epoch: Epoch,
    pub(crate) project: Project,
    pub(crate) versions: BTreeMap<String, u64>,
    pub(crate) unfinished: Vec<Command>,
    /// Notices that are not known to have arrived.
    pub(crate) untold: Vec<Pending>,
    /// Turns of states that have to be written before anything else: an older program kept them in
    /// another shape.
    pub(crate) split: Vec<Vec<StateRow>>,
    /// When each token was last used.
    pub(crate) token_uses: rows::TokenUses,
}

/// Takes ownership and loads everything.
///
/// # Errors
/// [`StoreError::Refused`] when a saved state cannot be read: it was written by another program.
pub(crate) async fn recover(
    store: &dyn Store,
    now: towpath_core::units::Timestamp,
) -> Result<Found, StoreError> {
    let epoch = store.take_ownership(now).await?;
    let rows::Loaded { project, versions, split, token_uses } = load(store).await?;
    let (mut unfinished, mut untold) = (Vec::new(), Vec::new());
    for row in store.pending_commands().await? {
        if let Some(pending) = Pending::read(&row)? {
            untold.push(pending);
            continue;
        }
        let command = serde_json::from_value::<Command>(row.body).map_err(|error| {
            StoreError::Refused(format!("the command `{}` cannot be read: {error}", row.id))
        })?;
        unfinished.push(command);
    }
    Ok(Found { epoch, project, versions, unfinished, untold, split, token_uses })
}

/// The saved state. Changes nothing.
///
/// # Errors
/// As [`recover`].
pub(crate) async fn load(store: &dyn Store) -> Result<rows::Loaded, StoreError> {
    rows::load(store.states().await?)
}
