//! HTTP/1.1 as a strict client speaks it: an answer is whole or the request is lost. Repeats
//! nothing and follows nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// An answer that takes longer is lost.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Longest line of an answer's head, in bytes.
const MAX_LINE_BYTES: u64 = 16 * 1024;

/// Where requests are put and answers read.
pub(super) trait Duplex: Read + Write {}

impl<T: Read + Write> Duplex for T {}

/// One connection to a server, kept alive.
pub(super) struct Line {
    stream: BufReader<Box<dyn Duplex + Send>>,
}

/// One whole answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its status code.
    pub(super) status: u16,
    /// What it says in `x-release`: the release that answered, none where the proxy did.
    pub(super) release: Option<String>,
    /// Whether the server takes no further request on this connection.
    pub(super) closes: bool,
    /// Bytes of its body.
    pub(super) body_bytes: u64,
}

impl Line {
    /// A new connection over TCP.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(super) fn over_tcp(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self::new(Box::new(stream)))
    }

    /// A new connection to a unix socket.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(super) fn over_unix(path: &Path) -> Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self::new(Box::new(stream)))
    }

    fn new(stream: Box<dyn Duplex + Send>) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Sends one request and reads its whole answer.
    ///
    /// # Errors
    /// When the answer does not come, is cut short or is no HTTP.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.ask_into(request, &mut std::io::sink())
    }

    /// The same, with the answer's body.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) fn ask_whole(&mut self, request: &[u8]) -> Result<(Answer, Vec<u8>)> {
        let mut body = Vec::new();
        let answer = self.ask_into(request, &mut body)?;
        Ok((answer, body))
    }

    fn ask_into(&mut self, request: &[u8], body: &mut impl Write) -> Result<Answer> {
        self.stream.get_mut().write_all(request).context("the request was not taken")?;
        let status_line = self.line().context("no answer came")?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("no status in {status_line:?}"))?;
        let mut answer = Answer { status, ..Answer::default() };
        let mut length = None;
        loop {
            let line = self.line().context("the head broke off")?;
            let Some((name, value)) = line.split_once(':') else { break };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = Some(value.parse::<u64>()?),
                "transfer-encoding" => length = None,
                "x-release" => answer.release = Some(value.to_owned()),
                "connection" => answer.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        answer.body_bytes = match length {
            Some(length) => self.take(length, body)?,
            None => self.take_chunks(body)?,
        };
        Ok(answer)
    }

    /// A line without its end; empty is the end of a head.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let count = self.stream.by_ref().take(MAX_LINE_BYTES).read_line(&mut line)?;
        ensure!(count > 0, "the connection was closed");
        ensure!(line.ends_with('\n'), "a line without an end");
        Ok(line.trim_end().to_owned())
    }

    fn take(&mut self, length: u64, body: &mut impl Write) -> Result<u64> {
        let taken = std::io::copy(&mut self.stream.by_ref().take(length), body)?;
        if taken < length {
            bail!("the body broke off after {taken} of {length} bytes");
        }
        Ok(taken)
    }

    fn take_chunks(&mut self, body: &mut impl Write) -> Result<u64> {
        let mut total = 0;
        loop {
            let size = self.line().context("the body broke off between chunks")?;
            let size = u64::from_str_radix(&size, 16).context("a chunk without a size")?;
            total += self.take(size, body)?;
            ensure!(self.line()?.is_empty(), "a chunk without an end");
            if size == 0 {
                return Ok(total);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A server that says what it is told to, whatever it is asked.
    struct Script(Cursor<&'static [u8]>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Script {
        fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
            Ok(buffer.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn line(script: &'static [u8]) -> Line {
        Line::new(Box::new(Script(Cursor::new(script))))
    }

    #[test]
    fn answers_of_both_kinds_are_read_to_their_end_on_one_connection() {
        let mut line = line(
            b"HTTP/1.1 200 OK\r\nX-Release: a\r\nContent-Length: 3\r\n\r\nabc\
            HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
            2\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n",
        );
        let first = line.ask(b"").unwrap();
        assert_eq!((first.status, first.body_bytes, first.closes), (200, 3, false));
        assert_eq!(first.release.as_deref(), Some("a"));
        let second = line.ask(b"").unwrap();
        assert_eq!((second.status, second.body_bytes, second.closes), (503, 12, true));
    }

    #[test]
    fn an_answer_that_is_not_whole_is_none() {
        let cuts: [&[u8]; 4] = [
            b"",
            b"HTTP/1.1 200 OK\r\nContent-",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        ];
        for cut in cuts {
            assert!(line(cut).ask(b"").is_err(), "{}", String::from_utf8_lossy(cut));
        }
    }
}
