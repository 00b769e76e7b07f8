//! Notifier `webhook`: one POST. Owns the headers, the signature and what a status means; the forms of
//! the body are in `templates`.
//!
//! The headers are those of Standard Webhooks 1.0 (standardwebhooks.com): the id stays the same however
//! often a notice is sent, so that a receiver can keep doubles apart. Redirects are not followed: what
//! was meant for one place is sent to no other.

mod cdevents;
mod templates;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde::Deserialize;
use serde_json::Value;
use towpath_core::units::Span;
use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
use towpath_ports::secret::Secret;
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use super::said;
use crate::outgoing::{self, Redirects};

/// How much of an answer is looked at, in bytes.
const ANSWER_MOST: usize = 4 * 1024;
/// Statuses that stay as they are until somebody changes the notice or its form. Those of a login are not
/// among them, as a secret that was replaced is read anew for each attempt; nor are those that a proxy
/// answers with while the chat behind it is being replaced (404, 405).
const NEVER: &[u16] = &[400, 410, 411, 413, 414, 415, 422];

pub(super) const KIND: Kind<dyn Notifier> = Kind {
    entry: KindEntry {
        family: Family::Notifier,
        name: "webhook",
        summary: "A POST in the form that a chat or a program expects, signed where it is asked for.",
        example: "{ kind: webhook, template: slack, url_secret: SLACK_WEBHOOK_URL }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::optional("url", FieldType::Url, "Where it is sent."),
            Field::optional(
                "url_secret",
                FieldType::Text,
                "The name of the secret with the address; one of both must be given.",
            ),
            Field {
                name: "template",
                of: FieldType::Word(templates::NAMES),
                default: Some(templates::NAMES[0]),
                doc: "The form of the body.",
            },
            Field::optional(
                "signing_secret",
                FieldType::Text,
                "The name of the secret it is signed with: `whsec_` and Base64, or any text.",
            ),
            Field::optional(
                "second_signing_secret",
                FieldType::Text,
                "The name of another one that it is signed with as well, while receivers go from one to the other.",
            ),
            Field {
                name: "timeout",
                of: FieldType::Span,
                default: Some("10s"),
                doc: "How long an answer may take.",
            },
        ],
        validate,
    },
    build: Some(|settings, _| Ok(Arc::new(Webhook::new(settings)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    if settings.second_signing_secret.is_some() && settings.signing_secret.is_none() {
        let what = "`second_signing_secret` is beside a first one, which is not named";
        return vec![Problem::new("signing_secret", what.to_owned(), "the name of a secret")];
    }
    match (&settings.url, &settings.url_secret) {
        (Some(url), None) => match address(url) {
            Ok(_) => Vec::new(),
            Err(why) => vec![Problem::new("url", why, "an address that notices may go to")],
        },
        (None, Some(_)) => Vec::new(),
        (Some(_), Some(_)) => {
            let what = "`url` and `url_secret` both say where it is sent";
            vec![Problem::new("url", what.to_owned(), "one of both")]
        }
        (None, None) => {
            let what = "nothing says where it is sent";
            vec![Problem::new("url_secret", what.to_owned(), "`url` or `url_secret`")]
        }
    }
}

/// An address that may be asked, without a name and a password in it.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a name or a password; `url_secret` keeps them out".to_owned());
    }
    outgoing::ensure_allowed(&url)?;
    Ok(url)
}

/// The server without what stands behind it: many a chat takes the path for a password.
fn shown(url: &Url) -> String {
    let rest = if url.path() == "/" && url.query().is_none() { "/" } else { "/…" };
    format!("{}{rest}", url.origin().ascii_serialization())
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    url: Option<String>,
    url_secret: Option<String>,
    template: String,
    signing_secret: Option<String>,
    second_signing_secret: Option<String>,
    timeout: u64,
}

struct Webhook {
    settings: Settings,
    client: Client,
}

impl Webhook {
    fn new(settings: &Value) -> Result<Self, String> {
        let settings = Settings::deserialize(settings);
        let settings = settings.map_err(|error| format!("notifier `webhook`: {error}"))?;
        let client = outgoing::client(Redirects::SameHost)
            .redirect(Policy::none())
            .user_agent(concat!("towpath/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(settings.timeout))
            .build()
            .map_err(|error| format!("notifier `webhook`: {error}"))?;
        Ok(Self { settings, client })
    }

    /// Where it goes, and what that is called in messages.
    fn place(&self, delivery: &Delivery<'_>) -> Result<(Url, String), Failure> {
        if let Some(name) = &self.settings.url_secret {
            let secret = delivery.secret("url_secret")?;
            // What is wrong with it is not repeated: the parser's words may hold a part of it.
            let allowed = Url::parse(secret.reveal().trim())
                .ok()
                .filter(|url| outgoing::ensure_allowed(url).is_ok());
            let refused = || {
                Failure::later(format!("the secret {name} holds no address that notices may go to"))
            };
            return Ok((allowed.ok_or_else(refused)?, format!("the address in {name}")));
        }
        let url =
            address(self.settings.url.as_deref().unwrap_or_default()).map_err(Failure::never)?;
        let shown = shown(&url);
        Ok((url, shown))
    }

    /// One signature for each key that is named, with blanks between them: a receiver takes whichever it can verify.
    fn signatures(
        &self,
        delivery: &Delivery<'_>,
        id: &str,
        now: u64,
        body: &str,
    ) -> Result<Option<HeaderValue>, Failure> {
        let named = [
            ("signing_secret", &self.settings.signing_secret),
            ("second_signing_secret", &self.settings.second_signing_secret),
        ];
        let mut all = Vec::new();
        for (field, _) in named.into_iter().filter(|(_, name)| name.is_some()) {
            all.push(signature(delivery.secret(field)?, id, now, body));
        }
        if all.is_empty() {
            return Ok(None);
        }
        let header = HeaderValue::try_from(all.join(" "));
        let mut header = header.map_err(|error| Failure::never(error.to_string()))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    async fn judge(
        delivery: &Delivery<'_>,
        place: &str,
        mut response: Response,
    ) -> Result<Taken, Failure> {
        let status = response.status();
        if status.is_success() {
            return Ok(Taken { sentence: format!("{place} answered {}", status.as_u16()) });
        }
        let mut body = Vec::new();
        // An answer that breaks off is told as far as it came.
        while let Ok(Some(chunk)) = response.chunk().await {
            let fits = chunk.len().min(ANSWER_MOST - body.len());
            body.extend_from_slice(&chunk[..fits]);
            if body.len() == ANSWER_MOST {
                // Half a secret at the cut would not be recognised.
                body.clear();
                break;
            }
        }
        let what = said(delivery, &body);
        let what = if what.is_empty() { what } else { format!(": {what}") };
        let sentence = format!("{place} answered {}{what}", status.as_u16());
        let may_help_later = !NEVER.contains(&status.as_u16());
        Err(Failure { sentence, may_help_later })
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure> {
        let (url, place) = self.place(delivery)?;
        let (kind, body) = templates::body(&self.settings.template, delivery.notice);
        let body = body.to_string();
        let id = format!("{}.{}", delivery.notice.id, delivery.notice.channel);
        // Receivers refuse what was signed long ago, so that the moment is that of the attempt.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, kind)
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.to_string());
        if let Some(signed) = self.signatures(delivery, &id, now, &body)? {
            request = request.header("webhook-signature", signed);
        }
        match request.body(body).send().await {
            Ok(response) => Self::judge(delivery, &place, response).await,
            Err(error) if error.is_timeout() => Err(Failure::later(format!(
                "{place} did not answer within {}",
                Span(self.settings.timeout)
            ))),
            Err(error) => Err(Failure::later(said(
                delivery,
                format!("{place} did not answer: {}", outgoing::reason(&error)).as_bytes(),
            ))),
        }
    }
}

/// `v1,` and the Base64 of HMAC-SHA256 over id, moment and body, as Standard Webhooks has it.
fn signature(secret: &Secret, id: &str, now: u64, body: &str) -> String {
    let value = secret.reveal().trim();
    let encoded = value.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
    let key = encoded.unwrap_or_else(|| value.as_bytes().to_vec());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{now}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::notifiers::testing::{build, deliver};

    const HERE: &str = "/";

    /// Answers each request with `answer`, and hands out what was asked.
    async fn server(answer: &str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/services/T00/SECRETPART", listener.local_addr().unwrap());
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let answer = answer.to_owned();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !is_whole(&request) {
                    let mut part = [0; 4096];
                    let read = connection.read(&mut part).await.unwrap();
                    request.extend_from_slice(&part[..read]);
                    assert_ne!(read, 0, "the request breaks off");
                }
                connection.write_all(answer.as_bytes()).await.unwrap();
                sender.send(String::from_utf8(request).unwrap()).unwrap();
            }
        });
        (url, receiver)
    }

    fn is_whole(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        body.len() >= length.unwrap().parse::<usize>().unwrap()
    }

    fn answer(status: u16, more: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n{body}"
        )
    }

    fn header<'a>(request: &'a str, name: &str) -> &'a str {
        let found = request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("no {name} in {request}"))
    }

    #[tokio::test]
    async fn a_signed_event_arrives_under_the_same_id_each_time() {
        let (url, mut requests) = server(&answer(200, "", "ok")).await;
        let settings = json!({ "url": url, "signing_secret": "HOOK_KEY" });
        let webhook = build("webhook", &settings, HERE.as_ref()).unwrap();
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let mut ids = Vec::new();
        for _ in 0..2 {
            deliver(&*webhook, &[("signing_secret", key)]).await.unwrap();
            let request = requests.recv().await.unwrap();
            let body = request.split_once("\r\n\r\n").unwrap().1;
            let moment = header(&request, "webhook-timestamp").parse().unwrap();
            let id = header(&request, "webhook-id");
            let secret = Secret::new(key.to_owned()).unwrap();
            assert_eq!(header(&request, "webhook-signature"), signature(&secret, id, moment, body));
            assert_eq!(header(&request, "content-type"), "application/cloudevents+json");
            assert!(!request.contains(key));
            ids.push(id.to_owned());
        }
        assert_eq!(ids, ["6635b5a8dc000-3-17-0.slack"; 2]);
    }

    #[tokio::test]
    async fn while_keys_are_changed_each_of_both_verifies_it() {
        let (url, mut requests) = server(&answer(200, "", "ok")).await;
        let settings =
            json!({ "url": url, "signing_secret": "NEW", "second_signing_secret": "OLD" });
        let webhook = build("webhook", &settings, HERE.as_ref()).unwrap();
        let keys = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "the old one"];
        let named = [("signing_secret", keys[0]), ("second_signing_secret", keys[1])];
        deliver(&*webhook, &named).await.unwrap();
        let request = requests.recv().await.unwrap();
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let moment = header(&request, "webhook-timestamp").parse().unwrap();
        let id = header(&request, "webhook-id");
        let expected =
            keys.map(|key| signature(&Secret::new(key.to_owned()).unwrap(), id, moment, body));
        assert_eq!(header(&request, "webhook-signature"), expected.join(" "));
        assert_ne!(expected[0], expected[1]);
        assert!(keys.iter().all(|key| !request.contains(key)));
        // Without the second key it is not sent: half of the receivers would refuse it.
        let failure = deliver(&*webhook, &named[..1]).await.unwrap_err();
        assert!(requests.try_recv().is_err(), "{failure:?}");
        let alone = json!({ "url": "https://a.example", "second_signing_secret": "OLD" });
        assert_eq!(build("webhook", &alone, HERE.as_ref()).err().unwrap(), ["signing_secret"]);
    }

    /// T6: what is sent cannot be said by somebody else, nor at another time, nor as another notice. The receiver is
    /// that of the specification: the very bytes, five minutes, and each id once.
    #[test]
    fn t6_of_a_hundred_thousand_replays_and_forgeries_none_is_taken() {
        use std::collections::BTreeSet;
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()).unwrap();
        let key =
            hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&secret.reveal()[6..]).unwrap());
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut takes = |now: u64, id: &str, moment: &str, body: &str, header: &str| {
            let Ok(said) = moment.parse::<u64>() else { return false };
            let text = format!("{id}.{moment}.{body}");
            let holds = |one: &str| {
                let tag = one.strip_prefix("v1,").and_then(|tag| STANDARD.decode(tag).ok());
                tag.is_some_and(|tag| hmac::verify(&key, text.as_bytes(), &tag).is_ok())
            };
            now.abs_diff(said) <= 300 && header.split(' ').any(holds) && seen.insert(id.to_owned())
        };
        let (begin, mut taken) = (1_800_000_000_u64, 0);
        for number in 0..100_000_u64 {
            let (id, moment) =
                (format!("6635b5a8dc000-{}-17-0.slack", number / 10), begin + number / 10);
            let body = format!("{{\"promotion\":{}}}", number / 10);
            let signed = signature(&secret, &id, moment, &body);
            let other = Secret::new(format!("another secret {number}")).unwrap();
            let (own, now) = (moment.to_string(), moment + 1);
            let is_taken = match number % 10 {
                // Once as it was sent; whatever comes after that is a replay or a forgery.
                0 => {
                    assert!(
                        takes(now, &id, &own, &body, &signed),
                        "{number}: it is as it was sent"
                    );
                    taken += 1;
                    false
                }
                1 => takes(now, &id, &own, &body, &signed),
                2 => takes(now + 301, &format!("{id}x"), &own, &body, &signed),
                3 => takes(now, &format!("{id}x"), &own, &body, &signed),
                4 => takes(now, &format!("{id}y"), &now.to_string(), &body, &signed),
                5 => takes(now, &format!("{id}z"), &own, &body.replace('}', ",\"x\":1}"), &signed),
                6 => {
                    let forged = signature(&other, &format!("{id}o"), moment, &body);
                    takes(now, &format!("{id}o"), &own, &body, &forged)
                }
                // A part moved over the border between two others.
                7 => takes(now, &format!("{id}.{own}"), &own, &body, &signed),
                8 => takes(now, &format!("{id}n"), &own, &body, "v1,"),
                _ => takes(now, &format!("{id}v"), &own, &body, &signed.replace("v1,", "v0,")),
            };
            assert!(!is_taken, "{number} is none that was sent");
        }
        assert_eq!(taken, 10_000);
    }

    /// The example of the specification's reference implementations.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()).unwrap();
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[tokio::test]
    async fn statuses_say_whether_it_is_worth_trying_again_and_never_the_secret() {
        for (status, later) in [(500, true), (429, true), (403, true), (404, true), (410, false)] {
            let (url, _requests) =
                server(&answer(status, "", "no /services/T00/SECRETPART\n")).await;
            let webhook = build(
                "webhook",
                &json!({ "url_secret": "HOOK", "template": "slack" }),
                HERE.as_ref(),
            )
            .unwrap();
            let failure = deliver(&*webhook, &[("url_secret", &url)]).await.unwrap_err();
            assert_eq!(failure.may_help_later, later, "{failure:?}");
            assert_eq!(failure.sentence, format!("the address in HOOK answered {status}: no /***"));
        }
    }

    #[tokio::test]
    async fn no_redirect_is_followed_and_no_metadata_service_is_asked() {
        let (other, mut requests) = server(&answer(200, "", "")).await;
        let (url, _own) = server(&answer(307, &format!("location: {other}\r\n"), "")).await;
        let webhook = build("webhook", &json!({ "url_secret": "HOOK" }), HERE.as_ref()).unwrap();
        let failure = deliver(&*webhook, &[("url_secret", &url)]).await.unwrap_err();
        assert_eq!(failure.sentence, "the address in HOOK answered 307");
        assert!(requests.try_recv().is_err(), "nothing was sent to the other place");
        for address in ["http://169.254.169.254/latest", "file:///etc/passwd", "no address"] {
            let failure = deliver(&*webhook, &[("url_secret", address)]).await.unwrap_err();
            let expected = "the secret HOOK holds no address that notices may go to";
            assert_eq!(failure.sentence, expected);
        }
    }

    #[tokio::test]
    async fn a_silent_server_and_a_closed_port_are_tried_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let settings = json!({ "url": url, "timeout": "50ms" });
        let webhook = build("webhook", &settings, HERE.as_ref()).unwrap();
        let failure = deliver(&*webhook, &[]).await.unwrap_err();
        assert_eq!(failure, Failure::later(format!("{url} did not answer within 50ms")));
        drop(listener);
        assert!(deliver(&*webhook, &[]).await.unwrap_err().may_help_later);
    }

    #[test]
    fn a_channel_without_a_place_or_with_two_is_refused_when_the_matrix_is_checked() {
        let problems = |given: Value| build("webhook", &given, HERE.as_ref()).err().unwrap();
        assert_eq!(problems(json!({})), ["url_secret"]);
        assert_eq!(problems(json!({ "url": "https://a.example", "url_secret": "A" })), ["url"]);
        assert_eq!(problems(json!({ "url": "http://169.254.169.254/" })), ["url"]);
        assert_eq!(problems(json!({ "url": "https://me:it@a.example/" })), ["url"]);
    }
}
