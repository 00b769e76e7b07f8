//! One owner at a time.

use std::sync::Arc;

use futures_util::future::join_all;
use towpath_core::ids::Epoch;
use towpath_core::units::Timestamp;
use towpath_ports::store::{Store as _, StoreError};

use crate::ground::{Ground, state, turn};

on_both_databases! {
    an_older_owner_is_shut_out_by_a_newer_one,
    epochs_grow_across_stores_that_open_at_once,
    an_epoch_that_nobody_took_is_refused,
    two_connections_of_one_owner_do_not_break_the_chain,
    of_two_owners_racing_for_one_state_one_wins,
}

async fn an_older_owner_is_shut_out_by_a_newer_one(ground: &Ground) {
    let old = ground.open().await;
    let old_epoch = old.take_ownership(Timestamp(1)).await.unwrap();
    old.commit(old_epoch, &turn("t1", 1)).await.unwrap();
    let new = ground.open().await;
    let new_epoch = new.take_ownership(Timestamp(2)).await.unwrap();
    assert!(new_epoch > old_epoch);
    for (store, name) in [(&old, "t2"), (&new, "t3"), (&old, "t4")] {
        let error = store.commit(old_epoch, &turn(name, 1)).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Fenced { current, own } if current == new_epoch && own == old_epoch),
            "{error:?}"
        );
        assert!(!store.has_turn(name).await.unwrap());
    }
    assert_eq!(new.commit(new_epoch, &turn("t5", 1)).await.unwrap(), [2]);
    assert_eq!(old.events(0, 10).await.unwrap().len(), 2, "reading is not fenced");
    old.close().await;
    new.close().await;
}

async fn epochs_grow_across_stores_that_open_at_once(ground: &Ground) {
    let stores = join_all((0..4).map(|_| ground.open())).await;
    let taken = join_all(stores.iter().map(|store| store.take_ownership(Timestamp(1)))).await;
    let mut epochs: Vec<Epoch> = taken.into_iter().map(Result::unwrap).collect();
    epochs.sort();
    assert_eq!(epochs, [Epoch(1), Epoch(2), Epoch(3), Epoch(4)]);
}

async fn an_epoch_that_nobody_took_is_refused(ground: &Ground) {
    let store = ground.open().await;
    for epoch in [Epoch(0), Epoch(1), Epoch(u64::MAX)] {
        let error = store.commit(epoch, &turn("t1", 1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    }
    assert_eq!(store.take_ownership(Timestamp(1)).await.unwrap(), Epoch(1));
    store.commit(Epoch(1), &turn("t1", 1)).await.unwrap();
    store.close().await;
}

async fn two_connections_of_one_owner_do_not_break_the_chain(ground: &Ground) {
    let first = ground.open().await;
    let second = ground.open().await;
    let epoch = first.take_ownership(Timestamp(1)).await.unwrap();
    for number in 1..=10_u64 {
        let store = if number.is_multiple_of(2) { &first } else { &second };
        let placed = store.commit(epoch, &turn(&format!("t{number}"), 1)).await.unwrap();
        assert_eq!(placed, [number]);
    }
    assert_eq!(first.verify().await.unwrap().broken, None);
    first.close().await;
    second.close().await;
}

async fn of_two_owners_racing_for_one_state_one_wins(ground: &Ground) {
    let stores = [Arc::new(ground.open().await), Arc::new(ground.open().await)];
    let mut versions = 0;
    for round in 0..20 {
        // Both take over and write at once; only the one with the newer epoch may come through.
        let racers = stores.iter().enumerate().map(|(number, store)| {
            let store = Arc::clone(store);
            let mut next = turn(&format!("{round}-{number}"), 1);
            next.states = vec![state("a", versions + 1)];
            tokio::spawn(async move {
                let epoch = store.take_ownership(Timestamp(1)).await?;
                store.commit(epoch, &next).await.map(|_| ())
            })
        });
        let results = join_all(racers).await.into_iter().map(Result::unwrap);
        let won = results
            .filter(|result| match result {
                Ok(()) => true,
                Err(StoreError::Fenced { .. } | StoreError::Conflict { .. }) => false,
                Err(other) => panic!("{other}"),
            })
            .count();
        assert_eq!(won, 1, "round {round}");
        versions += 1;
    }
    assert_eq!(stores[0].states().await.unwrap(), [state("a", versions)]);
    assert_eq!(stores[0].verify().await.unwrap().events, versions);
}
