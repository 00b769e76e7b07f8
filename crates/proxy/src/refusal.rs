//! Why the proxy did not do what it was asked. Owns the kinds; carries no transport failure.

use serde::{Deserialize, Serialize};

/// A typed no. Whatever it says, the table is as it was before the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Somebody with a newer epoch owns the route: stop, you are no longer its owner.
    #[error("the route belongs to epoch {current}, which is newer")]
    StaleEpoch {
        /// The epoch that owns the route.
        current: u64,
    },
    /// The route is at a later revision of the same epoch: read it and think again.
    #[error("the route is already at revision {current}")]
    StaleRevision {
        /// The revision in force.
        current: u64,
    },
    /// The same epoch and revision were used for something else: take the next revision.
    #[error("revision {current} is already in force with another content")]
    RevisionReused {
        /// The revision in force.
        current: u64,
    },
    /// A newer owner must apply the route before it renews: epoch `current` is in force.
    #[error("epoch {current} is in force; apply the route before renewing it")]
    NotApplied {
        /// The epoch that owns the route.
        current: u64,
    },
    /// The lease is over; only an apply with a higher revision brings the weight back.
    #[error("the lease has lapsed; apply a higher revision to shift traffic again")]
    Lapsed,
    /// The guard found the candidate unhealthy: it gets no weight again, and does not become the
    /// default arm. Another deployment may.
    #[error("the guard found this deployment unhealthy")]
    Unhealthy,
    /// There is no candidate whose weight is lent.
    #[error("the route has no lease to renew")]
    NoLease,
    /// No route has this name.
    #[error("there is no route {name}")]
    UnknownRoute {
        /// The name asked for.
        name: String,
    },
    /// The request is not one that can be carried out: correct it.
    #[error("{reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// The address cannot be listened on: free it or choose another.
    #[error("cannot listen on {listen}: {reason}")]
    Listen {
        /// The address asked for.
        listen: String,
        /// What the system said.
        reason: String,
    },
    /// The certificate or its key cannot be used.
    #[error("certificate: {reason}")]
    Certificate {
        /// What is wrong with it, with the file's path.
        reason: String,
    },
    /// The table could not be saved, so it was not changed: make room and ask again.
    #[error("the table could not be saved, so nothing changed: {reason}")]
    NotSaved {
        /// What the system said.
        reason: String,
    },
    /// The proxy is ending.
    #[error("the proxy is shutting down")]
    ShuttingDown,
}

impl Refusal {
    /// An [`Refusal::Invalid`] with its reason.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }
}
