//! What each request is called, in its answer and in the log. Believes a name that a request brings only if
//! it can be printed; knows nothing of what is asked.

use std::time::Instant;

use aws_lc_rs::rand;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::rendered;
use crate::requests::Problem;

/// The header that says it, in requests and answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest name that a request may bring.
const LONGEST: usize = 64;

/// An answer about which a line was written.
#[derive(Clone)]
struct Noted;

/// Names a request, puts the name into its answer, and writes one line about it to the log.
pub(crate) async fn name(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|it| it.to_str().ok());
    let id = given.filter(|it| is_printable(it)).map_or_else(new, str::to_owned);
    let value = HeaderValue::from_str(&id).expect("it is printable");
    // Whoever names it again further inside finds this name.
    request.headers_mut().insert(REQUEST_ID, value.clone());
    let method = request.method().clone();
    let route = request.extensions().get().map(|path: &MatchedPath| path.as_str().to_owned());
    let begun = Instant::now();
    let mut answer = next.run(request).await;
    if let Some(problem) = answer.extensions_mut().remove::<Box<Problem>>() {
        let problem = Problem { request_id: id.clone(), ..*problem };
        let (parts, _) = answer.into_parts();
        answer = rendered(&problem);
        for (name, value) in &parts.headers {
            if !answer.headers().contains_key(name) && name != "content-length" {
                answer.headers_mut().insert(name.clone(), value.clone());
            }
        }
    }
    let (status, route) = (answer.status().as_u16(), route.unwrap_or_default());
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let is_noted = answer.extensions_mut().insert(Noted).is_some();
    if is_noted {
        // Inside it is known which route it was.
    } else if status >= 500 {
        tracing::warn!(request_id = %id, %method, route, status, milliseconds, "a request failed");
    } else {
        tracing::debug!(request_id = %id, %method, route, status, milliseconds, "a request");
    }
    answer.headers_mut().insert(REQUEST_ID, value);
    answer
}

fn is_printable(id: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(good)
}

/// 16 hexadecimal digits by chance: told apart from all others of any log that people search.
fn new() -> String {
    let mut chance = [0; 8];
    // Without chance they are all called the same, and still answered.
    let _ = rand::fill(&mut chance);
    format!("{:016x}", u64::from_be_bytes(chance))
}
