//! The network listener with real sockets, and with a clock that goes on only when nothing else does: senders
//! that trickle, readers that never read, certificates that change, an end with requests open. Knows no route
//! of a project.

#![expect(clippy::unwrap_used, reason = "a test that cannot get on has failed")]

mod tls;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use towpath_server::listen::{Network, Rate, Tls, Trusted, serve_network};

/// A server that runs in this very test.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
    /// Streams that are being sent.
    sending: Arc<AtomicUsize>,
}

/// Counts itself as long as it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Many, for whoever is no test of rates.
fn many() -> Rate {
    let number = NonZeroU32::new(1_000_000).unwrap();
    Rate { per_second: number, at_once: number }
}

fn routes(sending: &Arc<AtomicUsize>) -> Router {
    let (large, endless) = (Arc::clone(sending), Arc::clone(sending));
    let large = async move || {
        let counted = Counted::new(&large);
        let pieces = stream::unfold((counted, 0_u32), |(counted, sent)| async move {
            let piece = Bytes::from(vec![b'x'; 64 * 1024]);
            (sent < 10_000).then_some((Ok::<_, std::io::Error>(piece), (counted, sent + 1)))
        });
        Body::from_stream(pieces)
    };
    let endless = async move || {
        let counted = Counted::new(&endless);
        let ticks = stream::unfold(counted, |counted| async move {
            sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"tick\n")), counted))
        });
        Body::from_stream(ticks)
    };
    let soon = async || {
        sleep(Duration::from_secs(1)).await;
        "soon\n"
    };
    Router::new()
        .route("/", get(|| async { "well\n" }))
        .route("/soon", get(soon))
        .route("/body", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/whole", get(|| async { "x".repeat(1 << 20) }))
        .route("/large", get(large))
        .route("/endless", get(endless))
}

impl Server {
    async fn new(rate: Rate, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sending = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = oneshot::channel();
        let most_of_one = NonZeroU32::new(300).unwrap();
        let network = Network { listener, tls, trusted: Trusted::default(), rate, most_of_one };
        let until = async { drop(stopped.await) };
        let ended = tokio::spawn(serve_network(routes(&sending), network, until));
        Self { address, stop, ended, sending }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The whole answer to a request that is sent at once.
    async fn asked(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }
}

/// Everything until the server hangs up.
async fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // One that is cut off has still said what it said.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const WELL: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn f30_senders_that_trickle_their_heads_are_cut_off_and_others_are_answered() {
    let server = Server::new(many(), None).await;
    let begun = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = server.connect().await;
        slow.push(tokio::spawn(async move {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx: ").await.unwrap();
            let (mut reader, mut writer) = stream.into_split();
            let trickle = tokio::spawn(async move {
                while writer.write_all(b"a").await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            });
            let mut rest = Vec::new();
            let _ = reader.read_to_end(&mut rest).await;
            trickle.abort();
            begun.elapsed()
        }));
    }
    sleep(Duration::from_secs(5)).await;
    for _ in 0..20 {
        assert!(server.asked(WELL).await.ends_with("well\n"));
    }
    for slow in slow {
        let lasted = slow.await.unwrap();
        assert!(lasted <= Duration::from_secs(12), "{lasted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f30_a_connection_that_never_asks_is_cut_off() {
    let server = Server::new(many(), None).await;
    let mut stream = server.connect().await;
    let answer = timeout(Duration::from_secs(15), read(&mut stream)).await;
    assert!(answer.is_ok(), "it is still open");
}

#[tokio::test(start_paused = true)]
async fn f30_a_body_that_trickles_is_given_up() {
    let server = Server::new(many(), None).await;
    let mut stream = server.connect().await;
    let head = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        while writer.write_all(b"a").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut first = [0_u8; 12];
    let answered = timeout(Duration::from_secs(15), reader.read_exact(&mut first)).await;
    answered.expect("it is still read").unwrap();
    assert!(first.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&first));
    trickle.abort();
}

#[tokio::test(start_paused = true)]
async fn f30_a_reader_that_never_reads_holds_nothing_for_long() {
    let server = Server::new(many(), None).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    while server.sending.load(Ordering::SeqCst) == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(45)).await;
    assert_eq!(server.sending.load(Ordering::SeqCst), 0, "it is still being sent");
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn f32_a_head_that_is_too_large_is_refused_and_nothing_else_suffers() {
    let server = Server::new(many(), None).await;
    let long = "a".repeat(200_000);
    let answer = server.asked(&format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many = "x: 1\r\n".repeat(5000);
    let answer = server.asked(&format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(server.asked(WELL).await.ends_with("well\n"));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_asks_too_much_is_told_when_to_come_back() {
    let number = |number| NonZeroU32::new(number).unwrap();
    let server = Server::new(Rate { per_second: number(1), at_once: number(5) }, None).await;
    for _ in 0..5 {
        assert!(server.asked(WELL).await.starts_with("HTTP/1.1 200"));
    }
    let refused = server.asked(WELL).await;
    assert!(
        refused.starts_with("HTTP/1.1 429") && refused.contains("\r\nretry-after: "),
        "{refused}"
    );
    assert!(refused.contains("application/problem+json"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn every_answer_tells_browsers_what_they_may_not() {
    let server = Server::new(many(), None).await;
    for path in ["/", "/nothing"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = server.asked(&request).await;
        for header in [
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "cache-control: no-store",
            "referrer-policy: same-origin",
        ] {
            assert!(answer.contains(header), "{path} lacks {header}: {answer}");
        }
        assert!(!answer.contains("strict-transport-security"), "it is not encrypted: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_the_end_is_answered_and_streams_are_cut() {
    let server = Server::new(many(), None).await;
    let mut soon = server.connect().await;
    soon.write_all(b"GET /soon HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut endless = server.connect().await;
    endless.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    while server.sending.load(Ordering::SeqCst) == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    server.stop.send(()).unwrap();
    assert!(read(&mut soon).await.ends_with("soon\n"));
    timeout(Duration::from_secs(3), server.ended).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn one_address_has_no_more_connections_than_its_own() {
    let server = Server::new(many(), None).await;
    let mut open = Vec::new();
    for _ in 0..300 {
        open.push(server.connect().await);
    }
    assert!(server.asked(WELL).await.is_empty(), "one more is closed without an answer");
    open.clear();
    while !server.asked(WELL).await.ends_with("well\n") {
        sleep(Duration::from_millis(10)).await;
    }
}
