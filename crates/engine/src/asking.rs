//! How sources of figures are asked for as long as the engine runs: how often it is looked what is due,
//! and how long an answer may take. Owns neither the questions nor what an answer means.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use towpath_core::units::Span;
use towpath_ports::metrics::Blind;

use crate::shared::Shared;

/// How often due questions are looked for.
const LOOK: Duration = Duration::from_millis(100);
/// What a source that does not keep its time is given more, as checks are.
const GRACE: Duration = Duration::from_secs(1);

/// Asks what is due until the engine stops. A source that does not answer keeps no other waiting.
pub(crate) fn spawn<Question, Asking>(
    shared: &Arc<Shared>,
    due: fn(&Shared) -> Vec<Question>,
    ask: fn(Arc<Shared>, Question) -> Asking,
) where
    Question: Send + 'static,
    Asking: Future<Output = ()> + Send + 'static,
{
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while !shared.is_stopped() {
            for question in due(&shared) {
                tokio::spawn(ask(Arc::clone(&shared), question));
            }
            tokio::time::sleep(LOOK).await;
        }
    });
}

/// The answer, or that there was none in the time that the source is given.
pub(crate) async fn within<Answer>(
    timeout: Span,
    answer: impl Future<Output = Result<Answer, Blind>>,
) -> Result<Answer, Blind> {
    let patience = Duration::from(timeout) + GRACE;
    let late = |_| Err(Blind::Unavailable(format!("it did not answer within {timeout}")));
    tokio::time::timeout(patience, answer).await.unwrap_or_else(late)
}
