//! One request as a span, by the conventions for servers of HTTP. Owns what is told of it: the route and never what
//! was typed into an address, be it the link by which somebody signs in.

use std::time::SystemTime;

use aws_lc_rs::rand;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, Status};
use towpath_core::trace_context::TraceContext;

use super::{Told, Traces};

/// How the span before is handed on (W3C Trace Context).
const HEADER: &str = "traceparent";
/// What is asked every few seconds by machines, and says nothing of anybody's work.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Carries a request out as part of the trace that it comes with, or of one that begins here; what it orders
/// joins it. Tells of it where spans are sent.
pub(crate) async fn traced(
    State(traces): State<Option<Traces>>,
    request: Request,
    next: Next,
) -> Response {
    let caller = caller(request.headers());
    let Some(traces) = traces else {
        return match caller {
            Some(caller) => towpath_engine::traced(caller, next.run(request)).await,
            None => next.run(request).await,
        };
    };
    let route = request.extensions().get().map(|path: &MatchedPath| path.as_str().to_owned());
    if route.as_deref().is_some_and(|route| PROBES.contains(&route)) {
        return next.run(request).await;
    }
    let context = begun(&traces, caller);
    let (method, begun) = (request.method().clone(), SystemTime::now());
    let answer = towpath_engine::traced(context, next.run(request)).await;
    if context.sampled {
        let status = answer.status().as_u16();
        traces.tell(told(context, caller, &method, route.as_deref(), status, begun));
    }
    answer
}

/// The span before; none where there is not exactly one.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = headers.get_all(HEADER).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return None };
    TraceContext::read(only.to_str().ok()?)
}

/// The span of a request: of the caller's trace, or of a new one.
fn begun(traces: &Traces, caller: Option<TraceContext>) -> TraceContext {
    let mut chance = [0; 24];
    // Without chance two traces might be taken for one, which harms nobody.
    let _ = rand::fill(&mut chance);
    let (mut trace, mut span) = ([0; 16], [0; 8]);
    trace.copy_from_slice(&chance[..16]);
    span.copy_from_slice(&chance[16..]);
    // No name is all zero.
    span[7] |= 1;
    trace[0] |= 1;
    let trace = caller.map_or(trace, |caller| caller.trace);
    TraceContext { trace, span, sampled: traces.sampling().keeps(trace, caller) }
}

fn told(
    context: TraceContext,
    caller: Option<TraceContext>,
    method: &Method,
    route: Option<&str>,
    status: u16,
    begun: SystemTime,
) -> Told {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
    let method = known.into_iter().find(|known| *known == method.as_str());
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.unwrap_or("_OTHER")),
        KeyValue::new("http.response.status_code", i64::from(status)),
        KeyValue::new("url.scheme", "http"),
    ];
    let method = method.unwrap_or("HTTP");
    let name = match route {
        Some(route) => {
            attributes.push(KeyValue::new("http.route", route.to_owned()));
            format!("{method} {route}")
        }
        None => method.to_owned(),
    };
    let is_error = status >= 500;
    if is_error {
        attributes.push(KeyValue::new("error.type", status.to_string()));
    }
    Told {
        context,
        parent: caller.map(|caller| caller.span),
        is_from_afar: caller.is_some(),
        kind: SpanKind::Server,
        name: name.into(),
        begun,
        ended: SystemTime::now(),
        attributes,
        events: Vec::new(),
        status: if is_error { Status::error("") } else { Status::Unset },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_its_route_and_only_faults_of_the_server_are_errors() {
        let context = TraceContext::beginning("x");
        let of = |method: Method, route, status| {
            let told = told(context, None, &method, route, status, SystemTime::now());
            let value = |name: &str| {
                let found = told.attributes.iter().find(|one| one.key.as_str() == name);
                found.map(|one| one.value.to_string())
            };
            let code = value("http.response.status_code");
            (
                told.name.to_string(),
                value("http.request.method"),
                code,
                told.status != Status::Unset,
            )
        };
        let text = |text: &str| Some(text.to_owned());
        let route = Some("/v1/promotions/{number}");
        assert_eq!(
            of(Method::GET, route, 404),
            ("GET /v1/promotions/{number}".to_owned(), text("GET"), text("404"), false)
        );
        assert_eq!(
            of(Method::POST, None, 503),
            ("POST".to_owned(), text("POST"), text("503"), true)
        );
        let odd = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(of(odd, None, 405), ("HTTP".to_owned(), text("_OTHER"), text("405"), false));
    }

    #[test]
    fn two_spans_before_are_none() {
        let one = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.append(HEADER, one.parse().unwrap());
        assert!(caller(&headers).is_some());
        headers.append(HEADER, one.parse().unwrap());
        assert!(caller(&headers).is_none());
    }
}
