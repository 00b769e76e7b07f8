//! What other tools' rules do about the same traffic and fault, from counts alone: they look at no
//! single request, so none is drawn. Owns the counts; the rules are in `peers`.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::arrivals::{Stream, binomial};
use crate::counts::{BUCKET_S, Series};
use crate::numbers::whole;
use crate::peers::flagger::{self, Ended, Minute};
use crate::{Scenario, Schedule};

/// The counts of a whole rollout, as if nobody went back; the same for the same seed.
pub fn series(scenario: &Scenario, schedule: &Schedule, seed: u64) -> Series {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut stream = scenario.arrivals.begin(&mut chance);
    let end_s = schedule.seconds();
    let mut series = Series::new(whole(end_s.ceil()));
    let mut now_s = 0.0;
    while now_s < end_s {
        let until_s = next_cut(now_s, scenario, schedule).min(end_s);
        let weight = schedule.weight_at(now_s).0;
        let drawn = draw(scenario, &mut stream, (now_s, until_s), weight, &mut chance);
        series.add((now_s, until_s), true, (drawn.green.requests, drawn.green.failed));
        series.add((now_s, until_s), false, drawn.blue);
        series.add_harm(until_s, drawn.green.harmed);
        now_s = until_s;
    }
    series
}

/// A rollout under Flagger, which halts and so meets other requests; the same for the same seed.
pub fn flagger(scenario: &Scenario, schedule: &Schedule, seed: u64) -> Ended {
    let mut chance = Pcg64Mcg::seed_from_u64(!seed);
    let mut stream = scenario.arrivals.begin(&mut chance);
    flagger::decide(schedule, |now_s, weight| {
        let (mut at_s, mut sum) = (now_s, Minute::default());
        let (end_s, onset_s) = (now_s + 60.0, scenario.fault.onset_s);
        while at_s < end_s {
            let until_s = if onset_s > at_s { end_s.min(onset_s) } else { end_s };
            let green = draw(scenario, &mut stream, (at_s, until_s), weight, &mut chance).green;
            sum.requests += green.requests;
            sum.failed += green.failed;
            sum.harmed += green.harmed;
            at_s = until_s;
        }
        sum
    })
}

struct Shared {
    green: Minute,
    /// Requests and failures.
    blue: (u64, u64),
}

fn draw(
    scenario: &Scenario,
    stream: &mut Stream<'_>,
    (from_s, until_s): (f64, f64),
    weight: f64,
    chance: &mut Pcg64Mcg,
) -> Shared {
    let counted = stream.take(until_s - from_s, chance);
    let usual = binomial(counted.failed, weight, chance);
    let answered = binomial(counted.answered, weight, chance);
    let is_faulty = from_s >= scenario.fault.onset_s;
    let excess = if is_faulty { scenario.excess() } else { 0.0 };
    let extra = binomial(answered, excess, chance);
    let harmed = if is_faulty && scenario.slows() { answered } else { extra };
    let blue_failed = counted.failed - usual;
    Shared {
        green: Minute { requests: usual + answered, failed: usual + extra, harmed },
        blue: (counted.answered - answered + blue_failed, blue_failed),
    }
}

/// The next moment at which something else begins: a count, a step or the fault.
fn next_cut(now_s: f64, scenario: &Scenario, schedule: &Schedule) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a quarter of a minute")]
    let bucket_s = BUCKET_S as f64;
    let bucket_end_s = ((now_s / bucket_s).floor() + 1.0) * bucket_s;
    let onset_s = scenario.fault.onset_s;
    let onset_s = if onset_s > now_s { onset_s } else { f64::INFINITY };
    bucket_end_s.min(onset_s).min(schedule.next_step(now_s))
}
