//! A proxy, upstreams and visitors on loopback for the end-to-end tests. Asserts nothing itself.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use towpath_proxy::{
    ArmSpec, CandidateSpec, Clock, EndpointSpec, Handle, MirrorSpec, OnSilence, Options, Proxy,
    RouteSpec, RouteStatus, StreamItem, Tally, Workers,
};
use towpath_testkit::loopback::free_address;

/// Longer than anything here takes, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An upstream that says its name.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    served: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

impl Upstream {
    /// An upstream with keep-alive: `/slow` takes 300 ms, `/fail` fails, `/worse` only where it is called `new`, `/hang` never
    /// answers, `/echo` streams back, `/count` reads
    /// first,
    /// `/upgrade` switches protocols, `/headers` tells what it got.
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_on(name, "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_on(name: &'static str, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&served);
        let accepted = Arc::new(AtomicU64::new(0));
        let connections = Arc::clone(&accepted);
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                accepted.fetch_add(1, Ordering::Relaxed);
                let counter = Arc::clone(&counter);
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        counter.fetch_add(1, Ordering::Relaxed);
                        respond(name, request)
                    });
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ended = connection.with_upgrades().await;
                });
            }
        });
        Self { address, served, connections, server }
    }

    /// An upstream that gives every connection `answers` answers and hangs up on the next request
    /// that it reads there: what a visitor meets when an idle connection is closed just as its
    /// request is on the way.
    pub(crate) async fn start_rude(answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&served);
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    for _ in 0..answers {
                        if !read_head(&mut stream).await {
                            return;
                        }
                        counter.fetch_add(1, Ordering::Relaxed);
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nrude";
                        stream.write_all(answer).await.unwrap();
                    }
                    read_head(&mut stream).await;
                });
            }
        });
        Self { address, served, connections: Arc::default(), server }
    }

    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Connections that it accepted.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Ends it and everything it was serving.
    pub(crate) async fn kill(self) -> SocketAddr {
        self.server.abort();
        let _aborted = self.server.await;
        self.address
    }
}

/// Reads to the end of a request head; false if the other side hangs up first.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(count @ 1..) => seen.extend_from_slice(&piece[..count]),
            _ => return false,
        }
    }
    true
}

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

async fn respond(name: &'static str, mut request: Request<Incoming>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/slow" => sleep(Duration::from_millis(300)).await,
        "/slower" => sleep(Duration::from_millis(1500)).await,
        "/hang" => std::future::pending::<()>().await,
        "/echo" => return Ok(Response::new(request.into_body().boxed())),
        "/count" => {
            let length =
                request.into_body().collect().await.map_or(0, |body| body.to_bytes().len());
            return Ok(Response::new(full(length.to_string())));
        }
        _ if name == "failing" => return Ok(with_status(StatusCode::INTERNAL_SERVER_ERROR, name)),
        "/worse" if name == "new" => {
            return Ok(with_status(StatusCode::INTERNAL_SERVER_ERROR, name));
        }
        "/fail" => return Ok(with_status(StatusCode::INTERNAL_SERVER_ERROR, name)),
        "/headers" => {
            let lines = request.headers().iter().map(|(field, value)| {
                let value = value.to_str().expect("tests send text");
                format!("{field}: {value}\n")
            });
            return Ok(Response::new(full(lines.collect::<String>())));
        }
        "/upgrade" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut stream = TokioIo::new(upgrade.await.unwrap());
                let mut piece = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut piece).await {
                    if stream.write_all(&piece[..count]).await.is_err() {
                        return;
                    }
                }
            });
            let mut answer = with_status(StatusCode::SWITCHING_PROTOCOLS, "");
            let headers = answer.headers_mut();
            headers.insert("connection", "upgrade".parse().unwrap());
            headers.insert("upgrade", "echo".parse().unwrap());
            return Ok(answer);
        }
        _ => {}
    }
    Ok(with_status(StatusCode::OK, name))
}

fn with_status(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(full(text));
    *answer.status_mut() = status;
    answer
}

fn full(text: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

/// A proxy in this process with two workers.
pub(crate) fn start_proxy(directory: &Path) -> Proxy {
    let mut options = Options::new(directory);
    options.workers = Workers::Count(2);
    options.drain = Duration::from_secs(5);
    Proxy::start(options).unwrap()
}

/// The same in a folder of its own, and a handle on it.
pub(crate) async fn new_proxy() -> (TempDir, Proxy, Handle) {
    let directory = tempfile::tempdir().unwrap();
    let proxy = start_proxy(directory.path());
    let handle = connect(&proxy).await;
    (directory, proxy, handle)
}

/// A proxy like that of [`start_proxy`] on a clock that stands still until it is moved.
pub(crate) fn start_proxy_at(directory: &Path, clock: &Clock) -> Proxy {
    let mut options = Options::new(directory);
    options.workers = Workers::Count(2);
    options.clock = clock.clone();
    Proxy::start(options).unwrap()
}

pub(crate) async fn connect(proxy: &Proxy) -> Handle {
    Handle::connect(proxy.socket()).await.unwrap()
}

pub(crate) fn arm(name: &str, addresses: &[SocketAddr]) -> ArmSpec {
    let endpoints = addresses.iter().enumerate();
    ArmSpec {
        label: name.into(),
        deployment: format!("{name}-1"),
        capacity: u32::try_from(addresses.len().max(1)).unwrap(),
        endpoints: endpoints
            .map(|(index, address)| EndpointSpec { id: format!("e{index}"), address: *address })
            .collect(),
    }
}

pub(crate) fn candidate(arm: ArmSpec, weight_bp: u16, lease_ms: Option<u64>) -> CandidateSpec {
    CandidateSpec {
        arm,
        weight_bp,
        lease_ms,
        on_silence: OnSilence::ReturnToDefault,
        rescue: None,
        mirror: None,
    }
}

/// A copy of every request that may be copied, whose body nobody compares.
pub(crate) fn copy_of_everything() -> MirrorSpec {
    MirrorSpec { share_bp: 10_000, except: Vec::new(), compare_bodies: false }
}

pub(crate) fn route(name: &str) -> RouteSpec {
    let mut spec = RouteSpec::new(name, free_address());
    spec.drain_ms = 3000;
    spec
}

/// A visitor with one connection, opened anew when the proxy closed it between two requests.
pub(crate) struct Visitor {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Visitor {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    pub(crate) async fn get(
        &mut self,
        path: &str,
    ) -> Result<(http::response::Parts, Bytes), String> {
        let request = Request::get(path).header("host", "test").body(Full::default()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(http::response::Parts, Bytes), String> {
        let ready = match self.sender.as_mut() {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !ready {
            let stream = TcpStream::connect(self.address).await.map_err(|e| e.to_string())?;
            let (sender, connection) =
                handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        let sender = self.sender.as_mut().unwrap();
        let exchange = async {
            let (parts, body) = sender.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>((parts, body.collect().await?.to_bytes()))
        };
        let answered = timeout(PATIENCE, exchange).await.map_err(|error| error.to_string())?;
        answered.map_err(|error| format!("{error:?}"))
    }

    pub(crate) async fn text(&mut self, path: &str) -> String {
        let (_, body) = self.get(path).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

/// Visitors that never stop asking.
pub(crate) struct Crowd {
    stop: Arc<AtomicBool>,
    pub(crate) asked: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<Vec<String>>>,
}

impl Crowd {
    pub(crate) fn gather(address: SocketAddr, visitors: usize, path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicU64::new(0));
        let visit = |_| {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut visitor = Visitor::new(address);
                let mut losses = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match visitor.get(path).await {
                        Ok((parts, _)) if parts.status == StatusCode::OK => {}
                        Ok((parts, body)) => losses.push(format!("{} {body:?}", parts.status)),
                        Err(error) => losses.push(error),
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
                losses
            })
        };
        let tasks = (0..visitors).map(visit).collect();
        Self { stop, asked, tasks }
    }

    /// Waits until `more` further requests were answered.
    pub(crate) async fn pass(&self, more: u64) {
        let goal = self.asked.load(Ordering::Relaxed) + more;
        until("the crowd to go on", || self.asked.load(Ordering::Relaxed) >= goal).await;
    }

    /// Sends everybody home; answers how often they asked and what went wrong.
    pub(crate) async fn leave(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut losses = Vec::new();
        for task in self.tasks {
            losses.extend(task.await.unwrap());
        }
        (self.asked.load(Ordering::Relaxed), losses)
    }
}

/// Waits for something that others bring about.
pub(crate) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < limit, "waited too long for {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a route to be in some state.
pub(crate) async fn until_status(
    handle: &Handle,
    name: &str,
    reached: impl Fn(&RouteStatus) -> bool,
) -> RouteStatus {
    let limit = Instant::now() + PATIENCE;
    loop {
        let status = handle.read(name).await.unwrap();
        if reached(&status) {
            return status;
        }
        assert!(Instant::now() < limit, "waited too long: {status:#?}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Reads a stream until something is in it.
pub(crate) async fn until_item(
    stream: &mut (impl futures_util::Stream<Item = StreamItem> + Unpin),
    mut wanted: impl FnMut(&StreamItem) -> bool,
) -> StreamItem {
    let found = async {
        loop {
            let item = stream.next().await.expect("the stream goes on");
            if wanted(&item) {
                return item;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("it comes")
}

/// Requests counted for a deployment, pinned ones included.
pub(crate) fn requests(status: &RouteStatus, deployment: &str) -> u64 {
    let counts = tally(status, deployment).counts;
    counts.requests + counts.pinned
}

/// What is counted for a deployment; nothing is, where it is not in the status.
pub(crate) fn tally(status: &RouteStatus, deployment: &str) -> Tally {
    let found = status.deployments.iter().find(|entry| entry.deployment == deployment);
    found.map(|entry| entry.tally.clone()).unwrap_or_default()
}
