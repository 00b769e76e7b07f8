//! What a new engine does first: takes ownership, loads what is saved, and lets every command whose
//! outcome is unknown be done again. Decides nothing about promotions.

use std::collections::BTreeMap;

use towpath_core::ids::{Epoch, LaneId};
use towpath_core::project::{Common, Project};
use towpath_core::promotion::command::Command;
use towpath_core::promotion::state::Lane;
use towpath_ports::store::{Store, StoreError};

use crate::journal::COMMON;

/// What was found.
pub(crate) struct Found {
    pub(crate) epoch: Epoch,
    pub(crate) project: Project,
    pub(crate) versions: BTreeMap<String, u64>,
    pub(crate) unfinished: Vec<Command>,
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
    let (project, versions) = load(store).await?;
    let mut unfinished = Vec::new();
    for row in store.pending_commands().await? {
        unfinished.push(read::<Command>(&row.id, row.body)?);
    }
    Ok(Found { epoch, project, versions, unfinished })
}

/// The saved state, and the version of each part. Changes nothing.
///
/// # Errors
/// As [`recover`].
pub(crate) async fn load(
    store: &dyn Store,
) -> Result<(Project, BTreeMap<String, u64>), StoreError> {
    let mut project = Project::default();
    let mut versions = BTreeMap::new();
    for row in store.states().await? {
        versions.insert(row.key.clone(), row.version);
        if row.key == COMMON {
            project.common = read::<Common>(&row.key, row.body)?;
        } else {
            let id = LaneId::try_from(row.key.clone())
                .map_err(|error| StoreError::Refused(error.to_string()))?;
            project.lanes.insert(id, read::<Lane>(&row.key, row.body)?);
        }
    }
    Ok((project, versions))
}

fn read<T: serde::de::DeserializeOwned>(
    key: &str,
    body: serde_json::Value,
) -> Result<T, StoreError> {
    serde_json::from_value(body).map_err(|error| {
        StoreError::Refused(format!("the saved state `{key}` cannot be read: {error}"))
    })
}
