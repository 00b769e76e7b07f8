//! From where an order came, as whoever took it in knows, in which session and on what condition. Owns how that travels with
//! the order; decides nothing by it.

use std::sync::Arc;

use towpath_core::governing::MatrixSource;
use towpath_core::sessions::Session;
use towpath_core::trace_context::TraceContext;

use crate::conditions::Condition;

tokio::task_local! {
    static ORIGIN: Origin;
}

/// From where something is ordered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// In words, for the record; none where nobody said.
    pub(crate) from: Option<String>,
    /// The session of whoever signed in; none of anybody else.
    pub(crate) session: Option<Arc<Session>>,
    /// What must be as it was looked at.
    pub(crate) condition: Option<Arc<Condition>>,
    /// The span of a distributed trace that the order is part of.
    pub(crate) trace: Option<TraceContext>,
    /// The file that a matrix was made of which is ordered.
    pub(crate) written: Option<Arc<MatrixSource>>,
}

/// Carries out what `work` does for somebody at `from`, such as `user 1000 on the socket`: every order
/// that it gives directly is put on record with that.
pub async fn coming_from<T>(from: String, work: impl Future<Output = T>) -> T {
    let trace = current().trace;
    ORIGIN.scope(Origin { from: Some(from), trace, ..Origin::default() }, work).await
}

/// The same for somebody who acts in `session`: every order that it gives directly by
/// [`towpath_core::ids::Person::in_session`] is held against the rules of the session, and without this it
/// is refused.
pub async fn in_session<T>(from: String, session: Session, work: impl Future<Output = T>) -> T {
    let (session, trace) = (Some(Arc::new(session)), current().trace);
    ORIGIN.scope(Origin { from: Some(from), session, trace, ..Origin::default() }, work).await
}

/// Carries out what `work` does, from where it is done, under this condition.
pub(crate) async fn on_condition<T>(condition: Arc<Condition>, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(Origin { condition: Some(condition), ..current() }, work).await
}

/// Carries out what `work` does as part of this span: the promotions that it orders join its trace.
pub async fn traced<T>(trace: TraceContext, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(Origin { trace: Some(trace), ..current() }, work).await
}

/// Carries out what `work` does: a matrix that it orders was made of this file, which is kept with it.
pub async fn written_in<T>(source: MatrixSource, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(Origin { written: Some(Arc::new(source)), ..current() }, work).await
}

/// Carries `work` out elsewhere, such as in a task of its own, as if it were done here: what it orders comes from
/// where this came from.
pub fn from_here<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    ORIGIN.scope(current(), work)
}

/// From where the order comes that is being given.
pub(crate) fn current() -> Origin {
    ORIGIN.try_with(Clone::clone).unwrap_or_default()
}
