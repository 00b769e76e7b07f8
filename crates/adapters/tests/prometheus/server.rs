//! A real Prometheus and a target for it to scrape, both gone when they are dropped. Asks nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use towpath_testkit::loopback::free_address;

/// Where the program is; none, and said so, when it is not installed.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn program() -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&places)
        .map(|place| place.join("prometheus"))
        .find(|place| place.is_file());
    if found.is_none() {
        let why = "no program `prometheus` is on the search path";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
        eprintln!("skipped: {why}");
    }
    found
}

/// What is scraped.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    page: Arc<Mutex<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let page = Arc::<Mutex<String>>::default();
        let shown = Arc::clone(&page);
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let page = shown.lock().unwrap().clone();
                let _request = connection.read(&mut [0; 4096]).await;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n\
                     content-length: {}\r\nconnection: close\r\n\r\n{page}",
                    page.len()
                );
                let _scraper_may_be_gone = connection.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, page, task }
    }

    /// From now on it shows this.
    pub(crate) fn says(&self, page: &str) {
        page.clone_into(&mut self.page.lock().unwrap());
    }

    /// It answers nobody any more.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A running server that scrapes one target five times a second.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    pub(crate) async fn start(program: &std::path::Path, target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\n\
             scrape_configs:\n  - job_name: app\n    static_configs:\n      - targets: [\"{target}\"]\n"
        );
        std::fs::write(&config, text).unwrap();
        // Somebody else may take the port between the two moments.
        for _ in 0..5 {
            let address = free_address();
            let mut child = Command::new(program)
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=error")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            if is_up(&mut child, address).await {
                return Self { child, address, _folder: folder };
            }
            let _may_have_ended = child.kill();
            child.wait().unwrap();
        }
        panic!("Prometheus does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _is_gone = self.child.wait();
    }
}

async fn is_up(child: &mut Child, address: SocketAddr) -> bool {
    for _ in 0..400 {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if is_ready(address).await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = TcpStream::connect(address).await else { return false };
    let request = "GET /-/ready HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    if connection.write_all(request.as_bytes()).await.is_err() {
        return false;
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.is_ok() && answer.starts_with("HTTP/1.1 200")
}
