//! What a server is told: options, and a file for those that live longer. Owns names and defaults.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use towpath_server::listen::{MOST_OF_ONE, Rate, Trusted};
use towpath_server::signin::{ProviderSettings, PublicUrl, Workload};
use towpath_server::traces::Settings as TracesSettings;

use super::following::{Follow, FollowSection};
use super::log::Form;
use super::oidc::OidcSection;
use super::traces::TracesSection;
use super::workloads::WorkloadSection;
use crate::exit_code::{CliError, ExitCode};

/// Where pages and the API are, unless something else is said: this machine alone.
const USUAL: &str = "127.0.0.1:7411";
/// Largest file of settings, in bytes.
const LARGEST_FILE: u64 = 256 * 1024;

/// What may be typed after `serve`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// end when nothing needs an engine any more
    #[arg(long, hide = true)]
    pub(super) background: bool,
    /// keep the journal in this PostgreSQL database (postgres://...)
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
    /// where pages and the API are; `none` for the socket alone
    #[arg(long, value_name = "ADDRESS", env = "TOWPATH_LISTEN")]
    pub(super) listen: Option<Listen>,
    /// where browsers find it, as `https://towpath.example`, behind whatever stands in front
    #[arg(long, value_name = "URL", env = "TOWPATH_PUBLIC_URL")]
    pub(super) public_url: Option<PublicUrl>,
    /// the certificate and what it rests on, in PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// its key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// believe this proxy about where a request comes from; may be repeated
    #[arg(long, value_name = "NETWORK")]
    pub(super) trusted_proxy: Vec<String>,
    /// an address of its own for /metrics, open to whoever reaches it
    #[arg(long, value_name = "ADDRESS")]
    pub(super) metrics_listen: Option<SocketAddr>,
    /// send traces to this collector (OTLP over HTTP), as `http://127.0.0.1:4318/v1/traces`
    #[arg(long, value_name = "URL")]
    pub(super) traces: Option<String>,
    /// how standard error is written
    #[arg(long, value_name = "FORM")]
    pub(super) log: Option<Form>,
    /// settings from this file; options go before them
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// On the socket of the project alone.
    Nowhere,
    /// There as well.
    At(SocketAddr),
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Nowhere);
        }
        let told = |_| format!("`{text}` is no address and port such as {USUAL}, nor `none`");
        text.parse().map(Self::At).map_err(told)
    }
}

/// The file of settings, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    listen: Option<String>,
    #[serde(default)]
    public_url: Option<String>,
    #[serde(default)]
    tls: Option<TlsSection>,
    #[serde(default)]
    trusted_proxies: Vec<String>,
    #[serde(default)]
    metrics: Option<MetricsSection>,
    #[serde(default)]
    rate: Option<RateSection>,
    #[serde(default)]
    sign_in: SignInSection,
    #[serde(default)]
    connections_per_address: Option<NonZeroU32>,
    #[serde(default)]
    workloads: Vec<WorkloadSection>,
    #[serde(default)]
    traces: Option<TracesSection>,
    #[serde(default)]
    follow: Vec<FollowSection>,
    #[serde(default)]
    log: Option<Form>,
    #[serde(default)]
    projects: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsSection {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsSection {
    listen: SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateSection {
    per_second: NonZeroU32,
    at_once: NonZeroU32,
}

/// Who may sign in by what.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInSection {
    #[serde(default)]
    oidc: Option<OidcSection>,
}

/// What holds, options and file together.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where pages and the API are.
    pub(super) listen: Listen,
    /// Whether somebody said so: then it is an error when it cannot be.
    pub(super) is_chosen: bool,
    /// Where browsers find it, where somebody said so.
    pub(super) public_url: Option<PublicUrl>,
    /// The certificate and its key.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
    /// Proxies that are believed.
    pub(super) trusted: Trusted,
    /// Where the measures are, openly.
    pub(super) metrics: Option<SocketAddr>,
    /// Requests that are taken from one address.
    pub(super) rate: Rate,
    /// Who else lets people in.
    pub(super) provider: Option<ProviderSettings>,
    /// Connections at the same time from one address.
    pub(super) connections_per_address: NonZeroU32,
    /// Programs that other issuers vouch for.
    pub(super) workloads: Vec<Workload>,
    /// Repositories whose matrix is followed.
    pub(super) follow: Vec<Follow>,
    /// Where traces are sent, where somebody said so.
    pub(super) traces: Option<TracesSettings>,
    /// How standard error is written.
    pub(super) log: Form,
    /// The folders of all projects; empty: the one that the current folder is in.
    pub(super) projects: Vec<PathBuf>,
}

impl Settings {
    /// From what was typed and the file that it names.
    ///
    /// # Errors
    /// `wrong-settings` (exit 2), with the place in the file and what is expected.
    pub(crate) fn of(typed: &Arguments) -> Result<Self, CliError> {
        let at = typed.config.as_deref();
        let file = at.map(read).transpose()?.unwrap_or_default();
        let wrong = |cause: String| wrong(at.unwrap_or(Path::new("towpath serve")), &cause);
        let said = match (typed.listen, &file.listen) {
            (Some(typed), _) => Some(typed),
            (None, Some(text)) => {
                Some(text.parse().map_err(|cause| wrong(format!("listen: {cause}")))?)
            }
            (None, None) => None,
        };
        let public_url = match (&typed.public_url, &file.public_url) {
            (Some(typed), _) => Some(typed.clone()),
            (None, Some(text)) => {
                let read = text.parse::<PublicUrl>();
                Some(read.map_err(|error| wrong(format!("public_url: {error}")))?)
            }
            (None, None) => None,
        };
        let beside = |path: PathBuf| at.and_then(Path::parent).unwrap_or(Path::new("")).join(path);
        let provider = file.sign_in.oidc.map(|oidc| oidc.told(beside)).transpose();
        let provider = provider.map_err(|cause| wrong(format!("sign_in.oidc.{cause}")))?;
        if provider.is_some() && public_url.is_none() {
            let cause =
                "sign_in.oidc: a provider leads people back to `public_url`, which is not set";
            return Err(wrong(cause.to_owned()));
        }
        let mut workloads = Vec::new();
        for (at, section) in file.workloads.into_iter().enumerate() {
            let told = section.told(beside);
            workloads.push(told.map_err(|cause| wrong(format!("workloads[{at}].{cause}")))?);
        }
        super::workloads::ready(workloads.clone())
            .map_err(|cause| wrong(format!("workloads: {cause}")))?;
        let mut follow = Vec::new();
        for (at, section) in file.follow.into_iter().enumerate() {
            let told = section.told(beside);
            follow.push(told.map_err(|cause| wrong(format!("follow[{at}].{cause}")))?);
        }
        let variable = |name: &str| std::env::var(name).ok();
        let traces = super::traces::told(typed.traces.as_deref(), file.traces, variable, beside);
        let usual = || if typed.background { Listen::Nowhere } else { usual() };
        let typed_tls = typed.tls_cert.clone().zip(typed.tls_key.clone());
        let file_tls = file.tls.map(|tls| (beside(tls.certificate), beside(tls.key)));
        let proxies = [typed.trusted_proxy.as_slice(), &file.trusted_proxies].concat();
        let trusted = Trusted::new(proxies.iter().map(String::as_str));
        let rate =
            file.rate.map(|rate| Rate { per_second: rate.per_second, at_once: rate.at_once });
        Ok(Self {
            listen: said.unwrap_or_else(usual),
            is_chosen: said.is_some(),
            public_url,
            tls: typed_tls.or(file_tls),
            trusted: trusted.map_err(|error| wrong(format!("trusted_proxies: {error}")))?,
            metrics: typed.metrics_listen.or(file.metrics.map(|metrics| metrics.listen)),
            rate: rate.unwrap_or_default(),
            provider,
            connections_per_address: file.connections_per_address.unwrap_or(MOST_OF_ONE),
            workloads,
            follow,
            traces: traces.map_err(wrong)?,
            log: typed.log.or(file.log).unwrap_or_default(),
            projects: file.projects.into_iter().map(beside).collect(),
        })
    }
}

fn usual() -> Listen {
    Listen::At(USUAL.parse().expect("it is an address"))
}

fn read(path: &Path) -> Result<File, CliError> {
    use std::io::Read as _;
    let mut text = String::new();
    let opened = std::fs::File::open(path);
    let length = opened.and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut text));
    match length {
        Err(error) => Err(wrong(path, &error.to_string())),
        Ok(length) if length as u64 > LARGEST_FILE => {
            Err(wrong(path, &format!("it is larger than {LARGEST_FILE} bytes")))
        }
        // An empty file is no object, and says nothing.
        Ok(_) if text.trim().is_empty() => Ok(File::default()),
        Ok(_) => serde_saphyr::from_str(&text).map_err(|error| wrong(path, &error.to_string())),
    }
}

pub(super) fn wrong(place: &Path, cause: &str) -> CliError {
    let message = "nothing is served: the settings of the server are wrong";
    CliError::new(ExitCode::Usage, "wrong-settings", message)
        .because(cause)
        .at(place.display().to_string())
        .next("towpath help serve", "what can be set")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn settings(typed: &[&str]) -> Result<Settings, CliError> {
        let typed = ["serve"].iter().chain(typed);
        Settings::of(&Typed::try_parse_from(typed).unwrap().arguments)
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.yaml");
        std::fs::write(&path, text).unwrap();
        (folder, path.to_string_lossy().into_owned())
    }

    #[test]
    fn this_machine_alone_is_usual_and_an_engine_in_the_background_has_its_socket() {
        assert_eq!(settings(&[]).unwrap().listen, usual());
        assert_eq!(settings(&["--background"]).unwrap().listen, Listen::Nowhere);
        assert_eq!(settings(&["--listen", "none"]).unwrap().listen, Listen::Nowhere);
    }

    #[test]
    fn options_go_before_the_file_and_its_paths_are_beside_it() {
        let (folder, path) = file(
            "listen: 0.0.0.0:443\ntls: { certificate: a.pem, key: /b.pem }\nlog: json\n\
             trusted_proxies: [10.0.0.0/8]\nrate: { per_second: 5, at_once: 6 }\n\
             projects: [shop, /srv/web]\nmetrics: { listen: 127.0.0.1:9 }\n\
             public_url: https://Towpath.example/\nconnections_per_address: 7\n",
        );
        let found = settings(&["--config", &path]).unwrap();
        assert_eq!(found.listen, "0.0.0.0:443".parse().unwrap());
        assert_eq!(found.tls, Some((folder.path().join("a.pem"), PathBuf::from("/b.pem"))));
        assert_eq!(found.projects, [folder.path().join("shop"), PathBuf::from("/srv/web")]);
        assert_eq!((found.log, found.rate.at_once.get()), (Form::Json, 6));
        let public = found.public_url.as_ref().map(PublicUrl::as_str);
        assert_eq!(public, Some("https://towpath.example"));
        assert_eq!(found.connections_per_address.get(), 7);
        let typed = ["--config", &path, "--listen", "none", "--log", "text"];
        let found = settings(&typed).unwrap();
        assert_eq!((found.listen, found.log), (Listen::Nowhere, Form::Text));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said) in [
            ("listn: 1\n", "listn"),
            ("listen: 7411\n", "listen"),
            ("listen: localhost\n", "`localhost` is no address"),
            ("trusted_proxies: [everybody]\n", "`everybody`"),
            ("rate: { per_second: 0, at_once: 1 }\n", "rate"),
            ("connections_per_address: 0\n", "connections_per_address"),
            ("tls: { certificate: a }\n", "key"),
            (
                "public_url: http://towpath.example\n",
                "public_url: `http://towpath.example` has no https",
            ),
            ("public_url: https://towpath.example/team\n", "says more than"),
            (
                "sign_in: { oidc: { issuer: \"https://a.example\", client_id: t } }\n",
                "`public_url`, which is not set",
            ),
            (
                "public_url: \"https://t.example\"\nsign_in: { oidc: { issuer: \"http://a.example\", client_id: t } }\n",
                "sign_in.oidc.issuer: `http://a.example`",
            ),
            (
                "public_url: \"https://t.example\"\nsign_in: { oidc: { issuer: \"https://a.example\", client_id: t, client_secret_file: none } }\n",
                "sign_in.oidc.client_secret_file",
            ),
            ("sign_in: { oidc: { issuer: x } }\n", "client_id"),
            (
                "workloads: [ { acts_as: ci, issuer: \"https://a.example\", audience: a } ]\n",
                "subject",
            ),
            (
                "workloads: [ { acts_as: ci, issuer: \"http://a.example\", audience: a, subject: b } ]\n",
                "`http://a.example` is no address",
            ),
            (
                "workloads: [ { acts_as: ci, issuer: \"https://a.example\", audience: a, subject: \"repo:*\" } ]\n",
                "nothing is a pattern",
            ),
            (
                "workloads: [ { acts_as: ci, issuer: \"https://a.example\", audience: a, subject: b, lasts: 25h } ]\n",
                "workloads[0].lasts",
            ),
            (
                "workloads: [ { acts_as: ci, issuer: \"https://a.example\", audience: a, subject: b, may: [fly] } ]\n",
                "fly",
            ),
            ("- a\n", ""),
        ] {
            let (_folder, path) = file(text);
            let trouble = settings(&["--config", &path]).unwrap_err();
            let trouble = trouble.trouble();
            assert_eq!(trouble.exit, ExitCode::Usage, "{text}");
            let told = format!("{:?} {:?}", trouble.cause, trouble.place);
            assert!(told.contains(said) && told.contains("server.yaml"), "{text}: {told}");
        }
        let (_folder, path) = file("");
        assert!(settings(&["--config", &path]).is_ok());
        assert!(settings(&["--config", "/no/such/file"]).is_err());
    }
}
