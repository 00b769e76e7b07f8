//! What the journal keeps of an engine that took over. Facts alone; decides nothing.

use serde::{Deserialize, Serialize};

use crate::ids::Epoch;

/// An engine took over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStart {
    /// From now on.
    pub epoch: Epoch,
    /// The program's version.
    pub program: String,
    /// Which words it asks for signed of whoever has a key ([`RULE`](crate::speaking::RULE)); 0: of a program that
    /// did not say so yet. In the first event it is part of the journal's name, which signed words state.
    #[serde(default, skip_serializing_if = "is_unsaid")]
    pub words: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference in")]
fn is_unsaid(words: &u32) -> bool {
    *words == 0
}
