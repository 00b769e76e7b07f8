//! Which share of the traffic green has when. Owns the steps; knows no promotion.

/// One step of a rollout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Green's share, 0 to 1.
    pub weight: f64,
    /// For how long, in seconds.
    pub seconds: f64,
}

/// The steps of a rollout, and what is watched after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    steps: Vec<Step>,
}

impl Schedule {
    /// The steps in order.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps }
    }

    /// The seeds' own: 1% for 5 minutes, 10% for 10, 50% for 15.
    pub fn of_the_seeds() -> Self {
        let step = |weight, minutes: f64| Step { weight, seconds: minutes * 60.0 };
        Self::new(vec![step(0.01, 5.0), step(0.1, 10.0), step(0.5, 15.0)])
    }

    /// The same, and then 100% but for a holdback of 5% on blue, for half an hour.
    pub fn with_holdback() -> Self {
        let mut schedule = Self::of_the_seeds();
        schedule.steps.push(Step { weight: 0.95, seconds: 1800.0 });
        schedule
    }

    /// The same after another step.
    #[must_use]
    pub fn after(mut self, first: Step) -> Self {
        self.steps.insert(0, first);
        self
    }

    /// How long it takes, in seconds.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().map(|step| step.seconds).sum()
    }

    /// Green's share at `at_s` seconds and when that step began; the last step goes on for ever.
    pub fn weight_at(&self, at_s: f64) -> (f64, f64) {
        let mut began = 0.0;
        for (index, step) in self.steps.iter().enumerate() {
            if at_s < began + step.seconds || index + 1 == self.steps.len() {
                return (step.weight, began);
            }
            began += step.seconds;
        }
        (0.0, began)
    }

    /// When the next step after `at_s` begins, in seconds; infinite in the last one.
    pub fn next_step(&self, at_s: f64) -> f64 {
        let mut ends = 0.0;
        for step in &self.steps {
            ends += step.seconds;
            if ends > at_s {
                return if ends < self.seconds() { ends } else { f64::INFINITY };
            }
        }
        f64::INFINITY
    }
}
