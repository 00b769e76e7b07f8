//! What many rollouts come to. Owns the intervals; simulates nothing.

use crate::numbers::real;

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

/// The mean with its 95% interval by the normal approximation: fit for 20 values and more; for fewer
/// than two the interval is the mean itself. None of nothing.
pub fn mean_interval(values: &[f64]) -> Option<(f64, (f64, f64))> {
    let mean = mean(values)?;
    let count = real(values.len() as u64);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let half = if values.len() < 2 { 0.0 } else { Z * (squares / (count - 1.0) / count).sqrt() };
    Some((mean, (mean - half, mean + half)))
}

/// The median with its 95% interval, whatever the values are distributed like: the values between
/// which the middle lies by the binomial distribution of ranks (Conover 1999, section 3.2, with the
/// normal approximation). None of nothing.
pub fn median_interval(values: &[f64]) -> Option<(f64, (f64, f64))> {
    let median = median(values)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (middle, half) =
        (real(sorted.len() as u64) / 2.0, Z * real(sorted.len() as u64).sqrt() / 2.0);
    let at = |rank: f64| sorted[index(rank).min(sorted.len() - 1)];
    Some((median, (at((middle - half).floor() - 1.0), at((middle + half).ceil()))))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among rollouts; below the first is the first"
)]
fn index(rank: f64) -> usize {
    rank.max(0.0) as usize
}

/// Relative entropy of two coins, in nats.
pub fn relative_entropy(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
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

    /// Of 1 to 100: standard deviation 29.011, and by the binomial distribution ranks 40 to 61.
    #[test]
    fn means_and_medians_have_their_intervals() {
        let values: Vec<f64> = (1..=100_u32).map(f64::from).collect();
        let (mean, (low, high)) = mean_interval(&values).expect("there are values");
        assert!((mean - 50.5).abs() < 1e-9 && (high - mean - 5.6861).abs() < 1e-3, "{high}");
        assert!((low + high - 2.0 * mean).abs() < 1e-9);
        assert_eq!(median_interval(&values), Some((51.0, (40.0, 61.0))));
        assert_eq!(median_interval(&[3.0]), Some((3.0, (3.0, 3.0))));
        assert!(mean_interval(&[]).is_none() && median_interval(&[]).is_none());
    }
}
