//! Prototype: cost of one outcome.
use towpath_guard::*;
fn main() {
    for (name, latency) in [("errors", vec![]), ("errors+latency", [50u8, 90, 99].map(|q| LatencyLimit::Factor(Quantile(q), 1.2)).to_vec())] {
        for fail in [1000u64, 100, 2] {
            let mut guard = Guard::new(Policy { error_rate: Some(0.05), warm_up_us: 0, latency: latency.clone(), alpha: 1e-300, ..Policy::default() }, Horizon::default(), 1);
            let n = 3_000_000u64;
            let start = std::time::Instant::now();
            for order in 1..=n {
                let green = order % 10 == 0;
                let h = order.wrapping_mul(0x9E3779B97F4A7C15) >> 40;
                let o = Outcome { order, arm: if green { Arm::Green } else { Arm::Blue }, green_probability: 0.1, status: if h % fail == 0 { StatusClass::ServerError } else { StatusClass::Success }, error: ErrorKind::None, latency_us: 1000 + (h % 100_000) as u32, assigned_us: order * 100, client: h, pinned: false };
                guard.observe(&o, order * 100 + 500);
            }
            println!("{name} 1 of {fail} fails: {:.1} ns", start.elapsed().as_nanos() as f64 / n as f64);
        }
    }
}
