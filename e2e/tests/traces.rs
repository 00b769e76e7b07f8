//! Traces, as a collector takes them: the whole way from the span that ordered a promotion to the program that a
//! check started, and what happens while nobody takes any.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use towpath_e2e::serving::{Serving, get};
use towpath_e2e::{World, production};
use towpath_testkit::loopback::free_address;

/// How long anything may take that a test waits for.
const WITHIN: Duration = Duration::from_mins(1);
const CALLER: (&str, &str) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
const SECRET: &str = "a-key-that-nobody-shows";

/// A collector of OTLP over HTTP, which answers as it is told.
struct Collector {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    heads: Arc<Mutex<Vec<String>>>,
    asked: Arc<AtomicUsize>,
    answers: Arc<AtomicU16>,
}

impl Collector {
    fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
            heads: Arc::default(),
            asked: Arc::default(),
            answers: Arc::new(AtomicU16::new(200)),
        };
        let (heard, heads) = (Arc::clone(&own.heard), Arc::clone(&own.heads));
        let (asked, answers) = (Arc::clone(&own.asked), Arc::clone(&own.answers));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some((head, body)) = read(&stream) else { continue };
                asked.fetch_add(1, Ordering::SeqCst);
                let status = answers.load(Ordering::SeqCst);
                if status == 200 {
                    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
                    heard.lock().unwrap().push(request);
                }
                heads.lock().unwrap().push(head);
                let mut stream = stream;
                let head = format!("HTTP/1.1 {status} So\r\nconnection: close\r\n");
                let _ = write!(stream, "{head}content-length: 0\r\n\r\n");
            }
        });
        own
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn spans(&self) -> Vec<Span> {
        let heard = self.heard.lock().unwrap();
        let resources = heard.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|one| &one.scope_spans).flat_map(|one| one.spans.clone()).collect()
    }
}

fn read(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        _ => None,
    };
    all.iter().filter_map(|one| Some((one.key.clone(), text(one)?))).collect()
}

/// A project whose gate asks a program, which writes down what it was handed.
fn project() -> World {
    let matrix = production(
        1,
        "
gate:
  prerequisites:
    - { check: command, name: Journeys, run: [/bin/sh, -c, \"echo $TRACEPARENT > handed\"] }
rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: 30s } ] }",
    );
    let world = World::new(&matrix);
    world.release("1.0.0", &[]);
    world.must(&["engine", "stop"], 0);
    world
}

/// Orders a promotion as a program does that traces itself, and waits for its end.
fn promote(world: &World) {
    let words = ["promote", "production", "--release", "1.0.0", "--yes", "--rehearsal", "60x"];
    let mut command = std::process::Command::new(towpath_e2e::towpath());
    let caller = format!("00-{}-{}-01", CALLER.0, CALLER.1);
    command.current_dir(world.root()).env("TRACEPARENT", caller).args(words);
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_collector_hears_of_a_promotion_from_the_order_to_the_program_that_a_check_started() {
    let (world, collector) = (project(), Collector::begin());
    let headers = format!("api-key={SECRET}");
    let serving = Serving::begin_among(
        world.root(),
        SocketAddr::from(([127, 0, 0, 1], 0)),
        &["--rehearsal", "60x"],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url()),
            ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
            ("OTEL_SERVICE_NAME", "delivery"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.region=north"),
        ],
    );
    promote(&world);
    serving.get("/no/such/page?token=typed", None);
    // Nothing is lost with the end: what waits is sent first.
    assert_eq!(serving.stop(), Some(0));

    let heads = collector.heads.lock().unwrap().join("\n");
    assert!(
        heads.contains("POST /v1/traces") && heads.contains("application/x-protobuf"),
        "{heads}"
    );
    assert!(heads.contains(&format!("api-key: {SECRET}")), "{heads}");
    let resource = attributes(
        &collector.heard.lock().unwrap()[0].resource_spans[0].resource.as_ref().unwrap().attributes,
    );
    assert_eq!(
        (&*resource["service.name"], &*resource["deployment.region"]),
        ("delivery", "north")
    );

    let spans = collector.spans();
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| {
            panic!("no {name} among {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>())
        })
    };
    let ordered = named("POST /v1/lanes/{service}/{environment}/promotions");
    assert_eq!(
        (hex(&ordered.trace_id), hex(&ordered.parent_span_id)),
        (CALLER.0.into(), CALLER.1.into())
    );
    assert_eq!(attributes(&ordered.attributes)["http.response.status_code"], "202");
    let whole = named("promote api production");
    assert_eq!((hex(&whole.trace_id), &whole.parent_span_id), (CALLER.0.into(), &ordered.span_id));
    let of_whole = attributes(&whole.attributes);
    assert_eq!(of_whole["cicd.pipeline.result"], "success");
    assert_eq!(of_whole["deployment.environment.name"], "production");
    for step in
        ["wait to start", "check journeys", "start instances", "shift traffic", "bake", "commit"]
    {
        let step = named(step);
        assert_eq!((&step.trace_id, &step.parent_span_id), (&whole.trace_id, &whole.span_id));
    }
    // What the program begins is below the very span that the collector has.
    let handed = std::fs::read_to_string(world.root().join("handed")).unwrap();
    let check = named("check journeys");
    assert_eq!(handed.trim(), format!("00-{}-{}-01", CALLER.0, hex(&check.span_id)));

    let all = format!("{:?}", collector.heard.lock().unwrap());
    for never in [SECRET, "typed", "healthz"] {
        assert!(!all.contains(never), "{never} is in what was sent");
    }
}

#[test]
fn a_collector_that_takes_nothing_holds_nothing_up_and_is_spoken_of_once() {
    let (world, collector) = (project(), Collector::begin());
    collector.answers.store(503, Ordering::SeqCst);
    let metrics = free_address();
    let endpoint = format!("{}/v1/traces", collector.url());
    let options =
        ["--rehearsal", "60x", "--metrics-listen", &metrics.to_string(), "--traces", &endpoint];
    let serving = Serving::begin(world.root(), &options);
    promote(&world);
    let said = serving.until_said("the collector takes no spans");
    assert!(said.contains("503") && said.contains("promotions go on"), "{said}");
    let begun = Instant::now();
    while collector.asked.load(Ordering::SeqCst) < 3 {
        assert!(begun.elapsed() < WITHIN, "it is not tried again");
        std::thread::sleep(Duration::from_millis(50));
    }
    // It is away and comes back: nothing of what waited was lost.
    collector.answers.store(200, Ordering::SeqCst);
    serving.until_said("takes spans again");
    assert!(collector.spans().iter().any(|span| span.name == "promote api production"));
    let measured = get(metrics, "/metrics", None);
    assert!(measured.contains("towpath_trace_spans_dropped_total 0"), "{measured}");
    assert!(!measured.contains("towpath_trace_spans_sent_total 0"), "{measured}");

    // One that says no for good is not asked the same again, and what is lost is counted.
    collector.answers.store(401, Ordering::SeqCst);
    serving.get("/readyz", None);
    serving.get("/sign-in", None);
    serving.until_said("the collector takes no spans");
    let measured = get(metrics, "/metrics", None);
    assert!(!measured.contains("towpath_trace_spans_dropped_total 0"), "{measured}");
    assert_eq!(serving.stop(), Some(0));
}
