//! Whoever changes the journal behind the store's back is found out, and where.

use towpath_core::units::Timestamp;
use towpath_ports::store::Store as _;
use towpath_store::SqlStore;

use crate::ground::{Ground, identity, turn};

on_both_databases! {
    every_change_to_a_stored_event_is_found_where_it_is,
    every_change_of_a_single_character_is_found,
    what_cannot_be_read_is_a_break_and_not_a_crash,
}

const EVENTS: u64 = 8;

async fn filled(ground: &Ground) -> SqlStore {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    for number in 0..EVENTS / 2 {
        store.commit(epoch, &turn(&format!("t{number}"), 2)).await.unwrap();
    }
    ground.raw("CREATE TABLE kept AS SELECT * FROM events").await;
    ground.raw("CREATE TABLE kept_head AS SELECT * FROM head").await;
    store
}

/// Changes the database, looks, and puts everything back.
async fn broken_at(ground: &Ground, store: &SqlStore, sql: &str) -> Option<u64> {
    ground.raw(sql).await;
    let report = store.verify().await.unwrap();
    ground
        .raw(
            "DELETE FROM events; INSERT INTO events SELECT * FROM kept; \
             DELETE FROM head; INSERT INTO head SELECT * FROM kept_head",
        )
        .await;
    assert_eq!(store.verify().await.unwrap().broken, None, "put back after {sql}");
    report.broken.map(|broken| {
        assert!(
            broken.sentence.contains(&broken.seq.to_string()) || broken.sentence.contains("row")
        );
        broken.seq
    })
}

async fn every_change_to_a_stored_event_is_found_where_it_is(ground: &Ground) {
    let store = filled(ground).await;
    let insert = "INSERT INTO events SELECT";
    let cases = [
        ("UPDATE events SET at = at + 1 WHERE seq = 3", 3),
        ("UPDATE events SET lane = NULL WHERE seq = 3", 3),
        ("UPDATE events SET lane = 'api/production' WHERE seq = 4", 4),
        ("UPDATE events SET promotion = 8 WHERE seq = 1", 1),
        ("UPDATE events SET promotion = NULL WHERE seq = 1", 1),
        ("UPDATE events SET actor = 'eve' WHERE seq = 8", 8),
        ("UPDATE events SET kind = kind || '-' WHERE seq = 2", 2),
        ("UPDATE events SET body = body || ' ' WHERE seq = 5", 5),
        ("UPDATE events SET hash = (SELECT hash FROM kept WHERE seq = 6) WHERE seq = 5", 5),
        ("DELETE FROM events WHERE seq = 1", 1),
        ("DELETE FROM events WHERE seq = 4", 4),
        ("DELETE FROM events WHERE seq = 8", 8),
        ("DELETE FROM events WHERE seq > 5", 6),
        ("DELETE FROM events", 1),
        (
            "DELETE FROM events WHERE seq = 4; UPDATE events SET seq = seq + 100 WHERE seq > 4; \
          UPDATE events SET seq = seq - 101 WHERE seq > 100",
            4,
        ),
        (
            "UPDATE events SET seq = 99 WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = 4; \
          UPDATE events SET seq = 4 WHERE seq = 99",
            3,
        ),
        ("DELETE FROM events WHERE seq > 5; UPDATE head SET seq = 5", 5),
        ("UPDATE head SET seq = seq - 1", 8),
        ("UPDATE head SET seq = seq + 1", 9),
        ("UPDATE head SET hash = (SELECT hash FROM kept WHERE seq = 7)", 8),
        ("DELETE FROM head", 9),
    ];
    for (sql, seq) in cases {
        assert_eq!(broken_at(ground, &store, sql).await, Some(seq), "{sql}");
    }
    let added =
        format!("{insert} 9, at, lane, promotion, actor, kind, body, hash FROM kept WHERE seq = 8");
    assert_eq!(broken_at(ground, &store, &added).await, Some(9), "an event was added");
    let cut = "DELETE FROM events WHERE seq > 5; \
               UPDATE head SET seq = 5, hash = (SELECT hash FROM kept WHERE seq = 5)";
    assert_eq!(
        broken_at(ground, &store, cut).await,
        None,
        "a tail cut together with the head row is the documented limit of what the chain shows"
    );
    store.close().await;
}

async fn every_change_of_a_single_character_is_found(ground: &Ground) {
    let store = filled(ground).await;
    for seq in [1, EVENTS / 2, EVENTS] {
        for column in ["actor", "kind", "body", "hash"] {
            for place in [1, 2, 5] {
                let sql = format!(
                    "UPDATE events SET {column} = substr({column}, 1, {place} - 1) || '~' || \
                     substr({column}, {place} + 1) WHERE seq = {seq}"
                );
                assert_eq!(broken_at(ground, &store, &sql).await, Some(seq), "{sql}");
            }
        }
    }
    store.close().await;
}

async fn what_cannot_be_read_is_a_break_and_not_a_crash(ground: &Ground) {
    let store = filled(ground).await;
    let sql = "UPDATE events SET hash = 'nonsense', body = '{' WHERE seq = 6";
    assert_eq!(broken_at(ground, &store, sql).await, Some(6));
    if ground.location.starts_with('/') {
        for value in ["x'ff00'", "CAST(x'ff' AS TEXT)", "1.5", "''"] {
            let sql = format!("UPDATE events SET body = {value} WHERE seq = 6");
            assert_eq!(broken_at(ground, &store, &sql).await, Some(6), "{sql}");
        }
        let sql = "UPDATE events SET at = 'yesterday' WHERE seq = 6";
        assert_eq!(broken_at(ground, &store, sql).await, Some(6));
    }
    store.close().await;
}

#[tokio::test]
async fn no_flipped_byte_of_the_file_serves_a_wrong_journal() {
    let ground = Ground::sqlite();
    let store = filled(&ground).await;
    let events = store.events(0, 100).await.unwrap();
    store.close().await;
    let whole = std::fs::read(&ground.location).unwrap();
    let copy = tempfile::tempdir().unwrap();
    // A fixed stride that shares no factor with a page, so that it meets all kinds of bytes.
    for (round, place) in (0..whole.len()).step_by(whole.len() / 120 + 1).enumerate() {
        let path = copy.path().join(format!("{round}.db"));
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (round % 8);
        std::fs::write(&path, bytes).unwrap();
        let Ok(store) = SqlStore::open(path.to_str().unwrap(), &identity()).await else { continue };
        if let Ok(found) = store.events(0, 100).await
            && found != events
        {
            let report = store.verify().await;
            assert!(
                report.as_ref().map_or(true, |report| report.broken.is_some()),
                "byte {place}: {report:?}"
            );
        }
        store.close().await;
    }
}
