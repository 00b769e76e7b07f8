//! What is kept of the reading of secrets: names and places, never a value or anything made from one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Person, PromotionNumber};
use crate::matrix::AdapterSpec;

/// Secrets that were read for a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecretsRead {
    /// The promotion whose instances get them.
    pub number: PromotionNumber,
    /// Who ordered it.
    pub by: Person,
    /// Where each was read, by the variable that it becomes.
    pub secrets: BTreeMap<String, AdapterSpec>,
}
