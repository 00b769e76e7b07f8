use towpath_guard::Policy;
use towpath_simulate::*;
#[test]
#[ignore]
fn explore() {
    let budget = std::env::var("B").ok().and_then(|b| b.parse().ok());
    let most: f64 = std::env::var("MOST").map_or(300.0, |b| b.parse().unwrap());
    let runs: u64 = std::env::var("RUNS").map_or(60, |b| b.parse().unwrap());
    let weights = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
    let course = Course {
        bakes: weights.map(|weight| Bake { weight, least_s: 60.0, most_s: most }).to_vec(),
        proof_required: false,
        hold_limit_s: 1800.0,
        blind_goes_back: true,
        is_probed: false,
        harm_budget: budget,
    };
    let policy = Policy { alpha: 0.0081, ..Policy::default() };
    for (rate, error) in [(100.0, 0.005), (100.0, 0.001), (10.0, 0.005), (1000.0, 0.005)] {
        for (rate_of, onset_s) in [
            (1.0, 0.0),
            (1.5, 0.0),
            (2.0, 0.0),
            (3.0, 0.0),
            (5.0, 0.0),
            (40.0, 0.0),
            (1.0 / error, 0.0),
            (2.0, 600.0),
            (40.0, 600.0),
            (40.0, 1500.0),
            (1.0 / error, 1500.0),
        ] {
            let scenario = Scenario {
                arrivals: Arrivals::Described { requests_per_s: rate, error_rate: error },
                latency: Latency::AtOnce,
                fault: Fault { error_rate: error * rate_of, onset_s, ..Fault::none(error) },
            };
            let horizon = scenario.horizon();
            let all =
                many((runs, 7), |seed| follow(&scenario, &course, &policy, &horizon, seed), |_| ());
            let n = all.len() as f64;
            let mean = all.iter().map(|r| r.harmed).sum::<f64>() / n;
            let max = all.iter().map(|r| r.harmed).fold(0.0, f64::max);
            let sd = (all.iter().map(|r| (r.harmed - mean).powi(2)).sum::<f64>() / n).sqrt();
            let share = |f: &dyn Fn(&Followed) -> bool| {
                all.iter().filter(|r| f(r)).count() as f64 / n * 100.0
            };
            let time = all.iter().map(|r| r.at_s).sum::<f64>() / n;
            println!(
                "{rate:5} {error:6} x{rate_of:5} @{onset_s:5}: harm {mean:7.1} (sd {sd:.0}, max {max:.0}) promoted {:3.0}% guard {:3.0}% budget {:3.0}% blind {:3.0}% held {:.0}% mean end {time:.0}s",
                share(&|r| r.ending == Ending::Promoted),
                share(&|r| matches!(r.ending, Ending::WentBack(_))),
                share(&|r| r.ending == Ending::WentBackForBudget),
                share(&|r| r.ending == Ending::WentBackBlind),
                share(&|r| r.ending == Ending::Held)
            );
        }
    }
}
