//! Good releases where little happens: how they end when hardly anything speaks for or against them, by
//! the rules of a promotion. Owns these cells; the guard's other tables ask what it finds.

use std::fmt::Write as _;

use towpath_simulate::{
    Arrivals, Bake, Course, Ending, Fault, Latency, Scenario, Schedule, follow, many, statistics,
};

use super::tables::policy;
use super::text::percent;

/// What the goal asks for.
const RUNS: u64 = 3_000;
/// The documented default, in seconds.
const HOLD_LIMIT_S: f64 = 1_800.0;
/// From here on the goal speaks of a service without probes too.
const LEAST_PER_S: f64 = 10.0;

/// A quiet service, and how its good releases ended.
#[derive(Clone, Debug)]
pub(super) struct Quiet {
    requests_per_s: f64,
    error_rate: f64,
    is_probed: bool,
    /// Promoted proven, promoted not proven, back for want of evidence, waiting for a person, and
    /// thrown out.
    ended: [u64; 5],
}

/// Runs all of them, which takes seconds.
pub(super) fn measure() -> Vec<Quiet> {
    let cells = [
        (0.1, 0.001, false),
        (0.1, 0.001, true),
        (1.0, 0.001, false),
        (1.0, 0.001, true),
        (LEAST_PER_S, 0.0001, false),
        (LEAST_PER_S, 0.0001, true),
        (LEAST_PER_S, 0.001, false),
    ];
    cells.into_iter().map(run).collect()
}

fn run((requests_per_s, error_rate, is_probed): (f64, f64, bool)) -> Quiet {
    let arrivals = Arrivals::Described { requests_per_s, error_rate };
    let fault = Fault::none(error_rate);
    let scenario = Scenario { arrivals, latency: Latency::AtOnce, fault };
    let (course, policy, horizon) = (course(is_probed), policy(), scenario.horizon());
    let one = |seed| follow(&scenario, &course, &policy, &horizon, seed);
    let mut ended = [0; 5];
    for followed in many((RUNS, 1), one, |_| {}) {
        ended[match followed.ending {
            Ending::Promoted if followed.is_proven => 0,
            Ending::Promoted => 1,
            Ending::WentBackBlind => 2,
            Ending::Held => 3,
            // The course has no budget.
            Ending::WentBack(_) | Ending::WentBackForBudget => 4,
        }] += 1;
    }
    Quiet { requests_per_s, error_rate, is_probed, ended }
}

/// The steps of all other tables under the rules of a production: blind goes back at the end of holding.
fn course(is_probed: bool) -> Course {
    let schedule = Schedule::of_the_seeds();
    let mut bakes = Vec::new();
    let mut at_s = 0.0;
    while at_s < schedule.seconds() {
        let end_s = schedule.next_step(at_s).min(schedule.seconds());
        let (weight, most_s) = (schedule.weight_at(at_s).0, end_s - at_s);
        bakes.push(Bake { weight, least_s: most_s, most_s });
        at_s = end_s;
    }
    let (proof_required, blind_goes_back) = (false, true);
    let (hold_limit_s, harm_budget) = (HOLD_LIMIT_S, None);
    Course { bakes, proof_required, hold_limit_s, blind_goes_back, is_probed, harm_budget }
}

/// The largest share of good releases that went back for want of evidence though requests or probes
/// arrived, with where; none where nothing was measured.
pub(super) fn worst(cells: &[Quiet]) -> Option<(f64, String)> {
    let spoken_of =
        cells.iter().filter(|cell| cell.is_probed || cell.requests_per_s >= LEAST_PER_S);
    let shares = spoken_of.map(|cell| (cell.share(2), cell.place()));
    shares.reduce(|one, other| if other.0 > one.0 { other } else { one })
}

/// The section of the page.
pub(super) fn section(cells: &[Quiet]) -> String {
    let mut text = String::from(
        "\n## Quiet services\n\nHow good releases end where little happens, by the rules of a promotion: a step \
         that is blind is held for half an hour and then goes back. Percent of 3,000 rollouts each.\n\n\
         | per second | blue fails | probed | promoted, proven at each step | promoted, not proven | back for want \
         of evidence | waits for a person | thrown out |\n|--:|--:|---|--:|--:|--:|--:|--:|\n",
    );
    for cell in cells {
        let shares = [0, 1, 2, 3].map(|place| format!("{:.2}", 100.0 * cell.share(place)));
        let (low, high) = statistics::wilson(cell.ended[4], RUNS);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} [{:.2}, {:.2}] |",
            cell.requests_per_s,
            percent(cell.error_rate),
            if cell.is_probed { "yes" } else { "no" },
            shares.join(" | "),
            100.0 * cell.share(4),
            100.0 * low,
            100.0 * high
        );
    }
    text
}

impl Quiet {
    #[expect(clippy::cast_precision_loss, reason = "a count of rollouts")]
    fn share(&self, place: usize) -> f64 {
        self.ended[place] as f64 / RUNS as f64
    }

    fn place(&self) -> String {
        let probed = if self.is_probed { ", probed" } else { "" };
        format!("{}/s, blue fails {}{probed}", self.requests_per_s, percent(self.error_rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_has_the_steps_of_the_schedule() {
        assert_eq!(course(false).schedule(), Schedule::of_the_seeds());
    }

    #[test]
    fn the_goal_speaks_only_of_where_something_arrives() {
        let quiet = |requests_per_s, is_probed, back| Quiet {
            requests_per_s,
            error_rate: 0.001,
            is_probed,
            ended: [RUNS - back, 0, back, 0, 0],
        };
        let cells = [quiet(0.1, false, 900), quiet(0.1, true, 0), quiet(10.0, false, 3)];
        let (share, place) = worst(&cells).expect("there are cells");
        assert!((share - 0.001).abs() < 1e-9 && place.starts_with("10/s"), "{share} {place}");
        assert!(worst(&cells[..1]).is_none());
    }
}
