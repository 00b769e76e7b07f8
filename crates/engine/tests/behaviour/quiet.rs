//! The quiet hour of a plan in the real engine: from the lane's own counts in the store, within windows and
//! freezes. Which hour follows from which counts is tested in the core.

use towpath_core::freezing::Scope;
use towpath_core::ids::{Person, PromotionNumber, Version};
use towpath_core::promotion::input::PromotionOrder;
use towpath_core::units::{Span, Timestamp};
use towpath_engine::views::{PlanView, QuietHourView};
use towpath_ports::store::{IntervalRow, Store as _};

use crate::freezes::{freeze, thaw};
use crate::world::{Life, World, prod};

/// Open in the night and in the morning; the world begins on Friday, 15 January 2027, at nine in Berlin.
const NIGHTLY: &str = "prod: root, steps 100%/2s, window 02:00-12:00 Europe/Berlin";

async fn plan(life: &Life<'_>, version: &str) -> PlanView {
    let release = Some(Version::new(version).unwrap());
    let order = PromotionOrder { release, ..PromotionOrder::of(Person::new("anna").unwrap()) };
    life.engine.whole_plan(&prod(), &order).await.unwrap()
}

async fn quiet_hour(life: &Life<'_>) -> QuietHourView {
    plan(life, "2.0.0").await.quiet_hour.expect("something serves")
}

/// Days of counts: 40 requests in each quarter of an hour at three in Berlin, 4,000 in each other one.
async fn count(life: &Life<'_>, days: i64) {
    const QUARTER: i64 = 15 * 60_000_000;
    let now = life.now().0 / QUARTER * QUARTER;
    let rows: Vec<_> = (1..=days * 24 * 4).map(|ago| Timestamp(now - ago * QUARTER)).collect();
    let row = |start: Timestamp| IntervalRow {
        lane: prod(),
        deployment: PromotionNumber(1),
        source: IntervalRow::VISITORS.to_owned(),
        start,
        width: Span::minutes(15),
        // In winter Berlin's three o'clock is two in UTC.
        total: if start.0.div_euclid(4 * QUARTER) % 24 == 2 { 40 } else { 4_000 },
        failed: 0,
        p99_us: None,
        latency: None,
    };
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    life.world.store.keep_intervals(&rows).await.unwrap();
}

#[test]
fn a_plan_names_the_quietest_hour_of_the_lane_within_windows_and_freezes() {
    World::new(NIGHTLY).live(async |life| {
        life.begin().await;
        count(life, 9).await;
        let found = quiet_hour(life).await;
        let best = found.best.unwrap();
        assert_eq!(best.at, "2027-01-16T02:00:00Z");
        assert_eq!(best.local, "Sat 2027-01-16 03:00 Europe/Berlin");
        assert_eq!(best.requests, 160);
        assert_eq!((found.usual, found.busiest), (Some(16_000), Some(16_000)));
        assert_eq!(found.none_because, None);
        let now = found.first.unwrap();
        assert!(now.local.starts_with("Fri 2027-01-15 09:0"), "{}", now.local);
        assert_eq!(now.requests, 16_000, "starting now is outside of it");

        let prod = || Scope { environment: Some(prod().environment), service: None };
        freeze(life, "anna", prod(), Some(Span::hours(24))).await.unwrap();
        let after = quiet_hour(life).await.best.unwrap();
        assert_eq!(after.local, "Sun 2027-01-17 03:00 Europe/Berlin");
        thaw(life, "anna", prod()).await.unwrap();
        freeze(life, "anna", prod(), None).await.unwrap();
        let never = quiet_hour(life).await;
        assert_eq!(never.best, None);
        let because = never.none_because.unwrap();
        assert_eq!(because, "windows and freezes leave no hour within 7 days");
    });
}

#[test]
fn a_plan_without_enough_counts_says_so_and_names_no_hour() {
    World::new(NIGHTLY).live(async |life| {
        life.prepare().await;
        let first = plan(life, "1.0.0").await;
        assert_eq!(first.quiet_hour, None, "nobody is served whom it could disturb");
        let number = life.promote("1.0.0").await;
        life.end_of(number).await;
        count(life, 4).await;
        let few = quiet_hour(life).await.none_because.unwrap();
        assert_eq!(few, "7 whole days of counts are needed, and 3 are kept");
        life.world.store.forget_counts();
        let unread = quiet_hour(life).await;
        assert_eq!(unread.best, None);
        let because = unread.none_because.unwrap();
        assert!(because.starts_with("what was counted cannot be read: "), "{because}");
    });
}

#[test]
fn the_quiet_hour_is_no_part_of_what_people_agree_to() {
    World::new(NIGHTLY).live(async |life| {
        life.begin().await;
        let before = plan(life, "2.0.0").await;
        count(life, 9).await;
        let after = plan(life, "2.0.0").await;
        assert_ne!(before.quiet_hour, after.quiet_hour);
        assert_eq!(before.hash, after.hash);
    });
}
