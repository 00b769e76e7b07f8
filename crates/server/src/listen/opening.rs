//! The first bytes of an HTTP/2 connection, which its server waits for without limit. Owns that limit;
//! hands every byte on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Bytes that every client of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// A stream that fails when its first bytes do not come in time.
pub(super) struct Opening<Stream> {
    stream: Stream,
    received: usize,
    limit: Pin<Box<Sleep>>,
}

impl<Stream> Opening<Stream> {
    pub(super) fn new(stream: Stream, within: Duration) -> Self {
        Self { stream, received: 0, limit: Box::pin(tokio::time::sleep(within)) }
    }
}

impl<Stream: AsyncRead + Unpin> AsyncRead for Opening<Stream> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.received < PREFACE {
            self.received += buffer.filled().len() - before;
            if read.is_pending() && self.limit.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl<Stream: AsyncWrite + Unpin> AsyncWrite for Opening<Stream> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
