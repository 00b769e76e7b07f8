//! A source of figures that says what it is told to. Measures nothing.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use towpath_core::units::Span;
use towpath_ports::metrics::{
    Blind, Counted, CountsQuestion, GaugeQuestion, Measured, MetricsSource, Pace,
};

/// What the source says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    /// This, measured at the moment of the question.
    Figure(f64),
    /// That it has no data.
    Nothing,
    /// Nothing at all, whatever the time it was given.
    Hangs,
}

/// One source for all alarms and counts of a world.
pub(crate) struct FakeMetrics {
    always: Mutex<Says>,
    in_turn: Mutex<VecDeque<Says>>,
    asked: Mutex<Vec<GaugeQuestion>>,
    counts: Mutex<Result<Counted, Blind>>,
    counted: Mutex<Vec<CountsQuestion>>,
}

impl Default for FakeMetrics {
    fn default() -> Self {
        Self {
            always: Mutex::new(Says::Figure(0.0)),
            in_turn: Mutex::default(),
            asked: Mutex::default(),
            counts: Mutex::new(Err(Blind::Refused("it counts nothing".to_owned()))),
            counted: Mutex::default(),
        }
    }
}

impl FakeMetrics {
    /// How often it is asked.
    pub(crate) const EVERY: Span = Span::seconds(15);

    /// From now on it says this.
    pub(crate) fn says(&self, says: Says) {
        *self.always.lock().unwrap() = says;
    }

    /// This the next times, and then what it says always.
    pub(crate) fn says_in_turn(&self, says: &[Says]) {
        *self.in_turn.lock().unwrap() = says.iter().copied().collect();
    }

    /// From now on it counts this in every interval.
    pub(crate) fn counts(&self, counts: Result<Counted, Blind>) {
        *self.counts.lock().unwrap() = counts;
    }

    /// The intervals that it was asked for so far, in order.
    pub(crate) fn counted(&self) -> Vec<CountsQuestion> {
        self.counted.lock().unwrap().clone()
    }

    /// What it was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<GaugeQuestion> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl MetricsSource for FakeMetrics {
    fn pace(&self) -> Pace {
        let stale_after = Span::minutes(2);
        Pace { every: Self::EVERY, timeout: Span::seconds(5), stale_after, late: Span::ZERO }
    }

    async fn gauge(&self, question: &GaugeQuestion) -> Result<Measured, Blind> {
        self.asked.lock().unwrap().push(question.clone());
        let next = self.in_turn.lock().unwrap().pop_front();
        let always = *self.always.lock().unwrap();
        match next.unwrap_or(always) {
            Says::Figure(value) => Ok(Measured { value, at: question.now }),
            Says::Nothing => Err(Blind::Empty("no series fits the query".to_owned())),
            Says::Hangs => std::future::pending().await,
        }
    }

    async fn counts(&self, question: &CountsQuestion) -> Result<Counted, Blind> {
        self.counted.lock().unwrap().push(question.clone());
        self.counts.lock().unwrap().clone()
    }
}
