//! Check `http`: an address answers as expected. Owns one question; never asks twice on its own.
//!
//! An instance of the release that does not answer *fails* the check: it is what is judged. Another
//! server that does not answer leaves it *inconclusive*: a source that is down proves nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use towpath_core::check::CheckAnswer;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::secret::CUT;
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState};

use crate::outgoing::{self, Redirects};
use crate::printable::escaped;
use crate::question;

/// How much of an answer is read, in bytes: health pages are small, and a flood must not be kept.
const BODY_MOST: usize = 64 * 1024;

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "http",
        summary: "An address answers with the expected status; {green} asks every instance.",
        example: "{ check: http, url: \"{green}/health\", expect: 200 }",
        state: KindState::Built,
        capabilities: &["green"],
        fields: &[
            Field {
                name: "url",
                of: FieldType::Url,
                default: None,
                doc: "What to ask; {green} stands for each instance of the release, and all of \
                      them must pass.",
            },
            Field {
                name: "method",
                of: FieldType::Word(&["GET", "HEAD"]),
                default: Some("GET"),
                doc: "How to ask.",
            },
            Field {
                name: "expect",
                of: FieldType::Count(100, 599),
                default: Some(""),
                doc: "The status that passes; without it and `accept`, any 2xx.",
            },
            Field {
                name: "accept",
                of: FieldType::Texts,
                default: Some(""),
                doc: "More statuses that pass, such as \"204\" or \"3xx\".",
            },
            Field {
                name: "contains",
                of: FieldType::Text,
                default: Some(""),
                doc: "A text that the first 64 KiB of the answer must hold.",
            },
            Field {
                name: "headers",
                of: FieldType::TextMap,
                default: Some(""),
                doc: "Headers to send.",
            },
        ],
        validate,
    },
    build: Some(|settings, _site| Ok(Arc::new(Http::new(settings)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    let sample = settings.url.replace(question::PLACE, "http://127.0.0.1:1");
    let parsed = Url::parse(&sample).map_err(|error| error.to_string());
    if let Err(wrong) = parsed.and_then(|url| outgoing::ensure_allowed(&url)) {
        let message = format!("`url` cannot be asked: {wrong}");
        problems.push(Problem::new("url", message, "an address that checks may ask"));
    }
    for (index, text) in settings.accept.iter().enumerate() {
        if let Err(wrong) = Statuses::read(text) {
            let path = format!("accept[{index}]");
            problems.push(Problem::new(&path, wrong, "a status such as \"204\" or \"3xx\""));
        }
    }
    if settings.method == "HEAD" && settings.contains.is_some() {
        let message = "`contains` needs a body, and HEAD answers have none";
        problems.push(Problem::new("contains", message, "method: GET"));
    }
    for (name, value) in &settings.headers {
        if header(name, value).is_err() {
            let path = format!("headers.{name}");
            problems.push(Problem::new(&path, format!("`{path}` is no header"), "a header"));
        }
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Debug, Deserialize)]
struct Settings {
    url: String,
    method: String,
    expect: Option<u16>,
    #[serde(default)]
    accept: Vec<String>,
    contains: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// One status or one class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statuses {
    One(u16),
    Class(u16),
}

impl Statuses {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no status");
        if let Some(class) = text.strip_suffix("xx") {
            let class = class.parse().ok().filter(|class| (1..=5).contains(class));
            return class.map(Self::Class).ok_or_else(wrong);
        }
        let status = text.parse().ok().filter(|status| (100..=599).contains(status));
        status.map(Self::One).ok_or_else(wrong)
    }

    fn hold(self, status: u16) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => status / 100 == class,
        }
    }
}

struct Http {
    client: Client,
    method: Method,
    url: String,
    wanted: Vec<Statuses>,
    wanted_text: String,
    contains: Option<String>,
    headers: HeaderMap,
}

impl Http {
    fn new(settings: &Value) -> Result<Self, String> {
        let settings =
            Settings::deserialize(settings).map_err(|error| format!("check `http`: {error}"))?;
        let mut wanted: Vec<Statuses> = settings.expect.map(Statuses::One).into_iter().collect();
        let mut texts: Vec<String> =
            settings.expect.map(|one| one.to_string()).into_iter().collect();
        for text in settings.accept {
            wanted.push(Statuses::read(&text)?);
            texts.push(text);
        }
        if wanted.is_empty() {
            wanted.push(Statuses::Class(2));
            texts.push("2xx".to_owned());
        }
        let headers = settings.headers.iter().map(|(name, value)| header(name, value));
        let client = outgoing::client(Redirects::SameHost).pool_max_idle_per_host(0).build();
        Ok(Self {
            client: client
                .map_err(|error| format!("no HTTP client: {}", outgoing::reason(&error)))?,
            method: if settings.method == "HEAD" { Method::HEAD } else { Method::GET },
            url: settings.url,
            wanted,
            wanted_text: texts.join(" or "),
            contains: settings.contains,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }

    async fn ask_one(&self, url: &str, is_green: bool, request: &CheckRequest) -> CheckAnswer {
        let timeout = question::patience(request);
        // What is judged fails by its silence; what only knows about it leaves us in the dark.
        let silent = |what: String| {
            if is_green { CheckAnswer::fail(what) } else { CheckAnswer::inconclusive(what) }
        };
        let parsed = Url::parse(url).map_err(|error| error.to_string());
        let parsed = match parsed.and_then(|url| outgoing::ensure_allowed(&url).map(|()| url)) {
            Ok(url) => url,
            Err(wrong) => {
                return CheckAnswer::inconclusive(format!("{url} cannot be asked: {wrong}"));
            }
        };
        let (method, mut headers) = (self.method.clone(), self.headers.clone());
        if let Some(trace) = request.trace {
            let value = HeaderValue::try_from(trace.to_string()).expect("digits and dashes");
            // One that the matrix names is what it wants.
            headers.entry("traceparent").or_insert(value);
        }
        let asked =
            self.client.request(method, parsed).headers(headers).timeout(timeout).send().await;
        let response = match asked {
            Ok(response) => response,
            Err(error) if error.is_redirect() => {
                return CheckAnswer::fail(format!("{url}: {}", outgoing::reason(&error)));
            }
            Err(error) if error.is_timeout() => {
                let waited = Span(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
                return silent(format!("{url} did not answer within {waited}"));
            }
            Err(error) => {
                return silent(format!("{url} did not answer: {}", outgoing::reason(&error)));
            }
        };
        self.judge(url, response, request).await
    }

    async fn judge(
        &self,
        url: &str,
        mut response: Response,
        request: &CheckRequest,
    ) -> CheckAnswer {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let mut cut = false;
        // A body that breaks off is judged as far as it came; the status is what is asked for.
        while let Ok(Some(chunk)) = response.chunk().await {
            let fits = chunk.len().min(BODY_MOST - body.len());
            body.extend_from_slice(&chunk[..fits]);
            cut = fits < chunk.len();
            if cut {
                break;
            }
        }
        // Of a secret that lies on the cut nobody shall read the half.
        let text = format!("{}{}", escaped_lines(&body), if cut { CUT } else { "" });
        let told = json!({ "url": url, "status": status, "body": text, "cut": cut });
        question::keep(request, "http.json", &told);
        if !self.wanted.iter().any(|wanted| wanted.hold(status)) {
            let wanted = &self.wanted_text;
            return CheckAnswer::fail(format!("{url} answered {status}, expected {wanted}"))
                .with_output(text);
        }
        match &self.contains {
            Some(wanted) if !holds(&body, wanted.as_bytes()) => {
                let within = if cut { " in its first 64 KiB" } else { "" };
                let what = format!("{url} answered {status} without `{wanted}`{within}");
                CheckAnswer::fail(what).with_output(text)
            }
            Some(_) | None => {
                CheckAnswer::pass(format!("{url} answered {status}")).with_output(text)
            }
        }
    }
}

#[async_trait]
impl Check for Http {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let urls = match question::for_each(&self.url, request) {
            Ok(urls) => urls,
            Err(answer) => return answer,
        };
        let is_green = self.url.contains(question::PLACE);
        let answers = join_all(urls.iter().map(|url| self.ask_one(url, is_green, request))).await;
        question::worst_of(answers, "instances")
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = |_| format!("`{name}` is no header");
    let name = HeaderName::try_from(name).map_err(|error| wrong(error.to_string()))?;
    Ok((name, HeaderValue::try_from(value).map_err(|error| wrong(error.to_string()))?))
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|part| part == wanted)
}

fn escaped_lines(body: &[u8]) -> String {
    let lines: Vec<String> = body.split(|byte| *byte == b'\n').map(escaped).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::testing::{Evidence, check, problems, request, site};
    use serde_json::json;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use towpath_core::check::CheckResult;

    /// Answers every request with these bytes, and nothing more when they are empty.
    async fn server(answer: impl Into<Vec<u8>>) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = answer.into();
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let _request = connection.read(&mut [0; 4096]).await;
                    if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                    let _client_may_be_gone = connection.write_all(&answer).await;
                });
            }
        });
        address
    }

    fn page(status: u16, more: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{more}\r\n{body}",
            body.len()
        )
    }

    async fn ask(settings: &Value, green: &[SocketAddr]) -> CheckAnswer {
        let check = check("http", settings, &site(std::path::Path::new("/"), 1));
        check.ask(&request(green, Evidence::default())).await
    }

    #[tokio::test]
    async fn every_instance_must_answer_as_expected() {
        let good = server(page(200, "", "all well")).await;
        let bad = server(page(503, "", "no\x1b database")).await;
        let health = json!({ "url": "{green}/health", "expect": 200 });
        let answer = ask(&health, &[good, good]).await;
        assert_eq!(answer.result, CheckResult::Pass, "{answer:?}");
        let answer = ask(&health, &[good, bad]).await;
        assert_eq!(answer.result, CheckResult::Fail);
        assert_eq!(answer.sentence, format!("http://{bad}/health answered 503, expected 200"));
        assert_eq!(answer.output.as_deref(), Some("no\\u{1b} database"));
        let lenient = json!({ "url": "{green}/", "expect": 200, "accept": ["5xx"] });
        assert_eq!(ask(&lenient, &[good, bad]).await.result, CheckResult::Pass);
        let text = |text: &str| json!({ "url": "{green}/", "contains": text });
        assert_eq!(ask(&text("well"), &[good]).await.result, CheckResult::Pass);
        assert_eq!(ask(&text("ill"), &[good]).await.result, CheckResult::Fail);
    }

    #[tokio::test]
    async fn a_silent_instance_fails_and_a_silent_source_is_inconclusive() {
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        assert_eq!(ask(&json!({ "url": "{green}/" }), &[closed]).await.result, CheckResult::Fail);
        let source = json!({ "url": format!("http://{closed}/") });
        assert_eq!(ask(&source, &[]).await.result, CheckResult::Inconclusive);
        assert_eq!(ask(&json!({ "url": "{green}/" }), &[]).await.result, CheckResult::Inconclusive);
        let hanging = server("").await;
        let check =
            check("http", &json!({ "url": "{green}/" }), &site(std::path::Path::new("/"), 1));
        let mut request = request(&[hanging], Evidence::default());
        request.timeout = towpath_core::units::Span(50);
        let answer = check.ask(&request).await;
        assert!(answer.sentence.ends_with("did not answer within 45ms"), "{answer:?}");
    }

    #[tokio::test]
    async fn redirects_stay_with_the_host_that_was_asked() {
        let other = server(page(200, "", "")).await;
        let there = |location: String| page(302, &format!("location: {location}\r\n"), "");
        for location in [
            format!("http://{other}/"),
            "http://169.254.169.254/latest".to_owned(),
            "//169.254.169.254/".to_owned(),
            "file:///etc/passwd".to_owned(),
        ] {
            let from = server(there(location.clone())).await;
            let answer = ask(&json!({ "url": "{green}/" }), &[from]).await;
            assert_eq!(answer.result, CheckResult::Fail, "{location}: {answer:?}");
        }
        let endless = server(there("/again".to_owned())).await;
        let answer = ask(&json!({ "url": "{green}/" }), &[endless]).await;
        assert!(answer.sentence.contains("redirects"), "{answer:?}");
    }

    #[tokio::test]
    async fn a_flood_is_cut() {
        let flood = page(200, "", &"x".repeat(1 << 20));
        let answer = ask(&json!({ "url": "{green}/" }), &[server(flood).await]).await;
        assert_eq!(answer.result, CheckResult::Pass);
        assert_eq!(answer.output.unwrap().len(), BODY_MOST + CUT.len());
    }

    #[test]
    fn what_cannot_be_asked_is_refused_when_the_matrix_is_checked() {
        let given = json!({ "url": "http://169.254.169.254/", "accept": ["2xx", "9xx"],
            "method": "HEAD", "contains": "x", "headers": { "a b": "c" } });
        assert_eq!(problems("http", &given), ["url", "accept[1]", "contains", "headers.a b"]);
        assert_eq!(problems("http", &json!({ "url": "{green}/health", "expect": 200 })), [""; 0]);
    }
}
