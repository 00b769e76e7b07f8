//! Hands out figures that no router sees. Owns the promise, and what may be said in place of a figure;
//! judges none.
//!
//! Only a fresh, finite, single value is an answer. Everything else is [`Blind`], and whoever is blind
//! knows nothing: it is neither good news nor bad news, and never a pass.

use async_trait::async_trait;
use towpath_core::deployment::Deployment;
use towpath_core::ids::LaneId;
use towpath_core::units::{Span, Timestamp};
use towpath_guard::IntervalCounts;

/// A place where figures come from.
#[async_trait]
pub trait MetricsSource: Send + Sync {
    /// How often it is worth asking, and how long an answer may take.
    fn pace(&self) -> Pace;

    /// The number that a query stands for, as it is now. Safe to repeat: a source only looks. Ends
    /// within [`Pace::timeout`], which the caller enforces as well; nothing goes on once it is dropped.
    ///
    /// # Errors
    /// Why there is no fresh finite number; see [`Blind`].
    async fn gauge(&self, question: &GaugeQuestion) -> Result<Measured, Blind>;

    /// What each arm did from one moment, included, to another, excluded. Safe to repeat, and ends as
    /// [`Self::gauge`] does. Requests that were answered in the interval count, whenever they began.
    ///
    /// # Errors
    /// Why the interval is not known whole; see [`Blind`]. An interval that is over and in which
    /// nobody came is a count of zero where the source can tell, and [`Blind::Empty`] where it cannot.
    async fn counts(&self, question: &CountsQuestion) -> Result<Counted, Blind>;
}

/// How often a source is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time between two questions, above zero.
    pub every: Span,
    /// How long one answer may take, above zero.
    pub timeout: Span,
    /// The age above which a figure is stale, above zero; so far apart two figures may be.
    pub stale_after: Span,
    /// How long after a moment everything that happened until then is known, so that it can be counted.
    pub late: Span,
}

/// A question for a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaugeQuestion {
    /// In the language of the source, with its places filled in: see [`fill`].
    pub query: String,
    /// Now, by which an answer is fresh or stale.
    pub now: Timestamp,
}

/// A fresh, finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// In the base unit of what is measured: shares of one, seconds, bytes, per second.
    pub value: f64,
    /// When it was measured, by the clock of the source.
    pub at: Timestamp,
}

/// A question for what both arms did.
#[derive(Clone, Debug, PartialEq)]
pub struct CountsQuestion {
    /// Whose visitors.
    pub lane: LaneId,
    /// What is coming.
    pub green: Deployment,
    /// What serves beside it; none where nothing does.
    pub blue: Option<Deployment>,
    /// The first moment of the interval.
    pub from: Timestamp,
    /// The moment after it; not after `now`.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// What was counted in one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// What each arm did.
    pub counts: IntervalCounts,
    /// Entries of the source that could not be read; each may have been a failure.
    pub unread: u64,
    /// The first of them, cut and safe to print.
    pub first_unread: Option<String>,
}

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Blind {
    /// Nothing is known under what was asked.
    #[error("it has no data: {0}")]
    Empty(String),
    /// What is known is too old.
    #[error("its newest figure is {age} old, and older than {limit} is stale")]
    Stale {
        /// How old it is.
        age: Span,
        /// The age above which it says nothing about now.
        limit: Span,
    },
    /// The answer is not a number, or not a finite one.
    #[error("it answers {0}, which is no finite number")]
    NotANumber(String),
    /// There are several answers where one is needed.
    #[error("it answers {count} figures where one is needed: {labels}")]
    Ambiguous {
        /// How many.
        count: usize,
        /// What tells them apart, of the first few.
        labels: String,
    },
    /// The source says no, and will again until somebody changes the question or its rights.
    #[error("it refuses the question: {0}")]
    Refused(String),
    /// It does not answer, or not in time, or with something else than an answer. May pass.
    #[error("{0}")]
    Unavailable(String),
}

/// `query` with `{version}`, `{service}` and `{environment}` of what is judged in their places. None of
/// the three can hold a quote or a backslash, so that what is quoted stays quoted.
pub fn fill(query: &str, lane: &LaneId, deployment: &Deployment) -> String {
    query
        .replace("{version}", deployment.release.version.as_str())
        .replace("{service}", lane.service.as_str())
        .replace("{environment}", lane.environment.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use towpath_core::ids::{Digest, Name, PromotionNumber, Version};
    use towpath_core::release::ReleaseRef;

    #[test]
    fn places_are_filled_with_what_is_judged_and_selectors_stay() {
        let lane =
            LaneId { service: Name::new("api").unwrap(), environment: Name::new("live").unwrap() };
        let release =
            ReleaseRef { version: Version::new("1.2.0+b").unwrap(), digest: Digest::of(b"") };
        let green =
            Deployment { number: PromotionNumber(7), release, capacity: 1, endpoints: Vec::new() };
        let query = "max(depth{version=\"{version}\",app=\"{service}-{environment}\",zone=\"a\"})";
        assert_eq!(
            fill(query, &lane, &green),
            "max(depth{version=\"1.2.0+b\",app=\"api-live\",zone=\"a\"})"
        );
    }
}
