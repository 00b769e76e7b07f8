//! Over TLS: both versions of HTTP, a certificate that is replaced, a handshake that never comes.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Server, WELL, many};

struct Certificate {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let mut server = server.with_single_cert(vec![der.clone()], key).unwrap();
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(der).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Certificate { server: Arc::new(server), client: Arc::new(client) }
}

/// What a client that trusts only `certificate` is answered; an error says that it does not trust.
async fn asked(server: &Server, certificate: &Certificate) -> std::io::Result<String> {
    let name = ServerName::try_from("localhost").unwrap();
    let stream = server.connect().await;
    let mut stream =
        TlsConnector::from(Arc::clone(&certificate.client)).connect(name, stream).await?;
    stream.write_all(WELL.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_changed_certificate_is_in_force_for_the_next_connection() {
    let (first, second) = (certificate(), certificate());
    let (sender, receiver) = watch::channel(Arc::clone(&first.server));
    let server = Server::new(many(), Some(receiver)).await;
    let answer = asked(&server, &first).await.unwrap();
    assert!(answer.ends_with("well\n"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    assert!(asked(&server, &second).await.is_err());
    sender.send(Arc::clone(&second.server)).unwrap();
    assert!(asked(&server, &second).await.unwrap().ends_with("well\n"));
    assert!(asked(&server, &first).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn f30_a_client_that_wants_http2_and_says_no_more_is_cut_off() {
    let mut certificate = certificate();
    let (_sender, receiver) = watch::channel(Arc::clone(&certificate.server));
    let server = Server::new(many(), Some(receiver)).await;
    let wants = Arc::make_mut(&mut certificate.client);
    wants.alpn_protocols = vec![b"h2".to_vec()];
    for said in ["", "PRI * HTTP/2.0"] {
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::clone(&certificate.client));
        let mut stream = connector.connect(name, server.connect().await).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut nothing = Vec::new();
        let ended = timeout(Duration::from_secs(15), stream.read_to_end(&mut nothing)).await;
        assert!(ended.is_ok(), "it is still open after `{said}`");
    }
}

#[tokio::test(start_paused = true)]
async fn f30_a_handshake_that_never_comes_is_not_waited_for() {
    let certificate = certificate();
    let (_sender, receiver) = watch::channel(certificate.server);
    let server = Server::new(many(), Some(receiver)).await;
    let mut silent = server.connect().await;
    let mut nothing = Vec::new();
    let ended = timeout(Duration::from_secs(15), silent.read_to_end(&mut nothing)).await;
    assert!(ended.is_ok(), "it is still open");
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_http2_that_asks_nothing_ends_and_one_that_asks_does_not() {
    let mut certificate = certificate();
    let (_sender, receiver) = watch::channel(Arc::clone(&certificate.server));
    let server = Server::new(many(), Some(receiver)).await;
    let wants = Arc::make_mut(&mut certificate.client);
    wants.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::clone(&certificate.client));
    let open = async |path: &str| {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, server.connect().await).await.unwrap();
        let (stream, executor) = (TokioIo::new(stream), TokioExecutor::new());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
        let ended = tokio::spawn(connection);
        let request = axum::http::Request::get(format!("https://localhost{path}"));
        let request = request.body(axum::body::Body::empty()).unwrap();
        (sender.send_request(request).await.unwrap(), sender, ended)
    };
    let (answer, _sender, idle) = open("/").await;
    assert!(answer.status().is_success());
    let (mut endless, _other, follows) = open("/endless").await;
    let following = tokio::spawn(async move {
        while let Some(Ok(_)) = http_body_util::BodyExt::frame(endless.body_mut()).await {}
    });
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!idle.is_finished());
    let ended = timeout(Duration::from_mins(2), idle).await;
    assert!(ended.is_ok(), "it is still open");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(!follows.is_finished() && !following.is_finished(), "its stream was cut off");
}

#[tokio::test(start_paused = true)]
async fn f30_a_reader_over_http2_that_takes_nothing_holds_little_and_not_for_long() {
    let mut certificate = certificate();
    let (_sender, receiver) = watch::channel(Arc::clone(&certificate.server));
    let server = Server::new(many(), Some(receiver)).await;
    let wants = Arc::make_mut(&mut certificate.client);
    wants.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::clone(&certificate.client));
    for window in [0, 1] {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = connector.connect(name, server.connect().await).await.unwrap();
        let mut http2 = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        http2.initial_stream_window_size(window);
        let (mut sender, connection) = http2.handshake(TokioIo::new(stream)).await.unwrap();
        let ended = tokio::spawn(connection);
        let ask = |path: &str| {
            let request = axum::http::Request::get(format!("https://localhost{path}"));
            request.body(axum::body::Body::empty()).unwrap()
        };
        let whole = sender.send_request(ask("/whole")).await.unwrap();
        assert!(whole.status().is_success());
        // Whoever keeps asking is there, and reads nothing all the same.
        let asking = tokio::spawn(async move {
            while let Ok(answer) = sender.send_request(ask("/")).await {
                drop(answer);
                tokio::time::sleep(Duration::from_secs(20)).await;
            }
        });
        let cut = timeout(Duration::from_mins(6), ended).await;
        assert!(cut.is_ok(), "an answer is held for a reader with a window of {window}");
        asking.abort();
    }
}
