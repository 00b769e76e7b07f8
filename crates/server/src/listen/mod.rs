//! The network listener: connections in, requests through, within limits. Owns timeouts and how it ends;
//! knows no route.

mod address;
mod body;
mod headers;
mod kept;
mod opening;
pub(crate) mod panics;
mod places;
mod rates;
pub(crate) mod room;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

pub use self::address::{Trusted, WrongNetwork};
use self::kept::{Asking, kept};
use self::opening::Opening;
pub use self::panics::abort_on_panics_outside_of_requests;
use self::places::Places;
pub use self::rates::Rate;

/// How long the head of a request may take, and a kept connection without one (trust.md, F30).
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How long a reader may take no byte of its answer.
const WRITTEN_WITHIN: Duration = Duration::from_secs(30);
/// How often a silent HTTP/2 connection is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Requests at the same time on one HTTP/2 connection: what browsers open is far below it.
const MOST_STREAMS: u32 = 128;
/// Largest head of a request, in bytes: cookies, a token and a long address take 4 KiB.
const LARGEST_HEAD: u32 = 32 * 1024;
/// How long open requests may take when the server ends.
const LAST_REQUESTS: Duration = Duration::from_secs(2);
/// Pause when the system accepts nothing, such as without file descriptors.
const NOTHING_ACCEPTED: Duration = Duration::from_millis(100);

/// The certificate in force; a new one is sent when its files changed.
pub type Tls = watch::Receiver<Arc<ServerConfig>>;

/// Where requests come in, and within which limits.
pub struct Network {
    /// Bound already, so that its address is known and a taken one is an error of whoever starts.
    pub listener: TcpListener,
    /// None: plain HTTP, for this machine alone or behind a proxy that has the certificate.
    pub tls: Option<Tls>,
    /// Proxies that are believed about where a request comes from.
    pub trusted: Trusted,
    /// Requests that are taken from one address.
    pub rate: Rate,
    /// Connections at the same time from one address that is no trusted proxy. More are closed at once.
    pub most_of_one: NonZeroU32,
}

/// Connections of one address where nobody said otherwise: a browser has six at the most, and an office of a
/// hundred people is behind one address.
pub const MOST_OF_ONE: NonZeroU32 = NonZeroU32::new(1_000).expect("it is more than none");

/// The far end of a request over the network.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// Whether the visitor's browser speaks TLS, to us or to a proxy that is believed.
#[derive(Clone, Copy, Debug)]
pub struct Encrypted(pub bool);

/// Answers by `routes` until `stopped` completes, and then for two seconds what was asked before.
pub async fn serve_network(
    routes: Router,
    network: Network,
    stopped: impl Future<Output = ()> + Send,
) {
    let Network { listener, tls, trusted, rate, most_of_one } = network;
    let trusted = Arc::new(trusted);
    let routes = around(routes, &trusted, rate);
    let places = Places::new(most_of_one);
    let (stop, stopping) = watch::channel(false);
    let mut stopped = pin!(stopped);
    loop {
        let accepted = async {
            let room = places.room().await;
            (room, listener.accept().await)
        };
        let (room, accepted) = tokio::select! {
            () = &mut stopped => break,
            accepted = accepted => accepted,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(NOTHING_ACCEPTED).await;
                continue;
            }
        };
        let Some(place) = places.of(remote.ip(), trusted.believes(remote.ip()), room) else {
            tracing::debug!(%remote, "a connection was closed: its address has as many as it may have");
            continue;
        };
        let tls = tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.borrow())));
        let (routes, stopping) = (routes.clone(), stopping.clone());
        tokio::spawn(async move {
            connection(stream, remote, tls, routes, stopping).await;
            drop(place);
        });
    }
    drop(listener);
    let _ = stop.send(true);
    // Streams of events never end by themselves.
    places.empty(LAST_REQUESTS).await;
}

/// What stands around all routes, the outermost last.
fn around(routes: Router, trusted: &Arc<Trusted>, rate: Rate) -> Router {
    let rates = Arc::new(rates::Rates::new(rate));
    routes
        .layer(axum::middleware::from_fn(body::not_too_slow))
        .layer(axum::middleware::from_fn_with_state(room::whole(), room::counted))
        .layer(axum::middleware::from_fn(panics::answered))
        .layer(axum::middleware::from_fn_with_state(rates, rates::limited))
        .layer(axum::middleware::from_fn(crate::named::name))
        .layer(axum::middleware::from_fn(headers::with_rules_for_browsers))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(trusted), address::of_visitors))
}

async fn connection(
    stream: TcpStream,
    remote: SocketAddr,
    tls: Option<TlsAcceptor>,
    routes: Router,
    stopping: watch::Receiver<bool>,
) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITTEN_WITHIN));
    let stream = Box::pin(stream);
    let encrypted = tls.is_some();
    let answer = move |request: Request<hyper::body::Incoming>| {
        answered(routes.clone(), request.map(Body::new), remote, encrypted)
    };
    let alone = answer.clone();
    let service = hyper::service::service_fn(move |request| {
        let answering = alone(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let ended = match tls {
        None => {
            let stream = TokioIo::new(stream);
            kept(http1().serve_connection(stream, service), None, stopping).await
        }
        Some(tls) => {
            let greeted = tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await;
            let Ok(Ok(stream)) = greeted else {
                tracing::debug!(%remote, "the TLS handshake failed");
                return;
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let stream = TokioIo::new(Opening::new(stream, HEAD_WITHIN));
                let asking = Asking::new();
                let counted = asking.clone();
                let service = hyper::service::service_fn(move |request| {
                    let (asking, answering) = (counted.clone(), answer(request));
                    async move { Ok::<_, Infallible>(asking.while_open(answering).await) }
                });
                kept(http2().serve_connection(stream, service), Some(asking), stopping).await
            } else {
                let stream = TokioIo::new(stream);
                kept(http1().serve_connection(stream, service), None, stopping).await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, %error, "a connection broke off");
    }
}

/// Without TLS there is only this version. A builder that tells the versions apart by the first bytes waits
/// for these without limit.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Without a timer the limit on heads is silently none.
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder.max_buf_size(LARGEST_HEAD as usize);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).keep_alive_interval(PING_EVERY).keep_alive_timeout(PING_EVERY);
    builder.max_concurrent_streams(MOST_STREAMS).max_header_list_size(LARGEST_HEAD);
    builder
}

async fn answered(
    routes: Router,
    mut request: Request<Body>,
    remote: SocketAddr,
    encrypted: bool,
) -> Response {
    // HTTP/2 says the host elsewhere (RFC 9113, section 8.3.1); whoever compares it with an origin reads this.
    if !request.headers().contains_key(header::HOST)
        && let Some(host) = request.uri().authority().map(|host| host.as_str().to_owned())
        && let Ok(host) = HeaderValue::from_str(&host)
    {
        request.headers_mut().insert(header::HOST, host);
    }
    request.extensions_mut().insert(Remote(remote));
    request.extensions_mut().insert(Encrypted(encrypted));
    let Ok(answer) = routes.oneshot(request).await;
    answer
}
