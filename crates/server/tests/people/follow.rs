//! The one stream: nothing is missed and nothing sent twice, nobody is sent what they did not ask for, whoever
//! cannot follow is told the state, and a token that ends takes its streams with it.

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use towpath_core::matrix::Matrix;

use crate::words::{LANE, order, world};
use crate::world::{As, World};

/// One who follows.
struct Stream {
    body: BodyDataStream,
    read: String,
}

impl Stream {
    async fn open(world: &World, query: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = Request::get(format!("/v1/stream{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, body) = world.answered(request.body(Body::empty()).unwrap()).await;
        assert_eq!(parts.status, 200);
        assert_eq!(parts.headers["content-type"], "text/event-stream");
        let mut stream = Self { body: body.into_data_stream(), read: String::new() };
        let first = stream.message().await.unwrap();
        let wait: u64 = first.strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((2_000..=4_000).contains(&wait), "{wait}");
        stream
    }

    /// The next message; none when the stream has ended.
    async fn message(&mut self) -> Option<String> {
        loop {
            if let Some((message, rest)) = self.read.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.read = rest;
                return Some(message);
            }
            let piece = self.body.next().await?.unwrap();
            self.read.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next of them that is about the journal or the state: its name, its id, its data.
    async fn next(&mut self) -> Option<(String, u64, Value)> {
        loop {
            let message = self.message().await?;
            let field = |name: &str| {
                message.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default()
            };
            if field("event: ") == "telemetry" || message.starts_with(':') {
                continue;
            }
            let id = field("id: ").parse().unwrap();
            let data = serde_json::from_str(field("data: ")).unwrap();
            return Some((field("event: ").to_owned(), id, data));
        }
    }
}

const LEAD: &[(&str, &str)] = &[("towpath-acting-as", "lead")];

async fn freeze(world: &World, place: &str) {
    let body = json!({ "by": "x", "reason": "x", "environment": place, "for": 60_000 });
    let answer = world.post(&As::Person("freeze"), "/v1/freezes", &body).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

#[tokio::test]
async fn f31_whoever_comes_back_is_sent_each_event_once_and_in_order() {
    let world = world().await;
    let mut whole = Stream::open(&world, "?after=0", LEAD).await;
    freeze(&world, "staging").await;
    freeze(&world, "production").await;
    let rows = world.engine.events(0, 1000).await.unwrap();
    for row in &rows {
        let (event, id, data) = whole.next().await.unwrap();
        assert_eq!((event.as_str(), id), ("journal", row.seq));
        assert_eq!(data["kind"], row.kind.as_str());
    }
    // It is the header that counts when a client comes back to the address that it first asked for.
    let middle = rows[rows.len() / 2].seq;
    let id = middle.to_string();
    let headers = [LEAD[0], ("last-event-id", id.as_str())];
    let mut again = Stream::open(&world, "?after=0", &headers).await;
    freeze(&world, "staging").await;
    let rows = world.engine.events(middle, 1000).await.unwrap();
    assert!(rows.len() > 2, "{rows:?}");
    for row in &rows {
        assert_eq!(again.next().await.unwrap().1, row.seq);
    }
    let wrong =
        Request::get("/v1/stream").header(LEAD[0].0, LEAD[0].1).header("last-event-id", "x");
    let (parts, _) = world.send(wrong.body(Body::empty()).unwrap()).await;
    assert_eq!(parts.status, 400);
}

#[tokio::test]
async fn a_stream_has_what_was_asked_for_and_no_secret() {
    let world = world().await;
    let mut frozen = Stream::open(&world, "?kinds=frozen", LEAD).await;
    let mut lane = Stream::open(&world, "?lane=app/staging", LEAD).await;
    let mut matrices = Stream::open(&world, "?kinds=matrix-applied", LEAD).await;
    let mut changed: Matrix = world.matrix.clone();
    for own in changed.environments[0].lanes.values_mut() {
        own.settings.insert("DB_PASSWORD".to_owned(), "hunter2".to_owned());
    }
    world.apply(&changed).await;
    let promoted =
        world.post(&As::Person("promote"), &format!("{LANE}/promotions"), &order("1.0.0")).await;
    assert_eq!(promoted.status, 202, "{promoted:?}");
    assert_eq!(promoted.body["promotion"], 1);
    freeze(&world, "production").await;
    assert_eq!(frozen.next().await.unwrap().2["kind"], "frozen");
    assert_eq!(lane.next().await.unwrap().2["kind"], "promotion-requested");
    let (_, _, applied) = matrices.next().await.unwrap();
    let text = applied.to_string();
    assert!(text.contains("DB_PASSWORD") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn f31_whoever_cannot_follow_is_told_the_state_once_and_goes_on_from_there() {
    let world = world().await;
    let mut slow = Stream::open(&world, "", LEAD).await;
    // Nobody reads meanwhile.
    for _ in 0..300 {
        freeze(&world, "staging").await;
    }
    // Those who write and those who follow share this thread: let what was written go out.
    tokio::task::yield_now().await;
    let last = world.engine.last_event().await.unwrap();
    let (event, id, state) = slow.next().await.unwrap();
    assert_eq!((event.as_str(), id), ("resync", last));
    assert!(state["lanes"].is_array(), "{state}");
    freeze(&world, "production").await;
    let (event, id, _) = slow.next().await.unwrap();
    assert!(event == "journal" && id > last, "{event} {id}");
}

#[tokio::test]
async fn f31_many_who_cannot_follow_are_sent_one_state_and_then_all_that_is_not_in_it() {
    let world = world().await;
    let mut first = Stream::open(&world, "", LEAD).await;
    let mut second = Stream::open(&world, "", LEAD).await;
    for _ in 0..300 {
        freeze(&world, "staging").await;
    }
    tokio::task::yield_now().await;
    let (event, of_first, _) = first.next().await.unwrap();
    assert_eq!(event, "resync");
    // The state that was written for the first one is as old as this when it is sent to the second.
    for _ in 0..3 {
        freeze(&world, "production").await;
    }
    tokio::task::yield_now().await;
    let last = world.engine.last_event().await.unwrap();
    let (event, mut at, _) = second.next().await.unwrap();
    assert!(event == "resync" && at >= of_first, "{event} {at}");
    freeze(&world, "staging").await;
    while at <= last {
        let (event, id, _) = second.next().await.unwrap();
        assert_eq!((event.as_str(), id), ("journal", at + 1));
        at = id;
    }
}

#[tokio::test]
async fn t13_the_stream_ends_with_the_token_that_opened_it() {
    let world = world().await;
    let made = world.post(&As::Person("ada"), "/v1/tokens", &json!({ "name": "one" })).await;
    let bearer = format!("Bearer {}", made.body["token"].as_str().unwrap());
    let mut stream = Stream::open(&world, "", &[("authorization", &bearer)]).await;
    freeze(&world, "staging").await;
    assert_eq!(stream.next().await.unwrap().0, "journal");
    let path = format!("/v1/tokens/{}/revoke", made.body["id"].as_str().unwrap());
    let ended = world.post(&As::Person("ada"), &path, &json!({})).await;
    assert_eq!(ended.status, 200, "{ended:?}");
    // Not even that it ended is told to it.
    assert_eq!(stream.next().await, None);
}
