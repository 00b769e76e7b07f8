//! The network side of a server: its addresses, its certificate, what the service manager is told. Owns
//! how these begin and end; answers nothing.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use towpath_proxy::{TlsFiles, tls};
use towpath_server::listen::{Network, Rate, Tls, Trusted, serve_network};
use towpath_server::site::Site;

use super::settings::{Listen, Settings};
use crate::exit_code::{CliError, ExitCode};

/// How often the files of the certificate are looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(10);

/// Addresses that are listened on, before anything answers there: a taken one is known before an engine
/// starts.
pub(super) struct Bound {
    /// Pages and the API.
    pub(super) site: Option<TcpListener>,
    measures: Option<TcpListener>,
    tls: Option<(TlsFiles, Tls, watch::Sender<Arc<rustls::ServerConfig>>)>,
    trusted: Trusted,
    rate: Rate,
    most_of_one: NonZeroU32,
    /// What a person should know, one sentence.
    pub(super) note: Option<String>,
}

impl Bound {
    /// Binds what the settings say.
    ///
    /// # Errors
    /// `address-taken` (exit 6), and what is wrong with the certificate (exit 2).
    pub(super) async fn new(settings: &Settings) -> Result<Self, CliError> {
        let tls = settings.tls.clone().map(certificate).transpose()?;
        let mut note = None;
        let site = match settings.listen {
            Listen::Nowhere => None,
            Listen::At(address) => match TcpListener::bind(address).await {
                Ok(listener) => Some(listener),
                // Another project of this machine has the usual one.
                Err(error) if error.kind() == ErrorKind::AddrInUse && !settings.is_chosen => {
                    note = Some(format!(
                        "{address} is taken: no pages; --listen ADDRESS gives them one"
                    ));
                    None
                }
                Err(error) => return Err(not_bound(address, &error)),
            },
        };
        let measures = match settings.metrics {
            None => None,
            Some(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|error| not_bound(address, &error))?)
            }
        };
        let (trusted, rate) = (settings.trusted.clone(), settings.rate);
        let most_of_one = settings.connections_per_address;
        Ok(Self { site, measures, tls, trusted, rate, most_of_one, note })
    }

    /// The address of the pages, as somebody on this machine types it.
    pub(super) fn address(&self) -> Option<String> {
        let address = self.site.as_ref()?.local_addr().ok()?;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Some(format!("{scheme}://{address}/"))
    }

    /// Answers until `stopped` says so.
    pub(super) fn serve(self, site: &Site, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let mut running = Vec::new();
        let (trusted, rate, most_of_one) = (self.trusted, self.rate, self.most_of_one);
        let tls = self.tls.map(|(files, receiver, sender)| {
            running.push(tokio::spawn(follow(files, sender)));
            receiver
        });
        if let Some(listener) = self.site {
            let network = Network { listener, tls, trusted: trusted.clone(), rate, most_of_one };
            running.push(tokio::spawn(serve_network(site.routes(), network, until(stopped))));
        }
        if let Some(listener) = self.measures {
            let network = Network { listener, tls: None, trusted, rate, most_of_one };
            let routes = site.measures_alone();
            running.push(tokio::spawn(serve_network(routes, network, until(stopped))));
        }
        running
    }
}

fn until(stopped: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut stopped = stopped.clone();
    async move {
        // A sender that is gone is a stop as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

type Certificate = (TlsFiles, Tls, watch::Sender<Arc<rustls::ServerConfig>>);

fn certificate((certificate, key): (PathBuf, PathBuf)) -> Result<Certificate, CliError> {
    let files = TlsFiles { certificate, key };
    let config = tls::load(&files).map_err(|cause| {
        CliError::new(
            ExitCode::Usage,
            "no-certificate",
            "nothing is served: the certificate cannot be used",
        )
        .because(cause)
        .at(files.certificate.display().to_string())
        .next("towpath help serve", "what --tls-cert and --tls-key are")
    })?;
    let (sender, receiver) = watch::channel(config);
    Ok((files, receiver, sender))
}

/// Takes a changed certificate into force for new connections. One that cannot be used changes nothing.
async fn follow(files: TlsFiles, sender: watch::Sender<Arc<rustls::ServerConfig>>) {
    let mut known = tls::marks(&files);
    loop {
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(CERTIFICATE_LOOK) => {}
        }
        let now = tls::marks(&files);
        if now == known {
            continue;
        }
        known = now;
        match tls::load(&files) {
            Ok(config) => drop(sender.send(config)),
            Err(reason) => tracing::error!(reason, "the changed certificate is not used"),
        }
    }
}

fn not_bound(address: SocketAddr, error: &std::io::Error) -> CliError {
    let exit = match error.kind() {
        ErrorKind::AddrInUse => ExitCode::Conflict,
        _ => ExitCode::Failed,
    };
    let message = format!("nothing is served: {address} cannot be listened on");
    CliError::new(exit, "address-taken", message)
        .because(error.to_string())
        .at("--listen")
        .next("towpath serve --listen 127.0.0.1:0", "takes any that is free, and says which")
}

/// Tells the service manager, if there is one (systemd.service(5), Type=notify).
pub(super) fn tell_manager(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Keeps telling it that all is well, as often as it asks for.
pub(super) fn watch_over(site_is_ready: impl Fn() -> bool + Send + 'static) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(limit / 2).await;
            if site_is_ready() {
                tell_manager(&[NotifyState::Watchdog]);
            }
        }
    });
}
