//! Asks an instance whether it is ready. Owns the question; waits for nothing.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::redirect::Policy;

/// How long one question may take: a program that is ready answers its own machine well within it.
const ONE_QUESTION: Duration = Duration::from_secs(2);

/// Asks over HTTP or for an open port. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readiness {
    client: reqwest::Client,
}

impl Readiness {
    /// Without proxies and redirects: the instance itself shall answer.
    pub(super) fn new() -> Result<Self, String> {
        let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy();
        let client = client.timeout(ONE_QUESTION).pool_max_idle_per_host(0).build();
        Ok(Self { client: client.map_err(|error| format!("no HTTP client: {error}"))? })
    }

    /// Whether the instance is ready; else what it did instead, such as `answers 503`. A path is
    /// ready when it answers 2xx; without a path, when its port is open.
    pub(super) async fn ask(&self, address: SocketAddr, path: Option<&str>) -> Result<(), String> {
        let Some(path) = path else {
            let open = tokio::time::timeout(ONE_QUESTION, tokio::net::TcpStream::connect(address));
            return match open.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(_)) | Err(_) => Err("does not open its port".to_owned()),
            };
        };
        match self.client.get(format!("http://{address}{path}")).send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("answers {}", response.status().as_u16())),
            Err(error) if error.is_connect() => Err("does not open its port".to_owned()),
            Err(error) if error.is_timeout() => Err("does not answer".to_owned()),
            Err(_) => Err("breaks off its answer".to_owned()),
        }
    }
}
