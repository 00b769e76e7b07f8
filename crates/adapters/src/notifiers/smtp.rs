//! Notifier `smtp`: one mail. Owns how the server is reached and what its answers mean; the mail itself
//! is put together by the library, which keeps headers in their lines.
//!
//! Nothing goes over the network in the clear: a server that offers no TLS gets no mail, unless it is
//! this machine. Where a name leads is looked at before anything is connected, and exactly that
//! address is used.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Mailboxes, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::Deserialize;
use serde_json::Value;
use towpath_core::notices::Notice;
use towpath_core::units::Span;
use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use super::said;
use crate::outgoing;

/// The port of SMTP that begins with TLS (RFC 8314).
const SUBMISSIONS: u16 = 465;
/// Answers to a login that a replaced secret may change (RFC 4954).
const LOGIN: [u16; 4] = [530, 534, 535, 538];

pub(super) const KIND: Kind<dyn Notifier> = Kind {
    entry: KindEntry {
        family: Family::Notifier,
        name: "smtp",
        summary: "Mail through an SMTP server.",
        example: "{ kind: smtp, server: \"smtp.example.org:587\", from: towpath@example.org, to: [team@example.org] }",
        state: KindState::Built,
        capabilities: &["addressed"],
        fields: &[
            Field::required("server", FieldType::Text, "Host and port."),
            Field::required("from", FieldType::Text, "The sender."),
            Field::required("to", FieldType::Texts, "The receivers."),
            Field::optional("user", FieldType::Text, "Who signs in."),
            Field::optional(
                "password_secret",
                FieldType::Text,
                "The name of the secret with the password.",
            ),
            Field::optional(
                "security",
                FieldType::Word(&["starttls", "tls", "none"]),
                "How the connection is kept secret; left out, `tls` on port 465 and `starttls` on \
                 others. `none` is for a server on this machine alone.",
            ),
            Field {
                name: "timeout",
                of: FieldType::Span,
                default: Some("30s"),
                doc: "How long the server may take in all.",
            },
        ],
        validate,
    },
    build: Some(|settings, _| Ok(Arc::new(Smtp::new(settings)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    let server = settings.server();
    if let Err(why) = &server {
        problems.push(Problem::new("server", why.clone(), "host and port: smtp.example.org:587"));
    }
    let addresses = std::iter::once(("from".to_owned(), &settings.from))
        .chain(settings.to.iter().enumerate().map(|(at, it)| (format!("to[{at}]"), it)));
    for (path, address) in addresses {
        if address.parse::<Mailbox>().is_err() {
            let what = format!("`{path}` is no address of mail");
            problems.push(Problem::new(&path, what, "an address such as team@example.org"));
        }
    }
    if settings.user.is_some() != settings.password_secret.is_some() {
        let missing = if settings.user.is_some() { "password_secret" } else { "user" };
        let what = format!("a login needs `{missing}` as well");
        problems.push(Problem::new(missing, what, "both `user` and `password_secret`, or neither"));
    }
    if settings.security.as_deref() == Some("none")
        && server.is_ok_and(|(host, _)| !is_this_machine(&host))
    {
        let what = "mail would cross the network for everybody to read";
        problems.push(Problem::new("security", what.to_owned(), "`starttls` or `tls`"));
    }
    problems
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    server: String,
    from: String,
    to: Vec<String>,
    user: Option<String>,
    password_secret: Option<String>,
    security: Option<String>,
    timeout: u64,
}

impl Settings {
    fn server(&self) -> Result<(String, u16), String> {
        let wrong = || format!("`{}` is not a host and its port", self.server.escape_default());
        let (host, port) = self.server.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let is_host = |it: char| it.is_ascii_alphanumeric() || ".-:_".contains(it);
        if host.is_empty() || !host.chars().all(is_host) || port == 0 {
            return Err(wrong());
        }
        Ok((host.to_owned(), port))
    }
}

struct Smtp {
    settings: Settings,
    host: String,
    port: u16,
}

impl Smtp {
    fn new(settings: &Value) -> Result<Self, String> {
        let settings = Settings::deserialize(settings);
        let settings = settings.map_err(|error| format!("notifier `smtp`: {error}"))?;
        let (host, port) = settings.server()?;
        Ok(Self { settings, host, port })
    }

    /// Where the server is now.
    async fn find(&self) -> Result<SocketAddr, Failure> {
        let server = &self.settings.server;
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<_> = found
            .map_err(|error| Failure::later(format!("{server} is not to be found: {error}")))?
            .collect();
        if found.iter().any(|one| outgoing::is_forbidden(one.ip())) {
            let what = format!("{server} is a link-local, metadata or group address");
            return Err(Failure::never(what));
        }
        if self.settings.security.as_deref() == Some("none")
            && found.iter().any(|one| !one.ip().is_loopback())
        {
            let what = format!("{server} is not on this machine, and `security` is `none`");
            return Err(Failure::never(what));
        }
        let first = found.first().copied();
        first.ok_or_else(|| Failure::later(format!("{server} has no address")))
    }

    fn tls(&self) -> Result<Tls, Failure> {
        let parameters = || {
            TlsParameters::new_rustls(self.host.clone())
                .map_err(|error| Failure::later(format!("TLS cannot begin: {error}")))
        };
        Ok(match (self.settings.security.as_deref(), self.port) {
            (Some("none"), _) => Tls::None,
            (Some("tls"), _) | (None, SUBMISSIONS) => Tls::Wrapper(parameters()?),
            _ => Tls::Required(parameters()?),
        })
    }

    fn mail(&self, notice: &Notice) -> Result<Message, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::never(format!("no mail: {error}"));
        let from: Mailbox = self.settings.from.parse().map_err(|error| wrong(&error))?;
        let domain = from.email.domain().to_owned();
        let id = format!("<towpath.{}.{}.{}@{domain}>", notice.project, notice.id, notice.channel);
        let mut to = Mailboxes::new();
        for one in &self.settings.to {
            to.push(one.parse().map_err(|error| wrong(&error))?);
        }
        let builder: MessageBuilder = Message::builder()
            .from(from)
            .mailbox(lettre::message::header::To::from(to))
            .message_id(Some(id))
            .subject(notice.subject.clone())
            .header(ContentType::TEXT_PLAIN);
        builder.body(notice.text()).map_err(|error| wrong(&error))
    }
}

#[async_trait]
impl Notifier for Smtp {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure> {
        let mail = self.mail(delivery.notice)?;
        let timeout = Duration::from_millis(self.settings.timeout);
        let server = &self.settings.server;
        let sent = tokio::time::timeout(timeout, self.send(delivery, &mail)).await;
        sent.unwrap_or_else(|_| {
            let waited = Span(self.settings.timeout);
            Err(Failure::later(format!("{server} did not take it within {waited}")))
        })
    }
}

impl Smtp {
    /// The same mail to each receiver by itself: a server ends a mail with the first receiver that it
    /// refuses, and then one who left would keep it from all others.
    async fn send(&self, delivery: &Delivery<'_>, mail: &Message) -> Result<Taken, Failure> {
        let address = self.find().await?;
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
                .port(address.port())
                .tls(self.tls()?)
                .timeout(Some(Duration::from_millis(self.settings.timeout)));
        if let Some(user) = &self.settings.user {
            let password = delivery.secret("password_secret")?.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let (transport, text) = (builder.build(), mail.formatted());
        let (mut answers, mut failures) = (Vec::new(), Vec::new());
        for receiver in mail.envelope().to() {
            let envelope = Envelope::new(mail.envelope().from().cloned(), vec![receiver.clone()]);
            let envelope = envelope.map_err(|error| Failure::never(format!("no mail: {error}")))?;
            match transport.send_raw(&envelope, &text).await {
                Ok(response) => answers.push(response.message().collect::<Vec<_>>().join(" ")),
                Err(error) => failures.push(self.failure(delivery, &error)),
            }
        }
        self.sum(delivery, &answers, failures)
    }

    /// What became of it in all: taken as soon as one has it and no other could have it later.
    fn sum(
        &self,
        delivery: &Delivery<'_>,
        answers: &[String],
        failures: Vec<Failure>,
    ) -> Result<Taken, Failure> {
        let server = &self.settings.server;
        let may_help_later = failures.iter().any(|failure| failure.may_help_later);
        let refused: Vec<String> = failures.into_iter().map(|failure| failure.sentence).collect();
        let refused = refused.join("; ");
        if answers.is_empty() || may_help_later {
            return Err(Failure { sentence: refused, may_help_later });
        }
        let said = said(delivery, answers.last().map_or(&[][..], |answer| answer.as_bytes()));
        let sentence = match refused.as_str() {
            "" => format!("{server} took it: {said}"),
            refused => format!("{server} took it for {} of them: {said}; {refused}", answers.len()),
        };
        Ok(Taken { sentence })
    }

    fn failure(&self, delivery: &Delivery<'_>, error: &lettre::transport::smtp::Error) -> Failure {
        let mut cause = error.to_string();
        let mut deeper = std::error::Error::source(error);
        while let Some(inner) = deeper {
            let text = inner.to_string();
            if !cause.contains(&text) {
                cause = format!("{cause}: {text}");
            }
            deeper = inner.source();
        }
        let status = error.status().map(u16::from);
        let may_help_later =
            !error.is_permanent() || status.is_some_and(|status| LOGIN.contains(&status));
        let sentence = format!(
            "{} did not take it: {}",
            self.settings.server,
            said(delivery, cause.as_bytes())
        );
        Failure { sentence, may_help_later }
    }
}

#[cfg(test)]
mod tests;
