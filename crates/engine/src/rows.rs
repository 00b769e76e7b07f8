//! Which row of the store holds what: one for the counters, one for the matrix, one for each release,
//! each statement of a person and each lane, so that a turn writes what it changed and no more. Knows
//! nothing of when they are written.

use std::collections::{BTreeMap, VecDeque};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use towpath_core::evidence::Withdrawn;
use towpath_core::ids::{LaneId, TokenId};
use towpath_core::journal::{Attested, Event};
use towpath_core::matrix::Matrix;
use towpath_core::project::{Common, DeadNotice, Project};
use towpath_core::promotion::state::Lane;
use towpath_core::release::Release;
use towpath_core::releases::Releases;
use towpath_core::tokens::Token;
use towpath_core::units::Timestamp;
use towpath_ports::store::{StateRow, StoreError};

/// The counters. In older journals this row holds the matrix, all releases and all statements, too.
const PROJECT: &str = "project";
/// No lane's name has a colon.
const MATRIX: &str = "project:matrix";
/// Followed by `SERVICE/VERSION`.
const RELEASE: &str = "release:";
/// Followed by its number, from 1.
const ATTESTATION: &str = "attestation:";
/// Notices that never arrived.
const DEAD_NOTICES: &str = "project:dead-notices";
/// What people withdrew.
const WITHDRAWN: &str = "project:withdrawn";
/// Tokens.
const TOKENS: &str = "project:tokens";
/// When each token was last used. No part of the project: it is measured, and no event tells of it.
const TOKEN_USES: &str = "telemetry:token-uses";

/// Rows that one turn of a migration writes at most: well below what a store takes at once.
const MIGRATED_AT_ONCE: usize = 1_000;

/// Something whose order counts, with its place in it from 1.
#[derive(Serialize, Deserialize)]
struct Numbered<T> {
    number: usize,
    value: T,
}

/// When each token was last used.
pub(crate) type TokenUses = BTreeMap<TokenId, Timestamp>;

/// What was found in the rows.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) project: Project,
    /// The version of each row, by key, after the turns in `split`.
    pub(crate) versions: BTreeMap<String, u64>,
    /// What an owner writes first, turn by turn: an older program kept the parts in one row. A crash
    /// between two of them loses nothing, because what is left stands in the old row until its turn.
    pub(crate) split: Vec<Vec<StateRow>>,
    /// When each token was last used.
    pub(crate) token_uses: TokenUses,
}

/// Puts the project together again.
///
/// # Errors
/// [`StoreError::Refused`] when a row cannot be read: it was written by another program.
pub(crate) fn load(rows: Vec<StateRow>) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    let (mut one, mut matrix) = (Common::default(), None);
    let (mut dead, mut withdrawn) = (VecDeque::new(), Withdrawn::new());
    let mut tokens = Vec::new();
    let (mut releases, mut attestations) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        loaded.versions.insert(row.key.clone(), row.version);
        if row.key == PROJECT {
            one = read::<Common>(&row.key, row.body)?;
        } else if row.key == MATRIX {
            matrix = Some(read::<Matrix>(&row.key, row.body)?);
        } else if row.key == DEAD_NOTICES {
            dead = read::<VecDeque<DeadNotice>>(&row.key, row.body)?;
        } else if row.key == WITHDRAWN {
            withdrawn = read::<Withdrawn>(&row.key, row.body)?;
        } else if row.key == TOKENS {
            tokens = read::<Vec<Token>>(&row.key, row.body)?;
        } else if row.key == TOKEN_USES {
            loaded.token_uses = read::<TokenUses>(&row.key, row.body)?;
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
    let (releases, attestations) = (releases.into_values(), attestations.into_values());
    loaded.project.common = Common {
        matrix,
        releases: releases.collect(),
        attestations: attestations.collect(),
        dead,
        withdrawn,
        tokens,
        ..without_parts(&one)
    };
    loaded.take_over(one);
    Ok(loaded)
}

impl Loaded {
    /// Takes in the parts that an older program left in `one` row, and gives each a row of its own.
    fn take_over(&mut self, mut one: Common) {
        let common = &mut self.project.common;
        let mut version = self.versions.get(PROJECT).copied().unwrap_or(0);
        while has_parts(&one) {
            let mut rows = Vec::new();
            if let Some(matrix) = one.matrix.take() {
                rows.push(row(MATRIX, 1, &matrix));
                common.matrix = Some(matrix);
            }
            for release in one.releases.take_oldest(MIGRATED_AT_ONCE) {
                rows.push(release_row(common.releases.len() + 1, &release, 1));
                common.releases.push(release);
            }
            for attested in take(&mut one.attestations) {
                rows.push(attestation_row(common.attestations.len() + 1, &attested, 1));
                common.attestations.push(attested);
            }
            version += 1;
            rows.push(row(PROJECT, version, &one));
            self.versions.extend(rows.iter().map(|row| (row.key.clone(), row.version)));
            self.split.push(rows);
        }
    }
}

fn take<T>(from: &mut Vec<T>) -> Vec<T> {
    let count = from.len().min(MIGRATED_AT_ONCE);
    from.drain(..count).collect()
}

fn has_parts(common: &Common) -> bool {
    common.matrix.is_some() || !common.releases.is_empty() || !common.attestations.is_empty()
}

/// What stands in the row of the project: all but what has rows of its own. Named one by one, so that
/// whoever adds a part has to say where it is kept.
fn without_parts(common: &Common) -> Common {
    let Common {
        epoch,
        matrix: _,
        proposed,
        releases: _,
        attestations: _,
        last_promotion,
        starts,
        freezes,
        withdrawn: _,
        dead: _,
        tokens: _,
        taken,
        settings_by,
    } = common;
    Common {
        epoch: *epoch,
        matrix: None,
        // It waits for three days at most.
        proposed: proposed.clone(),
        releases: Releases::default(),
        attestations: Vec::new(),
        last_promotion: *last_promotion,
        starts: starts.clone(),
        freezes: freezes.clone(),
        withdrawn: Withdrawn::new(),
        dead: VecDeque::new(),
        tokens: Vec::new(),
        // For an hour.
        taken: taken.clone(),
        settings_by: settings_by.clone(),
    }
}

/// The rows beside the lane's own that `events` change; `next` answers the version that the row with
/// a key has after the turn.
pub(crate) fn changed(
    common: &Common,
    events: &[Event],
    at: Timestamp,
    next: impl Fn(&str) -> u64,
) -> Vec<StateRow> {
    let before = without_parts(common);
    let mut after = Project { common: before.clone(), lanes: BTreeMap::new() };
    after.common.dead.clone_from(&common.dead);
    after.common.withdrawn.clone_from(&common.withdrawn);
    after.common.tokens.clone_from(&common.tokens);
    for event in events {
        after.apply(None, event, at);
    }
    let mut after = after.common;
    let dead = std::mem::take(&mut after.dead);
    let withdrawn = std::mem::take(&mut after.withdrawn);
    let tokens = std::mem::take(&mut after.tokens);
    let mut rows = Vec::new();
    if let Some(matrix) = after.matrix.take() {
        rows.push(row(MATRIX, 1, &matrix));
    }
    if dead != common.dead {
        rows.push(row(DEAD_NOTICES, 1, &dead));
    }
    if withdrawn != common.withdrawn {
        rows.push(row(WITHDRAWN, 1, &withdrawn));
    }
    if tokens != common.tokens {
        rows.push(row(TOKENS, 1, &tokens));
    }
    for (number, release) in (common.releases.len() + 1..).zip(std::mem::take(&mut after.releases))
    {
        rows.push(release_row(number, &release, 1));
    }
    let attested = std::mem::take(&mut after.attestations);
    for (number, attested) in (common.attestations.len() + 1..).zip(attested) {
        rows.push(attestation_row(number, &attested, 1));
    }
    if after != before {
        rows.push(row(PROJECT, 1, &after));
    }
    for row in &mut rows {
        row.version = next(&row.key);
    }
    rows
}

/// The row of when tokens were used; `next` as for [`changed`].
pub(crate) fn token_uses_row(uses: &TokenUses, next: impl Fn(&str) -> u64) -> StateRow {
    row(TOKEN_USES, next(TOKEN_USES), uses)
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
    use towpath_core::ids::{Digest, Epoch, Name, Person, PromotionNumber, Version};
    use towpath_core::release::ChangeType;
    use towpath_core::speaking::Heard;

    use towpath_core::journal::EngineStart;

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
            branch: None,
            author: None,
            change_type: ChangeType::Feature,
            type_by: None,
            evidence: std::collections::BTreeMap::new(),
            snapshot: false,
            created_by: None,
            behind: Vec::new(),
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
            starts: [Timestamp(5)].into(),
            proposed: None,
            freezes: Vec::new(),
            settings_by: Vec::new(),
            withdrawn: Withdrawn::new(),
            dead: VecDeque::new(),
            tokens: Vec::new(),
            taken: Heard::default(),
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
        let loaded = load(rows.clone()).unwrap();
        let turns = &loaded.split;
        assert_eq!(turns.len(), 3, "a thousand at once");
        assert_eq!(loaded.project.common, common);
        for done in 0..=turns.len() {
            let again = load(written(&rows, &turns[..done])).unwrap();
            assert_eq!(again.project.common, common, "after {done} turns");
            assert_eq!(again.split.len(), turns.len() - done);
            assert_eq!(again.versions, loaded.versions);
        }
    }

    #[test]
    fn releases_come_back_in_the_order_of_creation_and_not_of_their_names() {
        let (common, rows) = old(11);
        let turns = load(rows.clone()).unwrap().split;
        let again = load(written(&rows, &turns)).unwrap();
        assert_eq!(again.project.common.releases, common.releases, "10.0.0 is after 9.0.0");
    }

    #[test]
    fn a_new_release_writes_its_own_row_and_nothing_else() {
        let (common, _) = old(2_500);
        let by = Person::new("anna").unwrap();
        let created = Event::ReleaseCreated { release: Box::new(release(2_501)), by };
        let rows = changed(&common, &[created], Timestamp(0), |_| 1);
        let keys: Vec<_> = rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, ["release:api/2501.0.0"]);
        let started = Event::EngineStarted(EngineStart {
            epoch: Epoch(4),
            program: "x".to_owned(),
            words: 0,
        });
        let rows = changed(&common, &[started], Timestamp(0), |_| 41);
        assert_eq!((rows.len(), rows[0].key.as_str()), (1, PROJECT));
        assert!(rows[0].body.to_string().len() < 120, "{}", rows[0].body);
    }
}
