//! How many requests arrive when, and how many of them fail whoever serves them: described by two
//! figures, or as they were recorded. Owns the chance in it; tosses no coin between the arms.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::{Binomial, Distribution, Poisson};
use rand_pcg::Pcg64Mcg;

use crate::recording::Recording;

/// The traffic of a route, before it is shared out.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// A Poisson stream.
    Described {
        /// Requests per second, above 0.
        requests_per_s: f64,
        /// Share of requests that fail on either release, 0 to below 1.
        error_rate: f64,
    },
    /// What was counted. Each rollout begins at another place of it and goes round at its end.
    Recorded(Arc<Recording>),
}

/// Requests of a short time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Answered.
    pub answered: u64,
    /// Failed.
    pub failed: u64,
}

impl Arrivals {
    /// Share of requests that fail today, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        match self {
            Self::Described { error_rate, .. } => *error_rate,
            Self::Recorded(recording) => recording.error_rate(),
        }
    }

    /// Requests per second, on average.
    pub fn requests_per_s(&self) -> f64 {
        match self {
            Self::Described { requests_per_s, .. } => *requests_per_s,
            Self::Recorded(recording) => recording.requests_per_s(),
        }
    }

    /// The arrivals of one rollout.
    pub fn begin(&self, chance: &mut Pcg64Mcg) -> Stream<'_> {
        let place = match self {
            Self::Described { .. } => Place::default(),
            Self::Recorded(recording) => {
                let interval = chance.random_range(0..recording.intervals().len());
                Place::at(recording, interval)
            }
        };
        Stream { arrivals: self, place }
    }
}

/// The arrivals of one rollout, taken piece by piece.
#[derive(Debug)]
pub struct Stream<'a> {
    arrivals: &'a Arrivals,
    place: Place,
}

/// What is left of an interval of a recording.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    interval: usize,
    seconds: f64,
    counted: Counted,
}

impl Place {
    fn at(recording: &Recording, interval: usize) -> Self {
        let counted = recording.intervals()[interval];
        Self { interval, seconds: recording.interval_s(), counted }
    }
}

impl Stream<'_> {
    /// The requests of the next `seconds`.
    pub fn take(&mut self, seconds: f64, chance: &mut Pcg64Mcg) -> Counted {
        match self.arrivals {
            Arrivals::Described { requests_per_s, error_rate } => {
                let all = requests_per_s * seconds;
                Counted {
                    answered: poisson(all * (1.0 - error_rate), chance),
                    failed: poisson(all * error_rate, chance),
                }
            }
            Arrivals::Recorded(recording) => self.recorded(recording, seconds, chance),
        }
    }

    /// Within an interval nobody knows when its requests came: each moment of it is as likely.
    fn recorded(
        &mut self,
        recording: &Recording,
        mut seconds: f64,
        chance: &mut Pcg64Mcg,
    ) -> Counted {
        let mut taken = Counted::default();
        while seconds > 0.0 {
            let place = &mut self.place;
            let share = (seconds / place.seconds).min(1.0);
            let now = Counted {
                answered: binomial(place.counted.answered, share, chance),
                failed: binomial(place.counted.failed, share, chance),
            };
            taken.answered += now.answered;
            taken.failed += now.failed;
            if share < 1.0 {
                place.counted.answered -= now.answered;
                place.counted.failed -= now.failed;
                place.seconds -= seconds;
                break;
            }
            seconds -= place.seconds;
            let next = (place.interval + 1) % recording.intervals().len();
            *place = Place::at(recording, next);
        }
        taken
    }
}

/// A Poisson count; 0 for a mean of 0.
pub(crate) fn poisson(mean: f64, chance: &mut Pcg64Mcg) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    Poisson::new(mean).map_or(0, |draw| draw.sample(chance) as u64)
}

/// How many of `count` tosses of a coin hit.
pub(crate) fn binomial(count: u64, share: f64, chance: &mut Pcg64Mcg) -> u64 {
    if share >= 1.0 {
        return count;
    }
    Binomial::new(count, share.max(0.0)).map_or(0, |draw| draw.sample(chance))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn chance() -> Pcg64Mcg {
        Pcg64Mcg::seed_from_u64(11)
    }

    #[test]
    fn a_described_stream_has_the_described_means() {
        let arrivals = Arrivals::Described { requests_per_s: 50.0, error_rate: 0.02 };
        let (mut chance, mut sum) = (chance(), Counted::default());
        let mut stream = arrivals.begin(&mut chance);
        for _ in 0..2_000 {
            let next = stream.take(1.0, &mut chance);
            sum.answered += next.answered;
            sum.failed += next.failed;
        }
        assert!((97_000..99_000).contains(&sum.answered), "{sum:?}");
        assert!((1_850..2_150).contains(&sum.failed), "{sum:?}");
    }

    #[test]
    fn a_recording_is_played_whole_whatever_the_pieces_and_goes_round() {
        let counted = |answered, failed| Counted { answered, failed };
        let intervals = vec![counted(100, 1), counted(0, 0), counted(7, 3)];
        let recording = Recording::new(60.0, intervals).expect("it has requests");
        let arrivals = Arrivals::Recorded(Arc::new(recording));
        let mut chance = chance();
        for piece_s in [0.7_f64, 1.0, 45.0, 360.0] {
            let mut stream = arrivals.begin(&mut chance);
            let (mut sum, mut seconds) = (Counted::default(), 360.0_f64);
            while seconds > 1e-9 {
                let next = stream.take(piece_s.min(seconds), &mut chance);
                seconds -= piece_s;
                sum.answered += next.answered;
                sum.failed += next.failed;
            }
            assert!(sum.answered.abs_diff(214) <= 1 && sum.failed == 8, "{piece_s}: {sum:?}");
        }
    }
}
