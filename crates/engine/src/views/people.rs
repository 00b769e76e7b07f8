//! Tokens, and what waits for whom, as clients see them. Shows no secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BlockerView;

/// A token, without its secret and without what is kept of that.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// What the journal calls it.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// As whom it acts.
    pub owner: String,
    /// Who created it.
    pub by: String,
    /// The token with which it was created; null: none.
    pub parent: Option<String>,
    /// What may be done by it, as `who_may` calls it; empty: looking.
    pub may: Vec<String>,
    /// Where; empty: everywhere.
    pub environments: Vec<String>,
    /// When it was created.
    pub created_at: String,
    /// When it ends by itself.
    pub expires_at: String,
    /// Whether it opens anything now.
    pub in_force: bool,
    /// When it ended before its time; null: it did not, or ended with its parent.
    pub ended_at: Option<String>,
    /// When it was last used, to the minute; null: never.
    pub last_used_at: Option<String>,
}

impl BlockerView {
    /// Says `you` in place of a name, where somebody reads it who is called that.
    pub fn call_you(&mut self, name: &str) {
        self.who.iter_mut().filter(|who| *who == name).for_each(|who| "you".clone_into(who));
    }
}

/// What waits for somebody.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaitingView {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Whoever asked, as the matrix names them; null: it does not.
    pub you: Option<String>,
    /// Each thing that waits.
    pub waiting: Vec<WaitView>,
}

/// One thing that waits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaitView {
    /// Whose lane: the service.
    pub service: String,
    /// Whose lane: the environment.
    pub environment: String,
    /// The promotion that waits; null: the lane itself.
    pub promotion: Option<u64>,
    /// Its release.
    pub release: Option<String>,
    /// What it waits for, and who can do something about it.
    pub blocker: BlockerView,
    /// Whether whoever asked can.
    pub mine: bool,
}

/// Whoever asks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct YouView {
    /// [`super::FORMAT`].
    pub format: u32,
    /// Whose journal it is, as signed words name it.
    pub project: String,
    /// The journal's own name, as signed words and checkpoints say it; null: nothing was written yet.
    #[serde(default)]
    pub journal: Option<String>,
    /// As the matrix names them; null: it does not.
    pub you: Option<String>,
    /// The public key by which they speak; null: they need none.
    pub key: Option<String>,
    /// What time it is for the engine.
    pub now: String,
}
