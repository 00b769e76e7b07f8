//! Measures how many durable turns a second the store writes beside the bare database on the same
//! disk, in interleaved rounds, and prints medians. Owns no bar: it reports.
//!
//! `cargo run --release --example journal_rate -p towpath-store [-- SECONDS_PER_RUN ROUNDS]`
//!
//! A turn is what a step of a rollout writes: one event and one state. The bare database writes the
//! same events (same columns, same sizes) and nothing else, through the same driver on one connection
//! with the same durability: one INSERT and one commit per event, or 64 in one INSERT and one commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use towpath_core::ids::{Epoch, LaneId, Name, PromotionNumber};
use towpath_core::units::Timestamp;
use towpath_ports::store::{NewEvent, StateRow, Store as _, StoreIdentity, Turn};
use towpath_store::SqlStore;

/// Writers at once, as in the promotions benchmark, and rows in one bare INSERT.
const WRITERS: u64 = 64;

const NAMES: [&str; 4] = [
    "bare, one row per commit",
    "bare, 64 rows per commit",
    "store, sequential",
    "store, 64 writers",
];

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let seconds = Duration::from_secs(arguments.next().unwrap_or(2));
    let rounds = arguments.next().unwrap_or(5);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut rates = [const { Vec::new() }; 4];
    for round in 0..rounds {
        let path = |name: &str| directory.path().join(format!("{round}-{name}.db"));
        let place = |name: &str| path(name).display().to_string();
        rates[0].push(bare(&place("bare-1"), 1, seconds).await);
        rates[2].push(sequential(&place("store-1"), seconds).await);
        rates[1].push(bare(&place("bare-64"), WRITERS, seconds).await);
        rates[3].push(concurrent(&place("store-64"), seconds).await);
    }
    let ratios = [(2, 0), (3, 1), (3, 0)].map(|(ours, bare)| {
        // Of the same round: the disk of a shared machine differs more between rounds than these do.
        let mut paired: Vec<f64> =
            rates[ours].iter().zip(&rates[bare]).map(|(ours, bare)| ours / bare).collect();
        paired.sort_by(f64::total_cmp);
        format!("{} / {}: {:.2}", NAMES[ours], NAMES[bare], median(&paired))
    });
    let mut lines = vec![format!("durable events/s, SQLite synchronous=FULL, {rounds} rounds")];
    for (name, rates) in NAMES.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        let (least, most) = (rates[0], rates[rates.len() - 1]);
        lines.push(format!("{name:<26} {:>8.0}  [{least:.0} - {most:.0}]", median(rates)));
    }
    lines.extend(ratios);
    lines.push(String::new());
    let report = lines.join("\n");
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes()).expect("stdout is open");
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact")]
fn rate(count: u64, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

fn turn(key: &str, version: u64) -> Turn {
    Turn {
        id: format!("{key}-{version}"),
        at: Timestamp(1_800_000_000_000_000),
        events: vec![NewEvent {
            lane: Some(LaneId::try_from("api/production".to_owned()).expect("a lane")),
            promotion: Some(PromotionNumber(7)),
            actor: "guard".to_owned(),
            kind: "step-passed".to_owned(),
            body: json!({ "step": version, "weight": "10%", "verdict": "healthy", "total": 12_345, "failed": 3 }),
        }],
        states: vec![StateRow {
            key: key.to_owned(),
            version,
            body: json!({ "promotion": 7, "step": version, "state": "baking", "since": 1_800_000_000 }),
        }],
        ..Turn::default()
    }
}

async fn open(place: &str) -> (SqlStore, Epoch) {
    let identity = StoreIdentity { project: Name::new("bench").expect("a name"), speed: 1 };
    let store = SqlStore::open(place, &identity).await.expect("the store opens");
    let epoch = store.take_ownership(Timestamp(1)).await.expect("nobody else is there");
    (store, epoch)
}

async fn sequential(place: &str, time: Duration) -> f64 {
    let (store, epoch) = open(place).await;
    let began = Instant::now();
    let mut version = 0;
    while began.elapsed() < time {
        version += 1;
        store.commit(epoch, &turn("lane", version)).await.expect("it is written");
    }
    let rate = rate(version, began);
    store.close().await;
    rate
}

async fn concurrent(place: &str, time: Duration) -> f64 {
    let (store, epoch) = open(place).await;
    let store = Arc::new(store);
    let began = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let key = format!("lane-{writer}");
                let mut version = 0;
                while began.elapsed() < time {
                    version += 1;
                    store.commit(epoch, &turn(&key, version)).await.expect("it is written");
                }
                version
            })
        })
        .collect();
    let mut count = 0;
    for writer in writers {
        count += writer.await.expect("no writer panics");
    }
    rate(count, began)
}

async fn bare(place: &str, rows: u64, time: Duration) -> f64 {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{place}?mode=rwc");
    let mut connection = AnyConnection::connect(&url).await.expect("the database opens");
    let schema = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
        CREATE TABLE events (seq INTEGER NOT NULL PRIMARY KEY, at BIGINT NOT NULL, lane TEXT, \
        promotion BIGINT, actor TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, \
        hash TEXT NOT NULL)";
    sqlx::raw_sql(schema).execute(&mut connection).await.expect("it takes the schema");
    let places = vec!["(?,?,?,?,?,?,?,?)"; usize::try_from(rows).expect("small")].join(",");
    let sql = format!("INSERT INTO events VALUES {places}");
    let hash = format!("sha256:{}", "5".repeat(64));
    let began = Instant::now();
    let mut count: u64 = 0;
    while began.elapsed() < time {
        let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
        for _ in 0..rows {
            count += 1;
            let turn = turn("lane", count);
            let event = &turn.events[0];
            query = query
                .bind(i64::try_from(count).expect("small"))
                .bind(turn.at.0)
                .bind("api/production")
                .bind(7_i64)
                .bind(event.actor.clone())
                .bind(event.kind.clone())
                .bind(event.body.to_string())
                .bind(hash.clone());
        }
        query.execute(&mut connection).await.expect("it is written");
    }
    let rate = rate(count, began);
    connection.close().await.expect("it closes");
    rate
}
