//! The few ways in which a simulation turns one kind of number into another. Owns what each conversion
//! takes for granted; computes nothing.

/// A count as a number to divide by. Counts of a rollout stay far below 2^52, from where on whole numbers
/// would be rounded.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// A count, rounded down. What is negative is 0, and what is larger than any count the largest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
pub(crate) fn whole(count: f64) -> u64 {
    count as u64
}

/// Seconds in microseconds, rounded down; see [`whole`].
pub(crate) fn micro(seconds: f64) -> u64 {
    whole(seconds * 1e6)
}

/// Microseconds in seconds.
pub(crate) fn seconds(microseconds: u64) -> f64 {
    real(microseconds) / 1e6
}

/// A probability with its first digits, as an outcome carries it.
#[expect(clippy::cast_possible_truncation, reason = "see above")]
pub(crate) fn narrow(probability: f64) -> f32 {
    probability as f32
}
