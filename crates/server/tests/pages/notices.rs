//! Channels, what never arrived and why, sending again, trying a channel; and who may not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::StatusCode;
use towpath_core::ids::{Name, Person};
use towpath_core::matrix::{AdapterSpec, Matrix};
use towpath_core::notices::{Channel, NotifyRules, Occasion, SecretPlace};
use towpath_core::people::{PersonSpec, Verb};

use crate::fakes::ChannelManner;
use crate::look::Browser;
use crate::people::word;
use crate::world::World;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `slack` and `email` hear of each success in `prod`; nothing can be sent to `phone`. `anna` may report an
/// incident, and `bob` may not.
fn told(matrix: &mut Matrix) {
    let adapter = AdapterSpec { kind: "fake".to_owned(), settings: serde_json::json!({}) };
    let place = SecretPlace { name: "SLACK_URL".to_owned(), store: adapter.clone() };
    let plain = || Channel { adapter: adapter.clone(), secrets: BTreeMap::new(), missing: None };
    let slack = Channel { secrets: [("url_secret".to_owned(), place)].into(), ..plain() };
    let phone = Channel { missing: Some("notifier `phone` is planned".to_owned()), ..plain() };
    matrix.notifiers =
        [(name("slack"), slack), (name("email"), plain()), (name("phone"), phone)].into();
    let both = vec![name("slack"), name("email")];
    for environment in &mut matrix.environments {
        let on = [(Occasion::Succeeded, both.clone())].into();
        environment.notify = NotifyRules { on, ..NotifyRules::default() };
    }
    let with =
        |role: &str| PersonSpec { roles: BTreeSet::from([name(role)]), ..PersonSpec::default() };
    let people = [("anna", "lead"), ("bob", "qa")];
    matrix.people =
        people.into_iter().map(|(who, role)| (Person::new(who).unwrap(), with(role))).collect();
    matrix.who_may.insert(Verb::Signal, vec![name("lead")]);
}

#[test]
fn what_never_arrived_says_why_and_is_sent_again() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(told);
    world.notifiers.behaves("email", ChannelManner::Refuses);
    world.live(async |life| {
        life.prepare().await;
        let anna = Browser::of(&life.engine, "anna");
        let empty = anna.get("/notifications").await;
        empty.says("Nothing is on its way").says("Nothing has arrived anywhere yet");
        empty.says("notifier `phone` is planned").says("SLACK_URL").says_not("hunter2");
        let first = life.promote("1.0.0").await;
        life.end_of(first).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        let page = anna.get("/notifications").await;
        page.says("Send again")
            .says("never")
            .says("After 1 attempt.")
            .says("[project] prod serves 1.0.0");
        page.says("environments.prod.notify.succeeded").says("slack, email");
        let id = page.text.split("name=\"id\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let again = format!("form={}&id={id}", word());
        let bob = Browser::of(&life.engine, "bob");
        bob.get("/notifications")
            .await
            .says("Never arrived")
            .says_not("Send again")
            .says_not("Send a test");
        let refused = bob.post("/notifications/retry", &again).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.readable());
        let unknown = anna.post("/notifications/retry", &format!("form={}&id=none", word())).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.readable());
        world.notifiers.behaves("email", ChannelManner::Takes);
        let sent = anna.post("/notifications/retry", &again).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.readable());
        tokio::time::sleep(Duration::from_secs(30)).await;
        anna.get("/notifications?done=sent-again")
            .await
            .says("On its way again")
            .says("Nothing: whatever was to be told");
        assert_eq!(world.notifiers.taken("email"), [id]);
    });
}

#[test]
fn what_arrived_is_sent_once_more_by_whoever_may_tell_people() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(told);
    world.live(async |life| {
        life.prepare().await;
        let first = life.promote("1.0.0").await;
        life.end_of(first).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        let (anna, bob) = (Browser::of(&life.engine, "anna"), Browser::of(&life.engine, "bob"));
        let page = anna.get("/notifications").await;
        page.says("Send once more");
        bob.get("/notifications").await.says("Arrived last").says_not("Send once more");
        let form = page.text.split("/notifications/replay").nth(1).unwrap();
        let id = form.split("name=\"id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let again = format!("form={}&id={id}", word());
        let taken = || {
            let all = ["slack", "email"].into_iter().flat_map(|own| world.notifiers.taken(own));
            all.filter(|own| own == id).count()
        };
        assert_eq!(taken(), 1);
        let refused = bob.post("/notifications/replay", &again).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.readable());
        let sent = anna.post("/notifications/replay", &again).await;
        assert_eq!(sent.to.as_deref(), Some("/notifications?done=sent-once-more"));
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(taken(), 2, "once more, and once");
        let unknown = format!("form={}&id=%3Cscript%3E", word());
        let unknown = anna.post("/notifications/replay", &unknown).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        unknown.says_not("<script>");
    });
}

#[test]
fn a_channel_is_tried_and_says_what_became_of_it() {
    let world = World::new("prod: root, steps 100%/2s").changed_by(told);
    world.live(async |life| {
        life.prepare().await;
        let (anna, bob) = (Browser::of(&life.engine, "anna"), Browser::of(&life.engine, "bob"));
        let test = |channel: &str| format!("form={}&channel={channel}", word());
        let done = anna.post("/notifications/test", &test("slack")).await;
        assert_eq!(done.to.as_deref(), Some("/notifications?done=arrived"), "{}", done.readable());
        assert_eq!(world.notifiers.taken("slack").len(), 1);
        world.notifiers.behaves("slack", ChannelManner::Refuses);
        let lost = anna.post("/notifications/test", &test("slack")).await;
        assert_eq!(lost.status, StatusCode::CONFLICT);
        lost.says("The test did not arrive at slack")
            .says("Never.")
            .says("towpath notify test slack");
        for (who, channel, status) in [
            (&bob, "slack", StatusCode::FORBIDDEN),
            (&anna, "carrier-pigeon", StatusCode::NOT_FOUND),
            (&anna, "%3Cscript%3E", StatusCode::NOT_FOUND),
        ] {
            let seen = who.post("/notifications/test", &test(channel)).await;
            assert_eq!(seen.status, status, "{channel}: {}", seen.readable());
            seen.says_not("<script>alert");
        }
        assert_eq!(world.notifiers.sent("slack").len(), 2, "nobody else's test was sent");
    });
}

#[test]
fn without_channels_the_page_teaches_how_one_is_declared() {
    let world = World::new("prod: root");
    world.live(async |life| {
        life.prepare().await;
        let page = Browser::of(&life.engine, "anna").get("/notifications").await;
        page.says("The matrix declares none").says("notifiers:").says("no environment has");
    });
}
