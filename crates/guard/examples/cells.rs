//! Prototype: the cells of the analysis.
use towpath_guard::*;

struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E3779B97F4A7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB);
        z ^ (z >> 31)
    }
    fn f(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    fn exp(&mut self) -> f64 {
        -(1.0 - self.f()).ln()
    }
    fn norm(&mut self) -> f64 {
        (-2.0 * (1.0 - self.f()).ln()).sqrt() * (6.283185307179586 * self.f()).cos()
    }
}

#[derive(Clone, Copy)]
struct Cell {
    rps: f64,
    pb: f64,
    pc: f64,
    onset: f64,
    shock: f64,
    clus: f64,
    warm: f64,
    until: f64,
    slow: f64,
    scale: f64,
    tail: f64,
}

fn rho(t: f64) -> f64 {
    if t < 300.0 {
        0.01
    } else if t < 900.0 {
        0.1
    } else if t < 1800.0 {
        0.5
    } else {
        0.95
    }
}

struct Ended {
    t: f64,
    harm: f64,
    cause: Option<Cause>,
    proven: bool,
}

fn run(cell: &Cell, policy: &Policy, seed: u64) -> Ended {
    let mut r = Rng(seed.wrapping_mul(0x2545F4914F6CDD1D) ^ 77);
    let mut guard = Guard::new(policy.clone(), Horizon::default(), 1);
    let mut harm = 0.0;
    let mut t = 0.0;
    let mut order = 0u64;
    let mut sh = 1.0;
    let mut sh_at = -1i64;
    let mut step_start = 0.0;
    let mut last_rho = 0.0;
    // min-heap of pending
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    let mut pending: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut store: std::collections::HashMap<u64, Outcome> = Default::default();
    while t < cell.until {
        t += r.exp() / cell.rps;
        let p = rho(t);
        if p != last_rho {
            last_rho = p;
            step_start = t;
        }
        if cell.shock > 1.0 && (t / 30.0) as i64 != sh_at {
            sh_at = (t / 30.0) as i64;
            sh = if r.f() < 0.1 { cell.shock } else { 1.0 };
        }
        let green = r.f() < p;
        let u = r.f();
        let qb = (cell.pb * sh).min(1.0);
        let mut qc = (if t >= cell.onset { cell.pc } else { cell.pb } * sh).min(1.0);
        if cell.warm > 0.0 && t - step_start < 10.0 {
            qc = (qc + cell.warm).min(1.0);
        }
        let fail = if green { u < qc } else { u < qb };
        let harmed = green && fail && u >= qb;
        if harmed {
            harm += 1.0;
        }
        let mut reps = 1;
        let client = if cell.clus > 0.0 { 1 + (r.next() % 2000) } else { 0 };
        if fail && cell.clus > 0.0 {
            let l = (-cell.clus).exp();
            let mut k = 0;
            let mut x = r.f();
            while x > l {
                k += 1;
                x *= r.f();
            }
            reps = 1 + k;
        }
        for rep in 0..reps {
            order += 1;
            let base = 50_000.0 * (0.8 * r.norm()).exp();
            let mut lat = if cell.slow > 0.0 { base } else { 0.0 };
            if green && cell.scale != 1.0 && (cell.tail == 0.0 || r.f() < cell.tail) {
                lat *= cell.scale;
            }
            if cell.slow > 1.0 && fail && !green {
                lat = cell.slow;
            }
            let g = if rep == 0 { green } else { r.f() < p };
            let o = Outcome {
                order,
                arm: if g { Arm::Green } else { Arm::Blue },
                green_probability: p as f32,
                status: if fail { StatusClass::ServerError } else { StatusClass::Success },
                error: ErrorKind::None,
                latency_us: lat as u32,
                assigned_us: (t * 1e6) as u64,
                client,
                pinned: false,
            };
            let done = o.assigned_us + lat as u64;
            if cell.slow > 0.0 {
                pending.push(Reverse((done, order)));
                store.insert(order, o);
            } else if let Some(f) = guard.observe(&o, o.assigned_us) {
                return Ended {
                    t,
                    harm: harm + 0.1 * cell.rps * p * (cell.pc - cell.pb),
                    cause: Some(f.cause),
                    proven: false,
                };
            }
        }
        let now = (t * 1e6) as u64;
        while let Some(Reverse((done, id))) = pending.peek().copied() {
            if done > now {
                break;
            }
            pending.pop();
            let o = store.remove(&id).unwrap();
            if let Some(f) = guard.observe(&o, done) {
                return Ended {
                    t,
                    harm: harm + 0.1 * cell.rps * p * (cell.pc - cell.pb),
                    cause: Some(f.cause),
                    proven: false,
                };
            }
        }
    }
    Ended { t: f64::INFINITY, harm, cause: None, proven: guard.is_proven() }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let what = args.get(1).map_or("err", |s| s.as_str());
    let n: u64 = args.get(2).map_or(100, |s| s.parse().unwrap());
    let base = Cell {
        rps: 100.0,
        pb: 0.005,
        pc: 0.005,
        onset: 0.0,
        shock: 1.0,
        clus: 0.0,
        warm: 0.0,
        until: 1800.0,
        slow: 0.0,
        scale: 1.0,
        tail: 0.0,
    };
    let err = Policy { error_rate: Some(0.05), warm_up_us: 0, ..Policy::default() };
    let report = |name: &str, cell: &Cell, policy: &Policy, n: u64| {
        let all: Vec<Ended> = (0..n).map(|i| run(cell, policy, i + 1)).collect();
        let rb = all.iter().filter(|e| e.cause.is_some()).count();
        let mut ts: Vec<f64> = all.iter().map(|e| e.t).collect();
        ts.sort_by(f64::total_cmp);
        let mut causes: std::collections::BTreeMap<String, u32> = Default::default();
        for e in &all {
            *causes.entry(format!("{:?}", e.cause)).or_default() += 1;
        }
        println!(
            "{name:40} rb {:6.2}%  harm {:8.1}  median {:7.1}s proven {:.0}% {causes:?}",
            100.0 * rb as f64 / n as f64,
            all.iter().map(|e| e.harm).sum::<f64>() / n as f64,
            ts[ts.len() / 2],
            100.0 * all.iter().filter(|e| e.proven).count() as f64 / n as f64
        );
    };
    match what {
        "err" => {
            for rps in [10.0, 100.0, 1000.0] {
                for (l, pc) in
                    [("1x", 0.005), ("2x", 0.01), ("5x", 0.025), ("20%", 0.2), ("100%", 1.0)]
                {
                    let n = if rps == 1000.0 { (n / 10).max(10) } else { n };
                    report(&format!("{l} @{rps}"), &Cell { rps, pc, ..base }, &err, n);
                }
            }
        }
        "late" => {
            for pc in [1.0, 0.2] {
                for onset in [0.0, 120.0, 600.0, 1500.0, 2400.0] {
                    report(
                        &format!("{pc} from {onset}"),
                        &Cell { pc, onset, until: 3600.0, ..base },
                        &err,
                        n,
                    );
                }
            }
        }
        "rob" => {
            for rps in [100.0, 1000.0] {
                let warm = Policy { warm_up_us: 10_000_000, ..err.clone() };
                let n = if rps == 1000.0 { (n / 5).max(10) } else { n };
                report("iid", &Cell { rps, ..base }, &err, n);
                report("shock", &Cell { rps, shock: 20.0, ..base }, &err, n);
                report("clusters", &Cell { rps, clus: 2.0, ..base }, &err, n);
                report("warm 20%", &Cell { rps, warm: 0.2, ..base }, &warm, n);
                report("warm 2%", &Cell { rps, warm: 0.02, ..base }, &warm, n);
                report("benign", &Cell { rps, pc: 0.0055, ..base }, &err, n);
            }
        }
        "speed" => {
            for rps in [100.0, 1000.0] {
                for slow in [1.0, 2e6, 10e6] {
                    for pb in [0.001, 0.005, 0.02] {
                        report(
                            &format!("blue fails after {}s pb {pb} @{rps}", slow / 1e6),
                            &Cell { rps, slow, pb, pc: pb, ..base },
                            &err,
                            n,
                        );
                    }
                    report(
                        &format!("100% bad, {} @{rps}", slow / 1e6),
                        &Cell { rps, slow, pc: 1.0, ..base },
                        &err,
                        n,
                    );
                    report(
                        &format!("20% bad, {} @{rps}", slow / 1e6),
                        &Cell { rps, slow, pc: 0.2, ..base },
                        &err,
                        n,
                    );
                }
            }
        }
        _ => {
            for rps in [10.0, 100.0] {
                for (scale, tail) in
                    [(1.0, 0.0), (1.1, 0.0), (1.2, 0.0), (1.5, 0.0), (3.0, 0.0), (5.0, 0.05)]
                {
                    let lat = Policy {
                        latency: [50, 90, 99]
                            .map(|q| LatencyLimit::Factor(Quantile(q), 1.2))
                            .to_vec(),
                        ..err.clone()
                    };
                    report(
                        &format!("lat x{scale} {tail} @{rps}"),
                        &Cell { rps, slow: 1.0, scale, tail, ..base },
                        &lat,
                        n,
                    );
                }
            }
        }
    }
}
