//! Signing in over our own TLS with HTTP/2, as browsers do: the host is in `:authority` there, and forms are
//! compared with it all the same.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use towpath_server::listen::{Network, Rate, Trusted, serve_network};
use towpath_server::site::Site;

use crate::browser::{Door, PASSWORD, encoded};
use crate::signing_in::door;

fn certificate() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let mut server = server.with_single_cert(vec![der.clone()], key).unwrap();
    server.alpn_protocols = vec![b"h2".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(der).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut client = client.with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];
    (Arc::new(server), Arc::new(client))
}

/// A server of the door's project on a real port; it ends with the test.
async fn listening(door: &Door, server: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let many = NonZeroU32::new(1_000_000).unwrap();
    let (sender, tls) = watch::channel(server);
    let rate = Rate { per_second: many, at_once: many };
    let most_of_one = towpath_server::listen::MOST_OF_ONE;
    let network =
        Network { listener, tls: Some(tls), trusted: Trusted::default(), rate, most_of_one };
    let routes = Site::new(vec![door.world.app.clone()], "0").routes();
    tokio::spawn(async move {
        serve_network(routes, network, std::future::pending()).await;
        drop(sender);
    });
    address
}

async fn connected(address: SocketAddr, client: Arc<ClientConfig>) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(client).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let made = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = made.await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn sent(
    sender: &mut SendRequest<Body>,
    method: Method,
    url: String,
    headers: &[(&str, &str)],
    body: &str,
) -> Response<Incoming> {
    let form = "application/x-www-form-urlencoded";
    let request = Request::builder().method(method).uri(url).header(header::CONTENT_TYPE, form);
    let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
    let request = request.body(Body::from(body.to_owned())).unwrap();
    sender.send_request(request).await.unwrap()
}

#[tokio::test]
async fn a_browser_signs_in_over_our_own_tls_by_http2() {
    let door = door().await;
    let (server, client) = certificate();
    let address = listening(&door, server).await;
    let mut sender = connected(address, client).await;
    let origin = format!("https://localhost:{}", address.port());
    let url = |path: &str| format!("{origin}{path}");
    let page = sent(&mut sender, Method::GET, url("/waiting"), &[], "").await;
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    let body = encoded(&[("name", "ada"), ("password", PASSWORD), ("to", "/waiting")]);
    let foreign = [("origin", "https://localhost:1"), ("sec-fetch-site", "same-origin")];
    let page = sent(&mut sender, Method::POST, url("/sign-in"), &foreign, &body).await;
    assert_eq!(page.status(), StatusCode::FORBIDDEN);
    let own = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
    let page = sent(&mut sender, Method::POST, url("/sign-in"), &own, &body).await;
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    let set = page.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.starts_with("__Host-towpath=") && set.contains("; Secure"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let page = sent(&mut sender, Method::GET, url("/waiting"), &[("cookie", cookie)], "").await;
    assert_eq!(page.status(), StatusCode::OK);
}
