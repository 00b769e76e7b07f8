//! From where an order came, as whoever took it in knows. Owns how that travels with the order; decides
//! nothing by it.

tokio::task_local! {
    static FROM: String;
}

/// Carries out what `work` does for somebody at `from`, such as `user 1000 on the socket`: every order
/// that it gives directly is put on record with that.
pub async fn coming_from<T>(from: String, work: impl Future<Output = T>) -> T {
    FROM.scope(from, work).await
}

/// From where the order comes that is being given; none where nobody said.
pub(crate) fn current() -> Option<String> {
    FROM.try_with(Clone::clone).ok()
}
