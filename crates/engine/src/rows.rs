//! Which row of the store holds what: one for the counters, one for the matrix, one for each release,
//! each statement of a person and each lane, so that a turn writes what it changed and no more. Knows
//! nothing of when they are written.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::journal::{Attested, Event};
use towpath_core::matrix::Matrix;
use towpath_core::project::{Common, Project};
use towpath_core::promotion::state::Lane;
use towpath_core::release::Release;
use towpath_ports::store::{StateRow, StoreError};

/// The counters. In older journals this row held the matrix, all releases and all statements, too.
const PROJECT: &str = "project";
/// No lane's name has a colon.
const MATRIX: &str = "project:matrix";
/// Followed by `SERVICE/VERSION`.
const RELEASE: &str = "release:";
/// Followed by its number, from 1.
const ATTESTATION: &str = "attestation:";

/// Rows that one turn of a migration writes at most: well below what a store takes at once.
const MIGRATED_AT_ONCE: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Counters {
    epoch: Epoch,
    last_promotion: PromotionNumber,
}

/// Something whose order counts, with its place in it from 1.
#[derive(Serialize, Deserialize)]
struct Numbered<T> {
    number: usize,
    value: T,
}

/// What was found in the rows.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) project: Project,
    /// The version of each row, by key.
    pub(crate) versions: BTreeMap<String, u64>,
    /// What an older program left in the row of the counters; it has to be given rows of its own.
    unsplit: Option<Common>,
}

/// Puts the project together again.
///
/// # Errors
/// [`StoreError::Refused`] when a row cannot be read: it was written by another program.
pub(crate) fn load(rows: Vec<StateRow>) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    let common = &mut loaded.project.common;
    let (mut releases, mut attestations) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        loaded.versions.insert(row.key.clone(), row.version);
        if row.key == PROJECT && row.body.get("releases").is_some() {
            loaded.unsplit = Some(read::<Common>(&row.key, row.body)?);
        } else if row.key == PROJECT {
            let counters = read::<Counters>(&row.key, row.body)?;
            (common.epoch, common.last_promotion) = (counters.epoch, counters.last_promotion);
        } else if row.key == MATRIX {
            common.matrix = Some(read::<Matrix>(&row.key, row.body)?);
        } else if row.key.starts_with(RELEASE) {
            let one = read::<Numbered<Release>>(&row.key, row.body)?;
            releases.insert(one.number, one.value);
        } else if row.key.starts_with(ATTESTATION) {
            let one = read::<Numbered<Attested>>(&row.key, row.body)?;
            attestations.insert(one.number, one.value);
        } else {
            let id = LaneId::try_from(row.key.clone())
                .map_err(|error| StoreError::Refused(error.to_string()))?;
            loaded.project.lanes.insert(id, read::<Lane>(&row.key, row.body)?);
        }
    }
    common.releases.extend(releases.into_values());
    common.attestations.extend(attestations.into_values());
    Ok(loaded)
}

impl Loaded {
    /// Takes in what an older program left in one row, and answers the turns that give each part of
    /// it a row of its own, in order; none where that is so. A crash between two of them loses
    /// nothing: what is left stands in the old row until its turn.
    pub(crate) fn split(&mut self) -> Vec<Vec<StateRow>> {
        let Some(mut left) = self.unsplit.take() else { return Vec::new() };
        let common = &mut self.project.common;
        (common.epoch, common.last_promotion) = (left.epoch, left.last_promotion);
        let mut version = self.versions.get(PROJECT).copied().unwrap_or(0);
        let mut turns = Vec::new();
        loop {
            let mut rows = Vec::new();
            if let Some(matrix) = left.matrix.take() {
                rows.push(row(MATRIX, 1, &matrix));
                common.matrix = Some(matrix);
            }
            for release in take(&mut left.releases) {
                rows.push(release_row(common.releases.len() + 1, &release, 1));
                common.releases.push(release);
            }
            for attested in take(&mut left.attestations) {
                rows.push(attestation_row(common.attestations.len() + 1, &attested, 1));
                common.attestations.push(attested);
            }
            self.versions.extend(rows.iter().map(|row| (row.key.clone(), row.version)));
            version += 1;
            self.versions.insert(PROJECT.to_owned(), version);
            let is_done = left.releases.is_empty() && left.attestations.is_empty();
            let (epoch, last_promotion) = (left.epoch, left.last_promotion);
            rows.push(if is_done {
                row(PROJECT, version, &Counters { epoch, last_promotion })
            } else {
                row(PROJECT, version, &left)
            });
            turns.push(rows);
            if is_done {
                return turns;
            }
        }
    }
}

fn take<T>(from: &mut Vec<T>) -> Vec<T> {
    let count = from.len().min(MIGRATED_AT_ONCE);
    from.drain(..count).collect()
}

/// The rows beside the lane's own that `events` change; `next` answers the version that the row with
/// a key has after the turn.
pub(crate) fn changed(
    common: &Common,
    events: &[Event],
    next: impl Fn(&str) -> u64,
) -> Vec<StateRow> {
    let (mut releases, mut attestations) = (common.releases.len(), common.attestations.len());
    let mut counters = None;
    let mut rows = BTreeMap::new();
    for event in events {
        let before = || Counters { epoch: common.epoch, last_promotion: common.last_promotion };
        let row = match event {
            Event::EngineStarted { epoch, .. } => {
                counters.get_or_insert_with(before).epoch = *epoch;
                continue;
            }
            Event::PromotionRequested(requested) => {
                let counters = counters.get_or_insert_with(before);
                counters.last_promotion = counters.last_promotion.max(requested.number);
                continue;
            }
            Event::MatrixApplied { matrix, .. } => row(MATRIX, next(MATRIX), matrix),
            Event::ReleaseCreated { release, .. } => {
                releases += 1;
                let row = release_row(releases, release, 1);
                StateRow { version: next(&row.key), ..row }
            }
            Event::Attested(attested) => {
                attestations += 1;
                let row = attestation_row(attestations, attested, 1);
                StateRow { version: next(&row.key), ..row }
            }
            _ => continue,
        };
        rows.insert(row.key.clone(), row);
    }
    let counters = counters.map(|counters| row(PROJECT, next(PROJECT), &counters));
    counters.into_iter().chain(rows.into_values()).collect()
}

/// A lane's row; its key is the lane's name.
pub(crate) fn lane_row(lane: &Lane, version: u64) -> StateRow {
    row(&lane.id.to_string(), version, lane)
}

fn release_row(number: usize, release: &Release, version: u64) -> StateRow {
    let key = format!("{RELEASE}{}/{}", release.service, release.version);
    row(&key, version, &Numbered { number, value: release })
}

fn attestation_row(number: usize, attested: &Attested, version: u64) -> StateRow {
    row(&format!("{ATTESTATION}{number}"), version, &Numbered { number, value: attested })
}

fn row(key: &str, version: u64, body: &impl Serialize) -> StateRow {
    let body =
        serde_json::to_value(body).expect("core's types have text keys and no failing parts");
    StateRow { key: key.to_owned(), version, body }
}

fn read<T: DeserializeOwned>(key: &str, body: serde_json::Value) -> Result<T, StoreError> {
    serde_json::from_value(body).map_err(|error| {
        StoreError::Refused(format!("the saved state `{key}` cannot be read: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use towpath_core::ids::{Digest, Name, Person, Version};
    use towpath_core::release::ChangeType;
    use towpath_core::units::Timestamp;

    use super::*;

    fn release(version: usize) -> Release {
        Release {
            service: Name::new("api").unwrap(),
            version: Version::new(&format!("{version}.0.0")).unwrap(),
            digest: Digest::of(&version.to_be_bytes()),
            artifacts: BTreeMap::new(),
            settings: BTreeMap::new(),
            migrations: Vec::new(),
            commit: None,
            author: None,
            change_type: ChangeType::Feature,
            snapshot: false,
            created_at: Timestamp(0),
        }
    }

    /// What a program before this shape left behind.
    fn old(releases: usize) -> (Common, Vec<StateRow>) {
        let common = Common {
            epoch: Epoch(3),
            matrix: None,
            releases: (1..=releases).map(release).collect(),
            attestations: Vec::new(),
            last_promotion: PromotionNumber(17),
        };
        let rows = vec![row(PROJECT, 40, &common)];
        (common, rows)
    }

    /// What the store holds after some turns.
    fn written(rows: &[StateRow], turns: &[Vec<StateRow>]) -> Vec<StateRow> {
        let mut kept: BTreeMap<String, StateRow> =
            rows.iter().map(|row| (row.key.clone(), row.clone())).collect();
        for row in turns.iter().flatten() {
            let known = kept.get(&row.key).map_or(0, |known| known.version);
            assert_eq!(row.version, known + 1, "{}", row.key);
            kept.insert(row.key.clone(), row.clone());
        }
        kept.into_values().collect()
    }

    #[test]
    fn an_old_row_is_split_in_turns_and_nothing_is_lost_at_a_crash_between_them() {
        let (common, rows) = old(2_500);
        let mut loaded = load(rows.clone()).unwrap();
        let turns = loaded.split();
        assert_eq!(turns.len(), 3, "a thousand at once");
        assert_eq!(loaded.project.common, common);
        for done in 0..=turns.len() {
            let mut again = load(written(&rows, &turns[..done])).unwrap();
            let rest = again.split();
            assert_eq!(again.project.common, common, "after {done} turns");
            assert_eq!(rest.len(), turns.len() - done);
            assert_eq!(again.versions, loaded.versions);
        }
    }

    #[test]
    fn releases_come_back_in_the_order_of_creation_and_not_of_their_names() {
        let (common, rows) = old(11);
        let turns = load(rows.clone()).unwrap().split();
        let again = load(written(&rows, &turns)).unwrap();
        assert_eq!(again.project.common.releases, common.releases, "10.0.0 is after 9.0.0");
    }

    #[test]
    fn a_new_release_writes_its_own_row_and_nothing_else() {
        let (common, _) = old(2_500);
        let by = Person::new("anna").unwrap();
        let created = Event::ReleaseCreated { release: Box::new(release(2_501)), by };
        let rows = changed(&common, &[created], |_| 1);
        let keys: Vec<_> = rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["release:api/2501.0.0"]);
        let started = Event::EngineStarted { epoch: Epoch(4), program: "x".to_owned() };
        let rows = changed(&common, &[started], |_| 41);
        assert_eq!((rows.len(), rows[0].key.as_str()), (1, PROJECT));
        assert!(rows[0].body.to_string().len() < 100, "{}", rows[0].body);
    }
}
