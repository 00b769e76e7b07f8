//! A short load of our own: so many requests, a few at a time. Owns how it is made and what of it counts
//! as failed; judges no figure.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use reqwest::{Client, Url};
use serde_json::json;
use tokio::time::Instant;
use towpath_core::check::CheckAnswer;
use towpath_ports::check::CheckRequest;

use super::figures::Figures;
use crate::outgoing::{self, Redirects};
use crate::question;
use crate::reports::grouped;

/// How much is read of an answer, in bytes: its end is part of its time, and what never ends is cut.
const BODY_MOST: usize = 16 * 1024 * 1024;

/// What is asked, and how often.
pub(super) struct Load {
    client: Client,
    url: String,
    requests: u64,
    users: usize,
    /// Between two requests; none where each begins when one before it ended.
    apart: Option<Duration>,
}

/// Whether an address, which may hold `{green}`, may be asked; else one sentence.
pub(super) fn ensure_askable(url: &str) -> Result<(), String> {
    let sample = url.replace(question::PLACE, "http://127.0.0.1:1");
    parsed(&sample).map(|_| ())
}

fn parsed(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    outgoing::ensure_allowed(&url).map(|()| url)
}

impl Load {
    pub(super) fn new(
        url: String,
        requests: u64,
        users: u64,
        rate: Option<u64>,
    ) -> Result<Self, String> {
        let client = outgoing::client(Redirects::SameHost).build();
        let client =
            client.map_err(|error| format!("no HTTP client: {}", outgoing::reason(&error)))?;
        let users = usize::try_from(users).unwrap_or(usize::MAX);
        let apart = rate.and_then(|rate| {
            Some(Duration::from_secs(1) / u32::try_from(rate).ok().filter(|rate| *rate > 0)?)
        });
        Ok(Self { client, url, requests, users, apart })
    }

    /// Makes all requests, and answers what they came to.
    ///
    /// # Errors
    /// The answer of a check that cannot tell: nothing can be asked, or not all were in time.
    pub(super) async fn run(&self, request: &CheckRequest) -> Result<Figures, CheckAnswer> {
        let urls = question::for_each(&self.url, request)?;
        let urls: Result<Vec<Url>, String> = urls.iter().map(|url| parsed(url)).collect();
        let urls = urls.map_err(|wrong| {
            CheckAnswer::inconclusive(format!("{} cannot be asked: {wrong}", self.url))
        })?;
        let (began, apart) = (Instant::now(), self.apart);
        let due = move |index: u64| {
            let apart = apart?;
            Some(began + apart.saturating_mul(u32::try_from(index).unwrap_or(u32::MAX)))
        };
        let asked = (0..self.requests).map(|index| {
            let turn = usize::try_from(index).unwrap_or_default() % urls.len();
            time_of(self.client.clone(), urls[turn].clone(), due(index))
        });
        let mut times = Vec::new();
        let all = async {
            let mut answers = stream::iter(asked).buffer_unordered(self.users);
            while let Some(time) = answers.next().await {
                times.push(time);
            }
        };
        let in_time = tokio::time::timeout(question::patience(request), all).await.is_ok();
        if !in_time {
            let (made, all) = (grouped(times.len() as u64), grouped(self.requests));
            return Err(CheckAnswer::inconclusive(format!(
                "{made} of {all} requests to {} were answered within {}; give it a longer `timeout` or \
                 fewer `requests`",
                self.url, request.timeout
            )));
        }
        let rate = self.apart.map(|apart| 1.0 / apart.as_secs_f64());
        let load = json!({ "requests": self.requests, "users": self.users, "rate": rate });
        Ok(Figures { load, ..Figures::of_times(format!("to {}", self.url), times) })
    }
}

/// From when it was due until the end of its answer, in milliseconds; infinite when it failed.
async fn time_of(client: Client, url: Url, due: Option<Instant>) -> f64 {
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
    let began = due.unwrap_or_else(Instant::now);
    let answered = async {
        let mut response = client.get(url).send().await.ok()?;
        let mut read = 0;
        while let Some(chunk) = response.chunk().await.ok()? {
            read += chunk.len();
            if read > BODY_MOST {
                return None;
            }
        }
        let status = response.status();
        (!status.is_client_error() && !status.is_server_error()).then_some(())
    };
    match answered.await {
        Some(()) => began.elapsed().as_secs_f64() * 1000.0,
        None => f64::INFINITY,
    }
}
