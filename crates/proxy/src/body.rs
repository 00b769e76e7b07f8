//! Bodies on their way through, in both directions. Owns what the end or the failure of a body
//! means for the request's account; changes no byte.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use towpath_guard::ErrorKind;

use crate::mirror::Pair;
use crate::pool::Connection;
use crate::record::{Admitted, Record};

/// A response that streams longer than this counts as answered; it may go on for hours.
const LONG_STREAM_US: u32 = 5_000_000;

/// What is known of a request body while the upstream reads it.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    /// When the last piece went through, in microseconds of the worker's clock.
    pub(crate) last_us: Cell<u64>,
    /// Whether the upstream would take more and the client sends none.
    pub(crate) awaits_visitor: Cell<bool>,
    /// Whether the client broke off.
    pub(crate) broken: Cell<bool>,
}

/// The body of a request on its way up.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// None at all: such a request can be sent again.
    Empty,
    /// One that was read whole before, so that it can be sent again; none once it was handed over.
    Whole(Option<Bytes>),
    /// A visitor's body, which can be read once.
    Incoming(Incoming, Rc<Upload>, crate::Clock),
}

/// The body of a response on its way down.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    /// A sentence of the proxy itself.
    Text(Option<Bytes>),
    /// What the upstream sends.
    Forwarded(Box<Forwarded>),
}

/// An upstream's body with the account of its request.
#[derive(Debug)]
pub(crate) struct Forwarded {
    inner: Incoming,
    record: Record,
    /// Given back to the pool at the end of the body; a connection with half a body left is not.
    connection: Option<Connection>,
    _admitted: Admitted,
    /// Where its bytes are compared with those of another arm.
    pair: Option<Rc<Pair>>,
}

impl Forwarded {
    pub(crate) fn new(
        inner: Incoming,
        mut record: Record,
        connection: Connection,
        admitted: Admitted,
        (server_error, pair): (bool, Option<Rc<Pair>>),
    ) -> Self {
        if server_error {
            record.finish(ErrorKind::None);
        }
        let mut forwarded =
            Self { inner, record, connection: Some(connection), _admitted: admitted, pair };
        if forwarded.inner.is_end_stream() {
            forwarded.complete();
        }
        forwarded
    }

    fn complete(&mut self) {
        // Often the last look at the clock for this request: it serves both.
        let now_us = self.record.now_us();
        self.record.complete(now_us);
        if let Some(pair) = self.pair.take() {
            pair.blue_ended();
        }
        if let Some(connection) = self.connection.take() {
            connection.give_back(now_us);
        }
    }

    fn fail(&mut self) {
        match self.connection.take() {
            Some(connection) if connection.was_cut() => self.record.cut(),
            _ => self.record.finish(ErrorKind::Reset),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let forwarded = match self.get_mut() {
            Self::Text(text) => return Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Forwarded(forwarded) => forwarded,
        };
        let polled = Pin::new(&mut forwarded.inner).poll_frame(context);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => forwarded.complete(),
            Poll::Ready(Some(Err(_))) => forwarded.fail(),
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(pair), Some(piece)) = (&forwarded.pair, frame.data_ref()) {
                    pair.blue_piece(piece);
                }
                if forwarded.inner.is_end_stream() {
                    forwarded.complete();
                } else if !forwarded.record.is_counted()
                    && forwarded.record.elapsed_us() > LONG_STREAM_US
                {
                    forwarded.record.finish(ErrorKind::None);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Forwarded(forwarded) => forwarded.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Self::Forwarded(forwarded) => forwarded.inner.size_hint(),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let (inner, upload, clock) = match self.get_mut() {
            Self::Empty => return Poll::Ready(None),
            Self::Whole(whole) => return Poll::Ready(whole.take().map(|all| Ok(Frame::data(all)))),
            Self::Incoming(inner, upload, clock) => (inner, upload, clock),
        };
        let polled = Pin::new(inner).poll_frame(context);
        upload.awaits_visitor.set(polled.is_pending());
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Err(_))) => upload.broken.set(true),
            Poll::Ready(_) => upload.last_us.set(clock.now_us()),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(None) => true,
            Self::Whole(Some(_)) => false,
            Self::Incoming(inner, ..) => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Whole(None) => SizeHint::with_exact(0),
            Self::Whole(Some(whole)) => SizeHint::with_exact(whole.len() as u64),
            Self::Incoming(inner, ..) => inner.size_hint(),
        }
    }
}
