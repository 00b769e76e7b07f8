//! Outbox, promotions, telemetry and pages of events.

use towpath_core::ids::PromotionNumber;
use towpath_core::quiet::Tally;
use towpath_core::units::{Span, Timestamp};
use towpath_ports::store::{Histogram, IntervalRow, Store as _, StoreError};

use crate::ground::{Ground, command, lane, promotion, turn};

on_both_databases! {
    commands_wait_in_order_until_they_are_finished,
    promotions_are_replaced_and_listed_newest_first,
    events_come_in_pages,
    events_with_a_name_come_newest_first_of_all_lanes_or_of_some,
    intervals_are_replaced_by_key_and_read_oldest_first,
    intervals_are_summed_by_the_quarter_of_an_hour,
    old_intervals_are_removed_bit_by_bit,
}

async fn commands_wait_in_order_until_they_are_finished(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut first = turn("t1", 0);
    first.commands = vec![command("z"), command("a"), command("m")];
    store.commit(epoch, &first).await.unwrap();
    let mut second = turn("t2", 0);
    second.commands = vec![command("b")];
    second.finished = vec!["a".to_owned(), "never there".to_owned()];
    store.commit(epoch, &second).await.unwrap();
    let waiting = [command("z"), command("m"), command("b")];
    assert_eq!(store.pending_commands().await.unwrap(), waiting);
    let mut again = turn("t3", 1);
    again.commands = vec![command("z")];
    let error = store.commit(epoch, &again).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert_eq!(store.pending_commands().await.unwrap(), waiting);
    store.close().await;
}

async fn promotions_are_replaced_and_listed_newest_first(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut first = turn("t1", 0);
    first.promotions =
        (1..=6).map(|number| promotion(number, lane_of(number), "started")).collect();
    store.commit(epoch, &first).await.unwrap();
    let mut second = turn("t2", 0);
    second.promotions =
        vec![promotion(3, lane_of(3), "baking"), promotion(3, lane_of(3), "succeeded")];
    store.commit(epoch, &second).await.unwrap();
    let numbers = |rows: Vec<towpath_ports::store::PromotionRow>| {
        rows.into_iter().map(|row| row.number.0).collect::<Vec<_>>()
    };
    let all = store.promotions(None, None, 4).await.unwrap();
    assert_eq!(numbers(all), [6, 5, 4, 3]);
    let rest = store.promotions(None, Some(PromotionNumber(3)), 4).await.unwrap();
    assert_eq!(numbers(rest), [2, 1]);
    let odd = store.promotions(Some(&lane("api/odd")), None, 10).await.unwrap();
    assert_eq!(odd[1], promotion(3, "api/odd", "succeeded"), "the last of one turn counts");
    assert_eq!(numbers(odd), [5, 3, 1]);
    let below = store.promotions(Some(&lane("api/odd")), Some(PromotionNumber(5)), 1).await;
    assert_eq!(numbers(below.unwrap()), [3]);
    store.close().await;
}

fn lane_of(number: u64) -> &'static str {
    if number.is_multiple_of(2) { "api/even" } else { "api/odd" }
}

async fn events_come_in_pages(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    store.commit(epoch, &turn("many", 1_234)).await.unwrap();
    let mut seen = 0;
    loop {
        let page = store.events(seen, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        assert_eq!(page[0].seq, seen + 1);
        assert!(page.len() <= 100);
        seen = last.seq;
    }
    assert_eq!(seen, 1_234);
    assert_eq!(store.events(u64::MAX, 10).await.unwrap(), []);
    assert_eq!(store.verify().await.unwrap().events, 1_234);
    store.close().await;
}

async fn events_with_a_name_come_newest_first_of_all_lanes_or_of_some(ground: &Ground) {
    let store = ground.open().await;
    let epoch = store.take_ownership(Timestamp(1)).await.unwrap();
    let mut many = turn("many", 8);
    for (event, number) in many.events.iter_mut().zip(1..) {
        let kind = if number <= 6 { "order-refused" } else { "order-taken" };
        kind.clone_into(&mut event.kind);
        event.lane = (number != 1).then(|| lane(lane_of(number)));
    }
    store.commit(epoch, &many).await.unwrap();
    let of = async |lanes: &[&'static str], before, limit| {
        let lanes: Vec<_> = lanes.iter().map(|one| lane(one)).collect();
        let rows = store.events_named("order-refused", &lanes, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.seq).collect::<Vec<_>>()
    };
    assert_eq!(of(&[], None, 10).await, [6, 5, 4, 3, 2, 1], "also what belongs to no lane");
    assert_eq!(of(&[], Some(4), 2).await, [3, 2]);
    assert_eq!(of(&["api/even"], None, 2).await, [6, 4]);
    assert_eq!(of(&["api/odd", "api/even"], Some(6), 10).await, [5, 4, 3, 2]);
    assert_eq!(of(&["api/none"], None, 10).await, [0; 0]);
    // A name that no index has, and the beginning of one.
    let taken = store.events_named("order-taken", &[lane("api/even")], None, 10).await.unwrap();
    assert_eq!(taken.iter().map(|row| row.seq).collect::<Vec<_>>(), [8]);
    assert_eq!(store.events_named("order", &[], Some(u64::MAX), 10).await.unwrap(), []);
    store.close().await;
}

fn latency() -> Histogram {
    let mut latency = Histogram::default();
    for latency_us in [900, 12_345, 12_345] {
        latency.record(latency_us);
    }
    latency
}

fn interval(start: i64, failed: u64) -> IntervalRow {
    IntervalRow {
        lane: lane("api/production"),
        deployment: PromotionNumber(4),
        source: "visitors".to_owned(),
        start: Timestamp(start),
        width: Span::minutes(1),
        total: 100,
        failed,
        p99_us: (failed > 0).then_some(12_345),
        latency: (failed > 0).then(latency),
    }
}

async fn intervals_are_replaced_by_key_and_read_oldest_first(ground: &Ground) {
    let store = ground.open().await;
    store.keep_intervals(&[]).await.unwrap();
    store.keep_intervals(&[interval(30, 0), interval(10, 0), interval(30, 2)]).await.unwrap();
    store.keep_intervals(&[interval(10, 1), interval(20, 0)]).await.unwrap();
    let other = IntervalRow { lane: lane("api/staging"), ..interval(10, 0) };
    store.keep_intervals(std::slice::from_ref(&other)).await.unwrap();
    let production = lane("api/production");
    let all = store.intervals(&production, Timestamp(0)).await.unwrap();
    assert_eq!(all, [interval(10, 1), interval(20, 0), interval(30, 2)]);
    let late = store.intervals(&production, Timestamp(20)).await.unwrap();
    assert_eq!(late, [interval(20, 0), interval(30, 2)]);
    assert_eq!(store.intervals(&lane("api/staging"), Timestamp(0)).await.unwrap(), [other]);
    store.close().await;
}

async fn intervals_are_summed_by_the_quarter_of_an_hour(ground: &Ground) {
    const MINUTE: i64 = 60_000_000;
    let store = ground.open().await;
    // A rollout at the second minute of the second quarter, a hole, and probes, which are no visitors.
    let blue = |minute: i64| interval(minute * MINUTE, 0);
    let green = IntervalRow { deployment: PromotionNumber(5), total: 11, ..blue(16) };
    let probes = IntervalRow { source: "probes".to_owned(), ..blue(17) };
    let mut rows: Vec<_> = [0, 14, 15, 16, 29, 90].into_iter().map(blue).collect();
    rows.extend([green, probes, IntervalRow { lane: lane("api/staging"), ..blue(3) }]);
    store.keep_intervals(&rows).await.unwrap();
    let of = async |since: i64| {
        let since = Timestamp(since * MINUTE);
        store.tallies(&lane("api/production"), "visitors", since).await.unwrap()
    };
    let tally = |minute: i64, covered: u64, requests: u64| {
        let start = Timestamp(minute * MINUTE);
        Tally { start, covered: Span::minutes(covered), requests }
    };
    assert_eq!(of(0).await, [tally(0, 2, 200), tally(15, 3, 311), tally(90, 1, 100)]);
    assert_eq!(of(16).await, [tally(15, 2, 211), tally(90, 1, 100)]);
    assert_eq!(of(91).await, []);
    store.close().await;
}

async fn old_intervals_are_removed_bit_by_bit(ground: &Ground) {
    let store = ground.open().await;
    let rows: Vec<_> = (0..1_200).map(|start| interval(start, 0)).collect();
    store.keep_intervals(&rows).await.unwrap();
    assert_eq!(store.drop_intervals(Timestamp(1_100), 800).await.unwrap(), 800);
    let left = store.intervals(&lane("api/production"), Timestamp(0)).await.unwrap();
    assert_eq!(left.first().map(|row| row.start), Some(Timestamp(800)), "the oldest go first");
    assert_eq!(store.drop_intervals(Timestamp(1_100), 800).await.unwrap(), 300);
    assert_eq!(store.drop_intervals(Timestamp(1_100), 800).await.unwrap(), 0);
    store.close().await;
}
