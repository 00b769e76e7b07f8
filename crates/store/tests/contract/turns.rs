//! A turn is written whole or not at all, in order, once.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use towpath_core::units::Timestamp;
use towpath_ports::store::{Store as _, StoreError};

use crate::ground::{Ground, command, promotion, state, turn};

on_both_databases! {
    a_turn_is_read_back_as_it_was_written,
    nothing_of_a_turn_is_written_when_its_second_state_is_old,
    a_turn_whose_caller_is_gone_is_whole_all_the_same,
    a_state_is_replaced_only_at_the_version_it_was_read_at,
    a_turn_is_found_by_its_id_and_never_written_twice,
    eight_committers_at_once_leave_no_gap,
    one_conflict_among_turns_written_together_is_no_others,
    turns_that_build_on_each_other_and_wait_together_are_written_in_order,
    what_a_database_cannot_hold_is_refused_and_said,
    everything_is_there_after_opening_again,
}

async fn a_turn_is_read_back_as_it_was_written(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut first = turn("t1", 3);
    first.states = vec![state("project", 1), state("api/staging", 1)];
    first.commands = vec![command("c2"), command("c1")];
    first.promotions = vec![promotion(7, "api/staging", "started")];
    assert_eq!(store.commit(epoch, &first).await.unwrap(), [1, 2, 3]);
    let events = store.events(0, 100).await.unwrap();
    for (event, wanted) in events.iter().zip(&first.events) {
        assert_eq!(event.at, first.at);
        assert_eq!(event.lane, wanted.lane);
        assert_eq!(event.promotion, wanted.promotion);
        assert_eq!(event.actor, wanted.actor);
        assert_eq!(event.kind, wanted.kind);
        assert_eq!(event.body, wanted.body);
    }
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(store.states().await.unwrap(), [state("api/staging", 1), state("project", 1)]);
    assert_eq!(store.pending_commands().await.unwrap(), first.commands);
    assert_eq!(store.promotions(None, None, 10).await.unwrap(), first.promotions);
    let report = store.verify().await.unwrap();
    assert_eq!((report.events, report.broken), (3, None));
    assert_eq!(report.span, Some((first.at, first.at)));
    store.close().await;
}

async fn nothing_of_a_turn_is_written_when_its_second_state_is_old(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut first = turn("t1", 1);
    first.states = vec![state("a", 1), state("b", 1)];
    first.commands = vec![command("c1")];
    store.commit(epoch, &first).await.unwrap();
    let mut bad = turn("t2", 4);
    bad.states = vec![state("a", 2), state("b", 3)];
    bad.commands = vec![command("c2")];
    bad.finished = vec!["c1".to_owned()];
    bad.promotions = vec![promotion(1, "api/staging", "started")];
    let error = store.commit(epoch, &bad).await.unwrap_err();
    assert!(matches!(&error, StoreError::Conflict { key } if key == "b"), "{error:?}");
    assert!(!store.has_turn("t2").await.unwrap());
    assert_eq!(store.events(0, 100).await.unwrap().len(), 1);
    assert_eq!(store.states().await.unwrap(), first.states);
    assert_eq!(store.pending_commands().await.unwrap(), first.commands);
    assert_eq!(store.promotions(None, None, 10).await.unwrap(), []);
    bad.states = vec![state("a", 2), state("b", 2)];
    assert_eq!(store.commit(epoch, &bad).await.unwrap(), [2, 3, 4, 5], "no number was lost");
    store.close().await;
}

async fn a_turn_whose_caller_is_gone_is_whole_all_the_same(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    for number in 1..=20_u64 {
        let id = format!("t{number}");
        let mut next = turn(&id, 2);
        next.states = vec![state(&id, 1)];
        // Looked at once and dropped: nearly always before the answer is there.
        drop(store.commit(epoch, &next).now_or_never());
        assert!(store.has_turn(&id).await.unwrap(), "it stood in line before the question");
        assert_eq!(store.events(0, 100).await.unwrap().len() as u64, 2 * number);
        assert_eq!(store.states().await.unwrap().len() as u64, number);
    }
    assert_eq!(store.verify().await.unwrap().broken, None);
    store.close().await;
}

async fn a_state_is_replaced_only_at_the_version_it_was_read_at(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut number = 0;
    // (version to write, whether it is written); a state begins at 1 and grows by one.
    for (version, written) in [
        (2, false),
        (1, true),
        (1, false),
        (3, false),
        (2, true),
        (2, false),
        (1, false),
        (3, true),
    ] {
        number += 1;
        let mut next = turn(&format!("t{number}"), 1);
        next.states = vec![state("a", version)];
        let result = store.commit(epoch, &next).await;
        match result {
            Ok(_) => assert!(written, "version {version} was written in step {number}"),
            Err(StoreError::Conflict { key }) => assert!(!written && key == "a", "step {number}"),
            Err(other) => panic!("step {number}: {other}"),
        }
    }
    assert_eq!(store.states().await.unwrap(), [state("a", 3)]);
    store.close().await;
}

async fn a_turn_is_found_by_its_id_and_never_written_twice(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    assert!(!store.has_turn("t1").await.unwrap());
    store.commit(epoch, &turn("t1", 1)).await.unwrap();
    store.commit(epoch, &turn("without events", 0)).await.unwrap();
    assert!(store.has_turn("t1").await.unwrap());
    assert!(store.has_turn("without events").await.unwrap());
    let error = store.commit(epoch, &turn("t1", 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert_eq!(store.events(0, 100).await.unwrap().len(), 1);
    store.close().await;
}

async fn eight_committers_at_once_leave_no_gap(ground: &Ground) {
    const TURNS: u64 = 25;
    let store = Arc::new(ground.open().await);
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let committers = (0..8).map(|committer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut numbers = Vec::new();
            for version in 1..=TURNS {
                let events = usize::try_from(version % 3).unwrap() + 1;
                let mut next = turn(&format!("{committer}-{version}"), events);
                next.states = vec![state(&format!("lane-{committer}"), version)];
                let placed = store.commit(epoch, &next).await.unwrap();
                assert_eq!(placed.len(), events);
                assert!(placed.windows(2).all(|pair| pair[1] == pair[0] + 1), "{placed:?}");
                assert!(numbers.last() < placed.first(), "a later turn has later numbers");
                numbers.extend(placed);
            }
            numbers
        })
    });
    let all: Vec<u64> = join_all(committers).await.into_iter().flat_map(Result::unwrap).collect();
    let unique: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "no number was given twice");
    let count = u64::try_from(all.len()).unwrap();
    assert_eq!(unique.last(), Some(&count), "numbers have no gap");
    let report = store.verify().await.unwrap();
    assert_eq!((report.events, report.broken), (count, None));
    assert!(store.states().await.unwrap().iter().all(|state| state.version == TURNS));
}

async fn one_conflict_among_turns_written_together_is_no_others(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let turns: Vec<_> = (0..32)
        .map(|number| {
            let mut next = turn(&format!("t{number}"), 1);
            next.states = vec![state(&format!("lane-{number}"), if number == 9 { 5 } else { 1 })];
            next
        })
        .collect();
    let results = join_all(turns.iter().map(|next| store.commit(epoch, next))).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), number != 9, "turn {number}: {result:?}");
    }
    assert!(matches!(&results[9], Err(StoreError::Conflict { key }) if key == "lane-9"));
    let report = store.verify().await.unwrap();
    assert_eq!((report.events, report.broken), (31, None));
    store.close().await;
}

async fn turns_that_build_on_each_other_and_wait_together_are_written_in_order(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let turns: Vec<_> = (1..=12)
        .map(|version| {
            let mut next = turn(&format!("t{version}"), 1);
            next.states = vec![state("a", version)];
            next.commands = vec![command(&format!("c{version}"))];
            next.finished = vec![format!("c{}", version - 1)];
            next
        })
        .collect();
    let results = join_all(turns.iter().map(|next| store.commit(epoch, next))).await;
    for (result, number) in results.into_iter().zip(1..) {
        assert_eq!(result.unwrap(), [number]);
    }
    assert_eq!(store.states().await.unwrap(), [state("a", 12)]);
    assert_eq!(store.pending_commands().await.unwrap(), [command("c12")]);
    store.close().await;
}

async fn what_a_database_cannot_hold_is_refused_and_said(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut with_nul = turn("t1", 1);
    "a\0b".clone_into(&mut with_nul.events[0].actor);
    let mut twice = turn("t2", 1);
    twice.states = vec![state("a", 1), state("a", 2)];
    let mut too_large = turn("t3", 1);
    too_large.events[0].promotion = Some(towpath_core::ids::PromotionNumber(u64::MAX));
    let mut too_long = turn("t4", 1);
    too_long.events[0].body = serde_json::Value::String("x".repeat(17 << 20));
    for bad in [turn("", 1), with_nul, twice, too_large, too_long] {
        let error = store.commit(epoch, &bad).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{}: {error:?}", bad.id);
    }
    assert_eq!(store.events(0, 10).await.unwrap(), []);
    store.close().await;
}

async fn everything_is_there_after_opening_again(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut first = turn("t1", 3);
    first.states = vec![state("a", 1)];
    first.commands = vec![command("c1")];
    store.commit(epoch, &first).await.unwrap();
    let before = store.events(0, 10).await.unwrap();
    store.close().await;
    let store = ground.open().await;
    assert_eq!(store.events(0, 10).await.unwrap(), before);
    assert_eq!(store.states().await.unwrap(), first.states);
    assert_eq!(store.pending_commands().await.unwrap(), first.commands);
    assert_eq!(store.commit(epoch, &turn("t2", 1)).await.unwrap(), [4]);
    assert_eq!(store.verify().await.unwrap().broken, None);
    store.close().await;
}
