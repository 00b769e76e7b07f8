//! Traces of what this server does, for a collector of OpenTelemetry (OTLP over HTTP). Owns what a span looks like
//! that leaves from here; what is told of a promotion, of a request, and how spans are sent, stands beside.
//!
//! Nothing waits for a collector: what it does not take in time is counted and gone. No span holds a secret, the
//! name of a person, or an address with what was typed into it.

mod follow;
mod promotion;
mod request;
mod sending;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;
use towpath_core::trace_context::{Sampling, TraceContext};
use towpath_core::units::Timestamp;

use self::follow::Followers;
pub(crate) use self::follow::spawn as follow;
pub(crate) use self::request::traced;
pub use self::sending::Sending;

/// Spans that wait to be sent, at the most (`OTEL_BSP_MAX_QUEUE_SIZE` as the specification has it).
const QUEUE: usize = 2048;

/// Where spans go, and which.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The whole address to which they are posted.
    pub endpoint: String,
    /// Headers beside; their values are secrets.
    pub headers: HashMap<String, String>,
    /// Which traces are kept.
    pub sampling: Sampling,
    /// The version of the program.
    pub version: &'static str,
}

/// Takes spans. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traces {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sampling: Sampling,
    scope: InstrumentationScope,
    queue: mpsc::Sender<SpanData>,
    counts: Counts,
    followers: Arc<Followers>,
}

/// What became of spans.
#[derive(Clone, Debug, Default)]
struct Counts {
    sent: Counter,
    dropped: Counter,
}

/// One span as it is told here.
struct Told {
    context: TraceContext,
    parent: Option<[u8; 8]>,
    /// Whether the span before was another program's.
    is_from_afar: bool,
    kind: SpanKind,
    name: Cow<'static, str>,
    begun: SystemTime,
    ended: SystemTime,
    attributes: Vec<KeyValue>,
    events: Vec<opentelemetry::trace::Event>,
    status: Status,
}

impl Traces {
    /// Begins to send in the background, until [`Sending::end`].
    ///
    /// # Errors
    /// One sentence: the address or a header is none, or the machine has no roots of TLS.
    pub fn begin(settings: Settings) -> Result<(Self, Sending), String> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let counts = Counts::default();
        let scope = InstrumentationScope::builder("towpath").with_version(settings.version).build();
        let sampling = settings.sampling;
        let followers = Arc::new(Followers::new());
        let sending = Sending::begin(settings, waiting, counts.clone(), Arc::clone(&followers))?;
        let shared = Arc::new(Shared { sampling, scope, queue, counts, followers });
        Ok((Self { shared }, sending))
    }

    /// Which traces are kept.
    pub fn sampling(&self) -> Sampling {
        self.shared.sampling
    }

    /// Spans that were taken by the collector, and spans that were not.
    pub(crate) fn counters(&self) -> (Counter, Counter) {
        (self.shared.counts.sent.clone(), self.shared.counts.dropped.clone())
    }

    fn followers(&self) -> &Arc<Followers> {
        &self.shared.followers
    }

    /// Notes that something is not told of.
    fn is_lost(&self) {
        self.shared.counts.dropped.inc();
    }

    /// Hands a span on; one for which there is no room is counted and gone.
    fn tell(&self, told: Told) {
        let TraceContext { trace, span, sampled } = told.context;
        let flags = TraceFlags::NOT_SAMPLED.with_sampled(sampled);
        let (trace, span) = (TraceId::from_bytes(trace), SpanId::from_bytes(span));
        let mut events = SpanEvents::default();
        events.events = told.events;
        let data = SpanData {
            span_context: SpanContext::new(trace, span, flags, false, TraceState::NONE),
            parent_span_id: told.parent.map_or(SpanId::INVALID, SpanId::from_bytes),
            parent_span_is_remote: told.is_from_afar,
            span_kind: told.kind,
            name: told.name,
            start_time: told.begun,
            end_time: told.ended.max(told.begun),
            attributes: told.attributes,
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: told.status,
            instrumentation_scope: self.shared.scope.clone(),
        };
        if self.shared.queue.try_send(data).is_err() {
            self.is_lost();
        }
    }
}

/// A moment of the journal.
fn moment(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.0).unwrap_or_default())
}

/// Reads headers as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value`, several after commas or on lines of their
/// own, values quoted as in addresses.
///
/// # Errors
/// One sentence that shows no value.
pub fn headers(text: &str) -> Result<HashMap<String, String>, String> {
    let each = text.split([',', '\n']).map(str::trim).filter(|one| !one.is_empty());
    each.map(|one| {
        let (name, value) = one.split_once('=').ok_or("a header is written `name=value`")?;
        let name = name.trim().to_owned();
        // What means something in a form means nothing here.
        let quoted = value.trim().replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
        let read = form_urlencoded::parse(quoted.as_bytes()).next();
        let value = read.map(|(value, _)| value.into_owned()).unwrap_or_default();
        let is_name = axum::http::HeaderName::try_from(&name).is_ok();
        let is_value = axum::http::HeaderValue::try_from(&value).is_ok();
        if !is_name || !is_value {
            return Err(format!(
                "`{}` is the name of no header, or its value is none",
                name.escape_default()
            ));
        }
        Ok((name, value))
    })
    .collect()
}

/// The headers that stand in a file.
///
/// # Errors
/// One sentence that shows no value.
pub fn headers_in(file: &PathBuf) -> Result<HashMap<String, String>, String> {
    /// Largest file that is read, in bytes: what servers take of headers.
    const LARGEST: u64 = 16 * 1024;
    let place = file.display();
    let length = std::fs::metadata(file).map_err(|error| format!("{place}: {error}"))?.len();
    if length > LARGEST {
        return Err(format!("{place} is larger than {LARGEST} bytes"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("{place}: {error}"))?;
    headers(&text).map_err(|cause| format!("{place}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_standard_variable_has_them_and_shown_by_nobody() {
        let read =
            headers("api-key=a%20b+c=, x-team = shop \n authorization=Bearer%20x%2Cy").unwrap();
        assert_eq!(read["api-key"], "a b+c=");
        assert_eq!(read["x-team"], "shop");
        assert_eq!(read["authorization"], "Bearer x,y");
        for wrong in ["secret", "a b=secret", "a=secret%0a"] {
            let said = headers(wrong).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
