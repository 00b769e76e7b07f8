//! Counts from the logs of reverse proxies: one line for one request, to whom it went and how it ended.
//! Owns what a line means for an arm; the forms of the lines and the file they stand in are beside it.
//!
//! Evidence is the first attempt alone: a proxy that asks another server after a failure hides whose
//! failure it was, unless the line says so. A line that cannot be read may be a failure; it is counted,
//! and the first one is shown.

mod haproxy;
mod nginx;
mod seconds;
mod source;
mod tail;

pub(super) use haproxy::KIND as HAPROXY;
pub(super) use nginx::KIND as NGINX;

/// One request as a line of a log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// When it was answered, in seconds since 1970.
    at: i64,
    /// The server that it went to first, by its name or its address; none when it went to none.
    server: Option<String>,
    /// The status that the client got; none when it got none.
    status: Option<u16>,
    /// Milliseconds until the head of the answer, or until its end where the line says only that.
    latency_ms: Option<u64>,
    end: End,
}

/// How a request ended for the server that it went to first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
    /// The client went away first, or was too slow: no evidence.
    Aborted,
    /// No server had to do with it, or it ended for reasons of the proxy's own: no evidence.
    Nobodys,
}

/// Why a line could not be read, in a few words.
type Unreadable = &'static str;

#[cfg(test)]
mod tests {
    use super::*;

    /// `server status end` of each line that could be read, and the number of those that could not.
    pub(super) fn read(
        sample: &[u8],
        parse: impl Fn(&[u8]) -> Result<Entry, Unreadable>,
    ) -> (Vec<String>, usize) {
        let lines = sample.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let parsed: Vec<_> = lines.map(parse).collect();
        let read = parsed.iter().flatten().map(|entry| {
            let server = entry.server.as_deref().unwrap_or("nobody");
            let status = entry.status.map_or_else(|| "none".to_owned(), |it| it.to_string());
            format!("{server} {status} {:?}", entry.end)
        });
        (read.collect(), parsed.iter().filter(|one| one.is_err()).count())
    }
}
