//! The journal as lines that prove themselves, for whoever may look at it: as the command line writes it, without bodies
//! in which secrets stand. Streamed, so that its size costs nothing; a stream that breaks ends as broken, and never as
//! whole. Knows no address.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::stream;
use towpath_audit::chain::genesis;
use towpath_audit::export::{Format, Line, head};
use towpath_core::ids::TokenId;
use towpath_engine::Engine;
use towpath_ports::store::{EventRow, StoreError};

use crate::signin::Pass;

/// Events that are read at once: some hundred KiB, and a look at who asks between two of them.
const AT_ONCE: u32 = 500;

/// As whom an export is read.
pub(crate) struct Reader {
    /// Whoever signed in.
    pub(crate) pass: Pass,
    /// The token that the request came with.
    pub(crate) token: Option<TokenId>,
}

impl Reader {
    async fn goes_on(&self, engine: &Engine) -> bool {
        let is_open = self.token.as_ref().is_none_or(|token| engine.is_token_in_force(token));
        is_open && self.pass.goes_on().await
    }
}

/// An export that is under way.
pub(crate) struct Exporting {
    engine: Engine,
    reader: Reader,
    wants: Box<dyn Fn(&EventRow) -> bool + Send>,
    format: Format,
    /// The last event that was read.
    after: u64,
    /// The first that is none of it: what happens meanwhile belongs to the next export.
    before: u64,
    /// The hash of the last event that was read.
    previous: String,
    is_first: bool,
}

impl Exporting {
    /// The events between `after` and `before`, both excluded, that `wants` takes.
    ///
    /// # Errors
    /// Whatever the store says.
    pub(crate) async fn new(
        engine: &Engine,
        reader: Reader,
        (after, before): (u64, u64),
        format: Format,
        wants: Box<dyn Fn(&EventRow) -> bool + Send>,
    ) -> Result<Self, StoreError> {
        let engine = engine.clone();
        let previous = match after.checked_sub(1) {
            None => genesis(&engine.setup().project, engine.setup().speed).to_string(),
            Some(before) => {
                let rows = engine.events(before, 1).await?;
                rows.first().map(|row| row.hash.to_string()).unwrap_or_default()
            }
        };
        Ok(Self { engine, reader, wants, format, after, before, previous, is_first: true })
    }

    /// As the body of an answer.
    pub(crate) fn into_body(self) -> Body {
        Body::from_stream(stream::try_unfold(self, Self::next))
    }

    /// The next lines; none at the end.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let mut lines =
            if std::mem::take(&mut self.is_first) { head(self.format) } else { String::new() };
        while self.after.saturating_add(1) < self.before {
            if !self.reader.goes_on(&self.engine).await {
                return Err(io::Error::other("whoever asked may not look any more"));
            }
            self.read(&mut lines).await?;
            if !lines.is_empty() {
                break;
            }
        }
        Ok((!lines.is_empty()).then(|| (Bytes::from(lines), self)))
    }

    /// Adds the lines of the next events that are wanted.
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
            if (self.wants)(row) {
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
