//! The quiet hour that `plan` and `why` name, with the real binary and its journal. Which hour follows from
//! which counts is tested in the core.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _};
use towpath_e2e::World;

use crate::{AT_ONCE, json, routed};

/// Seconds of an hour.
const HOUR: u64 = 3_600;

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs()
}

/// Nine days in the journal in which the lane counted 4,000 requests in each hour, and 120 in one of UTC.
fn count(world: &World, quiet: u64) {
    let quarter = seconds() / 900;
    let sql = format!(
        "WITH RECURSIVE past(quarter) AS (SELECT {quarter} - 1 UNION ALL \
         SELECT quarter - 1 FROM past WHERE quarter > {quarter} - 9 * 96) \
         INSERT INTO intervals (lane, deployment, source, began_at, width_ms, total, failed) \
         SELECT 'api/production', 1, 'visitors', quarter * 900000000, 900000, \
         CASE WHEN quarter / 4 % 24 = {quiet} THEN 30 ELSE 1000 END, 0 FROM past"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let url = format!("sqlite://{}?mode=rw", world.state().join("journal.db").display());
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&url).await.expect("it opens");
        let sql = AssertSqlSafe(sql);
        let done = sqlx::raw_sql(sql).execute(&mut connection).await.expect("it can be written");
        assert_eq!(done.rows_affected(), 9 * 96);
        connection.close().await.expect("it closes");
    });
}

#[test]
fn plan_and_why_name_the_hour_in_which_the_lane_itself_counted_least() {
    let world = routed(AT_ONCE);
    let words = ["plan", "production", "--release", "1.1.0"];
    let before = json(&world, &words);
    let because = &before["quiet_hour"]["none_because"];
    assert_eq!(*because, "7 whole days of counts are needed, and 0 are kept");
    assert_eq!(before["quiet_hour"]["best"], Value::Null);

    // Far enough ahead that it is to come whenever this runs.
    let at = (seconds() / HOUR + 5) * HOUR;
    count(&world, at / HOUR % 24);
    let after = json(&world, &words);
    let hour = &after["quiet_hour"];
    assert_eq!(hour["best"]["requests"], 120, "{hour}");
    assert_eq!((&hour["usual"], &hour["busiest"]), (&4_000.into(), &4_000.into()), "{hour}");
    assert_eq!(hour["first"]["requests"], 4_000, "{hour}");
    let local = hour["best"]["local"].as_str().expect("the clock of the place");
    assert!(local.ends_with(&format!("{:02}:00 UTC", at / HOUR % 24)), "{local}");
    assert_eq!(after["hash"], before["hash"], "it is no part of what is agreed to");

    let text = world.must(&words, 0).out;
    assert!(
        text.contains(&format!("{local}, about 120 requests an hour (busiest 4,000)")),
        "{text}"
    );
    assert!(text.contains("! outside of it: starting now meets about 4,000 requests"), "{text}");

    world.must(&["freeze", "production", "--reason", "an audit", "--for", "3h"], 0);
    world.must(&["promote", "production", "--release", "1.1.0", "--no-wait", "--yes"], 0);
    let why = world.must(&["why", "production"], 0).out;
    assert!(why.contains(&format!("{local}, about 120 requests an hour")), "{why}");
    let told = json(&world, &["why", "production"]);
    assert_eq!(told["quiet_hour"]["best"], hour["best"]);
}
