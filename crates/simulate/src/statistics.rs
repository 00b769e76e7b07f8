//! What many rollouts come to. Owns the intervals; simulates nothing.

/// Two-sided 95%: the 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95% interval of a share of `hits` among `count` (Wilson 1927), as shares.
pub fn wilson(hits: u64, count: u64) -> (f64, f64) {
    if count == 0 {
        return (0.0, 1.0);
    }
    let (hits, count) = (real(hits), real(count));
    let share = hits / count;
    let scale = 1.0 + Z * Z / count;
    let centre = share + Z * Z / (2.0 * count);
    let half = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

/// The mean; none of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / real(values.len() as u64))
}

/// The middle value, the upper one of two; none of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Relative entropy of two coins, in nats.
pub fn relative_entropy(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
}

#[expect(clippy::cast_precision_loss, reason = "counts of rollouts")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wilson's interval as R's `binom::binom.wilson` gives it.
    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = wilson(5, 4000);
        assert!(
            (low - 0.000_533_97).abs() < 1e-7 && (high - 0.002_923_27).abs() < 1e-6,
            "{low} {high}"
        );
        assert!(wilson(0, 300).0.abs() < 1e-12);
    }
}
