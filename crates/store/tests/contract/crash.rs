//! A process that is killed in the middle of commits loses nothing that it had acknowledged.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use towpath_core::units::Timestamp;
use towpath_ports::store::{Store as _, StoreError};
use towpath_store::SqlStore;

use crate::ground::{Ground, identity, state, turn};

on_both_databases! {
    a_killed_process_loses_nothing_it_acknowledged,
}

const PLACE: &str = "TOWPATH_TEST_CRASH_PLACE";

async fn a_killed_process_loses_nothing_it_acknowledged(ground: &Ground) {
    let mut acknowledged = BTreeSet::new();
    for lines in [1, 7, 40, 150, 400] {
        let location = ground.location.clone();
        let more = tokio::task::spawn_blocking(move || commit_and_kill(&location, lines));
        acknowledged.extend(more.await.unwrap());
        let store = ground.open().await;
        for id in &acknowledged {
            assert!(store.has_turn(id).await.unwrap(), "turn {id} was acknowledged");
        }
        let report = store.verify().await.unwrap();
        assert_eq!(report.broken, None);
        let versions: u64 = store.states().await.unwrap().iter().map(|state| state.version).sum();
        assert_eq!(report.events, 2 * versions, "each turn has two events and one version");
        assert!(versions >= acknowledged.len() as u64);
        store.close().await;
    }
}

/// Starts this test program again as a writer, kills it after `lines` acknowledgements, and answers
/// all that it acknowledged.
fn commit_and_kill(location: &str, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "crash::commits_until_it_is_killed"])
        .env(PLACE, location)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(id) = line.strip_prefix("wrote ").and_then(|rest| rest.strip_suffix('.')) else {
            continue;
        };
        acknowledged.push(id.to_owned());
        if acknowledged.len() == lines {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(acknowledged.len() >= lines, "the child ended by itself");
    acknowledged
}

/// What was attempted, and what the store said about it.
type Attempts = Vec<(String, Result<Vec<u64>, StoreError>)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_never_hides_or_repeats_a_turn() {
    let Some(ground) = Ground::postgres_database("cut_connections").await else { return };
    let store = Arc::new(ground.open().await);
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (acknowledged, mut seen) = watch::channel(0);
    let writers = (0..8).map(|writer| {
        let (store, done, acknowledged) =
            (Arc::clone(&store), Arc::clone(&done), acknowledged.clone());
        tokio::spawn(async move {
            let mut attempts: Attempts = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let id = format!("{writer}-{}", attempts.len());
                let written = store.commit(epoch, &turn(&id, 1)).await;
                acknowledged.send_modify(|count| *count += u64::from(written.is_ok()));
                attempts.push((id, written));
            }
            attempts
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..30 {
        // Each cut comes when writing has gone on after the one before.
        let next = *seen.borrow_and_update() + 20;
        seen.wait_for(|count| *count >= next).await.unwrap();
        ground.cut_writers().await;
    }
    done.store(true, Ordering::Relaxed);
    let (mut found, mut failed) = (0, 0);
    for writer in writers {
        for (id, written) in writer.await.unwrap() {
            let there = store.has_turn(&id).await.unwrap();
            found += u64::from(there);
            failed += u64::from(written.is_err());
            match written {
                Ok(_) => assert!(there, "{id} was acknowledged"),
                Err(StoreError::Unavailable(_)) => assert!(!there, "{id} was said not to be there"),
                Err(StoreError::Unknown(_)) => {}
                Err(other) => panic!("{id}: {other}"),
            }
        }
    }
    assert!(failed > 0, "no cut met a commit");
    let report = store.verify().await.unwrap();
    assert_eq!((report.events, report.broken), (found, None));
}

#[tokio::test]
async fn a_database_that_lost_acknowledged_turns_is_not_written_on() {
    let ground = Ground::sqlite();
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    for id in ["t1", "t2", "t3"] {
        store.commit(epoch, &turn(id, 1)).await.unwrap();
    }
    // As after a failover to a standby that was behind, or a backup that was put back.
    ground
        .raw(
            "DELETE FROM events WHERE seq = 3; DELETE FROM turns WHERE id = 't3'; \
             UPDATE head SET turn = 2, seq = 2, hash = (SELECT hash FROM events WHERE seq = 2)",
        )
        .await;
    let error = store.commit(epoch, &turn("t4", 1)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("lost")), "{error:?}");
    assert_eq!(store.events(0, 10).await.unwrap().len(), 2);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test, in a process of its own"]
async fn commits_until_it_is_killed() {
    // Whoever runs all tests, the ignored ones too, gives it no place: then there is nothing to do.
    let Ok(location) = std::env::var(PLACE) else { return };
    let store = Arc::new(SqlStore::open(&location, &identity()).await.unwrap());
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let versions = store.states().await.unwrap();
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        let key = format!("lane-{writer}");
        let found = versions.iter().find(|state| state.key == key);
        let mut version = found.map_or(0, |state| state.version);
        tokio::spawn(async move {
            loop {
                version += 1;
                let id = format!("{key}-{version}");
                let mut next = turn(&id, 2);
                next.states = vec![state(&key, version)];
                store.commit(epoch, &next).await.unwrap();
                writeln!(std::io::stderr(), "wrote {id}.").unwrap();
            }
        })
    });
    futures_util::future::join_all(writers).await;
}
