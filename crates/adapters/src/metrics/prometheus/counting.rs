//! Counts of both arms from counters of a Prometheus server. Owns the difference of two readings; knows
//! nothing of what follows from it.

use futures_util::future::try_join_all;
use towpath_core::deployment::Deployment;
use towpath_core::units::Timestamp;
use towpath_guard::{IntervalCounts, Tally};
use towpath_ports::metrics::{Blind, Counted, CountsQuestion, fill};

use super::asking::Asking;

/// The largest count that a float tells from its neighbour.
const EXACT_MOST: f64 = 9_007_199_254_740_992.0;

/// PromQL of what one release did since it started.
pub(super) struct Counters {
    pub(super) requests: String,
    pub(super) failures: String,
}

impl Counters {
    /// What was counted in the interval: the difference of the counters at its two ends, and not what
    /// `increase` makes of them, because it stretches what it saw to the ends of the interval and so
    /// makes one failure more than one.
    pub(super) async fn count(
        &self,
        asking: &Asking,
        question: &CountsQuestion,
    ) -> Result<Counted, Blind> {
        let green = self.of(asking, question, &question.green).await?;
        let blue = match &question.blue {
            Some(blue) => self.of(asking, question, blue).await?,
            None => Tally::default(),
        };
        Ok(Counted { counts: IntervalCounts { green, blue }, ..Counted::default() })
    }

    async fn of(
        &self,
        asking: &Asking,
        question: &CountsQuestion,
        arm: &Deployment,
    ) -> Result<Tally, Blind> {
        let query = |text: &str| fill(text, &question.lane, arm);
        let (requests, failures) = (query(&self.requests), query(&self.failures));
        let read = |query: String, at: Timestamp| async move {
            whole(asking.ask(&query, Some(at)).await?.value)
        };
        let ends = [question.from, question.until];
        let readings =
            ends.iter().flat_map(|at| [read(requests.clone(), *at), read(failures.clone(), *at)]);
        let readings = try_join_all(readings).await?;
        let since = |index: usize| readings[index + 2].checked_sub(readings[index]);
        let (Some(requests), Some(failed)) = (since(0), since(1)) else {
            let what = "a counter went back: a copy was started anew or has gone in the interval";
            return Err(Blind::Unavailable(what.to_owned()));
        };
        if failed > requests {
            let what = format!("it counts {failed} failures of {requests} requests");
            return Err(Blind::Unavailable(what));
        }
        Ok(Tally { requests, failed })
    }
}

fn whole(value: f64) -> Result<u64, Blind> {
    let rounded = value.round();
    if !(0.0..EXACT_MOST).contains(&rounded) || (value - rounded).abs() > 1e-6 {
        return Err(Blind::NotANumber(format!("{value}, and a counter of requests is whole")));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative and below 2^53"
    )]
    Ok(rounded as u64)
}
