//! Figures that somebody else measures, and how much a router has to do. Measures nothing.

use serde::{Deserialize, Serialize};

/// A figure of a declared source, beside the limit at which it takes a release back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FigureView {
    /// What the matrix calls it.
    pub name: String,
    /// The name of its source.
    pub source: String,
    /// What is too much, as the matrix writes it.
    pub limit: String,
    /// For how long that must hold.
    pub held_for: String,
    /// The figure, as people read it; null where there is none.
    pub value: Option<String>,
    /// Whether it is too much now; null where nobody knows.
    pub over: Option<bool>,
    /// Why nobody knows.
    pub unknown: Option<String>,
    /// When it was measured.
    pub at: Option<String>,
}

/// How much a router has to do for a lane at this moment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LoadView {
    /// Requests under way.
    pub in_flight: u64,
    /// How many may be under way at once; those beyond it are turned away.
    pub most: u64,
    /// Copies that take visitors now.
    pub ready: u32,
    /// Copies that carry all of the traffic.
    pub capacity: u32,
}
