//! The head row: who owns the journal and where it ends. Owns the fence; knows no event.

use sqlx::{AnyConnection, Row as _};
use towpath_core::ids::{Digest, Epoch};
use towpath_core::units::Timestamp;
use towpath_ports::store::StoreError;

use crate::database::Database;
use crate::script::{self, Statement, Topic};

/// The head row as last seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    /// Who may commit.
    pub(crate) epoch: Epoch,
    /// How many turns there are.
    pub(crate) turn: i64,
    /// How many events there are.
    pub(crate) seq: i64,
    /// The hash of the last of them.
    pub(crate) hash: Digest,
}

impl Head {
    /// Writes the first head row, for a chain that begins at `genesis`.
    pub(crate) fn first(genesis: &Digest) -> Statement {
        Statement::new(
            Topic::Claim,
            "INSERT INTO head (id, epoch, owned_since, turn, seq, hash) VALUES (1, 0, NULL, 0, 0, ?)",
        )
        .with(genesis.as_str())
    }

    /// Reads the row.
    pub(crate) async fn load(connection: &mut AnyConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query("SELECT epoch, turn, seq, hash FROM head WHERE id = 1")
            .fetch_one(connection)
            .await?;
        let epoch: i64 = row.try_get(0)?;
        let hash: String = row.try_get(3)?;
        Ok(Self {
            epoch: Epoch(u64::try_from(epoch).map_err(|error| sqlx::Error::Decode(error.into()))?),
            turn: row.try_get(1)?,
            seq: row.try_get(2)?,
            hash: Digest::new(&hash).map_err(|error| sqlx::Error::Decode(error.into()))?,
        })
    }

    /// Moves the row on to `next`, if this is still what it says: one row, or none when another
    /// owner or another connection of the same owner was there.
    pub(crate) fn move_to(&self, next: &Self) -> Statement {
        Statement::new(
            Topic::Claim,
            "UPDATE head SET turn = ?, seq = ?, hash = ? WHERE id = 1 AND epoch = ? AND turn = ?",
        )
        .with(next.turn)
        .with(next.seq)
        .with(next.hash.as_str())
        .with(number(self.epoch))
        .with(self.turn)
    }

    /// Whether `epoch` may commit, as far as this row knows.
    pub(crate) fn admit(&self, epoch: Epoch) -> Result<(), StoreError> {
        if epoch == self.epoch {
            return Ok(());
        }
        if epoch < self.epoch {
            return Err(StoreError::Fenced { current: self.epoch, own: epoch });
        }
        Err(StoreError::Refused(format!(
            "epoch {epoch} was never given out; the journal is at epoch {}",
            self.epoch
        )))
    }
}

/// Takes the next epoch. The caller commits.
pub(crate) async fn take_ownership(
    database: Database,
    connection: &mut AnyConnection,
    now: Timestamp,
) -> Result<Epoch, sqlx::Error> {
    let statement = Statement::new(
        Topic::Claim,
        "UPDATE head SET epoch = epoch + 1, owned_since = ? WHERE id = 1 RETURNING epoch",
    )
    .with(now.0);
    let outcome = script::run(database, connection, vec![statement]).await;
    if let Some((_, error)) = outcome.error {
        return Err(error);
    }
    let row = outcome.done.first().and_then(|done| done.rows.first());
    let epoch: i64 = row.ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    Ok(Epoch(u64::try_from(epoch).map_err(|error| sqlx::Error::Decode(error.into()))?))
}

fn number(epoch: Epoch) -> i64 {
    i64::try_from(epoch.0).unwrap_or(i64::MAX)
}
