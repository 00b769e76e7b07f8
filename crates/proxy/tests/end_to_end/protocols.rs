//! What visitors may speak: both HTTP versions, TLS, WebSockets, streams, cookies, pins.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use towpath_proxy::{RouteSpec, TlsFiles};

use crate::loopback::{
    PATIENCE, Upstream, Visitor, arm, candidate, connect, new_proxy, requests, route, start_proxy,
    until, until_status,
};

/// A route with blue alone.
fn plain(blue: &Upstream) -> RouteSpec {
    let mut spec = route("api/production");
    spec.default = Some(arm("blue", &[blue.address]));
    spec
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_lives_through_a_switch_and_ends_with_the_drain() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = plain(&blue);
    spec.drain_ms = 500;
    handle.apply(spec.clone(), 1, 1).await.unwrap();

    let mut socket = tunnel_to(&spec).await;
    echo(&mut socket, b"before").await;

    spec.default = Some(arm("green", &[green.address]));
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    assert_eq!(Visitor::new(spec.listen).text("/").await, "green");
    echo(&mut socket, b"after").await;
    let status = handle.read(&spec.name).await.unwrap();
    assert_eq!((status.in_flight, status.draining[0].in_flight), (1, 1));
    assert_eq!(status.draining[0].deployment, "blue-1");
    let rest = timeout(PATIENCE, socket.read(&mut [0; 8])).await.unwrap();
    assert!(matches!(rest, Ok(0) | Err(_)), "the drain is over");
    until_status(&handle, &spec.name, |s| s.in_flight == 0 && s.draining.is_empty()).await;
    proxy.stop().await;
}

/// A visitor's end of a tunnel to an upstream that says everything back.
async fn tunnel_to(spec: &RouteSpec) -> TcpStream {
    let mut socket = TcpStream::connect(spec.listen).await.unwrap();
    let ask = b"GET /upgrade HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    socket.write_all(ask).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("upgrade: echo"), "{head}");
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_ends_leaves_tunnels_their_drain_time() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut socket = tunnel_to(&spec).await;
    let stopped = tokio::spawn(proxy.stop());
    let limit = tokio::time::Instant::now() + PATIENCE;
    while TcpStream::connect(spec.listen).await.is_ok() {
        assert!(tokio::time::Instant::now() < limit, "it goes on listening");
    }
    echo(&mut socket, b"still here").await;
    assert!(!stopped.is_finished());
    drop(socket);
    timeout(PATIENCE, stopped).await.unwrap().unwrap();
}

async fn echo(socket: &mut TcpStream, text: &[u8]) {
    socket.write_all(text).await.unwrap();
    let mut back = vec![0; text.len()];
    timeout(PATIENCE, socket.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(back, text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_streams_both_ways_piece_by_piece() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();

    let (pieces, inbox) = tokio::sync::mpsc::channel::<Bytes>(4);
    let frames = futures_util::stream::unfold(inbox, |mut inbox| async {
        let piece = inbox.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(Frame::data(piece)), inbox))
    });
    let stream = TcpStream::connect(spec.listen).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("/echo").header("host", "t");
    let request = request.body(StreamBody::new(Box::pin(frames))).unwrap();
    pieces.send(Bytes::from_static(b"first")).await.unwrap();
    let mut answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    for piece in ["first", "second", "third"] {
        // The next piece goes up only after the one before came down.
        let frame = timeout(PATIENCE, answer.frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
        let next = if piece == "first" { "second" } else { "third" };
        if piece != "third" {
            pieces.send(Bytes::from_static(next.as_bytes())).await.unwrap();
        }
    }
    drop(pieces);
    assert!(timeout(PATIENCE, answer.frame()).await.unwrap().is_none());
    let status = until_status(&handle, &spec.name, |s| requests(s, "blue-1") == 1).await;
    assert_eq!(status.deployments[0].tally.errors.none, 1);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_upload_arrives_whole() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let body: Vec<u8> = (0..4_000_000u32).map(|number| number.to_le_bytes()[0]).collect();
    let request = Request::post("/echo").header("host", "t");
    let request = request.body(Full::from(body.clone())).unwrap();
    let (parts, back) = Visitor::new(spec.listen).send(request).await.unwrap();
    assert_eq!(parts.status, StatusCode::OK);
    assert!(back == body, "{} bytes of {}", back.len(), body.len());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_is_spoken_in_clear_text_by_those_who_know() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let stream = TcpStream::connect(spec.listen).await.unwrap();
    let got = over_http2(stream, "http://shop.example/headers").await;
    assert!(got.contains("host: shop.example\n"), "{got}");
    assert!(got.contains("x-forwarded-host: shop.example\n"), "{got}");
    assert!(got.contains("x-forwarded-for: 127.0.0.1\n"), "{got}");
    assert!(got.contains("x-forwarded-proto: http\n"), "{got}");
    proxy.stop().await;
}

async fn over_http2<S>(stream: S, uri: &str) -> String
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(uri).body(Full::<Bytes>::default()).unwrap();
    let answer = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    String::from_utf8(answer.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Writes a new certificate for `localhost` and answers it.
fn certify(directory: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files =
        TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

/// Opens TLS trusting one certificate only; answers what was agreed on.
async fn tls(
    spec: &RouteSpec,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(spec.listen).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_offers_http2_and_takes_a_new_certificate_without_a_restart() {
    let blue = Upstream::start("blue").await;
    let directory = tempfile::tempdir().unwrap();
    let (files, first) = certify(directory.path());
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    let mut spec = plain(&blue);
    spec.tls = Some(files.clone());
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let got = over_http2(tls(&spec, &first).await.unwrap(), "https://localhost/headers").await;
    assert!(got.contains("x-forwarded-proto: https\n"), "{got}");

    std::fs::write(&files.certificate, "no certificate").unwrap();
    handle.reload().await.unwrap();
    let status = handle.read(&spec.name).await.unwrap();
    assert!(status.warnings.iter().any(|text| text.contains("cert.pem")), "{status:?}");
    tls(&spec, &first).await.expect("the old certificate stays");

    let (_, second) = certify(directory.path());
    let limit = tokio::time::Instant::now() + PATIENCE;
    while tls(&spec, &second).await.is_err() {
        assert!(tokio::time::Instant::now() < limit, "the new files are not noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(tls(&spec, &first).await.is_err());
    assert_eq!(handle.read(&spec.name).await.unwrap().warnings, Vec::<String>::new());
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_first_release_visitors_are_told_to_come_again() {
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = route("api/production");
    spec.retry_after_s = 7;
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let (parts, _) = Visitor::new(spec.listen).get("/").await.unwrap();
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(parts.headers["retry-after"], "7");
    let status = handle.read(&spec.name).await.unwrap();
    assert_eq!((status.unserved, status.lost), (1, 0));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_tester_reaches_green_before_it_has_weight_and_is_no_evidence() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = plain(&blue);
    spec.pin_header = Some("X-Arm".into());
    spec.candidate = Some(candidate(arm("green", &[green.address]), 0, None));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut visitor = Visitor::new(spec.listen);
    assert_eq!(visitor.text("/").await, "blue");
    for (pin, arm) in [("green", "green"), ("blue", "blue"), ("purple", "blue")] {
        let request = Request::get("/").header("host", "t").header("x-arm", pin);
        let (_, body) = visitor.send(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(body, arm);
    }
    let status = until_status(&handle, &spec.name, |s| requests(s, "green-1") == 1).await;
    let counts = |name: &str| {
        let found = status.deployments.iter().find(|entry| entry.deployment == name).unwrap();
        (found.tally.counts.requests, found.tally.counts.pinned)
    };
    assert_eq!(counts("green-1"), (0, 1));
    assert_eq!(counts("blue-1"), (2, 1));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sticky_visitor_stays_and_all_its_requests_count() {
    let (blue, green) = (Upstream::start("blue").await, Upstream::start("green").await);
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = plain(&blue);
    spec.sticky = true;
    spec.candidate = Some(candidate(arm("green", &[green.address]), 5000, None));
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut visitor = Visitor::new(spec.listen);
    let (parts, first) = visitor.get("/").await.unwrap();
    let cookie = parts.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && !cookie.contains("Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    for _ in 0..20 {
        let request = Request::get("/").header("host", "t").header("cookie", &cookie);
        let (parts, body) = visitor.send(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(body, first);
        assert!(!parts.headers.contains_key("set-cookie"));
    }
    let status =
        until_status(&handle, &spec.name, |s| requests(s, "blue-1") + requests(s, "green-1") == 21)
            .await;
    let counts = &status.deployments[0].tally.counts;
    assert_eq!((counts.requests, counts.pinned), (21, 0));
    if let Some(candidate) = &mut spec.candidate {
        candidate.weight_bp = 10_000;
    }
    handle.apply(spec.clone(), 1, 2).await.unwrap();
    let request = Request::get("/").header("host", "t").header("cookie", &cookie);
    let (parts, body) = visitor.send(request.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(body, "green");
    assert!(parts.headers.contains_key("set-cookie"), "assigned anew, under a new share");
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_release_times_out_and_a_failing_one_is_counted() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = plain(&blue);
    spec.response_timeout_ms = 100;
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut visitor = Visitor::new(spec.listen);
    assert_eq!(visitor.get("/slow").await.unwrap().0.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(visitor.get("/fail").await.unwrap().0.status, StatusCode::INTERNAL_SERVER_ERROR);
    let status = until_status(&handle, &spec.name, |s| requests(s, "blue-1") == 2).await;
    let tally = &status.deployments[0].tally;
    assert_eq!((tally.errors.timeout, tally.classes.server_error, tally.counts.failed), (1, 1, 2));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_goes_away_is_nobodys_failure() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut socket = TcpStream::connect(spec.listen).await.unwrap();
    socket.write_all(b"GET /slower HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
    until("the request to arrive", || blue.served() == 1).await;
    drop(socket);
    let aborted = |status: &towpath_proxy::RouteStatus| {
        status.deployments.first().is_some_and(|entry| entry.tally.counts.aborted == 1)
    };
    let status = until_status(&handle, &spec.name, aborted).await;
    assert_eq!((status.deployments[0].tally.counts.failed, status.lost), (0, 0));
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_allowed_are_turned_away_and_said_to_be_lost() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = plain(&blue);
    spec.max_concurrent_requests = 1;
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let listen = spec.listen;
    let slow = tokio::spawn(async move { Visitor::new(listen).get("/slower").await });
    until("the slow request to arrive", || blue.served() == 1).await;
    let (parts, _) = Visitor::new(spec.listen).get("/").await.unwrap();
    assert_eq!(parts.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(slow.await.unwrap().unwrap().0.status, StatusCode::OK);
    assert_eq!(handle.read(&spec.name).await.unwrap().lost, 1);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ambiguous_requests_are_refused() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    for head in [
        "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: xchunked\r\n\r\nabc",
        "GET / HTTP/1.1\r\nhost : t\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(spec.listen).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = timeout(Duration::from_secs(5), socket.read_exact(&mut answer)).await.unwrap();
        read.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400", "{head}");
    }
    assert_eq!(blue.served(), 0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_who_stalls_an_upload_does_not_speak_against_the_arm() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let mut spec = plain(&blue);
    spec.response_timeout_ms = 200;
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut socket = TcpStream::connect(spec.listen).await.unwrap();
    let head = b"POST /count HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\nhalf";
    socket.write_all(head).await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, socket.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let aborted = |status: &towpath_proxy::RouteStatus| {
        status.deployments.first().is_some_and(|entry| entry.tally.counts.aborted == 1)
    };
    let status = until_status(&handle, &spec.name, aborted).await;
    assert_eq!(status.deployments[0].tally.counts.failed, 0);
    proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_request_keeps_the_length_and_the_connection() {
    let blue = Upstream::start("blue").await;
    let (_directory, proxy, handle) = new_proxy().await;
    let spec = plain(&blue);
    handle.apply(spec.clone(), 1, 1).await.unwrap();
    let mut visitor = Visitor::new(spec.listen);
    for _ in 0..3 {
        let request = Request::head("/").header("host", "t").body(Full::default()).unwrap();
        let (parts, body) = visitor.send(request).await.unwrap();
        assert_eq!(parts.headers["content-length"], "4");
        assert!(body.is_empty());
        assert_eq!(visitor.text("/").await, "blue");
    }
    until_status(&handle, &spec.name, |s| requests(s, "blue-1") == 6).await;
    proxy.stop().await;
}
