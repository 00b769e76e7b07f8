//! Reads a report that is JSON. Owns that reading ends when nobody
//! waits for it; knows no format.

use std::io;

use serde::de::DeserializeOwned;

use super::{Report, Stop, Wrong, short};

/// How much is parsed between two looks at the stop sign, in bytes.
const PIECE: usize = 64 * 1024;

/// The report as an object of type `T`. Properties that `T` does not name may be anything; one that
/// it names may stand once.
///
/// # Errors
/// What cannot be read, and where.
pub(crate) fn object<T: DeserializeOwned>(report: &Report<'_>) -> Result<T, Wrong> {
    // A list would be taken for an object whose members stand in order.
    if report.text.trim_start().starts_with('[') {
        return Err(Wrong::whole("it begins with a list"));
    }
    // With a buffer of its own, so that the stop sign is looked at once for each piece.
    let watched = Watched { text: report.text.as_bytes(), stop: report.stop };
    let reader = io::BufReader::with_capacity(PIECE, watched);
    serde_json::from_reader(reader).map_err(|error| wrong(&error))
}

fn wrong(error: &serde_json::Error) -> Wrong {
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default();
    // A value of another type may quote all of a text.
    Wrong { place: Some((error.line(), error.column())), why: short(why) }
}

/// A text that ends with an error when nobody waits for what is in it.
struct Watched<'a> {
    text: &'a [u8],
    stop: &'a Stop,
}

impl io::Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check().map_err(|wrong| io::Error::other(wrong.why))?;
        self.text.read(buffer)
    }
}
