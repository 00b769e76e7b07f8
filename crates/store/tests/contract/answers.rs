//! Answers to orders with a key: one of all who ask at once is told to carry it out, and nothing is kept for
//! ever.

use std::sync::Arc;

use towpath_core::ids::Digest;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::answers::{Answers as _, AskedOnce, Claim, KEPT_FOR, KeptAnswer};
use towpath_store::SqlStore;

use crate::ground::{Ground, identity};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

on_both_databases! {
    of_a_hundred_who_ask_at_once_one_is_told_to_carry_it_out,
    an_answer_is_found_again_also_after_a_restart,
    a_key_with_another_request_is_neither_new_nor_answered,
    what_did_nothing_can_be_asked_again_and_what_was_answered_stays,
    after_a_day_a_key_is_new_and_what_was_kept_is_swept,
}

async fn store(ground: &Ground) -> SqlStore {
    SqlStore::open(&ground.location, &identity()).await.unwrap()
}

fn asked(key: &str, request: &str, at: Timestamp) -> AskedOnce {
    let digest = |text: &str| Digest::of(text.as_bytes());
    AskedOnce { id: digest(key), request: digest(request), at }
}

fn answer(body: &str) -> KeptAnswer {
    KeptAnswer {
        status: 202,
        media_type: Some("application/json".to_owned()),
        location: None,
        body: Some(body.to_owned()),
    }
}

async fn of_a_hundred_who_ask_at_once_one_is_told_to_carry_it_out(ground: &Ground) {
    let store = Arc::new(store(ground).await);
    let mut asking = Vec::new();
    for _ in 0..100 {
        let store = Arc::clone(&store);
        asking.push(tokio::spawn(async move { store.claim(&asked("k", "r", NOW)).await.unwrap() }));
    }
    let mut mine = 0;
    for claim in asking {
        match claim.await.unwrap() {
            Claim::Mine => mine += 1,
            claim => assert_eq!(claim, Claim::Unanswered),
        }
    }
    assert_eq!(mine, 1);
}

async fn an_answer_is_found_again_also_after_a_restart(ground: &Ground) {
    let first = asked("k", "r", NOW);
    let begun = store(ground).await;
    assert_eq!(begun.claim(&first).await.unwrap(), Claim::Mine);
    begun.keep_answer(&first.id, &answer("{}")).await.unwrap();
    let lost = asked("lost", "r", NOW);
    assert_eq!(begun.claim(&lost).await.unwrap(), Claim::Mine);
    begun.close().await;
    let begun = store(ground).await;
    let later = asked("k", "r", NOW.plus(Span::hours(23)));
    assert_eq!(begun.claim(&later).await.unwrap(), Claim::Answered(answer("{}")));
    assert_eq!(begun.claim(&lost).await.unwrap(), Claim::Unanswered, "nobody knows");
}

async fn a_key_with_another_request_is_neither_new_nor_answered(ground: &Ground) {
    let store = store(ground).await;
    let first = asked("k", "r", NOW);
    assert_eq!(store.claim(&first).await.unwrap(), Claim::Mine);
    for _ in 0..2 {
        assert_eq!(store.claim(&asked("k", "other", NOW)).await.unwrap(), Claim::Other);
        store.keep_answer(&first.id, &answer("{}")).await.unwrap();
    }
    assert_eq!(store.claim(&asked("another", "other", NOW)).await.unwrap(), Claim::Mine);
}

async fn what_did_nothing_can_be_asked_again_and_what_was_answered_stays(ground: &Ground) {
    let store = store(ground).await;
    let first = asked("k", "r", NOW);
    assert_eq!(store.claim(&first).await.unwrap(), Claim::Mine);
    store.release(&first.id).await.unwrap();
    assert_eq!(store.claim(&first).await.unwrap(), Claim::Mine);
    store.keep_answer(&first.id, &answer("{}")).await.unwrap();
    store.release(&first.id).await.unwrap();
    assert_eq!(store.claim(&first).await.unwrap(), Claim::Answered(answer("{}")));
}

async fn after_a_day_a_key_is_new_and_what_was_kept_is_swept(ground: &Ground) {
    let store = store(ground).await;
    for number in 0..150 {
        assert_eq!(store.claim(&asked(&number.to_string(), "r", NOW)).await.unwrap(), Claim::Mine);
    }
    let later = NOW.plus(KEPT_FOR);
    // The one that is asked about goes whatever its turn is, and a hundred others with each.
    assert_eq!(store.claim(&asked("149", "other", later)).await.unwrap(), Claim::Mine);
    for number in [0, 100] {
        let again = asked(&number.to_string(), "other", later);
        assert_eq!(store.claim(&again).await.unwrap(), Claim::Mine, "{number}");
    }
}
