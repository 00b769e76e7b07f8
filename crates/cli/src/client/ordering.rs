//! Orders, each carried out once however often it is sent. Owns how long one is sent again; knows no order.

use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{AGAIN_AFTER, Acting, Client, Failure, bytes_of};
use crate::exit_code::{CliError, ExitCode};

/// How long an order that nobody answered is sent again: an engine that is started anew reads its journal first.
const ORDERED_AGAIN_FOR: Duration = Duration::from_secs(10);
/// What an engine says of an order that another one took and never answered.
const LOST: &str = "outcome-lost";

impl Client {
    /// The same with a key that no other order has.
    pub(super) fn keyed(&self) -> Result<Self, CliError> {
        let key = towpath_server::new_key_of_order().map_err(|_| {
            let message = "this machine gives no random numbers";
            CliError::new(ExitCode::Failed, "no-chance", message)
                .next("towpath doctor", "what is wrong with this machine")
        })?;
        Ok(Self { acting: Acting { key: Some(key), ..self.acting.clone() }, ..self.clone() })
    }

    /// Orders, once. An order that nobody answered is sent again under the same key for a moment: whoever took
    /// it the first time answers the same, and carries it out once. Whether it is safe to repeat as another order
    /// is said where the order is documented.
    ///
    /// # Errors
    /// As [`Client::get`]; after `order-unanswered` it is not known whether the order was taken.
    pub(crate) async fn post<Body: Serialize, Answer: DeserializeOwned>(
        &self,
        path: &str,
        body: &Body,
    ) -> Result<Answer, CliError> {
        let body = bytes_of(body);
        let keyed = self.keyed()?;
        // Why nobody said what became of it, and until when it is asked again.
        let mut open: Option<(CliError, Instant)> = None;
        let mut has_started = false;
        loop {
            let failure = match keyed.exchange(Method::POST, path, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            match failure {
                Failure::Unsent(_) if !has_started && self.starts_again().await? => {
                    has_started = true;
                    continue;
                }
                Failure::Unsent(error) if open.is_none() => return Err(error),
                Failure::Answered(error) if open.is_none() || !is_open(&error) => {
                    return Err(error);
                }
                Failure::Answered(error) if error.trouble().code == LOST => {
                    return Err(unanswered(open.as_ref().map_or(&error, |(first, _)| first)));
                }
                Failure::Unsent(error) | Failure::Unanswered(error) | Failure::Answered(error) => {
                    open.get_or_insert_with(|| (error, Instant::now() + ORDERED_AGAIN_FOR));
                }
            }
            match &open {
                Some((first, until)) if Instant::now() >= *until => return Err(unanswered(first)),
                _ => tokio::time::sleep(AGAIN_AFTER).await,
            }
        }
    }
}

/// Whether what became of an order that was sent before is still open.
fn is_open(error: &CliError) -> bool {
    ["under-way", LOST].contains(&error.trouble().code.as_str())
}

/// The order left and nobody says what became of it. It is not sent under another key: two of it could be
/// carried out.
fn unanswered(error: &CliError) -> CliError {
    let trouble = error.trouble();
    let message = "the engine ended before it answered: the order may have been taken";
    let told = CliError::new(ExitCode::Failed, "order-unanswered", message);
    let told = told.because(trouble.cause.clone().unwrap_or_default());
    let place = trouble.place.clone().unwrap_or_default();
    told.at(place)
        .next("towpath history", "whether it was; repeat the command if it was not")
        .next("towpath doctor", "why the engine is silent")
}
