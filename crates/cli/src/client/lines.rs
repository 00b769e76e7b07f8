//! A stream of lines of JSON, from wherever it comes. Owns the longest line; knows no command.

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

/// Longest line of a stream: one event with the largest matrix in it.
const LONGEST_LINE: usize = 16 << 20;

/// Lines of JSON as they come.
pub(crate) struct Lines {
    body: reqwest::Body,
    buffer: BytesMut,
}

impl Lines {
    /// The lines of a body.
    pub(super) fn new(body: reqwest::Body) -> Self {
        Self { body, buffer: BytesMut::new() }
    }

    /// The next line; none when the stream has ended. Waits without limit; safe to drop while it
    /// waits, nothing that was received is lost.
    ///
    /// # Errors
    /// When the connection breaks, a line is too long, or is not what was expected. Ask again with
    /// a new stream, after the last line that was read.
    pub(crate) async fn next<Line: DeserializeOwned>(&mut self) -> anyhow::Result<Option<Line>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                if line.trim_ascii().is_empty() {
                    continue; // an empty line says only that the connection lives
                }
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            anyhow::ensure!(self.buffer.len() <= LONGEST_LINE, "a line of the stream is too long");
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame?.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}
