//! The journal as a file, for whoever may look at it: as the command line writes it, without bodies in which secrets
//! stand. Streamed, so that its size costs nothing; a stream that breaks ends as broken, and never as whole.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use towpath_audit::chain::genesis;
use towpath_audit::export::{Format, Line, head};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_engine::Engine;
use towpath_ports::store::EventRow;

use super::search::{Sought, Wanted};
use crate::error::Answer;
use crate::pages::frame::Look;
use crate::signin::Pass;

/// Events that are read at once: some hundred KiB, and a look at the session between two of them.
const AT_ONCE: u32 = 500;

pub(in crate::pages) async fn show(
    look: Look,
    pass: Pass,
    Query(wanted): Query<Wanted>,
) -> Response {
    match exported(&look, pass, &wanted).await {
        Ok(answer) => answer,
        Err(refused) => look.refuse(refused),
    }
}

async fn exported(look: &Look, pass: Pass, wanted: &Wanted) -> Answer<Response> {
    let (format, kind, ending) = match wanted.format.as_str() {
        "" | "jsonl" => (Format::Jsonl, "application/x-ndjson", "jsonl"),
        "csv" => (Format::Csv, "text/csv; charset=utf-8; header=present", "csv"),
        other => {
            let message = "nothing was exported";
            let cause = format!("`{}` is no form of an export", other.escape_debug());
            return Err(Refusal::new(RefusalKind::Usage, "bad-query", message, cause)
                .at("query: format")
                .next("?format=jsonl", "JSON lines")
                .next("?format=csv", "for spreadsheets")
                .into());
        }
    };
    let sought = wanted.sought()?;
    let (after, before) = sought.bounds(&look.engine).await?;
    let engine = look.engine.clone();
    let setup = engine.setup();
    let name = format!("attachment; filename=\"{}-journal.{ending}\"", setup.project);
    let previous = match after {
        0 => genesis(&setup.project, setup.speed).to_string(),
        after => hash_of(&engine, after).await?,
    };
    let sending = Sending { engine, pass, sought, format, after, before, previous, is_first: true };
    let body = Body::from_stream(stream::try_unfold(sending, next));
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, body).into_response())
}

async fn hash_of(engine: &Engine, seq: u64) -> Answer<String> {
    let rows = engine.events(seq - 1, 1).await?;
    Ok(rows.first().map(|row| row.hash.to_string()).unwrap_or_default())
}

/// An export that is under way.
struct Sending {
    engine: Engine,
    pass: Pass,
    sought: Sought,
    format: Format,
    /// The last event that was read.
    after: u64,
    /// The first that is none of it: what happens meanwhile belongs to the next export.
    before: u64,
    /// The hash of the last event that was read.
    previous: String,
    is_first: bool,
}

/// The next lines; none at the end.
async fn next(mut sending: Sending) -> io::Result<Option<(Bytes, Sending)>> {
    let mut lines =
        if std::mem::take(&mut sending.is_first) { head(sending.format) } else { String::new() };
    while sending.after + 1 < sending.before {
        if !sending.pass.goes_on().await {
            return Err(io::Error::other("the session has ended"));
        }
        sending.read(&mut lines).await?;
        if !lines.is_empty() {
            break;
        }
    }
    Ok((!lines.is_empty()).then(|| (Bytes::from(lines), sending)))
}

impl Sending {
    /// Adds the lines of the next events that are looked for.
    async fn read(&mut self, lines: &mut String) -> io::Result<()> {
        let rows = self.engine.events(self.after, AT_ONCE).await.map_err(io::Error::other)?;
        let written =
            self.engine.written_events(self.after, AT_ONCE).await.map_err(io::Error::other)?;
        if rows.is_empty() {
            return Err(io::Error::other("the journal ended before its end"));
        }
        let setup = self.engine.setup();
        for (row, event) in rows.iter().zip(written) {
            if row.seq >= self.before {
                self.after = self.before;
                return Ok(());
            }
            let mut line = Line::of(&setup.project, setup.speed, event, &self.previous);
            self.previous.clone_from(&line.hash);
            self.after = row.seq;
            if self.sought.is(row) {
                if has_secrets(row) {
                    line.body = None;
                }
                lines.push_str(&line.written(self.format));
            }
        }
        Ok(())
    }
}

/// Whether the body has something that no reader is shown.
fn has_secrets(row: &EventRow) -> bool {
    let mut shown = row.body.clone();
    towpath_config::hide_secrets(&mut shown);
    shown != row.body
}
