//! What the journal keeps of somebody's signing in and out. A fact alone; changes no state.

use serde::{Deserialize, Serialize};

use crate::ids::{Person, SessionId};

/// Something that became of a session. Nothing in it opens anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChange {
    /// Which.
    pub session: SessionId,
    /// Whose.
    pub person: Person,
    /// What became of it.
    pub became: SessionStep,
    /// By what: `password`, `link`, `mail` or `oidc` where it began, `code` or `oidc` where a second factor was shown,
    /// and why it ended.
    pub by: String,
    /// From where, such as `10.0.0.7`.
    pub from: String,
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionStep {
    /// Somebody signed in.
    Began,
    /// They showed a second factor.
    Strengthened,
    /// They signed out, or it was ended for them. One whose time passes just ends, and is no event.
    Ended,
}
