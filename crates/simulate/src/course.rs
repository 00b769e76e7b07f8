//! The course of a rollout as it is declared: weights, bakes, and what happens at the end of a bake.
//! Owns that rule; draws no request and judges none.

use towpath_guard::{Forecast, Rung};

use crate::{Schedule, Step};

/// How far ahead it must be safe to go on at a weight that is held for evidence, in seconds: as often it
/// is looked at.
const HELD_LOOK_S: f64 = 5.0;

/// What a rollout is declared to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Weights in rising order; at least one.
    pub bakes: Vec<Bake>,
    /// Whether a step may pass only once green is proven.
    pub proof_required: bool,
    /// How long a step may wait for evidence beyond its bake, in seconds.
    pub hold_limit_s: f64,
    /// Whether a step that stays blind until then goes back; otherwise it waits for a person.
    pub blind_goes_back: bool,
    /// Whether probes reach green, so that no step is ever blind.
    pub is_probed: bool,
    /// Requests that may be harmed. Then the bakes are those that may be taken, and the next is the
    /// largest that keeps within it.
    pub harm_budget: Option<f64>,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bake {
    /// Green's share, 0 to 1.
    pub weight: f64,
    /// The least time at this weight, in seconds.
    pub least_s: f64,
    /// The most time at this weight, in seconds; a step ends early, once green is proven, only where
    /// this is more than the least.
    pub most_s: f64,
}

/// How green stands while nothing speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Proven not to be much worse.
    Proven,
    /// Evidence, none of it of harm, too little to prove anything.
    Undecided,
    /// No request and no probe in this step.
    Blind,
}

/// What becomes of a step at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on.
    Stay,
    /// It passes, and the bake of this index is next.
    Pass(usize),
    /// It goes back for want of evidence.
    GoBack,
    /// It goes back because no larger weight keeps within the budget.
    GoBackForBudget,
    /// It waits for a person.
    AskPerson,
}

impl Course {
    /// The longest time that it takes when no step has to wait, in seconds.
    pub fn most_s(&self) -> f64 {
        self.bakes.iter().map(|bake| bake.most_s).sum()
    }

    /// The weights over their longest times: what a tool does that knows no early end.
    pub fn schedule(&self) -> Schedule {
        let step = |bake: &Bake| Step { weight: bake.weight, seconds: bake.most_s };
        Schedule::new(self.bakes.iter().map(step).collect())
    }
}

impl Course {
    /// What becomes of the step `index` that began `since_s` seconds ago: the rule of fixed steps, and
    /// where a budget of harm is declared, that of the weights. `forecast` is asked only then.
    pub fn next<'a>(
        &self,
        index: usize,
        since_s: f64,
        standing: Standing,
        forecast: impl FnOnce() -> Forecast<'a>,
    ) -> Next {
        let bake = &self.bakes[index];
        let rest = self.bakes.get(index + 1..).unwrap_or_default();
        let by_rule = bake.next(index, since_s, standing, self);
        let has_visitors = bake.weight > 0.0 && standing != Standing::Blind;
        let Some(budget) = self.harm_budget.filter(|_| has_visitors && !rest.is_empty()) else {
            return by_rule;
        };
        if since_s < bake.least_s {
            return Next::Stay;
        }
        if self.proof_required && standing != Standing::Proven {
            return by_rule;
        }
        let forecast = forecast();
        let rungs: Vec<Rung> = rest.iter().map(Bake::rung).collect();
        if let Some((further, _)) = forecast.largest(&rungs, budget) {
            return Next::Pass(index + 1 + further);
        }
        let held = Rung { weight: bake.weight, seconds: HELD_LOOK_S };
        let may_hold = since_s < bake.most_s + self.hold_limit_s
            && forecast.largest(&[held], budget).is_some();
        if since_s < bake.most_s || may_hold {
            Next::Stay
        } else if self.blind_goes_back {
            Next::GoBackForBudget
        } else {
            Next::AskPerson
        }
    }
}

impl Bake {
    fn rung(&self) -> Rung {
        Rung { weight: self.weight, seconds: self.most_s }
    }

    /// What becomes of this step, the `index`-th, that began `since_s` seconds ago: at the end of its bake
    /// proven and undecided ones pass, the latter unless proof is required; what is held passes as soon as
    /// it may; and at the limit of holding only a blind one may go back.
    fn next(&self, index: usize, since_s: f64, standing: Standing, course: &Course) -> Next {
        if since_s < self.least_s {
            return Next::Stay;
        }
        if self.most_s <= 0.0 {
            return Next::Pass(index + 1);
        }
        let is_proven = standing == Standing::Proven;
        if since_s < self.most_s {
            let ends_early = self.least_s < self.most_s && is_proven;
            return if ends_early { Next::Pass(index + 1) } else { Next::Stay };
        }
        let passes = is_proven || (standing == Standing::Undecided && !course.proof_required);
        if passes {
            Next::Pass(index + 1)
        } else if since_s < self.most_s + course.hold_limit_s {
            Next::Stay
        } else if standing == Standing::Blind && course.blind_goes_back {
            Next::GoBack
        } else {
            Next::AskPerson
        }
    }

    /// The next moment after `since_s`, in seconds from its begin, at which it may be decided anew
    /// though nothing has happened.
    pub fn next_look(&self, since_s: f64, course: &Course) -> f64 {
        let moments = [self.least_s, self.most_s, self.most_s + course.hold_limit_s];
        moments.into_iter().filter(|moment| *moment > since_s).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        Course {
            bakes: vec![Bake { weight: 0.1, least_s: 60.0, most_s: 300.0 }],
            proof_required: false,
            hold_limit_s: 1800.0,
            blind_goes_back: true,
            is_probed: false,
            harm_budget: None,
        }
    }

    #[test]
    fn only_a_range_ends_early_and_only_when_green_is_proven() {
        let course = course();
        let range = course.bakes[0];
        assert_eq!(range.next(0, 59.0, Standing::Proven, &course), Next::Stay);
        assert_eq!(range.next(0, 60.0, Standing::Proven, &course), Next::Pass(1));
        assert_eq!(range.next(0, 60.0, Standing::Undecided, &course), Next::Stay);
        let fixed = Bake { least_s: 300.0, ..range };
        assert_eq!(fixed.next(0, 299.0, Standing::Proven, &course), Next::Stay);
        assert_eq!(fixed.next(0, 300.0, Standing::Undecided, &course), Next::Pass(1));
    }

    #[test]
    fn blind_is_held_and_then_does_what_is_declared() {
        let course = course();
        let bake = course.bakes[0];
        assert_eq!(bake.next(0, 300.0, Standing::Blind, &course), Next::Stay);
        assert_eq!(bake.next(0, 2100.0, Standing::Blind, &course), Next::GoBack);
        let pauses = Course { blind_goes_back: false, ..course };
        assert_eq!(bake.next(0, 2100.0, Standing::Blind, &pauses), Next::AskPerson);
    }

    #[test]
    fn where_proof_is_required_undecided_is_held_for_a_person() {
        let course = Course { proof_required: true, ..course() };
        let bake = course.bakes[0];
        assert_eq!(bake.next(0, 300.0, Standing::Undecided, &course), Next::Stay);
        assert_eq!(bake.next(0, 400.0, Standing::Proven, &course), Next::Pass(1));
        assert_eq!(bake.next(0, 2100.0, Standing::Undecided, &course), Next::AskPerson);
    }

    #[test]
    fn a_step_without_a_bake_passes_at_once() {
        let course = course();
        let none = Bake { weight: 1.0, least_s: 0.0, most_s: 0.0 };
        assert_eq!(none.next(0, 0.0, Standing::Blind, &course), Next::Pass(1));
    }
}
