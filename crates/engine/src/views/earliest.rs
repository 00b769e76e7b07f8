//! When something could start at the earliest, as clients see it. Finds nothing out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When something could start at the earliest.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EarliestView {
    /// Not before this moment; null where what must come first decides alone.
    pub at: Option<String>,
    /// What must come first and has no known time.
    pub after: Vec<String>,
}
