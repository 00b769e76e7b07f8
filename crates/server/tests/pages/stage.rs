//! What is on stage before somebody looks. Owns stories; shows nothing.

use towpath_core::ids::{LaneId, Name, Person, PromotionNumber, Version};
use towpath_core::promotion::input::{Input, PromotionOrder};
use towpath_core::units::Timestamp;
use towpath_engine::{NewRelease, Order};
use towpath_testkit::declared::{self, ReleaseWords};

use crate::world::Life;

fn anna() -> Person {
    Person::new("anna").unwrap()
}

impl Life<'_> {
    /// 1.0.0 serves in `prod`, and 2.0.0 bakes at its first step; the matrix is known already.
    pub(crate) async fn begin_second_of_it(&self) {
        let first = self.promote("1.0.0").await;
        self.end_of(first).await;
        self.promote("2.0.0").await;
        self.bakes_at(0).await;
    }

    /// The matrix, and 1.0.0 of each of these services on its way into the first environment.
    pub(crate) async fn prepare_services(&self, services: &[&str]) {
        self.prepare().await;
        let root = self.engine.matrix().unwrap().environments[0].name.clone();
        for service in services {
            self.release_of(service, "1.0.0").await;
            let lane = LaneId { service: Name::new(service).unwrap(), environment: root.clone() };
            self.promote_in(&lane, "1.0.0").await;
        }
    }

    /// A release of a service.
    pub(crate) async fn release_of(&self, service: &str, version: &str) {
        let words =
            ReleaseWords { content: format!("{service} {version}"), ..ReleaseWords::default() };
        let service = Name::new(service).unwrap();
        let release = declared::release(&service, version, &words, Timestamp(0)).unwrap();
        let order = Order::CreateRelease(Box::new(NewRelease { release, by: anna() }));
        self.engine.order_project(order).await.unwrap();
    }

    /// Orders a promotion into any lane.
    pub(crate) async fn promote_in(&self, lane: &LaneId, version: &str) -> PromotionNumber {
        let release = Some(Version::new(version).unwrap());
        let order = PromotionOrder { release, ..PromotionOrder::of(anna()) };
        let done = self.engine.order(lane, Input::PromotionOrdered(order)).await.unwrap();
        done.promotion.unwrap()
    }

    /// Waits until a promotion into any lane has ended.
    pub(crate) async fn ended_in(&self, lane: &LaneId, number: PromotionNumber) {
        let patience = std::time::Duration::from_hours(2);
        let waited = tokio::time::timeout(patience, async {
            while !self.engine.lane_state(lane).ended.iter().any(|one| one.number == number) {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        assert!(waited.await.is_ok(), "{number} never ends in {lane}");
    }
}
