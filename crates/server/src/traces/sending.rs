//! Sends spans to the collector, a batch at a time. Owns how long it is waited for, what happens while it is away,
//! and what is said of that; makes no span.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::{Key, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use reqwest::{Client, redirect};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::follow::Followers;
use super::{Counts, Settings};

/// Spans of one request at the most, and how long the first of them waits for others (`OTEL_BSP_*` as the
/// specification has them).
const BATCH: usize = 512;
const GATHERED_WITHIN: Duration = Duration::from_secs(5);
/// How long one request may take (`OTEL_EXPORTER_OTLP_TIMEOUT` as the specification has it), and a connection.
const WITHIN: Duration = Duration::from_secs(10);
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How long nothing is sent to a collector that did not take a batch: longer after each.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Answers of a collector that is there and takes the same batch later (OTLP, section "Retryable Response Codes").
const LATER: [u16; 4] = [429, 502, 503, 504];
/// Of an answer nothing is of use but that there is one: it is read as far as this, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The task that sends.
pub struct Sending {
    task: JoinHandle<()>,
    end: oneshot::Sender<()>,
    followers: Arc<Followers>,
}

impl Sending {
    pub(super) fn begin(
        settings: Settings,
        waiting: mpsc::Receiver<SpanData>,
        counts: Counts,
        followers: Arc<Followers>,
    ) -> Result<Self, String> {
        let why = Arc::<Mutex<Option<u16>>>::default();
        let client = Client::builder()
            .timeout(WITHIN)
            .connect_timeout(CONNECTED_WITHIN)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("towpath/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("there is no client of HTTP: {error}"))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Line { client, why: Arc::clone(&why) })
            .with_endpoint(settings.endpoint.clone())
            .with_headers(settings.headers)
            .with_timeout(WITHIN)
            // What it does again it does in this task: it knows how long the queue is.
            .with_retry_policy(RetryPolicy::disabled());
        let mut exporter = exporter.build().map_err(|error| error.to_string())?;
        exporter.set_resource(&resource(settings.version));
        let (end, ending) = oneshot::channel();
        let sender = Sender { exporter, counts, why, endpoint: settings.endpoint, is_away: false };
        Ok(Self { task: tokio::spawn(sender.run(waiting, ending)), end, followers })
    }

    /// Sends what waits, if it is taken within this time, and nothing more.
    pub async fn end(self, within: Duration) {
        let Self { task, end, followers } = self;
        let aborted = task.abort_handle();
        let ended = async {
            followers.end().await;
            // A task that has ended sends nothing any more.
            let _ = end.send(());
            let _ = task.await;
        };
        if tokio::time::timeout(within, ended).await.is_err() {
            aborted.abort();
        }
    }
}

/// Who sends: what the standard variables say, and the program where they name none.
fn resource(version: &'static str) -> Resource {
    let version = KeyValue::new("service.version", version);
    let said = Resource::builder().with_attribute(version.clone()).build();
    let name = said.get(&Key::from_static_str("service.name"));
    if name.is_none_or(|name| name.as_str().starts_with("unknown_service")) {
        Resource::builder().with_attribute(version).with_service_name("towpath").build()
    } else {
        said
    }
}

/// The way to the collector, which notes how it answered.
#[derive(Debug)]
struct Line {
    client: Client,
    why: Arc<Mutex<Option<u16>>>,
}

#[async_trait]
impl HttpClient for Line {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let note = |status| *self.why.lock().expect("no holder of this lock panics") = status;
        note(None);
        let mut answer = self.client.execute(request.try_into()?).await?;
        note(Some(answer.status().as_u16()));
        let (status, mut body) = (answer.status(), Vec::new());
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Err("the collector answers more than is read".into());
            }
        }
        Ok(Response::builder().status(status).body(body.into())?)
    }
}

/// What the task has.
struct Sender {
    exporter: SpanExporter,
    counts: Counts,
    why: Arc<Mutex<Option<u16>>>,
    endpoint: String,
    /// Whether it was said that the collector takes nothing.
    is_away: bool,
}

impl Sender {
    async fn run(
        mut self,
        mut waiting: mpsc::Receiver<SpanData>,
        mut ending: oneshot::Receiver<()>,
    ) {
        let (mut batch, mut pause) = (Vec::new(), PAUSE);
        loop {
            let is_last = tokio::select! {
                biased;
                _ = &mut ending => true,
                () = gather(&mut waiting, &mut batch) => false,
            };
            if is_last {
                return self.last(waiting, batch).await;
            }
            let sent = tokio::select! {
                biased;
                sent = self.send(&batch) => sent,
                _ = &mut ending => return self.last(waiting, batch).await,
            };
            if sent == Sent::Taken {
                (batch, pause) = (Vec::new(), PAUSE);
                continue;
            }
            if sent == Sent::Never {
                self.lose(batch.len());
                batch.clear();
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = &mut ending => return self.last(waiting, batch).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What waits still, once.
    async fn last(mut self, mut waiting: mpsc::Receiver<SpanData>, mut batch: Vec<SpanData>) {
        loop {
            while batch.len() < BATCH
                && let Ok(span) = waiting.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            if self.send(&batch).await != Sent::Taken {
                return self.lose(batch.len() + waiting.len());
            }
            batch.clear();
        }
    }

    fn lose(&self, spans: usize) {
        self.counts.dropped.inc_by(spans as u64);
    }

    /// Sends one batch, and says so where the collector begins to take nothing or takes something again: one line
    /// each.
    async fn send(&mut self, batch: &[SpanData]) -> Sent {
        let sent = self.exporter.export(batch.to_vec()).await;
        let status = *self.why.lock().expect("no holder of this lock panics");
        let Err(_) = sent else {
            self.counts.sent.inc_by(batch.len() as u64);
            if std::mem::take(&mut self.is_away) {
                tracing::warn!(
                    collector = self.endpoint,
                    "the collector of traces takes spans again"
                );
            }
            return Sent::Taken;
        };
        if !std::mem::replace(&mut self.is_away, true) {
            let cause = match status {
                Some(status) => format!("it answers {status}"),
                None => "it does not answer".to_owned(),
            };
            let next = "promotions go on; it is tried again, ever less often, and \
                        towpath_trace_spans_dropped_total counts what is lost";
            tracing::warn!(collector = self.endpoint, cause, next, "the collector takes no spans");
        }
        match status {
            Some(status) if !LATER.contains(&status) => Sent::Never,
            _ => Sent::Later,
        }
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Taken,
    /// Nobody took it, and it is sent again.
    Later,
    /// It would not be taken another time either.
    Never,
}

/// Ends when there is a batch: a full one, or what came within some time of its first. What was gathered stays in
/// `batch` when this is dropped.
async fn gather(waiting: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if batch.is_empty() {
        match waiting.recv().await {
            Some(span) => batch.push(span),
            // Nobody makes spans any more.
            None => return std::future::pending().await,
        }
    }
    let until = Instant::now() + GATHERED_WITHIN;
    while batch.len() < BATCH {
        match tokio::time::timeout_at(until, waiting.recv()).await {
            Ok(Some(span)) => batch.push(span),
            Ok(None) | Err(_) => return,
        }
    }
}
