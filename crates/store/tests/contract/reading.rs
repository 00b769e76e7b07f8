//! A store that is opened for reading alone: beside a writer, and where there is nothing to read.

use towpath_core::units::Timestamp;
use towpath_ports::store::{Store as _, StoreError, StoreIdentity};
use towpath_store::{OpenError, SqlStore};

use crate::ground::{Ground, identity, state, turn};

on_both_databases! {
    a_reader_sees_what_is_written_beside_it_and_writes_nothing,
    where_no_journal_was_begun_there_is_none_to_read,
    a_reader_takes_no_journal_for_its_own_that_is_another_ones,
}

async fn a_reader_sees_what_is_written_beside_it_and_writes_nothing(ground: &Ground) {
    let writer = ground.open().await;
    let epoch = writer.take_ownership(Timestamp(1)).await.unwrap();
    let reader = SqlStore::open_reading(&ground.location, &identity()).await.unwrap().unwrap();
    assert!(reader.events(0, 10).await.unwrap().is_empty());
    let mut first = turn("t1", 2);
    first.states.push(state("project", 1));
    writer.commit(epoch, &first).await.unwrap();
    assert_eq!(reader.events(0, 10).await.unwrap().len(), 2);
    assert_eq!(reader.states().await.unwrap().len(), writer.states().await.unwrap().len());
    assert!(reader.verify().await.unwrap().broken.is_none());
    for refused in [
        reader.commit(epoch, &turn("t2", 1)).await.unwrap_err(),
        reader.take_ownership(Timestamp(2)).await.unwrap_err(),
    ] {
        let is_refused = matches!(refused, StoreError::Unavailable(_) | StoreError::Unknown(_));
        assert!(is_refused, "{refused:?}");
    }
    writer.commit(epoch, &turn("t3", 1)).await.expect("nobody took the journal over");
    reader.close().await;
    writer.close().await;
}

async fn where_no_journal_was_begun_there_is_none_to_read(ground: &Ground) {
    let found = SqlStore::open_reading(&ground.location, &identity()).await.unwrap();
    assert!(found.is_none());
    let is_file = !ground.location.contains("://");
    assert!(!is_file || !std::path::Path::new(&ground.location).exists(), "looking makes no file");
    // What another program left empty is no journal either.
    if is_file {
        std::fs::write(&ground.location, "").unwrap();
        assert!(SqlStore::open_reading(&ground.location, &identity()).await.unwrap().is_none());
    }
}

async fn a_reader_takes_no_journal_for_its_own_that_is_another_ones(ground: &Ground) {
    ground.open().await.close().await;
    let faster = StoreIdentity { speed: 60, ..identity() };
    let error = SqlStore::open_reading(&ground.location, &faster).await.unwrap_err();
    assert!(matches!(error, OpenError::OtherSpeed { .. }), "{error:?}");
    ground.raw("INSERT INTO schema_versions VALUES (99, 'the future', 'x')").await;
    let error = SqlStore::open_reading(&ground.location, &identity()).await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
    ground.raw("DELETE FROM schema_versions").await;
    assert!(SqlStore::open_reading(&ground.location, &identity()).await.unwrap().is_none());
}
