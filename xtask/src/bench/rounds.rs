//! Comparing contenders on a machine that is never quite quiet: every round runs each of them
//! once, so that a slow minute hits all, and ratios are taken within rounds before they are
//! summed up. It measures nothing itself; a contender returns its own figure.

use std::fmt;

use anyhow::{Result, ensure};

/// One of the things compared: its name and a run that returns one figure in the bench's unit.
pub(crate) struct Contender<'a> {
    /// How it is called in the report.
    pub(crate) name: &'a str,
    /// Runs once and returns the figure, which must be finite and above 0.
    pub(crate) run: Box<dyn FnMut() -> Result<f64> + 'a>,
}

/// Figures of interleaved rounds: one per contender and round, none missing.
#[derive(Debug)]
pub(crate) struct Rounds {
    names: Vec<String>,
    /// By contender, then by round.
    figures: Vec<Vec<f64>>,
}

/// Median and spread of some figures, in their unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// Smallest figure.
    pub(crate) min: f64,
    /// A quarter of the figures lie below.
    pub(crate) lower_quartile: f64,
    /// Half of the figures lie below.
    pub(crate) median: f64,
    /// A quarter of the figures lie above.
    pub(crate) upper_quartile: f64,
    /// Largest figure.
    pub(crate) max: f64,
}

/// One contender's figures divided by another's. Both summaries are given because they disagree
/// when the machine was uneven, and a claim should hold under both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Paired {
    /// Median of the one over median of the other.
    pub(crate) ratio_of_medians: f64,
    /// The ratios taken within each round.
    pub(crate) ratios: Spread,
}

impl Rounds {
    /// Runs every contender `warm_up + rounds` times and keeps the last `rounds` figures. Each
    /// round starts with another contender, so that nobody always runs behind the same one.
    ///
    /// # Errors
    /// When a run fails or returns a figure that is not finite and above 0, when there are no
    /// rounds, or no contenders.
    pub(crate) fn interleaved(
        warm_up: usize,
        rounds: usize,
        contenders: &mut [Contender<'_>],
    ) -> Result<Self> {
        ensure!(rounds > 0 && !contenders.is_empty(), "nothing to measure");
        let mut figures = vec![Vec::with_capacity(rounds); contenders.len()];
        for round in 0..warm_up + rounds {
            for turn in 0..contenders.len() {
                let index = (round + turn) % contenders.len();
                let contender = &mut contenders[index];
                let figure = (contender.run)()?;
                let name = contender.name;
                ensure!(figure.is_finite() && figure > 0.0, "{name} measured {figure}");
                if round >= warm_up {
                    figures[index].push(figure);
                }
            }
        }
        let names = contenders.iter().map(|contender| contender.name.to_owned()).collect();
        Ok(Self { names, figures })
    }

    /// Rounds that were measured in passing: figures by contender, then by round, as many of each.
    ///
    /// # Errors
    /// When there are none, or not as many of each.
    pub(crate) fn of(names: &[&str], figures: Vec<Vec<f64>>) -> Result<Self> {
        let rounds = figures.first().map_or(0, Vec::len);
        let complete = figures.iter().all(|figures| figures.len() == rounds);
        ensure!(rounds > 0 && complete && names.len() == figures.len(), "figures are missing");
        Ok(Self { names: names.iter().map(|name| (*name).to_owned()).collect(), figures })
    }

    /// Median and spread of each contender, in the order they were given.
    pub(crate) fn spreads(&self) -> Vec<(&str, Spread)> {
        let pairs = self.names.iter().zip(&self.figures);
        pairs.map(|(name, figures)| (name.as_str(), Spread::of(figures))).collect()
    }

    /// The figures of contender `one` over those of `other`, by their places in the order given.
    pub(crate) fn paired(&self, one: usize, other: usize) -> Paired {
        let pairs = self.figures[one].iter().zip(&self.figures[other]);
        let ratios: Vec<f64> = pairs.map(|(figure, base)| figure / base).collect();
        let median = |index: usize| Spread::of(&self.figures[index]).median;
        Paired { ratio_of_medians: median(one) / median(other), ratios: Spread::of(&ratios) }
    }

    /// What contender `one` measured beyond `other`, round by round.
    pub(crate) fn differences(&self, one: usize, other: usize) -> Spread {
        let pairs = self.figures[one].iter().zip(&self.figures[other]);
        Spread::of(&pairs.map(|(figure, base)| figure - base).collect::<Vec<_>>())
    }

    /// Report lines: each contender's spread, then the first contender against each other one.
    pub(crate) fn report(&self, unit: &str) -> Vec<String> {
        let mut lines: Vec<String> = self
            .spreads()
            .iter()
            .map(|(name, spread)| format!("{name}: {spread} {unit}"))
            .collect();
        for other in 1..self.names.len() {
            let paired = self.paired(0, other);
            lines.push(format!("{} / {}: {paired}", self.names[0], self.names[other]));
        }
        lines
    }
}

impl Spread {
    /// The spread of at least one finite figure. Quartiles lie between neighbours in proportion
    /// (Hyndman and Fan 1996, definition 7, the default of R and NumPy).
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |quarters: usize| quantile(&sorted, quarters);
        Self { min: at(0), lower_quartile: at(1), median: at(2), upper_quartile: at(3), max: at(4) }
    }
}

/// The figure below which `quarters` quarters of the sorted figures lie.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let last = sorted.len().checked_sub(1).expect("a spread is of at least one figure");
    let (whole, part) = (last * quarters / 4, last * quarters % 4);
    let next = sorted[(whole + 1).min(last)];
    let share = [0.0, 0.25, 0.5, 0.75][part];
    sorted[whole] + (next - sorted[whole]) * share
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { min, lower_quartile, median, upper_quartile, max } = self;
        write!(
            formatter,
            "{median:.3} [{min:.3}-{max:.3}], quartiles {lower_quartile:.3}-{upper_quartile:.3}"
        )
    }
}

impl fmt::Display for Paired {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3} of medians, {} by rounds", self.ratio_of_medians, self.ratios)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn quartiles_lie_between_neighbours_in_proportion() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        let found =
            [spread.min, spread.lower_quartile, spread.median, spread.upper_quartile, spread.max];
        assert!(
            found.iter().zip([1.0, 1.75, 2.5, 3.25, 4.0]).all(|(one, other)| near(*one, other))
        );
        assert!(near(Spread::of(&[7.0]).median, 7.0));
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let rounds = Rounds {
            names: vec!["ours".into(), "theirs".into()],
            figures: vec![vec![10.0, 20.0, 90.0], vec![5.0, 40.0, 30.0]],
        };
        let paired = rounds.paired(0, 1);
        assert!(near(paired.ratio_of_medians, 20.0 / 30.0), "{paired}");
        assert!(near(paired.ratios.median, 2.0), "{paired}");
        assert!(near(rounds.differences(0, 1).median, 5.0));
        assert!(near(paired.ratios.min, 0.5) && near(paired.ratios.max, 3.0), "{paired}");
    }

    #[test]
    fn contenders_take_turns_and_warm_up_rounds_are_dropped() {
        let order = RefCell::new(String::new());
        let contender = |name: &'static str, figure: f64| Contender {
            name,
            run: Box::new({
                let order = &order;
                let mut runs = 0.0;
                move || {
                    order.borrow_mut().push_str(name);
                    runs += 1.0;
                    Ok(figure * runs)
                }
            }),
        };
        let mut contenders = [contender("a", 1.0), contender("b", 10.0)];
        let rounds = Rounds::interleaved(1, 2, &mut contenders).unwrap();
        assert_eq!(*order.borrow(), "abbaab");
        assert_eq!(rounds.figures, [[2.0, 3.0], [20.0, 30.0]]);
        assert_eq!(rounds.report("s")[0], "a: 2.500 [2.000-3.000], quartiles 2.250-2.750 s");
    }

    #[test]
    fn rounds_measured_in_passing_are_complete_or_none() {
        let names = ["a", "b"];
        assert!(Rounds::of(&names, vec![vec![1.0], vec![2.0]]).is_ok());
        assert!(Rounds::of(&names, vec![vec![1.0], vec![]]).is_err());
        assert!(Rounds::of(&names, vec![vec![1.0]]).is_err());
        assert!(Rounds::of(&names, vec![vec![], vec![]]).is_err());
    }

    #[test]
    fn a_figure_that_is_no_measurement_is_refused() {
        let mut contenders = [Contender { name: "a", run: Box::new(|| Ok(f64::NAN)) }];
        let error = Rounds::interleaved(0, 1, &mut contenders).unwrap_err().to_string();
        assert!(error.contains("a measured NaN"), "{error}");
    }
}
