//! The journal: read and followed. Shows no secret of a matrix; the journal keeps them.

use std::convert::Infallible;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::plan::Plan;
use towpath_engine::Engine;
use towpath_ports::store::EventRow;

use crate::error::Answer;
use crate::routes::App;

/// Most events that one answer lists.
const MOST: u32 = 1000;

/// Which events.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    after: Option<u64>,
    limit: Option<u32>,
    promotion: Option<u64>,
    #[serde(default)]
    follow: bool,
}

impl Wanted {
    fn wants(&self, row: &EventRow) -> bool {
        self.promotion.is_none_or(|number| row.promotion.is_some_and(|own| own.0 == number))
    }

    /// Those of `rows` that are wanted, without the secrets of a matrix that was applied or was in
    /// force: the journal keeps what runs, and readers need not know it.
    fn shown(&self, rows: Vec<EventRow>) -> Vec<EventRow> {
        let mut rows: Vec<EventRow> = rows.into_iter().filter(|row| self.wants(row)).collect();
        for row in &mut rows {
            hide(&mut row.body);
        }
        rows
    }
}

/// Hides the secrets of an event. A plan without them has another hash, so its own is put beside it.
fn hide(body: &mut Value) {
    let plan: Option<Plan> = body.get("plan").and_then(|plan| Plan::deserialize(plan).ok());
    towpath_config::hide_secrets(body);
    if let (Some(plan), Some(body)) = (plan, body.as_object_mut()) {
        body.insert("plan_hash".to_owned(), Value::from(plan.hash().to_string()));
    }
}

pub(crate) async fn list(State(app): State<App>, Query(wanted): Query<Wanted>) -> Answer<Response> {
    let after = wanted.after.unwrap_or(0);
    if wanted.follow {
        let lines = [(header::CONTENT_TYPE, "application/x-ndjson")];
        return Ok((lines, Body::from_stream(follow(app.engine, after, wanted))).into_response());
    }
    let limit = wanted.limit.unwrap_or(MOST).clamp(1, MOST);
    let mut found = Vec::new();
    let mut at = after;
    loop {
        let rows = app.engine.events(at, MOST).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { break };
        at = last;
        found.extend(wanted.shown(rows));
        if found.len() >= limit as usize {
            found.truncate(limit as usize);
            break;
        }
    }
    Ok(Json(found).into_response())
}

/// Events from the journal, then as they are written: news only say that there is more to read, so
/// a slow reader misses nothing.
fn follow(
    engine: Engine,
    after: u64,
    wanted: Wanted,
) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let news = engine.news();
    stream::unfold((engine, news, after, wanted), |(engine, mut news, mut at, wanted)| async move {
        loop {
            let rows = engine.events(at, MOST).await.ok()?;
            if let Some(last) = rows.last().map(|row| row.seq) {
                at = last;
                let lines = lines_of(&wanted.shown(rows));
                if !lines.is_empty() {
                    return Some((Ok(Bytes::from(lines)), (engine, news, at, wanted)));
                }
                continue;
            }
            // An error is a reader that fell behind: the journal has what it missed.
            if let Err(tokio::sync::broadcast::error::RecvError::Closed) = news.recv().await {
                return None;
            }
        }
    })
}

fn lines_of(rows: &[EventRow]) -> String {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(row).expect("a row is plain data"));
        lines.push('\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use towpath_ports::store::EventRow;

    use super::{Wanted, lines_of};

    #[test]
    fn the_secrets_of_a_matrix_in_the_journal_are_not_shown() {
        let row = |promotion: Option<u64>| -> EventRow {
            let row = json!({
                "seq": 1, "at": 1, "lane": null, "promotion": promotion,
                "actor": "ada", "kind": "matrix-applied", "hash": format!("sha256:{:064}", 0),
                "body": { "matrix": { "environments": [{ "settings": {
                    "DB_PASSWORD": "hunter2", "LEVEL": "info",
                } }] } },
            });
            serde_json::from_value(row).expect("an event as it is stored")
        };
        let wanted = Wanted { after: None, limit: None, promotion: Some(7), follow: false };
        let shown = wanted.shown(vec![row(Some(7)), row(None)]);
        let lines = lines_of(&shown);
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(!lines.contains("hunter2") && lines.contains("info"), "{lines}");
    }
}
