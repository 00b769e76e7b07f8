//! The journal: read and followed. Shows no secret of a matrix; the journal keeps them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast::{self, error::RecvError};
use towpath_core::ids::TokenId;
use towpath_core::plan::Plan;
use towpath_engine::Engine;
use towpath_ports::store::EventRow;

use crate::caller::Through;
use crate::error::Answer;
use crate::openapi::{Gives, Operation};
use crate::paging::{Listed, Paged, Part};
use crate::routes::App;
use crate::signin::{LOOKED_AT_EVERY, Pass};

/// Events that are read at once.
const PAGE: u32 = 1000;
/// Events among which those of a promotion are looked for, for one answer.
const MOST_LOOKED_AT: usize = 10_000;

/// Which events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those after this event.
    after: Option<u64>,
    /// Only those of this promotion.
    promotion: Option<u64>,
    /// Whether the answer goes on with what happens, as lines.
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
pub(crate) fn hide(body: &mut Value) {
    let plan: Option<Plan> = body.get("plan").and_then(|plan| Plan::deserialize(plan).ok());
    towpath_config::hide_secrets(body);
    if let (Some(plan), Some(body)) = (plan, body.as_object_mut()) {
        body.insert("plan_hash".to_owned(), Value::from(plan.hash().to_string()));
    }
}

/// Events, as a list or as they come.
pub(crate) enum Told {
    /// Some of those that there are.
    Read(Listed<Vec<EventRow>>),
    /// All of them, and more.
    Followed(Box<Followed>),
}

/// Lines of JSON.
const LINES: &str = "application/x-ndjson";

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        match self {
            Self::Read(rows) => rows.into_response(),
            Self::Followed(followed) => {
                let lines = [(header::CONTENT_TYPE, LINES)];
                (lines, Body::from_stream(follow(*followed))).into_response()
            }
        }
    }
}

impl Gives for Told {
    fn gives(operation: &mut Operation) {
        operation.answers::<Vec<EventRow>>(StatusCode::OK);
        operation.streams(LINES);
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    Through(token): Through,
    pass: Pass,
    Paged { wanted, part }: Paged<Wanted>,
) -> Answer<Told> {
    let after: Option<u64> = part.after()?;
    let after = after.max(wanted.after).unwrap_or(0);
    if wanted.follow {
        let followed = Followed {
            news: app.engine.news(),
            engine: app.engine,
            token,
            pass,
            at: after,
            wanted,
        };
        return Ok(Told::Followed(Box::new(followed)));
    }
    Ok(Told::Read(read(&app.engine, &wanted, after, part).await?))
}

/// A page may be shorter than was asked for, even empty, where it is about one promotion of many: what is looked
/// at for one answer is bounded, and the next one goes on from there.
async fn read(
    engine: &Engine,
    wanted: &Wanted,
    mut at: u64,
    part: Part,
) -> Answer<Listed<Vec<EventRow>>> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    let step = match wanted.promotion {
        Some(_) => PAGE,
        None => u32::try_from(part.limit() + 1).unwrap_or(PAGE),
    };
    loop {
        let rows = engine.events(at, step).await?;
        let Some(last) = rows.last().map(|row| row.seq) else {
            return Ok(part.listed(found, None::<&u64>));
        };
        at = last;
        looked_at += rows.len();
        found.extend(wanted.shown(rows));
        if found.len() > part.limit() {
            found.truncate(part.limit());
            let last = found.last().map(|row| row.seq);
            return Ok(part.listed(found, last.as_ref()));
        }
        if looked_at >= MOST_LOOKED_AT {
            return Ok(part.listed(found, Some(&at)));
        }
    }
}

/// What somebody follows.
pub(crate) struct Followed {
    engine: Engine,
    news: broadcast::Receiver<Arc<EventRow>>,
    /// The token that it was asked for with.
    token: Option<TokenId>,
    /// The same of a session.
    pass: Pass,
    /// The last event that was read.
    at: u64,
    wanted: Wanted,
}

impl Followed {
    /// The next lines; none when the engine has stopped, or the token opens nothing any more.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.token.as_ref().is_some_and(|token| !self.engine.is_token_in_force(token)) {
                return None;
            }
            if !self.pass.goes_on().await {
                return None;
            }
            let rows = self.engine.events(self.at, PAGE).await.ok()?;
            if let Some(last) = rows.last().map(|row| row.seq) {
                self.at = last;
                let lines = lines_of(&self.wanted.shown(rows));
                if !lines.is_empty() {
                    return Some(Bytes::from(lines));
                }
                continue;
            }
            // An error is a reader that fell behind: the journal has what it missed.
            let more = async { !matches!(self.news.recv().await, Err(RecvError::Closed)) };
            let goes_on = match &self.token {
                None if !self.pass.is_of_session() => more.await,
                _ => tokio::time::timeout(LOOKED_AT_EVERY, more).await.unwrap_or(true),
            };
            if !goes_on {
                return None;
            }
        }
    }
}

/// Events from the journal, then as they are written: news only say that there is more to read, so
/// a slow reader misses nothing.
fn follow(followed: Followed) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(followed, |mut followed| async move {
        followed.next().await.map(|lines| (Ok(lines), followed))
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
        let wanted = Wanted { after: None, promotion: Some(7), follow: false };
        let shown = wanted.shown(vec![row(Some(7)), row(None)]);
        let lines = lines_of(&shown);
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(!lines.contains("hunter2") && lines.contains("info"), "{lines}");
    }
}
