//! One visitor's connection: TLS or not, HTTP/1.1 or HTTP/2, until it ends or is asked to. Owns the
//! limits on what a visitor may keep us waiting for.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::assign;
use crate::forward::{self, Visitor};
use crate::headers::Sender;
use crate::live::RouteCell;
use crate::socket::Socket;
use crate::worker::Worker;

/// For a request head, and for the next request on an idle connection: what nginx allows
/// (`client_header_timeout`).
const HEAD_TIMEOUT: Duration = Duration::from_mins(1);
/// For a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest request head, in bytes: nginx takes four buffers of 8 kB by default, HAProxy 16 kB.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most header fields of a request.
const MAX_FIELDS: usize = 128;
/// Requests under way on one HTTP/2 connection (RFC 9113 section 6.5.2 asks for at least 100).
const MAX_STREAMS: u32 = 256;
/// Between looks at a connection that has sent only the beginning of an HTTP/2 preface.
const PREFACE_PAUSE: Duration = Duration::from_millis(5);
/// What only HTTP/2 starts with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Serves a connection to its end.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    cell: Arc<RouteCell>,
    (stream, peer): (TcpStream, SocketAddr),
    closing: watch::Receiver<bool>,
) {
    // Without it small answers wait for the visitor's acknowledgement.
    let _best_effort = stream.set_nodelay(true);
    let tls = cell.tls.load_full();
    let secure = tls.is_some();
    let address = peer.ip().to_canonical().to_string();
    let sender = Sender {
        address: HeaderValue::try_from(address).expect("an address is printable"),
        protocol: HeaderValue::from_static(if secure { "https" } else { "http" }),
    };
    // Whoever comes from this machine is a proxy or a tool that speaks for many.
    let address = peer.ip().to_canonical();
    let client = if address.is_loopback() { 0 } else { assign::key_of(address) };
    let hung_up = Cell::new(false);
    let visitor = Rc::new(Visitor { worker, cell, sender, secure, client, hung_up });
    let Some(tls) = tls else {
        match timeout(HEAD_TIMEOUT, begins_http2(&stream)).await {
            Ok(Ok(true)) => serve_http2(visitor, stream, closing).await,
            Ok(Ok(false)) => serve_http1(visitor, Socket(stream), closing).await,
            _ => {}
        }
        return;
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, handshake).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve_http2(visitor, stream, closing).await;
    } else {
        serve_http1(visitor, stream, closing).await;
    }
}

async fn serve_http1<S>(visitor: Rc<Visitor>, stream: S, mut closing: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let drain = visitor.cell.live.load().drain;
    let for_service = Rc::clone(&visitor);
    let service = service_fn(move |request| reply(Rc::clone(&for_service), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_FIELDS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // How a visitor's connection ends is the visitor's affair.
    tokio::select! {
        biased;
        _ended = connection.as_mut() => return,
        _ = closing.wait_for(|closing| *closing) => connection.as_mut().graceful_shutdown(),
    }
    let drained = timeout(drain, connection).await;
    visitor.hung_up.set(drained.is_err());
}

async fn serve_http2<S>(visitor: Rc<Visitor>, stream: S, mut closing: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let drain = visitor.cell.live.load().drain;
    let for_service = Rc::clone(&visitor);
    let service = service_fn(move |request| reply(Rc::clone(&for_service), request));
    let connection = http2::Builder::new(LocalExecutor)
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        _ended = connection.as_mut() => return,
        _ = closing.wait_for(|closing| *closing) => connection.as_mut().graceful_shutdown(),
    }
    let drained = timeout(drain, connection).await;
    visitor.hung_up.set(drained.is_err());
}

async fn reply(
    visitor: Rc<Visitor>,
    request: Request<Incoming>,
) -> Result<forward::Answer, Infallible> {
    Ok(forward::answer(visitor, request).await)
}

/// Looks at the first bytes without taking them.
async fn begins_http2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let count = stream.peek(&mut seen).await?;
        if count == 0 || !PREFACE.starts_with(&seen[..count]) {
            return Ok(false);
        }
        if count == PREFACE.len() {
            return Ok(true);
        }
        // What is there already makes the next look return at once, hence the pause.
        sleep(PREFACE_PAUSE).await;
    }
}

/// Runs HTTP/2's streams on the worker's own thread.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
